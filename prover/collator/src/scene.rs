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

/// Accounts of the genesis: four full levels of the tree, so that paths have siblings.
pub const ACCOUNTS: u32 = 4096;
const EXISTENTIAL_DEPOSIT: u128 = 1_000_000_000;
const MINIMUM_FEE: u64 = 1_000_000;
const BALANCE: u128 = 1_000_000_000_000_000;
const AMOUNT: u128 = 2_500_000_000_000;
/// The last block in which what is signed is valid.
const EXPIRY: u32 = 100;
/// The author's account.
pub const AUTHOR: u32 = 0;
/// Account numbers of neighbouring senders and receivers lie this far apart, a number without common
/// factor with the number of accounts: a block touches the tree all over.
const STRIDE: u32 = 389;

/// Everybody with an account.
#[derive(Debug)]
pub struct Scene {
    people: Vec<SecretKey>,
}

impl Scene {
    /// New people, with keys from the operating system's randomness.
    pub fn random() -> Self {
        Self { people: (0..ACCOUNTS).into_par_iter().map(|_| key_file::random()).collect() }
    }

    /// The one who authors.
    pub fn author(&self) -> &SecretKey {
        self.person(AUTHOR)
    }

    fn person(&self, index: u32) -> &SecretKey {
        // There are `ACCOUNTS` of them, and an index is taken modulo that.
        &self.people[(index % ACCOUNTS) as usize]
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
        let sender = |number: u32| (1 + number * 2 * STRIDE) % ACCOUNTS;
        let signed = |number: u32| {
            if number < transfers {
                let receiver = self.person(sender(number) + STRIDE).public_key();
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
        // Accounts that sign nothing else.
        let (victim, thief) = (STRIDE + 2, STRIDE + 3);
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
