//! Parachain state machines as R1CS.
//!
//! ```text
//!   chains               the parachains that ship: pallets and lane sizes
//!      │
//!   pallets              a folder each: state, calls, native code, circuit
//!      │
//!   runtime              what every chain has in common: the Chain trait, lanes, statement, body
//!      │
//!   state                records in storages under one root, natively and in circuit
//!      │
//!   gadgets              hash, Merkle path, integers, signature
//!      │
//!   hint  bit            what the prover chooses; bits
//!      │
//!   constraint           what must hold, and what follows
//!      │
//!   linear  namespace    linear combinations; where a variable stands
//!
//!   soundness            tries to cheat a circuit: replaces hints, perturbs variables, removes constraints
//!   r1cs                 a circuit's matrices in canonical form, their digest, assignments
//!   keys                 secret keys that sign what the circuits verify (native)
//!   integer  decimal     integers inside field elements, and in JSON
//! ```

pub mod bit;
pub mod chains;
pub mod constraint;
pub mod decimal;
pub mod gadgets;
pub mod hint;
pub mod integer;
pub mod keys;
pub mod linear;
pub mod namespace;
pub mod pallets;
pub mod r1cs;
pub mod runtime;
mod seam;
pub mod soundness;
pub mod state;

#[doc(hidden)]
pub use {
    ark_bn254::Fr,
    ark_r1cs_std::fields::fp::FpVar,
    ark_relations::gr1cs::{ConstraintSystemRef, Result as SynthesisResult, SynthesisError},
    codec, serde_json,
};
