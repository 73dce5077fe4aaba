//! Groth16 over BN254 for any R1CS: set-up, memory-mapped keys, proving, self-verification.
//!
//! ```text
//!                R1cs ──► setup ──► ProvingKey ◄──► key file (mapped, checksummed)
//!                                      │  └──────► VerifyingKey ──┐
//!   assignment (1, inputs, witness) ──► prove ──────► Proof ──► verify
//!
//!   floors, each using only those below it:
//!     prove   setup   import
//!     backend
//!     gpu     (with the feature `gpu`)
//!     key     mapped   engine   (the last two: doors for programs that bring keys of other formats)
//!     proof   qap   msm   subgroup   fixed_base
//!     transform   curve
//!     r1cs    device   encoding   progress   vector
//! ```
//!
//! One convention throughout, snarkjs's: gamma = 1, the standard generators, H on the odd points ([`qap`](OddCosetReduction)). With
//! the same secrets and randomness, proofs have the same bytes as ark-groth16's.
//!
//! ```
//! use ark_bn254::Fr;
//! use zkpov_prover::{Options, ProvingKey, R1cs, prove, setup, verify};
//!
//! // "I know x with x · x · x = y": variables 1, y (public), x, x · x (witness); two constraints.
//! let (one, y, x, square) = (Fr::from(1u64), 1, 2, 3);
//! let a = [vec![(one, x)], vec![(one, square)]];
//! let b = [vec![(one, x)], vec![(one, x)]];
//! let c = [vec![(one, square)], vec![(one, y)]];
//! let circuit = R1cs::from_rows(2, 2, [&a, &b, &c])?;
//!
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("cube.key");
//! setup(&circuit, [0; 32], &Options::default())?.write(&path)?;
//!
//! let key = ProvingKey::open(&path)?;
//! let assignment = [1u64, 27, 3, 9].map(Fr::from);
//! let proof = prove(&key, &assignment, &Options::default())?;
//! verify(key.verifying_key(), &assignment[1..2], &proof)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backend;
mod curve;
pub mod device;
pub mod encoding;
pub mod engine;
mod fixed_base;
#[cfg(feature = "gpu")]
pub mod gpu;
mod import;
#[cfg(feature = "bench")]
pub mod kernels;
mod key;
pub mod mapped;
mod msm;
pub mod progress;
mod proof;
mod prove;
mod qap;
pub mod r1cs;
mod setup;
mod subgroup;
mod transform;
#[allow(
    dead_code,
    unused_imports,
    reason = "the tests and the microbench use operations that no kernel does"
)]
mod vector;

pub use backend::{Backend, Ran};
pub use import::KeyPoints;
pub use key::{KeyError, ProvingKey, Section};
pub use progress::{Options, Progress};
pub use proof::{PROOF_BYTES, Proof, ProofEncodingError, VerifyError, VerifyingKey, verify};
pub use prove::{ProveError, Proved, prove, prove_on, prove_on_with_randomness, prove_with_randomness};
pub use qap::OddCosetReduction;
pub use r1cs::{R1cs, R1csError, SparseMatrix};
pub use setup::{SetupError, ToxicWaste, setup, setup_with_toxic_waste};
pub use vector::{VectorsError, vectors};
