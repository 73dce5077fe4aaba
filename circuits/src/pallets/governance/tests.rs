//! What governance does, and what holds whatever is called.

use proptest::prelude::*;
use zkpov_verifier::field::limbs_of_hash;

use super::{testing::*, *};
use crate::{
    runtime::{Account, Authors, Chain, Parameters, Seat},
    state::Value,
};

const AYE: Opinion = Opinion { aye: true, conviction: 1, stake: 300_000 };
const NAY: Opinion = Opinion { aye: false, conviction: 1, stake: 100_000 };
const HASH: [u8; 32] = [0xc5; 32];

fn advance(on: &mut TestChain, blocks: u32) {
    for _ in 0..blocks {
        let block = on.execute(&[]);
        on.advance(&block);
    }
}

/// Puts `action` through: proposed by account 1, voted for by account 2, passed and due in the next block.
fn passed(on: &mut TestChain, action: Action) {
    on.prove_and_advance(&[propose(on, 1, action)]);
    on.prove_and_advance(&[vote(on, 2, 0, AYE)]);
    // The rest of the vote, the count, the delay.
    advance(on, PERIOD + DELAY);
    assert!(on.read::<Proposal>(0).expect("a proposal").passed);
}

fn balance(on: &TestChain, account: u32) -> u128 {
    on.read::<Account>(account).expect("an account").balance
}

/// Balances, stakes, deposits and the treasury.
pub(super) fn held(on: &TestChain) -> u128 {
    let accounts: u128 = (0..8).filter_map(|i| on.read::<Account>(i)).map(|account| account.balance).sum();
    let deposits: u128 = (0..8).filter_map(|i| on.read::<Proposal>(i)).map(|proposal| proposal.deposit).sum();
    let stakes: u128 = (0..64).filter_map(|i| on.read::<Ballot>(i)).map(|ballot| ballot.stake).sum();
    accounts + deposits + stakes + charter(on).treasury
}

pub(super) fn issuance(on: &TestChain) -> u128 {
    on.read::<Parameters>(0).expect("parameters").total_issuance
}

#[test]
fn a_spend_goes_through_all_its_stages_in_the_circuit() {
    let mut on = chain(ONE_OF_EACH, 5);
    let action = Action::Spend { to: holder(3), amount: 7_000 };
    on.prove_and_advance(&[propose(&on, 1, action)]);
    assert_eq!(balance(&on, 1), BALANCE - BOND - u128::from(FEE));
    on.prove_and_advance(&[vote(&on, 2, 0, AYE)]);
    on.prove_and_advance(&[vote(&on, 4, 0, NAY), donate(&on, 1, 33)]);
    let open: Proposal = on.read(0).expect("a proposal");
    assert_eq!((open.ayes, open.nays, open.turnout), (3_000_000, 1_000_000, 400_000));
    // The vote is over and counted with nobody's call.
    let block = on.prove_and_advance(&[]);
    assert_eq!(block.used_slots, [0, 0, 0, 0, 0, 0, 1, 0]);
    assert_eq!(balance(&on, 1), BALANCE - 33 - 2 * u128::from(FEE));
    assert!(on.refusal(&enact(&on, 2, 0)).contains("from block 6 on"));
    advance(&mut on, 1);
    on.prove_and_advance(&[enact(&on, 2, 0)]);
    assert_eq!(balance(&on, 3), BALANCE + 7_000);
    assert_eq!(charter(&on).treasury, TREASURY + 33 - 7_000);
    assert!(on.refusal(&enact(&on, 2, 0)).contains("is enacted"));
    assert_eq!(held(&on), issuance(&on));
}

#[test]
fn a_rejected_proposal_loses_its_deposit_to_the_treasury() {
    let mut on = chain(ONE_OF_EACH, 5);
    on.prove_and_advance(&[propose(&on, 1, Action::Burn { amount: 5 })]);
    on.prove_and_advance(&[vote(&on, 2, 0, NAY)]);
    advance(&mut on, PERIOD);
    assert_eq!(charter(&on).treasury, TREASURY + BOND);
    assert!(on.refusal(&enact(&on, 2, 0)).contains("did not pass"));
    assert_eq!(held(&on), issuance(&on));
}

#[test]
fn the_quorum_is_met_by_exactly_its_share_and_a_tie_is_no_majority() {
    let quorum = |on: &TestChain| issuance(on) * u128::from(QUORUM) / 1_000;
    for (short, nays, passes) in [(0, 0, true), (1, 0, false), (0, 1, false)] {
        let mut on = chain([0, 0, 1, 2, 0, 0, 1, 0].map(|slots: u32| slots.max(1)), 5);
        assert_eq!(issuance(&on) * u128::from(QUORUM) % 1_000, 0);
        on.prove_and_advance(&[propose(&on, 1, Action::Burn { amount: 5 })]);
        let stake = quorum(&on) - short;
        let mut votes = vec![vote(&on, 2, 0, Opinion { aye: true, conviction: 0, stake })];
        if nays == 1 {
            votes.push(vote(&on, 3, 0, Opinion { aye: false, conviction: 0, stake }));
        }
        on.prove_and_advance(&votes);
        advance(&mut on, 1);
        on.prove_and_advance(&[]);
        assert_eq!(on.read::<Proposal>(0).expect("one").passed, passes, "{short} {nays}");
    }
}

#[test]
fn every_kind_of_action_does_what_it_says() {
    let parameters =
        Action::Parameters { existential_deposit: 700, minimum_fee: 5, permissioned_authors: false };
    let mut on = chain(ONE_OF_EACH, 5);
    passed(&mut on, parameters);
    on.prove_and_advance(&[enact(&on, 2, 0)]);
    let after: Parameters = on.read(0).expect("parameters");
    assert_eq!((after.existential_deposit, after.minimum_fee, after.permissioned_authors), (700, 5, false));

    let mut on = chain(ONE_OF_EACH, 5);
    let before = issuance(&on);
    passed(&mut on, Action::Mint { to: holder(3), amount: 900 });
    on.prove_and_advance(&[enact(&on, 2, 0)]);
    assert_eq!((balance(&on, 3), issuance(&on)), (BALANCE + 900, before + 900));
    passed(&mut on, Action::Burn { amount: 400 });
    on.prove_and_advance(&[enact(&on, 2, 0)]);
    assert_eq!((charter(&on).treasury, issuance(&on)), (TREASURY - 400, before + 500));
    assert_eq!(held(&on), issuance(&on));
    passed(&mut on, Action::Author { who: holder(3), may_author: true, seat: None });
    on.prove_and_advance(&[enact(&on, 2, 0)]);
    assert!(on.read::<Account>(3).expect("an account").may_author);
    (on.context.author, on.context.author_key) = (3, key(3));
    passed(&mut on, Action::Author { who: holder(0), may_author: false, seat: None });
    on.prove_and_advance(&[enact(&on, 2, 0)]);
    assert!(!on.read::<Account>(0).expect("an account").may_author);
}

/// The chain of four accounts, of whom 0 and 1 take turns of ten relay blocks.
fn taking_turns() -> TestChain {
    let mut spec: serde_json::Value = serde_json::from_str(&spec(4)).expect("JSON");
    spec["accounts"][1]["may_author"] = true.into();
    spec["rotation"] = serde_json::json!({ "turn": 10, "seats": [0, 1] });
    let chain = chain(ONE_OF_EACH, 4).chain;
    TestChain::new(chain, &spec.to_string())
}

/// Whether account `author` may author at `relay_parent`, and what it is told if not.
fn authors(on: &mut TestChain, author: u8, relay_parent: u32) -> Result<(), String> {
    (on.context.author, on.context.author_key) = (author.into(), key(author));
    on.context.relay_parent_number = relay_parent;
    let block = on.chain.execute(&on.state, &on.context, None, &[]).map_err(|error| error.to_string())?;
    on.check(&block);
    Ok(())
}

#[test]
fn seats_are_given_and_taken_and_their_accounts_author_in_turn() {
    let mut on = taking_turns();
    assert_eq!(authors(&mut on, 0, 100), Ok(()));
    let told = authors(&mut on, 1, 100).expect_err("out of turn");
    assert_eq!(
        told,
        "at relay parent 100 it is account 0's turn to author; the next turn of account 1 begins with relay parent 110"
    );
    assert!(authors(&mut on, 3, 100).expect_err("no seat").contains("may not author"));
    assert_eq!(authors(&mut on, 1, 119), Ok(()));

    assert_eq!(authors(&mut on, 0, 100), Ok(()));
    let give = Action::Author { who: holder(3), may_author: true, seat: Some(2) };
    passed(&mut on, give);
    on.prove_and_advance(&[enact(&on, 2, 0)]);
    let seats: Authors = on.read(0).expect("seats");
    assert_eq!((seats.count, seats.seats[..3].to_vec()), (3, vec![Seat(0), Seat(1), Seat(3)]));
    assert_eq!(authors(&mut on, 1, 100), Ok(()), "ten turns are three rounds and one");
    assert_eq!(authors(&mut on, 3, 110), Ok(()));

    let take = Action::Author { who: holder(0), may_author: false, seat: Some(0) };
    passed(&mut on, take);
    on.prove_and_advance(&[enact(&on, 2, 0)]);
    let seats: Authors = on.read(0).expect("seats");
    assert_eq!((seats.count, seats.seats[..2].to_vec()), (2, vec![Seat(3), Seat(1)]));
    assert_eq!(authors(&mut on, 3, 120), Ok(()));
    assert!(authors(&mut on, 0, 120).expect_err("removed").contains("may not author"));

    assert_eq!(authors(&mut on, 3, 120), Ok(()));
    for (action, why) in [
        (Action::Author { who: holder(0), may_author: true, seat: Some(3) }, "seat 2 is the next"),
        (Action::Author { who: holder(1), may_author: false, seat: Some(0) }, "is account 3's"),
        (Action::Author { who: holder(1), may_author: false, seat: Some(5) }, "there are 2 seats"),
    ] {
        on = with_passed(on, action);
        assert!(on.refusal(&enact(&on, 2, 0)).contains(why), "{why}");
    }
    let mut still = chain(ONE_OF_EACH, 5);
    passed(&mut still, Action::Author { who: holder(1), may_author: true, seat: Some(0) });
    assert!(still.refusal(&enact(&still, 2, 0)).contains("take no turns"));
}

#[test]
fn a_rotation_that_makes_no_sense_is_refused_with_a_reason() {
    let with = |rotation: serde_json::Value, permissioned: bool| {
        let mut spec: serde_json::Value = serde_json::from_str(&spec(4)).expect("JSON");
        spec["rotation"] = rotation;
        spec["parameters"]["permissioned_authors"] = permissioned.into();
        chain(ONE_OF_EACH, 4).chain.genesis(&spec.to_string()).map(drop).map_err(|error| error.to_string())
    };
    use serde_json::json;
    assert_eq!(with(json!({ "turn": 1, "seats": [0] }), true), Ok(()));
    for (rotation, permissioned, why) in [
        (json!({ "turn": 1, "seats": [0] }), false, "permissioned"),
        (json!({ "turn": 0, "seats": [0] }), true, "at least one relay block"),
        (json!({ "turn": 1, "seats": [] }), true, "0 seats"),
        (json!({ "turn": 1, "seats": vec![0; 9] }), true, "9 seats"),
        (json!({ "turn": 1, "seats": [0, 1] }), true, "account 1 is not one"),
        (json!({ "turn": 1, "seats": [9] }), true, "account 9 is not one"),
    ] {
        assert!(with(rotation, permissioned).expect_err(why).contains(why), "{why}");
    }
}

#[test]
fn mints_beyond_the_largest_issuance_leave_the_block_without_the_second() {
    let mut on = chain([1, 1, 1, 1, 1, 1, 1, 2], 5);
    let mint = |to: u8| Action::Mint { to: holder(to), amount: 900 };
    let parameters: Parameters = on.read(0).expect("parameters");
    on = on
        .with(0, &Parameters { total_issuance: crate::runtime::account::MAX_ISSUANCE - 1_000, ..parameters });
    let due = on.context.parent.number + 1;
    for (place, to) in [(0u32, 3), (1, 4)] {
        let passed = Proposal { open: false, passed: true, due, deposit: 0, ..proposed(mint(to)) };
        on = on.with(place, &Proposal { number: place + 1, ..passed });
    }
    let block = on.execute(&[enact(&on, 1, 0), enact(&on, 2, 1)]);
    assert_eq!(block.included, [0]);
    let [(1, refusal)] = block.refused.as_slice() else { panic!("{:?}", block.refused) };
    assert!(refusal.to_string().contains("more would be issued"), "{refusal}");
    on.check(&block);
}

#[test]
fn an_enacted_upgrade_is_in_the_statement_and_no_other_block_has_one() {
    let mut on = chain(ONE_OF_EACH, 5);
    passed(&mut on, Action::Upgrade { code_hash: HASH });
    let block = on.prove_and_advance(&[enact(&on, 2, 0)]);
    assert_eq!(block.statement.upgrade, Some(HASH));
    assert_eq!(block.statement.elements()[33..35], limbs_of_hash(HASH));
    assert_eq!(on.execute(&[]).statement.upgrade, None);
}

#[test]
fn a_block_takes_one_upgrade_of_two() {
    let on = chain([1, 1, 1, 1, 1, 1, 1, 2], 5);
    let on = with_passed(on, Action::Upgrade { code_hash: HASH });
    let second = Proposal { number: 2, ..on.read(0).expect("one") };
    let on = on.with(1, &second);
    let block = on.execute(&[enact(&on, 2, 0), enact(&on, 3, 1)]);
    assert_eq!((block.included.len(), block.refused.len()), (1, 1));
    assert!(block.refused[0].1.to_string().contains("an upgrade already"));
    on.check(&block);
}

#[test]
fn a_stake_comes_back_when_its_lock_is_over_and_not_before() {
    let mut on = chain(ONE_OF_EACH, 5);
    on.prove_and_advance(&[propose(&on, 1, Action::Burn { amount: 5 })]);
    on.prove_and_advance(&[vote(&on, 2, 0, Opinion { conviction: 2, ..AYE })]);
    let ballot: Ballot = on.read(2).expect("a ballot");
    assert_eq!(ballot.until, 1 + PERIOD + 1 + 2 * LOCK);
    while on.context.parent.number + 1 < ballot.until {
        assert!(on.refusal(&unlock(&on, 2, 0, 1)).contains("locked before block"));
        advance(&mut on, 1);
    }
    on.prove_and_advance(&[unlock(&on, 2, 0, 1)]);
    assert_eq!(balance(&on, 2), BALANCE - 2 * u128::from(FEE));
    assert!(on.refusal(&unlock(&on, 2, 0, 1)).contains("no stake"));
    assert_eq!(held(&on), issuance(&on));
}

#[test]
fn a_locked_stake_votes_on_what_comes_to_its_place_and_its_lock_does_not_shorten() {
    let mut on = chain(ONE_OF_EACH, 5);
    on.prove_and_advance(&[propose(&on, 1, Action::Burn { amount: 5 })]);
    on.prove_and_advance(&[vote(&on, 2, 0, Opinion { conviction: 6, aye: false, stake: 10_000 })]);
    let first: Ballot = on.read(2).expect("a ballot");
    advance(&mut on, PERIOD);
    on.prove_and_advance(&[propose(&on, 1, Action::Burn { amount: 6 })]);
    let less = Opinion { conviction: 0, aye: true, stake: 9_999 };
    assert!(on.refusal(&vote(&on, 2, 0, less)).contains("has 10000 already"));
    on.prove_and_advance(&[vote(&on, 2, 0, Opinion { stake: 10_500, ..less })]);
    let second: Ballot = on.read(2).expect("a ballot");
    assert_eq!((second.number, second.until, second.stake), (2, first.until, 10_500));
    let proposal: Proposal = on.read(0).expect("one");
    assert_eq!((proposal.number, proposal.ayes, proposal.turnout), (2, 10_500, 10_500));
    assert!(on.refusal(&vote(&on, 2, 0, less)).contains("has voted"));
    assert_eq!(held(&on), issuance(&on));
}

#[test]
fn a_proposal_that_is_not_enacted_in_time_makes_room() {
    let mut on = chain(ONE_OF_EACH, 5);
    passed(&mut on, Action::Burn { amount: TREASURY + 1 });
    assert!(on.refusal(&enact(&on, 2, 0)).contains("the treasury holds"));
    advance(&mut on, WINDOW - 1);
    on.prove_and_advance(&[propose(&on, 1, Action::Burn { amount: 1 })]);
    // Within the window it still had its place.
    assert_eq!(on.read::<Proposal>(1).expect("one").number, 2);
    advance(&mut on, 1);
    assert!(on.refusal(&enact(&on, 2, 0)).contains("not enacted in time"));
    on.prove_and_advance(&[propose(&on, 1, Action::Burn { amount: 1 })]);
    assert_eq!(on.read::<Proposal>(0).expect("one").number, 3);
}

#[test]
fn refusals_name_their_cause() {
    let on = chain(ONE_OF_EACH, 5);
    assert!(on.refusal(&vote(&on, 2, 0, AYE)).contains("takes no votes"));
    assert!(on.refusal(&enact(&on, 2, 0)).contains("did not pass"));
    assert!(on.refusal(&unlock(&on, 2, 0, 1)).contains("no stake"));
    assert!(on.refusal(&unlock(&on, 2, 256, 1)).contains("no place 256"));
    assert!(on.refusal(&donate(&on, 2, BALANCE)).contains("can spend"));
    let beyond = Holder { account: 8.into(), ..holder(3) };
    assert!(on.refusal(&propose(&on, 1, Action::Mint { to: beyond, amount: 1 })).contains("places for 8"));
    let deposit = Action::Parameters {
        existential_deposit: 1 << action::DEPOSIT_BITS,
        minimum_fee: 1,
        permissioned_authors: true,
    };
    assert!(on.refusal(&propose(&on, 1, deposit)).contains("120 bits"));
    let on = with_passed(on, Action::Spend { to: holder(2), amount: 1 });
    assert!(on.refusal(&enact(&on, 2, 0)).contains("another account"));
    let on = with_proposal(on, &proposed(Action::Burn { amount: 1 }));
    let voice = |number, amount| vote_on(&on, 2, (0, number, Action::Burn { amount }), AYE);
    assert!(on.refusal(&voice(2, 1)).contains("not the one that is voted on"));
    assert!(on.refusal(&voice(1, 2)).contains("not the one that is voted on"));
    assert!(on.refusal(&vote(&on, 2, 0, Opinion { stake: BALANCE, ..AYE })).contains("can stake"));
}

// Actions.

fn actions() -> impl Strategy<Value = Action> {
    prop_oneof![
        (0u128..1 << action::DEPOSIT_BITS, any::<u64>(), any::<bool>()).prop_map(|(deposit, fee, flag)| {
            Action::Parameters { existential_deposit: deposit, minimum_fee: fee, permissioned_authors: flag }
        }),
        (0u8..5, any::<u128>()).prop_map(|(to, amount)| Action::Spend { to: holder(to), amount }),
        (0u8..5, any::<u128>()).prop_map(|(to, amount)| Action::Mint { to: holder(to), amount }),
        any::<u128>().prop_map(|amount| Action::Burn { amount }),
        (0u8..5, any::<bool>()).prop_map(|(who, may_author)| Action::Author {
            who: holder(who),
            may_author,
            seat: None
        }),
        any::<[u8; 32]>().prop_map(|code_hash| Action::Upgrade { code_hash }),
    ]
}

proptest! {
    #[test]
    fn elements_json_and_bytes_of_an_action_say_the_same(action in actions()) {
        prop_assert_eq!(Action::from_elements(&action.elements()), Some(action));
        prop_assert_eq!(Action::from_json(&action.to_json()), Ok(action));
        let bytes = codec::Encode::encode(&action);
        prop_assert_eq!(<Action as codec::DecodeAll>::decode_all(&mut bytes.as_slice()).ok(), Some(action));
    }

    #[test]
    fn an_element_of_an_action_changed_is_another_action_or_none(action in actions(), at in 0usize..11, by in 1u64..4) {
        let mut elements = action.elements();
        elements[at] += crate::Fr::from(by);
        let other = Action::from_elements(&elements);
        prop_assert_ne!(other, Some(action));
        prop_assert!(other.is_none_or(|other| other.elements() == elements));
    }
}
