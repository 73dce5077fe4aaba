//! What follows from a modulus, in limbs of 52 bits, computed at compile time.

use core::marker::PhantomData;

use super::super::{LANES, Modulus, Row};
use super::{COLUMNS, LIMBS};

/// Bits of a limb.
pub(super) const LIMB_BITS: u32 = 52;

/// The bits of a limb.
pub(super) const MASK: u64 = (1 << LIMB_BITS) - 1;

/// How far the product of a last limb and [`Constants::QUOTIENT`] is to be shifted after its low 52 bits have gone: the most for which
/// the constant fits 52 bits with moduli above 2^253.
pub(super) const QUOTIENT_SHIFT: u32 = 45;

/// The constants of a modulus.
pub(super) struct Constants<M>(PhantomData<M>);

impl<M: Modulus> Constants<M> {
    /// p.
    pub(super) const P: [u64; LIMBS] = limbs(&M::P);

    /// 2 p.
    pub(super) const P2: [u64; LIMBS] = multiple(&Self::P, 2);

    /// 3 p.
    pub(super) const P3: [u64; LIMBS] = multiple(&Self::P, 3);

    /// 36 p², what makes the difference of two products of sums positive.
    pub(super) const SQUARE36: [u64; COLUMNS] = {
        let mut square = [0; COLUMNS];
        let mut i = 0;
        while i < LIMBS {
            let mut carry = 0;
            let mut j = 0;
            while j < LIMBS {
                let column = square[i + j] as u128 + 36 * Self::P[i] as u128 * Self::P[j] as u128 + carry;
                square[i + j] = column as u64 & MASK;
                carry = column >> LIMB_BITS;
                j += 1;
            }
            square[i + LIMBS] = carry as u64;
            i += 1;
        }
        square
    };

    /// 2^-52 mod p.
    pub(super) const FOLD: [u64; LIMBS] = limbs(&halved(&M::P, LIMB_BITS));

    /// -p^-1 mod 2^52.
    pub(super) const MINUS_INVERSE: u64 = M::MINUS_INVERSE & MASK;

    /// ⌊2^97 / (⌊p / 2^208⌋ + 1)⌋.
    pub(super) const QUOTIENT: u64 = {
        let quotient = (1 << (LIMB_BITS + QUOTIENT_SHIFT)) / (Self::P[LIMBS - 1] as u128 + 1);
        assert!(quotient <= MASK as u128);
        quotient as u64
    };

    /// 0 p to 7 p: first their first limbs, then their second, ...
    pub(super) const MULTIPLES: [[u64; LANES]; LIMBS] = {
        let mut multiples = [[0; LANES]; LIMBS];
        let mut factor = 0;
        while factor < LANES {
            let limbs = multiple(&Self::P, factor as u64);
            let mut i = 0;
            while i < LIMBS {
                multiples[i][factor] = limbs[i];
                i += 1;
            }
            factor += 1;
        }
        multiples
    };
}

/// Words of 64 bits as limbs of 52.
pub(super) const fn limbs(row: &Row) -> [u64; LIMBS] {
    [
        row[0] & MASK,
        (row[0] >> 52 | row[1] << 12) & MASK,
        (row[1] >> 40 | row[2] << 24) & MASK,
        (row[2] >> 28 | row[3] << 36) & MASK,
        row[3] >> 16,
    ]
}

/// `factor` · `a`, for a factor below 2^12 and a product below 2^260.
const fn multiple(a: &[u64; LIMBS], factor: u64) -> [u64; LIMBS] {
    let mut product = [0; LIMBS];
    let mut carry = 0;
    let mut i = 0;
    while i < LIMBS {
        let column = a[i] * factor + carry;
        product[i] = column & MASK;
        carry = column >> LIMB_BITS;
        i += 1;
    }
    assert!(carry == 0);
    product
}

/// 2^-`times` mod p: one, halved so often. An odd number is made even by p, which is odd.
const fn halved(p: &Row, times: u32) -> Row {
    let mut value: Row = [1, 0, 0, 0];
    let mut time = 0;
    while time < times {
        if value[0] & 1 == 1 {
            // Below 2 p, so below 2^255.
            let mut carry = 0;
            let mut i = 0;
            while i < 4 {
                let sum = value[i] as u128 + p[i] as u128 + carry;
                value[i] = sum as u64;
                carry = sum >> 64;
                i += 1;
            }
        }
        value = [
            value[0] >> 1 | value[1] << 63,
            value[1] >> 1 | value[2] << 63,
            value[2] >> 1 | value[3] << 63,
            value[3] >> 1,
        ];
        time += 1;
    }
    value
}
