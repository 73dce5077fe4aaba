//! The pallet against its model, and what it says to users.

use ark_ff::Field;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use rand::{Rng, SeedableRng, rngs::StdRng};
use zkpov_verifier::field::Fr;

use super::{
    board::{Board, BoardVar, COLUMNS, Dropped, ROWS, directions, drop_disc, is_full, place, runs},
    model::{Model, Outcome},
    testing::{
        BALANCE, DEPOSIT, FEE, PATIENCE, STAKE, TestChain, claim, everything, game, go, join_game, open_game,
        play, resign, small, with_game,
    },
};
use crate::{
    gadgets::range::{self, Uint},
    linear::Linear,
    r1cs::R1cs,
    runtime::Account,
    state::{Fields, Label, Layout, Value},
};

const LABEL: Label = Label { variable: "board", range: "board" };

fn board_in(cs: &ConstraintSystemRef<Fr>, bits: u64) -> BoardVar {
    let elements = [Fr::from(bits)];
    Board::hint(cs, &Layout::new(&[]), LABEL, Fields::new(Some(&elements))).expect("a board")
}

fn board(bits: u64) -> BoardVar {
    board_in(&ConstraintSystemRef::None, bits)
}

fn drop_into(mover: u64, other: u64, column: u8) -> Result<Dropped> {
    let column = Uint::<8>::constant(column.into()).expect("a byte");
    drop_disc(&ConstraintSystemRef::None, &board(mover), &board(other), &column)
}

fn bits_of(board: &BoardVar) -> u64 {
    let bits = board.places().iter().enumerate();
    bits.map(|(i, bit)| u64::from(bit.value().expect("native")) << i).sum()
}

/// All lines of four places, each by its pairs.
fn any_line(board: &BoardVar) -> Result<crate::bit::Bit> {
    let mut fours = Linear::new(&ConstraintSystemRef::None);
    for line in directions().iter().flatten() {
        let bits: Vec<_> = line.iter().map(|at| board.places()[*at].clone()).collect();
        runs(&bits)?.iter().for_each(|four| fours.add(Fr::ONE, four));
    }
    range::is_zero(&fours.finish()?)?.not()
}

#[test]
fn a_board_has_69_lines_of_four() {
    let lines = directions();
    assert_eq!(lines.each_ref().map(Vec::len), [7, 6, 6, 6]);
    assert_eq!(lines.iter().flatten().map(|line| line.len() - 3).sum::<usize>(), 69);
    assert_eq!((place(0, 0), place(6, 5)), (0, 41));
}

/// Thousands of moves, columns beyond the board and full ones among the moves.
#[test]
fn moves_wins_and_draws_are_those_of_the_rules() {
    let mut random = StdRng::seed_from_u64(1);
    let mut outcomes = [0; 3];
    for round in 0..600 {
        let mut model = Model::default();
        loop {
            let column: u8 = random.gen_range(0..8);
            // Every other game mostly forgoes wins, so that some are drawn.
            let forgoes = round % 2 == 1 && random.gen_bool(0.97);
            if forgoes && model.allows(column.into()) && model.clone().play(column.into()) == Outcome::Won {
                continue;
            }
            let (mover, other) = (model.bits(model.turn()), model.bits(1 - model.turn()));
            let dropped = drop_into(mover, other, column);
            if !model.allows(column.into()) {
                assert!(dropped.is_err(), "column {column}");
                continue;
            }
            let dropped = dropped.expect("a legal move");
            let player = model.turn();
            let outcome = model.play(column.into());
            assert_eq!(bits_of(&dropped.discs), model.bits(player));
            let won = dropped.wins().expect("native").value().expect("native");
            assert_eq!(won, outcome == Outcome::Won);
            assert_eq!(won, any_line(&dropped.discs).expect("native").value().expect("native"));
            let full = is_full(&dropped.discs, &board(other)).expect("native").value().expect("native");
            assert_eq!(full && !won, outcome == Outcome::Drawn);
            outcomes[outcome as usize] += 1;
            if outcome != Outcome::Goes {
                break;
            }
        }
    }
    assert!(outcomes.iter().all(|count| *count > 0), "moves, wins, draws: {outcomes:?}");
}

#[test]
fn every_line_of_four_wins_by_each_of_its_places_and_no_three_do() {
    for line in directions().iter().flatten() {
        for four in line.windows(4) {
            let all: u64 = four.iter().map(|at| 1u64 << at).sum();
            for last in four {
                let (column, row) = (last / ROWS, last % ROWS);
                // Below the last disc all is taken, by the other player where the line is not.
                let below: u64 = (0..row).map(|row| 1u64 << place(column, row)).sum();
                let mover = all & !(1 << last);
                if (row..ROWS).any(|above| mover >> place(column, above) & 1 == 1) {
                    // Nothing falls below a disc.
                    continue;
                }
                let dropped = drop_into(mover, below & !mover, column as u8).expect("room");
                assert_eq!(bits_of(&dropped.discs), all);
                assert!(dropped.wins().expect("native").value().expect("native"));
                for missing in four.iter().filter(|at| *at != last) {
                    let three = mover & !(1 << missing);
                    let dropped = drop_into(three, below & !three, column as u8).expect("room");
                    assert!(!dropped.wins().expect("native").value().expect("native"));
                }
            }
        }
    }
}

#[test]
fn looking_through_four_lines_costs_half_of_looking_through_all() {
    let boards = |cs: &ConstraintSystemRef<Fr>| (board_in(cs, 0), board_in(cs, 0));
    let column = |cs: &ConstraintSystemRef<Fr>| Uint::<8>::hint(cs, "column", || Ok(0)).expect("a column");
    let size = |circuit: &dyn Fn(ConstraintSystemRef<Fr>) -> Result<()>| {
        R1cs::synthesize(circuit).expect("a shape").constraints()
    };
    let inputs = size(&|cs| {
        let _ = (boards(&cs), column(&cs));
        Ok(())
    });
    let drop = |cs: &ConstraintSystemRef<Fr>| {
        let (mover, other) = boards(cs);
        drop_disc(cs, &mover, &other, &column(cs))
    };
    let dropped = size(&|cs| drop(&cs).map(|_| ()));
    let through_new = size(&|cs| drop(&cs)?.wins().map(|_| ()));
    let through_all = size(&|cs| any_line(&drop(&cs)?.discs).map(|_| ()));
    // 7 bits, two sums, 42 products, one sum.
    assert_eq!(dropped - inputs, COLUMNS + 2 + COLUMNS * ROWS + 1);
    // And whether the sum of fours is zero, three constraints.
    assert_eq!((through_new - dropped, through_all - dropped), (88 + 3, 188 + 3));
}

fn balance(on: &TestChain, account: u32) -> u128 {
    on.read::<Account>(account).expect("an account").balance
}

/// What a player's balance is after so many calls, with this won (or lost).
fn after(calls: u32, won: i128) -> u128 {
    BALANCE.checked_add_signed(won).expect("a balance") - u128::from(FEE) * u128::from(calls)
}

/// Random games on one chain, one after the other at the same place.
#[test]
fn random_games_follow_the_model_and_conserve_the_issuance() {
    let mut random = StdRng::seed_from_u64(2);
    let mut on = small();
    let issued = everything(&on);
    for number in 0..4u32 {
        let (opener, joiner) = if number % 2 == 0 { (1, 2) } else { (2, 3) };
        go_at(&mut on, opener, joiner, number);
        let mut model = Model::default();
        let held = everything(&on);
        assert_eq!(held, issued);
        loop {
            let players = [opener, joiner];
            let (player, waiting) = (players[model.turn()], players[1 - model.turn()]);
            let column: u8 = random.gen_range(0..8);
            assert!(on.refusal(&play(&on, waiting, 0, number, 3)).contains("turn"));
            let call = play(&on, player, 0, number, column);
            if !model.allows(column.into()) {
                let refusal = on.refusal(&call);
                assert!(refusal.contains("is full") || refusal.contains("columns are"), "{refusal}");
                continue;
            }
            let before = balance(&on, player.into());
            go(&mut on, &call);
            assert_eq!(everything(&on), issued);
            let mover = model.turn();
            let outcome = model.play(column.into());
            let now = game(&on, 0);
            assert_eq!(now.other_discs.bits(), model.bits(mover));
            assert_eq!(now.next_discs.bits(), model.bits(1 - mover));
            assert_eq!(now.live, outcome == Outcome::Goes);
            let gained = match outcome {
                Outcome::Goes => 0,
                Outcome::Won => 2 * STAKE,
                Outcome::Drawn => STAKE,
            };
            assert_eq!(balance(&on, player.into()), before + gained - u128::from(FEE));
            if outcome != Outcome::Goes {
                break;
            }
        }
        assert!(on.refusal(&play(&on, opener, 0, number, 3)).contains("is over"));
    }
}

/// Opens game `number` at place 0 and has it joined.
fn go_at(on: &mut TestChain, opener: u8, joiner: u8, number: u32) {
    let call = open_game(on, opener, STAKE);
    go(on, &call);
    assert_eq!(game(on, 0).number, number);
    let call = join_game(on, joiner, 0, number, opener);
    go(on, &call);
}

#[test]
fn a_draw_returns_both_stakes() {
    // The last place is in column 6; no line is made by it.
    let mut on = with_game(small(), |game| {
        let mut mover = 0u64;
        let mut other = 0u64;
        for column in 0..COLUMNS {
            for row in 0..ROWS {
                let of_mover = (column / 2 + row) % 2 == 0;
                let bit = 1u64 << place(column, row);
                if (column, row) == (6, 5) {
                    continue;
                }
                if of_mover { mover |= bit } else { other |= bit }
            }
        }
        game.next_discs = Board::new(mover).expect("a board");
        game.other_discs = Board::new(other).expect("a board");
    });
    let call = play(&on, 1, 0, 0, 6);
    on.prove_and_advance(&[call]);
    assert!(!game(&on, 0).live);
    assert_eq!(balance(&on, 1), after(1, STAKE as i128));
    assert_eq!(balance(&on, 2), after(0, STAKE as i128));
}

#[test]
fn a_game_is_opened_joined_played_and_won_in_the_circuit() {
    let mut on = small();
    let issued = everything(&on);
    let call = open_game(&on, 1, STAKE);
    on.prove_and_advance(&[call]);
    let call = join_game(&on, 2, 0, 0, 1);
    on.prove_and_advance(&[call]);
    for column in [0, 1, 0, 1, 0, 1] {
        let call = play(&on, if column == 0 { 1 } else { 2 }, 0, 0, column);
        go(&mut on, &call);
    }
    let call = play(&on, 1, 0, 0, 0);
    on.prove_and_advance(&[call]);
    assert_eq!((balance(&on, 1), balance(&on, 2)), (after(5, STAKE as i128), after(4, -(STAKE as i128))));
    assert_eq!(everything(&on), issued);
    // The place is used again, and its number is another.
    let call = open_game(&on, 3, DEPOSIT);
    on.prove_and_advance(&[call]);
    assert_eq!((game(&on, 0).number, game(&on, 0).live, game(&on, 0).next_discs.discs()), (1, true, 0));
}

#[test]
fn resigning_and_claiming_pay_the_other_and_the_one_who_waited() {
    for winner in [2u8, 1] {
        let mut on = with_game(small(), |game| game.since -= u32::from(PATIENCE));
        let loser = 3 - winner;
        let call = resign(&on, loser, 0, 0);
        on.prove_and_advance(&[call]);
        assert_eq!(balance(&on, winner.into()), after(0, 2 * STAKE as i128));
        assert_eq!(balance(&on, loser.into()), after(1, 0));
    }
    let mut on = with_game(small(), |game| game.since -= u32::from(PATIENCE));
    let call = claim(&on, 2, 0, 0);
    on.prove_and_advance(&[call]);
    assert_eq!(balance(&on, 2), after(1, 2 * STAKE as i128));
    // Nobody joined: the opener takes the stake back.
    let mut on = small();
    let call = open_game(&on, 1, STAKE);
    go(&mut on, &call);
    let call = resign(&on, 1, 0, 0);
    on.prove_and_advance(&[call]);
    assert_eq!(balance(&on, 1), after(2, 0));
}

#[test]
fn refusals_name_their_cause() {
    let on = with_game(small(), |_| ());
    let refused = |call, cause: &str| {
        let refusal = on.refusal(&call);
        assert!(refusal.contains(cause), "{refusal}");
    };
    refused(play(&on, 2, 0, 0, 3), "it is account 1's turn");
    refused(play(&on, 1, 0, 1, 3), "number 0, not 1");
    refused(play(&on, 1, 5, 0, 3), "no game at place 5");
    refused(play(&on, 1, 0, 0, 7), "columns are 0 to 6");
    refused(join_game(&on, 3, 0, 0, 1), "two players");
    refused(resign(&on, 3, 0, 0), "not account 3");
    refused(claim(&on, 1, 0, 0), "only account 2 waits");
    refused(claim(&on, 2, 0, 0), "until relay block");
    refused(open_game(&on, 3, DEPOSIT - 1), "at least the existential deposit");
    let on = with_game(small(), |game| game.joined = false);
    let refused = |call, cause: &str| {
        let refusal = on.refusal(&call);
        assert!(refusal.contains(cause), "{refusal}");
    };
    refused(join_game(&on, 1, 0, 0, 1), "against itself");
    refused(join_game(&on, 3, 0, 0, 2), "account 1's, for a stake of");
    refused(claim(&on, 2, 0, 0), "can `resign`");
    refused(play(&on, 1, 0, 0, 3), "nobody has joined");
}
