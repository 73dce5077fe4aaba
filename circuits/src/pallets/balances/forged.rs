//! Forged executions: complete dishonest witnesses, and the one constraint that refuses each.
//!
//! A forgery is a block that was not executed honestly, with everything that follows from the lie derived
//! as the circuit derives it: roots, body, statement. Each is refused by the constraint named, by no other,
//! and is accepted once that constraint is left out: so the constraint is needed, and the test can fail.

use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use zkpov_verifier::{
    babyjubjub::{Point, Scalar},
    field::Fr,
    poseidon,
};

use super::testing::{BALANCE, DEPOSIT, MINIMUM_FEE, TestChain, key, small_chain, spec, with_spec};
use crate::{
    integer::power_of_two,
    runtime::{
        Account, Authors, SEATS, Seat, SlotWitness, Witness,
        testing::{Forgery, refused_by, restated},
    },
    soundness::{violated, with_hints},
    state::Value as _,
};

/// Inputs of a transfer's slot.
const RECEIVER: usize = 0;
const AMOUNT: usize = 1;
/// Inputs of an open's slot, beside the two.
const KEY_X: usize = 2;
const KEY_Y: usize = 3;

/// A chain with one transfer slot and one open slot, four accounts.
fn small() -> TestChain {
    small_chain(1, 1, 1, 4)
}

/// A transfer of account 1 to account 2, changed before it is signed.
fn transfer(on: &TestChain, change: impl FnOnce(&mut SlotWitness)) -> Forgery<'_> {
    Forgery::of(
        on,
        &[super::testing::transfer(on, 1, on.read::<Account>(1).expect("an account").nonce, 2, 500)],
    )
    .changed(change)
}

/// An account of key number 9, opened by account 1 and changed before it is signed.
fn open(on: &TestChain, change: impl FnOnce(&mut SlotWitness)) -> Forgery<'_> {
    Forgery::of(
        on,
        &[super::testing::open(on, 1, on.read::<Account>(1).expect("an account").nonce, 9, DEPOSIT)],
    )
    .changed(change)
}

/// Elements of an account of key number `i`.
fn account(i: u8, balance: Fr, nonce: Fr) -> Vec<Fr> {
    let [x, y] = key(i).coordinates();
    vec![x, y, balance, nonce, Fr::ZERO]
}

#[test]
fn the_honest_block_is_accepted() {
    let on = small();
    let calls = [super::testing::transfer(&on, 1, 0, 2, 500), super::testing::open(&on, 2, 0, 9, DEPOSIT)];
    let witness = Forgery::of(&on, &calls).witness();
    assert_eq!(violated(|cs| on.circuit(Some(&witness), &cs)), Ok(vec![]));
    assert_eq!(witness.statement, on.execute(&calls).statement.elements());
}

// Amounts and balances.

#[test]
fn an_overdraft_is_refused() {
    let on = small();
    transfer(&on, |slot| slot.inputs[AMOUNT] = Fr::from(2 * BALANCE))
        .refused_only_by("runtime/sender keeps the deposit");
}

#[test]
fn a_sender_left_below_the_existential_deposit_is_refused() {
    let on = small();
    let most = BALANCE - DEPOSIT - u128::from(MINIMUM_FEE + 1);
    transfer(&on, |slot| slot.inputs[AMOUNT] = Fr::from(most + 1))
        .refused_only_by("runtime/sender keeps the deposit");
    let on = small();
    transfer(&on, |slot| slot.inputs[AMOUNT] = Fr::from(most)).accepted();
}

#[test]
fn a_negative_amount_is_refused() {
    let on = small();
    transfer(&on, |slot| slot.inputs[AMOUNT] = -Fr::from(500u64)).refused_only_by("transfer/amount");
}

#[test]
fn a_receiver_wrapping_at_128_bits_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    let rich = small().with_account(2, |account| account.balance = u128::MAX - 100);
    forgery.on = &rich;
    forgery.refused_only_by("runtime/receiver balance");
}

#[test]
fn an_author_wrapping_at_128_bits_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    let rich = small().with_account(0, |account| account.balance = u128::MAX);
    forgery.on = &rich;
    forgery.refused_only_by("author/balance");
}

#[test]
fn a_balance_borrowed_from_the_nonce_is_refused() {
    let on = small().with_account(1, |account| account.nonce = 1);
    // The same leaf: one nonce less, 2^128 more. The amount takes all of it.
    let mut forgery = open(&on, |slot| slot.inputs[AMOUNT] = Fr::from(u128::MAX));
    forgery.pretend::<Account>(1, account(1, Fr::from(BALANCE) + power_of_two(128), Fr::ZERO));
    forgery.refused_only_by("account/balance");
}

#[test]
fn an_account_opened_below_the_deposit_is_refused() {
    let on = small();
    open(&on, |slot| slot.inputs[AMOUNT] = Fr::from(DEPOSIT - 1))
        .refused_only_by("runtime/opened with the deposit");
}

// Fees and issuance.

#[test]
fn a_fee_below_the_minimum_is_refused() {
    let on = small();
    transfer(&on, |slot| slot.fee = Fr::from(MINIMUM_FEE - 1)).refused_only_by("runtime/minimum fee");
}

#[test]
fn a_negative_fee_is_refused() {
    let on = small();
    transfer(&on, |slot| slot.fee = -Fr::from(5u64)).refused_by(["runtime/fee range", "runtime/minimum fee"]);
}

#[test]
fn a_fee_beyond_64_bits_is_refused() {
    let on = small().with_account(1, |account| account.balance = 1 << 65);
    transfer(&on, |slot| slot.fee = power_of_two(64)).refused_only_by("runtime/fee range");
}

#[test]
fn fees_that_nobody_paid_are_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.extra_fees = Fr::from(1u64);
    forgery.refused_only_by("runtime/fees");
}

#[test]
fn fees_that_are_burnt_are_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.extra_fees = -Fr::from(1u64);
    forgery.refused_only_by("runtime/fees");
}

#[test]
fn fees_to_another_account_than_the_authors_are_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.author = 1;
    forgery.refused_by(["author/key", "author/permitted"]);
    let on = with_spec(1, 1, 1, &spec(4, false));
    let mut forgery = transfer(&on, |_| ());
    forgery.author = 1;
    forgery.refused_only_by("author/key");
}

#[test]
fn balances_slipped_into_a_write_are_refused() {
    let on = small();
    let mut forgery = open(&on, |_| ());
    forgery.slip_in::<Account>(3, account(3, Fr::from(2 * BALANCE), Fr::ZERO));
    forgery.refused_only_by("state/memory");
}

#[test]
fn a_receiver_whose_key_is_changed_is_refused() {
    let on = small();
    let mut forgery = open(&on, |_| ());
    forgery.slip_in::<Account>(2, account(1, Fr::from(BALANCE), Fr::ZERO));
    forgery.refused_only_by("state/memory");
}

// Nonces and expiry.

/// The block of account 1's transfer, with the signature under another nonce.
fn signed_under_nonce(on: &TestChain, nonce: u32) -> Forgery<'_> {
    let mut forgery = transfer(on, |_| ());
    forgery.slot().set_signature(super::testing::transfer(on, 1, nonce, 2, 500).signature);
    forgery.signs = false;
    forgery
}

#[test]
fn a_replayed_nonce_is_refused() {
    let on = small().with_account(1, |account| account.nonce = 1);
    signed_under_nonce(&on, 1).accepted();
    signed_under_nonce(&on, 0).refused_only_by("eddsa/equation");
}

#[test]
fn a_skipped_nonce_is_refused() {
    let on = small();
    signed_under_nonce(&on, 1).refused_only_by("eddsa/equation");
}

#[test]
fn a_nonce_after_the_last_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    // The state has it, so nothing else objects.
    let last = small().with_account(1, |account| account.nonce = u32::MAX);
    forgery.on = &last;
    forgery.refused_only_by("runtime/nonce is not the last");
}

#[test]
fn a_nonce_borrowed_from_the_author_flag_is_refused() {
    let on = small().with_account(1, |account| account.may_author = true);
    let mut forgery = transfer(&on, |_| ());
    // The same leaf: no permission, and 2^32 more of the nonce.
    forgery.pretend::<Account>(1, account(1, Fr::from(BALANCE), power_of_two(32)));
    forgery.refused_only_by("account/nonce");
}

#[test]
fn an_expired_call_is_refused() {
    let mut on = small();
    on.context.parent.number = 9;
    transfer(&on, |slot| slot.expiry = Fr::from(9u64)).refused_only_by("runtime/expiry");
    transfer(&on, |slot| slot.expiry = Fr::from(10u64)).accepted();
}

/// The header packs the expiry below the fee: 2^32 more of the one is 1 more of the other, which is the
/// same message, so that an old signature would come back to life.
#[test]
fn an_expiry_borrowed_from_the_fee_is_refused() {
    let mut on = small();
    on.context.parent.number = 9;
    let mut forgery = transfer(&on, |slot| slot.expiry = Fr::from(5u64));
    forgery.sign();
    let slot = forgery.slot();
    slot.expiry += power_of_two(32);
    slot.fee -= Fr::from(1u64);
    forgery.refused_only_by("runtime/expiry range");
}

// Signatures and keys.

#[test]
fn another_chains_signature_is_refused() {
    let on = small();
    for change in [0, 1, 2] {
        let mut other = small();
        match change {
            0 => other.context.identity.para_id += 1,
            1 => other.context.identity.genesis_hash[31] ^= 1,
            _ => other.context.identity.transaction_version += 1,
        }
        let mut forgery = transfer(&on, |_| ());
        forgery.slot().set_signature(super::testing::transfer(&other, 1, 0, 2, 500).signature);
        forgery.signs = false;
        forgery.refused_only_by("eddsa/equation");
    }
}

#[test]
fn another_signer_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.sign_with(|_| 3);
    forgery.refused_only_by("eddsa/equation");
}

#[test]
fn a_signature_for_another_receiver_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.sign();
    forgery.slot().inputs[RECEIVER] = Fr::from(3u64);
    forgery.refused_only_by("eddsa/equation");
}

#[test]
fn a_signature_for_another_call_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.slot().set_signature(super::testing::open(&on, 1, 0, 2, 500).signature);
    forgery.signs = false;
    forgery.refused_only_by("eddsa/equation");
}

#[test]
fn every_signed_term_is_bound_by_the_signature() {
    let on = small();
    let changes: [fn(&mut SlotWitness); 3] =
        [|slot| slot.inputs[AMOUNT] += Fr::ONE, |slot| slot.fee += Fr::ONE, |slot| slot.expiry += Fr::ONE];
    for change in changes {
        let mut forgery = transfer(&on, |_| ());
        forgery.sign();
        change(forgery.slot());
        forgery.refused_only_by("eddsa/equation");
    }
}

#[test]
fn a_response_not_below_the_order_is_refused() {
    let on = small();
    let order = Fr::from_bigint(Scalar::MODULUS).expect("below the field's modulus");
    // Where response and order together have no more bits than a response has, only the comparison objects.
    let forgery = (0..64u64).find_map(|more| {
        let mut forgery = transfer(&on, |slot| slot.inputs[AMOUNT] += Fr::from(more));
        forgery.sign();
        let s = &mut forgery.slot().s;
        *s += order;
        (s.into_bigint().num_bits() <= Scalar::MODULUS_BIT_SIZE).then_some(forgery)
    });
    forgery.expect("every third signature").refused_only_by("eddsa/s_below_order");
}

#[test]
fn keys_off_the_curve_are_refused() {
    let on = small();
    open(&on, |slot| slot.inputs[KEY_X] += Fr::ONE).refused_by(["key/on_curve", "key/prime_subgroup"]);
}

#[test]
fn keys_of_low_order_are_refused() {
    let on = small();
    // (0, -1), of order 2: 8 times nothing.
    open(&on, |slot| [slot.inputs[KEY_X], slot.inputs[KEY_Y]] = [Fr::ZERO, -Fr::ONE])
        .refused_by(["key/identity", "key/prime_subgroup"]);
    // (1, 0)/sqrt(a) is of order 4; a point with a part of order 4 is no multiple of 8 either.
    let point = Point { x: key(9).coordinates()[0], y: key(9).coordinates()[1] };
    let twisted = point.add(&Point { x: Fr::ZERO, y: -Fr::ONE });
    open(&on, |slot| [slot.inputs[KEY_X], slot.inputs[KEY_Y]] = [twisted.x, twisted.y])
        .refused_only_by("key/prime_subgroup");
}

#[test]
fn the_identity_is_no_key() {
    let on = small();
    open(&on, |slot| [slot.inputs[KEY_X], slot.inputs[KEY_Y]] = [Fr::ZERO, Fr::ONE])
        .refused_only_by("key/identity");
}

// Places.

/// The account is read as it was before it is written, which no memory gives.
#[test]
fn a_transfer_to_oneself_is_refused() {
    let on = small();
    transfer(&on, |slot| slot.inputs[RECEIVER] = Fr::ONE)
        .refused_by(["state/one view of a place", "state/memory"]);
}

/// The account is read as the slot leaves it, which memory has nothing against. Nobody could import the block.
#[test]
fn a_transfer_to_oneself_as_it_leaves_the_sender_is_refused() {
    let on = small();
    let before: Account = on.read(1).expect("an account");
    let paid = before.balance - 500 - u128::from(crate::runtime::testing::FEE);
    let mut forgery = transfer(&on, |slot| slot.inputs[RECEIVER] = Fr::ONE);
    forgery.foresee::<Account>(1, Account { balance: paid, nonce: before.nonce + 1, ..before }.elements());
    forgery.refused_only_by("state/one view of a place");
}

#[test]
fn opening_an_occupied_place_is_refused() {
    let on = small();
    open(&on, |slot| slot.inputs[RECEIVER] = Fr::from(3u64)).refused_only_by("state/memory");
}

#[test]
fn an_invented_account_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.pretend::<Account>(6, account(9, Fr::from(BALANCE), Fr::ZERO));
    forgery.slot().sender = 6;
    forgery.sign_with(|_| 9);
    forgery.refused_only_by("state/memory");
}

#[test]
fn a_richer_account_than_the_state_has_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.pretend::<Account>(1, account(1, Fr::from(2 * BALANCE), Fr::ZERO));
    forgery.refused_only_by("state/memory");
}

// Slots.

/// A chain with two transfer slots.
fn two_slots() -> TestChain {
    small_chain(1, 2, 1, 4)
}

#[test]
fn an_unused_slot_that_writes_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.slot().used = false;
    forgery.refused_only_by("state/memory");
}

#[test]
fn a_no_op_before_a_call_is_refused() {
    let on = two_slots();
    let mut forgery = transfer(&on, |_| ());
    let empty = forgery.unused(0);
    forgery.lanes[0].insert(0, empty);
    forgery.refused_only_by("lane/no-ops last");
}

#[test]
fn more_used_slots_than_there_are_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.used_slots = Some(vec![2, 0]);
    forgery.refused_only_by("lane/used slots");
}

#[test]
fn a_slot_that_executes_uncounted_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.used_slots = Some(vec![0, 0]);
    forgery.refused_only_by("lane/used slots");
}

// Author and statement.

#[test]
fn another_author_key_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.author_key = key(3).coordinates();
    forgery.refused_only_by("author/key");
}

#[test]
fn an_unpermitted_author_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.author = 3;
    forgery.author_key = key(3).coordinates();
    forgery.refused_only_by("author/permitted");
}

// Turns.

/// Where at relay parent 100, in turns of ten, it is the turn of seat 1 of three: account 0's.
const TURNS: Authors = {
    let mut seats = [Seat(0); SEATS];
    (seats[0], seats[2], seats[3], seats[4]) = (Seat(1), Seat(2), Seat(3), Seat(2));
    Authors { rotating: true, turn: 10, count: 3, seats }
};

/// A chain of these turns, all of whose accounts may author.
fn rotating(authors: &Authors) -> TestChain {
    let on = (1..4).fold(small(), |on, i| on.with_account(i, |account| account.may_author = true));
    on.with(0, authors)
}

/// An empty block by this account.
fn authored(on: &TestChain, author: u8) -> Forgery<'_> {
    let honest = transfer(on, |_| ());
    Forgery { author: author.into(), author_key: key(author).coordinates(), lanes: vec![], ..honest }
}

#[test]
fn an_author_on_turn_is_accepted() {
    let on = rotating(&TURNS);
    transfer(&on, |_| ()).accepted();
    authored(&rotating(&Authors { rotating: false, ..TURNS }), 2).accepted();
}

#[test]
fn an_author_out_of_turn_is_refused() {
    let on = rotating(&TURNS);
    for author in [1, 2, 3] {
        authored(&on, author).refused_only_by("author/turn");
    }
}

#[test]
fn an_author_whose_turn_is_over_is_refused() {
    let on = rotating(&TURNS);
    let mut later = rotating(&TURNS);
    later.context.relay_parent_number = 110;
    let mut forgery = transfer(&on, |_| ());
    forgery.on = &later;
    forgery.refused_only_by("author/turn");
}

#[test]
fn an_author_whose_seat_was_taken_away_is_refused() {
    let on = rotating(&TURNS);
    let mut seats = TURNS.seats;
    seats[1] = seats[2];
    let without = rotating(&Authors { count: 2, seats, ..TURNS });
    let mut forgery = transfer(&on, |_| ());
    forgery.on = &without;
    forgery.refused_only_by("author/turn");
}

#[test]
fn another_number_of_seats_is_refused() {
    // Of one seat it would be account 1's turn.
    let (on, alone) = (rotating(&TURNS), Authors { count: 1, ..TURNS });
    let mut forgery = authored(&on, 1);
    forgery.pretend::<Authors>(0, alone.elements());
    forgery.refused_only_by("state/single record");
}

#[test]
fn turns_that_authors_do_not_take_are_refused() {
    let on = rotating(&TURNS);
    let mut forgery = authored(&on, 3);
    forgery.pretend::<Authors>(0, Authors { rotating: false, ..TURNS }.elements());
    forgery.refused_only_by("state/single record");
}

/// Account `author` with hints by which it would be its turn.
#[track_caller]
fn turn_refused(author: u8, hints: [(&str, &[Fr]); 3], name: &'static str) {
    let on = rotating(&TURNS);
    let witness = authored(&on, author).witness();
    let [(round, rounds), (offset, offsets), (seat, seats)] = hints;
    with_hints(round, rounds, || {
        with_hints(offset, offsets, || with_hints(seat, seats, || refused_by(&on, &witness, [name])))
    });
}

/// The hints of a turn: relay parent = (round · 3 + seat) · 10 + offset.
fn turn(author: u8, round: Fr, offset: Fr, chosen: &[usize], name: &'static str) {
    let seats: Vec<Fr> = (0..SEATS).map(|seat| Fr::from(chosen.contains(&seat))).collect();
    let hints = [
        ("author/turn/round", &[round][..]),
        ("author/turn/offset", &[offset]),
        ("author/turn/seat", &seats),
    ];
    turn_refused(author, hints, name);
}

#[test]
fn another_seat_than_the_relay_parents_is_refused() {
    let small = |value: u64| Fr::from(value);
    turn(2, small(3), small(0), &[2], "authors/turn at the relay parent");
    // Beyond the last: account 2 had seat 4 once.
    turn(2, small(2), small(0), &[4], "authors/seat is there");
    // The last block of the turn before, and one more.
    turn(1, small(3), small(10), &[0], "authors/offset in the turn");
    turn(2, small(3), -small(10), &[2], "authors/offset range");
    // Rounds that are no number of rounds.
    let thirds = |numerator: u64| small(numerator) * small(3).inverse().expect("not 0");
    turn(2, thirds(8), small(0), &[2], "authors/round");
    // Seats 0 and 1 are the number 1 together, and account 1 together.
    turn(1, small(3), small(0), &[0, 1], "authors/one seat");
}

#[test]
fn an_author_beyond_the_last_place_is_refused() {
    let on = small();
    let witness = transfer(&on, |_| ()).witness();
    // The same place by its low bits.
    refused_by(&on, &restated(witness, 27, power_of_two(3)), ["author/index"]);
}

#[test]
fn another_state_before_or_after_the_block_is_refused() {
    for (place, name) in [(23, "block/parent state root"), (24, "block/state root"), (30, "block/body root")]
    {
        let on = small();
        let witness = transfer(&on, |_| ()).witness();
        refused_by(&on, &restated(witness, place, Fr::ONE), [name]);
    }
}

#[test]
fn another_statement_than_the_verifiers_is_refused() {
    let on = small();
    let witness = transfer(&on, |_| ()).witness();
    for place in 0..witness.statement.len() {
        let mut verifiers = witness.statement;
        verifiers[place] += Fr::ONE;
        let lied = Witness { public_input: poseidon::chain(&verifiers), ..witness.clone() };
        refused_by(&on, &lied, ["statement/digest"]);
    }
}
