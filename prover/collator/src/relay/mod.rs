//! The relay chain: what a collator needs of it, and one that runs on this machine.
//!
//! ```text
//!   [`rpc`]      the same over JSON-RPC: a server around a local relay, a client that is a [`Relay`]
//!   [`shared`]   a local relay that several threads use, as a [`Relay`]
//!   [`local`]    blocks, forks, finality: a tree of states, candidates backed and included
//!   ────────────────────────────────────────────────────────────────────────────────────────
//!   [`event`]    what a person who watches wants to know
//!   [`coretime`] cores, leases, orders, what they cost          [`candidate`]  a validator's check
//!   ────────────────────────────────────────────────────────────────────────────────────────
//!   [`interface`] the trait [`Relay`] and its types             [`header`]     relay blocks' headers
//! ```
//!
//! The local relay decides as the real one does: a candidate is checked by `validate_block` under the validity key that is
//! registered, needs a core that was paid for, is backed in one relay block and included in a later one, goes when its fork
//! goes, and is final when its relay block is. Queues and storage have the real layout
//! ([`zkpov_verifier::simulation`]). What it does not have: validators' votes and signatures, sessions, disputes, fees in
//! DOT beyond coretime.

pub mod candidate;
pub mod coretime;
pub mod event;
pub mod header;
pub mod interface;
pub mod local;
pub mod rpc;
pub mod shared;

pub use interface::{Relay, RelayError};
