//! Multi-scalar multiplication: Σ k_i P_i over the points of a key, by Pippenger's buckets in affine coordinates.
//!
//! ```text
//!   mod      msm: windows by a model of the cost; chunk after chunk, then the fold          │ each box is parallel within itself,
//!   ───────────────────────────────────────────────────────────────────────────────────     │ and a chunk is filled while the
//!   fold     bucket sums ─► a point for each bit ─► the sum                                 │ one before it is added
//!   buckets  digits sorted by bucket; additions in a tree ─► bucket sums
//!   chunk    points to the backend's form, φ of each; digits by window
//!   frequent scalars that many pairs have
//!   digits   k = k1 + λ k2, signed digits            pool   working memory that stays
//! ```
//!
//! # Cost
//! An addition is 5 multiplications and a square, whatever it adds. With n points, windows of c bits and W = ⌈128 / c⌉ windows
//! there are 2 n W of them into buckets and 2^c W in the fold. Zero scalars, zero digits and points at infinity cost nothing; small
//! scalars of either sign have few digits, and one that many pairs have is one addition for each. Working memory is set by the chunk and by W 2^(c-1) bucket sums, not by n.
//!
//! # Exactness and time
//! Sums are exact for any points of the curve (in G2: of its subgroup, on which the endomorphism is multiplication by λ) and any
//! scalars. Coordinates are compared with the modulus as they are read. Points that are not on the curve give some result.
//! The time varies with the scalars, as it does in every prover of this kind; working memory that held digits or sums is erased.

mod buckets;
mod chunk;
mod digits;
mod fold;
mod frequent;
mod pool;

use ark_bn254::Fr;
use ark_ec::short_weierstrass::{Affine, Projective};

use crate::curve::{Coordinate, Curve, Point, PointOf};
use crate::vector::{Backend, Kernel, Row, dispatch};
use buckets::{Spaces, add_chunk};
use chunk::{BLOCK, Chunk, Windows};
use digits::{HALF_BITS, halves};
use fold::{Fold, fold};
use frequent::Frequent;
use pool::{Pool, erase};

/// Pairs of base and scalar that are in working memory at a time.
const CHUNK: usize = 32 * BLOCK;
/// Scalars that the choice of windows looks at.
const SAMPLE: usize = 512;
/// The widest window: its buckets are numbered by 15 bits.
const MOST_BITS: u32 = 16;
/// The narrowest window. Its buckets are enough for the frequent scalars.
const LEAST_BITS: u32 = 6;
const _: () = assert!(frequent::MOST <= 1 << (LEAST_BITS - 1));
/// Points of a task, below which several windows make one.
const TASK_POINTS: usize = 8192;
/// Below this many pairs working memory is small, and not kept.
const KEPT_FROM: usize = 1024;

/// A coordinate of base `index` is not below the modulus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotReduced {
    pub(crate) index: usize,
}

/// The points of a multiplication.
pub(crate) trait Bases<C: Curve>: Sync {
    /// How many.
    fn len(&self) -> usize;
    /// One of them, in arkworks's form. Coordinates may be anything.
    fn point(&self, index: usize) -> PointOf<C>;
}

impl<C: Curve> Bases<C> for &[Affine<C>] {
    fn len(&self) -> usize {
        <[_]>::len(self)
    }

    fn point(&self, index: usize) -> PointOf<C> {
        self.get(index).map(Point::from_affine).unwrap_or_default()
    }
}

/// Points as they lie in a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyPoints<'a>(pub(crate) &'a [u8]);

impl<C: Curve> Bases<C> for KeyPoints<'_> {
    fn len(&self) -> usize {
        self.0.len() / PointOf::<C>::BYTES
    }

    #[inline]
    fn point(&self, index: usize) -> PointOf<C> {
        let bytes = PointOf::<C>::BYTES;
        Point::read(self.0.get(index * bytes..(index + 1) * bytes).unwrap_or_default())
    }
}

/// The scalars of a multiplication: values, or those of the values that an index list names. An index that leads nowhere, which a
/// damaged key may have, counts as zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scalars<'a> {
    values: &'a [Fr],
    indices: Option<&'a [u32]>,
}

impl<'a> From<&'a [Fr]> for Scalars<'a> {
    fn from(values: &'a [Fr]) -> Self {
        Self { values, indices: None }
    }
}

impl<'a> Scalars<'a> {
    /// values\[indices\[0\]\], values\[indices\[1\]\], …
    pub(crate) fn gathered(values: &'a [Fr], indices: &'a [u32]) -> Self {
        Self { values, indices: Some(indices) }
    }

    fn len(&self) -> usize {
        self.indices.map_or(self.values.len(), <[_]>::len)
    }

    #[inline(always)]
    fn get(&self, index: usize) -> &'a Fr {
        const ZERO: &Fr = &<Fr as ark_ff::AdditiveGroup>::ZERO;
        let index = match self.indices {
            Some(indices) => indices.get(index).map(|&index| index as usize),
            None => Some(index),
        };
        index.and_then(|index| self.values.get(index)).unwrap_or(ZERO)
    }
}

/// Working memory of a multiplication.
#[derive(Debug)]
pub(crate) struct Workspace<R> {
    chunks: [Chunk<R>; 2],
    sums: Vec<Point<R>>,
    spaces: Spaces<R>,
    folds: Pool<Fold<R>>,
}

impl<R: Coordinate> Default for Workspace<R> {
    fn default() -> Self {
        Self {
            chunks: [Chunk::default(), Chunk::default()],
            sums: Vec::new(),
            spaces: Spaces::default(),
            folds: Pool::default(),
        }
    }
}

impl<R: Coordinate> Workspace<R> {
    fn wipe(&mut self) {
        self.chunks.iter_mut().for_each(Chunk::wipe);
        erase(&mut self.sums);
        self.spaces.wipe();
        self.folds.for_each(Fold::wipe);
    }
}

/// Coordinates for which working memory is kept between multiplications.
pub(crate) trait Kept: Coordinate {
    /// Where.
    fn kept() -> &'static Pool<Workspace<Self>>;
}

impl Kept for [Row; 1] {
    fn kept() -> &'static Pool<Workspace<Self>> {
        static KEPT: Pool<Workspace<[Row; 1]>> = Pool::new();
        &KEPT
    }
}

impl Kept for [Row; 2] {
    fn kept() -> &'static Pool<Workspace<Self>> {
        static KEPT: Pool<Workspace<[Row; 2]>> = Pool::new();
        &KEPT
    }
}

/// Σ scalar · base, over as many pairs as the shorter list has.
///
/// # Errors
/// A base whose scalar is not zero has a coordinate that is not below the modulus.
pub(crate) fn msm<C: Curve<Coordinate: Kept>>(
    bases: &dyn Bases<C>,
    scalars: Scalars<'_>,
) -> Result<Projective<C>, NotReduced> {
    let count = bases.len().min(scalars.len());
    if count < KEPT_FROM {
        return dispatch(Msm { bases, scalars, workspace: &mut Workspace::default() });
    }
    let kept = C::Coordinate::kept();
    let mut workspace = kept.take().unwrap_or_default();
    let sum = dispatch(Msm { bases, scalars, workspace: &mut workspace });
    workspace.wipe();
    kept.put(workspace);
    sum
}

/// A multiplication on a backend.
struct Msm<'a, C: Curve> {
    bases: &'a dyn Bases<C>,
    scalars: Scalars<'a>,
    workspace: &'a mut Workspace<C::Coordinate>,
}

impl<C: Curve> Kernel for Msm<'_, C> {
    type Output = Result<Projective<C>, NotReduced>;

    fn run<B: Backend>(self, backend: B) -> Self::Output {
        let Self { bases, scalars, workspace: Workspace { chunks: [current, next], sums, spaces, folds } } =
            self;
        let count = bases.len().min(scalars.len());
        let (windows, frequent) = choose_windows(scalars, count);
        let digits = (windows, &frequent);
        let group = TASK_POINTS.div_ceil(2 * count.clamp(1, CHUNK)).min(windows.total());
        sums.clear();
        sums.resize(windows.total() * windows.buckets(), Point::default());
        let end_of = |start: usize| count.min(start + CHUNK);
        current.fill(backend, bases, scalars, (0, end_of(0)), digits)?;
        let mut end = end_of(0);
        loop {
            let more = end_of(end) - end;
            let (_, filled) = rayon::join(
                || add_chunk(backend, current, windows, group, sums, spaces),
                || next.fill(backend, bases, scalars, (end, end + more), digits),
            );
            filled?;
            if more == 0 {
                let (sums, frequent_sums) = sums.split_at_mut(windows.count * windows.buckets());
                let (sum, rest) = rayon::join(
                    || fold(backend, windows, sums, folds),
                    || frequent.combine::<B, C>(backend, frequent_sums),
                );
                return Ok(sum + rest);
            }
            end += more;
            core::mem::swap(current, next);
        }
    }
}

/// The frequent scalars, and the windows with the fewest additions for the others, by some of the scalars.
fn choose_windows(scalars: Scalars<'_>, count: usize) -> (Windows, Frequent) {
    let mut lengths = [0usize; HALF_BITS as usize];
    let step = count.div_ceil(SAMPLE).max(1);
    let mut sample: Vec<Fr> = (0..count).step_by(step).map(|index| *scalars.get(index)).collect();
    let frequent = Frequent::of(&mut sample);
    for scalar in sample.iter().filter(|scalar| frequent.position(scalar).is_none()) {
        for half in halves(scalar) {
            lengths[(u128::BITS - half.magnitude.leading_zeros()) as usize] += 1;
        }
    }
    erase(&mut sample);
    let cost = |bits: u32| {
        let digits = |length: usize| if length == 0 { 0 } else { length / bits as usize + 1 };
        let additions: usize = lengths.iter().enumerate().map(|(length, count)| count * digits(length)).sum();
        let windows = lengths.iter().rposition(|&count| count > 0).map_or(0, digits);
        additions * step + (windows << bits)
    };
    let bits = (LEAST_BITS..=MOST_BITS).min_by_key(|&bits| cost(bits)).unwrap_or(MOST_BITS);
    let windows = Windows { bits, count: HALF_BITS.div_ceil(bits) as usize, frequent: !frequent.is_empty() };
    (windows, frequent)
}

#[cfg(test)]
mod tests;
