//! The two moduli and what follows from them, computed at compile time.

use ark_bn254::{FqConfig, FrConfig};
use ark_ff::MontConfig;
use core::fmt::Debug;

use super::Row;

/// A prime modulus between 2^253 and 2^254.
pub(crate) trait Modulus: Copy + Send + Sync + Debug + 'static {
    /// The modulus.
    const P: Row;
    /// -P^-1 mod 2^64.
    const MINUS_INVERSE: u64 = minus_inverse(Self::P[0]);
}

/// The base field's modulus: coordinates of points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base;

/// The scalar field's modulus: values of the assignment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scalar;

impl Modulus for Base {
    const P: Row = <FqConfig as MontConfig<4>>::MODULUS.0;
}

impl Modulus for Scalar {
    const P: Row = <FrConfig as MontConfig<4>>::MODULUS.0;
}

/// -p^-1 mod 2^64, by Newton's iteration: each round doubles the number of correct bits.
const fn minus_inverse(p: u64) -> u64 {
    let mut inverse = 1u64;
    let mut round = 0;
    while round < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(inverse)));
        round += 1;
    }
    inverse.wrapping_neg()
}

/// 2^`exponent` mod `p`, for p above 2^253.
pub(crate) const fn power_of_two(p: &Row, exponent: u32) -> Row {
    let mut value = [1, 0, 0, 0];
    let mut i = 0;
    while i < exponent {
        value = double(value, p);
        i += 1;
    }
    value
}

/// 2 a mod p, for a below p below 2^254.
const fn double(a: Row, p: &Row) -> Row {
    let doubled =
        [a[0] << 1, (a[1] << 1) | (a[0] >> 63), (a[2] << 1) | (a[1] >> 63), (a[3] << 1) | (a[2] >> 63)];
    let (difference, borrow) = subtract(&doubled, p);
    if borrow { doubled } else { difference }
}

/// a - b mod 2^256, and whether it went below zero.
pub(crate) const fn subtract(a: &Row, b: &Row) -> (Row, bool) {
    let mut out = [0; 4];
    let mut borrow = false;
    let mut i = 0;
    while i < 4 {
        let (d, b1) = a[i].overflowing_sub(b[i]);
        let (d, b2) = d.overflowing_sub(borrow as u64);
        out[i] = d;
        borrow = b1 || b2;
        i += 1;
    }
    (out, borrow)
}
