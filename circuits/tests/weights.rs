//! The circuits are what `weights.csv` pins.

use std::{collections::BTreeMap, fs};

use zkpov_circuits::{
    chains::measured_chains,
    runtime::weights::{CSV_HEADER, TierWeight},
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/weights.csv");
const REGENERATE: &str = "cargo run --release -p zkpov-circuits --example weights -- --write";

/// The bar for a transfer, all included, at 2^24 accounts.
const MOST_CONSTRAINTS_PER_TRANSFER: usize = 15_000;

/// The bar for a move in the arcade, all included, at 2^24 accounts.
const MOST_CONSTRAINTS_PER_MOVE: usize = 20_000;

/// Chain, runtime version and tier of a row, and the row.
fn pinned() -> BTreeMap<(String, String, String), String> {
    let csv =
        fs::read_to_string(FILE).unwrap_or_else(|error| panic!("{FILE}: {error}; make it: {REGENERATE}"));
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some(CSV_HEADER), "another header; regenerate: {REGENERATE}");
    let key = |line: &str| {
        let mut columns = line.split(',').map(str::to_owned);
        let mut column = || columns.next().unwrap_or_default();
        ((column(), column(), column()), line.to_owned())
    };
    lines.map(key).collect()
}

/// The bar for a swap, all included, at 2^24 accounts.
const MOST_CONSTRAINTS_PER_SWAP: usize = 30_000;

#[test]
fn every_circuit_is_the_pinned_one() {
    let mut pinned = pinned();
    for chain in measured_chains() {
        let calls = chain.call_weights().expect("a shape");
        for tier in chain.tiers() {
            let weight = TierWeight::measure(chain, tier).expect("a shape");
            let version = chain.runtime_version().to_string();
            let row = pinned.remove(&(chain.name().into(), version.clone(), tier.id.to_string()));
            let row = row.unwrap_or_else(|| {
                panic!("{} version {version} tier {} is not pinned: {REGENERATE}", chain.name(), tier.id)
            });
            assert_eq!(
                weight.csv_row(chain, &calls),
                row,
                "the circuit of {} tier {} changed and its runtime version did not. If the change is meant, raise \
                 RUNTIME_VERSION of the chain, so that keys of the old circuit cannot be taken for the new one's, \
                 and then: {REGENERATE}",
                chain.name(),
                tier.id,
            );
        }
    }
    assert!(pinned.is_empty(), "pinned and gone: {pinned:?}; {REGENERATE}");
}

#[test]
fn every_tier_fits_its_domain_and_all_but_the_smallest_fill_it() {
    for chain in measured_chains() {
        let calls = chain.call_weights().expect("a shape");
        let lightest = calls.iter().map(|call| call.constraints).min().expect("a chain has calls");
        for (i, tier) in chain.tiers().iter().enumerate() {
            let weight = TierWeight::measure(chain, tier).expect("a shape");
            let rows = weight.size.constraints + weight.public_inputs + 1;
            let domain = 1usize << tier.id.0;
            assert!(rows <= domain, "{} tier {}: {rows} rows in {domain}", chain.name(), tier.id);
            assert!(2 * rows > domain, "{} tier {} fits a smaller domain", chain.name(), tier.id);
            assert!(
                i == 0 || rows + lightest > domain,
                "{} tier {}: one more slot would fit",
                chain.name(),
                tier.id
            );
        }
    }
}

/// The bar for a presentation of the identity chain, all included, at 2^24 accounts.
const MOST_CONSTRAINTS_PER_PRESENTATION: usize = 20_000;

#[test]
fn a_presentation_is_within_its_bar() {
    let identity = zkpov_circuits::chains::chain_by_name("identity").expect("it ships");
    let calls = identity.call_weights().expect("a shape");
    let proof = calls.iter().find(|call| call.name == "prove_attribute").expect("identity proves");
    assert!(proof.constraints <= MOST_CONSTRAINTS_PER_PRESENTATION, "{} constraints", proof.constraints);
}

#[test]
fn a_transfer_is_within_its_bar() {
    let payments = zkpov_circuits::chains::chain_by_name("payments").expect("it ships");
    let calls = payments.call_weights().expect("a shape");
    let transfer = calls.iter().find(|call| call.name == "transfer").expect("payments transfers");
    assert!(transfer.constraints <= MOST_CONSTRAINTS_PER_TRANSFER, "{} constraints", transfer.constraints);
    // And with its share of what a block costs whatever its slots hold: no call is dearer than a transfer.
    let balances = calls.iter().filter(|call| ["transfer", "open"].contains(&call.name));
    assert!(balances.into_iter().all(|call| call.constraints <= transfer.constraints));
    let largest = payments.tiers().last().expect("a tier");
    let slots: usize = largest.lanes.iter().map(|lane| lane.capacity as usize).sum();
    let weight = TierWeight::measure(payments, largest).expect("a shape");
    let share = weight.size.constraints.div_ceil(slots);
    assert!(share <= MOST_CONSTRAINTS_PER_TRANSFER, "{share} constraints with a share of the block");
}

#[test]
fn a_move_is_within_its_bar() {
    let arcade = zkpov_circuits::chains::chain_by_name("arcade").expect("it ships");
    let calls = arcade.call_weights().expect("a shape");
    let play = calls.iter().find(|call| call.name == "play").expect("people play in the arcade");
    assert!(play.constraints <= MOST_CONSTRAINTS_PER_MOVE, "{} constraints", play.constraints);
}

#[test]
fn a_swap_is_within_its_bar() {
    let exchange = zkpov_circuits::chains::chain_by_name("exchange").expect("it ships");
    let calls = exchange.call_weights().expect("a shape");
    let swap = calls.iter().find(|call| call.name == "swap").expect("exchange swaps");
    assert!(swap.constraints <= MOST_CONSTRAINTS_PER_SWAP, "{} constraints", swap.constraints);
}

/// The bar for a vote, all included, at 2^24 accounts.
const MOST_CONSTRAINTS_PER_VOTE: usize = 20_000;

#[test]
fn a_vote_is_within_its_bar_on_every_chain_that_votes() {
    let mut voting = 0;
    for chain in measured_chains() {
        let calls = chain.call_weights().expect("a shape");
        for vote in calls.iter().filter(|call| call.name == "vote") {
            let constraints = vote.constraints;
            assert!(constraints <= MOST_CONSTRAINTS_PER_VOTE, "{}: {constraints}", chain.name());
            voting += 1;
        }
    }
    assert_eq!(voting, 3, "payments, with private bodies too, and the council");
}
