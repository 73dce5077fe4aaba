//! `payments`: a chain that moves its native token, to and from other chains too, which its governance alone mints and burns.

use rayon::prelude::*;
use serde_json::json;
use zkpov_verifier::statement::ChainIdentity;

use super::scene::{People, Scene};
use crate::{
    pallets::{balances::Balances, chain_key::ChainKey, governance::Governance, messaging::Messaging},
    runtime::{ACCOUNT_LEVELS, Composition, ExtrinsicError, Pallet, Settings, Token},
    state::Value,
};

/// Version of the public chain's state machine. It changes whenever a circuit of the chain does.
const RUNTIME_VERSION: u32 = 7;

/// Version of the private chain's.
const PRIVATE_RUNTIME_VERSION: u32 = 8;

/// Version of what users sign.
const TRANSACTION_VERSION: u32 = 1;

/// The chain as it ships: 2^24 accounts, and tiers that fill 2^16 (for tests; without messages), 2^17, 2^18 and
/// 2^20. The largest has slots for governance: an author whom nobody asks to govern never needs it.
pub fn payments() -> Composition {
    payments_of(
        ACCOUNT_LEVELS,
        vec![
            (16, vec![2, 1]),
            (17, vec![4, 1, 1, 2]),
            (18, vec![11, 2, 2, 2]),
            (20, vec![52, 4, 7, 4, 1, 2, 1, 1, 1, 1]),
        ],
    )
}

/// The chain with another account tree and other tiers: base-2 logarithm of the domain, and slots for transfers, opens, messages
/// received and sent, then for proposals, votes, unlocks, donations, closes and enactments, none where they are not given.
pub fn payments_of(account_levels: usize, tiers: Vec<(u8, Vec<u32>)>) -> Composition {
    Composition::new(settings(("payments", RUNTIME_VERSION), account_levels, pallets(account_levels), tiers))
}

/// The chain with encrypted bodies, for parties that pay each other and tell nobody. Every tier takes a collator's word that it has
/// the next key; the largest has slots for governance, which takes a collator's seat when it leaves.
pub fn private_payments() -> Composition {
    private_payments_of(
        ACCOUNT_LEVELS,
        vec![
            (16, vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            (17, vec![3, 1, 2, 2, 0, 0, 0, 0, 0, 0, 1]),
            (18, vec![10, 2, 3, 2, 0, 0, 0, 0, 0, 0, 1]),
            (20, vec![50, 4, 8, 4, 1, 2, 1, 1, 1, 1, 2]),
        ],
    )
}

/// The private chain with another account tree and other tiers, as for [`payments_of`], and slots for the next key's holders after those.
pub fn private_payments_of(account_levels: usize, tiers: Vec<(u8, Vec<u32>)>) -> Composition {
    let version = ("private-payments", PRIVATE_RUNTIME_VERSION);
    let mut pallets = pallets(account_levels);
    pallets.push(Box::new(ChainKey));
    Composition::private(settings(version, account_levels, pallets, tiers))
}

fn pallets(account_levels: usize) -> Vec<Box<dyn Pallet>> {
    vec![Box::new(Balances), Box::new(Messaging), Box::new(Governance::new(account_levels))]
}

fn settings(
    (name, runtime_version): (&'static str, u32),
    account_levels: usize,
    pallets: Vec<Box<dyn Pallet>>,
    tiers: Vec<(u8, Vec<u32>)>,
) -> Settings {
    Settings {
        name,
        runtime_version,
        transaction_version: TRANSACTION_VERSION,
        token: Token { symbol: "PAY".into(), decimals: 12 },
        account_levels,
        upgrades: true,
        pallets,
        tiers,
    }
}

/// Everybody pays somebody, or opens an account for a new key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Payday;

/// What everybody pays.
const AMOUNT: u128 = 2_500_000_000_000;

impl Scene for Payday {
    fn calls(
        &self,
        people: &People<'_>,
        identity: &ChainIdentity,
        capacities: &[u32],
    ) -> Result<Vec<Vec<u8>>, ExtrinsicError> {
        let [transfers, opens] = [0, 1].map(|lane| capacities.get(lane).copied().unwrap_or_default());
        let call = |number: u32| {
            let (sender, receiver) = (people.spread(2 * number + 1), people.spread(2 * number + 2));
            let (call, receiver) = if number < transfers {
                ("transfer", people.key(receiver))
            } else {
                ("open", people.child(sender).public_key())
            };
            let arguments = json!({ "amount": AMOUNT.to_string(), "receiver": receiver.to_json() });
            people.sign(identity, call, sender, 0, &arguments)
        };
        (0..transfers + opens).into_par_iter().map(call).collect()
    }
}

#[cfg(test)]
mod audit;
#[cfg(test)]
mod jacobian;
#[cfg(test)]
mod private;
#[cfg(test)]
mod tests;
