//! Development set-up: the keys of a chain, made by one party.
//!
//! Whoever runs it could have kept the secrets and forge proofs, and the validity key says so: relay
//! validators refuse such keys unless told otherwise. It is for development and tests.

use std::path::{Path, PathBuf};

use tracing::info_span;
use zkpov_circuits::runtime::Chain;
use zkpov_prover::{Options, ProvingKey, SetupError};
use zkpov_verifier::{
    groth16::VerifyingKey,
    key::{ProofSystem, Setup, TierKey, ValidityKey},
    lane::TierId,
};

use crate::{
    chain::ChainInfo,
    circuit::{self, CircuitError},
    files::{self, FileError},
    paths,
};

/// Why no keys were made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyGenerationError {
    /// The circuit.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// The set-up itself.
    #[error("no keys for tier {tier}: {source}")]
    Setup {
        /// The tier.
        tier: TierId,
        /// Why not.
        source: SetupError,
    },
    /// The verifying key that came out is not one a validator accepts; with random secrets this does not happen.
    #[error("the set-up of tier {tier} gave a degenerate verifying key; run it again")]
    Degenerate {
        /// The tier.
        tier: TierId,
    },
    /// The proving key could not be written.
    #[error(transparent)]
    ProvingKey(#[from] zkpov_prover::KeyError),
    /// The validity key could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The directory could not be made.
    #[error("cannot make {}: {source}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
}

/// The keys of a tier, made by one party from the operating system's randomness, which is erased.
///
/// # Errors
/// [`KeyGenerationError`].
pub fn development_keys(
    chain: &dyn Chain,
    tier: TierId,
    options: &Options<'_>,
) -> Result<(ProvingKey, TierKey), KeyGenerationError> {
    let _span = info_span!("setup", chain = chain.name(), tier = tier.0).entered();
    let unknown =
        || CircuitError::UnknownTier { tier, known: chain.tiers().iter().map(|tier| tier.id).collect() };
    let shape = chain.tiers().iter().find(|known| known.id == tier).ok_or_else(unknown)?;
    let circuit = circuit::circuit(chain, tier)?;
    let proving_key = zkpov_prover::setup(&circuit.r1cs, circuit.digest, options)
        .map_err(|source| KeyGenerationError::Setup { tier, source })?;
    let verifying_key =
        verifying_key(proving_key.verifying_key()).ok_or(KeyGenerationError::Degenerate { tier })?;
    let tier_key = TierKey {
        tier,
        lanes: shape.lanes.clone(),
        body_limit: shape.body_limit,
        proof_system: ProofSystem::Groth16Bn254,
        circuit_digest: circuit.digest,
        verifying_key,
        setup: Setup::Dev,
    };
    Ok((proving_key, tier_key))
}

/// Makes the keys of one tier as [`development_keys`] does and writes them, with the chain's validity key, into a directory, which is made
/// if there is none.
///
/// # Errors
/// [`KeyGenerationError`].
pub fn write_development_keys(
    directory: &Path,
    info: &ChainInfo,
    tier: TierId,
    options: &Options<'_>,
) -> Result<(ProvingKey, ValidityKey), KeyGenerationError> {
    let (proving_key, tier_key) = development_keys(info.chain, tier, options)?;
    let unmade = |source| KeyGenerationError::Directory { path: directory.to_owned(), source };
    std::fs::create_dir_all(directory).map_err(unmade)?;
    proving_key.write(paths::proving_key(directory, tier))?;
    // Last, so that a directory with a validity key has everything that belongs to it.
    let validity_key = validity_key(info, vec![tier_key]);
    files::write_atomically(&paths::validity_key(directory), &validity_key.encode())?;
    Ok((proving_key, validity_key))
}

/// The validity key of a chain with these tiers.
#[must_use]
pub fn validity_key(info: &ChainInfo, mut tiers: Vec<TierKey>) -> ValidityKey {
    tiers.sort_by_key(|tier| tier.tier);
    let ChainInfo { chain, identity, messages } = *info;
    ValidityKey { chain: identity, body_format: chain.body_format(), messages, tiers }
}

/// A prover's verifying key in the verifier's form; `None` if it is not one a validator accepts.
pub(crate) fn verifying_key(key: &zkpov_prover::VerifyingKey) -> Option<VerifyingKey> {
    let ic = key.ic().try_into().ok()?;
    VerifyingKey::new(*key.alpha_g1(), *key.beta_g2(), *key.delta_g2(), ic).ok()
}
