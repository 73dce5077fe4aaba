//! The scalar field of BN254: what a circuit computes in, and its one encoding as bytes.
//!
//! ```text
//!  [u8; 32], little-endian ──decode──► Fr      refused at p and above, so a value has one encoding
//!                          ◄──encode──
//!  hash, [u8; 32]          ──limbs_of_hash──► [Fr; 2]   low and high 128 bits: a 256-bit hash is wider than Fr
//!  "zkpov/statement/1"     ──domain──► Fr               a tag that keeps hashes of different meanings apart
//! ```

use ark_ff::{BigInt, PrimeField};

pub use ark_bn254::Fr;

/// Bytes of an encoded field element.
pub const ENCODED_LEN: usize = 32;

/// The bytes stand for an integer that is not below the field's modulus.
///
/// Were such an integer reduced, two byte strings would mean the same element, and whoever relays bytes
/// could change them (and every hash of them) without changing what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a field element is not canonical: it must be below the modulus of BN254's scalar field")]
pub struct NonCanonical;

/// The canonical encoding: 32 bytes, little-endian.
pub fn encode(element: &Fr) -> [u8; ENCODED_LEN] {
    bytes_of_integer(&element.into_bigint())
}

/// The field element that `bytes` canonically encode.
///
/// # Errors
///
/// [`NonCanonical`] for an integer at or above the modulus.
pub fn decode(bytes: &[u8; ENCODED_LEN]) -> Result<Fr, NonCanonical> {
    Fr::from_bigint(integer_of_bytes(bytes)).ok_or(NonCanonical)
}

/// A 32-byte hash as two field elements of 128 bits, each little-endian, the low one first.
///
/// Injective, unlike a reduction modulo the field's order.
pub fn limbs_of_hash(hash: [u8; 32]) -> [Fr; 2] {
    let [a, b, c, d] = integer_of_bytes(&hash).0;
    [Fr::from(u128::from(a) | u128::from(b) << 64), Fr::from(u128::from(c) | u128::from(d) << 64)]
}

/// The field element of a domain tag: its ASCII bytes, at most 31, as a little-endian integer.
///
/// A tag in front of what is hashed keeps hashes of different meanings apart.
///
/// # Panics
///
/// When the tag is longer, or not ASCII. Tags are constants: evaluate this in one.
pub const fn domain(tag: &str) -> Fr {
    let bytes = tag.as_bytes();
    assert!(tag.is_ascii() && bytes.len() < ENCODED_LEN, "a domain tag is at most 31 ASCII bytes");
    let mut limbs = [0; 4];
    let mut index = 0;
    while index < bytes.len() {
        limbs[index / 8] |= (bytes[index] as u64) << (8 * (index % 8));
        index += 1;
    }
    Fr::new(BigInt(limbs))
}

/// 32 little-endian bytes as an integer of four 64-bit limbs.
pub(crate) fn integer_of_bytes(bytes: &[u8; ENCODED_LEN]) -> BigInt<4> {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_le_bytes(*chunk);
    }
    BigInt(limbs)
}

/// An integer of four 64-bit limbs as 32 little-endian bytes.
pub(crate) fn bytes_of_integer(integer: &BigInt<4>) -> [u8; ENCODED_LEN] {
    let mut bytes = [0; ENCODED_LEN];
    for (chunk, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(integer.0) {
        *chunk = limb.to_le_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{AdditiveGroup, BigInteger, Field};
    use proptest::prelude::*;

    fn modulus_plus(more: u64) -> [u8; 32] {
        let mut integer = Fr::MODULUS;
        assert!(!integer.add_with_carry(&BigInt::from(more)));
        bytes_of_integer(&integer)
    }

    proptest! {
        #[test]
        fn decoding_inverts_encoding(bytes: [u8; 32]) {
            let element = Fr::from_le_bytes_mod_order(&bytes);
            prop_assert_eq!(decode(&encode(&element)), Ok(element));
        }

        #[test]
        fn what_decodes_encodes_to_the_same_bytes(mut bytes: [u8; 32]) {
            bytes[31] &= 0x3f;
            match decode(&bytes) {
                Ok(element) => prop_assert_eq!(encode(&element), bytes),
                Err(NonCanonical) => prop_assert!(integer_of_bytes(&bytes) >= Fr::MODULUS),
            }
        }

        #[test]
        fn limbs_of_a_hash_give_the_hash_back(hash: [u8; 32]) {
            let [low, high] = limbs_of_hash(hash).map(|limb| encode(&limb));
            prop_assert_eq!(&low[..16], &hash[..16]);
            prop_assert_eq!(&high[..16], &hash[16..]);
            prop_assert!(low[16..].iter().chain(&high[16..]).all(|byte| *byte == 0));
        }
    }

    #[test]
    fn a_domain_tag_is_its_ascii_bytes() {
        const TAG: Fr = domain("zkpov/statement/1");
        let mut bytes = [0; 32];
        bytes[..17].copy_from_slice(b"zkpov/statement/1");
        assert_eq!(encode(&TAG), bytes);
    }

    #[test]
    fn integers_from_the_modulus_up_are_refused() {
        let mut largest = Fr::MODULUS;
        assert!(!largest.sub_with_borrow(&BigInt::from(1u64)));
        assert_eq!(decode(&bytes_of_integer(&largest)), Ok(-Fr::ONE));
        assert_eq!(decode(&[0; 32]), Ok(Fr::ZERO));
        for bytes in [modulus_plus(0), modulus_plus(1), [0xff; 32]] {
            assert_eq!(decode(&bytes), Err(NonCanonical));
        }
    }
}
