//! A disk in memory that fails and loses power on purpose.
//!
//! ```text
//!  write, set_len ──► journal ──── sync ────► durable bytes
//!                        │
//!                 power failure: of what was not synced, nothing, all, a prefix or any
//!                 subset of sectors survives, the last write torn
//! ```

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use redb::{BackendError, StorageBackend};

/// What a disk writes whole or not at all.
pub(crate) const SECTOR: usize = 512;

/// When the disk starts to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Never.
    None,
    /// From the n-th operation on (0 is the first) all fail: the power is gone.
    From(u64),
    /// The n-th operation alone fails: a passing error.
    Once(u64),
}

#[derive(Clone, Debug)]
enum Entry {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Debug)]
struct Contents {
    durable: Vec<u8>,
    current: Vec<u8>,
    journal: Vec<Entry>,
    fault: Fault,
    operations: u64,
}

/// The disk; a clone is another handle to the same one.
#[derive(Clone, Debug)]
pub(crate) struct Disk(Arc<Mutex<Contents>>);

impl Disk {
    /// A disk that holds `bytes`.
    pub(crate) fn new(bytes: Vec<u8>, fault: Fault) -> Self {
        Self(Arc::new(Mutex::new(Contents {
            durable: bytes.clone(),
            current: bytes,
            journal: Vec::new(),
            fault,
            operations: 0,
        })))
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }

    /// How many operations were asked of it.
    pub(crate) fn operations(&self) -> u64 {
        self.contents().operations
    }

    /// What a program sees on it, and finds again after it was killed (the operating system lives on).
    pub(crate) fn current(&self) -> Vec<u8> {
        self.contents().current.clone()
    }

    /// What may be found on it after a power failure: with nothing of what was not synced, with all, with
    /// `prefixes` prefixes (the last write torn) and `subsets` subsets of the sectors.
    pub(crate) fn after_power_failure(
        &self,
        prefixes: usize,
        subsets: usize,
        rng: &mut impl Rng,
    ) -> Vec<Vec<u8>> {
        let contents = self.contents();
        let mut found = vec![contents.durable.clone(), contents.current.clone()];
        let mut ends: Vec<usize> = (0..contents.journal.len()).collect();
        ends.shuffle(rng);
        for end in ends.into_iter().take(prefixes) {
            let mut bytes = contents.durable.clone();
            contents.journal[..end].iter().for_each(|entry| entry.apply(&mut bytes, |_| true));
            let torn_at = rng.gen_range(0..=contents.journal[end].sectors());
            contents.journal[end].apply(&mut bytes, |sector| sector < torn_at);
            found.push(bytes);
        }
        for _ in 0..subsets {
            // Few, half or most of the sectors survive.
            let share = [0.1, 0.5, 0.9][rng.gen_range(0..3)];
            let mut bytes = contents.durable.clone();
            for entry in &contents.journal {
                entry.apply(&mut bytes, |_| rng.gen_bool(share));
            }
            found.push(bytes);
        }
        found
    }

    /// Counts an operation and fails it if it is due.
    fn operate(&self) -> io::Result<MutexGuard<'_, Contents>> {
        let mut contents = self.contents();
        let this = contents.operations;
        contents.operations += 1;
        match contents.fault {
            Fault::From(first) if this >= first => Err(io::Error::other("the disk lost its power")),
            Fault::Once(due) if this == due => Err(io::Error::other("the disk failed once")),
            _ => Ok(contents),
        }
    }

    fn change(&self, entry: Entry) -> io::Result<()> {
        match self.operate() {
            Ok(mut contents) => {
                entry.apply(&mut contents.current, |_| true);
                contents.journal.push(entry);
                Ok(())
            }
            Err(error) => {
                // The write that fails may still have reached the disk in part; those after it did not.
                let mut contents = self.contents();
                if contents.fault.is_at(contents.operations - 1) {
                    contents.journal.push(entry);
                }
                Err(error)
            }
        }
    }
}

impl Fault {
    /// Whether this is the first operation to fail.
    fn is_at(self, operation: u64) -> bool {
        matches!(self, Self::From(n) | Self::Once(n) if n == operation)
    }
}

impl Entry {
    fn sectors(&self) -> usize {
        match self {
            Self::Write { bytes, .. } => bytes.len().div_ceil(SECTOR),
            Self::Length(_) => 1,
        }
    }

    /// Applies the sectors that `survives` says, which are numbered from the start of the entry.
    fn apply(&self, disk: &mut Vec<u8>, mut survives: impl FnMut(usize) -> bool) {
        match self {
            Self::Length(length) => {
                if survives(0) {
                    disk.resize(*length, 0);
                }
            }
            Self::Write { offset, bytes } => {
                for (sector, chunk) in bytes.chunks(SECTOR).enumerate() {
                    if survives(sector) {
                        let start = offset + sector * SECTOR;
                        if disk.len() < start + chunk.len() {
                            disk.resize(start + chunk.len(), 0);
                        }
                        disk[start..start + chunk.len()].copy_from_slice(chunk);
                    }
                }
            }
        }
    }
}

type Bound = std::ops::Bound<u64>;

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.operate()?.current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let contents = self.operate()?;
        let start = offset as usize;
        let bytes = contents.current.get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Entry::Length(len as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.operate() {
            Ok(mut contents) => {
                let journal = std::mem::take(&mut contents.journal);
                journal.iter().for_each(|entry| entry.apply(&mut contents.durable, |_| true));
                Ok(())
            }
            Err(error) => {
                let mut contents = self.contents();
                if let Fault::Once(n) = contents.fault
                    && contents.fault.is_at(contents.operations - 1)
                {
                    // After a failed sync the operating system takes what it could not write for written:
                    // a later sync that succeeds does not bring it back.
                    let mut rng = StdRng::seed_from_u64(n);
                    for entry in std::mem::take(&mut contents.journal) {
                        entry.apply(&mut contents.durable, |_| rng.gen_bool(0.5));
                    }
                }
                Err(error)
            }
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Entry::Write { offset: offset as usize, bytes: data.to_vec() })
    }

    // One program at a time has the disk, so every lock is free.
    fn try_lock_range(&self, _: Bound, _: Bound) -> Result<bool, BackendError> {
        Ok(true)
    }
    fn try_lock_shared_range(&self, _: Bound, _: Bound) -> Result<bool, BackendError> {
        Ok(true)
    }
    fn lock_range(&self, _: Bound, _: Bound) -> Result<(), BackendError> {
        Ok(())
    }
    fn lock_shared_range(&self, _: Bound, _: Bound) -> Result<(), BackendError> {
        Ok(())
    }
    fn unlock_range(&self, _: Bound, _: Bound) -> Result<(), BackendError> {
        Ok(())
    }
    fn query_lock_range(&self, _: Bound, _: Bound) -> Result<bool, BackendError> {
        Ok(false)
    }
}
