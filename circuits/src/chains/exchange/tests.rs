//! The chain as a whole: circuit and native code agree, import ends where authoring did, scenes fill their tiers.

use zkpov_verifier::{head::Head, statement::ChainIdentity};

use super::{AUTHOR, Market, People, Scene, exchange};
use crate::{
    keys::SecretKey,
    pallets::{balances::circuit::Payment, pools::testing::*},
    runtime::{BlockContext, Chain, Extrinsic},
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
    assert_eq!(block.used_slots, [1; 9]);
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
fn the_scene_fills_every_lane() {
    let chain = exchange();
    let secrets: Vec<_> = (0..128).map(|i| SecretKey::from_seed([i; 32])).collect();
    let people = People::new(&chain, &secrets);
    let genesis = chain.genesis(&people.spec(&Market).to_string()).expect("a sound spec");
    let head = Head::genesis(genesis.state_root);
    let identity = ChainIdentity {
        para_id: 2_000,
        genesis_hash: head.hash(),
        runtime_version: chain.runtime_version(),
        transaction_version: chain.transaction_version(),
    };
    let context = BlockContext {
        identity,
        parent: head.as_parent(),
        relay_parent_number: 100,
        author: AUTHOR,
        author_key: people.key(AUTHOR),
        context: [7; 32],
    };
    for tier in chain.tiers() {
        let capacities: Vec<u32> = tier.lanes.iter().map(|lane| lane.capacity).collect();
        let calls = Market.calls(&people, &identity, &capacities).expect("calls");
        let block = chain.execute(&genesis.changes, &context, Some(tier.id), &calls).expect("a block");
        assert_eq!(block.used_slots, capacities, "{:?} {:?}", block.refused, block.deferred);
    }
}
