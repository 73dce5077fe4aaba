//! Random calls by the thousand, and a model that says which may be taken and what balances and boards are then.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use proptest::prelude::*;

use super::{
    Game,
    model::{Model, Outcome},
    testing::{
        ACCOUNTS, BALANCE, DEPOSIT, FEE, PATIENCE, STAKE, TestChain, claim, everything, game, join_game,
        open_game, play, resign, with_lanes,
    },
};
use crate::{
    r1cs::R1cs,
    runtime::{
        Account, Extrinsic,
        testing::{cases, proven_cases},
    },
};

/// Slots of each lane: several calls of a kind in a block, most of all moves.
const LANES: [u32; 7] = [1, 1, 2, 2, 4, 1, 1];

/// Places for games on the chain.
const PLACES: u32 = 8;

/// Places that calls name: few, so that they meet.
const NAMED: u32 = 3;

/// What somebody tries.
#[derive(Clone, Copy, Debug)]
enum Call {
    Open { stake: u128 },
    Join { opponent: u8 },
    Play { column: u8 },
    Resign,
    Claim,
}

/// By whom, on which game.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    call: Call,
    sender: u8,
    /// Whether the sender is rather the one who it is for.
    fitting: bool,
    place: u32,
    /// The number of the game: until it is [`fitted`](Self::fitted), how many after that at the place.
    number: u32,
}

/// A block's calls, and how many relay blocks after the block before it is.
type Block = (Vec<Attempt>, u32);

fn attempt() -> impl Strategy<Value = Attempt> {
    let call = prop_oneof![
        2 => prop::sample::select(vec![DEPOSIT - 1, DEPOSIT, STAKE, STAKE]).prop_map(|stake| Call::Open { stake }),
        3 => (0..ACCOUNTS).prop_map(|opponent| Call::Join { opponent }),
        12 => (0u8..8).prop_map(|column| Call::Play { column }),
        1 => Just(Call::Resign),
        1 => Just(Call::Claim),
    ];
    let off = prop_oneof![9 => Just(0u32), 1 => Just(1u32)];
    (call, 0..ACCOUNTS, prop::bool::weighted(0.8), 0..NAMED, off)
        .prop_map(|(call, sender, fitting, place, number)| Attempt { call, sender, fitting, place, number })
}

fn blocks(count: usize) -> impl Strategy<Value = Vec<Block>> {
    let later = prop_oneof![6 => 0u32..4, 1 => Just(u32::from(PATIENCE))];
    prop::collection::vec((prop::collection::vec(attempt(), 0..8), later), count)
}

impl Attempt {
    /// With the game's number as the state has it, and the sender who it is for.
    fn fitted(mut self, on: &TestChain) -> Self {
        let Some(game) = on.read::<Game>(self.place) else { return self };
        self.number += game.number;
        match &mut self.call {
            _ if !self.fitting => (),
            Call::Open { .. } => (),
            Call::Join { opponent } => *opponent = game.next.0 as u8,
            Call::Play { .. } | Call::Resign => self.sender = game.next.0 as u8,
            Call::Claim => self.sender = game.other.0 as u8,
        }
        self
    }

    fn signed(&self, on: &TestChain) -> Extrinsic {
        let Self { call, sender, place, number, .. } = *self;
        match call {
            Call::Open { stake } => open_game(on, sender, stake),
            Call::Join { opponent } => join_game(on, sender, place, number, opponent),
            Call::Play { column } => play(on, sender, place, number, column),
            Call::Resign => resign(on, sender, place, number),
            Call::Claim => claim(on, sender, place, number),
        }
    }

    /// The order of the lanes.
    fn lane(&self) -> u8 {
        match self.call {
            Call::Open { .. } => 0,
            Call::Join { .. } => 1,
            Call::Play { .. } => 2,
            Call::Resign => 3,
            Call::Claim => 4,
        }
    }
}

/// A game as the rules have it.
#[derive(Clone, Debug)]
struct Table {
    number: u32,
    opener: u8,
    joiner: Option<u8>,
    stake: u128,
    since: u32,
    live: bool,
    rules: Model,
}

impl Table {
    /// Whose turn it is, and who waits: the opener both, as long as nobody has joined.
    fn players(&self) -> [u8; 2] {
        let players = [self.opener, self.joiner.unwrap_or(self.opener)];
        [players[self.rules.turn()], players[1 - self.rules.turn()]]
    }
}

/// What all calls so far come to.
#[derive(Debug)]
struct Arcade {
    balances: Vec<u128>,
    tables: BTreeMap<u32, Table>,
    /// How many moves were taken, and how many games ended by one.
    played: [usize; 2],
}

impl Arcade {
    /// Whether the rules allow the call; then it is done. Opening a game is told by [`opened`](Self::opened).
    fn take(&mut self, attempt: &Attempt, relay_parent: u32) -> bool {
        let Attempt { call, sender, place, number, .. } = *attempt;
        let table = self.tables.get_mut(&place).filter(|table| table.live && table.number == number);
        let Some(table) = table else { return false };
        let [turn, waits] = table.players();
        let (stake, joined) = (table.stake, table.joiner.is_some());
        match call {
            Call::Open { .. } => return false,
            Call::Join { opponent } => {
                if joined || opponent != table.opener || sender == table.opener || stake != STAKE {
                    return false;
                }
                (table.joiner, table.since) = (Some(sender), relay_parent);
                self.balances[usize::from(sender)] -= stake;
            }
            Call::Play { column } => {
                if !joined || sender != turn || !table.rules.allows(column.into()) {
                    return false;
                }
                table.since = relay_parent;
                let outcome = table.rules.play(column.into());
                table.live = outcome == Outcome::Goes;
                self.played[0] += 1;
                self.played[1] += usize::from(!table.live);
                match outcome {
                    Outcome::Goes => (),
                    Outcome::Won => self.balances[usize::from(sender)] += 2 * stake,
                    Outcome::Drawn => {
                        for player in [turn, waits] {
                            self.balances[usize::from(player)] += stake;
                        }
                    }
                }
            }
            Call::Resign => {
                if sender != turn && sender != waits {
                    return false;
                }
                table.live = false;
                let winner = if sender == turn { waits } else { turn };
                self.balances[usize::from(winner)] += if joined { 2 * stake } else { stake };
            }
            Call::Claim => {
                if !joined || sender != waits || relay_parent < table.since + u32::from(PATIENCE) {
                    return false;
                }
                table.live = false;
                self.balances[usize::from(sender)] += 2 * stake;
            }
        }
        true
    }

    /// Whether a game goes on at every place.
    fn is_full(&self) -> bool {
        self.tables.values().filter(|table| table.live).count() == PLACES as usize
    }

    /// A game that a block opened at a place where none went on.
    fn opened(&mut self, place: u32, sender: u8, stake: u128, relay_parent: u32) {
        let before = self.tables.get(&place);
        assert!(before.is_none_or(|before| !before.live), "a game goes on at place {place}");
        let number = before.map_or(0, |before| before.number + 1);
        let (joiner, rules) = (None, Model::default());
        let table = Table { number, opener: sender, joiner, stake, since: relay_parent, live: true, rules };
        self.tables.insert(place, table);
        self.balances[usize::from(sender)] -= stake;
    }

    /// Holds a state to the model.
    fn hold(&self, on: &TestChain) {
        for (account, balance) in (0u32..).zip(&self.balances) {
            let found = on.read::<Account>(account).map(|account| account.balance);
            assert_eq!(found, Some(*balance), "account {account}");
        }
        for (place, table) in &self.tables {
            let found = game(on, *place);
            assert_eq!((found.number, found.live), (table.number, table.live), "place {place}");
            assert_eq!(found.joined, table.joiner.is_some());
            assert_eq!(found.stake, table.stake);
            let discs = [table.rules.turn(), 1 - table.rules.turn()].map(|player| table.rules.bits(player));
            assert_eq!([found.next_discs.bits(), found.other_discs.bits()], discs);
            assert_eq!([found.next.0, found.other.0], table.players().map(u32::from));
        }
        assert!(
            (0..PLACES).all(|place| on.read::<Game>(place).is_some() == self.tables.contains_key(&place))
        );
    }
}

/// The number of the game at each place.
fn numbers(on: &TestChain) -> Vec<Option<u32>> {
    (0..PLACES).map(|place| on.read::<Game>(place).map(|game| game.number)).collect()
}

/// Executes these blocks, holds each to the model and, by the shape, to the circuit.
fn run(blocks: &[Block], shape: Option<&R1cs>) -> Arcade {
    let mut on = with_lanes(LANES);
    let issued = everything(&on);
    let balances = vec![BALANCE; ACCOUNTS.into()];
    let mut model = Arcade { balances, tables: BTreeMap::new(), played: [0; 2] };
    for (attempts, later) in blocks {
        on.context.relay_parent_number += later;
        let relay_parent = on.context.relay_parent_number;
        let mut senders = BTreeSet::new();
        let mut attempts: Vec<Attempt> = attempts
            .iter()
            .map(|attempt| attempt.fitted(&on))
            .filter(|attempt| senders.insert(attempt.sender))
            .collect();
        // In the order in which a block executes them.
        attempts.sort_by_key(Attempt::lane);
        let calls: Vec<_> = attempts.iter().map(|attempt| attempt.signed(&on)).collect();
        let block = on.execute(&calls);
        if let Some(shape) = shape {
            on.check_by(shape, &block);
        }
        let before = numbers(&on);
        on.advance(&block);

        // Fees are the author's from the beginning of the block on.
        model.balances[0] += block.included.len() as u128 * u128::from(FEE);
        // Where there is another game than before, the block has opened it, and nobody else has its first turn.
        let new: Vec<u32> = (0..PLACES)
            .zip(before)
            .filter(|(place, before)| numbers(&on)[*place as usize] != *before)
            .map(|(place, _)| place)
            .collect();
        for (position, attempt) in attempts.iter().enumerate() {
            let taken = block.included.contains(&position);
            let waits = block.deferred.contains(&position);
            match attempt.call {
                Call::Open { stake } if taken => {
                    assert!(stake >= DEPOSIT);
                    let place =
                        new.iter().find(|place| game(&on, **place).next.0 == u32::from(attempt.sender));
                    model.opened(*place.expect("it is there"), attempt.sender, stake, relay_parent);
                }
                Call::Open { stake } => assert!(stake < DEPOSIT || waits || model.is_full()),
                _ if waits => (),
                _ => assert_eq!(model.take(attempt, relay_parent), taken, "{attempt:?} {:?}", block.refused),
            }
            if taken {
                model.balances[usize::from(attempt.sender)] -= u128::from(FEE);
            }
        }
        model.hold(&on);
        assert_eq!(everything(&on), issued, "stakes and balances are conserved");
    }
    model
}

proptest! {
    #![proptest_config(cases(8))]

    /// Over a thousand calls: a call is taken if and only if the rules allow it, nobody moves twice, and stakes go where they belong.
    #[test]
    fn random_calls_do_what_the_rules_say(blocks in blocks(40)) {
        // Where nobody moves there is little to see: it is not counted.
        prop_assume!(run(&blocks, None).played[0] > 0);
    }
}

proptest! {
    #![proptest_config(proven_cases(4))]

    /// Every block in the circuit too, and imported.
    #[test]
    fn random_blocks_prove_and_import(blocks in blocks(8)) {
        static SHAPE: LazyLock<R1cs> = LazyLock::new(|| with_lanes(LANES).shape());
        run(&blocks, Some(&SHAPE));
    }
}
