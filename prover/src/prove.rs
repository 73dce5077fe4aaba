//! The prover.
//!
//! ```text
//!   assignment z ─► witness_check: A z, B z, C z, every row ─┬─► qap: six transforms ─► msm.h, msm.l, msm.a, msm.b_g1 ─┐
//!                                                            └─► msm.b_g2 ─────────────────────────────────────────────┤
//!                                                                            proof ◄─ verify ◄─ A, B, C ◄──────────────┘
//!
//!   A = alpha + Σ z_i A_i + r delta       B = beta + Σ z_i B_i + s delta
//!   C = Σ z_i L_i + Σ h_k H_k + s A + r B - r s delta                              (Groth 2016, section 3.2)
//! ```

use ark_bn254::{Fr, G1Projective};
use ark_ec::CurveGroup;
use ark_ff::{One, UniformRand};
use rand::rngs::OsRng;
use zeroize::Zeroizing;

use crate::backend::{Backend, Ran, Sums, SumsError};
use crate::device::DeviceError;
use crate::key::{KeyError, ProvingKey, Section};
use crate::progress::{Options, phase, start_phase};
use crate::proof::{Proof, VerifyError, verify};
use crate::qap::{self, Rows, RowsError};
use crate::vector::{VectorsError, vectors};

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// Another number of values than the circuit has variables.
    #[error(
        "the key's circuit has {expected} variables (the constant 1 among them), the assignment has {found} values"
    )]
    AssignmentLength {
        /// Variables of the circuit.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// The first value is the constant 1 in every assignment.
    #[error("the first value of an assignment must be 1")]
    FirstIsNotOne,
    /// A constraint does not hold.
    #[error("the assignment does not satisfy constraint {row}")]
    Unsatisfied {
        /// The first constraint that does not hold, counted from 0.
        row: usize,
    },
    /// The key is damaged.
    #[error("the key is damaged, check or replace it: {0}")]
    Key(#[from] KeyError),
    /// An index in the key's matrices leads nowhere.
    #[error("the key is damaged, check or replace it: an index of its constraint matrices is out of bounds")]
    Matrices,
    /// The proof that was computed does not hold: the key is damaged, or the machine computes wrongly. No proof is returned.
    #[error("the proof that was computed does not verify; check the key, then the machine: {0}")]
    SelfVerification(#[source] VerifyError),
    /// The field arithmetic that the environment names is not to be had.
    #[error(transparent)]
    Vectors(#[from] VectorsError),
    /// The device did not give what the proof needs.
    #[error("proving on the GPU: {0}")]
    Device(#[from] DeviceError),
}

impl From<SumsError> for ProveError {
    fn from(error: SumsError) -> Self {
        match error {
            SumsError::Key(error) => Self::Key(error),
            SumsError::Matrices => Self::Matrices,
            SumsError::Device(error) => Self::Device(error),
        }
    }
}

/// A proof, and what computed it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Proved {
    /// The proof. It has been verified.
    pub proof: Proof,
    /// What computed it.
    pub ran: Ran,
}

/// Proves that the key's circuit is satisfied by `assignment`: 1, the public inputs, the witness, in the circuit's order. On the CPU.
///
/// The randomness that makes it zero-knowledge is the operating system's; two proofs of one assignment differ. The proof has
/// been verified when it is returned.
///
/// # Errors
/// If the assignment is not one that satisfies the circuit, or the key is damaged.
pub fn prove(key: &ProvingKey, assignment: &[Fr], options: &Options<'_>) -> Result<Proof, ProveError> {
    prove_on(&Backend::cpu(), key, assignment, options).map(|proved| proved.proof)
}

/// [`prove`] on a backend.
///
/// # Errors
/// As [`prove`], and if the backend is a device alone and it fails.
pub fn prove_on(
    backend: &Backend,
    key: &ProvingKey,
    assignment: &[Fr],
    options: &Options<'_>,
) -> Result<Proved, ProveError> {
    let (r, s) = (Zeroizing::new(Fr::rand(&mut OsRng)), Zeroizing::new(Fr::rand(&mut OsRng)));
    prove_on_with_randomness(backend, key, assignment, (&r, &s), options)
}

/// [`prove`] with given (r, s): the same randomness gives the same bytes. For tests and comparisons; a proof whose randomness is
/// known, or used twice, is not zero-knowledge.
///
/// # Errors
/// As [`prove`].
pub fn prove_with_randomness(
    key: &ProvingKey,
    assignment: &[Fr],
    randomness: (&Fr, &Fr),
    options: &Options<'_>,
) -> Result<Proof, ProveError> {
    prove_on_with_randomness(&Backend::cpu(), key, assignment, randomness, options).map(|proved| proved.proof)
}

/// [`prove_with_randomness`] on a backend: the bytes are the same on every one.
///
/// # Errors
/// As [`prove_on`].
pub fn prove_on_with_randomness(
    backend: &Backend,
    key: &ProvingKey,
    assignment: &[Fr],
    (r, s): (&Fr, &Fr),
    options: &Options<'_>,
) -> Result<Proved, ProveError> {
    vectors()?;
    let expected = key.num_instance() + key.num_witness();
    if assignment.len() != expected {
        return Err(ProveError::AssignmentLength { expected, found: assignment.len() });
    }
    if !assignment.first().is_some_and(One::is_one) {
        return Err(ProveError::FirstIsNotOne);
    }
    let rows = satisfied_rows(key, assignment, options)?;
    let (sums, ran) = backend.sums(key, rows, assignment, options)?;
    tracing::info!(backend = %ran, "computed");
    let proof = assemble(key, &sums, (r, s));
    match verified(key, assignment, proof, options) {
        // A device that computes wrongly is not the key's fault.
        Err(ProveError::SelfVerification(_)) if ran.device.is_some() && backend.continues_on_cpu() => {
            let rows = satisfied_rows(key, assignment, options)?;
            let (sums, ran) = Backend::sums_again(key, rows, assignment, options)?;
            let proof = verified(key, assignment, assemble(key, &sums, (r, s)), options)?;
            Ok(Proved { proof, ran })
        }
        proof => Ok(Proved { proof: proof?, ran }),
    }
}

/// A, B and C.
fn assemble(key: &ProvingKey, sums: &Sums, (r, s): (&Fr, &Fr)) -> Proof {
    let Sums { h, l, a, b_g1, b_g2 } = sums;
    let a = *a + *key.delta_g1() * r + key.verifying_key().alpha_g1();
    let b_g1 = *b_g1 + *key.delta_g1() * s + key.beta_g1();
    let b = *b_g2 + *key.verifying_key().delta_g2() * s + key.verifying_key().beta_g2();
    let c: G1Projective = *h + l + a * s + b_g1 * r - *key.delta_g1() * (*r * s);
    Proof::new(a.into_affine(), b.into_affine(), c.into_affine())
}

/// The proof, if it holds.
fn verified(
    key: &ProvingKey,
    assignment: &[Fr],
    proof: Proof,
    options: &Options<'_>,
) -> Result<Proof, ProveError> {
    let running = start_phase!(options, phase::PROVE_VERIFY, 1);
    let public_inputs = assignment.get(1..key.num_instance()).unwrap_or_default();
    verify(key.verifying_key(), public_inputs, &proof).map_err(ProveError::SelfVerification)?;
    running.finish();
    Ok(proof)
}

/// The values of a and b on the domain, after the check that every constraint holds.
fn satisfied_rows(key: &ProvingKey, assignment: &[Fr], options: &Options<'_>) -> Result<Rows, ProveError> {
    let running = start_phase!(options, phase::PROVE_WITNESS_CHECK, 1);
    let values = key.decode::<Fr>(Section::Values)?;
    let rows = qap::satisfied_rows(&key.r1cs(&values), key.domain_size(), assignment);
    let rows = rows.map_err(|error| match error {
        RowsError::Unsatisfied { row } => ProveError::Unsatisfied { row },
        RowsError::Index(_) => ProveError::Matrices,
    })?;
    key.release_matrices();
    running.finish();
    Ok(rows)
}
