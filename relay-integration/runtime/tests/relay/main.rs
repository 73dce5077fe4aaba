//! Parachains of zkpov on the pallets of a relay chain.
//!
//! ```text
//!   tests         onboarding   coretime   messages   upgrade   reverts   day
//!   ────────────────────────────────────────────────────────────────────
//!   town          a relay chain with its validators, one branch of it        market   the Coretime chain
//!   parachain     a collator of a shipped chain with database and keys; it proves
//!   validators    judge a candidate with zkpov's validation, sign, vote      circuits the parachains' keys
//!   view          what a collator sees of the relay chain
//!   chain         blocks of the relay chain, executed; forks
//!   runtime       the pallets of a relay chain
//! ```
//!
//! No signature and no proof is left out: what the runtime sees is what it sees on a relay chain whose validators judge validity
//! keys' candidates by proof.

#![recursion_limit = "256"]

mod chain;
mod circuits;
mod coretime;
mod day;
mod market;
mod messages;
mod onboarding;
mod parachain;
mod reverts;
mod runtime;
mod town;
mod upgrade;
mod validators;
mod view;
