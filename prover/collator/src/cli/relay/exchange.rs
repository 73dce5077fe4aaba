//! Tokens that go from one parachain of the story to another.
//!
//! ```text
//!            ┌── channels ──► the second
//!   the first, whose token it is
//!            └── channels ──► the third …
//! ```

use std::collections::BTreeMap;

use rand::{Rng, rngs::StdRng};
use serde_json::json;
use zkpov_circuits::runtime::{Chain, Token};
use zkpov_collator::{
    db::ReadDatabase,
    devnet::{DevChain, peerings},
    messages,
    relay::local::LocalRelay,
    scene::{MIN_ACCOUNTS, Peering},
};

use crate::cli::{amount::amount, failure::Failure, output::Output, values::key_json};

/// The least that is sent, which opens an account, and how many times that at most.
const UNIT: u128 = 10_000_000_000;
const MOST_UNITS: u128 = 500;
/// 32 bytes that are nobody's key.
const NOBODY: [u8; 32] = [0xff; 32];

/// Who exchanges tokens; nobody by default.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// The token, if one is exchanged.
    pub(super) token: Option<Token>,
    peerings: BTreeMap<u32, Peering>,
}

impl Exchange {
    /// Between the first of these chains that can and the others that can.
    pub(super) fn between(chains: &[(u32, &'static dyn Chain)]) -> Result<Self, Failure> {
        let able: Vec<_> =
            chains.iter().filter(|(_, chain)| messages::smallest_tier(*chain).is_some()).collect();
        let [(_, home), _, ..] = able.as_slice() else {
            return Err(Failure::misuse("--messages takes two chains that exchange messages")
                .next("payments, private-payments and exchange do: --chains payments,exchange"));
        };
        let (token, paras) = (home.token(), able.iter().map(|(para, _)| *para).collect::<Vec<_>>());
        let peerings = paras.iter().copied().zip(peerings(&paras, &token, MIN_ACCOUNTS)).collect();
        Ok(Self { token: Some(token), peerings })
    }

    /// Whom a chain exchanges tokens with, if it does.
    pub(super) fn peering(&self, para: u32) -> Option<Peering> {
        self.peerings.get(&para).cloned()
    }

    /// Opens the channels.
    pub(super) fn open(&self, relay: &mut LocalRelay) {
        for (para, peering) in &self.peerings {
            for (peer, _) in &peering.peers {
                relay.open_channels(*para, *peer);
            }
        }
    }

    /// Somebody on the chain sends something, or nobody does. One in eight is sent to nobody, one in eight to somebody new.
    pub(super) fn send(&self, chain: &mut DevChain, random: &mut StdRng) -> Result<(), Failure> {
        let Some(Peering { peers, .. }) = self.peerings.get(&chain.para) else { return Ok(()) };
        if random.r#gen() {
            return Ok(());
        }
        let Some((destination, _)) = peers.get(random.gen_range(0..peers.len().max(1))) else {
            return Ok(());
        };
        let (sender, receiver) = (random.gen_range(1..MIN_ACCOUNTS), random.gen_range(1..MIN_ACCOUNTS));
        let [known, new] = chain.scene.keys(receiver).map(|key| key_json(&key));
        let recipient = match random.gen_range(0..8) {
            0 => json!(super::super::values::hex(&NOBODY)),
            1 => new,
            _ => known,
        };
        let units = random.gen_range(1..=MOST_UNITS) * UNIT;
        let arguments =
            json!({ "destination": destination, "amount": units.to_string(), "recipient": recipient });
        Ok(chain.call(sender, "send", &arguments)?)
    }

    /// Holds the chains to the sum that there was in the beginning: allowances rise by what is sent and fall by what arrives, so that
    /// together they are what they were when nothing is on its way. What is abroad, if anything can be.
    pub(super) fn settle(&self, out: Output, chains: &[DevChain]) -> Result<Option<u128>, Failure> {
        let Some(token) = &self.token else { return Ok(None) };
        let (mut before, mut after) = (0u128, 0u128);
        let mut abroad = 0u128;
        for chain in chains {
            let (Some(peering), Some(node)) = (self.peerings.get(&chain.para), chain.nodes.first()) else {
                continue;
            };
            let now: u128 = messages::allowances(&node.collator().database().state()?)?.values().sum();
            before = before.saturating_add(peering.peers.iter().map(|(_, allowance)| allowance).sum());
            after = after.saturating_add(now);
            if chain.para == peering.home {
                abroad = now;
            }
        }
        if before != after {
            return Err(Failure::misuse(format!(
                "of the tokens {} were made or lost between the chains; this is a fault of the program",
                amount(before.abs_diff(after), token)
            )));
        }
        out.say(format!(
            "   {:<14} {} {} are on the other chains, by their books and by those of their home; none was made and none lost",
            "tokens",
            out.good("✓"),
            amount(abroad, token)
        ))?;
        Ok(Some(abroad))
    }
}
