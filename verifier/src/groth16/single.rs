//! The pairing equation for one proof.

use ark_bn254::{Bn254, Fr, G1Affine, G2Affine};
use ark_ec::pairing::{Pairing, PairingOutput};
use ark_ec::{AffineRepr, CurveGroup};
use thiserror::Error;

use super::{Proof, VerifyingKey};
use crate::hashing::{Hash, blake2b_256};

/// The lines of a G2 point's Miller loop, computed once.
pub(super) type G2Lines = <Bn254 as Pairing>::G2Prepared;

/// The proof does not prove this public input under this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the proof does not prove this statement under this key")]
pub struct ProofRejected;

/// A verifying key with everything computed that does not depend on proof or input.
#[derive(Clone, Debug)]
pub struct PreparedVerifyingKey {
    /// e(α, β).
    pub(super) alpha_beta: PairingOutput<Bn254>,
    pub(super) gamma: G2Lines,
    pub(super) delta: G2Lines,
    pub(super) ic: [G1Affine; 2],
    /// blake2b-256 of the key's encoding.
    pub(super) digest: Hash,
}

impl From<&VerifyingKey> for PreparedVerifyingKey {
    fn from(key: &VerifyingKey) -> Self {
        Self {
            alpha_beta: Bn254::pairing(key.alpha_g1, key.beta_g2),
            gamma: G2Lines::from(G2Affine::generator()),
            delta: G2Lines::from(key.delta_g2),
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
        let weighted_input = (ic1 * input + ic0).into_affine();
        let lines = [G2Lines::from(proof.b), self.gamma.clone(), self.delta.clone()];
        let left = Bn254::multi_miller_loop([proof.a, -weighted_input, -proof.c], lines);
        // `None` only for a loop that ends in zero, which no point of the subgroup gives.
        match Bn254::final_exponentiation(left) {
            Some(left) if left == self.alpha_beta => Ok(()),
            _ => Err(ProofRejected),
        }
    }
}
