//! A chain whose blocks do what a test says: messages and upgrades that the circuits of the shipped chains do not have.
//!
//! Its set-up's secret is known, so that a proof of any statement can be made; validators check that proof as any other.

use polkadot_primitives::{Hash, Id};
use polkadot_runtime_parachains::runtime_api_impl::v13 as api;
use zkpov_verifier::{
    block::Proven,
    exchange::Intake,
    head::Head,
    message::{ChannelMessages, Inbound, MessageFormat, Outbound, SentMessage},
    relay::{RelayContext, keys, state::RelayState, trie::UnorderedNodes},
    testing::TestChain,
    transfer::{InboxRecord, Transfer},
    xcm,
};

use crate::{
    chain::RelayChain,
    runtime::Runtime,
    validators::{Assignment, Candidate, Refusal, candidate, commitments},
};

/// The chain and its newest head.
#[derive(Debug)]
pub(crate) struct Simulated {
    pub(crate) id: Id,
    pub(crate) chain: TestChain,
    pub(crate) head: Head,
}

/// What a block is to do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doings {
    /// Transfers to other chains, by recipient, ascending.
    pub(crate) sends: Vec<(u32, Vec<Transfer>)>,
    /// The next validation code.
    pub(crate) upgrade: Option<Vec<u8>>,
}

impl Simulated {
    /// The chain of this para id, at its genesis.
    pub(crate) fn new(id: u32) -> Self {
        let chain = TestChain::new(id).with_transfers();
        Self { id: Id::from(id), head: chain.genesis.clone(), chain }
    }

    /// The validity key, in bytes.
    pub(crate) fn code(&self) -> Vec<u8> {
        self.chain.key.encode()
    }

    /// What waits for the chain at a relay parent, and was not taken by the block that is its parent.
    pub(crate) fn waiting(&self, relay: &RelayChain, relay_parent: Hash) -> Inbound {
        let taken_until = self.head.digest.relay_parent_number;
        let (downward, channels) = relay.at(relay_parent, || {
            (api::dmq_contents::<Runtime>(self.id), api::inbound_hrmp_channels_contents::<Runtime>(self.id))
        });
        let downward = downward.into_iter().filter(|message| message.sent_at > taken_until);
        let horizontal = channels.into_iter().map(|(sender, messages)| {
            let messages = messages.into_iter().filter(|message| message.sent_at > taken_until);
            let messages =
                messages.map(|message| SentMessage { sent_at: message.sent_at, data: message.data });
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

    /// What of the relay chain's state a block reads, as trie nodes in the order in which they are needed.
    fn storage_proof(&self, relay: &RelayChain, relay_parent: Hash) -> Vec<Vec<u8>> {
        let para = u32::from(self.id);
        let channels = relay.at(relay_parent, || {
            use polkadot_runtime_parachains::hrmp::{HrmpEgressChannelsIndex, HrmpIngressChannelsIndex};
            let senders = HrmpIngressChannelsIndex::<Runtime>::get(self.id).into_iter();
            let recipients = HrmpEgressChannelsIndex::<Runtime>::get(self.id).into_iter();
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
        let nodes = relay.prove(relay_parent, &read);
        let mut nodes = UnorderedNodes::new(nodes.iter().map(Vec::as_slice));
        let root = relay.block(relay_parent).header.state_root;
        RelayState::read(para, &root.0, &mut nodes).expect("the relay chain's own state");
        nodes.into_proof()
    }

    /// Authors a block that takes `inbound` and does `doings`, and the records that the verifier makes of what it takes. The head
    /// goes on only if validators find the block valid.
    pub(crate) fn author_taking(
        &mut self,
        relay: &RelayChain,
        relay_parent: Hash,
        assignment: &Assignment,
        inbound: Inbound,
        doings: Doings,
    ) -> Result<(Candidate, Vec<InboxRecord>), Refusal> {
        let para = u32::from(self.id);
        let context = RelayContext {
            relay_parent_number: assignment.data.relay_parent_number,
            relay_parent_storage_root: assignment.data.relay_parent_storage_root.0,
        };
        let storage_proof = self.storage_proof(relay, relay_parent);
        let horizontal = doings.sends.iter().map(|(to, transfers)| (*to, xcm::message(transfers, para, *to)));
        let outbound = Outbound { upward: Vec::new(), horizontal: horizontal.collect() };
        let proven = Proven {
            storage_proof: storage_proof.clone(),
            inbound: inbound.clone(),
            outbound,
            upgrade: doings.upgrade,
            ..self.chain.proven()
        };
        let block_data = match self.statement_exists(&proven, &context) {
            true => self.chain.prove(proven, &self.head, &context).encode(),
            // No statement, no proof: any bytes stand in its place, for validators look at the messages first.
            false => self.chain.prove_statement(proven, &self.head, 0.into()).encode(),
        };
        let commitments = commitments(assignment, &self.code(), &block_data)?;
        let taken =
            Intake::new(para, MessageFormat::Transfers, &self.head, &context, &storage_proof, &inbound)
                .expect("valid, so authentic");
        self.head = Head::decode(&commitments.head_data.0).expect("a head");
        Ok((candidate(self.id, relay_parent, assignment, commitments, block_data), taken.records))
    }

    fn statement_exists(&self, proven: &Proven, context: &RelayContext) -> bool {
        proven.exchange(&self.chain.key.chain, self.chain.key.messages, &self.head, context).is_ok()
    }

    /// Authors a block that takes all that waits.
    pub(crate) fn author(
        &mut self,
        relay: &RelayChain,
        relay_parent: Hash,
        assignment: &Assignment,
        doings: Doings,
    ) -> (Candidate, Vec<InboxRecord>) {
        let inbound = self.waiting(relay, relay_parent);
        self.author_taking(relay, relay_parent, assignment, inbound, doings).expect("a valid block")
    }
}
