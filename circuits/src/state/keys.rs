//! The flat keys under which a state is kept.
//!
//! | key | value |
//! |---|---|
//! | `r` storage u8, index u32 BE | SCALE of the record |
//! | `n` storage u8, level u8, index u32 BE | a tree node, 32 bytes little-endian; level 0 is the leaves |
//! | `x/`... | derived, not under the state root: indices and counters that a pallet keeps for itself |
//! | `root` | the state root, 32 bytes little-endian |

/// Key of the state root.
pub const ROOT: &[u8] = b"root";

/// Prefix of derived values that no root covers.
pub const AUXILIARY: &[u8] = b"x/";

/// Key of a record.
pub fn record(storage: u8, index: u32) -> Vec<u8> {
    let mut key = vec![b'r', storage];
    key.extend_from_slice(&index.to_be_bytes());
    key
}

/// Key of a tree node: `level` 0 is the leaves.
pub fn node(storage: u8, level: u8, index: u32) -> Vec<u8> {
    let mut key = vec![b'n', storage, level];
    key.extend_from_slice(&index.to_be_bytes());
    key
}

/// Key of a derived value.
pub fn auxiliary(name: &[u8]) -> Vec<u8> {
    [AUXILIARY, name].concat()
}

/// Name of the derived value that tells the lowest place of a storage that was never taken.
pub fn next_place(storage: u8) -> Vec<u8> {
    vec![b'n', b'e', b'x', b't', b'/', storage]
}
