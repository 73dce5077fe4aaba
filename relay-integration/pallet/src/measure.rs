//! How long the calls take: what `weights` has its figures from.
//!
//! ```text
//! cargo test --release -p zkpov-relay-pallet --lib -- --ignored --nocapture measure
//! ```
//!
//! Blocks come from a chain whose set-up's secret is known, so that there is one of any size; to check it takes what any block of its size
//! takes. Minimum of several runs, for a machine is never faster than it is.

use std::time::{Duration, Instant};

use polkadot_sdk_frame::testing_prelude::*;
use zkpov_verifier::{
    block::Proven,
    body::MAX_BODY_ELEMENTS,
    key::{MAX_TIERS, TierKey},
    lane::{Lane, TierId},
    testing::TestChain,
};

use crate::mock::{Known, OWNER, RuntimeOrigin, Validity, on_chain};

const PARA: u32 = 2000;
const RUNS: usize = 7;

/// A chain with so many tiers, each with one lane of elements of one byte.
fn chain(tiers: usize) -> TestChain {
    let mut chain = TestChain::new(PARA);
    let capacity = MAX_BODY_ELEMENTS as u32;
    let lanes = vec![Lane { call: 0, capacity, element_bytes: vec![1] }];
    let first = TierKey { lanes, body_limit: capacity, ..chain.key.tiers[0].clone() };
    let id = TestChain::SMALL.0;
    chain.key.tiers =
        (0..tiers as u8).map(|above| TierKey { tier: TierId(id + above), ..first.clone() }).collect();
    chain
}

/// The least of several times of `timed`, each after `prepare`.
fn least(mut prepare: impl FnMut(), mut timed: impl FnMut() -> DispatchResult) -> Duration {
    let runs = (0..RUNS).map(|_| {
        prepare();
        let start = Instant::now();
        timed().expect("dispatched");
        start.elapsed()
    });
    runs.min().expect("runs")
}

fn register(chain: &TestChain) -> DispatchResult {
    Validity::register(RuntimeOrigin::signed(OWNER), chain.key.encode(), chain.genesis.encode())
}

fn deregister() -> DispatchResult {
    Validity::deregister(RuntimeOrigin::signed(OWNER), PARA)
}

#[test]
#[ignore = "measures, and asserts nothing"]
fn measure() {
    on_chain(|| {
        for tiers in [1, MAX_TIERS] {
            let chain = chain(tiers);
            let time = least(|| _ = deregister(), || register(&chain));
            println!("register, {} bytes: {time:?}", chain.key.encode().len());
        }
        let chain = chain(1);
        let time = least(|| _ = register(&chain), deregister);
        println!("deregister: {time:?}");
        for used in [1, MAX_BODY_ELEMENTS] {
            let relay = TestChain::relay();
            Known::note(relay.relay_parent_number, relay.relay_parent_storage_root);
            let proven = Proven {
                used_slots: vec![used as u32],
                body: vec![5; used],
                ..TestChain::new(PARA).proven()
            };
            let block = chain.prove(proven, &chain.genesis, &relay).encode();
            let anew = || {
                _ = deregister();
                register(&chain).expect("registered");
            };
            let submit = || {
                Validity::submit(RuntimeOrigin::signed(OWNER), PARA, relay.relay_parent_number, block.clone())
            };
            println!("submit, {} bytes: {:?}", block.len(), least(anew, submit));
        }
    });
}
