//! What can go wrong with the database, and what to do about it.

use std::{io, path::PathBuf};

use redb::{CommitError, DatabaseError, SetDurabilityError, StorageError, TableError, TransactionError};

/// Why an operation on the database was refused or failed. A refused or failed operation changes nothing,
/// except that after [`DbError::Storage`] the block in question may or may not be there: open the
/// database again and look at the tip.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// Another process has the database open for writing.
    #[error(
        "the database in {} is in use by another process{}; wait until it ends or stop it, then try again",
        directory.display(),
        holder.map(|id| format!(" (process {id})")).unwrap_or_default()
    )]
    Locked {
        /// The database's directory.
        directory: PathBuf,
        /// The process that holds it, where it could be read.
        holder: Option<u32>,
    },
    /// A new database was asked for where there is one.
    #[error("{} already holds a chain's database; choose another directory, or remove it to start over", directory.display())]
    Exists {
        /// The database's directory.
        directory: PathBuf,
    },
    /// There is no database in the directory.
    #[error("there is no chain database in {}; make one with `zkpov genesis`, or check the path", directory.display())]
    Missing {
        /// The directory.
        directory: PathBuf,
    },
    /// The file is not one of ours.
    #[error(
        "this is not a zkpov chain database ({reason}); check the path, or make one with `zkpov genesis`"
    )]
    NotADatabase {
        /// What about it is wrong.
        reason: String,
    },
    /// The database was written by another version of the format.
    #[error(
        "the database has format version {found}, this program reads version {supported}; use the zkpov release that wrote it, or rebuild the database by importing the chain's blocks"
    )]
    FormatVersion {
        /// The version in the database.
        found: u32,
        /// The version this program reads and writes.
        supported: u32,
    },
    /// The block is not the one after the tip.
    #[error(
        "block {given} cannot be committed: the next block is {expected}; roll back or commit the blocks between first"
    )]
    NotNext {
        /// The number the next block must have.
        expected: u32,
        /// The number of the block given.
        given: u32,
    },
    /// The block does not build on the tip.
    #[error(
        "block {number} builds on {}, but the tip is {}; roll back to their common ancestor first",
        hex::encode(given),
        hex::encode(tip)
    )]
    WrongParent {
        /// The block's number.
        number: u32,
        /// The hash of the database's tip.
        tip: [u8; 32],
        /// The parent hash in the block given.
        given: [u8; 32],
    },
    /// The block is final: it and its ancestors are never undone.
    #[error("cannot go back to block {number}: block {finalized} is final")]
    Final {
        /// The number asked for.
        number: u32,
        /// The highest final block.
        finalized: u32,
    },
    /// There is no such block yet.
    #[error("there is no block {number}: the tip is block {tip}")]
    AboveTip {
        /// The number asked for.
        number: u32,
        /// The tip's number.
        tip: u32,
    },
    /// The content contradicts itself. No sequence of operations and crashes leads here.
    #[error(
        "the database is damaged ({what}); restore it from a copy, or make a new one and import the chain's blocks"
    )]
    Damaged {
        /// The contradiction.
        what: String,
    },
    /// The database was not closed properly and is being recovered by another process.
    #[error("the database in {} is being recovered by another process; try again in a moment", directory.display())]
    Recovering {
        /// The database's directory.
        directory: PathBuf,
    },
    /// Another thread of this process has the database too.
    #[error("the database is in use by another part of this program; stop the service first")]
    Shared,
    /// A file or directory could not be made, opened, locked or renamed.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system answered.
        source: io::Error,
    },
    /// The storage under the database failed; nothing half-done is ever visible.
    #[error(
        "the database's storage failed: {0}; check the disk and its free space, then run the command again"
    )]
    Storage(Box<redb::Error>),
}

impl DbError {
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }

    pub(super) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}

/// The store's errors come in one type per kind of call; to a caller of ours they are one.
macro_rules! storage_errors {
    ($($error:ty),*) => {
        $(impl From<$error> for DbError {
            fn from(error: $error) -> Self {
                match error.into() {
                    redb::Error::Corrupted(what) => Self::Damaged { what },
                    error => Self::Storage(Box::new(error)),
                }
            }
        })*
    };
}

storage_errors!(CommitError, DatabaseError, SetDurabilityError, StorageError, TableError, TransactionError);
