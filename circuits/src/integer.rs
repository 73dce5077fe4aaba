//! Unsigned integers inside field elements: packing several into one, and taking them out again.

use ark_ff::{BigInteger, PrimeField};
use zkpov_verifier::{babyjubjub::Scalar, field::Fr};

/// `2^bits` as a field element; `bits` is below 254.
pub fn power_of_two(bits: u32) -> Fr {
    let mut limbs = [0u64; 4];
    if let Some(limb) = limbs.get_mut(bits as usize / 64) {
        *limb = 1 << (bits % 64);
    }
    // Below the modulus for every `bits` under 254, which has 254 bits and is not a power of two.
    Fr::from_bigint(ark_ff::BigInt(limbs)).unwrap_or_default()
}

/// The sum of `value * 2^shift`: an injective packing if the values fit between the shifts and the
/// whole fits 253 bits.
pub fn pack(parts: &[(Fr, u32)]) -> Fr {
    parts.iter().map(|(value, shift)| *value * power_of_two(*shift)).sum()
}

/// Takes the integer of `bits` (at most 128) bits that starts at bit `shift` out of a packing.
pub fn unpack(packed: &Fr, shift: u32, bits: u32) -> u128 {
    let mut integer = packed.into_bigint();
    integer >>= shift;
    let value = u128::from(integer.0[0]) | (u128::from(integer.0[1]) << 64);
    if bits < u128::BITS { value & ((1 << bits) - 1) } else { value }
}

/// A scalar of Baby Jubjub's prime subgroup as a field element: its order is below the field's.
pub fn scalar_to_field(scalar: &Scalar) -> Fr {
    Fr::from_bigint(scalar.into_bigint()).unwrap_or_default()
}

/// A field element as a scalar of Baby Jubjub's prime subgroup, if it is below its order.
pub fn field_to_scalar(element: &Fr) -> Option<Scalar> {
    Scalar::from_bigint(element.into_bigint())
}

/// The element as an integer, if it is below `2^128`.
pub fn to_u128(element: &Fr) -> Option<u128> {
    let integer = element.into_bigint();
    (integer.num_bits() <= u128::BITS).then(|| unpack(element, 0, u128::BITS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn unpacking_inverts_packing(a: u32, b: u128, c: u64) {
            let packed = pack(&[(a.into(), 0), (b.into(), 32), (c.into(), 160)]);
            prop_assert_eq!(unpack(&packed, 0, 32), u128::from(a));
            prop_assert_eq!(unpack(&packed, 32, 128), b);
            prop_assert_eq!(unpack(&packed, 160, 64), u128::from(c));
        }
    }

    #[test]
    fn only_elements_below_two_to_the_128_are_u128() {
        assert_eq!(to_u128(&Fr::from(u128::MAX)), Some(u128::MAX));
        assert_eq!(to_u128(&power_of_two(128)), None);
        assert_eq!(to_u128(&-Fr::from(1u64)), None);
    }
}
