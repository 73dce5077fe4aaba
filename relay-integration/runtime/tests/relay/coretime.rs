//! No core, no block: coretime bought in a sale, renewed, and on demand.

use std::collections::BTreeMap;

use frame_support::{assert_ok, dispatch::DispatchResult};
use pallet_broker::CoreAssignment;
use polkadot_primitives::CoreIndex;
use polkadot_runtime_parachains::{on_demand, runtime_api_impl::v13::candidates_pending_availability};

use crate::{
    chain::{ForParas, LOOKAHEAD, account},
    market::{Assigned, END_PRICE, LEAD_IN, Market, NOTICE, TIMESLICE},
    parachain::Parachain,
    runtime::{Coretime, OnDemand, Runtime, RuntimeOrigin, UNIT},
    town::{Town, of_broker, tell_of_core},
    validators::{self, Refusal},
};

const PARA: u32 = 2000;
const BUYER: &str = "buyer";

/// A relay chain, a chain on board, and the market beside it.
struct Scene {
    town: Town,
    market: Market,
    para: Parachain,
    /// Relay blocks for which the claim queue names the chain.
    claimed: Vec<u32>,
    /// Relay blocks in which a candidate of its was backed.
    backed: Vec<u32>,
    /// Relay blocks from which the relay chain took what it was told, by the ones the broker named.
    taken_from: BTreeMap<u32, u32>,
}

impl Scene {
    fn new(notice: u32) -> Self {
        let mut town = Town::new();
        let para = town.with_parachain(PARA);
        let market = Market::with_notice(town.number(), &[BUYER], notice);
        let (claimed, backed, taken_from) = Default::default();
        Self { town, market, para, claimed, backed, taken_from }
    }

    /// A relay block, with what the Coretime chain says in it. The parachain authors in it if it has a core and is `to_author`.
    fn step(&mut self, to_author: bool) {
        let Self { town, market, para, .. } = self;
        let assigned = market.tick(town.number());
        let (next, assignment) = (town.number() + 1, town.assignment(para.id));
        if assignment.is_ok() {
            self.claimed.push(next);
        }
        for Assigned { begin, .. } in &assigned {
            // What the claim queue shows already does not change: for a core that is at work the relay chain puts off what comes too late.
            let shown = next + 1 + LOOKAHEAD;
            self.taken_from.insert(*begin, shown.max(*begin));
        }
        let candidate = assignment
            .ok()
            .filter(|_| to_author)
            .map(|assignment| para.author(&town.relay, town.tip, &assignment, &[]));
        let told = || assigned.into_iter().for_each(tell_of_core);
        if town.offer(candidate.as_slice(), told).0 > 0 {
            self.backed.push(next);
        }
        para.follow(&town.relay, town.tip);
    }

    /// Somebody buys the region on sale for the chain: its first relay block, the one after its last, and the core.
    fn buy(&mut self) -> (u32, u32, u16) {
        let now = self.town.number();
        let (price, before) = (self.market.price(now), self.market.balance(BUYER));
        let (begin, end) = self.market.on_sale();
        let region = self.market.purchase(now, BUYER, price).expect("enough");
        assert_eq!(before - self.market.balance(BUYER), price);
        self.market.assign(BUYER, region, PARA);
        (begin * TIMESLICE, end * TIMESLICE, region.core)
    }

    /// Whether the next block, or this one's, begins a session: the claim queue of such a block is of no use.
    fn is_first_of_session(&self, number: u32) -> bool {
        self.town.relay.is_first_of_session(self.town.tip, number)
    }
}

#[test]
fn a_region_bought_at_a_falling_price_runs_the_chain_until_it_ends_and_a_renewal_goes_on() {
    let mut scene = Scene::new(NOTICE);
    // The price falls to its end; who waits pays less.
    let opened = scene.town.number() + 1;
    let prices: Vec<_> = (1..=LEAD_IN + 1).map(|after| scene.market.price(opened + after)).collect();
    assert!(
        prices.is_sorted_by(|earlier, later| earlier >= later) && prices[0] > 50 * END_PRICE,
        "{prices:?}"
    );
    assert_eq!(prices.last(), Some(&END_PRICE));

    // Too little is offered at first, then enough.
    scene.step(true);
    scene.step(true);
    let now = scene.town.number();
    assert!(scene.market.purchase(now, BUYER, END_PRICE).is_err(), "the price has not fallen that far");
    let (begin, end, core) = scene.buy();
    let last_end = 2 * end - begin;

    // The chain has its core through the region and the renewed one. It authors in the first block, in those where one region ends and
    // the other begins, and in the last.
    let mut renewed = None;
    while scene.town.number() < last_end + TIMESLICE {
        let next = scene.town.number() + 1;
        let to_author = scene.backed.is_empty() || next.abs_diff(end) <= 1 || next.abs_diff(last_end) <= 3;
        scene.step(to_author);
        if renewed.is_none() && scene.market.on_sale().0 * TIMESLICE == end {
            renewed = scene.market.renew(next, BUYER, core).ok().map(|()| next);
        }
    }
    assert!(renewed.is_some_and(|number| number < end), "renewed while the region ran");
    // Told in time, the relay chain begins and ends where the broker says.
    assert_eq!([begin, end, last_end].map(|number| scene.taken_from[&number]), [begin, end, last_end]);
    // The queue names the chain in each block of both regions, and in the one before, for the core was empty; but where a session begins.
    let expected = (begin - 1..last_end).filter(|number| !scene.is_first_of_session(*number));
    assert_eq!(scene.claimed, expected.collect::<Vec<_>>());
    assert!(scene.backed[0] <= begin + 1, "{:?}", scene.backed);
    assert!(scene.backed.contains(&(end - 1)) | scene.backed.contains(&end), "{:?}", scene.backed);
    // A candidate's core is looked up in the queue as it is one block later: for the region's last block it is somebody else's already.
    assert_eq!(scene.backed.last(), Some(&(last_end - 2)), "{:?}", scene.backed);
    let Scene { mut town, para, backed, .. } = scene;
    assert!(matches!(town.assignment(para.id), Err(Refusal::NoCore)));
    // What was backed was included, all of it.
    town.wait(1);
    assert_eq!(town.head(para.id), Some(para.tip().head));
    assert_eq!(para.tip().number as usize, backed.len());
}

#[test]
fn what_the_relay_chain_is_told_of_a_busy_core_too_late_begins_behind_what_its_claim_queue_shows() {
    // The broker speaks a timeslice ahead; the relay chain hears it a block later, and its queue shows as many blocks as a timeslice has.
    let mut scene = Scene::new(TIMESLICE);
    scene.step(false);
    scene.step(false);
    let (begin, end, _) = scene.buy();
    while scene.town.number() < end + TIMESLICE {
        scene.step(false);
    }
    let late = LOOKAHEAD + 2 - TIMESLICE;
    assert_eq!(scene.taken_from[&end], end + late, "the core was the chain's");
    let expected = (begin - 1..end + late).filter(|number| !scene.is_first_of_session(*number));
    assert_eq!(
        scene.claimed,
        expected.collect::<Vec<_>>(),
        "an empty core begins in time, a busy one ends late"
    );
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
        let candidate = para.author(&town.relay, town.tip, &assignment, &[]);
        assert!(matches!(validators::back(&town.relay, &candidate), Err(Refusal::NoCore)));
        let signed = validators::attest(&town.relay, &candidate, &assignment);
        let for_paras = ForParas { candidates: vec![signed], bitfields: Vec::new() };
        let (fork, ()) = town.relay.build(town.tip, 0, for_paras, || ());
        assert!(town.relay.at(fork, || candidates_pending_availability::<Runtime>(para.id)).is_empty());
        para.collator.rollback(0).expect("not final");
    }
}
