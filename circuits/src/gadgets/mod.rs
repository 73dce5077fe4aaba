//! The building blocks of pallets: each a gadget whose native twin computes the same.
//!
//! ```text
//!   samples                           an instance of each, for tests and tables
//!      │
//!   merkle     eddsa     bucket       paths of hashes; signatures; sets
//!      │       │    │
//!      │       │  babyjubjub          points and their multiples
//!      │       │    │
//!      │          natural             products and quotients beyond the field
//!      │            │
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
//! | set in buckets: place / insertion into 8 entries | 308 / 9 |
//! | Quotient of a 256-bit product by 128 bits | 330 |
//! | Merkle level, 4-ary, read / update | 300 / 600, and 2 for the index bits |

pub mod babyjubjub;
pub mod bucket;
pub mod eddsa;
pub mod merkle;
pub mod natural;
pub mod poseidon;
pub mod range;
pub mod samples;
