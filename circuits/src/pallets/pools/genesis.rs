//! Pools that a chain begins with.

use serde::Deserialize;
use serde_json::Value as Json;

use super::{
    amount::Amount,
    curve::LOCKED_SHARES,
    liquidity::{SHARES_DECIMALS, shares_symbol},
    record::{Pool, first_identity},
};
use crate::{
    pallets::assets::{Asset, AssetIndex, Holding, record::holding_number},
    runtime::{Account, AccountIndex, GenesisState, SpecError},
    state::Value,
};

/// `pallets.pools` of a chain spec: the pools, which are given the places after the assets.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Spec(Vec<PoolSpec>);

/// A pool, into which its creator puts what is said, as by a call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolSpec {
    creator: u32,
    asset: u32,
    native: Json,
    assets: Json,
}

/// Writes the pools of a spec.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn write(spec: &Json, genesis: &mut GenesisState<'_>) -> Result<(), SpecError> {
    let Spec(pools) = Spec::deserialize(spec).map_err(|error| invalid(error.to_string()))?;
    let mut index = 0;
    for (number, pool) in (0u32..).zip(&pools) {
        while genesis.read::<Asset>(index)?.is_some() {
            index += 1;
        }
        write_pool(index, pool, genesis).map_err(|error| invalid(format!("pools[{number}]: {error}")))?;
    }
    Ok(())
}

fn write_pool(index: u32, spec: &PoolSpec, genesis: &mut GenesisState<'_>) -> Result<(), SpecError> {
    let PoolSpec { creator, asset, native, assets } = spec;
    let [native, assets] = [native, assets].map(|amount| u128::from_json(amount).map_err(SpecError::Invalid));
    let (native, assets) = (native?, assets?);
    if native < LOCKED_SHARES || assets == 0 {
        return Err(invalid(format!("at least {LOCKED_SHARES} of the native token, and some of the asset")));
    }
    let of = genesis.read::<Asset>(*asset)?.ok_or_else(|| invalid(format!("there is no asset {asset}")))?;
    let account = genesis
        .read::<Account>(*creator)?
        .ok_or_else(|| invalid(format!("there is no account {creator}")))?;
    let left = account.balance.checked_sub(native);
    let balance = left
        .filter(|left| *left >= genesis.parameters().existential_deposit)
        .ok_or_else(|| invalid(format!("account {creator} has less than {native} above the deposit")))?;
    let (accounts, creator) = (genesis.places::<Account>(), AccountIndex::from(*creator));
    let place = holding_number(accounts, AssetIndex::from(*asset), creator);
    let held = genesis.read::<Holding>(place)?.map_or(0, |holding| holding.amount);
    let left = held.checked_sub(assets);
    let left = left.ok_or_else(|| invalid(format!("account {} holds {held} of the asset", creator.0)))?;

    let id = first_identity(&of.id, &account.key, index);
    let shares = Asset {
        id,
        owner: creator,
        decimals: SHARES_DECIMALS,
        supply: 0,
        symbol: shares_symbol(),
        shares: true,
    };
    genesis.write(index, &shares)?;
    genesis.write(creator.0, &Account { balance, ..account })?;
    genesis.write(place, &Holding { amount: left })?;
    let own = Holding { amount: native - LOCKED_SHARES };
    genesis.write(holding_number(accounts, AssetIndex::from(index), creator), &own)?;
    let pool = Pool {
        id,
        asset: AssetIndex::from(*asset),
        native: Amount(native),
        assets: Amount(assets),
        shares: Amount(native),
    };
    genesis.write(index, &pool)
}

fn invalid(reason: impl Into<String>) -> SpecError {
    SpecError::Invalid(reason.into())
}
