//! Amounts that are multiplied and divided.

use ark_ff::PrimeField;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use serde_json::Value as Json;
use zkpov_verifier::field::Fr;

use crate::{
    FpVar,
    gadgets::natural::Natural,
    hint,
    state::{Atoms, Fields, Label, Layout, Value},
};

/// Bits of an amount.
pub(super) const AMOUNT_BITS: usize = u128::BITS as usize;

/// Bits of half of one.
const LIMB_BITS: usize = u64::BITS as usize;

/// A `u128` that a circuit knows modulo 2^64 too, from the bits that hold it to its range: no constraint more than a `u128`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, codec::Encode, codec::Decode)]
pub struct Amount(pub u128);

impl Value for Amount {
    type Var = Natural;

    fn widths() -> Vec<usize> {
        u128::widths()
    }

    fn elements(&self) -> Vec<Fr> {
        self.0.elements()
    }

    fn from_elements(elements: &[Fr]) -> Option<Self> {
        u128::from_elements(elements).map(Self)
    }

    fn hint(cs: &ConstraintSystemRef<Fr>, _: &Layout, label: Label, fields: Fields<'_>) -> Result<Natural> {
        let value = hint::field(cs, label.variable, || fields.get(0))?;
        Natural::enforce(label.range, &value, AMOUNT_BITS)
    }

    fn assume(_: &Layout, fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<Natural> {
        let halves = fields.get(0).map(|amount| {
            let amount = amount.into_bigint();
            [0, 1].map(|limb| Fr::from(amount.0[limb]))
        });
        let low = atom(LIMB_BITS, halves.map(|[low, _]| low))?;
        Natural::from_limbs(low, &atom(LIMB_BITS, halves.map(|[_, high]| high))?)
    }

    fn variables(value: &Natural) -> Vec<FpVar<Fr>> {
        vec![value.as_field().clone()]
    }

    fn to_json(&self) -> Json {
        Value::to_json(&self.0)
    }

    fn from_json(json: &Json) -> core::result::Result<Self, String> {
        <u128 as Value>::from_json(json).map(Self)
    }
}
