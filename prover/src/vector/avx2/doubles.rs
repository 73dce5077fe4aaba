//! Eight doubles or eight 64-bit integers in two registers each, and the instructions that the arithmetic needs.
#![allow(unsafe_code)] // Intrinsics are unsafe to call outside of functions that enable them.

use core::arch::x86_64::{
    __m256d, __m256i, _CMP_LT_OQ, _mm256_add_epi64, _mm256_add_pd, _mm256_and_pd, _mm256_and_si256,
    _mm256_blendv_pd, _mm256_castpd_si256, _mm256_castsi256_pd, _mm256_cmp_pd, _mm256_cmpeq_epi64,
    _mm256_fmadd_pd, _mm256_fnmadd_pd, _mm256_loadu_si256, _mm256_or_si256, _mm256_permute2x128_si256,
    _mm256_set1_epi64x, _mm256_set1_pd, _mm256_setr_epi64x, _mm256_setzero_pd, _mm256_slli_epi64,
    _mm256_srli_epi64, _mm256_storeu_si256, _mm256_sub_epi64, _mm256_sub_pd, _mm256_unpackhi_epi64,
    _mm256_unpacklo_epi64, _mm256_xor_si256,
};

use super::super::{Backend, Kernel, LANES, Row};

/// Proof that this processor and its operating system run AVX2 and FMA, and BMI 1 and 2, which all processors with AVX2 have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proof(());

impl Proof {
    /// Asks the processor.
    pub(super) fn detect() -> Option<Self> {
        let here = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2");
        here.then_some(Self(()))
    }

    /// Runs a kernel compiled for the instructions.
    #[inline(always)]
    pub(super) fn run<B: Backend, K: Kernel>(self, backend: B, kernel: K) -> K::Output {
        // SAFETY: this proof says that the processor has the features that `run_enabled` enables.
        unsafe { run_enabled(backend, kernel) }
    }
}

#[target_feature(enable = "avx2,fma,bmi1,bmi2")]
fn run_enabled<B: Backend, K: Kernel>(backend: B, kernel: K) -> K::Output {
    kernel.run(backend)
}

/// Calls an intrinsic that needs no more than [`Proof`] promises.
macro_rules! intrinsic {
    ($call:expr) => {
        // SAFETY: every function that uses this macro takes a `Proof`, or a `Doubles` or `Integers`, which are made from a `Proof` or
        // from one another. A `Proof` is made by `detect` alone, after the processor named every feature that the intrinsics of this
        // file ask for. These intrinsics read and write registers only.
        unsafe { $call }
    };
}

/// Eight doubles. Arithmetic rounds to nearest, ties to even: nothing in this program changes the rounding mode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubles([__m256d; 2]);

/// Eight 64-bit integers, modulo 2^64.
#[derive(Clone, Copy, Debug)]
pub(super) struct Integers([__m256i; 2]);

impl Doubles {
    /// The proof that went into these.
    #[inline(always)]
    pub(super) fn proof(self) -> Proof {
        Proof(())
    }

    /// The same value in every lane.
    #[inline(always)]
    pub(super) fn splat(_: Proof, value: f64) -> Self {
        Self([intrinsic!(_mm256_set1_pd(value)); 2])
    }

    #[inline(always)]
    pub(super) fn add(self, other: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        Self(intrinsic!([_mm256_add_pd(a0, b0), _mm256_add_pd(a1, b1)]))
    }

    #[inline(always)]
    pub(super) fn sub(self, other: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        Self(intrinsic!([_mm256_sub_pd(a0, b0), _mm256_sub_pd(a1, b1)]))
    }

    /// a · b + these, rounded once.
    #[inline(always)]
    pub(super) fn plus_product(self, a: Self, b: Self) -> Self {
        let ([a0, a1], [b0, b1], [c0, c1]) = (a.0, b.0, self.0);
        Self(intrinsic!([_mm256_fmadd_pd(a0, b0, c0), _mm256_fmadd_pd(a1, b1, c1)]))
    }

    /// These - a · b, rounded once.
    #[inline(always)]
    pub(super) fn minus_product(self, a: Self, b: Self) -> Self {
        let ([a0, a1], [b0, b1], [c0, c1]) = (a.0, b.0, self.0);
        Self(intrinsic!([_mm256_fnmadd_pd(a0, b0, c0), _mm256_fnmadd_pd(a1, b1, c1)]))
    }

    /// `value` where these are negative, elsewhere zero.
    #[inline(always)]
    pub(super) fn where_negative(self, value: Self) -> Self {
        let ([a0, a1], [v0, v1]) = (self.0, value.0);
        Self(intrinsic!({
            let zero = _mm256_setzero_pd();
            [
                _mm256_and_pd(_mm256_cmp_pd::<_CMP_LT_OQ>(a0, zero), v0),
                _mm256_and_pd(_mm256_cmp_pd::<_CMP_LT_OQ>(a1, zero), v1),
            ]
        }))
    }

    /// Lane i of `a` where bit i of the mask is set, else of `b`.
    #[inline(always)]
    pub(super) fn select(mask: u8, a: Self, b: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (a.0, b.0);
        Self(intrinsic!({
            let mask = _mm256_set1_epi64x(i64::from(mask));
            let (low, high) = (_mm256_setr_epi64x(1, 2, 4, 8), _mm256_setr_epi64x(16, 32, 64, 128));
            let low = _mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(mask, low), low));
            let high = _mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(mask, high), high));
            [_mm256_blendv_pd(b0, a0, low), _mm256_blendv_pd(b1, a1, high)]
        }))
    }

    /// The bits.
    #[inline(always)]
    pub(super) fn bits(self) -> Integers {
        Integers(self.0.map(|half| intrinsic!(_mm256_castpd_si256(half))))
    }
}

impl Integers {
    /// The doubles with these bits.
    #[inline(always)]
    pub(super) fn doubles(self) -> Doubles {
        Doubles(self.0.map(|half| intrinsic!(_mm256_castsi256_pd(half))))
    }

    /// The same value in every lane.
    #[inline(always)]
    pub(super) fn splat(_: Proof, value: u64) -> Self {
        Self([intrinsic!(_mm256_set1_epi64x(value.cast_signed())); 2])
    }

    #[inline(always)]
    pub(super) fn add(self, other: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        Self(intrinsic!([_mm256_add_epi64(a0, b0), _mm256_add_epi64(a1, b1)]))
    }

    #[inline(always)]
    pub(super) fn sub(self, other: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        Self(intrinsic!([_mm256_sub_epi64(a0, b0), _mm256_sub_epi64(a1, b1)]))
    }

    #[inline(always)]
    pub(super) fn and(self, other: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        Self(intrinsic!([_mm256_and_si256(a0, b0), _mm256_and_si256(a1, b1)]))
    }

    #[inline(always)]
    pub(super) fn or(self, other: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        Self(intrinsic!([_mm256_or_si256(a0, b0), _mm256_or_si256(a1, b1)]))
    }

    #[inline(always)]
    pub(super) fn xor(self, other: Self) -> Self {
        let ([a0, a1], [b0, b1]) = (self.0, other.0);
        Self(intrinsic!([_mm256_xor_si256(a0, b0), _mm256_xor_si256(a1, b1)]))
    }

    /// Shift by N bits, below 64, zeros coming in.
    #[inline(always)]
    pub(super) fn shift_left<const N: i32>(self) -> Self {
        Self(self.0.map(|half| intrinsic!(_mm256_slli_epi64::<N>(half))))
    }

    /// Shift by N bits, below 64, zeros coming in.
    #[inline(always)]
    pub(super) fn shift_right<const N: i32>(self) -> Self {
        Self(self.0.map(|half| intrinsic!(_mm256_srli_epi64::<N>(half))))
    }

    /// Eight rows as four vectors: vector j has limb j of row i in lane i.
    #[inline(always)]
    pub(super) fn load_rows(_: Proof, rows: [&Row; LANES]) -> [Self; 4] {
        let [r0, r1, r2, r3, r4, r5, r6, r7] = rows.map(|row| {
            // SAFETY: the `Proof` says that the processor has the instruction; a `Row` is 32 bytes, which is what it reads, at any
            // alignment.
            unsafe { _mm256_loadu_si256(core::ptr::from_ref(row).cast::<__m256i>()) }
        });
        let (low, high) = (transpose([r0, r1, r2, r3]), transpose([r4, r5, r6, r7]));
        core::array::from_fn(|j| Self([low[j], high[j]]))
    }

    /// The inverse of [`Integers::load_rows`].
    #[inline(always)]
    pub(super) fn store_rows(limbs: [Self; 4]) -> [Row; LANES] {
        let mut rows = [[0; 4]; LANES];
        for (half, rows) in rows.chunks_exact_mut(4).enumerate() {
            for (row, register) in rows.iter_mut().zip(transpose(limbs.map(|limb| limb.0[half]))) {
                // SAFETY: `limbs` is proof that the processor has the instruction; a `Row` is 32 bytes, which is what it writes, at
                // any alignment.
                unsafe { _mm256_storeu_si256(core::ptr::from_mut(row).cast::<__m256i>(), register) }
            }
        }
        rows
    }
}

/// Four rows of four to four columns of four. Called by functions that have a [`Proof`] alone.
#[inline(always)]
fn transpose([a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
    intrinsic!({
        // a0 b0 a2 b2, a1 b1 a3 b3, c0 d0 c2 d2, c1 d1 c3 d3.
        let (ab_even, ab_odd) = (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
        let (cd_even, cd_odd) = (_mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d));
        [
            _mm256_permute2x128_si256::<0x20>(ab_even, cd_even),
            _mm256_permute2x128_si256::<0x20>(ab_odd, cd_odd),
            _mm256_permute2x128_si256::<0x31>(ab_even, cd_even),
            _mm256_permute2x128_si256::<0x31>(ab_odd, cd_odd),
        ]
    })
}
