//! Where state is kept: the reading interface that a database implements, and sets of changes over it.

use std::collections::BTreeMap;

/// Why a state could not be read. A state that was written by this crate and kept by a sound
/// database never gives one of the last two.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The database below refused.
    #[error("the state database could not be read: {0}")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A value does not decode.
    #[error("the state database is damaged: the value under key 0x{key} is not {expected}")]
    Corrupt {
        /// The key, in hexadecimal.
        key: String,
        /// What the value should have been.
        expected: &'static str,
    },
    /// A value that every initialised state holds is absent.
    #[error("the state database holds no {what}: run `zkpov genesis` first")]
    Missing {
        /// What is absent.
        what: &'static str,
    },
    /// A block touched more places of a storage than its circuit opens.
    #[error("the block touches {touched} places of storage {storage}, and its circuit opens {places}")]
    TooManyPlaces {
        /// The storage.
        storage: u8,
        /// Places touched.
        touched: usize,
        /// Places that the circuit opens.
        places: usize,
    },
}

impl StateError {
    /// The value under `key` is not what it should be.
    pub fn corrupt(key: &[u8], expected: &'static str) -> Self {
        Self::Corrupt { key: hex::encode(key), expected }
    }
}

/// Read access to a chain's state, as flat keys and values (see [`keys`](super::keys)).
pub trait StateReader {
    /// The value under `key`, `None` where there is none.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError>;
}

impl<R: StateReader + ?Sized> StateReader for &R {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        (**self).get(key)
    }
}

/// What a block changes: the new value of each key, `None` for a removed one.
///
/// As a [`StateReader`] it is the state that holds these values and nothing else, which is what a
/// genesis is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet(pub BTreeMap<Vec<u8>, Option<Vec<u8>>>);

impl ChangeSet {
    /// Sets `key` to `value`.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.insert(key, Some(value));
    }

    /// Lays `later` over these changes.
    pub fn extend(&mut self, later: ChangeSet) {
        self.0.extend(later.0);
    }
}

impl StateReader for ChangeSet {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.0.get(key).cloned().flatten())
    }
}

/// A state with changes laid over it, itself readable.
pub struct Overlay<'a> {
    below: &'a dyn StateReader,
    changes: ChangeSet,
}

impl core::fmt::Debug for Overlay<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Overlay").field("changes", &self.changes.0.len()).finish_non_exhaustive()
    }
}

impl<'a> Overlay<'a> {
    /// No changes over `below`.
    pub fn new(below: &'a dyn StateReader) -> Self {
        Self::with_changes(below, ChangeSet::default())
    }

    /// `changes` over `below`.
    pub fn with_changes(below: &'a dyn StateReader, changes: ChangeSet) -> Self {
        Self { below, changes }
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.changes.put(key, value);
    }

    /// Removes `key`.
    pub fn remove(&mut self, key: Vec<u8>) {
        self.changes.0.insert(key, None);
    }

    /// The changes so far.
    pub fn changes(&self) -> &ChangeSet {
        &self.changes
    }

    /// The changes, without the state below them.
    pub fn into_changes(self) -> ChangeSet {
        self.changes
    }
}

impl StateReader for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        match self.changes.0.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.below.get(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_shows_its_changes_and_what_lies_below() {
        let mut below = ChangeSet::default();
        below.put(b"a".to_vec(), vec![1]);
        below.put(b"b".to_vec(), vec![2]);
        let mut overlay = Overlay::new(&below);
        overlay.put(b"a".to_vec(), vec![3]);
        overlay.remove(b"b".to_vec());
        overlay.put(b"c".to_vec(), vec![4]);
        let read = |key: &[u8]| overlay.get(key).expect("memory never fails");
        assert_eq!(read(b"a"), Some(vec![3]));
        assert_eq!(read(b"b"), None);
        assert_eq!(read(b"c"), Some(vec![4]));
        assert_eq!(below.get(b"b").expect("memory never fails"), Some(vec![2]));
    }
}
