//! `propose` and `donate`: what anybody may bring before the council.
//!
//! **Why a place's proposal is not lost.** `propose` writes at a place whose proposal is neither open (it holds a deposit,
//! and ballots may still come) nor passed and within its window. One that passed and was not enacted in time holds nothing.

use ark_ff::Field;
use ark_relations::gr1cs::Result;
use zkpov_verifier::field::Fr;

use super::{
    action::Action,
    record::{Charter, CharterVar, Proposal, ProposalIndex, ProposalVar},
    view::{charter, proposal, spendable},
};
use crate::{
    bit::Bit,
    constraint,
    gadgets::range::{U32, U128, Uint, enforce_inverse},
    linear::{Linear, sum},
    runtime::{Account, AccountIndex, Call, Executed, Idle, IdleContext, Slot, Unfit, View},
    state::circuit::Index,
    values,
};

values! {
    /// What a proposer signs.
    pub struct Motion / MotionVar ("motion") {
        /// What is proposed.
        action: Action,
    }
}

values! {
    /// What a proposal's slot is given, and what the body says of it.
    pub struct Tabled / TabledVar ("tabled") {
        /// The place that the proposal gets.
        proposal: ProposalIndex,
        /// What is proposed.
        action: Action,
    }
}

values! {
    /// What a donor signs, what the slot is given, and what the body says of it.
    #[derive(Copy, Eq)]
    pub struct Donation / DonationVar ("donation") {
        /// What the treasury gets.
        amount: u128,
    }
}

/// Makes a proposal, at the price of a deposit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Propose;

/// Whether a proposal's place can be taken in block `number`.
pub(super) fn is_free(proposal: &Proposal, window: u32, number: u32) -> bool {
    let lapsed = u64::from(proposal.due) + u64::from(window) < u64::from(number);
    !proposal.open && (!proposal.passed || lapsed)
}

impl Call for Propose {
    const NAME: &'static str = "propose";

    type Arguments = Motion;
    type Inputs = Tabled;
    type Body = Tabled;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        arguments: &Motion,
    ) -> core::result::Result<Tabled, Unfit> {
        let window = charter(view)?.window;
        // A chain has at most 64 places for proposals.
        for place in 0..view.places::<Proposal>() as u32 {
            if view.read::<Proposal>(place)?.is_some_and(|old| is_free(&old, window, view.number)) {
                let tabled = Tabled { proposal: place.into(), action: arguments.action };
                return self.restore(view, sender, &tabled);
            }
        }
        Err(Unfit::because(
            "every place has a proposal under vote or to be enacted; wait for one to be closed",
        ))
    }

    fn restore(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        body: &Tabled,
    ) -> core::result::Result<Tabled, Unfit> {
        let charter = charter(view)?;
        let spendable = spendable(view, sender)?;
        if charter.deposit > spendable {
            return Err(Unfit::because(format!(
                "a proposal takes a deposit of {}, and account {} can spend {spendable}",
                charter.deposit, sender.0
            )));
        }
        proposal(view, body.proposal)?;
        let accounts = view.places::<Account>();
        match body.action {
            action if action.holder().is_some_and(|holder| u64::from(holder.account.0) >= accounts) => {
                Err(Unfit::because(format!("the chain has places for {accounts} accounts")))
            }
            action => action.check().map(|()| body.clone()).map_err(Unfit::Refused),
        }
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: TabledVar) -> Result<Executed<Motion, Tabled>> {
        inputs.action.enforce_canonical()?;
        let (old, place) = slot.read::<Proposal>(&inputs.proposal)?;
        let (charter, seat) = slot.read::<Charter>(&Index::only())?;
        let number = slot.number();
        constraint::enforce_zero("propose/place is under vote", Linear::of(old.open.as_field()))?;
        let last = sum([old.due.as_field(), charter.window.as_field()])?;
        // Two of 32 bits.
        let lapsed = Uint::<33>::trust(last).is_less_than(&number.widen()?)?;
        constraint::enforce_product(
            "propose/place is to be enacted",
            old.passed.as_field(),
            lapsed.not()?.as_field(),
            Linear::new(&slot.cs()),
        )?;

        slot.take(&charter.deposit)?;
        let exhausted = Linear::of(charter.next_number.as_field()).plus_constant(-Fr::from(u32::MAX));
        enforce_inverse("propose/number is not the last", &exhausted.finish()?).map(drop)?;
        let next_number = Linear::of(charter.next_number.as_field()).plus_constant(Fr::ONE).finish()?;
        let proposal = ProposalVar {
            action: inputs.action.clone(),
            number: charter.next_number.clone(),
            due: number.checked_add("propose/last block of the vote", &charter.period)?,
            proposer: slot.sender()?.clone(),
            lock_period: charter.lock_period.clone(),
            open: Bit::constant(true),
            passed: Bit::constant(false),
            deposit: charter.deposit.clone(),
            ayes: U128::constant(0)?,
            nays: U128::constant(0)?,
            turnout: U128::constant(0)?,
        };
        slot.write::<Proposal>(place, &proposal)?;
        // Below 2^32, since the number before was not the last.
        let charter = CharterVar { next_number: U32::trust(next_number), ..charter };
        slot.write::<Charter>(seat, &charter)?;
        let signed = MotionVar { action: inputs.action.clone() };
        Ok(Executed { signed, body: inputs })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Tabled> {
        let inputs = Tabled { proposal: ProposalIndex::from(0), action: Action::Burn { amount: 0 } };
        Idle::new(inputs).reading(&Proposal::none()).reading(&Charter::blank())
    }
}

/// Gives to the treasury.
#[derive(Clone, Copy, Debug, Default)]
pub struct Donate;

impl Call for Donate {
    const NAME: &'static str = "donate";

    type Arguments = Donation;
    type Inputs = Donation;
    type Body = Donation;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        arguments: &Donation,
    ) -> core::result::Result<Donation, Unfit> {
        self.restore(view, sender, arguments)
    }

    fn restore(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        body: &Donation,
    ) -> core::result::Result<Donation, Unfit> {
        let spendable = spendable(view, sender)?;
        if body.amount > spendable {
            return Err(Unfit::because(format!(
                "account {} can spend {spendable}, not {}",
                sender.0, body.amount
            )));
        }
        Ok(*body)
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: DonationVar) -> Result<Executed<Donation, Donation>> {
        let (charter, seat) = slot.read::<Charter>(&Index::only())?;
        slot.take(&inputs.amount)?;
        // Treasury and what was the sender's are both part of the issuance, which is below 2^127.
        let treasury = U128::trust(sum([charter.treasury.as_field(), inputs.amount.as_field()])?);
        slot.write::<Charter>(seat, &CharterVar { treasury, ..charter })?;
        Ok(Executed { signed: inputs.clone(), body: inputs })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Donation> {
        Idle::new(Donation { amount: 0 }).reading(&Charter::blank())
    }
}
