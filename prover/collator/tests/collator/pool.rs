//! The pool: what it takes, in which order it gives, how much it holds, and that it forgets nothing.

use std::path::Path;

use serde_json::{Map, Value, json};
use zkpov_collator::{
    Collator,
    db::ReadDatabase,
    pool::{Limits, MAX_EXTRINSIC_BYTES, Pool, PoolError},
};

use crate::stage::{MINIMUM_FEE, chain, collator, encoded, key_json, person};

fn pool_of(collator: &Collator, limits: Limits) -> Pool {
    Pool::open(collator.handle(), *collator.info(), limits).expect("a pool")
}

fn pool(collator: &Collator) -> Pool {
    pool_of(collator, Limits::default())
}

/// A transfer, signed.
fn transfer(collator: &Collator, from: u8, nonce: u32, fee: u64, expiry: u32) -> Vec<u8> {
    let fields = json!({
        "call": "transfer", "sender": from, "nonce": nonce, "expiry": expiry, "fee": fee.to_string(),
        "amount": "5", "receiver": key_json(&person(0)),
    });
    let unsigned: Map<String, Value> = fields.as_object().expect("an object").clone();
    let line = chain().sign_json(&collator.info().identity, unsigned, &person(from)).expect("a call");
    encoded(&line.to_string())
}

fn paid(collator: &Collator, from: u8, nonce: u32, fee: u64) -> Vec<u8> {
    transfer(collator, from, nonce, fee, 50)
}

fn new_chain() -> (tempfile::TempDir, Collator) {
    let directory = tempfile::tempdir().expect("a directory");
    let collator = collator(directory.path());
    (directory, collator)
}

#[test]
fn what_a_pool_has_answered_for_is_there_after_a_restart() {
    let (directory, before) = new_chain();
    let offered = [paid(&before, 1, 0, 20), paid(&before, 1, 1, 20), paid(&before, 2, 0, 30)];
    {
        let pool = pool(&before);
        for extrinsic in &offered {
            pool.submit(extrinsic).unwrap();
        }
        assert_eq!(pool.pending(), offered);
    }
    drop(before);
    let after = Collator::open(directory.path()).unwrap();
    let pool = pool(&after);
    assert_eq!(pool.pending(), offered, "in the order of arrival");
    assert_eq!(pool.status().ready, 3);
    assert!(matches!(pool.submit(&offered[0]), Err(PoolError::Known)));
}

#[test]
fn the_highest_fee_is_first_and_a_senders_nonces_are_in_order_whatever_they_pay() {
    let (_directory, collator) = new_chain();
    let pool = pool(&collator);
    let (low, high, other) =
        (paid(&collator, 1, 0, 20), paid(&collator, 1, 1, 90), paid(&collator, 2, 0, 50));
    // The second nonce comes first, and waits.
    pool.submit(&high).unwrap();
    assert_eq!((pool.ready(9).len(), pool.status().future), (0, 1));
    pool.submit(&low).unwrap();
    pool.submit(&other).unwrap();
    assert_eq!(pool.ready(9), [other.clone(), low, high]);
    assert_eq!(pool.ready(1), [other]);
    assert_eq!(pool.next_nonce(1).unwrap(), Some(2));
}

#[test]
fn what_can_never_be_in_a_block_is_refused_with_the_reason() {
    let (_directory, collator) = new_chain();
    let pool = pool(&collator);
    let mut forged = paid(&collator, 1, 0, 20);
    let last = forged.len() - 1;
    forged[last] ^= 1;
    for (extrinsic, word) in [
        (forged, "signature"),
        (vec![0; 3], "not an extrinsic"),
        (Vec::new(), "not an extrinsic"),
        (vec![0; MAX_EXTRINSIC_BYTES + 1], "bytes"),
        (paid(&collator, 1, 0, MINIMUM_FEE - 1), "fee"),
        (transfer(&collator, 1, 0, 20, 0), "expired"),
        (paid(&collator, 1, Limits::default().of_sender, 20), "too far ahead"),
    ] {
        let refused = pool.submit(&extrinsic).unwrap_err().to_string();
        assert!(refused.contains(word), "{refused}");
    }
    assert_eq!(pool.status(), Default::default());
}

#[test]
fn an_extrinsic_takes_the_place_of_another_of_its_nonce_only_for_a_higher_fee() {
    let (_directory, collator) = new_chain();
    let pool = pool(&collator);
    let (first, same, higher) =
        (paid(&collator, 1, 0, 100), paid(&collator, 1, 0, 105), paid(&collator, 1, 0, 111));
    pool.submit(&first).unwrap();
    assert!(matches!(pool.submit(&same), Err(PoolError::Underpaid { needed: 111 })));
    pool.submit(&higher).unwrap();
    assert_eq!(pool.pending(), [higher]);
}

#[test]
fn a_full_pool_takes_only_what_pays_more_and_gives_up_what_pays_least() {
    let (directory, collator) = new_chain();
    let pool = pool_of(&collator, Limits { extrinsics: 2, ..Limits::default() });
    pool.submit(&paid(&collator, 1, 0, 20)).unwrap();
    pool.submit(&paid(&collator, 2, 0, 40)).unwrap();
    assert!(matches!(pool.submit(&paid(&collator, 3, 0, 20)), Err(PoolError::Full(2))));
    let rich = paid(&collator, 3, 0, 30);
    pool.submit(&rich).unwrap();
    assert_eq!(pool.ready(9), [paid(&collator, 2, 0, 40), rich]);
    drop((pool, collator));
    assert_eq!(self::pool(&reopened(directory.path())).status().ready, 2, "the database forgot the same");
}

#[test]
fn a_pools_bytes_are_bounded() {
    let (_directory, collator) = new_chain();
    let one = paid(&collator, 1, 0, 20);
    let pool = pool_of(&collator, Limits { bytes: one.len() * 3 / 2, ..Limits::default() });
    pool.submit(&one).unwrap();
    assert!(matches!(pool.submit(&paid(&collator, 2, 0, 20)), Err(PoolError::Full(1))));
}

fn reopened(directory: &Path) -> Collator {
    Collator::open(directory).expect("a chain")
}

#[test]
fn the_pool_can_be_used_while_the_chain_is_open_for_writing_and_its_file_stays_locked() {
    let (directory, mut collator) = new_chain();
    let pool = pool(&collator);
    pool.submit(&paid(&collator, 1, 0, 20)).unwrap();
    collator.finalize(0).unwrap();
    assert_eq!(collator.database().tip().unwrap().number, 0);
    drop(collator);
    Collator::open(directory.path()).expect_err("the pool has the file");
    drop(pool);
    reopened(directory.path());
}
