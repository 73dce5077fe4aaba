//! One point times many scalars: what a set-up does for every point of a key.
//!
//! ```text
//!   scalar ─► signed digits d_0, d_1, …, of c bits:  scalar = Σ d_w 2^(c w),   -2^(c-1) ≤ d_w < 2^(c-1)
//!   table     row w:  k · 2^(c w) · base   for 0 ≤ k ≤ 2^(c-1)
//!   sums      s[i] = ± row 0 [ |d_0| ],   then for each further w   s[i] = s[i] ± row w [ |d_w| ]    for thousands of i at a time
//! ```
//!
//! The additions of one w are independent, so that they share inversions and fill the vectors' lanes.
//!
//! The scalars are secret in a set-up, and so are their digits: both are erased.

use ark_bn254::Fr;
use ark_ec::short_weierstrass::{Affine, Projective};
use ark_ec::{AdditiveGroup, CurveGroup};
use ark_ff::PrimeField;
use core::ops::RangeInclusive;
use rayon::prelude::*;
use zeroize::Zeroizing;

use crate::curve::{Additions, Coordinate, Curve, Pair, Pairs, Point, Scratch, add_all};
use crate::curve::{FromBackend, ToBackend};
use crate::vector::{Backend, Kernel, dispatch};

/// Bits of a digit that are tried. With 13, a row of the table (256 KiB in G1) stays in the second-level cache while a chunk is added.
/// With 16, a fifth of the additions is saved and no time: the tables have 32 and 64 MiB then, in place of 5 and 10.
const WINDOWS: RangeInclusive<u32> = 4..=13;
/// Scalars whose sums grow together. Their points, 256 KiB in G1, stay in the second-level cache.
const CHUNK: usize = 4096;

/// How scalars are cut into digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    bits: u32,
}

impl Window {
    /// The width with the fewest additions for that many scalars, those that make the table among them.
    pub(crate) fn for_scalars(count: usize) -> Self {
        let additions = |bits: &u32| Self { bits: *bits }.count() * ((1 << (bits - 1)) + count);
        // With bits - 2 or fewer for the last digit, it and a carry stay below 2^(bits - 1): nothing is carried out.
        let fits = |bits: &u32| Fr::MODULUS_BIT_SIZE % bits <= bits - 2;
        Self { bits: WINDOWS.filter(fits).min_by_key(additions).unwrap_or(*WINDOWS.end()) }
    }

    /// Digits of a scalar.
    fn count(self) -> usize {
        (Fr::MODULUS_BIT_SIZE / self.bits + 1) as usize
    }

    /// The largest absolute value of a digit.
    fn most(self) -> usize {
        1 << (self.bits - 1)
    }
}

/// Signed digits of scalars: those of the same place stand together.
struct Digits {
    len: usize,
    digits: Zeroizing<Vec<i16>>,
}

impl Digits {
    fn new(window: Window, scalars: &[Fr]) -> Self {
        let len = scalars.len();
        let mut digits = Zeroizing::new(vec![0i16; window.count() * len]);
        for (i, scalar) in scalars.iter().enumerate() {
            let limbs = Zeroizing::new(scalar.into_bigint().0);
            let mut carry = 0;
            for w in 0..window.count() {
                let digit = bits_of(&limbs, w as u32 * window.bits, window.bits) + carry;
                carry = i32::from(digit >= 1 << (window.bits - 1));
                digits[w * len + i] = (digit - (carry << window.bits)) as i16;
            }
        }
        Self { len, digits }
    }

    /// The digits of place `w`.
    fn place(&self, w: usize) -> &[i16] {
        &self.digits[w * self.len..(w + 1) * self.len]
    }
}

/// `count` bits from bit `start`; zeros beyond the end.
fn bits_of(limbs: &[u64; 4], start: u32, count: u32) -> i32 {
    let (limb, shift) = ((start / u64::BITS) as usize, start % u64::BITS);
    let low = limbs.get(limb).copied().unwrap_or_default();
    let high = limbs.get(limb + 1).copied().unwrap_or_default();
    let both = u128::from(low) | u128::from(high) << u64::BITS;
    (both >> shift) as i32 & ((1 << count) - 1)
}

/// Multiples of one point.
#[derive(Debug)]
pub(crate) struct Table<R> {
    window: Window,
    /// In the backend's form, `most() + 1` for each place of a digit.
    points: Vec<Point<R>>,
}

impl<R: Coordinate> Table<R> {
    /// The table of `base`, over all cores.
    pub(crate) fn new<C: Curve<Coordinate = R>>(window: Window, base: Projective<C>) -> Self {
        let mut power = base;
        let powers: Vec<_> = (0..window.count())
            .map(|_| {
                let here = power;
                (0..window.bits).for_each(|_| {
                    power.double_in_place();
                });
                here
            })
            .collect();
        let powers: Vec<Affine<C>> = Projective::normalize_batch(&powers);
        let row = window.most() + 1;
        let mut points = vec![Point::default(); row * window.count()];
        points.par_chunks_mut(row).zip(&powers).for_each(|(row, power)| {
            row[1] = Point::from_affine(power);
            dispatch(Multiples(row));
        });
        Self { window, points }
    }

    /// Row `w`.
    fn row(&self, w: usize) -> &[Point<R>] {
        let row = self.window.most() + 1;
        &self.points[w * row..(w + 1) * row]
    }

    /// Writes scalar · base for each scalar, as the bytes a key has, over all cores; `advance` is told how many are done.
    /// `out` has [`Point::BYTES`] for each scalar.
    pub(crate) fn multiply(&self, scalars: &[Fr], out: &mut [u8], advance: impl Fn(usize) + Sync) {
        let chunks = out.par_chunks_mut(CHUNK * Point::<R>::BYTES).zip(scalars.par_chunks(CHUNK));
        chunks.for_each(|(out, scalars)| {
            dispatch(Multiply { table: self, digits: &Digits::new(self.window, scalars), out });
            advance(scalars.len());
        });
    }
}

/// From infinity and a point in arkworks's form, in the first two places, to its multiples in the backend's form in all.
struct Multiples<'a, R>(&'a mut [Point<R>]);

impl<R: Coordinate> Kernel for Multiples<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) {
        let points = self.0;
        ToBackend(&mut points[1..2]).run(backend);
        let mut scratch = Scratch::default();
        // Known up to `known`, a power of two: adding that one to each of them doubles what is known.
        let mut known = 1;
        while known + 1 < points.len() {
            let (source, out) = points.split_at_mut(known + 1);
            let entries: Vec<_> = (1..=known as u32)
                .map(|other| Pair { first: known as u32, second: other, place: other - 1 })
                .collect();
            add_all(backend, &mut Pairs { source, out, entries: &entries, far: false }, &mut scratch);
            known *= 2;
        }
    }
}

/// Sums of table entries by digits.
struct Multiply<'a, R> {
    table: &'a Table<R>,
    digits: &'a Digits,
    out: &'a mut [u8],
}

impl<R: Coordinate> Kernel for Multiply<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) {
        let row = self.table.row(0);
        let first = |digit: &i16| {
            let point = row[usize::from(digit.unsigned_abs())];
            if *digit < 0 { point.negated() } else { point }
        };
        let mut sums: Vec<_> = self.digits.place(0).iter().map(first).collect();
        let mut scratch = Scratch::default();
        for w in 1..self.table.window.count() {
            let mut step = Step { sums: &mut sums, row: self.table.row(w), digits: self.digits.place(w) };
            add_all(backend, &mut step, &mut scratch);
        }
        FromBackend(&mut sums).run(backend);
        for (sum, out) in sums.iter().zip(self.out.chunks_exact_mut(Point::<R>::BYTES)) {
            sum.write(out);
        }
    }
}

/// sums\[i\] ± row\[|digits\[i\]|\] ─► sums\[i\].
struct Step<'a, R> {
    sums: &'a mut [Point<R>],
    row: &'a [Point<R>],
    digits: &'a [i16],
}

impl<R> Additions<R> for Step<'_, R> {
    type Entry = (usize, i16);

    #[inline(always)]
    fn len(&self) -> usize {
        self.sums.len()
    }

    #[inline(always)]
    fn entry(&self, k: usize) -> (usize, i16) {
        (k, self.digits[k])
    }

    #[inline(always)]
    fn first(&self, (k, _): (usize, i16)) -> &Point<R> {
        &self.sums[k]
    }

    #[inline(always)]
    fn second(&self, (_, digit): (usize, i16)) -> &Point<R> {
        &self.row[usize::from(digit.unsigned_abs())]
    }

    #[inline(always)]
    fn are_negative((_, digit): (usize, i16)) -> [bool; 2] {
        [false, digit < 0]
    }

    #[inline(always)]
    fn put(&mut self, (k, _): (usize, i16), sum: Point<R>) {
        self.sums[k] = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::Encoding;
    use ark_bn254::{g1, g2};
    use ark_ec::PrimeGroup;
    use ark_ff::{Field, UniformRand, Zero};
    use ark_std::test_rng;

    /// Zero, one, all digits least, most, zero but one, carries through all places, the largest scalar; and random ones.
    fn scalars(window: Window) -> Vec<Fr> {
        let mut rng = test_rng();
        let power = |bit: u64| Fr::from(2u64).pow([bit]);
        let mut scalars = vec![Fr::zero(), Fr::from(1u64), -Fr::from(1u64), -Fr::from(2u64)];
        for w in 0..window.count() as u64 - 1 {
            let bit = w * u64::from(window.bits);
            let half = power(bit + u64::from(window.bits) - 1);
            scalars.extend([power(bit), half, half - power(bit), power(bit) - Fr::from(1u64), -power(bit)]);
        }
        scalars.push(
            (0..window.count() as u64 - 1)
                .map(|w| power(w * u64::from(window.bits) + u64::from(window.bits) - 1))
                .sum(),
        );
        scalars.extend((0..50).map(|_| Fr::rand(&mut rng)));
        scalars
    }

    #[test]
    fn digits_are_in_range_and_make_up_the_scalar() {
        for count in [0, 1, 10, 100, 1000, 10_000, 100_000, 1 << 20, usize::MAX >> 8] {
            let window = Window::for_scalars(count);
            let scalars = scalars(window);
            let digits = Digits::new(window, &scalars);
            let least = -(window.most() as i32);
            for (i, scalar) in scalars.iter().enumerate() {
                let value = (0..window.count()).rev().fold(Fr::zero(), |value, w| {
                    let digit = digits.place(w)[i];
                    assert!((least..-least).contains(&digit.into()));
                    value * Fr::from(1u64 << window.bits) + Fr::from(digit)
                });
                assert_eq!(value, *scalar, "{window:?}");
            }
        }
    }

    #[test]
    fn windows_grow_with_the_number_of_scalars() {
        let bits = |count| Window::for_scalars(count).bits;
        assert!(bits(1) < bits(1000) && bits(1000) < bits(100_000));
        assert_eq!((bits(0), bits(1 << 20)), (*WINDOWS.start(), *WINDOWS.end()));
    }

    fn products_are_those_of_ark_ec<C: Curve>(window: Window, scalars: &[Fr])
    where
        Affine<C>: Encoding,
    {
        let base = Projective::<C>::generator() * Fr::from(123_456_789u64);
        let table = Table::<C::Coordinate>::new(window, base);
        let bytes = Point::<C::Coordinate>::BYTES;
        let mut out = vec![1u8; scalars.len() * bytes];
        let done = core::sync::atomic::AtomicUsize::new(0);
        table.multiply(scalars, &mut out, |count| {
            done.fetch_add(count, core::sync::atomic::Ordering::Relaxed);
        });
        assert_eq!(done.into_inner(), scalars.len());
        let expected: Vec<_> = scalars.iter().map(|scalar| base * scalar).collect();
        for (i, (point, out)) in
            Projective::normalize_batch(&expected).iter().zip(out.chunks(bytes)).enumerate()
        {
            assert_eq!(Affine::<C>::decode(out), Some(*point), "scalar {i}, {window:?}");
        }
    }

    #[test]
    fn products_are_those_of_ark_ec_for_every_width() {
        for bits in [4, 6, 7, 8, 11, 13] {
            let window = Window { bits };
            products_are_those_of_ark_ec::<g1::Config>(window, &scalars(window));
            if bits <= 8 {
                products_are_those_of_ark_ec::<g2::Config>(window, &scalars(window));
            }
        }
    }

    #[test]
    fn chunks_meet_without_a_gap() {
        let window = Window { bits: 8 };
        for count in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1] {
            let scalars: Vec<_> = (0..count as u64).map(|i| Fr::from(i * i)).collect();
            products_are_those_of_ark_ec::<g1::Config>(window, &scalars);
        }
    }
}
