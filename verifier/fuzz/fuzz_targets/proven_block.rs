//! Proven blocks: no panic, no memory beyond a small multiple of the input, and what decodes has one encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkpov_verifier::block::ProvenBlock;

fuzz_target!(|bytes: &[u8]| {
    let Ok(block) = ProvenBlock::decode(bytes) else { return };
    assert_eq!(block.encode(), bytes, "two encodings of one block");
});
