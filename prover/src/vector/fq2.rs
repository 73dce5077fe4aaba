//! Eight elements of Fq2 = Fq\[u\] / (u² + 1).

use super::{Backend, Base, LANES, Reduced, Row, Sum};

/// Eight elements, reduced in both parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReducedFq2<B: Backend> {
    /// The part without u.
    pub(crate) c0: Reduced<B, Base>,
    /// The part with u.
    pub(crate) c1: Reduced<B, Base>,
}

/// Eight sums or differences of two reduced values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SumFq2<B: Backend> {
    /// The part without u.
    pub(crate) c0: Sum<B, Base>,
    /// The part with u.
    pub(crate) c1: Sum<B, Base>,
}

impl<B: Backend> From<ReducedFq2<B>> for SumFq2<B> {
    #[inline(always)]
    fn from(a: ReducedFq2<B>) -> Self {
        Self { c0: a.c0.into(), c1: a.c1.into() }
    }
}

impl<B: Backend> ReducedFq2<B> {
    /// Canonical values in the backend's form: rows c0, rows c1.
    #[inline(always)]
    pub(crate) fn load(backend: B, c0: [&Row; LANES], c1: [&Row; LANES]) -> Self {
        Self { c0: Reduced::load(backend, c0), c1: Reduced::load(backend, c1) }
    }

    /// Product, by Karatsuba's three multiplications: (a0 + a1)(b0 + b1) - a0 b0 - a1 b1 is the part with u.
    #[inline(always)]
    pub(crate) fn mul(self, other: Self) -> Self {
        let (v0, v1) = (self.c0.mul(other.c0), self.c1.mul(other.c1));
        let cross = self.c0.add(self.c1).mul(other.c0.add(other.c1));
        Self { c0: v0.sub(v1).reduce(), c1: cross.sub(v0).reduce().sub(v1).reduce() }
    }

    /// Square, by (a0 + a1)(a0 - a1) and 2 a0 a1.
    #[inline(always)]
    pub(crate) fn square(self) -> Self {
        let c1 = self.c0.mul(self.c1);
        Self { c0: self.c0.add(self.c1).mul(self.c0.sub(self.c1)), c1: c1.add(c1).reduce() }
    }

    /// Sum.
    #[inline(always)]
    pub(crate) fn add(self, other: Self) -> SumFq2<B> {
        SumFq2 { c0: self.c0.add(other.c0), c1: self.c1.add(other.c1) }
    }

    /// Difference.
    #[inline(always)]
    pub(crate) fn sub(self, other: Self) -> SumFq2<B> {
        SumFq2 { c0: self.c0.sub(other.c0), c1: self.c1.sub(other.c1) }
    }
}

impl<B: Backend> SumFq2<B> {
    /// The same values in the bounds of reduced ones.
    #[inline(always)]
    pub(crate) fn reduce(self) -> ReducedFq2<B> {
        ReducedFq2 { c0: self.c0.reduce(), c1: self.c1.reduce() }
    }
}

impl<B: Backend> SumFq2<B> {
    /// Product. The three products of Karatsuba's method are of sums already, so both factors are reduced first.
    #[inline(always)]
    pub(crate) fn mul(self, other: impl Into<Self>) -> ReducedFq2<B> {
        self.reduce().mul(other.into().reduce())
    }

    /// Square.
    #[inline(always)]
    pub(crate) fn square(self) -> ReducedFq2<B> {
        self.reduce().square()
    }
}
