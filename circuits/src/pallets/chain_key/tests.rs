//! When a key comes into force, who can go on from the block then, and what random calls lead to.

use std::collections::BTreeSet;

use proptest::prelude::*;
use zkpov_verifier::field::{Fr, decode};

use super::testing::*;
use crate::{
    pallets::governance::{Action, testing as council},
    runtime::{
        ApplyError, Authors, Chain, Execution, ExecutionError, KeysError, SEATS,
        testing::cases,
        vault::{Rotation, commitment},
    },
    state::Element,
};

const NEXT: u64 = 77;

/// Whether a key reads a block of the chain in this state.
fn reads(on: &TestChain, number: u64, block: &Execution) -> bool {
    let elements: Vec<Fr> = block
        .body
        .chunks(32)
        .map(|bytes| decode(bytes.try_into().expect("32 bytes")).expect("canonical"))
        .collect();
    let mut secrets = vault(on).secrets.clone();
    secrets.chain_key = chain_key(number);
    secrets.open(on.context.parent.state_root, &on.tier().lanes, &elements).is_some()
}

fn in_force(on: &TestChain) -> Fr {
    vault(on).secrets.chain_key.0
}

#[test]
fn a_key_comes_into_force_with_the_block_after_the_last_collator_signed_and_never_before() {
    let mut on = chain(slots(1), &[0, 1, 2], &[NEXT]);
    for (account, new) in [(1, true), (0, false), (2, false)] {
        let before = vault(&on);
        let block = on.execute(&[hold(&on, account, NEXT, new)]);
        assert!(block.refused.is_empty(), "{:?}", block.refused);
        assert!(reads(&on, FIRST_KEY, &block) && !reads(&on, NEXT, &block));
        on.check(&block);
        on.advance(&block);
        assert_eq!(in_force(&on), Fr::from(FIRST_KEY));
        assert_ne!(before.secrets.salt, vault(&on).secrets.salt);
    }
    assert_eq!(vault(&on).rotation.holders[..4], [2, 1, 3, 0]);
    author(&mut on, 2);
    let block = on.execute(&[transfer(&on, 3, 4, 500)]);
    assert!(!reads(&on, FIRST_KEY, &block) && reads(&on, NEXT, &block), "the first body under the new key");
    on.check(&block);
    on.advance(&block);
    assert_eq!((in_force(&on), vault(&on).rotation), (Fr::from(NEXT), Rotation::NONE));
    on.context.chain_keys.clear();
    on.prove_and_advance(&[transfer(&on, 3, 4, 500)]);
}

#[test]
fn several_collators_sign_in_one_block() {
    let mut on = chain(slots(3), &[0, 1, 2], &[NEXT]);
    let calls = [hold(&on, 0, NEXT, true), hold(&on, 1, NEXT, false), hold(&on, 2, NEXT, false)];
    on.prove_and_advance(&calls);
    on.prove_and_advance(&[]);
    assert_eq!(in_force(&on), Fr::from(NEXT));
}

/// From the seat that governance takes to the first body that the one who had it cannot read.
#[test]
fn a_second_collator_imports_across_the_rotation_and_who_left_reads_nothing_after_it() {
    let mut slots = slots(1);
    slots[9] = 1;
    let leaves = Action::Author { who: council::holder(2), may_author: false, seat: Some(2) };
    let mut on = council::with_passed(chain(slots, &[0, 1, 2], &[NEXT]), leaves);
    author(&mut on, 0);
    let mut second = (on.state.clone(), on.context.clone());
    let mut left = (on.state.clone(), on.context.clone());
    left.1.chain_keys.clear();

    let mut follow = |on: &mut TestChain, calls: &[crate::runtime::Extrinsic]| {
        let block = on.execute(calls);
        assert_eq!(block.included.len(), calls.len(), "{:?}", block.refused);
        on.check(&block);
        let mut applied = Vec::new();
        for (state, context) in [&mut second, &mut left] {
            context.parent = on.context.parent;
            context.author = on.context.author;
            context.author_key = on.context.author_key;
            context.relay_parent_number = on.context.relay_parent_number;
            let result = on.chain.apply(state, context, block.tier, &block.used_slots, &block.body);
            applied.push(result.map(|applied| {
                assert_eq!(applied.state_root, block.state_root);
                state.extend(applied.changes);
            }));
        }
        let left = applied.pop().expect("two");
        assert!(applied.pop().expect("two").is_ok(), "the second collator goes on");
        on.advance(&block);
        (left, block)
    };
    let calls = [council::enact(&on, 3, 0), hold(&on, 0, NEXT, true)];
    assert!(follow(&mut on, &calls).0.is_ok());
    assert_eq!(on.read::<Authors>(0).expect("authors").count, 2);
    author(&mut on, 0);
    let calls = [hold(&on, 1, NEXT, false)];
    assert!(follow(&mut on, &calls).0.is_ok(), "up to here under the old key");
    author(&mut on, 1);
    let before = vault(&on);
    let calls = [transfer(&on, 3, 4, 500)];
    let (refused, block) = follow(&mut on, &calls);
    assert!(matches!(
        refused,
        Err(ApplyError::Keys(KeysError::Missing { commitment: found })) if found == commitment(&chain_key(NEXT))
    ));
    // All that who left knows is the vault before: its key reads nothing.
    let elements: Vec<Fr> = block
        .body
        .chunks(32)
        .map(|bytes| decode(bytes.try_into().expect("32 bytes")).expect("canonical"))
        .collect();
    let root = left.1.parent.state_root;
    assert!(before.secrets.open(root, &on.tier().lanes, &elements).is_none());
}

#[test]
fn a_collator_who_leaves_is_no_longer_waited_for() {
    let on = chain(slots(1), &[0, 1, 2], &[NEXT]);
    let waiting = pending(on, NEXT, &[0, 1]);
    assert!(vault(&waiting).due(&waiting.read(0).expect("authors")).is_none());
    let mut on = seated(waiting, &[0, 1]);
    on.prove_and_advance(&[]);
    assert_eq!(in_force(&on), Fr::from(NEXT));
}

#[test]
fn a_key_that_a_collator_has_who_left_never_comes_into_force_and_another_does() {
    let mut on = seated(pending(chain(slots(1), &[0, 1, 2], &[NEXT, 78]), NEXT, &[0, 1, 2]), &[0, 1]);
    on.prove_and_advance(&[]);
    assert_eq!(in_force(&on), Fr::from(FIRST_KEY));
    on.prove_and_advance(&[hold(&on, 1, 78, true)]);
    on.prove_and_advance(&[hold(&on, 0, 78, false)]);
    on.prove_and_advance(&[]);
    assert_eq!(in_force(&on), Fr::from(78));
}

#[test]
fn a_collator_who_comes_meanwhile_is_waited_for() {
    let mut on = seated(pending(chain(slots(1), &[0, 1], &[NEXT]), NEXT, &[0, 1]), &[0, 1, 3]);
    on.prove_and_advance(&[hold(&on, 3, NEXT, false)]);
    assert_eq!(in_force(&on), Fr::from(FIRST_KEY));
    on.prove_and_advance(&[]);
    assert_eq!(in_force(&on), Fr::from(NEXT));
}

#[test]
fn an_account_with_two_seats_signs_once() {
    let mut on = chain(slots(1), &[0, 1, 0], &[NEXT]);
    on.prove_and_advance(&[hold(&on, 0, NEXT, true)]);
    on.prove_and_advance(&[hold(&on, 1, NEXT, false)]);
    on.prove_and_advance(&[]);
    assert_eq!(in_force(&on), Fr::from(NEXT));
}

#[test]
fn an_author_without_the_key_in_force_is_told_which_one_it_lacks() {
    let mut on = pending(chain(slots(1), &[0], &[]), NEXT, &[0]);
    author(&mut on, 0);
    let refused = on.chain.execute(&on.state, &on.context, None, &[]).map(drop);
    let Err(ExecutionError::Keys(error)) = refused else { panic!("{refused:?}") };
    let expected = zkpov_verifier::field::encode(&commitment(&chain_key(NEXT)));
    assert!(error.to_string().contains(&hex::encode(expected)), "{error}");
    assert!(!error.to_string().contains("77)"), "the key itself is not shown");
}

#[test]
fn a_call_that_changes_nothing_is_refused_with_its_reason() {
    let on = pending(chain(slots(1), &[0, 1], &[NEXT]), NEXT, &[0]);
    let reason = |call| {
        let block = on.execute(&[call]);
        block.refused.first().map(|(_, reason)| reason.to_string()).unwrap_or_default()
    };
    assert!(reason(hold(&on, 3, NEXT, false)).contains("no seat"));
    assert!(reason(hold(&on, 3, NEXT, true)).contains("no seat"));
    assert!(reason(hold(&on, 0, NEXT, false)).contains("already"));
    assert!(reason(hold(&on, 1, 5, false)).contains("no key of this commitment is pending"));
    let on = pending(on, NEXT, &[0, 2, 3, 4, 5, 6, 7, 8]);
    let block = on.execute(&[hold(&on, 1, NEXT, false)]);
    assert!(block.refused[0].1.to_string().contains("bring a new one"));
}

proptest! {
    /// The rotation is complete just if its holders are the seats, as sets.
    #[test]
    fn completeness_is_equality_of_sets(
        seats in prop::collection::vec(0u32..5, 1..=SEATS),
        holders in prop::collection::vec(0u32..5, 0..=SEATS),
    ) {
        let mut roster = [0; SEATS];
        let mut rotation = Rotation { next: Element(Fr::from(1u64)), holders: [0; SEATS] };
        for (place, seat) in roster.iter_mut().zip(&seats) { *place = seat + 1; }
        for (place, holder) in rotation.holders.iter_mut().zip(&holders) { *place = holder + 1; }
        let sets = [&seats, &holders].map(|list| list.iter().collect::<BTreeSet<_>>());
        prop_assert_eq!(rotation.is_complete(&roster), sets[0] == sets[1]);
    }
}

/// What a random history does.
#[derive(Clone, Debug)]
enum Step {
    Hold { sender: u8, number: u64, new: bool },
    Seats(Vec<u32>),
    Nothing,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..4, 20u64..23, prop::bool::weighted(0.3))
            .prop_map(|(sender, number, new)| Step::Hold { sender, number, new }),
        1 => prop::collection::vec(0u32..4, 1..4).prop_map(Step::Seats),
        1 => Just(Step::Nothing),
    ]
}

/// The rotation in words of sets.
#[derive(Debug)]
struct Model {
    key: u64,
    seats: BTreeSet<u32>,
    pending: Option<(u64, BTreeSet<u32>)>,
}

impl Model {
    fn begin(&mut self) {
        if let Some((number, _)) = self.pending.take_if(|(_, holders)| *holders == self.seats) {
            self.key = number;
        }
    }

    fn hold(&mut self, sender: u32, number: u64, new: bool) {
        match &mut self.pending {
            _ if !self.seats.contains(&sender) => (),
            pending if new => *pending = Some((number, [sender].into())),
            Some((found, holders)) if *found == number => {
                holders.insert(sender);
            }
            _ => (),
        }
    }
}

proptest! {
    #![proptest_config(cases(24))]

    /// Random calls and random changes of seats lead to what a model in words of sets says.
    #[test]
    fn random_histories_are_what_sets_say(steps in prop::collection::vec(step(), 1..16)) {
        let mut on = chain(slots(1), &[0, 1], &[20, 21, 22]);
        let mut model = Model { key: FIRST_KEY, seats: [0, 1].into(), pending: None };
        for step in steps {
            let calls = match step {
                Step::Hold { sender, number, new } => vec![(sender, number, new)],
                Step::Seats(seats) => {
                    on = seated(on, &seats);
                    model.seats = seats.into_iter().collect();
                    vec![]
                }
                Step::Nothing => vec![],
            };
            let signed: Vec<_> =
                calls.iter().map(|(sender, number, new)| hold(&on, *sender, *number, *new)).collect();
            let block = on.execute(&signed);
            on.advance(&block);
            model.begin();
            for (sender, number, new) in calls {
                model.hold(sender.into(), number, new);
            }
            let vault = vault(&on);
            prop_assert_eq!(vault.secrets.chain_key.0, Fr::from(model.key));
            let holders: BTreeSet<u32> =
                vault.rotation.holders.iter().filter(|mark| **mark != 0).map(|mark| mark - 1).collect();
            let expected = model.pending.as_ref().map(|(_, holders)| holders.clone()).unwrap_or_default();
            prop_assert_eq!(holders, expected);
        }
    }
}
