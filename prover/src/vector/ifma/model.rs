//! The instructions in software, by their definition in the processor manuals: what holds over this holds over them, on any machine.

use super::super::{Backend, Kernel, LANES, Row};
use super::Register;

/// A register of eight 64-bit lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Model(pub(super) [u64; LANES]);

/// Any processor has a model of the instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnyProcessor;

/// The bits of a factor that VPMADD52LUQ and VPMADD52HUQ read.
const FACTOR: u64 = (1 << 52) - 1;

impl Model {
    fn each(self, f: impl Fn(u64) -> u64) -> Self {
        Self(self.0.map(f))
    }

    fn zip(self, other: Self, f: impl Fn(u64, u64) -> u64) -> Self {
        Self(core::array::from_fn(|i| f(self.0[i], other.0[i])))
    }

    fn product(a: u64, b: u64) -> u128 {
        u128::from(a & FACTOR) * u128::from(b & FACTOR)
    }

    /// Register named by their place, `a` being 0 to 7 and `b` 8 to 15.
    fn lanes(a: Self, b: Self, places: [usize; LANES]) -> Self {
        Self(places.map(|place| if place < LANES { a.0[place] } else { b.0[place - LANES] }))
    }
}

impl Register for Model {
    type Processor = AnyProcessor;

    const IN_SOFTWARE: bool = true;

    fn run<B: Backend, K: Kernel>(_: AnyProcessor, backend: B, kernel: K) -> K::Output {
        kernel.run(backend)
    }

    fn load(_: AnyProcessor, low: &Row, high: &Row) -> Self {
        Self([low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]])
    }

    fn store(self) -> [Row; 2] {
        let [a, b, c, d, e, f, g, h] = self.0;
        [[a, b, c, d], [e, f, g, h]]
    }

    fn store_line(self) -> [Row; 2] {
        self.store()
    }

    fn splat(self, value: u64) -> Self {
        Self([value; LANES])
    }

    fn constant(self, values: &[u64; LANES]) -> Self {
        Self(*values)
    }

    fn add(self, other: Self) -> Self {
        self.zip(other, u64::wrapping_add)
    }

    fn sub(self, other: Self) -> Self {
        self.zip(other, u64::wrapping_sub)
    }

    fn and(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    fn or(self, other: Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    fn shift_left<const N: u32>(self) -> Self {
        self.each(|a| a << N)
    }

    fn shift_right<const N: u32>(self) -> Self {
        self.each(|a| a >> N)
    }

    fn shift_right_signed<const N: u32>(self) -> Self {
        self.each(|a| (a.cast_signed() >> N).cast_unsigned())
    }

    fn madd_low(self, a: Self, b: Self) -> Self {
        self.zip(a.zip(b, |a, b| Self::product(a, b) as u64 & FACTOR), u64::wrapping_add)
    }

    fn madd_high(self, a: Self, b: Self) -> Self {
        self.zip(a.zip(b, |a, b| (Self::product(a, b) >> 52) as u64), u64::wrapping_add)
    }

    fn negative(self) -> u8 {
        self.0.iter().enumerate().fold(0, |mask, (i, &lane)| mask | u8::from(lane.cast_signed() < 0) << i)
    }

    fn equal(self, other: Self) -> u8 {
        (0..LANES).fold(0, |mask, i| mask | u8::from(self.0[i] == other.0[i]) << i)
    }

    fn select(mask: u8, a: Self, b: Self) -> Self {
        Self(core::array::from_fn(|i| if mask >> i & 1 == 1 { a.0[i] } else { b.0[i] }))
    }

    fn even(a: Self, b: Self) -> Self {
        Self::lanes(a, b, [0, 8, 2, 10, 4, 12, 6, 14])
    }

    fn odd(a: Self, b: Self) -> Self {
        Self::lanes(a, b, [1, 9, 3, 11, 5, 13, 7, 15])
    }

    fn even_pairs(a: Self, b: Self) -> Self {
        Self::lanes(a, b, [0, 1, 4, 5, 8, 9, 12, 13])
    }

    fn odd_pairs(a: Self, b: Self) -> Self {
        Self::lanes(a, b, [2, 3, 6, 7, 10, 11, 14, 15])
    }

    fn low_halves(a: Self, b: Self) -> Self {
        Self::lanes(a, b, [0, 1, 2, 3, 8, 9, 10, 11])
    }

    fn high_halves(a: Self, b: Self) -> Self {
        Self::lanes(a, b, [4, 5, 6, 7, 12, 13, 14, 15])
    }

    fn lookup(self, table: Self) -> Self {
        self.each(|place| table.0[place as usize % LANES])
    }

    fn lookup_in_two(self, a: Self, b: Self) -> Self {
        Self::lanes(a, b, self.0.map(|place| place as usize % (2 * LANES)))
    }
}
