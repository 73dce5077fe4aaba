//! A chunk of the input: points in the backend's form beside their images under the endomorphism, and the digits of their scalars
//! by window.
//!
//! ```text
//!   points   block 0: P_0 … P_m, …, Q_n … Q_0, φ P_0 … φ P_m │ block 1 │ …          each block filled by one task
//!            (the images of the Q, whose scalars are frequent or small, are not needed)
//!   digits   block 0: window 0: (slot, index ± ) …, window 1: …, frequent scalars: … │ block 1 │ …
//! ```
//!
//! Zero scalars, bases at infinity and zero digits are left out. The slot of a digit d is |d| mod 2^(c-1), so that the highest, 2^(c-1),
//! is in slot 0.

use ark_bn254::Fq;
use ark_ff::Zero;
use core::hint::black_box;
use rayon::prelude::*;

use super::digits::{Half, digits, halves};
use super::frequent::Frequent;
use super::pool::grow;
use super::{Bases, NotReduced, Scalars};
use crate::curve::{Coordinate, Curve, Lanes, NEGATIVE, Point, PointOf, ToBackend};
use crate::vector::{Backend, Base, Kernel, Reduced};

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
    /// Whether there is one more, whose slots are those of the frequent scalars.
    pub(super) frequent: bool,
}

impl Windows {
    /// How many there are, that of the frequent scalars, which is the last, among them.
    pub(super) fn total(self) -> usize {
        self.count + usize::from(self.frequent)
    }

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

/// A chunk. The vectors are as long as they have ever been needed.
#[derive(Debug, Default)]
pub(super) struct Chunk<R> {
    windows: usize,
    blocks: usize,
    points: Vec<Point<R>>,
    slots: Vec<u16>,
    indices: Vec<u32>,
    /// Digits of each block and window.
    lengths: Vec<u32>,
    /// The most that has been written since all was erased: points of each block, and digits of each block and window.
    touched: Touched,
}

/// How far memory has been written.
#[derive(Debug, Default)]
struct Touched {
    points: Vec<Used>,
    lengths: Vec<u32>,
}

/// Points of a block: those with images, which come first, and those without, which come last of the first half.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    first: usize,
    last: usize,
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
        let lengths = &self.lengths[..self.blocks * self.windows];
        lengths.chunks_exact(self.windows).enumerate().map(move |(block, lengths)| {
            let start = (block * self.windows + window) * STRIDE;
            let range = start..start + lengths[window] as usize;
            Digits { slots: &self.slots[range.clone()], indices: &self.indices[range] }
        })
    }

    /// Takes the pairs `start..end`. The windows are the same for every call until everything is erased.
    pub(super) fn fill<B: Backend, C: Curve<Coordinate = R>>(
        &mut self,
        backend: B,
        bases: &dyn Bases<C>,
        scalars: Scalars<'_>,
        (start, end): (usize, usize),
        (windows, frequent): (Windows, &Frequent),
    ) -> Result<(), NotReduced> {
        let blocks = (end - start).div_ceil(BLOCK);
        (self.windows, self.blocks) = (windows.total(), blocks);
        let lists = blocks * self.windows;
        grow(&mut self.points, blocks * BLOCK_POINTS);
        grow(&mut self.slots, lists * STRIDE);
        grow(&mut self.indices, lists * STRIDE);
        grow(&mut self.lengths, lists);
        grow(&mut self.touched.lengths, lists);
        grow(&mut self.touched.points, blocks);
        self.lengths[..lists].fill(0);
        let digits = (
            self.slots.par_chunks_exact_mut(self.windows * STRIDE),
            self.indices.par_chunks_exact_mut(self.windows * STRIDE),
            self.lengths.par_chunks_exact_mut(self.windows),
        );
        let result = self
            .points
            .par_chunks_exact_mut(BLOCK_POINTS)
            .zip(digits)
            .zip(&mut self.touched.points)
            .take(blocks)
            .enumerate()
            .try_for_each(|(block, ((points, (slots, indices, lengths)), touched))| {
                let start = start + block * BLOCK;
                let range = start..end.min(start + BLOCK);
                let offset = (block * BLOCK_POINTS) as u32;
                let mut block = Block { points, slots, indices, lengths, offset };
                let used = block.take(bases, scalars, range, windows, frequent)?;
                let (points, images) = block.points.split_at_mut(BLOCK);
                let (first, last) = points.split_at_mut(BLOCK - used.last);
                backend.run(ToBackend(last));
                backend.run(Images {
                    beta: &C::BETA,
                    points: &mut first[..used.first],
                    images: &mut images[..used.first],
                });
                *touched = Used { first: touched.first.max(used.first), last: touched.last.max(used.last) };
                Ok(())
            });
        for (touched, length) in self.touched.lengths.iter_mut().zip(&self.lengths[..lists]) {
            *touched = (*touched).max(*length);
        }
        if result.is_err() {
            // Blocks that were given up have not said how far they came.
            self.touched.points.fill(Used { first: BLOCK, last: BLOCK });
        }
        result
    }

    /// Erases everything that was written and keeps the memory.
    pub(super) fn wipe(&mut self) {
        for (points, used) in self.points.chunks_exact_mut(BLOCK_POINTS).zip(&mut self.touched.points) {
            points[..used.first].fill(Point::default());
            points[BLOCK - used.last..][..used.last + used.first].fill(Point::default());
            *used = Used::default();
        }
        for (list, length) in self.touched.lengths.iter_mut().enumerate() {
            // With the one that was written and not kept.
            let range = list * STRIDE..list * STRIDE + *length as usize + 1;
            self.slots[range.clone()].fill(0);
            self.indices[range].fill(0);
            *length = 0;
        }
        self.lengths.fill(0);
        // Whoever might read the memory is beyond what the compiler can see.
        black_box((&mut self.points, &mut self.slots, &mut self.indices));
    }

    /// Whether all memory is zero.
    #[cfg(test)]
    pub(super) fn is_wiped(&self) -> bool {
        self.points.iter().all(Point::is_infinity)
            && self.slots.iter().all(|&slot| slot == 0)
            && self.indices.iter().all(|&index| index == 0)
            && self.lengths.iter().all(|&length| length == 0)
    }
}

impl<R: Coordinate> Block<'_, R> {
    /// Copies the points whose scalars are not zero and writes their digits.
    fn take<C: Curve<Coordinate = R>>(
        &mut self,
        bases: &dyn Bases<C>,
        scalars: Scalars<'_>,
        range: core::ops::Range<usize>,
        windows: Windows,
        frequent: &Frequent,
    ) -> Result<Used, NotReduced> {
        let mut used = Used::default();
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
            if let Some(slot) = frequent.position(scalar) {
                used.last += 1;
                let place = BLOCK - used.last;
                self.points[place] = point;
                self.write(windows.count, slot as u16, place, 0);
                continue;
            }
            let [plain, image] = halves(scalar);
            let place = if image.magnitude == 0 {
                used.last += 1;
                BLOCK - used.last
            } else {
                used.first += 1;
                self.write_digits(image, BLOCK + used.first - 1, windows.bits);
                used.first - 1
            };
            self.points[place] = point;
            self.write_digits(plain, place, windows.bits);
        }
        Ok(used)
    }

    #[inline(always)]
    fn write_digits(&mut self, half: Half, place: usize, bits: u32) {
        let slot_mask = (1u32 << (bits - 1)) - 1;
        let negative = u32::from(half.negative);
        for (window, digit) in digits(half.magnitude, bits).enumerate() {
            let slot = (digit.unsigned_abs() & slot_mask) as u16;
            self.write(window, slot, place, (digit as u32 >> 31) ^ negative);
            // A digit that is zero is written over by the next.
            self.lengths[window] -= u32::from(digit == 0);
        }
    }

    #[inline(always)]
    fn write(&mut self, window: usize, slot: u16, place: usize, negative: u32) {
        let length = &mut self.lengths[window];
        let at = window * STRIDE + *length as usize;
        self.slots[at] = slot;
        self.indices[at] = (self.offset + place as u32) | negative << 31;
        *length += 1;
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
        let beta = Reduced::<B, Base>::load_ark(backend, B::each(|_| &self.beta.0.0));
        for (points, images) in self.points.chunks_mut(B::LANES).zip(self.images.chunks_mut(B::LANES)) {
            let last = points.len() - 1;
            let lane = |i: usize| i.min(last);
            let x = R::Lanes::<B>::load_ark(backend, B::each(|i| &points[lane(i)].x));
            let y = R::Lanes::<B>::load_ark(backend, B::each(|i| &points[lane(i)].y));
            let image_x = R::Lanes::store(x.scale(beta).into());
            let coordinates =
                R::Lanes::store(x.into()).into_iter().zip(R::Lanes::store(y.into())).zip(image_x);
            for ((point, image), ((x, y), image_x)) in points.iter_mut().zip(images).zip(coordinates) {
                *point = Point { x, y };
                *image = Point { x: image_x, y };
            }
        }
    }
}
