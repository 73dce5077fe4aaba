//! From bucket sums to one point for each bit of a half scalar.
//!
//! ```text
//!   Σ b B_b = Σ_l 2^l T_l,   T_l: the sum of the buckets whose number has bit l
//!
//!   one array of 2^k buckets      ─►  pairs (2i, 2i + 1) added: buckets of half as many bits
//!                                     the odd ones put aside: what T_0 is the sum of
//!   two arrays of 2^(k-1)         ─►  pairs added in both; the odd ones of the first put aside: T_1
//!   …                             ─►  k + 1 arrays of one point: the total, T_0, …, T_(k-1)
//! ```
//!
//! Two additions a bucket, as with running sums, but affine: all of a level are independent. Buckets of several windows, or parts of
//! one window's, are folded together.

use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::{Affine, Projective};
use ark_ff::{AdditiveGroup, Zero};
use rayon::prelude::*;

use super::chunk::Windows;
use super::pool::{Pool, erase};
use crate::curve::{Add, Coordinate, Curve, FromBackend, Pair, Pairs, Point};
use crate::vector::Backend;

/// Buckets that are folded together: enough that the last levels, of few additions each, do not count.
const LOG2_BUCKETS: u32 = 12;

/// Working memory of a task.
#[derive(Debug)]
pub(super) struct Fold<R> {
    levels: [Vec<Point<R>>; 2],
    pairs: Vec<Pair>,
}

impl<R> Default for Fold<R> {
    fn default() -> Self {
        Self { levels: [Vec::new(), Vec::new()], pairs: Vec::new() }
    }
}

impl<R: Coordinate> Fold<R> {
    pub(super) fn wipe(&mut self) {
        self.levels.iter_mut().for_each(erase);
        erase(&mut self.pairs);
    }
}

/// Σ over windows and buckets of (bucket number) 2^(c · window) (bucket sum). Slot 0 of a window stands for the number 2^(c-1).
pub(super) fn fold<B: Backend, C: Curve>(
    backend: B,
    windows: Windows,
    sums: &mut [Point<C::Coordinate>],
    spaces: &Pool<Fold<C::Coordinate>>,
) -> Projective<C> {
    let terms: Vec<Vec<(usize, Affine<C>)>> = sums
        .par_chunks_mut(1 << LOG2_BUCKETS)
        .enumerate()
        .map(|(block, sums)| {
            spaces.with(|space| fold_block(backend, windows, block << LOG2_BUCKETS, sums, space))
        })
        .collect();
    let mut bits = vec![Projective::zero(); windows.count * windows.bits as usize];
    for (bit, point) in terms.into_iter().flatten() {
        bits[bit] += point;
    }
    bits.iter().rev().fold(Projective::zero(), |sum, bit| sum.double() + bit)
}

/// The points of some buckets (all of several windows, or an aligned part of one window's), each with the bit that it is for.
fn fold_block<B: Backend, C: Curve>(
    backend: B,
    windows: Windows,
    start: usize,
    sums: &mut [Point<C::Coordinate>],
    space: &mut Fold<C::Coordinate>,
) -> Vec<(usize, Affine<C>)> {
    let log2_buckets = windows.bits - 1;
    let log2_group = log2_buckets.min(LOG2_BUCKETS);
    // The window of a group of buckets, and its first bucket's number there.
    let place = |group: usize| {
        let bucket = start + (group << log2_group);
        (bucket >> log2_buckets, bucket & (windows.buckets() - 1))
    };
    let groups = sums.len() >> log2_group;
    let mut bits = Vec::new();
    let mut points = Vec::new();
    for group in 0..groups {
        let (window, first) = place(group);
        if first == 0 {
            bits.push(window * windows.bits as usize + log2_buckets as usize);
            points.push(core::mem::take(&mut sums[group << log2_group]));
        }
    }
    fold_groups(backend, sums, log2_group, space);
    let (totals, bit_sums) = space.levels[0].split_at(groups);
    for group in 0..groups {
        let (window, first) = place(group);
        let lowest = window * windows.bits as usize;
        for (bit, sums) in bit_sums.chunks_exact(groups).take(log2_group as usize).enumerate() {
            bits.push(lowest + bit);
            points.push(sums[group]);
        }
        for bit in (log2_group..log2_buckets).filter(|bit| first >> bit & 1 == 1) {
            bits.push(lowest + bit as usize);
            points.push(totals[group]);
        }
    }
    backend.run(FromBackend(&mut points));
    bits.into_iter()
        .zip(points.into_iter().map(Point::to_affine))
        .filter(|(_, point)| !point.is_zero())
        .collect()
}

/// Folds groups of 2^`log2_group` buckets: of each the total, then those with bit 0 set, …, array by array, into the first level.
fn fold_groups<B: Backend, R: Coordinate>(
    backend: B,
    sums: &[Point<R>],
    log2_group: u32,
    space: &mut Fold<R>,
) {
    let Fold { levels: [here, next], pairs } = space;
    for level in [&mut *here, next] {
        level.resize(level.len().max(2 * sums.len()), Point::default());
    }
    here[..sums.len()].copy_from_slice(sums);
    let mut length = sums.len();
    for arrays in 1..=log2_group as usize {
        length /= 2;
        pairs.clear();
        for (place, (terms, sum)) in
            here.as_chunks().0.iter().zip(next.iter_mut()).take(arrays * length).enumerate()
        {
            let [a, b] = terms;
            if b.is_infinity() {
                *sum = *a;
            } else if a.is_infinity() {
                *sum = *b;
            } else {
                let first = 2 * place as u32;
                pairs.push(Pair { first, second: first + 1, place: place as u32 });
            }
        }
        for ([_, odd], copy) in here.as_chunks().0.iter().zip(&mut next[arrays * length..]).take(length) {
            *copy = *odd;
        }
        backend.run(Add::new(&mut Pairs { source: here, out: next, entries: pairs, far: false }));
        core::mem::swap(here, next);
    }
}
