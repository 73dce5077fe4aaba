//! What a collator runs.
//!
//! ```text
//!   extrinsics ─► [`extrinsics`] ─┐                                       ┌─► proven block, head
//!   relay file ─► [`relay_file`] ─┤             [`Collator`]              │
//!   author key ─► [`key_file`] ───┼─► author: execute, prove, sign, ──────┤
//!   keys ───────► [`keystore`] ───┘           verify, commit ── [`db`] ◄──┘
//!                                                                ▲
//!   proven block of another collator ─► import: verify, apply, commit
//!
//!   [`messages`] between a relay file and an execution, an execution and a block
//!
//!   [`setup`] makes keys           [`witness_pov`] is what a proof replaces, [`scene`] people with accounts,
//!                                  [`sample`] a block of theirs: for demonstrations and measurements
//! ```
//!
//! Above that, what runs by itself:
//!
//! ```text
//!   users ──JSON-RPC──► [`service`] ── [`pool`] ── [`Collator`]
//!                            └── follows, and offers blocks to, a [`relay::Relay`]: one on this machine is in [`relay`]
//! ```
//!
//! Here circuits, prover and verifier meet. [`Collator`] is the whole of it as a library; the program
//! `zkpov` is a thin command line over it.
//!
//! From the ground up: `files`, `written`, `paths`, `relay_file`, `messages`, `extrinsics`, `key_file`, `secrets`, `chain_keys`, `wrapping`, `spec`, `circuit`, `db`,
//! `chain`, `setup`, `ceremony`, `export`, `keystore`, `author`, `import`, `witness_pov`, `collator`, `scene`, `sample`;
//! `relay`, `pool`, `service`, `devnet`.

pub mod author;
pub mod ceremony;
pub mod chain;
pub mod chain_keys;
pub mod circuit;
mod collator;
pub mod db;
pub mod devnet;
pub mod export;
pub mod extrinsics;
pub mod files;
pub mod import;
pub mod key_file;
pub mod keystore;
pub mod messages;
pub mod paths;
pub mod pool;
pub mod relay;
pub mod relay_file;
pub mod sample;
pub mod scene;
pub mod secrets;
pub mod service;
pub mod setup;
pub mod spec;
pub mod validity;
pub mod witness_pov;
pub mod wrapping;
mod written;

pub use collator::{Collator, CreateError};
