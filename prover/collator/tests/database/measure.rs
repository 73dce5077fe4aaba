//! The figures of `docs/database.md`.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use zkpov_circuits::state::ChangeSet;
use zkpov_collator::db::{BlockRecord, Database, ReadDatabase};

use crate::chain::{block, genesis};

/// Values in the state: tree nodes and records of a chain with some 500,000 accounts.
const VALUES: u32 = 1_000_000;
/// Values a large block changes.
const CHANGED: u32 = 5_000;

/// A key as a tree node's; successive ones lie far apart.
fn key(index: u32) -> Vec<u8> {
    [&b"node/"[..], &index.wrapping_mul(0x9e37_79b1).to_be_bytes()].concat()
}

fn values(indices: impl Iterator<Item = u32>, byte: u8) -> ChangeSet {
    ChangeSet(indices.map(|index| (key(index), Some(vec![byte; 32]))).collect())
}

fn timed<T>(what: &str, action: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = action();
    let taken: Duration = start.elapsed();
    println!("{what}: {:.1} ms", taken.as_secs_f64() * 1e3);
    result
}

fn next(database: &Database) -> BlockRecord {
    block(&database.tip().unwrap(), 1).0
}

fn size(directory: &Path) -> u64 {
    std::fs::metadata(directory.join("chain.redb")).unwrap().len() >> 20
}

#[test]
#[ignore = "prints the figures of docs/database.md"]
fn figures() {
    // Beside the target directory and not in /tmp, which may be memory.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (directory, copy) = (directory.path().join("chain"), directory.path().join("copy"));
    let (genesis, state) = (genesis().0, values(0..VALUES, 0));
    let mut database = timed("create", || Database::create(&directory, &genesis, &state)).unwrap();
    println!("file: {} MiB", size(&directory));
    for seed in 0..8 {
        let record = next(&database);
        let changes = values((0..CHANGED).map(|index| index * 199 + seed), 1);
        timed("commit, 5,000 values", || database.commit(&record, &changes)).unwrap();
    }
    let record = next(&database);
    timed("commit, nothing changed", || database.commit(&record, &ChangeSet::default())).unwrap();
    timed("roll back 9 blocks", || database.rollback_to(0)).unwrap();
    // The file of a program that is killed now.
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(directory.join("chain.redb"), copy.join("chain.redb")).unwrap();
    drop(database);
    drop(timed("open after a kill", || Database::open(&copy)).unwrap());
    let mut database = timed("open", || Database::open(&directory)).unwrap();
    timed("verify", || database.verify()).unwrap();
    println!("file: {} MiB", size(&directory));
}
