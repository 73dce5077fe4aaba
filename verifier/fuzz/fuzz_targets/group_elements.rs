//! Compressed points of BN254 as ark-serialize reads them, on which the verifier's decoders of proofs
//! and keys rest: no panic, and a point that is not at infinity has one encoding only, so that no two
//! byte strings are the same proof. At infinity arkworks ignores the coordinate's bytes; the verifier
//! takes no point at infinity.
#![no_main]

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    decodes_canonically::<G1Affine>(bytes);
    decodes_canonically::<G2Affine>(bytes);
});

fn decodes_canonically<P: AffineRepr>(bytes: &[u8]) {
    let mut rest = bytes;
    let Ok(point) = P::deserialize_compressed(&mut rest) else { return };
    if point.is_zero() {
        return;
    }
    let read = &bytes[..bytes.len() - rest.len()];
    let mut again = Vec::new();
    point.serialize_compressed(&mut again).expect("a vector takes all bytes");
    assert_eq!(read, again, "two encodings of one point");
}
