//! Products, sums and rows.
#![allow(unsafe_code)] // An operand's pointer.

use super::super::{LANES, Modulus, Row};
use core::marker::PhantomData;

use super::constants::{Constants, MASK, column_weight, power, weight};
use super::doubles::{Doubles, Integers};
use super::{LIMB_BITS, LIMBS, LOG2_R, Limbs, MANTISSA_BITS};

/// Sum.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
pub(super) fn add(a: &Limbs, b: &Limbs) -> Limbs {
    let mut a = *a;
    for (a, b) in a.0.iter_mut().zip(b.0) {
        *a = a.add(b);
    }
    a
}

/// Difference.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
pub(super) fn sub(a: &Limbs, b: &Limbs) -> Limbs {
    let mut a = *a;
    for (a, b) in a.0.iter_mut().zip(b.0) {
        *a = a.sub(b);
    }
    a
}

/// A sum, settled and brought nearest to zero.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
pub(super) fn reduce<M: Modulus>(a: &Limbs) -> Limbs {
    settle(&nearest_zero::<M>(a))
}

/// Lane i is that of `a` where bit i of the mask is set, else that of `b`.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
pub(super) fn select(mask: u8, mut a: Limbs, b: Limbs) -> Limbs {
    for (a, b) in a.0.iter_mut().zip(b.0) {
        *a = Doubles::select(mask, *a, b);
    }
    a
}

/// Whether the lowest limbs are the same in some lane.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
pub(super) fn lowest_limbs_meet(a: &Limbs, b: &Limbs) -> bool {
    a.0[0].meets(b.0[0])
}

/// Integers below the modulus.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
pub(super) fn unpack(rows: [&Row; LANES]) -> Limbs {
    split::<0>(&Integers::load_rows(rows))
}

/// a - b - c, settled and brought nearest to zero.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
pub(super) fn sub_two<M: Modulus>(a: &Limbs, b: &Limbs, c: &Limbs) -> Limbs {
    reduce::<M>(&sub(&sub(a, b), c))
}

/// Half of integers below 2^256, modulo p.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
pub(super) fn unpack_ark<M: Modulus>(rows: [&Row; LANES]) -> Limbs {
    // a 2^256 becomes a 2^255: a half, of the number or of it plus p.
    let rows = Integers::load_rows(rows);
    let odd = Integers::splat(0).sub(rows[0].and(Integers::splat(1)));
    let mut limbs = split::<1>(&rows);
    for (limb, half) in limbs.0.iter_mut().zip(Constants::<M>::HALF) {
        *limb = limb.add(Doubles::splat(half).bits().and(odd).doubles());
    }
    reduce::<M>(&limbs)
}

/// The number 1.5 · 2^52 · `weight`: added to a double below 2^51 · `weight` and taken away again, it leaves the nearest multiple
/// of `weight`.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn rounder(weight: f64) -> Doubles {
    Doubles::splat(weight * 1.5 * power(MANTISSA_BITS))
}

/// Moves from each limb to the next what exceeds ± 2^50.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
pub(super) fn settle(a: &Limbs) -> Limbs {
    let mut a = *a;
    let carries = [carry(a.0[0], 0), carry(a.0[1], 1), carry(a.0[2], 2), carry(a.0[3], 3)];
    for (i, carry) in carries.into_iter().enumerate() {
        a.0[i] = a.0[i].sub(carry);
        a.0[i + 1] = a.0[i + 1].add(carry);
    }
    a
}

/// What of limb i goes to the next.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn carry(limb: Doubles, i: usize) -> Doubles {
    let rounder = rounder(weight(i + 1));
    limb.add(rounder).sub(rounder)
}

/// Subtracts the multiple of p that leaves the least.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn nearest_zero<M: Modulus>(a: &Limbs) -> Limbs {
    let mut a = *a;
    let rounder = rounder(1.0);
    let quotient = rounder.plus_product(a.0[LIMBS - 1], Doubles::splat(Constants::<M>::INVERSE)).sub(rounder);
    for (limb, p) in a.0.iter_mut().zip(Constants::<M>::P) {
        *limb = limb.minus_product(quotient, Doubles::splat(p));
    }
    a
}

/// Limbs of the numbers in the rows, shifted to the right by `SHIFT`.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn split<const SHIFT: i32>(rows: &[Integers; 4]) -> Limbs {
    let one = Integers::splat(1);
    let [r0, r1, r2, r3] = *rows;
    let (bits, below) = if SHIFT == 0 {
        (
            [
                r0,
                r0.shift_right::<51>().or(r1.shift_left::<13>()),
                r1.shift_right::<38>().or(r2.shift_left::<26>()),
                r2.shift_right::<25>().or(r3.shift_left::<39>()),
                r3.shift_right::<12>(),
            ],
            [r0.shift_right::<50>(), r1.shift_right::<37>(), r2.shift_right::<24>(), r3.shift_right::<11>()],
        )
    } else {
        (
            [
                r0.shift_right::<1>(),
                r0.shift_right::<52>().or(r1.shift_left::<12>()),
                r1.shift_right::<39>().or(r2.shift_left::<25>()),
                r2.shift_right::<26>().or(r3.shift_left::<38>()),
                r3.shift_right::<13>(),
            ],
            [r0.shift_right::<51>(), r1.shift_right::<38>(), r2.shift_right::<25>(), r3.shift_right::<12>()],
        )
    };
    let ([l0, l1, l2, l3, l4], [b0, b1, b2, b3]) = (bits, below);
    let top = Doubles::splat(power(MANTISSA_BITS) * weight(LIMBS - 1));
    Limbs([
        signed_limb(l0, Integers::splat(0), 0),
        signed_limb(l1, b0.and(one), 1),
        signed_limb(l2, b1.and(one), 2),
        signed_limb(l3, b2.and(one), 3),
        l4.or(top.bits()).add(b3.and(one)).doubles().sub(top),
    ])
}

/// Limb i from its bits, less 2^51 if the highest is set, which the next limb gets as its `carry`.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn signed_limb(bits: Integers, carry: Integers, i: usize) -> Doubles {
    // The sign bit is turned over and then its value subtracted.
    let base = Doubles::splat((power(MANTISSA_BITS) + power(LIMB_BITS - 1)) * weight(i));
    bits.and(Integers::splat(MASK)).xor(base.bits()).add(carry).doubles().sub(base)
}

/// Limb i as an integer, with 4 · 2^51 more and 4 less borrowed between neighbours, by which all but the last are positive.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn integer_limb(limb: Doubles, i: usize) -> Integers {
    let lent = if i == LIMBS - 1 { 0 } else { BORROWED << LIMB_BITS };
    let borrowed = if i == 0 { 0 } else { BORROWED };
    let base = 1.5 * power(MANTISSA_BITS) * weight(i);
    let offset = base.to_bits().wrapping_add(borrowed).wrapping_sub(lent);
    limb.add(Doubles::splat(base)).bits().sub(Integers::splat(offset))
}

/// Canonical rows.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
pub(super) fn pack<M: Modulus>(a: &Limbs) -> [Row; LANES] {
    let mut a = settle(&nearest_zero::<M>(a));
    // From low to high, every sum has the sign of what it stands for.
    let sign = a.0[0].add(a.0[1]).add(a.0[2]).add(a.0[3]).add(a.0[4]);
    for (limb, p) in a.0.iter_mut().zip(Constants::<M>::P) {
        *limb = limb.add(sign.where_negative(Doubles::splat(p)));
    }
    let mask = Integers::splat(MASK);
    let (i0, i1, i2) = (integer_limb(a.0[0], 0), integer_limb(a.0[1], 1), integer_limb(a.0[2], 2));
    let (i3, i4) = (integer_limb(a.0[3], 3), integer_limb(a.0[4], 4));
    let i1 = i1.add(i0.shift_right::<51>());
    let i2 = i2.add(i1.shift_right::<51>());
    let i3 = i3.add(i2.shift_right::<51>());
    let i4 = i4.add(i3.shift_right::<51>());
    let (i0, i1, i2, i3) = (i0.and(mask), i1.and(mask), i2.and(mask), i3.and(mask));
    Integers::store_rows([
        i0.or(i1.shift_left::<51>()),
        i1.shift_right::<13>().or(i2.shift_left::<38>()),
        i2.shift_right::<26>().or(i3.shift_left::<25>()),
        i3.shift_right::<39>().or(i4.shift_left::<12>()),
    ])
}

/// Sum of the high halves of products in one column.
#[derive(Clone, Copy)]
struct Chain {
    start: Doubles,
    high: Doubles,
}

impl Chain {
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    fn new(column: usize) -> Self {
        let start = Doubles::splat(chain_start(column));
        Self { start, high: start }
    }

    /// Adds the high half of a · b, the low half being given back.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    fn product(&mut self, a: Doubles, b: Doubles) -> Doubles {
        let high = self.high.plus_product(a, b);
        let low = self.high.sub(high).plus_product(a, b);
        self.high = high;
        low
    }

    /// Takes in what exceeds ± 2^50, the rest being given back.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    fn settle(&mut self, low: Doubles) -> Doubles {
        let high = self.high.add(low);
        let low = self.high.sub(high).add(low);
        self.high = high;
        low
    }

    /// The sum, of the weight of the next column.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    fn close(self) -> Doubles {
        self.high.sub(self.start)
    }
}

const fn chain_start(column: usize) -> f64 {
    column_weight(column) * power(2 * LIMB_BITS + 1) * (1.5 + 1.0 / 64.0)
}

/// A quotient: -t / p mod 2^51, at most 2^50 in absolute value, in the weight of limb `column`. For a t up to 7.6 · 2^50.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn quotient<M: Modulus>(column: usize, t: Doubles) -> Doubles {
    let inverse = Doubles::splat(Constants::<M>::QUOTIENT);
    let start = Doubles::splat(chain_start(column) * power(LOG2_R));
    let high = start.plus_product(t, inverse);
    start.sub(high).plus_product(t, inverse)
}

/// What limbs borrow to be positive, in the weight of the next.
const BORROWED: u64 = 4;

/// What of a column goes to the next so that ± 2^50 remain.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn excess(t: Doubles, column: usize) -> Doubles {
    let rounder = rounder(column_weight(column + 1));
    t.add(rounder).sub(rounder)
}

/// An operand in memory, whose limbs are read where they are used.
struct Operand<'a>(*const Limbs, PhantomData<&'a Limbs>);

impl<'a> Operand<'a> {
    fn new(limbs: &'a Limbs) -> Self {
        Self(limbs, PhantomData)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    fn limb(&self, i: usize) -> Doubles {
        // SAFETY: the pointer comes from a reference that lives for 'a; `in_order` gives it back as it got it.
        unsafe { (&*self.0).0[i] }
    }
}

/// Keeps what `value` is made of in front of what is made of it, and of the operands, afterwards. Without it the compiler begins with all
/// products and holds them in memory, which takes half as long again.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn in_order<const N: usize>(values: [&mut Doubles; N], a: &mut Operand<'_>, b: &mut Operand<'_>) {
    for value in values {
        value.opaque(&mut a.0, &mut b.0);
    }
}

/// Adds the low halves of products to a value, or gives their sum, the high halves going to chains; all in this order.
macro_rules! sum {
    (of $a:ident, $b:ident; $chain:ident: $x:expr, $y:expr $(; $next:ident: $u:expr, $v:expr)*) => {{
        let mut low = $chain.product($x, $y);
        $( low = low.add($next.product($u, $v)); )*
        in_order([&mut low], &mut $a, &mut $b);
        low
    }};
    ($low:ident; $a:ident, $b:ident; $($chain:ident: $x:expr, $y:expr);+) => {
        $( $low = $low.add($chain.product($x, $y)); )+
        in_order([&mut $low], &mut $a, &mut $b);
    };
}

/// The Montgomery product.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
pub(super) fn multiply<M: Modulus>(a: &Limbs, b: &Limbs) -> Limbs {
    product::<M, false>(a, b)
}

/// The Montgomery square.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
pub(super) fn square<M: Modulus>(a: &Limbs) -> Limbs {
    product::<M, true>(a, &add(a, a))
}

/// The Montgomery product of a and b; or, with the equal products of each column as one, the square of a, where b is 2 a.
#[inline(never)]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn product<M: Modulus, const SQUARE: bool>(a: &Limbs, b: &Limbs) -> Limbs {
    const { Constants::<M>::CHECKED };
    let (mut a, mut b) = (Operand::new(a), Operand::new(b));

    let mut h = Chain::new(0);
    let t0 =
        if SQUARE { sum!(of a, b; h: a.limb(0), a.limb(0)) } else { sum!(of a, b; h: a.limb(0), b.limb(0)) };
    let carry = h.close();

    let mut h = Chain::new(1);
    let mut t1 = if SQUARE {
        sum!(of a, b; h: a.limb(0), b.limb(1))
    } else {
        sum!(of a, b; h: a.limb(0), b.limb(1); h: a.limb(1), b.limb(0))
    };
    t1 = t1.add(carry);
    let carry = h.close();

    let mut h = Chain::new(2);
    let mut t2 = if SQUARE {
        sum!(of a, b; h: a.limb(0), b.limb(2); h: a.limb(1), a.limb(1))
    } else {
        sum!(of a, b; h: a.limb(0), b.limb(2); h: a.limb(1), b.limb(1))
    };
    if !SQUARE {
        sum!(t2; a, b; h: a.limb(2), b.limb(0));
    }
    t2 = t2.add(carry);
    let carry = h.close();

    let mut h = Chain::new(3);
    let mut t3 = sum!(of a, b; h: a.limb(0), b.limb(3); h: a.limb(1), b.limb(2));
    if !SQUARE {
        sum!(t3; a, b; h: a.limb(2), b.limb(1); h: a.limb(3), b.limb(0));
    }
    t3 = t3.add(carry);
    let mut carry = h.close();

    // Settled, they are at most 2^50 and a few.
    let (mut excess1, mut excess2) = (excess(t1, 1), excess(t2, 2));
    in_order([&mut excess1, &mut excess2], &mut a, &mut b);
    t1 = t1.sub(excess1);
    t2 = t2.sub(excess2).add(excess1);
    let excess3 = excess(t3, 3);
    in_order([&mut t1, &mut t2], &mut a, &mut b);
    t3 = t3.sub(excess3).add(excess2);
    carry = carry.add(excess3);
    let fold = |i: usize, column: usize| Doubles::splat(Constants::<M>::FOLDS[3 - i][column - 4]);
    let p = |i: usize| Doubles::splat(Constants::<M>::P[i]);
    in_order([&mut t3, &mut carry], &mut a, &mut b);

    let (mut h, mut g, mut folded) = (Chain::new(4), Chain::new(4), Chain::new(4));
    let mut t4 = sum!(of a, b; h: a.limb(1), b.limb(3); g: a.limb(0), b.limb(4));
    if SQUARE {
        sum!(t4; a, b; h: a.limb(2), a.limb(2));
    } else {
        sum!(t4; a, b; h: a.limb(2), b.limb(2); g: a.limb(4), b.limb(0));
        sum!(t4; a, b; h: a.limb(3), b.limb(1));
    }
    t4 = g.settle(t4).add(carry);
    sum!(t4; a, b; folded: t0, fold(0, 4); folded: t1, fold(1, 4));
    sum!(t4; a, b; folded: t2, fold(2, 4); folded: t3, fold(3, 4));
    carry = h.close().add(g.close()).add(folded.close());
    in_order([&mut t4, &mut carry], &mut a, &mut b);
    let mut q = quotient::<M>(4, t4);

    let (mut h, mut g, mut folded5) = (Chain::new(5), Chain::new(5), Chain::new(5));
    let mut x0 = sum!(of a, b; h: a.limb(2), b.limb(3); folded5: t0, fold(0, 5));
    sum!(x0; a, b; g: a.limb(1), b.limb(4); folded5: t1, fold(1, 5));
    if SQUARE {
        sum!(x0; a, b; folded5: t2, fold(2, 5); folded5: t3, fold(3, 5));
    } else {
        sum!(x0; a, b; h: a.limb(3), b.limb(2); folded5: t2, fold(2, 5));
        sum!(x0; a, b; g: a.limb(4), b.limb(1); folded5: t3, fold(3, 5));
    }
    x0 = h.settle(x0).add(carry);
    carry = h.close().add(g.close());
    in_order([&mut x0, &mut carry], &mut a, &mut b);

    let (mut h, mut folded6) = (Chain::new(6), Chain::new(6));
    let mut x1 = sum!(of a, b; h: a.limb(2), b.limb(4); folded6: t0, fold(0, 6));
    if SQUARE {
        sum!(x1; a, b; h: a.limb(3), a.limb(3); folded6: t1, fold(1, 6));
        sum!(x1; a, b; folded6: t2, fold(2, 6); folded6: t3, fold(3, 6));
    } else {
        sum!(x1; a, b; h: a.limb(4), b.limb(2); folded6: t1, fold(1, 6));
        sum!(x1; a, b; h: a.limb(3), b.limb(3); folded6: t2, fold(2, 6));
        sum!(x1; a, b; folded6: t3, fold(3, 6));
    }
    x1 = h.settle(x1).add(carry);
    carry = h.close();
    in_order([&mut x1, &mut carry], &mut a, &mut b);

    let (mut h, mut folded7) = (Chain::new(7), Chain::new(7));
    let mut x2 = sum!(of a, b; h: a.limb(3), b.limb(4); folded7: t0, fold(0, 7));
    if SQUARE {
        sum!(x2; a, b; folded7: t1, fold(1, 7); folded7: t2, fold(2, 7));
        sum!(x2; a, b; folded7: t3, fold(3, 7));
    } else {
        sum!(x2; a, b; h: a.limb(4), b.limb(3); folded7: t1, fold(1, 7));
        sum!(x2; a, b; folded7: t2, fold(2, 7); folded7: t3, fold(3, 7));
    }
    x2 = h.settle(x2).add(carry);
    carry = h.close();
    in_order([&mut x2, &mut carry], &mut a, &mut b);

    let mut h = Chain::new(8);
    let mut x3 = if SQUARE {
        sum!(of a, b; h: a.limb(4), a.limb(4); h: t0, fold(0, 8))
    } else {
        sum!(of a, b; h: a.limb(4), b.limb(4); h: t0, fold(0, 8))
    };
    sum!(x3; a, b; h: t1, fold(1, 8); h: t2, fold(2, 8));
    sum!(x3; a, b; h: t3, fold(3, 8));
    x3 = h.settle(x3).add(carry);
    in_order([&mut x3, &mut q], &mut a, &mut b);

    // The last column below the result's goes with its quotient.
    x3 = x3.add(h.product(q, p(4)));
    let x4 = h.close();
    x2 = x2.add(folded7.product(q, p(3)));
    x3 = x3.add(folded7.close());
    in_order([&mut x3], &mut a, &mut b);
    x1 = x1.add(folded6.product(q, p(2)));
    x2 = x2.add(folded6.close());
    in_order([&mut x2], &mut a, &mut b);
    x0 = x0.add(folded5.product(q, p(1)));
    x1 = x1.add(folded5.close());
    x0 = x0.add(t4.plus_product(q, p(0)));

    reduce::<M>(&Limbs([x0, x1, x2, x3, x4]))
}
