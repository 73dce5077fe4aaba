//! What a parachain's collator sees of the relay chain: what a relay node answers it.
//!
//! ```text
//!   state_getReadProof ─► trie nodes ─┐
//!   runtime APIs ───────► messages ───┴─► RelayFile, which nobody believes
//! ```

use polkadot_primitives::{Hash, Id};
use polkadot_runtime_parachains::{
    hrmp::{HrmpEgressChannelsIndex, HrmpIngressChannelsIndex},
    runtime_api_impl::v13 as api,
};
use zkpov_collator::relay_file::RelayFile;
use zkpov_verifier::{
    head::Head,
    message::{ChannelMessages, Inbound, SentMessage},
    relay::{RelayContext, keys},
};

use crate::{chain::RelayChain, runtime::Runtime, validators::Assignment};

/// The relay parent of an assignment.
pub(crate) fn context(assignment: &Assignment) -> RelayContext {
    RelayContext {
        relay_parent_number: assignment.data.relay_parent_number,
        relay_parent_storage_root: assignment.data.relay_parent_storage_root.0,
    }
}

/// All of it, for the block that follows the assignment's parent head.
pub(crate) fn relay_file(
    relay: &RelayChain,
    relay_parent: Hash,
    para: Id,
    assignment: &Assignment,
) -> RelayFile {
    let parent = Head::decode(&assignment.data.parent_head.0).expect("a head");
    RelayFile {
        context: context(assignment),
        storage_proof: storage_proof(relay, relay_parent, para),
        inbound: waiting(relay, relay_parent, para, &parent),
    }
}

/// What waits for the chain at a relay parent, and was not taken by the block that is its parent.
fn waiting(relay: &RelayChain, relay_parent: Hash, para: Id, parent: &Head) -> Inbound {
    let taken_until = parent.digest.relay_parent_number;
    let (downward, channels) = relay.at(relay_parent, || {
        (api::dmq_contents::<Runtime>(para), api::inbound_hrmp_channels_contents::<Runtime>(para))
    });
    let downward = downward.into_iter().filter(|message| message.sent_at > taken_until);
    let horizontal = channels.into_iter().map(|(sender, messages)| {
        let messages = messages.into_iter().filter(|message| message.sent_at > taken_until);
        let messages = messages.map(|message| SentMessage { sent_at: message.sent_at, data: message.data });
        ChannelMessages { sender: sender.into(), messages: messages.collect(), rest: Vec::new() }
    });
    Inbound {
        downward: downward
            .map(|message| SentMessage { sent_at: message.sent_at, data: message.msg })
            .collect(),
        downward_rest: Vec::new(),
        horizontal: horizontal.filter(|channel| !channel.messages.is_empty()).collect(),
    }
}

/// Trie nodes of what a block reads of the relay chain's state.
fn storage_proof(relay: &RelayChain, relay_parent: Hash, id: Id) -> Vec<Vec<u8>> {
    let para = u32::from(id);
    let channels = relay.at(relay_parent, || {
        let senders = HrmpIngressChannelsIndex::<Runtime>::get(id).into_iter();
        let recipients = HrmpEgressChannelsIndex::<Runtime>::get(id).into_iter();
        let to = senders.map(|sender| keys::channel(sender.into(), para));
        to.chain(recipients.map(|recipient| keys::channel(para, recipient.into()))).collect::<Vec<_>>()
    });
    let fixed = [
        keys::downward_head(para),
        keys::ingress_index(para),
        keys::egress_index(para),
        keys::upgrade_go_ahead(para),
        keys::upgrade_restriction(para),
        keys::ACTIVE_CONFIG.to_vec(),
    ];
    let read: Vec<_> = fixed.into_iter().chain(channels).collect();
    relay.prove(relay_parent, &read)
}
