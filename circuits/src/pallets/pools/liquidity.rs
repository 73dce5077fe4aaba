//! Making a pool, and putting liquidity into it and taking it out.
//!
//! **Why a share is never worth less.** Whoever adds s of S shares pays ⌈s · R / S⌉ of each reserve R, and whoever removes them
//! gets ⌊s · R / S⌋: after the one (R + ⌈s R / S⌉) / (S + s) ≥ R / S, after the other (R - ⌊s R / S⌋) / (S - s) ≥ R / S. So
//! the product of the reserves, by the square of the shares, does not fall, and a swap leaves the shares and does not lower the
//! product.
//!
//! **Why no share is free.** A reserve is never 0 (`pools/empty reserve`, and [`swap`](super::swap)), so s > 0 costs at
//! least one unit of each.
//!
//! **The first depositor.** Elsewhere the first depositor makes a share so dear, by a gift to the pool, that what the next
//! one pays is rounded down to no share at all. Here shares are asked for exactly, and what they cost is rounded up: one never gets
//! fewer than one signed for, nor pays more than was signed, and the rounding costs at most a unit of each token. There are no gifts:
//! nothing but the pool's calls changes a reserve. And [`LOCKED_SHARES`] are nobody's from the beginning on, so that there are
//! always that many: a pool cannot be emptied down to one share whose price is then driven up by trades, because
//! of what is driven up, 999 ‰ and more would be lost to the locked ones.
//!
//! **Why shares are conserved.** Those held and the locked ones are all of a pool's: creation gives the creator what is not
//! locked, adding and removing change both by the same.

use ark_relations::gr1cs::Result;

use super::{
    amount::{AMOUNT_BITS, Amount},
    curve::{self, LOCKED_SHARES},
    record::{Pool, PoolVar, identity_variable},
};
use crate::{
    Fr,
    bit::Bit,
    gadgets::{
        natural::{Natural, Rounding, enforce_quotient},
        range::{U64, U128, Uint, enforce_inverse},
    },
    pallets::assets::{
        self, Asset, AssetIndex, AssetVar, Holding, Symbol,
        circuit::{check_holder, check_place, known_asset, next_asset},
        record::{HoldingVar, holding_place},
    },
    runtime::{AccountIndex, Call, Executed, Idle, IdleContext, Slot, Unfit, View},
    state::{Element, circuit::Index},
    values,
};

/// Shares are counted in the smallest units.
pub(super) const SHARES_DECIMALS: u8 = 0;

/// What shares are called.
pub(super) fn shares_symbol() -> Symbol {
    Symbol::new("SHARES").unwrap_or_default()
}

values! {
    /// What the creator of a pool signs.
    pub struct Foundation / FoundationVar ("foundation") {
        /// The asset's identity.
        asset: Element,
        /// How much of the native token it begins with, and with how many shares.
        native: u128,
        /// How much of the asset it begins with.
        assets: u128,
    }
}

values! {
    /// What a creation's slot is given, and what the body says of it.
    pub struct Founded / FoundedVar ("create pool") {
        /// The place of the pool, and of its shares among the assets.
        pool: AssetIndex,
        /// The asset.
        asset: AssetIndex,
        /// How much of the native token it begins with.
        native: Amount,
        /// How much of the asset it begins with.
        assets: Amount,
    }
}

values! {
    /// What a liquidity provider signs: how many shares, and the most that may be paid for them, or the least that is to be
    /// got for them.
    pub struct Subscription / SubscriptionVar ("subscription") {
        /// The pool's identity.
        pool: Element,
        /// How many shares.
        shares: u128,
        /// The most, or least, of the native token.
        native: u128,
        /// The most, or least, of the asset.
        assets: u128,
    }
}

values! {
    /// What a provider's slot is given.
    pub struct Provision / ProvisionVar ("liquidity") {
        /// The place of the pool.
        pool: AssetIndex,
        /// How many shares.
        shares: Amount,
        /// The most, or least, of the native token.
        native_limit: u128,
        /// The most, or least, of the asset.
        assets_limit: u128,
        /// What they cost, or are worth, of the native token.
        native: Amount,
        /// What they cost, or are worth, of the asset.
        assets: Amount,
    }
}

values! {
    /// What the body says of it.
    pub struct Provided / ProvidedVar ("provided") {
        /// The place of the pool.
        pool: AssetIndex,
        /// How many shares.
        shares: u128,
    }
}

/// Creates a pool of the native token and an asset.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreatePool;

impl Call for CreatePool {
    const NAME: &'static str = "create_pool";

    type Arguments = Foundation;
    type Inputs = Founded;
    type Body = Founded;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        foundation: &Foundation,
    ) -> core::result::Result<Founded, Unfit> {
        let Foundation { native, assets, .. } = *foundation;
        let (asset, _) = known_asset(view, &foundation.asset)?;
        if native < LOCKED_SHARES || assets == 0 {
            return Err(Unfit::because(format!(
                "a pool begins with at least {LOCKED_SHARES} of the native token, and some of the asset"
            )));
        }
        check_holder(view, asset, sender, assets)?;
        let (native, assets) = (Amount(native), Amount(assets));
        self.restore(view, sender, &Founded { pool: next_asset(view)?, asset, native, assets })
    }

    fn restore(
        &self,
        view: &View<'_>,
        _: AccountIndex,
        body: &Founded,
    ) -> core::result::Result<Founded, Unfit> {
        check_place(view, body.pool)?;
        check_place(view, body.asset)?;
        Ok(body.clone())
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: FoundedVar) -> Result<Executed<Foundation, Founded>> {
        let (key, nonce) = (slot.sender_account()?.key.clone(), slot.sender_account()?.nonce.clone());
        let sender = slot.sender()?.clone();
        let FoundedVar { pool: index, asset, native, assets } = &inputs;
        let locked = U128::constant(LOCKED_SHARES)?;
        let own = native.to_u128()?.checked_sub("pools/locked shares", &locked)?;
        enforce_inverse("pools/empty reserve", assets.as_field()).map(drop)?;

        let (known, _) = slot.read::<Asset>(asset)?;
        let signed =
            FoundationVar { asset: known.id.clone(), native: native.to_u128()?, assets: assets.to_u128()? };
        let id = identity_variable(&known.id, &key, &nonce)?;
        // So the asset is another than the shares: the one is there and the other is not.
        let place = slot.vacant::<Asset>(index)?;
        slot.write::<Asset>(place, &shares_of(&id, &sender)?)?;

        slot.take(&native.to_u128()?)?;
        let (before, holding) = assets::record::open(slot, asset, &sender)?;
        assets::record::close(slot, holding, before.checked_sub("pools/overdraft", &assets.to_u128()?)?)?;
        // Nobody has shares of a pool that was not there.
        let holding = slot.vacant::<Holding>(&holding_place(index, &sender)?)?;
        slot.write::<Holding>(holding, &HoldingVar { amount: own })?;

        let place = slot.vacant::<Pool>(index)?;
        let pool = PoolVar {
            id,
            asset: asset.clone(),
            native: native.clone(),
            assets: assets.clone(),
            shares: native.clone(),
        };
        slot.write::<Pool>(place, &pool)?;
        Ok(Executed { signed, body: inputs })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Founded> {
        let one = AssetIndex::from(1);
        let founded = Founded {
            pool: one,
            asset: AssetIndex::from(0),
            native: Amount(LOCKED_SHARES),
            assets: Amount(1),
        };
        Idle::new(founded).reading(&Asset::unknown()).reading(&Holding { amount: 1 })
    }
}

/// The asset that shares of a pool are.
fn shares_of(id: &crate::FpVar<Fr>, creator: &Index) -> Result<AssetVar> {
    Ok(AssetVar {
        id: id.clone(),
        owner: creator.clone(),
        decimals: Uint::constant(SHARES_DECIMALS.into())?,
        supply: U128::constant(0)?,
        symbol: U64::constant(shares_symbol().0.into())?,
        shares: Bit::constant(true),
    })
}

/// Buys an exact number of a pool's shares for both tokens.
#[derive(Clone, Copy, Debug, Default)]
pub struct AddLiquidity;

impl Call for AddLiquidity {
    const NAME: &'static str = "add_liquidity";

    type Arguments = Subscription;
    type Inputs = Provision;
    type Body = Provided;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        subscription: &Subscription,
    ) -> core::result::Result<Provision, Unfit> {
        let Subscription { shares, native, assets, .. } = *subscription;
        let index = known_pool(view, &subscription.pool)?;
        let pool = pool_at(view, index)?;
        let provision = provision(view, &Provided { pool: index, shares }, curve::cost, [native, assets])?;
        for (cost, most) in [(provision.native, native), (provision.assets, assets)] {
            if cost.0 > most {
                return Err(Unfit::because(format!("{shares} shares cost {}, more than {most}", cost.0)));
            }
        }
        check_holder(view, pool.asset, sender, provision.assets.0)?;
        let sums =
            [(pool.native, provision.native), (pool.assets, provision.assets), (pool.shares, Amount(shares))];
        if sums.into_iter().any(|(before, more)| before.0.checked_add(more.0).is_none()) {
            return Err(Unfit::because("the pool would have more than 128 bits count"));
        }
        Ok(provision)
    }

    fn restore(
        &self,
        view: &View<'_>,
        _: AccountIndex,
        body: &Provided,
    ) -> core::result::Result<Provision, Unfit> {
        // The most that the provider would have paid is not in the body: it was no less.
        provision(view, body, curve::cost, [u128::MAX; 2])
    }

    fn execute(
        &self,
        slot: &mut Slot<'_, '_>,
        inputs: ProvisionVar,
    ) -> Result<Executed<Subscription, Provided>> {
        let sender = slot.sender()?.clone();
        let ProvisionVar { pool: index, shares, native_limit, assets_limit, native, assets } = &inputs;
        let (pool, place) = slot.read::<Pool>(index)?;
        enforce_quotient([shares, &pool.native], &pool.shares, native, Rounding::Up)?;
        enforce_quotient([shares, &pool.assets], &pool.shares, assets, Rounding::Up)?;
        native.to_u128()?.enforce_at_most("pools/most", native_limit)?;
        assets.to_u128()?.enforce_at_most("pools/most", assets_limit)?;

        slot.take(&native.to_u128()?)?;
        let (before, holding) = assets::record::open(slot, &pool.asset, &sender)?;
        let after = before.checked_sub("pools/overdraft", &assets.to_u128()?)?;
        assets::record::close(slot, holding, after)?;
        let (before, holding) = assets::record::open(slot, index, &sender)?;
        assets::record::close(slot, holding, before.checked_add("pools/holding", &shares.to_u128()?)?)?;

        let executed = provided(&pool, &inputs)?;
        let more =
            |before: &Natural, more: &Natural| before.plus(more)?.at_most_bits("pools/reserve", AMOUNT_BITS);
        let after = PoolVar {
            native: more(&pool.native, native)?,
            assets: more(&pool.assets, assets)?,
            shares: more(&pool.shares, shares)?,
            ..pool
        };
        slot.write::<Pool>(place, &after)?;
        Ok(executed)
    }

    fn idle(&self, _: &IdleContext) -> Idle<Provision> {
        idle()
    }
}

/// Sells an exact number of a pool's shares for both tokens.
#[derive(Clone, Copy, Debug, Default)]
pub struct RemoveLiquidity;

impl Call for RemoveLiquidity {
    const NAME: &'static str = "remove_liquidity";

    type Arguments = Subscription;
    type Inputs = Provision;
    type Body = Provided;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        subscription: &Subscription,
    ) -> core::result::Result<Provision, Unfit> {
        let Subscription { shares, native, assets, .. } = *subscription;
        let index = known_pool(view, &subscription.pool)?;
        check_holder(view, index, sender, shares)?;
        let provision = provision(view, &Provided { pool: index, shares }, curve::worth, [native, assets])?;
        for (worth, least) in [(provision.native, native), (provision.assets, assets)] {
            if worth.0 < least {
                return Err(Unfit::because(format!("{shares} shares give {}, less than {least}", worth.0)));
            }
        }
        Ok(provision)
    }

    fn restore(
        &self,
        view: &View<'_>,
        _: AccountIndex,
        body: &Provided,
    ) -> core::result::Result<Provision, Unfit> {
        // The least that the provider asked for is not in the body: it was no more.
        provision(view, body, curve::worth, [0; 2])
    }

    fn execute(
        &self,
        slot: &mut Slot<'_, '_>,
        inputs: ProvisionVar,
    ) -> Result<Executed<Subscription, Provided>> {
        let sender = slot.sender()?.clone();
        let ProvisionVar { pool: index, shares, native_limit, assets_limit, native, assets } = &inputs;
        let (pool, place) = slot.read::<Pool>(index)?;
        enforce_quotient([shares, &pool.native], &pool.shares, native, Rounding::Down)?;
        enforce_quotient([shares, &pool.assets], &pool.shares, assets, Rounding::Down)?;
        native_limit.enforce_at_most("pools/least", &native.to_u128()?)?;
        assets_limit.enforce_at_most("pools/least", &assets.to_u128()?)?;

        slot.give(&native.to_u128()?)?;
        let (before, holding) = assets::record::open(slot, &pool.asset, &sender)?;
        let after = before.checked_add("pools/holding", &assets.to_u128()?)?;
        assets::record::close(slot, holding, after)?;
        let (before, holding) = assets::record::open(slot, index, &sender)?;
        let after = before.checked_sub("pools/overdraft", &shares.to_u128()?)?;
        assets::record::close(slot, holding, after)?;

        let executed = provided(&pool, &inputs)?;
        let after = PoolVar {
            // What is left of the shares is not negative, so what they are worth is at most all.
            native: pool.native.minus(native)?,
            assets: pool.assets.minus(assets)?,
            shares: pool.shares.minus(shares)?.at_most_bits("pools/shares left", AMOUNT_BITS)?,
            ..pool
        };
        slot.write::<Pool>(place, &after)?;
        Ok(executed)
    }

    fn idle(&self, _: &IdleContext) -> Idle<Provision> {
        idle()
    }
}

/// What shares cost or are worth now.
fn provision(
    view: &View<'_>,
    body: &Provided,
    price: impl Fn(u128, u128, u128) -> Option<u128>,
    [native_limit, assets_limit]: [u128; 2],
) -> core::result::Result<Provision, Unfit> {
    let Provided { pool: index, shares } = *body;
    let pool = pool_at(view, index)?;
    let price = |reserve: Amount| {
        let amount = price(shares, reserve.0, pool.shares.0).map(Amount);
        amount.ok_or_else(|| Unfit::because(format!("{shares} shares are more than 128 bits count")))
    };
    let (native, assets) = (price(pool.native)?, price(pool.assets)?);
    Ok(Provision { pool: index, shares: Amount(shares), native_limit, assets_limit, native, assets })
}

/// What a provider must have signed, and what the body says.
fn provided(pool: &PoolVar, inputs: &ProvisionVar) -> Result<Executed<Subscription, Provided>> {
    let shares = inputs.shares.to_u128()?;
    let signed = SubscriptionVar {
        pool: pool.id.clone(),
        shares: shares.clone(),
        native: inputs.native_limit.clone(),
        assets: inputs.assets_limit.clone(),
    };
    Ok(Executed { signed, body: ProvidedVar { pool: inputs.pool.clone(), shares } })
}

fn idle() -> Idle<Provision> {
    let nothing = Amount(0);
    let provision = Provision {
        pool: AssetIndex::from(0),
        shares: nothing,
        native_limit: 0,
        assets_limit: 0,
        native: nothing,
        assets: nothing,
    };
    Idle::new(provision).reading(&Pool::unit())
}

/// The place of the pool of this identity: that of its shares.
///
/// # Errors
///
/// If there is none.
pub(super) fn known_pool(view: &View<'_>, id: &Element) -> core::result::Result<AssetIndex, Unfit> {
    let index = assets::record::index_of(view, id)?;
    index.ok_or_else(|| Unfit::because("there is no pool of this identity"))
}

/// The pool at a place.
///
/// # Errors
///
/// If there is none.
pub(super) fn pool_at(view: &View<'_>, index: AssetIndex) -> core::result::Result<Pool, Unfit> {
    let pool = view.read(index.0)?;
    pool.ok_or_else(|| Unfit::because(format!("there is no pool at place {}", index.0)))
}
