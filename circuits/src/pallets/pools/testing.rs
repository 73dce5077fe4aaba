//! A small exchange with an asset and a pool, with typed calls.

use serde_json::json;

pub(crate) use crate::runtime::testing::{BALANCE, DEPOSIT, FEE, Forgery, TestChain, key};
use crate::{
    chains::exchange_of,
    pallets::{
        assets::{
            Asset, AssetIndex, Holding, Symbol,
            circuit::{Creation, Issue, Remittance},
            record::holding_number,
        },
        pools::{
            Pool,
            liquidity::{Foundation, Subscription},
            swap::Order,
        },
    },
    runtime::{Account, AccountIndex, Extrinsic, testing},
    state::Element,
};

/// Base-2 logarithm that stands for the domain of the test tier.
pub(crate) const TIER: u8 = 18;

/// What accounts 0 to 4 hold of the asset at first, but for what the pool's creator put into the pool.
pub(crate) const HELD: u128 = 500_000;

/// What the pool begins with.
pub(crate) const NATIVE: u128 = 100_000;
pub(crate) const ASSETS: u128 = 50_000;

/// Who can mint the asset, who created the pool, who has no holding, and who has no account.
pub(crate) const OWNER: u8 = 1;
pub(crate) const CREATOR: u8 = 2;
pub(crate) const STRANGER: u8 = 5;

/// First accounts.
pub(crate) const ACCOUNTS: u8 = 6;

/// Accounts that the tree has place for.
pub(crate) const PLACES: u32 = 8;

/// The places of the asset and of the pool.
pub(crate) const ASSET: u32 = 0;
pub(crate) const POOL: u32 = 1;

/// The lanes.
pub(crate) const CREATE_ASSET: usize = 2;
pub(crate) const MINT_ASSET: usize = 3;
pub(crate) const TRANSFER_ASSET: usize = 4;
pub(crate) const CREATE_POOL: usize = 5;
pub(crate) const ADD_LIQUIDITY: usize = 6;
pub(crate) const REMOVE_LIQUIDITY: usize = 7;
pub(crate) const SWAP: usize = 8;

/// One slot of each of these lanes and none of the others.
pub(crate) fn only(lanes: &[usize]) -> Vec<u32> {
    (0..=SWAP).map(|lane| lanes.contains(&lane).into()).collect()
}

/// The spec of a market.
pub(crate) fn spec() -> String {
    let holding = |account: u8| json!({ "account": account, "amount": HELD.to_string() });
    let pallets = json!({
        "assets": [{
            "symbol": "USD",
            "decimals": 6,
            "owner": OWNER,
            "holdings": (0..STRANGER).map(holding).collect::<Vec<_>>(),
        }],
        "pools": [{
            "creator": CREATOR,
            "asset": ASSET,
            "native": NATIVE.to_string(),
            "assets": ASSETS.to_string(),
        }],
    });
    testing::spec("exchange", ACCOUNTS, true, pallets)
}

/// A market of 8 account places and 8 assets with these numbers of slots.
pub(crate) fn market(slots: Vec<u32>) -> TestChain {
    TestChain::new(exchange_of(1, 1, vec![(TIER, slots)]), &spec())
}

/// The identity of an asset, or of the pool whose shares it is.
pub(crate) fn id(on: &TestChain, index: u32) -> Element {
    on.read::<Asset>(index).expect("an asset").id
}

/// The nonce of an account.
pub(crate) fn nonce(on: &TestChain, account: u8) -> u32 {
    on.read::<Account>(account.into()).expect("an account").nonce
}

/// The place of a holding.
pub(crate) fn place(asset: u32, account: u32) -> u32 {
    holding_number(PLACES.into(), AssetIndex::from(asset), AccountIndex::from(account))
}

/// What an account holds of an asset.
pub(crate) fn held(on: &TestChain, asset: u32, account: u32) -> u128 {
    on.read::<Holding>(place(asset, account)).map_or(0, |holding| holding.amount)
}

/// The pool.
pub(crate) fn pool(on: &TestChain) -> Pool {
    on.read(POOL).expect("a pool")
}

pub(crate) fn create_asset(on: &TestChain, sender: u8, nonce: u32, supply: u128) -> Extrinsic {
    let symbol = Symbol::new("NEW").expect("letters");
    on.call("create_asset", sender, nonce, &Creation { symbol, decimals: 2, supply })
}

pub(crate) fn mint_asset(on: &TestChain, sender: u8, nonce: u32, asset: u32, amount: u128) -> Extrinsic {
    on.call("mint_asset", sender, nonce, &Issue { asset: id(on, asset), amount })
}

pub(crate) fn transfer_asset(
    on: &TestChain,
    sender: u8,
    nonce: u32,
    asset: u32,
    to: u8,
    amount: u128,
) -> Extrinsic {
    on.call("transfer_asset", sender, nonce, &Remittance { asset: id(on, asset), amount, receiver: key(to) })
}

pub(crate) fn create_pool(
    on: &TestChain,
    sender: u8,
    nonce: u32,
    asset: u32,
    [native, assets]: [u128; 2],
) -> Extrinsic {
    on.call("create_pool", sender, nonce, &Foundation { asset: id(on, asset), native, assets })
}

pub(crate) fn add_liquidity(
    on: &TestChain,
    sender: u8,
    nonce: u32,
    pool: u32,
    shares: u128,
    [native, assets]: [u128; 2],
) -> Extrinsic {
    on.call("add_liquidity", sender, nonce, &Subscription { pool: id(on, pool), shares, native, assets })
}

pub(crate) fn remove_liquidity(
    on: &TestChain,
    sender: u8,
    nonce: u32,
    pool: u32,
    shares: u128,
    [native, assets]: [u128; 2],
) -> Extrinsic {
    on.call("remove_liquidity", sender, nonce, &Subscription { pool: id(on, pool), shares, native, assets })
}

pub(crate) fn swap(
    on: &TestChain,
    sender: u8,
    nonce: u32,
    pool: u32,
    sells_native: bool,
    [sold, least]: [u128; 2],
) -> Extrinsic {
    on.call("swap", sender, nonce, &Order { pool: id(on, pool), sells_native, sold, least })
}
