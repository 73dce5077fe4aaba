//! What a chain is composed of.

use ark_relations::gr1cs;
use serde_json::Value as Json;

use super::{
    SpecError,
    account::{Account, MAX_ISSUANCE, Parameters},
    call::{Call, Inherent},
    lane::{Kind, Signed, Unsigned},
    slot::Slot,
};
use crate::state::{OpeningPlan, Record, Recorder, Shape};

/// A part of a state machine: storages, and the call kinds that work on them.
pub trait Pallet: core::fmt::Debug + Send + Sync {
    /// The name in chain specs.
    fn name(&self) -> &'static str;

    /// The storages that it keeps, by number.
    fn storages(&self) -> Vec<(u8, Shape)>;

    /// Its call kinds, in the order of execution.
    fn kinds(&self) -> Vec<CallKind>;

    /// Its part of the first state, from its part of the chain spec (`pallets.NAME`). The accounts are there already.
    ///
    /// # Errors
    ///
    /// What is wrong with the spec.
    fn genesis(&self, spec: Option<&Json>, genesis: &mut GenesisState<'_>) -> Result<(), SpecError> {
        let _ = genesis;
        match spec {
            None => Ok(()),
            Some(_) => Err(SpecError::Invalid(format!("the pallet `{}` takes no parameters", self.name()))),
        }
    }

    /// What the pallet does in every block, before the first slot: `slot` has no sender and is always used. `capacities` are the
    /// numbers of slots of its kinds.
    ///
    /// # Errors
    ///
    /// As [`Call::execute`].
    fn begin(&self, slot: &mut Slot<'_, '_>, capacities: &[u32]) -> gr1cs::Result<()> {
        let _ = (slot, capacities);
        Ok(())
    }

    /// Whether it is this pallet that takes and sends messages: see [`Slot::take_inbox`], [`Slot::send`].
    fn carries_messages(&self) -> bool {
        false
    }

    /// Whether a chain of this part of a chain spec (`pallets.NAME`) has other chains to exchange messages with.
    fn has_peers(&self, spec: Option<&Json>) -> bool {
        let _ = spec;
        false
    }

    /// How storages are opened in a block with these numbers of slots, given for each of its kinds, where the cheapest
    /// plan for any accesses would be wasteful: where many slots are known to share a place.
    fn plans(&self, capacities: &[u32]) -> Vec<(u8, OpeningPlan)> {
        let _ = capacities;
        Vec::new()
    }
}

/// A call kind of a pallet.
#[derive(Debug)]
pub struct CallKind(pub(super) Box<dyn Kind>);

impl CallKind {
    /// A call that users sign.
    pub fn call<C: Call>(call: C) -> Self {
        Self(Box::new(Signed(call)))
    }

    /// An inherent, which authors put into blocks.
    pub fn inherent<I: Inherent>(inherent: I) -> Self {
        Self(Box::new(Unsigned(inherent)))
    }
}

/// A chain's first state while it is made.
#[derive(Debug)]
pub struct GenesisState<'a> {
    pub(super) recorder: Recorder<'a>,
    pub(super) parameters: Parameters,
    pub(super) accounts: &'a [Account],
}

impl GenesisState<'_> {
    /// The chain's parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The first accounts, at places 0 and up.
    pub fn accounts(&self) -> &[Account] {
        self.accounts
    }

    /// The record at a place, if there is one yet.
    ///
    /// # Errors
    ///
    /// If the state cannot be read.
    pub fn read<R: Record>(&self, index: u32) -> Result<Option<R>, SpecError> {
        self.recorder.peek(index).map_err(|error| SpecError::Invalid(error.to_string()))
    }

    /// How many places the storage of `R` has.
    pub fn places<R: Record>(&self) -> u64 {
        self.recorder.layout().shape(R::STORAGE).places()
    }

    /// Adds `amount`, which the pallet puts into a record, to the total issuance.
    ///
    /// # Errors
    ///
    /// If the chain's issuance would exceed [`MAX_ISSUANCE`].
    pub fn issue(&mut self, amount: u128) -> Result<(), SpecError> {
        let total = self.parameters.total_issuance.checked_add(amount);
        let total = total.filter(|total| *total <= MAX_ISSUANCE).ok_or_else(|| {
            SpecError::Invalid(format!("{amount} more exceeds the largest issuance, {MAX_ISSUANCE}"))
        })?;
        self.parameters.total_issuance = total;
        let parameters = self.parameters;
        self.write(0, &parameters)
    }

    /// Puts a record at a place.
    ///
    /// # Errors
    ///
    /// If the storage has no such place.
    pub fn write<R: Record>(&mut self, index: u32, record: &R) -> Result<(), SpecError> {
        let places = self.places::<R>();
        if u64::from(index) >= places {
            return Err(SpecError::Invalid(format!("{} at place {index} of {places}", R::NAME)));
        }
        let written = self.recorder.write::<R>(index, record.elements());
        written.map_err(|error| SpecError::Invalid(error.to_string()))
    }
}
