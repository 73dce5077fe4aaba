//! What a validator gives to a PVF: polkadot's `ValidationParams`, SCALE-encoded.

use alloc::vec::Vec;

use codec::{Decode, Encode};
use zkpov_verifier::{hashing::Hash, relay::RelayContext};

/// polkadot's `ValidationParams`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Params {
    /// The para's head that the relay chain has.
    pub parent_head: Vec<u8>,
    /// The block data of the candidate's PoV, decompressed.
    pub block_data: Vec<u8>,
    /// Number of the relay parent.
    pub relay_parent_number: u32,
    /// Storage root of the relay parent.
    pub relay_parent_storage_root: Hash,
}

/// polkadot's `ValidationParamsExtension`: follows the parameters of a candidate whose descriptor has version 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Extension {
    /// The two relay blocks that such a descriptor names. The number and the storage root above are the first one's;
    /// the second one chooses core and backers, and no validity proof depends on it.
    #[codec(index = 3)]
    V3 {
        /// The relay parent.
        relay_parent: Hash,
        /// The scheduling parent.
        scheduling_parent: Hash,
    },
}

/// Bytes that are not the parameters of a PVF. Only a validator of another relay chain, or of a later one, gives such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the parameters of a validation function")]
pub struct ParamsError;

impl Params {
    /// Reads the parameters, and what may follow them.
    ///
    /// # Errors
    ///
    /// Bytes that are not exactly parameters with one extension or none.
    pub fn read(mut bytes: &[u8]) -> Result<Self, ParamsError> {
        let params = Self::decode(&mut bytes).map_err(|_| ParamsError)?;
        if !bytes.is_empty() {
            Extension::decode(&mut bytes).map_err(|_| ParamsError)?;
        }
        if bytes.is_empty() { Ok(params) } else { Err(ParamsError) }
    }

    /// The relay parent, as the verifier takes it.
    pub fn relay_context(&self) -> RelayContext {
        RelayContext {
            relay_parent_number: self.relay_parent_number,
            relay_parent_storage_root: self.relay_parent_storage_root,
        }
    }
}
