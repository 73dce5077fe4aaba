//! What a block has to do with other chains: messages taken and sent, and upgrades, against the relay chain's state.
//!
//! ```text
//!   before the block is executed                               after it
//!   storage proof ─► RelayState ─┐                             outbound ─┐
//!   inbound ───────► queues ─────┼─► Intake: inbox root,       upgrade ──┼─► Intake::send, Intake::upgrade:
//!   parent head ─────────────────┘   queue heads, watermark,             │   outbox root, limits
//!                                    values of the context     Intake ───┘
//! ```
//!
//! The relay chain checks counts and watermarks of what a block takes, and nothing of what the messages say. So a block that only
//! listed messages could invent deposits. Here every message listed is held to the relay chain's own commitment to its
//! queues ([`crate::queue`]), every effect that leaves the chain to the relay chain's limits, and a list has one form.
//!
//! A block takes of the downward queue a prefix, at least one message if any waits (the relay chain demands it); of the channels the
//! messages of whole relay blocks, the earliest first, so that there is a *watermark*: the relay block up to which everything is
//! taken. The relay chain forgets what is below the watermark.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ark_bn254::Fr;
use codec::Encode;
use thiserror::Error;

use crate::hashing::{Hash, blake2b_256};
use crate::head::{Head, MqcHeads};
use crate::message::{ChannelMessages, Inbound, MessageFormat, Outbound};
use crate::queue::{Listed, QueueError};
use crate::relay::RelayContext;
use crate::relay::state::{Channel, RelayState, RelayStateError};
use crate::statement::RelayValue;
use crate::transfer::{InboxRecord, OutboxRecord, Transfer, inbox_root, outbox_root};
use crate::xcm::{self, MAX_PROGRAM_BYTES, MAX_TRANSFERS};

/// Most records a block takes: a full message on each of the most channels there can be.
pub const MAX_RECORDS: usize = crate::head::MAX_CHANNELS * xcm::MAX_TRANSFERS;

/// Shortest validation code in bytes (polkadot's `MIN_CODE_SIZE`).
pub const MIN_CODE_BYTES: usize = 9;

/// Key of the context's last value: the message queue heads after the block. It is no key of the relay chain's state, whose
/// keys begin with hashes of 16 bytes.
pub const HEADS_KEY: &[u8] = b":zkpov/mqc";

/// Why what a block takes is not what waits for its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IntakeError {
    /// The block takes or sends messages or upgrades, or its chain takes messages, and nothing proves the relay chain's state.
    #[error(
        "a block of this chain, or with these messages, needs a storage proof of the relay chain's state"
    )]
    NoProof,
    /// The relay chain's values cannot be read.
    #[error(transparent)]
    Relay(#[from] RelayStateError),
    /// Downward messages are not those that wait.
    #[error("downward messages: {0}")]
    Downward(QueueError),
    /// A channel's messages are not those that wait.
    #[error("messages from para {sender}: {cause}")]
    Channel {
        /// Who sends through the channel.
        sender: u32,
        /// What is wrong.
        cause: QueueError,
    },
    /// Messages of a channel that is not there.
    #[error("there is no channel from para {0}")]
    NoChannel(u32),
    /// The channels are not strictly ascending.
    #[error("channel from para {0} is not behind the one in front of it")]
    ChannelOrder(u32),
    /// A channel is listed without a message.
    #[error("channel from para {0} is listed without a message")]
    EmptyChannel(u32),
    /// Downward messages wait and none is taken.
    #[error("downward messages wait and none is taken")]
    NoDownwardProgress,
    /// Messages wait in channels and none is taken.
    #[error("messages wait in channels and none is taken")]
    NoHorizontalProgress,
    /// Messages of one relay block are taken and left.
    #[error(
        "a message of relay block {left} is left and one of relay block {taken} is taken: relay blocks are taken whole, in order"
    )]
    Cut {
        /// Relay block of the last message taken.
        taken: u32,
        /// Relay block of the first message left.
        left: u32,
    },
    /// More records than a validator should have to hash.
    #[error("more than {MAX_RECORDS} transfers are taken")]
    TooManyRecords,
}

/// Why a block may not send what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// The relay chain's state is not proven.
    #[error("a block that sends messages needs a storage proof of the relay chain's state")]
    NoProof,
    /// The chain's circuits send no messages.
    #[error("the chain sends no messages")]
    NotThisChain,
    /// Messages to the relay chain, which no circuit sends.
    #[error("messages to the relay chain cannot be verified by this version")]
    Upward,
    /// More messages than the relay chain lets a candidate send.
    #[error("{found} messages, the relay chain allows {limit}")]
    TooMany {
        /// Messages found.
        found: usize,
        /// The limit.
        limit: u32,
    },
    /// Recipients are not strictly ascending: a recipient gets one message.
    #[error("message to para {0} is not behind the one in front of it: one for each recipient, ascending")]
    Order(u32),
    /// There is no channel to a recipient.
    #[error("there is no channel to para {0}")]
    NoChannel(u32),
    /// A message is longer than its channel allows.
    #[error("message of {found} bytes to para {recipient}, the channel allows {limit}")]
    MessageSize {
        /// To whom.
        recipient: u32,
        /// Its length.
        found: usize,
        /// The limit.
        limit: u32,
    },
    /// The channel has no place for another message.
    #[error("the channel to para {0} is full of messages")]
    Capacity(u32),
    /// The channel has no place for as many bytes.
    #[error("the channel to para {0} is full of bytes")]
    TotalSize(u32),
    /// A message is not the template's bytes of transfers.
    #[error("message to para {0} is no list of transfers in the template's bytes")]
    Template(u32),
    /// Sequence numbers of a message do not strictly ascend.
    #[error("transfers to para {0} are not in the order of their sequence numbers")]
    Sequence(u32),
}

/// Why a block may not upgrade its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UpgradeError {
    /// The relay chain's state is not proven.
    #[error("an upgrade needs a storage proof of the relay chain's state")]
    NoProof,
    /// The relay chain restricts upgrades of this chain at present.
    #[error("the relay chain allows no upgrade of this chain now")]
    Restricted,
    /// An earlier upgrade is on its way.
    #[error("an earlier upgrade is to be enacted or given up first")]
    InProgress,
    /// The code is shorter or longer than a relay chain takes.
    #[error("validation code of {found} bytes, the relay chain takes {MIN_CODE_BYTES} to {limit}")]
    Size {
        /// Its length.
        found: usize,
        /// The relay chain's limit.
        limit: u32,
    },
}

/// Why a block's dealings with other chains are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ExchangeError {
    /// What it takes.
    #[error("messages taken: {0}")]
    Intake(#[from] IntakeError),
    /// What it sends.
    #[error("messages sent: {0}")]
    Send(#[from] SendError),
    /// Its upgrade.
    #[error("upgrade: {0}")]
    Upgrade(#[from] UpgradeError),
}

/// What a block takes from other chains and the relay chain, authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intake {
    /// The relay chain's side, if the block reads it.
    pub relay: Option<RelayState>,
    /// What is recognised in the messages taken: by sender ascending, then in the order they were sent.
    pub records: Vec<InboxRecord>,
    /// The statement's inbox root: that of the records.
    pub inbox_root: Fr,
    /// The message queue heads after the block.
    pub mqc: MqcHeads,
    /// Relay block up to which all channels' messages are taken.
    pub watermark: u32,
    /// How many downward messages are taken.
    pub processed_downward: u32,
    /// The values of the statement's context: what was read of the relay chain, then the queue heads after the block. Empty
    /// if nothing was read.
    pub values: Vec<RelayValue>,
}

/// All of a block's dealings with other chains, authenticated and within limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What it takes.
    pub intake: Intake,
    /// The statement's outbox root.
    pub outbox_root: Fr,
    /// blake2b-256 of the new validation code.
    pub upgrade: Option<Hash>,
}

impl Intake {
    /// Authenticates what a block of chain `para` on `parent` takes.
    ///
    /// A block without a storage proof takes nothing and reads nothing. Its watermark is the relay parent, which makes the relay chain
    /// forget what waits; so only a chain that has no use for messages may do without.
    ///
    /// # Errors
    ///
    /// [`IntakeError`].
    pub fn new(
        para: u32,
        format: MessageFormat,
        parent: &Head,
        relay: &RelayContext,
        storage_proof: &[Vec<u8>],
        inbound: &Inbound,
    ) -> Result<Self, IntakeError> {
        let relay_parent = relay.relay_parent_number;
        if storage_proof.is_empty() {
            return match format == MessageFormat::Transfers || !inbound.is_empty() {
                true => Err(IntakeError::NoProof),
                false => Ok(Self::blind(parent, relay_parent)),
            };
        }
        let (state, mut values) = RelayState::prove(para, &relay.relay_parent_storage_root, storage_proof)?;
        let mqc = heads(parent, relay_parent, &state, inbound)?;
        let watermark = watermark(inbound, relay_parent)?;
        let records = match format {
            MessageFormat::Dropped => Vec::new(),
            MessageFormat::Transfers => records(para, inbound)?,
        };
        values.push((HEADS_KEY.to_vec(), Some(mqc.encode())));
        Ok(Self {
            relay: Some(state),
            inbox_root: inbox_root(&records),
            records,
            mqc,
            watermark,
            processed_downward: inbound.downward.len().try_into().unwrap_or(u32::MAX), // bounded by its decoding
            values,
        })
    }

    /// Of a block that reads nothing.
    fn blind(parent: &Head, relay_parent: u32) -> Self {
        Self {
            relay: None,
            records: Vec::new(),
            inbox_root: inbox_root(&[]),
            mqc: parent.digest.mqc.clone(),
            watermark: relay_parent,
            processed_downward: 0,
            values: Vec::new(),
        }
    }

    /// Checks what the block sends and upgrades.
    ///
    /// # Errors
    ///
    /// [`SendError`], [`UpgradeError`].
    pub fn complete(
        self,
        para: u32,
        format: MessageFormat,
        outbound: &Outbound,
        upgrade: Option<&[u8]>,
    ) -> Result<Exchange, ExchangeError> {
        let outbox_root = self.send(para, format, outbound)?;
        let upgrade = upgrade.map(|code| self.upgrade(code)).transpose()?;
        Ok(Exchange { intake: self, outbox_root, upgrade })
    }

    /// The statement's outbox root of what chain `para` sends.
    ///
    /// # Errors
    ///
    /// [`SendError`]: a message that is not the template's, in another order than the one there is, or beyond a limit.
    pub fn send(&self, para: u32, format: MessageFormat, outbound: &Outbound) -> Result<Fr, SendError> {
        if outbound.is_empty() {
            return Ok(outbox_root(&[]));
        }
        if !outbound.upward.is_empty() {
            return Err(SendError::Upward);
        }
        if format == MessageFormat::Dropped {
            return Err(SendError::NotThisChain);
        }
        let state = self.relay.as_ref().ok_or(SendError::NoProof)?;
        let (found, limit) = (outbound.horizontal.len(), state.limits.max_horizontal_messages);
        if found > limit as usize {
            return Err(SendError::TooMany { found, limit });
        }
        let behind = outbound.horizontal.iter().skip(1);
        if let Some((_, (recipient, _))) =
            outbound.horizontal.iter().zip(behind).find(|((a, _), (b, _))| a >= b)
        {
            return Err(SendError::Order(*recipient));
        }
        let mut records = Vec::new();
        for (recipient, data) in &outbound.horizontal {
            within_channel(state, *recipient, data)?;
            records.extend(sent(para, *recipient, data)?);
        }
        Ok(outbox_root(&records))
    }

    /// How many transfers a block may send to each chain: what an author goes by. With a channel to more chains than a candidate may
    /// send messages to, to the first so many.
    pub fn room(&self) -> BTreeMap<u32, u32> {
        let Some(state) = &self.relay else { return BTreeMap::new() };
        let room = |channel: &Channel| {
            let bytes = channel
                .max_total_size
                .saturating_sub(channel.total_size)
                .min(channel.max_message_size)
                .saturating_sub(1);
            // Both are small constants.
            let programs = bytes / MAX_PROGRAM_BYTES as u32;
            let has_place = channel.message_count < channel.max_capacity;
            if has_place { programs.min(MAX_TRANSFERS as u32) } else { 0 }
        };
        let recipients = state.egress.iter().map(|(recipient, channel)| (*recipient, room(channel)));
        let most = state.limits.max_horizontal_messages as usize;
        recipients.filter(|(_, room)| *room > 0).take(most).collect()
    }

    /// blake2b-256 of the validation code `code`, if the relay chain takes it now.
    ///
    /// # Errors
    ///
    /// [`UpgradeError`].
    pub fn upgrade(&self, code: &[u8]) -> Result<Hash, UpgradeError> {
        let state = self.relay.as_ref().ok_or(UpgradeError::NoProof)?;
        if state.upgrade_in_progress {
            return Err(UpgradeError::InProgress);
        }
        if state.upgrade_restricted {
            return Err(UpgradeError::Restricted);
        }
        let (found, limit) = (code.len(), state.limits.max_code_size);
        if found < MIN_CODE_BYTES || found > limit as usize {
            return Err(UpgradeError::Size { found, limit });
        }
        Ok(blake2b_256(code))
    }
}

/// The messages of a block of chain `para` that sends these records: what an author puts into it.
pub fn outbound(para: u32, records: &[OutboxRecord]) -> Outbound {
    let mut recipients = BTreeMap::<u32, Vec<Transfer>>::new();
    for OutboxRecord { destination, transfer } in records {
        recipients.entry(*destination).or_default().push(*transfer);
    }
    for transfers in recipients.values_mut() {
        transfers.sort_by_key(|transfer| transfer.sequence);
    }
    let message =
        |(recipient, transfers): (u32, Vec<Transfer>)| (recipient, xcm::message(&transfers, para, recipient));
    Outbound { upward: Vec::new(), horizontal: recipients.into_iter().map(message).collect() }
}

/// The message queue heads after the block: every queue that the relay chain has is followed to its end. Channels that are gone,
/// and those of which nothing was ever taken, have none.
fn heads(
    parent: &Head,
    relay_parent: u32,
    state: &RelayState,
    inbound: &Inbound,
) -> Result<MqcHeads, IntakeError> {
    let before = &parent.digest.mqc;
    let downward = Listed { taken: &inbound.downward, rest: &inbound.downward_rest }
        .follow(&before.downward, &state.downward_head, relay_parent)
        .map_err(IntakeError::Downward)?;
    if inbound.downward.is_empty() && !inbound.downward_rest.is_empty() {
        return Err(IntakeError::NoDownwardProgress);
    }
    channels_in_form(state, &inbound.horizontal)?;
    let mut horizontal = Vec::with_capacity(state.ingress.len());
    for (sender, channel) in &state.ingress {
        let listed = inbound.horizontal.iter().find(|listed| listed.sender == *sender);
        let listed = listed.map_or(Listed { taken: &[], rest: &[] }, |listed| Listed {
            taken: &listed.messages,
            rest: &listed.rest,
        });
        let head = before.horizontal.iter().find(|(other, _)| other == sender);
        let head = head.map(|(_, head)| *head).unwrap_or_default();
        let head = listed
            .follow_channel(&head, &channel.head, parent.digest.relay_parent_number, relay_parent)
            .map_err(|cause| IntakeError::Channel { sender: *sender, cause })?;
        if head != Hash::default() {
            horizontal.push((*sender, head));
        }
    }
    Ok(MqcHeads { downward, horizontal })
}

/// One form for one list: channels that are there, ascending, none without a message.
fn channels_in_form(state: &RelayState, channels: &[ChannelMessages]) -> Result<(), IntakeError> {
    if let Some((_, behind)) =
        channels.iter().zip(channels.iter().skip(1)).find(|(a, b)| a.sender >= b.sender)
    {
        return Err(IntakeError::ChannelOrder(behind.sender));
    }
    for ChannelMessages { sender, messages, rest } in channels {
        if messages.is_empty() && rest.is_empty() {
            return Err(IntakeError::EmptyChannel(*sender));
        }
        if !state.ingress.iter().any(|(other, _)| other == sender) {
            return Err(IntakeError::NoChannel(*sender));
        }
    }
    Ok(())
}

/// The relay parent, if no message is left in a channel; else the relay block of the last message taken.
fn watermark(inbound: &Inbound, relay_parent: u32) -> Result<u32, IntakeError> {
    let channels = || inbound.horizontal.iter();
    let left = channels().flat_map(|channel| &channel.rest).map(|(sent_at, _)| *sent_at).min();
    let taken = channels().flat_map(|channel| &channel.messages).map(|message| message.sent_at).max();
    match (taken, left) {
        (_, None) => Ok(relay_parent),
        (None, Some(_)) => Err(IntakeError::NoHorizontalProgress),
        (Some(taken), Some(left)) if taken < left => Ok(taken),
        (Some(taken), Some(left)) => Err(IntakeError::Cut { taken, left }),
    }
}

/// What is recognised in the messages taken. Downward messages carry no token of a parachain: none is.
fn records(para: u32, inbound: &Inbound) -> Result<Vec<InboxRecord>, IntakeError> {
    let mut records = Vec::new();
    for ChannelMessages { sender, messages, .. } in &inbound.horizontal {
        for message in messages {
            let transfers = xcm::read_message(&message.data, *sender, para).unwrap_or_default();
            records.extend(transfers.into_iter().map(|transfer| InboxRecord { origin: *sender, transfer }));
            if records.len() > MAX_RECORDS {
                return Err(IntakeError::TooManyRecords);
            }
        }
    }
    Ok(records)
}

/// The transfers of a message that the chain sends.
fn sent(para: u32, recipient: u32, data: &[u8]) -> Result<Vec<OutboxRecord>, SendError> {
    let transfers = xcm::read_message(data, para, recipient).map_err(|_| SendError::Template(recipient))?;
    if !transfers.is_sorted_by(|a, b| a.sequence < b.sequence) {
        return Err(SendError::Sequence(recipient));
    }
    Ok(transfers.into_iter().map(|transfer| OutboxRecord { destination: recipient, transfer }).collect())
}

/// The relay chain's own checks of a message sent (`check_outbound_hrmp`).
fn within_channel(state: &RelayState, recipient: u32, data: &[u8]) -> Result<(), SendError> {
    let channel = state.channel_to(recipient).ok_or(SendError::NoChannel(recipient))?;
    let (found, limit) = (data.len(), channel.max_message_size);
    if found > limit as usize {
        return Err(SendError::MessageSize { recipient, found, limit });
    }
    if channel.message_count >= channel.max_capacity {
        return Err(SendError::Capacity(recipient));
    }
    if (channel.total_size as usize).saturating_add(found) > channel.max_total_size as usize {
        return Err(SendError::TotalSize(recipient));
    }
    Ok(())
}
