//! Constraints and non-zeros of each gadget, 4-ary against 8-ary trees, and the time that circuits take to synthesise.
//!
//! ```text
//! cargo run --release -p zkpov-circuits --example gadget_sizes            the tables of docs/tree.md
//! cargo run --release -p zkpov-circuits --example gadget_sizes -- 18 20   and times for 2^18 and 2^20 constraints
//! ```

use std::time::Instant;

use ark_bn254::Fr;
use ark_ff::Field;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use zkpov_circuits::{
    bit::Bit,
    gadgets::{
        babyjubjub::EdwardsPoint,
        eddsa::{self, SignatureValues, SignatureVar},
        merkle::{NativePath, Path},
        poseidon, range,
    },
    hint,
    keys::SecretKey,
    r1cs::{R1cs, Size, assignment},
};

/// Levels of trees with 2^24 places.
const LEVELS_4: usize = 12;
const LEVELS_8: usize = 8;

fn size(circuit: impl FnOnce(ConstraintSystemRef<Fr>) -> Result<()>) -> Size {
    R1cs::synthesize(circuit).expect("synthesises").size()
}

fn row(name: &str, Size { constraints, non_zeros, .. }: Size) {
    println!("| {name} | {constraints} | {non_zeros} |");
}

fn path<const ARITY: usize>(levels: usize) -> NativePath<ARITY> {
    let children = |level: usize| std::array::from_fn(|i| Fr::from((level * ARITY + i) as u64 + 2).pow([99]));
    NativePath { index: 0x00ab_cdef, children: (0..levels).map(children).collect() }
}

fn update<const ARITY: usize>(cs: &ConstraintSystemRef<Fr>, path: &NativePath<ARITY>) -> Result<()> {
    let variable = Path::hint(cs, path.children.len(), || Ok(path.clone()))?;
    let old = hint::field(cs, "old", || Ok(Fr::from(1u64)))?;
    let new = hint::field(cs, "new", || Ok(Fr::from(2u64)))?;
    variable.update(&old, &new).map(|_| ())
}

fn signature(cs: &ConstraintSystemRef<Fr>, secret: &SecretKey, signed: SignatureValues) -> Result<()> {
    let key = EdwardsPoint::hint(cs, "key", || Ok(*secret.public_key().point()))?;
    let message = hint::field(cs, "message", || Ok(Fr::from(7u64)))?;
    eddsa::verify(&Bit::constant(true), &key, &SignatureVar::hint(cs, || Ok(signed))?, &message)
}

fn main() {
    let secret = SecretKey::from_seed([1; 32]);
    let signed = SignatureValues::from(&secret.sign(Fr::from(7u64)));

    println!("| gadget | constraints | non-zeros |\n|---|---|---|");
    for inputs in [1, 2, 3, 4, 5, 6, 8, 16] {
        let hashed = size(|cs| {
            let inputs = hint::fields(&cs, "input", inputs, |_| Ok(Fr::from(1u64)))?;
            poseidon::hash(&inputs).map(|_| ())
        });
        row(&format!("Poseidon, {inputs} inputs"), hashed);
    }
    let one = |cs: &ConstraintSystemRef<Fr>| hint::field(cs, "value", || Ok(Fr::from(1u64)));
    row("64 bits", size(|cs| range::bits("bits", &one(&cs)?, 64).map(|_| ())));
    row("128 bits", size(|cs| range::bits("bits", &one(&cs)?, 128).map(|_| ())));
    row("canonical bits", size(|cs| range::canonical_bits(&one(&cs)?).map(|_| ())));
    row("is zero", size(|cs| range::is_zero(&one(&cs)?).map(|_| ())));
    row(
        "key of a new account",
        size(|cs| EdwardsPoint::hint(&cs, "key", || Ok(*secret.public_key().point()))?.enforce_key()),
    );
    row("EdDSA verification", size(|cs| signature(&cs, &secret, signed)));

    println!("\n| 2^24 places, old and new root | constraints | non-zeros |\n|---|---|---|");
    row("4-ary, 12 levels", size(|cs| update(&cs, &path::<4>(LEVELS_4))));
    row("8-ary, 8 levels", size(|cs| update(&cs, &path::<8>(LEVELS_8))));

    for log2 in std::env::args().skip(1).filter_map(|argument| argument.parse::<u32>().ok()) {
        times(1 << log2, &secret, signed);
    }
}

/// Times a circuit of just under `limit` constraints of the mixture that a payment has: a signature, two updates.
fn times(limit: usize, secret: &SecretKey, signed: SignatureValues) {
    let path = path::<8>(LEVELS_8);
    let slot = |cs: &ConstraintSystemRef<Fr>| {
        signature(cs, secret, signed)?;
        update(cs, &path)?;
        update(cs, &path)
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
