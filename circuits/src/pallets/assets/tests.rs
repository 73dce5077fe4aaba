//! What users are told, and what the first state must be.

use serde_json::{Value as Json, json};

use super::*;
use crate::{
    pallets::pools::testing::{
        ASSET, ASSETS as POOLED, CREATOR, HELD, OWNER, POOL, STRANGER, create_asset, held, id, market,
        mint_asset, spec, transfer_asset,
    },
    runtime::{Account, AccountIndex, Chain, testing::key},
    state::Element,
};

#[test]
fn an_asset_is_created_minted_and_sent() {
    let mut on = market(vec![1, 0, 1, 1, 2, 0, 0, 0, 0]);
    on.prove_and_advance(&[create_asset(&on, 3, 0, 1_000), mint_asset(&on, OWNER, 0, ASSET, 70)]);
    let created = on.read::<Asset>(2).expect("created");
    assert_eq!((created.supply, created.owner, created.shares), (1_000, AccountIndex::from(3), false));
    assert_eq!(held(&on, ASSET, OWNER.into()), HELD + 70);
    on.prove_and_advance(&[
        transfer_asset(&on, 3, 1, 2, STRANGER, 400),
        // Shares are an asset like any.
        transfer_asset(&on, CREATOR, 0, POOL, STRANGER, 5),
    ]);
    assert_eq!([3, STRANGER.into()].map(|account| held(&on, 2, account)), [600, 400]);
    assert_eq!(held(&on, POOL, STRANGER.into()), 5);
    assert_eq!(held(&on, ASSET, CREATOR.into()), HELD - POOLED);
}

#[test]
fn an_assets_identity_is_what_the_creators_key_nonce_and_words_hash_to() {
    let mut on = market(vec![0, 0, 2, 0, 0, 0, 0, 0, 0]);
    on.prove_and_advance(&[create_asset(&on, 3, 0, 1_000), create_asset(&on, 3, 1, 1_000)]);
    let symbol = Symbol::new("NEW").expect("letters");
    let origin = |nonce| record::Origin { nonce, symbol, decimals: 2, supply: 1_000 };
    assert_eq!([id(&on, 2), id(&on, 3)], [0, 1].map(|nonce| identity(&key(3), &origin(nonce))));
    assert_ne!(id(&on, 2), id(&on, 3));
}

#[test]
fn refusals_name_their_cause() {
    let on = market(vec![1, 0, 1, 1, 1, 0, 0, 0, 0]);
    let refusal = |call| on.refusal(&call);
    assert!(refusal(mint_asset(&on, 3, 0, ASSET, 1)).contains("account 1's to mint"));
    assert!(refusal(mint_asset(&on, CREATOR, 0, POOL, 1)).contains("shares of a pool"));
    assert!(refusal(mint_asset(&on, OWNER, 0, ASSET, u128::MAX)).contains("128 bits"));
    assert!(refusal(transfer_asset(&on, 1, 0, ASSET, 3, HELD + 1)).contains("holds 500000 of asset 0"));
    assert!(refusal(transfer_asset(&on, 1, 0, ASSET, 1, 1)).contains("itself"));
    assert!(refusal(transfer_asset(&on, 1, 0, ASSET, 9, 1)).contains("`open` one"));
    let unknown = circuit::Issue { asset: Element(7u64.into()), amount: 1 };
    assert!(refusal(on.call("mint_asset", 1, 0, &unknown)).contains("no asset of this identity"));
}

#[test]
fn specs_that_are_no_market_are_refused() {
    let chain = market(vec![1; 9]).chain;
    let sound: Json = serde_json::from_str(&spec()).expect("json");
    assert!(chain.genesis(&sound.to_string()).is_ok());
    type Change<'a> = &'a dyn Fn(&mut Json);
    let cases: [(Change<'_>, &str); 11] = [
        (&|p| p["assets"][0]["symbol"] = "not letters".into(), "letters"),
        (&|p| p["assets"][0]["owner"] = 6.into(), "no account 6"),
        (&|p| p["assets"][0]["holdings"][1]["account"] = 0.into(), "twice"),
        (&|p| p["assets"][0]["holdings"][1]["amount"] = u128::MAX.to_string().into(), "128 bits"),
        (&|p| p["assets"][0]["surprise"] = 0.into(), "surprise"),
        (&|p| p["assets"] = vec![p["assets"][0].clone(); 9].into(), "no place for another asset"),
        (&|p| p["pools"][0]["asset"] = 1.into(), "no asset 1"),
        (&|p| p["pools"][0]["creator"] = 5.into(), "holds 0"),
        (&|p| p["pools"][0]["native"] = "999".into(), "at least 1000"),
        (&|p| p["pools"][0]["native"] = u128::MAX.to_string().into(), "above the deposit"),
        (&|p| p["pools"] = json!({}), "invalid type"),
    ];
    for (change, cause) in cases {
        let mut spec = sound.clone();
        change(&mut spec["pallets"]);
        let error = chain.genesis(&spec.to_string()).map(|_| ()).expect_err(cause).to_string();
        assert!(error.contains(cause), "{error}");
    }
}

#[test]
fn a_chain_has_as_many_assets_as_places() {
    let mut on = market(vec![0, 0, 7, 0, 0, 0, 0, 0, 0]);
    let calls: Vec<_> = (0..7).map(|nonce| create_asset(&on, 3, nonce, 1)).collect();
    let block = on.execute(&calls);
    assert_eq!(block.included, [0, 1, 2, 3, 4, 5]);
    assert!(block.refused[0].1.to_string().contains("no place for another asset"));
    on.advance(&block);
    assert!(on.read::<Account>(3).is_some());
}
