//! The relay chain's side of a parachain's messages and upgrades.
//!
//! ```text
//!   reads, in this order                                    one proof, one list of values
//!     1  head of the downward queue
//!     2  ingress index, and the channel of each of its senders
//!     3  egress index, and the channel of each of its recipients
//!     4  go-ahead signal, restriction signal
//!     5  the relay chain's limits
//! ```
//!
//! What is read depends on the relay chain's state alone and not on the block, so that an author knows the values,
//! and with them the statement's context, before the block is executed.

use alloc::vec::Vec;

use thiserror::Error;

use crate::hashing::Hash;
use crate::head::MAX_CHANNELS;
use crate::relay::keys;
use crate::relay::trie::{self, Nodes, ProofNodes, TrieError};
use crate::scale::{DecodeError, Read, Reader};
use crate::statement::RelayValue;

/// What the relay chain has for one parachain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayState {
    /// Head of the chain of its downward messages; zeros before the first.
    pub downward_head: Hash,
    /// Channels to it, strictly ascending by sender.
    pub ingress: Vec<(u32, Channel)>,
    /// Channels from it, strictly ascending by recipient.
    pub egress: Vec<(u32, Channel)>,
    /// Whether an earlier upgrade of it waits to be enacted or given up.
    pub upgrade_in_progress: bool,
    /// Whether it may announce no upgrade now.
    pub upgrade_restricted: bool,
    /// Limits of the relay chain.
    pub limits: Limits,
}

/// An HRMP channel (the part of polkadot's `HrmpChannel` that a parachain may rely on, `AbridgedHrmpChannel`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Channel {
    /// Most messages that may wait in it.
    pub max_capacity: u32,
    /// Most bytes that may wait in it.
    pub max_total_size: u32,
    /// Longest message in bytes.
    pub max_message_size: u32,
    /// Messages that wait in it.
    pub message_count: u32,
    /// Bytes that wait in it.
    pub total_size: u32,
    /// Head of the chain of its messages; zeros before the first.
    pub head: Hash,
}

/// Limits that the relay chain's governance sets (the part of polkadot's `AbridgedHostConfiguration` that matters here).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Longest validation code in bytes.
    pub max_code_size: u32,
    /// Most horizontal messages of one candidate.
    pub max_horizontal_messages: u32,
}

/// Why the relay chain's values cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RelayStateError {
    /// The proof does not prove them.
    #[error(transparent)]
    Proof(#[from] TrieError),
    /// A value is not what its key promises.
    #[error("relay state: {0}")]
    Value(#[from] DecodeError),
    /// A value that every relay chain has is not there.
    #[error("relay state: {0} is not there")]
    Absent(&'static str),
}

impl RelayState {
    /// Reads what the relay chain has for `para` under `root` from the storage proof of a block: the state, and every
    /// value that was read, in order.
    ///
    /// # Errors
    ///
    /// [`RelayStateError`]; a proof with nodes that nothing needs is refused too.
    pub fn prove(
        para: u32,
        root: &Hash,
        proof: &[Vec<u8>],
    ) -> Result<(Self, Vec<RelayValue>), RelayStateError> {
        let mut nodes = ProofNodes::new(proof);
        let read = Self::read(para, root, &mut nodes)?;
        nodes.finish()?;
        Ok(read)
    }

    /// The same from nodes of any kind. An author passes [`trie::UnorderedNodes`], and has the proof from them
    /// afterwards.
    ///
    /// # Errors
    ///
    /// [`RelayStateError`].
    pub fn read<'p>(
        para: u32,
        root: &Hash,
        nodes: &mut impl Nodes<'p>,
    ) -> Result<(Self, Vec<RelayValue>), RelayStateError> {
        let mut values = Values { root, nodes, read: Vec::new() };
        let downward_head = match values.get(keys::downward_head(para))? {
            Some(head) => whole("downward queue head", head, |reader| reader.array("downward queue head"))?,
            None => Hash::default(),
        };
        let ingress = values.channels(keys::ingress_index(para), |sender| keys::channel(sender, para))?;
        let egress = values.channels(keys::egress_index(para), |recipient| keys::channel(para, recipient))?;
        let upgrade_in_progress = values.get(keys::upgrade_go_ahead(para))?.is_some();
        let upgrade_restricted = values.get(keys::upgrade_restriction(para))?.is_some();
        let config = values.get(keys::ACTIVE_CONFIG.to_vec())?;
        let limits = Limits::decode(config.ok_or(RelayStateError::Absent("the active configuration"))?)?;
        let state = Self { downward_head, ingress, egress, upgrade_in_progress, upgrade_restricted, limits };
        Ok((state, values.read))
    }

    /// The channel to `recipient`.
    pub fn channel_to(&self, recipient: u32) -> Option<&Channel> {
        self.egress.iter().find(|(other, _)| *other == recipient).map(|(_, channel)| channel)
    }
}

/// Values under a root, and a list of all that was asked for.
struct Values<'a, N> {
    root: &'a Hash,
    nodes: &'a mut N,
    read: Vec<RelayValue>,
}

impl<'p, N: Nodes<'p>> Values<'_, N> {
    fn get(&mut self, key: Vec<u8>) -> Result<Option<&'p [u8]>, TrieError> {
        let value = trie::read(self.root, &key, self.nodes)?;
        self.read.push((key, value.map(<[u8]>::to_vec)));
        Ok(value)
    }

    /// The channels of an index, which the relay chain keeps in ascending order.
    fn channels(
        &mut self,
        index: Vec<u8>,
        key: impl Fn(u32) -> Vec<u8>,
    ) -> Result<Vec<(u32, Channel)>, RelayStateError> {
        let paras = match self.get(index)? {
            Some(index) => whole("channel index", index, |reader| {
                reader.ascending(
                    "channel index",
                    MAX_CHANNELS,
                    |reader| reader.u32("channel index"),
                    |para| *para,
                )
            })?,
            None => Vec::new(),
        };
        let mut channels = Vec::with_capacity(paras.len());
        for para in paras {
            let channel = self.get(key(para))?.ok_or(RelayStateError::Absent("a channel of the index"))?;
            channels.push((para, Channel::decode(channel)?));
        }
        Ok(channels)
    }
}

/// Reads a value that nothing follows.
fn whole<'a, T>(what: &'static str, bytes: &'a [u8], read: impl Fn(&mut Reader<'a>) -> Read<T>) -> Read<T> {
    let mut reader = Reader::new(what, bytes, usize::MAX)?;
    let value = read(&mut reader)?;
    reader.finish(what)?;
    Ok(value)
}

impl Channel {
    /// The deposits follow, on which nobody relies.
    fn decode(bytes: &[u8]) -> Read<Self> {
        let mut reader = Reader::new("channel", bytes, usize::MAX)?;
        Ok(Self {
            max_capacity: reader.u32("channel capacity")?,
            max_total_size: reader.u32("channel total size limit")?,
            max_message_size: reader.u32("channel message size limit")?,
            message_count: reader.u32("channel message count")?,
            total_size: reader.u32("channel total size")?,
            head: reader.option("channel head", |reader| reader.array("channel head"))?.unwrap_or_default(),
        })
    }
}

impl Limits {
    /// More limits follow.
    fn decode(bytes: &[u8]) -> Read<Self> {
        let mut reader = Reader::new("active configuration", bytes, usize::MAX)?;
        let max_code_size = reader.u32("longest validation code")?;
        // Head data; count and size of the upward queue; size and number of upward messages.
        reader.take("active configuration", 5 * size_of::<u32>())?;
        Ok(Self { max_code_size, max_horizontal_messages: reader.u32("most horizontal messages")? })
    }
}
