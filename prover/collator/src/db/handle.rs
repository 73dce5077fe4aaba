//! A second handle of the process that writes: for reading, and for the pool's extrinsics.

use std::sync::Arc;

use codec::{Decode, Encode};
use redb::{ReadableDatabase, ReadableTable};

use super::{
    error::DbError,
    read::{ReadDatabase, Snapshot},
    store::{Store, begin},
    tables::{POOL, decode},
};

/// An extrinsic of the pool, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PooledRow {
    /// Its place in the order of arrival.
    pub arrival: u64,
    /// Its bytes.
    pub extrinsic: Vec<u8>,
}

/// A handle of an open [`Database`](super::Database) for other threads of its process. The file stays open, and locked, until the last is gone.
#[derive(Clone, Debug)]
pub struct Handle {
    store: Arc<Store>,
}

impl Handle {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Keeps an extrinsic under its hash, in place of others. When this returns, that is durable.
    ///
    /// # Errors
    /// [`DbError::Storage`].
    pub fn pool_insert(
        &self,
        hash: &[u8; 32],
        row: &PooledRow,
        in_place_of: &[[u8; 32]],
    ) -> Result<(), DbError> {
        let transaction = begin(&self.store.file)?;
        {
            let mut pool = transaction.open_table(POOL)?;
            for other in in_place_of {
                pool.remove(other)?;
            }
            pool.insert(hash, row.encode().as_slice())?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Forgets extrinsics of the pool.
    ///
    /// # Errors
    /// [`DbError::Storage`].
    pub fn pool_remove(&self, hashes: &[[u8; 32]]) -> Result<(), DbError> {
        if hashes.is_empty() {
            return Ok(());
        }
        let transaction = begin(&self.store.file)?;
        {
            let mut pool = transaction.open_table(POOL)?;
            for hash in hashes {
                pool.remove(hash)?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Every extrinsic of the pool.
    ///
    /// # Errors
    /// [`DbError::Storage`], [`DbError::Damaged`].
    pub fn pool(&self) -> Result<Vec<([u8; 32], PooledRow)>, DbError> {
        let pool = self.store.file.begin_read()?.open_table(POOL)?;
        pool.iter()?
            .map(|entry| {
                let (hash, row) = entry?;
                Ok((*hash.value(), decode("pool", row.value())?))
            })
            .collect()
    }
}

impl ReadDatabase for Handle {
    fn snapshot(&self) -> Result<Snapshot, DbError> {
        Ok(Snapshot::new(self.store.file.begin_read()?))
    }
}
