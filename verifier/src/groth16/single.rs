//! The pairing equation for one proof.

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective};
use ark_ec::pairing::{MillerLoopOutput, Pairing, PairingOutput};
use thiserror::Error;

use super::miller::{FixedLines, Lines, Ratios, miller_loop};
use super::{Proof, VerifyingKey};
use crate::hashing::{Hash, blake2b_256};

/// The proof does not prove this public input under this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the proof does not prove this statement under this key")]
pub struct ProofRejected;

/// A verifying key with everything computed that does not depend on proof or input.
#[derive(Clone, Debug)]
pub struct PreparedVerifyingKey {
    /// e(α, β).
    pub(super) alpha_beta: PairingOutput<Bn254>,
    pub(super) gamma: FixedLines,
    pub(super) delta: FixedLines,
    pub(super) ic: [G1Affine; 2],
    /// blake2b-256 of the key's encoding.
    pub(super) digest: Hash,
}

impl From<&VerifyingKey> for PreparedVerifyingKey {
    fn from(key: &VerifyingKey) -> Self {
        Self {
            alpha_beta: Bn254::pairing(key.alpha_g1, key.beta_g2),
            gamma: FixedLines::of_gamma(),
            delta: Lines::of_subgroup(&key.delta_g2).into(),
            ic: key.ic,
            digest: blake2b_256(&key.encode()),
        }
    }
}

impl PreparedVerifyingKey {
    /// Checks `proof` for the public input `input`: one Miller loop over three pairs, one final
    /// exponentiation,
    ///
    /// ```text
    ///   e(A, B) · e(−(IC₀ + x·IC₁), γ) · e(−C, δ) = e(α, β)
    /// ```
    ///
    /// # Errors
    ///
    /// The equation does not hold.
    pub fn verify(&self, input: Fr, proof: &Proof) -> Result<(), ProofRejected> {
        let [ic0, ic1] = self.ic;
        let weighted_input = ic1 * input + ic0;
        let points = Ratios::of(&[proof.a.into(), -weighted_input, -G1Projective::from(proof.c)]);
        let [a, input, c] = points[..] else { return Err(ProofRejected) };
        let left = miller_loop(&[(a, &proof.lines)], &[(input, &self.gamma), (c, &self.delta)]);
        // `None` only for a loop that ends in zero, which no point of the subgroup gives.
        match Bn254::final_exponentiation(MillerLoopOutput(left)) {
            Some(left) if left == self.alpha_beta => Ok(()),
            _ => Err(ProofRejected),
        }
    }
}
