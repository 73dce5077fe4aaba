//! The chain as a whole.

use zkpov_verifier::field::Fr;

use super::*;
use crate::{
    pallets::arcade::testing::{LANES, TestChain, open_game, play, small, with_game},
    runtime::{
        Chain,
        testing::{self, secret},
    },
};

/// Accounts of the scene's people.
const PEOPLE: u8 = 40;

/// The scene on a small chain with so many slots of each lane, and its calls.
fn scene(lanes: [u32; 7]) -> (TestChain, Vec<Vec<u8>>) {
    let chain = arcade_of(2, 2, vec![(16, lanes.to_vec())]);
    let secrets: Vec<SecretKey> = (0..PEOPLE).map(secret).collect();
    let people = People::new(&chain, &secrets);
    let spec = people.spec(&GameNight).to_string();
    let on = TestChain::new(arcade_of(2, 2, vec![(16, lanes.to_vec())]), &spec);
    let calls = GameNight.calls(&people, &on.context.identity, &lanes).expect("calls of the chain");
    (on, calls)
}

#[test]
fn the_scene_fills_every_lane_and_its_block_satisfies_the_circuit() {
    for lanes in [[1, 1, 2, 2, 3, 1, 1], [2, 1, 4, 4, 11, 2, 2]] {
        let (on, calls) = scene(lanes);
        let block = on.chain.execute(&on.state, &on.context, None, &calls).expect("a block");
        assert!(block.refused.is_empty() && block.deferred.is_empty(), "{:?}", block.refused);
        assert_eq!(block.used_slots, lanes);
        on.check(&block);
    }
}

#[test]
fn an_empty_block_satisfies_the_circuit() {
    let on = small();
    on.check(&on.execute(&[]));
    let on = with_game(small(), |_| ());
    on.check(&on.execute(&[play(&on, 1, 0, 0, 3), open_game(&on, 3, 5_000)]));
}

#[test]
fn json_and_bytes_of_every_call_say_the_same() {
    let (on, calls) = scene([1, 1, 2, 2, 3, 1, 1]);
    for bytes in calls {
        let json = on.chain.extrinsic_to_json(&bytes).expect("json");
        assert_eq!(on.chain.extrinsic_from_json(&json.to_string()), Ok(bytes.clone()));
        assert!(on.chain.extrinsic_to_json(&bytes[1..]).is_err());
    }
}

#[test]
fn a_body_that_no_execution_leaves_is_not_applied() {
    let on = with_game(small(), |_| ());
    let block = on.execute(&[play(&on, 1, 0, 0, 3)]);
    let apply = |body: &[u8]| {
        let used = &block.used_slots;
        on.chain.apply(&on.state, &on.context, block.tier, used, body).map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(apply(&block.body), Ok(()));
    // Sender, fee, place, column: 24, 64, 3 of 21, 8 bits.
    let packed = |sender: u32, game: u32, column: u32| {
        let parts = [sender, testing::FEE as u32, game, column].map(Fr::from);
        let element = crate::state::pack(&[24, 64, 21, 8], &parts);
        zkpov_verifier::field::encode(&element[0])[..block.body.len()].to_vec()
    };
    assert_eq!(apply(&packed(1, 0, 3)), Ok(()));
    for (body, cause) in [
        (packed(2, 0, 3), "account 1's turn"),
        (packed(1, 5, 3), "no game at place 5"),
        (packed(1, 0, 9), "columns are"),
    ] {
        let error = apply(&body).expect_err(cause);
        assert!(error.contains(cause), "{error}");
    }
    assert_eq!(LANES.len(), on.tier().lanes.len());
}

#[test]
fn the_pallet_takes_no_parameters() {
    let spec = testing::spec("arcade", 3, true, json!({ "arcade": {} }));
    let error = arcade().genesis(&spec).map(|_| ()).expect_err("refused").to_string();
    assert!(error.contains("takes no parameters"), "{error}");
}
