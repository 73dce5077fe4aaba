//! The collator and its program on the smallest circuit, with real proofs.
//!
//! ```text
//!  stage    the people, chains and keys of the tests; the keys are made once
//!  path     the library: author, import, roll back, author again
//!  messages two chains exchange tokens through a relay chain that only routes bytes
//!  upgrade  a council's upgrade, and the key that comes after
//!  program  the program: exit codes, JSON, errors that teach
//!  fixture  a block that was proven once, under version control
//!  kill     the program is killed at random moments while it authors
//! ```
//!
//! The long forms are ignored here and run by `scripts/test-crash`.

mod fixture;
mod kill;
mod messages;
mod path;
mod program;
mod stage;
mod upgrade;

#[path = "../support/kill.rs"]
mod process;
