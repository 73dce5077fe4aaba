//! The memory argument: what accesses take, and what is left at the end, is what there was and what they put.

use ark_ff::Field;
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use zkpov_verifier::field::Fr;

use super::{
    argument::{Log, Sum},
    tree::Tree,
};
use crate::{
    bit::Bit,
    constraint,
    gadgets::range,
    hint,
    integer::power_of_two,
    linear::Linear,
    state::{plan::time_bits, witness::Access},
};

/// An access to a tree. Its time is its number among the tree's, from 1.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) when: Bit,
    pub(super) index: FpVar<Fr>,
    /// Bits of the index.
    pub(super) width: usize,
    pub(super) read: FpVar<Fr>,
    /// `None` if nothing was written.
    pub(super) written: Option<FpVar<Fr>>,
    /// The time of the access to the same place before, 0 if it is the first.
    pub(super) previous: FpVar<Fr>,
}

impl Event {
    fn left(&self) -> &FpVar<Fr> {
        self.written.as_ref().unwrap_or(&self.read)
    }
}

/// A time of the prover's choice, at most `latest`: that of an access earlier than number `latest` + 1.
pub(super) fn earlier(
    cs: &ConstraintSystemRef<Fr>,
    latest: usize,
    access: Option<&Access>,
) -> Result<FpVar<Fr>> {
    if latest == 0 {
        return Ok(FpVar::Constant(Fr::from(0u64)));
    }
    let previous =
        hint::field(cs, "previous", || Ok(access.ok_or(SynthesisError::AssignmentMissing)?.previous))?;
    range::bits("state/time order", &distance(&previous, latest).finish()?, time_bits(latest))?;
    Ok(previous)
}

/// `latest - previous`, which has [`time_bits`] of `latest`.
fn distance(previous: &FpVar<Fr>, latest: usize) -> Linear {
    Linear::new(&previous.cs()).plus_constant(Fr::from(latest as u64)).plus(-Fr::ONE, previous)
}

/// Writes everything about the accesses into the log.
pub(super) fn log_events(log: &mut Log, events: &[Event]) -> Result<()> {
    for (latest, event) in events.iter().enumerate() {
        log.absorb_small("state/log/accesses", &event.index, event.width)?;
        log.absorb_small("state/log/accesses", distance(&event.previous, latest), time_bits(latest))?;
        log.absorb_small("state/log/accesses", event.when.as_field(), 1)?;
        log.absorb("state/log/leaves", &event.read)?;
        if let Some(written) = &event.written {
            log.absorb("state/log/leaves", written)?;
        }
    }
    Ok(())
}

/// Enforces that what accesses take, and what is left at the end, is what there was and what they put.
pub(super) fn compare_memory(mut sum: Sum<'_>, events: &[Event], tree: &Tree) -> Result<()> {
    // Index and time in one element: both are known to be in their bits.
    let at = |index: &FpVar<Fr>, width: usize, time: &Linear| {
        let mut head = Linear::of(index);
        head.add_linear(power_of_two(width as u32), time);
        head
    };
    let constant = |time: usize| Linear::of(&FpVar::Constant(Fr::from(time as u64)));
    let always = FpVar::Constant(Fr::ONE);
    for (latest, event) in events.iter().enumerate() {
        let when = event.when.as_field();
        sum.add(
            -Fr::ONE,
            when,
            &at(&event.index, event.width, &Linear::of(&event.previous)),
            &[&event.read],
        )?;
        sum.add(Fr::ONE, when, &at(&event.index, event.width, &constant(latest + 1)), &[event.left()])?;
    }
    for place in &tree.places {
        let (index, width) = (place.index.as_field(), place.index.width());
        sum.add(Fr::ONE, &always, &at(index, width, &constant(0)), &[&place.before])?;
        sum.add(-Fr::ONE, &always, &at(index, width, &Linear::of(&place.last)), &[&place.after])?;
    }
    constraint::enforce_zero("state/memory", sum.total)
}
