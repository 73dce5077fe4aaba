//! Writing: each operation is one transaction of the store, durable when it returns.

use std::{collections::HashSet, io, path::Path, sync::Arc, thread, time::Duration};

use codec::Encode;
use redb::{Builder, ConcurrencyMode, ReadableDatabase, ReadableTable, StorageBackend, WriteTransaction};
use zkpov_circuits::state::ChangeSet;

use super::{
    directory::{WriterLock, database_path, locked, unfinished_path},
    error::DbError,
    handle::Handle,
    read::{ReadDatabase, Snapshot},
    records::{BlockRecord, Genesis},
    store::{Store, begin},
    tables::{
        self, BLOCKS, BlockRow, EXTRINSICS, HASHES, INPUTS, META, PENDING, POOL, STATE, UNDO, UndoLog, decode,
    },
};
use crate::files::sync_directory;

/// Memory the store may use for its page cache.
const CACHE_BYTES: usize = 256 << 20;
/// How often, and how far apart, a reader tries again while a writer opens or recovers the database.
const READER_ATTEMPTS: u32 = 40;
const READER_PAUSE: Duration = Duration::from_millis(50);

/// A chain's database, open for writing. There is at most one per directory at any time.
#[derive(Debug)]
pub struct Database {
    store: Arc<Store>,
}

impl Database {
    /// Makes the database of a new chain in `directory` (made too if it is not there), holding `genesis` as
    /// block 0, which is final, and `state` as the state after it.
    ///
    /// Whatever happens on the way, the directory has no database or a complete one.
    ///
    /// # Errors
    /// [`DbError::Exists`] when there is one, [`DbError::Locked`], [`DbError::File`], [`DbError::Storage`].
    pub fn create(directory: &Path, genesis: &Genesis, state: &ChangeSet) -> Result<Self, DbError> {
        std::fs::create_dir_all(directory).map_err(DbError::file("make the directory", directory))?;
        let lock = WriterLock::acquire(directory)?;
        let (unfinished, path) = (unfinished_path(directory), database_path(directory));
        if path.try_exists().map_err(DbError::file("look at", &path))? {
            return Err(DbError::Exists { directory: directory.to_owned() });
        }
        match std::fs::remove_file(&unfinished) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(DbError::file("remove", unfinished)(source));
            }
            _ => {}
        }
        let store = builder().create(&unfinished)?;
        write_genesis(&store, genesis, state)?;
        store.close()?;
        std::fs::rename(&unfinished, &path).map_err(DbError::file("put into place", &path))?;
        sync_directory(directory).map_err(DbError::file("sync", directory))?;
        Self::open_locked(directory, lock)
    }

    /// Opens the database in `directory` for writing, and recovers it first if it was not closed properly:
    /// it is then as the last completed operation left it.
    ///
    /// # Errors
    /// [`DbError::Missing`], [`DbError::Locked`], [`DbError::NotADatabase`], [`DbError::FormatVersion`],
    /// [`DbError::Storage`].
    pub fn open(directory: &Path) -> Result<Self, DbError> {
        require(directory)?;
        Self::open_locked(directory, WriterLock::acquire(directory)?)
    }

    /// As [`create`](Self::create), on storage of the caller's, which must be empty: a disk that fails on
    /// purpose, memory.
    ///
    /// # Errors
    /// [`DbError::Exists`] when the storage holds a chain's database, [`DbError::Storage`].
    pub fn create_on(
        storage: impl StorageBackend,
        genesis: &Genesis,
        state: &ChangeSet,
    ) -> Result<Self, DbError> {
        let store = builder().create_with_backend(storage).map_err(foreign)?;
        if tables::check(&store.begin_read()?).is_ok() {
            return Err(DbError::Exists { directory: "this storage".into() });
        }
        write_genesis(&store, genesis, state)?;
        Self::checked(store, None)
    }

    /// As [`open`](Self::open), on storage of the caller's.
    ///
    /// # Errors
    /// [`DbError::NotADatabase`], [`DbError::FormatVersion`], [`DbError::Storage`].
    pub fn open_on(storage: impl StorageBackend) -> Result<Self, DbError> {
        Self::checked(builder().create_with_backend(storage).map_err(foreign)?, None)
    }

    /// Adds the block after the tip with what it does to the state. When this returns, the block, the new
    /// state and what it takes to undo both are durable; when it fails, none of them is there or all are.
    ///
    /// Extrinsics of the block that were pending no longer are.
    ///
    /// # Errors
    /// [`DbError::NotNext`], [`DbError::WrongParent`], [`DbError::Storage`].
    pub fn commit(&mut self, block: &BlockRecord, changes: &ChangeSet) -> Result<(), DbError> {
        let transaction = self.begin()?;
        extend(&transaction, block)?;
        let undo = apply(&transaction, changes)?;
        transaction.open_table(UNDO)?.insert(block.number, undo.encode().as_slice())?;
        forget(&transaction, &block.extrinsics)?;
        transaction.commit()?;
        Ok(())
    }

    /// Undoes the blocks above `number`, newest first, and returns their extrinsics, oldest block first.
    /// They are [`pending`](ReadDatabase::pending) from now on.
    ///
    /// # Errors
    /// [`DbError::Final`] below the highest final block, [`DbError::AboveTip`], [`DbError::Storage`].
    pub fn rollback_to(&mut self, number: u32) -> Result<Vec<Vec<u8>>, DbError> {
        let transaction = self.begin()?;
        let (tip, _) = tables::tip(&transaction.open_table(BLOCKS)?)?;
        let finalized = tables::finalized(&transaction.open_table(META)?)?;
        if number > tip {
            return Err(DbError::AboveTip { number, tip });
        }
        if number < finalized {
            return Err(DbError::Final { number, finalized });
        }
        let mut undone = Vec::new();
        // The blocks to undo: `number + 1` cannot overflow where there is one above `number`.
        for above in (number..tip).rev().map(|below| below + 1) {
            undone.push((above, undo(&transaction, above)?));
        }
        undone.reverse();
        remember(&transaction, &undone)?;
        transaction.commit()?;
        Ok(undone.into_iter().flat_map(|(_, extrinsics)| extrinsics).collect())
    }

    /// Makes the blocks up to `number` final: what it takes to undo them and their extrinsics are dropped.
    ///
    /// # Errors
    /// [`DbError::Final`] below the highest final block, [`DbError::AboveTip`], [`DbError::Storage`].
    pub fn finalize(&mut self, number: u32) -> Result<(), DbError> {
        let transaction = self.begin()?;
        let (tip, _) = tables::tip(&transaction.open_table(BLOCKS)?)?;
        let mut meta = transaction.open_table(META)?;
        let finalized = tables::finalized(&meta)?;
        if number > tip {
            return Err(DbError::AboveTip { number, tip });
        }
        if number < finalized {
            return Err(DbError::Final { number, finalized });
        }
        tables::set_finalized(&mut meta, number)?;
        drop(meta);
        transaction.open_table(UNDO)?.retain_in(..=number, |_, _| false)?;
        transaction.open_table(EXTRINSICS)?.retain_in(..=number, |_, _| false)?;
        transaction.commit()?;
        Ok(())
    }

    /// Drops extrinsics from the pending ones: those that can no longer be included.
    ///
    /// # Errors
    /// [`DbError::Storage`].
    pub fn forget_pending(&mut self, extrinsics: &[Vec<u8>]) -> Result<(), DbError> {
        let transaction = self.begin()?;
        forget(&transaction, extrinsics)?;
        transaction.commit()?;
        Ok(())
    }

    /// Checks everything that can be checked without the state machine: the checksum of every page of the
    /// store, that the blocks are a chain, and that exactly those above the final one can be undone.
    ///
    /// Reads the whole database.
    ///
    /// # Errors
    /// [`DbError::Damaged`] naming the first contradiction, [`DbError::Shared`] while there is a [`handle`](Self::handle),
    /// [`DbError::Storage`].
    pub fn verify(&mut self) -> Result<(), DbError> {
        let store = Arc::get_mut(&mut self.store).ok_or(DbError::Shared)?;
        if !store.file.check_integrity()? {
            return Err(DbError::damaged("a page's checksum or the store's allocation is wrong"));
        }
        super::verify::verify(&store.file.begin_read()?)
    }

    /// Closes the database, and says if that failed; dropping it closes it too. What was committed is durable either way.
    ///
    /// # Errors
    /// [`DbError::Storage`].
    pub fn close(self) -> Result<(), DbError> {
        match Arc::try_unwrap(self.store) {
            Ok(store) => Ok(store.file.close()?),
            // The last handle closes it.
            Err(_) => Ok(()),
        }
    }

    /// A handle for other threads of this process, which read beside the writing and keep the pool's extrinsics.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(self.store.clone())
    }

    fn open_locked(directory: &Path, lock: WriterLock) -> Result<Self, DbError> {
        let store = builder().open(database_path(directory)).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => locked(directory, None),
            error => foreign(error),
        })?;
        Self::checked(store, Some(lock))
    }

    fn checked(store: redb::Database, lock: Option<WriterLock>) -> Result<Self, DbError> {
        tables::check(&store.begin_read()?)?;
        Ok(Self { store: Arc::new(Store::new(store, lock)) })
    }

    fn begin(&self) -> Result<WriteTransaction, DbError> {
        begin(&self.store.file)
    }
}

impl ReadDatabase for Database {
    fn snapshot(&self) -> Result<Snapshot, DbError> {
        Ok(Snapshot::new(self.store.file.begin_read()?))
    }
}

/// A chain's database, open for reading beside the process that writes it, whose commits it follows.
pub struct Reader {
    store: redb::ReadOnlyDatabase,
}

impl Reader {
    /// Opens the database in `directory` for reading.
    ///
    /// A database that was not closed properly and that nobody has open is recovered first, for which it is
    /// locked for a moment.
    ///
    /// # Errors
    /// [`DbError::Missing`], [`DbError::NotADatabase`], [`DbError::FormatVersion`], [`DbError::Recovering`],
    /// [`DbError::Storage`].
    pub fn open(directory: &Path) -> Result<Self, DbError> {
        require(directory)?;
        for attempt in 0..READER_ATTEMPTS {
            if attempt > 0 {
                thread::sleep(READER_PAUSE);
            }
            match builder().open_read_only(database_path(directory)) {
                Ok(store) => {
                    tables::check(&store.begin_read()?)?;
                    return Ok(Self { store });
                }
                Err(redb::DatabaseError::RepairAborted) => match Database::open(directory) {
                    Ok(recovered) => recovered.close()?,
                    Err(DbError::Locked { .. }) => {}
                    Err(error) => return Err(error),
                },
                Err(redb::DatabaseError::DatabaseAlreadyOpen) => {}
                Err(error) => return Err(foreign(error)),
            }
        }
        Err(DbError::Recovering { directory: directory.to_owned() })
    }
}

impl ReadDatabase for Reader {
    fn snapshot(&self) -> Result<Snapshot, DbError> {
        Ok(Snapshot::new(self.store.begin_read()?))
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES).set_concurrency_mode(ConcurrencyMode::SingleWriter);
    builder
}

fn require(directory: &Path) -> Result<(), DbError> {
    let path = database_path(directory);
    match path.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(DbError::Missing { directory: directory.to_owned() }),
        Err(source) => Err(DbError::file("look at", path)(source)),
    }
}

/// An error of opening the store; a file that is not one of its kind is named as such.
fn foreign(error: redb::DatabaseError) -> DbError {
    match error {
        redb::DatabaseError::Storage(redb::StorageError::Io(source))
            if source.kind() == io::ErrorKind::InvalidData =>
        {
            DbError::NotADatabase { reason: source.to_string() }
        }
        redb::DatabaseError::UpgradeRequired(version) => {
            DbError::NotADatabase { reason: format!("its store has version {version}") }
        }
        error => error.into(),
    }
}

fn write_genesis(store: &redb::Database, genesis: &Genesis, state: &ChangeSet) -> Result<(), DbError> {
    let transaction = begin(store)?;
    tables::write_meta(&transaction, genesis)?;
    // Every table exists from the start, so that a reader never misses one.
    transaction.open_table(UNDO)?;
    transaction.open_table(EXTRINSICS)?;
    transaction.open_table(PENDING)?;
    transaction.open_table(INPUTS)?;
    transaction.open_table(POOL)?;
    transaction.open_table(HASHES)?.insert(&genesis.hash, 0)?;
    apply(&transaction, state)?;
    let row = BlockRow {
        hash: genesis.hash,
        parent_hash: [0; 32],
        head: genesis.head.clone(),
        pov: Vec::new(),
        relay: Vec::new(),
        input_digest: None,
    };
    transaction.open_table(BLOCKS)?.insert(0, row.encode().as_slice())?;
    transaction.commit()?;
    Ok(())
}

/// Puts the block after the tip, if it belongs there.
fn extend(transaction: &WriteTransaction, block: &BlockRecord) -> Result<(), DbError> {
    let mut blocks = transaction.open_table(BLOCKS)?;
    let (tip, row) = tables::tip(&blocks)?;
    if tip.checked_add(1) != Some(block.number) {
        return Err(DbError::NotNext { expected: tip.saturating_add(1), given: block.number });
    }
    if row.hash != block.parent_hash {
        return Err(DbError::WrongParent { number: block.number, tip: row.hash, given: block.parent_hash });
    }
    let row = BlockRow {
        hash: block.hash,
        parent_hash: block.parent_hash,
        head: block.head.clone(),
        pov: block.pov.clone(),
        relay: block.relay.clone(),
        input_digest: block.input_digest,
    };
    blocks.insert(block.number, row.encode().as_slice())?;
    transaction.open_table(HASHES)?.insert(&block.hash, block.number)?;
    transaction.open_table(EXTRINSICS)?.insert(block.number, block.extrinsics.encode().as_slice())?;
    if let Some(digest) = &block.input_digest {
        transaction.open_table(INPUTS)?.insert((digest, block.number), ())?;
    }
    Ok(())
}

/// Applies the changes and returns what undoes them.
fn apply(transaction: &WriteTransaction, changes: &ChangeSet) -> Result<UndoLog, DbError> {
    let mut state = transaction.open_table(STATE)?;
    let mut undo = UndoLog::with_capacity(changes.0.len());
    for (key, value) in &changes.0 {
        let before = match value {
            Some(value) => state.insert(key.as_slice(), value.as_slice())?,
            None => state.remove(key.as_slice())?,
        };
        undo.push((key.clone(), before.map(|value| value.value().to_vec())));
    }
    Ok(undo)
}

/// Takes the block away, which must be the tip, and returns its extrinsics.
fn undo(transaction: &WriteTransaction, number: u32) -> Result<Vec<Vec<u8>>, DbError> {
    let missing =
        |table: &'static str| move || DbError::damaged(format!("table {table} has no block {number}"));
    let log: UndoLog = {
        let mut undo = transaction.open_table(UNDO)?;
        let log = undo.remove(number)?.ok_or_else(missing("undo"))?;
        decode("undo", log.value())?
    };
    let mut state = transaction.open_table(STATE)?;
    for (key, before) in log {
        match before {
            Some(value) => drop(state.insert(key.as_slice(), value.as_slice())?),
            None => drop(state.remove(key.as_slice())?),
        }
    }
    let row: BlockRow = {
        let mut blocks = transaction.open_table(BLOCKS)?;
        let row = blocks.remove(number)?.ok_or_else(missing("blocks"))?;
        decode("blocks", row.value())?
    };
    transaction.open_table(HASHES)?.remove(&row.hash)?;
    if let Some(digest) = &row.input_digest {
        transaction.open_table(INPUTS)?.remove((digest, number))?;
    }
    let mut extrinsics = transaction.open_table(EXTRINSICS)?;
    let bytes = extrinsics.remove(number)?.ok_or_else(missing("extrinsics"))?;
    decode("extrinsics", bytes.value())
}

/// Keeps the extrinsics of undone blocks as pending, each once.
fn remember(transaction: &WriteTransaction, undone: &[(u32, Vec<Vec<u8>>)]) -> Result<(), DbError> {
    let mut pending = transaction.open_table(PENDING)?;
    let mut known = HashSet::new();
    for entry in pending.iter()? {
        known.insert(entry?.1.value().to_vec());
    }
    for (number, extrinsics) in undone {
        let last = pending.range((*number, 0)..=(*number, u32::MAX))?.next_back().transpose()?;
        let mut index = last.map_or(0, |(key, _)| key.value().1.saturating_add(1));
        for extrinsic in extrinsics {
            if known.insert(extrinsic.clone()) {
                pending.insert((*number, index), extrinsic.as_slice())?;
                index = index.saturating_add(1);
            }
        }
    }
    Ok(())
}

/// Takes extrinsics out of the pending ones.
fn forget(transaction: &WriteTransaction, extrinsics: &[Vec<u8>]) -> Result<(), DbError> {
    let included: HashSet<&[u8]> = extrinsics.iter().map(Vec::as_slice).collect();
    transaction.open_table(PENDING)?.retain(|_, pending| !included.contains(pending))?;
    Ok(())
}
