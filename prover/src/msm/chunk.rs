//! A chunk of the input: points in the backend's form beside their images under the endomorphism, and the digits of their scalars
//! by window.
//!
//! ```text
//!   points   block 0: P_0 … P_m, φ P_0 … φ P_m │ block 1 │ …          each block filled by one task
//!   digits   block 0: window 0: (slot, index ± ) …, window 1: … │ block 1 │ …
//! ```
//!
//! Zero scalars, bases at infinity and zero digits are left out. The slot of a digit d is |d| mod 2^(c-1), so that the highest, 2^(c-1),
//! is in slot 0.

use ark_bn254::{Fq, Fr};
use ark_ff::Zero;
use rayon::prelude::*;
use zeroize::Zeroize;

use super::digits::{digits, halves};
use super::{Bases, NotReduced, Scalars};
use crate::curve::{Coordinate, Curve, Lanes, NEGATIVE, Point, PointOf};
use crate::vector::{Backend, Base, Kernel, LANES, Reduced};

/// Pairs of base and scalar that one task takes.
pub(super) const BLOCK: usize = 2048;
/// Points of a block: with the images under the endomorphism.
const BLOCK_POINTS: usize = 2 * BLOCK;
/// Room for the digits of a window: one for each point, one that is written and not kept, and as many as keep windows from
/// lying at a power of two from each other, where they would drive each other out of the cache.
const STRIDE: usize = BLOCK_POINTS + 48;

/// Windows of a multiplication: how many, and their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    pub(super) bits: u32,
    pub(super) count: usize,
}

impl Windows {
    /// Buckets of a window.
    pub(super) fn buckets(self) -> usize {
        1 << (self.bits - 1)
    }
}

/// Digits of one window in one block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digits<'a> {
    /// The bucket of each.
    pub(super) slots: &'a [u16],
    /// The point of each in the chunk, with [`NEGATIVE`] if it is to be subtracted.
    pub(super) indices: &'a [u32],
}

/// A chunk. The vectors are only as long as they are used.
#[derive(Debug, Default)]
pub(super) struct Chunk<R> {
    windows: usize,
    points: Vec<Point<R>>,
    slots: Vec<u16>,
    indices: Vec<u32>,
    lengths: Vec<u32>,
}

/// The part of a chunk that one task fills.
struct Block<'a, R> {
    points: &'a mut [Point<R>],
    slots: &'a mut [u16],
    indices: &'a mut [u32],
    lengths: &'a mut [u32],
    /// Index of its first point in the chunk.
    offset: u32,
}

impl<R: Coordinate> Chunk<R> {
    /// All points, with gaps.
    pub(super) fn points(&self) -> &[Point<R>] {
        &self.points
    }

    /// The digits of a window, block by block.
    pub(super) fn digits(&self, window: usize) -> impl Iterator<Item = Digits<'_>> {
        self.lengths.chunks_exact(self.windows).enumerate().map(move |(block, lengths)| {
            let start = (block * self.windows + window) * STRIDE;
            let range = start..start + lengths[window] as usize;
            Digits { slots: &self.slots[range.clone()], indices: &self.indices[range] }
        })
    }

    /// Takes the pairs `start..end`.
    pub(super) fn fill<B: Backend, C: Curve<Coordinate = R>>(
        &mut self,
        backend: B,
        bases: &dyn Bases<C>,
        scalars: Scalars<'_>,
        (start, end): (usize, usize),
        windows: Windows,
    ) -> Result<(), NotReduced> {
        let blocks = (end - start).div_ceil(BLOCK);
        self.windows = windows.count;
        self.points.resize(blocks * BLOCK_POINTS, Point::default());
        self.slots.resize(blocks * windows.count * STRIDE, 0);
        self.indices.resize(blocks * windows.count * STRIDE, 0);
        self.lengths.clear();
        self.lengths.resize(blocks * windows.count, 0);
        let digits = (
            self.slots.par_chunks_exact_mut(windows.count * STRIDE),
            self.indices.par_chunks_exact_mut(windows.count * STRIDE),
            self.lengths.par_chunks_exact_mut(windows.count),
        );
        self.points.par_chunks_exact_mut(BLOCK_POINTS).zip(digits).enumerate().try_for_each(
            |(block, (points, (slots, indices, lengths)))| {
                let start = start + block * BLOCK;
                let range = start..end.min(start + BLOCK);
                let offset = (block * BLOCK_POINTS) as u32;
                let mut block = Block { points, slots, indices, lengths, offset };
                let used = block.take(bases, scalars, range, windows.bits)?;
                let (points, images) = block.points.split_at_mut(BLOCK);
                backend.run(Images {
                    beta: &C::BETA,
                    points: &mut points[..used],
                    images: &mut images[..used],
                });
                Ok(())
            },
        )
    }

    /// Erases everything and keeps the memory.
    pub(super) fn wipe(&mut self) {
        self.points.zeroize();
        self.slots.zeroize();
        self.indices.zeroize();
    }
}

impl<R: Coordinate> Block<'_, R> {
    /// Copies the points whose scalars are not zero and writes their digits. Returns how many points there are.
    fn take<C: Curve<Coordinate = R>>(
        &mut self,
        bases: &dyn Bases<C>,
        scalars: Scalars<'_>,
        range: core::ops::Range<usize>,
        bits: u32,
    ) -> Result<usize, NotReduced> {
        let mut used = 0;
        for index in range {
            let scalar = scalars.get(index);
            if scalar.is_zero() {
                continue;
            }
            let point: PointOf<C> = bases.point(index);
            if !point.is_canonical() {
                return Err(NotReduced { index });
            }
            if point.is_infinity() {
                continue;
            }
            self.points[used] = point;
            self.write_digits(scalar, used, bits);
            used += 1;
        }
        Ok(used)
    }

    #[inline(always)]
    fn write_digits(&mut self, scalar: &Fr, place: usize, bits: u32) {
        let slot_mask = (1u32 << (bits - 1)) - 1;
        for (half, place) in halves(scalar).into_iter().zip([place, BLOCK + place]) {
            let index = self.offset + place as u32;
            let negative = u32::from(half.negative);
            for (window, digit) in digits(half.magnitude, bits).enumerate() {
                let length = &mut self.lengths[window];
                let at = window * STRIDE + *length as usize;
                self.slots[at] = (digit.unsigned_abs() & slot_mask) as u16;
                self.indices[at] = index | ((digit as u32 >> 31) ^ negative) << 31;
                *length += u32::from(digit != 0);
            }
        }
    }
}

const _: () = assert!(NEGATIVE == 1 << 31);

/// Points to the backend's form, and their images under the endomorphism.
struct Images<'a, R> {
    beta: &'a Fq,
    points: &'a mut [Point<R>],
    images: &'a mut [Point<R>],
}

impl<R: Coordinate> Kernel for Images<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) {
        let beta = Reduced::<B, Base>::load_ark(backend, [&self.beta.0.0; LANES]);
        for (points, images) in self.points.chunks_mut(LANES).zip(self.images.chunks_mut(LANES)) {
            let last = points.len() - 1;
            let lane = |i: usize| i.min(last);
            let x = R::Lanes::<B>::load_ark(backend, core::array::from_fn(|i| &points[lane(i)].x));
            let y = R::Lanes::<B>::load_ark(backend, core::array::from_fn(|i| &points[lane(i)].y));
            let image_x = R::Lanes::store(x.scale(beta).into());
            let (x, y) = (R::Lanes::store(x.into()), R::Lanes::store(y.into()));
            for (i, (point, image)) in points.iter_mut().zip(images).enumerate() {
                *point = Point { x: x[i], y: y[i] };
                *image = Point { x: image_x[i], y: y[i] };
            }
        }
    }
}
