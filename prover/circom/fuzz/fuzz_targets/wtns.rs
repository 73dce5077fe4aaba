//! Witnesses: no panic, and one encoding of each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkpov_circom::wtns::{parse, write};

fuzz_target!(|bytes: &[u8]| {
    let Ok(values) = parse(bytes) else { return };
    let mut written = Vec::new();
    write(&mut written, &values).expect("memory takes everything");
    assert_eq!(parse(&written).as_deref(), Ok(&*values), "two witnesses of one file");
});
