//! The directory of keys that a collator proves with: the validity key, and a proving key per tier.
//!
//! ```text
//!   KEYS/validity.key ──► PreparedKey ──┐ same circuit digest,
//!   KEYS/tier-18.zkpk ──► ProvingKey ───┘ same verifying key: checked when a proving key is opened
//! ```

use std::{
    io,
    path::{Path, PathBuf},
};

use zkpov_prover::{Backend, ProvingKey};
use zkpov_verifier::{
    key::{KeyPolicy, MAX_KEY_BYTES, PreparedKey},
    lane::TierId,
    statement::ChainIdentity,
};

use crate::{
    files::{self, FileError},
    paths, setup,
};

/// Why keys could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyStoreError {
    /// A file of the directory.
    #[error("{source}; make the keys with `zkpov setup`, or check the path")]
    File {
        /// What happened.
        source: FileError,
    },
    /// The validity key is none.
    #[error("{}: {source}", path.display())]
    ValidityKey {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        source: zkpov_verifier::key::KeyError,
    },
    /// The keys are another chain's, or another version's.
    #[error(
        "the keys in {} are for {} of another chain or version ({found} instead of {expected}); make keys for this chain with `zkpov setup`",
        directory.display(), what
    )]
    OtherChain {
        /// The directory of keys.
        directory: PathBuf,
        /// What differs.
        what: &'static str,
        /// The key's.
        found: String,
        /// The chain's.
        expected: String,
    },
    /// There is no key for the tier.
    #[error(
        "there are no keys for tier {tier} in {}, only for {}; make them with `zkpov setup`, or choose one of those with --tier",
        directory.display(),
        present.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    NoTier {
        /// The directory of keys.
        directory: PathBuf,
        /// The tier asked for.
        tier: TierId,
        /// The tiers of the validity key.
        present: Vec<TierId>,
    },
    /// The proving key cannot be used.
    #[error("{}: {source}", path.display())]
    ProvingKey {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        source: zkpov_prover::KeyError,
    },
    /// The proving key does not belong to the validity key.
    #[error(
        "{} does not belong to the validity key beside it ({what} differs); both must come from the same set-up",
        path.display()
    )]
    Mismatch {
        /// The proving key's file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
}

/// An opened directory of keys.
#[derive(Debug)]
pub struct KeyStore {
    directory: PathBuf,
    validity_key: PreparedKey,
    backend: Backend,
}

impl KeyStore {
    /// Opens the keys in `directory`, which must be those of the chain `identity`.
    ///
    /// Development keys are taken: whoever proves with a key has no one to be protected from.
    ///
    /// # Errors
    /// What about the directory or its validity key is wrong.
    pub fn open(directory: &Path, identity: &ChainIdentity) -> Result<Self, KeyStoreError> {
        let path = paths::validity_key(directory);
        let bytes = files::read_bounded(&path, MAX_KEY_BYTES as u64)
            .map_err(|source| KeyStoreError::File { source })?;
        let validity_key = PreparedKey::decode(&bytes, KeyPolicy { allow_dev_setup: true })
            .map_err(|source| KeyStoreError::ValidityKey { path, source })?;
        if let Some((what, found, expected)) = difference(&validity_key.key().chain, identity) {
            return Err(KeyStoreError::OtherChain { directory: directory.to_owned(), what, found, expected });
        }
        Ok(Self { directory: directory.to_owned(), validity_key, backend: Backend::cpu() })
    }

    /// The same keys, with proofs computed on `backend` in place of the CPU.
    #[must_use]
    pub fn proving_on(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// What proofs are computed on.
    #[must_use]
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// The validity key.
    #[must_use]
    pub fn validity_key(&self) -> &PreparedKey {
        &self.validity_key
    }

    /// The tiers that can be proven, ascending.
    #[must_use]
    pub fn tiers(&self) -> Vec<TierId> {
        self.validity_key.key().tiers.iter().map(|tier| tier.tier).collect()
    }

    /// Opens the proving key of a tier and checks that it belongs to the validity key.
    ///
    /// # Errors
    /// [`KeyStoreError::NoTier`], [`KeyStoreError::ProvingKey`], [`KeyStoreError::Mismatch`].
    pub fn proving_key(&self, tier: TierId) -> Result<ProvingKey, KeyStoreError> {
        let no_tier =
            || KeyStoreError::NoTier { directory: self.directory.clone(), tier, present: self.tiers() };
        let (expected, _) = self.validity_key.tier(tier).ok_or_else(no_tier)?;
        let path = paths::proving_key(&self.directory, tier);
        let key = match ProvingKey::open(&path) {
            Ok(key) => key,
            Err(zkpov_prover::KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Err(no_tier());
            }
            Err(source) => return Err(KeyStoreError::ProvingKey { path, source }),
        };
        if *key.circuit_digest() != expected.circuit_digest {
            return Err(KeyStoreError::Mismatch { path, what: "the digest of the circuit" });
        }
        if setup::verifying_key(key.verifying_key()).as_ref() != Some(&expected.verifying_key) {
            return Err(KeyStoreError::Mismatch { path, what: "the verifying key" });
        }
        Ok(key)
    }
}

/// The first field in which a validity key's chain is not the one expected: field, found, expected.
pub(crate) fn difference(
    found: &ChainIdentity,
    expected: &ChainIdentity,
) -> Option<(&'static str, String, String)> {
    let hex = |hash: [u8; 32]| format!("0x{}", hex::encode(hash));
    [
        ("the para id", found.para_id.to_string(), expected.para_id.to_string()),
        ("the genesis hash", hex(found.genesis_hash), hex(expected.genesis_hash)),
        ("the runtime version", found.runtime_version.to_string(), expected.runtime_version.to_string()),
        (
            "the transaction version",
            found.transaction_version.to_string(),
            expected.transaction_version.to_string(),
        ),
    ]
    .into_iter()
    .find(|(_, found, expected)| found != expected)
}
