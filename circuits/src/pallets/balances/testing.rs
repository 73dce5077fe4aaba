//! The payments chain, small, with typed calls.

use serde_json::json;

pub(crate) use crate::runtime::testing::{BALANCE, DEPOSIT, FEE, MINIMUM_FEE, key};
use crate::{
    chains::payments_of,
    pallets::balances::circuit::Payment,
    runtime::{Extrinsic, testing},
};

/// The payments chain in memory.
pub(crate) type TestChain = testing::TestChain;

/// Base-2 logarithm that stands for the domain of the test tier.
pub(crate) const TIER: u8 = 16;

/// A spec of the payments chain in which accounts 0.. hold [`BALANCE`]; account 0 may author.
pub(crate) fn spec(accounts: u8, permissioned: bool) -> String {
    testing::spec("payments", accounts, permissioned, json!({}))
}

/// A chain of `accounts` accounts in a tree of `levels` levels, with this many slots of each lane.
pub(crate) fn small_chain(levels: usize, transfers: u32, opens: u32, accounts: u8) -> TestChain {
    with_spec(levels, transfers, opens, &spec(accounts, true))
}

/// As [`small_chain`], from a spec.
pub(crate) fn with_spec(levels: usize, transfers: u32, opens: u32, spec: &str) -> TestChain {
    TestChain::new(payments_of(levels, vec![(TIER, vec![transfers, opens])]), spec)
}

/// `amount` of account `sender` to key number `to`.
pub(crate) fn transfer(on: &TestChain, sender: u8, nonce: u32, to: u8, amount: u128) -> Extrinsic {
    on.call("transfer", sender, nonce, &Payment { amount, receiver: key(to) })
}

/// `amount` of account `sender` to a new account of key number `to`.
pub(crate) fn open(on: &TestChain, sender: u8, nonce: u32, to: u8, amount: u128) -> Extrinsic {
    on.call("open", sender, nonce, &Payment { amount, receiver: key(to) })
}
