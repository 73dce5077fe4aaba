//! Candidate validation of a relay node: proofs are checked in place of re-execution.
//!
//! ```text
//!   backing, approval voting, disputes, PVF checker
//!             │ CandidateValidationMessage
//!             ▼
//!   subsystem ── code is a validity key, and switched on? ── no ──► delegate: the standard subsystem, unchanged
//!             │ yes
//!             ├─ checks::before    descriptor, validation data, PoV, code hash        ┐ what the standard subsystem
//!             ├─ checks::backing   sessions and claim queue, when backing             │ checks outside the executor,
//!             ├─ work              decompress, prepare the key, verify: in batches,   │ in its order
//!             │                    on blocking threads, so many at once               │
//!             ├─ checks::after     para head, commitments, UMP signals                ┘
//!             ▼
//!   Valid, Invalid(reason), or no vote at all
//! ```
//!
//! [`CandidateValidation`] takes the place of the standard `CandidateValidationSubsystem` in an overseer, and contains it: one node
//! serves parachains with validity keys and parachains with wasm.
//!
//! From the ground up: [`config`], [`metrics`], `keys`, `features`, `work`, `checks`, `delegate`, `shadow`, [`subsystem`].
//! [`collation`] is the other side, what a collator gives to the collation-generation subsystem. `docs/relay-node.md` is
//! the operator's page.

mod checks;
pub mod collation;
pub mod config;
mod delegate;
mod features;
mod keys;
pub mod metrics;
mod shadow;
pub mod subsystem;
mod work;

pub use config::{Activation, Config, KillSwitch, Mode};
pub use metrics::Metrics;
pub use subsystem::{CandidateValidation, Delegated};

/// What log lines are filed under.
const LOG_TARGET: &str = "parachain::zkpov-validation";
