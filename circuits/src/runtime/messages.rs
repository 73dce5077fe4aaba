//! What a block takes from other chains and what it sends.
//!
//! ```text
//!   Messages  what a collator found: records that arrive, how many may leave        (native)
//!   Mail      the statement's two roots while a block is executed
//!      inbox   taken once, by the pallet that keeps the queue
//!      outbox  0 ──send──► root ──send──► root ═ the statement's
//! ```
//!
//! | attack | stopped by |
//! |---|---|
//! | a message sent that no slot sent; one that was sent left out, altered or moved | `messages/outbox root` |
//! | messages that arrive in a tier without slots for any, and are lost | `messages/no inbox` |
//! | messages that arrived left out | the inbox root is a variable of the statement, and a chain's pallet that does not take it has no circuit |

use std::collections::BTreeMap;

use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{Result, SynthesisError};
use codec::{Decode, DecodeAll, Encode};
use zkpov_verifier::{
    field::{self, Fr, limbs_of_hash},
    statement::NO_MESSAGES,
    transfer::{InboxRecord, OUTBOX_DOMAIN, OutboxRecord, Purpose, Transfer, inbox_node},
};

use super::statement::Statement;
use crate::{
    bit::Bit,
    constraint,
    gadgets::{
        poseidon,
        range::{self, U32, U64, U128},
    },
    integer::to_u128,
    state::{Recorder, StateError, keys},
};

/// What a block takes from other chains, and how much it may send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// The records that arrive, in the order of the inbox root.
    pub inbox: Vec<InboxRecord>,
    /// How many transfers may be sent to each chain; none where it is not named. Of no matter to whoever imports a block.
    pub room: BTreeMap<u32, u32>,
}

/// A transfer that a slot sends.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Whether it gives back what was refused.
    pub is_refund: Bit,
    /// Where it goes.
    pub destination: U32,
    /// Para id of the chain whose native token it is.
    pub token: U32,
    /// Of a payment, who gets it back if it is refused; of a refund, who gets it.
    pub account: FpVar<Fr>,
    /// This chain's number for it.
    pub sequence: U64,
    /// Of a refund, the number of what was refused; else 0.
    pub refused: FpVar<Fr>,
    /// How much.
    pub amount: U128,
    /// The recipient's 32 bytes as two limbs; 0 in a refund.
    pub recipient: [FpVar<Fr>; 2],
}

/// Bits of the parts of a record's header, from the lowest: kind, the other chain, token, account, sequence, refused sequence.
pub const HEADER_BITS: [usize; 6] = [8, 32, 32, 32, 64, 64];

impl Outgoing {
    /// The outbox root of the records of root `before` and this one.
    fn node(&self, before: &FpVar<Fr>) -> Result<FpVar<Fr>> {
        let parts = [
            self.is_refund.as_field(),
            self.destination.as_field(),
            self.token.as_field(),
            &self.account,
            self.sequence.as_field(),
            &self.refused,
        ];
        let header = range::pack(parts.into_iter().zip(HEADER_BITS))?;
        let [low, high] = self.recipient.clone();
        let tag = FpVar::Constant(OUTBOX_DOMAIN);
        poseidon::hash(&[tag, before.clone(), header, self.amount.as_field().clone(), low, high])
    }

    /// The record, where there are values; `None` if no record has them.
    fn record(&self) -> Result<Option<OutboxRecord>> {
        let integer = |value: &FpVar<Fr>| Ok::<_, SynthesisError>(to_u128(&value.value()?));
        let index = |value: Option<u128>| value.and_then(|value| u32::try_from(value).ok());
        let number = |value: Option<u128>| value.and_then(|value| u64::try_from(value).ok());
        let (account, refused) = (index(integer(&self.account)?), number(integer(&self.refused)?));
        let purpose = match (self.is_refund.value()?, account, refused) {
            (true, Some(account), Some(refused)) => Some(Purpose::Refund { account, refused }),
            (false, Some(refund), _) => {
                let [low, high] = [integer(&self.recipient[0])?, integer(&self.recipient[1])?];
                low.zip(high)
                    .map(|(low, high)| Purpose::Payment { recipient: bytes_of_limbs([low, high]), refund })
            }
            _ => None,
        };
        let token = index(integer(self.token.as_field())?);
        let sequence = number(integer(self.sequence.as_field())?);
        let (amount, destination) =
            (integer(self.amount.as_field())?, index(integer(self.destination.as_field())?));
        Ok((|| {
            let (token, amount, sequence) = (token?, amount?, sequence?);
            Some(OutboxRecord {
                destination: destination?,
                transfer: Transfer { token, amount, sequence, purpose: purpose? },
            })
        })())
    }
}

/// The 32 bytes of two limbs: the inverse of [`limbs_of_hash`].
pub fn bytes_of_limbs(limbs: [u128; 2]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (half, limb) in bytes.chunks_exact_mut(16).zip(limbs) {
        half.copy_from_slice(&limb.to_le_bytes());
    }
    debug_assert_eq!(limbs_of_hash(bytes), limbs.map(Fr::from));
    bytes
}

/// The statement's two roots while a block is executed.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    inbox: Option<FpVar<Fr>>,
    outbox: FpVar<Fr>,
    /// Natively, what was sent.
    sent: Vec<OutboxRecord>,
}

impl Mail {
    pub(crate) fn new(statement: &Statement) -> Self {
        let outbox = FpVar::Constant(NO_MESSAGES);
        Self { inbox: Some(statement.inbox_root().clone()), outbox, sent: Vec::new() }
    }

    /// The inbox root: once.
    pub(super) fn take_inbox(&mut self) -> Result<FpVar<Fr>> {
        self.inbox.take().ok_or(SynthesisError::ArityMismatch)
    }

    /// Holds the inbox root to none.
    pub(super) fn refuse_inbox(&mut self) -> Result<()> {
        constraint::enforce_zero("messages/no inbox", &self.take_inbox()?)
    }

    /// Sends where `when` is 1.
    pub(super) fn send(&mut self, when: &Bit, transfer: &Outgoing) -> Result<()> {
        let root = transfer.node(&self.outbox)?;
        self.outbox = when.select(&root, &self.outbox)?;
        if root.cs().is_none() && when.value()? {
            self.sent.extend(transfer.record()?);
        }
        Ok(())
    }

    /// What was sent so far, natively.
    pub(crate) fn sent(&self) -> &[OutboxRecord] {
        &self.sent
    }

    /// The outbox root of what was sent so far, natively.
    pub(crate) fn outbox_root(&self) -> Result<Fr> {
        self.outbox.value()
    }

    /// Holds what was sent to the statement.
    pub(super) fn close(self, statement: &Statement) -> Result<()> {
        if self.inbox.is_some() {
            return Err(SynthesisError::ArityMismatch);
        }
        if self.outbox.cs().is_none() && statement.outbox_root().cs().is_none() {
            // Natively the statement follows from the block and is not there yet.
            return Ok(());
        }
        constraint::enforce_equal("messages/outbox root", &self.outbox, statement.outbox_root())
    }
}

/// A record that arrived, and the root of those behind it: what an inbox root is the hash of. Kept by that root, natively and beside
/// the state, and for ever: a peer may send the same twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The record.
    pub record: InboxRecord,
    /// The root of those behind it.
    pub behind: Fr,
}

/// Name of the derived value that tells what an inbox root is the hash of.
fn name(root: &Fr) -> Vec<u8> {
    [b"inbox/".as_slice(), &field::encode(root)].concat()
}

/// A record as it is kept: origin, token, amount, sequence, whether it is a refund, account, refused sequence, recipient, behind.
type Kept = ((u32, u32, u128, u64), (bool, u32, u64), [u8; 32], [u8; 32]);

impl Arrived {
    fn encode(&self) -> Vec<u8> {
        let InboxRecord { origin, transfer: Transfer { token, amount, sequence, purpose } } = self.record;
        let (purpose, recipient) = match purpose {
            Purpose::Payment { recipient, refund } => ((false, refund, 0), recipient),
            Purpose::Refund { account, refused } => ((true, account, refused), [0; 32]),
        };
        let kept: Kept = ((origin, token, amount, sequence), purpose, recipient, field::encode(&self.behind));
        kept.encode()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let kept: Kept = Decode::decode(&mut &*bytes).ok().filter(|kept: &Kept| kept.encode() == bytes)?;
        let ((origin, token, amount, sequence), (is_refund, account, refused), recipient, behind) = kept;
        let purpose = match is_refund {
            true => Purpose::Refund { account, refused },
            false => Purpose::Payment { recipient, refund: account },
        };
        let record = InboxRecord { origin, transfer: Transfer { token, amount, sequence, purpose } };
        Some(Self { record, behind: field::decode(&behind).ok()? })
    }

    /// What `root` is the hash of, if it arrived.
    pub(super) fn find(recorder: &Recorder<'_>, root: &Fr) -> core::result::Result<Option<Self>, StateError> {
        let name = name(root);
        let Some(bytes) = recorder.auxiliary(&name)? else { return Ok(None) };
        let arrived = Self::decode(&bytes);
        arrived
            .map(Some)
            .ok_or_else(|| StateError::corrupt(&keys::auxiliary(&name), "a message that arrived"))
    }
}

/// Keeps what arrives, by root.
pub(super) fn keep(recorder: &mut Recorder<'_>, inbox: &[InboxRecord]) {
    let mut behind = NO_MESSAGES;
    for record in inbox.iter().rev() {
        let root = inbox_node(&record.elements(), behind);
        recorder.set_auxiliary(name(&root), Arrived { record: *record, behind }.encode());
        behind = root;
    }
}

/// Two elements as they are kept.
pub(super) fn encode_pair(pair: [Fr; 2]) -> Vec<u8> {
    pair.map(|element| field::encode(&element)).encode()
}

/// The inverse of [`encode_pair`].
pub(super) fn decode_pair(bytes: &[u8]) -> Option<[Fr; 2]> {
    let [first, second] = <[[u8; 32]; 2]>::decode_all(&mut &*bytes).ok()?;
    Some([field::decode(&first).ok()?, field::decode(&second).ok()?])
}
