//! The backend that runs anywhere: eight times 4 × 64-bit limbs, R = 2^256, every value canonical (so a sum is reduced already).

use super::modulus::{power_of_two, subtract};
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
        rows.map(|row| multiply::<M>(row, &const { power_of_two(&M::P, 256) }))
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
        core::array::from_fn(|i| multiply::<M>(&a[i], &b[i]))
    }

    #[inline(always)]
    fn add<M: Modulus>(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        core::array::from_fn(|i| {
            let mut sum = [0; 4];
            let mut carry = 0;
            for (j, out) in sum.iter_mut().enumerate() {
                let wide = u128::from(a[i][j]) + u128::from(b[i][j]) + u128::from(carry);
                (*out, carry) = (wide as u64, (wide >> 64) as u64);
            }
            // Both are below p < 2^254, so nothing is carried out.
            reduce_once::<M>(sum)
        })
    }

    #[inline(always)]
    fn sub<M: Modulus>(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        core::array::from_fn(|i| {
            let (difference, borrow) = subtract(&a[i], &b[i]);
            let mut sum = [0; 4];
            let mut carry = 0;
            for (j, out) in sum.iter_mut().enumerate() {
                let p = if borrow { M::P[j] } else { 0 };
                let wide = u128::from(difference[j]) + u128::from(p) + u128::from(carry);
                (*out, carry) = (wide as u64, (wide >> 64) as u64);
            }
            sum
        })
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

/// a - p if that is not negative, else a.
#[inline(always)]
fn reduce_once<M: Modulus>(a: Row) -> Row {
    let (difference, borrow) = subtract(&a, &M::P);
    core::array::from_fn(|i| if borrow { a[i] } else { difference[i] })
}

/// a · b / 2^256 mod p, for a below 2^256 and b below p: Montgomery's method, one limb of b at a time. The sum stays below 2^257
/// - 2^64, in five limbs, and ends below p + a b / 2^256 < 2 p.
#[inline(always)]
fn multiply<M: Modulus>(a: &Row, b: &Row) -> Row {
    let mut t = [0u64; 5];
    for &b in b {
        let mut carry = 0;
        for (t, &a) in t.iter_mut().zip(a) {
            let wide = u128::from(*t) + u128::from(a) * u128::from(b) + u128::from(carry);
            (*t, carry) = (wide as u64, (wide >> 64) as u64);
        }
        let top = u128::from(t[4]) + u128::from(carry);
        let m = t[0].wrapping_mul(M::MINUS_INVERSE);
        let mut carry = (u128::from(t[0]) + u128::from(m) * u128::from(M::P[0])) >> 64;
        for j in 1..4 {
            let wide = u128::from(t[j]) + u128::from(m) * u128::from(M::P[j]) + carry;
            t[j - 1] = wide as u64;
            carry = wide >> 64;
        }
        let wide = top + carry;
        t[3] = wide as u64;
        t[4] = (wide >> 64) as u64;
    }
    reduce_once::<M>([t[0], t[1], t[2], t[3]])
}
