//! The parachains that ship: compositions of pallets and lane sizes.

use std::sync::LazyLock;

use crate::runtime::{Chain, Composition};

mod arcade;
mod council;
mod exchange;
mod identity;
mod payments;
pub mod scene;
mod universal;

pub use arcade::{GameNight, arcade, arcade_of};
pub use council::{Assembly, council, council_of};
pub use exchange::{Market, exchange, exchange_of};
pub use identity::{Registry, identity, identity_of};
pub use payments::{Payday, payments, payments_of, private_payments, private_payments_of};
use scene::Scene;
pub use universal::{Fair, universal, universal_of};

static PAYMENTS: LazyLock<Composition> = LazyLock::new(payments);
static PRIVATE_PAYMENTS: LazyLock<Composition> = LazyLock::new(private_payments);
static ARCADE: LazyLock<Composition> = LazyLock::new(arcade);
static IDENTITY: LazyLock<Composition> = LazyLock::new(identity);
static EXCHANGE: LazyLock<Composition> = LazyLock::new(exchange);
static UNIVERSAL: LazyLock<Composition> = LazyLock::new(universal);
static COUNCIL: LazyLock<Composition> = LazyLock::new(council);

/// All chains.
pub fn chains() -> Vec<&'static dyn Chain> {
    vec![&*PAYMENTS, &*ARCADE, &*IDENTITY, &*EXCHANGE, &*COUNCIL, &*PRIVATE_PAYMENTS]
}

/// All chains, and the one that is measured beside them.
pub fn measured_chains() -> Vec<&'static dyn Chain> {
    let universal: &'static dyn Chain = &*UNIVERSAL;
    chains().into_iter().chain([universal]).collect()
}

/// The chain of that name.
pub fn chain_by_name(name: &str) -> Option<&'static dyn Chain> {
    measured_chains().into_iter().find(|chain| chain.name() == name)
}

/// What people do on the chain of that name, for demonstrations.
pub fn scene_by_name(name: &str) -> Option<&'static dyn Scene> {
    match name {
        "payments" | "private-payments" => Some(&Payday),
        "arcade" => Some(&GameNight),
        "identity" => Some(&Registry),
        "exchange" => Some(&Market),
        "council" => Some(&Assembly),
        "universal" => Some(&Fair),
        _ => None,
    }
}
