//! Products and quotients of integers that are larger than the field.
//!
//! ```text
//!   a · b = q · d ± r,  0 ≤ r < d        over the integers, where a · b may have 300 bits
//!        │
//!        ├── modulo p                    two products and a sum: the field's own arithmetic
//!        └── modulo 2^64                 the same of the lowest 64 bits, whose products do not wrap
//! ```
//!
//! **Why it holds over the integers.** Let E = a · b ∓ r - q · d. Modulo p it is 0, for r is defined so. Modulo 2^64 it is
//! 0 as well: the lows are congruent to their numbers and so small that what is computed of them in the field is what
//! it is over the integers, and it is 2^64 times the carry, which has its range. p is odd, so p · 2^64 divides E. It is above
//! 2^317, and |E| is below that by the widths of the numbers, which [`enforce_quotient`] asks for. So E = 0.
//!
//! Neither half would do. Modulo p alone, a quotient may be as much as p / d too large or too small, which is all of
//! a pool; `a_quotient_that_is_right_modulo_p_alone_is_refused` is that attack.

use ark_ff::Field;
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{Result, SynthesisError};
use zkpov_verifier::field::Fr;

use super::range::{self, MAX_UNIQUE_BITS, U128};
use crate::{
    bit::Bit,
    constraint::product,
    integer::power_of_two,
    linear::{self, Linear},
};

/// Bits of the second modulus.
const LOW_BITS: usize = 64;

/// A difference below 2^this in absolute value is 0 if it is 0 modulo p and modulo 2^64: 2^253 is below p.
const EXACT_BITS: usize = MAX_UNIQUE_BITS + LOW_BITS;

/// A natural number that is known modulo the field's order and modulo 2^64.
#[derive(Clone, Debug)]
#[must_use]
pub struct Natural {
    value: FpVar<Fr>,
    /// Below 2^`bits`, which is at most the field's.
    bits: usize,
    /// Congruent to the number modulo 2^64; an integer, maybe a negative one.
    low: FpVar<Fr>,
    /// `low` is below 2^`low_bits` in absolute value.
    low_bits: usize,
}

/// Which way a quotient is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the next integer that is not above.
    Down,
    /// To the next integer that is not below.
    Up,
}

impl Natural {
    /// `value`, enforcing under `name` that it is below 2^`bits`. `bits` + 1 constraints.
    ///
    /// # Errors
    ///
    /// Those of [`range::bits`].
    pub fn enforce(name: &'static str, value: &FpVar<Fr>, bits: usize) -> Result<Self> {
        let digits = range::bits(name, value, bits)?;
        let low = range::from_bits(digits.get(..LOW_BITS).unwrap_or(&digits))?;
        Ok(Self { value: value.clone(), bits, low, low_bits: LOW_BITS })
    }

    /// `low` + 2^64 · `high`, both of which the caller knows to be below 2^64. No constraint.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn from_limbs(low: FpVar<Fr>, high: &FpVar<Fr>) -> Result<Self> {
        let value = linear::weighted_sum([(Fr::ONE, &low), (power_of_two(LOW_BITS as u32), high)])?;
        Ok(Self { value, bits: 2 * LOW_BITS, low, low_bits: LOW_BITS })
    }

    /// The number as a field element.
    pub fn as_field(&self) -> &FpVar<Fr> {
        &self.value
    }

    /// The number as an integer of 128 bits.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::ArityMismatch`] if it may have more.
    pub fn to_u128(&self) -> Result<U128> {
        if self.bits > u128::BITS as usize {
            return Err(SynthesisError::ArityMismatch);
        }
        Ok(U128::trust(self.value.clone()))
    }

    /// The number times `factor`. No constraint.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::ArityMismatch`] if it would not be below the field's order.
    pub fn times(&self, factor: u32) -> Result<Self> {
        let (more, coefficient) = (u32::BITS.saturating_sub(factor.leading_zeros()) as usize, factor.into());
        Self {
            value: linear::weighted_sum([(coefficient, &self.value)])?,
            bits: self.bits + more,
            low: linear::weighted_sum([(coefficient, &self.low)])?,
            low_bits: self.low_bits + more,
        }
        .in_the_field()
    }

    /// The sum of two numbers. No constraint.
    ///
    /// # Errors
    ///
    /// As [`times`](Self::times).
    pub fn plus(&self, other: &Self) -> Result<Self> {
        self.combined(Fr::ONE, other, self.bits.max(other.bits) + 1)?.in_the_field()
    }

    /// The difference of two numbers, where the caller knows that it is not negative: say why at the call. No constraint.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn minus(&self, other: &Self) -> Result<Self> {
        self.combined(-Fr::ONE, other, self.bits)
    }

    fn combined(&self, sign: Fr, other: &Self, bits: usize) -> Result<Self> {
        Ok(Self {
            value: linear::weighted_sum([(Fr::ONE, &self.value), (sign, &other.value)])?,
            bits,
            low: linear::weighted_sum([(Fr::ONE, &self.low), (sign, &other.low)])?,
            low_bits: self.low_bits.max(other.low_bits) + 1,
        })
    }

    /// The same number, enforcing under `name` that it is below 2^`bits`. `bits` + 1 constraints.
    ///
    /// # Errors
    ///
    /// Those of [`range::bits`].
    pub fn at_most_bits(self, name: &'static str, bits: usize) -> Result<Self> {
        range::bits(name, &self.value, bits)?;
        Ok(Self { bits, ..self })
    }

    /// (`a`, `b`) where `bit` is 0 and (`b`, `a`) where it is 1. Two constraints.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn swap(bit: &Bit, a: &Self, b: &Self) -> Result<(Self, Self)> {
        let (bits, low_bits) = (a.bits.max(b.bits), a.low_bits.max(b.low_bits));
        let (value, other_value) = bit.swap(&a.value, &b.value)?;
        let (low, other_low) = bit.swap(&a.low, &b.low)?;
        Ok((Self { value, bits, low, low_bits }, Self { value: other_value, bits, low: other_low, low_bits }))
    }

    fn in_the_field(self) -> Result<Self> {
        let fits = self.bits < MAX_UNIQUE_BITS && self.low_bits < MAX_UNIQUE_BITS;
        if fits { Ok(self) } else { Err(SynthesisError::ArityMismatch) }
    }
}

/// Enforces that `quotient` is `factors` multiplied and divided by `divisor`, rounded, over the integers. There is no such
/// quotient by 0.
///
/// Four products, the bits of the remainder, those of the carry, and those of what the remainder is below the divisor: 330
/// constraints where all have 128 bits.
///
/// Nothing here is the prover's choice: remainder and carry follow from the four.
///
/// # Errors
///
/// [`SynthesisError::ArityMismatch`] for numbers so wide that the equation would not be one over the integers.
pub fn enforce_quotient(
    factors: [&Natural; 2],
    divisor: &Natural,
    quotient: &Natural,
    rounding: Rounding,
) -> Result<()> {
    let [a, b] = factors;
    let width = |[x, y]: [&Natural; 2]| (x.bits + y.bits, x.low_bits + y.low_bits);
    let (wide, wide_low) = width([a, b]);
    let (other, other_low) = width([quotient, divisor]);
    // Of two products and a remainder.
    let (bits, low_bits) = (wide.max(other) + 2, wide_low.max(other_low) + 2);
    if bits > EXACT_BITS || low_bits > MAX_UNIQUE_BITS - 1 || divisor.bits > MAX_UNIQUE_BITS - 1 {
        return Err(SynthesisError::ArityMismatch);
    }
    let sign = match rounding {
        Rounding::Down => Fr::ONE,
        Rounding::Up => -Fr::ONE,
    };

    let (dividend, multiple) = (product(&a.value, &b.value)?, product(&quotient.value, &divisor.value)?);
    let remainder = linear::weighted_sum([(sign, &dividend), (-sign, &multiple)])?;
    let remainder = Natural::enforce("division/remainder", &remainder, divisor.bits)?;
    let less = Linear::of(&divisor.value).plus(-Fr::ONE, &remainder.value).plus_constant(-Fr::ONE);
    range::bits("division/below divisor", &less.finish()?, divisor.bits)?;

    let (dividend, multiple) = (product(&a.low, &b.low)?, product(&quotient.low, &divisor.low)?);
    let difference =
        linear::weighted_sum([(sign, &dividend), (-sign, &multiple), (-Fr::ONE, &remainder.low)])?;
    let shift = power_of_two(LOW_BITS as u32).inverse().ok_or(SynthesisError::ArityMismatch)?;
    // Below 2^low_bits in absolute value before it is divided.
    let carry_bits = low_bits - LOW_BITS;
    let offset = power_of_two(carry_bits as u32);
    let carry = Linear::new(&difference.cs()).plus(shift, &difference).plus_constant(offset).finish()?;
    range::bits("division/carry", &carry, carry_bits + 1).map(drop)
}

#[cfg(test)]
mod tests {
    use ark_ff::PrimeField;
    use ark_relations::gr1cs::ConstraintSystemRef;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    use super::*;
    use crate::{hint, r1cs::R1cs, soundness::is_satisfied};

    const AMOUNT_BITS: usize = 128;

    fn amount() -> impl Strategy<Value = u128> {
        prop_oneof![
            0u128..4,
            any::<u64>().prop_map(u128::from),
            any::<u128>(),
            Just(u128::MAX),
            Just(1 << 64)
        ]
    }

    /// Whether the circuit, or native execution, has that quotient.
    fn is_quotient(natively: bool, numbers: [u128; 3], quotient: u128, rounding: Rounding) -> bool {
        let [a, b, divisor] = numbers;
        let circuit = |cs: ConstraintSystemRef<Fr>| {
            let number = |value: u128| {
                let value = hint::field(&cs, "number", || Ok(value.into()))?;
                Natural::enforce("number", &value, AMOUNT_BITS)
            };
            enforce_quotient([&number(a)?, &number(b)?], &number(divisor)?, &number(quotient)?, rounding)
        };
        if natively {
            circuit(ConstraintSystemRef::None).is_ok()
        } else {
            is_satisfied(circuit).expect("a circuit")
        }
    }

    fn quotient([a, b, divisor]: [u128; 3], rounding: Rounding) -> Option<u128> {
        let (product, divisor) = (BigUint::from(a) * b, BigUint::from(divisor));
        let quotient = match rounding {
            Rounding::Down => product / divisor,
            Rounding::Up => (product + &divisor - 1u32) / divisor,
        };
        quotient.try_into().ok()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn the_quotient_and_no_other_is_accepted(a in amount(), b in amount(), d in amount(), up: bool, other in amount()) {
            prop_assume!(d > 0);
            let rounding = if up { Rounding::Up } else { Rounding::Down };
            let right = quotient([a, b, d], rounding);
            let tried = [right, right.and_then(|q| q.checked_add(1)), right.and_then(|q| q.checked_sub(1)), Some(other)];
            for tried in tried.into_iter().flatten() {
                prop_assert_eq!(is_quotient(true, [a, b, d], tried, rounding), Some(tried) == right, "{}", tried);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]

        #[test]
        fn the_circuit_accepts_what_native_execution_does(a in amount(), b in amount(), d in amount(), up: bool) {
            prop_assume!(d > 0);
            let rounding = if up { Rounding::Up } else { Rounding::Down };
            if let Some(right) = quotient([a, b, d], rounding) {
                prop_assert!(is_quotient(false, [a, b, d], right, rounding));
                prop_assert!(!is_quotient(false, [a, b, d], right ^ 1, rounding));
            }
        }
    }

    #[test]
    fn nothing_is_divided_by_0() {
        for rounding in [Rounding::Down, Rounding::Up] {
            assert!(!is_quotient(true, [0, 0, 0], 0, rounding));
        }
    }

    /// (p + a b) / d, for the remainder that it leaves modulo p.
    #[test]
    fn a_quotient_that_is_right_modulo_p_alone_is_refused() {
        let modulus = BigUint::from(Fr::MODULUS);
        for (numbers, rounding) in
            [([1, 1, u128::MAX - 8], Rounding::Down), ([997, 1 << 127, u128::MAX / 3 * 2], Rounding::Down)]
        {
            let [a, b, d] = numbers;
            let wrong: u128 =
                ((BigUint::from(a) * b + &modulus) / BigUint::from(d)).try_into().expect("128 bits");
            assert!(!is_quotient(true, numbers, wrong, rounding));
            let satisfied = crate::soundness::without(&["division/carry"], || {
                is_quotient(false, numbers, wrong, rounding)
            });
            assert!(satisfied, "and nothing else refuses it");
        }
    }

    #[test]
    fn numbers_too_wide_for_the_equation_have_no_circuit() {
        let wide = Natural::enforce("number", &FpVar::Constant(Fr::from(1u64)), 250).expect("250 bits");
        let one = Natural::enforce("number", &FpVar::Constant(Fr::from(1u64)), 1).expect("a bit");
        let divided = |a, b| enforce_quotient([a, b], &one, &one, Rounding::Down);
        assert_eq!(divided(&one, &one), Ok(()));
        assert_eq!(divided(&wide, &wide), Err(SynthesisError::ArityMismatch));
        assert!(wide.times(1_000).is_err());
    }

    #[test]
    fn a_quotient_costs_what_the_documentation_says() {
        let size = R1cs::synthesize(|cs| {
            let number = |name| {
                let value = hint::field(&cs, name, || Ok(Fr::from(1u64)))?;
                Natural::enforce("number", &value, AMOUNT_BITS)
            };
            let (a, b, d, q) = (number("a")?, number("b")?, number("d")?, number("q")?);
            enforce_quotient([&a, &b], &d, &q, Rounding::Down)
        });
        let numbers = 4 * (AMOUNT_BITS + 1);
        assert_eq!(size.expect("a shape").constraints() - numbers, 330);
    }
}
