//! What a proof replaces: a block of `payments` that carries its witness, and a validator that executes it again. For measuring alone:
//! no parachain is registered with it.
//!
//! ```text
//!   PoV = Block ─┬─ touched records ┐
//!                ├─ nodes beside    ┴► the parent's state root? ──► signatures, nonces, balances ──► new state root ──► head
//!                └─ transfers, signed
//! ```
//!
//! - [`block`]: the PoV, and why one is refused;
//! - [`tree`]: a tree's root from some leaves and the nodes beside their paths, each node once;
//! - [`execute`](mod@execute): the block executed, natively or as wasm;
//! - `entry`: the exported `validate_block`; wasm alone.
//!
//! The chain's own native code (`zkpov-circuits`) needs the standard library: threads, JSON, constraint systems and the trees' maps are all in the crate that
//! the state machine is in. So the transfers are written a second time here, on the verifier's own hashes and signatures; the table's program holds the
//! state roots of both, and of the proven block, equal.
//!
//! What a validator checks beside it is left out, in favour of this side: the author's seal, messages, fees' bounds of the whole block.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

pub mod block;
#[cfg(target_arch = "wasm32")]
mod entry;
pub mod execute;
#[cfg(target_arch = "wasm32")]
#[path = "../../pvf/src/host.rs"]
mod host;
pub mod tree;

pub use block::{Block, Invalid};
pub use execute::{execute, validate};
