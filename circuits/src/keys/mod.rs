//! Secret keys: what signs extrinsics and blocks.
//!
//! ```text
//!  seed, 32 bytes ──BLAKE-512──┬─ first half, pruned ─► secret scalar ──·BASE8──► public key
//!                              └─ second half ─┐
//!  message ────────────────────────────────────┴─BLAKE-512─► nonce ──·BASE8──► R8 ─► S = nonce + 8·h·secret
//! ```
//!
//! Keys and signatures are circomlibjs' (`buildEddsa`: `prv2pub`, `signPoseidon`) and those of
//! @zk-kit/eddsa-poseidon's default, `blake-1`, byte for byte: a seed moves from and to those wallets. Both hash
//! the key they are given as bytes, and zk-kit from 1.0 takes a *string* as its UTF-8 bytes, hexadecimal or
//! not: who has such a key as a string of another length than 32 bytes cannot use it here, and who has the hex
//! of 32 bytes must hand zk-kit the bytes and not the string. zk-kit's `blake-2b` derives other keys.
//!
//! The nonce follows from key and message, so no signature depends on the quality of random numbers, and
//! the same message is signed the same.

mod blake512;

use ark_bn254::Fr;
use ark_ff::PrimeField;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};
use zkpov_verifier::babyjubjub::{COFACTOR, Point, Scalar};
use zkpov_verifier::eddsa::{self, PublicKey, Signature};
use zkpov_verifier::field;

/// Bytes of a seed.
pub const SEED_LEN: usize = 32;

/// A secret key, derived from a seed; erased from memory when dropped, and never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey {
    seed: [u8; SEED_LEN],
    /// What BASE8 is multiplied by for the public key.
    scalar: Scalar,
    /// What nonces are derived from.
    nonce_seed: [u8; SEED_LEN],
    #[zeroize(skip)]
    public_key: PublicKey,
}

impl SecretKey {
    /// The key of a seed; any 32 bytes are one, and only unpredictable ones are a secret.
    ///
    /// # Panics
    ///
    /// For a seed that derives the scalar 0, which takes 2^250 seeds to find.
    pub fn from_seed(seed: [u8; SEED_LEN]) -> Self {
        let digest = blake512::digest(&[&seed]);
        let mut pruned = Zeroizing::new([0; SEED_LEN]);
        let mut nonce_seed = [0; SEED_LEN];
        pruned.copy_from_slice(&digest[..SEED_LEN]);
        nonce_seed.copy_from_slice(&digest[SEED_LEN..]);

        // Ed25519's pruning: a multiple of the cofactor with bit 254 as the highest. BASE8 already carries the
        // cofactor: circomlib divides the integer by 8 again.
        pruned[0] &= 0b1111_1000;
        pruned[SEED_LEN - 1] = pruned[SEED_LEN - 1] & 0b0111_1111 | 0b0100_0000;
        let mut carry = 0;
        for byte in pruned.iter_mut().rev() {
            (*byte, carry) = (*byte >> 3 | carry, *byte << 5);
        }
        let scalar = Scalar::from_le_bytes_mod_order(&*pruned);
        let public_key = PublicKey::new_on_curve(Point::BASE8.multiply_secret(&scalar))
            .expect("no seed is known that derives the scalar 0");
        Self { seed, scalar, nonce_seed, public_key }
    }

    /// The seed, to be kept where nobody else reads it.
    pub fn seed(&self) -> &[u8; SEED_LEN] {
        &self.seed
    }

    /// The public key: BASE8 times the secret scalar, so a point of the prime subgroup.
    pub fn public_key(&self) -> PublicKey {
        self.public_key
    }

    /// Signs a message, as circomlibjs' `signPoseidon`.
    pub fn sign(&self, message: Fr) -> Signature {
        let nonce_bytes = blake512::digest(&[&self.nonce_seed, &field::encode(&message)]);
        let nonce = Zeroizing::new(Scalar::from_le_bytes_mod_order(&*nonce_bytes));
        let r8 = Point::BASE8.multiply_secret(&nonce);
        let challenge = field::encode(&eddsa::challenge(&r8, &self.public_key, message));
        let challenge = Scalar::from_le_bytes_mod_order(&challenge);
        let s = *nonce + Scalar::from(COFACTOR) * challenge * self.scalar;
        Signature { r8, s }
    }
}

impl core::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SecretKey").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::str::FromStr;

    #[test]
    fn keys_and_signatures_are_circomlibjs_and_zk_kits() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/vectors/eddsa.json");
        let vectors = std::fs::read(path).expect("vectors from npm");
        let vectors: Vec<serde_json::Value> = serde_json::from_slice(&vectors).expect("a JSON array");
        let element = |value: &serde_json::Value| {
            Fr::from_str(value.as_str().expect("a decimal string")).expect("a field element")
        };
        let point = |value: &serde_json::Value| Point { x: element(&value[0]), y: element(&value[1]) };
        for vector in &vectors {
            let mut seed = [0; SEED_LEN];
            hex::decode_to_slice(vector["private_key"].as_str().expect("hex"), &mut seed).expect("32 bytes");
            let key = SecretKey::from_seed(seed);
            assert_eq!(*key.public_key().point(), point(&vector["public_key"]));
            let signature = key.sign(element(&vector["message"]));
            assert_eq!(signature.r8, point(&vector["r8"]));
            assert_eq!(signature.s.to_string(), vector["s"].as_str().expect("a decimal string"));
        }
        for signer in ["circomlibjs", "zk-kit"] {
            assert!(vectors.iter().any(|vector| vector["signer"] == signer), "no vector by {signer}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn what_a_key_signs_its_public_key_verifies(seed: [u8; SEED_LEN], message: [u8; 32]) {
            let key = SecretKey::from_seed(seed);
            let message = Fr::from_le_bytes_mod_order(&message);
            prop_assert_eq!(PublicKey::new(*key.public_key().point()), Ok(key.public_key()));
            prop_assert_eq!(eddsa::verify(&key.public_key(), message, &key.sign(message)), Ok(()));
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let key = SecretKey::from_seed([7; SEED_LEN]);
        let public = format!("SecretKey {{ public_key: {:?}, .. }}", key.public_key());
        assert_eq!(format!("{key:?}"), public);
    }
}
