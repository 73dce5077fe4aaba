//! The chain as a whole.

use super::*;
use crate::{
    pallets::identity::testing::{appoint, attest, prove, revoke, small},
    runtime::{Chain, testing::TestChain},
};

#[test]
fn an_empty_and_a_full_block_satisfy_the_circuit() {
    let on = small();
    on.check(&on.execute(&[]));
    let mut on = on;
    let calls = [
        crate::pallets::balances::testing::transfer(&on, 4, 0, 5, 500),
        crate::pallets::balances::testing::open(&on, 4, 1, 9, 5_000),
        appoint(&on, 1, 0, 5),
        attest(&on, 2, 0, 4, 1),
        revoke(&on, 2, 1, 1),
        prove(&on, 5, 0, 0),
    ];
    assert_eq!(on.prove_and_advance(&calls).used_slots, [1; 6]);
}

#[test]
fn json_and_bytes_of_an_extrinsic_say_the_same() {
    let on = small();
    for call in [appoint(&on, 1, 0, 5), attest(&on, 2, 0, 4, 1), revoke(&on, 2, 1, 1), prove(&on, 5, 0, 0)] {
        let bytes = call.encode();
        let json = on.chain.extrinsic_to_json(&bytes).expect("json");
        assert_eq!(on.chain.extrinsic_from_json(&json.to_string()), Ok(bytes.clone()));
        assert!(on.chain.extrinsic_to_json(&bytes[1..]).is_err());
    }
}

#[test]
fn specs_that_are_no_chain_are_refused() {
    let refused = |pallets: Json| {
        let spec = crate::runtime::testing::spec("identity", 3, true, pallets);
        identity().genesis(&spec).map(drop).expect_err("refused").to_string()
    };
    let stranger = crate::runtime::testing::key(70).to_json();
    assert!(refused(json!({"identity": {"administrator": stranger}})).contains("no account"));
    assert!(refused(json!({"identity": {"registrars": [stranger]}})).contains("no account"));
    assert!(refused(json!({"identity": {"surprise": 1}})).contains("surprise"));
    let attested = json!([{"commitment": "5", "until": 3, "registrar": 1}]);
    assert!(refused(json!({"identity": {"attestations": attested}})).contains("no registrar 1"));
}

#[test]
fn the_scene_fills_every_lane_of_every_tier() {
    let (on, secrets) = TestChain::of_scene(identity(), &Registry, 200);
    for tier in on.chain.tiers() {
        let capacities: Vec<u32> = tier.lanes.iter().map(|lane| lane.capacity).collect();
        assert_eq!(on.scene_block(&Registry, &secrets, tier).used_slots, capacities);
    }
}
