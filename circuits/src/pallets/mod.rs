//! The pallets: one folder each, with its state, calls, native code and circuit.
//!
//! ```text
//!   pools      constant-product markets of the native token and an asset
//!     │
//!   assets     many tokens          balances   the native token
//! ```

pub mod arcade;
pub mod assets;
pub mod balances;
pub mod governance;
pub mod identity;
pub mod messaging;
pub mod pools;
