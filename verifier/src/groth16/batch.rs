//! The pairing equations of many proofs, checked as one.
//!
//! ```text
//!   Π e(ρᵢ·Aᵢ, Bᵢ) · e(−Σₖ(Rₖ·IC₀ₖ + Xₖ·IC₁ₖ), γ) · Πₖ e(−Cₖ, δₖ) = Πₖ e(αₖ, βₖ)^Rₖ
//!
//!   i  a proof    k  a key    Rₖ = Σ ρᵢ, Xₖ = Σ ρᵢ·xᵢ, Cₖ = Σ ρᵢ·Cᵢ: over the proofs i under key k
//! ```
//!
//! # Why one equation is enough
//!
//! Each equation is raised to a coefficient ρᵢ that is drawn after all keys, inputs and proofs are fixed. If one of
//! them does not hold, the product holds for at most one value of its ρᵢ modulo r, whatever the others are. There are 2¹²⁸
//! values, all different modulo r ([`Coefficient`]): a probability of 2⁻¹²⁸ (Bellare, Garay, Rabin, *Fast Batch Verification for Modular Exponentiation and Digital
//! Signatures*, 1998, theorem 3.2: all values are in groups of the same prime order, which decoding checked).
//!
//! The coefficients are hashes of the whole batch, so that who chose a proof can only try again: 2¹²⁸ hashes for a batch with a bad proof; and of the
//! verifier's own entropy where it has any, with which there is nothing to try.
//!
//! # What a proof costs
//!
//! | | |
//! |---|---|
//! | for itself | its part of the Miller loop; ρ·A, 64 doublings; ρ·C in a [sum](Sum) of all under its key |
//! | for all under one key | a Miller loop's part for δ with lines that are known; two terms of the one sum for γ; one term of the power of pairings |
//! | for all | squarings of the loop, doublings of the sums, γ's part, one final exponentiation |
//!
//! Keys whose α and β are the same, as those are that come of one ceremony's first phase, have one term in the power of pairings.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective};
use ark_ec::pairing::{MillerLoopOutput, Pairing, PairingOutput};
use ark_ff::AdditiveGroup;

use super::Proof;
use super::miller::{Ratios, miller_loop};
use super::multiples::{Coefficient, Odd, Sum};
use super::single::{PreparedVerifyingKey, ProofRejected};
use crate::field;
use crate::hashing::{Hash, blake2b_256};

/// Separates these hashes from all others.
const DOMAIN: &[u8] = b"zkpov batch v2";

/// Bytes of half a coefficient.
const HALF_BYTES: usize = 8;

/// What half a coefficient is below.
const COEFFICIENT_HALF_END: u128 = 1 << 64;

/// Sub-batches that are tried for each halving of a batch that does not hold: so many as finding two bad proofs takes.
const TRIES_A_HALVING: u32 = 3;

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
    coefficients: Coefficient,
    /// Σ ρᵢ·xᵢ
    inputs: Fr,
    /// Σ ρᵢ·Cᵢ
    c: Sum<G1Affine>,
}

impl<'a> KeySums<'a> {
    fn new(key: &'a PreparedVerifyingKey) -> Self {
        Self { key, coefficients: Coefficient::default(), inputs: Fr::ZERO, c: Sum::default() }
    }
}

/// Checks all proofs at once; `Err` says only that at least one of them is not valid, and
/// [`verify_each`] which. No proof at all is valid.
///
/// `entropy` is randomness that the provers cannot know, where there is any; zeros where there is none. The
/// coefficients are hashes of it and of every key, input and proof, so that either alone is enough.
///
/// # Errors
///
/// The product of the equations does not hold.
pub fn verify_batch(items: &[BatchItem<'_>], entropy: &Hash) -> Result<(), ProofRejected> {
    let Some(first) = items.first() else { return Ok(()) };
    let odd = Odd::of_points(items.iter().flat_map(|item| [&item.proof.a, &item.proof.c]));
    let mut keys = BTreeMap::<Hash, KeySums<'_>>::new();
    // ρᵢ·Aᵢ of each proof; then, negative, the sum for γ; then Cₖ of each key.
    let mut points = Vec::<G1Projective>::with_capacity(2 * items.len() + 1);
    for ((item, coefficient), [a, c]) in items.iter().zip(coefficients(items, entropy)).zip(odd.as_chunks().0)
    {
        let key = keys.entry(item.key.digest).or_insert_with(|| KeySums::new(item.key));
        key.coefficients += coefficient;
        key.inputs += coefficient.value() * item.input;
        key.c.add_coefficient(&coefficient, c);
        let mut scaled = Sum::default();
        scaled.add_coefficient(&coefficient, a);
        points.push(scaled.value());
    }
    points.push(-inputs(&keys));
    points.extend(keys.values().map(|key| -key.c.value::<G1Projective>()));

    let ratios = Ratios::of(&points);
    let (of_proofs, of_keys) = ratios.split_at(items.len());
    let pairs: Vec<_> = of_proofs.iter().copied().zip(items.iter().map(|item| &item.proof.lines)).collect();
    let deltas = keys.values().map(|key| &key.key.delta);
    let fixed: Vec<_> =
        of_keys.iter().copied().zip(core::iter::once(&first.key.gamma).chain(deltas)).collect();
    match Bn254::final_exponentiation(MillerLoopOutput(miller_loop(&pairs, &fixed))) {
        Some(left) if left == alpha_betas(&keys) => Ok(()),
        _ => Err(ProofRejected),
    }
}

/// Σₖ(Rₖ·IC₀ₖ + Xₖ·IC₁ₖ).
fn inputs(keys: &BTreeMap<Hash, KeySums<'_>>) -> G1Projective {
    let odd = Odd::of_points(keys.values().flat_map(|key| &key.key.ic));
    let mut sum = Sum::default();
    for (key, [ic0, ic1]) in keys.values().zip(odd.as_chunks().0) {
        sum.add_coefficient(&key.coefficients, ic0);
        sum.add(&key.inputs, ic1);
    }
    sum.value()
}

/// Πₖ e(αₖ, βₖ)^Rₖ, which arkworks writes as a sum.
fn alpha_betas(keys: &BTreeMap<Hash, KeySums<'_>>) -> PairingOutput<Bn254> {
    let mut powers = Vec::<(PairingOutput<Bn254>, Coefficient)>::new();
    for key in keys.values() {
        match powers.iter_mut().find(|(value, _)| *value == key.key.alpha_beta) {
            Some((_, sum)) => *sum += key.coefficients,
            None => powers.push((key.key.alpha_beta, key.coefficients)),
        }
    }
    let mut sum = Sum::default();
    for (value, coefficient) in powers {
        sum.add_coefficient(&coefficient, &Odd::of_value(value));
    }
    sum.value()
}

/// Checks all proofs at once, and says of each whether it is valid: what [`PreparedVerifyingKey::verify`] says, but for the
/// probability with which [`verify_batch`] errs, once for each batch that is tried.
///
/// A batch that does not hold is halved, and so are its halves; the right one is known not to hold if the left one does. That finds one bad
/// proof or two among many in a fraction of the time that all of them take one by one. Where there are more, what is left
/// when the tries are used up is checked one by one, so that the worst costs little more than that. `entropy` is as in
/// [`verify_batch`].
pub fn verify_each(items: &[BatchItem<'_>], entropy: &Hash) -> Vec<Result<(), ProofRejected>> {
    let halvings = usize::BITS - items.len().leading_zeros();
    let mut search =
        Search { entropy, tries: TRIES_A_HALVING * halvings, results: Vec::with_capacity(items.len()) };
    search.part(items, false);
    search.results
}

/// A search for the proofs that are not valid, from the left to the right.
struct Search<'a> {
    entropy: &'a Hash,
    tries: u32,
    results: Vec<Result<(), ProofRejected>>,
}

impl Search<'_> {
    /// Adds the results of a part; whether all of it is valid. `bad`: it is known that not all is.
    fn part(&mut self, items: &[BatchItem<'_>], bad: bool) -> bool {
        let results = match items {
            [_] if bad => Vec::from([Err(ProofRejected)]),
            [] | [_] => Self::alone(items),
            _ if self.tries == 0 => Self::alone(items),
            _ if !bad && self.holds(items) => items.iter().map(|_| Ok(())).collect(),
            _ => {
                let (left, right) = items.split_at(items.len() / 2);
                let left_is_valid = self.part(left, false);
                self.part(right, left_is_valid);
                return false;
            }
        };
        let valid = results.iter().all(Result::is_ok);
        self.results.extend(results);
        valid
    }

    fn holds(&mut self, items: &[BatchItem<'_>]) -> bool {
        self.tries -= 1;
        verify_batch(items, self.entropy).is_ok()
    }

    fn alone(items: &[BatchItem<'_>]) -> Vec<Result<(), ProofRejected>> {
        items.iter().map(|item| item.key.verify(item.input, item.proof)).collect()
    }
}

/// One coefficient for each proof, none of them zero.
fn coefficients(items: &[BatchItem<'_>], entropy: &Hash) -> Vec<Coefficient> {
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

fn coefficient(seed: &Hash, index: u64) -> Coefficient {
    let hash = blake2b_256(&[DOMAIN, seed, &index.to_le_bytes()].concat());
    let mut halves = hash.as_chunks::<HALF_BYTES>().0.iter().map(|half| u64::from_le_bytes(*half).into());
    match (halves.next().unwrap_or(0), halves.next().unwrap_or(0)) {
        // Zero would drop an equation: it stands for 2⁶⁴, which the hash gives as seldom as any other value.
        (0, 0) => Coefficient { low: COEFFICIENT_HALF_END, high: 0 },
        (low, high) => Coefficient { low, high },
    }
}
