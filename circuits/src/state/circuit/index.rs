//! Places of a storage, by the bits of their index.

use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use zkpov_verifier::field::Fr;

use super::super::layout::{BITS_PER_LEVEL, Shape};
use crate::{bit::Bit, gadgets::range, hint, namespace};

/// A place in a storage, by the bits of its index.
#[derive(Clone, Debug)]
pub struct Index {
    bits: Vec<Bit>,
    value: FpVar<Fr>,
}

impl Index {
    /// A place of the prover's choice in a storage of this shape. One constraint a bit.
    pub fn hint(
        cs: &ConstraintSystemRef<Fr>,
        name: &str,
        shape: Shape,
        value: impl Fn() -> Result<u32>,
    ) -> Result<Self> {
        let _namespace = namespace::enter(cs, name);
        let bit = |i| hint::bit(cs, "bit", || Ok(value()?.checked_shr(i).unwrap_or(0) & 1 == 1));
        let bits =
            (0..shape.levels() * BITS_PER_LEVEL).map(|i| bit(i as u32)).collect::<Result<Vec<Bit>>>()?;
        let value = range::from_bits(&bits)?;
        Ok(Self { bits, value })
    }

    /// The place that `value` names, enforcing under `name` that a storage of this shape has it.
    pub fn enforce(name: &'static str, shape: Shape, value: &FpVar<Fr>) -> Result<Self> {
        let bits = range::bits(name, value, shape.levels() * BITS_PER_LEVEL)?;
        let value = range::from_bits(&bits)?;
        Ok(Self { bits, value })
    }

    /// The only place of a storage with one record.
    pub fn only() -> Self {
        Self { bits: Vec::new(), value: FpVar::Constant(Fr::from(0u64)) }
    }

    /// The index as a field element.
    pub fn as_field(&self) -> &FpVar<Fr> {
        &self.value
    }

    /// The bits, the least first.
    pub(super) fn bits(&self) -> &[Bit] {
        &self.bits
    }

    /// How many bits there are.
    pub(super) fn width(&self) -> usize {
        self.bits.len()
    }
}
