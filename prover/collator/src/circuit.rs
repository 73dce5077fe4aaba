//! A chain's circuit in the prover's form.

use ark_bn254::Fr;
use ark_relations::gr1cs::SynthesisError;
use tracing::info_span;
use zkpov_circuits::{
    r1cs::{self, Size},
    runtime::{BlockWitness, Chain},
};
use zkpov_prover::{R1cs, R1csError, SparseMatrix};
use zkpov_verifier::lane::TierId;

/// Why a circuit could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CircuitError {
    /// The chain has no such tier.
    #[error("the chain has no tier {tier}, only {}", known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    UnknownTier {
        /// The tier asked for.
        tier: TierId,
        /// The tiers there are.
        known: Vec<TierId>,
    },
    /// The chain's circuit did not synthesise.
    #[error("the circuit of tier {tier} does not synthesise: {source}")]
    Synthesis {
        /// The tier.
        tier: TierId,
        /// Why not.
        source: SynthesisError,
    },
    /// Its matrices are no constraint system.
    #[error("the matrices of tier {tier}: {source}")]
    Matrices {
        /// The tier.
        tier: TierId,
        /// Why not.
        source: R1csError,
    },
}

/// The circuit of a tier, with its name and size.
#[derive(Debug)]
pub struct Circuit {
    /// The matrices.
    pub r1cs: R1cs,
    /// The matrices' digest.
    pub digest: [u8; 32],
    /// How large they are.
    pub size: Size,
}

/// The circuit of a tier of `chain`.
///
/// # Errors
/// [`CircuitError`].
pub fn circuit(chain: &dyn Chain, tier: TierId) -> Result<Circuit, CircuitError> {
    let known: Vec<TierId> = chain.tiers().iter().map(|tier| tier.id).collect();
    if !known.contains(&tier) {
        return Err(CircuitError::UnknownTier { tier, known });
    }
    let _span = info_span!("setup.circuit").entered();
    let canonical = r1cs::R1cs::synthesize(|cs| chain.synthesize(tier, None, cs))
        .map_err(|source| CircuitError::Synthesis { tier, source })?;
    let (digest, size) = (canonical.digest(), canonical.size());
    let r1cs::R1cs { a, b, c, coefficients, instance_variables, witness_variables } = canonical;
    let matrices = [a, b, c].map(|matrix| SparseMatrix {
        row_offsets: matrix.offsets,
        columns: matrix.columns,
        coefficients: matrix.coefficients,
    });
    let r1cs = R1cs::new(instance_variables, witness_variables, coefficients, matrices)
        .map_err(|source| CircuitError::Matrices { tier, source })?;
    Ok(Circuit { r1cs, digest, size })
}

/// The circuit's variables for a block: 1, the public input, the witness.
///
/// # Errors
/// [`CircuitError::Synthesis`].
pub fn assignment(chain: &dyn Chain, tier: TierId, witness: &BlockWitness) -> Result<Vec<Fr>, CircuitError> {
    let _span = info_span!("prove.witness").entered();
    r1cs::assignment(|cs| chain.synthesize(tier, Some(witness), cs))
        .map_err(|source| CircuitError::Synthesis { tier, source })
}
