//! Groth16 proofs and verifying keys: no panic, one encoding, and no proof of a statement that the key's maker
//! did not prove.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use zkpov_verifier::groth16::{PROOF_BYTES, PreparedVerifyingKey, Proof, VERIFYING_KEY_BYTES, VerifyingKey};
use zkpov_verifier::testing::{Trapdoor, element};

static KEY: LazyLock<PreparedVerifyingKey> =
    LazyLock::new(|| (&Trapdoor::new("fuzz").verifying_key()).into());

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proof) = Proof::decode(bytes) {
        assert_eq!(proof.encode(), bytes, "two encodings of one proof");
        assert!(KEY.verify(element("nobody proves this"), &proof).is_err());
    }
    if let Some(bytes) = bytes.first_chunk::<VERIFYING_KEY_BYTES>() {
        if let Ok(key) = VerifyingKey::decode(bytes) {
            assert_eq!(&key.encode(), bytes, "two encodings of one verifying key");
        }
    }
    const { assert!(PROOF_BYTES < VERIFYING_KEY_BYTES) };
});
