//! The open file, shared by the database and its handles.

use redb::{Durability, WriteTransaction};

use super::{directory::WriterLock, error::DbError};

/// The open file with the right to write to it.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) file: redb::Database,
    // After the file, so that it is closed before the lock is given back.
    _lock: Option<WriterLock>,
}

impl Store {
    pub(super) fn new(file: redb::Database, lock: Option<WriterLock>) -> Self {
        Self { file, _lock: lock }
    }
}

/// Begins a transaction that is durable when it is committed.
pub(super) fn begin(store: &redb::Database) -> Result<WriteTransaction, DbError> {
    let mut transaction = store.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    // Two syncs instead of one, the second for the switch to the new root alone: a torn page never decides
    // whether a block is there. The allocation map is stored too, so that recovery does not walk the tree.
    transaction.set_quick_repair(true);
    Ok(transaction)
}
