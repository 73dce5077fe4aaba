//! Checks the validity proof of a parachain block.
//!
//! ```text
//!   validate                         validate_block: is this candidate valid?
//!   ───────────────────────────────────────────────────────────────────────────────
//!   block            key             the two files: proven block, validity key
//!   ───────────────────────────────────────────────────────────────────────────────
//!   exchange         body            messages and upgrades, authenticated; the calls of a block
//!   queue  xcm       relay           what the relay chain commits to; messages as bytes
//!   transfer         message         records of a circuit; lists of messages
//!   head     statement               what the relay chain stores; what a proof proves
//!   ───────────────────────────────────────────────────────────────────────────────
//!   groth16          lane  signal    the argument; the shape of a block; what a candidate says of itself
//!   scale                            strict decoding
//!   ───────────────────────────────────────────────────────────────────────────────
//!   eddsa ─ babyjubjub               the author's signature
//!   poseidon  field  hashing         hashes and the field
//! ```
//!
//! A file uses files on its own floor and below. Beside the house, each behind a feature: `simulation` is a relay chain's
//! queues and state for a development relay, `testing` makes blocks with a set-up whose secret is known.
//!
//! `no_std`, no `unsafe`, and no panic on bytes that nobody vouches for: the same function runs
//! in a relay node, in a runtime and as a PVF. `docs/formats.md` has every format byte by byte,
//! `docs/statement.md` what a proof proves, `docs/security.md` which check stops which attack.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod babyjubjub;
pub mod block;
pub mod body;
pub mod eddsa;
pub mod exchange;
pub mod field;
pub mod groth16;
pub mod hashing;
pub mod head;
pub mod key;
pub mod lane;
pub mod message;
pub mod poseidon;
pub mod queue;
pub mod relay;
pub mod scale;
pub mod signal;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
pub mod statement;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod transfer;
pub mod validate;
pub mod xcm;
