//! Forged executions: complete dishonest witnesses, and the one constraint that refuses each.

use ark_ff::Field;
use zkpov_verifier::field::Fr;

use super::{Asset, Holding};
use crate::{
    pallets::pools::testing::{
        ASSET, CREATE_ASSET, CREATOR, FEE, Forgery, HELD, MINT_ASSET, OWNER, POOL, STRANGER, TRANSFER_ASSET,
        TestChain, create_asset, held, market, mint_asset, only, place, transfer_asset,
    },
    runtime::{
        Account, SlotWitness,
        testing::{BALANCE, refused_by},
    },
    state::Value,
};

/// Inputs of a transfer's slot; the asset is the first of every call's.
const RECEIVER: usize = 1;
const AMOUNT: usize = 2;

/// The second input of a minting's slot.
const MINTED: usize = 1;

/// What is sent.
const SENT: u128 = 700;

fn transfers() -> TestChain {
    market(only(&[TRANSFER_ASSET]))
}

/// A transfer of account 1 to account 3, changed before it is signed.
fn transfer(on: &TestChain, change: impl FnOnce(&mut SlotWitness)) -> Forgery<'_> {
    Forgery::of(on, &[transfer_asset(on, 1, 0, ASSET, 3, SENT)]).changed(change)
}

/// A minting by the owner, changed before it is signed.
fn mint(on: &TestChain, change: impl FnOnce(&mut SlotWitness)) -> Forgery<'_> {
    Forgery::of(on, &[mint_asset(on, OWNER, 0, ASSET, SENT)]).changed(change)
}

#[test]
fn the_honest_blocks_are_accepted() {
    transfer(&transfers(), |_| ()).accepted();
    let on = market(only(&[MINT_ASSET]));
    mint(&on, |_| ()).accepted();
    let on = market(only(&[CREATE_ASSET]));
    Forgery::of(&on, &[create_asset(&on, 3, 0, 5)]).accepted();
}

#[test]
fn spending_more_than_one_holds_is_refused() {
    let on = transfers();
    transfer(&on, |slot| slot.inputs[AMOUNT] = Fr::from(HELD)).accepted();
    transfer(&on, |slot| slot.inputs[AMOUNT] = Fr::from(HELD + 1)).refused_only_by("assets/overdraft");
    transfer(&on, |slot| slot.sender = STRANGER.into()).refused_only_by("assets/overdraft");
}

#[test]
fn a_negative_amount_is_refused() {
    let on = transfers();
    transfer(&on, |slot| slot.inputs[AMOUNT] = -Fr::from(SENT)).refused_only_by("transfer asset/amount");
    let on = market(only(&[MINT_ASSET]));
    mint(&on, |slot| slot.inputs[MINTED] = -Fr::from(SENT)).refused_only_by("mint asset/amount");
}

#[test]
fn a_receiver_wrapping_at_128_bits_is_refused() {
    let on = transfers();
    let mut forgery = transfer(&on, |_| ());
    let rich = transfers().with(place(ASSET, 3), &Holding { amount: u128::MAX - 100 });
    forgery.on = &rich;
    forgery.refused_only_by("assets/receiver");
    let on = market(only(&[MINT_ASSET]));
    let mut forgery = mint(&on, |_| ());
    let rich =
        market(only(&[MINT_ASSET])).with(place(ASSET, OWNER.into()), &Holding { amount: u128::MAX - 100 });
    forgery.on = &rich;
    forgery.refused_only_by("assets/receiver");
}

#[test]
fn an_invented_holding_is_refused() {
    let on = transfers();
    let mut forgery = transfer(&on, |slot| slot.sender = STRANGER.into());
    forgery.pretend::<Holding>(place(ASSET, STRANGER.into()), vec![Fr::from(SENT)]);
    forgery.refused_only_by("state/memory");
}

/// The debts of one's holding are gone with it.
#[test]
fn a_holding_that_is_said_not_to_be_there_is_refused() {
    let on = transfers();
    let mut forgery = transfer(&on, |_| ());
    forgery.pretend::<Holding>(place(ASSET, 3), vec![]);
    forgery.refused_only_by("state/memory");
}

#[test]
fn an_amount_in_a_holding_that_is_not_there_is_refused() {
    let on = transfers();
    let mut forgery = transfer(&on, |slot| slot.sender = STRANGER.into());
    forgery.pretend::<Holding>(place(ASSET, STRANGER.into()), vec![Fr::from(SENT)]);
    let mut witness = forgery.witness();
    let mut accesses = witness.openings.accesses.iter_mut();
    let access = accesses.find(|access| access.fields == [Fr::from(SENT)]).expect("the holding");
    access.there = false;
    refused_by(&on, &witness, ["state/blank record"]);
}

/// The account is read as this slot leaves it, which memory has nothing against.
#[test]
fn an_asset_sent_to_oneself_is_refused() {
    let on = transfers();
    let mut witness = transfer(&on, |slot| slot.inputs[RECEIVER] = Fr::ONE).witness();
    let before: Account = on.read(1).expect("an account");
    let after = Account { balance: BALANCE - u128::from(FEE), nonce: 1, ..before };
    let mut accesses = witness.openings.accesses.iter_mut();
    let of_receiver = accesses.rfind(|access| access.fields == before.elements()).expect("read twice");
    of_receiver.fields = after.elements();
    refused_by(&on, &witness, ["state/one view of a place"]);
}

#[test]
fn minting_anothers_asset_is_refused() {
    let on = market(only(&[MINT_ASSET]));
    mint(&on, |slot| slot.sender = 3).refused_only_by("assets/minter");
}

#[test]
fn minting_shares_of_a_pool_is_refused() {
    let on = market(only(&[MINT_ASSET]));
    let shares = |slot: &mut SlotWitness| {
        slot.sender = CREATOR.into();
        slot.inputs[0] = POOL.into();
    };
    mint(&on, shares).refused_only_by("assets/shares are the pool's");
}

#[test]
fn a_supply_past_128_bits_is_refused() {
    let on = market(only(&[MINT_ASSET]));
    let mut forgery = mint(&on, |_| ());
    let asset: Asset = on.read(ASSET).expect("an asset");
    let full = market(only(&[MINT_ASSET])).with(ASSET, &Asset { supply: u128::MAX - 100, ..asset });
    forgery.on = &full;
    forgery.refused_only_by("assets/supply");
}

#[test]
fn creating_an_asset_where_there_is_one_is_refused() {
    let on = market(only(&[CREATE_ASSET]));
    for taken in [ASSET, POOL] {
        Forgery::of(&on, &[create_asset(&on, 3, 0, 5)])
            .changed(|slot| slot.inputs[0] = taken.into())
            .refused_only_by("state/memory");
    }
}

#[test]
fn what_is_signed_is_bound_by_the_signature() {
    let on = transfers();
    for (input, value) in [(0, POOL.into()), (RECEIVER, Fr::from(4u64)), (AMOUNT, Fr::from(SENT + 1))] {
        let on = if input == 0 {
            transfers().with(place(POOL, 1), &Holding { amount: HELD })
        } else {
            transfers()
        };
        let mut forgery = transfer(&on, |_| ());
        forgery.sign();
        forgery.slot().inputs[input] = value;
        forgery.refused_only_by("eddsa/equation");
    }
    assert_eq!(held(&on, ASSET, 1), HELD);
}
