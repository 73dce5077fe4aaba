//! AVX2 and FMA: eight lanes of five limbs of 51 bits in doubles, R = 2^255.
//!
//! A number x is held as the fraction x / 2^255, the sum of five doubles: limb i is an integer times 2^(51 i - 255), a column of a
//! product an integer times 2^(51 i - 510). Every addition and every multiply-add here is exact, or leaves in the rounded result and a
//! second operation exactly what the rounding took; so nothing depends on an estimate but the choice of a representative.

mod constants;
mod doubles;

use self::constants::{Constants, MASK, column_weight, power, weight};
use self::doubles::{Doubles, Integers, Proof};
use super::{Backend, Kernel, LANES, Modulus, Row};

/// Limbs of an element.
const LIMBS: usize = 5;
/// Bits of a limb.
const LIMB_BITS: i32 = 51;
/// Base-2 logarithm of R.
const LOG2_R: i32 = LIMBS as i32 * LIMB_BITS;
/// Bits of a double after its first.
const MANTISSA_BITS: i32 = 52;

/// The arithmetic on doubles of this processor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(Proof);

impl Avx2 {
    /// The backend, if this processor has the instructions.
    pub(crate) fn detect() -> Option<Self> {
        Proof::detect().map(Self)
    }
}

/// Eight elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limbs([Doubles; LIMBS]);

impl Limbs {
    #[inline(always)]
    fn proof(&self) -> Proof {
        self.0[0].proof()
    }
}

impl Backend for Avx2 {
    type Vector = Limbs;

    const LOG2_R: u32 = LOG2_R as u32;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        self.0.run(self, kernel)
    }

    #[inline(always)]
    fn unpack(self, rows: [&Row; LANES]) -> Limbs {
        unpack::<0>(self.0, &Integers::load_rows(self.0, rows))
    }

    #[inline(always)]
    fn unpack_ark<M: Modulus>(self, rows: [&Row; LANES]) -> Limbs {
        // a 2^256 becomes a 2^255: a half, of the number or of it plus p.
        let proof = self.0;
        let rows = Integers::load_rows(proof, rows);
        let zero = Integers::splat(proof, 0);
        let odd = zero.sub(rows[0].and(Integers::splat(proof, 1)));
        let mut limbs = unpack::<1>(proof, &rows);
        for (limb, half) in limbs.0.iter_mut().zip(Constants::<M>::HALF) {
            *limb = limb.add(Doubles::splat(proof, half).bits().and(odd).doubles());
        }
        Self::reduce::<M>(limbs)
    }

    #[inline(always)]
    fn pack<M: Modulus>(a: Limbs) -> [Row; LANES] {
        pack::<M>(a)
    }

    #[inline(always)]
    fn pack_ark<M: Modulus>(self, a: Limbs) -> [Row; LANES] {
        pack::<M>(Limbs(a.0.map(|limb| limb.add(limb))))
    }

    #[inline(always)]
    fn mul<M: Modulus>(a: Limbs, b: Limbs) -> Limbs {
        multiply::<M>(&a, &b)
    }

    #[inline(always)]
    fn add<M: Modulus>(a: Limbs, b: Limbs) -> Limbs {
        Limbs(core::array::from_fn(|i| a.0[i].add(b.0[i])))
    }

    #[inline(always)]
    fn sub<M: Modulus>(a: Limbs, b: Limbs) -> Limbs {
        Limbs(core::array::from_fn(|i| a.0[i].sub(b.0[i])))
    }

    #[inline(always)]
    fn settle(a: Limbs) -> Limbs {
        settle(a)
    }

    #[inline(always)]
    fn reduce<M: Modulus>(a: Limbs) -> Limbs {
        settle(nearest_zero::<M>(a))
    }

    #[inline(always)]
    fn select(mask: u8, a: Limbs, b: Limbs) -> Limbs {
        Limbs(core::array::from_fn(|i| Doubles::select(mask, a.0[i], b.0[i])))
    }
}

/// The number 1.5 · 2^52 · `weight`: added to a double below 2^51 · `weight` and taken away again, it leaves the nearest multiple
/// of `weight`.
#[inline(always)]
fn rounder(proof: Proof, weight: f64) -> Doubles {
    Doubles::splat(proof, weight * 1.5 * power(MANTISSA_BITS))
}

/// Moves from each limb to the next what exceeds ± 2^50.
#[inline(always)]
fn settle(mut a: Limbs) -> Limbs {
    let proof = a.proof();
    let carries: [Doubles; LIMBS - 1] = core::array::from_fn(|i| {
        let rounder = rounder(proof, weight(i + 1));
        a.0[i].add(rounder).sub(rounder)
    });
    for (i, carry) in carries.into_iter().enumerate() {
        a.0[i] = a.0[i].sub(carry);
        a.0[i + 1] = a.0[i + 1].add(carry);
    }
    a
}

/// Subtracts the multiple of p that leaves the least.
#[inline(always)]
fn nearest_zero<M: Modulus>(mut a: Limbs) -> Limbs {
    let proof = a.proof();
    let rounder = rounder(proof, 1.0);
    let quotient =
        rounder.plus_product(a.0[LIMBS - 1], Doubles::splat(proof, Constants::<M>::INVERSE)).sub(rounder);
    for (limb, p) in a.0.iter_mut().zip(Constants::<M>::P) {
        *limb = limb.minus_product(quotient, Doubles::splat(proof, p));
    }
    a
}

/// Limbs of the numbers in the rows, shifted to the right by `SHIFT`.
#[inline(always)]
fn unpack<const SHIFT: i32>(proof: Proof, rows: &[Integers; 4]) -> Limbs {
    let mask = Integers::splat(proof, MASK);
    let one = Integers::splat(proof, 1);
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
    Limbs(core::array::from_fn(|i| {
        let ulp = power(MANTISSA_BITS) * weight(i);
        let carry = |limb: Integers| if i == 0 { limb } else { limb.add(below[i - 1].and(one)) };
        if i == LIMBS - 1 {
            let base = Doubles::splat(proof, ulp);
            return carry(bits[i].or(base.bits())).doubles().sub(base);
        }
        // The sign bit turned over and its value subtracted: what was 2^50 or more loses 2^51, which the next limb gets as `below`.
        let base = Doubles::splat(proof, ulp + power(LIMB_BITS - 1) * weight(i));
        carry(bits[i].and(mask).xor(base.bits())).doubles().sub(base)
    }))
}

/// Canonical rows.
#[inline(always)]
fn pack<M: Modulus>(a: Limbs) -> [Row; LANES] {
    let proof = a.proof();
    let mut a = settle(nearest_zero::<M>(a));
    // From low to high, every sum has the sign of what it stands for.
    let sign = a.0[0].add(a.0[1]).add(a.0[2]).add(a.0[3]).add(a.0[4]);
    for (limb, p) in a.0.iter_mut().zip(Constants::<M>::P) {
        *limb = limb.add(sign.where_negative(Doubles::splat(proof, p)));
    }
    // As integers, with 4 borrowed from the next limb to be positive.
    let mask = Integers::splat(proof, MASK);
    let integers: [Integers; LIMBS] = core::array::from_fn(|i| {
        let lent = if i == LIMBS - 1 { 0 } else { 4u64 << LIMB_BITS };
        let borrowed = if i == 0 { 0 } else { 4 };
        let base = Doubles::splat(proof, 1.5 * power(MANTISSA_BITS) * weight(i));
        let offset = Integers::splat(
            proof,
            (1.5 * power(MANTISSA_BITS) * weight(i)).to_bits().wrapping_add(borrowed).wrapping_sub(lent),
        );
        a.0[i].add(base).bits().sub(offset)
    });
    let [i0, i1, i2, i3, i4] = integers;
    let i1 = i1.add(i0.shift_right::<51>());
    let i2 = i2.add(i1.shift_right::<51>());
    let i3 = i3.add(i2.shift_right::<51>());
    let i4 = i4.add(i3.shift_right::<51>());
    let [i0, i1, i2, i3] = [i0, i1, i2, i3].map(|limb| limb.and(mask));
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
    #[inline(always)]
    fn new(proof: Proof, column: usize) -> Self {
        let start = Doubles::splat(proof, chain_start(column));
        Self { start, high: start }
    }

    /// Adds the high half of a · b, the low half being given back.
    #[inline(always)]
    fn product(&mut self, a: Doubles, b: Doubles) -> Doubles {
        let high = self.high.plus_product(a, b);
        let low = self.high.sub(high).plus_product(a, b);
        self.high = high;
        low
    }

    /// Takes in what exceeds ± 2^50, the rest being given back.
    #[inline(always)]
    fn settle(&mut self, low: Doubles) -> Doubles {
        let high = self.high.add(low);
        let low = self.high.sub(high).add(low);
        self.high = high;
        low
    }

    /// The sum, of the weight of the next column.
    #[inline(always)]
    fn close(self) -> Doubles {
        self.high.sub(self.start)
    }
}

const fn chain_start(column: usize) -> f64 {
    column_weight(column) * power(2 * LIMB_BITS + 1) * (1.5 + 1.0 / 64.0)
}

#[inline(always)]
fn multiply<M: Modulus>(a: &Limbs, b: &Limbs) -> Limbs {
    const { Constants::<M>::CHECKED };
    let proof = a.proof();
    let [a0, a1, a2, a3, a4] = a.0;
    let [b0, b1, b2, b3, b4] = b.0;
    let [p0, p1, p2, p3, p4] = Constants::<M>::P.map(|limb| Doubles::splat(proof, limb));
    let inverse = Doubles::splat(proof, Constants::<M>::QUOTIENT);
    let chain = |column: usize| Chain::new(proof, column);
    // -t / p mod 2^51.
    let quotient = |column: usize, t: Doubles| {
        let start = Doubles::splat(proof, chain_start(column) * power(LOG2_R));
        let high = start.plus_product(t, inverse);
        start.sub(high).plus_product(t, inverse)
    };

    // Column 0.
    let mut h = chain(0);
    let t = h.product(a0, b0);
    let q0 = quotient(0, t);
    let t = t.plus_product(q0, p0).add(h.close());

    let mut h = chain(1);
    let t = t.add(h.product(a0, b1)).add(h.product(a1, b0)).add(h.product(q0, p1));
    let q1 = quotient(1, t);
    let t = t.plus_product(q1, p0).add(h.close());

    let mut h = chain(2);
    let t = t.add(h.product(a0, b2)).add(h.product(a1, b1)).add(h.product(a2, b0));
    let t = t.add(h.product(q0, p2)).add(h.product(q1, p1));
    let q2 = quotient(2, t);
    let t = t.plus_product(q2, p0).add(h.close());

    let (mut h, mut g) = (chain(3), chain(3));
    let low = h.product(a0, b3).add(h.product(a1, b2)).add(h.product(a2, b1)).add(g.product(a3, b0));
    let t = t.add(h.settle(low));
    let t = t.add(g.product(q0, p3)).add(g.product(q1, p2)).add(g.product(q2, p1));
    let q3 = quotient(3, t);
    let t = t.plus_product(q3, p0).add(h.close()).add(g.close());

    let (mut h, mut g) = (chain(4), chain(4));
    let low = h.product(a1, b3).add(h.product(a2, b2)).add(h.product(q0, p4)).add(h.product(q1, p3));
    let low = low.add(g.product(a0, b4)).add(g.product(a4, b0)).add(g.product(a3, b1));
    let t = t.add(g.settle(low));
    let t = t.add(h.product(q2, p2)).add(h.product(q3, p1));
    let q4 = quotient(4, t);
    let t = t.plus_product(q4, p0).add(h.close()).add(g.close());

    let (mut h, mut g) = (chain(5), chain(5));
    let low = h.product(a2, b3).add(h.product(a3, b2)).add(h.product(a1, b4)).add(g.product(a4, b1));
    let low = low.add(g.product(q1, p4)).add(g.product(q2, p3)).add(g.product(q3, p2)).add(g.product(q4, p1));
    let x0 = t.add(g.settle(low));
    let t = h.close().add(g.close());

    let (mut h, mut g) = (chain(6), chain(6));
    let low = h.product(a2, b4).add(h.product(a3, b3)).add(g.product(a4, b2));
    let low = low.add(g.product(q2, p4)).add(g.product(q3, p3)).add(g.product(q4, p2));
    let x1 = t.add(g.settle(low));
    let t = h.close().add(g.close());

    let mut h = chain(7);
    let t = t.add(h.product(a3, b4)).add(h.product(a4, b3));
    let x2 = t.add(h.product(q3, p4)).add(h.product(q4, p3));
    let t = h.close();

    let mut h = chain(8);
    let x3 = t.add(h.product(a4, b4)).add(h.product(q4, p4));
    let x4 = h.close();

    settle(nearest_zero::<M>(Limbs([x0, x1, x2, x3, x4])))
}
