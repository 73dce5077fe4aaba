//! The soundness kit on small instances of the identity circuit.

use crate::{
    pallets::{
        balances::testing::{open, transfer},
        identity::NULLIFIERS,
        identity::testing::{appoint, attest, prove, revoke, small},
    },
    runtime::testing::kit::{QUOTIENT, SPARE, UNUSED, audit},
    soundness::Audit,
};

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_a_full_block() {
    let on = small();
    let calls = [
        transfer(&on, 4, 0, 5, 500),
        open(&on, 4, 1, 9, 5_000),
        appoint(&on, 1, 0, 5),
        attest(&on, 2, 0, 4, 1),
        revoke(&on, 2, 1, 1),
        prove(&on, 5, 0, 0),
    ];
    audit(Audit::new("identity, every slot used").except("*at_most", QUOTIENT), &on, &calls);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn only_the_insides_of_unused_slots_survive_in_an_empty_block() {
    let on = small();
    let audited = Audit::new("identity, no slot used")
        .except("*/slot[0]/*", UNUSED)
        .except(format!("state/tree[{NULLIFIERS}]/place[0]/index/bit"), SPARE);
    audit(audited, &on, &[]);
}
