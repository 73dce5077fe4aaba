//! A Merkle proof of one record under the state root, for wallets and light clients.

use zkpov_verifier::{field::Fr, poseidon};

use super::{
    layout::{ARITY, BITS_PER_LEVEL, Layout, STORAGES, empty_subtree, hash_node, hash_storages},
    native,
    record::Record,
    store::{StateError, StateReader},
};
use crate::gadgets::merkle::NativePath;

/// That a record is, or is not, in the state.
///
/// To check it: the leaf is Poseidon over `leaf_elements` (0 for an empty place); at each level,
/// lowest first, the three low bits of the remaining index say where the node stands among its
/// siblings, and Poseidon over the eight gives the next node; the last is the root of storage
/// `storage`, and Poseidon over `storage_roots` is the state root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerkleProof {
    /// Storage number.
    pub storage: u8,
    /// Place in the storage.
    pub index: u32,
    /// What the leaf hashes; empty for an empty place.
    pub leaf_elements: Vec<Fr>,
    /// Per level, lowest first, the seven other children in order.
    pub siblings: Vec<[Fr; ARITY - 1]>,
    /// The roots of all storages.
    pub storage_roots: [Fr; STORAGES],
}

impl MerkleProof {
    /// The proof for place `index` of the storage of `R`.
    pub fn of<R: Record>(state: &dyn StateReader, layout: &Layout, index: u32) -> Result<Self, StateError> {
        let record: Option<R> = native::read_record(state, index)?;
        Ok(Self {
            storage: R::STORAGE,
            index,
            leaf_elements: record.map(|record| R::leaf_elements(&record.elements())).unwrap_or_default(),
            siblings: siblings(&native::path(state, layout, R::STORAGE, index)?),
            storage_roots: native::storage_roots(state, layout)?,
        })
    }

    /// The state root that the proof leads to; `None` if the path does not lead to the storage's root.
    pub fn state_root(&self) -> Option<Fr> {
        let mut node = match self.leaf_elements.as_slice() {
            [] => empty_subtree(0),
            elements => poseidon::hash_slice(elements).ok()?,
        };
        let mut position = self.index;
        for others in &self.siblings {
            let place = position as usize % ARITY;
            let mut children = [node; ARITY];
            children
                .iter_mut()
                .enumerate()
                .filter(|(i, _)| *i != place)
                .zip(others)
                .for_each(|((_, c), s)| *c = *s);
            node = hash_node(&children);
            position >>= BITS_PER_LEVEL;
        }
        let expected = self.storage_roots.get(usize::from(self.storage))?;
        (position == 0 && node == *expected).then(|| hash_storages(&self.storage_roots))
    }
}

/// The other children of each level, in order.
fn siblings(path: &NativePath<ARITY>) -> Vec<[Fr; ARITY - 1]> {
    let mut position = path.index as usize;
    let mut rows = Vec::with_capacity(path.children.len());
    for children in &path.children {
        let place = position % ARITY;
        let mut row = [Fr::from(0u64); ARITY - 1];
        let others = children.iter().enumerate().filter(|(i, _)| *i != place);
        row.iter_mut().zip(others).for_each(|(sibling, (_, child))| *sibling = *child);
        rows.push(row);
        position >>= BITS_PER_LEVEL;
    }
    rows
}
