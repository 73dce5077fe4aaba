//! A block executed natively, on constants: which extrinsics it takes, what its slots do, what that leaves.

use ark_r1cs_std::GR1CSVar;
use ark_relations::gr1cs::SynthesisError;
use zkpov_verifier::{
    body::BodyFormat,
    field::Fr,
    lane::{MAX_LANES, TierId},
    statement::{NO_MESSAGES, Statement},
    transfer::{OutboxRecord, inbox_root},
};

use super::{
    super::{
        AuthorError, BlockContext, ExecutionError, KeysError, Tier,
        account::{ACCOUNTS, Account, Parameters},
        authors::Authors,
        block::{Block, Closed, Given, SlotWitness, values},
        call::{IdleContext, Unfit, View},
        extrinsic::chain_tag,
        lane::{Kind, Told},
        messages,
        privacy::{Position, Secret, Secrets},
        select::{Bounds, Selection, native_refusal, select},
        vault::{Vault, commitment},
    },
    Composition,
};
use crate::{
    bit::Bit,
    state::{ChangeSet, Recorder, STORAGES, StateError, StateReader, read_record},
};

/// What native execution of a whole block gave.
pub(super) struct Ran {
    /// The slots, each lane filled to its capacity.
    pub(super) lanes: Vec<Vec<SlotWitness>>,
    /// The elements of the body.
    pub(super) body: Vec<Fr>,
    /// The nonce of a private body, 0 of a public one.
    pub(super) nonce: Fr,
    /// The chain key that comes into force with the block, 0 if none does.
    pub(super) next_key: Secret,
    /// The limbs of the next validation code's hash.
    pub(super) upgrade: Option<[Fr; 2]>,
    /// What is sent to other chains, and its root.
    pub(super) outbox: Vec<OutboxRecord>,
    pub(super) outbox_root: Fr,
    /// The roots of all storages before the block.
    pub(super) storages: [Fr; STORAGES],
    pub(super) state_root: Fr,
    pub(super) changes: ChangeSet,
    pub(super) openings: crate::state::Openings,
}

/// A block that was executed slot by slot.
pub(super) struct Executed<'w> {
    pub(super) lanes: Vec<Vec<SlotWitness>>,
    /// Elements of the body: of a public one those of used slots.
    pub(super) body: Vec<Fr>,
    /// What each slot's sender must have signed, lane by lane; `None` of an inherent.
    #[cfg_attr(not(test), expect(dead_code, reason = "forgers sign what they forge"))]
    pub(super) messages: Vec<Option<Fr>>,
    pub(super) recorder: Recorder<'w>,
    pub(super) upgrade: Option<[Fr; 2]>,
    pub(super) outbox: Vec<OutboxRecord>,
    pub(super) outbox_root: Fr,
}

/// The slots that a block executes.
pub(super) enum Slots<'a> {
    /// As their author selected them.
    Selected(&'a [Vec<SlotWitness>]),
    /// As a body tells of them.
    Told(&'a [Vec<Told>]),
}

/// Where a private body's nonce comes from.
#[derive(Clone, Copy)]
pub(super) enum Nonce {
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
pub(super) enum Stopped {
    Slot { lane: usize, slot: usize, reason: String },
    Execution(ExecutionError),
}

impl<E: Into<ExecutionError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Execution(error.into())
    }
}

impl Composition {
    /// A private chain's secrets as the next block needs them, and the key that comes into force with it, 0 if none does; `None` of a
    /// public chain.
    pub(super) fn secrets(
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
    pub(super) fn outline(&self, context: &BlockContext, tier: TierId, number: u32) -> Statement {
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

    pub(super) fn number(context: &BlockContext) -> Result<u32, ExecutionError> {
        context.parent.number.checked_add(1).ok_or(ExecutionError::LastNumber)
    }

    pub(super) fn parameters(state: &dyn StateReader) -> Result<Parameters, StateError> {
        read_record(state, 0)?.ok_or(StateError::Missing { what: "parameters" })
    }

    pub(super) fn idle_context(
        state: &dyn StateReader,
        context: &BlockContext,
    ) -> Result<IdleContext, ExecutionError> {
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
    pub(super) fn select(
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
    pub(super) fn run(
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
    pub(super) fn run_on<'w>(
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
    pub(super) fn smallest<'t>(&'t self, widest: &'t Tier, used: &[usize], messages: bool) -> &'t Tier {
        let holds =
            |tier: &Tier| tier.lanes.iter().zip(used).all(|(lane, used)| *used <= lane.capacity as usize);
        let fits = |tier: &&Tier| holds(tier) && (!messages || self.takes_messages(tier));
        self.tiers.iter().find(fits).unwrap_or(widest)
    }
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
