//! The circom world's files, in and out of the prover, and the ceremonies that make its keys.
//!
//! ```text
//!   .circom ──circom──► .r1cs ─┐
//!                              ├─► .zkey ─────────────┐
//!   .ptau (powers of tau) ─────┘     │                ├─► prove ─► proof.json, public.json ─┐
//!                                    ├─► .wtns ───────┘                                     ├─► verify
//!                                    └─► verification_key.json ─────────────────────────────┘
//!
//!   floors, each using only those below it:
//!     ceremony   prove
//!     ptau
//!     r1cs   wtns   zkey   json
//!     contribution        what the contributions to both phases share
//!     bytes  container    random: elements and points from a seed
//!     error
//! ```
//!
//! What these parsers read, nobody vouches for: memory is bounded by the file's length, every number is in its canonical form, every
//! point on its curve, and an error says what is wrong where. Formats are snarkjs's, learnt from its files and documentation.

mod bytes;
pub mod ceremony;
mod container;
mod contribution;
mod error;
pub mod json;
#[cfg(test)]
mod malformed_tests;
mod prove;
mod ptau;
pub mod r1cs;
mod random;
#[cfg(test)]
mod testing;
pub mod wtns;
mod zkey;

pub use error::FormatError;
pub use prove::{ProveError, prove, prove_with_randomness};
pub use ptau::{PowersContribution, PowersContributionError, Ptau, PtauError, Secret};
pub use zkey::{Header, Zkey};
