//! The backend that runs anywhere: eight times 4 × 64-bit limbs, R = 2^256, every value canonical (so a sum is reduced already). On
//! x86-64 processors with BMI 2 and ADX its products are made of their instructions.
//!
//! ```text
//!   mod   sums, products over one of two multiplications:  multiply in Rust │ adx  in assembly
//! ```

#![allow(unsafe_code)] // A function that enables instructions is unsafe to call from one that does not.

#[cfg(target_arch = "x86_64")]
mod adx;
#[cfg(test)]
mod tests;

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
    fn mul_fq2<M: Modulus>(a: [Self::Vector; 2], b: [Self::Vector; 2]) -> [Self::Vector; 2] {
        products_fq2::<M>(&a, &b)
    }

    #[inline(always)]
    fn square_fq2<M: Modulus>(a: [Self::Vector; 2]) -> [Self::Vector; 2] {
        squares_fq2::<M>(&a)
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

/// Eight elements of Fq2: the parts without u, and those with it.
type Pair = [[Row; LANES]; 2];

/// How products are computed.
trait Multiplier: Copy {
    /// [`multiply`].
    fn multiply<M: Modulus>(self, a: &Row, b: &Row) -> Row;
    /// [`multiply_two`].
    fn multiply_two<M: Modulus>(self, first: [&Row; 2], second: [&Row; 2]) -> Row;

    /// The eight products.
    #[inline(always)]
    fn products<M: Modulus>(self, a: &[Row; LANES], b: &[Row; LANES]) -> [Row; LANES] {
        let mut products = [[0; 4]; LANES];
        for (product, (a, b)) in products.iter_mut().zip(a.iter().zip(b)) {
            *product = reduce_once::<M>(self.multiply::<M>(a, b));
        }
        products
    }

    /// The eight products in Fq2, two multiplications with one reduction for each part: a0 b0 + a1 (p - b1) and a0 b1 + a1 b0.
    #[inline(always)]
    fn products_fq2<M: Modulus>(self, [a0, a1]: &Pair, [b0, b1]: &Pair) -> Pair {
        let mut products = [[[0; 4]; LANES]; 2];
        for i in 0..LANES {
            let minus_b1 = sub_rows(&M::P, &b1[i]).0;
            let real = self.multiply_two::<M>([&a0[i], &b0[i]], [&a1[i], &minus_b1]);
            let other = self.multiply_two::<M>([&a0[i], &b1[i]], [&a1[i], &b0[i]]);
            products[0][i] = reduce_once::<M>(real);
            products[1][i] = reduce_once::<M>(other);
        }
        products
    }

    /// The eight squares in Fq2: (a0 + a1)(a0 + p - a1) and 2 a0 · a1, whose factors below 2 p need not be reduced.
    #[inline(always)]
    fn squares_fq2<M: Modulus>(self, [a0, a1]: &Pair) -> Pair {
        let mut squares = [[[0; 4]; LANES]; 2];
        for i in 0..LANES {
            let (a0, a1) = (&a0[i], &a1[i]);
            let difference = add_rows(a0, &sub_rows(&M::P, a1).0);
            squares[0][i] = reduce_once::<M>(self.multiply::<M>(&add_rows(a0, a1), &difference));
            squares[1][i] = reduce_once::<M>(self.multiply::<M>(&add_rows(a0, a0), a1));
        }
        squares
    }
}

/// Multiplication in Rust alone.
#[derive(Clone, Copy)]
struct Plain;

impl Multiplier for Plain {
    #[inline(always)]
    fn multiply<M: Modulus>(self, a: &Row, b: &Row) -> Row {
        multiply::<M>(a, b)
    }

    #[inline(always)]
    fn multiply_two<M: Modulus>(self, first: [&Row; 2], second: [&Row; 2]) -> Row {
        multiply_two::<M>(first, second)
    }
}

/// Multiplication with BMI 2 and ADX. A value is a proof that the processor has them.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
struct Adx(());

#[cfg(target_arch = "x86_64")]
impl Adx {
    /// The multiplication, if this processor has the instructions.
    #[inline(always)]
    fn detect() -> Option<Self> {
        (is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("adx")).then_some(Self(()))
    }
}

#[cfg(target_arch = "x86_64")]
impl Multiplier for Adx {
    #[inline(always)]
    fn multiply<M: Modulus>(self, a: &Row, b: &Row) -> Row {
        // SAFETY: `detect`, which alone makes an `Adx`, has seen that the processor has the features that the function enables.
        unsafe { adx::multiply::<M>(a, b) }
    }

    #[inline(always)]
    fn multiply_two<M: Modulus>(self, first: [&Row; 2], second: [&Row; 2]) -> Row {
        // SAFETY: as above.
        unsafe { adx::multiply_two::<M>(first, second) }
    }
}

/// A function over a [`Multiplier`], with the best that the processor has: a call, since products are hundreds of instructions and a
/// kernel has dozens of them.
macro_rules! best {
    ($name:ident($($argument:ident: $type:ty),*) -> $result:ty) => {
        #[inline(always)]
        fn $name<M: Modulus>($($argument: $type),*) -> $result {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "bmi2,adx")]
            #[inline(never)]
            fn with_adx<M: Modulus>(adx: Adx, $($argument: $type),*) -> $result {
                adx.$name::<M>($($argument),*)
            }
            #[inline(never)]
            fn plain<M: Modulus>($($argument: $type),*) -> $result {
                Plain.$name::<M>($($argument),*)
            }
            #[cfg(target_arch = "x86_64")]
            if let Some(adx) = Adx::detect() {
                // SAFETY: the processor has the features, of which `adx` is the proof.
                return unsafe { with_adx::<M>(adx, $($argument),*) };
            }
            plain::<M>($($argument),*)
        }
    };
}

best!(products(a: &[Row; LANES], b: &[Row; LANES]) -> [Row; LANES]);
best!(products_fq2(a: &Pair, b: &Pair) -> Pair);
best!(squares_fq2(a: &Pair) -> Pair);

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

/// a · b / 2^256 mod p, below 2 p, for a and b whose product is below 4 p², or a below p and b below 2^256: Montgomery's method, one
/// word of b at a time. Before each, t is below a + p < 3 p < 2^256, so that the two carries into its last word add up without one;
/// in the end it is below (a b + 2^256 p) / 2^256.
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
    [t0, t1, t2, t3]
}

/// (a · b + c · d) / 2^256 mod p, below 2 p, for values up to p: as [`multiply`], with one reduction for both products. Before each
/// word t is below a + c + p <= 3 p.
#[inline(always)]
fn multiply_two<M: Modulus>([a, b]: [&Row; 2], [c, d]: [&Row; 2]) -> Row {
    let [p0, p1, p2, p3] = M::P;
    let [mut t0, mut t1, mut t2, mut t3] = [0; 4];
    for (&b, &d) in b.iter().zip(d) {
        let (r0, carry) = multiply_add(t0, a[0], b, 0);
        let (r1, carry) = multiply_add(t1, a[1], b, carry);
        let (r2, carry) = multiply_add(t2, a[2], b, carry);
        let (r3, r4) = multiply_add(t3, a[3], b, carry);
        let (r0, carry) = multiply_add(r0, c[0], d, 0);
        let (r1, carry) = multiply_add(r1, c[1], d, carry);
        let (r2, carry) = multiply_add(r2, c[2], d, carry);
        let (r3, carry) = multiply_add(r3, c[3], d, carry);
        let r4 = r4 + carry;
        let m = r0.wrapping_mul(M::MINUS_INVERSE);
        let (_, borne) = multiply_add(r0, m, p0, 0);
        let (r1, borne) = multiply_add(r1, m, p1, borne);
        let (r2, borne) = multiply_add(r2, m, p2, borne);
        let (r3, borne) = multiply_add(r3, m, p3, borne);
        (t0, t1, t2, t3) = (r1, r2, r3, r4 + borne);
    }
    [t0, t1, t2, t3]
}
