//! Forged executions: complete dishonest witnesses, and the constraints that refuse each.

use ark_ff::{BigInteger, PrimeField};
use num_bigint::BigUint;
use zkpov_verifier::field::Fr;

use super::{Amount, Pool, curve, testing::*};
use crate::{
    pallets::assets::{Asset, Holding},
    runtime::SlotWitness,
    state::Value,
};

/// Inputs of a swap's slot.
const SELLS_NATIVE: usize = 1;
const SOLD: usize = 2;
const LEAST: usize = 3;
const BOUGHT: usize = 4;

/// Inputs of a provider's slot.
const NATIVE_LIMIT: usize = 2;
const NATIVE_PAID: usize = 4;
const ASSETS_PAID: usize = 5;

/// Inputs of a creation's slot.
const PLACE: usize = 0;
const FIRST_NATIVE: usize = 2;
const FIRST_ASSETS: usize = 3;

/// A quotient too large makes the remainder negative, which has no bits, and so none that the second equation holds for.
const TOO_LARGE: [&str; 2] = ["division/remainder", "division/carry"];

const SOLD_AMOUNT: u128 = 7_000;

fn swaps() -> TestChain {
    market(only(&[SWAP]))
}

/// A sale of the native token by account 1, changed before it is signed.
fn sale(on: &TestChain, change: impl FnOnce(&mut SlotWitness)) -> Forgery<'_> {
    Forgery::of(on, &[swap(on, 1, 0, POOL, true, [SOLD_AMOUNT, 1])]).changed(change)
}

/// The same by the pool with another record.
fn sale_by(pool: &Pool, change: impl FnOnce(&mut SlotWitness)) {
    let on = swaps();
    let mut forgery = sale(&on, change);
    let other = swaps().with(POOL, pool);
    forgery.on = &other;
    forgery.refused_only_by("pools/reserve");
}

fn adds() -> TestChain {
    market(only(&[ADD_LIQUIDITY]))
}

/// A purchase of shares by account 1, changed before it is signed.
fn add(on: &TestChain, change: impl FnOnce(&mut SlotWitness)) -> Forgery<'_> {
    let shares = 777;
    Forgery::of(on, &[add_liquidity(on, 1, 0, POOL, shares, [shares; 2])]).changed(change)
}

/// The chain on which the trades have made shares worth odd amounts.
fn removals() -> TestChain {
    let on = market(only(&[REMOVE_LIQUIDITY]));
    let pool = pool(&on);
    on.with(POOL, &Pool { native: Amount(NATIVE + 1), assets: Amount(ASSETS + 7), ..pool })
}

/// A sale of shares by the pool's creator, changed before it is signed.
fn remove(on: &TestChain, change: impl FnOnce(&mut SlotWitness)) -> Forgery<'_> {
    Forgery::of(on, &[remove_liquidity(on, CREATOR, 0, POOL, 777, [1, 1])]).changed(change)
}

fn creations() -> TestChain {
    market(only(&[CREATE_POOL]))
}

/// A pool made by account 1, changed before it is signed.
fn create(on: &TestChain, change: impl FnOnce(&mut SlotWitness)) -> Forgery<'_> {
    Forgery::of(on, &[create_pool(on, 1, 0, ASSET, [5_000, 300])]).changed(change)
}

fn one() -> Fr {
    Fr::from(1u64)
}

#[test]
fn the_honest_blocks_are_accepted() {
    sale(&swaps(), |_| ()).accepted();
    add(&adds(), |_| ()).accepted();
    remove(&removals(), |_| ()).accepted();
    create(&creations(), |_| ()).accepted();
}

// Trades.

#[test]
fn buying_more_than_the_curve_gives_is_refused() {
    let on = swaps();
    sale(&on, |slot| slot.inputs[BOUGHT] += one()).refused_by(TOO_LARGE);
}

#[test]
fn giving_a_trader_less_than_the_curve_gives_is_refused() {
    let on = swaps();
    sale(&on, |slot| slot.inputs[BOUGHT] -= one()).refused_only_by("division/below divisor");
}

/// What one unit buys is said to be (p + dividend) / divisor: more than half of a reserve of 2^127.
#[test]
fn a_quotient_that_is_right_modulo_p_alone_is_refused() {
    let pool = pool(&swaps());
    let deep = Pool { native: Amount(1 << 117), assets: Amount(1 << 127), ..pool };
    let on = swaps().with(POOL, &deep);
    let modulus = BigUint::from_bytes_le(&Fr::MODULUS.to_bytes_le());
    let kept = BigUint::from(curve::KEPT_PER_MILLE);
    let divisor = BigUint::from(deep.native.0) * curve::MILLE + &kept;
    let quotient = (modulus + kept * deep.assets.0) / divisor;
    assert!(quotient > BigUint::from(deep.assets.0 / 2) && quotient < BigUint::from(deep.assets.0));
    let honest = Forgery::of(&on, &[swap(&on, 1, 0, POOL, true, [1, 0])]);
    honest.changed(|slot| slot.inputs[BOUGHT] = quotient.into()).refused_only_by("division/carry");
}

#[test]
fn a_trade_worse_than_was_signed_is_refused() {
    let on = swaps();
    let bought = curve::bought(SOLD_AMOUNT, NATIVE, ASSETS).expect("a pool");
    sale(&on, |slot| slot.inputs[LEAST] = bought.into()).accepted();
    sale(&on, |slot| slot.inputs[LEAST] = (bought + 1).into()).refused_only_by("pools/least");
}

#[test]
fn selling_what_one_does_not_hold_is_refused() {
    let on = swaps();
    for sold in [HELD, HELD + 1] {
        let bought = curve::bought(sold, ASSETS, NATIVE).expect("a pool");
        let forgery = sale(&on, |slot| {
            slot.inputs[SELLS_NATIVE] = Fr::from(0u64);
            slot.inputs[SOLD] = sold.into();
            slot.inputs[BOUGHT] = bought.into();
        });
        if sold == HELD { forgery.accepted() } else { forgery.refused_only_by("pools/holding") }
    }
    let bought = curve::bought(BALANCE, NATIVE, ASSETS).expect("a pool");
    let all = |slot: &mut SlotWitness| {
        slot.inputs[SOLD] = BALANCE.into();
        slot.inputs[BOUGHT] = bought.into();
    };
    sale(&on, all).refused_by(["runtime/sender keeps the deposit", "runtime/sender balance"]);
}

#[test]
fn a_reserve_past_128_bits_is_refused() {
    let pool = pool(&swaps());
    let full = Pool { native: Amount(u128::MAX - 5), ..pool };
    let bought = curve::bought(SOLD_AMOUNT, full.native.0, ASSETS).expect("a pool");
    sale_by(&full, |slot| {
        slot.inputs[BOUGHT] = bought.into();
        slot.inputs[LEAST] = Fr::from(0u64);
    });
}

#[test]
fn a_trade_after_its_deadline_is_refused() {
    let mut on = swaps();
    on.context.parent.number = 9;
    sale(&on, |slot| slot.expiry = Fr::from(10u64)).accepted();
    sale(&on, |slot| slot.expiry = Fr::from(9u64)).refused_only_by("runtime/expiry");
}

#[test]
fn a_pool_that_the_state_has_not_is_refused() {
    let on = swaps();
    let richer = Pool { assets: Amount(2 * ASSETS), ..pool(&on) };
    let bought = curve::bought(SOLD_AMOUNT, NATIVE, 2 * ASSETS).expect("a pool");
    let mut forgery = sale(&on, |slot| slot.inputs[BOUGHT] = bought.into());
    forgery.pretend::<Pool>(POOL, richer.elements());
    forgery.refused_only_by("state/memory");
}

#[test]
fn what_a_trader_signs_is_bound_by_the_signature() {
    let on = swaps();
    let changes: [fn(&mut SlotWitness); 3] = [
        |slot| slot.inputs[LEAST] -= one(),
        |slot| {
            let sold = SOLD_AMOUNT + 1;
            slot.inputs[SOLD] = sold.into();
            slot.inputs[BOUGHT] = curve::bought(sold, NATIVE, ASSETS).expect("a pool").into();
        },
        |slot| {
            slot.inputs[SELLS_NATIVE] = Fr::from(0u64);
            slot.inputs[BOUGHT] = curve::bought(SOLD_AMOUNT, ASSETS, NATIVE).expect("a pool").into();
        },
    ];
    for change in changes {
        let mut forgery = sale(&on, |_| ());
        forgery.sign();
        change(forgery.slot());
        forgery.refused_only_by("eddsa/equation");
    }
}

// Liquidity.

#[test]
fn shares_for_less_than_their_part_are_refused() {
    let on = adds();
    for paid in [NATIVE_PAID, ASSETS_PAID] {
        add(&on, |slot| slot.inputs[paid] -= one()).refused_by(TOO_LARGE);
        add(&on, |slot| slot.inputs[paid] = Fr::from(0u64)).refused_by(TOO_LARGE);
    }
}

#[test]
fn having_a_provider_pay_more_than_the_part_is_refused() {
    let on = adds();
    for paid in [NATIVE_PAID, ASSETS_PAID] {
        let more = |slot: &mut SlotWitness| {
            slot.inputs[paid] += one();
            slot.inputs[NATIVE_LIMIT] += one();
        };
        add(&on, more).refused_only_by("division/below divisor");
    }
}

#[test]
fn a_purchase_dearer_than_was_signed_is_refused() {
    let on = adds();
    add(&on, |slot| slot.inputs[NATIVE_LIMIT] = slot.inputs[NATIVE_PAID] - one())
        .refused_only_by("pools/most");
    add(&on, |slot| slot.inputs[NATIVE_LIMIT + 1] = slot.inputs[ASSETS_PAID] - one())
        .refused_only_by("pools/most");
}

#[test]
fn paying_with_what_one_does_not_hold_is_refused() {
    let on = adds();
    add(&on, |slot| slot.sender = STRANGER.into()).refused_only_by("pools/overdraft");
    let on = removals();
    remove(&on, |slot| slot.sender = 1).refused_only_by("pools/overdraft");
    let on = creations();
    create(&on, |slot| slot.sender = STRANGER.into()).refused_only_by("pools/overdraft");
}

#[test]
fn shares_past_128_bits_are_refused() {
    let on = adds();
    let mut forgery = add(&on, |_| ());
    let rich = adds().with(place(POOL, 1), &Holding { amount: u128::MAX });
    forgery.on = &rich;
    forgery.refused_only_by("pools/holding");
    let mut forgery = add(&on, |slot| {
        slot.inputs[NATIVE_PAID] = one();
        slot.inputs[ASSETS_PAID] = one();
    });
    let full = adds().with(POOL, &Pool { shares: Amount(u128::MAX - 5), ..pool(&on) });
    forgery.on = &full;
    forgery.refused_only_by("pools/reserve");
}

#[test]
fn shares_given_back_for_more_than_their_part_are_refused() {
    let on = removals();
    for paid in [NATIVE_PAID, ASSETS_PAID] {
        remove(&on, |slot| slot.inputs[paid] += one()).refused_by(TOO_LARGE);
    }
}

#[test]
fn giving_a_provider_less_than_the_part_is_refused() {
    let on = removals();
    for paid in [NATIVE_PAID, ASSETS_PAID] {
        remove(&on, |slot| slot.inputs[paid] -= one()).refused_only_by("division/below divisor");
    }
}

#[test]
fn a_sale_of_shares_for_less_than_was_signed_is_refused() {
    let on = removals();
    for (limit, paid) in [(NATIVE_LIMIT, NATIVE_PAID), (NATIVE_LIMIT + 1, ASSETS_PAID)] {
        remove(&on, |slot| slot.inputs[limit] = slot.inputs[paid] + one()).refused_only_by("pools/least");
    }
}

#[test]
fn a_holding_past_128_bits_is_refused() {
    let on = removals();
    let mut forgery = remove(&on, |_| ());
    let rich = removals().with(place(ASSET, CREATOR.into()), &Holding { amount: u128::MAX });
    forgery.on = &rich;
    forgery.refused_only_by("pools/holding");
}

/// Of a state in which more shares are held than there are.
#[test]
fn more_shares_taken_back_than_there_are_is_refused() {
    let on = removals();
    let few = removals().with(POOL, &Pool { shares: Amount(10), ..pool(&on) });
    let worth = |reserve| curve::worth(777, reserve, 10).expect("128 bits");
    let mut forgery = remove(&on, |slot| {
        slot.inputs[NATIVE_PAID] = worth(NATIVE + 1).into();
        slot.inputs[ASSETS_PAID] = worth(ASSETS + 7).into();
    });
    forgery.on = &few;
    forgery.refused_only_by("pools/shares left");
}

// Creation.

#[test]
fn a_pool_without_locked_shares_is_refused() {
    let on = creations();
    create(&on, |slot| slot.inputs[FIRST_NATIVE] = curve::LOCKED_SHARES.into()).accepted();
    create(&on, |slot| slot.inputs[FIRST_NATIVE] = (curve::LOCKED_SHARES - 1).into())
        .refused_only_by("pools/locked shares");
}

#[test]
fn a_pool_with_an_empty_reserve_is_refused() {
    let on = creations();
    create(&on, |slot| slot.inputs[FIRST_ASSETS] = Fr::from(0u64)).refused_only_by("pools/empty reserve");
}

#[test]
fn a_pool_where_there_is_an_asset_is_refused() {
    let on = creations();
    // Its own shares for its asset, and a second pool.
    for taken in [ASSET, POOL] {
        create(&on, |slot| slot.inputs[PLACE] = taken.into()).refused_only_by("state/memory");
    }
    assert!(on.read::<Asset>(POOL).expect("shares").shares);
}
