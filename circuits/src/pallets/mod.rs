//! The pallets: one folder each, with its state, calls, native code and circuit.
//!
//! ```text
//!   pools      constant-product markets of the native token and an asset
//!     │
//!   assets     many tokens          balances   the native token
//!
//!   governance     messaging     identity     arcade     chain_key   the next key of a private chain
//! ```

pub mod arcade;
pub mod assets;
pub mod balances;
pub mod chain_key;
pub mod governance;
pub mod identity;
pub mod messaging;
pub mod pools;
