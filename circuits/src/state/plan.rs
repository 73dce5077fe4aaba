//! How many places of a tree a block opens, and how: what a circuit and its witness must agree on.

use super::layout::{ARITY, Shape};

/// Constraints of one Poseidon call over a node's children.
const NODE: usize = 402;

/// Constraints of a level of a path, for the leaf before and the leaf after.
const PATH_LEVEL: usize = 802;

/// Constraints of a level of a path with one leaf.
const READ_LEVEL: usize = 409;

/// Constraints of a cell: whether it is touched, that it stays if it is not, two products, one fraction.
const CELL: usize = 5;

/// Constraints that tie a place to its cell: which run it is in, two products, one fraction.
const RUN: usize = 7;

/// How the accesses of a block to one tree are opened.
///
/// ```text
///                    root
///                 ╱   │   ╲             `top_levels` levels, hashed once before and once after the block
///              cell  cell  cell …       8^top_levels of them
///               │           │
///              path        path         of each of `places` places, through the levels below
///               │           │
///              leaf        leaf
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpeningPlan {
    /// Places that are opened, each once however often it is accessed. A block touches at most as many; an
    /// opening that no access needs is of a place that stays as it is.
    pub places: usize,
    /// Levels, from the root down, that all places share.
    pub top_levels: usize,
}

impl OpeningPlan {
    /// The plan with the fewest constraints under which any `accesses` accesses can be opened: one place for each, as
    /// far as the tree has places.
    pub fn cheapest(shape: Shape, accesses: usize) -> Self {
        let places = accesses.min(usize::try_from(shape.places()).unwrap_or(usize::MAX));
        let plans = (0..=shape.levels()).map(|top_levels| Self { places, top_levels });
        plans.min_by_key(|plan| plan.constraints(shape)).unwrap_or(Self { places, top_levels: 0 })
    }

    /// The plan with the fewest constraints where `reads` private reads go through the same shared levels, of the tree after
    /// the block.
    pub fn cheapest_with_paths(shape: Shape, accesses: usize, reads: usize) -> Self {
        let places = accesses.min(usize::try_from(shape.places()).unwrap_or(usize::MAX));
        let plans = (0..=shape.levels()).map(|top_levels| Self { places, top_levels });
        let constraints = |plan: &Self| {
            plan.constraints(shape) + reads * (plan.path_levels(shape) * READ_LEVEL + plan.cells())
        };
        plans.min_by_key(constraints).unwrap_or(Self { places, top_levels: 0 })
    }

    /// How many cells the shared levels end in.
    pub fn cells(&self) -> usize {
        // Levels are at most `MAX_LEVELS`: 8^10 at the most.
        ARITY.pow(self.top_levels as u32)
    }

    /// Levels of a place's own path.
    pub fn path_levels(&self, shape: Shape) -> usize {
        shape.levels().saturating_sub(self.top_levels)
    }

    /// Constraints of paths and shared levels, before and after the block.
    fn constraints(&self, shape: Shape) -> usize {
        let path = self.path_levels(shape) * PATH_LEVEL;
        let nodes = (self.cells() - 1) / (ARITY - 1);
        let (cell, run) = if self.top_levels == 0 { (0, 0) } else { (CELL, RUN) };
        self.places * (path + run) + 2 * nodes * NODE + self.cells() * cell
    }
}

/// Bits of a time from 0 to `latest`.
pub(super) fn time_bits(latest: usize) -> usize {
    (usize::BITS - latest.leading_zeros()) as usize
}

#[cfg(test)]
mod tests {
    use ark_relations::gr1cs::ConstraintSystemRef;
    use zkpov_verifier::field::Fr;

    use super::*;
    use crate::{
        gadgets::{
            merkle::{NativePath, Path},
            poseidon,
        },
        hint,
        r1cs::R1cs,
        state::layout::BITS_PER_LEVEL,
    };

    #[test]
    fn a_node_and_a_level_cost_what_the_gadgets_do() {
        let node = |cs: ConstraintSystemRef<Fr>| {
            let children = hint::fields(&cs, "child", ARITY, |_| Ok(1u64.into()))?;
            poseidon::hash(&children).map(|_| ())
        };
        assert_eq!(R1cs::synthesize(node).expect("a shape").constraints(), NODE);
        let level = |cs: ConstraintSystemRef<Fr>| {
            let path = NativePath { index: 0, children: vec![[1u64.into(); ARITY]] };
            let path = Path::<ARITY>::hint(&cs, 1, || Ok(path.clone()))?;
            let leaves = hint::fields(&cs, "leaf", 2, |_| Ok(1u64.into()))?;
            path.update(&leaves[0], &leaves[1]).map(|_| ())
        };
        assert_eq!(R1cs::synthesize(level).expect("a shape").constraints(), PATH_LEVEL + BITS_PER_LEVEL);
        let read = |cs: ConstraintSystemRef<Fr>| {
            let path = NativePath { index: 0, children: vec![[1u64.into(); ARITY]] };
            let path = Path::<ARITY>::hint(&cs, 1, || Ok(path.clone()))?;
            path.root(&hint::field(&cs, "leaf", || Ok(1u64.into()))?).map(drop)
        };
        assert_eq!(R1cs::synthesize(read).expect("a shape").constraints(), READ_LEVEL + BITS_PER_LEVEL);
    }

    #[test]
    fn more_places_share_more_levels() {
        let tree = Shape::Tree { levels: 8 };
        let levels = |accesses| OpeningPlan::cheapest(tree, accesses).top_levels;
        assert_eq!([1, 5, 30, 140, 2_000].map(levels), [0, 1, 2, 3, 4]);
        assert_eq!(OpeningPlan::cheapest(Shape::Tree { levels: 1 }, 20).places, ARITY);
    }
}
