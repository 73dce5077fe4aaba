//! The Jacobian of small instances of the payments circuit: a block's inputs determine the rest.
//!
//! Range checks are set aside, so that numbers have to follow from equations. `scripts/soundness` runs the full form.

use std::{collections::BTreeSet, thread};

use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{
    pallets::balances::testing::{DEPOSIT, TestChain, open, small_chain, transfer},
    runtime::{
        BlockWitness, Chain,
        testing::kit::{CONTEXT, QUOTIENT, UNUSED},
    },
    soundness::{Freedom, Jacobian, constraint_names, without},
};

/// The calls.
const CALLS: [&str; 4] = ["*/amount", "*/terms/fee", "open/*/key/x", "open/*/key/y"];

/// What the parent state holds where the block looks, and the paths to it. Of the cells one is left and follows from
/// the storage's root, of the parameters the total issuance.
///
/// Accesses and opened places are compared by challenge, in one sum for the leaves and one for the cells, which
/// is an equation each for all that goes into it. So leaves before the block are fixed on both sides, as balances and
/// as leaves, and who accessed what last. Leaves after it follow from the paths of the places that come next, the last
/// from the sum; the cell from the other sum.
const PARENT_STATE: [&str; 19] = [
    "storage_root",
    "*an account/key/*",
    "*an account/nonce",
    "*an account/balance",
    "author/the parameters/existential_deposit",
    "author/the parameters/minimum_fee",
    "author/the authors/*",
    // The one remainder in its range, and ranges are set aside.
    "author/turn/offset",
    "*/sibling[*]",
    "state/tree[0]/place[*]/before",
    "state/tree[0]/place[*]/last",
    "*/previous",
    "state/tree[0]/cell[1]/before",
    "state/tree[0]/cell[2]/before",
    "state/tree[0]/cell[3]/before",
    "state/tree[0]/cell[4]/before",
    "state/tree[0]/cell[5]/before",
    "state/tree[0]/cell[6]/before",
    "state/tree[0]/cell[7]/before",
];

/// Constraints without which nothing is free: inequalities, which have no derivative.
const INEQUALITIES: [&str; 25] = [
    "account/balance",
    "account/nonce",
    "transfer/amount",
    "open/amount",
    "parameters/total_issuance",
    "author/balance",
    "authors/count",
    "authors/offset in the turn",
    "authors/offset range",
    "authors/round",
    "authors/seat is there",
    "authors/seats",
    "authors/turn",
    "runtime/expiry",
    "runtime/expiry range",
    "runtime/fee range",
    "runtime/minimum fee",
    "runtime/opened with the deposit",
    "runtime/receiver balance",
    "runtime/sender keeps the deposit",
    "parameters/existential_deposit",
    "parameters/minimum_fee",
    "state/last time",
    "state/places ascend",
    "state/time order",
];

/// Constraints without which nothing is free, though they are equations: they say something of what is a bit, or
/// fixed, or one of eight points.
const CHECKS: [&str; 5] =
    ["author/permitted", "author/turn", "key/on_curve", "messages/no inbox", "state/run cell"];

fn jacobian(name: &str) -> Jacobian {
    let fixed = CONTEXT.into_iter().chain(CALLS).chain(PARENT_STATE);
    fixed.fold(Jacobian::new(name).without_ranges(), Jacobian::fix)
}

fn full(on: &TestChain) -> BlockWitness {
    let calls = [transfer(on, 1, 0, 2, 500), open(on, 3, 0, 9, DEPOSIT + 7)];
    on.execute(&calls).witness
}

fn in_full(on: &TestChain, witness: &BlockWitness) -> Freedom {
    in_full_with(jacobian("payments, every slot used"), on, witness)
}

fn in_full_with(jacobian: Jacobian, on: &TestChain, witness: &BlockWitness) -> Freedom {
    jacobian.run(|cs| on.chain.synthesize(on.tier_id(), Some(witness), cs)).expect("an honest witness")
}

fn in_empty(on: &TestChain, witness: &BlockWitness) -> Freedom {
    let jacobian = jacobian("payments, no slot used").free("transfer/slot[0]/*", UNUSED);
    let jacobian = jacobian.free("open/slot[0]/*", UNUSED);
    jacobian.run(|cs| on.chain.synthesize(on.tier_id(), Some(witness), cs)).expect("an honest witness")
}

#[test]
fn inputs_determine_a_full_block() {
    let on = small_chain(2, 1, 1, 4);
    let freedom = in_full(&on, &full(&on));
    println!("{freedom}");
    freedom.assert_clean();
}

#[test]
fn inputs_determine_an_empty_block_but_for_the_insides_of_its_slots() {
    let on = small_chain(2, 1, 1, 4);
    let freedom = in_empty(&on, &on.execute(&[]).witness);
    println!("{freedom}");
    freedom.assert_clean();
}

#[test]
fn what_a_missing_equation_held_is_free() {
    let on = small_chain(2, 1, 1, 4);
    let (full, empty) = (full(&on), on.execute(&[]).witness);
    for (name, is_full, hints) in [
        ("eddsa/equation", true, &["transfer/slot[0]/terms/expiry", "transfer/slot[0]/signature/r8/y"][..]),
        ("state/single record", true, &["author/the parameters/total_issuance"]),
        ("state/memory", true, &["statement/state_root", "state/tree[0]/place[4]/after"]),
        ("state/cells", true, &["statement/state_root", "state/tree[0]/cell[0]/after"]),
        ("runtime/fees", false, &["statement/state_root", "author/fees", "state/tree[0]/place[4]/after"]),
    ] {
        let freedom = without(&[name], || if is_full { in_full(&on, &full) } else { in_empty(&on, &empty) });
        let moved = freedom
            .undeclared
            .iter()
            .find(|direction| hints.iter().all(|hint| direction.paths().any(|path| path == *hint)));
        assert!(moved.is_some(), "{name}: {freedom}");
    }
}

#[test]
#[ignore = "a minute: scripts/soundness runs it"]
fn every_equation_holds_something() {
    let on = small_chain(2, 1, 1, 4);
    let (full, empty) = (&full(&on), &on.execute(&[]).witness);
    let names = constraint_names(|cs| on.chain.synthesize(on.tier_id(), None, cs)).expect("a shape");
    let names: Vec<&str> = names.into_iter().collect();
    let share = names.len().div_ceil(thread::available_parallelism().map_or(1, usize::from));
    // Threads of their own: what a test leaves out is left out of its thread.
    let unseen: BTreeSet<&str> = thread::scope(|scope| {
        let unseen = |name: &&&str| {
            let is_clean = |freedom: Freedom| freedom.undeclared.is_empty();
            without(&[**name], || is_clean(in_full(&on, full)) && is_clean(in_empty(&on, empty)))
        };
        let shares: Vec<_> = names
            .chunks(share)
            .map(|share| scope.spawn(move || share.iter().filter(unseen).copied().collect::<Vec<_>>()))
            .collect();
        shares.into_iter().flat_map(|share| share.join().expect("no panic")).collect()
    });
    assert_eq!(unseen, INEQUALITIES.into_iter().chain(CHECKS).collect());
}

#[test]
#[ignore = "half a minute: scripts/soundness runs it"]
fn inputs_determine_random_blocks_of_a_deeper_tree_and_more_slots() {
    let on = small_chain(3, 2, 2, 12);
    let mut random = StdRng::seed_from_u64(3);
    for round in 0..4 {
        let mut amount = || DEPOSIT + u128::from(random.gen_range(0u32..10_000));
        let calls = [
            transfer(&on, 1, 0, 9 - round, amount()),
            // The author pays and earns in its own block, and a receiver sends on.
            transfer(&on, 0, 0, 1, amount()),
            open(&on, 9 - round, 0, 20, amount()),
            open(&on, 10 + round % 2, 0, 21, amount()),
        ];
        let block = on.execute(&calls);
        assert_eq!(block.included.len(), calls.len());
        // More cells than one are touched, and one sum gives one of them.
        let jacobian = jacobian("payments, two slots a lane")
            .free("*/eddsa/at_most", QUOTIENT)
            .fix("state/tree[0]/cell[*]/before")
            .fix("state/tree[0]/cell[*]/after")
            .fix("state/tree[0]/place[*]/after");
        let freedom = in_full_with(jacobian, &on, &block.witness);
        println!("{freedom}");
        assert!(freedom.undeclared.is_empty(), "{freedom}");
    }
}
