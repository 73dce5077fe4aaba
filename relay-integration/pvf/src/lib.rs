//! The verifier as a parachain validation function (PVF), for relay chains that nobody changed.
//!
//! ```text
//!   zkpov_relay_pvf.wasm ──┐
//!   (built once)           ├─ embed ──► the para's validation code: the same bytes, in the slot its key and what
//!   validity key ──────────┘                                │           is computed of a key once
//!                                                           ▼ a validator prepares and executes it
//!   ValidationParams ── params ──► validate_block (zkpov-verifier) ── result ──► ValidationResult
//! ```
//!
//! - [`slot`]: the place in the wasm where the validity key stands, and how to fill, read and check it;
//! - [`params`]: what a validator gives, as bytes;
//! - [`result`](mod@result): what it expects, as bytes;
//! - [`validate`](mod@validate): the two around the verifier;
//! - `host`: what the executor gives, with allocator and panic handler; wasm alone;
//! - `entry`: the exported `validate_block`; wasm alone.
//!
//! The wasm is the same for all parachains but for the bytes of its slot: who launches a chain needs no compiler,
//! and whoever audits one PVF has audited all of them: [`slot::template_of`] empties the slot again.
//!
//! Nothing of polkadot's is linked: its two structs are read and written in [`params`] and [`result`](mod@result), and the tests hold
//! them equal to polkadot's own. So this crate is not under the GPL, and compiles without C.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
mod entry;
#[cfg(target_arch = "wasm32")]
mod host;
pub mod params;
pub mod result;
pub mod slot;
pub mod validate;

pub use slot::{Contents, SlotError, check, embed, embedded_key};
pub use validate::{Invalid, validate, validate_embedded};
