//! People with accounts on a `payments` chain, for demonstrations and measurements: a chain spec for them,
//! and what they sign.

use rayon::prelude::*;
use serde_json::json;
use zkpov_circuits::{
    keys::SecretKey,
    pallets::balances::{CallKind, Extrinsic, chain_tag},
};
use zkpov_verifier::{eddsa::PublicKey, statement::ChainIdentity};

use crate::key_file;

/// Accounts of a scene unless another number is asked for: four full levels of the tree, so that paths have siblings.
pub const DEFAULT_ACCOUNTS: u32 = 4096;
/// Fewest accounts of a scene: twice as many as the largest tier has senders.
pub const MIN_ACCOUNTS: u32 = 256;
/// Most accounts of a scene: as many as the chain has places.
pub const MAX_ACCOUNTS: u32 = 1 << 24;
const EXISTENTIAL_DEPOSIT: u128 = 1_000_000_000;
const MINIMUM_FEE: u64 = 1_000_000;
const BALANCE: u128 = 1_000_000_000_000_000;
const AMOUNT: u128 = 2_500_000_000_000;
/// The last block in which what is signed is valid.
const EXPIRY: u32 = 100;
/// The author's account.
pub const AUTHOR: u32 = 0;
/// Everybody with an account.
#[derive(Debug)]
pub struct Scene {
    people: Vec<SecretKey>,
}

impl Scene {
    /// New people, with keys from the operating system's randomness: the next power of two from `accounts` up, at
    /// most [`MAX_ACCOUNTS`].
    pub fn random(accounts: u32) -> Self {
        let accounts = accounts.clamp(MIN_ACCOUNTS, MAX_ACCOUNTS).next_power_of_two();
        Self { people: (0..accounts).into_par_iter().map(|_| key_file::random()).collect() }
    }

    /// How many they are, a power of two.
    pub fn accounts(&self) -> u32 {
        // At most `MAX_ACCOUNTS`.
        self.people.len() as u32
    }

    /// How far apart the account numbers of neighbouring senders and receivers lie: about the golden ratio of all
    /// accounts, so that a block touches the tree all over, and odd, so that no number comes twice.
    fn stride(&self) -> u32 {
        const GOLDEN_RATIO_PER_MILLE: u64 = 618;
        (u64::from(self.accounts()) * GOLDEN_RATIO_PER_MILLE / 1000) as u32 | 1
    }

    /// The one who authors.
    pub fn author(&self) -> &SecretKey {
        self.person(AUTHOR)
    }

    fn person(&self, index: u32) -> &SecretKey {
        &self.people[(index % self.accounts()) as usize]
    }

    /// The chain spec that gives each of them the same balance.
    pub fn spec(&self, chain: &str) -> String {
        let account = |(index, key): (usize, &SecretKey)| {
            let [x, y] = key.public_key().coordinates();
            json!({
                "key": { "x": x.to_string(), "y": y.to_string() },
                "balance": BALANCE.to_string(),
                "may_author": index == AUTHOR as usize,
            })
        };
        json!({
            "chain": chain,
            "token": { "symbol": "PAY", "decimals": 12 },
            "parameters": {
                "existential_deposit": EXISTENTIAL_DEPOSIT.to_string(),
                "minimum_fee": MINIMUM_FEE.to_string(),
                "permissioned_authors": true,
            },
            "accounts": self.people.iter().enumerate().map(account).collect::<Vec<_>>(),
        })
        .to_string()
    }

    /// Signed extrinsics: `transfers` from one account to another, then `opens` that open accounts for new keys.
    pub fn extrinsics(&self, chain: &ChainIdentity, transfers: u32, opens: u32) -> Vec<Extrinsic> {
        let stride = self.stride();
        // A power of two divides what a `u32` wraps around at, so the product may wrap.
        let sender = |number: u32| number.wrapping_mul(2 * stride).wrapping_add(1) % self.accounts();
        let signed = |number: u32| {
            if number < transfers {
                let receiver = self.person(sender(number) + stride).public_key();
                self.signed(chain, CallKind::Transfer, sender(number), sender(number), receiver)
            } else {
                let receiver = key_file::random().public_key();
                self.signed(chain, CallKind::Open, sender(number), sender(number), receiver)
            }
        };
        (0..transfers + opens).into_par_iter().map(signed).collect()
    }

    /// What a block must not take, in words and signed.
    pub fn forged(&self, chain: &ChainIdentity) -> Vec<(&'static str, Extrinsic)> {
        // Accounts of even number sign nothing else.
        let (victim, thief) = (2, 4);
        let to_thief = self.person(thief).public_key();
        let signed = self.signed(chain, CallKind::Transfer, victim, victim, to_thief);
        vec![
            ("an amount raised after it was signed", Extrinsic { amount: signed.amount + 1, ..signed }),
            (
                "a transfer signed by its receiver",
                self.signed(chain, CallKind::Transfer, victim, thief, to_thief),
            ),
        ]
    }

    fn signed(
        &self,
        chain: &ChainIdentity,
        call: CallKind,
        sender: u32,
        signer: u32,
        receiver: PublicKey,
    ) -> Extrinsic {
        let tag = chain_tag(chain);
        let signer = self.person(signer);
        let mut extrinsic = Extrinsic {
            call,
            sender,
            nonce: 0,
            expiry: EXPIRY,
            fee: MINIMUM_FEE,
            amount: AMOUNT,
            receiver,
            // Replaced below: what is signed does not depend on it.
            signature: signer.sign(tag),
        };
        extrinsic.signature = signer.sign(extrinsic.message(tag));
        extrinsic
    }
}
