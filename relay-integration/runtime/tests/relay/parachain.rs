//! Parachains: shipped chains with a collator, its database, and keys that prove.
//!
//! ```text
//!   extrinsics ─┐                         ┌─ by the circuit: the collator's own authoring, seconds
//!   relay file ─┴─► the chain executes ─►─┤
//!                                         └─ by the secret of the set-up: the same block, in milliseconds
//! ```

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

use polkadot_primitives::{Hash, Id};
use polkadot_runtime_parachains::paras::Heads;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use zkpov_circuits::{
    chains::{chain_by_name, exchange_of, payments_of},
    keys::SecretKey,
    runtime::{AccountId, AccountView, Chain, Composition},
};
use zkpov_collator::{
    Collator,
    author::{AuthorError, AuthorRequest},
    db::{BlockRecord, ReadDatabase},
    files,
    keystore::KeyStore,
    messages, paths,
    relay_file::RelayFile,
    setup,
};
use zkpov_prover::Options;
use zkpov_verifier::{
    block::{Proven, ProvenBlock, Scheduled},
    exchange::outbound,
    head::Head,
    lane::TierId,
    statement,
    transfer::{InboxRecord, Transfer},
    xcm,
};

use crate::{
    chain::RelayChain,
    circuits::CircuitKeys,
    runtime::Runtime,
    validators::{Assignment, Candidate, candidate, commitments},
    view,
};

/// What everybody has at genesis.
pub(crate) const BALANCE: u64 = 1_000_000;
/// The least fee.
pub(crate) const FEE: u64 = 10;
/// Accounts of the genesis.
pub(crate) const PEOPLE: u8 = 4;
/// Those of them that may author.
const AUTHORS: [u8; 2] = [0, 3];
/// The last block number in which an extrinsic is valid: later than any test goes.
const EXPIRY: u32 = 1_000_000;
/// What the home of a token may send to another chain.
const ALLOWANCE: u64 = 1_000_000_000;
/// 32 bytes that are nobody's key.
pub(crate) const NOBODY: &str = "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

/// Levels of account trees of 16 places.
const FEW: usize = 2;
/// Levels of the asset tree of the `exchange` that ships.
const ASSET_LEVELS: usize = 2;

/// `payments` and `exchange` with few accounts: a tier each, with slots for every call that the tests make.
static SMALL: LazyLock<(Composition, Composition)> = LazyLock::new(|| {
    let payments = payments_of(FEW, vec![(16, vec![4, 1, 1, 2])]);
    let exchange = exchange_of(FEW, ASSET_LEVELS, vec![(17, vec![1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1])]);
    (payments, exchange)
});

/// A shipped chain.
fn shipped(name: &str) -> &'static dyn Chain {
    chain_by_name(name).expect("it ships")
}

/// Who has the account of that index.
pub(crate) fn person(index: u8) -> SecretKey {
    SecretKey::from_seed([index + 1; 32])
}

pub(crate) fn key_json(key: &SecretKey) -> Value {
    let [x, y] = key.public_key().coordinates();
    json!({ "x": x.to_string(), "y": y.to_string() })
}

fn spec(chain: &dyn Chain, pallets: Value) -> String {
    let accounts: Vec<_> = (0..PEOPLE)
        .map(|index| json!({ "key": key_json(&person(index)), "balance": BALANCE.to_string(), "may_author": AUTHORS.contains(&index) }))
        .collect();
    json!({
        "chain": chain.name(),
        "token": { "symbol": "TEST", "decimals": 3 },
        "parameters": { "existential_deposit": "1000", "minimum_fee": FEE.to_string(), "permissioned_authors": true },
        "accounts": accounts,
        "pallets": pallets,
    })
    .to_string()
}

/// The section of a spec for a chain that exchanges tokens with one other.
fn messaging(token: u32, peer: u32, allowance: u64) -> Value {
    json!({ "messaging": { "token": token, "peers": [{ "para": peer, "allowance": allowance.to_string() }] } })
}

/// What a block takes from other chains and sends to them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dealings {
    pub(crate) taken: Vec<InboxRecord>,
    pub(crate) sent: Vec<Transfer>,
}

/// A parachain, as one collator has it.
#[derive(Debug)]
pub(crate) struct Parachain {
    pub(crate) id: Id,
    /// The validity key, in bytes: the validation code.
    pub(crate) code: Vec<u8>,
    pub(crate) collator: Collator,
    keys: KeyStore,
    circuit: Arc<CircuitKeys>,
    author: u8,
    directory: TempDir,
}

impl Parachain {
    /// A collator of `payments` under this para id, at its genesis: the smallest tier, whose proofs take a second and which has no
    /// slots for messages.
    pub(crate) fn new(id: u32) -> Self {
        Self::of(id, shipped("payments"), TierId(16), json!({}))
    }

    /// `payments` under this para id, whose token goes to chain `peer` and comes home.
    pub(crate) fn home(id: u32, peer: u32) -> Self {
        Self::of(id, shipped("payments"), TierId(17), messaging(id, peer, 0))
    }

    /// `exchange` under this para id, with chain `home`'s token.
    pub(crate) fn away(id: u32, home: u32) -> Self {
        Self::of(id, shipped("exchange"), TierId(18), messaging(home, home, ALLOWANCE))
    }

    /// [`new`](Self::new), [`home`](Self::home) and [`away`](Self::away) with the same pallets and lanes over account trees of
    /// [`FEW`] places, of which every slot, used or not, hashes a path: for tests that author thousands of blocks.
    pub(crate) fn small(ids: [u32; 3]) -> [Self; 3] {
        let chains = LazyLock::force(&SMALL);
        let [home, away, alone] = ids;
        [
            Self::of(home, &chains.0, TierId(16), messaging(home, away, 0)),
            Self::of(away, &chains.1, TierId(17), messaging(home, home, ALLOWANCE)),
            Self::of(alone, &chains.0, TierId(16), json!({})),
        ]
    }

    /// A collator of that chain, at its genesis, which proves in this tier.
    pub(crate) fn of(id: u32, chain: &'static dyn Chain, tier: TierId, pallets: Value) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let base = directory.path().join("chain");
        let collator =
            Collator::create(&base, chain, id, spec(chain, pallets).as_bytes()).expect("a new chain");
        Self::with(directory, collator, tier, AUTHORS[0])
    }

    fn with(directory: TempDir, collator: Collator, tier: TierId, author: u8) -> Self {
        let info = *collator.info();
        let circuit = CircuitKeys::of(info.chain, tier);
        let code = setup::validity_key(&info, vec![circuit.tier.clone()]).encode();
        let own = directory.path().join(format!("keys-{}", info.identity.runtime_version));
        std::fs::create_dir(&own).expect("a new directory");
        files::write_atomically(&paths::validity_key(&own), &code).expect("written");
        link(&circuit.proving_key, &paths::proving_key(&own, tier));
        let keys = KeyStore::open(&own, &info.identity).expect("keys of this chain");
        Self { id: Id::from(info.identity.para_id), code, collator, keys, circuit, author, directory }
    }

    /// The same chain under another version of its state machine, to which it upgraded: the collator's new program, on its old database.
    pub(crate) fn upgraded(self, chain: &'static dyn Chain) -> Self {
        let Self { collator, directory, circuit, author, .. } = self;
        drop(collator);
        let collator = Collator::open_as(&directory.path().join("chain"), chain).expect("the same chain");
        Self::with(directory, collator, circuit.tier.tier, author)
    }

    /// The newest block of its database.
    pub(crate) fn tip(&self) -> BlockRecord {
        self.collator.database().tip().expect("a chain")
    }

    fn account(&self, account: u32) -> AccountView {
        let state = self.collator.database().state().expect("a state");
        let chain = self.collator.info().chain;
        chain.account(&state, AccountId::Index(account)).expect("readable").expect("an account")
    }

    /// What an account has.
    pub(crate) fn balance(&self, account: u32) -> u128 {
        self.account(account).balance
    }

    /// What all have.
    pub(crate) fn total(&self) -> u128 {
        (0..u32::from(PEOPLE)).map(|index| self.balance(index)).sum()
    }

    /// The next nonce of one of the people.
    pub(crate) fn nonce(&self, of: u8) -> u32 {
        self.account(of.into()).nonce
    }

    /// An extrinsic of one of the people, signed, in SCALE.
    pub(crate) fn signed(&self, from: u8, nonce: u32, call: &str, arguments: &Value) -> Vec<u8> {
        let mut fields = arguments.as_object().expect("an object").clone();
        let common: Map<String, Value> = [
            ("call", json!(call)),
            ("sender", json!(from)),
            ("nonce", json!(nonce)),
            ("expiry", json!(EXPIRY)),
            ("fee", json!(FEE.to_string())),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect();
        fields.extend(common);
        let info = self.collator.info();
        let signed = info.chain.sign_json(&info.identity, fields, &person(from)).expect("a call");
        info.chain.extrinsic_from_json(&signed.to_string()).expect("an extrinsic")
    }

    /// A transfer of `amount` from one of the people to another.
    pub(crate) fn transfer(&self, from: u8, nonce: u32, to: u8, amount: u64) -> Vec<u8> {
        let arguments = json!({ "amount": amount.to_string(), "receiver": key_json(&person(to)) });
        self.signed(from, nonce, "transfer", &arguments)
    }

    /// A transfer to whoever has this key on another chain: a key's coordinates, or 32 bytes.
    pub(crate) fn send(&self, from: u8, to: u32, amount: u64, recipient: &Value) -> Vec<u8> {
        let arguments =
            json!({ "destination": to, "amount": amount.to_string(), "recipient": recipient.clone() });
        self.signed(from, self.nonce(from), "send", &arguments)
    }

    /// Authors a block at this relay parent and proves it by its circuit, and makes a candidate of it.
    pub(crate) fn author(
        &mut self,
        relay: &RelayChain,
        relay_parent: Hash,
        assignment: &Assignment,
        extrinsics: &[Vec<u8>],
    ) -> Candidate {
        self.try_author(relay, relay_parent, assignment, extrinsics, None).expect("a block")
    }

    /// The same, for a block that may announce an upgrade.
    pub(crate) fn try_author(
        &mut self,
        relay: &RelayChain,
        relay_parent: Hash,
        assignment: &Assignment,
        extrinsics: &[Vec<u8>],
        upgrade: Option<&[u8]>,
    ) -> Result<Candidate, Box<AuthorError>> {
        let relay = self.sees(relay, relay_parent, assignment);
        let author = person(self.author);
        let request = AuthorRequest {
            extrinsics,
            pending: true,
            upgrade,
            relay: &relay,
            author: &author,
            keys: &self.keys,
            tier: Some(self.circuit.tier.tier),
        };
        let block = self.collator.author(&request, &Options::default()).map_err(Box::new)?.block;
        Ok(self.candidate(relay_parent, assignment, block.pov))
    }

    /// What its blocks see of the relay chain.
    fn sees(&self, relay: &RelayChain, relay_parent: Hash, assignment: &Assignment) -> RelayFile {
        assert_eq!(
            self.tip().head,
            assignment.data.parent_head.0,
            "the collator is where the relay chain is"
        );
        view::relay_file(relay, relay_parent, self.id, assignment)
    }

    fn candidate(&self, relay_parent: Hash, assignment: &Assignment, block_data: Vec<u8>) -> Candidate {
        let commitments = commitments(assignment, &self.code, &block_data).expect("a valid block");
        assert_eq!(commitments.head_data.0, self.tip().head);
        candidate(self.id, relay_parent, assignment, commitments, block_data)
    }

    /// Authors a block as [`author`](Self::author) does, but proves it by the secret of the set-up.
    pub(crate) fn simulate(
        &mut self,
        relay: &RelayChain,
        relay_parent: Hash,
        assignment: &Assignment,
        extrinsics: &[Vec<u8>],
    ) -> Candidate {
        let block_data = self.draft(relay, relay_parent, assignment, extrinsics).encode();
        let (key, seen) = (self.keys.validity_key(), RelayFile::blind(view::context(assignment)));
        self.collator.import(key, &seen, &block_data).expect("a valid block");
        self.candidate(relay_parent, assignment, block_data)
    }

    /// The block that [`simulate`](Self::simulate) makes, which no database has yet.
    pub(crate) fn draft(
        &self,
        relay: &RelayChain,
        relay_parent: Hash,
        assignment: &Assignment,
        extrinsics: &[Vec<u8>],
    ) -> ProvenBlock {
        let relay = &self.sees(relay, relay_parent, assignment);
        let info = self.collator.info();
        let state = self.collator.database().state().expect("a state");
        let head = Head::decode(&self.tip().head).expect("a head");
        let (parent, para) = (head.as_parent(), info.identity.para_id);
        let (intake, storage_proof) =
            messages::intake(para, info.messages, &head, relay).expect("the relay chain's own state");
        let author = person(self.author);
        let account = info.chain.account(&state, AccountId::Key(author.public_key())).expect("readable");
        let account = account.expect("an account");
        let context = info.block_context(parent, &relay.context, (account.index, account.key), &intake);
        let tier = Some(self.circuit.tier.tier);
        let execution = info.chain.execute(&state, &context, tier, extrinsics).expect("a block");
        let digest = execution.statement.digest();
        let proven = Proven {
            tier: execution.tier,
            used_slots: execution.used_slots,
            state_root: execution.state_root,
            author: account.index,
            author_key: account.key,
            body: execution.body,
            storage_proof,
            inbound: relay.inbound.clone(),
            outbound: outbound(para, &execution.outbox),
            upgrade: None,
            proof: self.circuit.simulate(digest).encode().to_vec(),
        };
        let scheduled = Scheduled::default();
        let message = statement::author_message(&parent.hash, digest, &scheduled.hash());
        ProvenBlock { proven, scheduled, signature: author.sign(message) }
    }

    /// What a candidate on this parent takes and sends, as validators read it.
    pub(crate) fn dealings(&self, assignment: &Assignment, block_data: &[u8]) -> Dealings {
        let (info, context) = (self.collator.info(), view::context(assignment));
        let parent = Head::decode(&assignment.data.parent_head.0).expect("a head");
        let proven = ProvenBlock::decode(block_data).expect("a block").proven;
        let para = info.identity.para_id;
        let intake = messages::taken(para, info.messages, &parent, &context, &proven).expect("valid");
        let sent = proven
            .outbound
            .horizontal
            .iter()
            .flat_map(|(to, data)| xcm::read_message(data, para, *to).expect("the template's bytes"));
        Dealings { sent: sent.collect(), taken: intake.records }
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

    /// The newest block of the database whose head was included in an ancestor of `best`, or the newest that is final.
    fn common(&self, relay: &RelayChain, best: Hash) -> u32 {
        let included = relay.ancestors(best).flat_map(|hash| relay.included(hash, self.id));
        let own = included.filter_map(|(number, head)| {
            (self.collator.database().head(number).expect("readable") == Some(head)).then_some(number)
        });
        let is_final = self.collator.database().finalized().expect("readable");
        own.max().unwrap_or(is_final)
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

/// The same proving key in another directory.
fn link(from: &Path, to: &Path) {
    let linked = std::fs::hard_link(from, to).or_else(|_| std::os::unix::fs::symlink(from, to));
    linked.expect("a key");
}
