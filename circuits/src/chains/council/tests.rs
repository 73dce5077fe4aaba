//! The chain as it ships: its spec, its people, what they sign, what fits.

use super::*;
use crate::{
    runtime::{Chain, testing::TestChain},
    state::Value,
};

/// The chain at its genesis, and the scene's people.
fn begun() -> (TestChain, Vec<SecretKey>) {
    TestChain::of_scene(council(), &Assembly, 40)
}

#[test]
fn the_scene_fills_the_lanes_that_a_first_block_can() {
    let (on, secrets) = begun();
    // Nobody proposes in the smallest tier, so nobody votes on what was proposed in the same block.
    for (tier, used) in on.chain.tiers().iter().zip([[1, 0, 0, 0, 0, 0, 0, 0], [3, 1, 1, 5, 0, 1, 0, 0]]) {
        let block = on.scene_block(&Assembly, &secrets, tier);
        assert_eq!(block.used_slots, used);
        let applied = on
            .chain
            .apply(&on.state, &on.context, block.tier, &block.used_slots, &block.body)
            .expect("its body");
        assert_eq!((applied.state_root, applied.changes), (block.state_root, block.changes));
    }
}

#[test]
fn json_and_bytes_of_every_call_say_the_same() {
    let (on, secrets) = begun();
    let (chain, identity) = (&on.chain, on.context.identity);
    let people = People::new(chain, &secrets);
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
    let (on, secrets) = begun();
    let chain = &on.chain;
    let sound = People::new(chain, &secrets).spec(&Assembly);
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
