//! Governance: proposals, votes with stakes that stay locked, a treasury, and what passed proposals do.
//!
//! ```text
//!   motion      propose, donate          outcome     close, enact
//!   vote        vote, unlock             view        what they look up
//!   action      what a proposal does     conviction  how long a stake is locked, what it weighs for it
//!   record      proposals, ballots, charter
//!   spec        what the chain spec says of it
//!   forged      dishonest witnesses (tests)         properties  random calls against a model (tests)
//!
//!   propose ──► open ──vote, vote, …──► close ──► passed ──delay──► enact ──► done
//!     deposit in the record             │ │ deposit back
//!                                       │ └─ rejected: deposit to the treasury
//!                                  period over, counted by the author
//! ```
//!
//! # Calls
//!
//! | call | effect |
//! |---|---|
//! | `propose` | a deposit from the sender into a new proposal at a free place |
//! | `vote` | a stake from the sender into its ballot; its votes to the proposal's ayes or nays |
//! | `unlock` | a stake whose lock is over back to the sender |
//! | `donate` | an amount from the sender to the treasury |
//! | `close` (inherent) | counts the votes when the vote is over; the deposit to the proposer or to the treasury |
//! | `enact` | does what a passed proposal says: [`Action`] |
//!
//! Weights are in `weights.csv`. One lane enacts all kinds of action: telling them apart costs some hundreds of
//! constraints, the signature and the account of a lane's sender ten thousand.
//!
//! # Storage
//!
//! | | | |
//! |---|---|---|
//! | proposals (10) | tree of 64 places | [`Proposal`]: genesis fills every place, so that each is read and written alike |
//! | ballots (11) | tree, 64 places for each account | [`Ballot`] at `proposal's place · accounts + voter`: one for each by its place |
//! | charter (12) | one record | [`Charter`]: treasury, figures that genesis gives, what is counted |
//!
//! # Invariants
//!
//! - Balances, stakes, deposits and the treasury are together the total issuance.
//! - An account votes on a proposal at most once, with tokens that it has no longer until the lock is over.
//! - The ayes, nays and turnout of a proposal are the sums over its votes.
//! - A proposal is enacted at most once, only if it was accepted, after the delay and within the window.
//! - A block names a next validation code only if it enacts an upgrade, and then that one; never two.
//!
//! # Attacks
//!
//! `docs/security.md` lists them with the constraint that stops each; `forged` carries each out. What governance decides is
//! not judged: it can take away the last author, or set a deposit that nobody has.

use serde_json::Value as Json;

use crate::{
    runtime::{CallKind, GenesisState, Pallet, SpecError},
    state::Shape,
};

pub mod action;
pub mod conviction;
pub mod motion;
pub mod outcome;
pub mod record;
mod spec;
mod view;
pub mod vote;

pub use action::{Action, Coordinates, Holder};
pub use conviction::Conviction;
pub use motion::{Donate, Donation, Motion, Propose};
pub use outcome::{Close, Enact};
pub use record::{BALLOTS, Ballot, CHARTER, Charter, PROPOSAL_LEVELS, PROPOSALS, Proposal, ProposalIndex};
pub use vote::{Claim, Unlock, Voice, Vote};

/// The pallet, on a chain with an account tree of so many levels.
#[derive(Clone, Copy, Debug)]
pub struct Governance {
    /// Levels of the chain's account tree.
    pub account_levels: usize,
    /// Levels of the tree of proposals, at most [`PROPOSAL_LEVELS`].
    pub proposal_levels: usize,
}

impl Governance {
    /// With 64 places for proposals.
    pub fn new(account_levels: usize) -> Self {
        Self { account_levels, proposal_levels: PROPOSAL_LEVELS }
    }
}

impl Pallet for Governance {
    fn name(&self) -> &'static str {
        "governance"
    }

    fn storages(&self) -> Vec<(u8, Shape)> {
        let proposal_levels = self.proposal_levels.min(PROPOSAL_LEVELS);
        vec![
            (PROPOSALS, Shape::Tree { levels: proposal_levels }),
            (BALLOTS, Shape::Tree { levels: self.account_levels + proposal_levels }),
            (CHARTER, Shape::Single),
        ]
    }

    fn kinds(&self) -> Vec<CallKind> {
        vec![
            CallKind::call(Propose),
            CallKind::call(Vote),
            CallKind::call(Unlock),
            CallKind::call(Donate),
            CallKind::inherent(Close),
            CallKind::call(Enact),
        ]
    }

    fn genesis(&self, spec: Option<&Json>, genesis: &mut GenesisState<'_>) -> Result<(), SpecError> {
        let charter = spec::charter(spec)?;
        genesis.issue(charter.treasury)?;
        genesis.write(0, &charter)?;
        let [(_, proposals), ..] = self.storages()[..] else { return Ok(()) };
        // At most 64.
        (0..proposals.places() as u32).try_for_each(|place| genesis.write(place, &Proposal::none()))
    }
}

#[cfg(test)]
mod audit;
#[cfg(test)]
mod forged;
#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
