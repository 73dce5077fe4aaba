//! Coordinates of points: one field element (G1) or two (G2), as rows in memory and as eight at once in vectors.

use ark_bn254::{Fq, Fq2};
use ark_ff::{BigInt, Field};
use core::fmt::Debug;
use zeroize::Zeroize;

use super::inverse::invert;
use crate::vector::modulus::subtract;
use crate::vector::{Backend, Base, LANES, Modulus, Reduced, ReducedFq2, Row, Sum, SumFq2};

/// A coordinate in memory: an element of Fq as one row, of Fq2 as two.
pub(crate) trait Coordinate:
    Copy + Eq + Debug + Default + Send + Sync + Zeroize + AsRef<[Row]> + AsMut<[Row]> + 'static
{
    /// Eight of them.
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

/// Eight coordinates, reduced (see the bounds of [`vector`](crate::vector)).
pub(crate) trait Lanes<B: Backend, R>: Copy + Debug + Send + Sync {
    /// Eight sums or differences of two reduced values.
    type Sum: Copy + Debug + Send + Sync + From<Self>;

    /// Canonical values in the backend's form.
    fn load(backend: B, rows: [&R; LANES]) -> Self;
    /// Values in Montgomery form with R = 2^256, canonical or not.
    fn load_ark(backend: B, rows: [&R; LANES]) -> Self;
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
    /// A sum in the bounds of reduced values.
    fn reduce(sum: Self::Sum) -> Self;
    /// Lane i of `a` where bit i of the mask is set, else of `b`.
    fn select(mask: u8, a: Self::Sum, b: Self::Sum) -> Self::Sum;
    /// Canonical rows in the backend's form.
    fn store(sum: Self::Sum) -> [R; LANES];
    /// Canonical rows in Montgomery form with R = 2^256.
    fn store_ark(backend: B, sum: Self::Sum) -> [R; LANES];
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

impl<B: Backend> Lanes<B, [Row; 1]> for Reduced<B, Base> {
    type Sum = Sum<B, Base>;

    #[inline(always)]
    fn load(backend: B, rows: [&[Row; 1]; LANES]) -> Self {
        Self::load(backend, rows.map(|[row]| row))
    }

    #[inline(always)]
    fn load_ark(backend: B, rows: [&[Row; 1]; LANES]) -> Self {
        Self::load_ark(backend, rows.map(|[row]| row))
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
    fn store(sum: Self::Sum) -> [[Row; 1]; LANES] {
        sum.store().map(|row| [row])
    }

    #[inline(always)]
    fn store_ark(backend: B, sum: Self::Sum) -> [[Row; 1]; LANES] {
        sum.store_ark(backend).map(|row| [row])
    }
}

impl<B: Backend> Lanes<B, [Row; 2]> for ReducedFq2<B> {
    type Sum = SumFq2<B>;

    #[inline(always)]
    fn load(backend: B, rows: [&[Row; 2]; LANES]) -> Self {
        Self::load(backend, rows.map(|[c0, _]| c0), rows.map(|[_, c1]| c1))
    }

    #[inline(always)]
    fn load_ark(backend: B, rows: [&[Row; 2]; LANES]) -> Self {
        Self {
            c0: Reduced::load_ark(backend, rows.map(|[c0, _]| c0)),
            c1: Reduced::load_ark(backend, rows.map(|[_, c1]| c1)),
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
    fn store(sum: Self::Sum) -> [[Row; 2]; LANES] {
        let (c0, c1) = (sum.c0.store(), sum.c1.store());
        core::array::from_fn(|i| [c0[i], c1[i]])
    }

    #[inline(always)]
    fn store_ark(backend: B, sum: Self::Sum) -> [[Row; 2]; LANES] {
        let (c0, c1) = (sum.c0.store_ark(backend), sum.c1.store_ark(backend));
        core::array::from_fn(|i| [c0[i], c1[i]])
    }
}
