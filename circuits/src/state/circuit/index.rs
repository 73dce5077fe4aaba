//! Places of a storage, by the bits of their index.

use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use zkpov_verifier::field::Fr;

use ark_ff::PrimeField;
use ark_r1cs_std::GR1CSVar;
use serde_json::Value as Json;

use super::super::{
    layout::{BITS_PER_LEVEL, Layout, Shape},
    value::{Atoms, Fields, Label, Value, assume_bits},
};
use crate::{bit::Bit, gadgets::range, hint, integer::to_u128, namespace};

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

    /// The place's number.
    ///
    /// # Errors
    ///
    /// [`ark_relations::gr1cs::SynthesisError::AssignmentMissing`] when only the circuit's shape is asked for.
    pub fn number(&self) -> Result<u32> {
        // At most `MAX_LEVELS` levels: 30 bits.
        Ok(self.value.value()?.into_bigint().0[0] as u32)
    }

    /// A place from its bits, the least first: as many as the storage's levels take.
    pub fn from_bits(bits: Vec<Bit>) -> Result<Self> {
        let value = range::from_bits(&bits)?;
        Ok(Self { bits, value })
    }

    /// The bits, the least first.
    pub fn bits(&self) -> &[Bit] {
        &self.bits
    }

    /// How many bits there are.
    pub(super) fn width(&self) -> usize {
        self.bits.len()
    }
}

/// A place in storage `STORAGE` as a value, of `BITS` bits where it is packed; a chain's storage may have fewer places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, codec::Encode, codec::Decode)]
pub struct At<const STORAGE: u8, const BITS: usize>(pub u32);

impl<const STORAGE: u8, const BITS: usize> Value for At<STORAGE, BITS> {
    type Var = Index;

    fn widths() -> Vec<usize> {
        vec![BITS]
    }

    fn elements(&self) -> Vec<Fr> {
        vec![self.0.into()]
    }

    fn from_elements(elements: &[Fr]) -> Option<Self> {
        match elements {
            [element] => to_u128(element)?.try_into().ok().map(Self),
            _ => None,
        }
    }

    fn hint(
        cs: &ConstraintSystemRef<Fr>,
        layout: &Layout,
        label: Label,
        fields: Fields<'_>,
    ) -> Result<Index> {
        let number = || Ok(fields.get(0)?.into_bigint().0[0] as u32);
        Index::hint(cs, label.variable, layout.shape(STORAGE), number)
    }

    fn assume(layout: &Layout, fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<Index> {
        let bits = layout.shape(STORAGE).levels() * BITS_PER_LEVEL;
        Index::from_bits(assume_bits(&fields.get(0), bits, atom)?)
    }

    fn variables(value: &Index) -> Vec<FpVar<Fr>> {
        vec![value.as_field().clone()]
    }

    fn to_json(&self) -> Json {
        self.0.into()
    }

    fn from_json(json: &Json) -> core::result::Result<Self, String> {
        u32::from_json(json).map(Self)
    }
}

impl<const STORAGE: u8, const BITS: usize> From<u32> for At<STORAGE, BITS> {
    fn from(number: u32) -> Self {
        Self(number)
    }
}
