//! Proofs straight from a `.zkey`.
//!
//! ```text
//!   .wtns ─► z ─► A z, B z from the coefficients ─► quotient ─► Σ over H ─┐
//!              └─► Σ over L, A, B in G1, B in G2, points from the map ──┴─► A, B, C ─► verify ─► proof
//! ```
//! The file has not matrix C, so a witness that does not satisfy the circuit is found by the verification of the finished proof and not
//! by the name of a constraint.

use ark_bn254::{Fr, G1Projective, G2Projective};
use ark_ec::CurveGroup;
use ark_ff::UniformRand;
use rand::rngs::OsRng;
use zeroize::Zeroizing;
use zkpov_prover::engine::{msm, quotient};
use zkpov_prover::{Proof, verify};

use crate::bytes::Subgroup;
use crate::error::FormatError;
use crate::json;
use crate::zkey::{Section, Zkey};

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// Another circuit's witness.
    #[error(
        "the key's circuit has {expected} variables, the witness has {found} values; it is another circuit's"
    )]
    WitnessLength {
        /// Variables of the circuit, the constant 1 among them.
        expected: usize,
        /// Values in the witness.
        found: usize,
    },
    /// The key is damaged.
    #[error("the key: {0}")]
    Key(#[from] FormatError),
    /// The proof does not hold, and is not returned.
    #[error(
        "the proof that was computed does not verify: the witness does not satisfy the circuit (`snarkjs wtns check` names the \
         constraint), or the key is damaged"
    )]
    SelfVerification,
}

/// Proves that the key's circuit is satisfied by `assignment`: 1, the public inputs, the witness.
///
/// The randomness that makes it zero-knowledge is the operating system's. The proof has been verified when it is returned.
///
/// # Errors
/// If the assignment does not satisfy the circuit, or the key is damaged.
pub fn prove(key: &Zkey<'_>, assignment: &[Fr]) -> Result<Proof, ProveError> {
    let (r, s) = (Zeroizing::new(Fr::rand(&mut OsRng)), Zeroizing::new(Fr::rand(&mut OsRng)));
    prove_with_randomness(key, assignment, (&r, &s))
}

/// [`prove`] with given (r, s). For tests and comparisons; a proof whose randomness is known, or used twice, is not zero-knowledge.
///
/// # Errors
/// As [`prove`].
pub fn prove_with_randomness(
    key: &Zkey<'_>,
    assignment: &[Fr],
    (r, s): (&Fr, &Fr),
) -> Result<Proof, ProveError> {
    let header = key.header();
    let expected = header.variables as usize;
    let (public, witness) = match assignment.split_at_checked(header.public_inputs as usize + 1) {
        Some(parts) if assignment.len() == expected => parts,
        _ => return Err(ProveError::WitnessLength { expected, found: assignment.len() }),
    };
    let h: G1Projective = {
        let (a, b) = key.rows(assignment)?;
        let quotient = quotient(a, b).map(Zeroizing::new).ok_or(ProveError::SelfVerification)?;
        msm(&key.g1(Section::H)?, &quotient)
    };
    let l: G1Projective = msm(&key.g1(Section::L)?, witness);
    let a = msm(&key.g1(Section::A)?, assignment) + header.delta_g1 * r + header.alpha_g1;
    let b_g1 = msm(&key.g1(Section::BG1)?, assignment) + header.delta_g1 * s + header.beta_g1;
    let b: G2Projective =
        msm(&key.b_g2(Subgroup::NotChecked)?, assignment) + header.delta_g2 * s + header.beta_g2;
    let c = h + l + a * s + b_g1 * r - header.delta_g1 * (*r * s);

    // A damaged B may lie outside the subgroup.
    let proof = json::proof(&a.into_affine(), &b.into_affine(), &c.into_affine())
        .ok_or(ProveError::SelfVerification)?;
    let public_inputs = public.get(1..).unwrap_or_default();
    verify(&key.verifying_key()?, public_inputs, &proof).map_err(|_| ProveError::SelfVerification)?;
    Ok(proof)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, PRODUCT};
    use crate::{r1cs, wtns};
    use ark_ff::One;

    #[test]
    fn snarkjs_key_and_witness_give_a_proof_that_holds_under_its_verification_key() {
        let key = Zkey::parse(PRODUCT.last).unwrap();
        let assignment = wtns::parse(PRODUCT.witness).unwrap();
        let proof = prove(&key, &assignment).unwrap();
        let verifying_key = json::parse_verifying_key(PRODUCT.verification_key).unwrap();
        let public = json::parse_public_inputs(PRODUCT.public).unwrap();
        assert_eq!(&assignment[1..3], public);
        verify(&verifying_key, &public, &proof).unwrap();
        // And snarkjs's own.
        let theirs = json::parse_proof(PRODUCT.proof).unwrap();
        verify(&verifying_key, &public, &theirs).unwrap();
        assert!(verify(&verifying_key, &[Fr::one(), public[1]], &theirs).is_err());
    }

    #[test]
    fn the_verification_key_is_the_one_that_snarkjs_exports() {
        let key = Zkey::parse(PRODUCT.last).unwrap().verifying_key().unwrap();
        let ours: serde_json::Value = serde_json::from_str(&json::write_verifying_key(&key)).unwrap();
        let theirs: serde_json::Value = serde_json::from_slice(PRODUCT.verification_key).unwrap();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn a_wrong_witness_gives_no_proof() {
        let key = Zkey::parse(PRODUCT.last).unwrap();
        let mut assignment = wtns::parse(PRODUCT.witness).unwrap();
        assert!(matches!(
            prove(&key, &assignment[1..]),
            Err(ProveError::WitnessLength { expected: 6, found: 5 })
        ));
        for index in 1..assignment.len() {
            assignment[index] += Fr::one();
            assert!(matches!(prove(&key, &assignment), Err(ProveError::SelfVerification)), "value {index}");
            assignment[index] -= Fr::one();
        }
    }

    #[test]
    fn circoms_circuit_holds_for_circoms_witness() {
        let circuit = r1cs::Circuit::parse(PRODUCT.r1cs).unwrap();
        assert_eq!((circuit.outputs, circuit.private_inputs, circuit.r1cs.num_instance()), (1, 2, 3));
        let assignment = wtns::parse(PRODUCT.witness).unwrap();
        let key = zkpov_prover::setup(&circuit.r1cs, [0; 32], &Default::default()).unwrap();
        zkpov_prover::prove(&key, &assignment, &Default::default()).unwrap();
        assert!(zkpov_prover::prove(&key, &testing::assignment(), &Default::default()).is_err());
    }

    #[test]
    fn every_changed_byte_of_a_key_is_refused_or_gives_a_proof_that_holds() {
        let assignment = wtns::parse(PRODUCT.witness).unwrap();
        for at in (0..PRODUCT.last.len()).step_by(7) {
            let mut bytes = PRODUCT.last.to_vec();
            bytes[at] ^= 0x41;
            // What is returned has been verified; nothing panics.
            let _ = Zkey::parse(&bytes).map(|key| prove(&key, &assignment));
        }
        for cut in 0..PRODUCT.last.len() {
            assert!(Zkey::parse(&PRODUCT.last[..cut]).is_err(), "cut at {cut}");
        }
    }
}
