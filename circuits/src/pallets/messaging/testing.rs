//! A chain with a peer, small, with typed calls, and messages that arrive.

use serde_json::{Value as Json, json};
use zkpov_verifier::{
    eddsa::PublicKey,
    transfer::{InboxRecord, Purpose, Transfer},
};

pub(crate) use crate::runtime::testing::{BALANCE, DEPOSIT, FEE, TestChain, key};
use crate::{
    chains::payments_of,
    pallets::messaging::{Counters, Queue, Recipient, Sending},
    runtime::{Account, Extrinsic, testing},
};

/// The token's home, and a chain that is away.
pub(crate) const HOME: u32 = 2_000;
pub(crate) const AWAY: u32 = 2_001;

/// Another chain, that is no peer.
pub(crate) const STRANGER: u32 = 3_000;

/// First accounts of either.
pub(crate) const ACCOUNTS: u8 = 4;

/// What the home may send.
pub(crate) const ALLOWANCE: u128 = 2_000_000;

/// The lane of what arrives.
pub(crate) const RECEIVE: usize = 2;

/// Base-2 logarithm that stands for the domain of the test tier.
const TIER: u8 = 17;

fn messaging(peers: &Json) -> Json {
    json!({ "messaging": { "token": HOME, "peers": peers } })
}

/// The chain `para` with this many slots for messages, in a tree of `levels` levels. To the home nothing is abroad.
pub(crate) fn chain(para: u32, levels: usize, receive: u32, send: u32) -> TestChain {
    chain_with(para, if para == HOME { 0 } else { ALLOWANCE }, levels, [receive, send])
}

/// The same, with what may arrive from the peer in the beginning.
pub(crate) fn chain_with(para: u32, allowance: u128, levels: usize, [receive, send]: [u32; 2]) -> TestChain {
    let peer = HOME + AWAY - para;
    let peers = json!([{ "para": peer, "allowance": allowance.to_string() }]);
    let spec = testing::spec("payments", ACCOUNTS, true, messaging(&peers));
    let mut on = TestChain::new(payments_of(levels, vec![(TIER, vec![0, 0, receive, send])]), &spec);
    on.context.identity.para_id = para;
    on.context.messages.room = [(peer, 8)].into();
    on
}

/// `amount` of account `sender` to 32 bytes on `destination`.
pub(crate) fn send_to(
    on: &TestChain,
    sender: u8,
    nonce: u32,
    (destination, recipient): (u32, [u8; 32]),
    amount: u128,
) -> Extrinsic {
    on.call("send", sender, nonce, &Sending { destination, amount, recipient: Recipient(recipient) })
}

/// A key as it travels.
pub(crate) fn packed(key: &PublicKey) -> [u8; 32] {
    key.point().pack()
}

/// A payment that arrives: from account 3 there, to 32 bytes here.
pub(crate) fn payment(origin: u32, sequence: u64, recipient: [u8; 32], amount: u128) -> InboxRecord {
    let purpose = Purpose::Payment { recipient, refund: 3 };
    InboxRecord { origin, transfer: Transfer { token: HOME, amount, sequence, purpose } }
}

/// A refund that arrives for an account here.
pub(crate) fn refund(origin: u32, sequence: u64, account: u32, amount: u128) -> InboxRecord {
    let purpose = Purpose::Refund { account, refused: 1 };
    InboxRecord { origin, transfer: Transfer { token: HOME, amount, sequence, purpose } }
}

/// The chain with these records arriving in its next block.
pub(crate) fn with_inbox(mut on: TestChain, inbox: &[InboxRecord]) -> TestChain {
    on.context.messages.inbox = inbox.to_vec();
    on
}

/// The next block of these calls, with these records arriving, checked by circuit and by import; the chain goes on to it.
#[track_caller]
pub(crate) fn block(
    on: &mut TestChain,
    inbox: &[InboxRecord],
    calls: &[Extrinsic],
) -> crate::runtime::Execution {
    on.context.messages.inbox = inbox.to_vec();
    let block = on.prove_and_advance(calls);
    on.context.messages.inbox.clear();
    block
}

pub(crate) fn queue(on: &TestChain) -> Queue {
    on.read(0).expect("a queue")
}

pub(crate) fn counters(on: &TestChain) -> Counters {
    on.read(0).expect("counters")
}

/// What may still arrive from all peers.
pub(crate) fn allowances(on: &TestChain) -> u128 {
    counters(on).peers.iter().map(|peer| peer.allowance).sum()
}

/// Accounts' balances, in order.
pub(crate) fn balances(on: &TestChain) -> Vec<u128> {
    (0..).map_while(|index| on.read::<Account>(index)).map(|account| account.balance).collect()
}
