//! Public inputs: no panic, and what is read writes the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkpov_circom::json::{parse_public_inputs, write_public_inputs};

fuzz_target!(|bytes: &[u8]| {
    let Ok(inputs) = parse_public_inputs(bytes) else { return };
    assert_eq!(parse_public_inputs(write_public_inputs(&inputs).as_bytes()), Ok(inputs));
});
