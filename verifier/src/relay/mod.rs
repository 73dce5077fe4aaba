//! What a block sees of the relay chain.
//!
//! ```text
//!   state     the values that a block reads, typed: queue heads, channels, signals, limits
//!   ──────────────────────────────────────────────────────────────────────────────────────
//!   trie      a value, or its absence, under a storage root          keys    where a value is
//! ```

pub mod keys;
pub mod state;
pub mod trie;

use codec::Encode;

use crate::hashing::Hash;

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
