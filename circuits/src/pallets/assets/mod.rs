//! Assets: many tokens beside the native one, each with an owner who alone can make more of it.
//!
//! ```text
//!   circuit   the calls           genesis   assets and holdings that a chain begins with
//!   record    what is stored      symbol    a few letters
//!   forged    dishonest witnesses (tests)
//! ```
//!
//! # Calls
//!
//! | call | effect |
//! |---|---|
//! | `create_asset` | a new asset with a symbol, decimals and a supply, all of which the sender holds and whose owner it is |
//! | `mint_asset` | its owner makes more of it, for itself |
//! | `transfer_asset` | an amount of any asset from the sender to an account that exists |
//!
//! Weights are in `weights.csv`.
//!
//! # Storage
//!
//! | storage | record | place |
//! |---|---|---|
//! | 3 | [`Asset`]: identity, owner, decimals, supply, symbol, whether it is of shares | the asset's number |
//! | 4 | [`Holding`]: an amount | asset · 2^24 + account on a chain of 2^24 accounts: the bits of both, one above the other |
//!
//! A holding's place says whose it is and of what, so that nobody has two of one asset. A tree has at most 2^30 places:
//! 64 assets for 2^24 accounts, 512 for 2^21.
//!
//! # What a user signs
//!
//! An asset's *identity*, not its number, as it signs a receiver's key and not its index: after a revert of the relay chain
//! another asset may have the number. The identity is a Poseidon hash of the creator's key and nonce, the symbol, the decimals and
//! the first supply ([`identity`]), so two assets never have the same.
//!
//! # Invariants
//!
//! - The sum of all holdings of an asset, and of what other pallets hold of it, is its supply, at most 2^128 - 1.
//! - A supply grows by `mint_asset` of its owner, and by nothing else.
//! - An asset never goes away, and its owner, identity, symbol and decimals never change.
//!
//! # Attacks
//!
//! | attack | stopped by |
//! |---|---|
//! | spending more than one holds; spending what one does not hold at all | `assets/overdraft` |
//! | a holding invented, or said not to be there and begun anew | `state/memory` |
//! | an amount in a holding that is not there | `state/blank record` |
//! | a receiver's holding past 2^128 | `assets/receiver` |
//! | a negative amount | `transfer asset/amount`, `mint asset/amount` |
//! | minting another's asset | `assets/minter` |
//! | minting shares of a pool | `assets/shares are the pool's` |
//! | a supply past 2^128 | `assets/supply` |
//! | creating an asset where there is one | `state/memory` |
//! | a signature for another asset, amount, receiver | `eddsa/equation` |
//! | an asset sent to oneself, which import refuses | `state/one view of a place` |

use crate::{
    runtime::{CallKind, GenesisState, Pallet, SpecError},
    state::Shape,
};

pub mod circuit;
mod genesis;
pub mod record;
pub mod symbol;

pub use circuit::{CreateAsset, MintAsset, TransferAsset};
pub use record::{ASSETS, Asset, AssetIndex, AssetVar, HOLDINGS, Holding, identity};
pub use symbol::Symbol;

/// The pallet.
#[derive(Clone, Copy, Debug)]
pub struct Assets {
    account_levels: usize,
    asset_levels: usize,
}

impl Assets {
    /// Assets of a chain whose account tree has `account_levels` levels: 8^`asset_levels` of them. There are at most 10
    /// levels together.
    pub fn new(account_levels: usize, asset_levels: usize) -> Self {
        Self { account_levels, asset_levels }
    }
}

impl Pallet for Assets {
    fn name(&self) -> &'static str {
        "assets"
    }

    fn storages(&self) -> Vec<(u8, Shape)> {
        let Self { account_levels, asset_levels } = *self;
        vec![
            (ASSETS, Shape::Tree { levels: asset_levels }),
            (HOLDINGS, Shape::Tree { levels: asset_levels + account_levels }),
        ]
    }

    fn kinds(&self) -> Vec<CallKind> {
        vec![CallKind::call(CreateAsset), CallKind::call(MintAsset), CallKind::call(TransferAsset)]
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
mod tests;
