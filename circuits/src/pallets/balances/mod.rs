//! Balances: the native token, its transfers, the opening of accounts, fees.
//!
//! ```text
//!   call     what users sign           spec     first accounts and parameters, in JSON
//!   ledger   balances under change     native   which extrinsics a block takes
//!   replay   the block in the circuit's order: its witness
//!   circuit  the author's fees, a slot of each lane
//!   state    accounts, parameters      forged   dishonest witnesses (tests)
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
//! 0: accounts, by index. 1: the parameters. Derived: the index of a key, the next free place.
//!
//! # Invariants
//!
//! - The sum of balances is the total issuance, at most [`MAX_ISSUANCE`], for ever.
//! - Every account holds at least the existential deposit, and never closes.
//! - A nonce only grows, by one a call; at the last one the account cannot send any more.
//! - A key in the state is on the curve, in the prime subgroup and not the identity, and never changes.
//! - A call takes effect at most once, on the chain and up to the block that its signature names.
//!
//! # Attacks
//!
//! `docs/security.md` lists them with the constraint that stops each; `forged` carries each out.

pub mod call;
pub(crate) mod circuit;
pub mod ledger;
pub mod native;
mod replay;
pub mod spec;
pub mod state;

pub use call::{CallKind, Extrinsic, INDEX_BITS, PointJson, body_element, chain_tag, movement_of};
pub use ledger::{CallError, Ledger, LedgerError, Movement, issuance};
pub use native::{PlacedCall, Rules, Selection, select};
pub(crate) use replay::{Plan, SlotWitness, Witness, replay};
pub use spec::Spec;
pub use state::{ACCOUNTS, Account, MAX_ISSUANCE, PARAMETERS, Parameters};

#[cfg(test)]
mod forged;
#[cfg(test)]
pub(crate) mod testing;
