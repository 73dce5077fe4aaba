//! Parachains of zkpov on the runtime of a relay chain. There is nothing here but tests: `tests/relay`.
//!
//! ```text
//!   registration ─► pre-checking ─► onboarding ─► coretime ─► backing ─► availability ─► inclusion
//!        validity key = validation code                          │ proof, judged by zkpov-relay
//! ```
//!
//! `docs/relay-runtime.md` says what each test shows.
