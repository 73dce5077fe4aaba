//! Parachain state machines as R1CS.

pub mod bit;
pub mod constraint;
pub mod gadgets;
pub mod hint;
pub mod linear;
pub mod namespace;
pub mod r1cs;
mod seam;
pub mod soundness;
