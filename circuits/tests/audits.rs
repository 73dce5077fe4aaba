//! Every gadget audited: no hint and no variable can be changed alone without a constraint objecting.
//!
//! Inputs are tied to constants, so that what is audited is the gadget and not the freedom of its inputs.

use ark_bn254::Fr;
use ark_ff::Field;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use zkpov_circuits::{
    bit::Bit,
    constraint::enforce_equal,
    gadgets::{
        babyjubjub::EdwardsPoint,
        eddsa::{self, SignatureValues, SignatureVar},
        merkle::{NativePath, Path},
        poseidon, range,
    },
    hint,
    keys::SecretKey,
    soundness::Audit,
};
use zkpov_verifier::poseidon::hash_slice;

fn audit(name: &str, circuit: impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync) {
    Audit::new(name).run(circuit).expect("an honest witness").assert_clean();
}

/// A hint with this value and no other.
fn input(cs: &ConstraintSystemRef<Fr>, name: &str, value: Fr) -> Result<FpVar<Fr>> {
    let input = hint::field(cs, name, || Ok(value))?;
    enforce_equal("input", &input, &FpVar::Constant(value))?;
    Ok(input)
}

fn elements(count: usize) -> Vec<Fr> {
    (0..count).map(|i| Fr::from(i as u64 + 3).pow([77])).collect()
}

#[test]
fn poseidon_leaves_nothing_free() {
    for inputs in [1, 2, 4, 8] {
        let values = elements(inputs);
        audit("poseidon", |cs| {
            let variables = hint::fields(&cs, "input", inputs, |i| Ok(values[i]))?;
            let expected = hash_slice(&values).expect("a width of circomlib");
            enforce_equal("hash", &poseidon::hash(&variables)?, &FpVar::Constant(expected))
        });
    }
}

#[test]
fn decompositions_and_comparisons_leave_nothing_free() {
    let value = elements(1)[0];
    audit("canonical bits", |cs| range::canonical_bits(&input(&cs, "value", value)?).map(|_| ()));
    audit("bits", |cs| range::bits("bits", &input(&cs, "value", Fr::from(1234u64))?, 20).map(|_| ()));
    for (a, b) in [(3u64, 9u64), (9, 3), (5, 5)] {
        audit("comparison", |cs| {
            let uint = |name, value| range::U32::enforce("range", &input(&cs, name, Fr::from(value))?);
            let (a, b) = (uint("a", a)?, uint("b", b)?);
            let _less = a.is_less_than(&b)?;
            let _equal = a.is_equal(&b)?;
            a.checked_add("sum", &b).map(|_| ())
        });
    }
}

#[test]
fn merkle_paths_leave_nothing_free() {
    let children = (0..2).map(|level| [level; 8].map(|level| Fr::from(level as u64 + 1).pow([55]))).collect();
    let path = NativePath::<8> { index: 0o53, children };
    let [old, new] = [Fr::from(8u64), Fr::from(9u64)];
    // All siblings are the same at a level, which a swap of two would not show: make them differ.
    let mut path = path;
    for (i, sibling) in path.children.iter_mut().flatten().enumerate() {
        *sibling += Fr::from(i as u64);
    }
    audit("merkle update", |cs| {
        let variable = Path::hint(&cs, 2, || Ok(path.clone()))?;
        let (old_leaf, new_leaf) = (input(&cs, "old", old)?, input(&cs, "new", new)?);
        let (before, after) = variable.update(&old_leaf, &new_leaf)?;
        enforce_equal("before", &before, &FpVar::Constant(path.root(old)))?;
        enforce_equal("after", &after, &FpVar::Constant(path.root(new)))
    });
}

#[test]
fn keys_leave_nothing_free() {
    let key = *SecretKey::from_seed([5; 32]).public_key().point();
    audit("key", |cs| {
        let key = EdwardsPoint { x: input(&cs, "x", key.x)?, y: input(&cs, "y", key.y)? };
        key.enforce_key()
    });
}

#[test]
fn signatures_leave_nothing_free() {
    let secret = SecretKey::from_seed([6; 32]);
    let message = Fr::from(99u64);
    let (key, signature) = (*secret.public_key().point(), SignatureValues::from(&secret.sign(message)));
    audit("eddsa", |cs| {
        let key = EdwardsPoint { x: input(&cs, "x", key.x)?, y: input(&cs, "y", key.y)? };
        let signature = SignatureVar::hint(&cs, || Ok(signature))?;
        eddsa::verify(&Bit::constant(true), &key, &signature, &input(&cs, "message", message)?)
    });
}
