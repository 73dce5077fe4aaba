//! Bodies: the first bytes choose lanes and used slots, the rest are the body. No panic, and what decodes has
//! one encoding; a different body of the same shape has a different root.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkpov_verifier::body::{BodyFormat, BodyLayout};
use zkpov_verifier::lane::{Lane, TierId};

fuzz_target!(|input: (bool, Vec<(u8, u8, Vec<u8>)>, Vec<u8>)| {
    let (private, shapes, bytes) = input;
    let format = if private { BodyFormat::Private } else { BodyFormat::Public };
    let lanes: Vec<Lane> = shapes
        .iter()
        .map(|(capacity, _, widths)| Lane {
            call: 0,
            capacity: u32::from(capacity % 8) + 1,
            element_bytes: widths.iter().take(8).map(|width| width % 32 + 1).collect(),
        })
        .collect();
    let used: Vec<u32> = shapes.iter().map(|(_, used, _)| u32::from(used % 10)).collect();
    let Ok(layout) = BodyLayout::new(format, TierId(9), &lanes, &used) else { return };
    // Input of any length, and the same input cut or filled to the right one.
    let mut fitted = bytes.clone();
    fitted.resize(layout.byte_length(), 0);
    for body in [bytes, fitted] {
        let Ok(elements) = layout.decode(&body) else { continue };
        assert_eq!(layout.encode(&elements).as_ref(), Ok(&body), "two encodings of one body");
        let root = layout.root(&elements).expect("as many elements as used slots take");
        let Some(last) = body.len().checked_sub(1) else { continue };
        let mut other = body;
        other[last] ^= 1;
        if let Ok(elements) = layout.decode(&other) {
            assert_ne!(layout.root(&elements), Ok(root), "two bodies of one root");
        }
    }
});
