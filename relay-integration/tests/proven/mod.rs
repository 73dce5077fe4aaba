//! A block of the payments chain in its smallest tier, proven for real: keys and block are made once for a program of
//! tests, in seconds. Shared by the tests of the relay crates.

use std::sync::LazyLock;

use zkpov_circuits::{chains::chain_by_name, keys::SecretKey, runtime::Chain};
use zkpov_collator::{
    Collator,
    author::AuthorRequest,
    files,
    keystore::KeyStore,
    paths,
    relay_file::RelayFile,
    scene::{MIN_ACCOUNTS, Scene},
    setup,
};
use zkpov_prover::Options;
use zkpov_verifier::{
    block::ProvenBlock as Block,
    key::{KeyPolicy, PreparedKey},
    lane::TierId,
    relay::RelayContext,
    validate::message_to_sign,
};

/// The parachain's id.
pub(crate) const PARA_ID: u32 = 2000;

/// The relay parent of the block.
pub(crate) const RELAY: RelayContext =
    RelayContext { relay_parent_number: 100, relay_parent_storage_root: [9; 32] };

/// A block with everything that a validator needs to check it.
#[derive(Debug)]
pub(crate) struct ProvenBlock {
    /// The validity key, a development one.
    pub(crate) key: Vec<u8>,
    /// The parent head.
    pub(crate) parent_head: Vec<u8>,
    /// The proven block.
    pub(crate) block_data: Vec<u8>,
    /// The head that it makes.
    pub(crate) head: Vec<u8>,
    author: SecretKey,
}

impl ProvenBlock {
    /// The same block with these UMP signals: signed again by its author, with the proof that it has.
    pub(crate) fn with_signals(&self, signals: &[&[u8]]) -> Vec<u8> {
        let key = PreparedKey::decode(&self.key, KeyPolicy { allow_dev_setup: true }).expect("a key");
        let mut block = Block::decode(&self.block_data).expect("a block");
        block.scheduled.ump_signals = signals.iter().map(|signal| signal.to_vec()).collect();
        let message = message_to_sign(&self.parent_head, &RELAY, &key, &block.proven, &block.scheduled);
        block.signature = self.author.sign(message.expect("a statement"));
        block.encode()
    }
}

/// The first block of a payments chain, full.
pub(crate) fn block() -> &'static ProvenBlock {
    static BLOCK: LazyLock<ProvenBlock> = LazyLock::new(|| prove(smallest()));
    &BLOCK
}

fn chain() -> &'static dyn Chain {
    chain_by_name("payments").expect("it ships")
}

fn smallest() -> TierId {
    chain().tiers().first().expect("a chain has tiers").id
}

/// A full block of that tier.
pub(crate) fn prove(tier: TierId) -> ProvenBlock {
    let directory = tempfile::tempdir().expect("a directory");
    let scene = Scene::random(MIN_ACCOUNTS);
    let spec = scene.spec(chain()).expect("a scene of payments");
    let mut collator =
        Collator::create(directory.path(), chain(), PARA_ID, spec.as_bytes()).expect("a new chain");
    let identity = collator.info().identity;

    let (proving_key, tier_key) = setup::development_keys(chain(), tier, &Options::default()).expect("keys");
    let capacities: Vec<_> = tier_key.lanes.iter().map(|lane| lane.capacity).collect();
    proving_key.write(paths::proving_key(directory.path(), tier)).expect("written");
    let key = setup::validity_key(collator.info(), vec![tier_key]).encode();
    files::write_atomically(&paths::validity_key(directory.path()), &key).expect("written");
    let keys = KeyStore::open(directory.path(), &identity).expect("keys of this chain");

    let extrinsics = scene.extrinsics(chain(), &identity, &capacities).expect("signed");
    let request = AuthorRequest {
        extrinsics: &extrinsics,
        pending: false,
        relay: &RelayFile::blind(RELAY),
        author: scene.author(),
        keys: &keys,
        tier: Some(tier),
        upgrade: None,
    };
    let parent_head = {
        use zkpov_collator::db::ReadDatabase;
        collator.database().genesis().expect("a chain").head
    };
    let authored = collator.author(&request, &Options::default()).expect("a block");
    ProvenBlock {
        key,
        parent_head,
        block_data: authored.block.pov,
        head: authored.block.head,
        author: scene.author().clone(),
    }
}
