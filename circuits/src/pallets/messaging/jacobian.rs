//! The Jacobian of small blocks that deliver and that send: a block's inputs determine the rest.

use super::testing::*;
use crate::{
    runtime::testing::kit::{CONTEXT, PARENT_STATE, freedom},
    soundness::{Freedom, Jacobian, without},
};

/// What the parent state holds of messages. The record's hash is one equation: the number of what was sent last is left, and
/// follows from it.
const COUNTERS: [&str; 3] = [
    "messaging/the counters of messages/token",
    "messaging/the counters of messages/para",
    "messaging/the counters of messages/allowance",
];

/// Of a record that arrives, what no other part of the block says. Its origin, token, recipient and amount are compared with the
/// state or added to it, and the records behind it follow from the inbox root.
const ARRIVED: [&str; 2] = ["receive/*/sequence", "receive/*/refused"];

/// What is sent. Where to follows from the peer that is found.
const SENT: [&str; 3] = ["send/*/amount", "send/*/recipient", "*/terms/fee"];

fn of_delivery() -> Freedom {
    let pay = |sequence| payment(HOME, sequence, packed(&key(2)), 500);
    let on = with_inbox(chain(AWAY, 1, 1, 0), &[pay(1), pay(2)]);
    let fixed = CONTEXT.into_iter().chain(PARENT_STATE).chain(COUNTERS).chain(ARRIVED);
    freedom(Jacobian::new("messaging, a payment").without_ranges(), fixed, &on, &[])
}

fn of_sending() -> Freedom {
    let on = chain(HOME, 1, 0, 1);
    let calls = [send_to(&on, 1, 0, (AWAY, packed(&key(9))), 500)];
    let fixed = CONTEXT.into_iter().chain(PARENT_STATE).chain(COUNTERS).chain(SENT);
    freedom(Jacobian::new("messaging, a payment sent").without_ranges(), fixed, &on, &calls)
}

#[test]
fn inputs_determine_a_block_with_a_payment_that_is_credited() {
    of_delivery().assert_clean();
}

#[test]
fn inputs_determine_a_block_that_sends() {
    of_sending().assert_clean();
}

#[test]
fn what_a_missing_equation_held_is_free() {
    let moves = |freedom: Freedom, path: &str| {
        freedom.undeclared.iter().any(|direction| direction.paths().any(|moved| moved.contains(path)))
    };
    assert!(moves(without(&["receive/record"], of_delivery), "receive/slot[0]/behind"));
    assert!(moves(without(&["receive/recipient's account"], of_delivery), "receive/slot[0]/x"));
    assert!(moves(without(&["eddsa/equation"], of_sending), "send/slot[0]/terms/expiry"));
}
