//! What is stored of a pool.

use ark_relations::gr1cs::Result;
use zkpov_verifier::{
    eddsa::PublicKey,
    field::{Fr, domain},
    poseidon,
};

use super::amount::Amount;
use crate::{
    FpVar,
    gadgets::{babyjubjub::EdwardsPoint, poseidon as poseidon_gadget, range::U32},
    pallets::assets::AssetIndex,
    record,
    state::Element,
};

/// Storage of pools. A pool's place is that of its shares among the assets.
pub const POOLS: u8 = 5;

/// Opens the hash that a pool created by a call is known by.
const CREATED: &str = "zkpov/pool/1";

/// Opens the hash that a pool of the first state is known by.
const FIRST: &str = "zkpov/pool/genesis/1";

record! {
    /// A market of the native token and an asset.
    pub struct Pool / PoolVar ("pool", "a pool") in POOLS; {
        /// What it and its shares are known by, whatever their number: see [`identity`].
        id: Element,
        /// The asset that is traded for the native token.
        asset: AssetIndex,
        /// How much of the native token it has.
        native: Amount,
        /// How much of the asset it has.
        assets: Amount,
        /// All shares: those held and the locked ones.
        shares: Amount,
    }
}

/// The identity of the pool that a call of `creator` at this nonce creates for the asset of identity `asset`:
/// Poseidon(domain, asset, key x, key y, nonce).
pub fn identity(asset: &Element, creator: &PublicKey, nonce: u32) -> Element {
    hash_origin(CREATED, asset, creator, nonce)
}

/// The identity of pool `number` of the first state.
pub fn first_identity(asset: &Element, creator: &PublicKey, number: u32) -> Element {
    hash_origin(FIRST, asset, creator, number)
}

fn hash_origin(tag: &str, asset: &Element, creator: &PublicKey, nonce: u32) -> Element {
    let [x, y] = creator.coordinates();
    Element(poseidon::hash(&[domain(tag), asset.0, x, y, nonce.into()]))
}

/// [`identity`] in a circuit.
pub(super) fn identity_variable(asset: &FpVar<Fr>, creator: &EdwardsPoint, nonce: &U32) -> Result<FpVar<Fr>> {
    let tag = FpVar::Constant(domain(CREATED));
    poseidon_gadget::hash(&[
        tag,
        asset.clone(),
        creator.x.clone(),
        creator.y.clone(),
        nonce.as_field().clone(),
    ])
}

impl Pool {
    /// What an unused slot reads: one share, and one unit of each.
    pub(super) fn unit() -> Self {
        let one = Amount(1);
        Self {
            id: Element(Fr::from(0u64)),
            asset: AssetIndex::from(0),
            native: one,
            assets: one,
            shares: one,
        }
    }
}
