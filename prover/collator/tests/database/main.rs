//! The database under everything a machine can do to it.
//!
//! ```text
//!  chain   a made-up chain, and the model a database is held against
//!  model   random operations: the database does what the model does
//!  faults  every I/O operation fails in turn, every kind of power failure follows
//!  kill    the process is killed at random moments
//!  measure the figures of docs/database.md
//!  files   directories, locks, versions, readers beside the writer
//! ```
//!
//! The long forms are ignored here and run by `scripts/test-crash`.

mod chain;
mod faults;
mod files;
mod kill;
mod measure;
mod model;

#[path = "../support/disk.rs"]
mod disk;
#[path = "../support/kill.rs"]
mod process;
