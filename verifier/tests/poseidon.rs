//! Poseidon against its specification, against circomlibjs, and its committed constants against the generator.

#[path = "../examples/poseidon_constants/generate.rs"]
mod generate;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField};
use generate::{FULL_ROUNDS, Optimised, Plain, WIDTHS, apply};
use proptest::prelude::*;
use std::str::FromStr;
use zkpov_verifier::poseidon;

/// The hash as the paper defines it: capacity 0 in front of the inputs, element 0 out.
fn specified_hash(plain: &Plain, inputs: &[Fr]) -> Fr {
    let mut state = vec![Fr::ZERO];
    state.extend_from_slice(inputs);
    let first_partial = FULL_ROUNDS / 2;
    for (round, constants) in plain.round_constants.iter().enumerate() {
        state.iter_mut().zip(constants).for_each(|(element, constant)| *element += constant);
        let partial = (first_partial..first_partial + plain.partial_rounds).contains(&round);
        let through_sbox = if partial { 1 } else { plain.width };
        state[..through_sbox].iter_mut().for_each(|element| *element = element.pow([5]));
        state = apply(&plain.mds, &state);
    }
    state[0]
}

/// The number of partial rounds and all constants follow from the width: nothing in the files is free.
#[test]
fn the_generator_reproduces_the_committed_constants() {
    for width in WIDTHS {
        let committed = std::fs::read(generate::path(width)).expect("a constants file for every width");
        assert_eq!(Optimised::new(&Plain::new(width)).to_bytes(), committed, "width {width}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn the_optimised_permutation_computes_the_specified_one(bytes: [[u8; 32]; 16]) {
        let inputs = bytes.map(|bytes| Fr::from_le_bytes_mod_order(&bytes));
        for width in WIDTHS {
            let inputs = &inputs[..width - 1];
            prop_assert_eq!(poseidon::hash_slice(inputs), Ok(specified_hash(&Plain::new(width), inputs)));
        }
    }
}

/// Vectors of 1 to 16 inputs that circomlibjs computed.
#[test]
fn circomlibjs_computes_the_same_hashes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/vectors/poseidon.json");
    let vectors = std::fs::read(path).expect("vectors made by circomlibjs");
    let vectors: Vec<serde_json::Value> = serde_json::from_slice(&vectors).expect("a JSON array");
    let decimal = |value: &serde_json::Value| {
        Fr::from_str(value.as_str().expect("a decimal string")).expect("a field element")
    };
    let mut lengths = std::collections::BTreeSet::new();
    for vector in &vectors {
        let inputs: Vec<Fr> = vector["inputs"].as_array().expect("inputs").iter().map(decimal).collect();
        lengths.insert(inputs.len());
        assert_eq!(poseidon::hash_slice(&inputs), Ok(decimal(&vector["hash"])));
    }
    assert!(lengths.into_iter().eq(1..=16), "there are vectors for every number of inputs");
}

/// Prints microseconds a hash, the fastest of many runs, beside light-poseidon's where it has the width:
/// `cargo test --release -p zkpov-verifier --test poseidon -- --ignored --nocapture`.
#[test]
#[ignore = "measures, and holds nothing"]
fn speed() {
    use light_poseidon::PoseidonHasher;
    const HASHES: u32 = 50;
    const RUNS: u32 = 40;
    let fastest = |hash: &mut dyn FnMut() -> Fr| {
        let run = |_| {
            let start = std::time::Instant::now();
            for _ in 0..HASHES {
                std::hint::black_box(hash());
            }
            start.elapsed() / HASHES
        };
        (0..RUNS).map(run).min().expect("some runs").as_secs_f64() * 1e6
    };
    println!("inputs  zkpov us  light-poseidon us");
    for count in 1..=16 {
        let inputs: Vec<Fr> = (0..count).map(|i| Fr::from(i as u64)).collect();
        let ours = fastest(&mut || poseidon::hash_slice(std::hint::black_box(&inputs)).expect("a width"));
        let light = light_poseidon::Poseidon::<Fr>::new_circom(count)
            .ok()
            .map(|mut oracle| fastest(&mut || oracle.hash(std::hint::black_box(&inputs)).expect("a width")));
        println!("{count:6}  {ours:8.1}  {}", light.map_or(String::new(), |light| format!("{light:17.1}")));
    }
}
