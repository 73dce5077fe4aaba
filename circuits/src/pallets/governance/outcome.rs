//! `close` and `enact`: what becomes of a proposal.
//!
//! ```text
//!   close   after the vote, by the author, nobody's call
//!             ayes > nays and the quorum is there ── passed; the deposit back to the proposer
//!             otherwise ────────────────────────── rejected; the deposit to the treasury
//!   enact   a passed proposal, from `due` on, as long as the window is open, by anybody
//! ```
//!
//! **Why the outcome is exact.** Ayes and nays are integers of 128 bits, compared as such. The quorum is there if
//! `1000 · turnout ≥ quorum · issuance`: the left is below 2^138, the right below 2^144, and both are compared as
//! integers of 144 bits. The issuance is that of the parent state.
//!
//! **Why an upgrade needs an enacted proposal.** The statement's limbs are the sum over the block's upgrades
//! (`runtime/upgrade`), and only `enact` adds to it: where the slot is used, the proposal passed, its action is an
//! upgrade, and the limbs are its words.

use ark_ff::Field;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::Result;
use zkpov_verifier::field::Fr;

use super::{
    action::Action,
    record::{Charter, CharterVar, Proposal, ProposalIndex, ProposalVar},
    view::{charter, proposal},
    vote::{Claim, ClaimVar},
};
use crate::{
    bit::Bit,
    constraint::{enforce_equal, enforce_product, product},
    gadgets::range::{U32, U128, Uint, enforce_inverse},
    linear::{Linear, difference, sum, weighted_sum},
    namespace,
    runtime::{
        Account, AccountIndex, AccountVar, Authors, AuthorsVar, Call, Executed, Idle, IdleContext, Inherent,
        Slot, Unfit, View,
        account::MAX_ISSUANCE,
        authors::{choose, chosen_number},
    },
    state::{StateError, circuit::Index},
    values,
};

/// What a quorum is a number of parts of.
pub const QUORUM_PARTS: u64 = 1_000;

/// Bits of both sides of the comparison with the quorum: 16 of a quorum, 128 of an issuance.
const QUORUM_BITS: usize = 144;

values! {
    /// What a close's slot is given, and what the body says of it.
    pub struct Closed / ClosedVar ("close") {
        /// The proposal's place.
        proposal: ProposalIndex,
    }
}

values! {
    /// What an enactment's slot is given, and what the body says of it.
    pub struct Enacted / EnactedVar ("enact") {
        /// The proposal's place.
        proposal: ProposalIndex,
    }
}

/// Counts the votes of a proposal whose vote is over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Close;

impl Close {
    /// Whether the vote on a proposal is over and not counted.
    fn is_due(view: &View<'_>, proposal: &Proposal) -> core::result::Result<bool, StateError> {
        // Near the last block that there can be, nothing is counted.
        let last = view.number.checked_add(charter(view)?.delay);
        Ok(proposal.open && proposal.due < view.number && last.is_some())
    }
}

impl Inherent for Close {
    const NAME: &'static str = "close";

    type Inputs = Closed;
    type Body = Closed;

    fn next(&self, view: &View<'_>) -> core::result::Result<Option<Closed>, StateError> {
        // A chain has at most 64 places for proposals.
        for place in 0..view.places::<Proposal>() as u32 {
            let proposal: Option<Proposal> = view.read(place)?;
            if let Some(proposal) = proposal
                && Self::is_due(view, &proposal)?
            {
                return Ok(Some(Closed { proposal: place.into() }));
            }
        }
        Ok(None)
    }

    fn restore(&self, view: &View<'_>, body: &Closed) -> core::result::Result<Closed, Unfit> {
        if Self::is_due(view, &proposal(view, body.proposal)?)? {
            Ok(body.clone())
        } else {
            Err(Unfit::because(format!("place {} has no proposal to be closed", body.proposal.0)))
        }
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: ClosedVar) -> Result<ClosedVar> {
        let (proposal, place) = slot.read::<Proposal>(&inputs.proposal)?;
        let (charter, seat) = slot.read::<Charter>(&Index::only())?;
        proposal.open.enforce_true("close/proposal is open")?;
        let number = slot.number();
        let next = U32::trust(Linear::of(proposal.due.as_field()).plus_constant(Fr::ONE).finish()?);
        next.enforce_at_most("close/vote is over", &number)?;

        let quorum = product(charter.quorum.as_field(), slot.parameters().total_issuance.as_field())?;
        let turnout = weighted_sum([(Fr::from(QUORUM_PARTS), proposal.turnout.as_field())])?;
        let short = Uint::<QUORUM_BITS>::trust(turnout).is_less_than(&Uint::trust(quorum))?;
        let majority = proposal.nays.is_less_than(&proposal.ayes)?;
        let passed = majority.and(&short.not()?)?;

        let refund = proposal.deposit.and(&passed)?;
        slot.credit(&proposal.proposer, &refund)?;
        let slashed = difference(proposal.deposit.as_field(), refund.as_field())?;
        // A deposit and the treasury are both part of the issuance, which is below 2^127.
        let treasury = U128::trust(sum([charter.treasury.as_field(), &slashed])?);
        let due = number.checked_add("close/first block of the enactment", &charter.delay)?;
        let after =
            ProposalVar { open: Bit::constant(false), passed, due, deposit: U128::constant(0)?, ..proposal };
        slot.write::<Proposal>(place, &after)?;
        slot.write::<Charter>(seat, &CharterVar { treasury, ..charter })?;
        Ok(inputs)
    }

    fn idle(&self, context: &IdleContext) -> Idle<Closed> {
        let proposal = Proposal { open: true, due: context.number.saturating_sub(1), ..Proposal::none() };
        Idle::new(Closed { proposal: ProposalIndex::from(0) })
            .reading(&proposal)
            .reading(&Charter::blank())
            .reading(&IdleContext::account())
    }
}

/// Does what a proposal says that passed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Enact;

impl Enact {
    /// Why an action cannot be done on this state.
    fn check(
        view: &View<'_>,
        sender: AccountIndex,
        action: &Action,
        charter: &Charter,
    ) -> core::result::Result<(), Unfit> {
        if let Some(holder) = action.holder() {
            if holder.account == sender {
                return Err(Unfit::because(
                    "the proposal concerns the sender's own account: another account enacts it",
                ));
            }
            let account: Option<Account> = view.read(holder.account.0)?;
            if account.map(|account| account.key.coordinates()) != Some([holder.key.x.0, holder.key.y.0]) {
                return Err(Unfit::because(format!(
                    "account {} is not of the key that the proposal names",
                    holder.account.0
                )));
            }
        }
        match *action {
            Action::Spend { amount, .. } | Action::Burn { amount } if amount > charter.treasury => {
                Err(Unfit::because(format!("the treasury holds {}, not {amount}", charter.treasury)))
            }
            Action::Mint { amount, .. }
                if view
                    .parameters
                    .total_issuance
                    .checked_add(amount)
                    .is_none_or(|sum| sum >= MAX_ISSUANCE) =>
            {
                Err(Unfit::because(format!("the issuance would not be below {MAX_ISSUANCE}")))
            }
            Action::Author { seat: Some(seat), who, may_author } => {
                check_seat(view, seat, who.account, may_author)
            }
            Action::Upgrade { .. } if charter.upgraded == view.number => {
                Err(Unfit::because("the block has an upgrade already"))
            }
            _ => Ok(()),
        }
    }
}

impl Call for Enact {
    const NAME: &'static str = "enact";

    type Arguments = Claim;
    type Inputs = Enacted;
    type Body = Enacted;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        arguments: &Claim,
    ) -> core::result::Result<Enacted, Unfit> {
        let Claim { proposal: place, number } = arguments.clone();
        let found = proposal(view, place)?;
        if found.number != number {
            return Err(Unfit::because(format!("place {} has proposal {}", place.0, found.number)));
        }
        let Proposal { passed, due, action, .. } = found;
        let charter = charter(view)?;
        if !passed {
            return Err(Unfit::because(format!("proposal {number} did not pass, or is enacted")));
        }
        if view.number < due {
            return Err(Unfit::because(format!("proposal {number} can be enacted from block {due} on")));
        }
        if u64::from(view.number) > u64::from(due) + u64::from(charter.window) {
            return Err(Unfit::because(format!("proposal {number} was not enacted in time")));
        }
        Self::check(view, sender, &action, &charter)?;
        Ok(Enacted { proposal: place })
    }

    fn restore(&self, _: &View<'_>, _: AccountIndex, body: &Enacted) -> core::result::Result<Enacted, Unfit> {
        Ok(body.clone())
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: EnactedVar) -> Result<Executed<Claim, Enacted>> {
        let (proposal, place) = slot.read::<Proposal>(&inputs.proposal)?;
        let (charter, seat) = slot.read::<Charter>(&Index::only())?;
        proposal.passed.enforce_true("enact/proposal passed")?;
        proposal.due.enforce_at_most("enact/delay", &slot.number())?;
        let last = sum([proposal.due.as_field(), charter.window.as_field()])?;
        slot.number().widen::<33>()?.enforce_at_most("enact/window", &Uint::trust(last))?;

        let charter = spend(&proposal, charter)?;
        issue(slot, &proposal)?;
        pay(slot, &proposal)?;
        seat_author(slot, &proposal)?;
        let parameters = proposal.action.parameters(slot.next_parameters())?;
        slot.set_parameters(proposal.action.sets_parameters(), &parameters)?;
        let charter = upgrade(slot, &proposal, charter)?;

        slot.write::<Charter>(seat, &charter)?;
        let signed = ClaimVar { proposal: inputs.proposal.clone(), number: proposal.number.clone() };
        slot.write::<Proposal>(place, &ProposalVar { passed: Bit::constant(false), ..proposal })?;
        Ok(Executed { signed, body: inputs })
    }

    fn idle(&self, context: &IdleContext) -> Idle<Enacted> {
        let proposal = Proposal { passed: true, due: context.number, ..Proposal::none() };
        Idle::new(Enacted { proposal: ProposalIndex::from(0) })
            .reading(&proposal)
            .reading(&Charter::blank())
            .reading(&IdleContext::account())
    }
}

/// Whether a seat can be given to, or taken from, an account, as the state has the seats.
fn check_seat(
    view: &View<'_>,
    seat: u8,
    account: AccountIndex,
    gets: bool,
) -> core::result::Result<(), Unfit> {
    let authors: Authors = view.read(0)?.ok_or(StateError::Missing { what: "who authors when" })?;
    let taken = authors.seats.iter().take(authors.count.into()).nth(seat.into());
    let refuse = |reason: String| Err(Unfit::Refused(reason));
    match taken {
        _ if !authors.rotating => refuse("authors of this chain take no turns: there are no seats".into()),
        None if gets && seat > authors.count => {
            refuse(format!("seat {} is the next, not {seat}", authors.count))
        }
        None if !gets => refuse(format!("there are {} seats, from 0, not {seat}", authors.count)),
        Some(taken) if !gets && taken.0 != account.0 => {
            refuse(format!("seat {seat} is account {}'s, not account {}'s", taken.0, account.0))
        }
        _ if !gets && authors.count <= 1 => refuse("the last seat stays: nobody could author".into()),
        _ => Ok(()),
    }
}

/// What a spend or a burn takes from the treasury.
fn spend(proposal: &ProposalVar, charter: CharterVar) -> Result<CharterVar> {
    let spent = proposal.action.first.and(&proposal.action.takes_from_treasury()?)?;
    let treasury = charter.treasury.checked_sub("enact/treasury", &spent)?;
    Ok(CharterVar { treasury, ..charter })
}

/// What a mint and a burn do to the issuance.
fn issue(slot: &mut Slot<'_, '_>, proposal: &ProposalVar) -> Result<()> {
    let action = &proposal.action;
    slot.mint(&action.first.and(action.mints())?)?;
    slot.burn(&action.first.and(action.burns())?)
}

/// What happens to the account that the proposal concerns, if there is one.
fn pay(slot: &mut Slot<'_, '_>, proposal: &ProposalVar) -> Result<()> {
    let action = &proposal.action;
    let concerned = action.concerns_account()?;
    let when = slot.used().and(&concerned)?;
    let (account, place) = slot.state().read::<Account>(&when, &action.account)?;
    for (found, named) in [(&account.key.x, &action.x), (&account.key.y, &action.y)] {
        let other = difference(found, named)?;
        enforce_product("enact/account's key", concerned.as_field(), &other, Linear::new(&slot.cs()))?;
    }
    let amount = action.first.and(&action.pays_account()?)?;
    let balance = account.balance.checked_add("enact/receiver's balance", &amount)?;
    let may_author =
        action.sets_author().select(action.may_author()?.as_field(), account.may_author.as_field())?;
    // Selected between bits.
    let after = AccountVar { balance, may_author: Bit::trust(may_author), ..account };
    slot.state().write::<Account>(&when, place, &after)
}

/// Gives the account that the proposal concerns a seat among the authors, or takes it away.
///
/// A seat that is given is one that is there, or the one after the last. The last one takes the place of one that is taken away, and
/// one remains. Numbers are below 8, the count at most that: an eighth seat is not the one after the last of eight.
fn seat_author(slot: &mut Slot<'_, '_>, proposal: &ProposalVar) -> Result<()> {
    let cs = slot.cs();
    let _namespace = namespace::enter(&cs, "seat");
    let action = &proposal.action;
    let zero = || Linear::new(&cs);
    let one = FpVar::Constant(Fr::ONE);
    let (chosen, any) = action.seat(&cs)?;
    let before = slot.next_authors().clone();
    let gets = any.and(&action.may_author()?)?;
    // Any, and not the other.
    let loses = Bit::trust(difference(any.as_field(), gets.as_field())?);

    let number = chosen_number(&chosen)?;
    let there = Uint::<8>::trust(number.clone()).is_less_than(&before.count)?;
    let added = gets.and(&there.not()?)?;
    let gap = difference(&number, before.count.as_field())?;
    enforce_product("enact/seat after the last", added.as_field(), &gap, zero())?;
    enforce_product("enact/seat is there", loses.as_field(), there.not()?.as_field(), zero())?;
    let other = difference(&before.chosen(&chosen)?, action.account.as_field())?;
    enforce_product("enact/seat is the account's", loses.as_field(), &other, zero())?;

    let last = choose(&cs, "last", || Ok(before.count.value()?.checked_sub(1).map(|last| last as usize)))?;
    let lasts = sum(last.iter().map(Bit::as_field))?;
    enforce_equal("enact/last seat", &lasts, Linear::of(&one))?;
    let after_last = sum([&chosen_number(&last)?, &one])?;
    enforce_equal("enact/last seat", &after_last, Linear::of(before.count.as_field()))?;
    let moved = loses.select(&before.chosen(&last)?, action.account.as_field())?;
    let count = sum([before.count.as_field(), added.as_field()])?;
    let count = difference(&count, loses.as_field())?;
    enforce_inverse("enact/a seat remains", &count).map(drop)?;
    // At most 8, and a seat or an account's place.
    let mut after = AuthorsVar { count: Uint::trust(count), ..before.clone() };
    for ((seat, old), chosen) in after.seats.iter_mut().zip(&before.seats).zip(&chosen) {
        *seat = Uint::trust(chosen.select(&moved, old.as_field())?);
    }
    slot.set_authors(&after)
}

/// Names the next validation code, if the proposal says so: once in a block.
fn upgrade(slot: &mut Slot<'_, '_>, proposal: &ProposalVar, charter: CharterVar) -> Result<CharterVar> {
    let ProposalVar { action, .. } = proposal;
    slot.upgrade(action.upgrades(), [&action.first, &action.second])?;
    let number = slot.number();
    let since = difference(number.as_field(), charter.upgraded.as_field())?;
    // 1 where there is no upgrade.
    let since =
        action.upgrades().select(&since, &Linear::new(&slot.cs()).plus_constant(Fr::ONE).finish()?)?;
    enforce_inverse("enact/one upgrade a block", &since).map(drop)?;
    let upgraded = U32::select(action.upgrades(), &number, &charter.upgraded)?;
    Ok(CharterVar { upgraded, ..charter })
}
