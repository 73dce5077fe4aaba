//! No core, no block: coretime bought in a sale, renewed, and on demand.

use frame_support::{assert_ok, dispatch::DispatchResult};
use pallet_broker::CoreAssignment;
use polkadot_primitives::CoreIndex;
use polkadot_runtime_parachains::{on_demand, runtime_api_impl::v13::candidates_pending_availability};

use crate::{
    chain::{ForParas, account},
    market::{END_PRICE, LEAD_IN, Market, TIMESLICE},
    parachain::Parachain,
    runtime::{Coretime, OnDemand, Runtime, RuntimeOrigin, UNIT},
    town::{Town, of_broker, tell_of_core},
    validators::{self, Refusal},
};

const PARA: u32 = 2000;
const BUYER: &str = "buyer";

/// A relay block, with what the Coretime chain says in it; the parachain authors if it has a core. Whether it did.
fn step(town: &mut Town, market: &mut Market, para: &mut Parachain) -> bool {
    let assigned = market.tick(town.number());
    let candidate = town.assignment(para.id).ok().map(|assignment| para.author(town.tip, &assignment, &[]));
    town.block(candidate.as_slice(), || assigned.into_iter().for_each(tell_of_core));
    candidate.is_some()
}

#[test]
fn a_region_bought_at_a_falling_price_runs_the_chain_until_it_ends_and_a_renewal_goes_on() {
    let mut town = Town::new();
    let mut para = town.with_parachain(PARA);
    let mut market = Market::open(town.number(), &[BUYER]);
    // The price falls to its end; who waits pays less.
    let opened = town.number() + 1;
    let prices: Vec<_> = (1..=LEAD_IN + 1).map(|after| market.price(opened + after)).collect();
    assert!(
        prices.is_sorted_by(|earlier, later| earlier >= later) && prices[0] > 50 * END_PRICE,
        "{prices:?}"
    );
    assert_eq!(prices.last(), Some(&END_PRICE));

    // Too little is offered at first, then enough.
    step(&mut town, &mut market, &mut para);
    step(&mut town, &mut market, &mut para);
    let now = town.number();
    assert!(market.purchase(now, BUYER, END_PRICE).is_err(), "the price has not fallen that far");
    let (price, before) = (market.price(now), market.balance(BUYER));
    let (begin, end) = market.on_sale();
    let region = market.purchase(now, BUYER, price).expect("enough");
    assert_eq!(before - market.balance(BUYER), price);
    market.assign(BUYER, region, PARA);

    // The chain authors in its region, and renews before it ends.
    let mut authored = Vec::new();
    let mut renewed = None;
    let (third_begin, third_end) = (2 * end - begin, 3 * end - 2 * begin);
    while town.number() < third_end * TIMESLICE {
        if step(&mut town, &mut market, &mut para) {
            authored.push(town.number());
        }
        let now = town.number();
        if renewed.is_none() && market.on_sale().0 == end && market.renew(now, BUYER, region.core).is_ok() {
            renewed = Some(now);
        }
    }
    assert!(renewed.is_some_and(|number| number < end * TIMESLICE), "renewed while the region ran");
    let (first, last) = (authored[0], authored[authored.len() - 1]);
    assert!(
        first >= begin * TIMESLICE && first <= begin * TIMESLICE + 2,
        "{authored:?}, from {}",
        begin * TIMESLICE
    );
    assert!(last <= third_begin * TIMESLICE + 1, "{authored:?}, to {}", third_begin * TIMESLICE);
    assert!(
        authored.windows(2).all(|pair| pair[1] - pair[0] <= 2),
        "no gap where the renewal begins: {authored:?}"
    );
    assert!(matches!(town.assignment(para.id), Err(Refusal::NoCore)));
    // What was authored was included, all of it.
    town.wait(1);
    assert_eq!(town.head(para.id), Some(para.tip().head));
    assert_eq!(para.tip().number as usize, authored.len());
}

/// A relay chain with a chain on board and a core in the pool.
fn with_a_pool() -> (Town, Parachain, Market) {
    let mut town = Town::new();
    let para = town.with_parachain(PARA);
    let begin = town.number() + 2;
    town.assign_core(1, begin, CoreAssignment::Pool);
    town.wait(3);
    let market = Market::open(town.number(), &[BUYER]);
    (town, para, market)
}

/// Buys credit on the Coretime chain, and has the relay chain know of it.
fn buy_credit(town: &mut Town, market: &mut Market, amount: u128) {
    let credited = market.purchase_credit(BUYER, amount);
    town.call(|| {
        for (who, amount) in credited {
            assert_ok!(Coretime::credit_account(of_broker(), who, amount));
        }
    });
}

fn order(town: &mut Town, para: &Parachain, most: u128) -> DispatchResult {
    let buyer = RuntimeOrigin::signed(account(BUYER));
    town.call(|| OnDemand::place_order_with_credits(buyer, most, para.id))
}

#[test]
fn an_order_on_demand_is_paid_in_the_relay_chains_token_and_buys_one_block() {
    let (mut town, mut para, mut market) = with_a_pool();
    let before = market.balance(BUYER);
    buy_credit(&mut town, &mut market, 3 * UNIT);
    assert_eq!(before - market.balance(BUYER), 3 * UNIT);
    for block in 1..=2 {
        town.wait(1);
        assert!(matches!(town.assignment(para.id), Err(Refusal::NoCore)));
        assert_ok!(order(&mut town, &para, 2 * UNIT));
        town.ready(&[para.id]);
        let transfer = para.transfer(1, block - 1, 2, 500);
        town.author(&mut para, &[transfer]);
        assert!(matches!(town.assignment(para.id), Err(Refusal::NoCore)));
        town.wait(1);
        assert_eq!(town.head(para.id), Some(para.tip().head));
        assert_eq!(para.tip().number, block);
    }
    // The credit is used up by two orders: a third is not taken.
    assert_eq!(order(&mut town, &para, 2 * UNIT), Err(on_demand::Error::<Runtime>::InsufficientCredits.into()));
}

#[test]
fn an_order_that_offers_less_than_the_spot_price_or_is_not_paid_for_buys_nothing() {
    let (mut town, para, mut market) = with_a_pool();
    assert_eq!(order(&mut town, &para, 2 * UNIT), Err(on_demand::Error::<Runtime>::InsufficientCredits.into()));
    buy_credit(&mut town, &mut market, 3 * UNIT);
    let too_little = on_demand::Error::<Runtime>::SpotPriceHigherThanMaxAmount;
    assert_eq!(order(&mut town, &para, UNIT - 1), Err(too_little.into()));
}

#[test]
fn a_candidate_without_a_core_is_not_included_whoever_signs_it() {
    let mut town = Town::new();
    let mut para = town.with_parachain(PARA);
    let other = town.with_parachain(PARA + 1);
    let begin = town.number() + 2;
    town.assign_core(0, begin, CoreAssignment::Task(other.id.into()));
    town.wait_until("a core", |town| town.assignment(other.id).is_ok());
    let of_other = town.assignment(other.id).expect("a core").core;
    // The block is valid, proven, and signed by the whole group of a core, which is not its para's.
    for core in [of_other, CoreIndex(1)] {
        let assignment = validators::on_core(&town.relay, town.tip, para.id, core).expect("known");
        let candidate = para.author(town.tip, &assignment, &[]);
        assert!(matches!(validators::back(&town.relay, &candidate), Err(Refusal::NoCore)));
        let signed = validators::attest(&town.relay, &candidate, &assignment);
        let for_paras = ForParas { candidates: vec![signed], bitfields: Vec::new() };
        let (fork, ()) = town.relay.build(town.tip, 0, for_paras, || ());
        assert!(town.relay.at(fork, || candidates_pending_availability::<Runtime>(para.id)).is_empty());
        para.collator.rollback(0).expect("not final");
    }
}
