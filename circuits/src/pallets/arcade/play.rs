//! The move.
//!
//! ```text
//!   game ── live, joined, sender's turn ──► disc falls ──► four in a row? ──► both stakes to the sender
//!                                                    └──► board full?    ──► each its own stake
//!        ── write: players exchanged, the turn begins now, live unless one of the two
//! ```
//!
//! **Why stakes are conserved.** A live game of two players holds 2 · stake. It goes on and holds it; or it is won and the sender gets
//! 2 · stake; or it is drawn and each gets 1 · stake. Won and drawn exclude each other.

use ark_ff::Field;
use ark_relations::gr1cs::Result;
use zkpov_verifier::field::Fr;

use super::{
    board::{COLUMNS, ROWS, drop_disc, is_full},
    game::{Game, GameIndex, GameVar},
    stakes::{idle_game, pay, the_game},
};
use crate::{
    bit::Bit,
    constraint::{enforce_equal, product},
    gadgets::range::U128,
    linear::Linear,
    runtime::{AccountIndex, Call, Executed, Idle, IdleContext, Slot, Unfit, View},
    values,
};

values! {
    /// What a player signs of a move.
    #[derive(Copy, Eq)]
    pub struct SignedMove / SignedMoveVar ("move") {
        /// The game's place.
        game: GameIndex,
        /// The game's number.
        number: u32,
        /// The column, from 0.
        column: u8,
    }
}

values! {
    /// What a move's slot is given, and what the body says of it.
    #[derive(Copy, Eq)]
    pub struct Move / MoveVar ("move") {
        /// The game's place.
        game: GameIndex,
        /// The column, from 0.
        column: u8,
    }
}

/// Drops a disc.
#[derive(Clone, Copy, Debug, Default)]
pub struct Play;

impl Call for Play {
    const NAME: &'static str = "play";

    type Arguments = SignedMove;
    type Inputs = Move;
    type Body = Move;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        arguments: &SignedMove,
    ) -> core::result::Result<Move, Unfit> {
        the_game(view, arguments.game, Some(arguments.number))?;
        self.restore(view, sender, &Move { game: arguments.game, column: arguments.column })
    }

    fn restore(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        body: &Move,
    ) -> core::result::Result<Move, Unfit> {
        let Move { game: index, column } = *body;
        let place = index.0;
        let game = the_game(view, body.game, None)?;
        if !game.joined {
            return Err(Unfit::because(format!("nobody has joined the game at place {place}")));
        }
        if game.next != sender {
            return Err(Unfit::because(format!(
                "it is account {}'s turn in the game at place {place}",
                game.next.0
            )));
        }
        let chosen = usize::from(column);
        if chosen >= COLUMNS {
            return Err(Unfit::because(format!("columns are 0 to {}, not {column}", COLUMNS - 1)));
        }
        let top = ROWS - 1;
        if game.next_discs.has(chosen, top) || game.other_discs.has(chosen, top) {
            return Err(Unfit::because(format!("column {column} is full")));
        }
        Ok(*body)
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: MoveVar) -> Result<Executed<SignedMove, Move>> {
        let cs = slot.cs();
        let (game, place) = slot.read::<Game>(&inputs.game)?;
        game.live.enforce_true("arcade/live game")?;
        game.joined.enforce_true("arcade/joined game")?;
        enforce_equal("arcade/turn", slot.sender()?.as_field(), game.next.as_field())?;

        let dropped = drop_disc(&cs, &game.next_discs, &game.other_discs, &inputs.column)?;
        let won = dropped.wins()?;
        let full = is_full(&dropped.discs, &game.other_discs)?;
        let drawn = full.and(&won.not()?)?;

        let stakes = Linear::of(drawn.as_field()).plus(Fr::from(2u64), won.as_field());
        // At most twice a stake: the runtime holds the sender's balance to its range.
        slot.give(&U128::trust(product(game.stake.as_field(), stakes)?))?;
        // The other player is not the sender: nobody joins their own game.
        let share = game.stake.and(&drawn)?;
        pay(slot, &drawn, &game.other, &share)?;

        let over = Linear::of(won.as_field()).plus(Fr::ONE, drawn.as_field()).finish()?;
        // Won and drawn exclude each other: the sum is a bit.
        let live = Bit::trust(over).not()?;
        let after = GameVar {
            next: game.other.clone(),
            other: game.next.clone(),
            next_discs: game.other_discs.clone(),
            other_discs: dropped.discs,
            since: slot.relay_parent_number(),
            live,
            ..game.clone()
        };
        slot.write::<Game>(place, &after)?;
        let signed =
            SignedMoveVar { game: inputs.game.clone(), number: game.number, column: inputs.column.clone() };
        Ok(Executed { signed, body: inputs })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Move> {
        Idle::new(Move { game: GameIndex::from(0), column: 0 }).reading(&idle_game())
    }
}
