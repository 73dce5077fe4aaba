//! Proofs: no panic, and what is read writes the same proof again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkpov_circom::json::{parse_proof, write_proof};

fuzz_target!(|bytes: &[u8]| {
    let Ok(proof) = parse_proof(bytes) else { return };
    assert_eq!(parse_proof(write_proof(&proof).as_bytes()), Ok(proof));
});
