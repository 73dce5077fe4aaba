//! What a block sees of the relay chain.

use alloc::vec::Vec;

use codec::Encode;

use crate::feature::{Feature, Unsupported};
use crate::hashing::Hash;
use crate::statement::RelayValue;

/// The relay block a candidate is validated against, as the relay chain gives it to a validator
/// (polkadot's `PersistedValidationData`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode)]
pub struct RelayContext {
    /// Number of the relay parent.
    pub relay_parent_number: u32,
    /// Storage root of the relay parent. It matters to a block only through the values the block
    /// reads under it: a block that reads none is valid on any fork of the same height.
    pub relay_parent_storage_root: Hash,
}

impl RelayContext {
    /// The values that `storage_proof` proves under the storage root, in the order a block reads
    /// them. Blocks read none yet.
    ///
    /// # Errors
    ///
    /// Any storage proof.
    pub fn values(&self, storage_proof: &[Vec<u8>]) -> Result<Vec<RelayValue>, Unsupported> {
        match storage_proof {
            [] => Ok(Vec::new()),
            _ => Err(Unsupported(Feature::StorageProof)),
        }
    }
}
