//! Head data: no panic, and what decodes has one encoding.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkpov_verifier::head::Head;

fuzz_target!(|bytes: &[u8]| {
    let Ok(head) = Head::decode(bytes) else { return };
    assert_eq!(head.encode(), bytes, "two encodings of one head");
    assert_eq!(head.as_parent().number, head.number);
});
