//! What a proof replaces: a block that carries its witness, and a validator that executes it again.
//!
//! ```text
//!   extrinsics, signed ─┐
//!   touched records ────┼─► the parent's state root? ──► signatures, nonces, balances ──► new state root
//!   tree nodes beside ──┘     (every touched path)         (the chain's native code)
//! ```
//!
//! It is here for comparison alone, in time and in bytes, and no block is made this way. So that the
//! comparison is fair to it, the witness is one multiproof: each tree node once, only those that cannot be
//! computed, none for empty subtrees, and no bytes counted for saying which node is which.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use ark_bn254::Fr;
use zkpov_circuits::{
    pallets::balances,
    runtime::{ACCOUNTS, Account, BlockContext, Composition, PARAMETERS, Parameters},
    state::{
        ARITY, BITS_PER_LEVEL, Layout, Record, STORAGES, Shape, StateError, StateReader, empty_subtree,
        hash_node, hash_storages, keys, read_record,
    },
};
use zkpov_verifier::field;

/// A block with its witness.
#[derive(Clone, Debug)]
pub struct WitnessPov {
    /// The signed extrinsics, as SCALE.
    extrinsics: Vec<Vec<u8>>,
    /// Everything the execution reads of the parent state; `None` for what is not there.
    witness: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

/// Bytes of a [`WitnessPov`], by what they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WitnessBytes {
    /// The extrinsics with their signatures.
    pub extrinsics: usize,
    /// The touched records, with their indices.
    pub records: usize,
    /// The tree nodes.
    pub nodes: usize,
}

impl WitnessBytes {
    /// All together.
    #[must_use]
    pub fn total(&self) -> usize {
        self.extrinsics + self.records + self.nodes
    }
}

/// Why a block with its witness was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReexecutionError {
    /// The witness does not lead to the parent's state root.
    #[error("the witness does not lead to the parent's state root")]
    Witness,
    /// The witness cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// An extrinsic in the block is not valid.
    #[error(transparent)]
    Execution(#[from] balances::ReexecutionError),
}

impl WitnessPov {
    /// The block of `extrinsics` with the witness that executing it takes. All of them must be valid.
    ///
    /// # Errors
    /// [`ReexecutionError`], when they are not, or when the state cannot be read.
    pub fn build(
        chain: &Composition,
        state: &dyn StateReader,
        context: &BlockContext,
        extrinsics: Vec<Vec<u8>>,
    ) -> Result<Self, ReexecutionError> {
        let recording = Recording { state, read: RefCell::default() };
        execute(chain, &recording, context, &extrinsics)?;
        Ok(Self { extrinsics, witness: recording.read.into_inner() })
    }

    /// Does what a validator would do without a proof: checks the witness against the parent's state root,
    /// executes the extrinsics on it, signatures included, and returns the state root after the block.
    ///
    /// # Errors
    /// [`ReexecutionError`].
    pub fn reexecute(&self, chain: &Composition, context: &BlockContext) -> Result<Fr, ReexecutionError> {
        if self.root(chain.layout())? != context.parent.state_root {
            return Err(ReexecutionError::Witness);
        }
        execute(chain, self, context, &self.extrinsics)
    }

    /// How many bytes it takes.
    #[must_use]
    pub fn bytes(&self) -> WitnessBytes {
        /// An index of 2^24 places.
        const INDEX_BYTES: usize = 3;
        let present = |prefix: u8| {
            self.witness
                .iter()
                .filter(move |(key, _)| key.first() == Some(&prefix))
                // The parameters' node is their record's hash.
                .filter(|(key, _)| !key.starts_with(&[NODES, PARAMETERS]))
                .filter_map(|(_, value)| value.as_ref())
        };
        WitnessBytes {
            extrinsics: self.extrinsics.iter().map(Vec::len).sum(),
            records: present(RECORDS).map(|record| record.len() + INDEX_BYTES).sum(),
            nodes: present(NODES).map(Vec::len).sum(),
        }
    }

    /// The state root to which the touched records and the nodes beside their paths lead.
    fn root(&self, layout: &Layout) -> Result<Fr, ReexecutionError> {
        let mut roots = [Fr::from(0u64); STORAGES];
        for (storage, root) in (0u8..).zip(&mut roots) {
            *root = match (storage, layout.shape(storage)) {
                (_, Shape::Absent) => continue,
                (PARAMETERS, _) => {
                    let parameters: Parameters = read_record(self, 0)?.ok_or(ReexecutionError::Witness)?;
                    parameters.leaf()
                }
                (ACCOUNTS, Shape::Tree { levels }) => self.tree_root(storage, levels)?,
                // Transfers touch nothing else.
                (_, shape) => self.node(storage, shape.levels(), 0)?,
            };
        }
        Ok(hash_storages(&roots))
    }

    /// The root of a tree: from the leaves of the touched records upwards, each node once.
    fn tree_root(&self, storage: u8, levels: usize) -> Result<Fr, ReexecutionError> {
        let mut known = BTreeMap::new();
        for (key, record) in self.witness.range(keys::record(storage, 0)..=keys::record(storage, u32::MAX)) {
            let index =
                key.last_chunk().map(|bytes| u32::from_be_bytes(*bytes)).ok_or(ReexecutionError::Witness)?;
            let leaf = match record {
                Some(_) => read_record::<Account>(self, index)?.ok_or(ReexecutionError::Witness)?.leaf(),
                None => empty_subtree(0),
            };
            known.insert(index, leaf);
        }
        for level in 0..levels {
            let parents: BTreeSet<u32> = known.keys().map(|index| index >> BITS_PER_LEVEL).collect();
            known = parents
                .into_iter()
                .map(|parent| Ok((parent, hash_node(&self.children(storage, level, parent, &known)?))))
                .collect::<Result<_, ReexecutionError>>()?;
        }
        known.get(&0).copied().ok_or(ReexecutionError::Witness)
    }

    fn children(
        &self,
        storage: u8,
        level: usize,
        parent: u32,
        known: &BTreeMap<u32, Fr>,
    ) -> Result<[Fr; ARITY], ReexecutionError> {
        let mut children = [Fr::from(0u64); ARITY];
        for (child, index) in children.iter_mut().zip(parent << BITS_PER_LEVEL..) {
            *child = match known.get(&index) {
                Some(node) => *node,
                None => self.node(storage, level, index)?,
            };
        }
        Ok(children)
    }

    /// A node that nothing touched.
    fn node(&self, storage: u8, level: usize, index: u32) -> Result<Fr, ReexecutionError> {
        let number = u8::try_from(level).map_err(|_| ReexecutionError::Witness)?;
        let Some(bytes) = self.get(&keys::node(storage, number, index))? else {
            return Ok(empty_subtree(level));
        };
        let bytes = bytes.try_into().map_err(|_| ReexecutionError::Witness)?;
        field::decode(&bytes).map_err(|_| ReexecutionError::Witness)
    }
}

/// What the keys of records begin with.
const RECORDS: u8 = b'r';
/// What the keys of nodes begin with; their storage is next.
const NODES: u8 = b'n';

impl StateReader for WitnessPov {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.witness.get(key).cloned().flatten())
    }
}

/// A state that remembers what was read of it.
struct Recording<'a> {
    state: &'a dyn StateReader,
    read: RefCell<BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl StateReader for Recording<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let value = self.state.get(key)?;
        self.read.borrow_mut().insert(key.to_vec(), value.clone());
        Ok(value)
    }
}

/// Executes and returns the state root, if every extrinsic is valid.
fn execute(
    chain: &Composition,
    state: &dyn StateReader,
    context: &BlockContext,
    extrinsics: &[Vec<u8>],
) -> Result<Fr, ReexecutionError> {
    let (state_root, _) = balances::reexecute(chain.layout(), state, context, extrinsics)?;
    Ok(state_root)
}
