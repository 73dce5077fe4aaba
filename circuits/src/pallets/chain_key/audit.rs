//! The soundness kit on the call, and on blocks with which a key comes into force and does not: every hint replaced with all
//! that follows from it, every variable perturbed in place. `scripts/soundness` runs the full form.

use super::testing::*;
use crate::{
    runtime::testing::kit::{UNUSED, audit},
    soundness::Audit,
};

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
