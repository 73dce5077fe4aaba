//! Two chains that exchange native tokens through a relay chain that only routes bytes.
//!
//! ```text
//!   Ledger of 2000 ── outbox records ─► XCM bytes ─► validate_block ─► relay chain ─► validate_block ─► inbox root ─► Ledger of 2001
//! ```
//!
//! `Ledger` is the state machine that a messaging pallet is, natively and with nothing else: it holds of its queue what a circuit's
//! state would hold, a root for each batch that arrived and one for what is left of the first, and takes records off by
//! opening a root. So what these properties say of the ledger they say of the rules in `docs/messages.md`.

use std::collections::{BTreeMap, VecDeque};

use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use proptest::prelude::*;
use zkpov_verifier::block::Proven;
use zkpov_verifier::eddsa::PublicKey;
use zkpov_verifier::exchange::Intake;
use zkpov_verifier::head::Head;
use zkpov_verifier::key::PreparedKey;
use zkpov_verifier::message::{Inbound, MessageFormat, Outbound};
use zkpov_verifier::statement::NO_MESSAGES;
use zkpov_verifier::testing::relay::TestRelay;
use zkpov_verifier::testing::{Author, TestChain};
use zkpov_verifier::transfer::{
    InboxRecord, OutboxRecord, Purpose, Transfer, inbox_node, inbox_root, outbox_node,
};
use zkpov_verifier::validate::validate_block;
use zkpov_verifier::xcm;

const HOME: u32 = 2000;
const AWAY: u32 = 2001;

/// What every account keeps; less opens none.
const DEPOSIT: u128 = 10;

/// Records that a block's inbox lane takes.
const SLOTS: usize = 3;

/// Accounts that exist at home at first, and what each holds.
const ACCOUNTS: u8 = 3;
const BALANCE: u128 = 10_000;

/// A chain's accounts and its messaging pallet.
#[derive(Debug)]
struct Ledger {
    para: u32,
    accounts: Vec<(PublicKey, u128)>,
    /// What may still arrive from the peer: at home what is abroad, abroad what the home has left. Sending raises it, arriving lowers it.
    allowance: u128,
    /// The next number of what is sent.
    sequence: u64,
    /// Roots of batches that arrived, and of what is left of the first.
    batches: VecDeque<Fr>,
    rest: Fr,
    /// Beside the state, found by root: the first record, and the root of those behind.
    opened: BTreeMap<Fr, (InboxRecord, Fr)>,
    /// The root of what this block sends.
    outbox: Fr,
}

impl Ledger {
    fn peer(&self) -> u32 {
        HOME + AWAY - self.para
    }

    /// The inbox root joins the queue as one element, whatever the number of records.
    fn receive(&mut self, root: Fr, records: &[InboxRecord]) {
        if root == NO_MESSAGES {
            return;
        }
        self.batches.push_back(root);
        let mut behind = NO_MESSAGES;
        for record in records.iter().rev() {
            let root = inbox_node(&record.elements(), behind);
            self.opened.insert(root, (*record, behind));
            behind = root;
        }
        assert_eq!(behind, root);
    }

    /// Takes the first record off the queue: its preimage is the only one there is.
    fn next(&mut self) -> Option<InboxRecord> {
        if self.rest == NO_MESSAGES {
            self.rest = self.batches.pop_front()?;
        }
        let (record, behind) = *self.opened.get(&self.rest).expect("what was received");
        assert_eq!(inbox_node(&record.elements(), behind), self.rest);
        self.rest = behind;
        Some(record)
    }

    /// The inbox lane: credits, opens or refuses, in order. What is sent back.
    fn deliver(&mut self) -> Vec<OutboxRecord> {
        let mut refunds = Vec::new();
        for _ in 0..SLOTS {
            let Some(record) = self.next() else { break };
            let Transfer { token, amount, sequence, purpose } = record.transfer;
            match purpose {
                Purpose::Refund { account, .. } => {
                    self.allowance -= amount;
                    self.accounts[account as usize].1 += amount;
                }
                Purpose::Payment { refund, .. } => {
                    let accepted = token == HOME && record.origin == self.peer() && amount <= self.allowance;
                    match record.recipient().filter(|_| accepted).and_then(|key| self.place(key, amount)) {
                        Some(place) => {
                            self.allowance -= amount;
                            self.accounts[place].1 += amount;
                        }
                        None => {
                            let purpose = Purpose::Refund { account: refund, refused: sequence };
                            refunds.push(
                                self.emit(record.origin, Transfer { token, amount, sequence: 0, purpose }),
                            );
                        }
                    }
                }
            }
        }
        refunds
    }

    /// The account of a key, opened if the amount suffices.
    fn place(&mut self, key: PublicKey, amount: u128) -> Option<usize> {
        let found = self.accounts.iter().position(|(other, _)| *other == key);
        found.or_else(|| {
            (amount >= DEPOSIT).then(|| {
                self.accounts.push((key, 0));
                self.accounts.len() - 1
            })
        })
    }

    /// Burns here, for somebody there.
    fn send(&mut self, sender: usize, amount: u128, recipient: [u8; 32]) -> Option<OutboxRecord> {
        let (_, balance) = self.accounts.get_mut(sender)?;
        let left = balance.checked_sub(amount).filter(|left| *left >= DEPOSIT && amount > 0)?;
        *balance = left;
        self.allowance += amount;
        let purpose = Purpose::Payment { recipient, refund: sender as u32 };
        Some(self.emit(self.peer(), Transfer { token: HOME, amount, sequence: 0, purpose }))
    }

    fn emit(&mut self, destination: u32, transfer: Transfer) -> OutboxRecord {
        self.sequence += 1;
        let record = OutboxRecord { destination, transfer: Transfer { sequence: self.sequence, ..transfer } };
        self.outbox = outbox_node(self.outbox, &record.elements());
        record
    }

    /// What is in accounts, and what waits in the queue.
    fn held(&self) -> (u128, u128) {
        let queued = |mut root: Fr| {
            let mut sum = 0;
            while root != NO_MESSAGES {
                let (record, behind) = &self.opened[&root];
                sum += record.transfer.amount;
                root = *behind;
            }
            sum
        };
        let waiting = self.batches.iter().copied().chain([self.rest]).map(queued).sum();
        (self.accounts.iter().map(|(_, balance)| balance).sum(), waiting)
    }
}

/// A chain: its ledger, its key and its head.
#[derive(Debug)]
struct Side {
    ledger: Ledger,
    chain: TestChain,
    key: PreparedKey,
    head: Head,
}

impl Side {
    fn new(para: u32) -> Self {
        let chain = TestChain::new(para).with_transfers();
        let at_home = para == HOME;
        let accounts = (0..ACCOUNTS).filter(|_| at_home).map(|i| (key(i), BALANCE)).collect();
        let ledger = Ledger {
            para,
            accounts,
            allowance: if at_home { 0 } else { BALANCE * u128::from(ACCOUNTS) },
            sequence: 0,
            batches: VecDeque::new(),
            rest: NO_MESSAGES,
            opened: BTreeMap::new(),
            outbox: NO_MESSAGES,
        };
        Self { ledger, key: chain.prepared(), head: chain.genesis.clone(), chain }
    }

    /// Authors a block on the latest relay block, taking what was sent until `until` if it may stop there, and has the relay
    /// chain include it.
    fn author(&mut self, relay: &mut TestRelay, until: u32, sends: &[(u8, u128, [u8; 32])]) {
        let para = self.ledger.para;
        let (context, storage_proof) = (relay.context(), relay.storage_proof(para));
        let intake = |inbound: &Inbound| {
            Intake::new(para, MessageFormat::Transfers, &self.head, &context, &storage_proof, inbound)
        };
        // A cut that leaves everything is none.
        let (some, all) = (relay.inbound(para, until), relay.inbound(para, u32::MAX));
        let (inbound, taken) = match intake(&some) {
            Ok(taken) => (some, taken),
            Err(_) => {
                let taken = intake(&all).expect("all that waits");
                (all, taken)
            }
        };
        self.ledger.outbox = NO_MESSAGES;
        self.ledger.receive(taken.inbox_root, &taken.records);
        let peer = self.ledger.peer();
        let room = taken.relay.as_ref().and_then(|state| state.channel_to(peer)).expect("a channel");
        let room = room.message_count < room.max_capacity;
        // Refunds leave as well: without room in the channel the inbox waits.
        let mut records = if room { self.ledger.deliver() } else { Vec::new() };
        for (sender, amount, recipient) in sends.iter().filter(|_| room) {
            records.extend(self.ledger.send(usize::from(*sender), *amount, *recipient));
        }
        let transfers: Vec<_> = records.iter().map(|record| record.transfer).collect();
        let horizontal = (!transfers.is_empty())
            .then(|| (peer, xcm::message(&transfers, para, peer)))
            .into_iter()
            .collect();
        let outbound = Outbound { upward: vec![], horizontal };
        let proven = Proven { storage_proof, inbound, outbound, ..self.chain.proven() };
        let statement = self.chain.statement(&proven, &self.head, &context);
        assert_eq!(statement.inbox_root, taken.inbox_root);
        assert_eq!(statement.outbox_root, self.ledger.outbox, "what the verifier reads is what was sent");
        let block = self.chain.prove(proven, &self.head, &context).encode();
        let transition = validate_block(&self.head.encode(), &context, &self.key, &block).expect("valid");
        relay.include(para, &transition);
        self.head = Head::decode(&transition.head_data).expect("a head");
    }
}

fn key(i: u8) -> PublicKey {
    Author::new(&format!("person {i}")).key()
}

/// What waits in the relay chain's channels: a watermark is just behind what was taken, so nothing of it was.
fn on_the_way(relay: &TestRelay) -> u128 {
    let channels = relay.channels.iter();
    let messages = channels.flat_map(|((from, to), (_, queue))| queue.iter().map(move |m| (*from, *to, m)));
    let transfers = messages.flat_map(|(from, to, message)| {
        xcm::read_message(&message.data, from, to).expect("a message of the template")
    });
    transfers.map(|transfer| transfer.amount).sum()
}

#[derive(Clone, Debug)]
enum Step {
    /// The relay chain goes on without a para block.
    Wait(u8),
    /// A chain authors; how many of the latest relay blocks' messages it leaves, and who sends what to whom.
    Author { away: bool, leave: u8, sends: Vec<(u8, u128, [u8; 32])> },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let recipient = prop_oneof![
        6 => (0u8..6).prop_map(|i| key(i).point().pack()),
        1 => any::<[u8; 32]>(),
    ];
    let amount = prop_oneof![0u128..30, 0u128..2_000, 0u128..20_000];
    let sends = prop::collection::vec((0u8..6, amount, recipient), 0..6);
    let author =
        (any::<bool>(), 0u8..3, sends).prop_map(|(away, leave, sends)| Step::Author { away, leave, sends });
    prop::collection::vec(prop_oneof![1 => (1u8..4).prop_map(Step::Wait), 4 => author], 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    /// Over random schedules, with delays, cuts, refusals and more messages than slots: at every time all tokens are in accounts,
    /// in queues or on their way, and in the end what was sent has arrived or is back.
    #[test]
    fn the_sum_over_both_chains_is_conserved(steps in steps()) {
        let mut relay = TestRelay::new();
        relay.open(HOME, AWAY, 4, 8192);
        relay.open(AWAY, HOME, 4, 8192);
        let mut sides = [Side::new(HOME), Side::new(AWAY)];
        let total = BALANCE * u128::from(ACCOUNTS);
        let check = |relay: &TestRelay, sides: &[Side; 2]| {
            let held: u128 = sides.iter().map(|side| { let (a, b) = side.ledger.held(); a + b }).sum();
            prop_assert_eq!(held + on_the_way(relay), total);
            // The home's allowance is exactly what is not at home.
            let (at_home, _) = sides[0].ledger.held();
            prop_assert_eq!(at_home + sides[0].ledger.allowance, total);
            Ok(())
        };
        for step in steps {
            match step {
                Step::Wait(blocks) => relay.number += u32::from(blocks),
                Step::Author { away, leave, sends } => {
                    relay.number += 1;
                    let until = relay.number - u32::from(leave) - 1;
                    sides[usize::from(away)].author(&mut relay, until, &sends);
                }
            }
            check(&relay, &sides)?;
        }
        // Nothing more is sent: everything comes to rest.
        for _ in 0..200 {
            for side in &mut sides {
                relay.number += 1;
                side.author(&mut relay, u32::MAX, &[]);
            }
            check(&relay, &sides)?;
            let queued: u128 = sides.iter().map(|side| side.ledger.held().1).sum();
            if queued + on_the_way(&relay) == 0 {
                break;
            }
        }
        let accounts: u128 = sides.iter().map(|side| side.ledger.held().0).sum();
        prop_assert_eq!(accounts, total);
    }
}

#[test]
fn more_messages_than_slots_arrive_in_order_and_once_and_what_is_refused_comes_back() {
    let mut relay = TestRelay::new();
    relay.open(HOME, AWAY, 4, 8192);
    relay.open(AWAY, HOME, 4, 8192);
    let [mut home, mut away] = [Side::new(HOME), Side::new(AWAY)];
    let to = |i: u8| key(i).point().pack();
    // Four accounts are opened; five coins are too few to open one; bytes that are no key; and one more to the first.
    let sends = [
        (0, 100, to(10)),
        (0, 200, to(11)),
        (1, 5, to(12)),
        (1, 300, [0xff; 32]),
        (2, 400, to(13)),
        (0, 7, to(10)),
        (0, 8, to(14)),
        (2, 500, to(14)),
    ];
    home.author(&mut relay, u32::MAX, &sends);
    let balances = |side: &Side| side.ledger.accounts.iter().map(|(_, balance)| *balance).collect::<Vec<_>>();
    assert_eq!(balances(&home), [10_000 - 315, 10_000 - 305, 10_000 - 900]);
    let mut seen = Vec::new();
    for _ in 0..4 {
        relay.number += 1;
        away.author(&mut relay, u32::MAX, &[]);
        seen.push(balances(&away));
    }
    // Three slots a block, in order: 5 is refused before the last account exists, as 8 is.
    assert_eq!(
        seen,
        [vec![100, 200], vec![107, 200, 400], vec![107, 200, 400, 500], vec![107, 200, 400, 500]]
    );
    assert!(away.ledger.batches.is_empty() && away.ledger.rest == Fr::ZERO);
    for _ in 0..2 {
        relay.number += 1;
        home.author(&mut relay, u32::MAX, &[]);
    }
    assert_eq!(balances(&home), [10_000 - 307, 10_000, 10_000 - 900]);
    assert_eq!(home.ledger.allowance, 1_207);
    // And home again, but not more than went abroad.
    relay.number += 1;
    away.author(&mut relay, u32::MAX, &[(3, 490, to(1)), (0, 97, to(2))]);
    relay.number += 1;
    home.author(&mut relay, u32::MAX, &[]);
    assert_eq!(balances(&home), [10_000 - 307, 10_490, 10_000 - 803]);
    assert_eq!(home.ledger.allowance, 620);
}

/// A peer that mints what it never got cannot bring more home than went abroad.
#[test]
fn a_dishonest_peer_brings_home_no_more_than_went_abroad() {
    let mut home = Side::new(HOME).ledger;
    home.allowance = 50;
    let payment = |sequence, amount| InboxRecord {
        origin: AWAY,
        transfer: Transfer {
            token: HOME,
            amount,
            sequence,
            purpose: Purpose::Payment { recipient: key(0).point().pack(), refund: 9 },
        },
    };
    let records = [payment(1, 51), payment(2, 50), payment(3, 1)];
    home.receive(inbox_root(&records), &records);
    let refunds = home.deliver();
    let refused: Vec<_> = refunds.iter().map(|record| record.transfer.purpose).collect();
    let refund = |refused| Purpose::Refund { account: 9, refused };
    assert_eq!(refused, [refund(1), refund(3)]);
    assert_eq!((home.allowance, home.accounts[0].1), (0, BALANCE + 50));
}
