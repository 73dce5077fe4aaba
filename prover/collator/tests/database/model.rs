//! The database does what the model does.

use proptest::prelude::*;
use zkpov_collator::db::{Database, ReadDatabase};

use crate::{
    chain::{Model, Operation, Outcome, Refusal, block, genesis},
    disk::{Disk, Fault},
};

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => any::<u64>().prop_map(Operation::Commit),
        1 => (any::<u64>(), prop_oneof![Just(-1), Just(1), Just(7)]).prop_map(|(s, e)| Operation::CommitNumber(s, e)),
        1 => any::<u64>().prop_map(Operation::CommitElsewhere),
        2 => any::<u64>().prop_map(Operation::CommitPending),
        2 => (0..16u32).prop_map(Operation::Rollback),
        2 => (0..12u32).prop_map(Operation::Finalize),
        1 => Just(Operation::ForgetPending),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_database_does_what_the_model_does(
        operations in prop::collection::vec((operation(), prop::bool::weighted(0.1)), 1..40),
    ) {
        let (genesis, state) = genesis();
        let mut disk = Disk::new(vec![], Fault::None);
        let mut database = Database::create_on(disk.clone(), &genesis, &state).unwrap();
        let mut model = Model::new();
        prop_assert_eq!(model.difference(&database), None);
        for (operation, reopen) in operations {
            let found: Outcome =
                model.run(&operation, &mut database).map_err(|error| Refusal::of(&error));
            prop_assert_eq!(found, model.apply(&operation), "{:?}", operation);
            prop_assert_eq!(model.difference(&database), None, "after {:?}", operation);
            if reopen {
                database.close().unwrap();
                disk = Disk::new(disk.current(), Fault::None);
                database = Database::open_on(disk.clone()).unwrap();
                prop_assert_eq!(model.difference(&database), None);
            }
        }
        database.verify().unwrap();
    }
}

#[test]
fn of_two_blocks_made_for_one_request_the_newest_is_found_and_after_a_rollback_the_other() {
    let (genesis, state) = genesis();
    let mut database = Database::create_on(Disk::new(vec![], Fault::None), &genesis, &state).unwrap();
    for seed in [1, 2] {
        let (mut record, changes) = block(&database.tip().unwrap(), seed);
        record.input_digest = Some([9; 32]);
        database.commit(&record, &changes).unwrap();
    }
    assert_eq!(database.block_by_input(&[9; 32]).unwrap().unwrap().number, 2);
    database.rollback_to(1).unwrap();
    assert_eq!(database.block_by_input(&[9; 32]).unwrap().unwrap().number, 1);
    assert_eq!(database.block_by_input(&[8; 32]).unwrap(), None);
    database.verify().unwrap();
}

#[test]
fn a_snapshot_does_not_see_the_commits_that_follow() {
    let (genesis, state) = genesis();
    let mut database = Database::create_on(Disk::new(vec![], Fault::None), &genesis, &state).unwrap();
    let before = database.snapshot().unwrap();
    let model = Model::new();
    model.run(&Operation::Commit(3), &mut database).unwrap();
    assert_eq!(before.tip().unwrap().number, 0);
    let entries: std::collections::BTreeMap<_, _> =
        before.state().unwrap().entries().unwrap().map(Result::unwrap).collect();
    assert_eq!(entries, model.state());
    assert_eq!(database.tip().unwrap().number, 1);
}

#[test]
fn a_chain_rolled_back_to_its_final_block_has_its_state_and_offers_all_extrinsics_again() {
    let (genesis, state) = genesis();
    let mut database = Database::create_on(Disk::new(vec![], Fault::None), &genesis, &state).unwrap();
    let mut model = Model::new();
    for seed in 0..20 {
        model.run(&Operation::Commit(seed), &mut database).unwrap();
        model.apply(&Operation::Commit(seed)).unwrap();
    }
    for operation in [Operation::Finalize(5), Operation::Rollback(5)] {
        assert_eq!(model.run(&operation, &mut database).unwrap(), model.apply(&operation).unwrap());
    }
    assert_eq!(model.difference(&database), None);
    let offered: u64 = (5..20).map(|seed| seed % 4).sum();
    assert_eq!(database.pending().unwrap().len() as u64, offered);
}
