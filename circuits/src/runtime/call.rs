//! What a pallet's author writes: calls and inherents.
//!
//! ```text
//!   user ──signs──► Arguments ──inputs──► Inputs ──execute──► what was signed, held to the signature
//!                                          ▲  │               Body, 0 in an unused slot
//!   body ──────────► Body ─────restore─────┘  └── reads and writes of the state
//! ```
//!
//! `execute` is written once, over variables. Without a constraint system it runs natively, on constants, which is how an
//! author executes a block and how an importer rebuilds its state; with one, it is the circuit. `inputs` and
//! `restore` only look things up; nothing they say is believed.

use core::fmt::Debug;
use std::collections::BTreeMap;

use ark_relations::gr1cs::Result;
use codec::{Decode, Encode};
use zkpov_verifier::{eddsa::PublicKey, field::Fr};

use super::{
    account::{Account, AccountIndex, Parameters, index_name},
    messages::{self, Arrived},
    slot::Slot,
};
use crate::state::{Record, Recorder, StateError, Value};

/// A call kind: what a user signs and a slot of its lane executes.
///
/// The runtime does what all calls have in common: it reads the sender's account, holds nonce, expiry and fee,
/// verifies the signature over what `execute` says was signed, and writes the account.
pub trait Call: Debug + Send + Sync + 'static {
    /// The name in JSON and in reports.
    const NAME: &'static str;

    /// How many slots of a full lane share a sender: a lane of n slots takes calls of at most n/`SLOTS_PER_SENDER` senders,
    /// rounded up, and opens no more accounts for them. More than 1 where senders carry what many others did.
    const SLOTS_PER_SENDER: u32 = 1;

    /// The storage of records that are [read privately](Slot::privately), and how many are: of those that an unused slot reads, the last.
    const PRIVATE_READS: Option<(u8, usize)> = None;

    /// What the sender signs beside the header.
    type Arguments: Value + Encode + Decode;

    /// What the circuit is given for a slot, beside sender, expiry, fee and signature: places that the author
    /// looked up, amounts, whatever does not follow from records that the slot reads.
    type Inputs: Value;

    /// What the body says of a slot, beside sender and fee: with the state before it, enough to execute it again.
    type Body: Value;

    /// The inputs of a call on this state.
    ///
    /// # Errors
    ///
    /// [`Unfit::Refused`] with a reason that helps the sender. It is no matter of soundness: `execute` refuses too.
    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        arguments: &Self::Arguments,
    ) -> core::result::Result<Self::Inputs, Unfit>;

    /// The inputs of a call that a body tells of. It looks up and does not judge: whatever the circuit accepts must be imported, or
    /// one block of a dishonest author would stop everybody else. What `execute` refuses on constants is refused there.
    ///
    /// # Errors
    ///
    /// As [`inputs`](Self::inputs), where the state has nothing to look up.
    fn restore(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        body: &Self::Body,
    ) -> core::result::Result<Self::Inputs, Unfit>;

    /// Executes a slot where [`Slot::used`] is 1.
    ///
    /// In an unused slot the inputs are any that satisfy the constraints which do not depend on it, and accesses to the
    /// state have no effect.
    ///
    /// # Errors
    ///
    /// Those of the constraint system; natively, that a constraint does not hold.
    fn execute(
        &self,
        slot: &mut Slot<'_, '_>,
        inputs: <Self::Inputs as Value>::Var,
    ) -> Result<Executed<Self::Arguments, Self::Body>>;

    /// What an unused slot holds: inputs and records that satisfy every constraint which does not depend on the slot being used.
    fn idle(&self, context: &IdleContext) -> Idle<Self::Inputs>;
}

/// What a slot did.
#[derive(Debug)]
pub struct Executed<A: Value, B: Value> {
    /// What must have been signed.
    pub signed: A::Var,
    /// What the body says.
    pub body: B::Var,
}

/// A call kind that nobody signs: the author puts it into the block, as often as there is something to do.
pub trait Inherent: Debug + Send + Sync + 'static {
    /// The name in reports.
    const NAME: &'static str;

    /// What the circuit is given for a slot.
    type Inputs: Value;

    /// What the body says of a slot.
    type Body: Value;

    /// What the next slot would do on this state; `None` if there is nothing to do.
    ///
    /// # Errors
    ///
    /// If the state cannot be read.
    fn next(&self, view: &View<'_>) -> core::result::Result<Option<Self::Inputs>, StateError>;

    /// The inputs of a slot that a body tells of.
    ///
    /// # Errors
    ///
    /// [`Unfit::Refused`] if the state has nothing for it to do.
    fn restore(&self, view: &View<'_>, body: &Self::Body) -> core::result::Result<Self::Inputs, Unfit>;

    /// Executes a slot where [`Slot::used`] is 1; what the body says.
    ///
    /// # Errors
    ///
    /// As [`Call::execute`].
    fn execute(
        &self,
        slot: &mut Slot<'_, '_>,
        inputs: <Self::Inputs as Value>::Var,
    ) -> Result<<Self::Body as Value>::Var>;

    /// As [`Call::idle`].
    fn idle(&self, context: &IdleContext) -> Idle<Self::Inputs>;
}

/// What an unused slot holds.
#[derive(Clone, Debug)]
pub struct Idle<I> {
    /// The inputs.
    pub inputs: I,
    /// The elements of the records that it reads, in the order of reading, the sender's account not among them. Where a
    /// record is not given its elements are 0, or there is none where there need not be one.
    pub records: Vec<Vec<Fr>>,
}

impl<I> Idle<I> {
    /// These inputs, and all records 0.
    pub fn new(inputs: I) -> Self {
        Self { inputs, records: Vec::new() }
    }

    /// And this record read next.
    #[must_use]
    pub fn reading<R: Record>(mut self, record: &R) -> Self {
        self.records.push(record.elements());
        self
    }
}

/// What the contents of unused slots are chosen by.
#[derive(Clone, Copy, Debug)]
pub struct IdleContext {
    /// The chain's parameters.
    pub parameters: Parameters,
    /// The block's number.
    pub number: u32,
    /// The relay parent's number.
    pub relay_parent_number: u32,
}

impl IdleContext {
    /// A key that is in the prime subgroup.
    pub fn key() -> PublicKey {
        crate::keys::SecretKey::from_seed([0; 32]).public_key()
    }

    /// An account that can pay for anything and take anything.
    pub fn account() -> Account {
        Account { key: Self::key(), balance: super::account::MAX_ISSUANCE, nonce: 0, may_author: false }
    }
}

/// The state as calls look things up in it: as it is at the slot.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    recorder: &'a Recorder<'a>,
    /// How many transfers can be sent to each chain; `None` where it is of no matter.
    room: Option<&'a BTreeMap<u32, u32>>,
    /// The chain's parameters.
    pub parameters: Parameters,
    /// The block's number.
    pub number: u32,
    /// The relay parent's number.
    pub relay_parent_number: u32,
}

impl<'a> View<'a> {
    pub(super) fn new(recorder: &'a Recorder<'a>, context: &IdleContext) -> Self {
        let IdleContext { parameters, number, relay_parent_number } = *context;
        Self { recorder, room: None, parameters, number, relay_parent_number }
    }

    /// What the contents of unused slots are chosen by here.
    pub(crate) fn idle_context(&self) -> IdleContext {
        let Self { parameters, number, relay_parent_number, .. } = *self;
        IdleContext { parameters, number, relay_parent_number }
    }

    /// As one looks who may send no more than this many transfers to each chain.
    pub(super) fn with_room(self, room: &'a BTreeMap<u32, u32>) -> Self {
        Self { room: Some(room), ..self }
    }

    /// Whether another transfer can be sent to chain `para` in this block.
    pub fn has_room_to(&self, para: u32) -> bool {
        self.room.is_none_or(|room| room.get(&para).is_some_and(|left| *left > 0))
    }

    /// The message that an inbox root begins with, and the root behind it; `None` if it did not arrive.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn arrived(&self, root: &Fr) -> core::result::Result<Option<Arrived>, StateError> {
        Arrived::find(self.recorder, root)
    }

    /// The pair of elements that was [remembered](Slot::remember) under this name.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn remembered(&self, name: &[u8]) -> core::result::Result<Option<[Fr; 2]>, StateError> {
        let Some(bytes) = self.recorder.auxiliary(name)? else { return Ok(None) };
        messages::decode_pair(&bytes)
            .map(Some)
            .ok_or_else(|| StateError::corrupt(&crate::state::keys::auxiliary(name), "two elements"))
    }

    /// The record at `index`.
    ///
    /// # Errors
    ///
    /// If the state cannot be read.
    pub fn read<R: Record>(&self, index: u32) -> core::result::Result<Option<R>, StateError> {
        self.recorder.peek(index)
    }

    /// The account of a key.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn account_of(&self, key: &PublicKey) -> core::result::Result<Option<AccountIndex>, StateError> {
        self.derived::<AccountIndex>(&index_name(key))
    }

    /// A derived value: see [`Record::derived`].
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn derived<T: Decode>(&self, name: &[u8]) -> core::result::Result<Option<T>, StateError> {
        let Some(bytes) = self.recorder.auxiliary(name)? else { return Ok(None) };
        codec::DecodeAll::decode_all(&mut bytes.as_slice())
            .map(Some)
            .map_err(|_| StateError::corrupt(&crate::state::keys::auxiliary(name), "a derived value"))
    }

    /// How many places the storage of `R` has.
    pub fn places<R: Record>(&self) -> u64 {
        self.recorder.layout().shape(R::STORAGE).places()
    }

    /// The lowest place of the storage of `R` that was never taken.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn next_place<R: Record>(&self) -> core::result::Result<Option<u32>, StateError> {
        self.recorder.next_place::<R>()
    }
}

/// Why a call is not executed on a state.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// The state could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The call cannot be executed on this state.
    #[error("{0}")]
    Refused(String),
    /// The call cannot be executed in this block, and perhaps in a later one.
    #[error("{0}")]
    Later(String),
}

impl Unfit {
    /// A refusal for this reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Self::Refused(reason.into())
    }
}
