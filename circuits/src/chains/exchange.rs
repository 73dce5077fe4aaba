//! `exchange`: many tokens, and markets of them.

use serde_json::{Value as Json, json};
use zkpov_verifier::statement::ChainIdentity;

use super::scene::{AUTHOR, BALANCE, People, Scene};
use crate::{
    pallets::{
        assets::{self, Assets, Symbol, record::Origin},
        balances::Balances,
        messaging::Messaging,
        pools::{self, Pools},
    },
    runtime::{ACCOUNT_LEVELS, Composition, ExtrinsicError, Pallet, Settings, Token},
    state::{Element, Value},
};

/// Version of the state machine. It changes whenever a circuit of the chain does.
const RUNTIME_VERSION: u32 = 4;

/// Version of what users sign.
const TRANSACTION_VERSION: u32 = 1;

/// Levels of the asset tree: 64 assets, the shares of pools among them.
const ASSET_LEVELS: usize = 2;

/// The chain as it ships: 2^24 accounts, 64 assets; a tier of 2^16 for a single swap, and tiers that fill 2^18 and 2^20. Slots in the order of the call kinds:
/// transfers, opens, assets created, minted and transferred, pools created, liquidity added and removed, swaps, messages
/// received and sent.
pub fn exchange() -> Composition {
    let tiers = vec![
        (16, vec![1, 0, 0, 0, 0, 0, 0, 0, 1]),
        (18, vec![1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1]),
        (20, vec![5, 1, 1, 1, 8, 1, 4, 4, 17, 5, 3]),
    ];
    exchange_of(ACCOUNT_LEVELS, ASSET_LEVELS, tiers)
}

/// The chain with other trees of accounts and assets and other tiers.
pub fn exchange_of(account_levels: usize, asset_levels: usize, tiers: Vec<(u8, Vec<u32>)>) -> Composition {
    Composition::new(Settings {
        name: "exchange",
        runtime_version: RUNTIME_VERSION,
        transaction_version: TRANSACTION_VERSION,
        token: Token { symbol: "XCH".into(), decimals: 12 },
        account_levels,
        upgrades: false,
        pallets: pallets(account_levels, asset_levels),
        tiers,
    })
}

/// The exchange's pallets.
pub(super) fn pallets(account_levels: usize, asset_levels: usize) -> Vec<Box<dyn Pallet>> {
    vec![
        Box::new(Balances),
        Box::new(Assets::new(account_levels, asset_levels)),
        Box::new(Pools::new(asset_levels)),
        Box::new(Messaging),
    ]
}

/// A market with one asset, in which everybody trades.
#[derive(Clone, Copy, Debug, Default)]
pub struct Market;

/// What the asset is called, its decimals, and what everybody holds of it.
const SYMBOL: &str = "USD";
const DECIMALS: u8 = 6;
const HELD: u128 = 1_000_000_000;

/// What the pool begins with: all from the author's account.
const POOLED_NATIVE: u128 = BALANCE / 2;
const POOLED_ASSETS: u128 = HELD / 2;

/// What everybody moves of the native token, and of the asset.
const NATIVE: u128 = 2_500_000_000_000;
const ASSETS: u128 = 1_000_000;

/// The place of the asset; that of the pool is the next.
const ASSET: u32 = 0;
const POOL: u32 = 1;

impl Market {
    /// The identity of the asset.
    fn asset(people: &People<'_>) -> Element {
        let supply = HELD * u128::from(people.len());
        let symbol = Symbol::new(SYMBOL).unwrap_or_default();
        let origin = Origin { nonce: ASSET, symbol, decimals: DECIMALS, supply };
        assets::record::first_identity(&people.key(AUTHOR), &origin)
    }

    /// The identity of the pool.
    pub(super) fn pool(people: &People<'_>) -> Element {
        pools::record::first_identity(&Self::asset(people), &people.key(AUTHOR), POOL)
    }
}

impl Scene for Market {
    fn pallets(&self, people: &People<'_>) -> Json {
        let holding = |account: u32| json!({ "account": account, "amount": HELD.to_string() });
        json!({
            "assets": [{
                "symbol": SYMBOL,
                "decimals": DECIMALS,
                "owner": AUTHOR,
                "holdings": (0..people.len()).map(holding).collect::<Vec<_>>(),
            }],
            "pools": [{
                "creator": AUTHOR,
                "asset": ASSET,
                "native": POOLED_NATIVE.to_string(),
                "assets": POOLED_ASSETS.to_string(),
            }],
        })
    }

    fn calls(
        &self,
        people: &People<'_>,
        identity: &ChainIdentity,
        capacities: &[u32],
    ) -> Result<Vec<Vec<u8>>, ExtrinsicError> {
        let (asset, pool) = (Self::asset(people).to_json(), Self::pool(people).to_json());
        let [native, assets] = [NATIVE, ASSETS].map(|amount| amount.to_string());
        let mut calls = Vec::new();
        // Everybody calls once, but for the author, who owns the asset and the shares.
        let (mut others, mut authors) = (0, 0);
        let names = [
            "transfer",
            "open",
            "create_asset",
            "mint_asset",
            "transfer_asset",
            "create_pool",
            "add_liquidity",
            "remove_liquidity",
            "swap",
        ];
        for (name, capacity) in names.into_iter().zip(capacities) {
            for number in 0..*capacity {
                let is_authors = matches!(name, "mint_asset" | "remove_liquidity");
                let (sender, nonce) =
                    if is_authors { (AUTHOR, authors) } else { (people.spread(others + 1), 0) };
                if is_authors {
                    authors += 1;
                } else {
                    others += 1;
                }
                let receiver = || people.key(people.spread(others + 1)).to_json();
                let arguments = match name {
                    "transfer" => json!({ "amount": native, "receiver": receiver() }),
                    "open" => json!({
                        "amount": native,
                        "receiver": people.child(sender).public_key().to_json(),
                    }),
                    "create_asset" => json!({ "symbol": "NEW", "decimals": DECIMALS, "supply": assets }),
                    "mint_asset" => json!({ "asset": asset, "amount": assets }),
                    "transfer_asset" => {
                        json!({ "asset": asset, "amount": assets, "receiver": receiver() })
                    }
                    "create_pool" => json!({ "asset": asset, "native": native, "assets": assets }),
                    "add_liquidity" => {
                        json!({ "pool": pool, "shares": assets, "native": native, "assets": assets })
                    }
                    "remove_liquidity" => {
                        json!({ "pool": pool, "shares": assets, "native": "1", "assets": "0" })
                    }
                    _ => {
                        let sells_native = number % 2 == 0;
                        let sold = if sells_native { &native } else { &assets };
                        json!({ "pool": pool, "sells_native": sells_native, "sold": sold, "least": "1" })
                    }
                };
                calls.push(people.sign(identity, name, sender, nonce, &arguments)?);
            }
        }
        Ok(calls)
    }
}

#[cfg(test)]
mod audit;
#[cfg(test)]
mod jacobian;
#[cfg(test)]
mod tests;
