//! What goes into the database and comes out of it.

use codec::{Decode, Encode};

/// What a chain starts from; kept for ever.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Genesis {
    /// Name of the state machine, as `zkpov genesis --chain` takes it.
    pub chain: String,
    /// The parachain's id on the relay chain.
    pub para_id: u32,
    /// Hash of the genesis head.
    pub hash: [u8; 32],
    /// The genesis head, encoded.
    pub head: Vec<u8>,
    /// The chain spec, JSON as it was given.
    pub spec: Vec<u8>,
}

/// A block and all that a collator keeps about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRecord {
    /// Height; genesis is 0.
    pub number: u32,
    /// Hash of `head`, which identifies the block.
    pub hash: [u8; 32],
    /// Hash of the parent's head.
    pub parent_hash: [u8; 32],
    /// The head data, encoded.
    pub head: Vec<u8>,
    /// The proven block as submitted; empty for genesis.
    pub pov: Vec<u8>,
    /// The relay context the block was made or checked under, encoded by the caller; empty for genesis.
    pub relay: Vec<u8>,
    /// The signed extrinsics in it, in order, to be offered again after a rollback; dropped (empty) once
    /// the block is final, and empty in a block imported from another collator.
    pub extrinsics: Vec<Vec<u8>>,
    /// Digest of what this collator was asked to author, so that the same request finds the same block
    /// ([`ReadDatabase::block_by_input`](super::ReadDatabase::block_by_input)); `None` in an imported block.
    pub input_digest: Option<[u8; 32]>,
}
