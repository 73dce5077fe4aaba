//! The soundness kit on small instances of the payments circuit: every hint replaced with all that follows from
//! it, every variable perturbed in place. `scripts/soundness` runs the full form.

use crate::{
    pallets::balances::testing::{DEPOSIT, open, small_chain, transfer},
    runtime::testing::kit::{QUOTIENT, UNUSED, audit},
    soundness::Audit,
};

#[test]
fn nothing_survives_in_a_full_block() {
    let on = small_chain(1, 1, 1, 4);
    let calls = [transfer(&on, 1, 0, 2, 500), open(&on, 3, 0, 9, DEPOSIT + 7)];
    audit(Audit::new("payments, every slot used").except("*/eddsa/at_most", QUOTIENT), &on, &calls);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_a_full_block_of_a_deeper_tree_and_more_slots() {
    let on = small_chain(3, 2, 2, 12);
    let calls = [
        transfer(&on, 1, 0, 9, 500),
        // The author pays and earns in its own block, and a receiver sends on.
        transfer(&on, 0, 0, 1, 77),
        open(&on, 9, 0, 20, DEPOSIT),
        open(&on, 9, 1, 21, DEPOSIT + 7),
    ];
    audit(
        Audit::new("payments, two slots a lane").seed(1).except("open/slot[1]/eddsa/at_most", QUOTIENT),
        &on,
        &calls,
    );
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn only_the_insides_of_unused_slots_survive_in_an_empty_block() {
    let on = small_chain(1, 1, 1, 4);
    let audited = Audit::new("payments, no slot used")
        .except("transfer/slot[0]/*", UNUSED)
        .except("open/slot[0]/*", UNUSED);
    audit(audited, &on, &[]);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_a_private_block() {
    let (on, calls) = super::private::full_block();
    audit(Audit::new("private payments, every slot used").except("*/eddsa/at_most", QUOTIENT), &on, &calls);
}
