//! `council`: a chain whose token governs it: its treasury, its parameters, its authors, its runtime.

use serde_json::{Value as Json, json};
use zkpov_verifier::statement::ChainIdentity;

use super::scene::{BALANCE, People, Scene};
use crate::{
    keys::SecretKey,
    pallets::{balances::Balances, governance::Governance},
    runtime::{ACCOUNT_LEVELS, Composition, ExtrinsicError, Settings, Token},
    state::Value,
};

/// Version of the state machine. It changes whenever a circuit of the chain does.
const RUNTIME_VERSION: u32 = 3;

/// Version of what users sign.
const TRANSACTION_VERSION: u32 = 1;

/// The chain as it ships: 2^24 accounts, 64 places for proposals; a tier of 2^16 for a single vote, and tiers that fill 2^18 and
/// 2^20 with slots of each lane.
pub fn council() -> Composition {
    let tiers =
        vec![(16, vec![1, 0, 0, 1]), (18, vec![3, 1, 1, 5, 1, 1, 1, 1]), (20, vec![9, 2, 3, 31, 8, 2, 4, 2])];
    let governance = Governance::new(ACCOUNT_LEVELS);
    council_of(ACCOUNT_LEVELS, governance, RUNTIME_VERSION, tiers)
}

/// The chain with another account tree, other places, another version and other tiers: base-2 logarithm of the domain, and slots for
/// transfers, opens, proposals, votes, unlocks, donations, closes and enactments.
pub fn council_of(
    account_levels: usize,
    governance: Governance,
    runtime_version: u32,
    tiers: Vec<(u8, Vec<u32>)>,
) -> Composition {
    Composition::new(Settings {
        name: "council",
        runtime_version,
        transaction_version: TRANSACTION_VERSION,
        token: Token { symbol: "VOTE".into(), decimals: 12 },
        account_levels,
        upgrades: true,
        pallets: vec![Box::new(Balances), Box::new(governance)],
        tiers,
    })
}

/// People propose, vote on what they proposed, give to the treasury and pay each other.
///
/// Stakes are not unlocked and proposals neither closed nor enacted in a chain's first block, so those lanes stay empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Assembly;

/// What everybody pays, donates, stakes.
const AMOUNT: u128 = 2_500_000_000_000;

/// What a proposer deposits.
const DEPOSIT: u128 = 10_000_000_000_000;

/// Lanes of the calls, and how often each is offered.
const LANES: [&str; 6] = ["transfer", "open", "propose", "vote", "unlock", "donate"];

impl Scene for Assembly {
    fn pallets(&self, _: &People<'_>) -> Json {
        json!({ "governance": {
            "treasury": BALANCE.to_string(),
            "deposit": DEPOSIT.to_string(),
            "voting_period": 100,
            "enactment_delay": 10,
            "enactment_window": 100,
            "lock_period": 100,
            "quorum_per_mille": 100,
        } })
    }

    fn calls(
        &self,
        people: &People<'_>,
        identity: &ChainIdentity,
        capacities: &[u32],
    ) -> Result<Vec<Vec<u8>>, ExtrinsicError> {
        let capacity = |lane: usize| capacities.get(lane).copied().unwrap_or_default();
        let proposals = capacity(2);
        let mut calls = Vec::new();
        let mut actor = 0;
        for (lane, call) in LANES.into_iter().enumerate() {
            for number in 0..capacity(lane) {
                let (sender, other) = (people.spread(2 * actor + 1), people.spread(2 * actor + 2));
                let amount = AMOUNT.to_string();
                let arguments = match call {
                    "transfer" => json!({ "amount": amount, "receiver": people.key(other).to_json() }),
                    "open" => {
                        let receiver = child(people.secret(sender)).public_key();
                        json!({ "amount": amount, "receiver": receiver.to_json() })
                    }
                    "propose" => json!({ "action": spend(people, number) }),
                    "vote" if proposals > 0 => {
                        let proposal = number % proposals;
                        json!({
                            "proposal": proposal,
                            "number": proposal + 1,
                            "aye": true,
                            "conviction": number % 7,
                            "stake": amount,
                            "action": spend(people, proposal),
                        })
                    }
                    "donate" => json!({ "amount": amount }),
                    _ => continue,
                };
                calls.push(people.sign(identity, call, sender, 0, &arguments)?);
                actor += 1;
            }
        }
        Ok(calls)
    }
}

/// What proposal `number` of the scene is.
fn spend(people: &People<'_>, number: u32) -> Json {
    let account = people.spread(number);
    json!({ "spend": {
        "to": { "account": account, "key": people.key(account).to_json() },
        "amount": AMOUNT.to_string(),
    } })
}

/// A new key of a person.
fn child(person: &SecretKey) -> SecretKey {
    let mut seed = *person.seed();
    seed[0] ^= 1;
    SecretKey::from_seed(seed)
}

#[cfg(test)]
mod tests;
