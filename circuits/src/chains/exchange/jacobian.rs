//! The Jacobian of small instances of the exchange's circuit: a block's inputs determine the rest.

use crate::{
    pallets::pools::testing::*,
    runtime::testing::kit::{CONTEXT, PARENT_STATE, SIBLINGS, freedom},
    soundness::{Freedom, Jacobian},
};

/// What the parent state holds of pools.
const POOLS: [&str; 4] = ["*a pool/id", "*a pool/native", "*a pool/assets", "*a pool/shares"];

fn of_swap() -> Freedom {
    let on = market(only(&[SWAP]));
    let call = swap(&on, 1, 0, POOL, true, [7_000, 1]);
    // What is bought is the one integer for which the remainder is in its range, and ranges are set aside here.
    let given = ["swap/*/sold", "swap/*/least", "swap/*/bought", "*/terms/fee", "*a holding/amount"];
    let fixed = CONTEXT.into_iter().chain(given).chain(POOLS).chain(PARENT_STATE).chain([SIBLINGS]);
    freedom(Jacobian::new("exchange").without_ranges(), fixed, &on, &[call])
}

#[test]
fn inputs_determine_a_block_with_a_swap() {
    of_swap().assert_clean();
}
