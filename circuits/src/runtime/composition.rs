//! A chain as a composition of pallets and lane sizes.
//!
//! ```text
//!   face       Chain: what collators see. JSON, genesis, blocks authored and applied, accounts
//!     └── native     execution on constants: which extrinsics a block takes, what its slots do
//!   measured   what a slot costs, and where
//!   (here)     pallets, lanes and tiers, and the circuit that they make
//! ```

use ark_relations::gr1cs::{self, ConstraintSystemRef};
use zkpov_verifier::{
    body::BodyFormat,
    field::Fr,
    lane::{Lane, MAX_LANES, TierId},
};

use super::{
    ExecutionError, Tier, Token,
    account::{ACCOUNTS, PARAMETERS},
    authors::AUTHORS,
    block::{Block, Witness},
    lane::{Kind, lane, senders},
    pallet::Pallet,
    privacy::MAX_PRIVATE_CAPACITY,
    statement::CircuitVersion,
    universal::Universal,
    vault::VAULT,
};
use crate::state::{Layout, OpeningPlan, STORAGES, Shape, circuit::Ports};

mod face;
mod measured;
mod native;

/// Levels of the largest account tree: 8^8 = 2^24 places.
pub const ACCOUNT_LEVELS: usize = 8;

/// What sets one chain apart from another.
#[derive(Debug)]
pub struct Settings {
    /// The name by which a chain spec and the command line call it.
    pub name: &'static str,
    /// Version of the state machine. It changes whenever a circuit of the chain does.
    pub runtime_version: u32,
    /// Version of what users sign.
    pub transaction_version: u32,
    /// The native token, where the chain spec names no other.
    pub token: Token,
    /// Levels of the account tree, at most [`ACCOUNT_LEVELS`].
    pub account_levels: usize,
    /// Whether a block can name the next validation code.
    pub upgrades: bool,
    /// The pallets, in the order of execution.
    pub pallets: Vec<Box<dyn Pallet>>,
    /// The tiers, smallest first: base-2 logarithm of the evaluation domain, and slots of the lanes in order; none of those
    /// that are not said.
    pub tiers: Vec<(u8, Vec<u32>)>,
}

/// A chain composed of pallets.
#[derive(Debug)]
pub struct Composition {
    name: &'static str,
    version: CircuitVersion,
    token: Token,
    layout: Layout,
    pallets: Vec<Box<dyn Pallet>>,
    /// The call kinds by number, which is also the lane.
    kinds: Vec<Box<dyn Kind>>,
    /// Whether one lane takes the calls of all pallets.
    universal: bool,
    tiers: Vec<Tier>,
}

impl Composition {
    /// The chain of these settings.
    ///
    /// # Panics
    ///
    /// If the pallets do not fit together: more lanes than a statement has, a tier with more lanes than the chain, a storage
    /// that two pallets keep, or two pallets that take messages.
    pub fn new(settings: Settings) -> Self {
        Self::with_bodies(BodyFormat::Public, None, settings)
    }

    /// The chain of these settings with one lane, any slot of which takes any call of any pallet through these ports.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn universal(ports: Vec<Ports>, settings: Settings) -> Self {
        Self::with_bodies(BodyFormat::Public, Some(ports), settings)
    }

    /// The chain of these settings whose bodies are encrypted.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn private(settings: Settings) -> Self {
        Self::with_bodies(BodyFormat::Private, None, settings)
    }

    fn with_bodies(bodies: BodyFormat, ports: Option<Vec<Ports>>, settings: Settings) -> Self {
        let Settings {
            name,
            runtime_version,
            transaction_version,
            token,
            account_levels,
            upgrades,
            pallets,
            tiers,
        } = settings;
        let accounts = Shape::Tree { levels: account_levels.min(ACCOUNT_LEVELS) };
        let mut layout =
            Layout::new(&[(ACCOUNTS, accounts), (PARAMETERS, Shape::Single), (AUTHORS, Shape::Single)]);
        let secrets = (bodies == BodyFormat::Private).then_some((VAULT, Shape::Single));
        for (storage, shape) in pallets.iter().flat_map(|pallet| pallet.storages()).chain(secrets) {
            let slot = &mut layout.0[usize::from(storage)];
            assert_eq!(*slot, Shape::Absent, "storage {storage} is kept twice in `{name}`");
            *slot = shape;
        }
        let mut kinds: Vec<_> = pallets.iter().flat_map(|pallet| pallet.kinds()).map(|kind| kind.0).collect();
        let universal = ports.is_some();
        if let Some(ports) = ports {
            kinds = vec![Box::new(Universal::new(kinds, ports))];
        }
        assert!(kinds.len() <= MAX_LANES, "a statement has {MAX_LANES} lanes");
        let tier = |(id, mut capacities): (u8, Vec<u32>)| {
            assert!(capacities.len() <= kinds.len(), "more capacities than lanes of `{name}`");
            capacities.resize(kinds.len(), 0);
            let private = bodies == BodyFormat::Private;
            assert!(!private || capacities.iter().all(|slots| *slots <= MAX_PRIVATE_CAPACITY), "`{name}`");
            Tier::new(TierId(id), bodies, lanes(&kinds, &capacities))
        };
        let tiers = tiers.into_iter().map(tier).collect();
        let carriers = pallets.iter().filter(|pallet| pallet.carries_messages()).count();
        assert!(carriers <= 1, "one pallet of `{name}` takes the messages");
        let (runtime, transaction, messages) = (runtime_version, transaction_version, carriers > 0);
        let version = CircuitVersion { runtime, transaction, upgrades, bodies, messages };
        Self { name, version, token, layout, pallets, kinds, universal, tiers }
    }

    /// How the state is laid out.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    fn tier(&self, id: TierId) -> Option<&Tier> {
        self.tiers.iter().find(|tier| tier.id == id)
    }

    /// The tier asked for, or the largest, whose slots bound what a block can take.
    fn widest(&self, asked: Option<TierId>) -> Result<&Tier, ExecutionError> {
        match asked {
            Some(id) => self.tier(id).ok_or(ExecutionError::UnknownTier(id)),
            None => self.tiers.last().ok_or(ExecutionError::UnknownTier(TierId::GENESIS)),
        }
    }

    /// The pallets with the numbers of slots of their kinds.
    fn pallets<'p>(&'p self, tier: &'p Tier) -> impl Iterator<Item = (&'p dyn Pallet, Vec<u32>)> {
        // Of a lane for all calls each can take every slot.
        let any = tier.lanes.first().map(|lane| lane.capacity).filter(|_| self.universal);
        let mut capacities = tier.lanes.iter().map(|lane| lane.capacity);
        self.pallets.iter().map(move |pallet| {
            let kinds = pallet.kinds().len();
            let own = match any {
                Some(slots) => vec![slots; kinds],
                None => capacities.by_ref().take(kinds).collect(),
            };
            (pallet.as_ref(), own)
        })
    }

    /// How storages are opened, where a pallet says.
    fn plans(&self, tier: &Tier) -> Vec<(u8, OpeningPlan)> {
        if self.universal {
            let lanes = self.kinds.iter().zip(&tier.lanes);
            return lanes.flat_map(|(kind, lane)| kind.plans(&self.layout, lane.capacity)).collect();
        }
        self.pallets(tier).flat_map(|(pallet, capacities)| pallet.plans(&capacities)).collect()
    }

    /// How many accesses to the accounts of senders are of accounts that other slots touch.
    fn shared_senders(&self, tier: &Tier) -> usize {
        let lanes = tier.lanes.iter().zip(&self.kinds);
        lanes.map(|(lane, kind)| (lane.capacity - senders(kind.as_ref(), lane.capacity)) as usize).sum()
    }

    /// The circuit of a tier; storages are opened by `plans`, where the cheapest would be taken otherwise. Accesses of
    /// each storage.
    pub(crate) fn circuit(
        &self,
        tier: &Tier,
        plans: &[(u8, OpeningPlan)],
        witness: Option<&Witness>,
        cs: &ConstraintSystemRef<Fr>,
    ) -> gr1cs::Result<[usize; STORAGES]> {
        let mut block = Block::begin(cs, self.version, tier, &self.layout, witness)?;
        for (storage, plan) in plans {
            block.state.plan(*storage, *plan);
        }
        block.state.share(ACCOUNTS, self.shared_senders(tier));
        block.prelude(self.pallets(tier))?;
        for ((lane, kind), number) in tier.lanes.iter().zip(&self.kinds).zip(0u8..) {
            let slots = witness.and_then(|witness| witness.lanes.get(usize::from(number)));
            block.lane(kind.as_ref(), number, lane.capacity as usize, slots.map(Vec::as_slice))?;
        }
        let accesses = block.state.accesses();
        block.finish()?;
        Ok(accesses)
    }

    /// Whether blocks of a tier take messages from other chains: it has slots for what they lead to.
    fn takes_messages(&self, tier: &Tier) -> bool {
        let takes = |(pallet, capacities): (&dyn Pallet, Vec<u32>)| {
            pallet.carries_messages() && capacities.iter().any(|slots| *slots > 0)
        };
        self.pallets(tier).any(takes)
    }
}

/// The lanes of these call kinds with these capacities.
fn lanes(kinds: &[Box<dyn Kind>], capacities: &[u32]) -> Vec<Lane> {
    let numbered = kinds.iter().zip(0u8..).zip(capacities);
    numbered.map(|((kind, number), capacity)| lane(kind.as_ref(), number, *capacity)).collect()
}

#[cfg(test)]
pub(crate) mod testing;
