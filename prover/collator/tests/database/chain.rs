//! A chain made up from a seed, and the model the database is held against.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng, rngs::StdRng};
use zkpov_circuits::state::ChangeSet;
use zkpov_collator::db::{BlockRecord, Database, DbError, Genesis, ReadDatabase};

/// Keys a made-up block may touch: few, so that blocks overwrite and delete what others wrote.
const KEYS: u16 = 200;

/// The genesis of the made-up chain.
pub(crate) fn genesis() -> (Genesis, ChangeSet) {
    let genesis = Genesis {
        chain: "payments".into(),
        para_id: 2000,
        hash: [1; 32],
        head: b"genesis head".to_vec(),
        spec: b"{}".to_vec(),
    };
    (genesis, changes(&mut StdRng::seed_from_u64(0), 50))
}

fn changes(rng: &mut StdRng, count: usize) -> ChangeSet {
    let changes = (0..count).map(|_| {
        let key = rng.gen_range(0..KEYS).to_be_bytes().to_vec();
        let length = rng.gen_range(0..200);
        (key, rng.gen_bool(0.8).then(|| (0..length).map(|_| rng.r#gen()).collect()))
    });
    ChangeSet(changes.collect())
}

/// A block on `parent`, and what it does to the state; the same for the same seed.
pub(crate) fn block(parent: &BlockRecord, seed: u64) -> (BlockRecord, ChangeSet) {
    let mut rng = StdRng::seed_from_u64(seed ^ u64::from(parent.number) << 40);
    let mut bytes = |length: usize| (0..length).map(|_| rng.r#gen()).collect::<Vec<u8>>();
    let hash = bytes(32).try_into().unwrap();
    let record = BlockRecord {
        number: parent.number + 1,
        hash,
        parent_hash: parent.hash,
        head: bytes(120),
        pov: bytes(2000),
        relay: bytes(40),
        extrinsics: (0..seed % 4).map(|_| bytes(150)).collect(),
        input_digest: seed.is_multiple_of(3).then_some(hash),
    };
    let count = rng.gen_range(0..60);
    (record, changes(&mut rng, count))
}

/// One operation on a database.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// Commit the block of that seed on the tip.
    Commit(u64),
    /// Commit a block with that error in its number.
    CommitNumber(u64, i32),
    /// Commit a block that builds on another parent.
    CommitElsewhere(u64),
    /// Commit a block that holds a pending extrinsic again.
    CommitPending(u64),
    /// Roll back to that number.
    Rollback(u32),
    /// Finalise that number.
    Finalize(u32),
    /// Drop the first pending extrinsic.
    ForgetPending,
}

/// Why an operation is refused, without the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NotNext,
    WrongParent,
    Final,
    AboveTip,
}

impl Refusal {
    /// # Panics
    /// On an error that no operation may end in on a sound disk.
    pub(crate) fn of(error: &DbError) -> Self {
        match error {
            DbError::NotNext { .. } => Self::NotNext,
            DbError::WrongParent { .. } => Self::WrongParent,
            DbError::Final { .. } => Self::Final,
            DbError::AboveTip { .. } => Self::AboveTip,
            other => panic!("unexpected error: {other}"),
        }
    }
}

/// What an operation returns: the extrinsics of undone blocks, or why it is refused.
pub(crate) type Outcome = Result<Vec<Vec<u8>>, Refusal>;

/// The database as it should be: the blocks, from which the state follows by replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) blocks: Vec<(BlockRecord, ChangeSet)>,
    pub(crate) finalized: u32,
    pub(crate) pending: Vec<(u32, Vec<u8>)>,
}

impl Model {
    /// After creation.
    pub(crate) fn new() -> Self {
        let (genesis, state) = genesis();
        let block = BlockRecord {
            number: 0,
            hash: genesis.hash,
            parent_hash: [0; 32],
            head: genesis.head,
            pov: vec![],
            relay: vec![],
            extrinsics: vec![],
            input_digest: None,
        };
        Self { blocks: vec![(block, state)], finalized: 0, pending: vec![] }
    }

    pub(crate) fn tip(&self) -> &BlockRecord {
        &self.blocks.last().unwrap().0
    }

    /// The state after the tip, by replaying every block.
    pub(crate) fn state(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut state = BTreeMap::new();
        for (key, value) in self.blocks.iter().flat_map(|(_, changes)| changes.0.clone()) {
            match value {
                Some(value) => state.insert(key, value),
                None => state.remove(&key),
            };
        }
        state
    }

    /// The block an operation commits, given the tip and what is pending.
    fn block_of(&self, operation: &Operation) -> Option<(BlockRecord, ChangeSet)> {
        Some(match operation {
            Operation::Commit(seed) => block(self.tip(), *seed),
            Operation::CommitNumber(seed, error) => {
                let (mut record, changes) = block(self.tip(), *seed);
                record.number = record.number.saturating_add_signed(*error);
                (record, changes)
            }
            Operation::CommitElsewhere(seed) => {
                let (mut record, changes) = block(self.tip(), *seed);
                record.parent_hash[31] ^= 1;
                (record, changes)
            }
            Operation::CommitPending(seed) => {
                let (mut record, changes) = block(self.tip(), *seed);
                record.extrinsics.extend(self.pending.first().map(|(_, bytes)| bytes.clone()));
                (record, changes)
            }
            _ => return None,
        })
    }

    /// What the operation does to the model.
    pub(crate) fn apply(&mut self, operation: &Operation) -> Outcome {
        if let Some((record, changes)) = self.block_of(operation) {
            if record.number != self.tip().number + 1 {
                return Err(Refusal::NotNext);
            }
            if record.parent_hash != self.tip().hash {
                return Err(Refusal::WrongParent);
            }
            self.pending.retain(|(_, bytes)| !record.extrinsics.contains(bytes));
            self.blocks.push((record, changes));
            return Ok(vec![]);
        }
        match operation {
            Operation::Rollback(number) => {
                self.between(*number)?;
                let mut undone = Vec::new();
                for (record, _) in self.blocks.drain(*number as usize + 1..) {
                    for bytes in record.extrinsics {
                        undone.push(bytes.clone());
                        if !self.pending.iter().any(|(_, known)| *known == bytes) {
                            self.pending.push((record.number, bytes));
                        }
                    }
                }
                self.pending.sort_by_key(|(number, _)| *number);
                Ok(undone)
            }
            Operation::Finalize(number) => {
                self.between(*number)?;
                self.finalized = *number;
                for (record, _) in &mut self.blocks[..=*number as usize] {
                    record.extrinsics.clear();
                }
                Ok(vec![])
            }
            _ => {
                self.pending.drain(..self.pending.len().min(1));
                Ok(vec![])
            }
        }
    }

    fn between(&self, number: u32) -> Result<(), Refusal> {
        if number > self.tip().number {
            return Err(Refusal::AboveTip);
        }
        if number < self.finalized { Err(Refusal::Final) } else { Ok(()) }
    }

    /// The operation on a database that is as the model is.
    pub(crate) fn run(
        &self,
        operation: &Operation,
        database: &mut Database,
    ) -> Result<Vec<Vec<u8>>, DbError> {
        if let Some((record, changes)) = self.block_of(operation) {
            return database.commit(&record, &changes).map(|()| vec![]);
        }
        match operation {
            Operation::Rollback(number) => database.rollback_to(*number),
            Operation::Finalize(number) => database.finalize(*number).map(|()| vec![]),
            _ => {
                let first: Vec<_> = self.pending.iter().take(1).map(|(_, bytes)| bytes.clone()).collect();
                database.forget_pending(&first).map(|()| vec![])
            }
        }
    }

    /// The first thing in which the database is not as the model is.
    pub(crate) fn difference(&self, database: &impl ReadDatabase) -> Option<String> {
        let snapshot = database.snapshot().unwrap();
        let tip = snapshot.tip().unwrap();
        if tip != *self.tip() {
            return Some(format!("tip {} instead of {}", tip.number, self.tip().number));
        }
        if snapshot.finalized().unwrap() != self.finalized {
            return Some(format!("finalised {}", snapshot.finalized().unwrap()));
        }
        if snapshot.history_len().unwrap() != tip.number - self.finalized {
            return Some("length of the history".into());
        }
        let blocks: Vec<_> = snapshot.blocks(0..=u32::MAX).unwrap().map(Result::unwrap).collect();
        if !blocks.iter().eq(self.blocks.iter().map(|(record, _)| record)) {
            return Some("blocks".into());
        }
        let state: BTreeMap<_, _> =
            snapshot.state().unwrap().entries().unwrap().map(Result::unwrap).collect();
        if state != self.state() {
            return Some("state is not the replay of the blocks".into());
        }
        if !snapshot.pending().unwrap().iter().eq(self.pending.iter().map(|(_, bytes)| bytes)) {
            return Some("pending".into());
        }
        for (record, _) in &self.blocks {
            let Some(digest) = &record.input_digest else { continue };
            let found = snapshot.block_by_input(digest).unwrap();
            if found.as_ref() != Some(record) {
                return Some(format!("block {} is not found by its input", record.number));
            }
        }
        (snapshot.genesis().unwrap() != genesis().0).then(|| "genesis".into())
    }
}
