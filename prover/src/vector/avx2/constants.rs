//! What follows from a modulus, in limbs of 51 bits held as doubles, computed at compile time.

use core::marker::PhantomData;

use super::super::{Modulus, Row};
use super::{LIMB_BITS, LIMBS, LOG2_R};

/// 2^`exponent`, of a normal double.
pub(super) const fn power(exponent: i32) -> f64 {
    assert!(-1022 <= exponent && exponent <= 1023);
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// The weight of limb i of an element.
pub(super) const fn weight(i: usize) -> f64 {
    power(LIMB_BITS * i as i32 - LOG2_R)
}

/// The weight of column i of a product.
pub(super) const fn column_weight(i: usize) -> f64 {
    power(LIMB_BITS * i as i32 - 2 * LOG2_R)
}

/// The constants of a modulus.
pub(super) struct Constants<M>(PhantomData<M>);

impl<M: Modulus> Constants<M> {
    /// p in limbs as integers, all but the last between -2^50 and 2^50.
    const LIMBS_OF_P: [i64; LIMBS] = signed_limbs(&M::P);

    /// p in limbs.
    pub(super) const P: [f64; LIMBS] = weighted(&Self::LIMBS_OF_P);

    /// (p + 1) / 2 in limbs.
    pub(super) const HALF: [f64; LIMBS] = weighted(&signed_limbs(&half_plus_one(&M::P)));

    /// -p^-1 mod 2^51, between -2^50 and 2^50, times 2^255: turns the weight of a column into that of a limb.
    pub(super) const QUOTIENT: f64 = signed(M::MINUS_INVERSE & MASK) as f64 * power(LOG2_R);

    /// 2^255 / p, to within 2^-50 of it.
    pub(super) const INVERSE: f64 = 1.0 / (Self::P[LIMBS - 1] + Self::P[LIMBS - 2]);

    /// 2^-51, 2^-102, 2^-153, 2^-204 mod p, nearest to zero, in limbs; times 2^255, so that a column times a limb is a column.
    pub(super) const FOLDS: [[f64; LIMBS]; 4] =
        [fold(&M::P, 1), fold(&M::P, 2), fold(&M::P, 3), fold(&M::P, 4)];

    /// The bounds in the head of the module hold for this modulus.
    pub(super) const CHECKED: () = {
        let unit = 1i64 << (LIMB_BITS - 1);
        let [p0, p1, p2, p3, p4] = Self::LIMBS_OF_P;
        assert!(p4 > 0 && p4 < unit / 100 * 76);
        assert!(
            p0.abs() < unit / 2 && p1.abs() < unit / 100 * 55 && p2.abs() < unit / 2 && p3.abs() < unit / 40
        );
        assert!((signed(M::MINUS_INVERSE & MASK)).abs() < unit / 100 * 51);
        // Of each column, the sum of what multiplies the limbs that are folded, in hundredths of 2^50.
        let at_most = [232, 177, 270, 161, 78];
        let mut i = 0;
        while i < LIMBS {
            let mut sum = 0.0;
            let mut k = 0;
            while k < LIMBS - 1 {
                let limb = Self::FOLDS[k][i] / power(LIMB_BITS * (k as i32 + 1 + i as i32));
                sum += limb.abs();
                k += 1;
            }
            assert!(sum * 100.0 < at_most[i] as f64 * unit as f64);
            i += 1;
        }
    };
}

/// The bits of a limb.
pub(super) const MASK: u64 = (1 << LIMB_BITS) - 1;

/// The number between -2^50 and 2^50 that is congruent to these 51 bits.
const fn signed(limb: u64) -> i64 {
    if limb >> (LIMB_BITS - 1) == 1 { limb as i64 - (1 << LIMB_BITS) } else { limb as i64 }
}

/// A number below 2^254 in signed limbs.
const fn signed_limbs(row: &Row) -> [i64; LIMBS] {
    let bits = [
        row[0] & MASK,
        (row[0] >> 51 | row[1] << 13) & MASK,
        (row[1] >> 38 | row[2] << 26) & MASK,
        (row[2] >> 25 | row[3] << 39) & MASK,
        row[3] >> 12,
    ];
    let mut limbs = [0; LIMBS];
    let mut carry = 0;
    let mut i = 0;
    while i < LIMBS - 1 {
        let sum = bits[i] + carry;
        limbs[i] = signed(sum & MASK);
        carry = (sum as i64 - limbs[i]) as u64 >> LIMB_BITS;
        i += 1;
    }
    limbs[LIMBS - 1] = (bits[LIMBS - 1] + carry) as i64;
    limbs
}

const fn weighted(limbs: &[i64; LIMBS]) -> [f64; LIMBS] {
    let mut out = [0.0; LIMBS];
    let mut i = 0;
    while i < LIMBS {
        // Exact: a limb has at most 51 bits.
        out[i] = limbs[i] as f64 * weight(i);
        i += 1;
    }
    out
}

/// (p + 1) / 2 for an odd p.
const fn half_plus_one(p: &Row) -> Row {
    // p >> 1 is (p - 1) / 2, which is not all ones in its first word.
    assert!(p[0] >> 1 | p[1] << 63 != u64::MAX);
    [(p[0] >> 1 | p[1] << 63) + 1, p[1] >> 1 | p[2] << 63, p[2] >> 1 | p[3] << 63, p[3] >> 1]
}

/// 2^(-51 `limbs`) mod p, nearest to zero, times the weight of column `limbs` over that of a column.
const fn fold(p: &Row, limbs: i32) -> [f64; LIMBS] {
    let mut value = [1, 0, 0, 0];
    let mut i = 0;
    while i < LIMB_BITS * limbs {
        value = if value[0] & 1 == 0 { shifted(&value) } else { shifted(&plus(&value, p)) };
        i += 1;
    }
    let half = shifted(p);
    let negative = less(&half, &value);
    let limbs_of = signed_limbs(&if negative { minus(p, &value) } else { value });
    let mut out = [0.0; LIMBS];
    let mut i = 0;
    while i < LIMBS {
        let limb = if negative { -limbs_of[i] } else { limbs_of[i] };
        out[i] = limb as f64 * power(LIMB_BITS * (limbs + i as i32));
        i += 1;
    }
    out
}

const fn shifted(a: &Row) -> Row {
    [a[0] >> 1 | a[1] << 63, a[1] >> 1 | a[2] << 63, a[2] >> 1 | a[3] << 63, a[3] >> 1]
}

const fn plus(a: &Row, b: &Row) -> Row {
    let mut out = [0; 4];
    let mut carry = 0;
    let mut i = 0;
    while i < 4 {
        let sum = a[i] as u128 + b[i] as u128 + carry;
        out[i] = sum as u64;
        carry = sum >> 64;
        i += 1;
    }
    out
}
const fn minus(a: &Row, b: &Row) -> Row {
    super::super::modulus::subtract(a, b).0
}
const fn less(a: &Row, b: &Row) -> bool {
    super::super::modulus::subtract(a, b).1
}
