//! Public keys and signatures: no panic, one encoding each, and no signature that nobody made.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use zkpov_verifier::eddsa::{PUBLIC_KEY_LEN, PublicKey, SIGNATURE_LEN, Signature, verify};
use zkpov_verifier::testing::{Author, element};

static AUTHOR: LazyLock<Author> = LazyLock::new(|| Author::new("fuzz"));

fuzz_target!(|bytes: &[u8]| {
    if let Some((bytes, _)) = bytes.split_first_chunk::<PUBLIC_KEY_LEN>() {
        if let Ok(key) = PublicKey::from_bytes(bytes) {
            assert_eq!(&key.to_bytes(), bytes, "two encodings of one key");
            let _ = key.check_subgroup();
        }
    }
    if let Some((bytes, _)) = bytes.split_first_chunk::<SIGNATURE_LEN>() {
        if let Ok(signature) = Signature::from_bytes(bytes) {
            assert_eq!(&signature.to_bytes(), bytes, "two encodings of one signature");
            assert!(verify(&AUTHOR.key(), element("nobody signs this"), &signature).is_err());
        }
    }
});
