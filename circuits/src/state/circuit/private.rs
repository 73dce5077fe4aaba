//! Reads of which neither place nor record is told: not accesses, but paths in the trees that the block leaves.
//!
//! ```text
//!   record ──► leaf ──path, its index in no log──► root of a subtree ══ the one of these bits ◄── cells after the block
//! ```
//!
//! A read at the end needs no place in the order of accesses: it sees every write of the block, whichever slot wrote, so
//! that what a block revokes cannot be shown in it. And it is one path where an access has two, before and after.
//!
//! It moves nothing: the state after the block, and so what an importer rebuilds, does not depend on which place was
//! read. The index and the siblings are hints that occur in no other constraint than the read's own and those of the
//! caller.

use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use zkpov_verifier::field::Fr;

use super::{
    super::{
        layout::{ARITY, BITS_PER_LEVEL},
        witness::PrivateOpening,
    },
    index::Index,
};
use crate::{bit::Bit, gadgets::merkle::Path, namespace};

/// A private read, to be held to the tree that the block leaves.
#[derive(Debug)]
pub(super) struct PrivateRead<'w> {
    pub(super) storage: u8,
    pub(super) when: Bit,
    pub(super) index: Index,
    pub(super) leaf: FpVar<Fr>,
    pub(super) opening: Option<&'w PrivateOpening>,
}

impl PrivateRead<'_> {
    /// Enforces that the tree has the leaf at the index, where the read is in force. `cells` are the roots, in order, of the
    /// subtrees that the tree is made of at some level: a power of [`ARITY`] of them.
    ///
    /// A hash for each level below the cells, and one constraint for each cell but one.
    pub(super) fn hold(&self, cs: &ConstraintSystemRef<Fr>, cells: &[FpVar<Fr>]) -> Result<()> {
        let _namespace = namespace::enter(cs, "read");
        let own = self.index.width().checked_sub(cells.len().ilog2() as usize);
        let own =
            own.filter(|own| own.is_multiple_of(BITS_PER_LEVEL)).ok_or(SynthesisError::ArityMismatch)?;
        let (low, high) = self.index.bits().split_at(own);
        let path =
            || self.opening.map(|opening| opening.path.clone()).ok_or(SynthesisError::AssignmentMissing);
        let root = Path::<ARITY>::hint_siblings(cs, low.to_vec(), path)?.root(&self.leaf)?;
        self.when.enforce_equal_if("state/private read", &root, &choose(cells.to_vec(), high)?)
    }
}

/// The value at the place with these bits, the least first.
fn choose(mut values: Vec<FpVar<Fr>>, place: &[Bit]) -> Result<FpVar<Fr>> {
    for bit in place {
        values = values
            .chunks(2)
            .map(|pair| match pair {
                [even, odd] => bit.select(odd, even),
                _ => Err(SynthesisError::ArityMismatch),
            })
            .collect::<Result<_>>()?;
    }
    match values.as_slice() {
        [value] => Ok(value.clone()),
        _ => Err(SynthesisError::ArityMismatch),
    }
}
