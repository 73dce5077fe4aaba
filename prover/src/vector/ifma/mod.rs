//! AVX-512 IFMA: eight lanes of five limbs of 52 bits, R = 2^260.
//!
//! ```text
//!   Ifma       the arithmetic, written once over        with Zmm: the backend of processors that have the instructions
//!   Register   a 512-bit register and its instructions  with Model: the same arithmetic tested on any machine
//!     ├─ Zmm     the intrinsics of core::arch
//!     └─ Model   their definition in software (tests)
//!   constants  multiples of the modulus in limbs, powers of two
//! ```
//!
//! # Bounds
//! A vector is five registers; limb i counts 2^52i, and **every limb of every vector is in [0, 2^52)**, because a multiplication reads
//! 52 bits of a limb and drops the rest. Reduced: below 3 p. Sum: below 6 p, which includes every integer below 2^256 = 5.2 p to
//! 5.3 p. Both moduli are above 2^253.5, and p / 2^256 is below 0.1891, so that 2^260 is above 84.6 p.
//!
//! | function | takes | gives | because |
//! |---|---|---|---|
//! | `add` | below 3 p, 3 p | below 6 p | |
//! | `sub` | below 3 p, 3 p | in (0, 6 p) | a - b + 3 p |
//! | `signed_difference` | below p | in (0, 6 p) | ± a - (± b) + 3 p is in (p, 5 p) |
//! | `sub_once_and_twice` | a below 3 p, b and c below p | below 6 p | a - b - c + 2 p is in (0, 5 p), a - 2 b - c + 3 p in (0, 6 p) |
//! | `reduce` | below 6 p | below 3 p | subtracts 3 p unless that is negative |
//! | `mul`, `square` | product below 72 p² | below 3 p | `montgomery`; of two sums the product is below 36 p² |
//! | `mul_fq2` | below 6 p | below 3 p | a0 b0 - a1 b1 + 36 p² and a0 b1 + a1 b0 are below 72 p² |
//! | `square_fq2` | below 3 p | below 3 p | (a0 + a1)(a0 - a1 + 3 p) is below 36 p², 2 a0 a1 below 18 p² |
//! | `pack` | below 6 p | below p | subtracts a quotient that is right or one too small, then p unless that is negative |
//!
//! # Cost
//! `mul` is 101 multiply-adds for eight products: 25 pairs of limbs, four rounds of 5 and one of 5 more, each a low and a high half,
//! and one quotient; `square` is 81; `mul_fq2`, three products but two reductions, 252; `square_fq2` 202. A processor that starts one of them a cycle (Zen 4) makes no product in less than 12.6 cycles. All
//! else goes to other ports.

mod constants;
#[cfg(test)]
mod model;
mod register;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod zmm;

use self::constants::{Constants, LIMB_BITS, MASK};
use self::register::Register;
use super::{Backend, Kernel, LANES, Modulus, Row};

/// Limbs of an element.
const LIMBS: usize = 5;
/// Limbs of a product.
const COLUMNS: usize = 2 * LIMBS;

/// The arithmetic over a register type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ifma<L: Register>(L::Processor);

/// The instructions of this processor.
#[cfg(target_arch = "x86_64")]
pub(crate) type Avx512Ifma = Ifma<zmm::Zmm>;

/// The instructions in software.
#[cfg(test)]
pub(crate) type ModelledIfma = Ifma<model::Model>;

#[cfg(target_arch = "x86_64")]
impl Avx512Ifma {
    /// The backend, if this processor has the instructions.
    pub(crate) fn detect() -> Option<Self> {
        zmm::Avx512::detect().map(Self)
    }
}

#[cfg(test)]
impl ModelledIfma {
    /// The backend on the software model.
    pub(crate) fn modelled() -> Self {
        Self(model::AnyProcessor)
    }
}

/// An element: limbs in [0, 2^52).
type Limbs<L> = [L; LIMBS];

/// A product before its reduction: column i counts 2^52i. Columns are signed and below 2^58 in absolute value; the number that they
/// stand for is not negative.
type Columns<L> = [L; COLUMNS];

impl<L: Register> Backend for Ifma<L> {
    type Vector = Limbs<L>;
    type Each<T: Copy> = [T; LANES];

    const LANES: usize = LANES;

    const LOG2_R: u32 = LIMBS as u32 * LIMB_BITS;

    #[inline(always)]
    fn each<T: Copy>(thing: impl FnMut(usize) -> T) -> [T; LANES] {
        core::array::from_fn(thing)
    }

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        L::run(self.0, self, kernel)
    }

    #[inline(always)]
    fn unpack(self, rows: [&Row; LANES]) -> Self::Vector {
        if L::IN_SOFTWARE { in_software::unpack(self.0, rows) } else { unpack(self.0, rows) }
    }

    #[inline(always)]
    fn pack<M: Modulus>(a: Self::Vector) -> [Row; LANES] {
        if L::IN_SOFTWARE { in_software::pack::<L, M>(a) } else { pack::<L, M>(a) }
    }

    #[inline(always)]
    fn pack_two<M: Modulus>(a: Self::Vector, b: Self::Vector) -> [[Row; 2]; LANES] {
        if L::IN_SOFTWARE { in_software::pack_two::<L, M>(a, b) } else { pack_two::<L, M>(a, b) }
    }

    #[inline(always)]
    fn lowest_limbs_meet(a: Self::Vector, b: Self::Vector) -> bool {
        a[0].equal(b[0]) != 0
    }

    #[inline(always)]
    fn mul<M: Modulus>(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        if L::IN_SOFTWARE { in_software::mul::<L, M>(a, b) } else { montgomery::<L, M>(product(a, b)) }
    }

    #[inline(always)]
    fn square<M: Modulus>(a: Self::Vector) -> Self::Vector {
        if L::IN_SOFTWARE { in_software::square::<L, M>(a) } else { montgomery::<L, M>(square(a)) }
    }

    #[inline(always)]
    fn mul_fq2<M: Modulus>(a: [Self::Vector; 2], b: [Self::Vector; 2]) -> [Self::Vector; 2] {
        if L::IN_SOFTWARE { in_software::mul_fq2::<L, M>(a, b) } else { mul_fq2::<L, M>(a, b) }
    }

    #[inline(always)]
    fn settle_fq2<M: Modulus>(a: Self::Vector) -> Self::Vector {
        a
    }

    #[inline(always)]
    fn square_fq2<M: Modulus>(a: [Self::Vector; 2]) -> [Self::Vector; 2] {
        if L::IN_SOFTWARE { in_software::square_fq2::<L, M>(a) } else { square_fq2::<L, M>(a) }
    }

    #[inline(always)]
    fn add<M: Modulus>(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        if L::IN_SOFTWARE { in_software::sum(a, b) } else { sum(a, b) }
    }

    #[inline(always)]
    fn sub<M: Modulus>(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        if L::IN_SOFTWARE { in_software::difference::<L, M>(a, b) } else { difference::<L, M>(a, b) }
    }

    #[inline(always)]
    fn add_or_sub<M: Modulus>(mask: u8, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        if L::IN_SOFTWARE {
            in_software::sum_or_difference::<L, M>(mask, a, b)
        } else {
            sum_or_difference::<L, M>(mask, a, b)
        }
    }

    #[inline(always)]
    fn signed_difference<M: Modulus>(negative: [u8; 2], a: Self::Vector, b: Self::Vector) -> Self::Vector {
        if L::IN_SOFTWARE {
            in_software::signed_difference::<L, M>(negative, a, b)
        } else {
            signed_difference::<L, M>(negative, a, b)
        }
    }

    #[inline(always)]
    fn sub_once_and_twice<M: Modulus>(
        a: Self::Vector,
        b: Self::Vector,
        c: Self::Vector,
    ) -> [Self::Vector; 2] {
        if L::IN_SOFTWARE {
            in_software::sub_once_and_twice::<L, M>(a, b, c)
        } else {
            sub_once_and_twice::<L, M>(a, b, c)
        }
    }

    #[inline(always)]
    fn reduce<M: Modulus>(a: Self::Vector) -> Self::Vector {
        if L::IN_SOFTWARE {
            in_software::reduce::<L, M>(a)
        } else {
            subtract_unless_negative(a, &Constants::<M>::P3)
        }
    }

    #[inline(always)]
    fn select(mask: u8, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        let mut selected = a;
        for i in 0..LIMBS {
            selected[i] = L::select(mask, a[i], b[i]);
        }
        selected
    }
}

/// A transposition of eight rows of four words in twelve shuffles; then words of 64 bits become limbs of 52.
#[inline(always)]
fn unpack<L: Register>(processor: L::Processor, rows: [&Row; LANES]) -> Limbs<L> {
    let [r02, r13] = [L::load(processor, rows[0], rows[2]), L::load(processor, rows[1], rows[3])];
    let [r46, r57] = [L::load(processor, rows[4], rows[6]), L::load(processor, rows[5], rows[7])];
    let [even_low, even_high] = [L::even(r02, r13), L::even(r46, r57)];
    let [odd_low, odd_high] = [L::odd(r02, r13), L::odd(r46, r57)];
    let words = [
        L::even_pairs(even_low, even_high),
        L::even_pairs(odd_low, odd_high),
        L::odd_pairs(even_low, even_high),
        L::odd_pairs(odd_low, odd_high),
    ];
    let mask = r02.splat(MASK);
    [
        words[0].and(mask),
        words[0].shift_right::<52>().or(words[1].shift_left::<12>()).and(mask),
        words[1].shift_right::<40>().or(words[2].shift_left::<24>()).and(mask),
        words[2].shift_right::<28>().or(words[3].shift_left::<36>()).and(mask),
        words[3].shift_right::<16>(),
    ]
}

/// The canonical representatives, transposed into rows.
#[inline(always)]
fn pack<L: Register, M: Modulus>(a: Limbs<L>) -> [Row; LANES] {
    let [r02, r13, r46, r57] = pairs_of_rows::<L, M>(a);
    let ([r0, r2], [r1, r3]) = (r02.store(), r13.store());
    let ([r4, r6], [r5, r7]) = (r46.store(), r57.store());
    [r0, r1, r2, r3, r4, r5, r6, r7]
}

/// [`pack`] of two vectors: each row of the one beside that of the other.
#[inline(always)]
fn pack_two<L: Register, M: Modulus>(a: Limbs<L>, b: Limbs<L>) -> [[Row; 2]; LANES] {
    let ([a02, a13, a46, a57], [b02, b13, b46, b57]) = (pairs_of_rows::<L, M>(a), pairs_of_rows::<L, M>(b));
    [
        L::low_halves(a02, b02).store_line(),
        L::low_halves(a13, b13).store_line(),
        L::high_halves(a02, b02).store_line(),
        L::high_halves(a13, b13).store_line(),
        L::low_halves(a46, b46).store_line(),
        L::low_halves(a57, b57).store_line(),
        L::high_halves(a46, b46).store_line(),
        L::high_halves(a57, b57).store_line(),
    ]
}

/// Rows 0 and 2, 1 and 3, 4 and 6, 5 and 7 of the canonical representatives.
#[inline(always)]
fn pairs_of_rows<L: Register, M: Modulus>(a: Limbs<L>) -> [L; 4] {
    let limbs = canonical::<L, M>(a);
    let words = [
        limbs[0].or(limbs[1].shift_left::<52>()),
        limbs[1].shift_right::<12>().or(limbs[2].shift_left::<40>()),
        limbs[2].shift_right::<24>().or(limbs[3].shift_left::<28>()),
        limbs[3].shift_right::<36>().or(limbs[4].shift_left::<16>()),
    ];
    let [even_low, even_high] = [L::even(words[0], words[1]), L::even(words[2], words[3])];
    let [odd_low, odd_high] = [L::odd(words[0], words[1]), L::odd(words[2], words[3])];
    // Pairs of words of rows 0, 2, 4, 6 (even) or 1, 3, 5, 7 (odd), to be joined.
    let first = even_low.constant(&[0, 1, 8, 9, 2, 3, 10, 11]);
    let second = even_low.constant(&[4, 5, 12, 13, 6, 7, 14, 15]);
    [
        first.lookup_in_two(even_low, even_high),
        first.lookup_in_two(odd_low, odd_high),
        second.lookup_in_two(even_low, even_high),
        second.lookup_in_two(odd_low, odd_high),
    ]
}

/// Karatsuba's three products, subtracted before they are reduced, so that there are two reductions and no sum to be brought
/// back into bounds.
#[inline(always)]
fn mul_fq2<L: Register, M: Modulus>(a: [Limbs<L>; 2], b: [Limbs<L>; 2]) -> [Limbs<L>; 2] {
    let zero = a[0][0].splat(0);
    let [v0, v1] = [product(a[0], b[0]), product(a[1], b[1])];
    let (mut real, mut cross) = (v0, v0);
    for i in 0..COLUMNS {
        real[i] = v0[i].add(zero.splat(Constants::<M>::SQUARE36[i])).sub(v1[i]);
        cross[i] = zero.sub(v0[i]).sub(v1[i]);
    }
    let cross = product_onto(cross, sum(a[0], a[1]), sum(b[0], b[1]));
    [montgomery::<L, M>(real), montgomery::<L, M>(cross)]
}

/// The long functions once more, each compiled once and not wherever it is used: of an instruction in software they are long.
mod in_software {
    use super::{Constants, LANES, Limbs, Modulus, Register, Row};

    #[inline(never)]
    pub(super) fn unpack<L: Register>(processor: L::Processor, rows: [&Row; LANES]) -> Limbs<L> {
        super::unpack(processor, rows)
    }

    #[inline(never)]
    pub(super) fn pack<L: Register, M: Modulus>(a: Limbs<L>) -> [Row; LANES] {
        super::pack::<L, M>(a)
    }

    #[inline(never)]
    pub(super) fn pack_two<L: Register, M: Modulus>(a: Limbs<L>, b: Limbs<L>) -> [[Row; 2]; LANES] {
        super::pack_two::<L, M>(a, b)
    }

    #[inline(never)]
    pub(super) fn sum_or_difference<L: Register, M: Modulus>(mask: u8, a: Limbs<L>, b: Limbs<L>) -> Limbs<L> {
        super::sum_or_difference::<L, M>(mask, a, b)
    }

    #[inline(never)]
    pub(super) fn signed_difference<L: Register, M: Modulus>(
        negative: [u8; 2],
        a: Limbs<L>,
        b: Limbs<L>,
    ) -> Limbs<L> {
        super::signed_difference::<L, M>(negative, a, b)
    }

    #[inline(never)]
    pub(super) fn sub_once_and_twice<L: Register, M: Modulus>(
        a: Limbs<L>,
        b: Limbs<L>,
        c: Limbs<L>,
    ) -> [Limbs<L>; 2] {
        super::sub_once_and_twice::<L, M>(a, b, c)
    }

    #[inline(never)]
    pub(super) fn sum<L: Register>(a: Limbs<L>, b: Limbs<L>) -> Limbs<L> {
        super::sum(a, b)
    }

    #[inline(never)]
    pub(super) fn difference<L: Register, M: Modulus>(a: Limbs<L>, b: Limbs<L>) -> Limbs<L> {
        super::difference::<L, M>(a, b)
    }

    #[inline(never)]
    pub(super) fn reduce<L: Register, M: Modulus>(a: Limbs<L>) -> Limbs<L> {
        super::subtract_unless_negative(a, &Constants::<M>::P3)
    }

    #[inline(never)]
    pub(super) fn square_fq2<L: Register, M: Modulus>(a: [Limbs<L>; 2]) -> [Limbs<L>; 2] {
        super::square_fq2::<L, M>(a)
    }

    #[inline(never)]
    pub(super) fn mul<L: Register, M: Modulus>(a: Limbs<L>, b: Limbs<L>) -> Limbs<L> {
        super::montgomery::<L, M>(super::product(a, b))
    }

    #[inline(never)]
    pub(super) fn square<L: Register, M: Modulus>(a: Limbs<L>) -> Limbs<L> {
        super::montgomery::<L, M>(super::square(a))
    }

    #[inline(never)]
    pub(super) fn mul_fq2<L: Register, M: Modulus>(a: [Limbs<L>; 2], b: [Limbs<L>; 2]) -> [Limbs<L>; 2] {
        super::mul_fq2::<L, M>(a, b)
    }
}

/// The square: a product of sum and difference, and a doubled product.
#[inline(always)]
fn square_fq2<L: Register, M: Modulus>(a: [Limbs<L>; 2]) -> [Limbs<L>; 2] {
    let mut cross = product(a[0], a[1]);
    for column in &mut cross {
        *column = column.add(*column);
    }
    let real = product(sum(a[0], a[1]), difference::<L, M>(a[0], a[1]));
    [montgomery::<L, M>(real), montgomery::<L, M>(cross)]
}

/// a - b + 3 p.
#[inline(always)]
fn difference<L: Register, M: Modulus>(a: Limbs<L>, b: Limbs<L>) -> Limbs<L> {
    let mut difference = a;
    for i in 0..LIMBS {
        difference[i] = a[i].add(a[i].splat(Constants::<M>::P3[i])).sub(b[i]);
    }
    carry(difference)
}

/// a + b where the mask's bit is set, else a - b + 3 p.
#[inline(always)]
fn sum_or_difference<L: Register, M: Modulus>(mask: u8, a: Limbs<L>, b: Limbs<L>) -> Limbs<L> {
    let mut result = a;
    for i in 0..LIMBS {
        let difference = a[i].add(a[i].splat(Constants::<M>::P3[i])).sub(b[i]);
        result[i] = L::select(mask, a[i].add(b[i]), difference);
    }
    carry(result)
}

/// ± a - (± b) + 3 p.
#[inline(always)]
fn signed_difference<L: Register, M: Modulus>(negative: [u8; 2], a: Limbs<L>, b: Limbs<L>) -> Limbs<L> {
    let mut result = a;
    for i in 0..LIMBS {
        let p3 = a[i].splat(Constants::<M>::P3[i]);
        let first = L::select(negative[0], p3.sub(a[i]), p3.add(a[i]));
        result[i] = L::select(negative[1], first.add(b[i]), first.sub(b[i]));
    }
    carry(result)
}

/// a - b - c + 2 p and a - 2 b - c + 3 p.
#[inline(always)]
fn sub_once_and_twice<L: Register, M: Modulus>(a: Limbs<L>, b: Limbs<L>, c: Limbs<L>) -> [Limbs<L>; 2] {
    let (mut once, mut twice) = (a, a);
    for i in 0..LIMBS {
        once[i] = a[i].add(a[i].splat(Constants::<M>::P2[i])).sub(b[i]).sub(c[i]);
        twice[i] = once[i].add(a[i].splat(Constants::<M>::P[i])).sub(b[i]);
    }
    [carry(once), carry(twice)]
}

/// a + b, for a sum below 2^260.
#[inline(always)]
fn sum<L: Register>(a: Limbs<L>, b: Limbs<L>) -> Limbs<L> {
    let mut sum = a;
    for i in 0..LIMBS {
        sum[i] = a[i].add(b[i]);
    }
    carry(sum)
}

/// All limbs but the last brought into [0, 2^52), what is above (below, if negative) carried into the next.
///
/// Limbs are signed and below 2^62 in absolute value, so that no sum overflows. If the number is in [0, 2^260), so is the last limb
/// in [0, 2^52): it is what remains of the number above 2^208.
#[inline(always)]
fn carry<L: Register>(mut limbs: Limbs<L>) -> Limbs<L> {
    let mask = limbs[0].splat(MASK);
    for i in 0..LIMBS - 1 {
        limbs[i + 1] = limbs[i + 1].add(limbs[i].shift_right_signed::<LIMB_BITS>());
        limbs[i] = limbs[i].and(mask);
    }
    limbs
}

/// a - b unless that is negative, then a; for |a - b| below 2^260. The last limb has the sign of the number.
#[inline(always)]
fn subtract_unless_negative<L: Register>(a: Limbs<L>, b: &[u64; LIMBS]) -> Limbs<L> {
    let mut difference = a;
    for i in 0..LIMBS {
        difference[i] = a[i].sub(a[i].splat(b[i]));
    }
    difference = carry(difference);
    let negative = difference[LIMBS - 1].negative();
    for i in 0..LIMBS {
        difference[i] = L::select(negative, a[i], difference[i]);
    }
    difference
}

/// The representative below p of a number below 6 p.
///
/// The quotient by p is estimated from the last limb t as q = ⌊t · QUOTIENT / 2^97⌋ with QUOTIENT = ⌊2^97 / (⌊p / 2^208⌋ + 1)⌋ below 2^52.
/// As a ≥ t · 2^208 and p < (⌊p / 2^208⌋ + 1) · 2^208, it is never too large; a is below (t + 1) · 2^208 and t below 2^49, so that the
/// estimate before its floor is less than 2^-40 below a / p. So a - q p is in [0, (1 + 2^-40) p), and at most one p is too much, which
/// can only be where the last limb is no smaller than that of p: seldom in any lane, so this is looked at first.
#[inline(always)]
fn canonical<L: Register, M: Modulus>(a: Limbs<L>) -> Limbs<L> {
    let zero = a[0].splat(0);
    let quotient = zero
        .madd_high(a[LIMBS - 1], zero.splat(Constants::<M>::QUOTIENT))
        .shift_right::<{ constants::QUOTIENT_SHIFT }>();
    let mut rest = a;
    for i in 0..LIMBS {
        rest[i] = a[i].sub(quotient.lookup(zero.constant(&Constants::<M>::MULTIPLES[i])));
    }
    let rest = carry(rest);
    let last = rest[LIMBS - 1];
    if last.sub(zero.splat(Constants::<M>::P[LIMBS - 1])).negative() == u8::MAX {
        return rest;
    }
    subtract_unless_negative(rest, &Constants::<M>::P)
}

/// a · b in columns: in each at most five low and four high halves of products of limbs, so below 9 · 2^52.
#[inline(always)]
fn product<L: Register>(a: Limbs<L>, b: Limbs<L>) -> Columns<L> {
    product_onto([a[0].splat(0); COLUMNS], a, b)
}

/// The columns, plus a · b.
#[inline(always)]
fn product_onto<L: Register>(mut columns: Columns<L>, a: Limbs<L>, b: Limbs<L>) -> Columns<L> {
    for i in 0..LIMBS {
        for j in 0..LIMBS {
            columns[i + j] = columns[i + j].madd_low(a[i], b[j]);
            columns[i + j + 1] = columns[i + j + 1].madd_high(a[i], b[j]);
        }
    }
    columns
}

/// a² in columns, in the bounds of [`product`]. Products of two different limbs are made once and their columns doubled: doubling a
/// factor would push its highest bit out of the 52 that are read.
#[inline(always)]
fn square<L: Register>(a: Limbs<L>) -> Columns<L> {
    let mut columns = [a[0].splat(0); COLUMNS];
    for i in 0..LIMBS {
        for j in i + 1..LIMBS {
            columns[i + j] = columns[i + j].madd_low(a[i], a[j]);
            columns[i + j + 1] = columns[i + j + 1].madd_high(a[i], a[j]);
        }
    }
    for column in &mut columns {
        *column = column.add(*column);
    }
    for i in 0..LIMBS {
        columns[2 * i] = columns[2 * i].madd_low(a[i], a[i]);
        columns[2 * i + 1] = columns[2 * i + 1].madd_high(a[i], a[i]);
    }
    columns
}

/// The number T of the columns times 2^-260 mod p, below 3 p, for T in [0, 72 p²].
///
/// Each of rounds 0 to 3 takes the lowest 52 bits t off the number and adds t · FOLD, where FOLD = 2^-52 mod p, to what remains above
/// them: the number becomes a representative of 2^-52 times itself. That takes no quotient, so a round waits for the round before it
/// only as long as one multiplication takes. The last round is Montgomery's: m · p, with m the quotient, clears the lowest 52 bits.
///
/// The result. Round i contributes t · FOLD · 2^52(i+1), the last m · p · 2^208, and with t and m below 2^52, FOLD below p the sum is below
/// T + (1 + 2^-51) · 2^260 · p + 2^260 · p. Divided by 2^260 that is below (72 / 84.6 + 2 + 2^-51) p < 2.9 p.
///
/// The columns. Each receives at most five low and five high halves below 2^52 and a carry below 2^12, so what is below 2^58 at the
/// start stays below 2^59.
#[inline(always)]
fn montgomery<L: Register, M: Modulus>(mut columns: Columns<L>) -> Limbs<L> {
    let zero = columns[0].splat(0);
    for round in 0..LIMBS - 1 {
        let lowest = columns[round];
        columns[round + 1] = columns[round + 1].add(lowest.shift_right_signed::<LIMB_BITS>());
        for j in 0..LIMBS {
            let fold = zero.splat(Constants::<M>::FOLD[j]);
            columns[round + 1 + j] = columns[round + 1 + j].madd_low(lowest, fold);
            columns[round + 2 + j] = columns[round + 2 + j].madd_high(lowest, fold);
        }
    }
    const LAST: usize = LIMBS - 1;
    let quotient = zero.madd_low(columns[LAST], zero.splat(Constants::<M>::MINUS_INVERSE));
    for j in 0..LIMBS {
        let p = zero.splat(Constants::<M>::P[j]);
        columns[LAST + j] = columns[LAST + j].madd_low(quotient, p);
        columns[LAST + j + 1] = columns[LAST + j + 1].madd_high(quotient, p);
    }
    columns[LIMBS] = columns[LIMBS].add(columns[LAST].shift_right_signed::<LIMB_BITS>());
    let [_, _, _, _, _, a, b, c, d, e] = columns;
    carry([a, b, c, d, e])
}
