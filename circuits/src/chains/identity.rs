//! `identity`: a chain of registrars, attestations, and presentations that do not say whose they are.

use ark_ff::PrimeField;
use rayon::prelude::*;
use serde_json::{Value as Json, json};
use zkpov_verifier::{
    field::{Fr, domain},
    poseidon,
    statement::ChainIdentity,
};

use super::scene::{EXPIRY, People, Scene};
use crate::{
    keys::SecretKey,
    pallets::{
        balances::Balances,
        identity::{Holder, Identity, commitment},
    },
    runtime::{ACCOUNT_LEVELS, Composition, ExtrinsicError, Settings, Token, chain_tag},
    state::{Element, Value},
};

/// Version of the state machine. It changes whenever a circuit of the chain does.
const RUNTIME_VERSION: u32 = 2;

/// Version of what users sign.
const TRANSACTION_VERSION: u32 = 1;

/// The chain as it ships: 2^24 accounts, attestations and buckets of nullifiers; tiers of 2^16 for a single presentation, of 2^18
/// and 2^20.
pub fn identity() -> Composition {
    identity_of(
        ACCOUNT_LEVELS,
        Identity::default(),
        vec![(16, vec![1, 0, 0, 0, 0, 1]), (18, vec![1, 1, 1, 2, 1, 6]), (20, vec![2, 1, 1, 6, 2, 41])],
    )
}

/// The chain with other trees and other tiers: base-2 logarithm of the domain, and slots for transfers, opens, appointments,
/// attestations, revocations and presentations.
pub fn identity_of(account_levels: usize, pallet: Identity, tiers: Vec<(u8, Vec<u32>)>) -> Composition {
    Composition::new(Settings {
        name: "identity",
        runtime_version: RUNTIME_VERSION,
        transaction_version: TRANSACTION_VERSION,
        token: Token { symbol: "WHO".into(), decimals: 10 },
        account_levels,
        upgrades: false,
        pallets: vec![Box::new(Balances), Box::new(pallet)],
        tiers,
    })
}

/// A registrar attests ages and takes some back; holders show that they are of age, each in an election.
#[derive(Clone, Copy, Debug, Default)]
pub struct Registry;

/// Who appoints registrars.
const ADMINISTRATOR: u32 = 1;
/// Who is registrar number 1.
const REGISTRAR: u32 = 2;
/// The registrar's number.
const REGISTRAR_NUMBER: u32 = 1;
/// Attestations that the chain begins with: of even places some are taken back, of odd ones some are shown.
const ATTESTATIONS: u32 = 128;
/// What is shown: an age of at least so many years.
const OF_AGE: u64 = 18;
/// And at most so many.
const OLDEST: u64 = 150;

/// Presentations that a relayer pays for.
const RELAYED: u32 = 4;

/// Whoever holds the attestation at a place.
struct Person {
    key: SecretKey,
    secret: Fr,
    age: u64,
}

impl Person {
    fn of(people: &People<'_>, place: u32) -> Self {
        let mut seed = *people.secret(place).seed();
        seed[0] ^= 2;
        // Places are more than people.
        seed[1] ^= (place % 251) as u8;
        let secret = poseidon::hash(&[domain("zkpov/scene/1"), Fr::from_le_bytes_mod_order(&seed)]);
        Self { key: SecretKey::from_seed(seed), secret, age: OF_AGE + u64::from(place % 60) }
    }

    fn holder(&self) -> Holder<'_> {
        Holder { key: &self.key, secret: self.secret }
    }

    /// What the registrar says of them.
    fn statement(&self) -> Json {
        let commitment = commitment(self.holder().identity(), REGISTRAR_NUMBER, EXPIRY, self.age);
        json!({
            "commitment": Element(commitment).to_json(),
            "until": EXPIRY,
            "registrar": REGISTRAR_NUMBER,
        })
    }
}

impl Scene for Registry {
    fn pallets(&self, people: &People<'_>) -> Json {
        let attestations: Vec<Json> =
            (0..ATTESTATIONS).map(|place| Person::of(people, place).statement()).collect();
        json!({ "identity": {
            "administrator": people.key(ADMINISTRATOR).to_json(),
            "registrars": [people.key(REGISTRAR).to_json()],
            "attestations": attestations,
        }})
    }

    fn calls(
        &self,
        people: &People<'_>,
        identity: &ChainIdentity,
        capacities: &[u32],
    ) -> Result<Vec<Vec<u8>>, ExtrinsicError> {
        let capacity = |lane: usize| capacities.get(lane).copied().unwrap_or_default();
        let payments = super::Payday.calls(people, identity, capacities.get(..2).unwrap_or_default())?;
        // One nonce after the other, from those that the payments left.
        let mut nonces = vec![0u32; people.len() as usize];
        let paying = (0..capacity(0) + capacity(1)).map(|number| people.spread(2 * number + 1));
        paying.for_each(|payer| nonces[payer as usize] += 1);
        let mut next = |sender: u32| {
            let sender = sender % people.len();
            let nonce = nonces[sender as usize];
            nonces[sender as usize] += 1;
            (sender, nonce)
        };
        let mut calls: Vec<(&str, (u32, u32), Json)> = Vec::new();
        for number in 0..capacity(2) {
            let registrar = people.key(REGISTRAR + 1 + number).to_json();
            calls.push(("appoint_registrar", next(ADMINISTRATOR), json!({ "key": registrar })));
        }
        for number in 0..capacity(3) {
            let person = Person::of(people, ATTESTATIONS + number);
            calls.push(("attest", next(REGISTRAR), person.statement()));
        }
        for number in 0..capacity(4) {
            let place = 2 * number;
            let commitment = Person::of(people, place).statement()["commitment"].clone();
            calls.push(("revoke", next(REGISTRAR), json!({ "place": place, "commitment": commitment })));
        }
        let tag = chain_tag(identity);
        for number in 0..capacity(5) {
            let place = (2 * number + 1) % ATTESTATIONS;
            let person = Person::of(people, place);
            let context = Fr::from(u64::from(number));
            let claim = (REGISTRAR_NUMBER, OF_AGE, OLDEST, context);
            let presentation = person.holder().present(tag, place, person.age, claim);
            calls.push(("prove_attribute", next(people.spread(number / RELAYED)), presentation.to_json()));
        }
        let mut signed = calls
            .par_iter()
            .map(|(call, (sender, nonce), arguments)| people.sign(identity, call, *sender, *nonce, arguments))
            .collect::<Result<Vec<_>, _>>()?;
        signed.splice(0..0, payments);
        Ok(signed)
    }
}

#[cfg(test)]
mod audit;
#[cfg(test)]
mod tests;
