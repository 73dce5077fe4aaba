//! What the arithmetic needs of a 512-bit register: one function per instruction.

use core::fmt::Debug;

use super::super::{Backend, Kernel, LANES, Row};

/// A register of eight 64-bit lanes. Each function is one instruction, named in its description, on all lanes at once; integers are
/// modulo 2^64.
///
/// Values come from [`Register::load`] alone, which asks for a [`Register::Processor`], or from other values: who holds one has the
/// instructions.
pub(crate) trait Register: Copy + Send + Sync + Debug + 'static {
    /// Proof that this processor has the instructions.
    type Processor: Copy + Send + Sync + Debug + 'static;

    /// Whether the functions are many instructions each, not one.
    const IN_SOFTWARE: bool;

    /// Runs a kernel compiled for the instructions.
    fn run<B: Backend, K: Kernel>(processor: Self::Processor, backend: B, kernel: K) -> K::Output;

    /// The words of `low` in lanes 0 to 3, of `high` in lanes 4 to 7: VMOVDQU, VINSERTI64X4.
    fn load(processor: Self::Processor, low: &Row, high: &Row) -> Self;

    /// Register 0 to 3 and lanes 4 to 7: VMOVDQU, VEXTRACTI64X4.
    fn store(self) -> [Row; 2];

    /// Both rows, one after the other: VMOVDQU64.
    fn store_line(self) -> [Row; 2];

    /// `value` in every lane, whatever is in these: VPBROADCASTQ.
    fn splat(self, value: u64) -> Self;

    /// `values`, whatever is in these lanes: VMOVDQU64.
    fn constant(self, values: &[u64; LANES]) -> Self;

    /// Sum: VPADDQ.
    fn add(self, other: Self) -> Self;

    /// Difference: VPSUBQ.
    fn sub(self, other: Self) -> Self;

    /// VPANDQ.
    fn and(self, other: Self) -> Self;

    /// VPORQ.
    fn or(self, other: Self) -> Self;

    /// Shift to the left by N bits, below 64: VPSLLQ.
    fn shift_left<const N: u32>(self) -> Self;

    /// Shift to the right by N bits, below 64, zeros coming in: VPSRLQ.
    fn shift_right<const N: u32>(self) -> Self;

    /// Shift to the right by N bits, below 64, of signed integers: VPSRAQ.
    fn shift_right_signed<const N: u32>(self) -> Self;

    /// These, plus bits 0 to 51 of the product of the low 52 bits of `a` and of `b`: VPMADD52LUQ.
    fn madd_low(self, a: Self, b: Self) -> Self;

    /// These, plus bits 52 to 103 of the product of the low 52 bits of `a` and of `b`: VPMADD52HUQ.
    fn madd_high(self, a: Self, b: Self) -> Self;

    /// A bit for each lane: whether it is negative as a signed integer. VPCMPQ.
    fn negative(self) -> u8;

    /// A bit for each lane: whether it is the same in both. VPCMPEQQ.
    fn equal(self, other: Self) -> u8;

    /// Lane i of `a` where bit i of the mask is set, else of `b`: VPBLENDMQ.
    fn select(mask: u8, a: Self, b: Self) -> Self;

    /// The even lanes of both in turn, a0 b0 a2 b2 a4 b4 a6 b6: VPUNPCKLQDQ.
    fn even(a: Self, b: Self) -> Self;

    /// The odd lanes of both in turn, a1 b1 a3 b3 a5 b5 a7 b7: VPUNPCKHQDQ.
    fn odd(a: Self, b: Self) -> Self;

    /// The even pairs of lanes of `a`, then those of `b`, a0 a1 a4 a5 b0 b1 b4 b5: VSHUFI64X2.
    fn even_pairs(a: Self, b: Self) -> Self;

    /// The odd pairs of lanes of `a`, then those of `b`, a2 a3 a6 a7 b2 b3 b6 b7: VSHUFI64X2.
    fn odd_pairs(a: Self, b: Self) -> Self;

    /// Lanes 0 to 3 of `a`, then those of `b`: VSHUFI64X2.
    fn low_halves(a: Self, b: Self) -> Self;

    /// Lanes 4 to 7 of `a`, then those of `b`: VSHUFI64X2.
    fn high_halves(a: Self, b: Self) -> Self;

    /// The lane of `table` that the low three bits of each of these lanes name: VPERMQ.
    fn lookup(self, table: Self) -> Self;

    /// The lane that the low four bits of each of these lanes name, `a` being 0 to 7 and `b` 8 to 15: VPERMI2Q.
    fn lookup_in_two(self, a: Self, b: Self) -> Self;
}
