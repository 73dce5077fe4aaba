//! What every chain has in common.
//!
//! ```text
//!   Chain (a chain's face to collators)
//!     genesis ─► Genesis          execute ─► Execution { body, statement, changes, witness }
//!     apply   ─► Applied          synthesize ─► the circuit of a tier
//!       ▲
//!   Composition   pallets ── kinds of call ── lanes ── tiers
//!     ├── select      which extrinsics a block takes
//!     ├── block       the block: in a circuit, and natively on constants
//!     │     └── slot  what a call sees
//!     │           ├── messages  what is taken from other chains and sent
//!     │           └── register  single records that a block keeps in variables
//!     ├── extrinsic   what users sign           spec   chain specs
//!     ├── universal   any call of any pallet in one slot
//!     ├── lane        any call behind one interface
//!     ├── authors     who authors when
//!     ├── account     accounts, parameters
//!     └── vault       which key a private chain is encrypted under, and the next
//!           └── privacy     bodies of private chains, encrypted
//!       ▲
//!   Pallet, Call, Inherent (what a pallet's author writes)
//! ```
//!
//! A block has lanes of slots, executed lane by lane; `docs/runtime.md` tells how.

pub mod account;
pub mod authors;
mod block;
mod call;
mod chain;
mod composition;
pub mod extrinsic;
mod lane;
pub mod messages;
mod pallet;
pub mod privacy;
mod register;
mod select;
mod slot;
mod spec;
pub mod statement;
mod universal;
pub mod vault;
pub mod weights;

pub use account::{ACCOUNTS, Account, AccountIndex, AccountVar, PARAMETERS, Parameters, ParametersVar};
pub use authors::{AUTHORS, Authors, AuthorsVar, SEATS, Seat};
pub use call::{Call, Executed, Idle, IdleContext, Inherent, Unfit, View};
pub use chain::{
    AccountId, AccountView, Applied, ApplyError, AuthorError, BlockContext, BlockWitness, CallWeight, Chain,
    CheckedExtrinsic, Execution, ExecutionError, ExtrinsicError, Genesis, KeysError, Refusal, SpecError,
    Tier, Token,
};
pub use composition::{ACCOUNT_LEVELS, Composition, Settings};
pub use extrinsic::{Extrinsic, Header, chain_tag};
pub use messages::{Arrived, Messages, Outgoing};
pub use pallet::{CallKind, GenesisState, Pallet};
pub use slot::{Private, Slot};
pub use spec::{Spec, issuance};
#[cfg(test)]
pub(crate) use {
    block::{SlotWitness, Witness},
    composition::testing,
};
