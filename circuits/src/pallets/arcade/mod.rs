//! Arcade: four in a row on 7 × 6 places, between two accounts that stake as much each.
//!
//! ```text
//!   play     the move                stakes   opening, joining, resigning, claiming
//!        └────────┬────────────────────┘
//!   game     the record              board    discs, where one falls, four in a row
//!   forged   dishonest witnesses (tests)      model   the rules again, without bits (tests)
//!   properties   random calls against the model (tests)
//! ```
//!
//! # Calls
//!
//! | call | lane | effect |
//! |---|---|---|
//! | `open_game` | 0 | the sender's stake goes into a game at a place that is empty or whose game is over |
//! | `join_game` | 1 | the same stake again; the opener has the first turn |
//! | `play` | 2 | a disc into a column. Four in a row: both stakes to the sender. A full board: each its own |
//! | `resign` | 3 | both stakes to the other player; the stake back to the opener whom nobody has joined |
//! | `claim` | 4 | both stakes to the sender who has waited for longer than was agreed |
//!
//! Weights are in `weights.csv`.
//!
//! # Storage
//!
//! Games (6), a tree. A place keeps the board of its last game until the next is opened there.
//!
//! # Invariants
//!
//! - Balances and the stakes that live games hold ([`Game::held`]) are the total issuance.
//! - No place has two discs, and a column's discs have no gap below them.
//! - In a live game nobody has four in a row and a place is free; the opener has as many discs as the other or one more.
//! - A place's game numbers grow by one; a game that is over changes no more.
//!
//! # Attacks
//!
//! | attack | stopped by |
//! |---|---|
//! | a move out of turn, a second move, a stranger's move | `arcade/turn` |
//! | a move in a game that is over, or that nobody joined | `arcade/live game`, `arcade/joined game` |
//! | a disc in another column than signed, in none, in two, or in a full one | `arcade/column`, `arcade/one column`, `arcade/column is not full` |
//! | a disc that floats, or that replaces another | follows from the boards: there is no choice |
//! | a win without a line; a line that is not seen | `arcade/line`: what is selected has one sequence of bits |
//! | joining one's own game, a game twice, a game for another stake | `arcade/another player`, `arcade/nobody joined yet`, `eddsa/equation` |
//! | a claim before the time, by the wrong player, of a stake that nobody paid | `arcade/patience`, `arcade/waiting player`, `arcade/joined game` |
//! | resigning for somebody else | `arcade/player` |
//! | a live game's place opened again, or as if it were empty | `arcade/place is free`, `state/memory` |
//! | an old signature in a new game | the game's number is signed; `state/memory` keeps it |
//! | a game that costs nothing and keeps its place | `arcade/stake is a deposit` |
//!
//! A later move is the answer to a position that the sender saw; which one is not signed. Nonce and expiry bound when it acts.

use crate::{
    runtime::{CallKind, Pallet},
    state::Shape,
};

pub mod board;
pub mod game;
pub mod play;
pub mod stakes;

pub use board::Board;
pub use game::{Game, GameIndex};
pub use play::Play;
pub use stakes::{Claim, JoinGame, OpenGame, Resign};

/// Storage of games.
pub const GAMES: u8 = 6;

/// Levels of the largest tree of games: 8^7 = 2^21 places.
pub const GAME_LEVELS: usize = 7;

/// The pallet.
#[derive(Clone, Copy, Debug)]
pub struct Arcade {
    levels: usize,
}

impl Arcade {
    /// The pallet with a tree of games of so many levels, at most [`GAME_LEVELS`].
    pub fn new(levels: usize) -> Self {
        Self { levels: levels.min(GAME_LEVELS) }
    }
}

impl Pallet for Arcade {
    fn name(&self) -> &'static str {
        "arcade"
    }

    fn storages(&self) -> Vec<(u8, Shape)> {
        vec![(GAMES, Shape::Tree { levels: self.levels })]
    }

    fn kinds(&self) -> Vec<CallKind> {
        vec![
            CallKind::call(OpenGame),
            CallKind::call(JoinGame),
            CallKind::call(Play),
            CallKind::call(Resign),
            CallKind::call(Claim),
        ]
    }
}

#[cfg(test)]
mod forged;
#[cfg(test)]
pub(crate) mod model;
#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
