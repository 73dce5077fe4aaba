//! `payments`: a chain that does nothing but move its native token.

use crate::{
    pallets::balances::Balances,
    runtime::{ACCOUNT_LEVELS, Composition, Settings, Token},
};

/// Version of the state machine. It changes whenever a circuit of the chain does.
const RUNTIME_VERSION: u32 = 3;

/// Version of what users sign.
const TRANSACTION_VERSION: u32 = 1;

/// The chain as it ships: 2^24 accounts, and tiers that fill 2^16 (for tests), 2^17, 2^18 and 2^20.
pub fn payments() -> Composition {
    payments_of(ACCOUNT_LEVELS, vec![(16, vec![2, 1]), (17, vec![6, 1]), (18, vec![13, 2]), (20, vec![66, 4])])
}

/// The chain with another account tree and other tiers: base-2 logarithm of the domain, and slots for transfers and opens.
pub fn payments_of(account_levels: usize, tiers: Vec<(u8, Vec<u32>)>) -> Composition {
    Composition::new(Settings {
        name: "payments",
        runtime_version: RUNTIME_VERSION,
        transaction_version: TRANSACTION_VERSION,
        token: Token { symbol: "PAY".into(), decimals: 12 },
        account_levels,
        upgrades: false,
        pallets: vec![Box::new(Balances)],
        tiers,
    })
}

#[cfg(test)]
mod audit;
#[cfg(test)]
mod jacobian;
#[cfg(test)]
mod tests;
