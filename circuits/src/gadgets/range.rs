//! Bits of integers, comparisons, and unsigned integers of fixed width.
//!
//! A field element is an integer modulo p, so nothing is "small" or "less" until it has bits. The gadgets here make
//! bits, and say of each decomposition why there is only one:
//!
//! | decomposition | bits | unique because |
//! |---|---|---|
//! | [`bits`] | n ≤ 253 | 2^253 < p |
//! | [`canonical_bits`] | 254 | the bits are also compared with p - 1 |
//!
//! [`Uint`] is an element that is known to be below 2^N. Its additions and subtractions are exact over the integers:
//! a sum or difference that leaves the range has no witness.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInt, BigInteger, Field, PrimeField};
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};

use crate::{
    bit::Bit,
    constraint::{enforce_equal, enforce_product, enforce_zero, product, product_plus, refuse},
    hint,
    linear::{Linear, difference, weighted_sum},
};

/// Most bits that [`bits`] gives: 2^253 is below the field's order.
pub const MAX_UNIQUE_BITS: usize = Fr::MODULUS_BIT_SIZE as usize - 1;

/// The `count` bits of `value`, the least first, enforcing under `name` that it is below 2^`count`.
/// `count` + 1 constraints.
///
/// # Errors
///
/// [`SynthesisError::ArityMismatch`] for more than [`MAX_UNIQUE_BITS`] bits;
/// [`SynthesisError::Unsatisfiable`] for a constant that is too large.
pub fn bits(name: &'static str, value: &FpVar<Fr>, count: usize) -> Result<Vec<Bit>> {
    if count > MAX_UNIQUE_BITS {
        return Err(SynthesisError::ArityMismatch);
    }
    bits_unchecked(name, value, count)
}

/// The 254 bits of `value` as an integer below p, the least first. 254 bits, 1 sum, and [`enforce_at_most`] of p - 1.
///
/// # Errors
///
/// None but those of allocation.
pub fn canonical_bits(value: &FpVar<Fr>) -> Result<Vec<Bit>> {
    let bits = bits_unchecked("canonical_bits/sum", value, MAX_UNIQUE_BITS + 1)?;
    // 2^254 > p: without it the bits of value + p would do as well, and mean another scalar.
    let mut largest = Fr::MODULUS;
    largest.sub_with_borrow(&BigInt::from(1u64));
    enforce_at_most("canonical_bits/below_modulus", &bits, &largest)?;
    Ok(bits)
}

/// The `count` ≤ 254 bits, the least first, of the integer `value + offset`, enforcing under `name` that they sum to it
/// modulo p. Which integer they are of is for the caller to enforce. `count` + 1 constraints.
///
/// The hinted bits are those of the sum of `value`'s integer below p and `offset`.
pub(super) fn bits_of_shifted(
    name: &'static str,
    value: &FpVar<Fr>,
    offset: &BigInt<4>,
    count: usize,
) -> Result<Vec<Bit>> {
    let cs = value.cs();
    let integer = value.value().map(|value| {
        let mut integer = value.into_bigint();
        integer.add_with_carry(offset);
        integer
    });
    let bits = (0..count)
        .map(|i| hint::bit(&cs, "bit", || integer.map(|integer| integer.get_bit(i))))
        .collect::<Result<Vec<Bit>>>()?;
    let offset = Fr::from_bigint(*offset).ok_or(SynthesisError::Unsatisfiable)?;
    enforce_equal(name, weigh(&bits), Linear::of(value).plus_constant(offset))?;
    Ok(bits)
}

fn bits_unchecked(name: &'static str, value: &FpVar<Fr>, count: usize) -> Result<Vec<Bit>> {
    if let FpVar::Constant(constant) = value {
        let integer = constant.into_bigint();
        if integer.num_bits() as usize > count {
            refuse(name)?;
        }
        return Ok((0..count).map(|i| Bit::constant(integer.get_bit(i))).collect());
    }
    let cs = value.cs();
    let integer = value.value().map(|value| value.into_bigint());
    let bits = (0..count)
        .map(|i| hint::bit(&cs, "bit", || integer.map(|integer| integer.get_bit(i))))
        .collect::<Result<Vec<Bit>>>()?;
    enforce_equal(name, weigh(&bits), value)?;
    Ok(bits)
}

/// Σ 2^i bitᵢ as a combination.
pub(crate) fn weigh(bits: &[Bit]) -> Linear {
    let mut sum = Linear::new(&ConstraintSystemRef::None);
    let mut weight = Fr::ONE;
    for bit in bits {
        sum.add(weight, bit.as_field());
        weight.double_in_place();
    }
    sum
}

/// The integer with these bits, the least first, at most 253 of them. No constraint.
///
/// # Errors
///
/// [`SynthesisError::ArityMismatch`] for more than [`MAX_UNIQUE_BITS`] bits.
pub fn from_bits(bits: &[Bit]) -> Result<FpVar<Fr>> {
    if bits.len() > MAX_UNIQUE_BITS {
        return Err(SynthesisError::ArityMismatch);
    }
    weigh(bits).finish()
}

/// Enforces under `name` that the integer with these bits, the least first, is at most `largest`.
///
/// One constraint for each run of zeros in `largest`, which for a random 254-bit number is about 63. An integer
/// exceeds `largest` exactly if, at some zero of `largest`, it has a one while it has ones wherever `largest` has
/// ones above. For a run of zeros, let Z be the number of ones the integer has there, and q the number of ones of
/// `largest` above at which the integer has a zero: it must be that q = 0 implies Z = 0, which is q · t = Z for a
/// hinted t. Z and q are at most 254, so they are zero as integers exactly if they are as field elements.
///
/// Where q is 0, t is free; it is used nowhere else.
///
/// # Errors
///
/// None but those of allocation.
pub fn enforce_at_most(name: &'static str, bits: &[Bit], largest: &BigInt<4>) -> Result<()> {
    let cs = bits.iter().fold(ConstraintSystemRef::None, |cs, bit| cs.or(bit.as_field().cs()));
    let mut missing = Linear::new(&cs);
    let mut seen_one = false;
    let mut run: Option<Linear> = None;
    for (i, bit) in bits.iter().enumerate().rev() {
        if !largest.get_bit(i) {
            run.get_or_insert_with(|| Linear::new(&cs)).add(Fr::ONE, bit.as_field());
            continue;
        }
        if let Some(run) = run.take() {
            enforce_run(name, &cs, seen_one.then_some(&missing), run)?;
        }
        seen_one = true;
        missing.add_constant(Fr::ONE);
        missing.add(-Fr::ONE, bit.as_field());
    }
    match run {
        Some(run) => enforce_run(name, &cs, seen_one.then_some(&missing), run),
        None => Ok(()),
    }
}

/// Enforces under `name` that the integer with these bits, the least first, is at least `least`, by
/// [`enforce_at_most`] of the complements: one constraint for each run of ones in `least`.
///
/// # Errors
///
/// None but those of allocation.
pub fn enforce_at_least(name: &'static str, bits: &[Bit], least: &BigInt<4>) -> Result<()> {
    let complements = bits.iter().map(Bit::not).collect::<Result<Vec<Bit>>>()?;
    let mut complement = BigInt::<4>::zero();
    for i in (0..bits.len()).filter(|i| !least.get_bit(*i)) {
        complement.0[i / 64] |= 1 << (i % 64);
    }
    enforce_at_most(name, &complements, &complement)
}

fn enforce_run(
    name: &'static str,
    cs: &ConstraintSystemRef<Fr>,
    missing: Option<&Linear>,
    run: Linear,
) -> Result<()> {
    let Some(missing) = missing else { return enforce_zero(name, run) };
    let quotient = hint::field(cs, "at_most", || {
        let missing = missing.value().ok_or(SynthesisError::AssignmentMissing)?;
        let run = run.value().ok_or(SynthesisError::AssignmentMissing)?;
        Ok(run * missing.inverse().unwrap_or(Fr::ZERO))
    })?;
    enforce_product(name, missing.clone(), &quotient, run)
}

/// Enforces under `name` that `a` < `b`, both known to be below 2^`count`. `count` + 1 constraints.
///
/// # Errors
///
/// As [`bits`], for `count` above 252.
pub fn enforce_less_than(name: &'static str, a: &FpVar<Fr>, b: &FpVar<Fr>, count: usize) -> Result<()> {
    // -2^n < b - a - 1 < 2^n: a negative one is near p and has no n bits.
    let distance = Linear::of(b).plus(-Fr::ONE, a).plus_constant(-Fr::ONE).finish()?;
    if count >= MAX_UNIQUE_BITS {
        return Err(SynthesisError::ArityMismatch);
    }
    bits(name, &distance, count).map(|_| ())
}

/// Whether `value` is zero. Three constraints, and one witness for each value:
///
/// `value · t = 1 - z` and `value · z = 0` make z right; `z · t = 0` fixes the t that zero would leave free.
///
/// # Errors
///
/// None but those of allocation.
pub fn is_zero(value: &FpVar<Fr>) -> Result<Bit> {
    if let FpVar::Constant(constant) = value {
        return Ok(Bit::constant(*constant == Fr::ZERO));
    }
    let cs = value.cs();
    let inverse = hint::inverse(&cs, "inverse", value)?;
    let minus_value = Linear::new(&cs).plus(-Fr::ONE, value);
    let one = Linear::new(&cs).plus_constant(Fr::ONE);
    let is_zero = product_plus(&minus_value, &Linear::of(&inverse), &one)?;
    // Without it, any value passes as non-zero or as "2".
    enforce_product("is_zero/exact", value, &is_zero, Linear::new(&cs))?;
    enforce_product("is_zero/inverse_of_zero", &inverse, &is_zero, Linear::new(&cs))?;
    Ok(Bit::trust(is_zero))
}

/// Whether `a` = `b`. Three constraints.
///
/// # Errors
///
/// None but those of allocation.
pub fn is_equal(a: &FpVar<Fr>, b: &FpVar<Fr>) -> Result<Bit> {
    is_zero(&difference(a, b)?)
}

/// The inverse of `value`, enforcing under `name` that there is one. One constraint.
///
/// # Errors
///
/// [`SynthesisError::Unsatisfiable`] for the constant 0.
pub fn enforce_inverse(name: &'static str, value: &FpVar<Fr>) -> Result<FpVar<Fr>> {
    let cs = value.cs();
    let inverse = hint::inverse(&cs, "inverse", value)?;
    enforce_product(name, value, &inverse, Linear::new(&cs).plus_constant(Fr::ONE))?;
    Ok(inverse)
}

/// An integer in 0..2^`BITS`, with `BITS` at most 251 so that sums and differences do not wrap in the field.
#[derive(Clone, Debug)]
#[must_use]
pub struct Uint<const BITS: usize>(FpVar<Fr>);

/// A block number, an index, a nonce.
pub type U32 = Uint<32>;
/// A fee.
pub type U64 = Uint<64>;
/// A balance.
pub type U128 = Uint<128>;

impl<const BITS: usize> Uint<BITS> {
    const FITS: () = assert!(BITS >= 1 && BITS <= MAX_UNIQUE_BITS - 2, "1 to 251 bits");

    /// An integer of the prover's choice. `BITS` + 1 constraints.
    ///
    /// # Errors
    ///
    /// Those of `value`.
    pub fn hint(
        cs: &ConstraintSystemRef<Fr>,
        name: &'static str,
        value: impl FnOnce() -> Result<u128>,
    ) -> Result<Self> {
        Self::enforce("uint/range", &hint::field(cs, name, || Ok(Fr::from(value()?)))?)
    }

    /// `value`, enforcing under `name` that it is in range. `BITS` + 1 constraints.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::Unsatisfiable`] for a constant out of range.
    pub fn enforce(name: &'static str, value: &FpVar<Fr>) -> Result<Self> {
        let () = Self::FITS;
        bits(name, value, BITS)?;
        Ok(Self(value.clone()))
    }

    /// The integer with these bits, the least first, at most `BITS` of them. No constraint.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::ArityMismatch`] for more bits.
    pub fn from_bits(bits: &[Bit]) -> Result<Self> {
        let () = Self::FITS;
        if bits.len() > BITS {
            return Err(SynthesisError::ArityMismatch);
        }
        from_bits(bits).map(Self)
    }

    /// A constant.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::Unsatisfiable`] out of range.
    pub fn constant(value: u128) -> Result<Self> {
        Self::enforce("uint/range", &FpVar::Constant(Fr::from(value)))
    }

    /// `value` where the caller's constraints, or an invariant of the state, already keep it in range.
    ///
    /// Say which at the call.
    pub fn trust(value: FpVar<Fr>) -> Self {
        let () = Self::FITS;
        Self(value)
    }

    /// The integer as a field element.
    pub fn as_field(&self) -> &FpVar<Fr> {
        &self.0
    }

    /// The integer's value, if it fits 128 bits.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::AssignmentMissing`] when only the circuit's shape is asked for, or if it does not fit.
    pub fn value(&self) -> Result<u128> {
        let integer = self.0.value()?.into_bigint();
        match integer.0 {
            [low, high, 0, 0] => Ok(u128::from(low) | u128::from(high) << 64),
            _ => Err(SynthesisError::AssignmentMissing),
        }
    }

    /// The bits, the least first. `BITS` + 1 constraints.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn bits(&self) -> Result<Vec<Bit>> {
        bits("uint/bits", &self.0, BITS)
    }

    /// `self + other`, enforcing under `name` that the sum is in range. `BITS` + 1 constraints.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::Unsatisfiable`] for constants whose sum is not.
    pub fn checked_add(&self, name: &'static str, other: &Self) -> Result<Self> {
        Self::enforce(name, &weighted_sum([(Fr::ONE, &self.0), (Fr::ONE, &other.0)])?)
    }

    /// `self - other`, enforcing under `name` that it is not negative. `BITS` + 1 constraints.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::Unsatisfiable`] for constants whose difference is.
    pub fn checked_sub(&self, name: &'static str, other: &Self) -> Result<Self> {
        Self::enforce(name, &difference(&self.0, &other.0)?)
    }

    /// Enforces under `name` that `self <= other`. `BITS` + 1 constraints.
    ///
    /// # Errors
    ///
    /// As [`Self::checked_sub`].
    pub fn enforce_at_most(&self, name: &'static str, other: &Self) -> Result<()> {
        other.checked_sub(name, self).map(|_| ())
    }

    /// Whether `self < other`. `BITS` + 2 constraints.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn is_less_than(&self, other: &Self) -> Result<Bit> {
        // other - self - 1 + 2^N is in 0..2^(N+1), and its top bit says that self < other.
        let offset = Fr::from(2u64).pow([BITS as u64]) - Fr::ONE;
        let shifted = Linear::of(&other.0).plus(-Fr::ONE, &self.0).plus_constant(offset).finish()?;
        let mut bits = bits("uint/is_less_than", &shifted, BITS + 1)?;
        bits.pop().ok_or(SynthesisError::ArityMismatch)
    }

    /// Whether `self = other`. Three constraints.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn is_equal(&self, other: &Self) -> Result<Bit> {
        is_equal(&self.0, &other.0)
    }

    /// `if_one` where `bit` is 1, else `if_zero`. One constraint.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn select(bit: &Bit, if_one: &Self, if_zero: &Self) -> Result<Self> {
        bit.select(&if_one.0, &if_zero.0).map(Self)
    }

    /// `self` where `bit` is 1, else 0. One constraint.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn and(&self, bit: &Bit) -> Result<Self> {
        product(&self.0, bit.as_field()).map(Self)
    }

    /// The same integer in a type of more bits. No constraint.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::ArityMismatch`] for a type of fewer bits.
    pub fn widen<const WIDER: usize>(&self) -> Result<Uint<WIDER>> {
        if WIDER < BITS {
            return Err(SynthesisError::ArityMismatch);
        }
        Ok(Uint::trust(self.0.clone()))
    }
}

/// Packs integers into one field element, the first at the lowest bits: each is given with its width. No constraint.
///
/// Injective, for elements that are below 2^width each, since the widths together are at most 253.
///
/// # Errors
///
/// [`SynthesisError::ArityMismatch`] when the widths together exceed 253.
pub fn pack<'a>(parts: impl IntoIterator<Item = (&'a FpVar<Fr>, usize)>) -> Result<FpVar<Fr>> {
    let mut sum = Linear::new(&ConstraintSystemRef::None);
    let mut at = 0;
    for (part, width) in parts {
        sum.add(Fr::from(2u64).pow([at as u64]), part);
        at += width;
    }
    if at > MAX_UNIQUE_BITS {
        return Err(SynthesisError::ArityMismatch);
    }
    sum.finish()
}

#[cfg(test)]
mod tests;
