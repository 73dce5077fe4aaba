//! AVX2 and FMA: eight lanes of five limbs of 51 bits in doubles, R = 2^255.
//!
//! ```text
//!   Avx2         the backend: the one place where functions that enable the instructions are called from one that does not
//!   arithmetic   products, sums, rows
//!   doubles      registers and their instructions      constants   what follows from a modulus
//! ```
#![allow(unsafe_code)] // Functions that enable instructions are unsafe to call from others.

mod arithmetic;
mod constants;
mod doubles;

use self::doubles::Doubles;
use super::{Backend, Kernel, LANES, Modulus, Row};

/// Limbs of an element.
const LIMBS: usize = 5;
/// Bits of a limb.
const LIMB_BITS: i32 = 51;
/// Base-2 logarithm of R.
const LOG2_R: i32 = LIMBS as i32 * LIMB_BITS;
/// Bits of a double after its first.
const MANTISSA_BITS: i32 = 52;

/// The arithmetic on doubles of this processor: proof that it and its operating system run AVX2 and FMA, and BMI 1 and 2, which all
/// processors with AVX2 have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The backend, if this processor has the instructions.
    pub(crate) fn detect() -> Option<Self> {
        let here = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2");
        here.then_some(Self(()))
    }
}

/// Eight elements. Made by the functions of [`Avx2`] alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limbs([Doubles; LIMBS]);

impl Limbs {
    /// The same, copied register by register: 320 bytes as one are copied by a call of `memcpy`.
    #[inline(always)]
    fn by_register(&self) -> Self {
        let [a, b, c, d, e] = &self.0;
        Self([a.by_register(), b.by_register(), c.by_register(), d.by_register(), e.by_register()])
    }
}

/// Calls a function that enables what [`Avx2`] stands for.
macro_rules! enabled {
    ($call:expr) => {
        // SAFETY: every function below takes an `Avx2`, which `detect` alone makes, after the processor named every feature that
        // the called function enables; or it takes a `Limbs`, which only a function with an `Avx2` makes, or one with a `Limbs`.
        unsafe { $call }
    };
}

/// Runs a kernel compiled for the instructions.
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn run<B: Backend, K: Kernel>(backend: B, kernel: K) -> K::Output {
    kernel.run(backend)
}

impl Backend for Avx2 {
    type Vector = Limbs;

    const LOG2_R: u32 = LOG2_R as u32;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        enabled!(run(self, kernel))
    }

    #[inline(always)]
    fn unpack(self, rows: [&Row; LANES]) -> Limbs {
        let limbs = enabled!(arithmetic::unpack(rows));
        limbs.by_register()
    }

    #[inline(always)]
    fn unpack_ark<M: Modulus>(self, rows: [&Row; LANES]) -> Limbs {
        let limbs = enabled!(arithmetic::unpack_ark::<M>(rows));
        limbs.by_register()
    }

    #[inline(always)]
    fn pack<M: Modulus>(a: Limbs) -> [Row; LANES] {
        enabled!(arithmetic::pack::<M>(&a))
    }

    #[inline(always)]
    fn pack_ark<M: Modulus>(self, a: Limbs) -> [Row; LANES] {
        // a 2^255 becomes a 2^256.
        enabled!(arithmetic::pack::<M>(&arithmetic::add(&a, &a)))
    }

    #[inline(always)]
    fn mul<M: Modulus>(a: Limbs, b: Limbs) -> Limbs {
        Self::product::<M>(&a.by_register(), &b.by_register())
    }

    #[inline(always)]
    fn product<M: Modulus>(a: &Limbs, b: &Limbs) -> Limbs {
        let product = enabled!(arithmetic::multiply::<M>(a, b));
        product.by_register()
    }

    #[inline(always)]
    fn square<M: Modulus>(a: Limbs) -> Limbs {
        let square = enabled!(arithmetic::square::<M>(&a.by_register()));
        square.by_register()
    }

    #[inline(always)]
    fn add<M: Modulus>(a: Limbs, b: Limbs) -> Limbs {
        enabled!(arithmetic::add(&a, &b))
    }

    #[inline(always)]
    fn sub<M: Modulus>(a: Limbs, b: Limbs) -> Limbs {
        enabled!(arithmetic::sub(&a, &b))
    }

    #[inline(always)]
    fn sub_two<M: Modulus>(a: Limbs, b: Limbs, c: Limbs) -> Limbs {
        enabled!(arithmetic::sub_two::<M>(&a, &b, &c))
    }

    #[inline(always)]
    fn settle(a: Limbs) -> Limbs {
        enabled!(arithmetic::settle(&a))
    }

    #[inline(always)]
    fn reduce<M: Modulus>(a: Limbs) -> Limbs {
        enabled!(arithmetic::reduce::<M>(&a))
    }

    #[inline(always)]
    fn select(mask: u8, a: Limbs, b: Limbs) -> Limbs {
        enabled!(arithmetic::select(mask, a, b))
    }
}
