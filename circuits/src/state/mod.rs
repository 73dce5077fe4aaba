//! A chain's state: records in storages, under one root.
//!
//! ```text
//!                     state root = Poseidon16 over the storages' roots
//!                    /              |                    \
//!   storage 0: accounts      1: parameters  …         15 (absent: 0)
//!   8-ary tree, 8 levels     one record, its
//!   = 2^24 places            leaf is the root
//!
//!            records                  the database                        the circuit
//!   State ──read/write──► Overlay ──get──► StateReader            Recorder ──Openings──► circuit::State
//!     └─commit─► root, ChangeSet                                  (same accesses,        (same accesses,
//!                                                                  same order)            constrained)
//! ```
//!
//! [`State`] is what native code uses: it hashes each touched node once, at the end.
//! [`Recorder`] replays a block access by access, and opens each touched place once, by the same [`OpeningPlan`] as
//! the circuit.
//! Floors, lowest first: `store`, `keys`, `layout`, `value`, `record` and `plan`, `native`, `proof` and `witness`; [`circuit`]
//! is above them, on the gadgets.

pub mod circuit;
pub mod keys;
mod layout;
mod native;
mod plan;
mod proof;
mod record;
mod store;
mod value;
mod witness;

pub use layout::{
    ARITY, BITS_PER_LEVEL, Layout, MAX_LEVELS, STORAGES, Shape, empty_subtree, hash_node, hash_storages,
};
pub use native::{State, path, read_record, state_root, storage_roots};
pub use plan::OpeningPlan;
pub use proof::MerkleProof;
pub use record::Record;
pub use store::{ChangeSet, Overlay, StateError, StateReader};
pub use value::{
    Atoms, Element, Fields, Label, Unsigned, Value, WHOLE, assume_bits, lone, pack, pack_variables,
    packed_widths, take_member, unpack,
};
pub use witness::{Access, Cell, Checkpoint, Multiopening, Openings, PrivateOpening, Recorder, TouchedPlace};

#[cfg(test)]
mod forged;
#[cfg(test)]
mod tests;
