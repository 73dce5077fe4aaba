//! Every I/O operation fails in turn, and every kind of power failure follows.
//!
//! ```text
//!  for each k:  open, operate, close on a disk that fails at its k-th operation
//!                    │
//!                    ├─ what is on the disk: nothing unsynced, all, prefixes torn within a write, subsets of sectors
//!                    └─ each opened again: the database before the operation or after it, whole, and
//!                       after it if the operation had returned; then the operation is repeated
//! ```

use rand::{SeedableRng, rngs::StdRng};
use zkpov_collator::db::{Database, DbError};

use crate::{
    chain::{Model, Operation, genesis},
    disk::{Disk, Fault},
};

/// How many of the possible power failures are tried after each fault.
#[derive(Clone, Copy)]
struct Effort {
    prefixes: usize,
    subsets: usize,
}

const QUICK: Effort = Effort { prefixes: 2, subsets: 2 };
const FULL: Effort = Effort { prefixes: 20, subsets: 60 };

/// What a set of faults led to.
#[derive(Debug, Default)]
struct Tally {
    faults: u64,
    before: u64,
    after: u64,
}

/// A database with final blocks, blocks that can be undone, and pending extrinsics; closed, or left open
/// as by a program that was killed.
fn prepared(closed: bool) -> (Vec<u8>, Model) {
    let disk = Disk::new(vec![], Fault::None);
    let (genesis, state) = genesis();
    let mut database = Database::create_on(disk.clone(), &genesis, &state).unwrap();
    let mut model = Model::new();
    let commits = (1..9).map(Operation::Commit);
    for operation in commits.chain([Operation::Rollback(5), Operation::Commit(23), Operation::Finalize(2)]) {
        model.run(&operation, &mut database).unwrap();
        model.apply(&operation).unwrap();
    }
    assert!(!model.pending.is_empty());
    let left_open = disk.current();
    drop(database);
    (if closed { disk.current() } else { left_open }, model)
}

/// Both ways in which the k-th operation can fail.
fn faults(k: u64) -> [Fault; 2] {
    [Fault::From(k), Fault::Once(k)]
}

/// Fails every I/O operation of opening `start`, running `operation` and closing, and checks what is left.
fn strike(start: &[u8], before: &Model, operation: &Operation, effort: Effort) -> Tally {
    let mut after = before.clone();
    after.apply(operation).unwrap();
    let mut tally = Tally::default();
    for k in 0.. {
        let mut reached = false;
        for fault in faults(k) {
            let disk = Disk::new(start.to_vec(), fault);
            let returned = Database::open_on(disk.clone())
                .and_then(|mut database| before.run(operation, &mut database).map(drop))
                .is_ok();
            reached |= disk.operations() > k;
            tally.faults += 1;
            let mut rng = StdRng::seed_from_u64(k);
            for image in disk.after_power_failure(effort.prefixes, effort.subsets, &mut rng) {
                let place = format!("{operation:?}, {fault:?}, returned: {returned}");
                check(image, &[before, &after], operation, returned, &place, &mut tally);
            }
        }
        if !reached {
            break;
        }
    }
    // Faults before the commit leave the one, faults after it the other: else nothing was tested.
    assert!(tally.faults > 20 && tally.before > 0 && tally.after > 0, "{tally:?}");
    tally
}

/// Opens what is on the disk and holds it against the model before and after the operation.
fn check(
    image: Vec<u8>,
    [before, after]: &[&Model; 2],
    operation: &Operation,
    returned: bool,
    place: &str,
    tally: &mut Tally,
) {
    let mut database =
        Database::open_on(Disk::new(image, Fault::None)).unwrap_or_else(|error| panic!("{place}: {error}"));
    database.verify().unwrap_or_else(|error| panic!("{place}: {error}"));
    if after.difference(&database).is_none() {
        tally.after += 1;
        return;
    }
    assert_eq!(before.difference(&database), None, "{place}: neither before nor after");
    assert!(!returned, "{place}: lost after it was said to be durable");
    tally.before += 1;
    before.run(operation, &mut database).unwrap_or_else(|error| panic!("{place}, repeated: {error}"));
    assert_eq!(after.difference(&database), None, "{place}, repeated");
}

fn operations() -> Vec<Operation> {
    vec![
        Operation::Commit(47),
        Operation::CommitPending(11),
        Operation::Rollback(2),
        Operation::Finalize(5),
        Operation::ForgetPending,
    ]
}

fn strike_all(effort: Effort) {
    for closed in [true, false] {
        let (start, model) = prepared(closed);
        for operation in operations() {
            let tally = strike(&start, &model, &operation, effort);
            println!("{operation:?}, closed before: {closed}: {tally:?}");
        }
    }
}

/// Fails every I/O operation of creating a database.
fn strike_creation(effort: Effort) {
    let (genesis, state) = genesis();
    let mut tally = Tally::default();
    for k in 0.. {
        let mut reached = false;
        for fault in faults(k) {
            let disk = Disk::new(vec![], fault);
            let returned = Database::create_on(disk.clone(), &genesis, &state).is_ok();
            reached |= disk.operations() > k;
            tally.faults += 1;
            let mut rng = StdRng::seed_from_u64(k);
            for image in disk.after_power_failure(effort.prefixes, effort.subsets, &mut rng) {
                match Database::open_on(Disk::new(image, Fault::None)) {
                    Ok(mut database) => {
                        database.verify().unwrap();
                        assert_eq!(Model::new().difference(&database), None, "{fault:?}");
                        tally.after += 1;
                    }
                    Err(DbError::NotADatabase { .. }) if !returned => tally.before += 1,
                    Err(error) => panic!("{fault:?}, returned: {returned}: {error}"),
                }
            }
        }
        if !reached {
            break;
        }
    }
    println!("creation: {tally:?}");
    assert!(tally.faults > 20 && tally.before > 0 && tally.after > 0, "{tally:?}");
}

#[test]
fn a_failure_at_any_io_operation_leaves_the_block_before_or_the_block_complete() {
    strike_all(QUICK);
}

#[test]
fn a_failure_at_any_io_operation_of_creation_leaves_no_database_or_a_complete_one() {
    strike_creation(QUICK);
}

#[test]
#[ignore = "long form of the above: scripts/test-crash"]
fn long_a_failure_at_any_io_operation_leaves_the_block_before_or_the_block_complete() {
    strike_all(FULL);
}

#[test]
#[ignore = "long form of the above: scripts/test-crash"]
fn long_a_failure_at_any_io_operation_of_creation_leaves_no_database_or_a_complete_one() {
    strike_creation(FULL);
}

#[test]
fn operations_on_the_disk_include_growing_it() {
    let (start, model) = prepared(true);
    let disk = Disk::new(start.clone(), Fault::None);
    let mut database = Database::open_on(disk.clone()).unwrap();
    let (mut record, changes) = crate::chain::block(model.tip(), 1);
    record.pov = vec![5; start.len()];
    database.commit(&record, &changes).unwrap();
    assert!(disk.current().len() > start.len());
}
