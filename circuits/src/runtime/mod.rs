//! What every chain has in common.
//!
//! ```text
//!   Chain (a chain's face to collators)
//!     genesis ─► Genesis          execute ─► Execution { body, statement, changes, witness }
//!     apply   ─► Applied          synthesize ─► the circuit of a tier
//! ```
//!
//! A block has lanes of slots, executed lane by lane; `docs/runtime.md` tells how.

pub mod block;
mod chain;
pub mod statement;
pub mod weights;

pub use chain::{
    AccountId, AccountView, Applied, ApplyError, AuthorError, BlockContext, BlockWitness, CallWeight, Chain,
    Execution, ExecutionError, ExtrinsicError, Genesis, Refusal, SpecError, Tier, Token,
};
