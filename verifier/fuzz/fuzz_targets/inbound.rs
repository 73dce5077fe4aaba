//! What a block takes: no panic on any lists of messages, and nothing but what the relay chain has is taken. The input
//! is a program of edits to an honest list.
#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use zkpov_verifier::exchange::Intake;
use zkpov_verifier::head::Head;
use zkpov_verifier::message::{ChannelMessages, Inbound, MessageFormat, SentMessage};
use zkpov_verifier::queue::message_hash;
use zkpov_verifier::relay::RelayContext;
use zkpov_verifier::testing::TestChain;
use zkpov_verifier::testing::relay::TestRelay;

const HERE: u32 = 2000;

struct Honest {
    parent: Head,
    relay: RelayContext,
    proof: Vec<Vec<u8>>,
    inbound: Inbound,
}

static HONEST: LazyLock<Honest> = LazyLock::new(|| {
    let mut relay = TestRelay::new();
    for sender in [5, 9] {
        relay.open(sender, HERE, 8, 64);
    }
    for turn in 0..3u8 {
        relay.send_down(HERE, vec![turn; 3]);
        relay.send(5, HERE, vec![turn; 5]);
        relay.number += 1;
        relay.send(9, HERE, vec![turn; 7]);
    }
    Honest {
        parent: TestChain::new(HERE).genesis,
        relay: relay.context(),
        proof: relay.storage_proof(HERE),
        inbound: relay.inbound(HERE, u32::MAX),
    }
});

#[derive(Arbitrary, Debug)]
enum Edit {
    Leave { channel: u8, count: u8 },
    LeaveDownward(u8),
    Insert { channel: u8, at: u8, sent_at: u8, data: Vec<u8> },
    Remove { channel: u8, at: u8 },
    Swap { channel: u8, at: u8, with: u8 },
    Data { channel: u8, at: u8, data: Vec<u8> },
    Channel { sender: u8 },
    DropChannel(u8),
    Downward(Vec<Vec<u8>>),
}

fuzz_target!(|edits: Vec<Edit>| {
    let honest = &*HONEST;
    let mut inbound = honest.inbound.clone();
    for edit in edits {
        apply(edit, &mut inbound);
    }
    let format = MessageFormat::Transfers;
    let intake = Intake::new(HERE, format, &honest.parent, &honest.relay, &honest.proof, &inbound);
    if let Ok(intake) = intake {
        assert_eq!(listed(&inbound), listed(&honest.inbound), "other messages than the relay chain's");
        assert_eq!(intake.processed_downward as usize, inbound.downward.len());
        let left = inbound.horizontal.iter().flat_map(|channel| &channel.rest);
        assert!(left.into_iter().all(|(sent_at, _)| *sent_at > intake.watermark));
    }
});

/// Relay blocks and hashes of everything, taken or left.
fn listed(inbound: &Inbound) -> Vec<(u32, Vec<(u32, [u8; 32])>)> {
    let all = |taken: &[SentMessage], rest: &[(u32, [u8; 32])]| {
        let taken = taken.iter().map(|message| (message.sent_at, message_hash(&message.data)));
        taken.chain(rest.iter().copied()).collect()
    };
    let channels = inbound.horizontal.iter();
    let channels = channels.map(|channel| (channel.sender, all(&channel.messages, &channel.rest)));
    core::iter::once((0, all(&inbound.downward, &inbound.downward_rest))).chain(channels).collect()
}

fn leave(taken: &mut Vec<SentMessage>, rest: &mut Vec<(u32, [u8; 32])>, count: u8) {
    for _ in 0..count % 4 {
        if let Some(message) = taken.pop() {
            rest.insert(0, (message.sent_at, message_hash(&message.data)));
        }
    }
}

fn apply(edit: Edit, inbound: &mut Inbound) {
    let channels = &mut inbound.horizontal;
    let count = channels.len().max(1);
    match edit {
        Edit::LeaveDownward(count) => leave(&mut inbound.downward, &mut inbound.downward_rest, count),
        Edit::Leave { channel: index, count: left } => {
            if let Some(channel) = channels.get_mut(usize::from(index) % count) {
                leave(&mut channel.messages, &mut channel.rest, left);
            }
        }
        Edit::Insert { channel: index, at, sent_at, data } => {
            if let Some(channel) = channels.get_mut(usize::from(index) % count) {
                let at = usize::from(at) % (channel.messages.len() + 1);
                let sent_at = 96 + u32::from(sent_at % 12);
                channel.messages.insert(at, SentMessage { sent_at, data });
            }
        }
        Edit::Remove { channel: index, at } => {
            if let Some(channel) = channels.get_mut(usize::from(index) % count)
                && !channel.messages.is_empty()
            {
                let at = usize::from(at) % channel.messages.len();
                channel.messages.remove(at);
            }
        }
        Edit::Swap { channel: index, at, with } => {
            if let Some(channel) = channels.get_mut(usize::from(index) % count)
                && !channel.messages.is_empty()
            {
                let length = channel.messages.len();
                channel.messages.swap(usize::from(at) % length, usize::from(with) % length);
            }
        }
        Edit::Data { channel: index, at, data } => {
            if let Some(channel) = channels.get_mut(usize::from(index) % count)
                && !channel.messages.is_empty()
            {
                let at = usize::from(at) % channel.messages.len();
                channel.messages[at].data = data;
            }
        }
        Edit::Channel { sender } => {
            channels.push(ChannelMessages { sender: sender.into(), messages: vec![], rest: vec![] });
        }
        Edit::DropChannel(index) => {
            let at = usize::from(index) % count;
            if at < channels.len() {
                channels.remove(at);
            }
        }
        Edit::Downward(messages) => {
            inbound.downward = messages.into_iter().map(|data| SentMessage { sent_at: 100, data }).collect();
        }
    }
}
