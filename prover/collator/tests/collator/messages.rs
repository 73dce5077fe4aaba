//! Two chains that exchange native tokens through a relay chain that only routes bytes, by the library, with real proofs.

use std::{path::Path, sync::LazyLock};

use serde_json::{Value, json};
use tempfile::TempDir;
use zkpov_circuits::{
    keys::SecretKey,
    runtime::{AccountId, AccountView},
};
use zkpov_collator::{
    Collator,
    author::{AuthorError, AuthorRequest, Authored},
    db::ReadDatabase,
    files,
    import::ImportError,
    keystore::KeyStore,
    paths,
    relay_file::RelayFile,
    setup,
};
use zkpov_prover::{Options, ProvingKey};
use zkpov_verifier::{
    block::ProvenBlock, key::TierKey, lane::TierId, testing::relay::TestRelay, validate::validate_block,
};

use crate::stage::{MINIMUM_FEE, call, chain, key_json, person, spec};

const HOME: u32 = 2000;
const AWAY: u32 = 2001;

/// The smallest tier with slots for messages.
const TIER: TierId = TierId(17);

/// What the home may send.
const ALLOWANCE: u128 = 500_000;

/// Keys of the tier, made once: the circuit is that of both chains.
static KEYS: LazyLock<(TempDir, TierKey)> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory");
    let (proving_key, tier_key) = setup::development_keys(chain(), TIER, &Options::default()).expect("keys");
    proving_key.write(paths::proving_key(directory.path(), TIER)).expect("written");
    (directory, tier_key)
});

/// A chain as two collators have it: one authors, the other imports.
struct Side {
    para: u32,
    author: Collator,
    importer: Collator,
    keys: KeyStore,
    _directory: TempDir,
}

impl Side {
    fn new(para: u32) -> Self {
        let (peer, allowance) = if para == HOME { (AWAY, 0) } else { (HOME, ALLOWANCE) };
        let mut spec: Value = serde_json::from_str(&spec()).expect("json");
        let peers = json!([{ "para": peer, "allowance": allowance.to_string() }]);
        spec["pallets"] = json!({ "messaging": { "token": HOME, "peers": peers } });
        let directory = tempfile::tempdir().expect("a directory");
        let create = |name: &str| {
            Collator::create(&directory.path().join(name), chain(), para, spec.to_string().as_bytes())
                .expect("a new chain")
        };
        let (author, importer) = (create("author"), create("importer"));
        let keys = directory.path().join("keys");
        std::fs::create_dir(&keys).expect("a new directory");
        let (proving, tier_key) = &*KEYS;
        link(&paths::proving_key(proving.path(), TIER), &paths::proving_key(&keys, TIER));
        let validity_key = setup::validity_key(author.info(), vec![tier_key.clone()]).encode();
        files::write_atomically(&paths::validity_key(&keys), &validity_key).expect("written");
        let keys = KeyStore::open(&keys, &author.info().identity).expect("keys of this chain");
        Self { para, author, importer, keys, _directory: directory }
    }

    fn relay_file(&self, relay: &TestRelay) -> RelayFile {
        RelayFile {
            context: relay.context(),
            storage_proof: relay.storage_proof(self.para),
            inbound: relay.inbound(self.para, u32::MAX),
        }
    }

    fn request(&mut self, relay: &RelayFile, extrinsics: &[Vec<u8>]) -> Result<Authored, AuthorError> {
        let request = AuthorRequest {
            extrinsics,
            pending: false,
            upgrade: None,
            relay,
            author: &person(0),
            keys: &self.keys,
            tier: None,
        };
        self.author.author(&request, &Options::default())
    }

    /// The next block, on the next relay block, with all that waits, imported by the other collator and included by the relay chain.
    fn block(&mut self, relay: &mut TestRelay, extrinsics: &[Vec<u8>]) -> ProvenBlock {
        relay.number += 1;
        let file = self.relay_file(relay);
        let parent = self.author.database().tip().expect("a tip").head;
        let block = self.request(&file, extrinsics).expect("a block").block;
        let key = self.keys.validity_key();
        let transition = validate_block(&parent, &file.context, key, &block.pov).expect("valid");
        // Whoever imports has the relay parent's number and root, and the block.
        let imported = self.importer.import(key, &RelayFile::blind(file.context), &block.pov).expect("valid");
        assert_eq!(imported.block.head, block.head);
        assert_eq!(state_of(&self.author), state_of(&self.importer));
        relay.include(self.para, &transition);
        ProvenBlock::decode(&block.pov).expect("a block")
    }

    fn account(&self, key: &SecretKey) -> Option<AccountView> {
        let state = self.importer.database().state().expect("a state");
        chain().account(&state, AccountId::Key(key.public_key())).expect("a state")
    }

    fn balance(&self, key: &SecretKey) -> u128 {
        self.account(key).expect("an account").balance
    }

    fn send(&self, from: &SecretKey, destination: u32, amount: u64, recipient: Value) -> Vec<u8> {
        let account = self.account(from).expect("an account");
        let arguments =
            json!({ "destination": destination, "amount": amount.to_string(), "recipient": recipient });
        call(&self.author, (from, account.index), account.nonce, "send", &arguments)
    }
}

/// The same proving key in another directory.
fn link(from: &Path, to: &Path) {
    std::fs::hard_link(from, to).or_else(|_| std::fs::copy(from, to).map(drop)).expect("a key");
    assert!(ProvingKey::open(to).is_ok());
}

fn state_of(collator: &Collator) -> Vec<(Vec<u8>, Vec<u8>)> {
    let state = collator.database().state().expect("a state");
    state.entries().expect("entries").map(Result::unwrap).collect()
}

#[test]
fn tokens_go_to_another_chain_and_come_home_and_what_is_refused_comes_back() {
    let mut relay = TestRelay::new();
    relay.open(HOME, AWAY, 4, 8192);
    relay.open(AWAY, HOME, 4, 8192);
    let (mut home, mut away) = (Side::new(HOME), Side::new(AWAY));
    let (alice, bob, new) = (person(1), person(2), person(77));
    let begin = home.balance(&alice);
    let fee = u128::from(MINIMUM_FEE);

    // 5,000 to somebody who has no account there, and 40 to nobody.
    let sends = [
        home.send(&alice, AWAY, 5_000, key_json(&new)),
        home.send(&bob, AWAY, 40, json!(format!("0x{}", "ff".repeat(32)))),
    ];
    let bob_begins = home.balance(&bob);
    let sent = home.block(&mut relay, &sends);
    assert_eq!((sent.proven.tier, sent.proven.outbound.horizontal.len()), (TIER, 1));
    assert_eq!(home.balance(&alice), begin - 5_000 - fee);

    // A message altered on the way, dropped, or doubled is not taken.
    relay.number += 1;
    let honest = away.relay_file(&relay);
    let mut altered = honest.clone();
    altered.inbound.horizontal[0].messages[0].data[9] ^= 1;
    let mut dropped = honest.clone();
    dropped.inbound.horizontal.clear();
    let mut doubled = honest.clone();
    let message = doubled.inbound.horizontal[0].messages[0].clone();
    doubled.inbound.horizontal[0].messages.push(message);
    let mut unproven = honest.clone();
    unproven.storage_proof.clear();
    for file in [altered, dropped, doubled, unproven] {
        assert!(matches!(away.request(&file, &[]), Err(AuthorError::Relay(_))));
    }
    // The proof's nodes may come in any order.
    let shuffled =
        RelayFile { storage_proof: honest.storage_proof.iter().rev().cloned().collect(), ..honest };
    assert!(
        zkpov_collator::messages::intake(
            AWAY,
            away.author.info().messages,
            &zkpov_verifier::head::Head::decode(&away.author.database().tip().expect("a tip").head)
                .expect("a head"),
            &shuffled
        )
        .is_ok()
    );

    // One slot a block: the account is opened, then the refund leaves.
    let taken = away.block(&mut relay, &[]);
    assert_eq!(taken.proven.used_slots[..4], [0, 0, 1, 0]);
    assert_eq!(away.balance(&new), 5_000);
    let refused = away.block(&mut relay, &[]);
    assert_eq!(refused.proven.outbound.horizontal.len(), 1);
    home.block(&mut relay, &[]);
    assert_eq!(home.balance(&bob), bob_begins - fee);

    // And home again.
    let back = away.send(&new, HOME, 2_000, key_json(&alice));
    away.block(&mut relay, &[back]);
    home.block(&mut relay, &[]);
    assert_eq!(home.balance(&alice), begin - 3_000 - fee);
    assert_eq!(away.balance(&new), 3_000 - fee);
}

#[test]
fn a_block_whose_messages_were_changed_is_not_imported() {
    let mut relay = TestRelay::new();
    relay.open(HOME, AWAY, 4, 8192);
    relay.open(AWAY, HOME, 4, 8192);
    let mut home = Side::new(HOME);
    relay.number += 1;
    let file = home.relay_file(&relay);
    let send = home.send(&person(1), AWAY, 5_000, key_json(&person(77)));
    let pov = home.request(&file, &[send]).expect("a block").block.pov;
    let mut block = ProvenBlock::decode(&pov).expect("a block");
    let (recipient, data) = block.proven.outbound.horizontal[0].clone();
    block.proven.outbound.horizontal.clear();
    let key = home.keys.validity_key();
    let dropped = block.encode();
    let mut altered = data;
    // A bit of the recipient.
    let last = altered.len() - 60;
    altered[last] ^= 1;
    block.proven.outbound.horizontal.push((recipient, altered));
    for pov in [dropped, block.encode()] {
        let error = home.importer.import(key, &file, &pov).expect_err("not what was proven");
        assert!(matches!(error, ImportError::Invalid(_)), "{error}");
    }
    home.importer.import(key, &file, &pov).expect("the block itself");
}
