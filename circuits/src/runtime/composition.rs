//! A chain as a composition of pallets and lane sizes.

use ark_r1cs_std::GR1CSVar;
use ark_relations::gr1cs::{self, ConstraintSystemRef, SynthesisError};
use serde_json::{Map, Value as Json};
use zkpov_verifier::{
    body::{BodyError, BodyFormat, BodyLayout},
    eddsa::{self, PublicKey},
    field::{Fr, limbs_of_hash},
    lane::{Lane, MAX_LANES, TierId},
    message::MessageFormat,
    statement::{ChainIdentity, NO_MESSAGES, Statement},
    transfer::{OutboxRecord, inbox_root},
};

use super::{
    AccountId, AccountView, Applied, ApplyError, AuthorError, BlockContext, BlockWitness, CallWeight, Chain,
    CheckedExtrinsic, Execution, ExecutionError, ExtrinsicError, Genesis, KeysError, Refusal, SpecError,
    Tier, Token,
    account::{ACCOUNTS, Account, PARAMETERS, Parameters, index_name},
    authors::{AUTHORS, Authors},
    block::{Block, Closed, Given, SlotWitness, Witness, values},
    call::{IdleContext, Unfit, View},
    extrinsic::{Extrinsic, Header, HeaderJson, SignatureJson, chain_tag, message, split_json},
    lane::{Kind, Told, lane, senders, slot_widths, told},
    messages,
    pallet::{GenesisState, Pallet},
    privacy::{MAX_PRIVATE_CAPACITY, Plain, Position, Secret, Secrets},
    select::{Bounds, Selection, decode, native_refusal, select},
    spec::Spec,
    statement::CircuitVersion,
    universal::Universal,
    vault::{VAULT, Vault, commitment},
};
use crate::{
    bit::Bit,
    keys::SecretKey,
    r1cs::R1cs,
    state::{
        ChangeSet, Layout, MerkleProof, OpeningPlan, Recorder, STORAGES, Shape, StateError, StateReader,
        Value, circuit::Ports, packed_widths, read_record, state_root,
    },
};

/// Levels of the largest account tree: 8^8 = 2^24 places.
pub const ACCOUNT_LEVELS: usize = 8;

/// Elements that one more Poseidon call adds to a chain.
const CHAIN_STEP: u32 = 15;

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

/// What native execution of a whole block gave.
struct Ran {
    /// The slots, each lane filled to its capacity.
    lanes: Vec<Vec<SlotWitness>>,
    /// The elements of the body.
    body: Vec<Fr>,
    /// The nonce of a private body, 0 of a public one.
    nonce: Fr,
    /// The chain key that comes into force with the block, 0 if none does.
    next_key: Secret,
    /// The limbs of the next validation code's hash.
    upgrade: Option<[Fr; 2]>,
    /// What is sent to other chains, and its root.
    outbox: Vec<OutboxRecord>,
    outbox_root: Fr,
    /// The roots of all storages before the block.
    storages: [Fr; STORAGES],
    state_root: Fr,
    changes: ChangeSet,
    openings: crate::state::Openings,
}

/// A block that was executed slot by slot.
struct Executed<'w> {
    lanes: Vec<Vec<SlotWitness>>,
    /// Elements of the body: of a public one those of used slots.
    body: Vec<Fr>,
    /// What each slot's sender must have signed, lane by lane; `None` of an inherent.
    #[cfg_attr(not(test), expect(dead_code, reason = "forgers sign what they forge"))]
    messages: Vec<Option<Fr>>,
    recorder: Recorder<'w>,
    upgrade: Option<[Fr; 2]>,
    outbox: Vec<OutboxRecord>,
    outbox_root: Fr,
}

/// The slots that a block executes.
enum Slots<'a> {
    /// As their author selected them.
    Selected(&'a [Vec<SlotWitness>]),
    /// As a body tells of them.
    Told(&'a [Vec<Told>]),
}

/// Where a private body's nonce comes from.
#[derive(Clone, Copy)]
enum Nonce {
    /// The author makes it.
    Derived,
    /// The body has it, or somebody claims it.
    Given(Fr),
}

impl Nonce {
    fn of(self, secrets: &Secrets, position: &Position, plain: &[Fr]) -> Fr {
        match self {
            Self::Derived => secrets.nonce(position, plain),
            Self::Given(nonce) => nonce,
        }
    }
}

/// Why a block was not executed.
enum Stopped {
    Slot { lane: usize, slot: usize, reason: String },
    Execution(ExecutionError),
}

impl<E: Into<ExecutionError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Execution(error.into())
    }
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

    /// A private chain's secrets as the next block needs them, and the key that comes into force with it, 0 if none does; `None` of a
    /// public chain.
    fn secrets(
        &self,
        state: &dyn StateReader,
        context: &BlockContext,
    ) -> Result<Option<(Secrets, Secret)>, KeysError> {
        if self.version.bodies == BodyFormat::Public {
            return Ok(None);
        }
        let vault: Vault = read_record(state, 0)?.ok_or(StateError::Missing { what: "secrets" })?;
        let authors: Authors =
            read_record(state, 0)?.ok_or(StateError::Missing { what: "who authors when" })?;
        let secrets = vault.secrets.clone();
        let Some(due) = vault.due(&authors) else { return Ok(Some((secrets, Secret(Fr::from(0u64))))) };
        let held = context.chain_keys.iter().find(|key| commitment(key) == due);
        let key = held.ok_or(KeysError::Missing { commitment: due })?;
        Ok(Some((Secrets { chain_key: key.clone(), salt: secrets.salt.clone() }, key.clone())))
    }

    /// What a block knows of itself before it is executed.
    fn outline(&self, context: &BlockContext, tier: TierId, number: u32) -> Statement {
        Statement {
            chain: context.identity,
            tier,
            used_slots: [0; MAX_LANES],
            parent_state_root: context.parent.state_root,
            state_root: Fr::from(0u64),
            number,
            relay_parent_number: context.relay_parent_number,
            author: context.author,
            author_key: context.author_key,
            body_root: Fr::from(0u64),
            inbox_root: inbox_root(&context.messages.inbox),
            outbox_root: NO_MESSAGES,
            upgrade: None,
            context: context.context,
        }
    }

    fn number(context: &BlockContext) -> Result<u32, ExecutionError> {
        context.parent.number.checked_add(1).ok_or(ExecutionError::LastNumber)
    }

    fn parameters(state: &dyn StateReader) -> Result<Parameters, StateError> {
        read_record(state, 0)?.ok_or(StateError::Missing { what: "parameters" })
    }

    fn idle_context(state: &dyn StateReader, context: &BlockContext) -> Result<IdleContext, ExecutionError> {
        Ok(IdleContext {
            parameters: Self::parameters(state)?,
            number: Self::number(context)?,
            relay_parent_number: context.relay_parent_number,
        })
    }

    /// Whether the author's account is there, the key's, permitted, and on turn.
    fn check_author(
        &self,
        state: &dyn StateReader,
        context: &BlockContext,
    ) -> Result<Result<(), AuthorError>, StateError> {
        let index = context.author;
        let private = self.version.bodies == BodyFormat::Private;
        let permissioned = private || Self::parameters(state)?.permissioned_authors;
        Ok(match read_record::<Account>(state, index)? {
            None => Err(AuthorError::Unknown(index)),
            Some(account) if account.key != context.author_key => Err(AuthorError::OtherKey(index)),
            Some(account) if permissioned && !account.may_author => Err(AuthorError::NotPermitted(index)),
            Some(_) => {
                let authors: Authors =
                    read_record(state, 0)?.ok_or(StateError::Missing { what: "who authors when" })?;
                let relay_parent = context.relay_parent_number;
                match authors.on_turn(relay_parent) {
                    Some(on_turn) if authors.rotating && on_turn != index => Err(AuthorError::OutOfTurn {
                        account: index,
                        relay_parent,
                        on_turn,
                        next: authors.next_turn(index, relay_parent),
                    }),
                    _ => Ok(()),
                }
            }
        })
    }

    /// Begins a block natively. The author is judged first, for an error that says what is wrong with it.
    fn begin<'s>(
        &'s self,
        state: &'s dyn StateReader,
        context: &BlockContext,
        tier: TierId,
        fees: Fr,
    ) -> Result<Block<'s>, ExecutionError> {
        self.check_author(state, context)??;
        let takes_messages = self.tier(tier).is_some_and(|tier| self.takes_messages(tier));
        if !takes_messages && !context.messages.inbox.is_empty() {
            let reason = format!("messages wait, and tier {tier} has no slots for any: use a larger one");
            return Err(ExecutionError::Format(reason));
        }
        let outline = self.outline(context, tier, Self::number(context)?);
        let next_key = self.secrets(state, context)?.map_or(Secret(Fr::from(0u64)), |(_, next)| next);
        let given = Given { fees, next_key };
        let mut recorder = Recorder::new(&self.layout, state);
        messages::keep(&mut recorder, &context.messages.inbox);
        Block::native(outline.elements(), recorder, self.version, &given).map_err(|error| match error {
            SynthesisError::Unsatisfiable => AuthorError::Overflow(context.author).into(),
            other => ExecutionError::Format(format!("the block cannot begin: {other}")),
        })
    }

    /// Which extrinsics a block of `tier` takes.
    fn select(
        &self,
        state: &dyn StateReader,
        context: &BlockContext,
        tier: &Tier,
        extrinsics: &[Vec<u8>],
    ) -> Result<Selection, ExecutionError> {
        let mut block = self.begin(state, context, tier.id, Fr::from(0u64))?;
        block.prelude(self.pallets(tier)).map_err(synthesis)?;
        let capacities: Vec<usize> = tier.lanes.iter().map(|lane| lane.capacity as usize).collect();
        let bounds = Bounds {
            context: Self::idle_context(state, context)?,
            chain_tag: chain_tag(&context.identity),
            kinds: &self.kinds,
            capacities: &capacities,
            upgrade: context.upgrade,
            room: &context.messages.room,
        };
        select(&mut block, bounds, extrinsics)
    }

    /// Executes these slots natively, in the circuit's order, and fills the lanes of `tier` with unused ones.
    fn run(
        &self,
        state: &dyn StateReader,
        context: &BlockContext,
        tier: &Tier,
        fees: Fr,
        slots: &Slots<'_>,
        nonce: Nonce,
    ) -> Result<Ran, Stopped> {
        let block = self.begin(state, context, tier.id, fees)?;
        let storages = crate::state::storage_roots(state, &self.layout)?;
        let next_key = self.secrets(state, context)?.map_or(Secret(Fr::from(0u64)), |(_, next)| next);
        let Executed { lanes, body, recorder, upgrade, outbox, outbox_root, .. } =
            self.run_on(block, tier, &Self::idle_context(state, context)?, slots, nonce)?;
        let (state_root, changes) = recorder.changes()?;
        let openings = recorder.into_openings()?;
        let nonce = match self.version.bodies {
            BodyFormat::Public => Fr::from(0u64),
            BodyFormat::Private => body.first().copied().unwrap_or_default(),
        };
        Ok(Ran {
            lanes,
            body,
            nonce,
            next_key,
            upgrade,
            outbox,
            outbox_root,
            storages,
            state_root,
            changes,
            openings,
        })
    }

    /// Executes these slots on a block that has begun.
    fn run_on<'w>(
        &self,
        mut block: Block<'w>,
        tier: &Tier,
        idle: &IdleContext,
        slots: &Slots<'_>,
        nonce: Nonce,
    ) -> Result<Executed<'w>, Stopped> {
        for (storage, plan) in self.plans(tier) {
            if let Some(recorder) = block.state.recorder_mut() {
                recorder.plan(storage, plan);
            }
        }
        if let Some(recorder) = block.state.recorder_mut() {
            recorder.share(ACCOUNTS, self.shared_senders(tier));
        }
        if matches!(slots, Slots::Told(_)) {
            block.state.set_importing();
        }
        if let Err(error) = block.prelude(self.pallets(tier)) {
            let refusal = native_refusal(&mut block, error)?;
            return Err(ExecutionError::Format(format!("the block cannot begin: {refusal}")).into());
        }
        let mut lanes = Vec::with_capacity(self.kinds.len());
        // The elements of used slots and those of all, 0 in unused ones.
        let (mut body, mut every) = (Vec::new(), Vec::new());
        let mut messages = Vec::new();
        for ((shape, kind), number) in tier.lanes.iter().zip(&self.kinds).zip(0u8..) {
            let lane = usize::from(number);
            let mut executed = Vec::with_capacity(shape.capacity as usize);
            for slot in 0..shape.capacity as usize {
                let witness = match self.next_slot(&block, kind.as_ref(), idle, slots, (lane, slot)) {
                    Ok(witness) => witness,
                    Err(Unfit::State(error)) => return Err(error.into()),
                    Err(Unfit::Refused(reason) | Unfit::Later(reason)) => {
                        return Err(Stopped::Slot { lane, slot, reason });
                    }
                };
                let used = Bit::constant(witness.executed);
                match block.slot(kind.as_ref(), number, &used, Some(&witness)) {
                    Ok(done) => {
                        if witness.used {
                            let elements = values(&done.body).map_err(synthesis)?;
                            every.extend_from_slice(&elements);
                            body.extend(elements);
                        } else {
                            every.extend(done.body.iter().map(|_| Fr::from(0u64)));
                        }
                        messages.push(
                            done.message.map(|message| message.value()).transpose().map_err(synthesis)?,
                        );
                    }
                    Err(error) => {
                        let reason = native_refusal(&mut block, error)?.to_string();
                        return Err(Stopped::Slot { lane, slot, reason });
                    }
                }
                executed.push(witness);
            }
            lanes.push(executed);
        }
        let count = |lane: &Vec<SlotWitness>| lane.iter().filter(|slot| slot.used).count() as u32;
        let used: Vec<u32> = lanes.iter().map(count).collect();
        let nonce = |secrets: &_, position: &_, plain: &_| nonce.of(secrets, position, plain);
        let Closed { recorder, upgrade, outbox, outbox_root, sealed } =
            block.close(&used, &every, nonce).map_err(synthesis)?;
        let body = sealed.unwrap_or(body);
        Ok(Executed { lanes, body, messages, recorder, upgrade, outbox, outbox_root })
    }

    /// What a slot holds.
    fn next_slot(
        &self,
        block: &Block<'_>,
        kind: &dyn Kind,
        idle: &IdleContext,
        slots: &Slots<'_>,
        (lane, slot): (usize, usize),
    ) -> Result<SlotWitness, Unfit> {
        match slots {
            Slots::Selected(lanes) => Ok(match lanes.get(lane).and_then(|lane| lane.get(slot)) {
                Some(witness) => witness.clone(),
                None => SlotWitness::idle(kind, idle),
            }),
            Slots::Told(lanes) => match lanes.get(lane).and_then(|lane| lane.get(slot)) {
                Some(Told { paid, rest }) => {
                    let recorder = block.state.recorder().ok_or_else(|| Unfit::because("no native state"))?;
                    let sender = paid.map_or(0, |(sender, _)| sender);
                    let inputs = kind.restore(&View::new(recorder, idle), sender, rest)?;
                    Ok(SlotWitness::told(*paid, inputs, idle.number))
                }
                None => Ok(SlotWitness::idle(kind, idle)),
            },
        }
    }

    /// The smallest tier that holds these numbers of slots, or `widest`.
    fn smallest<'t>(&'t self, widest: &'t Tier, used: &[usize], messages: bool) -> &'t Tier {
        let holds =
            |tier: &Tier| tier.lanes.iter().zip(used).all(|(lane, used)| *used <= lane.capacity as usize);
        let fits = |tier: &&Tier| holds(tier) && (!messages || self.takes_messages(tier));
        self.tiers.iter().find(fits).unwrap_or(widest)
    }

    /// Whether blocks of a tier take messages from other chains: it has slots for what they lead to.
    fn takes_messages(&self, tier: &Tier) -> bool {
        let takes = |(pallet, capacities): (&dyn Pallet, Vec<u32>)| {
            pallet.carries_messages() && capacities.iter().any(|slots| *slots > 0)
        };
        self.pallets(tier).any(takes)
    }

    /// What a private chain begins with.
    fn first_secrets(&self, given: Option<Json>) -> Result<Option<Secrets>, SpecError> {
        match (self.version.bodies, given) {
            (BodyFormat::Public, None) => Ok(None),
            (BodyFormat::Public, Some(_)) => {
                Err(SpecError::Invalid(format!("`{}` is a public chain: it has no secrets", self.name)))
            }
            (BodyFormat::Private, None) => Err(SpecError::Invalid(format!(
                "`{}` is a private chain: its secrets are missing",
                self.name
            ))),
            (BodyFormat::Private, Some(secrets)) => Secrets::from_json(&secrets)
                .map(Some)
                .map_err(|error| SpecError::Invalid(format!("the chain's secrets: {error}"))),
        }
    }

    fn kind(&self, name: &str) -> Result<(u8, &dyn Kind), ExtrinsicError> {
        let found = self.kinds.iter().zip(0u8..).find(|(kind, _)| kind.has_call(name));
        let (kind, number) = found.ok_or_else(|| {
            let names: Vec<&str> =
                self.kinds.iter().filter(|kind| kind.is_signed()).map(|kind| kind.name()).collect();
            ExtrinsicError::Json(format!("no call `{name}`: there are {}", names.join(", ")))
        })?;
        Ok((number, kind.as_ref()))
    }

    /// The header and arguments of an extrinsic in JSON, and its signature if it has one.
    fn parts_from_json(
        &self,
        members: Map<String, Json>,
    ) -> Result<(Header, Vec<u8>, Option<Json>), ExtrinsicError> {
        let (HeaderJson { call, sender, nonce, expiry, fee }, arguments, signature) = split_json(members)?;
        let (number, kind) = self.kind(&call)?;
        let arguments = kind.arguments_from_json(&call, arguments)?;
        Ok((Header { call: number, sender, nonce, expiry, fee }, arguments, signature))
    }

    fn json_of(&self, extrinsic: &Extrinsic) -> Result<Json, ExtrinsicError> {
        let Extrinsic { header, arguments, signature } = extrinsic;
        let kind = self.kinds.get(usize::from(header.call));
        let kind = kind.ok_or_else(|| ExtrinsicError::Json(format!("no call of kind {}", header.call)))?;
        let Header { sender, nonce, expiry, fee, .. } = *header;
        let common = HeaderJson { call: kind.call_of(arguments).into(), sender, nonce, expiry, fee };
        let json = |error: serde_json::Error| ExtrinsicError::Json(error.to_string());
        let Json::Object(mut members) = serde_json::to_value(common).map_err(json)? else {
            return Err(ExtrinsicError::Json("a header is an object".into()));
        };
        members.extend(kind.arguments_to_json(arguments)?);
        let signature = serde_json::to_value(SignatureJson::from(*signature)).map_err(json)?;
        members.insert("signature".into(), signature);
        Ok(Json::Object(members))
    }

    /// The slots of a body.
    fn told_by(&self, used_slots: &[u32], elements: &[Fr]) -> Result<Vec<Vec<Told>>, ApplyError> {
        let mut rest = elements;
        let mut lanes = Vec::with_capacity(self.kinds.len());
        for ((kind, used), lane) in self.kinds.iter().zip(used_slots).zip(0usize..) {
            let count = packed_widths(&slot_widths(kind.as_ref())).len();
            let mut slots = Vec::with_capacity(*used as usize);
            for slot in 0..*used as usize {
                let refuse = |reason: &str| ApplyError::Slot { lane, slot, reason: reason.into() };
                let (own, others) =
                    rest.split_at_checked(count).ok_or_else(|| refuse("elements are missing"))?;
                rest = others;
                slots.push(told(kind.as_ref(), own).ok_or_else(|| refuse("no call has such a body"))?);
            }
            lanes.push(slots);
        }
        Ok(lanes)
    }

    /// Constraints of one more slot of call kind `kind` where as many levels of the trees are shared as in the largest
    /// tier, averaged over as many slots as put whole Poseidon calls into the body's chain.
    fn call_weight(&self, kind: usize, top_levels: &[usize; STORAGES]) -> gr1cs::Result<CallWeight> {
        let elements = |kind: &dyn Kind| packed_widths(&slot_widths(kind)).len() as u32;
        let Some(own) = self.kinds.get(kind) else { return Err(SynthesisError::ArityMismatch) };
        let number = kind as u8;
        let constraints = |slots: u32| {
            let capacities: Vec<u32> =
                (0..self.kinds.len()).map(|other| if other == kind { slots } else { 1 }).collect();
            let tier = self.unnumbered(&capacities);
            let plans = self.plans_sharing(&tier, top_levels)?;
            let shape = R1cs::synthesize(|cs| self.circuit(&tier, &plans, None, &cs).map(drop))?;
            Ok::<_, SynthesisError>(shape.constraints())
        };
        let slots = CHAIN_STEP / greatest_common_divisor(CHAIN_STEP, elements(own.as_ref()));
        let more: usize = constraints(1 + slots)? - constraints(1)?;
        Ok(CallWeight { call: number, name: own.name(), constraints: more.div_ceil(slots as usize) })
    }

    /// A tier for measurements.
    fn unnumbered(&self, capacities: &[u32]) -> Tier {
        Tier::new(TierId::GENESIS, self.version.bodies, lanes(&self.kinds, capacities))
    }

    /// Accesses of a block with these lanes to each storage.
    fn accesses(&self, tier: &Tier) -> gr1cs::Result<[usize; STORAGES]> {
        let cs = crate::r1cs::shape_only();
        self.circuit(tier, &self.plans(tier), None, &cs)
    }

    /// How trees are opened if `top_levels` of each are shared.
    fn plans_sharing(
        &self,
        tier: &Tier,
        top_levels: &[usize; STORAGES],
    ) -> gr1cs::Result<Vec<(u8, OpeningPlan)>> {
        let mut plans = self.plans(tier);
        let mut accesses = self.accesses(tier)?;
        accesses[usize::from(ACCOUNTS)] -= self.shared_senders(tier);
        for ((storage, shape), accesses) in (0u8..).zip(self.layout.0).zip(accesses) {
            let top_levels = top_levels.get(usize::from(storage)).copied().unwrap_or_default();
            match plans.iter_mut().find(|(other, _)| *other == storage) {
                Some((_, plan)) => plan.top_levels = top_levels,
                None if accesses > 0 => {
                    plans.push((
                        storage,
                        OpeningPlan { top_levels, ..OpeningPlan::cheapest(shape, accesses) },
                    ));
                }
                None => (),
            }
        }
        Ok(plans)
    }

    /// How many levels of each tree the largest tier shares.
    fn shared_levels(&self) -> gr1cs::Result<[usize; STORAGES]> {
        let largest = self.tiers.last().ok_or(SynthesisError::ArityMismatch)?;
        // Accesses are linear in the slots: a block's own, and so many for each slot of a lane.
        let with = |capacities: Vec<u32>| self.accesses(&self.unnumbered(&capacities));
        let one = with(vec![1; self.kinds.len()])?;
        let mut total = one;
        for (kind, lane) in largest.lanes.iter().enumerate() {
            let two = with((0..self.kinds.len()).map(|other| if other == kind { 2 } else { 1 }).collect())?;
            for ((total, one), two) in total.iter_mut().zip(one).zip(two) {
                *total += (two - one) * (lane.capacity as usize).saturating_sub(1);
            }
        }
        total[usize::from(ACCOUNTS)] -= self.shared_senders(largest);
        let planned = self.plans(largest);
        let mut levels = [0; STORAGES];
        for (((levels, shape), accesses), storage) in
            levels.iter_mut().zip(self.layout.0).zip(total).zip(0u8..)
        {
            let plan = planned.iter().find(|(other, _)| *other == storage).map(|(_, plan)| *plan);
            *levels = plan.unwrap_or_else(|| OpeningPlan::cheapest(shape, accesses)).top_levels;
        }
        Ok(levels)
    }
}

/// The lanes of these call kinds with these capacities.
fn lanes(kinds: &[Box<dyn Kind>], capacities: &[u32]) -> Vec<Lane> {
    let numbered = kinds.iter().zip(0u8..).zip(capacities);
    numbered.map(|((kind, number), capacity)| lane(kind.as_ref(), number, *capacity)).collect()
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// An error that native execution of a whole block does not have.
fn synthesis(error: SynthesisError) -> ExecutionError {
    match error {
        SynthesisError::Unsatisfiable => {
            let rule = crate::constraint::refused_by().unwrap_or("a rule of the chain");
            ExecutionError::Format(format!("`{rule}` does not hold at the end of the block"))
        }
        other => ExecutionError::Format(other.to_string()),
    }
}

/// Sum of the fees of these slots.
fn fees(lanes: &[Vec<SlotWitness>]) -> Fr {
    lanes.iter().flatten().map(|slot| slot.fee).sum()
}

impl Chain for Composition {
    fn name(&self) -> &'static str {
        self.name
    }

    fn runtime_version(&self) -> u32 {
        self.version.runtime
    }

    fn transaction_version(&self) -> u32 {
        self.version.transaction
    }

    fn token(&self) -> Token {
        self.token.clone()
    }

    fn body_format(&self) -> BodyFormat {
        self.version.bodies
    }

    fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    fn messages(&self, spec_json: &str) -> Result<MessageFormat, SpecError> {
        let spec = Spec::from_json(spec_json)?;
        let mut pallets = self.pallets.iter();
        let has_peers = pallets.any(|pallet| pallet.has_peers(spec.pallets.get(pallet.name())));
        Ok(if has_peers { MessageFormat::Transfers } else { MessageFormat::Dropped })
    }

    fn genesis(&self, spec_json: &str) -> Result<Genesis, SpecError> {
        let mut spec = Spec::from_json(spec_json)?;
        if spec.chain != self.name {
            return Err(SpecError::OtherChain { expected: self.name, found: spec.chain });
        }
        let secrets = self.first_secrets(spec.secrets.take())?;
        let (parameters, accounts, authors) = spec.check(self.layout.shape(ACCOUNTS).places())?;
        if secrets.is_some() && !parameters.permissioned_authors {
            return Err(SpecError::Invalid(
                "authors of a private chain read it: they are permissioned".into(),
            ));
        }
        if secrets.is_some() && !authors.rotating {
            return Err(SpecError::Invalid(
                "authors of a private chain have seats: `rotation` says who must have its key".into(),
            ));
        }
        let nothing = ChangeSet::default();
        let recorder = Recorder::new(&self.layout, &nothing);
        let mut genesis = GenesisState { recorder, parameters, accounts: &accounts };
        genesis.write(0, &parameters)?;
        genesis.write(0, &authors)?;
        if let Some(secrets) = secrets {
            genesis.write(0, &Vault::new(secrets))?;
        }
        for (index, account) in (0u32..).zip(&accounts) {
            genesis.write(index, account)?;
        }
        for pallet in &self.pallets {
            pallet.genesis(spec.pallets.remove(pallet.name()).as_ref(), &mut genesis)?;
        }
        if let Some(unknown) = spec.pallets.keys().next() {
            return Err(SpecError::Invalid(format!("`{}` has no pallet `{unknown}`", self.name)));
        }
        let changes = genesis.recorder.changes();
        let (state_root, changes) = changes.map_err(|error| SpecError::Invalid(error.to_string()))?;
        let token = spec.token.unwrap_or_else(|| self.token());
        Ok(Genesis { changes, state_root, token, accounts: accounts.len() as u32 })
    }

    fn extrinsic_from_json(&self, line: &str) -> Result<Vec<u8>, ExtrinsicError> {
        let json = |error: serde_json::Error| ExtrinsicError::Json(error.to_string());
        let (header, arguments, signature) =
            self.parts_from_json(serde_json::from_str(line).map_err(json)?)?;
        let signature = signature.ok_or_else(|| ExtrinsicError::Json("`signature` is missing".into()))?;
        let signature: SignatureJson = serde_json::from_value(signature).map_err(json)?;
        let signature = signature.signature().map_err(|e| ExtrinsicError::Json(format!("signature: {e}")))?;
        Ok(Extrinsic { header, arguments, signature }.encode())
    }

    fn extrinsic_to_json(&self, bytes: &[u8]) -> Result<Json, ExtrinsicError> {
        self.json_of(&decode(&self.kinds, bytes)?)
    }

    fn sign_json(
        &self,
        identity: &ChainIdentity,
        unsigned: Map<String, Json>,
        key: &SecretKey,
    ) -> Result<Json, ExtrinsicError> {
        let (header, arguments, _) = self.parts_from_json(unsigned)?;
        let kind = self.kinds.get(usize::from(header.call));
        let kind = kind.ok_or_else(|| ExtrinsicError::Json(format!("no call of kind {}", header.call)))?;
        let message = message(chain_tag(identity), header.element(), &kind.message_elements(&arguments)?);
        self.json_of(&Extrinsic { header, arguments, signature: key.sign(message) })
    }

    fn call_name(&self, call: u8) -> Option<&'static str> {
        self.kinds.get(usize::from(call)).map(|kind| kind.name())
    }

    fn execute(
        &self,
        state: &dyn StateReader,
        context: &BlockContext,
        tier: Option<TierId>,
        extrinsics: &[Vec<u8>],
    ) -> Result<Execution, ExecutionError> {
        let widest = self.widest(tier)?;
        let number = Self::number(context)?;
        if state_root(state)? != context.parent.state_root {
            return Err(ExecutionError::OtherState);
        }
        let selection = self.select(state, context, widest, extrinsics)?;
        let used: Vec<usize> = selection.lanes.iter().map(Vec::len).collect();
        let tier = if tier.is_some() {
            widest
        } else {
            self.smallest(widest, &used, !context.messages.inbox.is_empty())
        };
        let (positions, lanes): (Vec<Vec<_>>, Vec<Vec<_>>) =
            selection.lanes.into_iter().map(|lane| lane.into_iter().unzip()).unzip();
        let ran = self.run(state, context, tier, fees(&lanes), &Slots::Selected(&lanes), Nonce::Derived);
        let ran = ran.map_err(|stopped| match stopped {
            Stopped::Execution(error) => error,
            Stopped::Slot { lane, slot, reason } => {
                ExecutionError::Format(format!("slot {slot} of lane {lane} does not execute twice: {reason}"))
            }
        })?;
        let used_slots: Vec<u32> = match self.version.bodies {
            // At most a lane's capacity, which is a `u32`.
            BodyFormat::Public => used.iter().map(|used| *used as u32).collect(),
            BodyFormat::Private => tier.lanes.iter().map(|lane| lane.capacity).collect(),
        };
        let format = |error: BodyError| ExecutionError::Format(error.to_string());
        let layout =
            BodyLayout::new(self.version.bodies, tier.id, &tier.lanes, &used_slots).map_err(format)?;
        let statement = Statement {
            used_slots: layout.padded_used_slots(),
            state_root: ran.state_root,
            body_root: layout.root(&ran.body).map_err(format)?,
            outbox_root: ran.outbox_root,
            upgrade: ran.upgrade.map(hash_of_limbs).transpose()?,
            ..self.outline(context, tier.id, number)
        };
        let body = layout.encode(&ran.body).map_err(format)?;
        let witness = Witness {
            public_input: statement.digest(),
            statement: statement.elements(),
            storages: ran.storages,
            fees: fees(&lanes),
            nonce: ran.nonce,
            next_key: ran.next_key,
            lanes: ran.lanes,
            openings: ran.openings,
        };
        Ok(Execution {
            tier: tier.id,
            used_slots,
            body,
            included: positions.into_iter().flatten().flatten().collect(),
            refused: selection.refused,
            deferred: selection.deferred,
            state_root: ran.state_root,
            changes: ran.changes,
            outbox: ran.outbox,
            statement,
            witness: BlockWitness::new(witness),
        })
    }

    fn apply(
        &self,
        state: &dyn StateReader,
        context: &BlockContext,
        tier: TierId,
        used_slots: &[u32],
        body: &[u8],
    ) -> Result<Applied, ApplyError> {
        let tier = self.tier(tier).ok_or(ApplyError::UnknownTier(tier))?;
        let refuse = |error: BodyError| ApplyError::Body(error.to_string());
        let layout =
            BodyLayout::new(self.version.bodies, tier.id, &tier.lanes, used_slots).map_err(refuse)?;
        let elements = layout.decode(body).map_err(refuse)?;
        let Plain { nonce, used, elements } = match self.secrets(state, context)? {
            None => Plain { nonce: Fr::from(0u64), used: used_slots.to_vec(), elements },
            Some((secrets, _)) => secrets
                .open(context.parent.state_root, &tier.lanes, &elements)
                .ok_or_else(|| ApplyError::Body("the chain's key does not decrypt it".into()))?,
        };
        let lanes = self.told_by(&used, &elements)?;
        let fees = lanes.iter().flatten().filter_map(|slot| slot.paid).map(|(_, fee)| Fr::from(fee)).sum();
        let ran = self.run(state, context, tier, fees, &Slots::Told(&lanes), Nonce::Given(nonce)).map_err(
            |stopped| match stopped {
                Stopped::Slot { lane, slot, reason } => ApplyError::Slot { lane, slot, reason },
                Stopped::Execution(ExecutionError::State(error)) => ApplyError::State(error),
                Stopped::Execution(ExecutionError::Author(error)) => ApplyError::Author(error),
                Stopped::Execution(ExecutionError::Keys(error)) => ApplyError::Keys(error),
                Stopped::Execution(other) => ApplyError::Body(other.to_string()),
            },
        )?;
        Ok(Applied { state_root: ran.state_root, changes: ran.changes })
    }

    fn synthesize(
        &self,
        tier: TierId,
        witness: Option<&BlockWitness>,
        cs: ConstraintSystemRef<Fr>,
    ) -> gr1cs::Result<()> {
        let tier = self.tier(tier).ok_or(SynthesisError::ArityMismatch)?;
        let witness = match witness {
            None => None,
            Some(witness) => Some(witness.get::<Witness>().ok_or(SynthesisError::AssignmentMissing)?),
        };
        self.circuit(tier, &self.plans(tier), witness, &cs).map(drop)
    }

    fn call_weights(&self) -> gr1cs::Result<Vec<CallWeight>> {
        let top_levels = self.shared_levels()?;
        (0..self.kinds.len()).map(|kind| self.call_weight(kind, &top_levels)).collect()
    }

    fn check_extrinsic(
        &self,
        state: &dyn StateReader,
        identity: &ChainIdentity,
        extrinsic: &[u8],
    ) -> Result<Result<CheckedExtrinsic, Refusal>, StateError> {
        let Extrinsic { header, arguments, signature } = match decode(&self.kinds, extrinsic) {
            Ok(extrinsic) => extrinsic,
            Err(error) => return Ok(Err(error.into())),
        };
        let Some(Account { key, nonce, .. }) = read_record(state, header.sender)? else {
            return Ok(Err(Refusal::UnknownSender { sender: header.sender }));
        };
        let elements = match self.kinds.get(usize::from(header.call)) {
            Some(kind) => kind.message_elements(&arguments),
            None => return Ok(Err(Refusal::Signature)),
        };
        let message = match elements {
            Ok(elements) => message(chain_tag(identity), header.element(), &elements),
            Err(error) => return Ok(Err(error.into())),
        };
        if eddsa::verify(&key, message, &signature).is_err() {
            return Ok(Err(Refusal::Signature));
        }
        let minimum_fee = Self::parameters(state)?.minimum_fee;
        let Header { call, sender, nonce: found, expiry, fee } = header;
        Ok(Ok(CheckedExtrinsic { call, sender, nonce: found, expiry, fee, next_nonce: nonce, minimum_fee }))
    }

    fn next_nonce(&self, state: &dyn StateReader, account: u32) -> Result<Option<u32>, StateError> {
        Ok(read_record::<Account>(state, account)?.map(|account| account.nonce))
    }

    fn account(&self, state: &dyn StateReader, who: AccountId) -> Result<Option<AccountView>, StateError> {
        let index = match who {
            AccountId::Index(index) => Some(index),
            AccountId::Key(key) => index_of(&self.layout, state, &key)?,
        };
        let Some(index) = index else { return Ok(None) };
        let Some(account) = read_record::<Account>(state, index)? else { return Ok(None) };
        let Account { key, nonce, may_author, balance } = account;
        let deposit = Self::parameters(state)?.existential_deposit;
        let transferable = balance.saturating_sub(deposit);
        let proof = MerkleProof::of::<Account>(state, &self.layout, index)?;
        Ok(Some(AccountView { index, key, nonce, balance, transferable, may_author, proof }))
    }
}

/// The place of a key's account.
fn index_of(layout: &Layout, state: &dyn StateReader, key: &PublicKey) -> Result<Option<u32>, StateError> {
    let recorder = Recorder::new(layout, state);
    let name = index_name(key);
    let Some(bytes) = recorder.auxiliary(&name)? else { return Ok(None) };
    codec::DecodeAll::decode_all(&mut bytes.as_slice())
        .map(Some)
        .map_err(|_| StateError::corrupt(&crate::state::keys::auxiliary(&name), "an account index"))
}

/// The 32 bytes that two limbs are of: the inverse of [`limbs_of_hash`].
fn hash_of_limbs(limbs: [Fr; 2]) -> Result<[u8; 32], ExecutionError> {
    let mut hash = [0; 32];
    for (half, limb) in hash.chunks_exact_mut(16).zip(limbs) {
        let limb = crate::integer::to_u128(&limb).ok_or_else(|| {
            ExecutionError::Format("a limb of the next code's hash exceeds 128 bits".into())
        })?;
        half.copy_from_slice(&limb.to_le_bytes());
    }
    debug_assert_eq!(limbs_of_hash(hash), limbs);
    Ok(hash)
}

#[cfg(test)]
pub(crate) mod testing;
