//! `validate_block`: whether a candidate is a valid state transition of its parachain.
//!
//! It stands where a validator would have run the parachain's wasm, and gives all that the wasm
//! gives. It trusts the parent head, the relay context and the validity key, which the relay chain
//! holds; it trusts no byte of the block.
//!
//! The checks, cheapest first, and what each one stops:
//!
//! 1. **Size.** At most [`MAX_POV`](crate::block::MAX_POV) bytes: a validator's time and memory
//!    are bounded before anything is read.
//! 2. **Form.** Magic, version, limits before memory is taken, canonical field elements, shortest
//!    compacts, nothing left over: one block has one encoding, so nobody between collator and
//!    validator can make a second PoV of it.
//! 3. **Parent.** A head of ours; if it is a genesis head, the one the key names: a key cannot be
//!    attached to another chain's beginning. The number is the parent's plus one and does not wrap.
//! 4. **Relay parent.** Not before the parent's: a chain's view of relay time never goes back, so
//!    expired calls stay expired.
//! 5. **Signals.** The scheduled part's UMP signals are signals of the relay chain, at most one of each kind: nothing else rides
//!    along unproven. Which core they choose is for backers and the runtime to check.
//! 6. **Shape.** The tier is in the key, used slots are within the lanes, the body is exactly as
//!    long as they say and within the tier's limit, its elements canonical: the body root stands
//!    for one body.
//! 7. **Messages and upgrade** ([`crate::exchange`]). What is read of the relay chain is proven under the relay parent's storage root;
//!    messages taken are the relay chain's, whole and in its order, each once: none is invented, dropped or altered. What is
//!    sent is bytes of the template, within the channels' limits, and an upgrade is one that the relay chain allows now.
//! 8. **Proof's points.** Exact length, canonical, on the curve, in the subgroup, not at infinity:
//!    the pairing equation is about the groups the argument is sound in.
//! 9. **Author's key.** In the prime subgroup: under a key of small order, which only a genesis that
//!    nobody proved could hold, everybody signs.
//! 10. **Author's signature.** Under that key, over the parent head, the statement and the scheduled
//!     part: nobody but the author submits or reschedules the block. That the key belongs to the
//!     author's account and that this account may author is the circuit's to prove.
//! 11. **Statement.** The pairing equation, for the statement *recomputed here* from the parent,
//!     the relay context, the key and the block: a proof of another chain, version, tier, parent,
//!     height, relay parent, author, body, messages or result is a proof of another statement.
//!
//! The head is built from what was checked and never read from the block.

use alloc::vec::Vec;

use thiserror::Error;

use crate::block::{Proven, ProvenBlock, Scheduled, StatementError};
use crate::body::BodyError;
use crate::eddsa::{self, PublicKeyError, SignatureError};
use crate::exchange::{Exchange, ExchangeError};
use crate::groth16::{BatchItem, PreparedVerifyingKey, Proof, ProofError, ProofRejected, verify_each};
use crate::hashing::Hash;
use crate::head::Head;
use crate::key::{PreparedKey, TierKey, ValidityKey};
use crate::lane::TierId;
use crate::relay::RelayContext;
use crate::scale::DecodeError;
use crate::signal::{self, SignalError};
use crate::statement::{ChainIdentity, Statement, author_message};

use ark_bn254::Fr;

/// What a valid block does: all of polkadot's `ValidationResult`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The new head, encoded.
    pub head_data: Vec<u8>,
    /// New validation code, if the block upgrades the chain.
    pub new_validation_code: Option<Vec<u8>>,
    /// Messages to the relay chain, and behind the separator the candidate's UMP signals ([`crate::signal`]).
    pub upward_messages: Vec<Vec<u8>>,
    /// Messages to other parachains: recipient's para id and bytes.
    pub horizontal_messages: Vec<(u32, Vec<u8>)>,
    /// How many downward messages the block took.
    pub processed_downward_messages: u32,
    /// Relay block up to which horizontal messages were processed: the relay parent, unless some are left.
    pub hrmp_watermark: u32,
}

/// Why a block is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Invalid {
    /// The parent head is none of ours.
    #[error("parent head: {0}")]
    ParentHead(DecodeError),
    /// The parent is a genesis head, and not the one of the key's chain.
    #[error("the parent is a genesis head of another chain")]
    Genesis {
        /// The genesis hash the key names.
        expected: Hash,
        /// The parent's hash.
        found: Hash,
    },
    /// The parent has the largest number there is.
    #[error("the parent's number is the largest a block can have")]
    LastNumber,
    /// The relay parent is before the parent's.
    #[error("relay parent {found} is before the parent's relay parent {parent}")]
    RelayParentBefore {
        /// The relay parent number of the parent head.
        parent: u32,
        /// The relay parent number given.
        found: u32,
    },
    /// The block data are no proven block.
    #[error("proven block: {0}")]
    Block(#[from] DecodeError),
    /// The scheduled part's UMP signals are none.
    #[error("UMP signals: {0}")]
    Signals(#[from] SignalError),
    /// The key has no such tier.
    #[error("the validity key has no tier {0}")]
    UnknownTier(TierId),
    /// The used slots or the body do not fit the tier.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The body is longer than the tier allows.
    #[error("body of {found} bytes, the tier allows {limit}")]
    BodyLimit {
        /// Length found.
        found: usize,
        /// The tier's limit.
        limit: u32,
    },
    /// The block takes, sends or upgrades what it may not.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The proof is malformed.
    #[error("proof: {0}")]
    Proof(#[from] ProofError),
    /// The author's key is no key that an account may have.
    #[error("author's {0}")]
    AuthorKey(PublicKeyError),
    /// The author's signature does not fit author key, parent head, statement and scheduled part.
    #[error("author's {0}")]
    AuthorSignature(SignatureError),
    /// The proof is not one of the block's statement.
    #[error(transparent)]
    ProofRejected(#[from] ProofRejected),
}

impl From<StatementError> for Invalid {
    fn from(error: StatementError) -> Self {
        match error {
            StatementError::Body(error) => Self::Body(error),
            StatementError::LastNumber => Self::LastNumber,
        }
    }
}

/// Checks a proven block on its parent.
///
/// - `parent_head`: the para's head the relay chain has, as bytes;
/// - `relay`: the relay parent of the candidate;
/// - `key`: the para's validity key, prepared;
/// - `block_data`: the block data of the candidate's PoV.
///
/// Never panics, on any input.
///
/// # Errors
///
/// The first check of this module's list that the block fails.
pub fn validate_block(
    parent_head: &[u8],
    relay: &RelayContext,
    key: &PreparedKey,
    block_data: &[u8],
) -> Result<Transition, Invalid> {
    let examined = examine(parent_head, relay, key, block_data)?;
    examined.verifying_key.verify(examined.statement, &examined.proof)?;
    Ok(examined.transition)
}

/// A candidate to be checked with others, each field as [`validate_block`] takes it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The para's head the relay chain has.
    pub parent_head: &'a [u8],
    /// The relay parent.
    pub relay: RelayContext,
    /// The para's validity key.
    pub key: &'a PreparedKey,
    /// The block data of the candidate's PoV.
    pub block_data: &'a [u8],
}

/// Checks many candidates, of one parachain or of many, with one pairing equation ([`verify_each`]): each result is
/// the one that [`validate_block`] gives. They are independent: none is the parent of another as far as this
/// function knows.
///
/// `entropy` is randomness from the operating system where there is any, and zeros where there is none.
///
/// When the equation of the batch does not hold, the bad proofs are searched for, and no good one is refused for them.
///
/// Never panics, on any input.
pub fn validate_batch(candidates: &[Candidate<'_>], entropy: &Hash) -> Vec<Result<Transition, Invalid>> {
    let examined: Vec<_> = candidates
        .iter()
        .map(|candidate| {
            examine(candidate.parent_head, &candidate.relay, candidate.key, candidate.block_data)
        })
        .collect();
    let items: Vec<_> = examined.iter().flatten().map(Examined::batch_item).collect();
    let mut proven = verify_each(&items, entropy).into_iter();
    // One result for each that was examined to the end; were there none, the candidate would not be valid.
    let mut concluded = |examined: Examined<'_>| {
        proven.next().unwrap_or(Err(ProofRejected))?;
        Ok(examined.transition)
    };
    examined.into_iter().map(|result| result.and_then(&mut concluded)).collect()
}

/// A block of which everything but the pairing equation is checked.
struct Examined<'k> {
    verifying_key: &'k PreparedVerifyingKey,
    statement: Fr,
    proof: Proof,
    transition: Transition,
}

impl Examined<'_> {
    fn batch_item(&self) -> BatchItem<'_> {
        BatchItem { key: self.verifying_key, input: self.statement, proof: &self.proof }
    }
}

fn examine<'k>(
    parent_head: &[u8],
    relay: &RelayContext,
    key: &'k PreparedKey,
    block_data: &[u8],
) -> Result<Examined<'k>, Invalid> {
    let block = ProvenBlock::decode(block_data)?;
    let chain = &key.key().chain;
    let parent_head = parent(parent_head, relay, chain)?;
    let parent = parent_head.as_parent();
    signal::check(&block.scheduled.ump_signals)?;

    let proven = &block.proven;
    let (verifying_key, exchange, statement) = stated(&parent_head, relay, key, proven)?;
    let digest = statement.digest();

    let proof = Proof::decode(&proven.proof)?;
    proven.author_key.check_subgroup().map_err(Invalid::AuthorKey)?;
    let message = author_message(&parent.hash, digest, &block.scheduled.hash());
    eddsa::verify(&proven.author_key, message, &block.signature).map_err(Invalid::AuthorSignature)?;

    let intake = exchange.intake;
    let head = proven.head(&parent, &statement, intake.mqc);
    Ok(Examined {
        verifying_key,
        statement: digest,
        proof,
        transition: Transition {
            head_data: head.encode(),
            new_validation_code: block.proven.upgrade,
            upward_messages: signal::append(block.proven.outbound.upward, block.scheduled.ump_signals),
            horizontal_messages: block.proven.outbound.horizontal,
            processed_downward_messages: intake.processed_downward,
            hrmp_watermark: intake.watermark,
        },
    })
}

/// Checks 6 and 7, and the statement that they lead to.
fn stated<'k>(
    parent: &Head,
    relay: &RelayContext,
    key: &'k PreparedKey,
    proven: &Proven,
) -> Result<(&'k PreparedVerifyingKey, Exchange, Statement), Invalid> {
    let ValidityKey { chain, body_format, messages, .. } = key.key();
    let (tier, verifying_key) = key.tier(proven.tier).ok_or(Invalid::UnknownTier(proven.tier))?;
    body_limit(tier, &proven.body)?;
    let exchange = proven.exchange(chain, *messages, parent, relay)?;
    let statement =
        proven.statement(chain, &parent.as_parent(), relay, *body_format, &tier.lanes, &exchange)?;
    Ok((verifying_key, exchange, statement))
}

/// What the author signs to submit a proven block with this scheduled part. A missed slot, or another core, costs this
/// signature and no proof.
///
/// - `parent_head`, `relay`, `key`: as [`validate_block`] takes them.
///
/// # Errors
///
/// The block has no statement on this parent: one of the checks 3, 4, 6 and 7 of this module's list.
pub fn message_to_sign(
    parent_head: &[u8],
    relay: &RelayContext,
    key: &PreparedKey,
    proven: &Proven,
    scheduled: &Scheduled,
) -> Result<Fr, Invalid> {
    let parent = parent(parent_head, relay, &key.key().chain)?;
    let (_, _, statement) = stated(&parent, relay, key, proven)?;
    Ok(author_message(&parent.hash(), statement.digest(), &scheduled.hash()))
}

/// Checks 3 and 4: the parent head, and the relay parent against it.
fn parent(bytes: &[u8], relay: &RelayContext, chain: &ChainIdentity) -> Result<Head, Invalid> {
    let head = Head::decode(bytes).map_err(Invalid::ParentHead)?;
    let hash = head.hash();
    if head.number == 0 && hash != chain.genesis_hash {
        return Err(Invalid::Genesis { expected: chain.genesis_hash, found: hash });
    }
    let (before, found) = (head.digest.relay_parent_number, relay.relay_parent_number);
    if found < before {
        return Err(Invalid::RelayParentBefore { parent: before, found });
    }
    Ok(head)
}

/// Part of check 6: the tier's own limit.
fn body_limit(tier: &TierKey, body: &[u8]) -> Result<(), Invalid> {
    let (found, limit) = (body.len(), tier.body_limit);
    match u32::try_from(found) {
        Ok(length) if length <= limit => Ok(()),
        _ => Err(Invalid::BodyLimit { found, limit }),
    }
}
