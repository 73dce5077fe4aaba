//! Records that a block keeps in variables: read once, at first use, and written once, at the end.
//!
//! For storages of one record that many slots use. Reading such a record costs the hash of its leaf, and so does writing it; here
//! a block pays for both once, and a slot nothing but what it computes.

use core::any::Any;
use std::rc::Rc;

use ark_r1cs_std::GR1CSVar;
use ark_relations::gr1cs::{Result, SynthesisError};
use zkpov_verifier::field::Fr;

use crate::{
    bit::Bit,
    state::{
        Record,
        circuit::{Index, Place, State},
    },
};

/// How a record of some type is written.
type Write = fn(&mut State<'_>, Place, &dyn Any) -> Result<()>;

/// A record that a block keeps in variables.
#[derive(Clone, Debug)]
struct Register {
    storage: u8,
    place: Place,
    /// The record in a circuit, of the type that reads the storage.
    value: Rc<dyn Any>,
    /// How it is written, if it was set.
    write: Option<Write>,
}

/// The records that a block keeps in variables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registers(Vec<Register>);

fn write<R: Record>(state: &mut State<'_>, place: Place, value: &dyn Any) -> Result<()> {
    let value = value.downcast_ref::<R::Var>().ok_or(SynthesisError::ArityMismatch)?;
    state.write::<R>(&Bit::constant(true), place, value)
}

/// The values of a record's elements.
fn elements_of<R: Record>(value: &R::Var) -> Result<Vec<Fr>> {
    R::variables(value).iter().map(GR1CSVar::value).collect()
}

impl Registers {
    /// The record as it is now.
    pub(super) fn get<R: Record>(&mut self, state: &mut State<'_>) -> Result<R::Var> {
        let found = self.0.iter().find(|register| register.storage == R::STORAGE);
        if let Some(register) = found {
            return register.value.downcast_ref::<R::Var>().cloned().ok_or(SynthesisError::ArityMismatch);
        }
        let (value, place) = state.read::<R>(&Bit::constant(true), &Index::only())?;
        let register = Register { storage: R::STORAGE, place, value: Rc::new(value.clone()), write: None };
        self.0.push(register);
        Ok(value)
    }

    /// Sets the record, whether the slot is used or not. It must have been [got](Self::get).
    pub(super) fn set<R: Record>(&mut self, state: &mut State<'_>, value: &R::Var) -> Result<()> {
        let register = self.0.iter_mut().find(|register| register.storage == R::STORAGE);
        let register = register.ok_or(SynthesisError::ArityMismatch)?;
        let before = std::mem::replace(&mut register.value, Rc::new(value.clone()));
        register.write = Some(write::<R>);
        if let Some(recorder) = state.recorder_mut() {
            // At once, so that later slots are looked up in what this one leaves.
            let before = before.downcast_ref::<R::Var>().ok_or(SynthesisError::ArityMismatch)?;
            let elements = elements_of::<R>(value)?;
            if elements != elements_of::<R>(before)? {
                recorder.write::<R>(0, elements).map_err(|error| recorder.fail(error))?;
            }
        }
        Ok(())
    }

    /// Writes what was set.
    pub(super) fn close(self, state: &mut State<'_>) -> Result<()> {
        if state.recorder().is_some() {
            return Ok(());
        }
        for Register { place, value, write, .. } in self.0 {
            if let Some(write) = write {
                write(state, place, value.as_ref())?;
            }
        }
        Ok(())
    }
}
