//! Parachains: chains of `payments` with a collator, its database, and keys that prove.

use std::{path::Path, sync::LazyLock};

use polkadot_primitives::{Hash, Id};
use polkadot_runtime_parachains::paras::Heads;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use zkpov_circuits::{
    chains::chain_by_name,
    keys::SecretKey,
    runtime::{AccountId, Chain},
};
use zkpov_collator::{
    Collator,
    author::AuthorRequest,
    db::{BlockRecord, ReadDatabase},
    files,
    keystore::KeyStore,
    paths,
    relay_file::RelayFile,
    setup,
};
use zkpov_prover::Options;
use zkpov_verifier::{head::Head, key::TierKey, lane::TierId, relay::RelayContext};

use crate::{
    chain::RelayChain,
    runtime::Runtime,
    validators::{Assignment, Candidate, candidate, commitments},
};

/// What everybody has at genesis.
pub(crate) const BALANCE: u64 = 1_000_000;
/// The least fee.
pub(crate) const FEE: u64 = 10;
/// Accounts of the genesis.
pub(crate) const PEOPLE: u8 = 4;
/// Those of them that may author.
const AUTHORS: [u8; 2] = [0, 3];

fn payments() -> &'static dyn Chain {
    chain_by_name("payments").expect("it ships")
}

/// The smallest tier: its proofs take a second.
fn tiny() -> TierId {
    payments().tiers().first().expect("a chain has tiers").id
}

/// Who has the account of that index.
fn person(index: u8) -> SecretKey {
    SecretKey::from_seed([index + 1; 32])
}

fn key_json(key: &SecretKey) -> Value {
    let [x, y] = key.public_key().coordinates();
    json!({ "x": x.to_string(), "y": y.to_string() })
}

fn spec() -> String {
    let accounts: Vec<_> = (0..PEOPLE)
        .map(|index| json!({ "key": key_json(&person(index)), "balance": BALANCE.to_string(), "may_author": AUTHORS.contains(&index) }))
        .collect();
    json!({
        "chain": "payments",
        "token": { "symbol": "TEST", "decimals": 3 },
        "parameters": { "existential_deposit": "1000", "minimum_fee": FEE.to_string(), "permissioned_authors": true },
        "accounts": accounts,
    })
    .to_string()
}

/// The proving key of the circuit, made once for all chains of all tests, and its half of a validity key.
fn circuit_keys() -> &'static (TempDir, TierKey) {
    static KEYS: LazyLock<(TempDir, TierKey)> = LazyLock::new(|| {
        let directory = tempfile::tempdir().expect("a directory");
        let (proving_key, tier_key) =
            setup::development_keys(payments(), tiny(), &Options::default()).expect("keys");
        proving_key.write(paths::proving_key(directory.path(), tiny())).expect("written");
        (directory, tier_key)
    });
    &KEYS
}

/// A parachain, as one collator has it.
#[derive(Debug)]
pub(crate) struct Parachain {
    pub(crate) id: Id,
    /// The validity key, in bytes: the validation code.
    pub(crate) code: Vec<u8>,
    pub(crate) collator: Collator,
    keys: KeyStore,
    author: u8,
    _directory: TempDir,
}

impl Parachain {
    /// A collator of the chain of this para id, at its genesis.
    pub(crate) fn new(id: u32) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let base = directory.path().join("chain");
        let collator = Collator::create(&base, payments(), id, spec().as_bytes()).expect("a new chain");
        let (shared, tier_key) = circuit_keys();
        let code = setup::validity_key(collator.info(), vec![tier_key.clone()]).encode();
        let keys = Self::key_store(directory.path(), shared.path(), &code, &collator);
        Self { id: Id::from(id), code, collator, keys, author: AUTHORS[0], _directory: directory }
    }

    fn key_store(directory: &Path, shared: &Path, code: &[u8], collator: &Collator) -> KeyStore {
        let own = directory.join("keys");
        std::fs::create_dir(&own).expect("a new directory");
        files::write_atomically(&paths::validity_key(&own), code).expect("written");
        std::fs::hard_link(paths::proving_key(shared, tiny()), paths::proving_key(&own, tiny()))
            .expect("linked");
        KeyStore::open(&own, &collator.info().identity).expect("keys of this chain")
    }

    /// The newest block of its database.
    pub(crate) fn tip(&self) -> BlockRecord {
        self.collator.database().tip().expect("a chain")
    }

    /// What an account has.
    pub(crate) fn balance(&self, account: u32) -> u128 {
        let state = self.collator.database().state().expect("a state");
        let chain = self.collator.info().chain;
        chain.account(&state, AccountId::Index(account)).expect("readable").expect("an account").balance
    }

    /// A signed transfer of `amount` from one of the people to another, in SCALE.
    pub(crate) fn transfer(&self, from: u8, nonce: u32, to: u8, amount: u64) -> Vec<u8> {
        let fields = json!({
            "call": "transfer", "sender": from, "nonce": nonce, "expiry": 1_000_000, "fee": FEE.to_string(),
            "amount": amount.to_string(), "receiver": key_json(&person(to)),
        });
        let unsigned: Map<String, Value> = fields.as_object().expect("an object").clone();
        let signed =
            payments().sign_json(&self.collator.info().identity, unsigned, &person(from)).expect("a call");
        payments().extrinsic_from_json(&signed.to_string()).expect("an extrinsic")
    }

    /// Authors and proves a block at this relay parent, and makes a candidate of it.
    pub(crate) fn author(
        &mut self,
        relay_parent: Hash,
        assignment: &Assignment,
        extrinsics: &[Vec<u8>],
    ) -> Candidate {
        let relay = RelayFile::blind(RelayContext {
            relay_parent_number: assignment.data.relay_parent_number,
            relay_parent_storage_root: assignment.data.relay_parent_storage_root.0,
        });
        let author = person(self.author);
        let request = AuthorRequest {
            extrinsics,
            pending: true,
            upgrade: None,
            relay: &relay,
            author: &author,
            keys: &self.keys,
            tier: Some(tiny()),
        };
        assert_eq!(
            self.tip().head,
            assignment.data.parent_head.0,
            "the collator is where the relay chain is"
        );
        let block = self.collator.author(&request, &Options::default()).expect("a block").block;
        let commitments = commitments(assignment, &self.code, &block.pov).expect("a valid block");
        assert_eq!(commitments.head_data.0, block.head);
        candidate(self.id, relay_parent, assignment, commitments, block.pov)
    }

    /// From now on the person of this index authors.
    pub(crate) fn author_as(&mut self, author: u8) {
        assert!(AUTHORS.contains(&author));
        self.author = author;
    }

    /// What a collator does when its relay node has a new best block: its database goes back to the newest block that it has of
    /// this branch, backed or included.
    pub(crate) fn follow(&mut self, relay: &RelayChain, best: Hash) {
        let head = relay.head_with_pending(best, self.id);
        let number = Head::decode(&head).expect("a head").number;
        let own = self.collator.database().head(number).expect("readable");
        let common = if own.as_ref() == Some(&head) { number } else { self.common(relay, best) };
        if common < self.tip().number {
            self.collator.rollback(common).expect("not final");
        }
    }

    /// The newest block of the database whose head was included in an ancestor of `best`.
    fn common(&self, relay: &RelayChain, best: Hash) -> u32 {
        let included = relay.ancestors(best).flat_map(|hash| relay.included(hash, self.id));
        let own = included.filter_map(|(number, head)| {
            (self.collator.database().head(number).expect("readable") == Some(head)).then_some(number)
        });
        own.max().unwrap_or(0)
    }

    /// Imports what was included on the way to `best` and the database does not have, from what validators keep available.
    pub(crate) fn import_candidates(&mut self, relay: &RelayChain, best: Hash) {
        self.follow(relay, best);
        let mut blocks: Vec<_> =
            relay.ancestors(best).flat_map(|hash| relay.included(hash, self.id)).collect();
        blocks.sort_by_key(|(number, _)| *number);
        for (number, head) in blocks {
            if number <= self.tip().number {
                continue;
            }
            let (context, block_data) = relay.available(&head);
            let key = self.keys.validity_key();
            let imported = self.collator.import(key, &RelayFile::blind(*context), block_data).expect("valid");
            assert_eq!(imported.block.head, head);
        }
    }

    /// What a collator does when its relay node has finalised a block: what that block's state has as head is final.
    pub(crate) fn finalised(&mut self, relay: &RelayChain, finalised: Hash) {
        let head = relay.at(finalised, || Heads::<Runtime>::get(self.id)).expect("on board").0;
        let number = Head::decode(&head).expect("a head").number;
        assert_eq!(self.collator.database().head(number).expect("readable"), Some(head));
        self.collator.finalize(number).expect("not below what is final");
    }
}
