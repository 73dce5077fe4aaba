//! A game as the state has it.

use codec::Encode;

use super::{GAMES, board::Board};
use crate::{
    runtime::AccountIndex,
    state::{Record, circuit::At},
    values,
};

/// Bits of a game's place where it is packed.
pub const GAME_BITS: usize = 21;

/// The place of a game.
pub type GameIndex = At<GAMES, GAME_BITS>;

/// Name of the derived value that tells a place whose game is over.
pub(super) const OVER: &[u8] = b"arcade/over";

values! {
    /// A game. Players are told by whose turn it is, not by colour: a move exchanges them, so that a circuit selects nothing.
    #[derive(Copy, Eq)]
    pub struct Game / GameVar ("game") {
        /// Which of its place's games it is. It only grows, so that what was signed for one cannot act in a later one.
        number: u32,
        /// The player whose turn it is. The first turn is the opener's.
        next: AccountIndex,
        /// The other player; the opener too as long as nobody has joined.
        other: AccountIndex,
        /// Whether there are two players.
        joined: bool,
        /// Whether it is not over: it holds the stake of each player.
        live: bool,
        /// What each player staked.
        stake: u128,
        /// Relay blocks after which the other player can claim the game if there was no move.
        patience: u16,
        /// The relay parent's number when the turn began.
        since: u32,
        /// The discs of the player whose turn it is.
        next_discs: Board,
        /// The discs of the other player.
        other_discs: Board,
    }
}

impl Record for Game {
    const STORAGE: u8 = GAMES;
    const NAME: &'static str = "a game";

    /// The place, once the game is over, so that authors find it again.
    fn derived(&self, index: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
        if self.live { Vec::new() } else { vec![(OVER.to_vec(), index.encode())] }
    }
}

impl Game {
    /// What the game holds of the total issuance.
    pub fn held(&self) -> u128 {
        let stakes = match (self.live, self.joined) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => 2,
        };
        // Stakes come from balances, whose sum is at most 2^127.
        self.stake.saturating_mul(stakes)
    }
}
