//! The chain as it ships: its spec, its people, what they sign, what fits.

use zkpov_verifier::head::Head;

use super::*;
use crate::{
    runtime::{BlockContext, Chain, Execution},
    state::Value,
};

/// Secret keys of the scene's people, the author first.
fn secrets() -> Vec<SecretKey> {
    (0..40u8).map(|i| SecretKey::from_seed([i + 1; 32])).collect()
}

/// A first block of the scene in the smallest tier, and what led to it.
fn first_block(
    chain: &Composition,
    secrets: &[SecretKey],
) -> (crate::state::ChangeSet, BlockContext, Execution) {
    let people = People::new(chain, secrets);
    let genesis = chain.genesis(&people.spec(&Assembly).to_string()).expect("a sound spec");
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
        author: 0,
        author_key: people.key(0),
        context: [7; 32],
    };
    let tier = &chain.tiers()[0];
    let capacities: Vec<u32> = tier.lanes.iter().map(|lane| lane.capacity).collect();
    let calls = Assembly.calls(&people, &identity, &capacities).expect("signed calls");
    let block = chain.execute(&genesis.changes, &context, Some(tier.id), &calls).expect("a block");
    assert!(
        block.refused.is_empty() && block.deferred.is_empty(),
        "{:?} {:?}",
        block.refused,
        block.deferred
    );
    (genesis.changes, context, block)
}

#[test]
fn the_scene_fills_the_lanes_that_a_first_block_can() {
    let (secrets, chain) = (secrets(), council());
    let (state, context, block) = first_block(&chain, &secrets);
    assert_eq!(block.used_slots, [3, 1, 1, 5, 0, 1, 0, 0]);
    let applied =
        chain.apply(&state, &context, block.tier, &block.used_slots, &block.body).expect("its body");
    assert_eq!((applied.state_root, applied.changes), (block.state_root, block.changes));
}

#[test]
fn json_and_bytes_of_every_call_say_the_same() {
    let (secrets, chain) = (secrets(), council());
    let people = People::new(&chain, &secrets);
    let identity = first_block(&chain, &secrets).1.identity;
    let hash = format!("0x{}", "c5".repeat(32));
    let who = json!({ "account": 3, "key": people.key(3).to_json() });
    let proposed = [
        json!({ "parameters": { "existential_deposit": "5", "minimum_fee": "1", "permissioned_authors": true } }),
        json!({ "spend": { "to": who, "amount": "7" } }),
        json!({ "mint": { "to": who, "amount": "7" } }),
        json!({ "burn": { "amount": "7" } }),
        json!({ "author": { "who": who, "may_author": true } }),
        json!({ "upgrade": { "code_hash": hash } }),
    ];
    let mut calls: Vec<_> = proposed.iter().map(|action| ("propose", json!({ "action": action }))).collect();
    calls.push((
        "vote",
        json!({
            "proposal": 3, "number": 9, "aye": false, "conviction": 6, "stake": "12", "action": proposed[1],
        }),
    ));
    calls.push(("unlock", json!({ "proposal": 63, "number": 9 })));
    calls.push(("enact", json!({ "proposal": 1, "number": 9 })));
    calls.push(("donate", json!({ "amount": "340282366920938463463374607431768211455" })));
    for (call, arguments) in calls {
        let bytes = people.sign(&identity, call, 1, 0, &arguments).expect("a call");
        let json = chain.extrinsic_to_json(&bytes).expect("json");
        assert_eq!(chain.extrinsic_from_json(&json.to_string()), Ok(bytes.clone()));
        for (name, argument) in arguments.as_object().expect("an object") {
            assert_eq!(json[name], *argument, "{call}");
        }
        assert!(chain.extrinsic_to_json(&bytes[1..]).is_err());
    }
    let malformed = json!({ "action": { "burn": { "amount": "7", "more": 1 } } });
    assert!(people.sign(&identity, "propose", 1, 0, &malformed).is_err());
    assert!(people.sign(&identity, "close", 1, 0, &json!({ "proposal": 1 })).is_err());
}

#[test]
fn specs_that_do_not_say_how_the_chain_is_governed_are_refused() {
    let (secrets, chain) = (secrets(), council());
    let sound = People::new(&chain, &secrets).spec(&Assembly);
    let refused = |change: fn(&mut Json)| {
        let mut spec = sound.clone();
        change(&mut spec["pallets"]["governance"]);
        chain.genesis(&spec.to_string()).map(|_| ()).expect_err("refused").to_string()
    };
    assert!(refused(|governance| *governance = Json::Null).contains("invalid type"));
    assert!(refused(|governance| governance["quorum_per_mille"] = 1_001.into()).contains("quorum"));
    assert!(
        refused(|governance| governance["voting_period"] = (1 + (1 << 24)).into()).contains("voting_period")
    );
    assert!(refused(|governance| governance["treasury"] = u128::MAX.to_string().into()).contains("issuance"));
    assert!(refused(|governance| governance["surprise"] = 1.into()).contains("surprise"));
}
