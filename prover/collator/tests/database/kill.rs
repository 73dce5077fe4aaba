//! The process is killed at random moments.
//!
//! The test runs itself again as the program to be killed ([`PROGRAM`], told by the environment what to do):
//! it makes or opens the database and operates on it without end, and says so after each operation.
//! Operations follow from a seed and the chain, so the model knows them too.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use zkpov_collator::db::{Database, DbError, ReadDatabase, Reader};

use crate::{
    chain::{Model, Operation, genesis},
    process::{Killed, kill_after},
};

const DIRECTORY: &str = "ZKPOV_TEST_DIRECTORY";
const SEED: &str = "ZKPOV_TEST_SEED";
/// The test that is the program to be killed.
const PROGRAM: &str = "kill::program_to_be_killed";
/// What it says, a line each.
const OPEN: &str = "open";
const DONE: &str = "done";

/// The operation that follows, the same for the same seed and chain.
fn next(rng: &mut StdRng, model: &Model) -> Operation {
    let (tip, finalized) = (model.tip().number, model.finalized);
    match rng.gen_range(0..10) {
        0 => Operation::Rollback(rng.gen_range(finalized..=tip)),
        1 => Operation::Finalize(rng.gen_range(finalized..=tip)),
        2 => Operation::CommitPending(rng.r#gen()),
        _ => Operation::Commit(rng.r#gen()),
    }
}

/// As much of the model as the next operation follows from, read from the database.
fn known(database: &Database) -> Model {
    let mut model = Model::new();
    let snapshot = database.snapshot().unwrap();
    model.blocks = vec![(snapshot.tip().unwrap(), Default::default())];
    model.finalized = snapshot.finalized().unwrap();
    model.pending = snapshot.pending().unwrap().into_iter().map(|bytes| (0, bytes)).collect();
    model
}

#[test]
#[ignore = "started by the tests that kill it"]
fn program_to_be_killed() {
    let (Ok(directory), Ok(seed)) = (std::env::var(DIRECTORY), std::env::var(SEED)) else { return };
    let directory = PathBuf::from(directory);
    let say = |line: &str| {
        let mut output = std::io::stdout();
        // In one write, so that no line is ever half there.
        output.write_all(format!("\n{line}\n").as_bytes()).unwrap();
        output.flush().unwrap();
    };
    let mut database = match Database::open(&directory) {
        Err(DbError::Missing { .. }) => {
            let (genesis, state) = genesis();
            Database::create(&directory, &genesis, &state).unwrap()
        }
        opened => opened.unwrap(),
    };
    let mut rng = StdRng::seed_from_u64(seed.parse().unwrap());
    say(OPEN);
    loop {
        let model = known(&database);
        model.run(&next(&mut rng, &model), &mut database).unwrap();
        say(DONE);
    }
}

fn start(directory: &Path, seed: u64) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", PROGRAM, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(DIRECTORY, directory).env(SEED, seed.to_string());
    command
}

/// Kills the program `times` times; after each, the database is as the model is after the operations that
/// were acknowledged, or one more.
fn kill(times: u64, seed: u64) {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("chain");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut model = Model::new();
    let (mut created, mut acknowledged, mut ahead) = (false, 0, 0);
    for round in 0..times {
        // One in four is killed while it starts: during creation or recovery.
        let ready = (!rng.gen_ratio(1, 4)).then_some(OPEN);
        let delay = Duration::from_micros(rng.gen_range(0..if ready.is_some() { 60_000 } else { 20_000 }));
        let Killed { lines, ended_first } = kill_after(&mut start(&directory, round), ready, delay);
        assert!(!ended_first, "the program failed by itself: {lines:?}");
        let opened = lines.iter().any(|line| line == OPEN);
        let done = lines.iter().filter(|line| *line == DONE).count();
        let mut database = match Database::open(&directory) {
            Err(DbError::Missing { .. }) if !created && !opened => continue,
            opened => opened.unwrap_or_else(|error| panic!("round {round}: {error}")),
        };
        created = true;
        database.verify().unwrap();
        let mut operations = StdRng::seed_from_u64(round);
        for _ in 0..done {
            let operation = next(&mut operations, &model);
            model.apply(&operation).unwrap();
        }
        if let Some(difference) = model.difference(&database) {
            assert!(opened || done == 0);
            let operation = next(&mut operations, &model);
            model.apply(&operation).unwrap();
            let next = model.difference(&database);
            assert_eq!(
                next, None,
                "round {round}, {done} operations done, neither they ({difference}) nor one more"
            );
            ahead += 1;
        }
        acknowledged += done;
    }
    println!(
        "{times} kills, {acknowledged} operations acknowledged, {ahead} kills after a commit and before its answer"
    );
    assert!(created && acknowledged as u64 >= times, "hardly an operation was done: {acknowledged}");
}

/// Kills the program `times` times while it makes a database.
fn kill_creation(times: u64, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut none, mut complete) = (0, 0);
    for _ in 0..times {
        let directory = tempfile::tempdir().unwrap();
        let delay = Duration::from_micros(rng.gen_range(0..25_000));
        kill_after(&mut start(directory.path(), 0), None, delay);
        match Database::open(directory.path()) {
            Err(DbError::Missing { .. }) => {
                none += 1;
                let (genesis, state) = genesis();
                let database = Database::create(directory.path(), &genesis, &state).unwrap();
                assert_eq!(Model::new().difference(&database), None);
            }
            opened => {
                complete += 1;
                let mut database = opened.unwrap();
                database.verify().unwrap();
                database.rollback_to(database.finalized().unwrap()).unwrap();
            }
        }
    }
    println!("{times} kills: {none} times no database, {complete} times a complete one");
    assert!(none > 0, "no kill came before the database was there");
}

#[test]
fn a_killed_creation_leaves_no_database_or_a_complete_one() {
    kill_creation(8, 3);
}

#[test]
#[ignore = "long form of the above: scripts/test-crash"]
fn long_a_killed_creation_leaves_no_database_or_a_complete_one() {
    kill_creation(100, 4);
}

#[test]
fn a_killed_process_leaves_what_it_had_acknowledged() {
    kill(8, 1);
}

#[test]
#[ignore = "long form of the above: scripts/test-crash"]
fn long_a_killed_process_leaves_what_it_had_acknowledged() {
    kill(50, 2);
}

#[test]
fn a_reader_recovers_what_a_killed_process_left() {
    let directory = tempfile::tempdir().unwrap();
    let killed = kill_after(&mut start(directory.path(), 5), Some(OPEN), Duration::from_millis(30));
    let done = killed.lines.iter().filter(|line| *line == DONE).count();
    let (mut model, mut operations) = (Model::new(), StdRng::seed_from_u64(5));
    for _ in 0..done {
        model.apply(&next(&mut operations, &model)).unwrap();
    }
    let reader = Reader::open(directory.path()).unwrap();
    if model.difference(&reader).is_some() {
        model.apply(&next(&mut operations, &model)).unwrap();
        assert_eq!(model.difference(&reader), None);
    }
}

#[test]
fn a_reader_beside_a_process_that_writes_sees_its_blocks() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    let beside = std::thread::spawn(move || {
        let mut seen = Vec::new();
        for _ in 0..200 {
            std::thread::sleep(Duration::from_millis(5));
            let Ok(reader) = Reader::open(&path) else { continue };
            let snapshot = reader.snapshot().unwrap();
            let blocks: Vec<_> = snapshot.blocks(0..=u32::MAX).unwrap().map(Result::unwrap).collect();
            assert!(blocks.windows(2).all(|pair| pair[1].parent_hash == pair[0].hash));
            seen.push(blocks.len());
        }
        seen
    });
    kill_after(&mut start(directory.path(), 6), Some(OPEN), Duration::from_millis(1000));
    let seen = beside.join().unwrap();
    assert!(seen.iter().max() > seen.iter().min(), "{seen:?}");
}
