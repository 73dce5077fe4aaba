//! The collator and its program on the smallest circuit, with real proofs.
//!
//! ```text
//!  stage    the people, chains and keys of the tests; the keys are made once
//!  path     the library: author, import, roll back, author again
//!  upgrade  a council's upgrade, and the key that comes after
//!  messages two chains exchange tokens through a relay chain that only routes bytes, block by block
//!  within   what of the messages that wait one block takes
//!  relayed  the same by themselves, as services: through the channels of a relay chain that forks
//!  program  the program: exit codes, JSON, errors that teach
//!  fixture  a block that was proven once, under version control
//!  kill     the program is killed at random moments while it authors
//!  private  a private chain's collators: secrets wrapped, the key changed
//!  pool     extrinsics that wait: what is taken, in which order, how many, and that none is lost
//!  following  collators and a relay chain in one process: cores, forks, finality, archives
//!  story    what `zkpov relay` and `zkpov demo --messages` tell, twice the same
//!  service  relay chain and collator as processes: JSON-RPC, kills, malformed requests
//! ```
//!
//! The long forms are ignored here and run by `scripts/test-crash`.

mod fixture;
mod following;
mod kill;
mod messages;
mod path;
mod pool;
mod private;
mod program;
mod relayed;
mod service;
mod stage;
mod story;
mod upgrade;
mod within;

#[path = "../support/kill.rs"]
mod process;
