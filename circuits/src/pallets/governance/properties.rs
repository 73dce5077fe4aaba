//! Random calls by the thousand, and a model in sums and sets that says what must come of those that blocks take.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use proptest::prelude::*;

use super::{
    testing::*,
    tests::{held, issuance},
    *,
};
use crate::{
    r1cs::R1cs,
    runtime::{
        Extrinsic,
        testing::{cases, proven_cases},
    },
};

/// Accounts of the chain, and places of the tree of them.
const ACCOUNTS: u8 = 5;
const PLACES: u32 = 8;

/// Slots of each lane: a few, so that blocks have several calls of a kind and some wait.
const SLOTS: Slots = [2, 1, 2, 4, 2, 1, 2, 2];

const HASH: [u8; 32] = [0xc5; 32];

/// What somebody tries: which call, who, and numbers that it makes of what it needs.
#[derive(Clone, Debug)]
struct Attempt {
    call: u8,
    sender: u8,
    place: u32,
    stake: u128,
    action: Action,
    aye: bool,
    conviction: u8,
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let action = prop_oneof![
        (0..ACCOUNTS, 0u128..2_000).prop_map(|(to, amount)| Action::Spend { to: holder(to), amount }),
        (0..ACCOUNTS, 0u128..2_000).prop_map(|(to, amount)| Action::Mint { to: holder(to), amount }),
        (0u128..2_000).prop_map(|amount| Action::Burn { amount }),
        Just(Action::Upgrade { code_hash: HASH }),
    ];
    (0u8..10, 0..ACCOUNTS, 0u32..3, 0u128..300_000, action, prop::bool::weighted(0.8), 0u8..7).prop_map(
        |(call, sender, place, stake, action, aye, conviction)| Attempt {
            call,
            sender,
            place,
            stake,
            action,
            aye,
            conviction,
        },
    )
}

fn blocks(count: usize) -> impl Strategy<Value = Vec<Vec<Attempt>>> {
    prop::collection::vec(prop::collection::vec(attempt(), 0..9), count)
}

impl Attempt {
    fn signed(&self, on: &TestChain) -> Extrinsic {
        let Self { call, sender, place, stake, action, aye, conviction } = *self;
        let ballot = ballot(on, place, sender);
        match call {
            0 => transfer(on, sender, (sender + 1) % ACCOUNTS, stake),
            1 | 2 => propose(on, sender, action),
            3..=5 => vote(on, sender, place, Opinion { aye, conviction, stake }),
            6 => unlock(on, sender, place, ballot.number),
            7 => donate(on, sender, stake / 100),
            _ => enact(on, sender, place),
        }
    }
}

fn ballot(on: &TestChain, place: u32, voter: u8) -> Ballot {
    let ballot: Option<Ballot> = on.read(place * PLACES + u32::from(voter));
    ballot.unwrap_or(Ballot { number: 0, until: 0, stake: 0 })
}

fn proposal(on: &TestChain, place: u32) -> Proposal {
    on.read(place).expect("genesis fills every place")
}

/// Votes counted for a proposal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tally {
    ayes: u128,
    nays: u128,
    turnout: u128,
}

impl Tally {
    fn of(proposal: &Proposal) -> Self {
        let Proposal { ayes, nays, turnout, .. } = *proposal;
        Self { ayes, nays, turnout }
    }

    /// Whether the proposal is accepted where so much is issued.
    fn accepts(self, issuance: u128) -> bool {
        self.ayes > self.nays && 1_000 * self.turnout >= u128::from(QUORUM) * issuance
    }
}

/// What the calls so far come to.
#[derive(Debug, Default)]
struct Model {
    /// By number of an open proposal.
    tallies: BTreeMap<u32, Tally>,
    /// Who voted on which.
    voted: BTreeSet<(u32, u8)>,
    /// By place and voter, the stake and the first block in which it comes back.
    stakes: BTreeMap<(u32, u8), (u128, u32)>,
    /// By number of a proposal that was accepted and not enacted, the first block in which it can be.
    passed: BTreeMap<u32, u32>,
    /// How many calls were taken, votes among them, and how many proposals were enacted.
    taken: [usize; 3],
}

impl Model {
    /// A call that block `number` takes, in the order of the block; `on` is the state before the block.
    fn take(&mut self, on: &TestChain, number: u32, attempt: &Attempt, next_proposal: &mut u32) {
        let Attempt { call, sender, place, stake, aye, conviction, .. } = *attempt;
        let proposal = proposal(on, place);
        self.taken[0] += 1;
        match call {
            1 | 2 => {
                let new = self.tallies.insert(*next_proposal, Tally::default());
                assert_eq!(new, None, "a number is given once");
                *next_proposal += 1;
            }
            3..=5 => {
                assert!(number <= proposal.due, "a vote after the period");
                assert!(self.voted.insert((proposal.number, sender)), "account {sender} votes twice");
                let tally = self.tallies.get_mut(&proposal.number).expect("only what is open is voted on");
                let conviction = Conviction::new(conviction).expect("a conviction");
                let votes = stake * u128::from(conviction.votes());
                *(if aye { &mut tally.ayes } else { &mut tally.nays }) += votes;
                tally.turnout += stake;
                let (before, locked) = self.stakes.get(&(place, sender)).copied().unwrap_or_default();
                assert!(stake >= before, "a stake falls");
                let until = u64::from(proposal.due) + 1 + u64::from(LOCK) * conviction.periods();
                let until = u32::try_from(until).expect("soon").max(locked);
                self.stakes.insert((place, sender), (stake, until));
                self.taken[1] += 1;
            }
            6 => {
                let (_, until) = self.stakes.remove(&(place, sender)).expect("only a stake is unlocked");
                assert!(until <= number, "a lock ends early");
            }
            8.. => {
                let due = self.passed.remove(&proposal.number).expect("what passed is enacted, once");
                assert!((due..=due + WINDOW).contains(&number), "an enactment out of its time");
                self.taken[2] += 1;
            }
            _ => (),
        }
    }

    /// Holds the state after block `number` to the model.
    fn hold(&mut self, before: &[Proposal], issued: u128, number: u32, after: &TestChain) {
        for (place, before) in (0u32..).zip(before) {
            let after = proposal(after, place);
            if after.open {
                assert_eq!(Some(&Tally::of(&after)), self.tallies.get(&after.number), "the counts are sums");
            }
            if before.open && !after.open {
                assert_eq!(before.number, after.number);
                assert!(before.due < number, "a count before the end of the vote");
                let tally = self.tallies.remove(&after.number).expect("it was open");
                assert_eq!((after.passed, after.deposit), (tally.accepts(issued), 0));
                if after.passed {
                    assert_eq!(after.due, number + DELAY);
                    self.passed.insert(after.number, after.due);
                }
            }
        }
        for place in 0..before.len() as u32 {
            for voter in 0..ACCOUNTS {
                let (stake, until) = self.stakes.get(&(place, voter)).copied().unwrap_or_default();
                let ballot = ballot(after, place, voter);
                assert_eq!(ballot.stake, stake, "account {voter}'s stake at place {place}");
                assert!(stake == 0 || ballot.until == until, "a lock is the longest that was agreed to");
            }
        }
        assert_eq!(held(after), issuance(after), "balances, stakes, deposits and the treasury");
    }
}

/// Executes these blocks, holds each to the model and, by the shape, to the circuit.
fn run(blocks: &[Vec<Attempt>], shape: Option<&R1cs>) -> Model {
    let mut on = chain(SLOTS, ACCOUNTS);
    let mut model = Model::default();
    for attempts in blocks {
        let mut senders = BTreeSet::new();
        let attempts: Vec<&Attempt> =
            attempts.iter().filter(|attempt| senders.insert(attempt.sender)).collect();
        let calls: Vec<_> = attempts.iter().map(|attempt| attempt.signed(&on)).collect();
        let block = on.execute(&calls);
        if let Some(shape) = shape {
            on.check_by(shape, &block);
        }
        let number = on.context.parent.number + 1;
        let (issued, mut next) = (issuance(&on), charter(&on).next_number);
        let taken = || block.included.iter().map(|position| attempts[*position]);
        taken().for_each(|attempt| model.take(&on, number, attempt, &mut next));
        let upgrades = |attempt: &&Attempt| {
            attempt.call >= 8 && matches!(proposal(&on, attempt.place).action, Action::Upgrade { .. })
        };
        let upgrades = taken().filter(upgrades).count();
        assert_eq!(usize::from(block.statement.upgrade.is_some()), upgrades, "an upgrade is an enacted one");
        let before: Vec<Proposal> = (0..PLACES).map(|place| proposal(&on, place)).collect();
        on.advance(&block);
        model.hold(&before, issued, number, &on);
        assert_eq!(charter(&on).next_number, next);
    }
    model
}

proptest! {
    #![proptest_config(cases(8))]

    /// Nobody votes twice, locks hold, counts are sums, and what is enacted has passed: over a thousand calls.
    #[test]
    fn random_calls_do_what_sums_and_sets_say(blocks in blocks(30)) {
        let model = run(&blocks, None);
        prop_assert!(model.taken[0] > 5 && model.taken[1] > 0);
    }
}

proptest! {
    #![proptest_config(proven_cases(4))]

    /// Every block in the circuit too, and imported.
    #[test]
    fn random_blocks_prove_and_import(blocks in blocks(8)) {
        static SHAPE: LazyLock<R1cs> = LazyLock::new(|| chain(SLOTS, ACCOUNTS).shape());
        run(&blocks, Some(&SHAPE));
    }
}
