//! `arcade`: a chain on which people play four in a row for stakes.

use serde_json::{Value as Json, json};
use zkpov_verifier::statement::ChainIdentity;

use super::scene::{EXISTENTIAL_DEPOSIT, People, Scene};
use crate::{
    keys::SecretKey,
    pallets::{
        arcade::{Arcade, GAME_LEVELS, board::COLUMNS},
        balances::Balances,
    },
    runtime::{ACCOUNT_LEVELS, Composition, ExtrinsicError, Settings, Token},
    state::Value,
};

/// Version of the state machine. It changes whenever a circuit of the chain does.
const RUNTIME_VERSION: u32 = 2;

/// Version of what users sign.
const TRANSACTION_VERSION: u32 = 1;

/// The chain as it ships: 2^24 accounts, 2^21 games at a time; tiers of 2^16 for a single move, of 2^18 and 2^20.
pub fn arcade() -> Composition {
    arcade_of(
        ACCOUNT_LEVELS,
        GAME_LEVELS,
        vec![(16, vec![1, 0, 0, 0, 1]), (18, vec![1, 1, 2, 2, 5, 1, 1]), (20, vec![2, 1, 8, 8, 33, 2, 2])],
    )
}

/// The chain with other trees and other tiers: base-2 logarithm of the domain, and slots for transfers, opens, games
/// opened and joined, moves, resignations and claims.
pub fn arcade_of(account_levels: usize, game_levels: usize, tiers: Vec<(u8, Vec<u32>)>) -> Composition {
    Composition::new(Settings {
        name: "arcade",
        runtime_version: RUNTIME_VERSION,
        transaction_version: TRANSACTION_VERSION,
        token: Token { symbol: "COIN".into(), decimals: 12 },
        account_levels,
        upgrades: false,
        pallets: vec![Box::new(Balances), Box::new(Arcade::new(game_levels))],
        tiers,
    })
}

/// Pairs open games, join and play them. The first are resigned after a few moves, the last are claimed, since their patience is 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct GameNight;

/// What everybody stakes.
const STAKE: u128 = 100 * EXISTENTIAL_DEPOSIT;

/// Moves of a game of the scene, each in another column: too few for four in a row.
const MOST_MOVES: u32 = 7;

impl GameNight {
    /// The two players of game `game`.
    fn players(people: &People<'_>, game: u32) -> [u32; 2] {
        [1, 2].map(|player| people.spread(2 * game + player))
    }
}

impl Scene for GameNight {
    fn calls(
        &self,
        people: &People<'_>,
        identity: &ChainIdentity,
        capacities: &[u32],
    ) -> Result<Vec<Vec<u8>>, ExtrinsicError> {
        let lane = |lane: usize| capacities.get(lane).copied().unwrap_or_default();
        let [transfers, opens, opened, joined, moves, resigned, claimed] = std::array::from_fn(lane);
        let games = opened.min(joined);
        let mut calls = Vec::new();
        let mut sign = |call: &str, sender: u32, nonce: u32, arguments: Json| {
            people.sign(identity, call, sender, nonce, &arguments).map(|bytes| calls.push(bytes))
        };
        // Whoever opens and joins is known; whoever pays comes after them, and after the opener of game 0, who is paid.
        let payer = |number: u32| people.spread(2 * opened.max(joined).max(1) + 1 + number);
        for number in 0..transfers + opens {
            let (call, receiver) = if number < transfers {
                ("transfer", people.key(Self::players(people, 0)[0]))
            } else {
                ("open", child(people.secret(payer(number))).public_key())
            };
            let arguments = json!({ "amount": STAKE.to_string(), "receiver": receiver.to_json() });
            sign(call, payer(number), 0, arguments)?;
        }
        for game in 0..opened {
            let [opener, _] = Self::players(people, game);
            sign("open_game", opener, 0, json!({ "stake": STAKE.to_string(), "patience": 0 }))?;
        }
        for game in 0..games {
            let [opener, joiner] = Self::players(people, game);
            let arguments = json!({
                "game": game, "number": 0, "opponent": opener, "stake": STAKE.to_string(), "patience": 0,
            });
            sign("join_game", joiner, 0, arguments)?;
        }
        let mut turns = vec![0u32; games as usize];
        for number in 0..moves.min(games * MOST_MOVES) {
            let game = number % games;
            let turn = &mut turns[game as usize];
            let player = Self::players(people, game)[*turn as usize % 2];
            let arguments = json!({ "game": game, "number": 0, "column": *turn % COLUMNS as u32 });
            sign("play", player, 1 + *turn / 2, arguments)?;
            *turn += 1;
        }
        for (number, game) in (0..games).enumerate().take((resigned + claimed) as usize) {
            let turns = turns[game as usize];
            let on_turn = turns % 2;
            let (call, player) =
                if (number as u32) < resigned { ("resign", on_turn) } else { ("claim", 1 - on_turn) };
            // The opener has moved first, and more often after an odd number of moves.
            let moved = if player == 0 { turns.div_ceil(2) } else { turns / 2 };
            let player = Self::players(people, game)[player as usize];
            sign(call, player, 1 + moved, json!({ "game": game, "number": 0 }))?;
        }
        Ok(calls)
    }
}

/// A new key of a person.
fn child(person: &SecretKey) -> SecretKey {
    let mut seed = *person.seed();
    seed[0] ^= 1;
    SecretKey::from_seed(seed)
}

#[cfg(test)]
mod audit;
#[cfg(test)]
mod tests;
