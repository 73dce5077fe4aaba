//! The collator as a service.
//!
//! ```text
//!                     ┌───────── [`server`]: JSON-RPC ◄── users        [`metrics`] ◄── Prometheus
//!                     ▼                │ reads
//!   extrinsics ──► [`Pool`](crate::pool::Pool)                ▼
//!                     │ ready    the chain's database
//!                     ▼                ▲ commits
//!   relay chain ◄──► [`node`]: follow the relay chain, author when a core is free, offer the block
//!                                      ▲ one thread: what it does is one step after another
//!                    [`runner`]: starts and stops all of it
//! ```

pub mod metrics;
pub mod node;
pub mod runner;
pub mod server;
