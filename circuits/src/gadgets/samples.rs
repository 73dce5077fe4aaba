//! An instance of each gadget with an honest witness: what audits, Jacobians and tables of sizes share.

use std::fmt;

use ark_bn254::Fr;
use ark_ff::Field;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};

use super::{
    babyjubjub::EdwardsPoint,
    eddsa::{self, SignatureValues, SignatureVar},
    merkle::{NativePath, Path},
    poseidon, range,
};
use crate::{bit::Bit, constraint::enforce_equal, hint, keys::SecretKey, namespace};

/// Numbers of elements that samples of the hash take.
const HASHED: [usize; 8] = [1, 2, 3, 4, 5, 6, 8, 16];

/// What holds a sample's inputs, which are hints in the namespace `input`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inputs {
    /// Nothing: the sample has the gadget's constraints and no other.
    Free,
    /// A constraint each, so that a change of an input does not go unnoticed. A Merkle path is held by its old
    /// root.
    Tied,
}

type Circuit = dyn Fn(&ConstraintSystemRef<Fr>, Inputs) -> Result<()> + Send + Sync;

/// A gadget, with an honest witness for each of the cases that it tells apart.
pub struct Sample {
    name: String,
    cases: Vec<Box<Circuit>>,
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sample").field("name", &self.name).field("cases", &self.cases.len()).finish()
    }
}

impl Sample {
    fn new(
        name: impl Into<String>,
        circuit: impl Fn(&ConstraintSystemRef<Fr>, Inputs) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), cases: Vec::new() }.or(circuit)
    }

    /// The same constraints with another witness.
    fn or(
        mut self,
        circuit: impl Fn(&ConstraintSystemRef<Fr>, Inputs) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.cases.push(Box::new(circuit));
        self
    }

    /// What the gadget is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its circuits, which differ in the witness alone.
    pub fn cases(
        &self,
        inputs: Inputs,
    ) -> impl Iterator<Item = impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync + '_> {
        self.cases.iter().map(move |circuit| move |cs: ConstraintSystemRef<Fr>| circuit(&cs, inputs))
    }
}

/// All gadgets but trees.
pub fn gadgets() -> Vec<Sample> {
    let mut samples: Vec<Sample> = HASHED.into_iter().map(hash).collect();
    for count in [64, 128] {
        samples.push(Sample::new(format!("{count} bits"), move |cs, inputs| {
            range::bits("bits", &input(cs, inputs, "value", Fr::from(1234u64))?, count).map(drop)
        }));
    }
    samples.push(Sample::new("canonical bits", |cs, inputs| {
        range::canonical_bits(&input(cs, inputs, "value", element(0))?).map(drop)
    }));
    samples.push(Sample::new("is zero", is_zero(Fr::from(0u64))).or(is_zero(element(0))));
    samples.push(
        Sample::new("comparison of 32 bits", comparison(3, 9)).or(comparison(9, 3)).or(comparison(5, 5)),
    );
    samples.push(Sample::new("key of a new account", |cs, inputs| {
        key(cs, inputs, &SecretKey::from_seed([5; 32]))?.enforce_key()
    }));
    samples.push(Sample::new("EdDSA verification", signature));
    samples
}

/// Updates of a leaf in trees of 2^24 places: old and new root.
pub fn updates() -> Vec<Sample> {
    vec![Sample::new("4-ary, 12 levels", update::<4>(12)), Sample::new("8-ary, 8 levels", update::<8>(8))]
}

/// Arbitrary elements.
fn element(number: usize) -> Fr {
    Fr::from(number as u64 + 3).pow([77])
}

/// An input with this value.
fn input(cs: &ConstraintSystemRef<Fr>, inputs: Inputs, name: &str, value: Fr) -> Result<FpVar<Fr>> {
    let _namespace = namespace::enter(cs, "input");
    let input = hint::field(cs, name, || Ok(value))?;
    tie(inputs, &input, value)?;
    Ok(input)
}

fn tie(inputs: Inputs, variable: &FpVar<Fr>, value: Fr) -> Result<()> {
    match inputs {
        Inputs::Free => Ok(()),
        Inputs::Tied => enforce_equal("input", variable, &FpVar::Constant(value)),
    }
}

fn hash(count: usize) -> Sample {
    Sample::new(format!("Poseidon, {count} inputs"), move |cs, inputs| {
        let elements =
            (0..count).map(|i| input(cs, inputs, "element", element(i))).collect::<Result<Vec<_>>>()?;
        poseidon::hash(&elements).map(drop)
    })
}

fn is_zero(value: Fr) -> impl Fn(&ConstraintSystemRef<Fr>, Inputs) -> Result<()> {
    move |cs, inputs| range::is_zero(&input(cs, inputs, "value", value)?).map(drop)
}

fn comparison(a: u64, b: u64) -> impl Fn(&ConstraintSystemRef<Fr>, Inputs) -> Result<()> {
    move |cs, inputs| {
        let uint = |name, value| range::U32::enforce("range", &input(cs, inputs, name, Fr::from(value))?);
        let (a, b) = (uint("a", a)?, uint("b", b)?);
        let _less = a.is_less_than(&b)?;
        let _equal = a.is_equal(&b)?;
        a.checked_add("sum", &b).map(drop)
    }
}

fn key(cs: &ConstraintSystemRef<Fr>, inputs: Inputs, secret: &SecretKey) -> Result<EdwardsPoint> {
    let key = *secret.public_key().point();
    Ok(EdwardsPoint { x: input(cs, inputs, "x", key.x)?, y: input(cs, inputs, "y", key.y)? })
}

fn signature(cs: &ConstraintSystemRef<Fr>, inputs: Inputs) -> Result<()> {
    let (secret, message) = (SecretKey::from_seed([6; 32]), Fr::from(99u64));
    let key = key(cs, inputs, &secret)?;
    let signature = SignatureVar::hint(cs, || Ok(SignatureValues::from(&secret.sign(message))))?;
    eddsa::verify(&Bit::constant(true), &key, &signature, &input(cs, inputs, "message", message)?)
}

fn update<const ARITY: usize>(levels: usize) -> impl Fn(&ConstraintSystemRef<Fr>, Inputs) -> Result<()> {
    // Siblings that differ, or a swap of two would not show.
    let children = |level: usize| std::array::from_fn(|i| element(level * ARITY + i));
    let path = NativePath::<ARITY> { index: 0x00ab_cdef, children: (0..levels).map(children).collect() };
    move |cs, inputs| {
        let (old, new) = (Fr::from(8u64), Fr::from(9u64));
        let variable = Path::hint(cs, levels, || Ok(path.clone()))?;
        let [old_leaf, new_leaf] =
            [("old", old), ("new", new)].map(|(name, leaf)| input(cs, inputs, name, leaf));
        let (before, _after) = variable.update(&old_leaf?, &new_leaf?)?;
        tie(inputs, &before, path.root(old))
    }
}
