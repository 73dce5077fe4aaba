//! What messages do: each block is held to the circuit and to import from its body.

use zkpov_verifier::{
    field::Fr,
    statement::NO_MESSAGES,
    transfer::{OutboxRecord, Purpose, Transfer, inbox_root, outbox_root},
};

use super::{Queue, queue::native_node, testing::*};
use crate::{
    chains::payments_of,
    runtime::{Account, Chain, Parameters},
    state::{Element, Value},
};

#[test]
fn what_is_sent_leaves_the_balance_raises_the_allowance_and_is_in_the_statement() {
    let mut on = chain(HOME, 1, 1, 2);
    let to = packed(&key(9));
    let calls = [send_to(&on, 1, 0, (AWAY, to), 500), send_to(&on, 2, 0, (AWAY, [0xff; 32]), 70)];
    let block = block(&mut on, &[], &calls);
    let purpose = |recipient, refund| Purpose::Payment { recipient, refund };
    let transfer = |sequence, amount, purpose| OutboxRecord {
        destination: AWAY,
        transfer: Transfer { token: HOME, amount, sequence, purpose },
    };
    let sent = [transfer(1, 500, purpose(to, 1)), transfer(2, 70, purpose([0xff; 32], 2))];
    assert_eq!(block.outbox, sent);
    assert_eq!(block.statement.outbox_root, outbox_root(&sent));
    assert_ne!(block.statement.outbox_root, NO_MESSAGES);
    let fee = u128::from(FEE);
    assert_eq!(balances(&on), [BALANCE + 2 * fee, BALANCE - 500 - fee, BALANCE - 70 - fee, BALANCE]);
    assert_eq!((allowances(&on), counters(&on).sequence), (570, 2));
}

#[test]
fn what_arrives_is_credited_opened_or_refused_in_order() {
    let mut on = chain(AWAY, 1, 6, 1);
    let beyond = ALLOWANCE + 1;
    let inbox = [
        payment(HOME, 1, packed(&key(2)), 500),
        payment(HOME, 2, packed(&key(9)), DEPOSIT),
        // To nobody, and too little to open an account; to no key; more than the home has sent; by a stranger.
        payment(HOME, 3, packed(&key(10)), DEPOSIT - 1),
        payment(HOME, 4, [0xff; 32], 7),
        payment(HOME, 5, packed(&key(2)), beyond),
        payment(STRANGER, 1, packed(&key(2)), 5),
    ];
    let block = block(&mut on, &inbox, &[]);
    assert_eq!(block.statement.inbox_root, inbox_root(&inbox));
    assert_eq!(balances(&on), [BALANCE, BALANCE, BALANCE + 500, BALANCE, DEPOSIT]);
    let opened: Account = on.read(4).expect("opened");
    assert_eq!(opened, Account::opened(key(9), DEPOSIT));
    let refunds: Vec<_> =
        block.outbox.iter().map(|record| (record.transfer.amount, record.transfer.purpose)).collect();
    let refund = |refused| Purpose::Refund { account: 3, refused };
    assert_eq!(refunds, [(DEPOSIT - 1, refund(3)), (7, refund(4)), (beyond, refund(5))]);
    assert_eq!(allowances(&on), ALLOWANCE - 500 - DEPOSIT);
    assert_eq!(queue(&on), Default::default());
}

#[test]
fn another_chains_token_is_sent_back_as_it_is() {
    let mut on = chain(HOME, 1, 1, 1);
    let mut foreign = payment(AWAY, 1, packed(&key(2)), 5);
    foreign.transfer.token = AWAY;
    let block = block(&mut on, &[foreign], &[]);
    let [OutboxRecord { destination: AWAY, transfer }] = block.outbox.as_slice() else { panic!("a refund") };
    assert_eq!((transfer.token, transfer.amount), (AWAY, 5));
}

#[test]
fn a_refund_goes_to_the_account_that_sent_and_an_invented_one_nowhere() {
    let mut on = chain(HOME, 1, 5, 1);
    let call = send_to(&on, 1, 0, (AWAY, [1; 32]), 900);
    block(&mut on, &[], &[call]);
    let inbox = [
        refund(AWAY, 1, 1, 100),
        // An account that is not there, one that no chain has, more than was sent, from a chain that nothing was sent to.
        refund(AWAY, 2, 6, 100),
        refund(AWAY, 3, 1 << 31 | 1, 100),
        refund(AWAY, 4, 1, 801),
        refund(STRANGER, 1, 1, 100),
    ];
    let before = balances(&on);
    let block = block(&mut on, &inbox, &[]);
    assert!(block.outbox.is_empty(), "nothing goes back and forth");
    let after = balances(&on);
    assert_eq!((after[1] - before[1], after.len()), (100, before.len()));
    assert_eq!(allowances(&on), 800);
}

#[test]
fn more_batches_than_slots_come_out_in_the_order_in_which_they_went_in() {
    let mut on = chain(AWAY, 1, 1, 1);
    let mut expected = BALANCE;
    let pay = |sequence| payment(HOME, u64::from(sequence), packed(&key(2)), 1u128 << sequence);
    let mut seen = vec![];
    for number in 0..40u32 {
        // Three records in each of the first five blocks, of which a block takes one.
        let inbox: Vec<_> = if number < 5 { (3 * number..3 * number + 3).map(pay).collect() } else { vec![] };
        block(&mut on, &inbox, &[]);
        let balance = balances(&on)[2];
        if balance != expected {
            seen.push((balance - expected).ilog2());
            expected = balance;
        }
    }
    assert_eq!(seen, (0..15).collect::<Vec<_>>());
    assert_eq!(queue(&on), Default::default());
    assert_eq!(allowances(&on), ALLOWANCE - ((1 << 15) - 1));
}

#[test]
fn the_same_message_twice_is_delivered_twice() {
    let mut on = chain(AWAY, 1, 1, 1);
    let same = [payment(HOME, 1, packed(&key(2)), 9)];
    for inbox in [&same[..], &same, &same, &[], &[], &[], &[]] {
        block(&mut on, inbox, &[]);
    }
    assert_eq!(balances(&on)[2], BALANCE + 27);
}

#[test]
fn a_batch_that_arrives_behind_another_is_a_stack_on_none() {
    let mut on = chain(AWAY, 1, 1, 1);
    let [first, second, third] = [1, 2, 3].map(|sequence| payment(HOME, sequence, packed(&key(2)), 9));
    block(&mut on, &[first, second], &[]);
    assert_eq!(queue(&on).rest, Element(inbox_root(&[second])));
    block(&mut on, &[third], &[]);
    let stack = native_node(inbox_root(&[third]), Fr::from(0u64));
    assert_eq!(queue(&on), Queue { arrived: Element(stack), ..Queue::default() });
}

#[test]
fn a_tier_without_slots_for_messages_takes_none() {
    let mut on = chain(AWAY, 1, 0, 0);
    block(&mut on, &[], &[]);
    let on = with_inbox(on, &[payment(HOME, 1, packed(&key(2)), 9)]);
    let refused = on.chain.execute(&on.state, &on.context, Some(on.tier_id()), &[]);
    assert!(refused.expect_err("no slots").to_string().contains("no slots"));
}

#[test]
fn without_room_in_the_channel_sends_wait_and_so_does_what_would_be_sent_back() {
    let mut on = chain(AWAY, 1, 3, 2);
    on.context.messages.room = [(HOME, 1)].into();
    let calls = [1, 2].map(|sender| send_to(&on, sender, 0, (HOME, [0; 32]), 5));
    let inbox = [
        payment(HOME, 1, packed(&key(2)), 9),
        payment(HOME, 2, [0xff; 32], 9),
        payment(HOME, 3, [0xff; 32], 9),
    ];
    let on = with_inbox(on, &inbox);
    let block = on.execute(&calls);
    assert_eq!((block.used_slots[RECEIVE], block.deferred.as_slice()), (2, [0, 1].as_slice()));
    assert_eq!(block.outbox.len(), 1);
    on.check(&block);
}

#[test]
fn refusals_name_their_cause() {
    let on = chain(HOME, 1, 1, 1);
    let refusal = |destination, amount| on.refusal(&send_to(&on, 1, 0, (destination, [0; 32]), amount));
    assert!(refusal(STRANGER, 5).contains("none that tokens are exchanged with"));
    assert!(refusal(AWAY, 0).contains("amount is 0"));
    assert!(refusal(AWAY, BALANCE).contains("can spend"));
}

#[test]
fn an_empty_block_satisfies_the_circuit_and_changes_nothing_of_the_pallets() {
    let mut on = chain(HOME, 1, 1, 1);
    let before = (queue(&on), counters(&on));
    block(&mut on, &[], &[]);
    assert_eq!((queue(&on), counters(&on)), before);
}

#[test]
fn json_and_bytes_of_an_extrinsic_say_the_same() {
    let on = chain(HOME, 1, 1, 1);
    let bytes = send_to(&on, 1, 0, (AWAY, packed(&key(3))), 500).encode();
    let mut json = on.chain.extrinsic_to_json(&bytes).expect("json");
    assert_eq!(on.chain.extrinsic_from_json(&json.to_string()), Ok(bytes.clone()));
    json["recipient"] = key(3).to_json();
    assert_eq!(on.chain.extrinsic_from_json(&json.to_string()), Ok(bytes));
}

#[test]
fn specs_that_are_none_are_refused() {
    let chain = payments_of(1, vec![(17, vec![1])]);
    let genesis = |messaging: serde_json::Value| {
        let spec =
            crate::runtime::testing::spec("payments", 2, true, serde_json::json!({ "messaging": messaging }));
        (chain.genesis(&spec).map(|_| ()).map_err(|error| error.to_string()), chain.messages(&spec))
    };
    let peer = |para: u32, allowance: &str| serde_json::json!({ "para": para, "allowance": allowance });
    let (genesis_of, messages) = genesis(serde_json::json!({ "token": 1, "peers": [peer(2, "5")] }));
    assert_eq!(genesis_of, Ok(()));
    assert_eq!(messages.ok(), Some(zkpov_verifier::message::MessageFormat::Transfers));
    let (genesis_of, messages) = genesis(serde_json::json!({ "token": 1, "peers": [] }));
    assert_eq!(genesis_of, Ok(()));
    assert_eq!(messages.ok(), Some(zkpov_verifier::message::MessageFormat::Dropped));
    for (peers, cause) in [
        (serde_json::json!([peer(2, "5"), peer(2, "6")]), "a peer twice"),
        (
            serde_json::json!([peer(1, "0"), peer(2, "0"), peer(3, "0"), peer(4, "0"), peer(5, "0")]),
            "more than 4",
        ),
        (serde_json::json!([peer(2, &u128::MAX.to_string())]), "largest issuance"),
        (serde_json::json!([{ "para": 2 }]), "allowance"),
    ] {
        let error = genesis(serde_json::json!({ "token": 1, "peers": peers })).0.expect_err(cause);
        assert!(error.contains(cause), "{error}");
    }
}

#[test]
fn allowances_are_part_of_the_issuance() {
    let on = chain(AWAY, 1, 1, 1);
    let parameters: Parameters = on.read(0).expect("parameters");
    assert_eq!(parameters.total_issuance, balances(&on).iter().sum::<u128>() + ALLOWANCE);
}
