//! What the benches measure: blocks of a real chain, with real keys and proofs.
//!
//! ```text
//!   benches/validation   checking a block: the proof, or executing it again      (criterion)
//!   bin/figures          circuit size, set-up, proving, checking, for every tier (README, docs/images)
//!          └──────────── ProvenSample: a chain, its keys and one full block
//!   benches/prover       the prover's layers: field, transforms, multi-scalar multiplication, proof   (criterion)
//!   bin/compare          this prover beside others: proof, set-up, each kernel
//!          └──────────── Chain: the circuit that is proven
//! ```

mod chain;
mod sample;

pub use chain::Chain;
pub use sample::ProvenSample;
