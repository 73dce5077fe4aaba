//! Authoring: from extrinsics to a proven block.
//!
//! ```text
//!  request ──► authored before? ──yes──► the same proven block again
//!                 │ no
//!                 ▼
//!              execute ──► prove ──► sign ──► validate_block ──► commit
//!              (native)   (verified)          (as a validator)   (one transaction)
//! ```
//!
//! The request is remembered by a digest of everything in it, so an author that was interrupted at any
//! moment and runs again ends with the same block: either the commit happened, and the stored block is
//! given again, or it did not, and the block is made from the same parent. A block's head does not depend on
//! the proof's randomness, so two collators with the same request author the same head.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use ark_bn254::Fr;
use codec::Encode;
use tracing::{info, info_span};
use zkpov_circuits::{
    keys::SecretKey,
    runtime::{AccountId, AccountView, BlockContext, Execution, ExecutionError, Refusal, privacy::Secret},
    state::{StateError, StateReader},
};
use zkpov_prover::{Options, ProveError, Proved, Ran};
use zkpov_verifier::{
    block::{Proven, ProvenBlock, Scheduled},
    eddsa::PublicKey,
    exchange::{Intake, IntakeError, UpgradeError, outbound},
    hashing::{Hash, blake2b_256},
    head::ParentHead,
    lane::TierId,
    message::Inbound,
    statement,
    transfer::{InboxRecord, OutboxRecord},
    validate::{Invalid, validate_block},
};

use crate::{
    chain::{self, ChainInfo, OpenError},
    chain_keys::ChainKeyError,
    circuit::{self, CircuitError},
    db::{BlockRecord, Database, DbError, ReadDatabase, State},
    keystore::{KeyStore, KeyStoreError},
    messages,
    relay_file::RelayFile,
    validity::{self, ValidationCode, ValidationCodeError},
};

/// First bytes of what a request's digest is over.
const REQUEST_TAG: &[u8] = b"zkpov/author-request/1";

/// What a collator is asked to author.
#[derive(Clone, Copy, Debug)]
pub struct AuthorRequest<'a> {
    /// The extrinsics offered, encoded, in order.
    pub extrinsics: &'a [Vec<u8>],
    /// Whether to offer, before them, the extrinsics of blocks that were rolled back.
    pub pending: bool,
    /// The next validation code, for a block that enacts the upgrade to it; enactments of another wait.
    pub upgrade: Option<&'a [u8]>,
    /// What the block sees of the relay chain.
    pub relay: &'a RelayFile,
    /// The author's key; it gets the fees, and its account must exist.
    pub author: &'a SecretKey,
    /// The keys to prove with.
    pub keys: &'a KeyStore,
    /// The tier to use; the smallest that holds the extrinsics if it is left open.
    pub tier: Option<TierId>,
}

/// A block that was authored.
#[derive(Debug)]
pub struct Authored {
    /// The block, as the database has it.
    pub block: BlockRecord,
    /// How it came about.
    pub how: How,
}

/// How an authored block came about.
#[derive(Debug)]
pub enum How {
    /// It was made now.
    Made(Box<Made>),
    /// The same request had been answered before, with this block.
    Before,
}

/// What happened while a block was made.
#[derive(Debug)]
pub struct Made {
    /// The tier that proves it.
    pub tier: TierId,
    /// Used slots of each of the tier's lanes.
    pub used_slots: Vec<u32>,
    /// Bytes of its body.
    pub body_bytes: usize,
    /// How many pending extrinsics were offered before those of the request; positions count them.
    pub pending: usize,
    /// Positions of the extrinsics in the block, in the order of execution.
    pub included: Vec<usize>,
    /// Positions of those that are not valid, and why.
    pub refused: Vec<(usize, Refusal)>,
    /// Positions of those that are valid, or may become so, and for which there was no room or turn.
    pub deferred: Vec<usize>,
    /// What it has to do with other chains.
    pub moved: Moved,
    /// How long it took.
    pub timings: Timings,
    /// What computed the proof.
    pub ran: Box<Ran>,
}

/// The transfers of a block from and to other chains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// What arrived: it joined the queue in the state, from which it is delivered in this block or a later one.
    pub arrived: Vec<InboxRecord>,
    /// What was sent: payments, and refunds of what was refused.
    pub sent: Vec<OutboxRecord>,
}

/// How long the steps took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// Checking the extrinsics and executing them natively.
    pub execute: Duration,
    /// Computing the circuit's variables.
    pub witness: Duration,
    /// Opening the proving key and proving.
    pub prove: Duration,
    /// Checking the block as a relay validator does.
    pub verify: Duration,
}

/// Why no block was authored. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorError {
    /// The author's key has no account.
    #[error(
        "the author's key has no account on this chain; an author's account gets the fees and must exist before"
    )]
    NoAccount,
    /// The relay parent lies before that of the parent block.
    #[error(
        "the relay parent is {given}, but the parent block was made at {parent}; use a newer relay parent"
    )]
    RelayParent {
        /// The relay file's.
        given: u32,
        /// The parent block's.
        parent: u32,
    },
    /// The relay file does not prove the relay chain's state, or what it has for the chain is not what waits for it.
    #[error("the relay file: {0}")]
    Relay(#[from] IntakeError),
    /// The keys are not those in force, or that cannot be known.
    #[error(transparent)]
    ValidationCode(#[from] ValidationCodeError),
    /// The relay chain does not allow the upgrade.
    #[error("{0}; leave --upgrade out until then: enactments wait")]
    Upgrade(#[from] UpgradeError),
    /// The database or what is in it.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The keys that are to follow a private chain's.
    #[error(transparent)]
    ChainKeys(#[from] ChainKeyError),
    /// The execution.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeyStoreError),
    /// The circuit.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// The proof.
    #[error("no proof: {0}")]
    Prove(#[from] ProveError),
    /// The finished block does not pass the check of a relay validator.
    #[error(
        "the block that was made does not pass validation ({0}); this is a fault of the program, nothing was written"
    )]
    SelfCheck(Invalid),
    /// The finished block has another head than the one the validator computes.
    #[error(
        "the validator computes another head than the author; this is a fault of the program, nothing was written"
    )]
    OtherHead,
}

impl From<DbError> for AuthorError {
    fn from(error: DbError) -> Self {
        Self::Open(error.into())
    }
}

/// Answers a request: makes the next block, or finds the one that was made for it before.
///
/// # Errors
/// [`AuthorError`]; nothing was written then.
pub(crate) fn author(
    database: &mut Database,
    info: &ChainInfo,
    chain_keys: &[Secret],
    request: &AuthorRequest<'_>,
    options: &Options<'_>,
) -> Result<Authored, AuthorError> {
    let digest = request_digest(request);
    if let Some(block) = database.block_by_input(&digest)? {
        info!(number = block.number, "this request was answered before");
        return Ok(Authored { block, how: How::Before });
    }
    let Ground { parent_record, parent, state, code, key, intake, storage_proof, context } =
        ground(database, info, chain_keys, request)?;
    let mut timings = Timings::default();

    let mut offered = if request.pending { database.pending()? } else { Vec::new() };
    // Once is enough: what the request has too keeps its place there.
    let asked: HashSet<&Vec<u8>> = request.extrinsics.iter().collect();
    offered.retain(|extrinsic| !asked.contains(extrinsic));
    let pending = offered.len();
    offered.extend_from_slice(request.extrinsics);
    let execution = timed(&mut timings.execute, || execute(info, &state, &context, request, &offered))?;
    let (proved, prove_times) = prove(info, request.keys, &execution, options)?;
    (timings.witness, timings.prove) = prove_times;

    // Nothing but the code at hand was named.
    let announced = execution.statement.upgrade.and(request.upgrade);
    let proven = Proven {
        storage_proof,
        inbound: request.relay.inbound.clone(),
        upgrade: announced.map(<[u8]>::to_vec),
        proof: proved.proof.to_bytes().to_vec(),
        ..proven(&context, &execution)
    };
    let block = sign(&parent, &execution, proven, request.author);
    let pov = block.encode();
    let transition = timed(&mut timings.verify, || {
        let _span = info_span!("author.verify").entered();
        validate_block(&parent_record.head, &request.relay.context, request.keys.validity_key(), &pov)
    })
    .map_err(AuthorError::SelfCheck)?;
    let record = BlockRecord {
        number: execution.statement.number,
        hash: blake2b_256(&transition.head_data),
        parent_hash: parent.hash,
        head: transition.head_data,
        pov,
        relay: request.relay.to_json().into_bytes(),
        extrinsics: at(&offered, execution.included.iter()),
        input_digest: Some(digest),
    };
    let moved = Moved { arrived: context.messages.inbox.clone(), sent: execution.outbox.clone() };
    let mut changes = execution.changes;
    let signal = validity::signal(info.identity.para_id, &intake.values);
    code.after(record.number, key, announced, signal).put(&mut changes);
    info_span!("author.commit").in_scope(|| database.commit(&record, &changes))?;
    info!(number = record.number, included = execution.included.len(), "block committed");
    // What a rolled-back block held and can never be valid again is not offered a third time.
    let hopeless =
        execution.refused.iter().map(|(position, _)| position).filter(|position| **position < pending);
    let hopeless = at(&offered, hopeless);
    if !hopeless.is_empty() {
        database.forget_pending(&hopeless)?;
    }
    let made = Made {
        pending,
        tier: execution.tier,
        used_slots: execution.used_slots,
        body_bytes: execution.body.len(),
        included: execution.included,
        refused: execution.refused,
        deferred: execution.deferred,
        moved,
        timings,
        ran: Box::new(proved.ran),
    };
    Ok(Authored { block: record, how: How::Made(Box::new(made)) })
}

/// Whether a block for this request would hold anything: an extrinsic, a message that arrives, or one that arrived before and is
/// delivered. Also when one of the extrinsics is refused, for which its owner waits. Executes natively.
///
/// # Errors
/// [`AuthorError`], as when the block is made.
pub(crate) fn has_work(
    database: &Database,
    info: &ChainInfo,
    chain_keys: &[Secret],
    request: &AuthorRequest<'_>,
) -> Result<bool, AuthorError> {
    let Ground { state, context, .. } = ground(database, info, chain_keys, request)?;
    if !context.messages.inbox.is_empty() {
        return Ok(true);
    }
    if request.extrinsics.is_empty() && !messages::are_queued(&state)? {
        return Ok(false);
    }
    // Extrinsics may wait for room in a channel, and so may a refund, which then holds up what is queued.
    let execution = execute(info, &state, &context, request, request.extrinsics)?;
    let is_asked = !execution.included.is_empty() || !execution.refused.is_empty();
    Ok(is_asked || messages::moved_queue(&state, &execution.changes)?)
}

/// What a block is made on.
struct Ground {
    parent_record: BlockRecord,
    parent: ParentHead,
    state: State,
    code: ValidationCode,
    /// Hash of the validity key that it is to be checked under.
    key: Hash,
    intake: Intake,
    storage_proof: Vec<Vec<u8>>,
    context: BlockContext,
}

fn ground(
    database: &Database,
    info: &ChainInfo,
    chain_keys: &[Secret],
    request: &AuthorRequest<'_>,
) -> Result<Ground, AuthorError> {
    let parent_record = database.tip()?;
    let parent_head = chain::head(&parent_record)?;
    let parent = parent_head.as_parent();
    let (before, given) = (parent_head.digest.relay_parent_number, request.relay.context.relay_parent_number);
    if given < before {
        return Err(AuthorError::RelayParent { given, parent: before });
    }
    let state = database.state()?;
    let account = author_account(info, &state, request.author.public_key())?;
    let format = request.keys.validity_key().key().messages;
    let para = info.identity.para_id;
    let (intake, storage_proof) = messages::intake(para, format, &parent_head, request.relay)?;
    let (code, key) = (ValidationCode::read(&state)?, request.keys.validity_key().code_hash());
    code.check_key(key)?;
    code.check_seen(&intake.values)?;
    let upgrade = request.upgrade.map(|code| intake.upgrade(code)).transpose()?;
    let author = (account.index, account.key);
    let context = BlockContext {
        upgrade,
        chain_keys: chain_keys.to_vec(),
        ..info.block_context(parent, &request.relay.context, author, &intake)
    };
    Ok(Ground { parent_record, parent, state, code, key, intake, storage_proof, context })
}

/// What identifies a request: everything that decides which block answers it, but for the parent.
fn request_digest(request: &AuthorRequest<'_>) -> [u8; 32] {
    let parts = (
        REQUEST_TAG,
        request.extrinsics,
        request.pending,
        request.upgrade.map(blake2b_256),
        request.relay.to_json(),
        request.author.public_key().to_bytes(),
        request.keys.validity_key().code_hash(),
        request.tier.map(|tier| tier.0),
    );
    blake2b_256(&parts.encode())
}

fn author_account(
    info: &ChainInfo,
    state: &dyn StateReader,
    key: PublicKey,
) -> Result<AccountView, AuthorError> {
    info.chain.account(state, AccountId::Key(key))?.ok_or(AuthorError::NoAccount)
}

/// Executes in the tier asked for, or in the smallest of those with keys that holds what a larger one would.
fn execute(
    info: &ChainInfo,
    state: &dyn StateReader,
    context: &BlockContext,
    request: &AuthorRequest<'_>,
    offered: &[Vec<u8>],
) -> Result<Execution, AuthorError> {
    let _span = info_span!("author.execute", extrinsics = offered.len()).entered();
    let execution = info.chain.execute(state, context, request.tier, offered)?;
    let present = request.keys.tiers();
    if request.tier.is_some() || present.contains(&execution.tier) {
        return Ok(execution);
    }
    // No keys for the best tier: the next larger one will do, or failing that the largest.
    let tier = present.iter().find(|tier| **tier > execution.tier).or(present.last()).copied();
    Ok(info.chain.execute(state, context, tier, offered)?)
}

/// Proves the execution; returns the proof with what computed it, and how long the witness and the proof took.
fn prove(
    info: &ChainInfo,
    keys: &KeyStore,
    execution: &Execution,
    options: &Options<'_>,
) -> Result<(Proved, (Duration, Duration)), AuthorError> {
    let _span = info_span!("author.prove", tier = execution.tier.0).entered();
    let (mut witness, mut proving) = (Duration::ZERO, Duration::ZERO);
    let key =
        timed(&mut proving, || info_span!("prove.open_key").in_scope(|| keys.proving_key(execution.tier)))?;
    key.read_ahead();
    let assignment: Vec<Fr> =
        timed(&mut witness, || circuit::assignment(info.chain, execution.tier, &execution.witness))?;
    let mut rest = Duration::ZERO;
    let proved = timed(&mut rest, || zkpov_prover::prove_on(keys.backend(), &key, &assignment, options))?;
    Ok((proved, (witness, proving + rest)))
}

/// What a block says of its execution; what it takes and its proof are not there yet.
fn proven(context: &BlockContext, execution: &Execution) -> Proven {
    Proven {
        tier: execution.tier,
        used_slots: execution.used_slots.clone(),
        state_root: execution.state_root,
        author: context.author,
        author_key: context.author_key,
        body: execution.body.clone(),
        storage_proof: Vec::new(),
        inbound: Inbound::default(),
        outbound: outbound(context.identity.para_id, &execution.outbox),
        upgrade: None,
        proof: Vec::new(),
    }
}

fn sign(parent: &ParentHead, execution: &Execution, proven: Proven, author: &SecretKey) -> ProvenBlock {
    let scheduled = Scheduled::default();
    let message = statement::author_message(&parent.hash, execution.statement.digest(), &scheduled.hash());
    ProvenBlock { proven, scheduled, signature: author.sign(message) }
}

fn at<'a>(extrinsics: &[Vec<u8>], positions: impl Iterator<Item = &'a usize>) -> Vec<Vec<u8>> {
    positions.filter_map(|position| extrinsics.get(*position)).cloned().collect()
}

fn timed<T>(time: &mut Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    *time = start.elapsed();
    result
}
