//! `vote` and `unlock`: stakes go into ballots and come back.
//!
//! ```text
//!   sender ──what the ballot lacks──► ballot at place (proposal, sender): stake, until
//!                                        │ stake × conviction
//!                                        ▼
//!                                     proposal: ayes or nays, turnout
//! ```
//!
//! **Why nobody votes twice.** An account has one ballot at a proposal's place, by the place's bits. It names the proposal
//! that it was last used for, and `vote/once` asks for another. Numbers are never given twice.
//!
//! **Why locks hold.** Only `unlock` takes out of a ballot, and only from `until` on. A later vote at the same place keeps
//! the later of the two blocks, and takes into account what the ballot has already: a lock never shortens, and those who are locked
//! at a place can still vote on what comes there.
//!
//! **Why the counts are exact.** A vote's weight is below 2^128 · 64. The sum that it goes into is held to 128 bits, so it is one of
//! integers. The turnout is a sum of stakes that are all held at the same time, hence below the issuance.

use ark_ff::Field;
use ark_relations::gr1cs::Result;
use zkpov_verifier::field::Fr;

use super::{
    action::Action,
    conviction::Conviction,
    record::{Ballot, BallotVar, Proposal, ProposalIndex, ProposalVar},
    view::{ballot_index, ballot_place, proposal, spendable},
};
use crate::{
    constraint::product,
    gadgets::range::{U32, U128, enforce_inverse},
    linear::{Linear, difference, sum},
    runtime::{AccountIndex, Call, Executed, Idle, IdleContext, Slot, Unfit, View},
    values,
};

values! {
    /// What a voter signs.
    pub struct Voice / VoiceVar ("voice") {
        /// The proposal's place.
        proposal: ProposalIndex,
        /// The proposal's number.
        number: u32,
        /// Whether it is for the proposal.
        aye: bool,
        /// How long the stake may be kept.
        conviction: Conviction,
        /// The whole stake: what the voter's ballot at this place has already, and what it takes from the account.
        stake: u128,
        /// What the proposal does.
        action: Action,
    }
}

values! {
    /// What a vote's slot is given, and what the body says of it.
    pub struct Voted / VotedVar ("voted") {
        /// The proposal's place.
        proposal: ProposalIndex,
        /// Whether it is for the proposal.
        aye: bool,
        /// How long the stake may be kept.
        conviction: Conviction,
        /// The whole stake.
        stake: u128,
    }
}

values! {
    /// What a voter signs to get its stake back.
    pub struct Claim / ClaimVar ("claim") {
        /// The ballot's proposal's place.
        proposal: ProposalIndex,
        /// The number of the proposal that the ballot was last used for.
        number: u32,
    }
}

values! {
    /// What an unlock's slot is given, and what the body says of it.
    pub struct Unlocked / UnlockedVar ("unlock") {
        /// The ballot's proposal's place.
        proposal: ProposalIndex,
    }
}

/// Votes on a proposal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vote;

/// The first block in which a stake comes back that was voted with.
fn until(proposal: &Proposal, conviction: Conviction) -> Option<u32> {
    let lock = u64::from(proposal.lock_period) * conviction.periods();
    u32::try_from(u64::from(proposal.due) + 1 + lock).ok()
}

impl Call for Vote {
    const NAME: &'static str = "vote";

    type Arguments = Voice;
    type Inputs = Voted;
    type Body = Voted;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        arguments: &Voice,
    ) -> core::result::Result<Voted, Unfit> {
        let Voice { proposal: place, number, aye, conviction, stake, action } = arguments.clone();
        let found = proposal(view, place)?;
        if found.number != number || found.action != action {
            return Err(Unfit::because(format!(
                "place {} has proposal {}, which is not the one that is voted on",
                place.0, found.number
            )));
        }
        if !found.open || view.number > found.due {
            return Err(Unfit::because(format!("proposal {} takes no votes any more", found.number)));
        }
        let ballot: Option<Ballot> = view.read(ballot_place(view, place, sender))?;
        let old = ballot.unwrap_or(Ballot::BLANK);
        if ballot.is_some() && old.number == found.number {
            return Err(Unfit::because(format!(
                "account {} has voted on proposal {}",
                sender.0, found.number
            )));
        }
        let Some(more) = stake.checked_sub(old.stake) else {
            return Err(Unfit::because(format!(
                "the ballot of account {} at place {} has {} already: stake at least as much, or `unlock` it first",
                sender.0, place.0, old.stake
            )));
        };
        let spendable = spendable(view, sender)?;
        if stake == 0 || more > spendable {
            return Err(Unfit::because(format!(
                "account {} can stake {spendable} more, not {more} for a stake of {stake}",
                sender.0
            )));
        }
        let counted = if aye { found.ayes } else { found.nays };
        let votes = stake.checked_mul(conviction.votes().into());
        if votes.and_then(|votes| counted.checked_add(votes)).is_none() {
            return Err(Unfit::because("the votes would exceed 128 bits"));
        }
        if until(&found, conviction).is_none() {
            return Err(Unfit::because("the lock would end after the last block that there can be"));
        }
        Ok(Voted { proposal: place, aye, conviction, stake })
    }

    fn restore(&self, _: &View<'_>, _: AccountIndex, body: &Voted) -> core::result::Result<Voted, Unfit> {
        Ok(body.clone())
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: VotedVar) -> Result<Executed<Voice, Voted>> {
        let VotedVar { proposal: place, aye, conviction, stake } = inputs.clone();
        let (proposal, seat) = slot.read::<Proposal>(&place)?;
        proposal.open.enforce_true("vote/proposal is open")?;
        slot.number().enforce_at_most("vote/period", &proposal.due)?;

        let index = ballot_index(slot, &place)?;
        let (_, old, ballot) = slot.read_or_blank::<Ballot>(&index)?;
        let repeated = difference(proposal.number.as_field(), old.number.as_field())?;
        enforce_inverse("vote/once", &repeated).map(drop)?;
        slot.take(&stake.checked_sub("vote/stake covers the ballot's", &old.stake)?)?;
        let lock = product(proposal.lock_period.as_field(), &conviction.periods()?)?;
        let until = Linear::of(proposal.due.as_field()).plus(Fr::ONE, &lock).plus_constant(Fr::ONE);
        let until = U32::enforce("vote/lock", &until.finish()?)?;
        let longer = old.until.is_less_than(&until)?;
        let until = U32::select(&longer, &until, &old.until)?;
        let ballot_after = BallotVar { number: proposal.number.clone(), until, stake: stake.clone() };
        slot.write::<Ballot>(ballot, &ballot_after)?;

        let votes = product(stake.as_field(), &conviction.votes()?)?;
        let counted = U128::select(&aye, &proposal.ayes, &proposal.nays)?;
        let counted = U128::enforce("vote/count", &sum([counted.as_field(), &votes])?)?;
        // A sum of stakes that are in ballots: part of the issuance.
        let turnout = U128::trust(sum([proposal.turnout.as_field(), stake.as_field()])?);
        let after = ProposalVar {
            ayes: U128::select(&aye, &counted, &proposal.ayes)?,
            nays: U128::select(&aye, &proposal.nays, &counted)?,
            turnout,
            ..proposal.clone()
        };
        slot.write::<Proposal>(seat, &after)?;
        let ProposalVar { number, action, .. } = proposal;
        let signed = VoiceVar { proposal: place, number, aye, conviction, stake, action };
        Ok(Executed { signed, body: inputs })
    }

    fn idle(&self, context: &IdleContext) -> Idle<Voted> {
        let inputs = Voted {
            proposal: ProposalIndex::from(0),
            aye: true,
            conviction: Conviction::default(),
            stake: 0,
        };
        // It could be voted on, if the block is not the last that there can be.
        let proposal = Proposal { open: true, number: 1, due: context.number, ..Proposal::none() };
        Idle::new(inputs).reading(&proposal).reading(&Ballot::BLANK)
    }
}

/// Takes a stake out of a ballot whose lock is over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlock;

impl Call for Unlock {
    const NAME: &'static str = "unlock";

    type Arguments = Claim;
    type Inputs = Unlocked;
    type Body = Unlocked;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        arguments: &Claim,
    ) -> core::result::Result<Unlocked, Unfit> {
        let Claim { proposal: place, number } = arguments.clone();
        proposal(view, place)?;
        let ballot: Option<Ballot> = view.read(ballot_place(view, place, sender))?;
        match ballot {
            Some(Ballot { stake: 1.., until, .. }) if until > view.number => {
                Err(Unfit::because(format!("the stake is locked before block {until}")))
            }
            Some(ballot @ Ballot { stake: 1.., .. }) if ballot.number == number => {
                Ok(Unlocked { proposal: place })
            }
            Some(Ballot { stake: 1.., .. }) => Err(Unfit::because(format!(
                "the ballot of account {} at place {} was last used for another proposal than {number}",
                sender.0, place.0
            ))),
            _ => Err(Unfit::because(format!("account {} has no stake at place {}", sender.0, place.0))),
        }
    }

    fn restore(
        &self,
        _: &View<'_>,
        _: AccountIndex,
        body: &Unlocked,
    ) -> core::result::Result<Unlocked, Unfit> {
        Ok(body.clone())
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: UnlockedVar) -> Result<Executed<Claim, Unlocked>> {
        let index = ballot_index(slot, &inputs.proposal)?;
        let (ballot, place) = slot.read::<Ballot>(&index)?;
        ballot.until.enforce_at_most("unlock/lock is over", &slot.number())?;
        slot.give(&ballot.stake)?;
        slot.write::<Ballot>(place, &BallotVar { stake: U128::constant(0)?, ..ballot.clone() })?;
        let signed = ClaimVar { proposal: inputs.proposal.clone(), number: ballot.number };
        Ok(Executed { signed, body: inputs })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Unlocked> {
        Idle::new(Unlocked { proposal: ProposalIndex::from(0) }).reading(&Ballot::BLANK)
    }
}
