//! Assets that a chain begins with.

use serde::Deserialize;
use serde_json::Value as Json;

use super::{
    record::{Asset, AssetIndex, Holding, Origin, first_identity, holding_number},
    symbol::Symbol,
};
use crate::{
    runtime::{Account, AccountIndex, GenesisState, SpecError},
    state::Value,
};

/// `pallets.assets` of a chain spec: the assets, which are given places 0 and up.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Spec(Vec<AssetSpec>);

/// An asset; its supply is what is held of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AssetSpec {
    symbol: Json,
    decimals: u8,
    owner: u32,
    holdings: Vec<HoldingSpec>,
}

/// What an account holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HoldingSpec {
    account: u32,
    amount: Json,
}

/// Writes the assets of a spec.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn write(spec: &Json, genesis: &mut GenesisState<'_>) -> Result<(), SpecError> {
    let Spec(assets) = Spec::deserialize(spec).map_err(|error| invalid(error.to_string()))?;
    for (index, asset) in (0u32..).zip(&assets) {
        write_asset(AssetIndex::from(index), asset, genesis)
            .map_err(|error| invalid(format!("assets[{index}]: {error}")))?;
    }
    Ok(())
}

fn write_asset(index: AssetIndex, spec: &AssetSpec, genesis: &mut GenesisState<'_>) -> Result<(), SpecError> {
    let AssetSpec { symbol, decimals, owner, holdings } = spec;
    let symbol = Symbol::from_json(symbol).map_err(SpecError::Invalid)?;
    if u64::from(index.0) >= genesis.places::<Asset>() {
        return Err(invalid("the chain has no place for another asset"));
    }
    let mut supply = 0u128;
    for HoldingSpec { account, amount } in holdings {
        let amount = u128::from_json(amount).map_err(SpecError::Invalid)?;
        supply = supply.checked_add(amount).ok_or_else(|| invalid("more is held than 128 bits count"))?;
        owner_of(*account, genesis)?;
        let place = holding_number(genesis.places::<Account>(), index, AccountIndex::from(*account));
        if genesis.read::<Holding>(place)?.is_some() {
            return Err(invalid(format!("account {account} holds it twice")));
        }
        genesis.write(place, &Holding { amount })?;
    }
    let key = owner_of(*owner, genesis)?.key;
    let origin = Origin { nonce: index.0, symbol, decimals: *decimals, supply };
    let asset = Asset {
        id: first_identity(&key, &origin),
        owner: AccountIndex::from(*owner),
        decimals: *decimals,
        supply,
        symbol,
        shares: false,
    };
    genesis.write(index.0, &asset)
}

fn owner_of(account: u32, genesis: &GenesisState<'_>) -> Result<Account, SpecError> {
    genesis.read::<Account>(account)?.ok_or_else(|| invalid(format!("there is no account {account}")))
}

fn invalid(reason: impl Into<String>) -> SpecError {
    SpecError::Invalid(reason.into())
}
