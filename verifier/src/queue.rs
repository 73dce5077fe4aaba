//! Message queue chains (MQC): how the relay chain commits to every message it ever put into a queue.
//!
//! ```text
//!   zeros ──► head ──► head ──► head        head' = blake2b-256(head │ relay block u32 │ blake2b-256(SCALE(message)))
//!             msg 1    msg 2    msg 3
//!             └─ taken before ─┘└ taken now ┘└ waiting: relay block and hash alone ┘
//!                              ▲             ▲                                      ▲
//!                       parent's head     this block's                      the relay chain's head
//! ```
//!
//! A block's head says how far its chain has read each queue. Whoever extends that by messages and arrives at the relay
//! chain's own head has the messages that the relay chain has, in its order, all of them: another list with the
//! same end would be a collision of blake2b-256.

use alloc::vec::Vec;

use codec::Encode;
use thiserror::Error;

use crate::hashing::{Hash, blake2b_256};
use crate::message::{SentMessage, WaitingMessage};

/// Messages of one queue, as a block lists them.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'m> {
    /// What the block takes, in order.
    pub taken: &'m [SentMessage],
    /// What waits behind, in order.
    pub rest: &'m [WaitingMessage],
}

/// Why listed messages are not what waits in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum QueueError {
    /// A message claims to be sent before the one in front of it.
    #[error(
        "message {index} was sent in relay block {sent_at}, before the one in front of it: the order is not the relay chain's"
    )]
    Order {
        /// Its place, taken ones first.
        index: usize,
        /// The relay block it names.
        sent_at: u32,
    },
    /// A message claims to be sent after the relay parent.
    #[error("message {index} was sent in relay block {sent_at}, after the relay parent {relay_parent}")]
    Future {
        /// Its place, taken ones first.
        index: usize,
        /// The relay block it names.
        sent_at: u32,
        /// The relay parent's number.
        relay_parent: u32,
    },
    /// The relay chain's head is reached before the messages end.
    #[error(
        "the relay chain has {known} of the {listed} messages listed: the others are invented or doubled"
    )]
    Surplus {
        /// Messages up to the relay chain's head.
        known: usize,
        /// Messages listed.
        listed: usize,
    },
    /// The messages do not lead to the relay chain's head.
    #[error(
        "the {listed} messages listed do not lead to the relay chain's head: one is missing, altered, invented or moved"
    )]
    Head {
        /// Messages listed.
        listed: usize,
    },
}

/// blake2b-256 of a message's SCALE bytes, its length in front, as the relay chain hashes messages.
pub fn message_hash(data: &[u8]) -> Hash {
    blake2b_256(&data.encode())
}

/// The head of a chain after one more message.
pub fn extend(head: &Hash, sent_at: u32, message: &Hash) -> Hash {
    blake2b_256(&(head, sent_at, message).encode())
}

impl Listed<'_> {
    /// Number of messages.
    pub fn len(&self) -> usize {
        self.taken.len().saturating_add(self.rest.len())
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty() && self.rest.is_empty()
    }

    /// Relay block and hash of each message, in order.
    fn messages(&self) -> Vec<WaitingMessage> {
        let taken = self.taken.iter().map(|message| (message.sent_at, message_hash(&message.data)));
        taken.chain(self.rest.iter().copied()).collect()
    }

    /// The head after the messages taken, if all listed lead from the `parent`'s head to the `relay` chain's.
    ///
    /// # Errors
    ///
    /// [`QueueError`], at the first thing that is wrong.
    pub fn follow(&self, parent: &Hash, relay: &Hash, relay_parent: u32) -> Result<Hash, QueueError> {
        let messages = self.messages();
        let mut before = 0;
        for (index, (sent_at, _)) in messages.iter().copied().enumerate() {
            if sent_at < before {
                return Err(QueueError::Order { index, sent_at });
            }
            if sent_at > relay_parent {
                return Err(QueueError::Future { index, sent_at, relay_parent });
            }
            before = sent_at;
        }
        let mut heads = Vec::with_capacity(messages.len().saturating_add(1));
        heads.push(*parent);
        let mut head = *parent;
        for (sent_at, hash) in &messages {
            head = extend(&head, *sent_at, hash);
            heads.push(head);
        }
        if head != *relay {
            let listed = messages.len();
            return Err(match heads.iter().position(|head| head == relay) {
                Some(known) => QueueError::Surplus { known, listed },
                None => QueueError::Head { listed },
            });
        }
        heads.get(self.taken.len()).copied().ok_or(QueueError::Head { listed: messages.len() })
    }

    /// [`Self::follow`] for an HRMP channel, which may have been closed and opened again since the parent: its chain then
    /// starts at zeros. That is believed only where the first message was sent after the parent's relay parent `before`. Then
    /// the channel's whole history lies after everything that any ancestor can have read, and nothing is read twice.
    ///
    /// # Errors
    ///
    /// [`QueueError`] of the chain that goes on from the parent's head.
    pub fn follow_channel(
        &self,
        parent: &Hash,
        relay: &Hash,
        before: u32,
        relay_parent: u32,
    ) -> Result<Hash, QueueError> {
        let goes_on = self.follow(parent, relay, relay_parent);
        let first =
            self.taken.first().map(|message| message.sent_at).or(self.rest.first().map(|(at, _)| *at));
        match goes_on {
            Err(_) if *parent != Hash::default() && first.is_none_or(|first| first > before) => {
                self.follow(&Hash::default(), relay, relay_parent).or(goes_on)
            }
            _ => goes_on,
        }
    }
}
