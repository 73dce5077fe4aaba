//! Scalars as signed digits, halved by the endomorphism.
//!
//! ```text
//!   φ(x, y) = (β x, y) = λ (x, y)      on G1, and on the subgroup G2 with another β   β³ = 1, λ² + λ + 1 = 0
//!   k = k1 + λ k2,  |k1|, |k2| < 2^127                                         (Gallant, Lambert, Vanstone, 2001)
//!   |k1| = Σ d_w 2^(c w),   -2^(c-1) < d_w <= 2^(c-1)                            and with the sign of k1 after all
//! ```
//!
//! A scalar and its negative get the same digits up to sign, and one that is small (positive or negative) has k2 = 0: it takes
//! part in as many windows as it has digits.

use ark_bn254::Fr;
use ark_ff::PrimeField;

/// Bits of a half, with one for the sign or the carry of the highest digit.
pub(super) const HALF_BITS: u32 = 128;

/// The lattice of all (a, b) with a + λ b = 0 mod r has the basis (A, -B), (A + B, A), and A² + A B + B² = r.
const A: u128 = 9_931_322_734_385_697_763;
const B: u128 = 147_946_756_881_789_319_000_765_030_803_803_410_728;
/// 2^254 A / r and 2^254 B / r, rounded.
const A_OVER_R: u64 = 0xb647_48cb_b1f8_2cf6;
const B_OVER_R: u128 = 0x9333_bc05_29dc_f4b3_de9e_f675_0e47_ac63;
const SHIFT: u32 = 254;

/// A half of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Half {
    /// Below 2^127.
    pub(super) magnitude: u128,
    pub(super) negative: bool,
}

impl Half {
    fn new(value: u128) -> Self {
        let value = value as i128;
        Self { magnitude: value.unsigned_abs(), negative: value < 0 }
    }
}

/// k1 and k2 with k = k1 + λ k2, by rounding (k, 0) to the lattice.
///
/// Both quotients are within 0.5 + 2^253.6 · 0.5 / 2^254 < 0.9 of k A / r and k B / r, so k1 and k2 are below 0.9 (2 A + B) < 2^127 in
/// magnitude and may be computed modulo 2^128.
pub(super) fn halves(scalar: &Fr) -> [Half; 2] {
    let k = scalar.into_bigint().0;
    let a = multiply_shift(&k, [A_OVER_R, 0]);
    let b = multiply_shift(&k, [B_OVER_R as u64, (B_OVER_R >> 64) as u64]);
    let low = u128::from(k[0]) | u128::from(k[1]) << 64;
    let k1 = low.wrapping_sub(a.wrapping_mul(A)).wrapping_sub(b.wrapping_mul(A + B));
    let k2 = a.wrapping_mul(B).wrapping_sub(b.wrapping_mul(A));
    [Half::new(k1), Half::new(k2)]
}

/// k · factor / 2^254, rounded, for a factor below 2^128.
#[inline(always)]
fn multiply_shift(k: &[u64; 4], factor: [u64; 2]) -> u128 {
    // Begins with one half, 2^253.
    let mut product = [0, 0, 0, 1 << (SHIFT - 1 - 192), 0, 0];
    for (i, &factor) in factor.iter().enumerate() {
        let mut carry = 0u64;
        for (j, &limb) in k.iter().enumerate() {
            let wide = u128::from(product[i + j]) + u128::from(limb) * u128::from(factor) + u128::from(carry);
            (product[i + j], carry) = (wide as u64, (wide >> 64) as u64);
        }
        product[i + 4] = carry;
    }
    let top = u128::from(product[4]) | u128::from(product[5]) << 64;
    top << (256 - SHIFT) | u128::from(product[3] >> (SHIFT - 192))
}

/// The digits of a magnitude, lowest first, in windows of `bits`. Ends after the highest digit that is not zero.
#[inline(always)]
pub(super) fn digits(magnitude: u128, bits: u32) -> impl Iterator<Item = i32> {
    let half = 1u128 << (bits - 1);
    let mut rest = magnitude;
    core::iter::from_fn(move || {
        (rest != 0).then(|| {
            let raw = rest & (2 * half - 1);
            let carry = raw > half;
            rest = (rest >> bits) + u128::from(carry);
            raw as i32 - (i32::from(carry) << bits)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::LAMBDA;
    use ark_ff::{BigInteger, Field, One, UniformRand, Zero};
    use proptest::prelude::*;

    fn value(half: Half) -> Fr {
        let magnitude = Fr::from(half.magnitude);
        if half.negative { -magnitude } else { magnitude }
    }

    fn check(k: Fr) {
        let [k1, k2] = halves(&k);
        assert_eq!(value(k1) + LAMBDA * value(k2), k);
        for half in [k1, k2] {
            assert!(half.magnitude < 1 << (HALF_BITS - 1));
            for bits in 2..=16 {
                let mut sum = Fr::zero();
                let mut power = Fr::one();
                let mut count = 0;
                for digit in digits(half.magnitude, bits) {
                    assert!(-(1 << (bits - 1)) < digit && digit <= 1 << (bits - 1));
                    sum += power * Fr::from(digit);
                    power *= Fr::from(1u64 << bits);
                    count += 1;
                }
                assert_eq!(sum, Fr::from(half.magnitude));
                assert!(count <= HALF_BITS.div_ceil(bits));
            }
        }
    }

    #[test]
    fn halves_and_digits_make_up_the_scalar_at_the_edges() {
        for bit in 0..254 {
            let power = Fr::from(2u64).pow([bit]);
            for k in [power, power - Fr::one(), power + Fr::one()] {
                check(k);
                check(-k);
                // Multiples of the lattice's vectors, and what lies half-way between them.
                check(k * LAMBDA);
                check(k * Fr::from(A));
                check(k * Fr::from(B));
                check(k * Fr::from(2u64).inverse().unwrap());
            }
        }
    }

    #[test]
    fn small_scalars_and_their_negatives_have_one_half() {
        for k in [0u128, 1, 2, 5, u128::from(u64::MAX), 1 << 120] {
            let zero = Half { magnitude: 0, negative: false };
            assert_eq!(halves(&Fr::from(k)), [Half { magnitude: k, negative: false }, zero]);
            assert_eq!(halves(&-Fr::from(k)), [Half { magnitude: k, negative: k != 0 }, zero]);
        }
    }

    #[test]
    fn the_digit_at_the_edge_of_a_window_is_positive() {
        assert_eq!(digits(1 << 7, 8).collect::<Vec<_>>(), [1 << 7]);
        assert_eq!(digits((1 << 7) + 1, 8).collect::<Vec<_>>(), [1 - (1 << 7), 1]);
        assert_eq!(digits((1 << 127) - 1, 16).count(), 8);
    }

    proptest! {
        #[test]
        fn halves_and_digits_make_up_any_scalar(limbs: [u64; 4]) {
            check(Fr::from_le_bytes_mod_order(&ark_ff::BigInt(limbs).to_bytes_le()));
        }

        #[test]
        fn random_scalars(seed: u64) {
            use ark_std::rand::SeedableRng;
            check(Fr::rand(&mut ark_std::rand::rngs::StdRng::seed_from_u64(seed)));
        }
    }
}
