//! A relay chain in this process: a tree of blocks, each with the state after it.
//!
//! ```text
//!                        ┌── 12' ── 13'               an abandoned fork: what it included is undone
//!   … ── 10 ── 11 ───────┤
//!         ▲              └── 12 ─── 13 ── 14 ── 15    best
//!         finalized, `finality_lag` behind the best
//!
//!   in each block:  backed before ─► included (heads advance, messages move)
//!                   candidates that wait ─► backed, where a core is assigned and free
//!
//!   an upgrade      block announces a key ─► restricted ─ `upgrade_delay` ─► go-ahead signal in the state
//!                   ─► the block that is included under a relay parent with the signal is the last under the old key
//! ```
//!
//! Everything follows from the calls and the seed: the same calls give the same blocks.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use zkpov_verifier::{
    hashing::blake2b_256,
    head::Head,
    key::{KeyPolicy, PreparedKey},
    message::SentMessage,
    relay::{RelayContext, keys},
    simulation::relay::SimulatedRelay,
};

use super::{
    candidate::{NotBacked, Valid, validate},
    coretime::{Coretime, Lease, NotSold, Prices},
    header::RelayHeader,
    interface::{BlockData, Candidate, Core, Hash, Heads, Registration},
};
use crate::relay_file::RelayFile;

pub use super::event::RelayEvent;

/// How a local relay chain runs.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// How many cores there are.
    pub cores: u16,
    /// How many blocks behind the best one finality is.
    pub finality_lag: u32,
    /// How old a candidate's relay parent may be when it is backed, in relay blocks. A proof takes its time: Polkadot's own
    /// limit depends on the scheduler's lookahead and is a few blocks.
    pub allowed_ancestry: u32,
    /// For how many relay blocks after its inclusion a block's PoV can be had.
    pub availability_window: u32,
    /// Relay blocks from the inclusion of an upgrade to the go-ahead signal.
    pub upgrade_delay: u32,
    /// Whether keys of a development set-up may be registered.
    pub allow_dev_keys: bool,
    /// What coretime costs.
    pub prices: Prices,
    /// Which of the possible histories.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cores: 2,
            finality_lag: 3,
            allowed_ancestry: 8,
            availability_window: 64,
            upgrade_delay: 4,
            allow_dev_keys: true,
            prices: Prices::default(),
            seed: 0,
        }
    }
}

/// Why the local relay did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The candidate.
    #[error(transparent)]
    Candidate(#[from] NotBacked),
    /// Coretime.
    #[error(transparent)]
    Coretime(#[from] NotSold),
    /// The key.
    #[error("the validity key: {0}")]
    Key(String),
    /// The head is none.
    #[error("the head: {0}")]
    Head(String),
    /// Another key is registered for the para id.
    #[error("para {0} is registered with another validity key")]
    OtherKey(u32),
    /// As many parachains as there can be.
    #[error("{0} parachains are registered; there is no room for another")]
    Full(usize),
    /// The fork would undo final blocks, or is none.
    #[error("a fork of depth {depth} is not possible: {above} blocks are above the final one")]
    Depth {
        /// The depth asked for.
        depth: u32,
        /// The largest there can be.
        above: u32,
    },
}

/// How many messages a channel of a development relay chain holds, and of how many bytes: room for a few of the longest that a chain sends.
pub const CHANNEL_CAPACITY: u32 = 8;
/// See [`CHANNEL_CAPACITY`].
pub const CHANNEL_MESSAGE_BYTES: u32 = 4096;

/// Blocks below the final one whose state can still be asked for.
const KEPT_BLOCKS: u32 = 64;
/// Most candidates that wait to be backed.
const MAX_CANDIDATES: usize = 256;
/// Most parachains.
const MAX_PARAS: usize = 256;
/// Most events that wait to be read; older ones are dropped.
const MAX_EVENTS: usize = 4096;
/// Where the state has what tells one block from its siblings.
const SLOT_KEY: &[u8] = b":slot";

/// `UpgradeGoAhead::GoAhead` in SCALE.
const GO_AHEAD: [u8; 1] = [1];

/// A parachain, as of one relay block.
#[derive(Clone, Debug)]
struct Para {
    head: Vec<u8>,
    key: Arc<PreparedKey>,
    /// Backed and not yet included, with the relay block in which it was backed.
    pending: Option<(Arc<Valid>, u32)>,
    /// The next key, and the relay block from which on the go-ahead signal is in the state.
    upgrade: Option<(u32, Arc<PreparedKey>)>,
}

impl Para {
    /// The key that comes into force when a block with this relay parent is included; `None` if none does.
    fn key_after(&self, relay_parent_number: u32) -> Option<&Arc<PreparedKey>> {
        let (at, key) = self.upgrade.as_ref()?;
        (relay_parent_number >= *at).then_some(key)
    }

    /// The key under which a block on this parent is checked: on the backed one, that which its inclusion leaves.
    fn key_on(&self, parent_head: &[u8]) -> &Arc<PreparedKey> {
        let pending = self.pending.as_ref().filter(|(valid, _)| valid.data.head == parent_head);
        pending.and_then(|(valid, _)| self.key_after(valid.relay_parent_number)).unwrap_or(&self.key)
    }
}

/// Everything as of one relay block.
#[derive(Clone, Debug)]
struct State {
    queues: SimulatedRelay,
    coretime: Coretime,
    paras: BTreeMap<u32, Para>,
}

#[derive(Debug)]
struct Block {
    header: RelayHeader,
    state: State,
}

/// How many messages wait for a parachain in each of its channels, by sender.
fn waiting_for(queues: &SimulatedRelay, para: u32) -> Vec<(u32, usize)> {
    let channels = queues.channels.iter().filter(|((_, recipient), _)| *recipient == para);
    channels.map(|((sender, _), (_, queue))| (*sender, queue.len())).collect()
}

/// A relay chain in this process.
#[derive(Debug)]
pub struct LocalRelay {
    config: Config,
    blocks: HashMap<Hash, Block>,
    heads: Heads,
    /// Changes that the next block makes: registrations, leases, orders.
    next: State,
    /// Candidates found valid, to be backed.
    candidates: Vec<Arc<Valid>>,
    /// Included blocks, by the hash of their head, with the relay block that included them.
    available: HashMap<Hash, (BlockData, u32)>,
    /// Counts blocks of all forks, so that no two are the same.
    slot: u64,
    events: VecDeque<RelayEvent>,
}

impl LocalRelay {
    /// A relay chain with its first block, which is final.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let mut queues = SimulatedRelay::new();
        queues.number = 0;
        let state =
            State { queues, coretime: Coretime::new(config.cores, config.prices), paras: BTreeMap::new() };
        let mut relay = Self {
            config,
            blocks: HashMap::new(),
            heads: Heads::default(),
            next: state.clone(),
            candidates: Vec::new(),
            available: HashMap::new(),
            slot: 0,
            events: VecDeque::new(),
        };
        let genesis = relay.seal(state, Hash::default());
        relay.heads = Heads { best: genesis, finalized: genesis };
        relay
    }

    /// How it runs.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The best and the final head.
    #[must_use]
    pub fn heads(&self) -> Heads {
        self.heads
    }

    /// Number of the best block.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.blocks.get(&self.heads.best).map_or(0, |block| block.header.number)
    }

    /// What happened since the last call.
    pub fn take_events(&mut self) -> Vec<RelayEvent> {
        self.events.drain(..).collect()
    }

    /// The header of a block.
    #[must_use]
    pub fn header(&self, hash: &Hash) -> Option<&RelayHeader> {
        self.blocks.get(hash).map(|block| &block.header)
    }

    /// The block of that height on the best chain, as far as it is kept.
    #[must_use]
    pub fn block_hash(&self, number: u32) -> Option<Hash> {
        self.ancestor(self.heads.best, number)
    }

    /// Head data of a parachain after a block: outer `None` for an unknown block.
    #[must_use]
    pub fn para_head(&self, para: u32, at: &Hash) -> Option<Option<&[u8]>> {
        Some(self.blocks.get(at)?.state.paras.get(&para).map(|para| para.head.as_slice()))
    }

    /// What a candidate can count on in the block after `at`; `None` for an unknown block.
    #[must_use]
    pub fn core(&self, para: u32, at: &Hash) -> Option<Core> {
        let block = self.blocks.get(at)?;
        // What was paid since the best block counts from the next one on.
        let coretime = if *at == self.heads.best { &self.next.coretime } else { &block.state.coretime };
        let assigned = coretime.core_of(para, block.header.number.saturating_add(1)).is_some();
        let pending = block.state.paras.get(&para).is_some_and(|para| para.pending.is_some());
        Some(match (pending, assigned) {
            (true, _) => Core::Occupied,
            (false, true) => Core::Scheduled,
            (false, false) => Core::None,
        })
    }

    /// A block as a relay parent; `None` for an unknown block.
    #[must_use]
    pub fn context(&self, at: &Hash) -> Option<RelayContext> {
        let header = self.header(at)?;
        Some(RelayContext {
            relay_parent_number: header.number,
            relay_parent_storage_root: header.state_root,
        })
    }

    /// What a block of a parachain sees of a relay parent; `None` for an unknown block. A block that takes no messages and follows no
    /// upgrade needs none of the storage proof.
    #[must_use]
    pub fn view(&self, para: u32, at: &Hash) -> Option<RelayFile> {
        let context = self.context(at)?;
        let state = &self.blocks.get(at)?.state;
        let queues = &state.queues;
        let inbound = queues.inbound(para, queues.number);
        Some(RelayFile { context, storage_proof: queues.storage_proof(para), inbound })
    }

    /// What a parachain has to pay for coretime with.
    #[must_use]
    pub fn purse(&self, para: u32) -> u64 {
        self.next.coretime.purse(para)
    }

    /// An included block whose availability window is not over.
    #[must_use]
    pub fn available(&self, head_hash: &Hash) -> Option<&BlockData> {
        self.available.get(head_hash).map(|(data, _)| data)
    }

    /// Registers a parachain from the next block on.
    ///
    /// # Errors
    /// [`Refusal::Key`], [`Refusal::Head`], [`Refusal::OtherKey`], [`Refusal::Full`].
    pub fn register(&mut self, registration: &Registration) -> Result<u32, Refusal> {
        let policy = KeyPolicy { allow_dev_setup: self.config.allow_dev_keys };
        let key = PreparedKey::decode(&registration.validity_key, policy)
            .map_err(|error| Refusal::Key(error.to_string()))?;
        Head::decode(&registration.head).map_err(|error| Refusal::Head(error.to_string()))?;
        let para = key.key().chain.para_id;
        if let Some(known) = self.next.paras.get(&para) {
            let same = known.key.code_hash() == key.code_hash();
            return if same { Ok(para) } else { Err(Refusal::OtherKey(para)) };
        }
        if self.next.paras.len() >= MAX_PARAS {
            return Err(Refusal::Full(self.next.paras.len()));
        }
        let head = registration.head.clone();
        self.next.paras.insert(para, Para { head, key: Arc::new(key), pending: None, upgrade: None });
        self.next.coretime.endow(para);
        self.event(RelayEvent::Registered { para });
        Ok(para)
    }

    /// Leases a core from the next block on, for a number of blocks.
    ///
    /// # Errors
    /// [`NotSold`].
    pub fn lease(&mut self, para: u32, blocks: u32) -> Result<Lease, Refusal> {
        let now = self.number();
        let (lease, price) = self.next.coretime.buy_lease(now, para, now.saturating_add(1), blocks)?;
        self.event(RelayEvent::LeaseSold { lease, price });
        Ok(lease)
    }

    /// Orders a core for one candidate.
    ///
    /// # Errors
    /// [`NotSold`].
    pub fn order(&mut self, para: u32, max_price: u64) -> Result<u64, Refusal> {
        let now = self.number();
        let price = self.next.coretime.order(now, para, max_price)?;
        self.event(RelayEvent::Ordered { para, price });
        Ok(price)
    }

    /// Opens a channel for at most `capacity` messages of at most `size` bytes each from one parachain to another, from the next block on; one
    /// that is open stays as it is.
    pub fn open_channel(&mut self, sender: u32, recipient: u32, capacity: u32, size: u32) {
        if self.next.queues.channels.contains_key(&(sender, recipient)) {
            return;
        }
        self.next.queues.open(sender, recipient, capacity, size);
        self.event(RelayEvent::ChannelOpened { sender, recipient });
    }

    /// Opens the usual channels between two parachains, both ways, from the next block on.
    pub fn open_channels(&mut self, one: u32, other: u32) {
        for (sender, recipient) in [(one, other), (other, one)] {
            self.open_channel(sender, recipient, CHANNEL_CAPACITY, CHANNEL_MESSAGE_BYTES);
        }
    }

    /// Messages that wait in the channel from one parachain to another after a block, oldest first; none for an unknown block.
    #[must_use]
    pub fn waiting(&self, sender: u32, recipient: u32, at: &Hash) -> Vec<SentMessage> {
        let queues = self.blocks.get(at).map(|block| &block.state.queues);
        let channel = queues.and_then(|queues| queues.channels.get(&(sender, recipient)));
        channel.map(|(_, queue)| queue.iter().cloned().collect()).unwrap_or_default()
    }

    /// A validator's check of a candidate; what is valid waits for a core. A candidate that waits already is not checked again.
    ///
    /// # Errors
    /// [`NotBacked`].
    pub fn submit(&mut self, candidate: &Candidate) -> Result<(), Refusal> {
        let parent_head_hash = blake2b_256(&candidate.parent_head);
        let known = |valid: &Arc<Valid>| {
            valid.para == candidate.para
                && valid.relay_parent == candidate.relay_parent
                && valid.parent_head_hash == parent_head_hash
                && valid.data.pov == candidate.pov
        };
        let best = self.blocks.get(&self.heads.best).and_then(|best| best.state.paras.get(&candidate.para));
        let pending = best.and_then(|para| para.pending.as_ref());
        if self.candidates.iter().chain(pending.map(|(valid, _)| valid)).any(known) {
            return Ok(());
        }
        let checked = self.check(candidate);
        match checked {
            Ok(valid) => {
                self.candidates.push(valid);
                Ok(())
            }
            Err(reason) => {
                self.event(RelayEvent::Refused { para: candidate.para, reason: reason.clone() });
                Err(reason.into())
            }
        }
    }

    fn check(&self, candidate: &Candidate) -> Result<Arc<Valid>, NotBacked> {
        if self.candidates.len() >= MAX_CANDIDATES {
            return Err(NotBacked::Full(self.candidates.len()));
        }
        let allowed = self.config.allowed_ancestry;
        let too_old = NotBacked::RelayParent { allowed };
        let parent = self.header(&candidate.relay_parent).ok_or(too_old.clone())?;
        let on_best = self.ancestor(self.heads.best, parent.number) == Some(candidate.relay_parent);
        if !on_best || self.number().saturating_sub(parent.number) >= allowed {
            return Err(too_old);
        }
        let best = self.blocks.get(&self.heads.best).ok_or(too_old)?;
        let para = best.state.paras.get(&candidate.para).ok_or(NotBacked::NotRegistered(candidate.para))?;
        let pending = para.pending.as_ref().map(|(valid, _)| valid.data.head.as_slice());
        if candidate.parent_head != para.head && pending != Some(candidate.parent_head.as_slice()) {
            return Err(NotBacked::OtherParent);
        }
        let context =
            RelayContext { relay_parent_number: parent.number, relay_parent_storage_root: parent.state_root };
        validate(candidate, &context, para.key_on(&candidate.parent_head))
    }

    /// The next block, on the best one; it is the best one then, and finality moves.
    pub fn produce(&mut self) -> Hash {
        let next = self.next.clone();
        let best = self.build(self.heads.best, next);
        self.adopt(best);
        self.finalize();
        best
    }

    /// The chain goes another way: `depth` blocks are abandoned for one more on their common ancestor.
    ///
    /// # Errors
    /// [`Refusal::Depth`] when that would undo final blocks, or nothing.
    pub fn fork(&mut self, depth: u32) -> Result<Hash, Refusal> {
        let (best, number) = (self.heads.best, self.number());
        let finalized = self.header(&self.heads.finalized).map_or(0, |header| header.number);
        let above = number.saturating_sub(finalized);
        let ancestor =
            self.ancestor(best, number.saturating_sub(depth)).filter(|_| depth > 0 && depth <= above);
        let ancestor = ancestor.ok_or(Refusal::Depth { depth, above })?;
        let mut heads = self.moved_heads(&best, &ancestor);
        heads.retain(|(_, from, to)| to < from);
        self.event(RelayEvent::Reverted { depth, ancestor: number.saturating_sub(depth), heads });
        let mut tip = ancestor;
        for _ in 0..=depth {
            let Some(parent) = self.blocks.get(&tip) else { break };
            let state = parent.state.clone();
            tip = self.build(tip, state);
        }
        self.adopt(tip);
        self.finalize();
        Ok(tip)
    }

    /// Parachains whose head in `to` is another than in `from`: para, number in `from`, number in `to`.
    fn moved_heads(&self, from: &Hash, to: &Hash) -> Vec<(u32, u32, u32)> {
        let (Some(from), Some(to)) = (self.blocks.get(from), self.blocks.get(to)) else { return Vec::new() };
        let number = |head: &[u8]| Head::decode(head).map_or(0, |head| head.number);
        from.state
            .paras
            .iter()
            .filter_map(|(para, before)| {
                let after = to.state.paras.get(para)?;
                (before.head != after.head).then(|| (*para, number(&before.head), number(&after.head)))
            })
            .collect()
    }

    fn adopt(&mut self, best: Hash) {
        self.heads.best = best;
        if let Some(block) = self.blocks.get(&best) {
            self.next = block.state.clone();
        }
    }

    /// A block on `parent` from what the state is before it.
    fn build(&mut self, parent: Hash, mut state: State) -> Hash {
        let number = self.blocks.get(&parent).map_or(0, |block| block.header.number).saturating_add(1);
        state.queues.number = number;
        let mut events: Vec<RelayEvent> =
            state.coretime.ended(number).map(|lease| RelayEvent::LeaseEnded { lease: *lease }).collect();
        state.coretime.lapse(number);
        // Before any order is used up: a core is one parachain's in a block.
        let cores: Vec<(u32, Option<u16>)> =
            state.paras.keys().map(|para| (*para, state.coretime.core_of(*para, number))).collect();
        for (para, core) in cores {
            self.include(&mut state, para, number, &mut events);
            Self::let_through(&mut state, para, number);
            if let Some(core) = core {
                self.back(&mut state, para, core, parent, &mut events);
            }
        }
        let hash = self.seal(state, parent);
        self.event(RelayEvent::Block { number, hash });
        for event in events {
            self.event(event);
        }
        hash
    }

    /// Includes what was backed before.
    fn include(&mut self, state: &mut State, para: u32, number: u32, events: &mut Vec<RelayEvent>) {
        let State { queues, paras, .. } = state;
        let Some(entry) = paras.get_mut(&para) else { return };
        let Some((valid, _)) = entry.pending.take() else { return };
        if let Err(reason) = queues.check(para, &valid.transition) {
            let reason = NotBacked::Invalid(reason.to_string());
            return events.push(RelayEvent::Refused { para, reason });
        }
        let before = waiting_for(queues, para);
        queues.include(para, &valid.transition);
        let after = waiting_for(queues, para);
        entry.head.clone_from(&valid.data.head);
        if let Some(key) = entry.key_after(valid.relay_parent_number).cloned() {
            (entry.key, entry.upgrade) = (key, None);
            queues.entries.remove(&keys::upgrade_restriction(para));
            queues.entries.remove(&keys::upgrade_go_ahead(para));
            events.push(RelayEvent::Upgraded { para });
        }
        if let Some(code) = &valid.transition.new_validation_code {
            let policy = KeyPolicy { allow_dev_setup: self.config.allow_dev_keys };
            // What is no validity key is never in force; the parachain stays with the one it has.
            if let Ok(key) = PreparedKey::decode(code, policy) {
                entry.upgrade = Some((number.saturating_add(self.config.upgrade_delay), Arc::new(key)));
                queues.entries.insert(keys::upgrade_restriction(para), vec![0]);
            }
        }
        self.available.insert(valid.head_hash, (valid.data.clone(), number));
        events.push(RelayEvent::Included { para, block: valid.number, head: valid.head_hash });
        for ((sender, before), (_, after)) in before.into_iter().zip(after) {
            if let Some(messages) = before.checked_sub(after).filter(|taken| *taken > 0) {
                events.push(RelayEvent::MessagesTaken { sender, recipient: para, messages });
            }
        }
        for (recipient, data) in &valid.transition.horizontal_messages {
            let (recipient, bytes) = (*recipient, data.len());
            events.push(RelayEvent::MessageQueued { sender: para, recipient, bytes });
        }
    }

    /// Gives the go-ahead for the next validity key when its time has come.
    fn let_through(state: &mut State, para: u32, number: u32) {
        let due = |entry: &Para| entry.upgrade.as_ref().is_some_and(|(at, _)| *at <= number);
        if state.paras.get(&para).is_some_and(due) {
            state.queues.entries.insert(keys::upgrade_go_ahead(para), GO_AHEAD.to_vec());
        }
    }

    /// Backs the first candidate of a parachain that fits, on its core.
    fn back(&self, state: &mut State, para: u32, core: u16, parent: Hash, events: &mut Vec<RelayEvent>) {
        let number = state.queues.number;
        let Some(entry) = state.paras.get_mut(&para) else { return };
        let head_hash = blake2b_256(&entry.head);
        let oldest = number.saturating_sub(self.config.allowed_ancestry);
        let fits = |valid: &&Arc<Valid>| {
            valid.para == para
                && valid.parent_head_hash == head_hash
                && valid.key_hash == entry.key.code_hash()
                && valid.relay_parent_number >= oldest
                && self.ancestor(parent, valid.relay_parent_number) == Some(valid.relay_parent)
        };
        let Some(valid) = self.candidates.iter().find(fits) else { return };
        if state.queues.check(para, &valid.transition).is_err() {
            return;
        }
        events.push(RelayEvent::Backed { para, block: valid.number, core });
        entry.pending = Some((valid.clone(), number));
        state.coretime.used(para, number);
    }

    /// Makes a block of its state.
    fn seal(&mut self, mut state: State, parent_hash: Hash) -> Hash {
        self.slot = self.slot.saturating_add(1);
        let slot = [self.config.seed.to_le_bytes(), self.slot.to_le_bytes()].concat();
        state.queues.entries.insert(SLOT_KEY.to_vec(), slot.clone());
        let header = RelayHeader {
            parent_hash,
            number: state.queues.number,
            state_root: state.queues.context().relay_parent_storage_root,
            extrinsics_root: blake2b_256(&slot),
        };
        let hash = header.hash();
        self.blocks.insert(hash, Block { header, state });
        hash
    }

    /// The ancestor of a block, or the block itself, at that height.
    fn ancestor(&self, mut hash: Hash, number: u32) -> Option<Hash> {
        loop {
            let header = &self.blocks.get(&hash)?.header;
            match header.number {
                found if found == number => return Some(hash),
                found if found < number => return None,
                _ => hash = header.parent_hash,
            }
        }
    }

    /// Moves finality behind the best block, and forgets what nobody can need.
    fn finalize(&mut self) {
        let number = self.number().saturating_sub(self.config.finality_lag);
        let before = self.heads.finalized;
        let already = self.header(&before).map_or(0, |header| header.number);
        let Some(hash) = self.ancestor(self.heads.best, number).filter(|_| number > already) else { return };
        let heads = self.moved_heads(&before, &hash).into_iter().map(|(para, _, to)| (para, to)).collect();
        self.heads.finalized = hash;
        self.event(RelayEvent::Finalized { number, heads });
        let oldest = number.saturating_sub(KEPT_BLOCKS);
        self.blocks.retain(|_, block| block.header.number >= oldest);
        let window = self.config.availability_window;
        let best = self.number();
        self.available.retain(|_, (_, included)| included.saturating_add(window) > best);
        let allowed = self.config.allowed_ancestry;
        self.candidates.retain(|valid| valid.relay_parent_number.saturating_add(allowed) >= best);
    }

    fn event(&mut self, event: RelayEvent) {
        if self.events.len() >= MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}
