//! What the pallet keeps.

use super::action::Action;
use crate::{record, runtime::AccountIndex, state::circuit::At};

/// Storage of proposals.
pub const PROPOSALS: u8 = 10;

/// Storage of ballots: that of account `a` on place `p` is at `p · accounts + a`.
pub const BALLOTS: u8 = 11;

/// Storage of the [`Charter`].
pub const CHARTER: u8 = 12;

/// Levels of the tree of proposals: 64 places.
pub const PROPOSAL_LEVELS: usize = 2;

/// Bits of a proposal's place where it is packed.
pub const PLACE_BITS: usize = 6;

/// The place of a proposal.
pub type ProposalIndex = At<PROPOSALS, PLACE_BITS>;

record! {
    /// A proposal. Places are used again: the number tells a proposal from those that were at its place before.
    pub struct Proposal / ProposalVar ("proposal", "a proposal") in PROPOSALS; {
        /// What it does.
        action: Action,
        /// Its number, from 1; 0 at a place that never had one.
        number: u32,
        /// While it is open, the last block that takes votes; once it has passed, the first in which it can be enacted.
        due: u32,
        /// Who gets the deposit back.
        proposer: AccountIndex,
        /// A lock period in blocks.
        lock_period: u32,
        /// Whether votes are not counted yet.
        open: bool,
        /// Whether it was accepted and is not enacted yet.
        passed: bool,
        /// What the proposer deposited and has not got back.
        deposit: u128,
        /// Votes for it, in tenths.
        ayes: u128,
        /// Votes against it, in tenths.
        nays: u128,
        /// Tokens that voted.
        turnout: u128,
    }
}

record! {
    /// What an account holds at a proposal's place, and the proposal that it voted on last there.
    #[derive(Copy, Eq)]
    pub struct Ballot / BallotVar ("ballot", "a ballot") in BALLOTS; {
        /// The number of the proposal that it voted on last.
        number: u32,
        /// The first block in which it gets its stake back.
        until: u32,
        /// What it staked.
        stake: u128,
    }
}

record! {
    /// The treasury, what governance goes by, and what it keeps count of.
    #[derive(Copy, Eq)]
    pub struct Charter / CharterVar ("charter", "the charter") in CHARTER; {
        /// What the treasury holds.
        treasury: u128,
        /// The number of the next proposal.
        next_number: u32,
        /// The last block that named a next validation code.
        upgraded: u32,
        /// The least turnout, in thousandths of the total issuance.
        quorum: u16,
        /// A lock period in blocks.
        lock_period: u32,
        /// What a proposer deposits.
        deposit: u128,
        /// Blocks after a proposal's in which it takes votes.
        period: u32,
        /// Blocks from the count to the first in which a proposal can be enacted.
        delay: u32,
        /// Blocks after that in which it still can.
        window: u32,
    }
}
