//! The prepared keys, by code hash.

use std::sync::{Arc, Mutex, PoisonError};

use polkadot_primitives::{ValidationCode, ValidationCodeHash};
use schnellru::{ByLength, LruMap};
use zkpov_verifier::key::{KeyError, KeyPolicy, PreparedKey};

use crate::{config::Config, metrics::Metrics};

/// A key, or why it is none that this node accepts: equally dear to find out.
type Prepared = Result<Arc<PreparedKey>, KeyError>;

/// The prepared keys that were used last.
pub(crate) struct KeyCache {
    policy: KeyPolicy,
    metrics: Metrics,
    keys: Mutex<LruMap<ValidationCodeHash, Prepared>>,
}

impl KeyCache {
    pub(crate) fn new(config: &Config, metrics: Metrics) -> Self {
        let limit = u32::try_from(config.prepared_keys.get()).unwrap_or(u32::MAX);
        Self { policy: config.keys, metrics, keys: Mutex::new(LruMap::new(ByLength::new(limit))) }
    }

    /// The key `code` of hash `hash`, prepared. Two threads that ask for a new key at the same time both prepare it,
    /// and neither waits for the other.
    pub(crate) fn prepared(&self, hash: ValidationCodeHash, code: &ValidationCode) -> Prepared {
        if let Some(known) = self.lock().get(&hash) {
            return known.clone();
        }
        let prepared = zkpov_relay::prepare(code, self.policy).map(Arc::new);
        self.metrics.key_prepared();
        self.lock().insert(hash, prepared.clone());
        prepared
    }

    /// A thread that panicked with the lock left a map of whole entries.
    fn lock(&self) -> std::sync::MutexGuard<'_, LruMap<ValidationCodeHash, Prepared>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
