//! Native token: balances, transfers, opening of accounts, fees.

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
