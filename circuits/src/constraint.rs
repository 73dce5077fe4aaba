//! The one door for constraints, and for the variables that follow from others.
//!
//! Constraints that stop an attack have a name, such as `transfer/overdraft`, so that a test can show that a forged
//! witness is refused by that constraint and by nothing else: [`crate::soundness::without`] leaves the constraints
//! of a name out, for the length of a closure on one thread. Nothing else can.
//!
//! Every function takes the shape `a · b = c` or a special case of it, with `a`, `b`, `c` linear combinations. On
//! constants the equation is checked at once and [`SynthesisError::Unsatisfiable`] reports that it does not hold.

use std::cell::Cell;

use ark_bn254::Fr;
use ark_ff::Field;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{Result, SynthesisError};

use crate::{
    linear::{Linear, allocate},
    seam,
};

/// Enforces `a · b = c`.
///
/// # Errors
///
/// [`SynthesisError::Unsatisfiable`] when all three are constants and the equation does not hold.
pub fn enforce_product(
    name: &'static str,
    a: impl Into<Linear>,
    b: impl Into<Linear>,
    c: impl Into<Linear>,
) -> Result<()> {
    enforce(name, &a.into(), &b.into(), &c.into())
}

/// Enforces `a = b`. One constraint.
///
/// # Errors
///
/// As [`enforce_product`].
pub fn enforce_equal(name: &'static str, a: impl Into<Linear>, b: impl Into<Linear>) -> Result<()> {
    let mut difference = a.into();
    difference.add_linear(-Fr::ONE, &b.into());
    enforce_zero(name, difference)
}

/// Enforces `a = 0`. One constraint.
///
/// # Errors
///
/// As [`enforce_product`].
pub fn enforce_zero(name: &'static str, a: impl Into<Linear>) -> Result<()> {
    let a = a.into();
    let one = Linear::new(a.cs()).plus_constant(Fr::ONE);
    let zero = Linear::new(a.cs());
    enforce(name, &a, &one, &zero)
}

/// Enforces that `a` is 0 or 1. One constraint.
///
/// # Errors
///
/// As [`enforce_product`].
pub fn enforce_boolean(name: &'static str, a: impl Into<Linear>) -> Result<()> {
    let a = a.into();
    enforce(name, &a, &a, &a)
}

/// `a · b` as a new variable that follows from the two. One constraint, none if either is a constant.
///
/// # Errors
///
/// None but those of allocation.
pub fn product(a: impl Into<Linear>, b: impl Into<Linear>) -> Result<FpVar<Fr>> {
    let (a, b) = (a.into(), b.into());
    product_plus(&a, &b, &Linear::new(a.cs()))
}

/// `a · b + c` as a new variable that follows from the three. One constraint, none if `a` or `b` is a constant.
///
/// # Errors
///
/// None but those of allocation.
pub fn product_plus(a: &Linear, b: &Linear, c: &Linear) -> Result<FpVar<Fr>> {
    for (constant, other) in [(a, b), (b, a)] {
        if constant.cs().is_none() {
            let mut sum = c.clone();
            sum.add_linear(constant.value().ok_or(SynthesisError::AssignmentMissing)?, other);
            return sum.finish();
        }
    }
    let value = match (a.value(), b.value(), c.value()) {
        (Some(a), Some(b), Some(c)) => Some(a * b + c),
        _ => None,
    };
    let result = allocate(a.cs(), value)?;
    if a.cs().should_construct_matrices() {
        let mut product = Linear::of(&result);
        product.add_linear(-Fr::ONE, c);
        a.cs().enforce_r1cs_constraint(|| a.to_lc(), || b.to_lc(), || product.to_lc())?;
    }
    Ok(result)
}

/// Runs `constraints`, which may enforce as many as it likes under other names, unless `name` is left out.
///
/// # Errors
///
/// Those of `constraints`.
pub fn guarded(name: &'static str, constraints: impl FnOnce() -> Result<()>) -> Result<()> {
    if seam::is_active() && seam::is_removed(name) {
        return Ok(());
    }
    constraints()
}

/// What a constraint of this name among constants does that does not hold: [`SynthesisError::Unsatisfiable`], and
/// [`refused_by`] tells the name.
pub(crate) fn refuse(name: &'static str) -> Result<()> {
    if LENIENT.get() {
        return Ok(());
    }
    REFUSED_BY.set(Some(name));
    Err(SynthesisError::Unsatisfiable)
}

/// The constraint that last refused constants on this thread.
pub fn refused_by() -> Option<&'static str> {
    REFUSED_BY.get()
}

/// Runs `body` with constraints among constants holding whatever the constants are: how a dishonest prover computes what
/// follows from a lie. Where there is a constraint system nothing changes.
#[cfg(test)]
pub(crate) fn leniently<T>(body: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            LENIENT.set(self.0);
        }
    }
    let _restore = Restore(LENIENT.replace(true));
    body()
}

thread_local! {
    static LENIENT: Cell<bool> = const { Cell::new(false) };
    static REFUSED_BY: Cell<Option<&'static str>> = const { Cell::new(None) };
}

fn enforce(name: &'static str, a: &Linear, b: &Linear, c: &Linear) -> Result<()> {
    let removed = seam::is_active() && seam::is_removed(name);
    let Some(cs) = [a, b, c].into_iter().map(Linear::cs).find(|cs| !cs.is_none()) else {
        let (Some(a), Some(b), Some(c)) = (a.value(), b.value(), c.value()) else {
            return Err(SynthesisError::AssignmentMissing);
        };
        return if removed || a * b == c { Ok(()) } else { refuse(name) };
    };
    if seam::is_active() && !removed && seam::stops_when_refused() {
        let values = (a.value(), b.value(), c.value());
        if matches!(values, (Some(a), Some(b), Some(c)) if a * b != c) {
            return Err(SynthesisError::Unsatisfiable);
        }
    }
    let row = cs.num_constraints();
    if !removed && cs.should_construct_matrices() {
        cs.enforce_r1cs_constraint(|| a.to_lc(), || b.to_lc(), || c.to_lc())?;
    }
    if seam::is_active() {
        seam::record_constraint(name, row..cs.num_constraints());
    }
    Ok(())
}
