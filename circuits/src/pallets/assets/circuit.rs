//! The pallet's calls: one definition for circuits and for native execution.
//!
//! **Why the supply is conserved.** Amounts are below 2^128, so a sum or difference of two that has 128 bits is the integer's. A
//! transfer lowers one holding by what it raises another, and they are two: sender and receiver differ. `create_asset` and
//! `mint_asset` raise supply and one holding by the same. A holding that is not there counts as 0, and becomes a record when it
//! is first needed; its leaf then is no longer 0, and never again.

use ark_relations::gr1cs::Result;
use zkpov_verifier::eddsa::PublicKey;

use super::{
    record::{
        Asset, AssetIndex, AssetVar, Holding, HoldingVar, OriginVar, close, held, holding_place,
        identity_variable, index_of, open,
    },
    symbol::Symbol,
};
use crate::{
    Fr,
    bit::Bit,
    constraint::{enforce_equal, enforce_zero},
    runtime::{Account, AccountIndex, Call, Executed, Idle, IdleContext, Slot, Unfit, View},
    state::Element,
    values,
};

values! {
    /// What the creator of an asset signs.
    pub struct Creation / CreationVar ("creation") {
        /// What people call it.
        symbol: Symbol,
        /// Decimals of the unit that people count it in.
        decimals: u8,
        /// How much there is of it, all the sender's.
        supply: u128,
    }
}

values! {
    /// What a creation's slot is given, and what the body says of it.
    pub struct Created / CreatedVar ("create asset") {
        /// The place of the asset.
        asset: AssetIndex,
        /// What people call it.
        symbol: Symbol,
        /// Decimals of the unit that people count it in.
        decimals: u8,
        /// How much there is of it.
        supply: u128,
    }
}

values! {
    /// What the owner of an asset signs to make more of it.
    pub struct Issue / IssueVar ("issue") {
        /// The asset's identity.
        asset: Element,
        /// How much more.
        amount: u128,
    }
}

values! {
    /// What a minting's slot is given, and what the body says of it.
    pub struct Issued / IssuedVar ("mint asset") {
        /// The place of the asset.
        asset: AssetIndex,
        /// How much more of it there is.
        amount: u128,
    }
}

values! {
    /// What the sender of an asset signs.
    pub struct Remittance / RemittanceVar ("remittance") {
        /// The asset's identity.
        asset: Element,
        /// What the receiver gets.
        amount: u128,
        /// The receiver's key.
        receiver: PublicKey,
    }
}

values! {
    /// What a transfer's slot is given, and what the body says of it.
    pub struct Remitted / RemittedVar ("transfer asset") {
        /// The place of the asset.
        asset: AssetIndex,
        /// The receiver's account.
        receiver: AccountIndex,
        /// What it gets.
        amount: u128,
    }
}

/// Creates an asset, all of which the sender holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreateAsset;

impl Call for CreateAsset {
    const NAME: &'static str = "create_asset";

    type Arguments = Creation;
    type Inputs = Created;
    type Body = Created;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        creation: &Creation,
    ) -> core::result::Result<Created, Unfit> {
        let Creation { symbol, decimals, supply } = *creation;
        let asset = next_asset(view)?;
        self.restore(view, sender, &Created { asset, symbol, decimals, supply })
    }

    fn restore(
        &self,
        view: &View<'_>,
        _: AccountIndex,
        body: &Created,
    ) -> core::result::Result<Created, Unfit> {
        check_place(view, body.asset)?;
        Ok(body.clone())
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: CreatedVar) -> Result<Executed<Creation, Created>> {
        let (key, nonce) = (slot.sender_account()?.key.clone(), slot.sender_account()?.nonce.clone());
        let owner = slot.sender()?.clone();
        let CreatedVar { asset, symbol, decimals, supply } = inputs.clone();
        let signed =
            CreationVar { symbol: symbol.clone(), decimals: decimals.clone(), supply: supply.clone() };
        let origin =
            OriginVar { nonce, symbol: symbol.clone(), decimals: decimals.clone(), supply: supply.clone() };
        let id = identity_variable(&key, &origin)?;

        let place = slot.vacant::<Asset>(&asset)?;
        // Nobody has any of it: a holding of an asset that is not there cannot come into being.
        let holding = slot.vacant::<Holding>(&holding_place(&asset, &owner)?)?;
        slot.write::<Holding>(holding, &HoldingVar { amount: supply.clone() })?;
        let created = AssetVar { id, owner, decimals, supply, symbol, shares: Bit::constant(false) };
        slot.write::<Asset>(place, &created)?;
        Ok(Executed { signed, body: inputs })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Created> {
        Idle::new(Created { asset: AssetIndex::from(0), symbol: Symbol(0), decimals: 0, supply: 0 })
    }
}

/// Makes more of an asset, for its owner.
#[derive(Clone, Copy, Debug, Default)]
pub struct MintAsset;

impl Call for MintAsset {
    const NAME: &'static str = "mint_asset";

    type Arguments = Issue;
    type Inputs = Issued;
    type Body = Issued;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        issue: &Issue,
    ) -> core::result::Result<Issued, Unfit> {
        let (index, asset) = known_asset(view, &issue.asset)?;
        if asset.shares {
            return Err(Unfit::because("these are shares of a pool: add liquidity to it"));
        }
        if asset.owner != sender {
            return Err(Unfit::because(format!("asset {} is account {}'s to mint", index.0, asset.owner.0)));
        }
        if asset.supply.checked_add(issue.amount).is_none() {
            return Err(Unfit::because(format!("the supply of asset {} would exceed 128 bits", index.0)));
        }
        self.restore(view, sender, &Issued { asset: index, amount: issue.amount })
    }

    fn restore(
        &self,
        view: &View<'_>,
        _: AccountIndex,
        body: &Issued,
    ) -> core::result::Result<Issued, Unfit> {
        check_place(view, body.asset)?;
        Ok(body.clone())
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: IssuedVar) -> Result<Executed<Issue, Issued>> {
        let owner = slot.sender()?.clone();
        let (asset, place) = slot.read::<Asset>(&inputs.asset)?;
        enforce_equal("assets/minter", asset.owner.as_field(), owner.as_field())?;
        enforce_zero("assets/shares are the pool's", asset.shares.as_field())?;
        let signed = IssueVar { asset: asset.id.clone(), amount: inputs.amount.clone() };
        let supply = asset.supply.checked_add("assets/supply", &inputs.amount)?;
        slot.write::<Asset>(place, &AssetVar { supply, ..asset })?;
        let (before, place) = open(slot, &inputs.asset, &owner)?;
        close(slot, place, before.checked_add("assets/receiver", &inputs.amount)?)?;
        Ok(Executed { signed, body: inputs })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Issued> {
        Idle::new(Issued { asset: AssetIndex::from(0), amount: 0 })
    }
}

/// Moves an amount of an asset to an account that exists.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransferAsset;

impl Call for TransferAsset {
    const NAME: &'static str = "transfer_asset";

    type Arguments = Remittance;
    type Inputs = Remitted;
    type Body = Remitted;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        remittance: &Remittance,
    ) -> core::result::Result<Remitted, Unfit> {
        let (asset, _) = known_asset(view, &remittance.asset)?;
        let receiver = view
            .account_of(&remittance.receiver)?
            .ok_or_else(|| Unfit::because("the receiver has no account: `open` one"))?;
        if receiver == sender {
            return Err(Unfit::because(format!("account {} would send to itself", sender.0)));
        }
        check_holder(view, asset, sender, remittance.amount)?;
        self.restore(view, sender, &Remitted { asset, receiver, amount: remittance.amount })
    }

    fn restore(
        &self,
        view: &View<'_>,
        _: AccountIndex,
        body: &Remitted,
    ) -> core::result::Result<Remitted, Unfit> {
        check_place(view, body.asset)?;
        if u64::from(body.receiver.0) >= view.places::<Account>() {
            return Err(Unfit::because(format!("the chain has no account place {}", body.receiver.0)));
        }
        Ok(body.clone())
    }

    fn execute(
        &self,
        slot: &mut Slot<'_, '_>,
        inputs: RemittedVar,
    ) -> Result<Executed<Remittance, Remitted>> {
        let sender = slot.sender()?.clone();
        let RemittedVar { asset, receiver, amount } = &inputs;
        let (known, _) = slot.read::<Asset>(asset)?;
        let (account, _) = slot.read::<Account>(receiver)?;
        let (before, place) = open(slot, asset, &sender)?;
        close(slot, place, before.checked_sub("assets/overdraft", amount)?)?;
        let (before, place) = open(slot, asset, receiver)?;
        close(slot, place, before.checked_add("assets/receiver", amount)?)?;
        let signed = RemittanceVar { asset: known.id, amount: amount.clone(), receiver: account.key };
        Ok(Executed { signed, body: inputs })
    }

    fn idle(&self, context: &IdleContext) -> Idle<Remitted> {
        let receiver = Account::opened(IdleContext::key(), context.parameters.existential_deposit);
        Idle::new(Remitted { asset: AssetIndex::from(0), receiver: AccountIndex::from(1), amount: 0 })
            .reading(&Asset::unknown())
            .reading(&receiver)
    }
}

impl Asset {
    /// What an unused slot reads.
    pub(crate) fn unknown() -> Self {
        Self {
            id: Element(Fr::from(0u64)),
            owner: AccountIndex::from(0),
            decimals: 0,
            supply: 0,
            symbol: Symbol(0),
            shares: false,
        }
    }
}

/// The place of the next asset.
///
/// # Errors
///
/// If the chain has as many assets as it can.
pub(crate) fn next_asset(view: &View<'_>) -> core::result::Result<AssetIndex, Unfit> {
    let place = view.next_place::<Asset>()?;
    Ok(place.ok_or_else(|| Unfit::because("the chain has no place for another asset"))?.into())
}

/// The asset of this identity.
///
/// # Errors
///
/// If there is none.
pub(crate) fn known_asset(view: &View<'_>, id: &Element) -> core::result::Result<(AssetIndex, Asset), Unfit> {
    let unknown = || Unfit::because("there is no asset of this identity");
    let index = index_of(view, id)?.ok_or_else(unknown)?;
    let asset: Asset = view.read(index.0)?.ok_or_else(unknown)?;
    Ok((index, asset))
}

/// Whether the chain has this place for an asset: beyond it a holding's place would be another's.
///
/// # Errors
///
/// If it has not.
pub(crate) fn check_place(view: &View<'_>, asset: AssetIndex) -> core::result::Result<(), Unfit> {
    if u64::from(asset.0) < view.places::<Asset>() {
        Ok(())
    } else {
        Err(Unfit::because(format!("the chain has no place {} for an asset", asset.0)))
    }
}

/// Whether an account holds `amount` of an asset: for an error with figures.
///
/// # Errors
///
/// If it holds less.
pub(crate) fn check_holder(
    view: &View<'_>,
    asset: AssetIndex,
    account: AccountIndex,
    amount: u128,
) -> core::result::Result<(), Unfit> {
    let held = held(view, asset, account)?;
    if amount > held {
        return Err(Unfit::because(format!(
            "account {} holds {held} of asset {}, not {amount}",
            account.0, asset.0
        )));
    }
    Ok(())
}
