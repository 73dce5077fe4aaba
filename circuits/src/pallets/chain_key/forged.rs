//! Forged rotations: complete dishonest witnesses, and the one constraint that refuses each.

use ark_ff::{AdditiveGroup, Field};
use zkpov_verifier::field::Fr;

use super::testing::*;
use crate::{
    runtime::{
        Authors, SEATS,
        testing::{Forgery, refused_by},
        vault::{Vault, commitment},
    },
    soundness::with_hints,
    state::{Element, Value},
};

const NEXT: u64 = 77;

/// Inputs of a slot.
const COMMITMENT: usize = 0;

/// A chain of collators 0 and 1 with one slot for holders, and `NEXT` at hand.
fn two() -> TestChain {
    chain(slots(1), &[0, 1], &[NEXT])
}

/// The same where the next block is the first under `NEXT`.
fn due() -> TestChain {
    pending(two(), NEXT, &[0, 1])
}

/// The block of one call that is honest on `honest`, executed on `on`.
#[track_caller]
fn refused(honest: &TestChain, call: crate::runtime::Extrinsic, on: &TestChain, name: &'static str) {
    let mut forgery = Forgery::of(honest, &[call]);
    forgery.on = on;
    forgery.refused_only_by(name);
}

fn choosing(place: usize) -> Vec<Fr> {
    (0..SEATS).map(|other| Fr::from(other == place)).collect()
}

// Who signs, and for what.

#[test]
fn a_signature_of_an_account_without_a_seat_is_refused() {
    let honest = chain(slots(1), &[0, 1, 2], &[NEXT]);
    let call = hold(&honest, 2, NEXT, true);
    let on = seated(chain(slots(1), &[0, 1, 2], &[NEXT]), &[0, 1]);
    refused(&honest, call, &on, "hold_key/seat");
}

#[test]
fn a_signature_for_a_key_that_is_not_pending_is_refused() {
    let honest = pending(two(), NEXT, &[0]);
    let on = pending(two(), 78, &[0]);
    refused(&honest, hold(&honest, 1, NEXT, false), &on, "hold_key/pending key");
}

#[test]
fn a_signature_that_says_another_key_than_was_signed_is_refused() {
    let on = two();
    let mut forgery = Forgery::of(&on, &[hold(&on, 1, NEXT, true)]);
    forgery.sign();
    forgery.slot().inputs[COMMITMENT] = commitment(&chain_key(78));
    forgery.refused_only_by("eddsa/equation");
}

#[test]
fn a_collator_counted_twice_is_refused() {
    let honest = pending(two(), NEXT, &[0]);
    let on = pending(two(), NEXT, &[1]);
    refused(&honest, hold(&honest, 1, NEXT, false), &on, "hold_key/not yet held");
}

#[test]
fn a_holder_at_any_place_but_the_first_free_one_is_refused() {
    let on = pending(chain(slots(1), &[0, 1, 2], &[NEXT]), NEXT, &[0]);
    let witness = Forgery::of(&on, &[hold(&on, 1, NEXT, false)]).witness();
    with_hints("hold_key/slot[0]/place", &choosing(2), || {
        refused_by(&on, &witness, ["hold_key/places in order", "block/state root"]);
    });
    with_hints("hold_key/slot[0]/place", &choosing(0), || {
        refused_by(&on, &witness, ["hold_key/place is free", "block/state root"]);
    });
    with_hints("hold_key/slot[0]/place", &choosing(SEATS), || {
        refused_by(&on, &witness, ["hold_key/one place", "block/state root"]);
    });
}

#[test]
fn an_unused_slot_that_brings_a_key_is_refused() {
    let on = two();
    let mut forgery = Forgery::of(&on, &[]);
    let mut slot = forgery.unused(10);
    slot.inputs = vec![commitment(&chain_key(NEXT)), Fr::ONE];
    forgery.lanes[10].push(slot);
    let witness = forgery.witness();
    // Its inputs lead to nothing: the honest block stands, and one that leaves another rotation does not.
    refused_by(&on, &witness, []);
    let mut forgery = Forgery::of(&on, &[]);
    let mut vault = vault(&on);
    vault.rotation.next = Element(commitment(&chain_key(NEXT)));
    forgery.slip_in::<Vault>(0, vault.elements());
    refused_by(&on, &forgery.witness(), ["block/state root"]);
}

// Which key is in force.

#[test]
fn another_key_than_the_one_committed_to_is_refused() {
    let on = due();
    let mut forgery = Forgery::of(&on, &[]);
    forgery.next_key = Some(Fr::from(78u64));
    forgery.refused_only_by("vault/next key");
}

#[test]
fn going_on_under_the_old_key_after_the_switch_is_refused() {
    let on = due();
    for old in [Fr::from(FIRST_KEY), Fr::ZERO] {
        let mut forgery = Forgery::of(&on, &[]);
        forgery.next_key = Some(old);
        forgery.refused_only_by("vault/next key");
    }
    // A rotation that looks unfinished is not the state's.
    let mut forgery = Forgery::of(&on, &[]);
    let mut vault = vault(&on);
    vault.rotation.holders = [1, 0, 0, 0, 0, 0, 0, 0];
    forgery.pretend::<Vault>(0, vault.elements());
    forgery.next_key = Some(Fr::ZERO);
    forgery.refused_only_by("state/single record");
}

#[test]
fn a_key_before_its_time_is_refused() {
    for holders in [&[0][..], &[], &[0, 1, 2]] {
        let on = pending(two(), NEXT, holders);
        let mut forgery = Forgery::of(&on, &[]);
        forgery.next_key = Some(Fr::from(NEXT));
        forgery.refused_only_by("vault/no next key");
    }
    // Signatures that nobody gave are not the state's.
    let on = pending(two(), NEXT, &[0]);
    let mut forgery = Forgery::of(&on, &[]);
    let mut vault = vault(&on);
    vault.rotation.holders[1] = 2;
    forgery.pretend::<Vault>(0, vault.elements());
    forgery.next_key = Some(Fr::from(NEXT));
    forgery.refused_only_by("state/single record");
}

#[test]
fn seats_beyond_or_short_of_their_count_are_refused() {
    let on = pending(chain(slots(1), &[0, 1, 2], &[NEXT]), NEXT, &[0, 1]);
    let witness = Forgery::of(&on, &[]).witness();
    // With two of three seats the key's time would have come.
    with_hints("author/vault/roster/last seat", &choosing(1), || {
        refused_by(
            &on,
            &witness,
            ["authors/last seat", "block/body root", "block/state root", "vault/next key"],
        );
    });
    with_hints("author/vault/roster/last seat", &choosing(SEATS), || {
        refused_by(&on, &witness, ["authors/last seat", "authors/one last seat"]);
    });
    assert_eq!(on.read::<Authors>(0).expect("authors").count, 3);
}
