//! What of the messages that wait one block takes.

use zkpov_collator::messages::within_a_block;
use zkpov_verifier::{
    block::MAX_POV,
    exchange::MAX_RECORDS,
    message::{ChannelMessages, Inbound, SentMessage},
    queue::message_hash,
    transfer::{Purpose, Transfer},
    xcm,
};

const PARA: u32 = 2000;

/// A message of as many transfers as one has.
fn full(sender: u32, sent_at: u32) -> SentMessage {
    let purpose = Purpose::Payment { recipient: [7; 32], refund: 1 };
    let transfer = |sequence| Transfer { token: PARA, amount: 1, sequence, purpose };
    let transfers: Vec<_> = (1..=xcm::MAX_TRANSFERS as u64).map(transfer).collect();
    SentMessage { sent_at, data: xcm::message(&transfers, sender, PARA) }
}

fn channel(sender: u32, messages: Vec<SentMessage>) -> ChannelMessages {
    ChannelMessages { sender, messages, rest: vec![(99, [9; 32])] }
}

#[test]
fn what_fits_a_block_is_taken_as_it_is() {
    let horizontal = vec![channel(2001, vec![full(2001, 5)]), channel(2002, vec![full(2002, 4)])];
    let downward = vec![SentMessage { sent_at: 1, data: vec![1] }];
    let inbound = Inbound { downward, downward_rest: Vec::new(), horizontal };
    assert_eq!(within_a_block(PARA, &inbound), inbound);
    assert_eq!(within_a_block(PARA, &Inbound::default()), Inbound::default());
}

#[test]
fn transfers_beyond_the_limit_wait_in_whole_relay_blocks_the_latest_ones() {
    let full_blocks = (MAX_RECORDS / xcm::MAX_TRANSFERS / 2) as u32;
    let both = |sender| channel(sender, (0..full_blocks + 3).map(|at| full(sender, at)).collect());
    let inbound = Inbound { horizontal: vec![both(2001), both(2002)], ..Inbound::default() };
    let taken = within_a_block(PARA, &inbound);
    for (channel, all) in taken.horizontal.iter().zip(&inbound.horizontal) {
        assert_eq!(channel.messages, all.messages[..full_blocks as usize]);
        let hash = message_hash(&all.messages[full_blocks as usize].data);
        assert_eq!(channel.rest[0], (full_blocks, hash));
        assert_eq!((channel.rest.len(), channel.rest[3]), (4, (99, [9; 32])));
    }
}

#[test]
fn bytes_beyond_the_limit_wait_but_never_all_of_them() {
    let long = |sent_at| SentMessage { sent_at, data: vec![0; MAX_POV / 2 - 10] };
    let inbound = Inbound {
        downward: vec![long(1), long(2)],
        downward_rest: Vec::new(),
        horizontal: vec![channel(2001, vec![long(3), long(4)])],
    };
    let taken = within_a_block(PARA, &inbound);
    assert_eq!((taken.downward.len(), taken.downward_rest.len()), (1, 1));
    assert_eq!((taken.horizontal[0].messages.len(), taken.horizontal[0].rest.len()), (1, 2));
}
