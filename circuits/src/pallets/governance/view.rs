//! What several calls look up, and records that unused slots read.

use super::{
    action::Action,
    record::{Ballot, Charter, Proposal, ProposalIndex},
};
use crate::{
    runtime::{Account, AccountIndex, Slot, Unfit, View},
    state::{StateError, circuit::Index},
};

/// The charter.
pub(super) fn charter(view: &View<'_>) -> Result<Charter, StateError> {
    view.read(0)?.ok_or(StateError::Missing { what: "the charter of governance" })
}

/// The proposal at a place.
pub(super) fn proposal(view: &View<'_>, place: ProposalIndex) -> Result<Proposal, Unfit> {
    view.read(place.0)?.ok_or_else(|| Unfit::because(format!("there is no place {} for proposals", place.0)))
}

/// What an account can spend, the fee apart.
pub(super) fn spendable(view: &View<'_>, sender: AccountIndex) -> Result<u128, Unfit> {
    let account: Option<Account> = view.read(sender.0)?;
    let account = account.ok_or_else(|| Unfit::because(format!("there is no account {}", sender.0)))?;
    Ok(account.balance.saturating_sub(view.parameters.existential_deposit))
}

/// The place of an account's ballot at a proposal's place.
pub(super) fn ballot_place(view: &View<'_>, proposal: ProposalIndex, voter: AccountIndex) -> u32 {
    // Proposals times accounts: the ballots' tree has that many places, which are `u32`.
    (u64::from(proposal.0) * view.places::<Account>() + u64::from(voter.0)) as u32
}

/// The same in a circuit, by its bits: the sender's below the proposal's.
pub(super) fn ballot_index(slot: &Slot<'_, '_>, proposal: &Index) -> ark_relations::gr1cs::Result<Index> {
    let bits = [slot.sender()?.bits(), proposal.bits()].concat();
    Index::from_bits(bits)
}

impl Proposal {
    /// What a place holds that never had a proposal.
    pub fn none() -> Self {
        Self {
            action: Action::Burn { amount: 0 },
            number: 0,
            due: 0,
            proposer: AccountIndex::from(0),
            lock_period: 0,
            open: false,
            passed: false,
            deposit: 0,
            ayes: 0,
            nays: 0,
            turnout: 0,
        }
    }
}

impl Charter {
    /// A charter that nothing follows from.
    pub(super) fn blank() -> Self {
        Self {
            treasury: 0,
            next_number: 0,
            upgraded: 0,
            quorum: 0,
            lock_period: 0,
            deposit: 0,
            period: 0,
            delay: 0,
            window: 0,
        }
    }
}

impl Ballot {
    /// What an empty place reads as.
    pub(super) const BLANK: Self = Self { number: 0, until: 0, stake: 0 };
}
