//! Paths in Merkle trees of Poseidon whose nodes have 2, 4 or 8 children.
//!
//! ```text
//!                root = hash(c₀, …, c₇)
//!                          │  index digit 2 (bits 6..9)
//!        node = hash(c₀, …, c₇)
//!                    │  index digit 1 (bits 3..6)
//!   node = hash(c₀, …, c₇)
//!               │  index digit 0 (bits 0..3)
//!             leaf
//! ```
//!
//! Placing a node among its siblings takes one conditional swap for each bit of the digit, of blocks of 1, 2, 4
//! elements: arity - 1 constraints. A level costs that and a hash; for an old and a new root the siblings' S-boxes of
//! the first round serve both:
//!
//! | arity | root of one leaf | old and new root | per index bit, one root |
//! |---|---|---|---|
//! | 4 | 300 | 593 | 148.3 |
//! | 8 | 409 | 802 | 133.7 |
//!
//! Index bits come on top, once for both roots. `docs/tree.md` has the comparison.
//!
//! Attacks. A prover chooses siblings and index freely: what a path proves is that *some* tree with this root has
//! the leaf at this index. So a path must be tied to a root that the state holds, and the bits to the index that
//! the caller means; both are the caller's to do. An update uses the same siblings and bits for both roots, so that
//! nothing but the one leaf changes.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use zkpov_verifier::poseidon::hash_slice;

use crate::{bit::Bit, constraint::product, gadgets::poseidon, hint, linear::Linear, namespace};

/// A path outside a circuit: for each level from the leaf up, all children of the node on the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativePath<const ARITY: usize> {
    /// The leaf's place, its lowest digit (base `ARITY`) choosing among the lowest nodes.
    pub index: u64,
    /// The children at each level; the one on the path itself is not looked at.
    pub children: Vec<[Fr; ARITY]>,
}

impl<const ARITY: usize> NativePath<ARITY> {
    /// The root that this path has with `leaf` at its end.
    ///
    /// # Panics
    ///
    /// For an arity that [`Path`] does not have.
    pub fn root(&self, leaf: Fr) -> Fr {
        let () = Path::<ARITY>::HAS_ARITY;
        let mut node = leaf;
        for (level, children) in self.children.iter().enumerate() {
            let mut children = *children;
            children[self.digit(level)] = node;
            node = hash_slice(&children).expect("Poseidon has this width");
        }
        node
    }

    fn digit(&self, level: usize) -> usize {
        let bits = ARITY.trailing_zeros() as usize;
        self.index.checked_shr((bits * level) as u32).map_or(0, |rest| rest as usize % ARITY)
    }

    /// The siblings of a level in the order of [`Path`]: the neighbour, then the neighbouring pair, then four.
    fn siblings(&self, level: usize) -> Option<Vec<Fr>> {
        let children = self.children.get(level)?;
        let digit = self.digit(level);
        let blocks = (0..ARITY.trailing_zeros()).flat_map(|k| {
            let neighbour = ((digit >> k) ^ 1) << k;
            neighbour..neighbour + (1 << k)
        });
        Some(blocks.map(|place| children[place]).collect())
    }
}

/// A path in a circuit.
#[derive(Clone, Debug)]
pub struct Path<const ARITY: usize> {
    index: Vec<Bit>,
    siblings: Vec<Vec<FpVar<Fr>>>,
}

impl<const ARITY: usize> Path<ARITY> {
    const HAS_ARITY: () = assert!(ARITY == 2 || ARITY == 4 || ARITY == 8, "a node has 2, 4 or 8 children");
    const DIGIT_BITS: usize = ARITY.trailing_zeros() as usize;

    /// A path of `levels` levels of the prover's choice. One constraint for each bit of the index.
    ///
    /// # Errors
    ///
    /// Those of `path`; [`SynthesisError::AssignmentMissing`] for a path of fewer levels.
    pub fn hint(
        cs: &ConstraintSystemRef<Fr>,
        levels: usize,
        path: impl Fn() -> Result<NativePath<ARITY>>,
    ) -> Result<Self> {
        let path = if cs.is_in_setup_mode() { None } else { Some(path()?) };
        let index = (0..levels * Self::DIGIT_BITS)
            .map(|i| {
                hint::bit(cs, "index", || {
                    let path = path.as_ref().ok_or(SynthesisError::AssignmentMissing)?;
                    Ok(path.index.checked_shr(i as u32).unwrap_or(0) & 1 == 1)
                })
            })
            .collect::<Result<Vec<Bit>>>()?;
        Self::hint_siblings(cs, index, || path.clone().ok_or(SynthesisError::AssignmentMissing))
    }

    /// A path to the index with these bits, the least first, with siblings of the prover's choice. No constraint.
    ///
    /// The siblings are read from `path`, whose own index must be the same.
    ///
    /// # Errors
    ///
    /// Those of `path`; [`SynthesisError::ArityMismatch`] when the bits do not fill whole digits.
    pub fn hint_siblings(
        cs: &ConstraintSystemRef<Fr>,
        index: Vec<Bit>,
        path: impl Fn() -> Result<NativePath<ARITY>>,
    ) -> Result<Self> {
        let () = Self::HAS_ARITY;
        if !index.len().is_multiple_of(Self::DIGIT_BITS) {
            return Err(SynthesisError::ArityMismatch);
        }
        let path = if cs.is_in_setup_mode() { None } else { Some(path()?) };
        let siblings = (0..index.len() / Self::DIGIT_BITS)
            .map(|level| {
                let _level = namespace::enter_indexed(cs, "level", level);
                let values = path.as_ref().and_then(|path| path.siblings(level));
                hint::fields(cs, "sibling", ARITY - 1, |i| {
                    let values = values.as_ref().ok_or(SynthesisError::AssignmentMissing)?;
                    values.get(i).copied().ok_or(SynthesisError::AssignmentMissing)
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { index, siblings })
    }

    /// The bits of the index, the least first.
    pub fn index(&self) -> &[Bit] {
        &self.index
    }

    /// How many levels there are.
    pub fn levels(&self) -> usize {
        self.siblings.len()
    }

    /// The root that this path has with `leaf` at its end.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn root(&self, leaf: &FpVar<Fr>) -> Result<FpVar<Fr>> {
        let mut node = leaf.clone();
        for (digit, siblings) in self.index.chunks(Self::DIGIT_BITS).zip(&self.siblings) {
            node = poseidon::hash(&place(&node, siblings, digit)?)?;
        }
        Ok(node)
    }

    /// The roots that this path has with `old` and with `new` at its end.
    ///
    /// Enforce that the first is the state's root; the second is then the root of the same tree with `new` at the
    /// index.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn update(&self, old: &FpVar<Fr>, new: &FpVar<Fr>) -> Result<(FpVar<Fr>, FpVar<Fr>)> {
        let (mut old, mut new) = (old.clone(), new.clone());
        for (digit, siblings) in self.index.chunks(Self::DIGIT_BITS).zip(&self.siblings) {
            let children = place(&old, siblings, digit)?;
            (old, new) = poseidon::hash_replacing(&children, &one_hot(digit)?, &new)?;
        }
        Ok((old, new))
    }
}

/// The children of the node above: `node` at the place that the digit's bits say, `siblings` at the others.
fn place(node: &FpVar<Fr>, siblings: &[FpVar<Fr>], digit: &[Bit]) -> Result<Vec<FpVar<Fr>>> {
    let mut block = vec![node.clone()];
    let mut siblings = siblings.iter();
    for bit in digit {
        let swapped = block
            .iter()
            .zip(siblings.by_ref().take(block.len()).collect::<Vec<_>>())
            .map(|(mine, theirs)| bit.swap(mine, theirs))
            .collect::<Result<Vec<_>>>()?;
        let (mut low, high): (Vec<_>, Vec<_>) = swapped.into_iter().unzip();
        low.extend(high);
        block = low;
    }
    Ok(block)
}

/// For each value of the digit, whether it is the one with these bits. 2^n - 1 - n constraints for n bits.
fn one_hot(digit: &[Bit]) -> Result<Vec<Linear>> {
    let one = Linear::new(&ConstraintSystemRef::None).plus_constant(Fr::ONE);
    let mut selected = vec![one];
    for bit in digit {
        // Those with a 1 here. They sum to the bit, so the last follows.
        let mut rest = Linear::of(bit.as_field());
        let (last, others) = selected.split_last().ok_or(SynthesisError::ArityMismatch)?;
        let mut high = Vec::with_capacity(selected.len());
        for low in others {
            let both = Linear::of(&product(low.clone(), bit.as_field())?);
            rest.add_linear(-Fr::ONE, &both);
            high.push(both);
        }
        high.push(rest);
        let low = others.iter().chain([last]).zip(&high).map(|(all, high)| {
            let mut low = all.clone();
            low.add_linear(-Fr::ONE, high);
            low
        });
        selected = low.chain(high.clone()).collect();
    }
    Ok(selected)
}

/// The root of the empty tree of `levels` levels whose empty leaf is 0.
///
/// # Panics
///
/// For an arity that [`Path`] does not have.
pub fn empty_root<const ARITY: usize>(levels: usize) -> Fr {
    let () = Path::<ARITY>::HAS_ARITY;
    (0..levels).fold(Fr::ZERO, |node, _| hash_slice(&[node; ARITY]).expect("Poseidon has this width"))
}

#[cfg(test)]
mod tests;
