//! Forged executions: complete dishonest witnesses, and the one constraint that refuses each.
//!
//! Most begin with an honest block and put it on a state in which it is not allowed; everything that follows is derived as the
//! circuit derives it.

use ark_ff::{AdditiveGroup, Field};
use zkpov_verifier::field::Fr;

use super::{action::DEPOSIT_BITS, testing::*, *};
use crate::{
    integer::power_of_two,
    runtime::{
        Account, Authors, Extrinsic, Parameters, SEATS, Seat, Witness,
        account::MAX_ISSUANCE,
        testing::{Forgery, refused_by, restated},
    },
    soundness::with_hints,
    state::Value,
};

/// One slot in the lane of each call, and none in the others.
const PROPOSE: Slots = [0, 0, 1, 0, 0, 0, 0, 0];
const VOTE: Slots = [0, 0, 0, 1, 0, 0, 0, 0];
const UNLOCK: Slots = [0, 0, 0, 0, 1, 0, 0, 0];
const DONATE: Slots = [0, 0, 0, 0, 0, 1, 0, 0];
const CLOSE: Slots = [0, 0, 0, 0, 0, 0, 1, 0];
const ENACT: Slots = [0, 0, 0, 0, 0, 0, 0, 1];

/// Inputs of a proposal's slot.
const KIND: usize = 1;
const SPEND: usize = KIND + 1;
const BURN: usize = KIND + 3;
const ACCOUNT: usize = KIND + 6;
const FIRST: usize = ACCOUNT + 1;
const KEY_X: usize = ACCOUNT + 2;
const KEY_Y: usize = ACCOUNT + 3;
const SECOND: usize = ACCOUNT + 4;

/// Inputs of a vote's slot.
const CONVICTION: usize = 2;
const STAKE: usize = 3;

const BURNS: Action = Action::Burn { amount: 5 };
const HASH: [u8; 32] = [0xc5; 32];
const AYE: Opinion = Opinion { aye: true, conviction: 1, stake: 500 };

fn empty(slots: Slots) -> TestChain {
    chain(slots, 4)
}

/// The place of account 2's ballot at place 0 of proposals.
const BALLOT: u32 = 2;

/// The chain with proposal 1 open at place 0, changed.
fn open_proposal(slots: Slots, change: impl FnOnce(&mut Proposal)) -> TestChain {
    let mut proposal = proposed(BURNS);
    change(&mut proposal);
    with_proposal(empty(slots), &proposal)
}

/// The chain with a passed proposal at place 0, changed.
fn passed(action: Action, change: impl FnOnce(&mut Proposal)) -> TestChain {
    let on = with_passed(empty(ENACT), action);
    let mut proposal: Proposal = on.read(0).expect("a proposal");
    change(&mut proposal);
    on.with(0, &proposal)
}

fn with_charter(on: TestChain, change: impl FnOnce(&mut Charter)) -> TestChain {
    let mut charter = charter(&on);
    change(&mut charter);
    on.with(0, &charter)
}

/// The block of a call that is honest on `honest`, executed on `on`.
#[track_caller]
fn refused(honest: &TestChain, calls: &[Extrinsic], on: &TestChain, name: &'static str) {
    let mut forgery = Forgery::of(honest, calls);
    forgery.on = on;
    forgery.refused_only_by(name);
}

/// A proposal with an input changed.
#[track_caller]
fn proposal_refused(action: Action, input: usize, value: Fr, name: &'static str) {
    let on = empty(PROPOSE);
    Forgery::of(&on, &[propose(&on, 1, action)])
        .changed(|slot| slot.inputs[input] = value)
        .refused_only_by(name);
}

// Proposals.

#[test]
fn an_action_of_two_kinds_or_of_none_is_refused() {
    proposal_refused(BURNS, SPEND, Fr::ONE, "action/one kind");
    proposal_refused(BURNS, BURN, Fr::ZERO, "action/one kind");
}

#[test]
fn an_account_where_none_is_concerned_is_refused() {
    for input in [ACCOUNT, KEY_X, KEY_Y] {
        proposal_refused(BURNS, input, Fr::from(3u64), "action/no account");
    }
}

#[test]
fn words_that_mean_nothing_are_refused() {
    let may = Action::Author { who: holder(2), may_author: true, seat: None };
    let parameters =
        Action::Parameters { existential_deposit: 1, minimum_fee: 1, permissioned_authors: true };
    proposal_refused(BURNS, SECOND, Fr::ONE, "action/no second word");
    proposal_refused(may, FIRST, Fr::from(2u64), "action/flag");
    proposal_refused(parameters, FIRST, power_of_two(DEPOSIT_BITS as u32), "action/deposit");
    proposal_refused(parameters, SECOND, power_of_two(65), "action/fee and flag");
}

#[test]
fn a_proposal_over_one_under_vote_is_refused() {
    let honest = empty(PROPOSE);
    let on = open_proposal(PROPOSE, |_| ());
    refused(&honest, &[propose(&honest, 1, BURNS)], &on, "propose/place is under vote");
}

#[test]
fn a_proposal_over_one_to_be_enacted_is_refused() {
    let honest = empty(PROPOSE);
    let on = with_passed(empty(PROPOSE), BURNS);
    refused(&honest, &[propose(&honest, 1, BURNS)], &on, "propose/place is to be enacted");
}

#[test]
fn a_proposal_number_that_begins_again_is_refused() {
    let honest = empty(PROPOSE);
    let on = with_charter(empty(PROPOSE), |charter| charter.next_number = u32::MAX);
    refused(&honest, &[propose(&honest, 1, BURNS)], &on, "propose/number is not the last");
}

#[test]
fn a_vote_beyond_the_last_block_is_refused() {
    let honest = empty(PROPOSE);
    let on = with_charter(empty(PROPOSE), |charter| charter.period = u32::MAX);
    refused(&honest, &[propose(&honest, 1, BURNS)], &on, "propose/last block of the vote");
}

#[test]
fn a_deposit_that_the_proposer_has_not_is_refused() {
    let honest = empty(PROPOSE);
    let on = empty(PROPOSE).with_account(1, |account| account.balance = DEPOSIT + BOND);
    refused(&honest, &[propose(&honest, 1, BURNS)], &on, "runtime/sender keeps the deposit");
}

// Votes.

/// The vote of account 2 on an open proposal, executed on this chain.
#[track_caller]
fn vote_refused(on: &TestChain, name: &'static str) {
    let honest = open_proposal(VOTE, |_| ());
    refused(&honest, &[vote(&honest, 2, 0, AYE)], on, name);
}

#[test]
fn a_vote_on_what_is_closed_is_refused() {
    vote_refused(&open_proposal(VOTE, |proposal| proposal.open = false), "vote/proposal is open");
}

#[test]
fn a_vote_after_the_period_is_refused() {
    vote_refused(&open_proposal(VOTE, |proposal| proposal.due = 0), "vote/period");
}

#[test]
fn a_second_vote_is_refused() {
    let honest = open_proposal(VOTE, |_| ());
    let on = open_proposal(VOTE, |_| ()).with(BALLOT, &Ballot { number: 1, until: 9, stake: 100 });
    refused(&honest, &[vote(&honest, 2, 0, AYE)], &on, "vote/once");
}

#[test]
fn a_second_vote_that_denies_the_first_is_refused() {
    let on = open_proposal(VOTE, |_| ()).with(BALLOT, &Ballot { number: 1, until: 9, stake: 100 });
    let honest = open_proposal(VOTE, |_| ());
    let mut forgery = Forgery::of(&honest, &[vote(&honest, 2, 0, AYE)]);
    forgery.on = &on;
    forgery.pretend::<Ballot>(BALLOT, vec![]);
    forgery.refused_only_by("state/memory");
}

#[test]
fn a_ballot_that_is_not_there_and_says_something_is_refused() {
    let on = open_proposal(VOTE, |_| ());
    let mut witness: Witness = Forgery::of(&on, &[vote(&on, 2, 0, AYE)]).witness();
    let access = witness.openings.accesses.iter_mut().find(|access| access.fields.is_empty());
    // A lock that ended in block 1.
    access.expect("the ballot's").fields = vec![Fr::ZERO, Fr::ONE, Fr::ZERO];
    refused_by(&on, &witness, ["state/blank record"]);
}

/// Each has a packed element to itself, so that the leaf holds it and no range does: what is not the state's is refused, in the range or beyond.
#[test]
fn other_counts_or_another_deposit_than_the_states_are_refused() {
    let on = open_proposal(VOTE, |_| ());
    let honest = on.read::<Proposal>(0).expect("a proposal").elements();
    let beyond = power_of_two(128);
    for (from_the_end, change) in
        [(1, Fr::ONE), (1, beyond), (2, Fr::ONE), (2, beyond), (3, Fr::ONE), (4, Fr::ONE), (4, beyond)]
    {
        let mut elements = honest.clone();
        let place = elements.len() - from_the_end;
        elements[place] += change;
        let mut forgery = Forgery::of(&on, &[vote(&on, 2, 0, AYE)]);
        forgery.pretend::<Proposal>(0, elements);
        forgery.refused_only_by("state/memory");
    }
}

#[test]
fn a_stake_below_what_is_locked_is_refused() {
    let honest = open_proposal(VOTE, |_| ());
    let on = open_proposal(VOTE, |_| ()).with(BALLOT, &Ballot { number: 7, until: 9, stake: 501 });
    refused(&honest, &[vote(&honest, 2, 0, AYE)], &on, "vote/stake covers the ballot's");
}

#[test]
fn a_stake_that_the_voter_has_not_is_refused() {
    let on = open_proposal(VOTE, |_| ());
    Forgery::of(&on, &[vote(&on, 2, 0, AYE)])
        .changed(|slot| slot.inputs[STAKE] = Fr::from(BALANCE))
        .refused_only_by("runtime/sender keeps the deposit");
}

#[test]
fn a_conviction_beyond_the_table_is_refused() {
    let on = open_proposal(VOTE, |_| ());
    Forgery::of(&on, &[vote(&on, 2, 0, AYE)])
        .changed(|slot| slot.inputs[CONVICTION] = Fr::from(7u64))
        .refused_only_by("conviction/one");
}

#[test]
fn a_count_beyond_its_bits_is_refused() {
    vote_refused(&open_proposal(VOTE, |proposal| proposal.ayes = u128::MAX - 4_999), "vote/count");
}

#[test]
fn a_lock_beyond_the_last_block_is_refused() {
    let honest = open_proposal(VOTE, |_| ());
    let on = open_proposal(VOTE, |proposal| proposal.due = u32::MAX);
    refused(&honest, &[vote(&honest, 2, 0, Opinion { conviction: 0, ..AYE })], &on, "vote/lock");
}

// Locks.

#[test]
fn a_stake_taken_before_its_time_is_refused() {
    let ballot = Ballot { number: 1, until: 1, stake: 500 };
    let honest = empty(UNLOCK).with(BALLOT, &ballot);
    let on = empty(UNLOCK).with(BALLOT, &Ballot { until: 2, ..ballot });
    refused(&honest, &[unlock(&honest, 2, 0, 1)], &on, "unlock/lock is over");
}

#[test]
fn a_lock_shortened_at_the_numbers_expense_is_refused() {
    let ballot = Ballot { number: 1, until: 1, stake: 500 };
    let honest = empty(UNLOCK).with(BALLOT, &ballot);
    let on = empty(UNLOCK).with(BALLOT, &Ballot { until: 2, ..ballot });
    let mut forgery = Forgery::of(&honest, &[unlock(&honest, 2, 0, 1)]);
    forgery.on = &on;
    // The same leaf.
    forgery.pretend::<Ballot>(BALLOT, vec![Fr::ONE + power_of_two(32), Fr::ONE, Fr::from(500u64)]);
    forgery.refused_only_by("ballot/number");
}

#[test]
fn a_stake_that_is_taken_and_stays_is_refused() {
    let on = empty(UNLOCK).with(BALLOT, &Ballot { number: 1, until: 1, stake: 500 });
    let mut forgery = Forgery::of(&on, &[unlock(&on, 2, 0, 1)]);
    forgery.slip_in::<Ballot>(BALLOT, [1u64, 1, 500].map(Fr::from).to_vec());
    forgery.refused_only_by("state/memory");
}

#[test]
fn a_donation_that_the_donor_has_not_is_refused() {
    let on = empty(DONATE);
    Forgery::of(&on, &[donate(&on, 2, 5)])
        .changed(|slot| slot.inputs[0] = Fr::from(BALANCE))
        .refused_only_by("runtime/sender keeps the deposit");
}

// Outcomes.

/// A proposal whose vote is over in the next block, with these votes.
fn over(ayes: u128, nays: u128, turnout: u128) -> TestChain {
    open_proposal(CLOSE, |proposal| {
        (proposal.due, proposal.ayes, proposal.nays, proposal.turnout) = (0, ayes, nays, turnout);
    })
}

#[test]
fn a_count_before_the_vote_is_over_is_refused() {
    let on = open_proposal(CLOSE, |proposal| proposal.due = 1);
    refused(&over(0, 0, 0), &[], &on, "close/vote is over");
}

#[test]
fn a_second_count_is_refused() {
    let on = open_proposal(CLOSE, |proposal| (proposal.due, proposal.open) = (0, false));
    refused(&over(0, 0, 0), &[], &on, "close/proposal is open");
}

#[test]
fn an_enactment_beyond_the_last_block_is_refused() {
    let on = with_charter(over(0, 0, 0), |charter| charter.delay = u32::MAX);
    refused(&over(0, 0, 0), &[], &on, "close/first block of the enactment");
}

#[test]
fn a_rejected_proposal_left_as_passed_is_refused() {
    // One token short of the quorum, and a tie.
    let quorum = (BALANCE * 4 + TREASURY) * u128::from(QUORUM) / 1_000;
    for (on, passes) in [
        (over(quorum, 0, quorum), true),
        (over(quorum, 0, quorum - 1), false),
        (over(quorum, quorum, 2 * quorum), false),
    ] {
        let block = on.execute(&[]);
        let mut after =
            TestChain { chain: empty(CLOSE).chain, state: on.state.clone(), context: on.context.clone() };
        after.advance(&block);
        let left: Proposal = after.read(0).expect("a proposal");
        assert_eq!(left.passed, passes);
        if !passes {
            let mut forgery = Forgery::of(&on, &[]);
            forgery.slip_in::<Proposal>(0, Proposal { passed: true, ..left }.elements());
            forgery.refused_only_by("state/memory");
        }
    }
}

// Seats.

/// Three seats of accounts 0, 3 and 2, in turns of one relay block; account 1 had a fourth.
fn seats(count: u8) -> Authors {
    let mut seats = [Seat(0); SEATS];
    (seats[1], seats[2], seats[3]) = (Seat(3), Seat(2), Seat(1));
    // Account 0 authors at relay parent 100.
    Authors { rotating: true, turn: 1000, count, seats }
}

fn seating(account: u8, may_author: bool, seat: u8) -> Action {
    Action::Author { who: holder(account), may_author, seat: Some(seat) }
}

/// An enactment that is honest where it is account 3's seat 1 that is concerned, of another action.
#[track_caller]
fn seating_refused(honest: Action, lie: Action, on: &Authors, name: &'static str) {
    let honest = passed(honest, |_| ()).with(0, &seats(3));
    let on = passed(lie, |_| ()).with(0, on);
    refused(&honest, &[enact(&honest, 2, 0)], &on, name);
}

#[test]
fn a_seat_given_or_taken_where_there_is_none_is_refused() {
    seating_refused(seating(1, true, 3), seating(1, true, 4), &seats(3), "enact/seat after the last");
    seating_refused(seating(3, false, 1), seating(1, false, 3), &seats(3), "enact/seat is there");
    seating_refused(seating(3, false, 1), seating(3, false, 2), &seats(3), "enact/seat is the account's");
    seating_refused(seating(3, false, 1), seating(0, false, 0), &seats(1), "enact/a seat remains");
}

#[test]
fn another_seat_than_the_proposals_is_refused() {
    let on = passed(seating(1, true, 1), |_| ()).with(0, &seats(3));
    let witness = Forgery::of(&on, &[enact(&on, 2, 0)]).witness();
    let choosing = |seat: usize| (0..SEATS).map(|other| Fr::from(other == seat)).collect::<Vec<_>>();
    // The seats that it leaves would be others.
    with_hints("enact/slot[0]/seat/seat", &choosing(2), || {
        refused_by(&on, &witness, ["enact/seat", "block/state root"]);
    });
    let on = passed(seating(3, false, 1), |_| ()).with(0, &seats(3));
    let witness = Forgery::of(&on, &[enact(&on, 2, 0)]).witness();
    with_hints("enact/slot[0]/seat/last", &choosing(3), || {
        refused_by(&on, &witness, ["enact/last seat", "block/state root"]);
    });
}

#[test]
fn seats_that_no_enactment_changed_are_refused() {
    let on = passed(BURNS, |_| ()).with(0, &seats(3));
    let mut witness = Forgery::of(&on, &[enact(&on, 2, 0)]).witness();
    witness.statement[24] += Fr::ONE;
    let witness = restated(witness, 24, Fr::ZERO);
    refused_by(&on, &witness, ["block/state root"]);
}

#[test]
fn a_seats_word_that_is_none_is_refused() {
    let may = seating(2, true, 1);
    proposal_refused(may, SECOND, Fr::from(3u64), "action/seat");
    proposal_refused(may, SECOND, Fr::from(32u64), "action/seat");
}

// Enactments.

#[track_caller]
fn enactment_refused(action: Action, on: &TestChain, name: &'static str) {
    let honest = passed(action, |_| ());
    refused(&honest, &[enact(&honest, 2, 0)], on, name);
}

const SPENDS: u128 = 700;

fn spends() -> Action {
    Action::Spend { to: holder(3), amount: SPENDS }
}

#[test]
fn what_did_not_pass_is_not_enacted() {
    enactment_refused(BURNS, &passed(BURNS, |proposal| proposal.passed = false), "enact/proposal passed");
}

#[test]
fn an_upgrade_that_did_not_pass_is_not_enacted() {
    let upgrade = Action::Upgrade { code_hash: HASH };
    enactment_refused(upgrade, &passed(upgrade, |proposal| proposal.passed = false), "enact/proposal passed");
}

#[test]
fn what_is_not_due_is_not_enacted() {
    enactment_refused(BURNS, &passed(BURNS, |proposal| proposal.due = 2), "enact/delay");
}

#[test]
fn what_has_lapsed_is_not_enacted() {
    let on = with_charter(passed(BURNS, |proposal| proposal.due = 0), |charter| charter.window = 0);
    enactment_refused(BURNS, &on, "enact/window");
}

#[test]
fn more_than_the_treasury_holds_is_not_spent() {
    let on = with_charter(passed(spends(), |_| ()), |charter| charter.treasury = SPENDS - 1);
    enactment_refused(spends(), &on, "enact/treasury");
}

#[test]
fn another_key_than_the_proposals_is_not_paid() {
    let other = Holder { key: holder(1).key, ..holder(3) };
    let on = passed(Action::Spend { to: other, amount: SPENDS }, |_| ());
    enactment_refused(spends(), &on, "enact/account's key");
}

/// The account concerned is the one that enacts: nobody could import the block.
#[test]
fn what_concerns_its_sender_is_not_enacted() {
    let on = passed(spends(), |_| ());
    let own = || Forgery::of(&on, &[enact(&on, 2, 0)]).changed(|slot| slot.sender = 3);
    own().refused_by(["state/one view of a place", "state/memory"]);
    let before: Account = on.read(3).expect("an account");
    let after = Account { balance: before.balance - u128::from(FEE), nonce: 1, ..before };
    let mut forgery = own();
    forgery.foresee::<Account>(3, after.elements());
    forgery.refused_only_by("state/one view of a place");
}

// What is proven is imported, whether or not an honest author would have taken it.

#[test]
fn a_vote_without_a_stake_is_imported() {
    let on = open_proposal(VOTE, |_| ());
    let voted = Forgery::of(&on, &[vote(&on, 2, 0, AYE)]);
    voted.changed(|slot| slot.inputs[STAKE] = Fr::ZERO).accepted();
}

#[test]
fn an_unlock_of_nothing_is_imported() {
    let ballot = Ballot { number: 1, until: 1, stake: 500 };
    let honest = empty(UNLOCK).with(BALLOT, &ballot);
    let on = empty(UNLOCK).with(BALLOT, &Ballot { stake: 0, ..ballot });
    let mut forgery = Forgery::of(&honest, &[unlock(&honest, 2, 0, 1)]);
    forgery.on = &on;
    forgery.accepted();
}

/// More is minted than there may be, and burned in the same block.
#[test]
fn a_mint_that_a_burn_makes_room_for_is_imported() {
    let enactments: Slots = [0, 0, 0, 0, 0, 0, 0, 2];
    let passed = |place: u32, number: u32, action: Action, on: TestChain| {
        let passed = Proposal { open: false, passed: true, due: 1, deposit: 0, number, ..proposed(action) };
        on.with(place, &passed)
    };
    let mint = Action::Mint { to: holder(3), amount: SPENDS };
    let on = passed(1, 2, Action::Burn { amount: SPENDS }, passed(0, 1, mint, empty(enactments)));
    let parameters: Parameters = on.read(0).expect("parameters");
    let full = passed(1, 2, Action::Burn { amount: SPENDS }, passed(0, 1, mint, empty(enactments)))
        .with(0, &Parameters { total_issuance: MAX_ISSUANCE - 1, ..parameters });
    let mut forgery = Forgery::of(&on, &[enact(&on, 2, 0), enact(&on, 1, 1)]);
    forgery.on = &full;
    forgery.accepted();
}

#[test]
fn a_receiver_wrapping_at_128_bits_is_refused() {
    let on = passed(spends(), |_| ()).with_account(3, |account| account.balance = u128::MAX - 5);
    enactment_refused(spends(), &on, "enact/receiver's balance");
}

#[test]
fn a_mint_beyond_the_largest_issuance_is_refused() {
    let mint = Action::Mint { to: holder(3), amount: SPENDS };
    let on = passed(mint, |_| ());
    let parameters: Parameters = on.read(0).expect("parameters");
    let on = on.with(0, &Parameters { total_issuance: MAX_ISSUANCE - SPENDS, ..parameters });
    enactment_refused(mint, &on, "runtime/issuance");
}

#[test]
fn a_second_upgrade_in_a_block_is_refused() {
    let upgrade = Action::Upgrade { code_hash: HASH };
    let on = with_charter(passed(upgrade, |_| ()), |charter| charter.upgraded = 1);
    enactment_refused(upgrade, &on, "enact/one upgrade a block");
}

#[test]
fn an_upgrade_that_nobody_enacts_or_another_than_the_enacted_is_refused() {
    let on = empty(ENACT);
    let none = Forgery::of(&on, &[]).witness();
    for limb in [33, 34] {
        refused_by(&on, &restated(none.clone(), limb, Fr::ONE), ["runtime/upgrade"]);
    }
    let on = passed(Action::Upgrade { code_hash: HASH }, |_| ());
    let one = Forgery::of(&on, &[enact(&on, 2, 0)]).witness();
    refused_by(&on, &restated(one.clone(), 33, Fr::ONE), ["runtime/upgrade"]);
    // An enacted upgrade that the statement does not tell.
    let hidden = restated(one.clone(), 33, -one.statement[33]);
    refused_by(&on, &restated(hidden, 34, -one.statement[34]), ["runtime/upgrade"]);
}

#[test]
fn a_treasury_that_is_not_lowered_is_refused() {
    let on = passed(spends(), |_| ());
    let account: Account = on.read(3).expect("an account");
    let mut forgery = Forgery::of(&on, &[enact(&on, 2, 0)]);
    forgery.slip_in::<Account>(3, Account { balance: account.balance + 2 * SPENDS, ..account }.elements());
    forgery.refused_only_by("state/memory");
}
