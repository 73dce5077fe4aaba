//! The Jacobian of small instances of the exchange's circuit: a block's inputs determine the rest.

use crate::{
    pallets::pools::testing::*,
    runtime::{Chain, Extrinsic},
    soundness::{Freedom, Jacobian},
};

/// What the verifier brings to the statement and nothing else in the block says.
const CONTEXT: [&str; 6] = [
    "statement/para_id",
    "statement/genesis_hash",
    "statement/number",
    "statement/relay_parent_number",
    "statement/inbox_root",
    "statement/context",
];

/// What the parent state holds where the block looks, and the paths to it. Accesses and opened places are compared by
/// challenge, in one sum for the leaves of a tree and one for its cells, so both sides are fixed; what is not is everything
/// that the calls compute.
const PARENT_STATE: [&str; 19] = [
    "state/tree[*]/cell[*]/before",
    "state/tree[*]/cell[*]/after",
    "state/tree[*]/place[*]/after",
    "storage_root",
    "*an account/key/*",
    "*an account/nonce",
    "*an account/balance",
    "*a pool/id",
    "*a pool/native",
    "*a pool/assets",
    "*a pool/shares",
    "author/the parameters/existential_deposit",
    "author/the parameters/minimum_fee",
    "author/the authors/*",
    // The one remainder in its range, and ranges are set aside.
    "author/turn/offset",
    "*/sibling[*]",
    "state/tree[*]/place[*]/before",
    "state/tree[*]/place[*]/last",
    "*/previous",
];

fn freedom(calls: &[&str], holdings: &str, on: &TestChain, block: &[Extrinsic]) -> Freedom {
    let block = on.execute(block);
    assert!(block.refused.is_empty(), "{:?}", block.refused);
    let fixed = CONTEXT.iter().chain(calls).chain(&PARENT_STATE).chain([&holdings]);
    let jacobian = Jacobian::new("exchange").without_ranges();
    fixed
        .fold(jacobian, |jacobian, path| jacobian.fix(*path))
        .run(|cs| on.chain.synthesize(on.tier_id(), Some(&block.witness), cs))
        .expect("an honest witness")
}

fn of_swap() -> Freedom {
    let on = market(only(&[SWAP]));
    let call = swap(&on, 1, 0, POOL, true, [7_000, 1]);
    // What is bought is the one integer for which the remainder is in its range, and ranges are set aside here.
    let given = ["swap/*/sold", "swap/*/least", "swap/*/bought", "*/terms/fee"];
    freedom(&given, "*a holding/amount", &on, &[call])
}

#[test]
fn inputs_determine_a_block_with_a_swap() {
    let freedom = of_swap();
    println!("{freedom}");
    freedom.assert_clean();
}
