//! Vectors of elements of Fq2 = Fq\[u\] / (u² + 1).

use super::{Backend, Base, Canonical, Reduced, Row, Sum};

/// A vector of elements, reduced in both parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReducedFq2<B: Backend> {
    /// The part without u.
    pub(crate) c0: Reduced<B, Base>,
    /// The part with u.
    pub(crate) c1: Reduced<B, Base>,
}

/// Sums or differences of two reduced values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SumFq2<B: Backend> {
    /// The part without u.
    pub(crate) c0: Sum<B, Base>,
    /// The part with u.
    pub(crate) c1: Sum<B, Base>,
}

/// Canonical values, as they were loaded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CanonicalFq2<B: Backend> {
    /// The part without u.
    pub(crate) c0: Canonical<B, Base>,
    /// The part with u.
    pub(crate) c1: Canonical<B, Base>,
}

impl<B: Backend> From<CanonicalFq2<B>> for ReducedFq2<B> {
    #[inline(always)]
    fn from(a: CanonicalFq2<B>) -> Self {
        Self { c0: a.c0.into(), c1: a.c1.into() }
    }
}

impl<B: Backend> From<ReducedFq2<B>> for SumFq2<B> {
    #[inline(always)]
    fn from(a: ReducedFq2<B>) -> Self {
        Self { c0: a.c0.into(), c1: a.c1.into() }
    }
}

/// What a multiplication takes: [`ReducedFq2`] or [`SumFq2`].
pub(crate) trait FactorFq2<B: Backend> {
    /// As the backend's multiplication takes it.
    fn settled(self) -> [B::Vector; 2];
}

impl<B: Backend> FactorFq2<B> for ReducedFq2<B> {
    #[inline(always)]
    fn settled(self) -> [B::Vector; 2] {
        [self.c0.vector(), self.c1.vector()]
    }
}

impl<B: Backend> FactorFq2<B> for SumFq2<B> {
    #[inline(always)]
    fn settled(self) -> [B::Vector; 2] {
        [B::settle_fq2::<Base>(self.c0.vector()), B::settle_fq2::<Base>(self.c1.vector())]
    }
}

impl<B: Backend> ReducedFq2<B> {
    /// Canonical values in the backend's form: rows c0, rows c1.
    #[inline(always)]
    pub(crate) fn load(backend: B, c0: B::Each<&Row>, c1: B::Each<&Row>) -> Self {
        Self { c0: Reduced::load(backend, c0), c1: Reduced::load(backend, c1) }
    }

    /// Product.
    #[inline(always)]
    pub(crate) fn mul(self, other: impl FactorFq2<B>) -> Self {
        Self::from_parts(B::mul_fq2::<Base>(self.settled(), other.settled()))
    }

    /// Square.
    #[inline(always)]
    pub(crate) fn square(self) -> Self {
        Self::from_parts(B::square_fq2::<Base>(self.settled()))
    }

    #[inline(always)]
    fn from_parts([c0, c1]: [B::Vector; 2]) -> Self {
        Self { c0: Reduced::from_vector(c0), c1: Reduced::from_vector(c1) }
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

    /// Product.
    #[inline(always)]
    pub(crate) fn mul(self, other: impl FactorFq2<B>) -> ReducedFq2<B> {
        ReducedFq2::from_parts(B::mul_fq2::<Base>(self.settled(), other.settled()))
    }

    /// Square.
    #[inline(always)]
    pub(crate) fn square(self) -> ReducedFq2<B> {
        self.reduce().square()
    }
}
