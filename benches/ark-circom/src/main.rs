//! The time to a proof from a `.zkey` and a `.wtns`: this project's prover and ark-circom's, in turns in one process.
//!
//! ```text
//!   cargo run --release -- CIRCUIT.zkey WITNESS.wtns [ROUNDS]
//! ```
//! Both provers are timed twice: from the files, as a program that is started for one proof finds them, and from what each keeps in
//! memory (ark-circom the decoded key; this project nothing but the mapped file). Each proof is verified. ark-groth16 is compiled with
//! its assembly; it does not verify its proofs, this project's prover does and the time is in its figure.

use std::fs::File;
use std::io::BufReader;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ark_bn254::{Bn254, Fr};
use ark_circom::{CircomReduction, read_zkey};
use ark_ff::UniformRand;
use ark_groth16::{Groth16, prepare_verifying_key};
use rand::rngs::OsRng;
use zkpov_circom::{Zkey, prove, wtns};
use zkpov_prover::mapped::MappedFile;

const DEFAULT_ROUNDS: usize = 5;

/// The times of one round.
struct Round {
    ours: Duration,
    theirs: Duration,
    theirs_with_key: Duration,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (key, witness) = arguments.next().zip(arguments.next()).context("usage: CIRCUIT.zkey WITNESS.wtns [ROUNDS]")?;
    let rounds = arguments.next().map_or(Ok(DEFAULT_ROUNDS), |rounds| rounds.parse())?;
    let rounds: Vec<Round> = (0..rounds).map(|_| round(&key, &witness)).collect::<Result<_>>()?;
    let least = |time: fn(&Round) -> Duration| rounds.iter().map(time).min().unwrap_or_default().as_secs_f64();
    let (ours, theirs, with_key) = (least(|r| r.ours), least(|r| r.theirs), least(|r| r.theirs_with_key));
    println!("least of {} rounds, in turns", rounds.len());
    println!("zkpov, from the files                 {:9.1} ms", ours * 1e3);
    println!("ark-circom, from the files            {:9.1} ms, {:.1} times", with_key * 1e3, with_key / ours);
    println!("ark-circom, key and witness in memory {:9.1} ms, {:.1} times", theirs * 1e3, theirs / ours);
    Ok(())
}

fn round(key_path: &str, witness_path: &str) -> Result<Round> {
    let start = Instant::now();
    let file = MappedFile::open(key_path)?;
    let key = Zkey::parse(file.bytes())?;
    let assignment = wtns::parse(MappedFile::open(witness_path)?.bytes())?;
    let proof = prove(&key, &assignment)?;
    let ours = start.elapsed();
    let public = &assignment[1..=key.header().public_inputs as usize];
    zkpov_prover::verify(&key.verifying_key()?, public, &proof)?;

    let start = Instant::now();
    let (parameters, index) = read_zkey(&mut BufReader::new(File::open(key_path)?))?;
    let reading = start.elapsed();
    let (instance, constraints) = (index.num_instance_variables, index.num_constraints);
    let matrices = [index.a, index.b, index.c];
    let start = Instant::now();
    let (r, s) = (Fr::rand(&mut OsRng), Fr::rand(&mut OsRng));
    let proof = Groth16::<Bn254, CircomReduction>::create_proof_with_reduction_and_matrices(
        &parameters,
        r,
        s,
        &matrices,
        instance,
        constraints,
        &assignment,
    )?;
    let theirs = start.elapsed();
    let verifying_key = prepare_verifying_key(&parameters.vk);
    ensure!(Groth16::<Bn254>::verify_proof(&verifying_key, &proof, public)?, "ark-circom's proof does not hold");
    Ok(Round { ours, theirs, theirs_with_key: reading + theirs })
}
