//! The relay chain decides what of a parachain is: forks, reverts, finality, and databases that follow.

use pallet_broker::CoreAssignment;
use zkpov_collator::db::ReadDatabase;

use crate::{parachain::Parachain, town::Town};

const PARA: u32 = 2000;

fn on_a_core() -> (Town, Parachain) {
    let mut town = Town::new();
    let para = town.with_parachain(PARA);
    let begin = town.number() + 2;
    town.assign_core(0, begin, CoreAssignment::Task(PARA));
    town.wait_until("a core", |town| town.assignment(para.id).is_ok());
    (town, para)
}

/// Has `para` author a transfer.
fn author(town: &mut Town, para: &mut Parachain, nonce: u32) {
    let transfer = para.transfer(1, nonce, 2, 1_000);
    town.author(para, &[transfer]);
}

#[test]
fn when_the_relay_chain_reverts_head_and_database_go_back_and_another_collator_goes_on() {
    let (mut town, mut para) = on_a_core();
    let mut other = Parachain::new(PARA);
    author(&mut town, &mut para, 0);
    town.wait(1);
    let (fork, first) = (town.tip, para.tip());
    assert_eq!(town.head(para.id), Some(first.head.clone()));

    // One branch: two more blocks, the second only backed.
    author(&mut town, &mut para, 1);
    author(&mut town, &mut para, 2);
    let (abandoned, third) = (town.tip, para.tip());
    assert_eq!(third.number, 3);
    assert_eq!(para.balance(2), 1_000_000 + 3_000);

    // The other branch grows from the fork, and is the one that stays.
    town.tip = fork;
    town.skip_slots(2);
    assert_eq!(town.head(para.id), Some(first.head.clone()), "the head went back with the relay chain");
    para.follow(&town.relay, town.tip);
    assert_eq!(para.tip().hash, first.hash);
    assert_eq!(para.balance(2), 1_000_000 + 1_000);
    // The transfers that were undone are offered again by the collator that had them, with no step of anyone; but it is the other
    // collator's turn, which has the block that stayed from the validators.
    assert_eq!(para.collator.database().pending().expect("readable").len(), 2);
    other.import_candidates(&town.relay, town.tip);
    assert_eq!(other.tip().hash, first.hash);
    other.author_as(3);
    let transfer = other.transfer(1, 1, 2, 7_000);
    town.author(&mut other, &[transfer]);
    town.wait(1);
    assert_eq!(town.head(para.id), Some(other.tip().head));
    para.import_candidates(&town.relay, town.tip);
    assert_eq!(para.tip().hash, other.tip().hash);
    assert_eq!((para.balance(2), other.balance(2)), (1_000_000 + 8_000, 1_000_000 + 8_000));

    // Nobody took anything from the branch that was abandoned.
    assert_ne!(town.relay.block(abandoned).header.hash(), town.tip);
    assert_ne!(para.tip().hash, third.hash);
}

#[test]
fn a_block_is_final_exactly_when_the_relay_block_that_included_it_is() {
    let (mut town, mut para) = on_a_core();
    let start = town.number();
    for nonce in 0..4 {
        author(&mut town, &mut para, nonce);
    }
    town.wait(1);
    let mut relay_blocks: Vec<_> = town.relay.ancestors(town.tip).collect();
    relay_blocks.retain(|hash| town.relay.number(*hash) >= start);
    let (mut expected, mut seen) = (0, Vec::new());
    for hash in relay_blocks.into_iter().rev() {
        expected += town.relay.included(hash, para.id).len() as u32;
        seen.push(expected);
        para.finalised(&town.relay, hash);
        let database = para.collator.database();
        assert_eq!(database.finalized().expect("readable"), expected);
        // What it takes to undo a final block is gone, and with it the state before: the way back ends there.
        assert_eq!(database.history_len().expect("readable"), 4 - expected);
        if expected > 0 {
            assert!(para.collator.rollback(expected - 1).is_err());
        }
    }
    // A block that is backed in a relay block is not final with it.
    assert_eq!((seen[0], seen[1], seen.last()), (0, 0, Some(&4)), "{seen:?}");
}
