//! Relay time passes: three chains, random authorship, missed slots and cores, forks.

use std::collections::{BTreeMap, HashMap};

use frame_support::assert_ok;
use pallet_broker::CoreAssignment;
use polkadot_primitives::{Hash, Id};
use polkadot_runtime_parachains::{
    hrmp, origin,
    paras::{Heads, ParaLifecycle},
    runtime_api_impl::v13::inbound_hrmp_channels_contents,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use sp_runtime::{MultiAddress, traits::AccountIdConversion};
use zkpov_verifier::{
    head::Head,
    transfer::{Purpose, Transfer},
    xcm,
};

use crate::{
    chain::{ForParas, account},
    parachain::{BALANCE, PEOPLE, Parachain},
    runtime::{Balances, Hrmp, Runtime, RuntimeOrigin, UNIT},
    simulated::{Doings, Simulated},
    town::{MANAGER, Town},
    validators,
};

/// Slots of six seconds in an hour.
const HOUR: u32 = 600;
/// Deepest fork, in relay blocks.
const DEEPEST: u32 = 5;
/// One slot in so many has no block.
const MISSED: u32 = 10;
/// One block in so many is the first of a fork.
const FORKS: u32 = 40;
/// One relay block in so many has a block of `payments`, which takes a second to prove.
const PROVEN: u32 = 150;

const HOME: u32 = 2000;
const AWAY: u32 = 2001;
const PAYMENTS: u32 = 2002;
/// Tokens there are at home and away.
const TOTAL: u128 = 1_000_000;

/// What a chain's state comes to here: tokens in accounts, and how often it sent.
#[derive(Clone, Copy, Debug)]
struct Books {
    tokens: u128,
    sequence: u64,
}

/// The books of both chains after every head they ever had, on whatever fork.
type Archive = HashMap<(Id, Vec<u8>), Books>;

fn set_up() -> (Town, [Simulated; 2], Parachain) {
    let mut town = Town::new();
    let chains = [HOME, AWAY].map(Simulated::new);
    for chain in &chains {
        assert_ok!(town.register(chain.code(), chain.head.encode()));
    }
    let payments = town.with_parachain(PAYMENTS);
    assert_eq!(town.lifecycle(chains[1].id), Some(ParaLifecycle::Parathread));
    let of_para = |para: u32| RuntimeOrigin::from(origin::Origin::Parachain(para.into()));
    town.call(|| {
        for (from, to) in [(HOME, AWAY), (AWAY, HOME)] {
            let sovereign = MultiAddress::Id(Id::from(from).into_account_truncating());
            assert_ok!(Balances::transfer_allow_death(
                RuntimeOrigin::signed(account(MANAGER)),
                sovereign,
                10 * UNIT
            ));
            let sovereign = MultiAddress::Id(Id::from(to).into_account_truncating());
            assert_ok!(Balances::transfer_allow_death(
                RuntimeOrigin::signed(account(MANAGER)),
                sovereign,
                10 * UNIT
            ));
            assert_ok!(Hrmp::hrmp_init_open_channel(of_para(from), to.into(), 8, 1024));
            assert_ok!(Hrmp::hrmp_accept_open_channel(of_para(to), from.into()));
        }
    });
    let begin = town.number() + 4;
    for (core, para) in [(0, HOME), (1, AWAY), (2, PAYMENTS)] {
        town.assign_core(core, begin, CoreAssignment::Task(para));
    }
    town.wait_until("channels", |town| town.ask(|| hrmp::HrmpChannels::<Runtime>::iter().count() == 2));
    town.ready(&[chains[0].id, chains[1].id, payments.id]);
    (town, chains, payments)
}

/// Tokens that wait in the channels after a block.
fn on_the_way(town: &Town) -> u128 {
    let messages = town.ask(|| {
        [(HOME, AWAY), (AWAY, HOME)].map(|(from, to)| {
            let waiting = inbound_hrmp_channels_contents::<Runtime>(to.into());
            (from, to, waiting.get(&from.into()).cloned().unwrap_or_default())
        })
    });
    let transfers = messages.iter().flat_map(|(from, to, messages)| {
        messages
            .iter()
            .flat_map(|message| xcm::read_message(&message.data, *from, *to).expect("the template's bytes"))
    });
    transfers.map(|transfer| transfer.amount).sum()
}

/// A block of a chain on what the branch has of it, sending something now and then; its books are kept.
fn author(
    town: &Town,
    rng: &mut StdRng,
    archive: &mut Archive,
    chain: &mut Simulated,
    assignment: &validators::Assignment,
) -> validators::Candidate {
    let parent = assignment.data.parent_head.0.clone();
    chain.head = Head::decode(&parent).expect("a head");
    let mut books = archive[&(chain.id, parent)];
    let peer = HOME + AWAY - u32::from(chain.id);
    let channel = hrmp_channel(town, chain.id, peer.into());
    let mut doings = Doings::default();
    // A block that waits to be available may send as well.
    if channel + 1 < 8 && books.tokens > 1_000 && rng.gen_ratio(1, 3) {
        let amount = rng.gen_range(1..=1_000);
        books.tokens -= amount;
        books.sequence += 1;
        let purpose = Purpose::Payment { recipient: rng.r#gen(), refund: 1 };
        doings.sends =
            vec![(peer, vec![Transfer { token: HOME, amount, sequence: books.sequence, purpose }])];
    }
    let (candidate, taken) = chain.author(&town.relay, town.tip, assignment, doings);
    books.tokens += taken.iter().map(|record| record.transfer.amount).sum::<u128>();
    archive.insert((chain.id, chain.head.encode()), books);
    candidate
}

fn hrmp_channel(town: &Town, sender: Id, recipient: Id) -> u32 {
    let id = polkadot_primitives::HrmpChannelId { sender, recipient };
    town.ask(|| hrmp::HrmpChannels::<Runtime>::get(&id)).expect("open").msg_count
}

/// Holds the blocks that became final to what a chain is: one block after the other, each on the one before.
#[derive(Debug, Default)]
struct Final {
    newest: BTreeMap<Id, Head>,
}

impl Final {
    fn check(&mut self, town: &Town, finalised: Hash, id: Id) {
        for (number, head) in town.relay.included(finalised, id) {
            let head = Head::decode(&head).expect("a head");
            if let Some(before) = self.newest.insert(id, head.clone()) {
                assert_eq!(
                    (number, head.parent_hash),
                    (before.number + 1, before.hash()),
                    "{id:?}: once and in order"
                );
            } else {
                assert_eq!(number, 1);
            }
        }
    }
}

#[test]
fn through_forks_and_missed_cores_both_sides_agree_and_sums_are_conserved() {
    pass(HOUR);
}

#[test]
#[ignore = "takes many minutes; the hour is the same with fewer slots"]
fn through_a_whole_day_both_sides_agree_and_sums_are_conserved() {
    pass(24 * HOUR);
}

/// Lets so many slots pass.
fn pass(slots: u32) {
    let (mut town, mut chains, mut payments) = set_up();
    let mut rng = StdRng::seed_from_u64(0x2ca0_b10c);
    let mut archive = Archive::new();
    for (chain, tokens) in chains.iter().zip([TOTAL, 0]) {
        archive.insert((chain.id, chain.head.encode()), Books { tokens, sequence: 0 });
    }
    let (mut missed, mut nonce) = (0, 0);
    let mut finalised = town.tip;
    let mut seen = Final::default();
    let (mut forks, mut depths, mut authored) = (0, [0; DEEPEST as usize + 1], 0);
    for _ in 0..slots {
        if rng.gen_ratio(1, MISSED) {
            missed += 1;
            continue;
        }
        if rng.gen_ratio(1, FORKS) {
            let depth = rng.gen_range(1..=DEEPEST).min(town.number() - town.relay.number(finalised));
            town.tip = town.relay.ancestors(town.tip).nth(depth as usize).expect("not final");
            payments.follow(&town.relay, town.tip);
            forks += 1;
            depths[depth as usize] += 1;
        }
        let mut candidates = Vec::new();
        if !town.relay.begins_session(town.tip, missed) {
            for chain in &mut chains {
                // Now and then a chain misses its core.
                if rng.gen_ratio(3, 4) {
                    let assignment = validators::assignment(&town.relay, town.tip, chain.id).expect("a core");
                    candidates.push(author(&town, &mut rng, &mut archive, chain, &assignment));
                }
            }
            if rng.gen_ratio(1, PROVEN) {
                let assignment = validators::assignment(&town.relay, town.tip, payments.id).expect("a core");
                let transfer = payments.transfer(1, nonce, 2, 10);
                nonce += 1;
                candidates.push(payments.author(town.tip, &assignment, &[transfer]));
            }
        }
        authored += candidates.len();
        let backed =
            candidates.iter().map(|candidate| validators::back(&town.relay, candidate).expect("valid"));
        let for_paras = ForParas {
            candidates: backed.collect(),
            bitfields: validators::bitfields(&town.relay, town.tip),
        };
        town.tip = town.relay.build(town.tip, missed, for_paras, || ()).0;
        missed = 0;
        assert_eq!(
            town.candidate_events().0.len(),
            candidates.len(),
            "what validators backed is in the block"
        );

        // Both sides agree, and nothing is lost or made.
        let mut tokens = on_the_way(&town);
        for chain in &chains {
            let head = town.ask(|| Heads::<Runtime>::get(chain.id)).expect("on board").0;
            tokens += archive.get(&(chain.id, head)).expect("a head that the chain had").tokens;
        }
        assert_eq!(tokens, TOTAL);
        payments.follow(&town.relay, town.tip);
        assert_eq!(payments.tip().head, town.relay.head_with_pending(town.tip, payments.id));

        // What is deeper than any fork is final.
        let ancestors: Vec<_> = town.relay.ancestors(town.tip).take(DEEPEST as usize + 2).collect();
        let final_number = town.relay.number(finalised);
        let deep = ancestors.get(DEEPEST as usize + 1).copied();
        if let Some(hash) = deep.filter(|hash| town.relay.number(*hash) > final_number) {
            finalised = hash;
            payments.finalised(&town.relay, finalised);
            for id in [chains[0].id, chains[1].id, payments.id] {
                seen.check(&town, finalised, id);
            }
            town.relay.retain(town.relay.number(finalised));
        }
    }
    let people: u128 = (0..u32::from(PEOPLE)).map(|index| payments.balance(index)).sum();
    assert_eq!(people, u128::from(BALANCE) * u128::from(PEOPLE), "fees go to an author, who is one of them");
    assert!(
        forks > slots / FORKS / 2 && depths[1..].iter().all(|count| *count > 0),
        "{forks} forks, {depths:?}"
    );
    println!(
        "{} relay blocks, {forks} forks by depth {:?}, {authored} candidates, {} proven by a circuit; final: {:?}",
        town.number(),
        &depths[1..],
        nonce,
        seen.newest.values().map(|head| head.number).collect::<Vec<_>>()
    );
}
