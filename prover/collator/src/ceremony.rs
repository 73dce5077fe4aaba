//! Keys from a ceremony: the outcome is verified, brought into the prover's form, and its transcript's hash put into the validity key.

use zkpov_circom::{
    Ptau, Zkey,
    ceremony::{self, CeremonyError, InitialKey, Verified},
    r1cs,
};
use zkpov_circuits::runtime::Chain;
use zkpov_prover::ProvingKey;
use zkpov_verifier::{
    key::{ProofSystem, Setup, TierKey},
    lane::TierId,
};

use crate::{
    circuit::{self, CircuitError},
    setup,
};

/// Why a ceremony's outcome is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CeremonyKeyError {
    /// The circuit.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// The ceremony.
    #[error("the ceremony of tier {tier}: {source}")]
    Ceremony {
        /// The tier.
        tier: TierId,
        /// What is wrong.
        source: CeremonyError,
    },
    /// Nobody contributed.
    #[error("nobody has contributed to the key of tier {tier}: anyone could forge proofs under it")]
    NoContribution {
        /// The tier.
        tier: TierId,
    },
    /// The verifying key is not one a validator accepts.
    #[error("the ceremony of tier {tier} gave a degenerate verifying key")]
    Degenerate {
        /// The tier.
        tier: TierId,
    },
}

/// The keys of a tier.
#[derive(Debug)]
pub struct TierKeys {
    /// For the prover.
    pub proving_key: ProvingKey,
    /// For the validity key, with the hash of the ceremony's transcript.
    pub tier_key: TierKey,
    /// Who contributed.
    pub verified: Verified,
}

/// A tier's circuit in the form that ceremonies work on. Everything about it is public or witness; it has no outputs.
///
/// # Errors
/// [`CircuitError`].
pub fn ceremony_circuit(chain: &dyn Chain, tier: TierId) -> Result<(r1cs::Circuit, [u8; 32]), CircuitError> {
    let circuit = circuit::circuit(chain, tier)?;
    Ok((r1cs::Circuit { r1cs: circuit.r1cs, outputs: 0, private_inputs: 0 }, circuit.digest))
}

/// The keys of a tier of `chain` from the outcome of a ceremony over its circuit and `powers`, which is verified first.
///
/// # Errors
/// [`CeremonyKeyError`].
pub fn keys(
    chain: &dyn Chain,
    tier: TierId,
    powers: &Ptau<'_>,
    key: &Zkey<'_>,
) -> Result<TierKeys, CeremonyKeyError> {
    let refused = |source| CeremonyKeyError::Ceremony { tier, source };
    let (circuit, digest) = ceremony_circuit(chain, tier)?;
    let unknown =
        || CircuitError::UnknownTier { tier, known: chain.tiers().iter().map(|tier| tier.id).collect() };
    let shape = chain.tiers().iter().find(|known| known.id == tier).ok_or_else(unknown)?;
    let initial = InitialKey::new(&circuit, powers).map_err(|error| refused(error.into()))?;
    let verified = ceremony::verify(&initial, key).map_err(refused)?;
    if verified.transcript.contributions.is_empty() {
        return Err(CeremonyKeyError::NoContribution { tier });
    }
    drop(initial);
    let proving_key = ceremony::proving_key(&circuit, digest, key).map_err(refused)?;
    let verifying_key =
        setup::verifying_key(proving_key.verifying_key()).ok_or(CeremonyKeyError::Degenerate { tier })?;
    let tier_key = TierKey {
        tier,
        lanes: shape.lanes.clone(),
        body_limit: shape.body_limit,
        proof_system: ProofSystem::Groth16Bn254,
        circuit_digest: digest,
        verifying_key,
        setup: Setup::Ceremony(verified.hash),
    };
    Ok(TierKeys { proving_key, tier_key, verified })
}
