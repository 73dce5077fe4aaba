//! Two chains whose collators follow a relay chain by themselves: messages go through its channels, with forks, and nobody calls for it.
//!
//! The chains and tiers are those that ship: `payments`, whose token it is, and `exchange`, each in its smallest tier for messages.

use serde_json::{Value, json};
use tempfile::TempDir;
use zkpov_circuits::{chains::chain_by_name, runtime::Chain};
use zkpov_collator::{
    author::Moved,
    db::ReadDatabase,
    devnet::{DevChain, Settings, peerings},
    messages,
    relay::{
        Relay, RelayError,
        interface::Candidate,
        local::{Config, LocalRelay, RelayEvent},
        shared::SharedRelay,
    },
    scene::{MIN_ACCOUNTS, Scene},
    service::node::{Conduct, Done},
};
use zkpov_prover::Options;
use zkpov_verifier::{block::ProvenBlock, message::ChannelMessages, transfer::Purpose, xcm};

const HOME: u32 = 2000;
const AWAY: u32 = 2001;
/// Further behind than any fork here is deep.
const FINALITY_LAG: u32 = 12;
/// People of both chains.
const ALICE: u32 = 1;
const BOB: u32 = 2;
const SEED: u64 = 7;
/// Enough to open an account.
const PAY: u128 = 1_000_000_000_000;
/// What a call costs.
const FEE: u128 = 1_000_000;

struct Stage {
    relay: SharedRelay,
    home: DevChain,
    away: DevChain,
    /// What both issued, and what their allowances were together.
    issued: [u128; 2],
    allowed: u128,
    _directory: TempDir,
}

fn chain(name: &str) -> &'static dyn Chain {
    chain_by_name(name).expect("it ships")
}

impl Stage {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let config = Config { finality_lag: FINALITY_LAG, allowed_ancestry: 20, ..Config::default() };
        let relay = SharedRelay::new(LocalRelay::new(config));
        let mut peerings = peerings(&[HOME, AWAY], &chain("payments").token(), MIN_ACCOUNTS).into_iter();
        let mut create = |para: u32, name: &str| {
            let settings = Settings {
                chain: chain(name),
                para,
                tier: messages::smallest_tier(chain(name)).expect("it takes messages"),
                scene: Scene::seeded(MIN_ACCOUNTS, SEED),
                collators: 1,
                blocks: 0,
                conduct: Conduct { patience: 20, ..Conduct::default() },
                peering: peerings.next(),
            };
            let path = directory.path().join(name);
            DevChain::create(&path, settings, &relay, &Options::default()).expect("a chain")
        };
        let (home, away) = (create(HOME, "payments"), create(AWAY, "exchange"));
        for chain in [&home, &away] {
            chain.register(&relay).expect("registered");
            relay.with(|relay| relay.lease(chain.para, 1000)).expect("a core");
        }
        let mut stage = Self { relay, home, away, issued: [0; 2], allowed: 0, _directory: directory };
        stage.produce(FINALITY_LAG + 1);
        stage.issued = [stage.issued(HOME), stage.issued(AWAY)];
        stage.allowed = stage.allowed();
        stage
    }

    fn connected() -> Self {
        let stage = Self::new();
        stage.relay.with(|relay| relay.open_channels(HOME, AWAY));
        // Final, so that no fork closes them.
        stage.produce(FINALITY_LAG + 1);
        stage
    }

    fn on(&mut self, para: u32) -> &mut DevChain {
        if para == HOME { &mut self.home } else { &mut self.away }
    }

    fn of(&self, para: u32) -> &DevChain {
        if para == HOME { &self.home } else { &self.away }
    }

    fn produce(&self, blocks: u32) {
        for _ in 0..blocks {
            self.relay.with(LocalRelay::produce);
        }
    }

    fn step(&mut self, para: u32) -> Vec<Done> {
        let heads = self.relay.heads().expect("heads");
        let all = self.on(para).step(&heads, &Options::default()).expect("a step");
        all.into_iter().map(|(_, done)| done).collect()
    }

    /// A step of one chain, which makes a block; the block is included.
    fn block(&mut self, para: u32) -> Moved {
        let done = self.step(para);
        let moved = done.iter().find_map(|done| match done {
            Done::Authored { moved, .. } => Some(moved.clone()),
            _ => None,
        });
        self.produce(2);
        self.step(para);
        self.conserved();
        moved.unwrap_or_else(|| panic!("no block: {done:?}"))
    }

    /// Both go on until neither has anything to do.
    fn settle(&mut self) {
        let mut quiet = 0;
        for _ in 0..60 {
            let did = [HOME, AWAY]
                .map(|para| self.step(para).iter().any(|done| !matches!(done, Done::Finalized { .. })));
            self.produce(1);
            self.conserved();
            quiet = if did == [false; 2] { quiet + 1 } else { 0 };
            if quiet > 3 {
                return;
            }
        }
        panic!("the chains do not come to rest");
    }

    fn send(&mut self, from: u32, sender: u32, amount: u128, recipient: Value) {
        let destination = if from == HOME { AWAY } else { HOME };
        let arguments =
            json!({ "destination": destination, "amount": amount.to_string(), "recipient": recipient });
        self.on(from).call(sender, "send", &arguments).expect("signed");
    }

    fn balance(&self, para: u32, person: u32) -> u128 {
        let [key, _] = self.of(para).scene.keys(person);
        self.of(para).balance(&key).expect("a state")
    }

    /// Balances and allowances of a chain: constant, but for what pools hold, which nobody touches here.
    fn issued(&self, para: u32) -> u128 {
        self.of(para).sum_of_balances().expect("a state") + self.allowances(para)
    }

    fn allowances(&self, para: u32) -> u128 {
        let state = self.of(para).nodes[0].collator().database().state().expect("a state");
        messages::allowances(&state).expect("counters").values().sum()
    }

    fn allowed(&self) -> u128 {
        self.allowances(HOME) + self.allowances(AWAY)
    }

    /// On each chain nothing is made or lost. Between them what is sent and not arrived is what the allowances have gained: when
    /// nothing is queued and every block is included, that is what is in the channels.
    fn conserved(&self) {
        assert_eq!([self.issued(HOME), self.issued(AWAY)], self.issued);
        let gained = self.allowed() - self.allowed;
        let best = self.relay.heads().expect("heads").best;
        let is_level = [HOME, AWAY].iter().all(|para| {
            let database = self.of(*para).nodes[0].collator().database();
            let queued = messages::are_queued(&database.state().expect("a state")).expect("a queue");
            let included = self.relay.para_head(*para, &best).expect("heads");
            !queued && included == Some(database.tip().expect("a tip").head)
        });
        if is_level {
            assert_eq!(gained, self.in_channels(), "on the way");
        }
    }

    fn in_channels(&self) -> u128 {
        let best = self.relay.heads().expect("heads").best;
        let amounts = [(HOME, AWAY), (AWAY, HOME)].map(|(from, to)| -> u128 {
            let waiting = self.relay.with(|relay| relay.waiting(from, to, &best));
            let transfers = waiting
                .iter()
                .flat_map(|message| xcm::read_message(&message.data, from, to).expect("the template"));
            transfers.map(|transfer| transfer.amount).sum()
        });
        amounts.iter().sum()
    }
}

fn key(stage: &Stage, para: u32, person: u32) -> Value {
    let [key, _] = stage.of(para).scene.keys(person);
    let [x, y] = key.coordinates();
    json!({ "x": x.to_string(), "y": y.to_string() })
}

fn nobody() -> Value {
    json!(format!("0x{}", "ff".repeat(32)))
}

#[test]
fn tokens_cross_come_back_refused_and_come_home_and_a_fork_takes_them_back_on_both_chains() {
    let mut stage = Stage::connected();
    let begin = [stage.balance(HOME, ALICE), stage.balance(AWAY, BOB)];
    let bob = key(&stage, AWAY, BOB);
    stage.send(HOME, ALICE, 5 * PAY, bob);
    stage.send(HOME, ALICE, PAY, nobody());
    assert!(stage.step(AWAY).is_empty(), "nothing to do, no block");
    let sent = stage.block(HOME).sent;
    assert_eq!(sent.iter().map(|record| record.transfer.amount).collect::<Vec<_>>(), [5 * PAY, PAY]);
    assert_eq!(stage.balance(HOME, ALICE), begin[0] - 6 * PAY - 2 * FEE);
    let queued = stage.relay.with(LocalRelay::take_events);
    assert!(queued.iter().any(|event| matches!(event, RelayEvent::MessageQueued { sender: HOME, .. })));

    // Nobody on the other chain signed anything: its collator makes a block for what waits.
    let moved = stage.block(AWAY);
    assert_eq!(moved.arrived.len(), 2);
    assert!(matches!(moved.sent[..], [record] if matches!(record.transfer.purpose, Purpose::Refund { .. })));
    assert_eq!(stage.balance(AWAY, BOB), begin[1] + 5 * PAY);
    assert!(stage.relay.with(LocalRelay::take_events).contains(&RelayEvent::MessagesTaken {
        sender: HOME,
        recipient: AWAY,
        messages: 1
    }));

    // The relay chain goes another way: both blocks are undone, with the message between them.
    stage.relay.with(|relay| relay.fork(6)).expect("not too deep");
    for para in [HOME, AWAY] {
        let heads = stage.relay.heads().expect("heads");
        stage.on(para).nodes[0].follow(&heads).expect("followed");
    }
    assert_eq!([stage.balance(HOME, ALICE), stage.balance(AWAY, BOB)], begin);
    stage.settle();
    assert_eq!(stage.balance(AWAY, BOB), begin[1] + 5 * PAY, "once");
    assert_eq!(stage.balance(HOME, ALICE), begin[0] - 5 * PAY - 2 * FEE, "what was refused is back");

    let alice = key(&stage, HOME, ALICE);
    stage.send(AWAY, BOB, 2 * PAY, alice);
    stage.settle();
    assert_eq!(stage.balance(HOME, ALICE), begin[0] - 3 * PAY - 2 * FEE);
    assert_eq!(stage.balance(AWAY, BOB), begin[1] + 3 * PAY - FEE);
    assert_eq!(stage.in_channels(), 0);
}

#[test]
fn what_is_sent_waits_in_the_pool_until_there_is_a_channel_and_no_block_is_made_for_it() {
    let mut stage = Stage::new();
    let bob = key(&stage, AWAY, BOB);
    stage.send(HOME, ALICE, PAY, bob);
    for _ in 0..3 {
        assert!(stage.step(HOME).is_empty(), "a block with nothing in it");
        stage.produce(1);
    }
    assert_eq!(stage.home.nodes[0].pool().status().ready, 1);
    stage.relay.with(|relay| relay.open_channels(HOME, AWAY));
    stage.produce(1);
    let begin = stage.balance(AWAY, BOB);
    stage.settle();
    assert_eq!(stage.balance(AWAY, BOB), begin + PAY);
}

#[test]
fn a_candidate_that_changes_what_arrived_or_what_it_sends_is_refused_by_the_relay_chain() {
    let mut stage = Stage::connected();
    let bob = key(&stage, AWAY, BOB);
    for amount in [3, 4] {
        stage.send(HOME, ALICE, amount * PAY, bob.clone());
        stage.block(HOME);
    }
    let relay_parent = stage.relay.heads().expect("heads").best;
    let parent_head = stage.relay.para_head(AWAY, &relay_parent).expect("heads").expect("a head");
    assert_eq!(stage.step(AWAY).len(), 1);
    let block = stage.away.nodes[0].collator().database().tip().expect("a tip");
    let candidate =
        |pov: Vec<u8>| Candidate { para: AWAY, relay_parent, parent_head: parent_head.clone(), pov };
    let honest = ProvenBlock::decode(&block.pov).expect("a block");
    assert_eq!(honest.proven.inbound.horizontal[0].messages.len(), 2);

    type Change = fn(&mut ChannelMessages);
    let changes: [(&str, Change); 8] = [
        ("altered", |channel| channel.messages[0].data[9] ^= 1),
        ("the first dropped", |channel| drop(channel.messages.remove(0))),
        ("the last dropped", |channel| drop(channel.messages.pop())),
        ("doubled", |channel| channel.messages.push(channel.messages[1].clone())),
        ("reordered", |channel| channel.messages.swap(0, 1)),
        ("later", |channel| channel.messages[1].sent_at += 1),
        ("left, with another hash", |channel| {
            let sent_at = channel.messages.pop().map_or(0, |message| message.sent_at);
            channel.rest.push((sent_at, [1; 32]));
        }),
        ("of another sender", |channel| channel.sender += 7),
    ];
    for (what, change) in changes {
        let mut forged = honest.clone();
        change(&mut forged.proven.inbound.horizontal[0]);
        let refused = stage.relay.submit(&candidate(forged.encode())).expect_err(what);
        let RelayError::Refused(reason) = &refused else { panic!("{what}: {refused}") };
        // Before any signature or proof is looked at.
        assert!(reason.contains("messages taken"), "{what}: {reason}");
    }
    let mut forged = honest.clone();
    forged.proven.inbound.horizontal.clear();
    let refused = stage.relay.submit(&candidate(forged.encode())).expect_err("all dropped");
    assert!(refused.to_string().contains("messages taken"), "{refused}");
    // Left where they are, one by one or all: refused too, for the proof is of what it takes.
    let mut left = honest.clone();
    let channel = &mut left.proven.inbound.horizontal[0];
    let message = channel.messages.pop().expect("two");
    channel.rest.push((message.sent_at, zkpov_verifier::queue::message_hash(&message.data)));
    assert!(matches!(stage.relay.submit(&candidate(left.encode())), Err(RelayError::Refused(_))));
    let mut sends = honest.clone();
    sends.proven.outbound.horizontal.push((HOME, message.data));
    assert!(matches!(stage.relay.submit(&candidate(sends.encode())), Err(RelayError::Refused(_))));

    // The block itself is included. A second time it is on another head, and takes nothing twice.
    let bob_had = stage.balance(AWAY, BOB);
    for _ in 0..2 {
        stage.relay.submit(&candidate(block.pov.clone())).expect("known");
        stage.produce(2);
        let best = stage.relay.heads().expect("heads").best;
        assert_eq!(stage.relay.para_head(AWAY, &best).expect("heads"), Some(block.head.clone()));
    }
    stage.settle();
    assert_eq!(stage.balance(AWAY, BOB), bob_had);
}
