//! Reading: a consistent view of everything as it is after one block.

use std::ops::RangeInclusive;

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable};
use zkpov_circuits::state::{StateError, StateReader};

use super::{
    error::DbError,
    records::{BlockRecord, Genesis},
    tables::{self, BLOCKS, BlockRow, EXTRINSICS, HASHES, INPUTS, META, PENDING, STATE, decode},
};

/// The database as it was at one moment; commits that follow do not show in it.
///
/// It must not outlive the database it is from: reads then fail.
#[derive(Debug)]
pub struct Snapshot {
    transaction: ReadTransaction,
}

impl Snapshot {
    pub(super) fn new(transaction: ReadTransaction) -> Self {
        Self { transaction }
    }

    /// What the chain started from.
    ///
    /// # Errors
    /// [`DbError::Storage`] and [`DbError::Damaged`], as every read of a snapshot.
    pub fn genesis(&self) -> Result<Genesis, DbError> {
        tables::genesis(&self.transaction.open_table(META)?)
    }

    /// The newest block.
    ///
    /// # Errors
    /// As every read of a snapshot.
    pub fn tip(&self) -> Result<BlockRecord, DbError> {
        let (number, row) = tables::tip(&self.transaction.open_table(BLOCKS)?)?;
        self.record(number, row)
    }

    /// Number of the highest final block.
    ///
    /// # Errors
    /// As every read of a snapshot.
    pub fn finalized(&self) -> Result<u32, DbError> {
        tables::finalized(&self.transaction.open_table(META)?)
    }

    /// How many blocks can be undone: those above the highest final one.
    ///
    /// # Errors
    /// As every read of a snapshot.
    pub fn history_len(&self) -> Result<u32, DbError> {
        let (tip, _) = tables::tip(&self.transaction.open_table(BLOCKS)?)?;
        tip.checked_sub(self.finalized()?).ok_or_else(|| DbError::damaged("the final block is above the tip"))
    }

    /// The block of that number, if there is one.
    ///
    /// # Errors
    /// As every read of a snapshot.
    pub fn block(&self, number: u32) -> Result<Option<BlockRecord>, DbError> {
        let blocks = self.transaction.open_table(BLOCKS)?;
        let Some(row) = blocks.get(number)? else { return Ok(None) };
        self.record(number, decode("blocks", row.value())?).map(Some)
    }

    /// The block whose head has that hash, if there is one.
    ///
    /// # Errors
    /// As every read of a snapshot.
    pub fn block_by_hash(&self, hash: &[u8; 32]) -> Result<Option<BlockRecord>, DbError> {
        let Some(number) = self.transaction.open_table(HASHES)?.get(hash)?.map(|number| number.value())
        else {
            return Ok(None);
        };
        self.block(number)?
            .map(Some)
            .ok_or_else(|| DbError::damaged(format!("table hashes names block {number}")))
    }

    /// The encoded head of the block of that number, if there is one.
    ///
    /// # Errors
    /// As every read of a snapshot.
    pub fn head(&self, number: u32) -> Result<Option<Vec<u8>>, DbError> {
        let blocks = self.transaction.open_table(BLOCKS)?;
        let Some(row) = blocks.get(number)? else { return Ok(None) };
        Ok(Some(decode::<BlockRow>("blocks", row.value())?.head))
    }

    /// The newest block made for that request ([`BlockRecord::input_digest`]), if there is one.
    ///
    /// # Errors
    /// As every read of a snapshot.
    pub fn block_by_input(&self, digest: &[u8; 32]) -> Result<Option<BlockRecord>, DbError> {
        let inputs = self.transaction.open_table(INPUTS)?;
        let newest = inputs.range((digest, 0)..=(digest, u32::MAX))?.next_back().transpose()?;
        let Some((key, ())) = newest.map(|(key, unit)| (key.value().1, unit.value())) else {
            return Ok(None);
        };
        self.block(key)?.map(Some).ok_or_else(|| DbError::damaged(format!("table inputs names block {key}")))
    }

    /// The blocks of a range of numbers, in order, as far as there are any.
    ///
    /// # Errors
    /// As every read of a snapshot; so has each item.
    pub fn blocks(
        &self,
        numbers: RangeInclusive<u32>,
    ) -> Result<impl Iterator<Item = Result<BlockRecord, DbError>>, DbError> {
        let (tip, _) = tables::tip(&self.transaction.open_table(BLOCKS)?)?;
        let last = tip.min(*numbers.end());
        Ok((*numbers.start()..=last).map(|number| {
            self.block(number)?.ok_or_else(|| DbError::damaged(format!("block {number} is not there")))
        }))
    }

    /// The extrinsics of undone blocks that no block since holds, in the order of the blocks they were in.
    ///
    /// # Errors
    /// As every read of a snapshot.
    pub fn pending(&self) -> Result<Vec<Vec<u8>>, DbError> {
        let pending = self.transaction.open_table(PENDING)?;
        pending.iter()?.map(|entry| Ok(entry?.1.value().to_vec())).collect()
    }

    /// The state after [`tip`](Self::tip).
    ///
    /// # Errors
    /// As every read of a snapshot.
    pub fn state(&self) -> Result<State, DbError> {
        Ok(State { table: self.transaction.open_table(STATE)? })
    }

    fn record(&self, number: u32, row: BlockRow) -> Result<BlockRecord, DbError> {
        let BlockRow { hash, parent_hash, head, pov, relay, input_digest } = row;
        let kept = self.transaction.open_table(EXTRINSICS)?.get(number)?;
        let extrinsics = match kept {
            Some(bytes) => decode("extrinsics", bytes.value())?,
            None => Vec::new(),
        };
        Ok(BlockRecord { number, hash, parent_hash, head, pov, relay, extrinsics, input_digest })
    }
}

/// A key of the state and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// The state of one [`Snapshot`], as the state machine reads it.
#[derive(Debug)]
pub struct State {
    table: ReadOnlyTable<&'static [u8], &'static [u8]>,
}

impl State {
    /// Every key with its value, keys ascending.
    ///
    /// # Errors
    /// [`DbError::Storage`] and [`DbError::Damaged`]; so has each item.
    pub fn entries(&self) -> Result<impl Iterator<Item = Result<Entry, DbError>>, DbError> {
        let entries = ReadableTable::iter(&self.table)?;
        Ok(entries.map(|entry| {
            let (key, value) = entry?;
            Ok((key.value().to_vec(), value.value().to_vec()))
        }))
    }
}

impl StateReader for State {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        match ReadableTable::get(&self.table, key) {
            Ok(value) => Ok(value.map(|value| value.value().to_vec())),
            Err(error) => Err(StateError::Backend(Box::new(error))),
        }
    }
}

/// What can be read from a database, whether it is open for writing or beside a writer. Each method looks
/// at the newest state; who needs several answers of one moment takes a [`snapshot`](Self::snapshot).
pub trait ReadDatabase {
    /// Everything as it is now.
    ///
    /// # Errors
    /// [`DbError::Storage`] and [`DbError::Damaged`], as every method here.
    fn snapshot(&self) -> Result<Snapshot, DbError>;

    /// See [`Snapshot::genesis`].
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    fn genesis(&self) -> Result<Genesis, DbError> {
        self.snapshot()?.genesis()
    }

    /// See [`Snapshot::tip`].
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    fn tip(&self) -> Result<BlockRecord, DbError> {
        self.snapshot()?.tip()
    }

    /// See [`Snapshot::finalized`].
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    fn finalized(&self) -> Result<u32, DbError> {
        self.snapshot()?.finalized()
    }

    /// See [`Snapshot::history_len`].
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    fn history_len(&self) -> Result<u32, DbError> {
        self.snapshot()?.history_len()
    }

    /// See [`Snapshot::block`].
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    fn block(&self, number: u32) -> Result<Option<BlockRecord>, DbError> {
        self.snapshot()?.block(number)
    }

    /// See [`Snapshot::block_by_hash`].
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    fn block_by_hash(&self, hash: &[u8; 32]) -> Result<Option<BlockRecord>, DbError> {
        self.snapshot()?.block_by_hash(hash)
    }

    /// See [`Snapshot::head`].
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    fn head(&self, number: u32) -> Result<Option<Vec<u8>>, DbError> {
        self.snapshot()?.head(number)
    }

    /// See [`Snapshot::block_by_input`].
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    fn block_by_input(&self, digest: &[u8; 32]) -> Result<Option<BlockRecord>, DbError> {
        self.snapshot()?.block_by_input(digest)
    }

    /// See [`Snapshot::pending`].
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    fn pending(&self) -> Result<Vec<Vec<u8>>, DbError> {
        self.snapshot()?.pending()
    }

    /// See [`Snapshot::state`].
    ///
    /// # Errors
    /// As [`snapshot`](Self::snapshot).
    fn state(&self) -> Result<State, DbError> {
        self.snapshot()?.state()
    }
}
