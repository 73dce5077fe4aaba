//! Where a database lies, and the lock that keeps a second writer away.
//!
//! ```text
//!  DIR/chain.redb       the database
//!  DIR/chain.redb.new   a database being created; removed by the next creation
//!  DIR/writer.lock      locked by the process that writes, whose id it holds
//! ```

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use super::error::DbError;

const DATABASE: &str = "chain.redb";
const UNFINISHED: &str = "chain.redb.new";
const LOCK: &str = "writer.lock";
/// More digits than any process id has.
const MAX_HOLDER_DIGITS: u64 = 20;

/// The database file in `directory`.
pub(super) fn database_path(directory: &Path) -> PathBuf {
    directory.join(DATABASE)
}

/// Where a new database is made before it is complete.
pub(super) fn unfinished_path(directory: &Path) -> PathBuf {
    directory.join(UNFINISHED)
}

/// The right to write in a directory, held as long as this lives. The operating system takes it back when
/// the process ends, however it ends.
///
/// The store under the database has a lock of its own; this one also covers the making of a new database
/// and can say who holds it.
#[derive(Debug)]
pub(super) struct WriterLock {
    file: File,
}

impl WriterLock {
    /// Takes the lock of `directory`, or says who holds it.
    pub(super) fn acquire(directory: &Path) -> Result<Self, DbError> {
        let path = directory.join(LOCK);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(DbError::file("open the lock file", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(directory, Some(file))),
            Err(TryLockError::Error(source)) => return Err(DbError::file("lock", path)(source)),
        }
        // The id is for the error message of others alone: no harm if it cannot be written.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { file })
    }
}

impl Drop for WriterLock {
    /// Gives the lock back at once. Closing the file would not, as long as a child that this process is
    /// just starting still holds a copy of its descriptor.
    fn drop(&mut self) {
        // Should it fail, the lock goes with the last descriptor.
        let _ = self.file.unlock();
    }
}

/// The error for a directory that another process writes in, read from its lock file where there is one.
pub(super) fn locked(directory: &Path, lock_file: Option<File>) -> DbError {
    let holder = lock_file.and_then(|file| {
        let mut text = String::new();
        file.take(MAX_HOLDER_DIGITS).read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    });
    DbError::Locked { directory: directory.to_owned(), holder }
}
