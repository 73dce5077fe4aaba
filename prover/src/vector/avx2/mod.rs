//! AVX2 and FMA: eight lanes of five limbs of 51 bits in doubles, R = 2^255.
//!
//! ```text
//!   Avx2         the backend: the one place where functions that enable the instructions are called from one that does not
//!   arithmetic   products, sums, rows
//!   doubles      registers and their instructions      constants   what follows from a modulus
//! ```
//!
//! # Representation
//! A number x is the sum of five doubles of either sign, held as the fraction x / 2^255: limb i is an integer times 2^(51 i - 255). A column
//! of a product of two is an integer times 2^(51 i - 510), and its columns 5 to 9 have the weights of limbs 0 to 4: what Montgomery's method
//! divides by costs nothing. In what follows weights are left out, and **a unit is 2^50**.
//!
//! # Exactness
//! Arithmetic rounds to nearest. Everything is exact but the multiply-adds of chains ([`arithmetic`]), and what they round away is
//! computed:
//!
//! - A chain H begins with 2^103 + 4.125 · 2^100. H' = H + a b is rounded to a multiple of 2^51 or 2^52 as long as it stays above 2^103,
//!   so the products of a chain may come to - 4.125 units² in all. H - H' is a multiple of 2^51 below 2^104 and so exact; a b + H - H' is
//!   what the rounding took, at most 2^50, or 2^51 where H' is above 2^104, which takes + 3.875 units².
//! - The sum of these low halves is exact as long as it is at most 2^53: **eight units**.
//!
//! # Bounds
//! | | limbs 0 to 3, units | limb 4, units | value |
//! |---|---|---|---|
//! | reduced | 1 and 8 / 2^50 | 0.757 | between -p and p; of a product between -0.501 p and 0.501 p |
//! | sum | 2 | 1.513 | between -2 p and 2 p |
//! | settled sum | 1 and 8 / 2^50 | 1.513 | as the sum |
//!
//! A product is of values that are reduced or settled. Column by column, with the limbs of p below 0.14 or 0.49, 0.55, 0.5, 0.03 and 0.757
//! units and the limbs that fold ([`constants`] checks them all):
//!
//! | column | products | folds, quotient | chains, units² | sum of low halves and of what comes from below, units |
//! |---|---|---|---|---|
//! | 0 | 1 | | 1 | 1 |
//! | 1 | 2 | | 2 | 2 + 0.5 |
//! | 2 | 3 | | 3 | 3 + 1 |
//! | 3 | 4 | | 4 | 5 + 1.5 |
//! | 4 | 5 | 4 | 3, 3.03 and 2.32 | 5, settled to 1; 1 + 4 + 2 = 7, of which the quotient is taken |
//! | 5 | 4 | 5 | 2, 3.03 and 2.32 | 8, settled to 1; 1 + 1 + 4.2 + 0.3 = 6.5 |
//! | 6 | 3 | 5 | 4.03 and 3.2 | 4 + 4, settled to 1; 1 + 1 + 2.6 + 1.2 = 5.8 |
//! | 7 | 2 | 5 | 3.03 and 1.64 | 6, settled to 1; 1 + 1 + 2.1 + 1.6 = 5.7 |
//! | 8 | 1 | 5 | 3.83 | 5, settled to 1; 1 + 1 + 2.4 = 4.4 |
//! | 9 | | | | 2 |
//!
//! The result is at most 4 p² / 2^255 from the product, p/2 for each of four folds at worst halved again, and p/2 from the quotient: below 3.1 p.
//! Up to three times p is subtracted, 0.55 units a limb and 0.49 of limb 0, so that limbs stay below eight units; what is left is
//! within (1/2 + 2^-45) p of zero, and is settled. A quotient is of at most 7 · 0.51 units², within what a chain's beginning allows.
//!
//! # Cost
//! For four products 271 additions and multiply-adds: the 49 pairs of limbs take two multiply-adds, one subtraction and all but one in a
//! column an addition. A core that starts two multiply-adds and two additions a cycle (Zen 3) needs 68 cycles, 17 for a product; a
//! square is 35 operations less.
#![allow(unsafe_code)] // Functions that enable instructions are unsafe to call from others.

mod arithmetic;
mod constants;
mod doubles;
#[cfg(test)]
mod tests;

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
    type Each<T: Copy> = [T; LANES];

    const LANES: usize = LANES;

    const LOG2_R: u32 = LOG2_R as u32;

    #[inline(always)]
    fn each<T: Copy>(thing: impl FnMut(usize) -> T) -> [T; LANES] {
        core::array::from_fn(thing)
    }

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
    fn lowest_limbs_meet(a: Limbs, b: Limbs) -> bool {
        enabled!(arithmetic::lowest_limbs_meet(&a, &b))
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
