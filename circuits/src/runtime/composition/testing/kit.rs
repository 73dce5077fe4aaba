//! The soundness kit on blocks of small chains: what the tests of pallets and chains have in common.

use std::time::Instant;

use super::TestChain;
use crate::{
    runtime::{Chain, Extrinsic},
    soundness::{Audit, Freedom, Jacobian},
};

/// Why the quotient of a comparison is free where the number has ones wherever the bound has them so far. Which
/// signatures are like that is chance, and fixed with the tests' keys.
pub(crate) const QUOTIENT: &str =
    "while no digit is below the bound's the quotient is multiplied by 0, and it is used nowhere else";

/// Why what an unused slot holds is free.
pub(crate) const UNUSED: &str = "an unused slot: it is held to no state and no signature, moves no root, pays no fee \
                                 and is 0 in the body, so nothing outside it follows from it";

/// Why the index of a place is free that was opened for the access of an unused slot, in a tree of which nothing is there.
pub(crate) const SPARE: &str = "a place that no access in force is at: which one is opened is the prover's choice, and it is left \
                                as it was; in an empty tree all have one path";

/// What the verifier brings to the statement and nothing else in the block says.
pub(crate) const CONTEXT: [&str; 6] = [
    "statement/para_id",
    "statement/genesis_hash",
    "statement/number",
    "statement/relay_parent_number",
    "statement/inbox_root",
    "statement/context",
];

/// What the parent state holds where any block looks, and the paths to it. Accesses and opened places are compared by
/// challenge, in one sum for the leaves of a tree and one for its cells, so both sides are fixed; what is not is everything
/// that the calls compute.
pub(crate) const PARENT_STATE: [&str; 14] = [
    "state/tree[*]/cell[*]/before",
    "state/tree[*]/cell[*]/after",
    "state/tree[*]/place[*]/after",
    "storage_root",
    "*an account/key/*",
    "*an account/nonce",
    "*an account/balance",
    "author/the parameters/existential_deposit",
    "author/the parameters/minimum_fee",
    "author/the authors/*",
    // The one remainder in its range, and ranges are set aside.
    "author/turn/offset",
    "state/tree[*]/place[*]/before",
    "state/tree[*]/place[*]/last",
    "*/previous",
];

/// The other subtrees on the paths, where trees have more levels than one.
pub(crate) const SIBLINGS: &str = "*/sibling[*]";

/// Audits the block of these calls, of which none is refused, and panics unless nothing survives but what is declared.
#[track_caller]
pub(crate) fn audit(audit: Audit, on: &TestChain, calls: &[Extrinsic]) {
    let block = on.execute(calls);
    assert_eq!(block.included.len(), calls.len(), "{:?}", block.refused);
    let began = Instant::now();
    let report = audit
        .run(|cs| on.chain.synthesize(on.tier_id(), Some(&block.witness), cs))
        .expect("an honest witness");
    println!("{report}  {} s", began.elapsed().as_secs());
    report.assert_clean();
}

/// What is free in the block of these calls, of which none is refused, with these variables fixed.
#[track_caller]
pub(crate) fn freedom<'a>(
    jacobian: Jacobian,
    fixed: impl IntoIterator<Item = &'a str>,
    on: &TestChain,
    calls: &[Extrinsic],
) -> Freedom {
    let block = on.execute(calls);
    assert_eq!(block.included.len(), calls.len(), "{:?}", block.refused);
    let began = Instant::now();
    let freedom = fixed
        .into_iter()
        .fold(jacobian, Jacobian::fix)
        .run(|cs| on.chain.synthesize(on.tier_id(), Some(&block.witness), cs))
        .expect("an honest witness");
    println!("{freedom}  {} s", began.elapsed().as_secs());
    freedom
}
