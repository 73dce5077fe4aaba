//! The private chain: what its blocks show, who can go on from them, and forged ones.

use std::collections::HashSet;

use serde_json::{Value as Json, json};
use zkpov_verifier::field::{Fr, decode};

use super::*;
use crate::{
    pallets::balances::testing::{DEPOSIT, TestChain, open, spec, transfer},
    runtime::{
        Account, ApplyError, AuthorError, Chain, Execution, ExecutionError, Extrinsic, Parameters, SpecError,
        privacy::{Secret, Secrets},
        testing::{Forgery, refused_by, restated},
        vault::Vault,
    },
    state::Record,
};

/// Places of a statement's elements.
const STATE_ROOT: usize = 24;
const BODY_ROOT: usize = 30;

const TIER: u8 = 17;

fn secrets(chain_key: u64, salt: u64) -> Secrets {
    Secrets { chain_key: Secret(Fr::from(chain_key)), salt: Secret(Fr::from(salt)) }
}

fn private_spec(secrets: Option<&Secrets>, permissioned: bool) -> String {
    let mut json: Json = serde_json::from_str(&spec(4, permissioned)).expect("a spec");
    json["chain"] = "private-payments".into();
    if permissioned {
        json["rotation"] = json!({ "turn": 1, "seats": [0] });
    }
    if let Some(secrets) = secrets {
        json["secrets"] = secrets.to_json();
    }
    json.to_string()
}

fn composition(transfers: u32, opens: u32) -> Composition {
    private_payments_of(1, vec![(TIER, vec![transfers, opens])])
}

fn chain_of(secrets: &Secrets) -> TestChain {
    TestChain::new(composition(2, 1), &private_spec(Some(secrets), true))
}

fn chain() -> TestChain {
    chain_of(&secrets(11, 12))
}

/// A small chain and a block of it that uses every slot, for the soundness kit.
pub(super) fn full_block() -> (TestChain, [Extrinsic; 2]) {
    let on = TestChain::new(composition(1, 1), &private_spec(Some(&secrets(11, 12)), true));
    let calls = calls(&on);
    (on, calls)
}

fn calls(on: &TestChain) -> [Extrinsic; 2] {
    [transfer(on, 1, 0, 2, 500), open(on, 2, 0, 5, DEPOSIT)]
}

/// All elements that a validator sees of a block and that depend on what is in it.
fn seen(block: &Execution) -> Vec<Fr> {
    let elements =
        block.body.chunks(32).map(|bytes| decode(bytes.try_into().expect("32 bytes")).expect("canonical"));
    elements.chain([block.state_root, block.statement.body_root, block.statement.parent_state_root]).collect()
}

#[test]
fn a_private_block_satisfies_the_circuit_and_whoever_has_the_key_goes_on_from_its_body() {
    let mut chain = chain();
    for _ in 0..2 {
        let nonce = chain.read::<Account>(1).expect("an account").nonce;
        let block = chain.prove_and_advance(&[transfer(&chain, 1, nonce, 2, 500)]);
        assert_eq!(block.used_slots[..2], [2, 1], "every slot counts");
    }
    assert_eq!(chain.read::<Account>(1).expect("an account").nonce, 2);
}

#[test]
fn bodies_of_a_tier_have_one_length_whatever_is_in_them() {
    let chain = chain();
    let [empty, full] = [chain.execute(&[]), chain.execute(&calls(&chain))];
    assert_eq!(empty.body.len(), full.body.len());
    assert_eq!(empty.used_slots, full.used_slots);
    // Nonce, numbers of used slots, two slots of one element, one of three.
    assert_eq!(full.body.len(), 32 * (2 + 2 + 3));
}

/// Two bodies of equal length, author, tier and timing. Who does not know the key sees elements of which none is the same for the right
/// guess under another key, or under another salt: nothing that it could compute from its guess can be compared with any.
#[test]
fn a_guess_at_the_body_is_not_confirmed_by_what_is_seen_of_the_block() {
    let chains = [secrets(11, 12), secrets(13, 12), secrets(11, 14)].map(|secrets| chain_of(&secrets));
    let mut all = HashSet::new();
    for chain in &chains {
        for amount in [500, 501] {
            let block = chain.execute(&[transfer(chain, 1, 0, 2, amount)]);
            let seen = seen(&block);
            // Two blocks of one chain share their parent.
            let own = seen.len() - usize::from(amount == 501);
            let new = seen[..own].iter().filter(|element| all.insert(**element)).count();
            assert_eq!(new, own);
        }
    }
}

/// The same calls at different heights: no element of the stream comes again.
#[test]
fn the_stream_does_not_repeat() {
    let mut chain = chain();
    let mut streams = HashSet::new();
    for _ in 0..3 {
        let block = chain.execute(&[]);
        // The plaintext of an empty block is zeros, so its ciphertext is the stream.
        let seen = seen(&block);
        assert!(seen[..7].iter().all(|element| streams.insert(*element)));
        chain.advance(&block);
    }
}

#[test]
fn a_body_that_the_chains_key_does_not_decrypt_is_refused() {
    let chain = chain();
    let block = chain.execute(&calls(&chain));
    let apply = |on: &TestChain, body: &[u8]| {
        on.chain.apply(&on.state, &chain.context, block.tier, &block.used_slots, body).map(drop)
    };
    assert!(apply(&chain, &block.body).is_ok());
    let mut changed = block.body.clone();
    changed[40] ^= 1;
    assert!(matches!(apply(&chain, &changed), Err(ApplyError::Body(_))));
    let other = chain_of(&secrets(13, 12));
    assert!(matches!(apply(&other, &block.body), Err(ApplyError::Body(_))));
}

#[test]
fn a_private_chain_begins_with_secrets_and_permissioned_authors_and_a_public_one_with_neither() {
    let known = secrets(1, 2);
    let refused = |chain: &Composition, spec: &str| match chain.genesis(spec) {
        Err(SpecError::Invalid(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let private = composition(1, 1);
    assert!(refused(&private, &private_spec(None, true)).contains("secrets are missing"));
    assert!(refused(&private, &private_spec(Some(&known), false)).contains("permissioned"));
    let mut seatless: Json = serde_json::from_str(&private_spec(Some(&known), true)).expect("a spec");
    seatless.as_object_mut().expect("an object").remove("rotation");
    assert!(refused(&private, &seatless.to_string()).contains("seats"));
    let public = payments_of(1, vec![(TIER, vec![1, 1])]);
    let with_secrets = private_spec(Some(&known), true).replace("private-payments", "payments");
    assert!(refused(&public, &with_secrets).contains("public chain"));
}

#[test]
fn nobody_without_permission_authors_whatever_the_parameters_say() {
    let honest = chain();
    let parameters = honest.read::<Parameters>(0).expect("there from the first");
    let open = Parameters { permissioned_authors: false, ..parameters };
    let forbidden = chain().with(0, &open).with_account(0, |account| account.may_author = false);
    let error = forbidden.chain.execute(&forbidden.state, &forbidden.context, None, &[]).map(drop);
    assert!(matches!(error, Err(ExecutionError::Author(AuthorError::NotPermitted(0)))));

    let mut forgery = Forgery::of(&honest, &[]);
    forgery.on = &forbidden;
    forgery.refused_only_by("author/permitted");
}

#[test]
fn a_ciphertext_that_is_not_the_executed_bodys_is_refused() {
    let chain = chain();
    let witness = Forgery::of(&chain, &calls(&chain)).witness();
    refused_by(&chain, &restated(witness, BODY_ROOT, Fr::from(1u64)), ["block/body root"]);
}

/// What an author would do who wants to be the only one to go on.
#[test]
fn a_key_that_is_not_the_states_is_refused() {
    let chain = chain();
    let mut forgery = Forgery::of(&chain, &calls(&chain));
    forgery.pretend::<Vault>(0, Vault::new(secrets(99, 12)).elements());
    let violations = chain.violations(&forgery.witness());
    assert!(!violations.is_empty());
}

#[test]
fn a_salt_that_stays_or_is_chosen_is_refused() {
    let chain = chain();
    for salt in [12, 99] {
        let mut forgery = Forgery::of(&chain, &calls(&chain));
        forgery.slip_in::<Vault>(0, Vault::new(secrets(11, salt)).elements());
        assert!(!chain.violations(&forgery.witness()).is_empty());
    }
    // The same by its statement alone.
    let witness = Forgery::of(&chain, &calls(&chain)).witness();
    refused_by(&chain, &restated(witness, STATE_ROOT, Fr::from(1u64)), ["block/state root"]);
}

/// The author's choice, and of no use to it: what it claims others can decrypt.
#[test]
fn another_nonce_is_as_good() {
    let chain = chain();
    let mut forgery = Forgery::of(&chain, &calls(&chain));
    forgery.nonce = Some(Fr::from(77u64));
    forgery.accepted();
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", secrets(123_456_789, 987_654_321));
    assert!(!shown.contains("123456789") && !shown.contains("987654321"), "{shown}");
    assert_ne!(Vault::new(secrets(1, 2)).leaf(), Vault::new(secrets(1, 3)).leaf());
}
