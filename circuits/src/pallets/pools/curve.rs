//! The arithmetic of pools, natively: what the circuit proves of the same numbers.

use num_bigint::BigUint;

/// What of an amount sold is left after the fee, of a thousand: 3 ‰ stay with the liquidity providers.
pub const KEPT_PER_MILLE: u32 = 997;

/// A thousand.
pub const MILLE: u32 = 1000;

/// Shares that are nobody's, from a pool's creation on and for ever.
pub const LOCKED_SHARES: u128 = 1000;

/// What `sold` buys of a reserve `bought` from a pool that has a reserve `sold_before` of what is sold:
/// ⌊997 sold · bought / (1000 sold_before + 997 sold)⌋, which is less than `bought`. `None` if there is nothing to buy from.
pub fn bought(sold: u128, sold_before: u128, bought: u128) -> Option<u128> {
    let kept = BigUint::from(sold) * KEPT_PER_MILLE;
    let divisor = BigUint::from(sold_before) * MILLE + &kept;
    (divisor.bits() > 0).then(|| (kept * bought / divisor).try_into().ok()).flatten()
}

/// What `shares` of all `total` cost of a reserve: `shares` · `reserve` / `total`, rounded up. `None` if that is no `u128`.
pub fn cost(shares: u128, reserve: u128, total: u128) -> Option<u128> {
    let total = Some(BigUint::from(total)).filter(|total| total.bits() > 0)?;
    ((BigUint::from(shares) * reserve + &total - 1u32) / total).try_into().ok()
}

/// What `shares` of all `total` are worth of a reserve: `shares` · `reserve` / `total`, rounded down. `None` if that is no
/// `u128`.
pub fn worth(shares: u128, reserve: u128, total: u128) -> Option<u128> {
    let total = Some(BigUint::from(total)).filter(|total| total.bits() > 0)?;
    (BigUint::from(shares) * reserve / total).try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An amount of any size, the extremes often.
    fn amount() -> impl Strategy<Value = u128> {
        prop_oneof![
            0u128..10,
            any::<u64>().prop_map(u128::from),
            any::<u128>(),
            Just(u128::MAX),
            Just(1 << 127)
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Whatever is sold, the product of the reserves does not fall, and something is left.
        #[test]
        fn no_sale_lowers_the_product(sold in amount(), x in amount(), y in amount()) {
            prop_assume!(x > 0 && y > 0);
            let out = bought(sold, x, y).expect("a pool");
            prop_assert!(out < y);
            let product = |x: BigUint, y: u128| x * y;
            prop_assert!(product(BigUint::from(x) + sold, y - out) >= product(x.into(), y));
        }

        /// One unit more would lower it, the fee apart: the rounding costs the trader less than a unit.
        #[test]
        fn a_sale_buys_all_that_the_product_allows(sold in amount(), x in amount(), y in amount()) {
            prop_assume!(x > 0 && y > 0);
            let out = bought(sold, x, y).expect("a pool");
            let mille = BigUint::from(MILLE);
            let kept = BigUint::from(x) * &mille + BigUint::from(sold) * KEPT_PER_MILLE;
            prop_assert!(kept * (y - out - 1) < BigUint::from(x) * mille * y);
        }

        /// Whoever buys shares and sells them at once has no more of anything than before.
        #[test]
        fn shares_cost_what_they_are_worth_or_one_unit_more(shares in amount(), reserve in amount(), total in amount()) {
            prop_assume!(total > 0);
            if let (Some(cost), Some(worth)) = (cost(shares, reserve, total), worth(shares, reserve, total)) {
                prop_assert!(cost == worth || cost == worth + 1);
                prop_assert_eq!(cost == 0, shares == 0 || reserve == 0);
            }
        }
    }
}
