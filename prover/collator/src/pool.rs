//! The pool: signed extrinsics that wait for a block, kept in the chain's database.
//!
//! ```text
//!  submit ─► form, signature, expiry, fee, nonce ─► bounds ─► database ─► index ─► ready(): by fee, each sender's by nonce
//!                                                                │
//!                    in the database until a *final* block has used the nonce, or is at the expiry
//! ```
//!
//! What is in a block that is not final stays, unseen: when the block goes with its relay fork, the nonce is free again and the
//! extrinsic is ready again, with nobody having to remember it. So neither a kill nor a revert loses anything.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use zkpov_circuits::{
    runtime::{CheckedExtrinsic, Refusal},
    state::StateError,
};
use zkpov_verifier::hashing::blake2b_256;

use crate::{
    chain::ChainInfo,
    db::{DbError, Handle, PooledRow, ReadDatabase},
};

/// How much a pool holds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most extrinsics.
    pub extrinsics: usize,
    /// Most bytes of all of them.
    pub bytes: usize,
    /// Most of one sender, and how far a nonce may be ahead of its account's.
    pub of_sender: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { extrinsics: 8192, bytes: 16 << 20, of_sender: 64 }
    }
}

/// The longest extrinsic that is looked at: many times what any chain here has.
pub const MAX_EXTRINSIC_BYTES: usize = 16 << 10;
/// By how many percent a fee must exceed that of the extrinsic it takes the place of.
const REPLACE_PERCENT: u64 = 10;
/// How often a block may refuse an extrinsic before it is dropped: a revert can make valid what was not.
const MAX_REFUSALS: u8 = 8;

/// Why an extrinsic was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// Too many bytes.
    #[error("an extrinsic of {found} bytes; {MAX_EXTRINSIC_BYTES} are the most that are looked at")]
    TooLong {
        /// Its length.
        found: usize,
    },
    /// It can never be in a block, or not any more.
    #[error("{0}")]
    Invalid(Refusal),
    /// It is here.
    #[error("the extrinsic is in the pool already")]
    Known,
    /// Its nonce is too far ahead.
    #[error("nonce {found} is too far ahead: account {sender} is at {expected}, and at most {most} may wait")]
    TooFarAhead {
        /// The sender.
        sender: u32,
        /// Its account's next nonce.
        expected: u32,
        /// The extrinsic's.
        found: u32,
        /// How many may wait.
        most: u32,
    },
    /// Another extrinsic of the same sender and nonce is here and pays as much.
    #[error(
        "another extrinsic of this sender and nonce waits; to replace it, pay a fee of at least {needed}"
    )]
    Underpaid {
        /// The fee that would do.
        needed: u64,
    },
    /// There is no room, and nothing here pays less.
    #[error("the pool is full ({0} extrinsics) and nothing in it pays less; try again later or pay more")]
    Full(usize),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// An extrinsic that waits.
#[derive(Clone, Debug)]
struct Entry {
    bytes: Arc<[u8]>,
    sender: u32,
    nonce: u32,
    expiry: u32,
    fee: u64,
    /// Its place in the order of arrival.
    arrival: u64,
    /// The block after which its nonce was first seen used; it leaves when that block is final.
    used_at: Option<u32>,
    /// How often a block has refused it.
    refusals: u8,
}

#[derive(Debug, Default)]
struct Index {
    entries: HashMap<[u8; 32], Entry>,
    /// Sender and nonce to hash.
    places: BTreeMap<(u32, u32), [u8; 32]>,
    /// Next nonces, of the senders here; `None` of one whose account went with a revert.
    nonces: HashMap<u32, Option<u32>>,
    bytes: usize,
    arrivals: u64,
    /// Number of the block that the nonces are of.
    tip: u32,
}

/// How full a pool is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// Extrinsics that a block could take now.
    pub ready: usize,
    /// Extrinsics that wait for one before them.
    pub future: usize,
    /// Extrinsics in blocks that are not final.
    pub in_blocks: usize,
    /// Bytes of all of them.
    pub bytes: usize,
}

/// The pool of one chain. Threads may share it.
#[derive(Debug)]
pub struct Pool {
    database: Handle,
    info: ChainInfo,
    limits: Limits,
    index: Mutex<Index>,
}

impl Pool {
    /// The pool of a chain, with all that its database has of it.
    ///
    /// # Errors
    /// [`PoolError::Database`], [`PoolError::State`].
    pub fn open(database: Handle, info: ChainInfo, limits: Limits) -> Result<Self, PoolError> {
        let pool = Self { database, info, limits, index: Mutex::new(Index::default()) };
        let mut rows = pool.database.pool()?;
        rows.sort_by_key(|(_, row)| row.arrival);
        let mut dropped = Vec::new();
        {
            let mut index = pool.lock();
            for (hash, row) in rows {
                // It was checked when it came, and its sender may have gone with a revert: for now, what it says is enough.
                match header(&info, &row.extrinsic) {
                    Some(checked) => index.insert(hash, entry(&checked, row.extrinsic, row.arrival)),
                    None => dropped.push(hash),
                }
                index.arrivals = index.arrivals.max(row.arrival.saturating_add(1));
            }
        }
        pool.database.pool_remove(&dropped)?;
        pool.refresh()?;
        Ok(pool)
    }

    /// Takes an extrinsic; when this returns, it is kept.
    ///
    /// # Errors
    /// [`PoolError`].
    pub fn submit(&self, extrinsic: &[u8]) -> Result<[u8; 32], PoolError> {
        let found = extrinsic.len();
        if found > MAX_EXTRINSIC_BYTES {
            return Err(PoolError::TooLong { found });
        }
        let hash = blake2b_256(extrinsic);
        if self.lock().entries.contains_key(&hash) {
            return Err(PoolError::Known);
        }
        let snapshot = self.database.snapshot()?;
        let (number, state) = (snapshot.tip()?.number, snapshot.state()?);
        let checked = self.info.chain.check_extrinsic(&state, &self.info.identity, extrinsic)?;
        let checked = checked.map_err(PoolError::Invalid)?;
        self.check_now(&checked, number.saturating_add(1))?;

        let mut index = self.lock();
        let leave = index.make_room(&hash, &checked, found, &self.limits)?;
        let row = PooledRow { arrival: index.arrivals, extrinsic: extrinsic.to_vec() };
        self.database.pool_insert(&hash, &row, &leave)?;
        index.arrivals = index.arrivals.saturating_add(1);
        for other in leave {
            index.remove(&other);
        }
        index.nonces.insert(checked.sender, Some(checked.next_nonce));
        index.insert(hash, entry(&checked, row.extrinsic, row.arrival));
        Ok(hash)
    }

    /// What of an extrinsic depends on the moment.
    fn check_now(&self, checked: &CheckedExtrinsic, number: u32) -> Result<(), PoolError> {
        let CheckedExtrinsic { sender, nonce, expiry, fee, next_nonce, minimum_fee, .. } = *checked;
        let invalid = |refusal| Err(PoolError::Invalid(refusal));
        if expiry < number {
            return invalid(Refusal::Expired { expiry, number });
        }
        if fee < minimum_fee {
            return invalid(Refusal::FeeTooLow { fee, minimum: minimum_fee });
        }
        if next_nonce == u32::MAX {
            return invalid(Refusal::NoncesExhausted { sender });
        }
        let Some(ahead) = nonce.checked_sub(next_nonce) else {
            return invalid(Refusal::NonceUsed { sender, expected: next_nonce, found: nonce });
        };
        let most = self.limits.of_sender;
        if ahead >= most {
            return Err(PoolError::TooFarAhead { sender, expected: next_nonce, found: nonce, most });
        }
        Ok(())
    }

    /// The extrinsics that the next block could take: highest fee first, each sender's in the order of nonces; at most `most`.
    #[must_use]
    pub fn ready(&self, most: usize) -> Vec<Vec<u8>> {
        let index = self.lock();
        let mut next: BinaryHeap<_> =
            index.nonces.iter().filter_map(|(sender, nonce)| index.offer(*sender, (*nonce)?)).collect();
        let mut ready = Vec::new();
        while ready.len() < most {
            let Some((_, _, hash)) = next.pop() else { break };
            let Some(entry) = index.entries.get(&hash) else { continue };
            ready.push(entry.bytes.to_vec());
            next.extend(index.offer(entry.sender, entry.nonce.saturating_add(1)));
        }
        ready
    }

    /// Every extrinsic that no block holds, in the order of arrival.
    #[must_use]
    pub fn pending(&self) -> Vec<Vec<u8>> {
        let index = self.lock();
        let mut waiting: Vec<_> = index.entries.values().filter(|entry| entry.used_at.is_none()).collect();
        waiting.sort_by_key(|entry| entry.arrival);
        waiting.iter().map(|entry| entry.bytes.to_vec()).collect()
    }

    /// How full it is.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        let ready = self.ready(usize::MAX).len();
        let index = self.lock();
        let in_blocks = index.entries.values().filter(|entry| entry.used_at.is_some()).count();
        let future = index.entries.len().saturating_sub(ready).saturating_sub(in_blocks);
        PoolStatus { ready, future, in_blocks, bytes: index.bytes }
    }

    /// The nonce that a sender's next extrinsic must carry, with those here counted.
    ///
    /// # Errors
    /// [`PoolError::State`].
    pub fn next_nonce(&self, sender: u32) -> Result<Option<u32>, PoolError> {
        let state = self.database.state()?;
        let Some(mut nonce) = self.info.chain.next_nonce(&state, sender)? else { return Ok(None) };
        let index = self.lock();
        while index.places.contains_key(&(sender, nonce)) {
            nonce = nonce.saturating_add(1);
        }
        Ok(Some(nonce))
    }

    /// Follows the chain to its tip, whichever way it went: blocks were added, undone, or made final.
    ///
    /// # Errors
    /// [`PoolError::Database`], [`PoolError::State`].
    pub fn refresh(&self) -> Result<(), PoolError> {
        let snapshot = self.database.snapshot()?;
        let (tip, finalized, state) = (snapshot.tip()?.number, snapshot.finalized()?, snapshot.state()?);
        let mut index = self.lock();
        index.follow(tip, |sender| self.info.chain.next_nonce(&state, sender))?;
        let over: Vec<[u8; 32]> = index
            .entries
            .iter()
            .filter(|(_, entry)| {
                entry.used_at.is_some_and(|used| used <= finalized)
                    || entry.expiry <= finalized
                    || entry.refusals >= MAX_REFUSALS
            })
            .map(|(hash, _)| *hash)
            .collect();
        self.database.pool_remove(&over)?;
        for hash in &over {
            index.remove(hash);
        }
        Ok(())
    }

    /// Notes that a block refused these: what is refused again and again is dropped with the next [`refresh`](Self::refresh).
    pub fn refused<'a>(&self, extrinsics: impl IntoIterator<Item = &'a [u8]>) {
        let mut index = self.lock();
        for extrinsic in extrinsics {
            if let Some(entry) = index.entries.get_mut(&blake2b_256(extrinsic)) {
                entry.refusals = entry.refusals.saturating_add(1);
            }
        }
    }

    /// Takes in the extrinsics of undone blocks. Returns those that need not be kept elsewhere: they are here, or can never be
    /// valid again. The others may find a sender, their turn or room later.
    ///
    /// # Errors
    /// [`PoolError::Database`], [`PoolError::State`].
    pub fn absorb(&self, extrinsics: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, PoolError> {
        let mut settled = Vec::new();
        for extrinsic in extrinsics {
            match self.submit(extrinsic) {
                Err(error @ (PoolError::Database(_) | PoolError::State(_))) => return Err(error),
                Err(
                    PoolError::Invalid(Refusal::UnknownSender { .. })
                    | PoolError::TooFarAhead { .. }
                    | PoolError::Full(_),
                ) => {}
                Ok(_) | Err(_) => settled.push(extrinsic.clone()),
            }
        }
        Ok(settled)
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        // A thread that panicked did so between changes that leave the index whole.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an extrinsic of the pool says of itself.
fn header(info: &ChainInfo, extrinsic: &[u8]) -> Option<CheckedExtrinsic> {
    let json = info.chain.extrinsic_to_json(extrinsic).ok()?;
    let number = |name: &str| json.get(name)?.as_u64().and_then(|number| u32::try_from(number).ok());
    Some(CheckedExtrinsic {
        call: 0,
        sender: number("sender")?,
        nonce: number("nonce")?,
        expiry: number("expiry")?,
        fee: json.get("fee")?.as_str()?.parse().ok()?,
        next_nonce: 0,
        minimum_fee: 0,
    })
}

fn entry(checked: &CheckedExtrinsic, bytes: Vec<u8>, arrival: u64) -> Entry {
    let CheckedExtrinsic { sender, nonce, expiry, fee, .. } = *checked;
    Entry { bytes: bytes.into(), sender, nonce, expiry, fee, arrival, used_at: None, refusals: 0 }
}

/// What the next block takes first: the highest fee, then who came first.
type Offer = (u64, Reverse<u64>, [u8; 32]);

impl Index {
    fn insert(&mut self, hash: [u8; 32], entry: Entry) {
        self.bytes = self.bytes.saturating_add(entry.bytes.len());
        self.places.insert((entry.sender, entry.nonce), hash);
        self.nonces.entry(entry.sender).or_default();
        self.entries.insert(hash, entry);
    }

    fn remove(&mut self, hash: &[u8; 32]) {
        let Some(entry) = self.entries.remove(hash) else { return };
        self.bytes = self.bytes.saturating_sub(entry.bytes.len());
        let place = (entry.sender, entry.nonce);
        if self.places.get(&place) == Some(hash) {
            self.places.remove(&place);
        }
        if self.of_sender(entry.sender).next().is_none() {
            self.nonces.remove(&entry.sender);
        }
    }

    fn of_sender(&self, sender: u32) -> impl DoubleEndedIterator<Item = (&(u32, u32), &[u8; 32])> {
        self.places.range((sender, 0)..=(sender, u32::MAX))
    }

    /// The extrinsic of that sender and nonce, if a block at the tip could take it.
    fn offer(&self, sender: u32, nonce: u32) -> Option<Offer> {
        let hash = self.places.get(&(sender, nonce))?;
        let entry = self.entries.get(hash)?;
        let in_time = entry.expiry > self.tip;
        in_time.then_some((entry.fee, Reverse(entry.arrival), *hash))
    }

    /// What has to leave for an extrinsic to come in.
    fn make_room(
        &self,
        hash: &[u8; 32],
        checked: &CheckedExtrinsic,
        bytes: usize,
        limits: &Limits,
    ) -> Result<Vec<[u8; 32]>, PoolError> {
        if self.entries.contains_key(hash) {
            return Err(PoolError::Known);
        }
        if let Some(other) = self.places.get(&(checked.sender, checked.nonce)) {
            let fee = self.entries.get(other).map_or(0, |entry| entry.fee);
            let needed = fee.saturating_add((fee / 100).saturating_mul(REPLACE_PERCENT)).saturating_add(1);
            return if checked.fee >= needed {
                Ok(vec![*other])
            } else {
                Err(PoolError::Underpaid { needed })
            };
        }
        let full = self.entries.len() >= limits.extrinsics || self.bytes.saturating_add(bytes) > limits.bytes;
        if !full {
            return Ok(Vec::new());
        }
        // The last of the sender that pays least, so that nothing is left that waits for what is gone.
        let least = self
            .nonces
            .keys()
            .filter(|sender| **sender != checked.sender)
            .filter_map(|sender| self.of_sender(*sender).next_back())
            .filter_map(|(_, hash)| Some((self.entries.get(hash)?.fee, *hash)))
            .min();
        match least {
            Some((fee, other)) if fee < checked.fee => Ok(vec![other]),
            _ => Err(PoolError::Full(self.entries.len())),
        }
    }

    /// Marks what blocks up to the tip have used, and takes the mark from what they have not.
    fn follow(
        &mut self,
        tip: u32,
        next_nonce: impl Fn(u32) -> Result<Option<u32>, StateError>,
    ) -> Result<(), StateError> {
        self.tip = tip;
        for (sender, nonce) in &mut self.nonces {
            *nonce = next_nonce(*sender)?;
        }
        for entry in self.entries.values_mut() {
            let used = self
                .nonces
                .get(&entry.sender)
                .is_some_and(|nonce| nonce.is_some_and(|nonce| entry.nonce < nonce));
            // After a rollback, a nonce that is still used was used at the new tip or before.
            let seen = entry.used_at.map_or(tip, |at| at.min(tip));
            entry.used_at = used.then_some(seen);
        }
        Ok(())
    }
}
