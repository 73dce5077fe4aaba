//! The pairing equations of many proofs, checked as one.
//!
//! ```text
//!   Π e(ρᵢ·Aᵢ, Bᵢ) · e(−Σ ρᵢ·(IC₀ + xᵢ·IC₁), γ) · Π e(−Σ ρᵢ·Cᵢ, δₖ) = Π e(αₖ, βₖ)^(Σ ρᵢ)
//!   i                  all i: γ is one for all keys   k    i of key k     k      i of key k
//! ```
//!
//! Each equation is raised to a coefficient ρᵢ that is drawn after all keys, inputs and proofs are fixed. If one of
//! them does not hold, the product holds for at most one value of its ρᵢ, whatever the others are: a probability of
//! 2⁻¹²⁸ (Bellare, Garay, Rabin, *Fast Batch Verification for Modular Exponentiation and Digital Signatures*, 1998,
//! theorem 3.2: all values are in groups of the same prime order, which decoding checked).
//!
//! A proof costs its own Miller loop. The one for γ and the final exponentiation are shared by all, the one for δ by
//! the proofs under one key.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ark_bn254::{Bn254, Fr, G1Projective};
use ark_ec::pairing::{MillerLoopOutput, Pairing, PairingOutput};
use ark_ec::{AdditiveGroup, CurveGroup, PrimeGroup};
use ark_ff::{One, PrimeField, Zero};

use super::Proof;
use super::single::{G2Lines, PreparedVerifyingKey, ProofRejected};
use crate::field;
use crate::hashing::{Hash, blake2b_256};

/// Separates these hashes from all others.
const DOMAIN: &[u8] = b"zkpov batch v1";

/// Bytes of a coefficient: 128 bits.
const COEFFICIENT_BYTES: usize = 16;

/// A proof to be checked with others.
#[derive(Clone, Copy, Debug)]
pub struct BatchItem<'a> {
    /// The key.
    pub key: &'a PreparedVerifyingKey,
    /// The public input.
    pub input: Fr,
    /// The proof.
    pub proof: &'a Proof,
}

/// Sums over the proofs under one key.
struct KeySums<'a> {
    key: &'a PreparedVerifyingKey,
    /// Σ ρᵢ
    coefficients: Fr,
    /// Σ ρᵢ·xᵢ
    inputs: Fr,
    /// Σ ρᵢ·Cᵢ
    c: G1Projective,
}

/// Checks all proofs at once; `Err` says only that at least one of them is not valid, and
/// [`PreparedVerifyingKey::verify`] which. No proof at all is valid.
///
/// `entropy` is randomness that the provers cannot know, where there is any; zeros where there is none. The
/// coefficients are hashes of it and of every key, input and proof, so that either alone is enough.
///
/// # Errors
///
/// The product of the equations does not hold.
pub fn verify_batch(items: &[BatchItem<'_>], entropy: &Hash) -> Result<(), ProofRejected> {
    let coefficients = coefficients(items, entropy);
    let mut sums = BTreeMap::<Hash, KeySums<'_>>::new();
    let mut points = Vec::with_capacity(items.len() + 2);
    let mut lines = Vec::with_capacity(items.len() + 2);
    for (item, &coefficient) in items.iter().zip(&coefficients) {
        let sum = sums.entry(item.key.digest).or_insert_with(|| KeySums {
            key: item.key,
            coefficients: Fr::ZERO,
            inputs: Fr::ZERO,
            c: G1Projective::zero(),
        });
        let scaled = |point: G1Projective| point.mul_bigint(coefficient.into_bigint());
        sum.coefficients += coefficient;
        sum.inputs += coefficient * item.input;
        sum.c += scaled(item.proof.c.into());
        points.push(scaled(item.proof.a.into()));
        lines.push(G2Lines::from(item.proof.b));
    }

    let mut inputs = G1Projective::zero();
    let mut right = PairingOutput::<Bn254>::zero();
    for sum in sums.values() {
        let [ic0, ic1] = sum.key.ic;
        inputs += ic0 * sum.coefficients + ic1 * sum.inputs;
        points.push(-sum.c);
        lines.push(sum.key.delta.clone());
        right += sum.key.alpha_beta * sum.coefficients;
    }
    if let Some(item) = items.first() {
        points.push(-inputs);
        lines.push(item.key.gamma.clone());
    }

    match Bn254::final_exponentiation(miller_loop(&points, lines)) {
        Some(left) if left == right => Ok(()),
        _ => Err(ProofRejected),
    }
}

fn miller_loop(points: &[G1Projective], lines: Vec<G2Lines>) -> MillerLoopOutput<Bn254> {
    if points.is_empty() {
        return MillerLoopOutput(One::one());
    }
    Bn254::multi_miller_loop(G1Projective::normalize_batch(points), lines)
}

/// One coefficient for each proof, of 128 bits and not zero.
fn coefficients(items: &[BatchItem<'_>], entropy: &Hash) -> Vec<Fr> {
    let mut transcript = Vec::from(DOMAIN);
    transcript.extend(entropy);
    for item in items {
        transcript.extend(item.key.digest);
        transcript.extend(field::encode(&item.input));
        transcript.extend(item.proof.encode());
    }
    let seed = blake2b_256(&transcript);
    (0..items.len() as u64).map(|index| coefficient(&seed, index)).collect()
}

fn coefficient(seed: &Hash, index: u64) -> Fr {
    let hash = blake2b_256(&[DOMAIN, seed, &index.to_le_bytes()].concat());
    let mut bytes = [0; COEFFICIENT_BYTES];
    bytes.copy_from_slice(hash.split_at(COEFFICIENT_BYTES).0);
    // Zero would drop an equation: it stands for 2¹²⁸, which the hash gives as seldom as any other value.
    match u128::from_le_bytes(bytes) {
        0 => Fr::from(u128::MAX) + Fr::one(),
        value => Fr::from(value),
    }
}
