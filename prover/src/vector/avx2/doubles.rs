//! Eight doubles or eight 64-bit integers in two registers each, and the instructions that the arithmetic needs.
//!
//! Every function here enables the instructions, so that it is safe to call from one that enables them too, and from nowhere else.
#![allow(unsafe_code)] // Loads and stores through pointers.

use core::arch::x86_64::{
    __m256d, __m256i, _CMP_EQ_OQ, _CMP_LT_OQ, _mm256_add_epi64, _mm256_add_pd, _mm256_and_pd,
    _mm256_and_si256, _mm256_blendv_pd, _mm256_castpd_si256, _mm256_castsi256_pd, _mm256_cmp_pd,
    _mm256_cmpeq_epi64, _mm256_fmadd_pd, _mm256_fnmadd_pd, _mm256_loadu_si256, _mm256_movemask_pd,
    _mm256_or_pd, _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set1_epi64x, _mm256_set1_pd,
    _mm256_setr_epi64x, _mm256_setzero_pd, _mm256_slli_epi64, _mm256_srli_epi64, _mm256_storeu_si256,
    _mm256_sub_epi64, _mm256_sub_pd, _mm256_unpackhi_epi64, _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use super::super::{LANES, Row};

/// Eight doubles. Arithmetic rounds to nearest, ties to even: nothing in this program changes the rounding mode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubles([__m256d; 2]);

/// Eight 64-bit integers, modulo 2^64.
#[derive(Clone, Copy, Debug)]
pub(super) struct Integers([__m256i; 2]);

impl Doubles {
    #[inline(always)]
    pub(super) fn by_register(&self) -> Self {
        let [low, high] = &self.0;
        Self([*low, *high])
    }

    /// No instruction, but one that the compiler may not look through: values and pointers come out as they went in, and later than
    /// they went in.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn opaque<T>(&mut self, a: &mut *const T, b: &mut *const T) {
        let [low, high] = &mut self.0;
        // SAFETY: the assembler gets a comment.
        #[allow(clippy::pointers_in_nomem_asm_block, reason = "nothing is read or written through them")]
        unsafe {
            core::arch::asm!(
                "/* {} {} {} {} */",
                inout(ymm_reg) * low,
                inout(ymm_reg) * high,
                inout(reg) * a,
                inout(reg) * b,
                options(nomem, nostack, preserves_flags)
            );
        }
    }

    /// The same value in every lane.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn splat(value: f64) -> Self {
        Self([_mm256_set1_pd(value); 2])
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn add(self, other: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        Self([_mm256_add_pd(a0, b0), _mm256_add_pd(a1, b1)])
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn sub(self, other: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        Self([_mm256_sub_pd(a0, b0), _mm256_sub_pd(a1, b1)])
    }

    /// a · b + these, rounded once.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn plus_product(self, a: Self, b: Self) -> Self {
        let ([a0, a1], [b0, b1], [c0, c1]) = (a.0, b.0, self.0);
        Self([_mm256_fmadd_pd(a0, b0, c0), _mm256_fmadd_pd(a1, b1, c1)])
    }

    /// These - a · b, rounded once.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn minus_product(self, a: Self, b: Self) -> Self {
        let ([a0, a1], [b0, b1], [c0, c1]) = (a.0, b.0, self.0);
        Self([_mm256_fnmadd_pd(a0, b0, c0), _mm256_fnmadd_pd(a1, b1, c1)])
    }

    /// `value` where these are negative, elsewhere zero.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn where_negative(self, value: Self) -> Self {
        let ([a0, a1], [v0, v1]) = (self.0, value.0);
        Self({
            let zero = _mm256_setzero_pd();
            [
                _mm256_and_pd(_mm256_cmp_pd::<_CMP_LT_OQ>(a0, zero), v0),
                _mm256_and_pd(_mm256_cmp_pd::<_CMP_LT_OQ>(a1, zero), v1),
            ]
        })
    }

    /// Whether some lane has the same number in both.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn meets(self, other: Self) -> bool {
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        let same = (_mm256_cmp_pd::<_CMP_EQ_OQ>(a0, b0), _mm256_cmp_pd::<_CMP_EQ_OQ>(a1, b1));
        _mm256_movemask_pd(_mm256_or_pd(same.0, same.1)) != 0
    }

    /// Lane i of `a` where bit i of the mask is set, else of `b`.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn select(mask: u8, a: Self, b: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (a.0, b.0);
        Self({
            let mask = _mm256_set1_epi64x(i64::from(mask));
            let (low, high) = (_mm256_setr_epi64x(1, 2, 4, 8), _mm256_setr_epi64x(16, 32, 64, 128));
            let low = _mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(mask, low), low));
            let high = _mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(mask, high), high));
            [_mm256_blendv_pd(b0, a0, low), _mm256_blendv_pd(b1, a1, high)]
        })
    }

    /// The bits.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn bits(self) -> Integers {
        let [low, high] = self.0;
        Integers([_mm256_castpd_si256(low), _mm256_castpd_si256(high)])
    }
}

#[cfg(test)]
impl Doubles {
    /// These values, for a caller that knows that the processor has the instructions.
    pub(super) fn from_lanes(lanes: [f64; LANES]) -> Self {
        // SAFETY: both are 64 bytes for which every pattern of bits is a value.
        unsafe { core::mem::transmute(lanes) }
    }

    /// The values.
    pub(super) fn lanes(self) -> [f64; LANES] {
        // SAFETY: both are 64 bytes for which every pattern of bits is a value.
        unsafe { core::mem::transmute(self) }
    }
}

impl Integers {
    /// The doubles with these bits.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn doubles(self) -> Doubles {
        let [low, high] = self.0;
        Doubles([_mm256_castsi256_pd(low), _mm256_castsi256_pd(high)])
    }

    /// The same value in every lane.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn splat(value: u64) -> Self {
        Self([_mm256_set1_epi64x(value.cast_signed()); 2])
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn add(self, other: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        Self([_mm256_add_epi64(a0, b0), _mm256_add_epi64(a1, b1)])
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn sub(self, other: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        Self([_mm256_sub_epi64(a0, b0), _mm256_sub_epi64(a1, b1)])
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn and(self, other: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        Self([_mm256_and_si256(a0, b0), _mm256_and_si256(a1, b1)])
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn or(self, other: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        Self([_mm256_or_si256(a0, b0), _mm256_or_si256(a1, b1)])
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn xor(self, other: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        Self([_mm256_xor_si256(a0, b0), _mm256_xor_si256(a1, b1)])
    }

    /// Shift by N bits, below 64, zeros coming in.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn shift_left<const N: i32>(self) -> Self {
        let [low, high] = self.0;
        Self([_mm256_slli_epi64::<N>(low), _mm256_slli_epi64::<N>(high)])
    }

    /// Shift by N bits, below 64, zeros coming in.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn shift_right<const N: i32>(self) -> Self {
        let [low, high] = self.0;
        Self([_mm256_srli_epi64::<N>(low), _mm256_srli_epi64::<N>(high)])
    }

    /// Eight rows as four vectors: vector j has limb j of row i in lane i.
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn load_rows(rows: [&Row; LANES]) -> [Self; 4] {
        let [r0, r1, r2, r3, r4, r5, r6, r7] = rows;
        let [l0, l1, l2, l3] = transpose([load(r0), load(r1), load(r2), load(r3)]);
        let [h0, h1, h2, h3] = transpose([load(r4), load(r5), load(r6), load(r7)]);
        [Self([l0, h0]), Self([l1, h1]), Self([l2, h2]), Self([l3, h3])]
    }

    /// The inverse of [`Integers::load_rows`].
    #[inline]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2")]
    pub(super) fn store_rows(limbs: [Self; 4]) -> [Row; LANES] {
        let [Self([a0, a1]), Self([b0, b1]), Self([c0, c1]), Self([d0, d1])] = limbs;
        let mut rows = [[0; 4]; LANES];
        for (half, registers) in
            [transpose([a0, b0, c0, d0]), transpose([a1, b1, c1, d1])].into_iter().enumerate()
        {
            for (i, register) in registers.into_iter().enumerate() {
                store(&mut rows[4 * half + i], register);
            }
        }
        rows
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn load(row: &Row) -> __m256i {
    // SAFETY: a `Row` is 32 bytes, which is what the instruction reads, at any alignment.
    unsafe { _mm256_loadu_si256(core::ptr::from_ref(row).cast()) }
}

#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn store(row: &mut Row, register: __m256i) {
    // SAFETY: a `Row` is 32 bytes, which is what the instruction writes, at any alignment.
    unsafe { _mm256_storeu_si256(core::ptr::from_mut(row).cast(), register) }
}

/// Four rows of four to four columns of four.
#[inline]
#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn transpose([a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
    {
        // a0 b0 a2 b2, a1 b1 a3 b3, c0 d0 c2 d2, c1 d1 c3 d3.
        let (ab_even, ab_odd) = (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
        let (cd_even, cd_odd) = (_mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d));
        [
            _mm256_permute2x128_si256::<0x20>(ab_even, cd_even),
            _mm256_permute2x128_si256::<0x20>(ab_odd, cd_odd),
            _mm256_permute2x128_si256::<0x31>(ab_even, cd_even),
            _mm256_permute2x128_si256::<0x31>(ab_odd, cd_odd),
        ]
    }
}
