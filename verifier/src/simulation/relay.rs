//! A relay chain that only routes bytes: queues of messages, and a state trie of the real layout.
//!
//! ```text
//!   Transition of A ── include ──► channel A→B: bytes, head, counts ──► storage root, proof ──► block of B
//! ```
//!
//! It knows nothing of what messages say, checks what the relay chain's `dmp` and `hrmp` pallets check, and keeps
//! what they keep under the keys where they keep it.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use codec::Encode;
use thiserror::Error;

use crate::hashing::Hash;
use crate::message::{ChannelMessages, Inbound, SentMessage};
use crate::queue::{extend, message_hash};
use crate::relay::state::{Channel, Limits, RelayState};
use crate::relay::trie::UnorderedNodes;
use crate::relay::{RelayContext, keys};
use crate::simulation::trie::Trie;
use crate::validate::Transition;

/// Why the relay chain does not take a para block now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Unacceptable {
    /// It claims to have processed messages that never were.
    #[error("{processed} downward messages processed, of {waiting} that wait")]
    Downward {
        /// Messages claimed.
        processed: u32,
        /// Messages there are.
        waiting: usize,
    },
    /// Its watermark goes back, or lies in the future.
    #[error("watermark {watermark}, after {last}, in relay block {number}")]
    Watermark {
        /// The watermark claimed.
        watermark: u32,
        /// The one before.
        last: u32,
        /// The relay block.
        number: u32,
    },
    /// There is no channel to a recipient.
    #[error("there is no channel to para {0}")]
    NoChannel(u32),
    /// A message is too long for its channel, or one too many.
    #[error("the channel to para {0} has no room for what is sent")]
    ChannelFull(u32),
}

/// A relay chain that only routes bytes.
#[derive(Clone, Debug)]
pub struct SimulatedRelay {
    /// Number of the latest block.
    pub number: u32,
    /// Its limits.
    pub limits: Limits,
    /// Channels by sender and recipient, with what waits in them.
    pub channels: BTreeMap<(u32, u32), (Channel, VecDeque<SentMessage>)>,
    /// Downward queues by recipient: head, and what waits.
    pub downward: BTreeMap<u32, (Hash, VecDeque<SentMessage>)>,
    /// Last watermark of each recipient.
    pub watermarks: BTreeMap<u32, u32>,
    /// Other entries of the state, by key: upgrade signals, and whatever else a relay chain holds.
    pub entries: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl SimulatedRelay {
    /// Without channels, at block 100, with a few entries that are nobody's here.
    pub fn new() -> Self {
        let other = |index: u32| (blake(index).to_vec(), blake(index + 1).repeat(1 + index as usize % 3));
        Self {
            number: 100,
            limits: Limits { max_code_size: 3 << 20, max_horizontal_messages: 10 },
            channels: BTreeMap::new(),
            downward: BTreeMap::new(),
            watermarks: BTreeMap::new(),
            entries: (0..40).map(other).collect(),
        }
    }

    /// Opens a channel of these limits.
    pub fn open(&mut self, sender: u32, recipient: u32, max_capacity: u32, max_message_size: u32) {
        let max_total_size = max_capacity * max_message_size;
        let channel = Channel { max_capacity, max_total_size, max_message_size, ..Channel::default() };
        self.channels.insert((sender, recipient), (channel, VecDeque::new()));
    }

    /// Puts a message into a downward queue.
    pub fn send_down(&mut self, recipient: u32, data: Vec<u8>) {
        let (head, queue) = self.downward.entry(recipient).or_default();
        *head = extend(head, self.number, &message_hash(&data));
        queue.push_back(SentMessage { sent_at: self.number, data });
    }

    /// Puts a message into a channel.
    ///
    /// # Panics
    ///
    /// When there is no such channel.
    pub fn send(&mut self, sender: u32, recipient: u32, data: Vec<u8>) {
        let (channel, queue) = self.channels.get_mut(&(sender, recipient)).expect("a channel");
        channel.head = extend(&channel.head, self.number, &message_hash(&data));
        channel.message_count += 1;
        channel.total_size += data.len() as u32;
        queue.push_back(SentMessage { sent_at: self.number, data });
    }

    /// Whether the relay chain takes a para block now, as its `dmp` and `hrmp` pallets judge: counts, watermarks and the
    /// channels' limits.
    ///
    /// # Errors
    ///
    /// [`Unacceptable`].
    pub fn check(&self, para: u32, transition: &Transition) -> Result<(), Unacceptable> {
        let waiting = self.downward.get(&para).map_or(0, |(_, queue)| queue.len());
        let processed = transition.processed_downward_messages;
        if processed as usize > waiting {
            return Err(Unacceptable::Downward { processed, waiting });
        }
        let (watermark, last) = (transition.hrmp_watermark, self.watermarks.get(&para).copied().unwrap_or(0));
        if watermark < last || watermark > self.number {
            return Err(Unacceptable::Watermark { watermark, last, number: self.number });
        }
        let mut sent = BTreeMap::<u32, (u32, u64)>::new();
        for (recipient, data) in &transition.horizontal_messages {
            let (channel, _) =
                self.channels.get(&(para, *recipient)).ok_or(Unacceptable::NoChannel(*recipient))?;
            let (count, bytes) = sent.entry(*recipient).or_default();
            (*count, *bytes) = (count.saturating_add(1), bytes.saturating_add(data.len() as u64));
            let too_long = data.len() > channel.max_message_size as usize;
            let too_many = channel.message_count.saturating_add(*count) > channel.max_capacity;
            if too_long
                || too_many
                || u64::from(channel.total_size).saturating_add(*bytes) > channel.max_total_size.into()
            {
                return Err(Unacceptable::ChannelFull(*recipient));
            }
        }
        Ok(())
    }

    /// Includes a para block: forgets what it took, and carries what it sent.
    ///
    /// # Panics
    ///
    /// When the relay chain would refuse the candidate ([`check`](Self::check)).
    pub fn include(&mut self, para: u32, transition: &Transition) {
        if let Err(reason) = self.check(para, transition) {
            panic!("the relay chain refuses the block of para {para}: {reason}");
        }
        let (_, queue) = self.downward.entry(para).or_default();
        queue.drain(..transition.processed_downward_messages as usize);
        let watermark = transition.hrmp_watermark;
        self.watermarks.insert(para, watermark);
        for ((_, recipient), (channel, queue)) in &mut self.channels {
            while *recipient == para && queue.front().is_some_and(|message| message.sent_at <= watermark) {
                let message = queue.pop_front().expect("the front");
                channel.message_count -= 1;
                channel.total_size -= message.data.len() as u32;
            }
        }
        for (recipient, data) in &transition.horizontal_messages {
            self.send(para, *recipient, data.clone());
        }
    }

    /// The state, by key.
    pub fn state_entries(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut entries = self.entries.clone();
        let (mut ingress, mut egress) = (BTreeMap::<u32, Vec<u32>>::new(), BTreeMap::<u32, Vec<u32>>::new());
        for ((sender, recipient), (channel, _)) in &self.channels {
            ingress.entry(*recipient).or_default().push(*sender);
            egress.entry(*sender).or_default().push(*recipient);
            entries.insert(keys::channel(*sender, *recipient), encode_channel(channel));
        }
        let index = |paras: Vec<u32>| paras.encode();
        entries
            .extend(ingress.into_iter().map(|(para, senders)| (keys::ingress_index(para), index(senders))));
        entries.extend(egress.into_iter().map(|(para, others)| (keys::egress_index(para), index(others))));
        let heads = self.downward.iter().filter(|(_, (head, _))| *head != Hash::default());
        entries.extend(heads.map(|(para, (head, _))| (keys::downward_head(*para), head.to_vec())));
        entries.insert(keys::ACTIVE_CONFIG.to_vec(), encode_limits(&self.limits));
        entries
    }

    /// The state trie.
    pub fn trie(&self) -> Trie {
        Trie::new(&self.state_entries())
    }

    /// The latest block as a relay parent.
    pub fn context(&self) -> RelayContext {
        RelayContext { relay_parent_number: self.number, relay_parent_storage_root: self.trie().root() }
    }

    /// The storage proof of a block of `para` under the latest block.
    ///
    /// # Panics
    ///
    /// When the relay chain holds entries of no relay chain.
    pub fn storage_proof(&self, para: u32) -> Vec<Vec<u8>> {
        let trie = self.trie();
        let mut nodes = UnorderedNodes::new(trie.nodes());
        RelayState::read(para, &trie.root(), &mut nodes).expect("the whole state");
        nodes.into_proof()
    }

    /// All that waits for `para`, but for what is sent after relay block `until`, which is left.
    pub fn inbound(&self, para: u32, until: u32) -> Inbound {
        let split = |queue: &VecDeque<SentMessage>| {
            let (taken, rest): (Vec<_>, Vec<_>) =
                queue.iter().cloned().partition(|message| message.sent_at <= until);
            let rest = rest.iter().map(|message| (message.sent_at, message_hash(&message.data))).collect();
            (taken, rest)
        };
        let (downward, downward_rest) =
            self.downward.get(&para).map(|(_, queue)| split(queue)).unwrap_or_default();
        let channels = self
            .channels
            .iter()
            .filter(|((_, recipient), (_, queue))| *recipient == para && !queue.is_empty());
        let horizontal = channels.map(|((sender, _), (_, queue))| {
            let (messages, rest) = split(queue);
            ChannelMessages { sender: *sender, messages, rest }
        });
        Inbound { downward, downward_rest, horizontal: horizontal.collect() }
    }
}

impl Default for SimulatedRelay {
    fn default() -> Self {
        Self::new()
    }
}

fn blake(index: u32) -> Hash {
    crate::hashing::blake2b_256(&index.to_le_bytes())
}

/// polkadot's `HrmpChannel`, with deposits of both sides behind what parachains read.
fn encode_channel(channel: &Channel) -> Vec<u8> {
    let head = (channel.head != Hash::default()).then_some(channel.head);
    let limits = (channel.max_capacity, channel.max_total_size, channel.max_message_size);
    (limits, channel.message_count, channel.total_size, head, 10u128, 20u128).encode()
}

/// The beginning of polkadot's `HostConfiguration`.
fn encode_limits(limits: &Limits) -> Vec<u8> {
    let upward = (1 << 20u32, 100u32, 1 << 20u32, 1 << 16u32, 16u32);
    (limits.max_code_size, upward, limits.max_horizontal_messages, [7u32; 20]).encode()
}
