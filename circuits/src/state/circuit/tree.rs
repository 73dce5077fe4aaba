//! The places of one tree that a block touches, opened together: from a leaf before and after at each place to the
//! tree's root before and after.
//!
//! ```text
//!   places   a ── b ── c │ d │ e ── f      one after the other; a run is of one cell, its places ascending
//!            ╲    │    ╱   │    ╲  ╱
//!   cells        c₀       c₁  …  c₅  …     before: a's old path; after: c's new path; b's old path is a's new one
//!                 ╲       │     ╱
//!   root          before ─┴─ after         untouched cells stay
//! ```
//!
//! A place's paths lead to the root of its cell's subtree, with the leaf before and the leaf after and the same
//! siblings. Within a run each starts at the root that the last one left, so a run leads from one root to another and
//! changes its places alone. That the touched cells and the runs are the same, with the roots before and after, is
//! compared by challenge ([`super::argument`]).

use ark_ff::{BigInteger, Field, PrimeField};
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use zkpov_verifier::field::Fr;

use super::{
    super::{
        layout::{ARITY, BITS_PER_LEVEL, Shape},
        plan::OpeningPlan,
        witness::{Multiopening, TouchedPlace},
    },
    argument::{Log, Sum},
    index::Index,
};
use crate::{
    bit::Bit,
    constraint,
    gadgets::{merkle::Path, poseidon, range},
    hint,
    linear::Linear,
    namespace,
};

/// A place, opened.
#[derive(Debug)]
pub(super) struct Touched {
    pub(super) index: Index,
    pub(super) before: FpVar<Fr>,
    pub(super) after: FpVar<Fr>,
    /// When it was last accessed.
    pub(super) last: FpVar<Fr>,
    cell: FpVar<Fr>,
    old_root: FpVar<Fr>,
    new_root: FpVar<Fr>,
    /// Whether a run begins here.
    first: Bit,
    /// The root that the run began at.
    run_root: FpVar<Fr>,
}

/// The root of one of the subtrees below the shared levels.
#[derive(Debug)]
struct Cell {
    before: FpVar<Fr>,
    after: FpVar<Fr>,
    touched: Bit,
}

/// A tree, opened at all places that a block touches.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) places: Vec<Touched>,
    cells: Vec<Cell>,
    before: FpVar<Fr>,
    /// The root after the block.
    pub(super) after: FpVar<Fr>,
    time_bits: usize,
}

/// What opening takes beside the witness.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) shape: Shape,
    pub(super) plan: OpeningPlan,
    /// Bits of the time of an access.
    pub(super) time_bits: usize,
}

impl Tree {
    /// The tree whose root before the block is `before`, opened at places of the prover's choice.
    pub(super) fn open(
        cs: &ConstraintSystemRef<Fr>,
        sizes: Sizes,
        before: &FpVar<Fr>,
        witness: Option<&Multiopening>,
    ) -> Result<Self> {
        let mut places: Vec<Touched> = Vec::with_capacity(sizes.plan.places);
        for k in 0..sizes.plan.places {
            let _place = namespace::enter_indexed(cs, "place", k);
            let witness = witness.and_then(|witness| witness.places.get(k));
            let place = Touched::hint(cs, sizes, places.last(), witness)?;
            places.push(place);
        }
        let mut tree = Self {
            places,
            cells: Vec::new(),
            before: before.clone(),
            after: before.clone(),
            time_bits: sizes.time_bits,
        };
        if sizes.plan.top_levels > 0 {
            tree.hint_cells(cs, sizes, witness)?;
        } else if let (Some(first), Some(last)) = (tree.places.first(), tree.places.last()) {
            constraint::enforce_equal("state/root before", &first.old_root, before)?;
            tree.after = last.new_root.clone();
        }
        Ok(tree)
    }

    /// The cells, which hash to the root before and give the root after.
    fn hint_cells(
        &mut self,
        cs: &ConstraintSystemRef<Fr>,
        sizes: Sizes,
        witness: Option<&Multiopening>,
    ) -> Result<()> {
        for c in 0..sizes.plan.cells() {
            let _cell = namespace::enter_indexed(cs, "cell", c);
            let known = || {
                let cell = witness.and_then(|witness| witness.cells.get(c));
                cell.ok_or(SynthesisError::AssignmentMissing)
            };
            let before = hint::field(cs, "before", || Ok(known()?.before))?;
            let after = hint::field(cs, "after", || Ok(known()?.after))?;
            let touched = hint::bit(cs, "touched", || Ok(known()?.touched))?;
            let change = Linear::of(&after).plus(-Fr::ONE, &before);
            let zero = Linear::new(cs);
            constraint::enforce_product("state/untouched cell", change, touched.not()?.as_field(), zero)?;
            self.cells.push(Cell { before, after, touched });
        }
        let root = top(self.cells.iter().map(|cell| cell.before.clone()).collect())?;
        constraint::enforce_equal("state/root before", &root, &self.before)?;
        // Of the two that are equal, the one for the log that follows from the cells.
        self.before = root;
        self.after = top(self.cells.iter().map(|cell| cell.after.clone()).collect())?;
        Ok(())
    }

    /// Roots of the subtrees below the shared levels after the block: of the whole tree, where none is shared.
    pub(super) fn cells_after(&self) -> Vec<FpVar<Fr>> {
        match self.cells.as_slice() {
            [] => vec![self.after.clone()],
            cells => cells.iter().map(|cell| cell.after.clone()).collect(),
        }
    }

    /// Writes everything about the opening that challenges compare into the log.
    ///
    /// Leaves are not among it: index and subtree roots fix them and the siblings, up to collisions of the hash. So
    /// do the roots for the cells.
    pub(super) fn log(&self, log: &mut Log) -> Result<()> {
        log.absorb("state/log/roots", &self.before)?;
        log.absorb("state/log/roots", &self.after)?;
        for place in &self.places {
            log.absorb_small("state/log/places", place.index.as_field(), place.index.width())?;
            log.absorb_small("state/log/places", &place.last, self.time_bits)?;
            log.absorb_small("state/log/places", place.first.as_field(), 1)?;
            log.absorb("state/log/subtrees", &place.old_root)?;
            log.absorb("state/log/subtrees", &place.new_root)?;
        }
        for cell in &self.cells {
            log.absorb_small("state/log/cells", cell.touched.as_field(), 1)?;
        }
        Ok(())
    }

    /// Enforces that the touched cells are the runs, with the same root before and after.
    pub(super) fn compare(&self, mut sum: Sum<'_>) -> Result<()> {
        if self.cells.is_empty() {
            return Ok(());
        }
        for (c, cell) in self.cells.iter().enumerate() {
            let number = Linear::of(&FpVar::Constant(Fr::from(c as u64)));
            sum.add(Fr::ONE, cell.touched.as_field(), &number, &[&cell.before, &cell.after])?;
        }
        for (k, place) in self.places.iter().enumerate() {
            // A run ends where the next begins.
            let last = match self.places.get(k + 1) {
                Some(next) => next.first.as_field().clone(),
                None => FpVar::Constant(Fr::ONE),
            };
            sum.add(-Fr::ONE, &last, &Linear::of(&place.cell), &[&place.run_root, &place.new_root])?;
        }
        constraint::enforce_zero("state/cells", sum.total)
    }
}

impl Touched {
    /// A place of the prover's choice that comes after `previous`: later in its run, or the first of another.
    fn hint(
        cs: &ConstraintSystemRef<Fr>,
        sizes: Sizes,
        previous: Option<&Self>,
        witness: Option<&TouchedPlace>,
    ) -> Result<Self> {
        let known = || witness.ok_or(SynthesisError::AssignmentMissing);
        let index = Index::hint(cs, "index", sizes.shape, || Ok(known()?.index))?;
        let before = hint::field(cs, "before", || Ok(known()?.before))?;
        let after = hint::field(cs, "after", || Ok(known()?.after))?;
        let last = hint::field(cs, "last", || Ok(known()?.last))?;
        // Beyond its bits it would stand for another place's in the log, and for an earlier one in a fingerprint.
        range::bits("state/last time", &last, sizes.time_bits)?;

        let path_bits = sizes.plan.path_levels(sizes.shape) * BITS_PER_LEVEL;
        let (low, high) = index.bits().split_at(path_bits.min(index.width()));
        let path = Path::<ARITY>::hint_siblings(cs, low.to_vec(), || Ok(known()?.path.clone()))?;
        let (old_root, new_root) = path.update(&before, &after)?;
        let cell = range::from_bits(high)?;

        let (first, run_root) = match previous {
            None => (Bit::constant(true), old_root.clone()),
            Some(previous) => {
                let first = first_of_run(cs, sizes, witness)?;
                let same = first.not()?;
                same.enforce_equal_if("state/run root", &old_root, &previous.new_root)?;
                same.enforce_equal_if("state/run cell", &cell, &previous.cell)?;
                let previous_low =
                    range::from_bits(previous.index.bits().get(..path_bits).unwrap_or_default())?;
                ascend(cs, &same, &previous_low, &range::from_bits(low)?, path_bits)?;
                let run_root = first.select(&old_root, &previous.run_root)?;
                (first, run_root)
            }
        };
        Ok(Self { index, before, after, last, cell, old_root, new_root, first, run_root })
    }
}

/// Whether a run begins at a place. Where there are cells, it is the prover's choice: a run that should have ended has
/// another cell, and two runs of one cell find one touched cell.
fn first_of_run(cs: &ConstraintSystemRef<Fr>, sizes: Sizes, witness: Option<&TouchedPlace>) -> Result<Bit> {
    if sizes.plan.top_levels == 0 {
        return Ok(Bit::constant(false));
    }
    hint::bit(cs, "first", || Ok(witness.ok_or(SynthesisError::AssignmentMissing)?.first))
}

/// Enforces that `low` is above `previous` where `same` is 1; both are below 2^`count`.
fn ascend(
    cs: &ConstraintSystemRef<Fr>,
    same: &Bit,
    previous: &FpVar<Fr>,
    low: &FpVar<Fr>,
    count: usize,
) -> Result<()> {
    let step = Linear::of(low).plus(-Fr::ONE, previous).plus_constant(-Fr::ONE);
    let value = || -> Result<Fr> {
        Ok(step.value().ok_or(SynthesisError::AssignmentMissing)? * same.as_field().value()?)
    };
    let bits = (0..count)
        .map(|i| hint::bit(cs, "step", || Ok(value()?.into_bigint().get_bit(i))))
        .collect::<Result<Vec<Bit>>>()?;
    // A step back is near the field's order and has no such bits.
    constraint::enforce_product("state/places ascend", step.clone(), same.as_field(), range::weigh(&bits))
}

/// The root over the shared levels.
fn top(mut nodes: Vec<FpVar<Fr>>) -> Result<FpVar<Fr>> {
    while nodes.len() > 1 {
        nodes = nodes.chunks(ARITY).map(poseidon::hash).collect::<Result<_>>()?;
    }
    nodes.pop().ok_or(SynthesisError::ArityMismatch)
}
