//! Proving keys: no panic when one is read, proven with, contributed to and verified; a proof that comes out holds under the key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

use ark_bn254::Fr;
use zkpov_circom::ceremony::{InitialKey, Kind, Transcript, contribute, transcript, verify};
use zkpov_circom::r1cs::Circuit;
use zkpov_circom::{Ptau, Zkey, prove};

/// Larger circuits say nothing new and take long.
const MAX_VARIABLES: u32 = 64;
const MAX_DOMAIN: u32 = 1 << 8;
const MAX_LOG2_ITERATIONS: u8 = 12;

static INITIAL: LazyLock<InitialKey> = LazyLock::new(|| {
    let circuit = include_bytes!("../../../../fixtures/circom/product/circuit.r1cs");
    let powers = include_bytes!("../../../../fixtures/circom/product/powers.ptau");
    let circuit = Circuit::parse(circuit).expect("a circuit");
    InitialKey::new(&circuit, &Ptau::parse(powers).expect("powers of tau")).expect("a key")
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(key) = Zkey::parse(bytes) else { return };
    let (variables, domain) = (key.header().variables, key.header().domain_size);
    if variables > MAX_VARIABLES || domain > MAX_DOMAIN {
        return;
    }
    // The iterations of a beacon are not bound by its hash, and many take long.
    let short = |transcript: &Transcript| {
        transcript.contributions.iter().all(|contribution| match contribution.kind() {
            Kind::Contribution => true,
            Kind::Beacon { log2_iterations, .. } => *log2_iterations <= MAX_LOG2_ITERATIONS,
        })
    };
    if transcript(&key).is_ok_and(|transcript| transcript.is_none_or(|transcript| short(&transcript))) {
        let _ = verify(&INITIAL, &key);
    }
    let _ = contribute(&key, Some("fuzz"), b"");
    let mut assignment = [1u64, 1104, 5, 3, 11, 33].map(Fr::from).to_vec();
    assignment.resize(variables as usize, Fr::from(2u64));
    if let Ok(proof) = prove(&key, &assignment) {
        let verifying_key = key.verifying_key().expect("it was used for the proof");
        let public = &assignment[1..=key.header().public_inputs as usize];
        zkpov_prover::verify(&verifying_key, public, &proof).expect("what is returned was verified");
    }
});
