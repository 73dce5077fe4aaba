//! The backend that runs anywhere: eight times 4 × 64-bit limbs, R = 2^256, every value canonical (so a sum is reduced already). On
//! x86-64 processors with BMI 2 and ADX its products are compiled for these.

#![allow(unsafe_code)] // A function that enables instructions is unsafe to call from one that does not.

use core::hint::select_unpredictable;

use super::modulus::power_of_two;
use super::{Backend, Kernel, LANES, Modulus, Row};

/// Any processor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

impl Backend for Portable {
    type Vector = [Row; LANES];

    const LOG2_R: u32 = 256;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    fn unpack(self, rows: [&Row; LANES]) -> Self::Vector {
        rows.map(|row| *row)
    }

    #[inline(always)]
    fn unpack_ark<M: Modulus>(self, rows: [&Row; LANES]) -> Self::Vector {
        // One multiplication by one (2^256) reduces a value that is not canonical.
        products::<M>(&[const { power_of_two(&M::P, 256) }; LANES], &rows.map(|row| *row))
    }

    #[inline(always)]
    fn pack_ark<M: Modulus>(self, a: Self::Vector) -> [Row; LANES] {
        a
    }

    #[inline(always)]
    fn pack<M: Modulus>(a: Self::Vector) -> [Row; LANES] {
        a
    }

    #[inline(always)]
    fn mul<M: Modulus>(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        products::<M>(&a, &b)
    }

    #[inline(always)]
    fn product<M: Modulus>(a: &Self::Vector, b: &Self::Vector) -> Self::Vector {
        products::<M>(a, b)
    }

    #[inline(always)]
    fn square<M: Modulus>(a: Self::Vector) -> Self::Vector {
        products::<M>(&a, &a)
    }

    #[inline(always)]
    fn sub_two<M: Modulus>(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        Self::sub::<M>(Self::sub::<M>(a, b), c)
    }

    #[inline(always)]
    fn add<M: Modulus>(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        sums::<M>(&a, &b)
    }

    #[inline(always)]
    fn sub<M: Modulus>(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        differences::<M>(&a, &b)
    }

    #[inline(always)]
    fn reduce<M: Modulus>(a: Self::Vector) -> Self::Vector {
        a
    }

    #[inline(always)]
    fn select(mask: u8, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        core::array::from_fn(|i| if mask >> i & 1 == 1 { a[i] } else { b[i] })
    }
}

/// The eight products: a call, since they are hundreds of instructions and a kernel has dozens of them.
#[inline(always)]
fn products<M: Modulus>(a: &[Row; LANES], b: &[Row; LANES]) -> [Row; LANES] {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("adx") {
        // SAFETY: the processor has just named the features that the function enables.
        return unsafe { products_with_mulx::<M>(a, b) };
    }
    products_without_mulx::<M>(a, b)
}

/// [`products`], compiled for a multiplication that leaves the flags alone.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi2,adx")]
#[inline(never)]
fn products_with_mulx<M: Modulus>(a: &[Row; LANES], b: &[Row; LANES]) -> [Row; LANES] {
    core::array::from_fn(|i| multiply::<M>(&a[i], &b[i]))
}

/// [`products`] on any processor.
#[inline(never)]
fn products_without_mulx<M: Modulus>(a: &[Row; LANES], b: &[Row; LANES]) -> [Row; LANES] {
    core::array::from_fn(|i| multiply::<M>(&a[i], &b[i]))
}

/// The eight sums, a call as [`products`] is.
#[inline(never)]
fn sums<M: Modulus>(a: &[Row; LANES], b: &[Row; LANES]) -> [Row; LANES] {
    // Both are below p < 2^254, so nothing is carried out.
    core::array::from_fn(|i| reduce_once::<M>(add_rows(&a[i], &b[i])))
}

/// The eight differences, a call as [`products`] is.
#[inline(never)]
fn differences<M: Modulus>(a: &[Row; LANES], b: &[Row; LANES]) -> [Row; LANES] {
    core::array::from_fn(|i| {
        let (difference, negative) = sub_rows(&a[i], &b[i]);
        let p = |word: usize| select_unpredictable(negative, M::P[word], 0);
        add_rows(&difference, &[p(0), p(1), p(2), p(3)])
    })
}

/// a + b mod 2^256.
#[inline(always)]
fn add_rows(a: &Row, b: &Row) -> Row {
    let (s0, carry) = carrying_add(a[0], b[0], 0);
    let (s1, carry) = carrying_add(a[1], b[1], carry);
    let (s2, carry) = carrying_add(a[2], b[2], carry);
    [s0, s1, s2, a[3].wrapping_add(b[3]).wrapping_add(carry)]
}

/// a - b mod 2^256, for numbers below 2^255, and whether a is the smaller.
#[inline(always)]
fn sub_rows(a: &Row, b: &Row) -> (Row, bool) {
    let (d0, borrow) = borrowing_sub(a[0], b[0], 0);
    let (d1, borrow) = borrowing_sub(a[1], b[1], borrow);
    let (d2, borrow) = borrowing_sub(a[2], b[2], borrow);
    let d3 = a[3].wrapping_sub(b[3]).wrapping_sub(borrow);
    ([d0, d1, d2, d3], d3.cast_signed() < 0)
}

/// a + b + `carry`: the word and the carry.
#[inline(always)]
fn carrying_add(a: u64, b: u64, carry: u64) -> (u64, u64) {
    let wide = u128::from(a) + u128::from(b) + u128::from(carry);
    (wide as u64, (wide >> 64) as u64)
}

/// a - b - `borrow`: the word and the borrow.
#[inline(always)]
fn borrowing_sub(a: u64, b: u64, borrow: u64) -> (u64, u64) {
    let (less, below) = a.overflowing_sub(b);
    let (less, below_again) = less.overflowing_sub(borrow);
    (less, u64::from(below | below_again))
}

/// a - p if that is not negative, else a, which is below 2^255. Which of them is as good as random: a conditional move, no branch.
#[inline(always)]
fn reduce_once<M: Modulus>(a: Row) -> Row {
    let (difference, negative) = sub_rows(&a, &M::P);
    [
        select_unpredictable(negative, a[0], difference[0]),
        select_unpredictable(negative, a[1], difference[1]),
        select_unpredictable(negative, a[2], difference[2]),
        select_unpredictable(negative, a[3], difference[3]),
    ]
}

/// `sum` + a · b + `carry`: the low word and the high one.
#[inline(always)]
fn multiply_add(sum: u64, a: u64, b: u64, carry: u64) -> (u64, u64) {
    let wide = u128::from(sum) + u128::from(a) * u128::from(b) + u128::from(carry);
    (wide as u64, (wide >> 64) as u64)
}

/// a · b / 2^256 mod p, for a below p and b below 2^256: Montgomery's method, one word of b at a time. Before each, t is below a + p,
/// so that its last word has two bits to spare and the two carries into it add up without one; in the end it is below 2 p.
#[inline(always)]
fn multiply<M: Modulus>(a: &Row, b: &Row) -> Row {
    let [a0, a1, a2, a3] = *a;
    let [p0, p1, p2, p3] = M::P;
    let [mut t0, mut t1, mut t2, mut t3] = [0; 4];
    for &b in b {
        let (r0, carry) = multiply_add(t0, a0, b, 0);
        let m = r0.wrapping_mul(M::MINUS_INVERSE);
        let (_, borne) = multiply_add(r0, m, p0, 0);
        let (r1, carry) = multiply_add(t1, a1, b, carry);
        let (r1, borne) = multiply_add(r1, m, p1, borne);
        let (r2, carry) = multiply_add(t2, a2, b, carry);
        let (r2, borne) = multiply_add(r2, m, p2, borne);
        let (r3, carry) = multiply_add(t3, a3, b, carry);
        let (r3, borne) = multiply_add(r3, m, p3, borne);
        (t0, t1, t2, t3) = (r1, r2, r3, carry + borne);
    }
    reduce_once::<M>([t0, t1, t2, t3])
}
