//! Balances: the native token, its transfers, the opening of accounts, fees.
//!
//! ```text
//!   circuit  the calls, in a circuit and natively
//!   call     what users sign, typed
//!   native   a block executed again without any circuit       ledger   balances as integers
//!   forged   dishonest witnesses (tests)
//! ```
//!
//! # Calls
//!
//! | call | lane | effect |
//! |---|---|---|
//! | `transfer` | 0 | `amount` from the sender to an existing account, `fee` to the author |
//! | `open` | 1 | the same to a new account for the receiver's key, at a vacant place |
//!
//! Weights are in `weights.csv`.
//!
//! # Storage
//!
//! None of its own: the runtime keeps accounts (0) and parameters (1).
//!
//! # Invariants
//!
//! - The sum of balances is the total issuance, at most [`MAX_ISSUANCE`](crate::runtime::account::MAX_ISSUANCE), for ever.
//! - Every account holds at least the existential deposit, and never closes.
//! - A nonce only grows, by one a call; at the last one the account cannot send any more.
//! - A key in the state is on the curve, in the prime subgroup and not the identity, and never changes.
//! - A call takes effect at most once, on the chain and up to the block that its signature names.
//!
//! # Attacks
//!
//! `docs/security.md` lists them with the constraint that stops each; `forged` carries each out.

use crate::{
    runtime::{CallKind as Kind, Pallet},
    state::Shape,
};

pub mod call;
pub mod circuit;
pub mod ledger;
pub mod native;

pub use call::{CallKind, Extrinsic};
pub use circuit::{Open, Transfer};
pub use ledger::{CallError, Ledger, LedgerError, Movement};
pub use native::{ReexecutionError, reexecute};

/// The pallet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Balances;

impl Pallet for Balances {
    fn name(&self) -> &'static str {
        "balances"
    }

    fn storages(&self) -> Vec<(u8, Shape)> {
        Vec::new()
    }

    fn kinds(&self) -> Vec<Kind> {
        vec![Kind::call(Transfer), Kind::call(Open)]
    }
}

#[cfg(test)]
mod forged;
#[cfg(test)]
pub(crate) mod testing;
