//! The tables, their keys and the encoding of their rows (`docs/database.md` is the reader's version).

use codec::{Decode, DecodeAll, Encode};
use redb::{ReadTransaction, ReadableTable, Table, TableDefinition, TableError, WriteTransaction};

use super::{error::DbError, records::Genesis};

/// What the database is and how far it is final: name to bytes.
pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// The state after the tip: the state machine's keys to its values.
pub(super) const STATE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("state");
/// Block number to [`BlockRow`], from 0 (genesis) to the tip without a gap.
pub(super) const BLOCKS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("blocks");
/// Block number to [`UndoLog`], for the blocks that are not final.
pub(super) const UNDO: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("undo");
/// Block number to the signed extrinsics in it, for the blocks that are not final.
pub(super) const EXTRINSICS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("extrinsics");
/// Extrinsics of undone blocks: (number of the block they were in, running index) to the signed bytes.
pub(super) const PENDING: TableDefinition<'_, (u32, u32), &[u8]> = TableDefinition::new("pending");
/// (Digest of what an author was asked for, number of the block it made) to nothing.
pub(super) const INPUTS: TableDefinition<'_, (&[u8; 32], u32), ()> = TableDefinition::new("inputs");
/// Hash of a block's head to the block's number.
pub(super) const HASHES: TableDefinition<'_, &[u8; 32], u32> = TableDefinition::new("hashes");
/// Hash of an extrinsic of the pool to [`PooledRow`](super::PooledRow).
pub(super) const POOL: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("pool");

/// First value of [`META`], under [`MAGIC_KEY`]: this file is ours.
const MAGIC: &[u8] = b"zkpov chain database";
/// Version of everything in this module. A change to a table, a key or a row is a new version.
pub(super) const FORMAT_VERSION: u32 = 2;

const MAGIC_KEY: &str = "magic";
const FORMAT_KEY: &str = "format";
const GENESIS_KEY: &str = "genesis";
const FINALIZED_KEY: &str = "finalized";

/// A block as stored, without its number (the key) and its extrinsics (a table of their own).
#[derive(Encode, Decode)]
pub(super) struct BlockRow {
    pub(super) hash: [u8; 32],
    pub(super) parent_hash: [u8; 32],
    pub(super) head: Vec<u8>,
    pub(super) pov: Vec<u8>,
    pub(super) relay: Vec<u8>,
    pub(super) input_digest: Option<[u8; 32]>,
}

/// For each key a block changed, once: the value it had before.
pub(super) type UndoLog = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Decodes a row, with nothing left over.
pub(super) fn decode<T: Decode>(table: &'static str, mut bytes: &[u8]) -> Result<T, DbError> {
    T::decode_all(&mut bytes).map_err(|error| DbError::damaged(format!("table {table}: {error}")))
}

/// Writes what [`check`], [`genesis`] and [`finalized`] read.
pub(super) fn write_meta(transaction: &WriteTransaction, genesis: &Genesis) -> Result<(), DbError> {
    let mut meta = transaction.open_table(META)?;
    meta.insert(MAGIC_KEY, MAGIC)?;
    meta.insert(FORMAT_KEY, FORMAT_VERSION.encode().as_slice())?;
    meta.insert(GENESIS_KEY, genesis.encode().as_slice())?;
    set_finalized(&mut meta, 0)
}

/// Moves the mark of finality.
pub(super) fn set_finalized(meta: &mut Table<'_, &str, &[u8]>, number: u32) -> Result<(), DbError> {
    meta.insert(FINALIZED_KEY, number.encode().as_slice())?;
    Ok(())
}

/// Refuses a file that is not ours or not of this version; comes before any other look into it.
pub(super) fn check(transaction: &ReadTransaction) -> Result<(), DbError> {
    let not_ours = |reason: &str| DbError::NotADatabase { reason: reason.to_owned() };
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::Storage(error)) => return Err(error.into()),
        Err(_) => return Err(not_ours("it has no table of that kind")),
    };
    if meta.get(MAGIC_KEY)?.is_none_or(|magic| magic.value() != MAGIC) {
        return Err(not_ours("its first words are others"));
    }
    let found: u32 = meta_value(&meta, FORMAT_KEY)?;
    if found != FORMAT_VERSION {
        return Err(DbError::FormatVersion { found, supported: FORMAT_VERSION });
    }
    Ok(())
}

/// What the chain started from.
pub(super) fn genesis(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Genesis, DbError> {
    meta_value(meta, GENESIS_KEY)
}

/// The highest final block.
pub(super) fn finalized(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<u32, DbError> {
    meta_value(meta, FINALIZED_KEY)
}

/// The highest block's number and row.
pub(super) fn tip(blocks: &impl ReadableTable<u32, &'static [u8]>) -> Result<(u32, BlockRow), DbError> {
    let (number, row) = blocks.last()?.ok_or_else(|| DbError::damaged("table blocks is empty"))?;
    Ok((number.value(), decode("blocks", row.value())?))
}

fn meta_value<T: Decode>(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    key: &'static str,
) -> Result<T, DbError> {
    let value = meta.get(key)?.ok_or_else(|| DbError::damaged(format!("table meta has no {key}")))?;
    decode("meta", value.value())
}
