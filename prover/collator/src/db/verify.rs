//! The contradictions a sound database does not have.

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};

use super::{
    error::DbError,
    tables::{self, BLOCKS, BlockRow, EXTRINSICS, HASHES, INPUTS, META, UNDO, UndoLog, decode},
};

/// Checks that the blocks are a chain from genesis to the tip, and that the undo logs, extrinsics and
/// request digests are those of its blocks.
pub(super) fn verify(transaction: &ReadTransaction) -> Result<(), DbError> {
    tables::check(transaction)?;
    let meta = transaction.open_table(META)?;
    let (genesis, finalized) = (tables::genesis(&meta)?, tables::finalized(&meta)?);
    let (inputs, hashes) = (transaction.open_table(INPUTS)?, transaction.open_table(HASHES)?);
    let (mut next, mut parent_hash, mut requests) = (0, [0; 32], 0);
    for entry in ReadableTable::iter(&transaction.open_table(BLOCKS)?)? {
        let (number, row) = entry?;
        let row: BlockRow = decode("blocks", row.value())?;
        if number.value() != next {
            return Err(DbError::damaged(format!("block {next} is not there")));
        }
        if row.parent_hash != parent_hash {
            return Err(DbError::damaged(format!("block {next} does not build on the one before")));
        }
        if next == 0 && (row.hash != genesis.hash || row.head != genesis.head) {
            return Err(DbError::damaged("block 0 is not the genesis"));
        }
        if ReadableTable::get(&hashes, &row.hash)?.is_none_or(|number| number.value() != next) {
            return Err(DbError::damaged(format!("block {next} is not found by its hash")));
        }
        if let Some(digest) = &row.input_digest {
            if ReadableTable::get(&inputs, (digest, next))?.is_none() {
                return Err(DbError::damaged(format!("block {next} is not found by what was asked for")));
            }
            requests += 1;
        }
        parent_hash = row.hash;
        next += 1;
    }
    if hashes.len()? != u64::from(next) {
        return Err(DbError::damaged("table hashes names a block that is not there"));
    }
    if inputs.len()? != requests {
        return Err(DbError::damaged("table inputs names a block that is not there"));
    }
    undoable::<UndoLog>(transaction, UNDO, finalized, next)?;
    undoable::<Vec<Vec<u8>>>(transaction, EXTRINSICS, finalized, next)
}

/// Checks that a table has a row for exactly the blocks above `finalized` and below `end`.
fn undoable<T: codec::Decode>(
    transaction: &ReadTransaction,
    table: redb::TableDefinition<'static, u32, &'static [u8]>,
    finalized: u32,
    end: u32,
) -> Result<(), DbError> {
    let mut next = finalized.saturating_add(1);
    for entry in ReadableTable::iter(&transaction.open_table(table)?)? {
        let (number, row) = entry?;
        if number.value() != next {
            return Err(DbError::damaged(format!("table {table} does not fit block {next}")));
        }
        decode::<T>("undo or extrinsics", row.value())?;
        next += 1;
    }
    if next == end { Ok(()) } else { Err(DbError::damaged(format!("table {table} ends before block {end}"))) }
}
