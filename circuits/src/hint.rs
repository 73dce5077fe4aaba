//! The one door for values that a prover chooses.
//!
//! Whatever a circuit takes on the prover's word (inputs, Merkle paths, bits of a decomposition, inverses) is
//! allocated here and nowhere else. What follows from other variables (products) is allocated by
//! [`crate::constraint`]. The division is what [`crate::soundness`] rests on: it replaces one hint after the other
//! by another value, lets everything else follow, and expects a constraint to object.
//!
//! With [`ConstraintSystemRef::None`] a hint is the constant that its closure computes, so that the definition of
//! a circuit is also its native execution.
//!
//! Closures must not depend on anything but the prover's data and the values of variables. They should be total
//! (the inverse of zero is taken as zero): the constraints are there to refuse, not the closure.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result};

use crate::{bit::Bit, constraint, linear::allocate, seam};

/// A field element of the prover's choice, not constrained in any way.
///
/// # Errors
///
/// Those of `value`, which is called when there are values (not when only the circuit's shape is asked for).
pub fn field(
    cs: &ConstraintSystemRef<Fr>,
    name: &str,
    value: impl FnOnce() -> Result<Fr>,
) -> Result<FpVar<Fr>> {
    if cs.is_none() {
        return Ok(FpVar::Constant(value()?));
    }
    let has_values = !cs.is_in_setup_mode();
    let value = if seam::is_active() {
        let honest = has_values.then(|| seam::known_hint().unwrap_or_else(|| value().unwrap_or(Fr::ZERO)));
        seam::meet_hint(name, cs.num_witness_variables(), cs.num_instance_variables(), honest)
    } else if has_values {
        Some(value()?)
    } else {
        None
    };
    allocate(cs, value)
}

/// Several field elements of the prover's choice, named `name[0]`, `name[1]` and so on.
///
/// # Errors
///
/// Those of `value`, which is given the index.
pub fn fields(
    cs: &ConstraintSystemRef<Fr>,
    name: &str,
    count: usize,
    value: impl Fn(usize) -> Result<Fr>,
) -> Result<Vec<FpVar<Fr>>> {
    (0..count)
        .map(|index| {
            if seam::is_active() {
                field(cs, &format!("{name}[{index}]"), || value(index))
            } else {
                field(cs, name, || value(index))
            }
        })
        .collect()
}

/// A bit of the prover's choice: 0 or 1 and nothing else. One constraint.
///
/// # Errors
///
/// Those of `value`.
pub fn bit(cs: &ConstraintSystemRef<Fr>, name: &str, value: impl FnOnce() -> Result<bool>) -> Result<Bit> {
    let value = field(cs, name, || Ok(Fr::from(value()?)))?;
    // Without it, a "bit" of any size moves a selection or a decomposition anywhere.
    constraint::enforce_boolean("bit", &value)?;
    Ok(Bit::trust(value))
}

/// The multiplicative inverse of `value`, or zero for zero: a hint that callers must constrain.
///
/// # Errors
///
/// None but those of allocation.
pub fn inverse(cs: &ConstraintSystemRef<Fr>, name: &str, value: &FpVar<Fr>) -> Result<FpVar<Fr>> {
    field(cs, name, || Ok(value.value()?.inverse().unwrap_or(Fr::ZERO)))
}
