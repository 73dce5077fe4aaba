//! The chain as a whole: circuit and native code agree, import ends where authoring did, scenes fill their tiers.

use super::{Market, exchange};
use crate::{
    pallets::{balances::circuit::Payment, pools::testing::*},
    runtime::{Chain, Extrinsic},
};

/// A call of each kind.
fn one_of_each(on: &TestChain) -> Vec<Extrinsic> {
    vec![
        on.call("transfer", 0, 0, &Payment { amount: 5, receiver: key(1) }),
        on.call("open", 0, 1, &Payment { amount: DEPOSIT, receiver: key(20) }),
        create_asset(on, 3, 0, 1_000_000),
        mint_asset(on, OWNER, 0, ASSET, 77),
        transfer_asset(on, 4, 0, ASSET, STRANGER, 800),
        create_pool(on, 4, 1, ASSET, [5_000, 300]),
        add_liquidity(on, 3, 1, POOL, 333, [u128::MAX; 2]),
        remove_liquidity(on, CREATOR, 0, POOL, 777, [1, 1]),
        swap(on, STRANGER, 0, POOL, false, [50, 1]),
    ]
}

#[test]
fn an_empty_and_a_full_block_satisfy_the_circuit_and_follow_from_their_bodies() {
    let mut on = market(vec![1; 9]);
    on.prove_and_advance(&[]);
    let calls = one_of_each(&on);
    let block = on.prove_and_advance(&calls);
    assert_eq!(block.used_slots, [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
    assert_eq!(held(&on, ASSET, STRANGER.into()), 750);
}

#[test]
fn json_and_bytes_of_an_extrinsic_say_the_same() {
    let on = market(vec![1; 9]);
    for call in one_of_each(&on) {
        let bytes = call.encode();
        let json = on.chain.extrinsic_to_json(&bytes).expect("json");
        assert_eq!(on.chain.extrinsic_from_json(&json.to_string()), Ok(bytes.clone()));
        assert!(on.chain.extrinsic_to_json(&bytes[..bytes.len() - 1]).is_err());
        assert!(on.chain.extrinsic_to_json(&[bytes, vec![0]].concat()).is_err());
    }
}

#[test]
fn the_scene_fills_every_lane_but_those_of_messages() {
    let (on, secrets) = TestChain::of_scene(exchange(), &Market, 128);
    for tier in on.chain.tiers() {
        let capacities: Vec<u32> = tier.lanes.iter().take(9).map(|lane| lane.capacity).collect();
        assert_eq!(on.scene_block(&Market, &secrets, tier).used_slots[..9], capacities);
    }
}
