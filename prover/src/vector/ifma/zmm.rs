//! The instructions of AVX-512 F and IFMA.
#![allow(unsafe_code)] // Intrinsics are unsafe to call outside of functions that enable them.

use core::arch::x86_64::{
    __m256i, __m512i, _mm256_loadu_si256, _mm256_storeu_si256, _mm512_add_epi64, _mm512_and_si512,
    _mm512_castsi256_si512, _mm512_castsi512_si256, _mm512_cmpeq_epi64_mask, _mm512_cmplt_epi64_mask,
    _mm512_extracti64x4_epi64, _mm512_inserti64x4, _mm512_loadu_epi64, _mm512_madd52hi_epu64,
    _mm512_madd52lo_epu64, _mm512_mask_blend_epi64, _mm512_or_si512, _mm512_permutex2var_epi64,
    _mm512_permutexvar_epi64, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_shuffle_i64x2,
    _mm512_slli_epi64, _mm512_srai_epi64, _mm512_srli_epi64, _mm512_storeu_epi64, _mm512_sub_epi64,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi64,
};

use super::super::{Backend, Kernel, LANES, Row};
use super::Register;

/// A register.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct Zmm(__m512i);

/// Proof that this processor and its operating system run AVX-512 F, VL, BW, DQ and IFMA, and BMI 1 and 2, which all processors
/// with IFMA have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// Asks the processor.
    pub(crate) fn detect() -> Option<Self> {
        let here = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512ifma")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2");
        here.then_some(Self(()))
    }
}

/// Runs a kernel with the instructions enabled.
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx512ifma,bmi1,bmi2")]
fn run_enabled<B: Backend, K: Kernel>(backend: B, kernel: K) -> K::Output {
    kernel.run(backend)
}

/// Calls an intrinsic that needs no more than `Avx512` promises.
macro_rules! intrinsic {
    ($call:expr) => {
        // SAFETY: a `Zmm` is made by `load` from an `Avx512`, or from another `Zmm`, and every function that uses this macro has
        // one or the other as its argument. `Avx512` is made by `detect` alone, after the processor named every feature that the
        // intrinsics of this file ask for. These intrinsics read and write registers only.
        unsafe { $call }
    };
}

impl Register for Zmm {
    type Processor = Avx512;

    const IN_SOFTWARE: bool = false;

    #[inline(always)]
    fn run<B: Backend, K: Kernel>(_: Avx512, backend: B, kernel: K) -> K::Output {
        // SAFETY: the `Avx512` says that the processor has the features that `run_enabled` enables.
        unsafe { run_enabled(backend, kernel) }
    }

    #[inline(always)]
    fn load(_: Avx512, low: &Row, high: &Row) -> Self {
        // SAFETY: the `Avx512` says that the processor has the instructions; a `Row` is 32 bytes, which is what each of the loads
        // reads, at any alignment.
        unsafe {
            let low = _mm256_loadu_si256(core::ptr::from_ref(low).cast::<__m256i>());
            let high = _mm256_loadu_si256(core::ptr::from_ref(high).cast::<__m256i>());
            Self(_mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high))
        }
    }

    #[inline(always)]
    fn store(self) -> [Row; 2] {
        let mut rows = [[0; 4]; 2];
        let [low, high] = &mut rows;
        // SAFETY: as for `intrinsic!`; a `Row` is 32 bytes, which is what each of the stores writes, at any alignment.
        unsafe {
            _mm256_storeu_si256(core::ptr::from_mut(low).cast::<__m256i>(), _mm512_castsi512_si256(self.0));
            _mm256_storeu_si256(
                core::ptr::from_mut(high).cast::<__m256i>(),
                _mm512_extracti64x4_epi64::<1>(self.0),
            );
        }
        rows
    }

    #[inline(always)]
    fn store_line(self) -> [Row; 2] {
        let mut rows = [[0; 4]; 2];
        // SAFETY: as for `intrinsic!`; two rows are the 64 bytes that the store writes, at any alignment.
        unsafe { _mm512_storeu_epi64(core::ptr::from_mut(&mut rows).cast::<i64>(), self.0) };
        rows
    }

    #[inline(always)]
    fn splat(self, value: u64) -> Self {
        Self(intrinsic!(_mm512_set1_epi64(value.cast_signed())))
    }

    #[inline(always)]
    fn constant(self, values: &[u64; LANES]) -> Self {
        // SAFETY: as for `intrinsic!`; `values` is the 64 bytes that the load reads, at any alignment.
        Self(unsafe { _mm512_loadu_epi64(values.as_ptr().cast::<i64>()) })
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(intrinsic!(_mm512_add_epi64(self.0, other.0)))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(intrinsic!(_mm512_sub_epi64(self.0, other.0)))
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Self(intrinsic!(_mm512_and_si512(self.0, other.0)))
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self(intrinsic!(_mm512_or_si512(self.0, other.0)))
    }

    #[inline(always)]
    fn shift_left<const N: u32>(self) -> Self {
        Self(intrinsic!(_mm512_slli_epi64::<N>(self.0)))
    }

    #[inline(always)]
    fn shift_right<const N: u32>(self) -> Self {
        Self(intrinsic!(_mm512_srli_epi64::<N>(self.0)))
    }

    #[inline(always)]
    fn shift_right_signed<const N: u32>(self) -> Self {
        Self(intrinsic!(_mm512_srai_epi64::<N>(self.0)))
    }

    #[inline(always)]
    fn madd_low(self, a: Self, b: Self) -> Self {
        Self(intrinsic!(_mm512_madd52lo_epu64(self.0, a.0, b.0)))
    }

    #[inline(always)]
    fn madd_high(self, a: Self, b: Self) -> Self {
        Self(intrinsic!(_mm512_madd52hi_epu64(self.0, a.0, b.0)))
    }

    #[inline(always)]
    fn negative(self) -> u8 {
        intrinsic!(_mm512_cmplt_epi64_mask(self.0, _mm512_setzero_si512()))
    }

    #[inline(always)]
    fn equal(self, other: Self) -> u8 {
        intrinsic!(_mm512_cmpeq_epi64_mask(self.0, other.0))
    }

    #[inline(always)]
    fn select(mask: u8, a: Self, b: Self) -> Self {
        // The intrinsic takes its second argument where a bit is set.
        Self(intrinsic!(_mm512_mask_blend_epi64(mask, b.0, a.0)))
    }

    #[inline(always)]
    fn even(a: Self, b: Self) -> Self {
        Self(intrinsic!(_mm512_unpacklo_epi64(a.0, b.0)))
    }

    #[inline(always)]
    fn odd(a: Self, b: Self) -> Self {
        Self(intrinsic!(_mm512_unpackhi_epi64(a.0, b.0)))
    }

    #[inline(always)]
    fn even_pairs(a: Self, b: Self) -> Self {
        // Two bits of the immediate for each pair of lanes of the result.
        Self(intrinsic!(_mm512_shuffle_i64x2::<0b10_00_10_00>(a.0, b.0)))
    }

    #[inline(always)]
    fn odd_pairs(a: Self, b: Self) -> Self {
        Self(intrinsic!(_mm512_shuffle_i64x2::<0b11_01_11_01>(a.0, b.0)))
    }

    #[inline(always)]
    fn low_halves(a: Self, b: Self) -> Self {
        Self(intrinsic!(_mm512_shuffle_i64x2::<0b01_00_01_00>(a.0, b.0)))
    }

    #[inline(always)]
    fn high_halves(a: Self, b: Self) -> Self {
        Self(intrinsic!(_mm512_shuffle_i64x2::<0b11_10_11_10>(a.0, b.0)))
    }

    #[inline(always)]
    fn lookup(self, table: Self) -> Self {
        Self(intrinsic!(_mm512_permutexvar_epi64(self.0, table.0)))
    }

    #[inline(always)]
    fn lookup_in_two(self, a: Self, b: Self) -> Self {
        Self(intrinsic!(_mm512_permutex2var_epi64(a.0, self.0, b.0)))
    }
}
