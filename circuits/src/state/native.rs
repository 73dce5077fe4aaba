//! The state as native code sees it: typed records over a [`StateReader`], committed to in one go.

use std::collections::BTreeMap;

use codec::DecodeAll;
use rayon::prelude::*;
use zkpov_verifier::field::{self, Fr};

use super::{
    keys,
    layout::{ARITY, BITS_PER_LEVEL, Layout, STORAGES, Shape, empty_subtree, hash_node, hash_storages},
    record::{Record, hash_leaf},
    store::{ChangeSet, Overlay, StateError, StateReader},
};
use crate::gadgets::merkle::NativePath;

/// A chain's state under change.
///
/// Writes are collected; [`commit`](Self::commit) hashes every touched tree node once, all cores at work.
#[derive(Debug)]
pub struct State<'a> {
    layout: &'a Layout,
    overlay: Overlay<'a>,
    /// Leaf elements of what was written, by storage and index.
    written: BTreeMap<(u8, u32), Vec<Fr>>,
}

impl<'a> State<'a> {
    /// The state that `below` holds.
    pub fn new(layout: &'a Layout, below: &'a dyn StateReader) -> Self {
        Self { layout, overlay: Overlay::new(below), written: BTreeMap::new() }
    }

    /// The record at `index`, if there is one.
    pub fn read<R: Record>(&self, index: u32) -> Result<Option<R>, StateError> {
        read_record(&self.overlay, index)
    }

    /// Puts `record` at `index`, which must be below the storage's places.
    pub fn write<R: Record>(&mut self, index: u32, record: &R) {
        debug_assert!(u64::from(index) < self.layout.shape(R::STORAGE).places());
        self.overlay.put(keys::record(R::STORAGE, index), record.encode());
        self.written.insert((R::STORAGE, index), R::leaf_elements(&record.elements()));
    }

    /// A derived value, under `x/` and `name`.
    pub fn auxiliary(&self, name: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.overlay.get(&keys::auxiliary(name))
    }

    /// Sets a derived value, under `x/` and `name`.
    pub fn set_auxiliary(&mut self, name: &[u8], value: Vec<u8>) {
        self.overlay.put(keys::auxiliary(name), value);
    }

    /// Hashes what was written and gives the new state root with all changes: records, derived
    /// values, tree nodes and the root itself.
    pub fn commit(mut self) -> Result<(Fr, ChangeSet), StateError> {
        let leaves: Vec<((u8, u32), Fr)> =
            self.written.par_iter().map(|(place, elements)| (*place, hash_leaf(elements))).collect();
        let mut by_storage: BTreeMap<u8, Vec<(u32, Fr)>> = BTreeMap::new();
        for ((storage, index), leaf) in leaves {
            by_storage.entry(storage).or_default().push((index, leaf));
        }
        for (storage, leaves) in by_storage {
            update_nodes(&mut self.overlay, storage, self.layout.shape(storage).levels(), leaves)?;
        }
        let root = hash_storages(&storage_roots(&self.overlay, self.layout)?);
        self.overlay.put(keys::ROOT.to_vec(), field::encode(&root).to_vec());
        Ok((root, self.overlay.into_changes()))
    }
}

/// The record of kind `R` at `index`.
pub fn read_record<R: Record>(state: &dyn StateReader, index: u32) -> Result<Option<R>, StateError> {
    let key = keys::record(R::STORAGE, index);
    let Some(bytes) = state.get(&key)? else { return Ok(None) };
    R::decode_all(&mut bytes.as_slice()).map(Some).map_err(|_| StateError::corrupt(&key, R::NAME))
}

/// The root of a state, as it was committed.
pub fn state_root(state: &dyn StateReader) -> Result<Fr, StateError> {
    read_element(state, keys::ROOT)?.ok_or(StateError::Missing { what: "state root" })
}

/// The roots of all storages.
pub fn storage_roots(state: &dyn StateReader, layout: &Layout) -> Result<[Fr; STORAGES], StateError> {
    let mut roots = [Fr::from(0u64); STORAGES];
    for ((root, shape), storage) in roots.iter_mut().zip(layout.0).zip(0u8..) {
        if shape != Shape::Absent {
            *root = node(state, storage, shape.levels(), 0)?;
        }
    }
    Ok(roots)
}

/// The way from a place of a storage to its root.
pub fn path(
    state: &dyn StateReader,
    layout: &Layout,
    storage: u8,
    index: u32,
) -> Result<NativePath<ARITY>, StateError> {
    path_of(state, storage, layout.shape(storage).levels(), index)
}

/// The lowest `levels` levels of the way from a place of a storage to its root.
pub(super) fn path_of(
    state: &dyn StateReader,
    storage: u8,
    levels: usize,
    index: u32,
) -> Result<NativePath<ARITY>, StateError> {
    let mut position = index;
    let mut families = Vec::new();
    for level in 0..levels {
        position >>= BITS_PER_LEVEL;
        families.push(children(state, storage, level, position)?);
    }
    Ok(NativePath { index: index.into(), children: families })
}

/// Sets leaves of a storage and every node above them, up to `levels` levels.
pub(super) fn update_nodes(
    overlay: &mut Overlay<'_>,
    storage: u8,
    levels: usize,
    leaves: Vec<(u32, Fr)>,
) -> Result<(), StateError> {
    let mut changed = leaves;
    for level in 0..=levels {
        for (index, value) in &changed {
            overlay.put(node_key(storage, level, *index), field::encode(value).to_vec());
        }
        if level == levels {
            break;
        }
        let mut parents: Vec<u32> = changed.iter().map(|(index, _)| index >> BITS_PER_LEVEL).collect();
        parents.sort_unstable();
        parents.dedup();
        let families = parents
            .into_iter()
            .map(|parent| Ok((parent, children(overlay, storage, level, parent)?)))
            .collect::<Result<Vec<_>, StateError>>()?;
        changed = families.into_par_iter().map(|(parent, children)| (parent, hash_node(&children))).collect();
    }
    Ok(())
}

/// The children, at `level`, of the node `parent` one level up.
fn children(
    state: &dyn StateReader,
    storage: u8,
    level: usize,
    parent: u32,
) -> Result<[Fr; ARITY], StateError> {
    let mut values = [Fr::from(0u64); ARITY];
    for (value, child) in values.iter_mut().zip(parent << BITS_PER_LEVEL..) {
        *value = node(state, storage, level, child)?;
    }
    Ok(values)
}

/// A tree node, an empty subtree's hash where nothing was ever written.
pub(super) fn node(state: &dyn StateReader, storage: u8, level: usize, index: u32) -> Result<Fr, StateError> {
    Ok(read_element(state, &node_key(storage, level, index))?.unwrap_or_else(|| empty_subtree(level)))
}

fn node_key(storage: u8, level: usize, index: u32) -> Vec<u8> {
    // Levels are at most `MAX_LEVELS`, far below 256.
    keys::node(storage, level as u8, index)
}

fn read_element(state: &dyn StateReader, key: &[u8]) -> Result<Option<Fr>, StateError> {
    let Some(bytes) = state.get(key)? else { return Ok(None) };
    let element =
        <[u8; field::ENCODED_LEN]>::try_from(bytes.as_slice()).ok().and_then(|b| field::decode(&b).ok());
    element.map(Some).ok_or_else(|| StateError::corrupt(key, "a field element"))
}
