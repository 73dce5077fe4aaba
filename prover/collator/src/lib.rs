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
//! Here circuits, prover and verifier meet. [`Collator`] is the whole of it as a library; the program
//! `zkpov` is a thin command line over it.
//!
//! From the ground up: `files`, `paths`, `relay_file`, `messages`, `extrinsics`, `key_file`, `spec`, `circuit`, `db`,
//! `chain`, `setup`, `ceremony`, `export`, `keystore`, `author`, `import`, `witness_pov`, `collator`, `scene`, `sample`.

pub mod author;
pub mod ceremony;
pub mod chain;
pub mod circuit;
mod collator;
pub mod db;
pub mod export;
pub mod extrinsics;
pub mod files;
pub mod import;
pub mod key_file;
pub mod keystore;
pub mod messages;
pub mod paths;
pub mod relay_file;
pub mod sample;
pub mod scene;
pub mod setup;
pub mod spec;
pub mod validity;
pub mod witness_pov;

pub use collator::{Collator, CreateError};
