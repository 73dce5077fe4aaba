//! What a block takes from other chains and sends to them.
//!
//! ```text
//!   relay file ─┐
//!   parent head ┴─► Intake (the verifier's own) ─► records that arrive, room in channels ─► execution ─► outbox ─► bytes of messages
//! ```

use std::collections::BTreeMap;

use zkpov_circuits::{
    pallets::messaging::{self, Counters, Queue},
    runtime::{Call, Chain, Inherent, Messages, Tier},
    state::{ChangeSet, Overlay, StateError, StateReader, read_record},
};
use zkpov_verifier::{
    block::{MAX_POV, Proven},
    exchange::{Intake, IntakeError, MAX_RECORDS},
    head::Head,
    lane::TierId,
    message::{ChannelMessages, Inbound, MessageFormat, SentMessage},
    queue::message_hash,
    relay::{
        RelayContext,
        state::{RelayState, RelayStateError},
        trie::UnorderedNodes,
    },
    xcm,
};

use crate::relay_file::RelayFile;

/// The most bytes of messages that a block takes: half of what a proven block may have, which leaves room for its body, proof and storage
/// proof.
const MAX_TAKEN_BYTES: usize = MAX_POV / 2;

/// What the next block of chain `para` takes that is made on `parent` with this relay file, and the storage proof in the form in
/// which a block has it.
///
/// # Errors
/// If the file's messages are not those that wait for the chain, as the relay chain's state has them.
pub fn intake(
    para: u32,
    format: MessageFormat,
    parent: &Head,
    relay: &RelayFile,
) -> Result<(Intake, Vec<Vec<u8>>), IntakeError> {
    let proof = ordered(para, relay)?;
    let intake = Intake::new(para, format, parent, &relay.context, &proof, &relay.inbound)?;
    Ok((intake, proof))
}

/// What a proven block takes that is made on `parent`.
///
/// # Errors
/// As [`intake`].
pub fn taken(
    para: u32,
    format: MessageFormat,
    parent: &Head,
    relay: &RelayContext,
    block: &Proven,
) -> Result<Intake, IntakeError> {
    Intake::new(para, format, parent, relay, &block.storage_proof, &block.inbound)
}

/// What an execution is given of it.
#[must_use]
pub fn messages(intake: &Intake) -> Messages {
    Messages { inbox: intake.records.clone(), room: intake.room() }
}

/// The smallest tier of a chain with slots to send and to receive transfers; `None` of a chain without any.
#[must_use]
pub fn smallest_tier(chain: &dyn Chain) -> Option<TierId> {
    let has = |tier: &Tier, name: &str| {
        tier.lanes.iter().any(|lane| lane.capacity > 0 && chain.call_name(lane.call) == Some(name))
    };
    let exchanges = |tier: &&Tier| has(tier, messaging::Send::NAME) && has(tier, messaging::Receive::NAME);
    chain.tiers().iter().find(exchanges).map(|tier| tier.id)
}

/// What may still arrive from each of a chain's peers, by para id: at the token's home, what is there; elsewhere, what the home may still send.
///
/// # Errors
/// [`StateError`].
pub fn allowances(state: &dyn StateReader) -> Result<BTreeMap<u32, u128>, StateError> {
    let counters: Option<Counters> = read_record(state, 0)?;
    let peers = counters.iter().flat_map(|counters| &counters.peers).filter(|peer| peer.known);
    Ok(peers.map(|peer| (peer.para, peer.allowance)).collect())
}

/// Whether messages that arrived wait in the state of a chain that exchanges them.
///
/// # Errors
/// [`StateError`].
pub fn are_queued(state: &dyn StateReader) -> Result<bool, StateError> {
    Ok(read_record::<Queue>(state, 0)?.is_some_and(|queue| queue != Queue::default()))
}

/// Whether changes of that state take messages off the queue, or bring one nearer.
///
/// # Errors
/// [`StateError`].
pub fn moved_queue(state: &dyn StateReader, changes: &ChangeSet) -> Result<bool, StateError> {
    let after = Overlay::with_changes(state, changes.clone());
    Ok(read_record::<Queue>(&after, 0)? != read_record::<Queue>(state, 0)?)
}

/// Leaves what one block cannot take: transfers beyond the [limit](MAX_RECORDS), and what would make the block too long. What is left waits
/// for the next block. Of channels whole relay blocks are taken, the earliest first, at least one; of the downward queue at least one message.
#[must_use]
pub fn within_a_block(para: u32, inbound: &Inbound) -> Inbound {
    let mut bytes = MAX_TAKEN_BYTES;
    let mut downward = inbound.clone();
    downward.horizontal.clear();
    let lengths = inbound.downward.iter().map(|message| message.data.len());
    let taken = lengths.take_while(|length| take(&mut bytes, *length)).count().max(1);
    if let Some(left) = inbound.downward.get(taken..) {
        downward.downward.truncate(taken);
        let left = left.iter().map(|message| (message.sent_at, message_hash(&message.data)));
        downward.downward_rest = left.chain(inbound.downward_rest.iter().copied()).collect();
    }
    let until = last_relay_block(para, &inbound.horizontal, bytes);
    let horizontal = inbound.horizontal.iter().map(|channel| {
        let (messages, left): (Vec<_>, Vec<_>) =
            channel.messages.iter().cloned().partition(|message| message.sent_at <= until);
        let left = left.iter().map(|message| (message.sent_at, message_hash(&message.data)));
        ChannelMessages {
            sender: channel.sender,
            messages,
            rest: left.chain(channel.rest.iter().copied()).collect(),
        }
    });
    Inbound { horizontal: horizontal.collect(), ..downward }
}

/// The last relay block of which all messages of all channels are taken.
fn last_relay_block(para: u32, channels: &[ChannelMessages], mut bytes: usize) -> u32 {
    let mut blocks = BTreeMap::<u32, (usize, usize)>::new();
    for ChannelMessages { sender, messages, .. } in channels {
        for SentMessage { sent_at, data } in messages {
            let (length, records) = blocks.entry(*sent_at).or_default();
            *length = length.saturating_add(data.len());
            // What is not recognised has no records.
            let found = xcm::read_message(data, *sender, para).map_or(0, |transfers| transfers.len());
            *records = records.saturating_add(found);
        }
    }
    let mut until = blocks.keys().next().copied().unwrap_or(0);
    let mut records = MAX_RECORDS;
    for (number, (length, found)) in blocks {
        if !(take(&mut bytes, length) && take(&mut records, found)) {
            break;
        }
        until = number;
    }
    until
}

/// Takes `wanted` from what is left, if there is as much.
fn take(left: &mut usize, wanted: usize) -> bool {
    let enough = left.checked_sub(wanted);
    *left = enough.unwrap_or(0);
    enough.is_some()
}

/// The storage proof's nodes in the order in which a block has them, each once, none more.
fn ordered(para: u32, relay: &RelayFile) -> Result<Vec<Vec<u8>>, RelayStateError> {
    if relay.storage_proof.is_empty() {
        return Ok(Vec::new());
    }
    let mut nodes = UnorderedNodes::new(relay.storage_proof.iter().map(Vec::as_slice));
    RelayState::read(para, &relay.context.relay_parent_storage_root, &mut nodes)?;
    Ok(nodes.into_proof())
}
