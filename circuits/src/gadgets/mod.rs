//! The building blocks of pallets: each a gadget whose native twin computes the same.
//!
//! ```text
//!   samples                           an instance of each, for tests and tables
//!      │
//!   merkle     eddsa                  paths of hashes; signatures
//!      │       │    │
//!      │       │  babyjubjub          points and their multiples
//!      │       │    │
//!   poseidon ──┘  range               hash; integers, comparisons
//!      │            │
//!   crate::{bit, hint, constraint}    the seams
//! ```
//!
//! | gadget | constraints |
//! |---|---|
//! | Poseidon of 2 / 4 / 8 inputs | 240 / 297 / 402 |
//! | Merkle level, 8-ary, read / update | 409 / 818, and 3 for the index bits |
//! | EdDSA verification / key of a new account | 3008 / 21 |
//! | Merkle level, 4-ary, read / update | 300 / 600, and 2 for the index bits |

pub mod babyjubjub;
pub mod eddsa;
pub mod merkle;
pub mod poseidon;
pub mod range;
pub mod samples;
