//! The soundness kit on the call, and on blocks with which a key comes into force and does not: every hint replaced with all
//! that follows from it, every variable perturbed in place. `scripts/soundness` runs the full form.

use super::testing::*;
use crate::{
    runtime::{Chain, Extrinsic},
    soundness::Audit,
};

/// Why what an unused slot holds is free.
const UNUSED: &str = "an unused slot: it is held to no state and no signature, moves no root, pays no fee and is 0 \
                      in the body, so nothing outside it follows from it";

const NEXT: u64 = 77;

fn audit(audit: Audit, on: &TestChain, calls: &[Extrinsic]) {
    let block = on.execute(calls);
    assert_eq!(block.included.len(), calls.len(), "{:?}", block.refused);
    let report = audit
        .run(|cs| on.chain.synthesize(on.tier_id(), Some(&block.witness), cs))
        .expect("an honest witness");
    println!("{report}");
    report.assert_clean();
}

/// No slot for anything but one holder.
fn holders() -> Vec<u32> {
    let mut slots = slots(1);
    slots[0] = 0;
    slots
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_where_a_collator_brings_a_key() {
    let on = chain(holders(), &[0, 1, 2], &[NEXT]);
    let calls = [hold(&on, 1, NEXT, true)];
    audit(Audit::new("chain key, brought"), &on, &calls);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_where_a_collator_joins_the_holders() {
    let on = pending(chain(holders(), &[0, 1, 2], &[NEXT]), NEXT, &[0]);
    let calls = [hold(&on, 1, NEXT, false)];
    audit(Audit::new("chain key, joined"), &on, &calls);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn only_the_inside_of_the_unused_slot_survives_where_a_key_comes_into_force() {
    let on = pending(chain(holders(), &[0, 1], &[NEXT]), NEXT, &[1, 0]);
    audit(Audit::new("chain key, in force").except("hold_key/slot[0]/*", UNUSED), &on, &[]);
}
