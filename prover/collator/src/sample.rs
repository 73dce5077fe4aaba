//! A new chain, its development keys and a block that fills a tier: what demonstrations tell step by step and
//! measurements take as given.
//!
//! ```text
//!   Scene ─► SampleChain::create ─► make_keys ─► signed ─► author ─► SampleBlock
//!            DIR/chain              DIR/keys                          the block by its proof, and with its witness
//! ```

use std::path::{Path, PathBuf};

use zkpov_circuits::{
    chains::payments,
    runtime::{BlockContext, Chain, Messages},
};
use zkpov_prover::{Options, ProvingKey};
use zkpov_verifier::{lane::TierId, relay::RelayContext, statement};

use crate::{
    author::{AuthorError, AuthorRequest, How, Made},
    chain::OpenError,
    collator::{Collator, CreateError},
    db::{BlockRecord, DbError, ReadDatabase},
    files::{self, FileError},
    keystore::KeyStore,
    paths,
    relay_file::RelayFile,
    scene::{self, Scene, SceneError},
    setup::{self, KeyGenerationError},
    witness_pov::{ReexecutionError, WitnessPov},
};

/// The para id of the sample chain: the first that a relay chain gives to anyone.
pub const PARA_ID: u32 = 2000;

/// The relay block that the block is made at, and its state root: any will do, nothing is read of it.
pub const RELAY: RelayContext =
    RelayContext { relay_parent_number: 1000, relay_parent_storage_root: [0x5a; 32] };

/// What went wrong on the way to a block.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// The chain could not be made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The chain could not be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its database could not be read.
    #[error(transparent)]
    Database(#[from] DbError),
    /// No keys were made.
    #[error(transparent)]
    Keys(#[from] KeyGenerationError),
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// No block was made.
    #[error(transparent)]
    Author(#[from] AuthorError),
    /// The chain had a block already.
    #[error("the sample chain has a block already; make it in a new directory")]
    NotNew,
    /// Nobody signed anything.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// The block could not be executed for its witness.
    #[error(transparent)]
    Witness(#[from] ReexecutionError),
}

/// A chain at its beginning, with everybody's secret keys.
#[derive(Debug)]
pub struct SampleChain {
    chain: &'static dyn Chain,
    tier: TierId,
    directory: PathBuf,
    scene: Scene,
    collator: Collator,
}

/// The first block of a sample chain.
#[derive(Debug)]
pub struct SampleBlock {
    /// Head data of the block before it.
    pub parent_head: Vec<u8>,
    /// What it saw of the relay chain.
    pub relay: RelayContext,
    /// The block.
    pub record: BlockRecord,
    /// How it was made.
    pub made: Made,
    /// What executing it again depends on beside the witness.
    pub context: BlockContext,
    /// The block as it would be without a proof; `None` on a chain that has no native code beside its circuits.
    pub witness: Option<WitnessPov>,
}

impl SampleChain {
    /// Makes the chain of `scene` in `directory`, for a block of `tier`.
    ///
    /// # Errors
    /// [`SampleError`].
    pub fn create(
        directory: &Path,
        chain: &'static dyn Chain,
        tier: TierId,
        scene: Scene,
    ) -> Result<Self, SampleError> {
        let spec = scene.spec(chain)?;
        let base = directory.join("chain");
        let collator = Collator::create(&base, chain, PARA_ID, spec.as_bytes())?;
        let genesis = collator.database().genesis()?;
        files::write_atomically(&directory.join("spec.json"), spec.as_bytes())?;
        files::write_atomically(&paths::genesis_head(&base), &genesis.head)?;
        Ok(Self { chain, tier, directory: directory.to_owned(), scene, collator })
    }

    /// The people with accounts.
    #[must_use]
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// The chain, open for writing.
    #[must_use]
    pub fn collator(&self) -> &Collator {
        &self.collator
    }

    /// Where its keys are, once they are made.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.directory.join("keys")
    }

    /// Makes and writes development keys for the tier: the proving key, and the bytes of the validity key.
    ///
    /// # Errors
    /// [`SampleError`].
    pub fn make_keys(&self, options: &Options<'_>) -> Result<(ProvingKey, Vec<u8>), SampleError> {
        let (proving_key, validity_key) =
            setup::write_development_keys(&self.keys(), self.collator.info(), self.tier, options)?;
        Ok((proving_key, validity_key.encode()))
    }

    /// Signed extrinsics, in SCALE, that fill the tier.
    ///
    /// # Errors
    /// [`SampleError::Scene`].
    pub fn signed(&self) -> Result<Vec<Vec<u8>>, SampleError> {
        let tier = self.chain.tiers().iter().find(|tier| tier.id == self.tier);
        let capacities: Vec<u32> =
            tier.iter().flat_map(|tier| &tier.lanes).map(|lane| lane.capacity).collect();
        Ok(self.scene.extrinsics(self.chain, &self.collator.info().identity, &capacities)?)
    }

    /// What a block must not take: see [`Scene::forged`].
    ///
    /// # Errors
    /// [`SampleError::Scene`].
    pub fn forged(&self, signed: &[Vec<u8>]) -> Result<Vec<(&'static str, Vec<u8>)>, SampleError> {
        Ok(self.scene.forged(self.chain, &self.collator.info().identity, signed)?)
    }

    /// The people and the chain apart.
    #[must_use]
    pub fn into_parts(self) -> (Scene, Collator) {
        (self.scene, self.collator)
    }

    /// Makes and proves the first block from these extrinsics, in SCALE, at [`RELAY`].
    ///
    /// # Errors
    /// [`SampleError`].
    pub fn author(
        &mut self,
        keys: &KeyStore,
        extrinsics: &[Vec<u8>],
        options: &Options<'_>,
    ) -> Result<SampleBlock, SampleError> {
        self.author_at(RELAY, keys, extrinsics, options)
    }

    /// The same at another relay parent.
    ///
    /// # Errors
    /// [`SampleError`].
    pub fn author_at(
        &mut self,
        relay: RelayContext,
        keys: &KeyStore,
        extrinsics: &[Vec<u8>],
        options: &Options<'_>,
    ) -> Result<SampleBlock, SampleError> {
        let (parent, parent_head) = (self.collator.parent()?, self.collator.database().tip()?.head);
        // What the block is executed on again: a snapshot.
        let parent_state = self.collator.database().state()?;
        let request = AuthorRequest {
            extrinsics,
            pending: false,
            upgrade: None,
            relay: &RelayFile::blind(relay),
            author: self.scene.author(),
            keys,
            tier: Some(self.tier),
        };
        let authored = self.collator.author(&request, options)?;
        let How::Made(made) = authored.how else { return Err(SampleError::NotNew) };
        let context = BlockContext {
            identity: self.collator.info().identity,
            parent,
            relay_parent_number: relay.relay_parent_number,
            author: scene::AUTHOR,
            author_key: self.scene.author().public_key(),
            context: statement::context(&parent.hash, &[]),
            upgrade: None,
            messages: Messages::default(),
            chain_keys: Vec::new(),
        };
        let included = made.included.iter().filter_map(|position| extrinsics.get(*position)).cloned();
        let witness = if self.chain.name() == payments().name() {
            Some(WitnessPov::build(&payments(), &parent_state, &context, included.collect())?)
        } else {
            None
        };
        Ok(SampleBlock { parent_head, relay, record: authored.block, made: *made, context, witness })
    }
}
