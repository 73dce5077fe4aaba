//! What a block may take from other chains and send to them: the relay chain's own messages, whole, in its order, once.

use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use proptest::prelude::*;
use zkpov_verifier::babyjubjub::Point;
use zkpov_verifier::block::{Proven, ProvenBlock};
use zkpov_verifier::exchange::{
    ExchangeError, HEADS_KEY, Intake, IntakeError, MAX_RECORDS, SendError, UpgradeError,
};
use zkpov_verifier::groth16::ProofRejected;
use zkpov_verifier::hashing::blake2b_256;
use zkpov_verifier::head::Head;
use zkpov_verifier::key::PreparedKey;
use zkpov_verifier::message::{ChannelMessages, Inbound, MessageFormat, Outbound, SentMessage};
use zkpov_verifier::poseidon;
use zkpov_verifier::queue::{QueueError, message_hash};
use zkpov_verifier::relay::RelayContext;
use zkpov_verifier::relay::keys;
use zkpov_verifier::relay::state::{Channel, Limits, RelayState, RelayStateError};
use zkpov_verifier::relay::trie::TrieError;
use zkpov_verifier::testing::relay::TestRelay;
use zkpov_verifier::testing::{Author, TestChain, element};
use zkpov_verifier::transfer::{
    INBOX_DOMAIN, InboxRecord, OUTBOX_DOMAIN, OutboxRecord, Purpose, Transfer, inbox_root, outbox_root,
};
use zkpov_verifier::validate::{Invalid, Transition, validate_block};
use zkpov_verifier::xcm::{MAX_PROGRAM_BYTES, MAX_TRANSFERS, message, read_message};

const HERE: u32 = 2000;
const PEER: u32 = 2001;
const OTHER: u32 = 1999;

/// What nobody recognises.
const NOISE: [u8; 5] = [0, 5, 24, 1, 9];

fn payment(sequence: u64, amount: u128) -> Transfer {
    let recipient = Author::new("recipient").key().coordinates();
    let recipient = Point { x: recipient[0], y: recipient[1] }.pack();
    Transfer { token: HERE, amount, sequence, purpose: Purpose::Payment { recipient, refund: 7 } }
}

/// A chain with messages from two peers and the relay chain before it, and a block that takes them all.
#[derive(Clone)]
struct Setting {
    chain: TestChain,
    relay: TestRelay,
    parent: Head,
}

impl Setting {
    fn new() -> Self {
        let chain = TestChain::new(HERE).with_transfers();
        let mut relay = TestRelay::new();
        for (from, to) in [(PEER, HERE), (HERE, PEER), (OTHER, HERE), (PEER, OTHER), (HERE, 2100)] {
            relay.open(from, to, 8, 4096);
        }
        relay.send_down(HERE, b"a session begins".to_vec());
        relay.send(PEER, HERE, message(&[payment(1, 5), payment(2, 6)], PEER, HERE));
        relay.number += 1;
        relay.send(OTHER, HERE, NOISE.to_vec());
        relay.send_down(HERE, b"another".to_vec());
        relay.number += 2;
        relay.send(PEER, HERE, message(&[payment(3, 8)], PEER, HERE));
        relay.send(OTHER, HERE, message(&[payment(9, 1 << 90)], OTHER, HERE));
        relay.number += 1;
        Self { parent: chain.genesis.clone(), chain, relay }
    }

    fn key(&self) -> PreparedKey {
        self.chain.prepared()
    }

    /// A block that takes all that was sent until relay block `until`.
    fn taking(&self, until: u32) -> Proven {
        Proven {
            storage_proof: self.relay.storage_proof(HERE),
            inbound: self.relay.inbound(HERE, until),
            ..self.chain.proven()
        }
    }

    fn taking_all(&self) -> Proven {
        self.taking(self.relay.number)
    }

    fn intake(&self, proven: &Proven) -> Result<Intake, IntakeError> {
        let (format, relay) = (self.chain.key.messages, self.relay.context());
        Intake::new(HERE, format, &self.parent, &relay, &proven.storage_proof, &proven.inbound)
    }

    /// Proven and signed by whoever holds the trapdoor, whatever the block holds.
    fn prove(&self, proven: Proven) -> ProvenBlock {
        let (chain, relay) = (&self.chain.key.chain, self.relay.context());
        let exchange = proven.exchange(chain, self.chain.key.messages, &self.parent, &relay);
        match exchange {
            Ok(_) => self.chain.prove(proven, &self.parent, &relay),
            Err(_) => self.chain.prove_statement(proven, &self.parent, element("no statement")),
        }
    }

    fn validate(&self, block: &ProvenBlock) -> Result<Transition, Invalid> {
        validate_block(&self.parent.encode(), &self.relay.context(), &self.key(), &block.encode())
    }

    fn refused(&self, proven: Proven) -> ExchangeError {
        match self.validate(&self.prove(proven)) {
            Err(Invalid::Exchange(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    /// The error of a block whose messages `change` changed.
    fn intake_error(&self, change: impl FnOnce(&mut Inbound)) -> IntakeError {
        let mut proven = self.taking_all();
        change(&mut proven.inbound);
        match self.refused(proven) {
            ExchangeError::Intake(error) => error,
            other => panic!("{other:?}"),
        }
    }

    /// Goes on from a block: the head, and the relay chain with the block included.
    fn include(&mut self, transition: &Transition) {
        self.relay.include(HERE, transition);
        self.parent = Head::decode(&transition.head_data).expect("a head");
        self.relay.number += 1;
    }
}

fn amounts(records: &[InboxRecord]) -> Vec<(u32, u64, u128)> {
    let record = |record: &InboxRecord| (record.origin, record.transfer.sequence, record.transfer.amount);
    records.iter().map(record).collect()
}

#[test]
fn messages_that_wait_are_taken_whole_and_give_the_transition() {
    let setting = Setting::new();
    let proven = setting.taking_all();
    let intake = setting.intake(&proven).expect("authentic");
    // By sender, then in order; noise and downward messages leave no record.
    let expected = [(OTHER, 9, 1 << 90), (PEER, 1, 5), (PEER, 2, 6), (PEER, 3, 8)];
    assert_eq!(amounts(&intake.records), expected);
    assert_ne!(intake.inbox_root, Fr::ZERO);
    let transition = setting.validate(&setting.prove(proven)).expect("valid");
    assert_eq!(transition.processed_downward_messages, 2);
    assert_eq!(transition.hrmp_watermark, setting.relay.number);
    let mqc = Head::decode(&transition.head_data).expect("a head").digest.mqc;
    assert_eq!(mqc.downward, setting.relay.downward[&HERE].0);
    let heads = [OTHER, PEER].map(|sender| (sender, setting.relay.channels[&(sender, HERE)].0.head));
    assert_eq!(mqc.horizontal, heads);
    assert_eq!(mqc, intake.mqc);
}

/// Invented, dropped, reordered, doubled and altered messages, each by its own error.
#[test]
fn other_messages_than_the_relay_chains_are_refused() {
    let setting = Setting::new();
    let at = setting.relay.number;
    let peer = |cause| IntakeError::Channel { sender: PEER, cause };
    let invented = || SentMessage { sent_at: at, data: message(&[payment(4, 1 << 60)], PEER, HERE) };
    let surplus = |known, listed| QueueError::Surplus { known, listed };
    let head = |listed| QueueError::Head { listed };

    // Invented: at the end, in the middle, in a channel without messages, from a para without a channel, from the future.
    let error = setting.intake_error(|inbound| inbound.horizontal[1].messages.push(invented()));
    assert_eq!(error, peer(surplus(2, 3)));
    let error = setting.intake_error(|inbound| {
        inbound.horizontal[1].messages.insert(1, SentMessage { sent_at: 101, ..invented() })
    });
    assert_eq!(error, peer(head(3)));
    let stranger = ChannelMessages { sender: 3000, messages: vec![invented()], rest: vec![] };
    let error = setting.intake_error(|inbound| inbound.horizontal.push(stranger.clone()));
    assert_eq!(error, IntakeError::NoChannel(3000));
    let future = SentMessage { sent_at: at + 1, ..invented() };
    let error = setting.intake_error(|inbound| inbound.horizontal[1].messages.push(future.clone()));
    assert_eq!(error, peer(QueueError::Future { index: 2, sent_at: at + 1, relay_parent: at }));
    let error = setting.intake_error(|inbound| inbound.downward.push(invented()));
    assert_eq!(error, IntakeError::Downward(surplus(2, 3)));
    let error = setting.intake_error(|inbound| inbound.downward_rest.push((at, [1; 32])));
    assert_eq!(error, IntakeError::Downward(surplus(2, 3)));

    // Dropped: the first, the last, all of a channel, all downward.
    let error = setting.intake_error(|inbound| drop(inbound.horizontal[1].messages.remove(0)));
    assert_eq!(error, peer(head(1)));
    let error = setting.intake_error(|inbound| drop(inbound.horizontal[1].messages.pop()));
    assert_eq!(error, peer(head(1)));
    let error = setting.intake_error(|inbound| drop(inbound.horizontal.pop()));
    assert_eq!(error, peer(head(0)));
    let error = setting.intake_error(|inbound| inbound.downward.clear());
    assert_eq!(error, IntakeError::Downward(head(0)));

    // Reordered: within a channel, and with the relay blocks' numbers left in order.
    let error = setting.intake_error(|inbound| inbound.horizontal[1].messages.swap(0, 1));
    assert_eq!(error, peer(QueueError::Order { index: 1, sent_at: 100 }));
    let error = setting.intake_error(|inbound| {
        let [first, second] = &mut inbound.horizontal[1].messages[..] else { panic!("two") };
        core::mem::swap(&mut first.data, &mut second.data);
    });
    assert_eq!(error, peer(head(2)));

    // Doubled: in place, and at the end.
    let error = setting.intake_error(|inbound| {
        let first = inbound.horizontal[1].messages[0].clone();
        inbound.horizontal[1].messages.insert(0, first);
    });
    assert_eq!(error, peer(head(3)));
    let error = setting.intake_error(|inbound| {
        let last = inbound.horizontal[1].messages[1].clone();
        inbound.horizontal[1].messages.push(last);
    });
    assert_eq!(error, peer(surplus(2, 3)));

    // Altered: a byte, a length, the relay block, the channel.
    let error = setting.intake_error(|inbound| inbound.horizontal[1].messages[0].data[20] ^= 1);
    assert_eq!(error, peer(head(2)));
    let error = setting.intake_error(|inbound| inbound.horizontal[1].messages[1].data.push(0));
    assert_eq!(error, peer(head(2)));
    let error = setting.intake_error(|inbound| inbound.horizontal[1].messages[0].sent_at += 1);
    assert_eq!(error, peer(head(2)));
    let error = setting.intake_error(|inbound| inbound.horizontal[0].messages[0].data = vec![]);
    assert_eq!(error, IntakeError::Channel { sender: OTHER, cause: head(2) });
    let error = setting.intake_error(|inbound| {
        let [other, peer] = &mut inbound.horizontal[..] else { panic!("two") };
        core::mem::swap(&mut other.messages, &mut peer.messages);
    });
    assert_eq!(error, IntakeError::Channel { sender: OTHER, cause: head(2) });
}

/// What a block took before cannot be taken again, nor what the parent's parent took.
#[test]
fn a_message_is_taken_once() {
    let mut setting = Setting::new();
    let first = setting.taking_all();
    let transition = setting.validate(&setting.prove(first.clone())).expect("valid");
    let before = setting.relay.clone();
    setting.include(&transition);
    // On a relay chain that has not included the block yet: what waits there still, the chain has read.
    let mut stale = setting.clone();
    stale.relay = before;
    assert_eq!(stale.relay.inbound(HERE, u32::MAX), first.inbound);
    let again = stale.refused(first.clone());
    assert_eq!(
        again,
        ExchangeError::Intake(IntakeError::Downward(QueueError::Surplus { known: 0, listed: 2 }))
    );
    let nothing = Proven { inbound: Inbound::default(), ..first };
    let transition = stale.validate(&stale.prove(nothing)).expect("nothing is left to take");
    assert_eq!(transition.processed_downward_messages, 0);
    // And the next message follows.
    setting.relay.send(PEER, HERE, message(&[payment(4, 9)], PEER, HERE));
    let next = setting.taking_all();
    assert_eq!(amounts(&setting.intake(&next).expect("authentic").records), [(PEER, 4, 9)]);
    assert!(setting.validate(&setting.prove(next)).is_ok());
}

#[test]
fn a_block_may_take_whole_relay_blocks_and_leave_the_rest() {
    let mut setting = Setting::new();
    let cut = |setting: &Setting, until| setting.validate(&setting.prove(setting.taking(until)));
    let transition = cut(&setting, 100).expect("valid");
    assert_eq!(transition.hrmp_watermark, 100);
    assert_eq!(transition.processed_downward_messages, 1);
    setting.include(&transition);
    let transition = cut(&setting, 102).expect("valid");
    assert_eq!((transition.hrmp_watermark, transition.processed_downward_messages), (101, 1));
    setting.include(&transition);
    let proven = setting.taking_all();
    assert_eq!(
        amounts(&setting.intake(&proven).expect("authentic").records),
        [(OTHER, 9, 1 << 90), (PEER, 3, 8)]
    );
    let transition = setting.validate(&setting.prove(proven)).expect("valid");
    assert_eq!(transition.hrmp_watermark, setting.relay.number);
    setting.include(&transition);
    assert_eq!(setting.relay.inbound(HERE, u32::MAX), Inbound::default());
}

#[test]
fn relay_blocks_are_taken_in_order_and_something_always_is() {
    let setting = Setting::new();
    let rest = |messages: &[SentMessage]| -> Vec<_> {
        messages.iter().map(|message| (message.sent_at, message_hash(&message.data))).collect()
    };
    // One channel whole, the other not at all.
    let error = setting.intake_error(|inbound| {
        let taken = core::mem::take(&mut inbound.horizontal[0].messages);
        inbound.horizontal[0].rest = rest(&taken);
    });
    assert_eq!(error, IntakeError::Cut { taken: 103, left: 101 });
    let error = setting.intake_error(|inbound| {
        let last = inbound.horizontal[0].messages.pop().expect("two");
        inbound.horizontal[0].rest = rest(&[last]);
    });
    assert_eq!(error, IntakeError::Cut { taken: 103, left: 103 });
    let error = setting.intake_error(|inbound| {
        for channel in &mut inbound.horizontal {
            channel.rest = rest(&core::mem::take(&mut channel.messages));
        }
    });
    assert_eq!(error, IntakeError::NoHorizontalProgress);
    let error =
        setting.intake_error(|inbound| inbound.downward_rest = rest(&core::mem::take(&mut inbound.downward)));
    assert_eq!(error, IntakeError::NoDownwardProgress);
}

#[test]
fn a_list_of_messages_has_one_form() {
    let setting = Setting::new();
    let error = setting.intake_error(|inbound| inbound.horizontal.swap(0, 1));
    assert_eq!(error, IntakeError::ChannelOrder(OTHER));
    let error = setting.intake_error(|inbound| inbound.horizontal.push(inbound.horizontal[1].clone()));
    assert_eq!(error, IntakeError::ChannelOrder(PEER));
    let empty = ChannelMessages { sender: 2002, messages: vec![], rest: vec![] };
    let error = setting.intake_error(|inbound| inbound.horizontal.push(empty.clone()));
    assert_eq!(error, IntakeError::EmptyChannel(2002));
}

/// Where messages are cut changes neither records nor values read where the rest is noise; the context has it all the same.
#[test]
fn nobody_moves_the_cut_of_a_signed_block() {
    let mut setting = Setting::new();
    setting.include(&setting.validate(&setting.prove(setting.taking_all())).expect("valid"));
    setting.relay.send(OTHER, HERE, NOISE.to_vec());
    setting.relay.number += 1;
    setting.relay.send(OTHER, HERE, NOISE.to_vec());
    let block = setting.prove(setting.taking_all());
    assert!(setting.validate(&block).is_ok());
    let cut = setting.taking(setting.relay.number - 1);
    let (all, some) = (setting.intake(&block.proven), setting.intake(&cut));
    let (all, some) = (all.expect("authentic"), some.expect("authentic"));
    assert_eq!(all.inbox_root, some.inbox_root);
    assert_ne!(all.values, some.values);
    assert_eq!(all.values.last().expect("values").0, HEADS_KEY);
    let moved =
        ProvenBlock { proven: Proven { inbound: cut.inbound, ..block.proven.clone() }, ..block.clone() };
    assert!(matches!(setting.validate(&moved), Err(Invalid::AuthorSignature(_))));
    // Signed again, the proof does not fit; proven again it is another block.
    let resigned = setting.prove(moved.proven.clone());
    assert!(setting.validate(&resigned).is_ok());
    let stale = ProvenBlock { proven: Proven { proof: block.proven.proof, ..resigned.proven }, ..resigned };
    assert_eq!(setting.validate(&stale), Err(Invalid::ProofRejected(ProofRejected)));
}

#[test]
fn a_channel_closed_and_opened_again_begins_anew_and_replays_nothing() {
    let mut setting = Setting::new();
    setting.include(&setting.validate(&setting.prove(setting.taking_all())).expect("valid"));
    let old = setting.relay.channels.remove(&(PEER, HERE)).expect("a channel");
    // Gone: its head goes too.
    let mut closed = setting.clone();
    let transition = closed.validate(&closed.prove(closed.taking_all())).expect("valid");
    closed.include(&transition);
    assert_eq!(closed.parent.digest.mqc.horizontal.len(), 1);
    // Open again without a block in between, empty and with a message.
    setting.relay.open(PEER, HERE, 8, 4096);
    let block = setting.prove(setting.taking_all());
    assert!(setting.validate(&block).is_ok());
    setting.relay.send(PEER, HERE, message(&[payment(4, 3)], PEER, HERE));
    let proven = setting.taking_all();
    assert_eq!(amounts(&setting.intake(&proven).expect("authentic").records), [(PEER, 4, 3)]);
    assert!(setting.validate(&setting.prove(proven)).is_ok());

    // The old channel with one message more: its whole history from zeros on leads to the relay chain's head as well, and
    // holds what was taken before.
    setting.relay.channels.insert((PEER, HERE), old);
    setting.relay.send(PEER, HERE, message(&[payment(4, 3)], PEER, HERE));
    assert!(setting.validate(&setting.prove(setting.taking_all())).is_ok());
    let history = Setting::new().relay.inbound(HERE, u32::MAX).horizontal.remove(1).messages;
    let mut replay = setting.taking_all();
    replay.inbound.horizontal[0].messages.splice(0..0, history);
    let cause = QueueError::Head { listed: 3 };
    let expected = IntakeError::Channel { sender: PEER, cause };
    assert_eq!(setting.refused(replay), ExchangeError::Intake(expected));
}

#[test]
fn a_chain_that_takes_messages_proves_the_relay_state_in_every_block() {
    let setting = Setting::new();
    let blind = setting.chain.proven();
    assert_eq!(setting.refused(blind.clone()), ExchangeError::Intake(IntakeError::NoProof));
    // A chain without messages need not; it consumes what comes, with no effect, and sends nothing.
    let mut plain = Setting { chain: TestChain::new(HERE), ..Setting::new() };
    let transition = plain.validate(&plain.prove(blind)).expect("valid");
    assert_eq!(transition.hrmp_watermark, plain.relay.number);
    let listed = Proven { inbound: plain.relay.inbound(HERE, u32::MAX), ..plain.chain.proven() };
    assert_eq!(plain.refused(listed), ExchangeError::Intake(IntakeError::NoProof));
    let proven = plain.taking_all();
    assert_eq!(plain.intake(&proven).expect("authentic").inbox_root, Fr::ZERO);
    let transition = plain.validate(&plain.prove(proven)).expect("valid");
    assert_eq!(transition.processed_downward_messages, 2);
    plain.include(&transition);
    let mut sending = plain.taking_all();
    sending.outbound.horizontal = vec![(PEER, message(&[payment(1, 1)], HERE, PEER))];
    assert_eq!(plain.refused(sending), ExchangeError::Send(SendError::NotThisChain));
}

#[test]
fn a_storage_proof_has_one_form_and_no_other_root() {
    let setting = Setting::new();
    let proven = setting.taking_all();
    let error = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut proven = proven.clone();
        change(&mut proven.storage_proof);
        match setting.refused(proven) {
            ExchangeError::Intake(IntakeError::Relay(RelayStateError::Proof(error))) => error,
            other => panic!("{other:?}"),
        }
    };
    let nodes = proven.storage_proof.len();
    for node in 0..nodes {
        assert_eq!(error(&|proof| proof[node][0] ^= 1), TrieError::Hash { node });
        assert_eq!(error(&|proof| proof[node].push(0)), TrieError::Hash { node });
        assert!(matches!(
            error(&|proof| drop(proof.remove(node))),
            TrieError::Hash { .. } | TrieError::Missing { .. }
        ));
        assert!(matches!(
            error(&|proof| proof.insert(node, proof[node].clone())),
            TrieError::Hash { .. } | TrieError::Surplus { .. }
        ));
        if node > 0 {
            assert_eq!(error(&|proof| proof.swap(node - 1, node)), TrieError::Hash { node: node - 1 });
        }
    }
    assert_eq!(error(&|proof| proof.push(vec![0])), TrieError::Surplus { left: 1 });
    // Another state of the relay chain.
    let mut later = setting.clone();
    later.relay.send(PEER, HERE, vec![]);
    assert_eq!(
        later.refused(proven),
        ExchangeError::Intake(IntakeError::Relay(RelayStateError::Proof(TrieError::Hash { node: 0 })))
    );
}

#[test]
fn the_whole_relay_state_is_read_and_nothing_there_is_proven_too() {
    let relay = Setting::new().relay;
    let root = relay.trie().root();
    let (state, values) = RelayState::prove(HERE, &root, &relay.storage_proof(HERE)).expect("proven");
    let channel = |sender, recipient| relay.channels[&(sender, recipient)].0.clone();
    let expected = RelayState {
        downward_head: relay.downward[&HERE].0,
        ingress: vec![(OTHER, channel(OTHER, HERE)), (PEER, channel(PEER, HERE))],
        egress: vec![(PEER, channel(HERE, PEER)), (2100, channel(HERE, 2100))],
        upgrade_in_progress: false,
        upgrade_restricted: false,
        limits: relay.limits,
    };
    assert_eq!(state, expected);
    let read: Vec<_> = values.iter().map(|(key, _)| key.clone()).collect();
    let order = [
        keys::downward_head(HERE),
        keys::ingress_index(HERE),
        keys::channel(OTHER, HERE),
        keys::channel(PEER, HERE),
        keys::egress_index(HERE),
        keys::channel(HERE, PEER),
        keys::channel(HERE, 2100),
        keys::upgrade_go_ahead(HERE),
        keys::upgrade_restriction(HERE),
        keys::ACTIVE_CONFIG.to_vec(),
    ];
    assert_eq!(read, order);
    // A para of which the relay chain has nothing.
    let (state, values) = RelayState::prove(7, &root, &relay.storage_proof(7)).expect("proven");
    assert_eq!(state, RelayState { limits: relay.limits, ..RelayState::default() });
    assert_eq!(values.iter().filter(|(_, value)| value.is_none()).count(), 5);
}

fn sending(setting: &Setting, horizontal: Vec<(u32, Vec<u8>)>) -> Proven {
    Proven { outbound: Outbound { upward: vec![], horizontal }, ..setting.taking_all() }
}

fn outgoing(sequences: &[u64], to: u32) -> Vec<u8> {
    let transfers: Vec<_> = sequences.iter().map(|sequence| payment(*sequence, 1000)).collect();
    message(&transfers, HERE, to)
}

#[test]
fn messages_sent_are_the_outbox_of_the_statement() {
    let setting = Setting::new();
    let messages = vec![(PEER, outgoing(&[4, 6], PEER)), (2100, outgoing(&[5], 2100))];
    let proven = sending(&setting, messages.clone());
    let transition = setting.validate(&setting.prove(proven.clone())).expect("valid");
    assert_eq!(transition.horizontal_messages, messages);
    // In the order of the sequence numbers, whatever the recipients.
    let records = [(PEER, 4), (2100, 5), (PEER, 6)]
        .map(|(destination, sequence)| OutboxRecord { destination, transfer: payment(sequence, 1000) });
    let exchange = setting.intake(&proven).expect("authentic").complete(
        HERE,
        MessageFormat::Transfers,
        &proven.outbound,
        None,
    );
    assert_eq!(exchange.expect("within limits").outbox_root, outbox_root(&records));
    // A transfer more, another, or none, and the proof is of another statement.
    for other in [
        vec![],
        vec![(PEER, outgoing(&[4], PEER))],
        vec![(PEER, outgoing(&[4, 7], PEER)), messages[1].clone()],
    ] {
        let mut block = setting.prove(sending(&setting, other));
        assert!(setting.validate(&block).is_ok());
        block.proven.outbound = proven.outbound.clone();
        assert!(matches!(setting.validate(&block), Err(Invalid::AuthorSignature(_))));
        let mut resigned = setting.prove(proven.clone());
        resigned.proven.proof = block.proven.proof;
        assert_eq!(setting.validate(&resigned), Err(Invalid::ProofRejected(ProofRejected)));
    }
}

#[test]
fn messages_beyond_a_limit_or_in_another_form_are_refused() {
    let mut setting = Setting::new();
    let error = |setting: &Setting, messages: &[(u32, Vec<u8>)]| match setting
        .refused(sending(setting, messages.to_vec()))
    {
        ExchangeError::Send(error) => error,
        other => panic!("{other:?}"),
    };
    let fine = (PEER, outgoing(&[1], PEER));
    let second = (2100, outgoing(&[2], 2100));
    assert_eq!(error(&setting, &[second.clone(), fine.clone()]), SendError::Order(PEER));
    assert_eq!(error(&setting, &[fine.clone(), fine.clone()]), SendError::Order(PEER));
    assert_eq!(error(&setting, &[(OTHER, outgoing(&[1], OTHER))]), SendError::NoChannel(OTHER));
    assert_eq!(error(&setting, &[(PEER, outgoing(&[2, 1], PEER))]), SendError::Sequence(PEER));
    assert_eq!(error(&setting, &[(PEER, outgoing(&[1, 1], PEER))]), SendError::Sequence(PEER));
    for bytes in [
        NOISE.to_vec(),
        vec![0],
        vec![],
        message(&[payment(1, 5)], PEER, PEER),
        outgoing(&[1; MAX_TRANSFERS + 1], PEER),
    ] {
        assert_eq!(error(&setting, &[(PEER, bytes)]), SendError::Template(PEER));
    }
    let mut upward = setting.taking_all();
    upward.outbound.upward = vec![vec![]];
    assert_eq!(setting.refused(upward), ExchangeError::Send(SendError::Upward));

    let length = fine.1.len();
    let channel = |setting: &mut Setting, change: fn(&mut Channel, u32)| {
        let length = length as u32;
        change(&mut setting.relay.channels.get_mut(&(HERE, PEER)).expect("a channel").0, length);
    };
    let mut exactly = setting.clone();
    channel(&mut exactly, |c, length| {
        (c.max_message_size, c.max_total_size, c.total_size) = (length, length + 9, 9);
        (c.max_capacity, c.message_count) = (3, 2);
    });
    assert!(exactly.validate(&exactly.prove(sending(&exactly, vec![fine.clone()]))).is_ok());
    let with = |change| {
        let mut limited = exactly.clone();
        channel(&mut limited, change);
        error(&limited, core::slice::from_ref(&fine))
    };
    let expected = SendError::MessageSize { recipient: PEER, found: length, limit: length as u32 - 1 };
    assert_eq!(with(|c, length| c.max_message_size = length - 1), expected);
    assert_eq!(with(|c, _| c.total_size += 1), SendError::TotalSize(PEER));
    assert_eq!(with(|c, _| c.total_size = u32::MAX), SendError::TotalSize(PEER));
    assert_eq!(with(|c, _| c.message_count = 3), SendError::Capacity(PEER));
    setting.relay.limits.max_horizontal_messages = 1;
    assert_eq!(error(&setting, &[fine, second]), SendError::TooMany { found: 2, limit: 1 });
}

#[test]
fn an_upgrade_is_its_hash_in_the_statement_and_waits_for_the_relay_chain() {
    let setting = Setting::new();
    let code = vec![7; 100];
    let upgrading =
        |setting: &Setting, code: &[u8]| Proven { upgrade: Some(code.to_vec()), ..setting.taking_all() };
    let block = setting.prove(upgrading(&setting, &code));
    let transition = setting.validate(&block).expect("valid");
    assert_eq!(transition.new_validation_code, Some(code.clone()));
    let statement = setting.chain.statement(&block.proven, &setting.parent, &setting.relay.context());
    assert_eq!(statement.upgrade, Some(blake2b_256(&code)));
    let mut other = block.clone();
    other.proven.upgrade = Some(vec![8; 100]);
    assert!(matches!(setting.validate(&other), Err(Invalid::AuthorSignature(_))));

    let signal = |key: Vec<u8>| {
        let mut setting = setting.clone();
        setting.relay.entries.insert(key, vec![0]);
        setting.refused(upgrading(&setting, &code))
    };
    assert_eq!(signal(keys::upgrade_restriction(HERE)), UpgradeError::Restricted.into());
    assert_eq!(signal(keys::upgrade_go_ahead(HERE)), UpgradeError::InProgress.into());
    // Another para's signals are none of ours.
    let mut elsewhere = setting.clone();
    elsewhere.relay.entries.insert(keys::upgrade_restriction(PEER), vec![0]);
    assert!(elsewhere.validate(&elsewhere.prove(upgrading(&elsewhere, &code))).is_ok());

    let mut limited = setting.clone();
    limited.relay.limits = Limits { max_code_size: 100, ..limited.relay.limits };
    assert!(limited.validate(&limited.prove(upgrading(&limited, &code))).is_ok());
    for (found, limit) in [(101, 100), (8, 100)] {
        let expected = UpgradeError::Size { found, limit };
        assert_eq!(limited.refused(upgrading(&limited, &vec![7; found])), expected.into());
    }
    // Also of a chain without messages, whose proof is otherwise optional.
    let plain = Setting { chain: TestChain::new(HERE), ..setting.clone() };
    assert!(plain.validate(&plain.prove(upgrading(&plain, &code))).is_ok());
    let blind = Proven { upgrade: Some(code), ..plain.chain.proven() };
    assert_eq!(plain.refused(blind), UpgradeError::NoProof.into());
}

/// The roots, written out.
#[test]
fn roots_fold_records_from_their_own_end() {
    let header = |kind: u64, para: u64, token: u64, account: u64, sequence: u64, refused: u64| {
        let two = Fr::from(2u64);
        let at = |bits: u64| two.pow([bits]);
        Fr::from(kind)
            + Fr::from(para) * at(8)
            + Fr::from(token) * at(40)
            + Fr::from(account) * at(72)
            + Fr::from(sequence) * at(104)
            + Fr::from(refused) * at(168)
    };
    let paid = payment(u64::MAX, u128::MAX);
    let refund = Transfer {
        token: PEER,
        amount: 3,
        sequence: 11,
        purpose: Purpose::Refund { account: u32::MAX, refused: u64::MAX - 1 },
    };
    let [x, y] = Author::new("recipient").key().coordinates();
    let inbox = [paid, refund].map(|transfer| InboxRecord { origin: PEER, transfer });
    let headers =
        [header(0, 2001, 2000, 7, u64::MAX, 0), header(1, 2001, 2001, u32::MAX.into(), 11, u64::MAX - 1)];
    let last = poseidon::hash(&[INBOX_DOMAIN, headers[1], Fr::from(3u64), Fr::ZERO, Fr::ZERO, Fr::ZERO]);
    let both = poseidon::hash(&[INBOX_DOMAIN, headers[0], Fr::from(u128::MAX), x, y, last]);
    assert_eq!(inbox_root(&inbox), both);
    assert_eq!(inbox_root(&inbox[1..]), last);
    assert_eq!(inbox_root(&[]), Fr::ZERO);

    let outbox = [paid, refund].map(|transfer| OutboxRecord { destination: PEER, transfer });
    let Purpose::Payment { recipient, .. } = paid.purpose else { panic!("a payment") };
    let limbs = [&recipient[..16], &recipient[16..]]
        .map(|half| Fr::from(u128::from_le_bytes(half.try_into().unwrap())));
    let first = poseidon::hash(&[OUTBOX_DOMAIN, Fr::ZERO, headers[1], Fr::from(3u64), Fr::ZERO, Fr::ZERO]);
    let both = poseidon::hash(&[OUTBOX_DOMAIN, first, headers[0], Fr::from(u128::MAX), limbs[0], limbs[1]]);
    assert_eq!(outbox_root(&outbox), both);
    assert_eq!(outbox_root(&[]), Fr::ZERO);
}

/// Bytes that are no key of an account reach the circuit as nobody's key, and not as a dropped transfer: it is paid back.
#[test]
fn a_recipient_that_is_no_key_is_nobodys() {
    let low_order = Point { x: Fr::ZERO, y: -Fr::ONE };
    let mut off_curve = [0; 32];
    while Point::unpack(&off_curve).is_some() {
        off_curve[0] += 1;
    }
    for recipient in [off_curve, [0xff; 32], Point::IDENTITY.pack(), low_order.pack()] {
        let purpose = Purpose::Payment { recipient, refund: 1 };
        let record = InboxRecord { origin: PEER, transfer: Transfer { purpose, ..payment(1, 1) } };
        assert_eq!(record.recipient(), None);
        assert_eq!(record.elements()[2..], [Fr::ZERO; 2]);
    }
    let record = InboxRecord { origin: PEER, transfer: payment(1, 1) };
    assert_eq!(record.recipient(), Some(Author::new("recipient").key()));
}

/// As `staging-xcm` encodes the same programs (the relay integration's tests compare them for all transfers).
#[test]
fn a_program_is_these_bytes() {
    let purpose = Purpose::Payment { recipient: [0x11; 32], refund: 3 };
    let paid = Transfer { token: HERE, amount: 5_000_000_000_000, sequence: 7, purpose };
    let bytes = message(&[paid], HERE, PEER);
    assert_eq!(
        hex::encode(&bytes[1..]),
        concat!(
            "0518",                           // version 5, six instructions
            "0104010100411f000b005039278c04", // ReserveAssetDeposited
            "0a",                             // ClearOrigin
            "330400010200411f02000c",         // SetHints
            "13010100411f000b005039278c0400", // BuyExecution
            "0d01020400010100",
            "1111111111111111111111111111111111111111111111111111111111111111", // DepositAsset
            "2c7a6b706f762f786665722f31",
            "d0070000",
            "0700000000000000",
            "0000000000000000", // SetTopic
        )
    );
    let purpose = Purpose::Refund { account: 70_000, refused: 41 };
    let refund = Transfer { token: PEER, amount: 12345, sequence: 8, purpose };
    let bytes = message(&[refund], HERE, PEER);
    assert_eq!(
        hex::encode(&bytes[1..]),
        concat!(
            "0518",
            "0004000000e5c0", // WithdrawAsset
            "0a",
            "33040000010200c2450400",
            "13000000e5c000",
            "0d01020400010200c2450400",
            "2c7a6b706f762f786665722f31",
            "d0070000",
            "0800000000000000",
            "2900000000000000",
        )
    );
}

#[test]
fn only_the_template_is_recognised() {
    let purpose = Purpose::Refund { account: 1 << 30, refused: 9 };
    let refund = Transfer { token: PEER, amount: u128::MAX, sequence: u64::MAX, purpose };
    let bytes = message(&[payment(1, 5), refund], PEER, HERE);
    assert_eq!(read_message(&bytes, PEER, HERE), Ok(vec![payment(1, 5), refund]));
    assert!(read_message(&bytes, OTHER, HERE).is_err(), "another channel than it says");
    let elsewhere = message(&[payment(1, 5)], PEER, OTHER);
    assert!(read_message(&elsewhere, PEER, OTHER).is_ok());
    assert!(read_message(&elsewhere, PEER, HERE).is_err(), "the recipient's own token has one name");
    for length in 0..bytes.len() {
        // Where a program ends, a shorter message does.
        let shorter = read_message(&bytes[..length], PEER, HERE);
        let whole = message(&[payment(1, 5)], PEER, HERE).len();
        assert_eq!(shorter.is_ok(), length == whole, "{length}");
    }
    assert!(read_message(&[&bytes[..], &[0]].concat(), PEER, HERE).is_err());
    let longest = Transfer {
        token: u32::MAX,
        purpose: Purpose::Payment { recipient: [9; 32], refund: u32::MAX },
        ..refund
    };
    let full = message(&[longest; MAX_TRANSFERS], u32::MAX - 1, HERE);
    assert!(full.len() <= 1 + MAX_TRANSFERS * MAX_PROGRAM_BYTES);
    assert_eq!(read_message(&full, u32::MAX - 1, HERE).map(|read| read.len()), Ok(MAX_TRANSFERS));
    assert!(
        read_message(&message(&[longest; MAX_TRANSFERS + 1], u32::MAX - 1, HERE), u32::MAX - 1, HERE)
            .is_err()
    );
    let zero = message(&[Transfer { amount: 0, ..payment(1, 5) }], PEER, HERE);
    assert!(read_message(&zero, PEER, HERE).is_err());
}

#[test]
fn a_block_takes_no_more_records_than_a_validator_hashes_in_time() {
    let mut setting = Setting::new();
    let transfers: Vec<_> = (0..MAX_TRANSFERS as u64).map(|sequence| payment(sequence + 9, 1)).collect();
    for _ in 0..=MAX_RECORDS / MAX_TRANSFERS {
        setting.relay.send(PEER, HERE, message(&transfers, PEER, HERE));
    }
    let error = setting.intake_error(|_| {});
    assert_eq!(error, IntakeError::TooManyRecords);
}

static SETTING: LazyLock<(Setting, ProvenBlock, PreparedKey)> = LazyLock::new(|| {
    let setting = Setting::new();
    let messages = vec![(PEER, outgoing(&[4, 6], PEER)), (2100, outgoing(&[5], 2100))];
    let block = setting.prove(Proven { upgrade: Some(vec![7; 40]), ..sending(&setting, messages) });
    let key = setting.key();
    (setting, block, key)
});

/// Each byte of a block with messages, a storage proof and an upgrade: none can be changed.
#[test]
fn every_single_byte_change_of_a_block_with_messages_is_refused() {
    let (setting, block, key) = &*SETTING;
    let (parent, relay, bytes) = (setting.parent.encode(), setting.relay.context(), block.encode());
    assert!(validate_block(&parent, &relay, key, &bytes).is_ok());
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(validate_block(&parent, &relay, key, &changed).is_err(), "byte {at}");
    }
}

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![0u32..70, Just(HERE), Just(PEER), any::<u32>()]
}

fn transfers() -> impl Strategy<Value = Transfer> {
    let payment =
        (any::<[u8; 32]>(), number()).prop_map(|(recipient, refund)| Purpose::Payment { recipient, refund });
    let refund = (number(), any::<u64>()).prop_map(|(account, refused)| Purpose::Refund { account, refused });
    let amount = prop_oneof![1u128..100_000, 1u128..=u128::MAX, (0u32..128).prop_map(|bit| 1 << bit)];
    (number(), amount, any::<u64>(), prop_oneof![payment, refund])
        .prop_map(|(token, amount, sequence, purpose)| Transfer { token, amount, sequence, purpose })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_message_has_one_form(sent in prop::collection::vec(transfers(), 1..=4), from in number(), to in number(),
        at: prop::sample::Index, value: u8) {
        let bytes = message(&sent, from, to);
        prop_assert_eq!(read_message(&bytes, from, to), Ok(sent));
        let mut changed = bytes;
        let at = at.index(changed.len());
        changed[at] = value;
        if let Ok(read) = read_message(&changed, from, to) {
            prop_assert_eq!(message(&read, from, to), changed);
        }
    }

    #[test]
    fn no_edit_of_a_block_with_messages_is_accepted(
        at in any::<prop::sample::Index>(), cut in 0usize..40, insert in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let (setting, block, key) = &*SETTING;
        let bytes = block.encode();
        let at = at.index(bytes.len());
        let end = (at + cut).min(bytes.len());
        let edited = [&bytes[..at], &insert, &bytes[end..]].concat();
        let relay: RelayContext = setting.relay.context();
        match validate_block(&setting.parent.encode(), &relay, key, &edited) {
            Ok(_) => prop_assert_eq!(edited, bytes),
            Err(_) => prop_assert_ne!(edited, bytes),
        }
    }
}
