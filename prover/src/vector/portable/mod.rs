//! The backend that runs anywhere: elements of 4 × 64-bit limbs, R = 2^256, every value canonical (so a sum is reduced already). On
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

use core::fmt::Debug;
use core::hint::select_unpredictable;
use core::marker::PhantomData;

use super::modulus::subtract;
use super::{Backend, Kernel, Modulus, Row};

/// Elements that are multiplied one after the other. A product of one alone waits for itself: for the carries of a row, of which the next
/// row's quotient is made.
const LANES: usize = 2;

/// Any processor, with one of two multiplications.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable<P>(P);

impl Portable<Plain> {
    /// The backend that runs anywhere.
    pub(crate) const PLAIN: Self = Self(Plain);
}

#[cfg(target_arch = "x86_64")]
impl Portable<Adx> {
    /// The backend with multiplications in assembly, if this processor has the instructions.
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("adx")).then_some(Self(Adx(())))
    }
}

/// Canonical elements. Made by the functions of [`Portable`] alone, so that they are a proof as that is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elements<P>([Row; LANES], PhantomData<P>);

impl<P: Multiplier> Elements<P> {
    /// What `element` gives for each lane.
    #[inline(always)]
    fn each(element: impl FnMut(usize) -> Row) -> Self {
        Self(core::array::from_fn(element), PhantomData)
    }
}

impl<P: Multiplier> Backend for Portable<P> {
    type Vector = Elements<P>;
    type Each<T: Copy> = [T; LANES];

    const LANES: usize = LANES;

    const LOG2_R: u32 = 256;

    #[inline(always)]
    fn each<T: Copy>(thing: impl FnMut(usize) -> T) -> [T; LANES] {
        core::array::from_fn(thing)
    }

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        self.0.run(self, kernel)
    }

    #[inline(always)]
    fn unpack(self, rows: [&Row; LANES]) -> Self::Vector {
        Elements::each(|i| *rows[i])
    }

    #[inline(always)]
    fn unpack_ark<M: Modulus>(self, rows: [&Row; LANES]) -> Self::Vector {
        Elements::each(|i| reduce::<M>(*rows[i]))
    }

    #[inline(always)]
    fn pack_ark<M: Modulus>(self, a: Self::Vector) -> [Row; LANES] {
        a.0
    }

    #[inline(always)]
    fn pack<M: Modulus>(a: Self::Vector) -> [Row; LANES] {
        a.0
    }

    #[inline(always)]
    fn lowest_limbs_meet(a: Self::Vector, b: Self::Vector) -> bool {
        a.0.iter().zip(&b.0).any(|(a, b)| a[0] == b[0])
    }

    #[inline(always)]
    fn mul<M: Modulus>(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        Self::product::<M>(&a, &b)
    }

    #[inline(always)]
    fn product<M: Modulus>(a: &Self::Vector, b: &Self::Vector) -> Self::Vector {
        Elements::each(|i| reduce_once::<M>(P::multiply::<M>(&a.0[i], &b.0[i])))
    }

    #[inline(always)]
    fn mul_fq2<M: Modulus>(a: [Self::Vector; 2], b: [Self::Vector; 2]) -> [Self::Vector; 2] {
        P::products_fq2::<M>(&a.map(|part| part.0), &b.map(|part| part.0))
            .map(|part| Elements(part, PhantomData))
    }

    #[inline(always)]
    fn square_fq2<M: Modulus>(a: [Self::Vector; 2]) -> [Self::Vector; 2] {
        P::squares_fq2::<M>(&a.map(|part| part.0)).map(|part| Elements(part, PhantomData))
    }

    #[inline(always)]
    fn sub_two<M: Modulus>(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        Self::sub::<M>(Self::sub::<M>(a, b), c)
    }

    #[inline(always)]
    fn add<M: Modulus>(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // Both are below p < 2^254, so nothing is carried out.
        Elements::each(|i| reduce_once::<M>(add_rows(&a.0[i], &b.0[i])))
    }

    #[inline(always)]
    fn sub<M: Modulus>(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        Elements::each(|i| {
            let (difference, negative) = sub_rows(&a.0[i], &b.0[i]);
            let p = |word: usize| select_unpredictable(negative, M::P[word], 0);
            add_rows(&difference, &[p(0), p(1), p(2), p(3)])
        })
    }

    #[inline(always)]
    fn reduce<M: Modulus>(a: Self::Vector) -> Self::Vector {
        a
    }

    #[inline(always)]
    fn select(mask: u8, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        Elements::each(|i| if mask >> i & 1 == 1 { a.0[i] } else { b.0[i] })
    }
}

/// Elements of Fq2: the parts without u, and those with it.
type Pair = [[Row; LANES]; 2];

/// How products are computed. A value is a proof that the processor can; the functions that take none are for [`Portable`] alone, whose
/// vectors are one.
pub(crate) trait Multiplier: Copy + Send + Sync + Debug + 'static {
    /// Runs a kernel compiled for the instructions.
    fn run<B: Backend, K: Kernel>(self, backend: B, kernel: K) -> K::Output;
    /// [`multiply`].
    fn multiply<M: Modulus>(a: &Row, b: &Row) -> Row;
    /// [`products_fq2`], a call: the instructions of two would be a third of the first-level cache.
    fn products_fq2<M: Modulus>(a: &Pair, b: &Pair) -> Pair;
    /// [`squares_fq2`], a call.
    fn squares_fq2<M: Modulus>(a: &Pair) -> Pair;
}

/// The products in Fq2, two multiplications with one reduction for each part: a0 b0 + a1 (p - b1) and a0 b1 + a1 b0.
#[inline(always)]
fn products_fq2<M: Modulus>(
    multiply_two: impl Fn([&Row; 2], [&Row; 2]) -> Row,
    [a0, a1]: &Pair,
    [b0, b1]: &Pair,
) -> Pair {
    let mut products = [[[0; 4]; LANES]; 2];
    for i in 0..LANES {
        let minus_b1 = sub_rows(&M::P, &b1[i]).0;
        let real = multiply_two([&a0[i], &b0[i]], [&a1[i], &minus_b1]);
        let other = multiply_two([&a0[i], &b1[i]], [&a1[i], &b0[i]]);
        products[0][i] = reduce_once::<M>(real);
        products[1][i] = reduce_once::<M>(other);
    }
    products
}

/// The squares in Fq2: (a0 + a1)(a0 + p - a1) and 2 a0 · a1, whose factors below 2 p need not be reduced.
#[inline(always)]
fn squares_fq2<M: Modulus>(multiply: impl Fn(&Row, &Row) -> Row, [a0, a1]: &Pair) -> Pair {
    let mut squares = [[[0; 4]; LANES]; 2];
    for i in 0..LANES {
        let (a0, a1) = (&a0[i], &a1[i]);
        let difference = add_rows(a0, &sub_rows(&M::P, a1).0);
        squares[0][i] = reduce_once::<M>(multiply(&add_rows(a0, a1), &difference));
        squares[1][i] = reduce_once::<M>(multiply(&add_rows(a0, a0), a1));
    }
    squares
}

/// Multiplication in Rust alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain;

impl Multiplier for Plain {
    #[inline(always)]
    fn run<B: Backend, K: Kernel>(self, backend: B, kernel: K) -> K::Output {
        kernel.run(backend)
    }

    #[inline(always)]
    fn multiply<M: Modulus>(a: &Row, b: &Row) -> Row {
        multiply::<M>(a, b)
    }

    #[inline(never)]
    fn products_fq2<M: Modulus>(a: &Pair, b: &Pair) -> Pair {
        products_fq2::<M>(multiply_two::<M>, a, b)
    }

    #[inline(never)]
    fn squares_fq2<M: Modulus>(a: &Pair) -> Pair {
        squares_fq2::<M>(multiply::<M>, a)
    }
}

/// Multiplication with BMI 2 and ADX. A value is a proof that the processor has them.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adx(());

/// Calls a function that enables BMI 2 and ADX.
#[cfg(target_arch = "x86_64")]
macro_rules! enabled {
    ($call:expr) => {
        // SAFETY: `Portable::detect`, which alone makes a `Portable<Adx>`, has seen that the processor has the features that the called
        // function enables; and what calls these functions has one, or `Elements` that only functions with one make.
        unsafe { $call }
    };
}

#[cfg(target_arch = "x86_64")]
impl Multiplier for Adx {
    #[inline(always)]
    fn run<B: Backend, K: Kernel>(self, backend: B, kernel: K) -> K::Output {
        enabled!(adx::run(backend, kernel))
    }

    #[inline(always)]
    fn multiply<M: Modulus>(a: &Row, b: &Row) -> Row {
        enabled!(adx::multiply::<M>(a, b))
    }

    #[inline(always)]
    fn products_fq2<M: Modulus>(a: &Pair, b: &Pair) -> Pair {
        #[target_feature(enable = "bmi2,adx")]
        #[inline(never)]
        fn call<M: Modulus>(a: &Pair, b: &Pair) -> Pair {
            products_fq2::<M>(|first, second| adx::multiply_two::<M>(first, second), a, b)
        }
        enabled!(call::<M>(a, b))
    }

    #[inline(always)]
    fn squares_fq2<M: Modulus>(a: &Pair) -> Pair {
        #[target_feature(enable = "bmi2,adx")]
        #[inline(never)]
        fn call<M: Modulus>(a: &Pair) -> Pair {
            squares_fq2::<M>(|a, b| adx::multiply::<M>(a, b), a)
        }
        enabled!(call::<M>(a))
    }
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

/// 2 a, for a below 2^255.
const fn twice(a: Row) -> Row {
    [a[0] << 1, a[1] << 1 | a[0] >> 63, a[2] << 1 | a[1] >> 63, a[3] << 1 | a[2] >> 63]
}

/// A number below 2^256, which is below 6 p, modulo p.
#[inline(always)]
fn reduce<M: Modulus>(mut a: Row) -> Row {
    let multiples = const {
        let double = twice(M::P);
        [twice(double), double]
    };
    for multiple in multiples {
        let (difference, negative) = subtract(&a, &multiple);
        for (word, less) in a.iter_mut().zip(difference) {
            *word = select_unpredictable(negative, *word, less);
        }
    }
    reduce_once::<M>(a)
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
