//! Games opened, joined, resigned and claimed: where stakes go in and come out, moves apart.
//!
//! ```text
//!   open_game   stake from the sender ──► a game of one          at a place that is empty, or whose game is over
//!   join_game   stake from the sender ──► the game, of two
//!   resign      both stakes ──► the other player                 of one: the stake ──► the opener
//!   claim       both stakes ──► the sender, who has waited
//! ```
//!
//! **Why stakes are conserved.** [`Game::held`] is what each of these takes or gives: a game holds its stake once when opened and twice when
//! joined, and what ends it gives what it held to one account.

use ark_ff::Field;
use ark_relations::gr1cs::Result;
use zkpov_verifier::field::Fr;

use super::{
    board::{Board, BoardVar},
    game::{Game, GameIndex, GameVar, OVER},
};
use crate::{
    bit::Bit,
    constraint::{enforce_equal, enforce_product, enforce_zero, product},
    gadgets::range::{U32, U128, Uint, enforce_inverse},
    linear::{self, Linear},
    namespace,
    runtime::{Account, AccountIndex, AccountVar, Call, Executed, Idle, IdleContext, Slot, Unfit, View},
    state::circuit::{Index, Place},
    values,
};

values! {
    /// What an opener signs.
    #[derive(Copy, Eq)]
    pub struct Terms / TermsVar ("game terms") {
        /// What each player stakes.
        stake: u128,
        /// Relay blocks after which a game without a move can be claimed.
        patience: u16,
    }
}

values! {
    /// What an opening's slot is given.
    #[derive(Copy, Eq)]
    pub struct Opening / OpeningVar ("opening") {
        /// The place.
        game: GameIndex,
        /// Whether a game that is over is there.
        reused: bool,
        /// What each player stakes.
        stake: u128,
        /// Relay blocks after which a game without a move can be claimed.
        patience: u16,
    }
}

values! {
    /// What the body says of an opening.
    #[derive(Copy, Eq)]
    pub struct OpenedGame / OpenedGameVar ("opened game") {
        /// The place.
        game: GameIndex,
        /// What each player stakes.
        stake: u128,
        /// Relay blocks after which a game without a move can be claimed.
        patience: u16,
    }
}

values! {
    /// What a player signs who joins: the game with everything that was agreed on.
    #[derive(Copy, Eq)]
    pub struct Joining / JoiningVar ("joining") {
        /// The game's place.
        game: GameIndex,
        /// The game's number.
        number: u32,
        /// The opener's account.
        opponent: AccountIndex,
        /// What each player stakes.
        stake: u128,
        /// Relay blocks after which a game without a move can be claimed.
        patience: u16,
    }
}

values! {
    /// What a player signs who resigns or claims.
    #[derive(Copy, Eq)]
    pub struct NumberedGame / NumberedGameVar ("numbered game") {
        /// The game's place.
        game: GameIndex,
        /// The game's number.
        number: u32,
    }
}

values! {
    /// What a slot is given that joins or claims a game, and what the body says of it.
    #[derive(Copy, Eq)]
    pub struct ThatGame / ThatGameVar ("that game") {
        /// The game's place.
        game: GameIndex,
    }
}

values! {
    /// What a resignation's slot is given.
    #[derive(Copy, Eq)]
    pub struct Resignation / ResignationVar ("resignation") {
        /// The game's place.
        game: GameIndex,
        /// Whether it is the sender's turn.
        in_turn: bool,
    }
}

/// The live game at a place, of this number if one is given.
pub(super) fn the_game(
    view: &View<'_>,
    place: GameIndex,
    number: Option<u32>,
) -> core::result::Result<Game, Unfit> {
    let game: Option<Game> = view.read(place.0)?;
    let game = game.ok_or_else(|| Unfit::because(format!("there is no game at place {}", place.0)))?;
    match number {
        Some(number) if number != game.number => Err(Unfit::because(format!(
            "the game at place {} is its number {}, not {number}",
            place.0, game.number
        ))),
        _ if !game.live => Err(Unfit::because(format!("the game at place {} is over", place.0))),
        _ => Ok(game),
    }
}

/// A game of accounts 0 and 1 for nothing: what unused slots read.
pub(super) fn idle_game() -> Game {
    Game {
        number: 0,
        next: AccountIndex::from(0),
        other: AccountIndex::from(1),
        joined: true,
        live: true,
        stake: 0,
        patience: 0,
        since: 0,
        next_discs: Board::default(),
        other_discs: Board::default(),
    }
}

/// Adds `amount` to the account at `index`, which is not the sender's, where `when` is 1 and the slot is used.
///
/// Where it is not, `amount` is 0 and the account is the prover's choice, written nowhere.
pub(super) fn pay(slot: &mut Slot<'_, '_>, when: &Bit, index: &Index, amount: &U128) -> Result<()> {
    let cs = slot.cs();
    let _namespace = namespace::enter(&cs, "paid");
    let when = slot.used().and(when)?;
    let (account, place) = slot.state().read::<Account>(&when, index)?;
    let balance = account.balance.checked_add("arcade/paid balance", amount)?;
    slot.state().write::<Account>(&when, place, &AccountVar { balance, ..account })
}

/// Writes the game as one that is over.
fn end(slot: &mut Slot<'_, '_>, place: Place, game: &GameVar) -> Result<()> {
    slot.write::<Game>(place, &GameVar { live: Bit::constant(false), ..game.clone() })
}

/// Opens a game.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenGame;

impl OpenGame {
    /// A place for a new game.
    fn free_place(view: &View<'_>) -> core::result::Result<u32, Unfit> {
        let is_over = |place: u32| Ok::<_, Unfit>(view.read::<Game>(place)?.is_some_and(|game| !game.live));
        if let Some(place) = view.derived::<u32>(OVER)?
            && is_over(place)?
        {
            return Ok(place);
        }
        if let Some(place) = view.next_place::<Game>()? {
            return Ok(place);
        }
        // The tree is full: which games are over is not indexed further.
        for place in (0u32..).take_while(|place| u64::from(*place) < view.places::<Game>()) {
            if is_over(place)? {
                return Ok(place);
            }
        }
        Err(Unfit::because("every place has a game that goes on"))
    }
}

impl Call for OpenGame {
    const NAME: &'static str = "open_game";

    type Arguments = Terms;
    type Inputs = Opening;
    type Body = OpenedGame;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        terms: &Terms,
    ) -> core::result::Result<Opening, Unfit> {
        let Terms { stake, patience } = *terms;
        let game = GameIndex::from(Self::free_place(view)?);
        self.restore(view, sender, &OpenedGame { game, stake, patience })
    }

    fn restore(
        &self,
        view: &View<'_>,
        _: AccountIndex,
        body: &OpenedGame,
    ) -> core::result::Result<Opening, Unfit> {
        let OpenedGame { game, stake, patience } = *body;
        let deposit = view.parameters.existential_deposit;
        if stake < deposit {
            return Err(Unfit::because(format!(
                "a stake is at least the existential deposit, {deposit}, not {stake}"
            )));
        }
        if u64::from(game.0) >= view.places::<Game>() {
            return Err(Unfit::because(format!("there is no place {} for a game", game.0)));
        }
        let before: Option<Game> = view.read(game.0)?;
        match before {
            Some(before) if before.live => {
                Err(Unfit::because(format!("the game at place {} goes on", game.0)))
            }
            Some(before) if before.number == u32::MAX => {
                Err(Unfit::because(format!("place {} has had its last game", game.0)))
            }
            _ => Ok(Opening { game, reused: before.is_some(), stake, patience }),
        }
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: OpeningVar) -> Result<Executed<Terms, OpenedGame>> {
        let cs = slot.cs();
        let OpeningVar { game: index, reused, stake, patience } = inputs;
        slot.take(&stake)?;
        let deposit = &slot.parameters().existential_deposit;
        deposit.enforce_at_most("arcade/stake is a deposit", &stake)?;
        let (before, place) = {
            let _namespace = namespace::enter(&cs, "before");
            slot.read_or_vacant::<Game>(&reused, &index)?
        };
        enforce_product("arcade/place is free", before.live.as_field(), reused.as_field(), Linear::new(&cs))?;
        // A place's first game is number 0; before that, what was read counts for nothing.
        let one_more = Linear::of(before.number.as_field()).plus_constant(Fr::ONE);
        let number = U32::enforce("arcade/game number", &product(one_more, reused.as_field())?)?;

        let opener = slot.sender()?.clone();
        let after = GameVar {
            number,
            next: opener.clone(),
            other: opener,
            joined: Bit::constant(false),
            live: Bit::constant(true),
            stake: stake.clone(),
            patience: patience.clone(),
            since: slot.relay_parent_number(),
            next_discs: BoardVar::empty(),
            other_discs: BoardVar::empty(),
        };
        slot.write::<Game>(place, &after)?;
        let signed = TermsVar { stake: stake.clone(), patience: patience.clone() };
        Ok(Executed { signed, body: OpenedGameVar { game: index, stake, patience } })
    }

    fn idle(&self, context: &IdleContext) -> Idle<Opening> {
        let stake = context.parameters.existential_deposit;
        Idle::new(Opening { game: GameIndex::from(0), reused: false, stake, patience: 0 })
    }
}

/// Joins a game.
#[derive(Clone, Copy, Debug, Default)]
pub struct JoinGame;

impl Call for JoinGame {
    const NAME: &'static str = "join_game";

    type Arguments = Joining;
    type Inputs = ThatGame;
    type Body = ThatGame;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        joining: &Joining,
    ) -> core::result::Result<ThatGame, Unfit> {
        let Joining { game: place, number, opponent, stake, patience } = *joining;
        let game = the_game(view, place, Some(number))?;
        if (game.next, game.stake, game.patience) != (opponent, stake, patience) {
            return Err(Unfit::because(format!(
                "the game at place {} is account {}'s, for a stake of {} and a patience of {}",
                place.0, game.next.0, game.stake, game.patience
            )));
        }
        self.restore(view, sender, &ThatGame { game: place })
    }

    fn restore(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        body: &ThatGame,
    ) -> core::result::Result<ThatGame, Unfit> {
        let game = the_game(view, body.game, None)?;
        if game.joined {
            return Err(Unfit::because(format!("the game at place {} has two players", body.game.0)));
        }
        if game.next == sender {
            return Err(Unfit::because(format!("account {} would play against itself", sender.0)));
        }
        Ok(*body)
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: ThatGameVar) -> Result<Executed<Joining, ThatGame>> {
        let (game, place) = slot.read::<Game>(&inputs.game)?;
        game.live.enforce_true("arcade/live game")?;
        enforce_zero("arcade/nobody joined yet", Linear::of(game.joined.as_field()))?;
        let joiner = slot.sender()?.clone();
        let apart = linear::difference(joiner.as_field(), game.next.as_field())?;
        enforce_inverse("arcade/another player", &apart).map(drop)?;
        slot.take(&game.stake)?;
        let after = GameVar {
            other: joiner,
            joined: Bit::constant(true),
            since: slot.relay_parent_number(),
            ..game.clone()
        };
        slot.write::<Game>(place, &after)?;
        let signed = JoiningVar {
            game: inputs.game.clone(),
            number: game.number,
            opponent: game.next,
            stake: game.stake,
            patience: game.patience,
        };
        Ok(Executed { signed, body: inputs })
    }

    fn idle(&self, _: &IdleContext) -> Idle<ThatGame> {
        let opened = Game { next: AccountIndex::from(1), joined: false, ..idle_game() };
        Idle::new(ThatGame { game: GameIndex::from(0) }).reading(&opened)
    }
}

/// Gives a game up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resign;

impl Call for Resign {
    const NAME: &'static str = "resign";

    type Arguments = NumberedGame;
    type Inputs = Resignation;
    type Body = ThatGame;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        arguments: &NumberedGame,
    ) -> core::result::Result<Resignation, Unfit> {
        the_game(view, arguments.game, Some(arguments.number))?;
        self.restore(view, sender, &ThatGame { game: arguments.game })
    }

    fn restore(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        body: &ThatGame,
    ) -> core::result::Result<Resignation, Unfit> {
        let game = the_game(view, body.game, None)?;
        if sender != game.next && sender != game.other {
            return Err(Unfit::because(format!(
                "accounts {} and {} play at place {}, not account {}",
                game.next.0, game.other.0, body.game.0, sender.0
            )));
        }
        Ok(Resignation { game: body.game, in_turn: sender == game.next })
    }

    fn execute(
        &self,
        slot: &mut Slot<'_, '_>,
        inputs: ResignationVar,
    ) -> Result<Executed<NumberedGame, ThatGame>> {
        let ResignationVar { game: index, in_turn } = inputs;
        let (game, place) = slot.read::<Game>(&index)?;
        game.live.enforce_true("arcade/live game")?;
        let loser = in_turn.select(game.next.as_field(), game.other.as_field())?;
        enforce_equal("arcade/player", slot.sender()?.as_field(), &loser)?;

        // A game of one goes back to its opener. With two players the winner is the one who is not the sender.
        let winner = game.other.bits().iter().zip(game.next.bits());
        let winner = winner
            .map(|(other, next)| Ok(Bit::trust(in_turn.select(other.as_field(), next.as_field())?)))
            .collect::<Result<Vec<Bit>>>()?;
        let stake = game.stake.as_field();
        slot.give(&game.stake.and(&game.joined.not()?)?)?;
        let pot = product(stake, Linear::new(&slot.cs()).plus(Fr::from(2u64), game.joined.as_field()))?;
        // Twice a stake: the winner's balance is held to its range.
        pay(slot, &game.joined, &Index::from_bits(winner)?, &U128::trust(pot))?;
        end(slot, place, &game)?;
        let signed = NumberedGameVar { game: index.clone(), number: game.number };
        Ok(Executed { signed, body: ThatGameVar { game: index } })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Resignation> {
        Idle::new(Resignation { game: GameIndex::from(0), in_turn: true }).reading(&idle_game())
    }
}

/// Bits of a relay parent's number with a patience added.
const DEADLINE_BITS: usize = 33;

/// Claims a game whose other player does not move.
#[derive(Clone, Copy, Debug, Default)]
pub struct Claim;

impl Call for Claim {
    const NAME: &'static str = "claim";

    type Arguments = NumberedGame;
    type Inputs = ThatGame;
    type Body = ThatGame;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        arguments: &NumberedGame,
    ) -> core::result::Result<ThatGame, Unfit> {
        the_game(view, arguments.game, Some(arguments.number))?;
        self.restore(view, sender, &ThatGame { game: arguments.game })
    }

    fn restore(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        body: &ThatGame,
    ) -> core::result::Result<ThatGame, Unfit> {
        let game = the_game(view, body.game, None)?;
        if !game.joined {
            return Err(Unfit::because(format!(
                "nobody has joined the game at place {}: its opener can `resign`",
                body.game.0
            )));
        }
        if sender != game.other {
            return Err(Unfit::because(format!(
                "only account {} waits for a move at place {}",
                game.other.0, body.game.0
            )));
        }
        let deadline = u64::from(game.since) + u64::from(game.patience);
        if u64::from(view.relay_parent_number) < deadline {
            return Err(Unfit::because(format!(
                "account {} has until relay block {deadline}, it is {}",
                game.next.0, view.relay_parent_number
            )));
        }
        Ok(*body)
    }

    fn execute(
        &self,
        slot: &mut Slot<'_, '_>,
        inputs: ThatGameVar,
    ) -> Result<Executed<NumberedGame, ThatGame>> {
        let (game, place) = slot.read::<Game>(&inputs.game)?;
        game.live.enforce_true("arcade/live game")?;
        game.joined.enforce_true("arcade/joined game")?;
        enforce_equal("arcade/waiting player", slot.sender()?.as_field(), game.other.as_field())?;
        let deadline = linear::sum([game.since.as_field(), game.patience.as_field()])?;
        // 32 and 16 bits: the sum has 33.
        let deadline = Uint::<DEADLINE_BITS>::trust(deadline);
        deadline.enforce_at_most("arcade/patience", &slot.relay_parent_number().widen()?)?;
        let pot = Linear::new(&slot.cs()).plus(Fr::from(2u64), game.stake.as_field()).finish()?;
        // Twice a stake: the runtime holds the sender's balance to its range.
        slot.give(&U128::trust(pot))?;
        end(slot, place, &game)?;
        let signed = NumberedGameVar { game: inputs.game.clone(), number: game.number };
        Ok(Executed { signed, body: inputs })
    }

    fn idle(&self, _: &IdleContext) -> Idle<ThatGame> {
        let game = Game { next: AccountIndex::from(1), other: AccountIndex::from(0), ..idle_game() };
        Idle::new(ThatGame { game: GameIndex::from(0) }).reading(&game)
    }
}
