//! Parachains with several collators on a local relay chain, in one process: for demonstrations and tests.
//!
//! ```text
//!   Scene ─► spec ─► a database for each collator ─┐
//!        └─► signed calls ─► the collators' pools  ├─► [`DevChain`] ─► steps with the relay chain
//!   development keys ──────────────────────────────┘
//! ```

use std::{
    path::Path,
    sync::Arc,
};

use zkpov_circuits::runtime::Chain;
use zkpov_prover::Options;
use zkpov_verifier::lane::TierId;

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
    scene::{Scene, SceneError},
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
        let Settings { chain, para, tier, scene, collators, blocks, conduct } = settings;
        let spec = scene.spec(chain)?;
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
