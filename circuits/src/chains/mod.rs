//! The parachains that ship: compositions of pallets and lane sizes.

use std::sync::LazyLock;

use crate::runtime::{Chain, Composition};

mod payments;

pub use payments::{payments, payments_of};

static PAYMENTS: LazyLock<Composition> = LazyLock::new(payments);

/// All chains.
pub fn chains() -> Vec<&'static dyn Chain> {
    vec![&*PAYMENTS]
}

/// The chain of that name.
pub fn chain_by_name(name: &str) -> Option<&'static dyn Chain> {
    chains().into_iter().find(|chain| chain.name() == name)
}
