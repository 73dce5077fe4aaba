//! A small private chain with collators that take turns, and its calls.

use serde_json::{Value as Json, json};
use zkpov_verifier::field::Fr;

use super::Hold;
pub(crate) use crate::runtime::testing::{TestChain, key};
use crate::{
    chains::private_payments_of,
    pallets::balances::circuit::Payment,
    runtime::{
        Account, Authors, Extrinsic,
        privacy::{Secret, Secrets},
        testing,
        vault::{Vault, commitment},
    },
    state::{Element, Value},
};

/// Accounts that there are.
const ACCOUNTS: u8 = 5;

/// Relay blocks of a turn.
const TURN: u16 = 2;

/// The key that test chains begin with, and their salt.
pub(crate) const FIRST_KEY: u64 = 11;
const SALT: u64 = 12;

/// A key that is brought.
pub(crate) const NEXT: u64 = 77;

/// One slot for transfers and so many for holders.
pub(crate) fn slots(holds: u32) -> Vec<u32> {
    vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 0, holds]
}

/// No slot for anything but one holder.
pub(crate) fn holders() -> Vec<u32> {
    let mut slots = slots(1);
    slots[0] = 0;
    slots
}

/// A chain key.
pub(crate) fn chain_key(number: u64) -> Secret {
    Secret(Fr::from(number))
}

/// The private chain with these seats, the first of which authors the next block. Keys of the numbers given are at hand.
pub(crate) fn chain(slots: Vec<u32>, seats: &[u32], keys: &[u64]) -> TestChain {
    let spec = testing::spec("private-payments", ACCOUNTS, true, json!({}));
    let mut spec: Json = serde_json::from_str(&spec).expect("a spec");
    let secrets = Secrets { chain_key: chain_key(FIRST_KEY), salt: Secret(Fr::from(SALT)) };
    spec["secrets"] = secrets.to_json();
    spec["rotation"] = json!({ "turn": TURN, "seats": seats });
    for account in spec["accounts"].as_array_mut().expect("accounts") {
        account["may_author"] = true.into();
    }
    let mut on = TestChain::new(private_payments_of(1, vec![(17, slots)]), &spec.to_string());
    on.context.chain_keys = keys.iter().copied().map(chain_key).collect();
    author(&mut on, seats[0]);
    on
}

/// Has an account author the next block, in its turn.
pub(crate) fn author(on: &mut TestChain, account: u32) {
    let authors: Authors = on.read(0).expect("authors");
    let turn = authors.next_turn(account, on.context.relay_parent_number);
    on.context.relay_parent_number = turn.expect("an account with a seat");
    on.context.author = account;
    on.context.author_key = key(account as u8);
}

/// The chain with other seats than its history gives.
pub(crate) fn seated(on: TestChain, seats: &[u32]) -> TestChain {
    let before: Authors = on.read(0).expect("authors");
    let mut authors = Authors { count: seats.len() as u8, ..before };
    for (seat, account) in authors.seats.iter_mut().zip(seats) {
        seat.0 = *account;
    }
    let mut on = on.with(0, &authors);
    author(&mut on, seats[0]);
    on
}

/// The chain with a pending key and these holders, by their accounts.
pub(crate) fn pending(on: TestChain, number: u64, holders: &[u32]) -> TestChain {
    let mut vault = vault(&on);
    vault.rotation.next = Element(commitment(&chain_key(number)));
    vault.rotation.holders = [0; crate::runtime::SEATS];
    for (holder, account) in vault.rotation.holders.iter_mut().zip(holders) {
        *holder = account + 1;
    }
    on.with(0, &vault)
}

/// The vault.
pub(crate) fn vault(on: &TestChain) -> Vault {
    on.read(0).expect("a vault")
}

/// An account says that it has this key, which it brings or not.
pub(crate) fn hold(on: &TestChain, sender: u8, number: u64, new: bool) -> Extrinsic {
    let nonce = on.read::<Account>(sender.into()).map_or(0, |account| account.nonce);
    let commitment = Element(commitment(&chain_key(number)));
    on.call("hold_key", sender, nonce, &Hold { commitment, new })
}

/// `amount` of account `sender` to key number `to`.
pub(crate) fn transfer(on: &TestChain, sender: u8, to: u8, amount: u128) -> Extrinsic {
    let nonce = on.read::<Account>(sender.into()).map_or(0, |account| account.nonce);
    on.call("transfer", sender, nonce, &Payment { amount, receiver: key(to) })
}
