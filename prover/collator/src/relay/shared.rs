//! A local relay chain that several threads use.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    header::RelayHeader,
    interface::{BlockData, Candidate, Core, Hash, Heads, Registration, Relay, RelayError},
    local::{LocalRelay, Refusal},
};
use crate::relay_file::RelayFile;

/// A handle to a local relay chain; clones are of the same one.
#[derive(Clone, Debug)]
pub struct SharedRelay {
    shared: Arc<(Mutex<LocalRelay>, Condvar)>,
}

impl SharedRelay {
    /// Shares a relay chain.
    #[must_use]
    pub fn new(relay: LocalRelay) -> Self {
        Self { shared: Arc::new((Mutex::new(relay), Condvar::new())) }
    }

    /// Does something with the relay chain, and wakes who waits for its heads.
    pub fn with<T>(&self, work: impl FnOnce(&mut LocalRelay) -> T) -> T {
        let result = work(&mut self.lock());
        self.shared.1.notify_all();
        result
    }

    fn lock(&self) -> MutexGuard<'_, LocalRelay> {
        // A thread that panicked did so between operations that leave the relay whole.
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(reason: Refusal) -> RelayError {
    RelayError::Refused(reason.to_string())
}

impl Relay for SharedRelay {
    fn heads(&self) -> Result<Heads, RelayError> {
        Ok(self.lock().heads())
    }

    fn wait(&self, known: &Heads, timeout: Duration) -> Result<Heads, RelayError> {
        let end = Instant::now() + timeout;
        let mut relay = self.lock();
        loop {
            let heads = relay.heads();
            let left = end.saturating_duration_since(Instant::now());
            if heads != *known || left.is_zero() {
                return Ok(heads);
            }
            relay = self.shared.1.wait_timeout(relay, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn header(&self, hash: &Hash) -> Result<Option<RelayHeader>, RelayError> {
        Ok(self.lock().header(hash).cloned())
    }

    fn block_hash(&self, number: u32) -> Result<Option<Hash>, RelayError> {
        Ok(self.lock().block_hash(number))
    }

    fn para_head(&self, para: u32, at: &Hash) -> Result<Option<Vec<u8>>, RelayError> {
        let relay = self.lock();
        let head = relay.para_head(para, at).ok_or(RelayError::UnknownBlock(*at))?;
        Ok(head.map(<[u8]>::to_vec))
    }

    fn core(&self, para: u32, at: &Hash) -> Result<Core, RelayError> {
        self.lock().core(para, at).ok_or(RelayError::UnknownBlock(*at))
    }

    fn context(&self, para: u32, at: &Hash) -> Result<RelayFile, RelayError> {
        self.lock().view(para, at).ok_or(RelayError::UnknownBlock(*at))
    }

    fn submit(&self, candidate: &Candidate) -> Result<(), RelayError> {
        self.lock().submit(candidate).map_err(refused)
    }

    fn available(&self, head_hash: &Hash) -> Result<Option<BlockData>, RelayError> {
        Ok(self.lock().available(head_hash).cloned())
    }

    fn order_core(&self, para: u32, max_price: u64) -> Result<u64, RelayError> {
        self.lock().order(para, max_price).map_err(refused)
    }

    fn register(&self, registration: &Registration) -> Result<(), RelayError> {
        self.lock().register(registration).map(drop).map_err(refused)
    }
}
