//! Typed values with three forms: native, in a circuit, and in JSON.
//!
//! ```text
//!   Value   u32, u128, bool, PublicKey, … and structures of them (`values!`)
//!     ├── elements, from_elements   native ◄──► field elements, one or two for each
//!     ├── hint, variables           field elements ──► variables, every one enforced to be in its range
//!     ├── pack, unpack              elements ◄──► few elements: what leaves, messages and bodies are made of
//!     └── to_json, from_json        what specs and extrinsics files say
//! ```
//!
//! What a record holds, what a user signs, what a circuit is given for a slot and what a body says are all values. So the
//! layout of each is written once, and the circuit's and the native one cannot differ.
//!
//! - `primitives`: integers, bits, keys, field elements, arrays;
//! - `structures`: what [`values!`](crate::values) and [`record!`](crate::record) declare;
//! - `packing`: many elements into few.

mod packing;
mod primitives;
mod structures;

use ark_ff::{BigInteger, PrimeField};
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use serde_json::Value as Json;
use zkpov_verifier::field::Fr;

use super::layout::Layout;
use crate::bit::Bit;

pub use packing::{lone, pack, pack_variables, packed_widths, unpack};
pub use primitives::{Element, Unsigned};
pub use structures::take_member;

/// Width of an element that can be any of the field.
pub const WHOLE: usize = Fr::MODULUS_BIT_SIZE as usize;

/// Elements as a prover gives them; `None` when only the circuit's shape is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'w> {
    pub(crate) elements: Option<&'w [Fr]>,
    /// For each element whether the state holds it to its range; not, where there is nothing.
    kept: &'w [bool],
}

impl<'w> Fields<'w> {
    /// These elements.
    pub fn new(elements: Option<&'w [Fr]>) -> Self {
        Self { elements, kept: &[] }
    }

    /// The elements of a record that is in the state, which holds those to their ranges that are [`lone`]: a hint need not. Why it does
    /// is said where records are read, in `state/circuit/mod.rs`.
    pub(crate) fn in_state(elements: Option<&'w [Fr]>, lone: &'w [bool]) -> Self {
        Self { elements, kept: lone }
    }

    /// Whether the state holds the first element to its range.
    fn is_kept(&self) -> bool {
        self.kept.first().copied().unwrap_or_default()
    }

    /// Element `number`.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::AssignmentMissing`] if there is none.
    pub fn get(&self, number: usize) -> Result<Fr> {
        self.elements.and_then(|fields| fields.get(number)).copied().ok_or(SynthesisError::AssignmentMissing)
    }

    /// Takes the next `count` elements off.
    #[must_use]
    pub fn take(&mut self, count: usize) -> Self {
        let (kept, others) = self.kept.split_at_checked(count).unwrap_or((self.kept, &[]));
        self.kept = others;
        let elements = self.elements.map(|all| {
            let (taken, rest) = all.split_at_checked(count).unwrap_or((all, &[]));
            self.elements = Some(rest);
            taken
        });
        Self { elements, kept }
    }
}

/// How a hint is called: what it is, and the constraint that holds it to its range.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// Name of the variable.
    pub variable: &'static str,
    /// Name of the constraint.
    pub range: &'static str,
}

/// A value with a native form, one in a circuit, and one in JSON, all of one declaration: [`values!`](crate::values).
pub trait Value: Clone + core::fmt::Debug + PartialEq + Send + Sync + Sized + 'static {
    /// The value in a circuit.
    type Var: Clone + core::fmt::Debug + 'static;

    /// Widths in bits of its elements, [`WHOLE`] for one that can be any of the field.
    fn widths() -> Vec<usize>;

    /// Its elements, each below its width.
    fn elements(&self) -> Vec<Fr>;

    /// The value of these elements; `None` if they are none's.
    fn from_elements(elements: &[Fr]) -> Option<Self>;

    /// A value of the prover's choice, every element held to its width by a constraint named in `label`: an integer that the state
    /// holds to it may do without, as [`Fields`] say.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::AssignmentMissing`] if `fields` has too few elements.
    fn hint(
        cs: &ConstraintSystemRef<Fr>,
        layout: &Layout,
        label: Label,
        fields: Fields<'_>,
    ) -> Result<Self::Var>;

    /// The value of atoms, which `atom` gives one after the other and knows to be in their range: for each it is told the width,
    /// and what a prover says who has these `fields`. An element is an atom, or a few that it is put together from: a place is
    /// of its bits.
    ///
    /// # Errors
    ///
    /// Those of `atom`.
    fn assume(layout: &Layout, fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<Self::Var>;

    /// The elements of a value in a circuit.
    fn variables(value: &Self::Var) -> Vec<FpVar<Fr>>;

    /// The value in JSON.
    fn to_json(&self) -> Json;

    /// The value of its JSON.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    fn from_json(json: &Json) -> core::result::Result<Self, String>;
}

/// Gives the next atom of a value, of this width, for which a prover says this: see [`Value::assume`].
pub type Atoms<'a> = dyn FnMut(usize, Result<Fr>) -> Result<FpVar<Fr>> + 'a;

/// The `count` bits of an element as atoms, the least first.
///
/// # Errors
///
/// Those of `atom`.
pub fn assume_bits(element: &Result<Fr>, count: usize, atom: &mut Atoms<'_>) -> Result<Vec<Bit>> {
    let bit = |i| element.map(|element| Fr::from(element.into_bigint().get_bit(i)));
    (0..count).map(|i| atom(1, bit(i)).map(Bit::trust)).collect()
}
