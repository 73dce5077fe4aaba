//! The byte hash of every format: blake2b-256, as in the relay chain.

use blake2::{Blake2b256, Digest};

/// Length of a blake2b-256 hash in bytes.
pub const HASH_BYTES: usize = 32;

/// A blake2b-256 hash.
pub type Hash = [u8; HASH_BYTES];

/// blake2b with a 32-byte output and no key (RFC 7693), the hash the relay chain uses for heads,
/// code and proofs of validity.
pub fn blake2b_256(bytes: &[u8]) -> Hash {
    Blake2b256::digest(bytes).into()
}
