//! `universal`: one state machine for everything that the other chains do, to measure what it is to be specialised.
//!
//! It has all pallets, and one lane whose slots take any of their calls. `docs/universal.md` has the figures.

use serde_json::{Value as Json, json};
use zkpov_verifier::statement::ChainIdentity;

use super::{
    Assembly, Market, Registry, exchange,
    scene::{EXISTENTIAL_DEPOSIT, People, Scene},
};
use crate::{
    pallets::{
        arcade::{Arcade, GAME_LEVELS, game::Game},
        assets::{Asset, Holding},
        governance::{Ballot, Charter, Governance, Proposal},
        identity::{Attestation, Bucket, Identity, Registrar},
        pools::Pool,
    },
    runtime::{ACCOUNT_LEVELS, Account, Composition, ExtrinsicError, Pallet, Settings, Token},
    state::{Value, circuit::Ports},
};

/// Version of the state machine. It changes whenever a circuit of the chain does.
const RUNTIME_VERSION: u32 = 1;

/// Version of what users sign.
const TRANSACTION_VERSION: u32 = 1;

/// Levels of the asset tree, as on the exchange.
const ASSET_LEVELS: usize = 2;

/// The chain at the size of the specialised ones: 2^24 accounts.
pub fn universal() -> Composition {
    let levels = (ACCOUNT_LEVELS, ASSET_LEVELS, GAME_LEVELS);
    universal_of(
        levels,
        Identity::default(),
        Governance::new(ACCOUNT_LEVELS),
        vec![(18, vec![2]), (20, vec![11])],
    )
}

/// The chain with other trees (levels of accounts, assets and games) and other tiers: base-2 logarithm of the domain, and slots.
pub fn universal_of(
    (account_levels, asset_levels, game_levels): (usize, usize, usize),
    identity: Identity,
    governance: Governance,
    tiers: Vec<(u8, Vec<u32>)>,
) -> Composition {
    let mut pallets = exchange::pallets(account_levels, asset_levels);
    pallets.extend([
        Box::new(Arcade::new(game_levels)) as Box<dyn Pallet>,
        Box::new(identity),
        Box::new(governance),
    ]);
    let settings = Settings {
        name: "universal",
        runtime_version: RUNTIME_VERSION,
        transaction_version: TRANSACTION_VERSION,
        token: Token { symbol: "ANY".into(), decimals: 12 },
        account_levels,
        upgrades: true,
        pallets,
        tiers,
    };
    Composition::universal(ports(), settings)
}

/// The most places of each storage that a call touches, the sender's account apart.
fn ports() -> Vec<Ports> {
    vec![
        Ports::of::<Account>(1),
        Ports::of::<Asset>(2),
        Ports::of::<Holding>(2),
        Ports::of::<Pool>(1),
        Ports::of::<Game>(1),
        Ports::of::<Registrar>(2),
        Ports::of::<Attestation>(1),
        Ports::of::<Bucket>(1),
        Ports::of::<Proposal>(1),
        Ports::of::<Ballot>(1),
        Ports::of::<Charter>(1),
    ]
}

/// People pay, trade, open games and give to the treasury, all in one lane.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fair;

/// What everybody pays, sells, stakes and gives.
const AMOUNT: u128 = 100 * EXISTENTIAL_DEPOSIT;

impl Scene for Fair {
    fn pallets(&self, people: &People<'_>) -> Json {
        let scenes: [&dyn Scene; 3] = [&Market, &Registry, &Assembly];
        let parts = scenes.map(|scene| scene.pallets(people));
        parts
            .iter()
            .filter_map(Json::as_object)
            .flatten()
            .map(|(name, part)| (name.clone(), part.clone()))
            .collect()
    }

    fn calls(
        &self,
        people: &People<'_>,
        identity: &ChainIdentity,
        capacities: &[u32],
    ) -> Result<Vec<Vec<u8>>, ExtrinsicError> {
        let amount = AMOUNT.to_string();
        let pool = Market::pool(people).to_json();
        let call = |number: u32| {
            let (sender, receiver) = (people.spread(2 * number + 1), people.spread(2 * number + 2));
            let (call, arguments) = match number % 4 {
                0 => ("swap", json!({ "pool": pool, "sells_native": true, "sold": amount, "least": "1" })),
                1 => ("transfer", json!({ "amount": amount, "receiver": people.key(receiver).to_json() })),
                2 => ("open_game", json!({ "stake": amount, "patience": 0 })),
                _ => ("donate", json!({ "amount": amount })),
            };
            people.sign(identity, call, sender, 0, &arguments)
        };
        (0..capacities.iter().sum()).map(call).collect()
    }
}

#[cfg(test)]
mod jacobian;
#[cfg(test)]
mod tests;
