//! The kernels' source: one text for OpenCL C and CUDA C++, put together from the files in `kernels` and the fields' own constants.

use ark_bn254::{Fq, Fr};
use ark_ff::{MontBackend, MontConfig, PrimeField};
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use core::fmt::Write;
use std::sync::OnceLock;

/// Bytes of a limb of the kernels.
const LIMB_BITS: u32 = 32;

/// How the terms of the two kinds of lists are added: entries of the sorted list, which name a base and a sign, and partial sums.
const ADD_ENTRY: &str = "const u32 entry = keys[2 * i + 1];
    CURVE_affine p = CURVE_load_affine(points + (u64)2 * COORD_WORDS * (entry >> 1));
    if (entry & 1) p.y = COORD_neg(p.y);
    sum = CURVE_add_affine(sum, p);";
const ADD_PARTIAL: &str = "sum = CURVE_add(sum, CURVE_load(points + (u64)CURVE_WORDS * i));";

/// The whole source of the kernels, for programs that compile it without a device.
pub fn source() -> &'static str {
    static SOURCE: OnceLock<String> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let mut text = include_str!("kernels/layer.cl").to_owned();
        text.push_str(&field::<ark_bn254::FqConfig>("fq", Fq::MODULUS.0));
        text.push_str(&field::<ark_bn254::FrConfig>("fr", Fr::MODULUS.0));
        text.push_str(include_str!("kernels/fq2.cl"));
        text.push_str(include_str!("kernels/sort.cl"));
        text.push_str(&curve("g1", "fq", 8));
        text.push_str(&curve("g2", "fq2", 16));
        text.push_str(include_str!("kernels/transform.cl"));
        text
    })
}

/// A digest of the source, in hexadecimal.
pub(super) fn digest() -> String {
    hexadecimal(&Blake2b::<U32>::digest(source()))
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn field<C: MontConfig<4>>(name: &str, modulus: [u64; 4]) -> String {
    // Both fields of the curve have Montgomery constants for R = 2^256, whatever the size of the limbs.
    let one = <MontBackend<C, 4> as ark_ff::FpConfig<4>>::ONE.0.0;
    let mut text = String::new();
    for (what, value) in [("P", modulus), ("ONE", one)] {
        for (i, limb) in limbs(value).into_iter().enumerate() {
            let _ = writeln!(text, "#define {name}_{what}{i} {limb:#010x}u");
        }
    }
    let _ = writeln!(text, "#define {name}_INV {:#010x}u", C::INV as u32);
    text + &include_str!("kernels/field.cl").replace("FIELD", name)
}

fn limbs(value: [u64; 4]) -> Vec<u32> {
    value.into_iter().flat_map(|limb| [limb as u32, (limb >> LIMB_BITS) as u32]).collect()
}

fn curve(name: &str, coordinate: &str, words: usize) -> String {
    let sum = include_str!("kernels/sum.cl");
    let list = |stage: &str, stride: &str, add: &str| {
        sum.replace("CURVE_ADD_STAGE", add).replace("STAGE", stage).replace("STRIDE", stride)
    };
    let text = [
        include_str!("kernels/curve.cl").to_owned(),
        list("entries", "2", ADD_ENTRY),
        list("partial", "1", ADD_PARTIAL),
        include_str!("kernels/bucket.cl").to_owned(),
    ]
    .concat();
    text.replace("COORD_WORDS", &words.to_string()).replace("COORD", coordinate).replace("CURVE", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_of_the_templates_is_left() {
        for word in ["FIELD", "COORD", "CURVE", "STAGE", "STRIDE"] {
            let place = source().find(word);
            assert_eq!(place.map(|at| &source()[at..at + 40]), None);
        }
    }
}
