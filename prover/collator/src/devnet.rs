//! Parachains with several collators on a local relay chain, in one process: for demonstrations and tests.
//!
//! ```text
//!   Scene ─► spec ─► a database for each collator ─┐
//!        └─► signed calls ─► the collators' pools  ├─► [`DevChain`] ─► steps with the relay chain
//!   development keys ──────────────────────────────┘
//! ```

use std::{path::Path, sync::Arc};

use serde_json::Value as Json;
use zkpov_circuits::{
    runtime::{Account, AccountId, Chain, Token},
    state::{StateError, read_record},
};
use zkpov_prover::Options;
use zkpov_verifier::{eddsa::PublicKey, lane::TierId};

use crate::{
    Collator, CreateError,
    chain::OpenError,
    db::{DbError, ReadDatabase},
    keystore::{KeyStore, KeyStoreError},
    pool::{Limits, Pool, PoolError},
    relay::{
        interface::{Heads, Registration, Relay, RelayError},
        shared::SharedRelay,
    },
    scene::{BALANCE, Peering, Scene, SceneError},
    service::node::{Conduct, Done, Node, NodeError},
    setup::{self, KeyGenerationError},
};

/// What went wrong with a development network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevnetError {
    /// A chain could not be made.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// A chain could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// No keys were made.
    #[error(transparent)]
    Setup(#[from] KeyGenerationError),
    /// The keys could not be opened.
    #[error(transparent)]
    Keys(#[from] KeyStoreError),
    /// Nobody signed anything.
    #[error(transparent)]
    Scene(#[from] SceneError),
    /// A database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A state.
    #[error(transparent)]
    State(#[from] StateError),
    /// A pool.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The relay chain.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// A collator's step.
    #[error(transparent)]
    Node(#[from] NodeError),
}

/// A parachain and its collators.
#[derive(Debug)]
pub struct DevChain {
    /// The state machine.
    pub chain: &'static dyn Chain,
    /// Its para id.
    pub para: u32,
    /// The people with accounts.
    pub scene: Scene,
    /// The collators.
    pub nodes: Vec<Node>,
    registration: Registration,
    /// Extrinsics that were signed and are not yet submitted, last first.
    unsent: Vec<Vec<u8>>,
}

/// What a parachain of a development network is.
#[derive(Debug)]
pub struct Settings {
    /// The state machine.
    pub chain: &'static dyn Chain,
    /// Its para id.
    pub para: u32,
    /// The tier of its blocks.
    pub tier: TierId,
    /// The people with accounts.
    pub scene: Scene,
    /// How many collators it has.
    pub collators: u32,
    /// For how many full blocks extrinsics are signed.
    pub blocks: u32,
    /// What each of the collators does, but for whose turn it is.
    pub conduct: Conduct,
    /// Whom it exchanges tokens with, if with anybody.
    pub peering: Option<Peering>,
}

/// Chains that exchange the first one's token with it, when each begins with as many people as the others: whom each exchanges it with,
/// in the order of `paras`.
///
/// What the others' people begin with is abroad, as the first has it; and the first may send all that its people have.
#[must_use]
pub fn peerings(paras: &[u32], token: &Token, accounts: u32) -> Vec<Peering> {
    let endowment = BALANCE.saturating_mul(accounts.into());
    let home = paras.first().copied().unwrap_or_default();
    let peering = |para: &u32| {
        let others = paras.iter().filter(|other| (**other == home) != (*para == home));
        let peers = others.map(|other| (*other, endowment)).collect();
        Peering { home, token: token.clone(), peers }
    };
    paras.iter().map(peering).collect()
}

impl DevChain {
    /// Makes the chain in `directory`: keys, and a database for each collator.
    ///
    /// # Errors
    /// [`DevnetError`].
    pub fn create(
        directory: &Path,
        settings: Settings,
        relay: &SharedRelay,
        options: &Options<'_>,
    ) -> Result<Self, DevnetError> {
        let Settings { chain, para, tier, scene, collators, blocks, conduct, peering } = settings;
        let spec = match &peering {
            Some(peering) => scene.spec_with_peers(chain, peering)?,
            None => scene.spec(chain)?,
        };
        let keys = directory.join("keys");
        let mut nodes = Vec::new();
        let mut registration: Option<Registration> = None;
        for number in 0..collators.max(1) {
            let base = directory.join(format!("collator-{number}"));
            let collator = Collator::create(&base, chain, para, spec.as_bytes())?;
            let info = *collator.info();
            if registration.is_none() {
                let (_, validity_key) = setup::write_development_keys(&keys, &info, tier, options)?;
                let head = collator.database().genesis()?.head;
                registration = Some(Registration { validity_key: validity_key.encode(), head });
            }
            let pool = Arc::new(Pool::open(collator.handle(), info, Limits::default())?);
            let store = KeyStore::open(&keys, &info.identity)?;
            let conduct = Conduct { turn: Some((number, collators.max(1))), tier: Some(tier), ..conduct };
            let author = Some(scene.author().clone());
            nodes.push(Node::new(collator, store, author, pool, Arc::new(relay.clone()), conduct));
        }
        let identity = nodes.first().map(|node| node.collator().info().identity);
        let shape = chain.tiers().iter().find(|known| known.id == tier);
        let capacities: Vec<u32> = shape
            .iter()
            .flat_map(|tier| &tier.lanes)
            .map(|lane| lane.capacity.saturating_mul(blocks))
            .collect();
        let mut unsent = match identity {
            Some(identity) => scene.extrinsics(chain, &identity, &capacities)?,
            None => Vec::new(),
        };
        unsent.reverse();
        let registration =
            registration.unwrap_or(Registration { validity_key: Vec::new(), head: Vec::new() });
        Ok(Self { chain, para, scene, nodes, registration, unsent })
    }

    /// Registers it with the relay chain.
    ///
    /// # Errors
    /// [`DevnetError::Relay`].
    pub fn register(&self, relay: &SharedRelay) -> Result<(), DevnetError> {
        Ok(relay.register(&self.registration)?)
    }

    /// Submits the next extrinsics to every collator, at most so many; how many there were.
    ///
    /// # Errors
    /// [`DevnetError::Pool`].
    pub fn submit(&mut self, most: usize) -> Result<usize, DevnetError> {
        let mut sent = 0;
        while sent < most {
            let Some(extrinsic) = self.unsent.pop() else { break };
            sent += 1;
            for node in &self.nodes {
                match node.pool().submit(&extrinsic) {
                    // What one collator takes now, another may only know from a block.
                    Ok(_) | Err(PoolError::Known | PoolError::Invalid(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(sent)
    }

    /// Signs a call of a person, with the next nonce, and submits it to every collator.
    ///
    /// # Errors
    /// [`DevnetError::Scene`], [`DevnetError::Pool`].
    pub fn call(&mut self, sender: u32, call: &str, arguments: &Json) -> Result<(), DevnetError> {
        let Some(node) = self.nodes.first() else { return Ok(()) };
        let nonce = node.pool().next_nonce(sender)?.unwrap_or(0);
        let identity = node.collator().info().identity;
        let extrinsic = self.scene.sign(self.chain, &identity, call, (sender, nonce), arguments)?;
        self.unsent.push(extrinsic);
        self.submit(1).map(drop)
    }

    /// Balance of a key's account as the first collator has it, 0 if there is none.
    ///
    /// # Errors
    /// [`DevnetError::Database`], [`DevnetError::State`].
    pub fn balance(&self, key: &PublicKey) -> Result<u128, DevnetError> {
        let Some(node) = self.nodes.first() else { return Ok(0) };
        let state = node.collator().database().state()?;
        Ok(self.chain.account(&state, AccountId::Key(*key))?.map_or(0, |account| account.balance))
    }

    /// Sum of the balances of all accounts as the first collator has them.
    ///
    /// # Errors
    /// [`DevnetError::Database`], [`DevnetError::State`].
    pub fn sum_of_balances(&self) -> Result<u128, DevnetError> {
        let Some(node) = self.nodes.first() else { return Ok(0) };
        let state = node.collator().database().state()?;
        let mut sum = 0u128;
        // Accounts have no gaps: the next one gets the next place, and none closes.
        for index in 0.. {
            let Some(account) = read_record::<Account>(&state, index)? else { break };
            sum = sum.saturating_add(account.balance);
        }
        Ok(sum)
    }

    /// One step of every collator: its number, and what it did.
    ///
    /// # Errors
    /// [`DevnetError::Node`].
    pub fn step(&mut self, heads: &Heads, options: &Options<'_>) -> Result<Vec<(usize, Done)>, DevnetError> {
        let mut all = Vec::new();
        for (number, node) in self.nodes.iter_mut().enumerate() {
            all.extend(node.step(heads, options)?.into_iter().map(|done| (number, done)));
        }
        Ok(all)
    }
}
