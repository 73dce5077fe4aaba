//! Bits: field elements that are 0 or 1.
//!
//! arkworks' `Boolean` keeps a Rust `bool` beside its variable; a `Bit` keeps the field element, so that what follows
//! from a bit also follows from a dishonest "bit" of 2, which is what [`crate::soundness`] needs to see.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::Result;

use crate::{
    constraint::{self, product, product_plus},
    linear::Linear,
};

/// A field element constrained to 0 or 1.
#[derive(Clone, Debug)]
#[must_use]
pub struct Bit(FpVar<Fr>);

impl Bit {
    /// The constant bit.
    pub fn constant(value: bool) -> Self {
        Self(FpVar::Constant(Fr::from(value)))
    }

    /// `value` as a bit, enforcing that it is one. One constraint.
    ///
    /// # Errors
    ///
    /// [`ark_relations::gr1cs::SynthesisError::Unsatisfiable`] for a constant other than 0 and 1.
    pub fn enforce(value: &FpVar<Fr>) -> Result<Self> {
        constraint::enforce_boolean("bit", value)?;
        Ok(Self(value.clone()))
    }

    /// `value` as a bit where the caller's constraints already make it one.
    pub(crate) fn trust(value: FpVar<Fr>) -> Self {
        Self(value)
    }

    /// The bit as a field element.
    pub fn as_field(&self) -> &FpVar<Fr> {
        &self.0
    }

    /// The bit's value.
    ///
    /// # Errors
    ///
    /// [`ark_relations::gr1cs::SynthesisError::AssignmentMissing`] when only the circuit's shape is asked for.
    pub fn value(&self) -> Result<bool> {
        Ok(self.0.value()? != Fr::ZERO)
    }

    /// 1 - self. No constraint.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn not(&self) -> Result<Self> {
        Linear::new(&self.0.cs()).plus_constant(Fr::ONE).plus(-Fr::ONE, &self.0).finish().map(Self)
    }

    /// Whether both are 1. One constraint.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn and(&self, other: &Self) -> Result<Self> {
        product(&self.0, &other.0).map(Self)
    }

    /// Whether either is 1. One constraint.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn or(&self, other: &Self) -> Result<Self> {
        let both = product(&self.0, &other.0)?;
        Linear::of(&self.0).plus(Fr::ONE, &other.0).plus(-Fr::ONE, &both).finish().map(Self)
    }

    /// Whether exactly one is 1. One constraint.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn xor(&self, other: &Self) -> Result<Self> {
        let minus_twice = Linear::new(&self.0.cs()).plus(-Fr::ONE.double(), &self.0);
        let sum = Linear::of(&self.0).plus(Fr::ONE, &other.0);
        product_plus(&minus_twice, &Linear::of(&other.0), &sum).map(Self)
    }

    /// `if_one` where this is 1 and `if_zero` where it is 0. One constraint.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn select(&self, if_one: &FpVar<Fr>, if_zero: &FpVar<Fr>) -> Result<FpVar<Fr>> {
        let difference = Linear::of(if_one).plus(-Fr::ONE, if_zero);
        product_plus(&difference, &Linear::of(&self.0), &Linear::of(if_zero))
    }

    /// (`a`, `b`) where this is 0 and (`b`, `a`) where it is 1. One constraint.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn swap(&self, a: &FpVar<Fr>, b: &FpVar<Fr>) -> Result<(FpVar<Fr>, FpVar<Fr>)> {
        let first = self.select(b, a)?;
        let second = Linear::of(a).plus(Fr::ONE, b).plus(-Fr::ONE, &first).finish()?;
        Ok((first, second))
    }

    /// Enforces that the bit is 1. One constraint.
    ///
    /// # Errors
    ///
    /// [`ark_relations::gr1cs::SynthesisError::Unsatisfiable`] for the constant 0.
    pub fn enforce_true(&self, name: &'static str) -> Result<()> {
        constraint::enforce_equal(name, &self.0, Linear::new(&self.0.cs()).plus_constant(Fr::ONE))
    }

    /// Enforces `a = b` where this is 1, and nothing where it is 0. One constraint.
    ///
    /// # Errors
    ///
    /// [`ark_relations::gr1cs::SynthesisError::Unsatisfiable`] when all are constants and it does not hold.
    pub fn enforce_equal_if(&self, name: &'static str, a: &FpVar<Fr>, b: &FpVar<Fr>) -> Result<()> {
        let difference = Linear::of(a).plus(-Fr::ONE, b);
        constraint::enforce_product(name, difference, &self.0, Linear::new(&self.0.cs()))
    }
}
