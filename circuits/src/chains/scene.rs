//! People with accounts on a chain, and what they sign: for demonstrations, measurements and tests of the whole path.
//!
//! ```text
//!   People   secret keys; account i is person i's, account 0 authors
//!     ├── spec     the chain spec that gives each the same balance, with what the chain's pallets begin with
//!     └── Scene    calls that fill the lanes of a tier
//! ```

use serde_json::{Map, Value as Json, json};
use zkpov_verifier::{
    body::BodyFormat,
    eddsa::PublicKey,
    field::{Fr, domain},
    poseidon,
    statement::ChainIdentity,
};

use crate::{
    keys::SecretKey,
    runtime::{
        Chain, ExtrinsicError,
        privacy::{Secret, Secrets},
    },
    state::Value,
};

/// What every account keeps.
pub const EXISTENTIAL_DEPOSIT: u128 = 1_000_000_000;
/// The least fee, which is what everybody pays.
pub const MINIMUM_FEE: u64 = 1_000_000;
/// What everybody begins with.
pub const BALANCE: u128 = 1_000_000_000_000_000;
/// The last block in which what is signed is valid.
pub const EXPIRY: u32 = 100;
/// The author's account.
pub const AUTHOR: u32 = 0;

/// Relay blocks of an author's turn on a private chain.
pub const TURN: u16 = 10;

/// What a chain's people do.
pub trait Scene: Send + Sync {
    /// What the chain's pallets begin with: `pallets` in the chain spec.
    fn pallets(&self, people: &People<'_>) -> Json {
        let _ = people;
        json!({})
    }

    /// Signed calls, as SCALE, all valid in the first block, that fill lanes of these numbers of slots.
    ///
    /// # Errors
    ///
    /// If the chain does not have a call that is signed.
    fn calls(
        &self,
        people: &People<'_>,
        identity: &ChainIdentity,
        capacities: &[u32],
    ) -> Result<Vec<Vec<u8>>, ExtrinsicError>;
}

/// Everybody with an account.
#[derive(Clone, Copy)]
pub struct People<'a> {
    chain: &'a dyn Chain,
    secrets: &'a [SecretKey],
}

impl core::fmt::Debug for People<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("People")
            .field("chain", &self.chain.name())
            .field("accounts", &self.secrets.len())
            .finish()
    }
}

impl<'a> People<'a> {
    /// These people, of whom there must be some, on this chain.
    pub fn new(chain: &'a dyn Chain, secrets: &'a [SecretKey]) -> Self {
        Self { chain, secrets }
    }

    /// How many they are.
    pub fn len(&self) -> u32 {
        // An account's index is a `u32`.
        self.secrets.len() as u32
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The secret key of account `index`, numbers beyond the last beginning again.
    pub fn secret(&self, index: u32) -> &'a SecretKey {
        &self.secrets[index as usize % self.secrets.len()]
    }

    /// The key of account `index`.
    pub fn key(&self, index: u32) -> PublicKey {
        self.secret(index).public_key()
    }

    /// A key that is new to the chain, of a person's own making.
    pub fn child(&self, index: u32) -> SecretKey {
        let mut seed = *self.secret(index).seed();
        seed[0] ^= 1;
        SecretKey::from_seed(seed)
    }

    /// Account numbers far apart and none twice: the `number`th of them. So a block touches the tree all over.
    pub fn spread(&self, number: u32) -> u32 {
        const GOLDEN_RATIO_PER_MILLE: u64 = 618;
        let accounts = u64::from(self.len());
        let mut stride = (accounts * GOLDEN_RATIO_PER_MILLE / 1000).max(1);
        while greatest_common_divisor(stride, accounts) != 1 {
            stride += 1;
        }
        // Below the number of accounts.
        (u64::from(number) * stride % accounts) as u32
    }

    /// The chain spec.
    pub fn spec(&self, scene: &dyn Scene) -> Json {
        let account = |index: u32| {
            json!({
                "key": self.key(index).to_json(),
                "balance": BALANCE.to_string(),
                "may_author": index == AUTHOR,
            })
        };
        let mut spec = json!({
            "chain": self.chain.name(),
            "token": self.chain.token(),
            "parameters": {
                "existential_deposit": EXISTENTIAL_DEPOSIT.to_string(),
                "minimum_fee": MINIMUM_FEE.to_string(),
                "permissioned_authors": true,
            },
            "accounts": (0..self.len()).map(account).collect::<Vec<_>>(),
            "pallets": scene.pallets(self),
        });
        if self.chain.body_format() == BodyFormat::Private {
            spec["secrets"] = self.chain_secrets().to_json();
            spec["rotation"] = json!({ "turn": TURN, "seats": [AUTHOR] });
        }
        spec
    }

    /// The secrets of a private chain of these people: what follows from the author's key.
    fn chain_secrets(&self) -> Secrets {
        let derive = |purpose: &str| {
            let seed = self.secret(AUTHOR).seed().map(Fr::from);
            Secret(poseidon::chain(&[&[domain(purpose)][..], &seed].concat()))
        };
        Secrets { chain_key: derive("scene/chain-key"), salt: derive("scene/salt") }
    }

    /// A call of account `sender`, signed, in SCALE.
    ///
    /// # Errors
    ///
    /// If the chain has no such call, or it takes other arguments.
    pub fn sign(
        &self,
        identity: &ChainIdentity,
        call: &str,
        sender: u32,
        nonce: u32,
        arguments: &Json,
    ) -> Result<Vec<u8>, ExtrinsicError> {
        self.signed_by(identity, call, sender, sender, nonce, arguments)
    }

    /// A call of account `sender`, signed by person `signer`, in SCALE.
    ///
    /// # Errors
    ///
    /// As [`sign`](Self::sign).
    pub fn signed_by(
        &self,
        identity: &ChainIdentity,
        call: &str,
        sender: u32,
        signer: u32,
        nonce: u32,
        arguments: &Json,
    ) -> Result<Vec<u8>, ExtrinsicError> {
        let mut members: Map<String, Json> = arguments.as_object().cloned().unwrap_or_default();
        members.insert("call".into(), call.into());
        members.insert("sender".into(), (sender % self.len()).into());
        members.insert("nonce".into(), nonce.into());
        members.insert("expiry".into(), EXPIRY.into());
        members.insert("fee".into(), MINIMUM_FEE.to_string().into());
        let signed = self.chain.sign_json(identity, members, self.secret(signer))?;
        self.chain.extrinsic_from_json(&signed.to_string())
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
