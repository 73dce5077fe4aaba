//! Forged executions: each attack of the module's table as a complete dishonest witness, and the constraint that refuses it.

use ark_ff::{AdditiveGroup, Field};
use zkpov_verifier::field::Fr;

use super::{
    Board, Game,
    board::{ROWS, place},
    testing::{
        DEPOSIT, PATIENCE, STAKE, TestChain, claim, join_game, open_game, play, resign, small, with_game,
    },
};
use crate::{
    runtime::{
        Account, AccountIndex, Extrinsic,
        testing::{FEE, Forgery},
    },
    state::Value,
};

/// Inputs of a move.
const COLUMN: usize = 1;
/// Inputs of an opening.
const PLACE: usize = 0;
const REUSED: usize = 1;
const OPENED_STAKE: usize = 2;
/// Inputs of a resignation.
const IN_TURN: usize = 1;

/// A game of accounts 1 and 2 that can be claimed.
fn two_players() -> TestChain {
    with_game(small(), |game| game.since -= u32::from(PATIENCE))
}

/// A game of account 1 that nobody has joined.
fn one_player() -> TestChain {
    with_game(small(), |game| {
        game.joined = false;
        game.other = game.next;
    })
}

fn over() -> TestChain {
    with_game(small(), |game| game.live = false)
}

/// The block of a call that is honest on `on`, said to have happened on `other`, signed again.
#[track_caller]
fn moved_to(on: &TestChain, call: &Extrinsic, other: &TestChain, name: &'static str) {
    let mut forgery = Forgery::of(on, std::slice::from_ref(call));
    forgery.on = other;
    forgery.refused_only_by(name);
}

// Moves.

#[test]
fn the_honest_blocks_are_accepted() {
    let (on, one, done) = (two_players(), one_player(), over());
    for (on, call) in [
        (&on, play(&on, 1, 0, 0, 3)),
        (&on, resign(&on, 2, 0, 0)),
        (&on, claim(&on, 2, 0, 0)),
        (&one, join_game_again(&one, 3)),
        (&one, resign(&one, 1, 0, 0)),
        (&done, open_game(&done, 3, STAKE)),
    ] {
        Forgery::of(on, &[call]).accepted();
    }
}

fn join_game_again(on: &TestChain, sender: u8) -> Extrinsic {
    join_game(on, sender, 0, 0, 1)
}

#[test]
fn a_move_out_of_turn_is_refused() {
    let on = two_players();
    for stranger in [2, 3] {
        Forgery::of(&on, &[play(&on, 1, 0, 0, 3)])
            .changed(|slot| slot.sender = stranger)
            .refused_only_by("arcade/turn");
    }
}

#[test]
fn a_move_in_a_game_that_is_over_or_was_not_joined_is_refused() {
    let on = two_players();
    moved_to(&on, &play(&on, 1, 0, 0, 3), &over(), "arcade/live game");
    let lonely = with_game(small(), |game| game.joined = false);
    moved_to(&on, &play(&on, 1, 0, 0, 3), &lonely, "arcade/joined game");
}

#[test]
fn a_disc_in_a_full_column_is_refused() {
    let on = two_players();
    let full = with_game(small(), |game| {
        let column =
            |parity| (0..ROWS).filter(|row| row % 2 == parity).map(|row| 1u64 << place(3, row)).sum();
        game.next_discs = Board::new(column(0)).expect("a board");
        game.other_discs = Board::new(column(1)).expect("a board");
    });
    moved_to(&on, &play(&on, 1, 0, 0, 3), &full, "arcade/column is not full");
}

#[test]
fn a_disc_beside_the_board_is_refused() {
    let on = two_players();
    Forgery::of(&on, &[play(&on, 1, 0, 0, 3)])
        .changed(|slot| slot.inputs[COLUMN] = Fr::from(7u64))
        .refused_by(["arcade/one column", "arcade/column", "arcade/column is not full"]);
}

#[test]
fn a_disc_in_another_column_than_signed_is_refused() {
    let on = two_players();
    let mut forgery = Forgery::of(&on, &[play(&on, 1, 0, 0, 3)]);
    forgery.sign();
    forgery.slot().inputs[COLUMN] = Fr::from(4u64);
    forgery.refused_only_by("eddsa/equation");
}

#[test]
fn a_move_signed_for_an_earlier_game_is_refused() {
    let on = two_players();
    let later = with_game(small(), |game| game.number = 1);
    let mut forgery = Forgery::of(&on, &[play(&on, 1, 0, 0, 3)]);
    forgery.sign();
    forgery.on = &later;
    forgery.refused_only_by("eddsa/equation");
}

#[test]
fn a_board_with_more_of_ones_discs_is_refused() {
    let on = two_players();
    let mut pretended: Game = on.read(0).expect("a game");
    pretended.next_discs = Board::new((0..3).map(|row| 1u64 << place(3, row)).sum()).expect("a board");
    let mut forgery = Forgery::of(&on, &[play(&on, 1, 0, 0, 3)]);
    forgery.pretend::<Game>(0, pretended.elements());
    forgery.refused_only_by("state/memory");
}

#[test]
fn a_disc_borrowed_from_the_other_board_is_refused() {
    let on = with_game(small(), |game| game.other_discs = Board::new(1).expect("a board"));
    let mut elements = on.read::<Game>(0).expect("a game").elements();
    // The same leaf: the boards are packed beside each other, 2^42 of the one is 1 of the other.
    let boards = elements.len() - 2;
    elements[boards] += Fr::from(1u64 << 42);
    elements[boards + 1] -= Fr::ONE;
    let mut forgery = Forgery::of(&on, &[play(&on, 1, 0, 0, 3)]);
    forgery.pretend::<Game>(0, elements);
    forgery.refused_only_by("game/next_discs");
}

// Stakes.

#[test]
fn joining_ones_own_game_or_one_of_two_is_refused() {
    let on = one_player();
    Forgery::of(&on, &[join_game_again(&on, 3)])
        .changed(|slot| slot.sender = 1)
        .refused_only_by("arcade/another player");
    moved_to(&on, &join_game_again(&on, 3), &with_game(small(), |_| ()), "arcade/nobody joined yet");
    let ended = with_game(small(), |game| {
        (game.joined, game.live, game.other) = (false, false, AccountIndex::from(1));
    });
    moved_to(&on, &join_game_again(&on, 3), &ended, "arcade/live game");
}

#[test]
fn joining_for_another_stake_than_signed_is_refused() {
    let on = one_player();
    let dearer = with_game(small(), |game| {
        (game.joined, game.other, game.stake) = (false, game.next, 2 * STAKE);
    });
    let mut forgery = Forgery::of(&on, &[join_game_again(&on, 3)]);
    forgery.sign();
    forgery.on = &dearer;
    forgery.refused_only_by("eddsa/equation");
}

#[test]
fn a_claim_too_early_or_by_the_wrong_player_is_refused() {
    let on = two_players();
    let early = with_game(small(), |game| game.since -= u32::from(PATIENCE) - 1);
    moved_to(&on, &claim(&on, 2, 0, 0), &early, "arcade/patience");
    for stranger in [1, 3] {
        Forgery::of(&on, &[claim(&on, 2, 0, 0)])
            .changed(|slot| slot.sender = stranger)
            .refused_only_by("arcade/waiting player");
    }
    moved_to(&on, &claim(&on, 2, 0, 0), &over_since_long(), "arcade/live game");
}

fn over_since_long() -> TestChain {
    with_game(small(), |game| {
        game.live = false;
        game.since -= u32::from(PATIENCE);
    })
}

#[test]
fn a_claim_of_a_stake_that_nobody_paid_is_refused() {
    let on = two_players();
    let lonely = with_game(small(), |game| {
        game.joined = false;
        game.since -= u32::from(PATIENCE);
    });
    moved_to(&on, &claim(&on, 2, 0, 0), &lonely, "arcade/joined game");
}

#[test]
fn resigning_for_somebody_else_is_refused() {
    let on = two_players();
    let resignation = || Forgery::of(&on, &[resign(&on, 1, 0, 0)]);
    resignation().changed(|slot| slot.sender = 3).refused_only_by("arcade/player");
    // The sender would be its own winner, whose account is held.
    resignation().changed(|slot| slot.inputs[IN_TURN] = Fr::ZERO).refused_by([
        "arcade/player",
        "state/memory",
        "state/one view of a place",
    ]);
    moved_to(&on, &resign(&on, 1, 0, 0), &over(), "arcade/live game");
}

/// In a game that no opening leads to, of one player against themselves: what two views of an account would give.
#[test]
fn a_player_paid_as_their_own_opponent_is_refused() {
    let on = two_players();
    let alone = with_game(small(), |game| game.other = game.next);
    let mut forgery = Forgery::of(&on, &[resign(&on, 1, 0, 0)]);
    forgery.on = &alone;
    let before: Account = alone.read(1).expect("an account");
    let after = Account { balance: before.balance - u128::from(FEE), nonce: before.nonce + 1, ..before };
    forgery.foresee::<Account>(1, after.elements());
    forgery.refused_only_by("state/one view of a place");
}

#[test]
fn a_winner_wrapping_at_128_bits_is_refused() {
    let on = two_players();
    let rich = two_players().with_account(2, |account| account.balance = u128::MAX - 100);
    moved_to(&on, &resign(&on, 1, 0, 0), &rich, "arcade/paid balance");
}

#[test]
fn a_live_games_place_opened_again_is_refused() {
    let on = over();
    moved_to(&on, &open_game(&on, 3, STAKE), &two_players(), "arcade/place is free");
    Forgery::of(&on, &[open_game(&on, 3, STAKE)])
        .changed(|slot| slot.inputs[REUSED] = Fr::ZERO)
        .refused_only_by("state/memory");
}

#[test]
fn an_empty_place_said_to_have_had_a_game_is_refused() {
    let on = over();
    Forgery::of(&on, &[open_game(&on, 3, STAKE)])
        .changed(|slot| slot.inputs[PLACE] = Fr::from(5u64))
        .refused_only_by("state/memory");
}

#[test]
fn a_number_that_starts_again_is_refused() {
    let on = over();
    let last = with_game(small(), |game| (game.live, game.number) = (false, u32::MAX));
    moved_to(&on, &open_game(&on, 3, STAKE), &last, "arcade/game number");
}

#[test]
fn a_game_for_less_than_the_deposit_is_refused() {
    let on = over();
    Forgery::of(&on, &[open_game(&on, 3, STAKE)])
        .changed(|slot| slot.inputs[OPENED_STAKE] = Fr::from(DEPOSIT - 1))
        .refused_only_by("arcade/stake is a deposit");
}
