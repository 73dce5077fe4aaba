//! A full block of the `payments` chain, in both forms: proven, and with its witness.

use std::path::Path;

use anyhow::{Context, ensure};
use zkpov_circuits::{
    chains::{Payments, chain_by_name},
    pallets::balances::{CallKind, Extrinsic},
    runtime::BlockContext,
};
use zkpov_collator::{
    Collator,
    author::{AuthorRequest, How},
    db::ReadDatabase,
    files,
    keystore::KeyStore,
    paths,
    relay_file::RelayFile,
    scene::{self, Scene},
    setup,
    witness_pov::WitnessPov,
};
use zkpov_prover::Options;
use zkpov_verifier::{lane::TierId, relay::RelayContext, statement};

/// The para id of the measured chain.
const PARA_ID: u32 = 2000;

/// The relay block that the block is made at.
const RELAY: RelayContext = RelayContext { relay_parent_number: 1000, relay_parent_storage_root: [0x5a; 32] };

/// A block that fills its tier, and what it takes to check it.
#[derive(Debug)]
pub struct ProvenSample {
    /// The chain.
    pub chain: Payments,
    /// The tier it fills.
    pub tier: TierId,
    /// Head data of the block before it.
    pub parent_head: Vec<u8>,
    /// What the validator sees of the relay chain.
    pub relay: RelayContext,
    /// The validity key's bytes.
    pub validity_key: Vec<u8>,
    /// The proven block.
    pub pov: Vec<u8>,
    /// What executing it again depends on beside the witness.
    pub context: BlockContext,
    /// The block as it would be without a proof.
    pub witness: WitnessPov,
}

impl ProvenSample {
    /// Makes a chain of `accounts` accounts in `directory`, development keys for `tier`, and a block that fills it:
    /// minutes for the largest tier.
    ///
    /// # Errors
    /// Whatever fails on the way.
    pub fn build(directory: &Path, tier: TierId, accounts: u32) -> anyhow::Result<Self> {
        let chain = chain_by_name("payments").context("the payments chain ships")?;
        let scene = Scene::random(accounts);
        let mut collator =
            Collator::create(&directory.join("chain"), chain, PARA_ID, scene.spec(chain.name()).as_bytes())?;
        let (proving_key, tier_key) = setup::development_keys(chain, tier, &Options::default())?;
        let lanes = tier_key.lanes.clone();
        let keys = directory.join("keys");
        std::fs::create_dir_all(&keys)?;
        proving_key.write(paths::proving_key(&keys, tier))?;
        drop(proving_key);
        let validity_key = setup::validity_key(collator.info().identity, vec![tier_key]).encode();
        files::write_atomically(&paths::validity_key(&keys), &validity_key)?;
        let keys = KeyStore::open(&keys, &collator.info().identity)?;

        let capacity =
            |kind| lanes.iter().find(|lane| lane.call == kind as u8).map_or(0, |lane| lane.capacity);
        let identity = collator.info().identity;
        let extrinsics: Vec<_> = scene
            .extrinsics(&identity, capacity(CallKind::Transfer), capacity(CallKind::Open))
            .iter()
            .map(Extrinsic::encode)
            .collect();
        let (parent, parent_head) = (collator.parent()?, collator.database().tip()?.head);
        let parent_state = collator.database().state()?;
        let request = AuthorRequest {
            extrinsics: &extrinsics,
            pending: false,
            relay: &RelayFile { context: RELAY },
            author: scene.author(),
            keys: &keys,
            tier: Some(tier),
        };
        let authored = collator.author(&request, &Options::default())?;
        let How::Made(made) = authored.how else { anyhow::bail!("a new chain has a block already") };
        ensure!(made.included.len() == extrinsics.len(), "the block does not hold every extrinsic");
        let context = BlockContext {
            identity,
            parent,
            relay_parent_number: RELAY.relay_parent_number,
            author: scene::AUTHOR,
            author_key: scene.author().public_key(),
            context: statement::context(&parent.hash, &[]),
        };
        let payments = Payments::default();
        let witness = WitnessPov::build(&payments, &parent_state, &context, tier, extrinsics)?;
        Ok(Self {
            chain: payments,
            tier,
            parent_head,
            relay: RELAY,
            validity_key,
            pov: authored.block.pov,
            context,
            witness,
        })
    }
}
