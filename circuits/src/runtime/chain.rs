//! What a collator needs of a chain, whatever its pallets are.

use std::{any::Any, sync::Arc};

use ark_relations::gr1cs::{self, ConstraintSystemRef};
use serde_json::{Map, Value};
use zkpov_verifier::{
    body::{BodyFormat, full_bytes},
    eddsa::PublicKey,
    field::Fr,
    head::ParentHead,
    lane::{Lane, TierId},
    message::MessageFormat,
    statement::{ChainIdentity, Statement},
    transfer::OutboxRecord,
};

use super::{messages::Messages, privacy::Secret};
use crate::{
    keys::SecretKey,
    state::{ChangeSet, MerkleProof, StateError, StateReader},
};

/// A parachain's state machine: its genesis, its extrinsics, the native execution of a block and
/// the circuit that proves it.
pub trait Chain: Send + Sync + core::fmt::Debug {
    /// The name by which a chain spec and the command line call it.
    fn name(&self) -> &'static str;

    /// Version of the state machine; another one is another circuit.
    fn runtime_version(&self) -> u32;

    /// Version of the signed format of extrinsics; a signature under one is void under another.
    fn transaction_version(&self) -> u32;

    /// The native token, where the chain spec names no other.
    fn token(&self) -> Token;

    /// Who can read the bodies.
    fn body_format(&self) -> BodyFormat;

    /// The capacity tiers, smallest first.
    fn tiers(&self) -> &[Tier];

    /// What a chain of this spec makes of messages: its validity key says it.
    fn messages(&self, spec_json: &str) -> Result<MessageFormat, SpecError>;

    /// The first state, from a chain spec in JSON.
    fn genesis(&self, spec_json: &str) -> Result<Genesis, SpecError>;

    /// One line of an extrinsics file as SCALE bytes. The signature is decoded and not yet checked.
    fn extrinsic_from_json(&self, line: &str) -> Result<Vec<u8>, ExtrinsicError>;

    /// The inverse of [`extrinsic_from_json`](Self::extrinsic_from_json).
    fn extrinsic_to_json(&self, bytes: &[u8]) -> Result<Value, ExtrinsicError>;

    /// Completes an extrinsic that lacks its signature, given as the JSON object that
    /// [`extrinsic_from_json`](Self::extrinsic_from_json) reads, by signing it with `key`.
    fn sign_json(
        &self,
        identity: &ChainIdentity,
        unsigned: Map<String, Value>,
        key: &SecretKey,
    ) -> Result<Value, ExtrinsicError>;

    /// The name of a call kind, as extrinsics have it; `None` for a kind the chain does not have.
    fn call_name(&self, call: u8) -> Option<&'static str>;

    /// Executes a block natively: checks the extrinsics and takes those that fit, in the given tier
    /// or in the smallest that holds them all.
    fn execute(
        &self,
        state: &dyn StateReader,
        context: &BlockContext,
        tier: Option<TierId>,
        extrinsics: &[Vec<u8>],
    ) -> Result<Execution, ExecutionError>;

    /// Rebuilds the state after a block from its body. The block's proof stands for everything that
    /// a body does not say, signatures first: apply only what was verified.
    fn apply(
        &self,
        state: &dyn StateReader,
        context: &BlockContext,
        tier: TierId,
        used_slots: &[u32],
        body: &[u8],
    ) -> Result<Applied, ApplyError>;

    /// Builds the circuit of a tier in `cs`: with a witness for a proof, without one for its shape.
    fn synthesize(
        &self,
        tier: TierId,
        witness: Option<&BlockWitness>,
        cs: ConstraintSystemRef<Fr>,
    ) -> gr1cs::Result<()>;

    /// What one more slot of each call kind costs. Builds circuits: takes seconds.
    fn call_weights(&self) -> gr1cs::Result<Vec<CallWeight>>;

    /// Where the constraints of one more slot of a call kind stand, by namespace without numbers, the most first; of what stands in a
    /// namespace within another the inner one has all. Numbers are averages: a hash is shared by several slots. Builds circuits.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::ArityMismatch`](gr1cs::SynthesisError::ArityMismatch) for a kind that the chain does not have.
    fn call_breakdown(&self, call: u8) -> gr1cs::Result<Vec<(String, f64)>>;

    /// Checks of an extrinsic what can be checked without executing it: that it decodes, has a sender in this state and
    /// carries its signature. Whose turn it is, fee and expiry are the caller's to compare.
    fn check_extrinsic(
        &self,
        state: &dyn StateReader,
        identity: &ChainIdentity,
        extrinsic: &[u8],
    ) -> Result<Result<CheckedExtrinsic, Refusal>, StateError>;

    /// The nonce that the next extrinsic of an account must carry; `None` if there is no such account.
    fn next_nonce(&self, state: &dyn StateReader, account: u32) -> Result<Option<u32>, StateError>;

    /// Looks an account up.
    fn account(&self, state: &dyn StateReader, who: AccountId) -> Result<Option<AccountView>, StateError>;
}

/// An extrinsic whose form, sender and signature are right, and what the rest of its validity depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedExtrinsic {
    /// The call's kind.
    pub call: u8,
    /// Index of the paying account.
    pub sender: u32,
    /// Its nonce.
    pub nonce: u32,
    /// The last block number in which it is valid.
    pub expiry: u32,
    /// What the block's author gets.
    pub fee: u64,
    /// The sender's next nonce.
    pub next_nonce: u32,
    /// The least fee that the chain takes.
    pub minimum_fee: u64,
}

/// A token's name and unit.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Ticker symbol.
    pub symbol: String,
    /// Balances are integers of `10^-decimals` tokens.
    pub decimals: u8,
}

/// A capacity tier of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Base-2 logarithm of the circuit's evaluation domain.
    pub id: TierId,
    /// The lanes, in the order of execution.
    pub lanes: Vec<Lane>,
    /// Most bytes of a body: all slots used.
    pub body_limit: u32,
}

impl Tier {
    /// A tier with these lanes, whose body limit follows from them.
    pub fn new(id: TierId, bodies: BodyFormat, lanes: Vec<Lane>) -> Self {
        let bytes = full_bytes(bodies, &lanes).and_then(|bytes| u32::try_from(bytes).ok());
        Self { id, lanes, body_limit: bytes.unwrap_or(u32::MAX) }
    }
}

/// What a slot of a call kind costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallWeight {
    /// The call kind.
    pub call: u8,
    /// Its name.
    pub name: &'static str,
    /// Constraints of one more slot, all included.
    pub constraints: usize,
}

/// A chain's first state.
#[derive(Clone, Debug)]
pub struct Genesis {
    /// Every key of the state.
    pub changes: ChangeSet,
    /// Its root.
    pub state_root: Fr,
    /// The native token.
    pub token: Token,
    /// How many accounts it opens.
    pub accounts: u32,
}

/// What a block's execution depends on beside the state and the extrinsics.
#[derive(Clone, Debug)]
pub struct BlockContext {
    /// The chain, as its validity key names it.
    pub identity: ChainIdentity,
    /// The block before this one.
    pub parent: ParentHead,
    /// Number of the relay-chain block that this one is built on.
    pub relay_parent_number: u32,
    /// Index of the author's account.
    pub author: u32,
    /// The author's key, which that account must hold.
    pub author_key: PublicKey,
    /// What the candidate rests on and the circuit does not compute: the statement's context hash.
    pub context: [u8; 32],
    /// blake2b-256 of the validation code that the author has at hand and the relay chain allows now. Calls that name another one, or one where
    /// there is none, wait. Who applies a body asks nothing of it.
    pub upgrade: Option<[u8; 32]>,
    /// What arrives from other chains and how much may be sent to them.
    pub messages: Messages,
    /// Chain keys that a collator of a private chain has beside the one in the state: the one that is to follow is looked for among them.
    pub chain_keys: Vec<Secret>,
}

/// An executed block, ready to be proven.
#[derive(Debug)]
pub struct Execution {
    /// The tier whose lanes hold it.
    pub tier: TierId,
    /// Used slots of each lane.
    pub used_slots: Vec<u32>,
    /// The body's bytes.
    pub body: Vec<u8>,
    /// Positions of the extrinsics in the block, in the order of execution.
    pub included: Vec<usize>,
    /// Positions of the extrinsics that can never be valid on this state, and why.
    pub refused: Vec<(usize, Refusal)>,
    /// Positions of the extrinsics that a later block can take: no slot left, or their turn comes
    /// after an extrinsic that this block executes last or not at all.
    pub deferred: Vec<usize>,
    /// State root after the block.
    pub state_root: Fr,
    /// What the block changes in the state.
    pub changes: ChangeSet,
    /// What the block sends to other chains, in the order of sequence numbers.
    pub outbox: Vec<OutboxRecord>,
    /// The statement whose digest is the circuit's public input.
    pub statement: Statement,
    /// What the circuit is given.
    pub witness: BlockWitness,
}

/// The state after a block that was rebuilt from its body.
#[derive(Clone, Debug)]
pub struct Applied {
    /// State root after the block.
    pub state_root: Fr,
    /// What the block changes in the state.
    pub changes: ChangeSet,
}

/// What a chain's circuit is given for a block, in a form that only the chain knows.
pub struct BlockWitness(Box<dyn Any + Send + Sync>);

impl core::fmt::Debug for BlockWitness {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("BlockWitness")
    }
}

impl BlockWitness {
    /// Wraps a chain's own witness.
    pub fn new<W: Any + Send + Sync>(witness: W) -> Self {
        Self(Box::new(witness))
    }

    /// The witness, if it is of the kind that the caller's chain makes.
    pub fn get<W: Any>(&self) -> Option<&W> {
        self.0.downcast_ref()
    }
}

/// How an account is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountId {
    /// By its place.
    Index(u32),
    /// By its key.
    Key(PublicKey),
}

/// An account, as its owner sees it.
#[derive(Clone, Debug)]
pub struct AccountView {
    /// Its place.
    pub index: u32,
    /// Its key.
    pub key: PublicKey,
    /// The nonce that its next extrinsic must carry.
    pub nonce: u32,
    /// Everything it holds.
    pub balance: u128,
    /// What of the balance can leave: all but the existential deposit.
    pub transferable: u128,
    /// Whether it may author where authors are permissioned.
    pub may_author: bool,
    /// That the state holds it.
    pub proof: MerkleProof,
}

/// Why a chain spec was refused.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// Not the JSON of a chain spec.
    #[error("the chain spec cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// The spec is another chain's.
    #[error("the chain spec is for chain `{found}`, not `{expected}`")]
    OtherChain {
        /// The chain that was asked.
        expected: &'static str,
        /// The chain that the spec names.
        found: String,
    },
    /// An account of the spec is not acceptable.
    #[error("account {index} of the chain spec: {reason}")]
    Account {
        /// Its position.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The spec as a whole is not acceptable.
    #[error("the chain spec: {0}")]
    Invalid(String),
}

/// Why an extrinsic could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtrinsicError {
    /// Not the JSON of an extrinsic of this chain.
    #[error("the extrinsic cannot be read: {0}")]
    Json(String),
    /// Not the SCALE encoding of an extrinsic of this chain.
    #[error("the bytes are not an extrinsic of this chain: {0}")]
    Scale(String),
}

/// Why an extrinsic is not in a block.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// It does not decode.
    #[error(transparent)]
    Malformed(#[from] ExtrinsicError),
    /// The signature is not the sender's over this extrinsic on this chain.
    #[error("the signature is not the sender's over this extrinsic on this chain")]
    Signature,
    /// There is no such sender.
    #[error("there is no account {sender}")]
    UnknownSender {
        /// The sender's index.
        sender: u32,
    },
    /// The nonce was used.
    #[error("nonce {found} was used before: account {sender} is at {expected}")]
    NonceUsed {
        /// The sender's index.
        sender: u32,
        /// The next nonce of the account.
        expected: u32,
        /// The extrinsic's.
        found: u32,
    },
    /// The nonces before it are missing.
    #[error("nonce {found} is ahead: account {sender} is at {expected} and nothing here fills the gap")]
    NonceAhead {
        /// The sender's index.
        sender: u32,
        /// The next nonce of the account.
        expected: u32,
        /// The extrinsic's.
        found: u32,
    },
    /// The account has used its last nonce.
    #[error("account {sender} has used all its nonces")]
    NoncesExhausted {
        /// The sender's index.
        sender: u32,
    },
    /// The block it was valid in is past.
    #[error("expired: valid up to block {expiry}, this is block {number}")]
    Expired {
        /// Last block in which it is valid.
        expiry: u32,
        /// The block's number.
        number: u32,
    },
    /// It offers too little.
    #[error("a fee of {fee} is below the chain's minimum of {minimum}")]
    FeeTooLow {
        /// The fee offered.
        fee: u64,
        /// The chain's minimum.
        minimum: u64,
    },
    /// It names a validation code that the block cannot announce.
    #[error("it names a validation code that is not at hand, or that the relay chain does not allow now")]
    Upgrade,
    /// A rule of the chain's circuit does not hold for it on this state.
    #[error("{}", explain(rule))]
    Rule {
        /// Name of the constraint.
        rule: &'static str,
    },
    /// The call itself cannot be executed on this state.
    #[error(transparent)]
    Call(Arc<dyn std::error::Error + Send + Sync>),
}

/// What a sender can make of the rules that every call is under; a pallet's explains itself before.
fn explain(rule: &str) -> String {
    match rule {
        "runtime/sender keeps the deposit" => {
            "the sender cannot pay: it would be left with less than the existential deposit".into()
        }
        "runtime/receiver balance" => "the receiver's balance would exceed 128 bits".into(),
        "runtime/opened with the deposit" => {
            "an account is opened with at least the existential deposit".into()
        }
        "runtime/issuance" => "more would be issued than a chain can have".into(),
        "state/one view of a place" => "the call names its own sender as another party".into(),
        rule => format!("the chain's rule `{rule}` does not hold"),
    }
}

impl Refusal {
    /// A refusal by a pallet.
    pub fn call(reason: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Call(Arc::new(reason))
    }
}

/// Whose turn it is, and when the own turn comes.
fn out_of_turn(account: u32, relay_parent: u32, on_turn: u32, next: Option<u32>) -> String {
    let next = match next {
        Some(next) => format!("the next turn of account {account} begins with relay parent {next}"),
        None => format!("account {account} has no seat"),
    };
    format!("at relay parent {relay_parent} it is account {on_turn}'s turn to author; {next}")
}

/// Why this author may not author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorError {
    /// There is no such account.
    #[error("there is no account {0} to author from")]
    Unknown(u32),
    /// The account is another key's.
    #[error("account {0} is not the author key's")]
    OtherKey(u32),
    /// The chain is permissioned and does not permit this account.
    #[error("account {0} may not author on this chain: its authors are permissioned")]
    NotPermitted(u32),
    /// Authors take turns, and it is another's.
    #[error("{}", out_of_turn(*account, *relay_parent, *on_turn, *next))]
    OutOfTurn {
        /// The account that would author.
        account: u32,
        /// The relay parent's number.
        relay_parent: u32,
        /// Whose turn it is then.
        on_turn: u32,
        /// The relay parent with which the account's next turn begins; `None` if it has no seat.
        next: Option<u32>,
    },
    /// The fees of the block do not fit the author's balance.
    #[error("the fees overflow the balance of account {0}")]
    Overflow(u32),
}

/// Why a private chain's body can be neither written nor read.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// A key that is not at hand.
    #[error(
        "the chain's key is another one from this block on, and it is not at hand: the one of commitment 0x{}",
        hex::encode(zkpov_verifier::field::encode(commitment))
    )]
    Missing {
        /// Its [commitment](super::vault::commitment).
        commitment: Fr,
    },
}

/// Why a block could not be executed.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The chain has no such tier.
    #[error("the chain has no tier {0}")]
    UnknownTier(TierId),
    /// The author may not author.
    #[error(transparent)]
    Author(#[from] AuthorError),
    /// The parent's number is the last.
    #[error("the chain has reached the last block number")]
    LastNumber,
    /// The parent head's state root is not the state's.
    #[error("the state is not that of the parent head: another block was applied, or none")]
    OtherState,
    /// The chain's key.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The execution broke a rule of the formats.
    #[error("the block cannot be expressed: {0}")]
    Format(String),
}

/// Why a body could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The chain has no such tier.
    #[error("the chain has no tier {0}")]
    UnknownTier(TierId),
    /// The bytes are not a body of this tier with these used slots.
    #[error("the bytes are not a body of this tier: {0}")]
    Body(String),
    /// The author may not author.
    #[error(transparent)]
    Author(#[from] AuthorError),
    /// The chain's key.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The body does not fit the parent state: no proof could have stood for it.
    #[error("lane {lane}, slot {slot}: {reason}")]
    Slot {
        /// The lane.
        lane: usize,
        /// The slot in it.
        slot: usize,
        /// What does not fit.
        reason: String,
    },
}
