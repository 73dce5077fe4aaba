//! Transforms of one column of vectors: a transform in each lane.
//!
//! ```text
//!   to_bit_reversed     natural order in, bit-reversed out:  halves first, a block's twiddle is the same for all its butterflies
//!   from_bit_reversed   bit-reversed in, natural order out:  neighbours first, a twiddle for each place in the block
//!
//!   butterfly    u ──reduce──┬── + ── u + t v         the factor t meets a sum and gives a reduced value; u is reduced for
//!                            ╳                        the addition: one multiplication and one reduction for each pair,
//!                v ── · t ───┴── - ── u - t v         and nothing between two levels holds more than a sum of two
//! ```
//!
//! Two levels are done at a time (`four`), so that a vector is loaded and stored once for both, and what is left of a column that
//! fits the first-level cache is finished before the next part is begun.

use ark_bn254::Fr;
use ark_ff::Field;

use crate::vector::{Backend, Reduced, Scalar, Sum};

/// Values on their way through a network.
pub(super) type Values<B> = Sum<B, Scalar>;
/// A factor, in the backend's form.
pub(super) type Factors<B> = Reduced<B, Scalar>;

/// A transform of a column, in place.
pub(super) trait Network<B: Backend> {
    /// Does it. The length is the one that the network was made for.
    fn run(&self, column: &mut [Values<B>]);
}

/// Vectors that are brought to an end together, a power of four: at 320 bytes each 64, which are 20 KiB of a first-level cache of 32.
const fn cached<B: Backend>() -> usize {
    const BYTES: usize = 20 << 10;
    let most = BYTES / size_of::<Values<B>>();
    1 << (most.ilog2() & !1)
}

/// The same factor in every lane.
pub(super) fn splat<B: Backend>(backend: B, factor: &Fr) -> Factors<B> {
    Reduced::load_ark(backend, B::each(|_| &factor.0.0))
}

/// The powers 1, `root`, … , `root`^(count - 1).
pub(super) fn powers(root: Fr, count: usize) -> Vec<Fr> {
    core::iter::successors(Some(Fr::ONE), |power| Some(*power * root)).take(count).collect()
}

/// Two levels: butterflies of (0, 2) and (1, 3) with the first factor, then of (0, 1) with the second, (2, 3) with the third.
#[inline(always)]
fn four<B: Backend>(x: [Values<B>; 4], [outer, even, odd]: &[Factors<B>; 3]) -> [Values<B>; 4] {
    let (x0, x1) = (x[0].reduce(), x[1].reduce());
    let (x2, x3) = (x[2].mul(*outer), x[3].mul(*outer));
    let (y0, y2) = (x0.add(x2).reduce(), x0.sub(x2).reduce());
    let (y1, y3) = (x1.add(x3).mul(*even), x1.sub(x3).mul(*odd));
    [y0.add(y1), y0.sub(y1), y2.add(y3), y2.sub(y3)]
}

/// [`four`] with the factors 1, 1 and `odd`.
#[inline(always)]
fn four_of_one<B: Backend>(x: [Values<B>; 4], odd: Factors<B>) -> [Values<B>; 4] {
    let (x0, x1, x2, x3) = (x[0].reduce(), x[1].reduce(), x[2].reduce(), x[3].reduce());
    let (y0, y2) = (x0.add(x2).reduce(), x0.sub(x2).reduce());
    let (y1, y3) = (x1.add(x3).reduce(), x1.sub(x3).mul(odd));
    [y0.add(y1), y0.sub(y1), y2.add(y3), y2.sub(y3)]
}

/// The factors of [`ToBitReversed`] and [`FromBitReversed`] come in threes, those of one call of [`four`].
type Threes<B> = Vec<[Factors<B>; 3]>;

/// x_j to Σ_j x_j root^(j k), place p having k = p with its bits reversed.
#[derive(Debug)]
pub(super) struct ToBitReversed<B: Backend> {
    /// By block: with T\[b\] = root to (b with its bits reversed), T\[b\], T\[2b\], T\[2b + 1\]. They do not depend on the level.
    factors: Threes<B>,
}

impl<B: Backend> ToBitReversed<B> {
    /// For columns of up to 2^`log_length` vectors; `root` is a primitive root of unity of that order.
    pub(super) fn new(backend: B, log_length: u32, root: Fr) -> Self {
        let length = 1usize << log_length;
        let powers = powers(root, length / 2);
        let factor = |block: usize| {
            // T[b] is the power with exponent b, reversed as a number of log_length - 1 bits.
            let exponent = block.reverse_bits().checked_shr(usize::BITS - (log_length - 1)).unwrap_or(0);
            splat(backend, powers.get(exponent).unwrap_or(&Fr::ONE))
        };
        let factors = (0..length / 4).map(|b| [b, 2 * b, 2 * b + 1].map(factor)).collect();
        Self { factors }
    }

    /// Two levels on the blocks of `length` vectors in `part`, of which the first has number `first_block`.
    #[inline(always)]
    fn two_levels(&self, part: &mut [Values<B>], length: usize, first_block: usize) {
        let factors = self.factors.get(first_block..).unwrap_or_default();
        for ((i, block), factors) in part.chunks_exact_mut(length).enumerate().zip(factors) {
            let (left, right) = block.split_at_mut(length / 2);
            let ((x0, x1), (x2, x3)) = (left.split_at_mut(length / 4), right.split_at_mut(length / 4));
            let quarters = x0.iter_mut().zip(x1).zip(x2.iter_mut().zip(x3));
            if first_block + i == 0 {
                for ((x0, x1), (x2, x3)) in quarters {
                    [*x0, *x1, *x2, *x3] = four_of_one([*x0, *x1, *x2, *x3], factors[2]);
                }
            } else {
                for ((x0, x1), (x2, x3)) in quarters {
                    [*x0, *x1, *x2, *x3] = four([*x0, *x1, *x2, *x3], factors);
                }
            }
        }
    }
}

impl<B: Backend> Network<B> for ToBitReversed<B> {
    #[inline(always)]
    fn run(&self, column: &mut [Values<B>]) {
        let mut length = column.len();
        if length.trailing_zeros() % 2 == 1 {
            let (left, right) = column.split_at_mut(length / 2);
            for (u, v) in left.iter_mut().zip(right) {
                let (a, b) = (u.reduce(), v.reduce());
                (*u, *v) = (a.add(b), a.sub(b));
            }
            length /= 2;
        }
        // The upper levels over the whole column, then, part by part, those below.
        for (part, end) in [(length, cached::<B>()), (length.min(cached::<B>()), 1)] {
            for (first_block, part) in column.chunks_exact_mut(part).enumerate() {
                let (mut length, mut first_block) = (part.len(), first_block);
                while length > end {
                    self.two_levels(part, length, first_block);
                    length /= 4;
                    first_block *= 4;
                }
            }
        }
    }
}

/// Where [`FromBitReversed`] evaluates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Points {
    /// The roots of unity of the column's order.
    Even,
    /// The roots of unity of twice that order that are not among them.
    Odd,
}

/// x_p, where p has the bits of k reversed, to the values Σ_k x_k X^k at the points X, in their order.
#[derive(Debug)]
pub(super) struct FromBitReversed<B: Backend> {
    points: Points,
    /// The factor of the first level where the number of levels is odd.
    first: Option<Factors<B>>,
    /// The factors of the other levels, two levels together, by place in a quarter of the block.
    factors: Vec<Threes<B>>,
}

impl<B: Backend> FromBitReversed<B> {
    /// For columns of 2^`log_length` vectors. `root` is a primitive root of unity of *twice* that order; point i is its power 2i
    /// or 2i + 1.
    pub(super) fn new(backend: B, log_length: u32, root: Fr, points: Points) -> Self {
        let length = 1usize << log_length;
        let powers = powers(root, 2 * length);
        let odd = usize::from(points == Points::Odd);
        // A butterfly makes p(X) of the even and the odd part of p at X²; in blocks of m, X is a point to the power length / m.
        let factor = |m: usize, j: usize| {
            let exponent = (2 * j + odd) * (length / m);
            splat(backend, powers.get(exponent).unwrap_or(&Fr::ONE))
        };
        let first = log_length % 2 == 1;
        let quarters = core::iter::successors(Some(if first { 2 } else { 1 }), |quarter| Some(quarter * 4));
        let factors = quarters
            .take_while(|quarter| quarter * 4 <= length)
            .map(|q| (0..q).map(|j| [factor(2 * q, j), factor(4 * q, j), factor(4 * q, j + q)]).collect())
            .collect();
        Self { points, first: first.then(|| factor(2, 0)), factors }
    }

    /// Two levels on all blocks of four times as many vectors as there are `factors`.
    #[inline(always)]
    fn two_levels(&self, part: &mut [Values<B>], factors: &[[Factors<B>; 3]]) {
        let quarter = factors.len();
        for block in part.chunks_exact_mut(4 * quarter) {
            let (left, right) = block.split_at_mut(2 * quarter);
            let ((x0, x1), (x2, x3)) = (left.split_at_mut(quarter), right.split_at_mut(quarter));
            let quarters = x0.iter_mut().zip(x1).zip(x2.iter_mut().zip(x3));
            for (j, (((x0, x1), (x2, x3)), factors)) in quarters.zip(factors).enumerate() {
                let values = [*x0, *x2, *x1, *x3];
                [*x0, *x2, *x1, *x3] = if self.points == Points::Even && j == 0 {
                    four_of_one(values, factors[2])
                } else {
                    four(values, factors)
                };
            }
        }
    }
}

impl<B: Backend> Network<B> for FromBitReversed<B> {
    #[inline(always)]
    fn run(&self, column: &mut [Values<B>]) {
        let length = column.len();
        if let Some(factor) = &self.first {
            for pair in column.chunks_exact_mut(2) {
                if let [u, v] = pair {
                    let (a, b) =
                        (u.reduce(), if self.points == Points::Even { v.reduce() } else { v.mul(*factor) });
                    (*u, *v) = (a.add(b), a.sub(b));
                }
            }
        }
        let cached = length.min(if self.first.is_some() { 2 * cached::<B>() } else { cached::<B>() });
        for (part, from) in [(cached, 0), (length, cached)] {
            for part in column.chunks_exact_mut(part) {
                for factors in &self.factors {
                    let block = factors.len() * 4;
                    if block > from && block <= part.len() {
                        self.two_levels(part, factors);
                    }
                }
            }
        }
    }
}
