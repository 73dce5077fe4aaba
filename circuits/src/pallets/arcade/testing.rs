//! The arcade chain, small, with typed calls.

use serde_json::json;

use super::{
    Game, GameIndex,
    play::SignedMove,
    stakes::{Joining, NumberedGame, Terms},
};
pub(crate) use crate::runtime::testing::{BALANCE, DEPOSIT, FEE, TestChain};
use crate::{
    chains::arcade_of,
    runtime::{Account, AccountIndex, Extrinsic, testing},
};

/// What tests stake.
pub(crate) const STAKE: u128 = 5_000;

/// How long tests wait.
pub(crate) const PATIENCE: u16 = 20;

/// First accounts.
pub(crate) const ACCOUNTS: u8 = 6;

/// Slots of the test tier.
pub(crate) const LANES: [u32; 7] = [1, 1, 1, 1, 1, 1, 1];

/// A chain of eight accounts and eight games.
pub(crate) fn small() -> TestChain {
    with_lanes(LANES)
}

/// A chain of eight accounts and eight games with so many slots of each lane.
pub(crate) fn with_lanes(lanes: [u32; 7]) -> TestChain {
    let spec = testing::spec("arcade", ACCOUNTS, true, json!({}));
    TestChain::new(arcade_of(1, 1, vec![(16, lanes.to_vec())]), &spec)
}

/// The nonce of an account.
pub(crate) fn nonce(on: &TestChain, account: u8) -> u32 {
    on.read::<Account>(account.into()).expect("an account").nonce
}

/// The game at a place.
pub(crate) fn game(on: &TestChain, place: u32) -> Game {
    on.read(place).expect("a game")
}

pub(crate) fn open_game(on: &TestChain, sender: u8, stake: u128) -> Extrinsic {
    on.call("open_game", sender, nonce(on, sender), &Terms { stake, patience: PATIENCE })
}

/// Joins the game at a place, as it is there or is going to be: number `number`, of account `opponent`.
pub(crate) fn join_game(on: &TestChain, sender: u8, place: u32, number: u32, opponent: u8) -> Extrinsic {
    let joining = Joining {
        game: GameIndex::from(place),
        number,
        opponent: AccountIndex::from(u32::from(opponent)),
        stake: STAKE,
        patience: PATIENCE,
    };
    on.call("join_game", sender, nonce(on, sender), &joining)
}

pub(crate) fn play(on: &TestChain, sender: u8, place: u32, number: u32, column: u8) -> Extrinsic {
    on.call("play", sender, nonce(on, sender), &SignedMove { game: GameIndex::from(place), number, column })
}

pub(crate) fn resign(on: &TestChain, sender: u8, place: u32, number: u32) -> Extrinsic {
    on.call("resign", sender, nonce(on, sender), &NumberedGame { game: GameIndex::from(place), number })
}

pub(crate) fn claim(on: &TestChain, sender: u8, place: u32, number: u32) -> Extrinsic {
    on.call("claim", sender, nonce(on, sender), &NumberedGame { game: GameIndex::from(place), number })
}

/// The block of one call, which must be taken, without the circuit.
#[track_caller]
pub(crate) fn go(on: &mut TestChain, call: &Extrinsic) {
    let block = on.execute(std::slice::from_ref(call));
    assert_eq!(block.included, [0], "{:?} {:?}", block.refused, block.deferred);
    on.advance(&block);
}

/// Puts `before` at place 0, a game of accounts 1 (whose turn it is) and 2, whose stakes they have paid.
pub(crate) fn with_game(on: TestChain, change: impl FnOnce(&mut Game)) -> TestChain {
    let mut game = Game {
        next: AccountIndex::from(1),
        other: AccountIndex::from(2),
        stake: STAKE,
        patience: PATIENCE,
        since: on.context.relay_parent_number,
        ..super::stakes::idle_game()
    };
    change(&mut game);
    on.with(0, &game)
}

/// All there is: balances and stakes.
pub(crate) fn everything(on: &TestChain) -> u128 {
    let accounts = (0..8).filter_map(|i| on.read::<Account>(i)).map(|account| account.balance);
    let games = (0..8).filter_map(|i| on.read::<Game>(i)).map(|game| game.held());
    accounts.chain(games).sum()
}
