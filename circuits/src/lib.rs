//! Parachain state machines as R1CS.
//!
//! ```text
//!   soundness            tries to cheat a circuit: replaces hints, perturbs variables, removes constraints
//!   gadgets              hash, Merkle path, integers
//!      │
//!   hint  bit            what the prover chooses; bits
//!      │
//!   constraint           what must hold, and what follows
//!      │
//!   linear  namespace    linear combinations; where a variable stands
//!
//!   r1cs                 a circuit's matrices in canonical form, their digest, assignments
//!   keys                 secret keys that sign what the circuits verify (native)
//! ```

pub mod bit;
pub mod constraint;
pub mod gadgets;
pub mod hint;
pub mod keys;
pub mod linear;
pub mod namespace;
pub mod r1cs;
mod seam;
pub mod soundness;
