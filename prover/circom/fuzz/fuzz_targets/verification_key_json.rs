//! Verification keys: no panic, and what is read writes the same key again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkpov_circom::json::{parse_verifying_key, write_verifying_key};

fuzz_target!(|bytes: &[u8]| {
    let Ok(key) = parse_verifying_key(bytes) else { return };
    assert_eq!(parse_verifying_key(write_verifying_key(&key).as_bytes()), Ok(key));
});
