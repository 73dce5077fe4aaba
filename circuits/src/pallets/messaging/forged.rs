//! Forged executions: complete dishonest witnesses, and the one constraint that refuses each.
//!
//! | attack | |
//! |---|---|
//! | a message invented, altered, dropped, exchanged with another, delivered and kept | `receive/record` |
//! | its header read as other fields | `receive/sequence` and its like |
//! | a batch begun out of turn, one invented, a slot used where nothing waits | `receive/batch` |
//! | a batch that arrived left out of the queue | `block/state root` |
//! | messages that arrive in a tier without slots for any | `messages/no inbox` |
//! | something said of a batch or a record where none is taken off | `receive/no batch`, `receive/no record`, `receive/no place` |
//! | a payment credited to somebody else | `receive/recipient's account` |
//! | a refund credited to somebody else | `receive/refund's account` |
//! | an account opened over another; a payment refused by denying the account | `state/memory` |
//! | a sequence number skipped, an allowance raised, a queue of one's own | `state/single record` |
//! | tokens sent to where no allowance says so | `send/to a peer` |
//! | a transfer that its sender did not sign | `eddsa/equation` |
//! | a message left out of the outbox, put into it, or altered | `messages/outbox root` |

use ark_ff::Field;
use zkpov_verifier::{
    field::Fr,
    transfer::{InboxRecord, inbox_root},
};

use super::{testing::*, *};
use crate::{
    integer::power_of_two,
    runtime::{
        Account, Extrinsic,
        testing::{Forgery, refused_by, restated},
    },
    state::Value,
};

/// Inputs of a slot that receives.
const BATCH: usize = 0;
const BELOW: usize = 1;
const SEQUENCE: usize = 6;
const REFUSED: usize = 7;
const AMOUNT: usize = 8;
const KEY_X: usize = 9;
const KEY_Y: usize = 10;
const BEHIND: usize = 11;
const PLACE: usize = 12;

/// Inputs of a slot that sends.
const DESTINATION: usize = 0;
const RECIPIENT: usize = 2;

/// The place in the statement of the inbox root, and of the outbox root.
const INBOX_ROOT: usize = 31;
const OUTBOX_ROOT: usize = 32;

/// A payment to account 2.
fn pay(sequence: u64) -> InboxRecord {
    payment(HOME, sequence, packed(&key(2)), 500)
}

/// The chain with these records arriving, and one slot.
fn arriving(inbox: &[InboxRecord]) -> TestChain {
    with_inbox(chain(AWAY, 1, 1, 0), inbox)
}

/// The chain after blocks in which these arrived: one record was taken off by each block.
fn after(batches: &[&[InboxRecord]]) -> TestChain {
    let mut on = chain(AWAY, 1, 1, 0);
    for inbox in batches {
        block(&mut on, inbox, &[]);
    }
    on
}

/// The block of what waits, with an input changed.
#[track_caller]
fn refused(on: &TestChain, input: usize, value: Fr, name: &'static str) {
    let mut forgery = Forgery::of(on, &[]);
    forgery.slot().inputs[input] = value;
    forgery.refused_only_by(name);
}

fn sending(on: &TestChain) -> Extrinsic {
    send_to(on, 1, 0, (AWAY, packed(&key(9))), 500)
}

#[test]
fn honest_blocks_are_accepted() {
    let on = arriving(&[pay(1), pay(2)]);
    let witness = Forgery::of(&on, &[]).witness();
    assert_eq!(witness.statement, on.execute(&[]).statement.elements());
    Forgery::of(&on, &[]).accepted();
    let on = chain(HOME, 1, 0, 1);
    let witness = Forgery::of(&on, &[sending(&on)]).witness();
    assert_eq!(witness.statement, on.execute(&[sending(&on)]).statement.elements());
}

// Records.

#[test]
fn an_altered_message_is_refused() {
    refused(&arriving(&[pay(1)]), AMOUNT, Fr::from(501u64), "receive/record");
    refused(&arriving(&[pay(1)]), SEQUENCE, Fr::from(2u64), "receive/record");
    // To account 3, whose key is put in the record.
    let on = arriving(&[pay(1)]);
    let mut forgery = Forgery::of(&on, &[]);
    let [x, y] = key(3).coordinates();
    let inputs = &mut forgery.slot().inputs;
    (inputs[KEY_X], inputs[KEY_Y], inputs[PLACE]) = (x, y, Fr::from(3u64));
    forgery.refused_only_by("receive/record");
}

#[test]
fn a_dropped_message_is_refused() {
    let on = arriving(&[pay(1), pay(2), pay(3)]);
    refused(&on, BEHIND, inbox_root(&[pay(3)]), "receive/record");
}

#[test]
fn messages_exchanged_are_refused() {
    let on = arriving(&[pay(1), pay(2)]);
    let mut forgery = Forgery::of(&on, &[]);
    let inputs = &mut forgery.slot().inputs;
    (inputs[SEQUENCE], inputs[BEHIND]) = (Fr::from(2u64), inbox_root(&[pay(1)]));
    forgery.refused_only_by("receive/record");
}

#[test]
fn a_message_delivered_and_kept_is_refused() {
    let on = arriving(&[pay(1)]);
    refused(&on, BEHIND, inbox_root(&[pay(1)]), "receive/record");
}

#[test]
fn a_header_read_as_other_fields_is_refused() {
    // The same header: 2^64 more in one field, and one less in the next.
    let on = with_inbox(after(&[]), &[refund(HOME, 1, 1, 5)]);
    let mut forgery = Forgery::of(&on, &[]);
    let inputs = &mut forgery.slot().inputs;
    inputs[SEQUENCE] += power_of_two(64);
    inputs[REFUSED] -= Fr::ONE;
    forgery.refused_only_by("receive/sequence");
}

// The queue.

#[test]
fn an_invented_batch_is_refused() {
    let on = after(&[&[pay(1), pay(2)], &[pay(3)]]);
    // The first is done, and the second waits alone on the stack.
    assert_ne!(queue(&on).arrived, Default::default());
    let mut forgery = Forgery::of(&on, &[]);
    let invented = inbox_root(&[pay(9)]);
    let inputs = &mut forgery.slot().inputs;
    (inputs[BATCH], inputs[SEQUENCE]) = (invented, Fr::from(9u64));
    forgery.refused_only_by("receive/batch");
}

#[test]
fn a_batch_begun_out_of_turn_is_refused() {
    // One is done; of those that wait the newest is on top, and is begun as if it were the oldest.
    let on = after(&[&[pay(1), pay(2), pay(3)], &[pay(4)], &[pay(5)]]);
    let mut forgery = Forgery::of(&on, &[]);
    let newest = Delivered5::inputs();
    forgery.slot().inputs.clone_from(&newest);
    forgery.refused_only_by("receive/batch");
}

/// What a slot is given that delivers message 5 from a batch of its own.
struct Delivered5;

impl Delivered5 {
    fn inputs() -> Vec<Fr> {
        let on = arriving(&[pay(5)]);
        let mut inputs = Forgery::of(&on, &[]).slot().inputs.clone();
        inputs[BATCH] = inbox_root(&[pay(5)]);
        inputs
    }
}

#[test]
fn a_slot_used_where_nothing_waits_is_refused() {
    let on = after(&[]);
    let mut forgery = Forgery::of(&on, &[]);
    let mut slot = forgery.unused(RECEIVE);
    (slot.used, slot.executed, slot.fee) = (true, true, Fr::from(0u64));
    forgery.lanes[RECEIVE].push(slot);
    forgery.refused_by(["receive/batch", "receive/record"]);
}

#[test]
fn a_batch_left_out_of_the_queue_is_refused() {
    let on = with_inbox(after(&[&[pay(1), pay(2)]]), &[pay(3)]);
    let witness = Forgery::of(&on, &[]).witness();
    // The verifier's inbox root is another than the one that was put into the queue.
    let other = restated(witness, INBOX_ROOT, Fr::ONE);
    refused_by(&on, &other, ["block/state root"]);
}

#[test]
fn messages_that_arrive_where_there_are_no_slots_are_refused() {
    let on = chain(AWAY, 1, 0, 0);
    let witness = Forgery::of(&on, &[]).witness();
    refused_by(&on, &restated(witness, INBOX_ROOT, Fr::ONE), ["messages/no inbox"]);
}

#[test]
fn a_queue_of_ones_own_is_refused() {
    let on = after(&[&[pay(1), pay(2)]]);
    let mut forgery = Forgery::of(&on, &[]);
    forgery.pretend::<Queue>(
        0,
        Queue { rest: crate::state::Element(inbox_root(&[pay(1)])), ..Queue::default() }.elements(),
    );
    let slot = forgery.slot();
    slot.inputs[SEQUENCE] = Fr::ONE;
    forgery.refused_only_by("state/single record");
}

#[test]
fn what_is_said_of_nothing_is_refused() {
    let on = after(&[&[pay(1), pay(2)]]);
    for input in [BATCH, BELOW] {
        refused(&on, input, Fr::from(7u64), "receive/no batch");
    }
    // A batch is moved: two wait on the stack.
    let on = after(&[&[pay(1), pay(2), pay(3)], &[pay(4)], &[pay(5)]]);
    for input in [AMOUNT, KEY_X, KEY_Y, BEHIND, PLACE] {
        refused(&on, input, Fr::from(3u64), "receive/no record");
    }
    // A payment to what is no key.
    let on = arriving(&[payment(HOME, 1, [0xff; 32], 500)]);
    refused(&on, PLACE, Fr::from(3u64), "receive/no place");
}

// Delivery.

#[test]
fn a_payment_credited_to_another_account_is_refused() {
    let on = arriving(&[pay(1)]);
    refused(&on, PLACE, Fr::from(3u64), "receive/recipient's account");
}

#[test]
fn a_refund_credited_to_another_account_is_refused() {
    let on = arriving(&[refund(HOME, 1, 1, 500)]);
    refused(&on, PLACE, Fr::from(3u64), "receive/refund's account");
}

#[test]
fn an_account_opened_over_another_is_refused() {
    let on = arriving(&[payment(HOME, 1, packed(&key(9)), DEPOSIT)]);
    let mut forgery = Forgery::of(&on, &[]);
    forgery.pretend::<Account>(3, vec![]);
    forgery.slot().inputs[PLACE] = Fr::from(3u64);
    forgery.refused_only_by("state/memory");
}

#[test]
fn a_payment_refused_by_denying_the_account_is_refused() {
    let on = arriving(&[pay(1)]);
    let mut forgery = Forgery::of(&on, &[]);
    forgery.pretend::<Account>(2, vec![]);
    forgery.refused_only_by("state/memory");
}

#[test]
fn a_second_account_for_a_key_is_the_authors_choice() {
    let on = arriving(&[payment(HOME, 1, packed(&key(2)), DEPOSIT)]);
    let mut forgery = Forgery::of(&on, &[]);
    forgery.slot().inputs[PLACE] = Fr::from(5u64);
    forgery.accepted();
}

// Counters.

#[test]
fn a_sequence_number_skipped_and_an_allowance_raised_are_refused() {
    let on = arriving(&[payment(HOME, 1, packed(&key(2)), ALLOWANCE + 1)]);
    for change in [
        (|counters| counters.sequence += 1) as fn(&mut Counters),
        |counters| counters.peers[0].allowance += 1,
        |counters| counters.token = AWAY,
        |counters| counters.peers[1] = Peer { known: true, para: STRANGER, allowance: 1 },
    ] {
        let mut counters = counters(&on);
        change(&mut counters);
        let mut forgery = Forgery::of(&on, &[]);
        forgery.pretend::<Counters>(0, counters.elements());
        if counters.peers[0].allowance > ALLOWANCE {
            forgery.slot().inputs[PLACE] = Fr::from(2u64);
        }
        forgery.refused_only_by("state/single record");
    }
}

// Sending.

#[test]
fn tokens_sent_to_no_peer_are_refused() {
    let on = chain(HOME, 1, 0, 1);
    Forgery::of(&on, &[sending(&on)])
        .changed(|slot| slot.inputs[DESTINATION] = Fr::from(STRANGER))
        .refused_only_by("send/to a peer");
}

#[test]
fn a_recipient_that_the_sender_did_not_sign_is_refused() {
    let on = chain(HOME, 1, 0, 1);
    let mut forgery = Forgery::of(&on, &[sending(&on)]);
    forgery.sign();
    forgery.slot().inputs[RECIPIENT] += Fr::ONE;
    forgery.refused_only_by("eddsa/equation");
}

#[test]
fn more_sent_than_there_is_is_refused() {
    let on = chain(HOME, 1, 0, 1);
    Forgery::of(&on, &[sending(&on)])
        .changed(|slot| slot.inputs[1] = Fr::from(2 * BALANCE))
        .refused_only_by("runtime/sender keeps the deposit");
}

#[test]
fn another_outbox_is_refused() {
    // Of a payment, of a refund, and of nothing.
    let home = chain(HOME, 1, 1, 1);
    let away = arriving(&[payment(HOME, 1, [0xff; 32], 500)]);
    for (on, calls) in [(&home, vec![sending(&home)]), (&away, vec![]), (&home, vec![])] {
        let witness = Forgery::of(on, &calls).witness();
        refused_by(on, &restated(witness, OUTBOX_ROOT, Fr::ONE), ["messages/outbox root"]);
    }
    let on = chain(HOME, 1, 0, 0);
    let witness = Forgery::of(&on, &[]).witness();
    refused_by(&on, &restated(witness, OUTBOX_ROOT, Fr::ONE), ["messages/outbox root"]);
}
