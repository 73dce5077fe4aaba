//! The state machine's view of the state: an ordered space of byte keys and values.

use std::collections::BTreeMap;

/// Why a state read failed.
#[derive(Debug, thiserror::Error)]
#[error("the state cannot be read: {0}")]
pub struct StateError(pub String);

/// Read access to the state after some block.
pub trait StateReader {
    /// The value under `key`, if there is one.
    ///
    /// # Errors
    /// When the storage behind the state fails.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError>;
}

/// What a block does to the state: the new value of each key it touches, `None` for a deleted key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet(pub BTreeMap<Vec<u8>, Option<Vec<u8>>>);
