//! EdDSA over Baby Jubjub with Poseidon: the verification of circomlib's `EdDSAPoseidonVerifier`.
//!
//! ```text
//!  public key A ─┐
//!  message M ────┼─► h = Poseidon(R8.x, R8.y, A.x, A.y, M) ─► S·BASE8 = R8 + 8·h·A ?
//!  R8, S ────────┘
//! ```
//!
//! What circomlibjs and @zk-kit/eddsa-poseidon sign is accepted, and nothing that they refuse. What each check stops:
//!
//! | check | where | stops |
//! |---|---|---|
//! | S below the order `l` | [`Scalar`] is one | a second signature, S + l, of the same message by whoever sees the first |
//! | coordinates canonical | decoding | a second encoding of the same signature or key |
//! | R8 and A on the curve | [`verify`], [`PublicKey`] | sums that are no group's, for which the equation proves nothing |
//! | A is not the identity | [`PublicKey`] | (S·BASE8, S) signing every message: the equation is free of h |
//! | A in the prime subgroup | [`PublicKey::new`] | keys of order 2, 4 and 8, under which the same forgery holds; and eight keys (A and A + torsion) to one secret |
//!
//! R8 needs no subgroup check: S·BASE8 and 8·h·A are in the prime subgroup, so the equation holds for no R8
//! outside it. An R8 that is the identity is as good as any other: it says that the signer's nonce was 0, and
//! the equation still demands the secret.
//!
//! Source: circomlib's `eddsaposeidon.circom`, circomlibjs' `verifyPoseidon`; Bernstein et al., "EdDSA for more
//! curves".

use ark_ff::{BigInt, BigInteger, PrimeField};
use codec::{Decode, Encode, EncodeLike, Input, MaxEncodedLen, Output};

use crate::babyjubjub::{self, Point, Scalar};
use crate::field::{self, ENCODED_LEN, Fr, bytes_of_integer, integer_of_bytes};
use crate::poseidon;

/// Bytes of an encoded public key: x, y.
pub const PUBLIC_KEY_LEN: usize = 2 * ENCODED_LEN;

/// Bytes of an encoded signature: R8.x, R8.y, S.
pub const SIGNATURE_LEN: usize = 3 * ENCODED_LEN;

/// A pair of coordinates, or bytes, that is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.as_str())]
pub enum PublicKeyError {
    /// A coordinate's bytes stand for an integer at or above the modulus.
    NonCanonical,
    /// The point is not on Baby Jubjub.
    OffCurve,
    /// The point is the neutral element, under which anyone can sign.
    Identity,
    /// The point has a torsion component.
    OutsidePrimeSubgroup,
}

impl PublicKeyError {
    /// The cause in words.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NonCanonical => "public key: a coordinate is not a canonical field element",
            Self::OffCurve => "public key: the point is not on Baby Jubjub",
            Self::Identity => "public key: the point is the identity, under which anyone can sign",
            Self::OutsidePrimeSubgroup => "public key: the point is outside the prime subgroup",
        }
    }
}

/// Bytes that are no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.as_str())]
pub enum SignatureDecodeError {
    /// A coordinate of R8 stands for an integer at or above the modulus.
    NonCanonical,
    /// R8 is not on Baby Jubjub.
    OffCurve,
    /// S is not below the order of the prime subgroup.
    ScalarOutOfRange,
}

impl SignatureDecodeError {
    /// The cause in words.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NonCanonical => "signature: a coordinate of R8 is not a canonical field element",
            Self::OffCurve => "signature: R8 is not on Baby Jubjub",
            Self::ScalarOutOfRange => "signature: S is not below the order of the prime subgroup",
        }
    }
}

/// A signature that does not sign the message under the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// R8 is not on Baby Jubjub.
    #[error("signature: R8 is not on Baby Jubjub")]
    OffCurve,
    /// The verification equation does not hold.
    #[error("signature: does not sign this message under this key")]
    Mismatch,
}

/// A point of Baby Jubjub that may own an account: on the curve and not the identity.
///
/// [`PublicKey::new`] also checks the prime subgroup, and does so wherever a key enters the state (when an account
/// is opened, and at genesis). Decoding does not, for the keys that a state already holds are decoded in
/// numbers: whoever takes a key from somewhere else calls [`PublicKey::check_subgroup`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey(Point);

impl PublicKey {
    /// The key of a point from anywhere, fully checked.
    ///
    /// # Errors
    ///
    /// [`PublicKeyError`] says which check fails.
    pub fn new(point: Point) -> Result<Self, PublicKeyError> {
        let key = Self::new_on_curve(point)?;
        key.check_subgroup()?;
        Ok(key)
    }

    /// The key of a point whose membership of the prime subgroup is known, as that of a key in a proven state
    /// is: checks the rest, at a hundredth of the cost.
    ///
    /// # Errors
    ///
    /// [`PublicKeyError::OffCurve`] and [`PublicKeyError::Identity`].
    pub fn new_on_curve(point: Point) -> Result<Self, PublicKeyError> {
        if !point.is_on_curve() {
            return Err(PublicKeyError::OffCurve);
        }
        if point.is_identity() {
            return Err(PublicKeyError::Identity);
        }
        Ok(Self(point))
    }

    /// Checks that the point is in the prime subgroup.
    ///
    /// # Errors
    ///
    /// [`PublicKeyError::OutsidePrimeSubgroup`].
    pub fn check_subgroup(&self) -> Result<(), PublicKeyError> {
        if self.0.in_prime_subgroup() { Ok(()) } else { Err(PublicKeyError::OutsidePrimeSubgroup) }
    }

    /// The point.
    pub fn point(&self) -> &Point {
        &self.0
    }

    /// The coordinates x, y, as they are hashed.
    pub fn coordinates(&self) -> [Fr; 2] {
        [self.0.x, self.0.y]
    }

    /// The encoding: x, y, each 32 bytes little-endian.
    pub fn to_bytes(&self) -> [u8; PUBLIC_KEY_LEN] {
        concat([field::encode(&self.0.x), field::encode(&self.0.y)])
    }

    /// The key that 64 bytes encode; as [`PublicKey::new_on_curve`], without the subgroup's check.
    ///
    /// # Errors
    ///
    /// [`PublicKeyError::NonCanonical`], [`PublicKeyError::OffCurve`] and [`PublicKeyError::Identity`].
    pub fn from_bytes(bytes: &[u8; PUBLIC_KEY_LEN]) -> Result<Self, PublicKeyError> {
        let ([x, y], []) = bytes.as_chunks() else { return Err(PublicKeyError::NonCanonical) };
        let point = decode_point(x, y).map_err(|_| PublicKeyError::NonCanonical)?;
        Self::new_on_curve(point)
    }
}

/// A signature. S is below the order `l` by its type; [`verify`] checks that R8 is on the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// The nonce times BASE8.
    pub r8: Point,
    /// The response: nonce + 8·h·secret modulo `l`.
    pub s: Scalar,
}

impl Signature {
    /// The encoding: R8.x, R8.y, S, each 32 bytes little-endian.
    pub fn to_bytes(&self) -> [u8; SIGNATURE_LEN] {
        let s = bytes_of_integer(&self.s.into_bigint());
        concat([field::encode(&self.r8.x), field::encode(&self.r8.y), s])
    }

    /// The signature that 96 bytes encode.
    ///
    /// # Errors
    ///
    /// [`SignatureDecodeError`] says what is not canonical, or that R8 is off the curve.
    pub fn from_bytes(bytes: &[u8; SIGNATURE_LEN]) -> Result<Self, SignatureDecodeError> {
        let ([x, y, s], []) = bytes.as_chunks() else { return Err(SignatureDecodeError::NonCanonical) };
        let r8 = decode_point(x, y).map_err(|_| SignatureDecodeError::NonCanonical)?;
        if !r8.is_on_curve() {
            return Err(SignatureDecodeError::OffCurve);
        }
        let s = Scalar::from_bigint(integer_of_bytes(s)).ok_or(SignatureDecodeError::ScalarOutOfRange)?;
        Ok(Self { r8, s })
    }
}

/// The challenge of a signature: Poseidon(R8.x, R8.y, A.x, A.y, M).
pub fn challenge(r8: &Point, key: &PublicKey, message: Fr) -> Fr {
    poseidon::hash(&[r8.x, r8.y, key.0.x, key.0.y, message])
}

/// Checks that `signature` signs `message` under `key`.
///
/// # Errors
///
/// [`SignatureError`].
pub fn verify(key: &PublicKey, message: Fr, signature: &Signature) -> Result<(), SignatureError> {
    if !signature.r8.is_on_curve() {
        return Err(SignatureError::OffCurve);
    }
    let h = reduce(challenge(&signature.r8, key, message).into_bigint());
    if babyjubjub::is_base_minus_eightfold(&signature.s, h, &key.0, &signature.r8) {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// An integer below 8·l, as every field element is, modulo `l`.
fn reduce(mut integer: BigInt<4>) -> BigInt<4> {
    for doublings in (0..3).rev() {
        let multiple = Scalar::MODULUS << doublings;
        if integer >= multiple {
            let _borrow = integer.sub_with_borrow(&multiple);
        }
    }
    integer
}

fn decode_point(x: &[u8; ENCODED_LEN], y: &[u8; ENCODED_LEN]) -> Result<Point, field::NonCanonical> {
    Ok(Point { x: field::decode(x)?, y: field::decode(y)? })
}

/// `PARTS` encodings, one after the other, in the `LEN = 32·PARTS` bytes of the caller's type.
fn concat<const PARTS: usize, const LEN: usize>(parts: [[u8; ENCODED_LEN]; PARTS]) -> [u8; LEN] {
    const { assert!(LEN == PARTS * ENCODED_LEN) };
    let mut bytes = [0; LEN];
    for (chunk, part) in bytes.as_chunks_mut().0.iter_mut().zip(parts) {
        *chunk = part;
    }
    bytes
}

/// SCALE: the fixed-length encoding and nothing around it.
macro_rules! fixed_length_codec {
    ($type:ty, $length:expr) => {
        impl Encode for $type {
            fn size_hint(&self) -> usize {
                $length
            }

            fn encode_to<O: Output + ?Sized>(&self, output: &mut O) {
                output.write(&self.to_bytes());
            }
        }

        impl EncodeLike for $type {}

        impl MaxEncodedLen for $type {
            fn max_encoded_len() -> usize {
                $length
            }
        }

        impl Decode for $type {
            fn decode<I: Input>(input: &mut I) -> Result<Self, codec::Error> {
                let mut bytes = [0; $length];
                input.read(&mut bytes)?;
                Self::from_bytes(&bytes).map_err(|error| codec::Error::from(error.as_str()))
            }
        }
    };
}

fixed_length_codec!(PublicKey, PUBLIC_KEY_LEN);
fixed_length_codec!(Signature, SIGNATURE_LEN);

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{AdditiveGroup, Field, MontFp};
    use proptest::prelude::*;

    /// Signs with the secret scalar `secret` (circomlib's, already divided by the cofactor) and a given nonce.
    fn sign(secret: Scalar, nonce: Scalar, message: Fr) -> (PublicKey, Signature) {
        let key = PublicKey::new(Point::BASE8.multiply(&secret)).expect("the secret is not 0");
        let r8 = Point::BASE8.multiply(&nonce);
        let h = Scalar::from_bigint(reduce(challenge(&r8, &key, message).into_bigint())).expect("reduced");
        (key, Signature { r8, s: nonce + Scalar::from(babyjubjub::COFACTOR) * h * secret })
    }

    fn signed() -> (PublicKey, Fr, Signature) {
        let message = Fr::from(42u64);
        let (key, signature) = sign(Scalar::from(77u64), Scalar::from(1234u64), message);
        (key, message, signature)
    }

    fn scalar() -> impl Strategy<Value = Scalar> {
        any::<[u8; 32]>().prop_map(|bytes| Scalar::from_le_bytes_mod_order(&bytes) + Scalar::ONE)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_signature_verifies_and_survives_its_encoding(secret in scalar(), nonce in scalar(), message: [u8; 32]) {
            let message = Fr::from_le_bytes_mod_order(&message);
            let (key, signature) = sign(secret, nonce, message);
            prop_assert_eq!(verify(&key, message, &signature), Ok(()));
            prop_assert_eq!(verify(&key, message + Fr::ONE, &signature), Err(SignatureError::Mismatch));
            prop_assert_eq!(PublicKey::decode(&mut &key.encode()[..]), Ok(key));
            prop_assert_eq!(Signature::decode(&mut &signature.encode()[..]), Ok(signature));
            prop_assert_eq!([key.encode().len(), signature.encode().len()], [PUBLIC_KEY_LEN, SIGNATURE_LEN]);
        }

        #[test]
        fn integers_below_eight_l_are_reduced(bytes: [u8; 32]) {
            let element = Fr::from_le_bytes_mod_order(&bytes);
            let expected = Scalar::from_le_bytes_mod_order(&field::encode(&element));
            prop_assert_eq!(reduce(element.into_bigint()), expected.into_bigint());
        }
    }

    #[test]
    fn every_changed_bit_of_a_signature_is_refused() {
        let (key, message, signature) = signed();
        for bit in 0..8 * SIGNATURE_LEN {
            let mut bytes = signature.to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(changed) = Signature::from_bytes(&bytes) {
                assert_eq!(verify(&key, message, &changed), Err(SignatureError::Mismatch), "bit {bit}");
            }
        }
        assert_eq!(verify(&key, message, &signature), Ok(()));
    }

    #[test]
    fn s_plus_the_order_is_refused() {
        let (key, message, signature) = signed();
        let mut s = signature.s.into_bigint();
        let mut bytes = signature.to_bytes();
        while !s.add_with_carry(&Scalar::MODULUS) {
            bytes[2 * ENCODED_LEN..].copy_from_slice(&bytes_of_integer(&s));
            assert_eq!(Signature::from_bytes(&bytes), Err(SignatureDecodeError::ScalarOutOfRange));
        }
        assert_eq!(verify(&key, message, &signature), Ok(()));
    }

    #[test]
    fn coordinates_at_the_modulus_and_above_are_refused() {
        let (key, _, signature) = signed();
        for coordinate in 0..2 {
            let place = coordinate * ENCODED_LEN..(coordinate + 1) * ENCODED_LEN;
            let (mut of_key, mut of_signature) = (key.to_bytes(), signature.to_bytes());
            for bytes in [of_key.as_mut_slice(), &mut of_signature] {
                let encoded: &mut [u8; 32] = (&mut bytes[place.clone()]).try_into().expect("32 bytes");
                let mut integer = integer_of_bytes(encoded);
                assert!(!integer.add_with_carry(&Fr::MODULUS));
                *encoded = bytes_of_integer(&integer);
            }
            assert_eq!(PublicKey::from_bytes(&of_key), Err(PublicKeyError::NonCanonical));
            assert_eq!(Signature::from_bytes(&of_signature), Err(SignatureDecodeError::NonCanonical));
        }
    }

    #[test]
    fn points_off_the_curve_are_refused() {
        let (key, message, signature) = signed();
        let off = Point { x: signature.r8.x + Fr::ONE, y: signature.r8.y };
        let changed = Signature { r8: off, s: signature.s };
        assert_eq!(verify(&key, message, &changed), Err(SignatureError::OffCurve));
        assert_eq!(Signature::from_bytes(&changed.to_bytes()), Err(SignatureDecodeError::OffCurve));
        assert_eq!(PublicKey::new(off), Err(PublicKeyError::OffCurve));
        assert_eq!(PublicKey::from_bytes(&PublicKey(off).to_bytes()), Err(PublicKeyError::OffCurve));
    }

    /// An order-8 key: with any nonce, S = nonce signs every message. Only the subgroup's check refuses it.
    #[test]
    fn a_key_of_small_order_signs_everything_and_is_refused() {
        let generator = Point {
            x: MontFp!("995203441582195749578291179787384436505546430278305826713579947235728471134"),
            y: MontFp!("5472060717959818805561601436314318772137091100104008585924551046643952123905"),
        };
        let torsion = generator.multiply(&-Scalar::ONE).add(&generator);
        assert!(!torsion.is_identity());
        let forged = Signature { r8: Point::BASE8, s: Scalar::ONE };
        for key in [torsion, torsion.double(), torsion.double().double()] {
            let unchecked = PublicKey::new_on_curve(key).expect("on the curve");
            assert_eq!(verify(&unchecked, Fr::from(5u64), &forged), Ok(()));
            assert_eq!(PublicKey::new(key), Err(PublicKeyError::OutsidePrimeSubgroup));
        }
        assert_eq!(verify(&PublicKey(Point::IDENTITY), Fr::from(5u64), &forged), Ok(()));
        assert_eq!(PublicKey::new(Point::IDENTITY), Err(PublicKeyError::Identity));
        assert_eq!(
            PublicKey::from_bytes(&PublicKey(Point::IDENTITY).to_bytes()),
            Err(PublicKeyError::Identity)
        );
    }

    #[test]
    fn an_identity_r8_gives_nothing_away() {
        let (key, message, signature) = signed();
        let forged = Signature { r8: Point::IDENTITY, s: signature.s };
        assert_eq!(verify(&key, message, &forged), Err(SignatureError::Mismatch));
        assert_eq!(
            verify(&key, message, &Signature { s: Scalar::ZERO, ..forged }),
            Err(SignatureError::Mismatch)
        );
        let (key, nonce_zero) = sign(Scalar::from(77u64), Scalar::ZERO, message);
        assert_eq!(verify(&key, message, &nonce_zero), Ok(()));
    }

    #[test]
    fn errors_of_decoding_name_the_cause() {
        let (key, _, signature) = signed();
        let mut bytes = signature.to_bytes();
        bytes[2 * ENCODED_LEN..].fill(0xff);
        let error = Signature::decode(&mut &bytes[..]).expect_err("S is out of range");
        assert_eq!(error, codec::Error::from(SignatureDecodeError::ScalarOutOfRange.as_str()));
        assert!(PublicKey::decode(&mut &key.to_bytes()[..63]).is_err());
    }
}
