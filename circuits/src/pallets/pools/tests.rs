//! Invariants over random calls, natively and in the circuit, and what users are told.

use std::{collections::BTreeMap, sync::LazyLock};

use num_bigint::BigUint;
use proptest::prelude::*;

use super::{testing::*, *};
use crate::{
    pallets::{
        assets::{Asset, Holding},
        balances::circuit::Payment,
    },
    r1cs::R1cs,
    runtime::{
        Account, Extrinsic, Parameters,
        testing::{cases, proven_cases},
    },
};

/// Slots of the chain of the property tests: a few of each lane.
const SLOTS: [u32; 9] = [1, 1, 1, 2, 3, 1, 3, 3, 5];

/// A call that may or may not be valid.
#[derive(Clone, Debug)]
struct Attempt {
    lane: usize,
    sender: u8,
    other: u8,
    asset: u32,
    flag: bool,
    amounts: [u128; 3],
}

/// An amount of the size of what is there, or one that no sum holds.
fn amount() -> impl Strategy<Value = u128> {
    prop_oneof![
        2 => 0..10u128,
        4 => 0..5_000u128,
        4 => 0..200_000u128,
        1 => Just(HELD),
        1 => Just(u128::MAX),
        1 => Just(u128::MAX / 3),
    ]
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let lane = prop_oneof![1 => 0..CREATE_POOL, 3 => CREATE_POOL..=SWAP, 2 => Just(SWAP)];
    (lane, 0..ACCOUNTS, 0..ACCOUNTS, 0u32..3, any::<bool>(), [amount(), amount(), amount()]).prop_map(
        |(lane, sender, other, asset, flag, amounts)| Attempt { lane, sender, other, asset, flag, amounts },
    )
}

fn signed(on: &TestChain, attempt: &Attempt, nonce: u32) -> Extrinsic {
    let Attempt { lane, sender, other, asset, flag, amounts: [first, second, third] } = *attempt;
    // Assets that are not there have no identity.
    let asset = if on.read::<Asset>(asset).is_some() { asset } else { ASSET };
    // What is asked for is now and then too much.
    let limits = if flag { [u128::MAX; 2] } else { [second, third] };
    match lane {
        0 => on.call("transfer", sender, nonce, &Payment { amount: first, receiver: key(other) }),
        1 => on.call("open", sender, nonce, &Payment { amount: first, receiver: key(6 + other % 2) }),
        CREATE_ASSET => create_asset(on, sender, nonce, first),
        MINT_ASSET => mint_asset(on, sender, nonce, asset, first),
        TRANSFER_ASSET => transfer_asset(on, sender, nonce, asset, other, first),
        CREATE_POOL => create_pool(on, sender, nonce, asset, [first, second]),
        ADD_LIQUIDITY => add_liquidity(on, sender, nonce, POOL, first, limits),
        REMOVE_LIQUIDITY => {
            remove_liquidity(on, sender, nonce, POOL, first, limits.map(|limit| if flag { 0 } else { limit }))
        }
        _ => swap(on, sender, nonce, POOL, flag, [first, second % 100]),
    }
}

/// What must never fall, by pool: the product of the reserves, and the shares.
type Worths = BTreeMap<u32, (BigUint, u128)>;

/// Holds a state to the invariants; what is in its pools.
fn check(on: &TestChain, before: &Worths) -> Worths {
    let pools: BTreeMap<u32, Pool> = (0..PLACES).filter_map(|index| Some((index, on.read(index)?))).collect();
    let balances: u128 =
        (0..PLACES).filter_map(|index| on.read::<Account>(index)).map(|account| account.balance).sum();
    let pooled: u128 = pools.values().map(|pool| pool.native.0).sum();
    let parameters: Parameters = on.read(0).expect("parameters");
    assert_eq!(balances + pooled, parameters.total_issuance, "the native token is conserved");

    for (index, asset) in (0..PLACES).filter_map(|index| Some((index, on.read::<Asset>(index)?))) {
        let held = |account| on.read::<Holding>(place(index, account)).map_or(0, |holding| holding.amount);
        let held: u128 = (0..PLACES).map(held).sum();
        let pooled: u128 =
            pools.values().filter(|pool| pool.asset.0 == index).map(|pool| pool.assets.0).sum();
        match pools.get(&index) {
            Some(pool) => {
                assert!(asset.shares && asset.supply == 0);
                assert_eq!(held + pooled, pool.shares.0 - LOCKED_SHARES, "shares are conserved");
            }
            None => assert_eq!(held + pooled, asset.supply, "asset {index} is conserved"),
        }
    }

    let worths: Worths = pools
        .iter()
        .map(|(index, pool)| (*index, (BigUint::from(pool.native.0) * pool.assets.0, pool.shares.0)))
        .collect();
    for (index, (product, shares)) in before {
        let (later_product, later_shares) = &worths[index];
        assert!(
            later_product * shares * shares >= product * later_shares * later_shares,
            "a share of pool {index} is worth less"
        );
    }
    assert!(pools.values().all(|pool| pool.native.0 > 0 && pool.assets.0 > 0));
    worths
}

fn calls(on: &TestChain, attempts: &[Attempt]) -> Vec<Extrinsic> {
    // In the order of the lanes, so that the nonces are in turn; a refused one makes what follows wait.
    let mut attempts: Vec<&Attempt> = attempts.iter().collect();
    attempts.sort_by_key(|attempt| attempt.lane);
    let mut counts = BTreeMap::new();
    let sign = |attempt: &Attempt| {
        let count = counts.entry(attempt.sender).or_insert_with(|| nonce(on, attempt.sender));
        let call = signed(on, attempt, *count);
        if on.execute(std::slice::from_ref(&call)).refused.is_empty() || *count > nonce(on, attempt.sender) {
            *count += 1;
        }
        call
    };
    attempts.into_iter().map(sign).collect()
}

proptest! {
    #![proptest_config(cases(60))]

    /// Random calls, thousands in all, conserve every token and never make a share worth less.
    #[test]
    fn random_calls_conserve_every_token_and_the_worth_of_shares(
        blocks in prop::collection::vec(prop::collection::vec(attempt(), 1..14), 1..8)
    ) {
        let mut on = market(SLOTS.to_vec());
        let mut worths = check(&on, &Worths::new());
        for attempts in blocks {
            let block = on.execute(&calls(&on, &attempts));
            on.advance(&block);
            worths = check(&on, &worths);
        }
    }
}

proptest! {
    #![proptest_config(proven_cases(6))]

    /// Native execution, the circuit, and import from the body are three tellings of one block.
    #[test]
    fn random_blocks_prove_and_import(
        blocks in prop::collection::vec(prop::collection::vec(attempt(), 4..14), 1..3)
    ) {
        static SHAPE: LazyLock<R1cs> = LazyLock::new(|| market(SLOTS.to_vec()).shape());
        let mut on = market(SLOTS.to_vec());
        for attempts in blocks {
            let block = on.execute(&calls(&on, &attempts));
            on.check_by(&SHAPE, &block);
            on.advance(&block);
        }
    }
}

#[test]
fn a_pool_is_made_traded_with_and_left() {
    let mut on = market(vec![0, 0, 0, 0, 0, 1, 1, 1, 2]);
    on.prove_and_advance(&[create_pool(&on, 1, 0, ASSET, [5_000, 300])]);
    assert_eq!(held(&on, 2, 1), 5_000 - LOCKED_SHARES);
    let before = pool(&on);
    on.prove_and_advance(&[
        swap(&on, 3, 0, POOL, true, [7_000, 1]),
        // Who never held the asset buys some.
        swap(&on, STRANGER, 0, POOL, true, [900, 1]),
    ]);
    let first = curve::bought(7_000, NATIVE, ASSETS).expect("a pool");
    assert_eq!(held(&on, ASSET, 3), HELD + first);
    assert_eq!(pool(&on).native.0, before.native.0 + 7_900);
    on.prove_and_advance(&[
        add_liquidity(&on, 4, 0, POOL, 333, [u128::MAX; 2]),
        remove_liquidity(&on, CREATOR, 0, POOL, NATIVE - LOCKED_SHARES, [1, 1]),
        swap(&on, 3, 1, POOL, false, [50, 1]),
    ]);
    assert_eq!(pool(&on).shares.0, LOCKED_SHARES + 333);
    assert_eq!(held(&on, POOL, 4), 333);
}

/// The attack on the first depositor's successors: nobody pays for more than it gets, but for a unit.
#[test]
fn whoever_comes_second_loses_at_most_a_unit_of_each_to_rounding() {
    let mut on = market(vec![0, 0, 0, 0, 0, 1, 1, 1, 8]);
    on.prove_and_advance(&[create_pool(&on, 1, 0, ASSET, [LOCKED_SHARES, 1])]);
    // The first one drives the price of a share up as far as its money goes.
    let trades: Vec<_> = (0..8).map(|i| swap(&on, 1, 1 + i, 2, true, [100_000, 0])).collect();
    on.prove_and_advance(&trades);
    let before = on.read::<Pool>(2).expect("a pool");
    on.prove_and_advance(&[add_liquidity(&on, 3, 0, 2, 7, [u128::MAX; 2])]);
    on.prove_and_advance(&[remove_liquidity(&on, 3, 1, 2, 7, [0; 2])]);
    let after = on.read::<Pool>(2).expect("a pool");
    assert!(after.native.0 - before.native.0 <= 1 && after.assets.0 - before.assets.0 <= 1);
    assert_eq!(after.shares, before.shares);
}

#[test]
fn refusals_name_their_cause() {
    let on = market(vec![0, 0, 0, 0, 0, 1, 1, 1, 1]);
    let refusal = |call| on.refusal(&call);
    assert!(refusal(create_pool(&on, 1, 0, ASSET, [999, 1])).contains("at least 1000"));
    assert!(refusal(create_pool(&on, 1, 0, ASSET, [1_000, HELD + 1])).contains("holds 500000"));
    assert!(
        refusal(swap(&on, 1, 0, POOL, true, [7_000, ASSETS])).contains("7000 buys 3261, less than 50000")
    );
    assert!(refusal(swap(&on, 1, 0, POOL, false, [HELD + 1, 0])).contains("holds 500000"));
    assert!(refusal(swap(&on, 1, 0, ASSET, true, [1, 0])).contains("no pool at place 0"));
    assert!(refusal(swap(&on, 1, 0, POOL, true, [BALANCE, 0])).contains("deposit"));
    assert!(
        refusal(add_liquidity(&on, 1, 0, POOL, 777, [776, 777]))
            .contains("777 shares cost 777, more than 776")
    );
    assert!(refusal(remove_liquidity(&on, 1, 0, POOL, 1, [0; 2])).contains("holds 0 of asset 1"));
    assert!(
        refusal(remove_liquidity(&on, CREATOR, 0, POOL, 777, [778, 0]))
            .contains("777 shares give 777, less than 778")
    );
}
