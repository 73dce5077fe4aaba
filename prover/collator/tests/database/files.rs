//! Directories, locks, versions, and readers beside the writer.

use std::path::Path;

use redb::{Builder, TableDefinition};
use zkpov_collator::db::{Database, DbError, ReadDatabase, Reader};

use crate::chain::{Model, Operation, genesis};

fn new(directory: &Path) -> Database {
    let (genesis, state) = genesis();
    Database::create(directory, &genesis, &state).unwrap()
}

fn with_meta(directory: &Path, name: &str, value: &[u8]) {
    let store = Builder::new().open(directory.join("chain.redb")).unwrap();
    let transaction = store.begin_write().unwrap();
    let meta: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
    transaction.open_table(meta).unwrap().insert(name, value).unwrap();
    transaction.commit().unwrap();
}

#[test]
fn a_second_writer_is_refused_with_the_directory_and_the_holder() {
    let directory = tempfile::tempdir().unwrap();
    let first = new(directory.path());
    let (genesis, state) = genesis();
    for error in [
        Database::open(directory.path()).unwrap_err(),
        Database::create(directory.path(), &genesis, &state).unwrap_err(),
    ] {
        let DbError::Locked { holder, .. } = &error else { panic!("{error}") };
        assert_eq!(*holder, Some(std::process::id()));
        let text = error.to_string();
        assert!(text.contains(directory.path().to_str().unwrap()) && text.contains("wait"), "{text}");
    }
    drop(first);
    Database::open(directory.path()).unwrap();
}

#[test]
fn a_database_is_not_made_over_another() {
    let directory = tempfile::tempdir().unwrap();
    let mut database = new(directory.path());
    Model::new().run(&Operation::Commit(1), &mut database).unwrap();
    drop(database);
    let (genesis, state) = genesis();
    assert!(matches!(Database::create(directory.path(), &genesis, &state), Err(DbError::Exists { .. })));
    assert_eq!(Database::open(directory.path()).unwrap().tip().unwrap().number, 1);
}

#[test]
fn a_creation_that_was_cut_off_can_be_repeated() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("chain.redb.new"), b"half a file").unwrap();
    assert!(matches!(Database::open(directory.path()), Err(DbError::Missing { .. })));
    let database = new(directory.path());
    assert_eq!(Model::new().difference(&database), None);
    assert!(!directory.path().join("chain.redb.new").exists());
}

#[test]
fn an_empty_or_missing_directory_has_no_database() {
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path().to_owned(), directory.path().join("none")] {
        let error = Database::open(&path).unwrap_err();
        assert!(matches!(error, DbError::Missing { .. }) && error.to_string().contains("zkpov genesis"));
        assert!(matches!(Reader::open(&path), Err(DbError::Missing { .. })));
    }
    assert!(!directory.path().join("none").exists());
}

#[test]
fn another_file_is_not_taken_for_a_database() {
    for bytes in [&b"not a database at all, but long enough to be looked at"[..], &[0; 8192]] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("chain.redb"), bytes).unwrap();
        assert!(matches!(Database::open(directory.path()), Err(DbError::NotADatabase { .. })));
        assert!(matches!(Reader::open(directory.path()), Err(DbError::NotADatabase { .. })));
        assert_eq!(std::fs::read(directory.path().join("chain.redb")).unwrap(), bytes);
    }
}

#[test]
fn another_programs_store_is_not_taken_for_a_database() {
    let directory = tempfile::tempdir().unwrap();
    drop(Builder::new().create(directory.path().join("chain.redb")).unwrap());
    assert!(matches!(Database::open(directory.path()), Err(DbError::NotADatabase { .. })));
    with_meta(directory.path(), "magic", b"another program");
    assert!(matches!(Database::open(directory.path()), Err(DbError::NotADatabase { .. })));
}

#[test]
fn another_format_version_is_refused_by_its_number() {
    let directory = tempfile::tempdir().unwrap();
    drop(new(directory.path()));
    with_meta(directory.path(), "format", &7u32.to_le_bytes());
    let error = Database::open(directory.path()).unwrap_err();
    assert!(matches!(error, DbError::FormatVersion { found: 7, supported: 2 }), "{error}");
    assert!(matches!(Reader::open(directory.path()), Err(DbError::FormatVersion { found: 7, .. })));
}

#[test]
fn readers_beside_the_writer_follow_its_commits() {
    let directory = tempfile::tempdir().unwrap();
    let mut database = new(directory.path());
    let (one, two) = (Reader::open(directory.path()).unwrap(), Reader::open(directory.path()).unwrap());
    let mut model = Model::new();
    let old = one.snapshot().unwrap();
    for seed in 0..10 {
        model.run(&Operation::Commit(seed), &mut database).unwrap();
        model.apply(&Operation::Commit(seed)).unwrap();
        assert_eq!(model.difference(&one), None);
    }
    assert_eq!(model.difference(&two), None);
    assert_eq!(old.tip().unwrap().number, 0);
    // A reader keeps nobody from writing, and outlives the writer.
    drop(database);
    let mut database = Database::open(directory.path()).unwrap();
    model.run(&Operation::Rollback(3), &mut database).unwrap();
    model.apply(&Operation::Rollback(3)).unwrap();
    drop(database);
    assert_eq!(model.difference(&one), None);
}
