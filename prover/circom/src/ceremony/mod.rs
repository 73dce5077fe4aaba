//! Phase 2 of a set-up: a circuit's key from powers of tau, to which many contribute and of which one honest one is enough.
//!
//! ```text
//!   .r1cs + .ptau ──► InitialKey ──► contribute ──► contribute ──► … ──► beacon ──► the circuit's key
//!                         └────────────────────── verify ──────────────────┘
//!
//!   finish       the key in the prover's own form
//!   verify       whether a key is the outcome of its ceremony
//!   contribute   one step, by a secret or by a beacon
//!   initial      the key that the ceremony starts from
//!   transcript   section 10 of a .zkey: hash chain and proofs of knowledge
//! ```
//! After Bowe, Gabizon and Miers, "Scalable Multi-party Computation for zk-SNARK Parameters in the Random Beacon Model", 2017
//! (<https://eprint.iacr.org/2017/1050>). Files and hashes are snarkjs's: each step may be made, and each key verified, by either program.

mod contribute;
mod finish;
mod initial;
mod transcript;
mod verify;

pub use contribute::{Contributed, MAX_BEACON_BYTES, MAX_NAME_BYTES, beacon, contribute};
pub use finish::proving_key;
pub use initial::InitialKey;
pub use transcript::{Contribution, ContributionError, Transcript, transcript};
pub use verify::{Verified, verify};

pub use crate::contribution::{HASH_BYTES, Hash, Kind, MAX_LOG2_ITERATIONS, MIN_LOG2_ITERATIONS};

use crate::error::FormatError;
use crate::ptau::PtauError;

/// Why a step of a ceremony, or its outcome, is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CeremonyError {
    /// The key is malformed.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The powers of tau.
    #[error("powers of tau: {0}")]
    Ptau(#[from] PtauError),
    /// The key was not made by a ceremony.
    #[error("the key has no transcript of a ceremony (section 10)")]
    NoCeremony,
    /// The transcript belongs to another circuit, or to other powers of tau.
    #[error(
        "the transcript begins with another circuit's hash: it is of another circuit, or over other powers of tau"
    )]
    OtherCircuit,
    /// A contribution is wrong.
    #[error("contribution #{index} ({name:?}): {reason}")]
    Contribution {
        /// Which one, counted from 1, as snarkjs lists them.
        index: usize,
        /// What its maker called himself.
        name: String,
        /// What is wrong.
        reason: ContributionError,
    },
    /// delta is not the transcript's.
    #[error(
        "delta is not the one that the last contribution led to: a contribution after it was dropped, or the key changed"
    )]
    Delta,
    /// A part of the key that does not follow from the circuit and the contributions.
    #[error(
        "section {section} of the key does not follow from the circuit, the powers of tau and the contributions"
    )]
    Changed {
        /// Which part.
        section: &'static str,
    },
    /// A file that is said to be the one a ceremony started from is not.
    #[error(
        "it is not the key that a ceremony over this circuit and these powers of tau starts from: section {section} is another"
    )]
    NotInitial {
        /// Which part.
        section: &'static str,
    },
    /// A name that is too long.
    #[error("a contributor's name has at most {MAX_NAME_BYTES} bytes, this one has {found}")]
    NameLength {
        /// Its bytes.
        found: usize,
    },
    /// A beacon's value that is empty or too long.
    #[error("a beacon's value has 1 to {MAX_BEACON_BYTES} bytes, this one has {found}")]
    BeaconLength {
        /// Its bytes.
        found: usize,
    },
    /// Iterations of a beacon out of range.
    #[error(
        "a beacon is hashed 2^{MIN_LOG2_ITERATIONS} to 2^{MAX_LOG2_ITERATIONS} times, all of a transcript together, not 2^{found}"
    )]
    Iterations {
        /// What was asked for.
        found: u8,
    },
    /// The prover does not take the key.
    #[error("the proving key: {0}")]
    Key(#[from] zkpov_prover::KeyError),
    /// The secret drawn was 0; with probability 2^-254.
    #[error("the secret drawn is 0; try again")]
    ZeroSecret,
}

#[cfg(test)]
mod tests;
