//! Arithmetic on several field elements at a time, as many as the processor has use for.
//!
//! ```text
//!   Fq2      elements of the quadratic extension of Fq               ┐ kernels (msm, transforms) are written over these,
//!   Field    elements of Fq or Fr: Reduced, and Sum of two           ┘ generic in the backend, a vector of them at a time
//!   ───────────────────────────────────────────────────────────────
//!   Backend  limbs, mul, add, sub, pack, unpack        Kernel, dispatch: the processor's best backend, chosen once, or the one
//!     ├─ ifma      AVX-512 IFMA, eight of 5 × 52 bits   that the environment variable ZKPOV_VECTORS names
//!     ├─ avx2      AVX2 + FMA, eight of 5 doubles
//!     └─ portable  4 × 64 bits, any processor
//!   modulus  the two moduli and their Montgomery constants      prefetch  reads that are announced
//! ```
//!
//! # Bounds
//! Two kinds of value, told apart by type. [`Reduced`] is what a multiplication, [`Sum::reduce`] and [`Reduced::load`] give;
//! [`Sum`] is the sum or difference of two reduced values. A multiplication takes either kind on either side, so a formula never
//! needs more than an occasional `reduce`; each backend states what the two kinds mean in its limbs and why a product of two sums
//! is reduced again. [`Sum::store`] writes the one canonical representative.
//!
//! # Montgomery form
//! Elements lie in memory as [`Row`]s: four 64-bit limbs. In a proving key and in `ark-ff` they are in Montgomery form with
//! R = 2^256. A backend computes with its own R; [`Reduced::load_ark`] and [`Sum::store_ark`] convert (one multiplication),
//! [`Reduced::load`] and [`Sum::store`] do not: rows of a kernel's own workspace stay in the backend's form.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod choice;
mod field;
mod fq2;
mod ifma;
pub(crate) mod modulus;
mod portable;
mod prefetch;
#[cfg(test)]
mod tests;

pub(crate) use choice::{Choice, dispatch};
pub use choice::{VectorsError, vectors};
pub(crate) use field::{Canonical, Reduced, Sum};
pub(crate) use fq2::{CanonicalFq2, ReducedFq2, SumFq2};
pub(crate) use modulus::{Base, Modulus, Scalar};
pub(crate) use prefetch::prefetch;

use core::fmt::Debug;

use self::modulus::power_of_two;

/// The most elements that a backend's vector has. Each has a power of two of them.
pub(crate) const LANES: usize = 8;

/// A field element in memory: 64-bit limbs, least significant first.
pub(crate) type Row = [u64; 4];

/// A way to compute on several elements at once. A value of a backend's type, and so each of its vectors, is a proof that this
/// processor can run it.
///
/// The functions are the smallest set that kernels need, on untyped vectors; [`Reduced`] and [`Sum`] keep the bounds. `M` is the
/// modulus. All are meant to be inlined into [`Backend::run`], which is where the processor's features are switched on.
pub(crate) trait Backend: Copy + Send + Sync + Debug + 'static {
    /// Elements, one in each lane.
    type Vector: Copy + Send + Sync + Debug;

    /// Something for each lane.
    type Each<T: Copy>: Copy + AsRef<[T]> + AsMut<[T]> + IntoIterator<Item = T>;

    /// How many lanes there are.
    const LANES: usize;

    /// Base-2 logarithm of the Montgomery R.
    const LOG2_R: u32;

    /// What `thing` gives for each lane.
    fn each<T: Copy>(thing: impl FnMut(usize) -> T) -> Self::Each<T>;

    /// Runs a kernel with the processor's features enabled. What the kernel calls and is not `#[inline(always)]` is compiled
    /// without them.
    fn run<K: Kernel>(self, kernel: K) -> K::Output;

    /// Integers below the modulus, as they are: reduced. Backends that do not define [`Backend::unpack_ark`] take integers below
    /// 2^256, and their multiplication takes the result.
    fn unpack(self, rows: Self::Each<&Row>) -> Self::Vector;

    /// Integers below 2^256, divided by 2^256 and multiplied by R: reduced.
    #[inline(always)]
    fn unpack_ark<M: Modulus>(self, rows: Self::Each<&Row>) -> Self::Vector {
        // A Montgomery multiplication with R² / 2^256.
        let enter = const { &power_of_two(&M::P, 2 * Self::LOG2_R - 256) };
        Self::mul::<M>(self.unpack(rows), self.unpack(Self::each(|_| enter)))
    }

    /// The canonical representatives, below the modulus, of a sum of up to two reduced values.
    fn pack<M: Modulus>(a: Self::Vector) -> Self::Each<Row>;

    /// [`Backend::pack`] of two vectors, side by side.
    #[inline(always)]
    fn pack_two<M: Modulus>(a: Self::Vector, b: Self::Vector) -> Self::Each<[Row; 2]> {
        let (a, b) = (Self::pack::<M>(a), Self::pack::<M>(b));
        Self::each(|lane| [a.as_ref()[lane], b.as_ref()[lane]])
    }

    /// Whether the lowest limbs of two unpacked vectors are equal in some lane: if not, no lane has the same integer in both.
    fn lowest_limbs_meet(a: Self::Vector, b: Self::Vector) -> bool;

    /// The canonical representatives of a sum of up to two reduced values, divided by R and multiplied by 2^256.
    #[inline(always)]
    fn pack_ark<M: Modulus>(self, a: Self::Vector) -> Self::Each<Row> {
        // A Montgomery multiplication with 2^256.
        let leave = const { &power_of_two(&M::P, 256) };
        Self::pack::<M>(Self::mul::<M>(Self::settle(a), self.unpack(Self::each(|_| leave))))
    }

    /// A sum as a multiplication takes it. For backends whose multiplication takes any sum, the same.
    #[inline(always)]
    fn settle(a: Self::Vector) -> Self::Vector {
        a
    }

    /// The Montgomery product of values that are reduced or settled sums: reduced.
    fn mul<M: Modulus>(a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// [`Backend::mul`] of values in memory.
    #[inline(always)]
    fn product<M: Modulus>(a: &Self::Vector, b: &Self::Vector) -> Self::Vector {
        Self::mul::<M>(*a, *b)
    }

    /// The Montgomery square of a reduced value or a settled sum: reduced.
    #[inline(always)]
    fn square<M: Modulus>(a: Self::Vector) -> Self::Vector {
        Self::mul::<M>(a, a)
    }

    /// A part of a sum in Fq2 = Fq\[u\] / (u² + 1) as [`Backend::mul_fq2`] takes it.
    #[inline(always)]
    fn settle_fq2<M: Modulus>(a: Self::Vector) -> Self::Vector {
        Self::reduce::<M>(a)
    }

    /// The product in Fq2 of values whose parts are reduced or settled for this: reduced. By Karatsuba's three multiplications:
    /// (a0 + a1)(b0 + b1) - a0 b0 - a1 b1 is the part with u.
    #[inline(always)]
    fn mul_fq2<M: Modulus>(a: [Self::Vector; 2], b: [Self::Vector; 2]) -> [Self::Vector; 2] {
        let (v0, v1) = (Self::mul::<M>(a[0], b[0]), Self::mul::<M>(a[1], b[1]));
        let (a, b) = (Self::add::<M>(a[0], a[1]), Self::add::<M>(b[0], b[1]));
        let cross = Self::mul::<M>(Self::settle(a), Self::settle(b));
        [Self::reduce::<M>(Self::sub::<M>(v0, v1)), Self::sub_two::<M>(cross, v0, v1)]
    }

    /// The square in Fq2 of reduced values: reduced. By (a0 + a1)(a0 - a1) and 2 a0 a1.
    #[inline(always)]
    fn square_fq2<M: Modulus>(a: [Self::Vector; 2]) -> [Self::Vector; 2] {
        let cross = Self::mul::<M>(a[0], a[1]);
        let (sum, difference) = (Self::add::<M>(a[0], a[1]), Self::sub::<M>(a[0], a[1]));
        let real = Self::mul::<M>(Self::settle(sum), Self::settle(difference));
        [real, Self::reduce::<M>(Self::add::<M>(cross, cross))]
    }

    /// The sum of two reduced values.
    fn add<M: Modulus>(a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// The difference of two reduced values.
    fn sub<M: Modulus>(a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// The sum of two reduced values where the mask's bit is set, else their difference.
    #[inline(always)]
    fn add_or_sub<M: Modulus>(mask: u8, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        Self::select(mask, Self::add::<M>(a, b), Self::sub::<M>(a, b))
    }

    /// ± a - (± b) of canonical values, a sum: a and b with a minus where the first and the second mask's bit is set.
    #[inline(always)]
    fn signed_difference<M: Modulus>(negative: [u8; 2], a: Self::Vector, b: Self::Vector) -> Self::Vector {
        let minus_a = Self::sub::<M>(Self::reduce::<M>(Self::sub::<M>(a, a)), a);
        Self::add_or_sub::<M>(negative[1], Self::select(negative[0], Self::reduce::<M>(minus_a), a), b)
    }

    /// a - b - c and a - 2 b - c, sums both, for a reduced and b and c canonical.
    #[inline(always)]
    fn sub_once_and_twice<M: Modulus>(
        a: Self::Vector,
        b: Self::Vector,
        c: Self::Vector,
    ) -> [Self::Vector; 2] {
        let once = Self::reduce::<M>(Self::sub::<M>(Self::reduce::<M>(Self::sub::<M>(a, b)), c));
        [once, Self::sub::<M>(once, b)]
    }

    /// a - b - c of reduced values, brought into the bounds of a reduced value.
    #[inline(always)]
    fn sub_two<M: Modulus>(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        Self::reduce::<M>(Self::sub::<M>(Self::reduce::<M>(Self::sub::<M>(a, b)), c))
    }

    /// A sum, brought into the bounds of a reduced value.
    fn reduce<M: Modulus>(a: Self::Vector) -> Self::Vector;

    /// Lane i is that of `a` where bit i of the mask is set, else that of `b`.
    fn select(mask: u8, a: Self::Vector, b: Self::Vector) -> Self::Vector;
}

/// A piece of work for a [`Backend`]. Implement `run` with `#[inline(always)]`, and everything hot that it calls.
pub(crate) trait Kernel {
    /// What it gives.
    type Output;
    /// Does it.
    fn run<B: Backend>(self, backend: B) -> Self::Output;
}
