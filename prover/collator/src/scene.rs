//! People with accounts on a chain, for demonstrations and measurements: a chain spec for them, and what they sign.

use codec::Encode;
use rayon::prelude::*;
use serde_json::{Value as Json, json};
use zkpov_circuits::{
    chains::{
        scene::{self as chain_scene, People},
        scene_by_name,
    },
    keys::SecretKey,
    runtime::{Chain, ExtrinsicError, Token},
};
use zkpov_verifier::{eddsa::PublicKey, hashing::blake2b_256, statement::ChainIdentity};

use crate::key_file;

pub use chain_scene::{AUTHOR, BALANCE};

/// Accounts of a scene unless another number is asked for: four full levels of the tree, so that paths have siblings.
pub const DEFAULT_ACCOUNTS: u32 = 4096;
/// Fewest accounts of a scene: twice as many as the largest tier has senders.
pub const MIN_ACCOUNTS: u32 = 256;
/// Most accounts of a scene: as many as the chain has places.
pub const MAX_ACCOUNTS: u32 = 1 << 24;

/// Everybody with an account.
#[derive(Debug)]
pub struct Scene {
    people: Vec<SecretKey>,
}

/// Whom a chain exchanges native tokens with: what its spec says of messages.
#[derive(Clone, Debug)]
pub struct Peering {
    /// The chain whose token it is.
    pub home: u32,
    /// The token.
    pub token: Token,
    /// The other chains, each with what may arrive from it at first.
    pub peers: Vec<(u32, u128)>,
}

/// Why nobody signed anything.
#[derive(Debug, thiserror::Error)]
pub enum SceneError {
    /// Nothing is told of this chain.
    #[error("there is no scene of the chain `{0}`")]
    Unknown(&'static str),
    /// The chain does not take what the scene says.
    #[error(transparent)]
    Extrinsic(#[from] ExtrinsicError),
}

impl Scene {
    /// New people, with keys from the operating system's randomness: the next power of two from `accounts` up, at
    /// most [`MAX_ACCOUNTS`].
    pub fn random(accounts: u32) -> Self {
        let accounts = accounts.clamp(MIN_ACCOUNTS, MAX_ACCOUNTS).next_power_of_two();
        Self { people: (0..accounts).into_par_iter().map(|_| key_file::random()).collect() }
    }

    /// The people of a seed: the same for the same seed and number, so not for anything of value.
    pub fn seeded(accounts: u32, seed: u64) -> Self {
        let accounts = accounts.clamp(MIN_ACCOUNTS, MAX_ACCOUNTS).next_power_of_two();
        let person =
            |index: u32| SecretKey::from_seed(blake2b_256(&(b"zkpov/scene/1", seed, index).encode()));
        Self { people: (0..accounts).into_par_iter().map(person).collect() }
    }

    /// How many they are, a power of two.
    pub fn accounts(&self) -> u32 {
        // At most `MAX_ACCOUNTS`.
        self.people.len() as u32
    }

    /// The one who authors.
    pub fn author(&self) -> &SecretKey {
        &self.people[AUTHOR as usize]
    }

    fn on<'a>(
        &'a self,
        chain: &'a dyn Chain,
    ) -> Result<(People<'a>, &'static dyn chain_scene::Scene), SceneError> {
        let scene = scene_by_name(chain.name()).ok_or(SceneError::Unknown(chain.name()))?;
        Ok((People::new(chain, &self.people), scene))
    }

    /// The chain spec that gives each of them the same balance.
    ///
    /// # Errors
    /// [`SceneError::Unknown`].
    pub fn spec(&self, chain: &dyn Chain) -> Result<String, SceneError> {
        let (people, scene) = self.on(chain)?;
        Ok(people.spec(scene).to_string())
    }

    /// The same for a chain that exchanges its native token with others.
    ///
    /// # Errors
    /// [`SceneError::Unknown`].
    pub fn spec_with_peers(&self, chain: &dyn Chain, peering: &Peering) -> Result<String, SceneError> {
        let (people, scene) = self.on(chain)?;
        let mut spec = people.spec(scene);
        let peer =
            |(para, allowance): &(u32, u128)| json!({ "para": para, "allowance": allowance.to_string() });
        let peers: Vec<_> = peering.peers.iter().map(peer).collect();
        spec["token"] = json!(peering.token);
        spec["pallets"]["messaging"] = json!({ "token": peering.home, "peers": peers });
        Ok(spec.to_string())
    }

    /// A call of person `sender`, signed, in SCALE.
    ///
    /// # Errors
    /// [`SceneError`].
    pub fn sign(
        &self,
        chain: &dyn Chain,
        identity: &ChainIdentity,
        call: &str,
        (sender, nonce): (u32, u32),
        arguments: &Json,
    ) -> Result<Vec<u8>, SceneError> {
        let (people, _) = self.on(chain)?;
        Ok(people.sign(identity, call, sender, nonce, arguments)?)
    }

    /// The key of person `index`, and a key that is new to the chain: a child's of that person.
    #[must_use]
    pub fn keys(&self, index: u32) -> [PublicKey; 2] {
        let person = self.people.get(index as usize).unwrap_or(self.author());
        let mut seed = *person.seed();
        seed[0] ^= 1;
        [person.public_key(), SecretKey::from_seed(seed).public_key()]
    }

    /// Signed extrinsics, in SCALE, that fill lanes of these numbers of slots.
    ///
    /// # Errors
    /// [`SceneError`].
    pub fn extrinsics(
        &self,
        chain: &dyn Chain,
        identity: &ChainIdentity,
        capacities: &[u32],
    ) -> Result<Vec<Vec<u8>>, SceneError> {
        let (people, scene) = self.on(chain)?;
        Ok(scene.calls(&people, identity, capacities)?)
    }

    /// What a block must not take, in words and in SCALE: one of `signed` changed after it was signed, and
    /// signed by somebody else.
    ///
    /// # Errors
    /// [`SceneError`].
    pub fn forged(
        &self,
        chain: &dyn Chain,
        identity: &ChainIdentity,
        signed: &[Vec<u8>],
    ) -> Result<Vec<(&'static str, Vec<u8>)>, SceneError> {
        let (people, _) = self.on(chain)?;
        let Some(victim) = signed.first() else { return Ok(Vec::new()) };
        let mut members = chain.extrinsic_to_json(victim)?.as_object().cloned().unwrap_or_default();
        let signature = members.remove("signature").unwrap_or_default();
        let raised = {
            let mut raised = members.clone();
            raised.insert("fee".into(), (chain_scene::MINIMUM_FEE + 1).to_string().into());
            raised.insert("signature".into(), signature);
            chain.extrinsic_from_json(&serde_json::Value::Object(raised).to_string())?
        };
        let thief = people.secret(people.len() - 1);
        let stolen = chain.sign_json(identity, members, thief)?;
        Ok(vec![
            ("a call whose fee was raised after it was signed", raised),
            ("a call signed by somebody else", chain.extrinsic_from_json(&stolen.to_string())?),
        ])
    }
}
