//! The pallets: one folder each, with its state, calls, native code and circuit.

pub mod arcade;
pub mod balances;
pub mod identity;
