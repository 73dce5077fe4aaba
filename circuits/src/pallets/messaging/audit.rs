//! The soundness kit on small instances: every hint replaced with all that follows from it, every variable perturbed in place.
//! `scripts/soundness` runs the full form.

use zkpov_verifier::transfer::InboxRecord;

use super::testing::*;
use crate::{
    runtime::{Chain, testing::kit::audit},
    soundness::{Audit, without},
};

/// Why what an unused slot holds is free.
const UNUSED: &str = "an unused slot: it is held to no queue, no state and no signature, sends nothing, moves no root, pays no \
                      fee and is 0 in the body, so nothing outside it follows from it";

fn of_delivery(name: &str, inbox: &[InboxRecord]) {
    let on = with_inbox(chain(AWAY, 1, 1, 0), inbox);
    assert_eq!(on.execute(&[]).used_slots[RECEIVE], 1);
    audit(Audit::new(format!("messaging, {name}")), &on, &[]);
}

#[test]
fn nothing_survives_in_a_payment_that_is_credited() {
    let pay = |sequence| payment(HOME, sequence, packed(&key(2)), 500);
    of_delivery("a payment", &[pay(1), pay(2)]);
}

/// Of a whole block, with a constraint left out that gives both something to find.
#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn what_the_constraints_decide_alone_is_what_runs_decide() {
    let on = with_inbox(chain(AWAY, 1, 1, 0), &[payment(HOME, 1, packed(&key(2)), 500)]);
    let block = on.execute(&[]);
    let found = |audit: Audit| {
        let report = without(&["receive/record"], || {
            audit.run(|cs| on.chain.synthesize(on.tier_id(), Some(&block.witness), cs))
        });
        report.expect("an honest witness").survivors
    };
    let quick = found(Audit::new("quick"));
    assert!(!quick.is_empty());
    assert_eq!(quick, found(Audit::new("always").running_always()));
}

#[test]
fn nothing_survives_in_other_deliveries() {
    of_delivery("an account opened", &[payment(HOME, 1, packed(&key(9)), DEPOSIT)]);
    of_delivery("a payment refused", &[payment(HOME, 1, [0xff; 32], 500)]);
    of_delivery("a payment dropped", &[payment(STRANGER, 1, packed(&key(2)), 500)]);
    of_delivery("a refund", &[refund(HOME, 1, 1, 500)]);
}

#[test]
fn nothing_survives_where_a_batch_is_moved_and_another_arrives() {
    let pay = |sequence| payment(HOME, sequence, packed(&key(2)), 500);
    let mut on = chain(AWAY, 1, 1, 0);
    for inbox in [&[pay(1), pay(2), pay(3)][..], &[pay(4)], &[pay(5)]] {
        block(&mut on, inbox, &[]);
    }
    let on = with_inbox(on, &[pay(6)]);
    audit(Audit::new("messaging, a batch moved"), &on, &[]);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn nothing_survives_in_a_block_that_sends() {
    let on = chain(HOME, 1, 0, 1);
    let calls = [send_to(&on, 1, 0, (AWAY, packed(&key(9))), 500)];
    audit(Audit::new("messaging, a payment sent"), &on, &calls);
}

#[test]
#[ignore = "minutes: scripts/soundness runs it"]
fn only_the_insides_of_unused_slots_survive_in_an_empty_block() {
    let on = chain(HOME, 1, 1, 1);
    let audited = Audit::new("messaging, no slot used")
        .except("receive/slot[0]/*", UNUSED)
        .except("send/slot[0]/*", UNUSED);
    audit(audited, &on, &[]);
}
