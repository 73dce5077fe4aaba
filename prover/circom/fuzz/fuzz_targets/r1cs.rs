//! Circuits: no panic, memory in proportion to the input, and what is read writes the same circuit again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkpov_circom::r1cs::{Circuit, write};

fuzz_target!(|bytes: &[u8]| {
    let Ok(circuit) = Circuit::parse(bytes) else { return };
    let mut written = Vec::new();
    write(&mut written, &circuit).expect("memory takes everything");
    assert_eq!(Circuit::parse(&written), Ok(circuit), "two circuits of one file");
});
