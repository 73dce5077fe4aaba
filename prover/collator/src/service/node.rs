//! One step of a collator: follow the relay chain, then author if there is a core.
//!
//! ```text
//!  relay's best head ─► para head there ─► known here?  no ─► walk back to a known block, roll back to it, import forward
//!                                           yes ─► blocks above it wait for inclusion: offered again, or,
//!                                                  when their relay parent is too old, undone
//!  relay's final head ─► para head there ─► final here
//!  core free, nothing waits for inclusion, extrinsics ready or messages to take or deliver ─► author, commit, offer
//! ```
//!
//! Everything it needs is in the database and at the relay chain, so it can be killed between any two instructions: the next
//! step of the next process does what is left.

use std::{collections::VecDeque, sync::Arc};

use tracing::{info, info_span, warn};
use zkpov_circuits::{
    keys::SecretKey,
    runtime::{self, ExecutionError},
    state::StateError,
};
use zkpov_prover::Options;
use zkpov_verifier::{
    hashing::blake2b_256, head::Head, lane::TierId, message::MessageFormat, scale::DecodeError,
};

use crate::{
    Collator,
    author::{AuthorError, AuthorRequest, How, Made, Moved, Timings},
    chain::OpenError,
    db::{BlockRecord, DbError, ReadDatabase},
    import::ImportError,
    keystore::KeyStore,
    messages,
    pool::{Pool, PoolError},
    relay::interface::{BlockData, Candidate, Core, Hash, Heads, Registration, Relay, RelayError},
    relay_file::{RelayFile, RelayFileError},
    validity::ValidationCode,
};

/// Most blocks that are imported in one step; the next goes on.
const IMPORT_BATCH: usize = 1024;
/// Most blocks that are in memory at the same time; on a longer way back the others are asked for a second time.
const KEPT_BLOCKS: usize = 16;
/// Most extrinsics that are offered to a block, several times what any tier holds.
const OFFERED: usize = 4096;
/// Relay blocks of a turn: as many as a block takes to be backed and included, so that each turn has its chance.
pub const TURN_BLOCKS: u32 = 2;

/// How a collator behaves.
#[derive(Clone, Copy, Debug)]
pub struct Conduct {
    /// Whether to author blocks that hold nothing too.
    pub empty_blocks: bool,
    /// The most to pay for a core on demand when extrinsics or messages wait and there is none; `None` orders none.
    pub order_for: Option<u64>,
    /// Author only in this collator's turns, of [`TURN_BLOCKS`] relay blocks each: `(its number, number of collators)`.
    pub turn: Option<(u32, u32)>,
    /// How many relay blocks old the relay parent of a block that waits may be before the block is given up.
    pub patience: u32,
    /// The tier to prove; the smallest that holds the extrinsics if it is left open.
    pub tier: Option<TierId>,
    /// Whether to register the parachain where it is not: for development relay chains.
    pub register: bool,
}

impl Default for Conduct {
    fn default() -> Self {
        Self { empty_blocks: false, order_for: None, turn: None, patience: 8, tier: None, register: false }
    }
}

/// Where blocks can be had that the relay chain no longer has: another collator's archive.
pub trait Archive: Send + Sync + std::fmt::Debug {
    /// The block whose head has that hash, if it is there.
    ///
    /// # Errors
    /// [`RelayError::Unreachable`].
    fn block(&self, head_hash: &Hash) -> Result<Option<BlockData>, RelayError>;
}

/// What a step did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Done {
    /// The parachain was registered.
    Registered,
    /// Blocks were undone.
    RolledBack {
        /// The newest before.
        from: u32,
        /// The newest after.
        to: u32,
        /// Why.
        why: Undone,
    },
    /// A block of another collator is in the database.
    Imported {
        /// Its number.
        number: u32,
    },
    /// Blocks are final.
    Finalized {
        /// The highest.
        number: u32,
    },
    /// A core was ordered.
    Ordered {
        /// What was paid.
        price: u64,
    },
    /// A block was made and offered.
    Authored {
        /// Its number.
        number: u32,
        /// How many extrinsics are in it.
        extrinsics: usize,
        /// What it has to do with other chains.
        moved: Moved,
        /// Bytes of the proven block.
        pov_bytes: usize,
        /// How long the steps took.
        timings: Timings,
    },
    /// The relay chain did not take what was offered or ordered.
    Refused {
        /// What it said.
        reason: String,
    },
}

/// Why blocks were undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// The relay chain has another block, or none, in their place.
    Reverted,
    /// They were not included in time.
    Late,
    /// The relay chain refused them.
    Refused,
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The relay chain; a later step may do better.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The parachain is not registered.
    #[error(
        "para {0} is not registered on this relay chain; register it, or on a development relay start with --register"
    )]
    NotRegistered(u32),
    /// A final block of the database is not on this relay chain.
    #[error(
        "the relay chain's head of the parachain does not descend from block {0}, which is final here; this database is of another relay chain, or another genesis"
    )]
    OtherChain(u32),
    /// A block that the relay chain included cannot be had.
    #[error(
        "block 0x{} of the parachain is included, but nobody has it: the availability window is over; name a collator with an archive (--archive)",
        hex::encode(.0)
    )]
    NotAvailable(Hash),
    /// What was given out as a block is another.
    #[error("the block given for 0x{} is another one", hex::encode(.0))]
    OtherBlock(Hash),
    /// A block that the relay chain included is refused here.
    #[error("block {number}, which the relay chain included, is refused here: {source}")]
    Import {
        /// Its number.
        number: u32,
        /// Why.
        source: Box<ImportError>,
    },
    /// No block was made.
    #[error(transparent)]
    Author(#[from] AuthorError),
    /// The pool.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// A head.
    #[error("a head does not decode: {0}")]
    Head(#[from] DecodeError),
    /// A relay context of the database.
    #[error("the relay context of a block in the database: {0}")]
    RelayFile(#[from] RelayFileError),
}

impl From<DbError> for NodeError {
    fn from(error: DbError) -> Self {
        Self::Open(error.into())
    }
}

impl NodeError {
    /// Whether a later step may do better, so that a service goes on.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Relay(_)
                | Self::NotRegistered(_)
                | Self::NotAvailable(_)
                | Self::OtherBlock(_)
                | Self::Author(AuthorError::Relay(_))
        )
    }
}

/// The keys of the next block, as far as the blocks so far tell.
fn in_force<'k>(code: &ValidationCode, keys: &'k KeyStore, next: Option<&'k KeyStore>) -> &'k KeyStore {
    let fits = |keys: &&KeyStore| code.check_key(keys.validity_key().code_hash()).is_ok();
    if fits(&keys) { keys } else { next.filter(fits).unwrap_or(keys) }
}

/// Whether it is another author's turn, and this one's will come.
fn is_out_of_turn(error: &AuthorError) -> bool {
    let AuthorError::Execution(ExecutionError::Author(error)) = error else { return false };
    matches!(error, runtime::AuthorError::OutOfTurn { next: Some(_), .. })
}

/// Attempts it without the upgrade if the relay chain takes none now: enactments wait.
fn may_upgrade<T>(
    request: &AuthorRequest<'_>,
    mut attempt: impl FnMut(&AuthorRequest<'_>) -> Result<T, AuthorError>,
) -> Result<T, AuthorError> {
    match attempt(request) {
        Err(AuthorError::Upgrade(_)) => attempt(&AuthorRequest { upgrade: None, ..*request }),
        answer => answer,
    }
}

/// A collator of one parachain.
#[derive(Debug)]
pub struct Node {
    collator: Collator,
    keys: KeyStore,
    /// The keys of an upgrade that governance is to enact, or has.
    next_keys: Option<KeyStore>,
    author: Option<SecretKey>,
    pool: Arc<Pool>,
    relay: Arc<dyn Relay>,
    archives: Vec<Arc<dyn Archive>>,
    conduct: Conduct,
    /// Whether the registration was asked for, and the relay block with it has not come.
    registering: bool,
    /// The relay block on which there was nothing to make a block for, though so many extrinsics were ready.
    idle_at: Option<(Hash, usize)>,
}

impl Node {
    /// A collator over an open chain; without an author's key it only follows.
    #[must_use]
    pub fn new(
        collator: Collator,
        keys: KeyStore,
        author: Option<SecretKey>,
        pool: Arc<Pool>,
        relay: Arc<dyn Relay>,
        conduct: Conduct,
    ) -> Self {
        Self {
            collator,
            keys,
            next_keys: None,
            author,
            pool,
            relay,
            archives: Vec::new(),
            conduct,
            registering: false,
            idle_at: None,
        }
    }

    /// The same, with the keys of an upgrade: the block that enacts it announces them, and the chain goes on under them after the relay
    /// chain's go-ahead.
    #[must_use]
    pub fn with_next_keys(mut self, keys: Option<KeyStore>) -> Self {
        self.next_keys = keys;
        self
    }

    /// The same, with archives to ask for blocks that the relay chain no longer has.
    #[must_use]
    pub fn with_archives(mut self, archives: Vec<Arc<dyn Archive>>) -> Self {
        self.archives = archives;
        self
    }

    /// The chain.
    #[must_use]
    pub fn collator(&self) -> &Collator {
        &self.collator
    }

    /// The keys that it was started with.
    #[must_use]
    pub fn keys(&self) -> &KeyStore {
        &self.keys
    }

    /// The pool.
    #[must_use]
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    fn para(&self) -> u32 {
        self.collator.info().identity.para_id
    }

    /// Follows the relay chain to `heads`, and authors if there is a core.
    ///
    /// # Errors
    /// [`NodeError`]; what was done before it stays done.
    pub fn step(&mut self, heads: &Heads, options: &Options<'_>) -> Result<Vec<Done>, NodeError> {
        let mut done = self.follow(heads)?;
        self.author(heads, options, &mut done)?;
        Ok(done)
    }

    /// Brings the database to where the relay chain has the parachain.
    ///
    /// # Errors
    /// [`NodeError`].
    pub fn follow(&mut self, heads: &Heads) -> Result<Vec<Done>, NodeError> {
        let mut done = Vec::new();
        let Some(best) = self.relay.para_head(self.para(), &heads.best)? else {
            let first = !std::mem::replace(&mut self.registering, true);
            return self.register(first).map(|()| if first { vec![Done::Registered] } else { Vec::new() });
        };
        self.registering = false;
        match self.position_of(&best)? {
            Some(number) => self.wait_for_inclusion(number, heads, &mut done)?,
            None => self.catch_up(&best, &mut done)?,
        }
        if let Some(head) = self.relay.para_head(self.para(), &heads.finalized)? {
            let finalized = self.collator.database().finalized()?;
            if let Some(number) = self.position_of(&head)?.filter(|number| *number > finalized) {
                self.collator.finalize(number)?;
                info!(number, "blocks are final");
                done.push(Done::Finalized { number });
            }
        }
        self.pool.refresh()?;
        Ok(done)
    }

    fn register(&mut self, first: bool) -> Result<(), NodeError> {
        if !self.conduct.register {
            return Err(NodeError::NotRegistered(self.para()));
        }
        let database = self.collator.database();
        let finalized = database.finalized()?;
        let head = database.head(finalized)?.unwrap_or_default();
        let validity_key = self.keys.validity_key().key().encode();
        self.relay.register(&Registration { validity_key, head })?;
        if first {
            info!(
                para = self.para(),
                block = finalized,
                "registration asked for; it counts from the next relay block"
            );
        }
        Ok(())
    }

    /// Number of the block of that head, if it is in the database.
    fn position_of(&self, head: &[u8]) -> Result<Option<u32>, NodeError> {
        let number = Head::decode(head)?.number;
        let here = self.collator.database().head(number)?;
        Ok((here.as_deref() == Some(head)).then_some(number))
    }

    /// Sees to the blocks above the one that the relay chain has: this collator made them, and they are not included yet.
    fn wait_for_inclusion(
        &mut self,
        included: u32,
        heads: &Heads,
        done: &mut Vec<Done>,
    ) -> Result<(), NodeError> {
        let finalized = self.collator.database().finalized()?;
        let Some(next) = self.collator.database().block(included.saturating_add(1))? else { return Ok(()) };
        if included < finalized {
            return Err(NodeError::OtherChain(finalized));
        }
        let why = match self.relay_parent_of(&next, heads)? {
            Err(why) => why,
            Ok(relay_parent) => match self.offer(&next, relay_parent) {
                Ok(()) => return Ok(()),
                Err(NodeError::Relay(RelayError::Refused(reason))) => {
                    warn!(number = next.number, reason, "the relay chain refuses the block");
                    done.push(Done::Refused { reason });
                    Undone::Refused
                }
                Err(error) => return Err(error),
            },
        };
        self.roll_back(included, why, done)
    }

    /// The relay parent of a block that waits, or why it cannot be included with it any more.
    fn relay_parent_of(&self, block: &BlockRecord, heads: &Heads) -> Result<Result<Hash, Undone>, NodeError> {
        let context = RelayFile::parse(&block.relay)?.context;
        let number = context.relay_parent_number;
        let Some(best) = self.relay.header(&heads.best)? else {
            return Err(RelayError::UnknownBlock(heads.best).into());
        };
        if best.number.saturating_sub(number) >= self.conduct.patience {
            return Ok(Err(Undone::Late));
        }
        let Some(hash) = self.relay.block_hash(number)? else { return Ok(Err(Undone::Reverted)) };
        let header = self.relay.header(&hash)?;
        let same = header.is_some_and(|header| header.state_root == context.relay_parent_storage_root);
        Ok(if same { Ok(hash) } else { Err(Undone::Reverted) })
    }

    fn offer(&self, block: &BlockRecord, relay_parent: Hash) -> Result<(), NodeError> {
        let below = block.number.saturating_sub(1);
        let parent_head = self.collator.database().head(below)?.unwrap_or_default();
        let candidate = Candidate { para: self.para(), relay_parent, parent_head, pov: block.pov.clone() };
        Ok(self.relay.submit(&candidate)?)
    }

    /// Goes back to a block. What is undone is ready in the pool again.
    fn roll_back(&mut self, to: u32, why: Undone, done: &mut Vec<Done>) -> Result<(), NodeError> {
        let from = self.collator.database().tip()?.number;
        if from == to {
            return Ok(());
        }
        self.collator.rollback(to)?;
        // Before anything is imported, so that what these blocks held is seen as free.
        self.pool.refresh()?;
        self.absorb_pending()?;
        info!(from, to, ?why, "blocks undone");
        done.push(Done::RolledBack { from, to, why });
        Ok(())
    }

    /// Takes the extrinsics of undone blocks into the pool: those that did not come from it.
    fn absorb_pending(&mut self) -> Result<(), NodeError> {
        let pending = self.collator.database().pending()?;
        if pending.is_empty() {
            return Ok(());
        }
        let settled = self.pool.absorb(&pending)?;
        if settled.is_empty() { Ok(()) } else { Ok(self.collator.forget_pending(&settled)?) }
    }

    /// Imports the blocks up to the relay chain's head, after going back to where they branch off.
    fn catch_up(&mut self, best: &[u8], done: &mut Vec<Done>) -> Result<(), NodeError> {
        let _span = info_span!("catch_up").entered();
        let finalized = self.collator.database().finalized()?;
        let mut hash = blake2b_256(best);
        // Hashes of all that is missing, newest first; blocks of the oldest alone.
        let (mut missing, mut kept) = (Vec::new(), VecDeque::new());
        let ancestor = loop {
            let data = self.block_data(&hash)?;
            let head = Head::decode(&data.head)?;
            let below = head.number.checked_sub(1).filter(|below| *below >= finalized);
            let below = below.ok_or(NodeError::OtherChain(finalized))?;
            missing.push(hash);
            kept.push_back(data);
            if kept.len() > KEPT_BLOCKS {
                kept.pop_front();
            }
            let known = self.collator.database().head(below)?;
            if known.is_some_and(|known| blake2b_256(&known) == head.parent_hash) {
                break below;
            }
            hash = head.parent_hash;
        };
        self.roll_back(ancestor, Undone::Reverted, done)?;
        for hash in missing.into_iter().rev().take(IMPORT_BATCH) {
            let data = match kept.pop_back() {
                Some(data) => data,
                None => self.block_data(&hash)?,
            };
            self.import(&hash, &data, done)?;
        }
        Ok(())
    }

    fn import(&mut self, hash: &Hash, data: &BlockData, done: &mut Vec<Done>) -> Result<(), NodeError> {
        let relay = RelayFile::blind(data.context());
        let number = Head::decode(&data.head)?.number;
        let code = ValidationCode::read(&self.collator.database().state()?)?;
        let keys = in_force(&code, &self.keys, self.next_keys.as_ref());
        let imported = self
            .collator
            .import(keys.validity_key(), &relay, &data.pov)
            .map_err(|source| NodeError::Import { number, source: Box::new(source) })?;
        if imported.block.hash != *hash {
            self.collator.rollback(number.saturating_sub(1))?;
            return Err(NodeError::OtherBlock(*hash));
        }
        done.push(Done::Imported { number });
        Ok(())
    }

    /// A block that the relay chain included: from it, or from an archive.
    fn block_data(&self, hash: &Hash) -> Result<BlockData, NodeError> {
        let mut found = self.relay.available(hash)?;
        for archive in &self.archives {
            if found.is_some() {
                break;
            }
            found = archive.block(hash).unwrap_or_else(|error| {
                warn!(%error, "an archive does not answer");
                None
            });
        }
        let data = found.ok_or(NodeError::NotAvailable(*hash))?;
        if blake2b_256(&data.head) == *hash { Ok(data) } else { Err(NodeError::OtherBlock(*hash)) }
    }

    fn author(
        &mut self,
        heads: &Heads,
        options: &Options<'_>,
        done: &mut Vec<Done>,
    ) -> Result<(), NodeError> {
        if self.author.is_none() {
            return Ok(());
        }
        let Some(best) = self.relay.para_head(self.para(), &heads.best)? else { return Ok(()) };
        if self.collator.database().tip()?.head != best {
            return Ok(());
        }
        self.absorb_pending()?;
        let Some(author) = &self.author else { return Ok(()) };
        let extrinsics = self.pool.ready(OFFERED);
        let code = ValidationCode::read(&self.collator.database().state()?)?;
        let keys = in_force(&code, &self.keys, self.next_keys.as_ref());
        let takes_messages = keys.validity_key().key().messages != MessageFormat::Dropped;
        let known = (heads.best, extrinsics.len());
        let is_idle = extrinsics.is_empty() && !takes_messages || self.idle_at == Some(known);
        if is_idle && !self.conduct.empty_blocks {
            return Ok(());
        }
        let core = self.relay.core(self.para(), &heads.best)?;
        if core == Core::Occupied {
            return Ok(());
        }
        let next = self.next_keys.as_ref().map(|next| next.validity_key().key().encode());
        let next =
            next.filter(|next| !code.is_waiting() && blake2b_256(next) != keys.validity_key().code_hash());
        let view = self.view(&heads.best, takes_messages || next.is_some() || code.is_waiting())?;
        let request = AuthorRequest {
            extrinsics: &extrinsics,
            pending: false,
            upgrade: next.as_deref(),
            relay: &view,
            author,
            keys,
            tier: self.conduct.tier,
        };
        let not_mine =
            |(mine, of): (u32, u32)| view.context.relay_parent_number / TURN_BLOCKS % of.max(1) != mine;
        if core == Core::Scheduled && self.conduct.turn.is_some_and(not_mine) {
            return Ok(());
        }
        // Nobody signs for what arrives: it is taken and delivered all the same. And what waits for room in a channel is not tried in vain.
        let has_work = match may_upgrade(&request, |request| self.collator.has_work(request)) {
            Err(error) if is_out_of_turn(&error) => false,
            has_work => has_work? || self.conduct.empty_blocks,
        };
        if !has_work {
            self.idle_at = Some(known);
            return Ok(());
        }
        if core == Core::None {
            return self.order(done);
        }
        let authored = match may_upgrade(&request, |request| self.collator.author(request, options)) {
            Err(error) if is_out_of_turn(&error) => return Ok(()),
            authored => authored?,
        };
        let How::Made(made) = authored.how else { return Ok(()) };
        self.pool.refused(made.refused.iter().filter_map(|(at, _)| extrinsics.get(*at)).map(Vec::as_slice));
        self.pool.refresh()?;
        self.hand_in(authored.block, *made, heads, done)
    }

    /// What the next block sees of the relay block `at`, with a storage proof if it reads anything of the relay chain's state.
    fn view(&self, at: &Hash, reads: bool) -> Result<RelayFile, NodeError> {
        let mut view = self.relay.context(self.para(), at)?;
        view.inbound = messages::within_a_block(self.para(), &view.inbound);
        let is_blind = !reads && view.inbound.is_empty();
        Ok(if is_blind { RelayFile::blind(view.context) } else { view })
    }

    /// Tells of a block that was made, and offers it.
    fn hand_in(
        &mut self,
        block: BlockRecord,
        made: Made,
        heads: &Heads,
        done: &mut Vec<Done>,
    ) -> Result<(), NodeError> {
        info!(
            number = block.number,
            extrinsics = made.included.len(),
            arrived = made.moved.arrived.len(),
            sent = made.moved.sent.len(),
            bytes = block.pov.len(),
            "block authored"
        );
        done.push(Done::Authored {
            number: block.number,
            extrinsics: made.included.len(),
            moved: made.moved,
            pov_bytes: block.pov.len(),
            timings: made.timings,
        });
        match self.offer(&block, heads.best) {
            Err(NodeError::Relay(RelayError::Refused(reason))) => {
                warn!(number = block.number, reason, "the relay chain refuses the block");
                done.push(Done::Refused { reason });
                self.roll_back(block.number.saturating_sub(1), Undone::Refused, done)
            }
            offered => offered,
        }
    }

    fn order(&self, done: &mut Vec<Done>) -> Result<(), NodeError> {
        let Some(limit) = self.conduct.order_for else { return Ok(()) };
        match self.relay.order_core(self.para(), limit) {
            Ok(price) => {
                info!(price, "core ordered");
                done.push(Done::Ordered { price });
            }
            Err(RelayError::Refused(reason)) => {
                warn!(reason, "no core");
                done.push(Done::Refused { reason });
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
