//! Messages a block takes and sends, as the proven block lists them.
//!
//! The relay chain checks only counts and watermarks of the messages a block takes, so nothing
//! here is believed: what is taken is authenticated against the message queue chains before it
//! enters the statement ([`crate::exchange`]).

use alloc::vec::Vec;

use codec::Encode;

use crate::hashing::Hash;
use crate::head::MAX_CHANNELS;
use crate::scale::{Read, Reader};

/// Most messages, taken or listed, of one queue.
pub const MAX_QUEUE_MESSAGES: usize = 1 << 13;

/// Most messages a block sends upward, and most it sends horizontally (polkadot's
/// `MAX_UPWARD_MESSAGE_NUM` and `MAX_HORIZONTAL_MESSAGE_NUM`).
pub const MAX_SENT_MESSAGES: usize = 16 * 1024;

/// What a chain makes of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, core::hash::Hash)]
pub enum MessageFormat {
    /// It sends none, and takes whatever comes without effect.
    #[default]
    Dropped,
    /// It sends and takes [`crate::transfer`]s; other messages have no effect.
    Transfers,
}

/// A message with the relay block it was sent in.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct SentMessage {
    /// Number of the relay block.
    pub sent_at: u32,
    /// The message.
    pub data: Vec<u8>,
}

/// A message that waits and is not taken yet: relay block number and blake2b-256 of its bytes.
pub type WaitingMessage = (u32, Hash);

/// The messages of one HRMP channel.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct ChannelMessages {
    /// Para id of the sender.
    pub sender: u32,
    /// Messages the block takes, in order.
    pub messages: Vec<SentMessage>,
    /// Messages that wait behind them, in order.
    pub rest: Vec<WaitingMessage>,
}

/// All messages a block takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode)]
pub struct Inbound {
    /// Downward messages the block takes, in order.
    pub downward: Vec<SentMessage>,
    /// Downward messages that wait behind them, in order.
    pub downward_rest: Vec<WaitingMessage>,
    /// Horizontal messages, by channel.
    pub horizontal: Vec<ChannelMessages>,
}

/// All messages a block sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode)]
pub struct Outbound {
    /// To the relay chain, in order.
    pub upward: Vec<Vec<u8>>,
    /// To other parachains: recipient's para id and message, in order.
    pub horizontal: Vec<(u32, Vec<u8>)>,
}

impl Inbound {
    /// Whether no message is taken or listed.
    pub fn is_empty(&self) -> bool {
        self.downward.is_empty() && self.downward_rest.is_empty() && self.horizontal.is_empty()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Read<Self> {
        Ok(Self {
            downward: messages(reader, "downward messages")?,
            downward_rest: waiting(reader, "waiting downward messages")?,
            horizontal: reader.list("channels", MAX_CHANNELS, |reader| {
                Ok(ChannelMessages {
                    sender: reader.u32("channel sender")?,
                    messages: messages(reader, "channel messages")?,
                    rest: waiting(reader, "waiting channel messages")?,
                })
            })?,
        })
    }
}

impl Outbound {
    /// Whether no message is sent.
    pub fn is_empty(&self) -> bool {
        self.upward.is_empty() && self.horizontal.is_empty()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Read<Self> {
        Ok(Self {
            upward: reader.list("upward messages", MAX_SENT_MESSAGES, |reader| {
                reader.bytes("upward message", usize::MAX)
            })?,
            horizontal: reader.list("horizontal messages", MAX_SENT_MESSAGES, |reader| {
                let recipient = reader.u32("horizontal message recipient")?;
                Ok((recipient, reader.bytes("horizontal message", usize::MAX)?))
            })?,
        })
    }
}

fn messages(reader: &mut Reader<'_>, what: &'static str) -> Read<Vec<SentMessage>> {
    reader.list(what, MAX_QUEUE_MESSAGES, |reader| {
        Ok(SentMessage {
            sent_at: reader.u32("message relay block")?,
            data: reader.bytes("message", usize::MAX)?,
        })
    })
}

fn waiting(reader: &mut Reader<'_>, what: &'static str) -> Read<Vec<WaitingMessage>> {
    reader.list(what, MAX_QUEUE_MESSAGES, |reader| {
        Ok((reader.u32("message relay block")?, reader.array("message hash")?))
    })
}
