//! Headers of relay blocks: Substrate's, with an empty digest.

use codec::{Compact, Encode};
use serde::{Deserialize, Serialize};
use zkpov_verifier::hashing::blake2b_256;

use super::interface::hex_array;

/// The header of a relay block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RelayHeader {
    /// Hash of the block before.
    #[serde(with = "hex_array")]
    pub parent_hash: [u8; 32],
    /// Height.
    pub number: u32,
    /// Root of the state after the block.
    #[serde(with = "hex_array")]
    pub state_root: [u8; 32],
    /// Root of what is in the block.
    #[serde(with = "hex_array")]
    pub extrinsics_root: [u8; 32],
}

impl RelayHeader {
    /// The block's hash: blake2b-256 of the SCALE encoding.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let no_digest = Compact(0u32);
        let parts =
            (self.parent_hash, Compact(self.number), self.state_root, self.extrinsics_root, no_digest);
        blake2b_256(&parts.encode())
    }
}
