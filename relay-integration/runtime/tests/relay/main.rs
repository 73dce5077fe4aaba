//! Parachains of zkpov on the pallets of a relay chain.
//!
//! ```text
//!   tests         onboarding   coretime   messages   upgrade   reverts   day
//!   ────────────────────────────────────────────────────────────────────
//!   town          a relay chain with its validators, one branch of it        market   the Coretime chain
//!   parachain     a collator of `payments` with database and keys; it proves
//!   simulated     a chain that sends, takes and upgrades what a test says; its set-up's secret is known
//!   validators    judge a candidate with zkpov's validation, sign, vote
//!   chain         blocks of the relay chain, executed; forks
//!   runtime       the pallets of a relay chain
//! ```
//!
//! No signature and no proof is left out: what the runtime sees is what it sees on a relay chain whose validators judge validity
//! keys' candidates by proof.

#![recursion_limit = "256"]

mod chain;
mod coretime;
mod day;
mod market;
mod messages;
mod onboarding;
mod parachain;
mod reverts;
mod runtime;
mod simulated;
mod town;
mod upgrade;
mod validators;
