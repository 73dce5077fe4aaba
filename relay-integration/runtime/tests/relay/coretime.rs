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

/// A relay block, with what the Coretime chain says in it. The parachain authors in it if it has a core and is `to_author`. Whether it
/// has a core, and whether what it authored was backed.
fn step(town: &mut Town, market: &mut Market, para: &mut Parachain, to_author: bool) -> (bool, bool) {
    let assigned = market.tick(town.number());
    let assignment = town.assignment(para.id);
    let has_core = assignment.is_ok();
    let candidate =
        assignment.ok().filter(|_| to_author).map(|assignment| para.author(town.tip, &assignment, &[]));
    let backed = town.offer(candidate.as_slice(), || assigned.into_iter().for_each(tell_of_core)).0 > 0;
    para.follow(&town.relay, town.tip);
    (has_core, backed)
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
    step(&mut town, &mut market, &mut para, true);
    step(&mut town, &mut market, &mut para, true);
    let now = town.number();
    assert!(market.purchase(now, BUYER, END_PRICE).is_err(), "the price has not fallen that far");
    let (price, before) = (market.price(now), market.balance(BUYER));
    let (begin, end) = market.on_sale();
    let region = market.purchase(now, BUYER, price).expect("enough");
    assert_eq!(before - market.balance(BUYER), price);
    market.assign(BUYER, region, PARA);

    // At both ends the claim queue, which looks ahead, is a relay block generous.
    // The chain has its core through the region and the renewed one. It authors in the first block, in those where one region ends and
    // the other begins, and in the last.
    let [begin, end, last_end] = [begin, end, 2 * end - begin].map(|timeslice| timeslice * TIMESLICE);
    let (mut with_core, mut backed, mut renewed) = (Vec::new(), Vec::new(), None);
    while town.number() < last_end + TIMESLICE {
        let next = town.number() + 1;
        let to_author = backed.is_empty() || next.abs_diff(end) <= 1 || next.abs_diff(last_end) <= 2;
        let (has_core, was_backed) = step(&mut town, &mut market, &mut para, to_author);
        if has_core {
            with_core.push(next);
        }
        if was_backed {
            backed.push(next);
        }
        if renewed.is_none() && market.on_sale().0 * TIMESLICE == end {
            renewed = market.renew(next, BUYER, region.core).ok().map(|()| next);
        }
    }
    assert!(renewed.is_some_and(|number| number < end), "renewed while the region ran");
    let without: Vec<_> = (begin..last_end).filter(|number| !with_core.contains(number)).collect();
    let sessions =
        |numbers: &[u32]| numbers.iter().all(|number| town.relay.is_first_of_session(town.tip, *number));
    assert!(
        with_core.iter().all(|number| (begin - 1..=last_end).contains(number)),
        "{with_core:?}, {begin} to {last_end}"
    );
    assert!(sessions(&without), "no gap but where sessions begin: {without:?}");
    assert!(backed[0] <= begin + 1 && backed.contains(&(end - 1)) | backed.contains(&end), "{backed:?}");
    assert!(backed.iter().all(|number| *number <= last_end), "{backed:?}");
    assert!(matches!(town.assignment(para.id), Err(Refusal::NoCore)));
    // What was backed was included, all of it.
    assert_eq!(town.head(para.id), Some(para.tip().head));
    assert_eq!(para.tip().number as usize, backed.len());
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
fn an_order_on_demand_is_paid_in_the_relay_chains_token_and_opens_a_core_once() {
    let (mut town, mut para, mut market) = with_a_pool();
    let before = market.balance(BUYER);
    buy_credit(&mut town, &mut market, 5 * UNIT / 2);
    assert_eq!(before - market.balance(BUYER), 5 * UNIT / 2);
    for orders in 1..=2 {
        town.wait(1);
        assert!(matches!(town.assignment(para.id), Err(Refusal::NoCore)));
        assert_ok!(order(&mut town, &para, 2 * UNIT));
        town.ready(&[para.id]);
        // An order that comes to an empty core opens it one relay block early, so that a collator has time for it; whoever is quick
        // gets a block in that one too.
        let before = para.tip().number;
        let transfer = para.transfer(1, orders - 1, 2, 500);
        town.author(&mut para, &[transfer]);
        while town.assignment(para.id).is_ok() {
            town.author(&mut para, &[]);
        }
        assert!(
            (1..=2).contains(&(para.tip().number - before)),
            "{orders} orders, {} blocks",
            para.tip().number
        );
        town.wait(1);
        assert_eq!(town.head(para.id), Some(para.tip().head));
    }
    // The credit is used up by two orders: a third is not taken.
    assert_eq!(
        order(&mut town, &para, 2 * UNIT),
        Err(on_demand::Error::<Runtime>::InsufficientCredits.into())
    );
}

#[test]
fn an_order_that_offers_less_than_the_spot_price_or_is_not_paid_for_buys_nothing() {
    let (mut town, para, mut market) = with_a_pool();
    assert_eq!(
        order(&mut town, &para, 2 * UNIT),
        Err(on_demand::Error::<Runtime>::InsufficientCredits.into())
    );
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
