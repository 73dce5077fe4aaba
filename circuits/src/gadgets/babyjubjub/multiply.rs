//! Multiples of points: of circomlib's base point by a signature's scalar, and of a key by a challenge.
//!
//! Both read the bits b of a scalar as digits ε = 2b - 1 ∈ {1, -1}, so that no digit is zero and no sum needs a case:
//! Σ ε_i 2^i = 2 Σ b_i 2^i - (2^n - 1). A constant makes up for the difference.

use std::sync::OnceLock;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInt, BigInteger, Field, PrimeField};
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{Result, SynthesisError};
use zkpov_verifier::babyjubjub::{COFACTOR, Point, Scalar};

use super::{EdwardsPoint, MontgomeryPoint, montgomery::coordinates};
use crate::{
    bit::Bit,
    constraint::product,
    gadgets::range::{bits_of_shifted, enforce_at_least, enforce_at_most},
    linear::Linear,
    namespace,
};

/// Bits of a scalar below the prime subgroup's order.
pub const SCALAR_BITS: usize = Scalar::MODULUS_BIT_SIZE as usize;

/// Bits of a challenge with its offset.
const CHALLENGE_BITS: usize = Fr::MODULUS_BIT_SIZE as usize;

/// Low bits that the bounds on a challenge leave out.
const SLACK_BITS: usize = 126;

/// Steps of [`eightfold_multiple`] up to this one are free of exceptional cases for their size alone.
const SAFE_STEPS: usize = SCALAR_BITS;

/// The point divided by 8 in the prime subgroup (that of its part there, if it has another).
pub(super) fn eighth(point: &Point) -> Point {
    static INVERSE: OnceLock<Scalar> = OnceLock::new();
    let inverse = INVERSE.get_or_init(|| Scalar::from(COFACTOR).inverse().unwrap_or(Scalar::ZERO));
    point.multiply(inverse)
}

/// Constants of one window of two digits: u = even₀ + even₁·ε₀ε₁ and v = odd₀·ε₀ + odd₁·ε₁.
#[derive(Debug)]
struct Window {
    even: [Fr; 2],
    odd: [Fr; 2],
}

/// Constants of [`base_multiple`].
#[derive(Debug)]
struct BaseTable {
    windows: Vec<Window>,
    /// What the last digit and the constant add, for the bit 0 and the bit 1.
    last: [Point; 2],
}

impl BaseTable {
    fn get() -> Option<&'static Self> {
        static TABLE: OnceLock<Option<BaseTable>> = OnceLock::new();
        TABLE.get_or_init(Self::new).as_ref()
    }

    fn new() -> Option<Self> {
        let half = Fr::ONE.double().inverse()?;
        let mut power = Point::BASE8.multiply(&Scalar::ONE.double().inverse()?);
        let constant = {
            let all_ones = Scalar::from(2u64).pow([SCALAR_BITS as u64]) - Scalar::ONE;
            power.multiply(&all_ones)
        };
        let mut windows = Vec::with_capacity(SCALAR_BITS / 2);
        for _ in 0..SCALAR_BITS / 2 {
            let double = power.double();
            // Digits (ε₀, ε₁) = (1, 1) are 3, and (-1, 1) are 1.
            let (three_u, three_v) = coordinates(&power.add(&double))?;
            let (one_u, one_v) = coordinates(&power)?;
            windows.push(Window {
                even: [(three_u + one_u) * half, (three_u - one_u) * half],
                odd: [(three_v - one_v) * half, (three_v + one_v) * half],
            });
            power = double.double();
        }
        Some(Self { windows, last: [constant.add(&power.neg()), constant.add(&power)] })
    }
}

/// The integer with these [`SCALAR_BITS`] bits, the least first, times BASE8. 505 constraints.
///
/// With H = BASE8/2, s·BASE8 = Σ ε_i 2^i·H + (2^251 - 1)·H. Two digits a window: the sum of the windows before
/// window i is kH with |k| < 4^i and k ≠ 0 (it is odd), and the window adds ±4^i·H or ±3·4^i·H. As integers these are
/// neither equal nor opposite, and their sum and difference are below 4^(i+1) ≤ 2^250 < l, so they are not modulo l
/// either: the incomplete sum is right. The last digit, which could reach l, goes with the constant into one complete
/// sum.
///
/// # Errors
///
/// [`SynthesisError::ArityMismatch`] for another number of bits.
pub fn base_multiple(bits: &[Bit]) -> Result<EdwardsPoint> {
    let table = BaseTable::get().ok_or(SynthesisError::Unsatisfiable)?;
    let (windows, [last]) = bits.as_chunks::<2>() else { return Err(SynthesisError::ArityMismatch) };
    if windows.len() != table.windows.len() {
        return Err(SynthesisError::ArityMismatch);
    }
    let cs = last.as_field().cs();
    let mut sum: Option<MontgomeryPoint> = None;
    for (i, (window, [low, high])) in table.windows.iter().zip(windows).enumerate() {
        let _namespace = namespace::enter_indexed(&cs, "window", i);
        let both = product(low.as_field(), high.as_field())?;
        // ε₀ε₁ = 1 - 2b₀ - 2b₁ + 4b₀b₁.
        let signs = Linear::new(&cs)
            .plus_constant(Fr::ONE)
            .plus(-Fr::from(2u64), low.as_field())
            .plus(-Fr::from(2u64), high.as_field())
            .plus(Fr::from(4u64), &both);
        let mut u = Linear::new(&cs).plus_constant(window.even[0]);
        u.add_linear(window.even[1], &signs);
        let mut v = Linear::new(&cs);
        v.add_linear(window.odd[0], &digit(low));
        v.add_linear(window.odd[1], &digit(high));
        let point = MontgomeryPoint { u: u.finish()?, v: v.finish()? };
        sum = Some(match sum {
            Some(sum) => point.add(&sum)?,
            None => point,
        });
    }
    let sum = sum.ok_or(SynthesisError::ArityMismatch)?.to_edwards()?;
    let choose =
        |zero: Fr, one: Fr| Linear::new(&cs).plus_constant(zero).plus(one - zero, last.as_field()).finish();
    let [zero, one] = &table.last;
    sum.add(&EdwardsPoint { x: choose(zero.x, one.x)?, y: choose(zero.y, one.y)? })
}

/// Constants of [`eightfold_multiple`].
#[derive(Debug)]
struct ChallengeRange {
    /// What is added to a challenge before it is decomposed.
    offset: BigInt<4>,
    /// The least and the largest value of the bits above the slack.
    bounds: [BigInt<4>; 2],
}

impl ChallengeRange {
    fn get() -> &'static Self {
        static RANGE: OnceLock<ChallengeRange> = OnceLock::new();
        RANGE.get_or_init(|| {
            let two = Scalar::ONE.double();
            // 2·offset + 2^n + 1 = 0 modulo l.
            let constant = two.pow([CHALLENGE_BITS as u64]) + Scalar::ONE;
            let offset = (-constant * two.inverse().unwrap_or(Scalar::ZERO)).into_bigint();
            let mut least = offset >> SLACK_BITS as u32;
            least.add_with_carry(&BigInt::from(1u64));
            let mut largest = offset;
            largest.add_with_carry(&Fr::MODULUS);
            let mut largest = largest >> SLACK_BITS as u32;
            largest.sub_with_borrow(&BigInt::from(1u64));
            Self { offset, bounds: [least, largest] }
        })
    }
}

/// 8·`scalar`·`point`, for a point of the prime subgroup that is not the identity, and the scalar's integer below p.
/// 1860 constraints.
///
/// Let T = 4·point, n = 254 and v = scalar + o over the integers, with bits b. A chain of doublings and additions of
/// ±T that starts at 2T ends at
///
/// ```text
///   (2·2^n + Σ ε_i 2^i)·T = (2v + 2^n + 1)·T = 2·scalar·T = 8·scalar·point        as 2o + 2^n + 1 = 0 modulo l.
/// ```
///
/// **The integer.** The bits sum to scalar + o modulo p; v is the one such integer in o .. o + p - 1. Attack: with the
/// bits of v ± p the challenge is another than the hash. So v is compared with both ends, on all but its lowest 126
/// bits and strictly: every v that passes is right, and fewer than one in 2^126 honest challenges
/// does not pass.
///
/// **Exceptional cases.** Before step j the chain is at k·T with 2^j < k < 3·2^j, and k is odd for j ≥ 1. The step adds
/// ±T, so it must be that k is not ±1 modulo l. An odd k that is, and is not 1, is at least 2l - 1 > 3·2^250. So steps
/// 0 to 250 are safe, and the three after are made so by a constraint.
///
/// No honest challenge is lost to that constraint, and it has a second argument behind it: the first k that is ±1 modulo
/// l comes from a k' with 2k' ± 1 = k, so k' is 0 modulo l (or ±1, and k is not the first), and a step that ends at the
/// identity has no witness (`MontgomeryPoint::double_and_add`). The constraint keeps the argument to sizes.
///
/// # Errors
///
/// None but those of allocation.
pub fn eightfold_multiple(point: &EdwardsPoint, scalar: &FpVar<Fr>) -> Result<EdwardsPoint> {
    let cs = point.cs();
    let range = ChallengeRange::get();
    let bits = bits_of_shifted("challenge/sum", scalar, &range.offset, CHALLENGE_BITS)?;
    let (_, high) = bits.split_at(SLACK_BITS);
    enforce_at_least("challenge/at_least", high, &range.bounds[0])?;
    enforce_at_most("challenge/at_most", high, &range.bounds[1])?;

    let fourfold = point.to_montgomery()?.double()?.double()?;
    let mut multiple = fourfold.double()?;
    for (step, bit) in bits.iter().rev().enumerate() {
        let _namespace = namespace::enter_indexed(&cs, "step", step);
        let v = product(digit(bit), &fourfold.v)?;
        let digit = MontgomeryPoint { u: fourfold.u.clone(), v };
        if step >= SAFE_STEPS {
            multiple.enforce_distinct_abscissa("challenge/exceptional", &digit)?;
        }
        multiple = multiple.double_and_add(&digit)?;
    }
    multiple.to_edwards()
}

/// 2b - 1.
fn digit(bit: &Bit) -> Linear {
    Linear::new(&bit.as_field().cs()).plus(Fr::ONE.double(), bit.as_field()).plus_constant(-Fr::ONE)
}

#[cfg(test)]
mod tests;
