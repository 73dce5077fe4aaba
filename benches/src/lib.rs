//! What the benches measure: blocks of a real chain, with real keys and proofs.
//!
//! ```text
//!   benches/validation   checking a block: the proof, or executing it again      (criterion)
//!   bin/figures          circuit size, set-up, proving, checking, for every tier (README, docs/images)
//!          └──────────── ProvenSample: a chain, its keys and one full block
//! ```

mod sample;

pub use sample::ProvenSample;
