//! Constraints and non-zeros of each gadget, 4-ary against 8-ary trees, and the time that circuits take to synthesise.
//!
//! ```text
//! cargo run --release -p zkpov-circuits --example gadget_sizes            the tables of docs/tree.md
//! cargo run --release -p zkpov-circuits --example gadget_sizes -- 18 20   and times for 2^18 and 2^20 constraints
//! ```

use std::time::Instant;

use ark_bn254::Fr;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use zkpov_circuits::{
    gadgets::samples::{Inputs, Sample, gadgets, updates},
    r1cs::{R1cs, Size, assignment},
};

fn size(circuit: impl FnOnce(ConstraintSystemRef<Fr>) -> Result<()>) -> Size {
    R1cs::synthesize(circuit).expect("synthesises").size()
}

fn table(title: &str, samples: &[Sample]) {
    println!("| {title} | constraints | non-zeros |\n|---|---|---|");
    for sample in samples {
        let Size { constraints, non_zeros, .. } = size(|cs| synthesize(sample, &cs));
        println!("| {} | {constraints} | {non_zeros} |", sample.name());
    }
}

fn synthesize(sample: &Sample, cs: &ConstraintSystemRef<Fr>) -> Result<()> {
    sample.cases(Inputs::Free).next().map_or(Ok(()), |circuit| circuit(cs.clone()))
}

fn main() {
    let (gadgets, updates) = (gadgets(), updates());
    table("gadget", &gadgets);
    println!();
    table("2^24 places, old and new root", &updates);
    let (Some(signature), Some(update)) = (gadgets.last(), updates.last()) else { return };
    for log2 in std::env::args().skip(1).filter_map(|argument| argument.parse::<u32>().ok()) {
        times(1 << log2, signature, update);
    }
}

/// Times a circuit of just under `limit` constraints of the mixture that a payment has: a signature, two updates.
fn times(limit: usize, signature: &Sample, update: &Sample) {
    let slot = |cs: &ConstraintSystemRef<Fr>| {
        synthesize(signature, cs)?;
        synthesize(update, cs)?;
        synthesize(update, cs)
    };
    let slots = limit / size(|cs| slot(&cs)).constraints;
    let circuit = |cs: ConstraintSystemRef<Fr>| (0..slots).try_for_each(|_| slot(&cs));

    let timed = |name: &str, start: Instant| println!("  {name}: {:.3} s", start.elapsed().as_secs_f64());
    println!("\n{slots} payments");
    let start = Instant::now();
    let r1cs = R1cs::synthesize(circuit).expect("synthesises");
    timed("matrices", start);
    println!("  {:?}, {} distinct coefficients", r1cs.size(), r1cs.coefficients.len());
    let start = Instant::now();
    let digest = r1cs.digest();
    timed("digest", start);
    println!("  {}", hex::encode(digest));
    let start = Instant::now();
    let values = assignment(circuit).expect("computes");
    timed("assignment", start);
    let start = Instant::now();
    assert!(r1cs.is_satisfied(&values));
    timed("is_satisfied", start);
}
