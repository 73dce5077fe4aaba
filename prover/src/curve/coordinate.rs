//! Coordinates of points: one field element (G1) or two (G2), as rows in memory and as several at once in vectors.

use ark_bn254::{Fq, Fq2};
use ark_ff::{BigInt, Field};
use core::fmt::Debug;
use zeroize::Zeroize;

use super::Point;
use super::inverse::invert;
use crate::vector::modulus::subtract;
use crate::vector::{Backend, Base, Canonical, CanonicalFq2, Modulus, Reduced, ReducedFq2, Row, Sum, SumFq2};

/// A coordinate in memory: an element of Fq as one row, of Fq2 as two.
pub(crate) trait Coordinate:
    Copy + Eq + Debug + Default + Send + Sync + Zeroize + AsRef<[Row]> + AsMut<[Row]> + 'static
{
    /// A vector of them.
    type Lanes<B: Backend>: Lanes<B, Self>;
    /// The field, as arkworks has it.
    type Ark: Field;

    /// Rows in Montgomery form with R = 2^256.
    fn from_ark(value: &Self::Ark) -> Self;

    /// The element with these rows, which are in Montgomery form with R = 2^256 and canonical.
    fn to_ark(&self) -> Self::Ark;

    /// 1 / value, and zero for zero.
    fn invert(value: &Self::Ark) -> Self::Ark;

    /// The lowest limb: two coordinates with different ones are different.
    #[inline(always)]
    fn lowest_limb(&self) -> u64 {
        self.as_ref()[0][0]
    }

    /// Whether all rows are zero.
    #[inline(always)]
    fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Whether every row is below the modulus.
    #[inline(always)]
    fn is_canonical(&self) -> bool {
        self.as_ref().iter().all(|row| row[3] < Base::P[3] || subtract(row, &Base::P).1)
    }

    /// The canonical negative of a canonical coordinate, in whatever Montgomery form it has.
    #[inline(always)]
    fn negated(&self) -> Self {
        let mut negated = *self;
        for row in negated.as_mut() {
            if *row != [0; 4] {
                *row = subtract(&Base::P, row).0;
            }
        }
        negated
    }
}

/// A vector of coordinates, reduced (see the bounds of [`vector`](crate::vector)).
pub(crate) trait Lanes<B: Backend, R: Copy>: Copy + Debug + Send + Sync {
    /// Sums or differences of two reduced values.
    type Sum: Copy + Debug + Send + Sync + From<Self>;
    /// Canonical values.
    type Canonical: Copy + Debug + Into<Self>;

    /// Canonical values in the backend's form.
    fn load(backend: B, rows: B::Each<&R>) -> Self;
    /// The same, and that they are canonical is kept in mind.
    fn load_canonical(backend: B, rows: B::Each<&R>) -> Self::Canonical;
    /// Whether the lowest limbs ([`Coordinate::lowest_limb`]) are equal in some lane, or may be: if not, all values differ.
    fn lowest_limbs_meet(a: Self::Canonical, b: Self::Canonical) -> bool;
    /// Values in Montgomery form with R = 2^256, canonical or not.
    fn load_ark(backend: B, rows: B::Each<&R>) -> Self;
    /// Zero in every lane.
    fn zero(backend: B) -> Self;
    /// One in every lane.
    fn one(backend: B) -> Self;
    /// Product.
    fn mul(self, other: Self) -> Self;
    /// Product with a sum.
    fn mul_sum(self, other: Self::Sum) -> Self;
    /// Product with elements of Fq.
    fn scale(self, factor: Reduced<B, Base>) -> Self;
    /// Square.
    fn square(self) -> Self;
    /// Sum.
    fn add(self, other: Self) -> Self::Sum;
    /// Difference.
    fn sub(self, other: Self) -> Self::Sum;
    /// The sum where the mask's bit is set, else the difference.
    fn add_or_sub(mask: u8, a: Self, b: Self) -> Self::Sum;
    /// ± a - (± b): with a minus where the first and the second mask's bit is set.
    fn signed_difference(negative: [u8; 2], a: Self::Canonical, b: Self::Canonical) -> Self::Sum;
    /// a - b - c and a - 2 b - c.
    fn sub_once_and_twice(self, b: Self::Canonical, c: Self::Canonical) -> [Self::Sum; 2];
    /// A sum in the bounds of reduced values.
    fn reduce(sum: Self::Sum) -> Self;
    /// Lane i of `a` where bit i of the mask is set, else of `b`.
    fn select(mask: u8, a: Self::Sum, b: Self::Sum) -> Self::Sum;
    /// Canonical rows in the backend's form.
    fn store(sum: Self::Sum) -> B::Each<R>;
    /// Points with these coordinates, in canonical rows in the backend's form.
    fn store_points(x: Self::Sum, y: Self::Sum) -> B::Each<Point<R>>;
    /// Canonical rows in Montgomery form with R = 2^256.
    fn store_ark(backend: B, sum: Self::Sum) -> B::Each<R>;
}

impl Coordinate for [Row; 1] {
    type Lanes<B: Backend> = Reduced<B, Base>;
    type Ark = Fq;

    #[inline(always)]
    fn from_ark(value: &Fq) -> Self {
        [value.0.0]
    }

    #[inline(always)]
    fn to_ark(&self) -> Fq {
        Fq::new_unchecked(BigInt(self[0]))
    }

    #[inline]
    fn invert(value: &Fq) -> Fq {
        invert(value)
    }
}

impl Coordinate for [Row; 2] {
    type Lanes<B: Backend> = ReducedFq2<B>;
    type Ark = Fq2;

    #[inline(always)]
    fn from_ark(value: &Fq2) -> Self {
        [value.c0.0.0, value.c1.0.0]
    }

    #[inline(always)]
    fn to_ark(&self) -> Fq2 {
        Fq2::new(Fq::new_unchecked(BigInt(self[0])), Fq::new_unchecked(BigInt(self[1])))
    }

    /// (c0 - c1 u) / (c0² + c1²).
    #[inline]
    fn invert(value: &Fq2) -> Fq2 {
        let norm = invert(&(value.c0.square() + value.c1.square()));
        Fq2::new(value.c0 * norm, -value.c1 * norm)
    }
}

/// One part of each of some elements.
#[inline(always)]
fn part<'a, B: Backend, const PARTS: usize>(
    rows: &B::Each<&'a [Row; PARTS]>,
    part: usize,
) -> B::Each<&'a Row> {
    B::each(|i| &rows.as_ref()[i][part])
}

/// Rows as elements of Fq.
#[inline(always)]
fn in_array<B: Backend>(rows: &B::Each<Row>) -> B::Each<[Row; 1]> {
    B::each(|i| [rows.as_ref()[i]])
}

impl<B: Backend> Lanes<B, [Row; 1]> for Reduced<B, Base> {
    type Sum = Sum<B, Base>;
    type Canonical = Canonical<B, Base>;

    #[inline(always)]
    fn load_canonical(backend: B, rows: B::Each<&[Row; 1]>) -> Self::Canonical {
        Canonical::load(backend, part::<B, 1>(&rows, 0))
    }

    #[inline(always)]
    fn lowest_limbs_meet(a: Self::Canonical, b: Self::Canonical) -> bool {
        a.lowest_limbs_meet(b)
    }

    #[inline(always)]
    fn add_or_sub(mask: u8, a: Self, b: Self) -> Self::Sum {
        Self::add_or_sub(mask, a, b)
    }

    #[inline(always)]
    fn signed_difference(negative: [u8; 2], a: Self::Canonical, b: Self::Canonical) -> Self::Sum {
        Self::signed_difference(negative, a, b)
    }

    #[inline(always)]
    fn sub_once_and_twice(self, b: Self::Canonical, c: Self::Canonical) -> [Self::Sum; 2] {
        self.sub_once_and_twice(b, c)
    }

    #[inline(always)]
    fn store_points(x: Self::Sum, y: Self::Sum) -> B::Each<Point<[Row; 1]>> {
        let points = x.store_two(y);
        B::each(|lane| {
            let [x, y] = points.as_ref()[lane];
            Point { x: [x], y: [y] }
        })
    }

    #[inline(always)]
    fn load(backend: B, rows: B::Each<&[Row; 1]>) -> Self {
        Self::load(backend, B::each(|i| &rows.as_ref()[i][0]))
    }

    #[inline(always)]
    fn load_ark(backend: B, rows: B::Each<&[Row; 1]>) -> Self {
        Self::load_ark(backend, B::each(|i| &rows.as_ref()[i][0]))
    }

    #[inline(always)]
    fn zero(backend: B) -> Self {
        Self::zero(backend)
    }

    #[inline(always)]
    fn one(backend: B) -> Self {
        Self::one(backend)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.mul(other)
    }

    #[inline(always)]
    fn mul_sum(self, other: Self::Sum) -> Self {
        self.mul(other)
    }

    #[inline(always)]
    fn scale(self, factor: Reduced<B, Base>) -> Self {
        self.mul(factor)
    }

    #[inline(always)]
    fn square(self) -> Self {
        self.square()
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self::Sum {
        self.add(other)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self::Sum {
        self.sub(other)
    }

    #[inline(always)]
    fn reduce(sum: Self::Sum) -> Self {
        sum.reduce()
    }

    #[inline(always)]
    fn select(mask: u8, a: Self::Sum, b: Self::Sum) -> Self::Sum {
        Sum::select(mask, a, b)
    }

    #[inline(always)]
    fn store(sum: Self::Sum) -> B::Each<[Row; 1]> {
        in_array::<B>(&sum.store())
    }

    #[inline(always)]
    fn store_ark(backend: B, sum: Self::Sum) -> B::Each<[Row; 1]> {
        in_array::<B>(&sum.store_ark(backend))
    }
}

impl<B: Backend> Lanes<B, [Row; 2]> for ReducedFq2<B> {
    type Sum = SumFq2<B>;
    type Canonical = CanonicalFq2<B>;

    #[inline(always)]
    fn load_canonical(backend: B, rows: B::Each<&[Row; 2]>) -> Self::Canonical {
        CanonicalFq2 {
            c0: Canonical::load(backend, part::<B, 2>(&rows, 0)),
            c1: Canonical::load(backend, part::<B, 2>(&rows, 1)),
        }
    }

    #[inline(always)]
    fn lowest_limbs_meet(a: Self::Canonical, b: Self::Canonical) -> bool {
        a.c0.lowest_limbs_meet(b.c0)
    }

    #[inline(always)]
    fn add_or_sub(mask: u8, a: Self, b: Self) -> Self::Sum {
        SumFq2 { c0: Reduced::add_or_sub(mask, a.c0, b.c0), c1: Reduced::add_or_sub(mask, a.c1, b.c1) }
    }

    #[inline(always)]
    fn signed_difference(negative: [u8; 2], a: Self::Canonical, b: Self::Canonical) -> Self::Sum {
        SumFq2 {
            c0: Reduced::signed_difference(negative, a.c0, b.c0),
            c1: Reduced::signed_difference(negative, a.c1, b.c1),
        }
    }

    #[inline(always)]
    fn sub_once_and_twice(self, b: Self::Canonical, c: Self::Canonical) -> [Self::Sum; 2] {
        let [c0, other_c0] = self.c0.sub_once_and_twice(b.c0, c.c0);
        let [c1, other_c1] = self.c1.sub_once_and_twice(b.c1, c.c1);
        [SumFq2 { c0, c1 }, SumFq2 { c0: other_c0, c1: other_c1 }]
    }

    #[inline(always)]
    fn store_points(x: Self::Sum, y: Self::Sum) -> B::Each<Point<[Row; 2]>> {
        let (x, y) = (x.c0.store_two(x.c1), y.c0.store_two(y.c1));
        B::each(|lane| Point { x: x.as_ref()[lane], y: y.as_ref()[lane] })
    }

    #[inline(always)]
    fn load(backend: B, rows: B::Each<&[Row; 2]>) -> Self {
        Self::load(backend, part::<B, 2>(&rows, 0), part::<B, 2>(&rows, 1))
    }

    #[inline(always)]
    fn load_ark(backend: B, rows: B::Each<&[Row; 2]>) -> Self {
        Self {
            c0: Reduced::load_ark(backend, part::<B, 2>(&rows, 0)),
            c1: Reduced::load_ark(backend, part::<B, 2>(&rows, 1)),
        }
    }

    #[inline(always)]
    fn zero(backend: B) -> Self {
        Self { c0: Reduced::zero(backend), c1: Reduced::zero(backend) }
    }

    #[inline(always)]
    fn one(backend: B) -> Self {
        Self { c0: Reduced::one(backend), c1: Reduced::zero(backend) }
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.mul(other)
    }

    #[inline(always)]
    fn mul_sum(self, other: Self::Sum) -> Self {
        self.mul(other)
    }

    #[inline(always)]
    fn scale(self, factor: Reduced<B, Base>) -> Self {
        Self { c0: self.c0.mul(factor), c1: self.c1.mul(factor) }
    }

    #[inline(always)]
    fn square(self) -> Self {
        self.square()
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self::Sum {
        self.add(other)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self::Sum {
        self.sub(other)
    }

    #[inline(always)]
    fn reduce(sum: Self::Sum) -> Self {
        sum.reduce()
    }

    #[inline(always)]
    fn select(mask: u8, a: Self::Sum, b: Self::Sum) -> Self::Sum {
        SumFq2 { c0: Sum::select(mask, a.c0, b.c0), c1: Sum::select(mask, a.c1, b.c1) }
    }

    #[inline(always)]
    fn store(sum: Self::Sum) -> B::Each<[Row; 2]> {
        let (c0, c1) = (sum.c0.store(), sum.c1.store());
        B::each(|i| [c0.as_ref()[i], c1.as_ref()[i]])
    }

    #[inline(always)]
    fn store_ark(backend: B, sum: Self::Sum) -> B::Each<[Row; 2]> {
        let (c0, c1) = (sum.c0.store_ark(backend), sum.c1.store_ark(backend));
        B::each(|i| [c0.as_ref()[i], c1.as_ref()[i]])
    }
}
