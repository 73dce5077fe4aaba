//! The soundness kit on small instances of the identity circuit.

use crate::{
    pallets::{
        balances::testing::{open, transfer},
        identity::testing::{TestChain, appoint, attest, prove, revoke, small},
    },
    runtime::{Chain, Extrinsic},
    soundness::Audit,
};

/// Why the quotient of a comparison is free.
const QUOTIENT: &str =
    "while no digit is below the bound's the quotient is multiplied by 0, and it is used nowhere else";

/// Why what an unused slot holds is free.
const UNUSED: &str = "an unused slot: it is held to no state and no signature, moves no root, pays no fee \
                      and is 0 in the body, so nothing outside it follows from it";

fn audit(audit: Audit, on: &TestChain, calls: &[Extrinsic]) {
    let witness = on.execute(calls).witness;
    let report =
        audit.run(|cs| on.chain.synthesize(on.tier_id(), Some(&witness), cs)).expect("an honest witness");
    println!("{report}");
    report.assert_clean();
}

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
        .except("state/private[0]/*", UNUSED);
    audit(audited, &on, &[]);
}
