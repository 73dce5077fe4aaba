//! Vectors of elements of a prime field, with the bounds that the module's head describes in the types.

use core::marker::PhantomData;

use super::modulus::power_of_two;
use super::{Backend, Modulus, Row};

/// A vector of elements, reduced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reduced<B: Backend, M>(B::Vector, PhantomData<M>);

/// Sums or differences of two reduced values (or reduced values themselves).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum<B: Backend, M>(B::Vector, PhantomData<M>);

impl<B: Backend, M: Modulus> From<Reduced<B, M>> for Sum<B, M> {
    #[inline(always)]
    fn from(a: Reduced<B, M>) -> Self {
        Self(a.0, PhantomData)
    }
}

/// Canonical values, as they were loaded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canonical<B: Backend, M>(Reduced<B, M>);

impl<B: Backend, M: Modulus> Canonical<B, M> {
    /// Canonical values in the backend's form.
    #[inline(always)]
    pub(crate) fn load(backend: B, rows: B::Each<&Row>) -> Self {
        Self(Reduced::load(backend, rows))
    }

    /// Whether the lowest limbs of two vectors are equal in some lane: if not, all values differ.
    #[inline(always)]
    pub(crate) fn lowest_limbs_meet(self, other: Self) -> bool {
        B::lowest_limbs_meet(self.0.0, other.0.0)
    }
}

impl<B: Backend, M> From<Canonical<B, M>> for Reduced<B, M> {
    #[inline(always)]
    fn from(a: Canonical<B, M>) -> Self {
        a.0
    }
}

/// What a multiplication takes: [`Reduced`] or [`Sum`].
pub(crate) trait Factor<B: Backend, M: Modulus> {
    /// As the backend's multiplication takes it.
    fn settled(self) -> B::Vector;
}

impl<B: Backend, M: Modulus> Factor<B, M> for Reduced<B, M> {
    #[inline(always)]
    fn settled(self) -> B::Vector {
        self.0
    }
}

impl<B: Backend, M: Modulus> Factor<B, M> for Sum<B, M> {
    #[inline(always)]
    fn settled(self) -> B::Vector {
        B::settle(self.0)
    }
}

impl<B: Backend, M: Modulus> Reduced<B, M> {
    /// What a backend gave that is reduced.
    #[inline(always)]
    pub(super) fn from_vector(vector: B::Vector) -> Self {
        Self(vector, PhantomData)
    }

    /// As the backend has it.
    #[inline(always)]
    pub(super) fn vector(self) -> B::Vector {
        self.0
    }

    /// The backend's R: the number one.
    const ONE: Row = power_of_two(&M::P, B::LOG2_R);

    /// Canonical values in the backend's form.
    #[inline(always)]
    pub(crate) fn load(backend: B, rows: B::Each<&Row>) -> Self {
        Self(backend.unpack(rows), PhantomData)
    }

    /// The same value in every lane, from one canonical row in the backend's form.
    #[inline(always)]
    pub(crate) fn splat(backend: B, row: &Row) -> Self {
        Self::load(backend, B::each(|_| row))
    }

    /// Values in Montgomery form with R = 2^256, each below 2^256 (canonical or not), into the backend's form.
    #[inline(always)]
    pub(crate) fn load_ark(backend: B, rows: B::Each<&Row>) -> Self {
        Self(backend.unpack_ark::<M>(rows), PhantomData)
    }

    /// One in every lane.
    #[inline(always)]
    pub(crate) fn one(backend: B) -> Self {
        Self::splat(backend, &Self::ONE)
    }

    /// Zero in every lane.
    #[inline(always)]
    pub(crate) fn zero(backend: B) -> Self {
        Self::splat(backend, &[0; 4])
    }

    /// Montgomery product of values that lie in memory, which are not copied.
    #[inline(always)]
    pub(crate) fn product(a: &Self, b: &Self) -> Self {
        Self(B::product::<M>(&a.0, &b.0), PhantomData)
    }

    /// Montgomery product.
    #[inline(always)]
    pub(crate) fn mul(self, other: impl Factor<B, M>) -> Self {
        Self(B::mul::<M>(self.0, other.settled()), PhantomData)
    }

    /// Montgomery square.
    #[inline(always)]
    pub(crate) fn square(self) -> Self {
        Self(B::square::<M>(self.0), PhantomData)
    }

    /// Sum.
    #[inline(always)]
    pub(crate) fn add(self, other: Self) -> Sum<B, M> {
        Sum(B::add::<M>(self.0, other.0), PhantomData)
    }

    /// Difference.
    #[inline(always)]
    pub(crate) fn sub(self, other: Self) -> Sum<B, M> {
        Sum(B::sub::<M>(self.0, other.0), PhantomData)
    }

    /// The sum where the mask's bit is set, else the difference.
    #[inline(always)]
    pub(crate) fn add_or_sub(mask: u8, a: Self, b: Self) -> Sum<B, M> {
        Sum(B::add_or_sub::<M>(mask, a.0, b.0), PhantomData)
    }

    /// ± a - (± b): with a minus where the first and the second mask's bit is set.
    #[inline(always)]
    pub(crate) fn signed_difference(negative: [u8; 2], a: Canonical<B, M>, b: Canonical<B, M>) -> Sum<B, M> {
        Sum(B::signed_difference::<M>(negative, a.0.0, b.0.0), PhantomData)
    }

    /// a - b - c and a - 2 b - c.
    #[inline(always)]
    pub(crate) fn sub_once_and_twice(self, b: Canonical<B, M>, c: Canonical<B, M>) -> [Sum<B, M>; 2] {
        B::sub_once_and_twice::<M>(self.0, b.0.0, c.0.0).map(|vector| Sum(vector, PhantomData))
    }

    /// The difference to two others, in the bounds of reduced values.
    #[inline(always)]
    pub(crate) fn sub_two(self, other: Self, another: Self) -> Self {
        Self(B::sub_two::<M>(self.0, other.0, another.0), PhantomData)
    }

    /// Lane i of `a` where bit i of the mask is set, else of `b`.
    #[inline(always)]
    pub(crate) fn select(mask: u8, a: Self, b: Self) -> Self {
        Self(B::select(mask, a.0, b.0), PhantomData)
    }

    /// [`Sum::store`].
    #[inline(always)]
    pub(crate) fn store(self) -> B::Each<Row> {
        Sum::from(self).store()
    }
}

impl<B: Backend, M: Modulus> Sum<B, M> {
    /// As the backend has it.
    #[inline(always)]
    pub(super) fn vector(self) -> B::Vector {
        self.0
    }

    /// Montgomery product.
    #[inline(always)]
    pub(crate) fn mul(self, other: impl Factor<B, M>) -> Reduced<B, M> {
        Reduced(B::mul::<M>(self.settled(), other.settled()), PhantomData)
    }

    /// Montgomery square.
    #[inline(always)]
    pub(crate) fn square(self) -> Reduced<B, M> {
        Reduced(B::square::<M>(self.settled()), PhantomData)
    }

    /// The same values in the bounds of reduced ones.
    #[inline(always)]
    pub(crate) fn reduce(self) -> Reduced<B, M> {
        Reduced(B::reduce::<M>(self.0), PhantomData)
    }

    /// Lane i of `a` where bit i of the mask is set, else of `b`.
    #[inline(always)]
    pub(crate) fn select(mask: u8, a: Self, b: Self) -> Self {
        Self(B::select(mask, a.0, b.0), PhantomData)
    }

    /// The canonical rows, in the backend's form.
    #[inline(always)]
    pub(crate) fn store(self) -> B::Each<Row> {
        B::pack::<M>(self.0)
    }

    /// The canonical rows of two vectors, side by side, in the backend's form.
    #[inline(always)]
    pub(crate) fn store_two(self, other: Self) -> B::Each<[Row; 2]> {
        B::pack_two::<M>(self.0, other.0)
    }

    /// The canonical rows in Montgomery form with R = 2^256, as `ark-ff` and the proving key have them.
    #[inline(always)]
    pub(crate) fn store_ark(self, backend: B) -> B::Each<Row> {
        backend.pack_ark::<M>(self.0)
    }
}
