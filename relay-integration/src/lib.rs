//! polkadot's own types on one side, the verifier on the other.
//!
//! ```text
//!   ValidationParams ──┬─ parent_head ───────────────► parent head ───┐
//!                      ├─ relay_parent_number ───┬───► RelayContext ──┤
//!                      ├─ relay_parent_storage_root ─┘                ├─► validate_block ─► Transition
//!                      └─ block_data ────────────────► proven block ──┤                        │
//!   ValidationCode ── registered for the para ───────► PreparedKey ───┘                        │
//!                                                                                              ▼
//!   ValidationResult ◄── every field, within the limits of polkadot's bounded vectors ─────────┘
//! ```
//!
//! A parachain registers its *validity key* as its validation code. Where a validator would have
//! compiled and run that code, it calls [`validate()`], which takes what the code would have been
//! given and returns what the code would have returned. [`is_validity_key`] tells the two kinds of
//! code apart.
//!
//! - [`params`](mod@params): what goes in;
//! - [`result`](mod@result): what comes out;
//! - [`validate`](mod@validate): the two around the verifier.
//!
//! What a validator checks *beside* the execution of the code (descriptor against persisted data, PoV
//! hash and size, code hash, that the key's para id is the descriptor's) is not here.

pub mod params;
pub mod result;
pub mod validate;

pub use result::{LimitExceeded, validation_result};
pub use validate::{Invalid, is_validity_key, prepare, validate, validate_prepared};
