//! Trading with a pool.
//!
//! **Why the product of the reserves does not fall.** Sold s, reserves x of what is sold and y of what is bought:
//! o = ⌊997 s · y / (1000 x + 997 s)⌋ is what is bought, so (1000 x + 997 s)(y - o) ≥ 1000 x y, and with 1000 s for 997 s
//! the more: (x + s)(y - o) ≥ x y. Since x ≥ 1, o < y: a reserve never becomes 0. The quotient is exact
//! ([`natural`](crate::gadgets::natural)), so there is one o, and neither trader nor author chooses it.

use ark_ff::Field;
use ark_relations::gr1cs::Result;

use super::{
    amount::{AMOUNT_BITS, Amount},
    curve::{self, KEPT_PER_MILLE, MILLE},
    liquidity::{known_pool, pool_at},
    record::{Pool, PoolVar},
};
use crate::{
    Fr,
    constraint::product,
    gadgets::{
        natural::{Natural, Rounding, enforce_quotient},
        range::U128,
    },
    linear::{Linear, difference},
    pallets::assets::{self, AssetIndex, circuit::check_holder},
    runtime::{AccountIndex, Call, Executed, Idle, IdleContext, Slot, Unfit, View},
    state::Element,
    values,
};

values! {
    /// What a trader signs. The deadline is the call's expiry, the last block in which it is valid.
    pub struct Order / OrderVar ("order") {
        /// The pool's identity.
        pool: Element,
        /// Whether the native token is sold, and the asset bought.
        sells_native: bool,
        /// How much is sold.
        sold: u128,
        /// The least that is to be bought.
        least: u128,
    }
}

values! {
    /// What a swap's slot is given.
    pub struct Trade / TradeVar ("swap") {
        /// The place of the pool.
        pool: AssetIndex,
        /// Whether the native token is sold.
        sells_native: bool,
        /// How much is sold.
        sold: Amount,
        /// The least that is to be bought.
        least: u128,
        /// How much is bought.
        bought: Amount,
    }
}

values! {
    /// What the body says of a swap.
    pub struct Traded / TradedVar ("traded") {
        /// The place of the pool.
        pool: AssetIndex,
        /// Whether the native token was sold.
        sells_native: bool,
        /// How much was sold.
        sold: u128,
    }
}

/// Sells an exact amount of the native token for the asset of a pool, or the other way round.
#[derive(Clone, Copy, Debug, Default)]
pub struct Swap;

impl Swap {
    fn trade(view: &View<'_>, order: &Traded, least: u128) -> core::result::Result<Trade, Unfit> {
        let Traded { pool: index, sells_native, sold } = *order;
        let pool = pool_at(view, index)?;
        let (x, y) = if sells_native { (pool.native, pool.assets) } else { (pool.assets, pool.native) };
        let bought = curve::bought(sold, x.0, y.0).ok_or_else(|| Unfit::because("the pool is empty"))?;
        Ok(Trade { pool: index, sells_native, sold: Amount(sold), least, bought: Amount(bought) })
    }
}

impl Call for Swap {
    const NAME: &'static str = "swap";

    type Arguments = Order;
    type Inputs = Trade;
    type Body = Traded;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        order: &Order,
    ) -> core::result::Result<Trade, Unfit> {
        let Order { sells_native, sold, least, .. } = *order;
        let index = known_pool(view, &order.pool)?;
        let trade = Self::trade(view, &Traded { pool: index, sells_native, sold }, least)?;
        if trade.bought.0 < least {
            return Err(Unfit::because(format!("{sold} buys {}, less than {least}", trade.bought.0)));
        }
        let pool = pool_at(view, index)?;
        if !sells_native {
            check_holder(view, pool.asset, sender, sold)?;
        }
        let reserve = if sells_native { pool.native } else { pool.assets };
        if reserve.0.checked_add(sold).is_none() {
            return Err(Unfit::because("the pool would have more than 128 bits count"));
        }
        Ok(trade)
    }

    fn restore(&self, view: &View<'_>, _: AccountIndex, body: &Traded) -> core::result::Result<Trade, Unfit> {
        // What the trader asked for at least is not in the body: it was less.
        Self::trade(view, body, 0)
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: TradeVar) -> Result<Executed<Order, Traded>> {
        let TradeVar { pool: index, sells_native, sold, least, bought } = &inputs;
        let (pool, place) = slot.read::<Pool>(index)?;
        let buys_native = sells_native.not()?;
        // (x, y): what there is of what is sold, and of what is bought.
        let (x, y) = Natural::swap(sells_native, &pool.assets, &pool.native)?;
        let kept = sold.times(KEPT_PER_MILLE)?;
        let divisor = x.times(MILLE)?.plus(&kept)?;
        enforce_quotient([&kept, &y], &divisor, bought, Rounding::Down)?;
        least.enforce_at_most("pools/least", &bought.to_u128()?)?;

        let x = x.plus(sold)?.at_most_bits("pools/reserve", AMOUNT_BITS)?;
        // What is bought is less than there is: see the module.
        let y = y.minus(bought)?;
        let (assets, native) = Natural::swap(sells_native, &x, &y)?;

        let paid = product(sold.as_field(), sells_native.as_field())?;
        let given = product(bought.as_field(), buys_native.as_field())?;
        let sender = slot.sender()?.clone();
        let (before, holding) = assets::record::open(slot, &pool.asset, &sender)?;
        let mut after = Linear::of(before.as_field()).plus(Fr::ONE, bought.as_field()).plus(-Fr::ONE, &given);
        after.add_linear(-Fr::ONE, &Linear::of(&difference(sold.as_field(), &paid)?));
        // The sum of three amounts with signs: it has 128 bits only if it is the integer's and in range.
        let after = U128::enforce("pools/holding", &after.finish()?)?;
        assets::record::close(slot, holding, after)?;
        // An amount or 0.
        slot.take(&U128::trust(paid))?;
        slot.give(&U128::trust(given))?;

        let signed = OrderVar {
            pool: pool.id.clone(),
            sells_native: sells_native.clone(),
            sold: sold.to_u128()?,
            least: least.clone(),
        };
        slot.write::<Pool>(place, &PoolVar { native, assets, ..pool })?;
        let body =
            TradedVar { pool: index.clone(), sells_native: sells_native.clone(), sold: signed.sold.clone() };
        Ok(Executed { signed, body })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Trade> {
        let nothing = Amount(0);
        let trade =
            Trade { pool: AssetIndex::from(0), sells_native: true, sold: nothing, least: 0, bought: nothing };
        Idle::new(trade).reading(&Pool::unit())
    }
}
