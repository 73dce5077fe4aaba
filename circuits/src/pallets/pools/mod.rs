//! Pools: constant-product markets of the native token and an asset.
//!
//! ```text
//!   genesis     pools that a chain begins with
//!     │
//!   swap        trading
//!     │
//!   liquidity   pools made, shares bought and sold
//!     │
//!   record      what is stored of a pool        curve   the same arithmetic, natively
//!     │
//!   amount      128 bits that are multiplied and divided            forged   dishonest witnesses (tests)
//! ```
//!
//! # Calls
//!
//! | call | effect |
//! |---|---|
//! | `create_pool` | amounts of the native token and an asset from the sender into a new pool; as many shares as native units, of which [`LOCKED_SHARES`] are nobody's |
//! | `add_liquidity` | an exact number of shares to the sender, for their part of both reserves, rounded up, at most what was signed |
//! | `remove_liquidity` | an exact number of shares from the sender, for their part of both reserves, rounded down, at least what was signed |
//! | `swap` | an exact amount sold, the native token or the asset, for the other, rounded down, at least what was signed |
//!
//! The deadline of each is its expiry, which every call has: the last block in which it is valid.
//!
//! An asset is traded for another in two swaps, by way of the native token. A pool of two assets would open two holdings in each swap,
//! of 10 levels, where the native token's balance is in an account that is open anyway: a third more of the weight of every swap.
//!
//! Weights are in `weights.csv`.
//!
//! # Storage
//!
//! | storage | record | place |
//! |---|---|---|
//! | 5 | [`Pool`]: identity, asset, both reserves, shares | that of its shares among the assets (storage 3) |
//!
//! Shares are an asset, held and transferred as any other. Only their pool makes and takes back any: `mint_asset` refuses them.
//!
//! # Arithmetic
//!
//! Amounts have 128 bits, a product of two up to 270 with the fee, more than the field. Quotients are exact over
//! the integers all the same ([`natural`](crate::gadgets::natural)): an equation modulo p and modulo 2^64.
//!
//! # Invariants
//!
//! - The sum of an asset over all holdings and pools is its supply; the sum of the native token over accounts and pools is
//!   the total issuance.
//! - Shares held and the locked ones are all of a pool's shares.
//! - Product of the reserves by the square of the shares never falls. No reserve is ever 0.
//!
//! `liquidity` and `swap` say why.
//!
//! # Attacks
//!
//! | attack | stopped by |
//! |---|---|
//! | buying a unit more than the curve gives; paying a unit less for shares; getting a unit more for them | `division/remainder` |
//! | giving the trader less than the curve gives; having a provider pay more | `division/below divisor` |
//! | a quotient that is right modulo p only: a whole reserve for one unit | `division/carry` |
//! | a trade, a purchase or a sale of shares worse than was signed | `pools/least`, `pools/most` |
//! | selling, paying or giving back what one does not hold | `pools/holding`, `pools/overdraft` |
//! | a reserve, or shares, past 2^128 | `pools/reserve` |
//! | a pool without locked shares | `pools/locked shares` |
//! | a pool with an empty reserve: shares that cost nothing of it | `pools/empty reserve` |
//! | more shares taken back than there are | `pools/shares left` |
//! | a pool of its own shares; a second pool at a place | `state/memory` |
//! | a pool, reserve or holding that the state has not | `state/memory` |
//! | a trade after its deadline | `runtime/expiry` |
//! | a signature for another pool, direction, amount or limit | `eddsa/equation` |

use crate::{
    runtime::{CallKind, GenesisState, Pallet, SpecError},
    state::Shape,
};

pub mod amount;
pub mod curve;
mod genesis;
pub mod liquidity;
pub mod record;
pub mod swap;

pub use amount::Amount;
pub use curve::{KEPT_PER_MILLE, LOCKED_SHARES, MILLE};
pub use liquidity::{AddLiquidity, CreatePool, RemoveLiquidity};
pub use record::{POOLS, Pool, PoolVar, identity};
pub use swap::Swap;

/// The pallet, for a chain with [`Assets`](super::assets::Assets).
#[derive(Clone, Copy, Debug)]
pub struct Pools {
    asset_levels: usize,
}

impl Pools {
    /// Pools of a chain with 8^`asset_levels` assets.
    pub fn new(asset_levels: usize) -> Self {
        Self { asset_levels }
    }
}

impl Pallet for Pools {
    fn name(&self) -> &'static str {
        "pools"
    }

    fn storages(&self) -> Vec<(u8, Shape)> {
        vec![(POOLS, Shape::Tree { levels: self.asset_levels })]
    }

    fn kinds(&self) -> Vec<CallKind> {
        vec![
            CallKind::call(CreatePool),
            CallKind::call(AddLiquidity),
            CallKind::call(RemoveLiquidity),
            CallKind::call(Swap),
        ]
    }

    fn genesis(
        &self,
        spec: Option<&serde_json::Value>,
        genesis: &mut GenesisState<'_>,
    ) -> Result<(), SpecError> {
        spec.map_or(Ok(()), |spec| genesis::write(spec, genesis))
    }
}

#[cfg(test)]
mod forged;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
