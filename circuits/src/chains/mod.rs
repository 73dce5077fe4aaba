//! The parachains that ship: compositions of pallets and lane sizes.

use std::sync::LazyLock;

use crate::runtime::Chain;

mod payments;

pub use payments::{Payments, PaymentsShape, TierShape};

static PAYMENTS: LazyLock<Payments> = LazyLock::new(Payments::default);

/// All chains.
pub fn chains() -> Vec<&'static dyn Chain> {
    vec![&*PAYMENTS]
}

/// The chain of that name.
pub fn chain_by_name(name: &str) -> Option<&'static dyn Chain> {
    chains().into_iter().find(|chain| chain.name() == name)
}
