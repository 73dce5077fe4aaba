//! Relay time passes: three chains, random authorship, missed slots and cores, forks.
//!
//! ```text
//!   payments ◄── tokens, refunds ──► exchange      payments on its own
//!      └─ their own state machines, databases, bodies, messages, signatures: in every block ─┘
//!   proofs: by the circuit at random intervals, by the secret of the same set-up between ([`crate::circuits`])
//! ```

use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use pallet_broker::CoreAssignment;
use polkadot_primitives::{BackedCandidate, Hash, HrmpChannelId, Id};
use polkadot_runtime_parachains::{
    hrmp, paras::Heads, runtime_api_impl::v13::inbound_hrmp_channels_contents,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;
use zkpov_collator::db::ReadDatabase;
use zkpov_verifier::{
    head::Head,
    transfer::{Purpose, Transfer},
    xcm,
};

use crate::{
    chain::ForParas,
    parachain::{BALANCE, Dealings, NOBODY, PEOPLE, Parachain, key_json, person},
    runtime::Runtime,
    town::{MESSAGES, Town},
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
/// A chain authors in so many of so many of its turns; else it misses its core.
const AUTHORED: (u32, u32) = (1, 2);
/// A chain sends something in one of so many of its blocks.
const SENDS: u32 = 3;
/// One payment in so many goes to nobody, and comes back.
const TO_NOBODY: u32 = 8;
/// The most that is sent or transferred at once.
const MOST: u64 = 1_000;
/// Relay blocks between two lines of progress.
const REPORT: u32 = 600;

const HOME: u32 = 2000;
const AWAY: u32 = 2001;
const ALONE: u32 = 2002;
/// Tokens that there are on the two chains that exchange any, together.
const TOTAL: u128 = 2 * BALANCE as u128 * PEOPLE as u128;

/// What a chain's state comes to after a block.
#[derive(Clone, Debug, Default)]
struct Books {
    /// What its accounts have, by its database.
    tokens: u128,
    /// What it took of others' and did not yet deliver or give back, in order, by what validators read of its blocks.
    queue: Vec<u128>,
}

/// The books of every chain after every head it ever had, on whatever fork.
type Archive = HashMap<(Id, Vec<u8>), Books>;

/// What happened, to see that it did.
#[derive(Debug, Default)]
struct Counts {
    authored: usize,
    proven: usize,
    payments: usize,
    refunds: usize,
    forks: u32,
    depths: [u32; DEEPEST as usize + 1],
}

fn set_up() -> (Town, [Parachain; 3]) {
    let mut town = Town::new();
    let chains = Parachain::small([HOME, AWAY, ALONE]);
    town.take_on_board(&chains.each_ref());
    town.open_channels(chains[0].id, chains[1].id);
    let begin = town.number() + 4;
    for (core, para) in [(0, HOME), (1, AWAY), (2, ALONE)] {
        town.assign_core(core, begin, CoreAssignment::Task(para));
    }
    town.ready(&chains.each_ref().map(|chain| chain.id));
    (town, chains)
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

/// Whether the channel takes a message of this block beside one of a block that waits to be available.
fn has_room(town: &Town, from: u32, to: u32) -> bool {
    let channel = HrmpChannelId { sender: from.into(), recipient: to.into() };
    town.ask(|| hrmp::HrmpChannels::<Runtime>::get(&channel)).expect("open").msg_count + 1 < MESSAGES
}

/// What people want of a chain's next block.
fn wishes(town: &Town, rng: &mut StdRng, chain: &Parachain) -> Vec<Vec<u8>> {
    let from = rng.gen_range(0..PEOPLE);
    let to = (from + rng.gen_range(1..PEOPLE)) % PEOPLE;
    let transfer = chain.transfer(from, chain.nonce(from), to, rng.gen_range(1..=MOST));
    let mut wishes = vec![transfer];
    let id = u32::from(chain.id);
    let peer = HOME + AWAY - id.min(AWAY);
    if id != ALONE && has_room(town, id, peer) && rng.gen_ratio(1, SENDS) {
        let recipient = if rng.gen_ratio(1, TO_NOBODY) { json!(NOBODY) } else { key_json(&person(from)) };
        wishes.push(chain.send(to, peer, rng.gen_range(1..=MOST), &recipient));
    }
    wishes
}

/// A block of a chain, backed, and its books.
struct Authored {
    backed: BackedCandidate,
    books: Books,
    sent: Vec<Transfer>,
    proven: bool,
}

/// A block of a chain on what the branch has of it. The validators of its core back it.
fn author(town: &Town, rng: &mut StdRng, archive: &Archive, chain: &mut Parachain, proven: u32) -> Authored {
    let assignment = validators::assignment(&town.relay, town.tip, chain.id).expect("a core");
    let wishes = wishes(town, rng, chain);
    let proven = rng.gen_ratio(1, proven);
    let candidate = if proven {
        chain.author(&town.relay, town.tip, &assignment, &wishes)
    } else {
        chain.simulate(&town.relay, town.tip, &assignment, &wishes)
    };
    let dealings = chain.dealings(&assignment, &candidate.block_data);
    let before = &archive[&(chain.id, assignment.data.parent_head.0.clone())];
    Authored {
        backed: validators::back(&town.relay, &candidate).expect("valid"),
        books: books(before, chain.total(), &dealings),
        sent: dealings.sent,
        proven,
    }
}

/// The blocks of the chains whose turn it is, each chain's made in a thread of its own, as collators do.
fn author_all(
    town: &Town,
    rng: &mut StdRng,
    archive: &mut Archive,
    counts: &mut Counts,
    chains: &mut [Parachain],
    proven: u32,
) -> Vec<BackedCandidate> {
    let turns = chains.iter_mut().filter(|_| rng.gen_ratio(AUTHORED.0, AUTHORED.1)).collect::<Vec<_>>();
    let turns: Vec<_> = turns.into_iter().map(|chain| (chain, StdRng::seed_from_u64(rng.r#gen()))).collect();
    let before = &*archive;
    let authored: Vec<_> = std::thread::scope(|scope| {
        let authors: Vec<_> = turns
            .into_iter()
            .map(|(chain, mut rng)| {
                scope.spawn(move || {
                    let authored = author(town, &mut rng, before, chain, proven);
                    ((chain.id, chain.tip().head), authored)
                })
            })
            .collect();
        authors.into_iter().map(|author| author.join().expect("authored")).collect()
    });
    let backed = authored.into_iter().map(|(head, authored)| {
        counts.authored += 1;
        counts.proven += usize::from(authored.proven);
        for transfer in &authored.sent {
            match transfer.purpose {
                Purpose::Payment { .. } => counts.payments += 1,
                Purpose::Refund { .. } => counts.refunds += 1,
            }
        }
        archive.insert(head, authored.books);
        authored.backed
    });
    backed.collect()
}

/// Books after a block, from those after its parent. What it delivered or gave back is the first of what waited, whole and in order.
fn books(before: &Books, tokens: u128, dealings: &Dealings) -> Books {
    let sent: u128 = dealings.sent.iter().map(|transfer| transfer.amount).sum();
    let mut queue = before.queue.clone();
    queue.extend(dealings.taken.iter().map(|record| record.transfer.amount));
    let mut done = (tokens + sent).checked_sub(before.tokens).expect("no less than was sent");
    let delivered = queue.iter().take_while(|amount| {
        let whole = done >= **amount;
        done -= if whole { **amount } else { 0 };
        whole
    });
    let delivered = delivered.count();
    assert_eq!(done, 0, "whole and in order");
    queue.drain(..delivered);
    Books { tokens, queue }
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
    pass(HOUR, 100);
}

#[test]
#[ignore = "takes long (scripts/day); the hour is the same with fewer slots"]
fn through_a_whole_day_both_sides_agree_and_sums_are_conserved() {
    pass(24 * HOUR, 1_500);
}

/// Lets so many slots pass. One para block in `proven` is proven by its circuit.
fn pass(slots: u32, proven: u32) {
    let began = Instant::now();
    let (mut town, mut chains) = set_up();
    let mut rng = StdRng::seed_from_u64(0x2ca0_b10c);
    let (mut archive, mut counts) = (Archive::new(), Counts::default());
    for chain in &chains {
        archive.insert((chain.id, chain.tip().head), Books { tokens: chain.total(), queue: Vec::new() });
    }
    let (mut missed, mut finalised, mut seen) = (0, town.tip, Final::default());
    println!("set up in {:?}", began.elapsed());
    for slot in 0..slots {
        if slot % REPORT == 0 {
            println!("slot {slot}: {:?}, {counts:?}", began.elapsed());
        }
        if rng.gen_ratio(1, MISSED) {
            missed += 1;
            continue;
        }
        if rng.gen_ratio(1, FORKS) {
            // Every depth in its turn, so that an hour has them all.
            let depth = (1 + counts.forks % DEEPEST).min(town.number() - town.relay.number(finalised));
            town.tip = town.relay.ancestors(town.tip).nth(depth as usize).expect("not final");
            chains.iter_mut().for_each(|chain| chain.follow(&town.relay, town.tip));
            counts.forks += 1;
            counts.depths[depth as usize] += 1;
        }
        // A block that begins a session backs nothing.
        let candidates = match town.relay.begins_session(town.tip, missed) {
            true => Vec::new(),
            false => author_all(&town, &mut rng, &mut archive, &mut counts, &mut chains, proven),
        };
        let backed = candidates.len();
        let for_paras = ForParas { candidates, bitfields: validators::bitfields(&town.relay, town.tip) };
        town.tip = town.relay.build(town.tip, missed, for_paras, || ()).0;
        missed = 0;
        assert_eq!(town.candidate_events().0.len(), backed, "what validators backed is in the block");

        // Both sides agree, and nothing is lost or made.
        let mut tokens = on_the_way(&town);
        for chain in &mut chains {
            let head = town.ask(|| Heads::<Runtime>::get(chain.id)).expect("on board").0;
            let number = Head::decode(&head).expect("a head").number;
            assert_eq!(chain.collator.database().head(number).expect("readable"), Some(head.clone()));
            assert_eq!(chain.tip().head, town.relay.head_with_pending(town.tip, chain.id));
            let books = &archive[&(chain.id, head)];
            let own = books.tokens + books.queue.iter().sum::<u128>();
            if u32::from(chain.id) == ALONE {
                assert_eq!(own, TOTAL / 2);
            } else {
                tokens += own;
            }
        }
        assert_eq!(tokens, TOTAL);

        // What is deeper than any fork is final.
        let ancestors: Vec<_> = town.relay.ancestors(town.tip).take(DEEPEST as usize + 2).collect();
        let final_number = town.relay.number(finalised);
        let deep = ancestors.get(DEEPEST as usize + 1).copied();
        if let Some(hash) = deep.filter(|hash| town.relay.number(*hash) > final_number) {
            // Blocks between may have become final at once.
            let mut newly: Vec<_> = town.relay.ancestors(hash).collect();
            newly.retain(|hash| town.relay.number(*hash) > final_number);
            finalised = hash;
            for chain in &mut chains {
                chain.finalised(&town.relay, finalised);
                for hash in newly.iter().rev() {
                    seen.check(&town, *hash, chain.id);
                }
            }
            town.relay.finalise(finalised);
        }
    }
    let Counts { forks, depths, .. } = counts;
    assert!(
        forks > slots / FORKS / 2 && depths[1..].iter().all(|count| *count > 0),
        "{forks} forks, {depths:?}"
    );
    assert!(counts.payments > 0 && counts.refunds > 0 && counts.proven > 0, "{counts:?}");
    println!(
        "{} relay blocks in {:?}: {counts:?}; final: {:?}",
        town.number(),
        began.elapsed(),
        seen.newest.values().map(|head| head.number).collect::<Vec<_>>()
    );
}
