//! The state as the circuit meets it: record by record, each access with its Merkle opening.

use std::collections::{BTreeMap, VecDeque};

use zkpov_verifier::field::Fr;

use super::{
    layout::{ARITY, Layout, STORAGES, empty_subtree},
    native::{self, path, read_record, update_nodes},
    record::{Record, hash_leaf},
    store::{Overlay, StateError, StateReader},
};
use crate::gadgets::merkle::NativePath;

/// What a circuit is told about one access to a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The record's fields; empty where only a path is needed.
    pub fields: Vec<Fr>,
    /// The way from the place to the storage's root.
    pub path: NativePath<ARITY>,
}

/// What a circuit is told about its accesses to the state, in the order in which it asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Openings {
    /// The opening of each read, and of each place opened again.
    pub opened: VecDeque<Opening>,
    /// The storage's root after each write.
    pub written: VecDeque<Fr>,
}

/// A place of a storage that was opened, to write to.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    index: u32,
    /// Writes to the storage before it was opened.
    version: u64,
}

/// Replays accesses in the circuit's order and records the opening that each needs.
///
/// Mirrors the circuit's state: a read opens a place under the storage's current root, a write that
/// follows with no other write between uses the same path, a later one opens the place again.
///
/// It computes in the field as the circuit does and checks nothing: what it is told to write, it
/// writes. Honest callers check before; dishonest witnesses are made by callers that do not.
#[derive(Debug)]
pub struct Recorder<'a> {
    layout: &'a Layout,
    overlay: Overlay<'a>,
    /// Writes so far, by storage.
    versions: [u64; STORAGES],
    /// Fields of what was written, by storage and index.
    written: BTreeMap<(u8, u32), Vec<Fr>>,
    openings: Openings,
}

impl<'a> Recorder<'a> {
    /// Accesses over `below`.
    pub fn new(layout: &'a Layout, below: &'a dyn StateReader) -> Self {
        Self {
            layout,
            overlay: Overlay::new(below),
            versions: [0; STORAGES],
            written: BTreeMap::new(),
            openings: Openings::default(),
        }
    }

    /// The fields of the record at `index`, all 0 where there is none.
    pub fn read<R: Record>(&mut self, index: u32) -> Result<(Vec<Fr>, Place), StateError> {
        let fields = match self.written.get(&(R::STORAGE, index)) {
            Some(fields) => fields.clone(),
            None => read_record::<R>(&self.overlay, index)?
                .map_or_else(|| vec![Fr::from(0u64); R::FIELDS], |record| record.fields()),
        };
        let place = self.open(R::STORAGE, index, fields.clone())?;
        Ok((fields, place))
    }

    /// Opens a place that should be empty.
    pub fn vacant<R: Record>(&mut self, index: u32) -> Result<Place, StateError> {
        self.open(R::STORAGE, index, Vec::new())
    }

    /// Puts a record with these fields at `place`.
    pub fn write<R: Record>(&mut self, place: Place, fields: Vec<Fr>) -> Result<(), StateError> {
        let Place { index, version } = place;
        if version != self.version(R::STORAGE) {
            self.open(R::STORAGE, index, Vec::new())?;
        }
        let leaf = hash_leaf(&R::leaf_elements(&fields));
        let levels = self.layout.shape(R::STORAGE).levels();
        update_nodes(&mut self.overlay, R::STORAGE, levels, vec![(index, leaf)])?;
        self.written.insert((R::STORAGE, index), fields);
        self.note_root(R::STORAGE)?;
        if let Some(version) = self.versions.get_mut(usize::from(R::STORAGE)) {
            *version += 1;
        }
        Ok(())
    }

    /// The opening of an unused slot, with these fields: nothing holds it to the state.
    pub fn skip<R: Record>(&mut self, index: u32, fields: Vec<Fr>) {
        let levels = self.layout.shape(R::STORAGE).levels();
        let children = (0..levels).map(|level| [empty_subtree(level); ARITY]).collect();
        self.openings
            .opened
            .push_back(Opening { fields, path: NativePath { index: index.into(), children } });
    }

    /// The write of an unused slot: the root stays.
    pub fn skip_write<R: Record>(&mut self) -> Result<(), StateError> {
        self.note_root(R::STORAGE)
    }

    fn note_root(&mut self, storage: u8) -> Result<(), StateError> {
        let roots = self.storage_roots()?;
        self.openings.written.extend(roots.get(usize::from(storage)));
        Ok(())
    }

    /// Takes the record at `index` for one with these fields, whatever the state has there: what a dishonest
    /// prover does.
    #[cfg(test)]
    pub(crate) fn pretend<R: Record>(&mut self, index: u32, fields: Vec<Fr>) {
        self.written.insert((R::STORAGE, index), fields);
    }

    /// A place to write to without opening it.
    #[cfg(test)]
    pub(crate) fn place<R: Record>(&self, index: u32) -> Place {
        Place { index, version: self.version(R::STORAGE) }
    }

    /// The roots of all storages as they are now.
    pub fn storage_roots(&self) -> Result<[Fr; STORAGES], StateError> {
        native::storage_roots(&self.overlay, self.layout)
    }

    /// The openings recorded.
    pub fn into_openings(self) -> Openings {
        self.openings
    }

    fn open(&mut self, storage: u8, index: u32, fields: Vec<Fr>) -> Result<Place, StateError> {
        let path = path(&self.overlay, self.layout, storage, index)?;
        self.openings.opened.push_back(Opening { fields, path });
        Ok(Place { index, version: self.version(storage) })
    }

    fn version(&self, storage: u8) -> u64 {
        self.versions.get(usize::from(storage)).copied().unwrap_or_default()
    }
}
