//! A relay chain's queues and state, simulated: what a development relay and tests run blocks against.
//!
//! ```text
//!   SimulatedRelay   queues of messages, limits, signals; takes and carries what blocks take and send
//!     └── Trie       their state trie, under the keys and in the encoding of a real relay chain
//! ```
//!
//! Nothing here is part of checking a block.

pub mod relay;
pub mod trie;
