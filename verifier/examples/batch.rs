//! What the argument costs a validator, for one candidate and in a batch: proofs read (points on the curve and in the subgroup)
//! and equations checked. Body roots, author signatures and storage proofs are apart.
//!
//! ```text
//! taskset -c 0 cargo run --release -p zkpov-verifier --features testing --example batch [-- --json]
//! ```
//!
//! The proofs are made with the trapdoor of a set-up, which costs nothing; checking them is checking any.

use std::hint::black_box;
use std::time::{Duration, Instant};

use zkpov_verifier::field::Fr;
use zkpov_verifier::groth16::{BatchItem, PROOF_BYTES, PreparedVerifyingKey, Proof, verify_batch};
use zkpov_verifier::testing::{Trapdoor, element};

/// Candidates of a batch.
const BATCH: usize = 50;

/// Runs of each kind, in alternation.
const ROUNDS: usize = 40;

/// Keys, and for each candidate its key, input and encoded proof.
struct Batch {
    keys: Vec<PreparedVerifyingKey>,
    candidates: Vec<(usize, Fr, [u8; PROOF_BYTES])>,
}

impl Batch {
    /// `candidates` proofs under `keys` keys.
    fn new(candidates: usize, keys: usize) -> Self {
        let setups: Vec<_> = (0..keys).map(|key| Trapdoor::new(&format!("key {key}"))).collect();
        let candidate = |index: usize| {
            let [input, a, b] = ["input", "a", "b"].map(|what| element(&format!("{what} {index}")));
            (index % keys, input, setups[index % keys].simulate(input, a, b).encode())
        };
        Self {
            candidates: (0..candidates).map(candidate).collect(),
            keys: setups.iter().map(|setup| (&setup.verifying_key()).into()).collect(),
        }
    }

    fn check(&self) {
        let read = |bytes: &[u8; PROOF_BYTES]| Proof::decode(bytes).expect("a proof");
        let proofs: Vec<_> = self.candidates.iter().map(|(_, _, bytes)| read(bytes)).collect();
        if let ([(key, input, _)], [proof]) = (&self.candidates[..], &proofs[..]) {
            return self.keys[*key].verify(*input, proof).expect("valid");
        }
        let items: Vec<_> = self
            .candidates
            .iter()
            .zip(&proofs)
            .map(|(&(key, input, _), proof)| BatchItem { key: &self.keys[key], input, proof })
            .collect();
        verify_batch(black_box(&items), &[7; 32]).expect("valid");
    }
}

/// Time that this thread has run on a processor, where the operating system tells (Linux): what others do on the machine is
/// not in it. Elsewhere the time that has passed. It is brought up to date some hundred times a second, so only sums over many
/// runs mean anything.
fn clock(since: Instant) -> Duration {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|line| line.split(' ').next()?.parse().ok())
        .map_or_else(|| since.elapsed(), Duration::from_nanos)
}

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let kinds = [
        ("one candidate alone", Batch::new(1, 1)),
        ("batch of 50, one key", Batch::new(BATCH, 1)),
        ("batch of 50, distinct keys", Batch::new(BATCH, BATCH)),
    ];
    let started = Instant::now();
    let mut times = [Duration::ZERO; 3];
    for _ in 0..ROUNDS {
        for ((_, batch), time) in kinds.iter().zip(&mut times) {
            let before = clock(started);
            batch.check();
            *time += clock(started) - before;
        }
    }
    for ((name, batch), time) in kinds.into_iter().zip(times) {
        let milliseconds = time.as_secs_f64() * 1e3 / (ROUNDS * batch.candidates.len()) as f64;
        if json {
            println!("{{\"what\":\"{name}\",\"milliseconds\":{milliseconds:.4}}}");
        } else {
            println!("{name:<28} {milliseconds:.3} ms a candidate");
        }
    }
}
