//! A chain's database: the state, the blocks, and the history to go back to any block that is not final.
//!
//! ```text
//!    commit(block, changes)        finalize(n)              rollback_to(n)
//!            │                          │                          │
//!  ┌─────────▼──────────────────────────▼──────────────────────────▼────────┐
//!  │ blocks   0 ─ 1 ─ … ─ n ────────── n+1 ─────── … ─────────── tip        │  one transaction each:
//!  │          ◄── final ──►◄──── undo log and extrinsics kept ────►         │  all of it or nothing,
//!  │ state    after the tip                                                 │  durable on return
//!  │ pending  extrinsics of undone blocks, until a block holds them again   │
//!  └─────────────────────────────────────┬──────────────────────────────────┘
//!                                        │ redb: copy-on-write pages, two-phase commit
//!                                   chain.redb ──► any number of [`Reader`]s beside the one [`Database`]
//! ```
//!
//! The state is an ordered space of byte keys that the state machine defines
//! ([`zkpov_circuits::state`]); nothing here looks into keys, heads or proven blocks. `docs/database.md`
//! describes the file, what is durable when, and how it recovers.
//!
//! From the ground up: `error`, `records`, `tables` (what is on disk), `directory` (files and the writer's
//! lock), `store`, `read`, `handle` (for other threads, and the pool's extrinsics), `verify`, `write`.

mod directory;
mod error;
mod handle;
mod read;
mod records;
mod store;
mod tables;
mod verify;
mod write;

pub use error::DbError;
pub use handle::{Handle, PooledRow};
pub use read::{Entry, ReadDatabase, Snapshot, State};
pub use records::{BlockRecord, Genesis};
pub use write::{Database, Reader};
