//! The Jacobian of small blocks in which collators say that they have a key: a block's inputs determine the rest.

use super::testing::*;
use crate::{
    runtime::testing::kit::{CONTEXT, PARENT_STATE, freedom},
    soundness::{Freedom, Jacobian, without},
};

/// What the parent state holds of secrets. The record's hash is one equation: the pending key's commitment is left, and follows
/// from it.
const SECRETS: [&str; 3] = [
    "author/vault/the chain's secrets/chain_key",
    "author/vault/the chain's secrets/salt",
    "author/vault/the chain's secrets/holders",
];

/// The body's nonce, which is in the body: who authors knows the plaintext, so the circuit does not ask how it was made.
const NONCE: &str = "nonce";

fn of_key(name: &str, on: &TestChain, new: bool) -> Freedom {
    // That of a key that is not new is the pending one.
    let brought = new.then_some("hold_key/*/commitment");
    let fixed = CONTEXT.into_iter().chain(PARENT_STATE).chain(SECRETS).chain([NONCE]).chain(brought);
    freedom(Jacobian::new(name).without_ranges(), fixed, on, &[hold(on, 1, NEXT, new)])
}

fn of_joining() -> Freedom {
    of_key("chain key, joined", &pending(chain(holders(), &[0, 1, 2], &[NEXT]), NEXT, &[0]), false)
}

#[test]
fn inputs_determine_a_block_with_a_key_that_is_brought() {
    of_key("chain key, brought", &chain(holders(), &[0, 1, 2], &[NEXT]), true).assert_clean();
}

#[test]
fn inputs_determine_a_block_with_a_collator_that_joins_the_holders() {
    of_joining().assert_clean();
}

#[test]
fn another_commitment_than_the_pending_keys_is_free_where_they_are_not_compared() {
    let freedom = without(&["hold_key/pending key"], of_joining);
    let moved = |path: &str| path == "hold_key/slot[0]/commitment";
    assert!(freedom.undeclared.iter().any(|direction| direction.paths().any(moved)), "{freedom}");
}
