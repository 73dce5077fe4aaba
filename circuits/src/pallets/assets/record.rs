//! What is stored of assets and of who holds them.

use ark_relations::gr1cs::Result;
use codec::Encode;
use zkpov_verifier::{
    eddsa::PublicKey,
    field::{Fr, domain},
    poseidon,
};

use super::symbol::Symbol;
use crate::{
    FpVar,
    gadgets::{babyjubjub::EdwardsPoint, poseidon as poseidon_gadget, range::U128},
    record,
    runtime::{Account, AccountIndex, Slot, View},
    state::{
        Element, Record, StateError, Value,
        circuit::{At, Index, Place},
        pack, pack_variables,
    },
    values,
};

/// Storage of assets.
pub const ASSETS: u8 = 3;

/// Storage of holdings.
pub const HOLDINGS: u8 = 4;

/// Bits of an asset's number where it is packed.
const ASSET_BITS: usize = 6;

/// The place of an asset.
pub type AssetIndex = At<ASSETS, ASSET_BITS>;

/// Opens the hash that an asset created by a call is known by.
const CREATED: &str = "zkpov/asset/1";

/// Opens the hash that an asset of the first state is known by.
const FIRST: &str = "zkpov/asset/genesis/1";

values! {
    /// An asset.
    pub struct Asset / AssetVar ("asset") {
        /// What it is known by, whatever its number: see [`identity`].
        id: Element,
        /// Who created it and can make more of it.
        owner: AccountIndex,
        /// Decimals of the unit that people count it in.
        decimals: u8,
        /// All there is of it; 0 of shares of a pool, which counts them itself.
        supply: u128,
        /// What people call it.
        symbol: Symbol,
        /// Whether it is the shares of a pool.
        shares: bool,
    }
}

impl Record for Asset {
    const STORAGE: u8 = ASSETS;
    const NAME: &'static str = "an asset";

    fn derived(&self, index: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
        vec![(index_name(&self.id), index.encode())]
    }
}

record! {
    /// How much of an asset an account holds.
    pub struct Holding / HoldingVar ("holding", "a holding") in HOLDINGS; {
        /// The amount, in the smallest units.
        amount: u128,
    }
}

values! {
    /// What an asset's identity is of, beside its creator's key.
    pub struct Origin / OriginVar ("origin") {
        /// The creator's nonce; of an asset of the first state its number.
        nonce: u32,
        /// The symbol.
        symbol: Symbol,
        /// The decimals.
        decimals: u8,
        /// The first supply.
        supply: u128,
    }
}

/// The identity of the asset that the call of this origin creates: Poseidon(domain, key x, key y, packed origin). A creator
/// uses a nonce once, so no two assets of a history have the same.
pub fn identity(creator: &PublicKey, origin: &Origin) -> Element {
    hash_origin(CREATED, creator, origin)
}

/// The identity of an asset of the first state, which no call's is.
pub fn first_identity(owner: &PublicKey, origin: &Origin) -> Element {
    hash_origin(FIRST, owner, origin)
}

fn hash_origin(tag: &str, key: &PublicKey, origin: &Origin) -> Element {
    let [x, y] = key.coordinates();
    let packed = pack(&Origin::widths(), &origin.elements());
    // The origin is 232 bits: one element.
    let [packed] = packed.try_into().unwrap_or_default();
    Element(poseidon::hash(&[domain(tag), x, y, packed]))
}

/// [`identity`] in a circuit.
pub(super) fn identity_variable(creator: &EdwardsPoint, origin: &OriginVar) -> Result<FpVar<Fr>> {
    let mut elements = vec![FpVar::Constant(domain(CREATED)), creator.x.clone(), creator.y.clone()];
    elements.extend(pack_variables(&Origin::widths(), &Origin::variables(origin))?);
    poseidon_gadget::hash(&elements)
}

fn index_name(id: &Element) -> Vec<u8> {
    [b"asset/".as_slice(), &id.encode()].concat()
}

/// The place of the asset of this identity.
///
/// # Errors
///
/// If the state cannot be read.
pub fn index_of(view: &View<'_>, id: &Element) -> core::result::Result<Option<AssetIndex>, StateError> {
    view.derived::<AssetIndex>(&index_name(id))
}

/// The place of what `account` holds of `asset`: the account's bits below the asset's.
///
/// # Errors
///
/// None but those of allocation.
pub fn holding_place(asset: &Index, account: &Index) -> Result<Index> {
    Index::from_bits([account.bits(), asset.bits()].concat())
}

/// [`holding_place`] natively, for a state with `accounts` places for accounts.
pub(crate) fn holding_number(accounts: u64, asset: AssetIndex, account: AccountIndex) -> u32 {
    // A storage's places fit a `u32`.
    u32::try_from(u64::from(asset.0) * accounts + u64::from(account.0)).unwrap_or(u32::MAX)
}

/// What `account` holds of `asset` now; 0 where there is no holding.
///
/// # Errors
///
/// If the state cannot be read.
pub fn held(
    view: &View<'_>,
    asset: AssetIndex,
    account: AccountIndex,
) -> core::result::Result<u128, StateError> {
    let place = holding_number(view.places::<Account>(), asset, account);
    Ok(view.read::<Holding>(place)?.map_or(0, |holding| holding.amount))
}

/// What `account` holds of `asset`, which is 0 where there is no holding, and where to write what it holds then.
///
/// # Errors
///
/// None but those of the constraint system.
pub fn open(slot: &mut Slot<'_, '_>, asset: &Index, account: &Index) -> Result<(U128, Place)> {
    let (_, holding, place) = slot.read_or_blank::<Holding>(&holding_place(asset, account)?)?;
    Ok((holding.amount, place))
}

/// Writes what is held at a place.
///
/// # Errors
///
/// None but those of the constraint system.
pub fn close(slot: &mut Slot<'_, '_>, place: Place, amount: U128) -> Result<()> {
    slot.write::<Holding>(place, &HoldingVar { amount })
}
