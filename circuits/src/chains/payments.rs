//! `payments`: a chain that does nothing but move its native token.

use ark_relations::gr1cs::{self, ConstraintSystemRef, SynthesisError};
use serde_json::{Map, Value};
use zkpov_verifier::{
    babyjubjub::Point,
    body::BodyLayout,
    eddsa::PublicKey,
    field::Fr,
    lane::{Lane, TierId},
    statement::{ChainIdentity, NO_MESSAGES, Statement},
};

use crate::{
    keys::SecretKey,
    pallets::balances::{
        self, ACCOUNTS, Account, CallKind, Extrinsic, Ledger, LedgerError, Movement, PARAMETERS, Plan, Rules,
        Selection, SlotWitness, Spec, Witness, circuit,
    },
    r1cs::R1cs,
    runtime::{
        AccountId, AccountView, Applied, ApplyError, AuthorError, BlockContext, BlockWitness, CallWeight,
        Chain, Execution, ExecutionError, ExtrinsicError, Genesis, SpecError, Tier, Token,
        block::{Block, Frame},
        statement::CircuitVersion,
    },
    state::{
        Layout, MerkleProof, OpeningPlan, Record, Recorder, Shape, StateError, StateReader, hash_storages,
        state_root,
    },
};

/// Version of the state machine. It changes whenever a circuit of the chain does.
const RUNTIME_VERSION: u32 = 2;

/// Version of what users sign.
const TRANSACTION_VERSION: u32 = 1;

/// Levels of the account tree: 8^8 = 2^24 places.
const ACCOUNT_LEVELS: usize = 8;

/// Slots of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierShape {
    /// Base-2 logarithm of the evaluation domain that the circuit fits.
    pub id: u8,
    /// Slots of the transfer lane.
    pub transfers: u32,
    /// Slots of the open lane.
    pub opens: u32,
}

/// What sets one `payments` circuit apart from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentsShape {
    /// Levels of the account tree, at most 8.
    pub account_levels: usize,
    /// The tiers, smallest first.
    pub tiers: Vec<TierShape>,
}

impl Default for PaymentsShape {
    /// The shape that ships: 2^24 accounts, and tiers that fill 2^16 (for tests), 2^17, 2^18 and 2^20.
    fn default() -> Self {
        let tier = |id, transfers, opens| TierShape { id, transfers, opens };
        Self {
            account_levels: ACCOUNT_LEVELS,
            tiers: vec![tier(16, 2, 1), tier(17, 6, 1), tier(18, 13, 2), tier(20, 66, 4)],
        }
    }
}

/// The chain.
#[derive(Debug)]
pub struct Payments {
    layout: Layout,
    tiers: Vec<Tier>,
}

impl Default for Payments {
    fn default() -> Self {
        Self::new(&PaymentsShape::default())
    }
}

/// The lanes, in their order.
fn lanes(transfers: u32, opens: u32) -> Vec<Lane> {
    let lane = |(kind, capacity): (CallKind, u32)| Lane {
        call: kind as u8,
        capacity,
        element_bytes: kind.element_bytes(),
    };
    CallKind::ALL.into_iter().zip([transfers, opens]).map(lane).collect()
}

/// Accounts that a call accesses: sender and receiver.
const ACCOUNTS_PER_CALL: usize = 2;

/// Elements that one more Poseidon call adds to a chain.
const CHAIN_STEP: u32 = 15;

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The author's account, and whether it may author.
fn check_author(
    ledger: &Ledger<'_>,
    index: u32,
    key: &PublicKey,
) -> Result<Result<(), AuthorError>, StateError> {
    let permissioned = ledger.parameters().permissioned_authors;
    Ok(match ledger.account(index)? {
        None => Err(AuthorError::Unknown(index)),
        Some(account) if account.key != *key => Err(AuthorError::OtherKey(index)),
        Some(account) if permissioned && !account.may_author => Err(AuthorError::NotPermitted(index)),
        Some(_) => Ok(()),
    })
}

impl Payments {
    /// The chain of this shape.
    pub fn new(shape: &PaymentsShape) -> Self {
        let tier = |tier: &TierShape| Tier::new(TierId(tier.id), lanes(tier.transfers, tier.opens));
        let tiers = shape.tiers.iter().map(tier).collect();
        let accounts = Shape::Tree { levels: shape.account_levels.min(ACCOUNT_LEVELS) };
        Self { layout: Layout::new(&[(ACCOUNTS, accounts), (PARAMETERS, Shape::Single)]), tiers }
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

    /// The native execution alone: selection, state root and changes, without the witness for a proof.
    /// What a validator that re-executes would do.
    pub fn transition(
        &self,
        state: &dyn StateReader,
        context: &BlockContext,
        tier: Option<TierId>,
        extrinsics: &[Vec<u8>],
    ) -> Result<Transitioned, ExecutionError> {
        let widest = self.widest(tier)?;
        let number = context.parent.number.checked_add(1).ok_or(ExecutionError::LastNumber)?;
        if state_root(state)? != context.parent.state_root {
            return Err(ExecutionError::OtherState);
        }
        let mut ledger = Ledger::open_state(&self.layout, state)?;
        check_author(&ledger, context.author, &context.author_key)??;
        let rules = Rules {
            number,
            chain_tag: balances::chain_tag(&context.identity),
            capacities: capacities(widest),
        };
        let selection = balances::select(&mut ledger, &rules, extrinsics)?;
        ledger
            .credit(context.author, selection.fees())
            .map_err(|error| author_error(error, context.author))?;
        let used = [0, 1].map(|lane| selection.lanes[lane].len());
        let fits = |tier: &&Tier| capacities(tier).iter().zip(used).all(|(capacity, used)| used <= *capacity);
        let tier = match tier {
            Some(_) => widest,
            None => self.tiers.iter().find(fits).unwrap_or(widest),
        };
        let parameters = *ledger.parameters();
        let (state_root, changes) = ledger.commit()?;
        Ok(Transitioned { tier: tier.clone(), number, parameters, selection, state_root, changes })
    }
}

/// A natively executed block without its witness.
#[derive(Debug)]
pub struct Transitioned {
    /// The tier that holds it.
    pub tier: Tier,
    /// The block's number.
    pub number: u32,
    /// The chain's parameters.
    pub parameters: balances::Parameters,
    /// What was taken and what was not.
    pub selection: Selection,
    /// State root after the block.
    pub state_root: Fr,
    /// What the block changes in the state.
    pub changes: crate::state::ChangeSet,
}

impl Transitioned {
    /// Used slots of each lane.
    pub fn used_slots(&self) -> Vec<u32> {
        // At most a lane's capacity, which is a `u32`.
        self.selection.lanes.iter().map(|lane| lane.len() as u32).collect()
    }

    /// The elements of the body.
    pub fn body_elements(&self) -> Vec<Fr> {
        let calls = self.selection.lanes.iter().flatten();
        calls.flat_map(|(_, call)| call.extrinsic.body_elements(call.receiver)).collect()
    }
}

/// Slots of each lane of a tier.
fn capacities(tier: &Tier) -> [usize; CallKind::ALL.len()] {
    CallKind::ALL.map(|kind| {
        let lane = tier.lanes.iter().find(|lane| lane.call == kind as u8);
        lane.map_or(0, |lane| lane.capacity as usize)
    })
}

/// What stopped the fees from being credited.
fn author_error(error: LedgerError, author: u32) -> ExecutionError {
    match error {
        LedgerError::State(error) => error.into(),
        LedgerError::Call(_) => AuthorError::Overflow(author).into(),
    }
}

impl Chain for Payments {
    fn name(&self) -> &'static str {
        "payments"
    }

    fn runtime_version(&self) -> u32 {
        RUNTIME_VERSION
    }

    fn transaction_version(&self) -> u32 {
        TRANSACTION_VERSION
    }

    fn token(&self) -> Token {
        Token { symbol: "PAY".into(), decimals: 12 }
    }

    fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    fn genesis(&self, spec_json: &str) -> Result<Genesis, SpecError> {
        let spec = Spec::from_json(spec_json)?;
        if spec.chain != self.name() {
            return Err(SpecError::OtherChain { expected: self.name(), found: spec.chain });
        }
        let (parameters, accounts) = spec.check(self.layout.shape(ACCOUNTS).places())?;
        let nothing = crate::state::ChangeSet::default();
        let ledger = Ledger::genesis(&self.layout, &nothing, parameters, &accounts);
        let (state_root, changes) = ledger.commit().map_err(|error| SpecError::Invalid(error.to_string()))?;
        let token = spec.token.unwrap_or_else(|| self.token());
        Ok(Genesis { changes, state_root, token, accounts: accounts.len() as u32 })
    }

    fn extrinsic_from_json(&self, line: &str) -> Result<Vec<u8>, ExtrinsicError> {
        Ok(Extrinsic::from_json(line)?.encode())
    }

    fn extrinsic_to_json(&self, bytes: &[u8]) -> Result<Value, ExtrinsicError> {
        Ok(Extrinsic::decode(bytes)?.to_json())
    }

    fn sign_json(
        &self,
        identity: &ChainIdentity,
        unsigned: Map<String, Value>,
        key: &SecretKey,
    ) -> Result<Value, ExtrinsicError> {
        Ok(Extrinsic::signed_from_json(unsigned, balances::chain_tag(identity), key)?.to_json())
    }

    fn call_name(&self, call: u8) -> Option<&'static str> {
        CallKind::ALL.into_iter().find(|kind| *kind as u8 == call).map(CallKind::name)
    }

    fn execute(
        &self,
        state: &dyn StateReader,
        context: &BlockContext,
        tier: Option<TierId>,
        extrinsics: &[Vec<u8>],
    ) -> Result<Execution, ExecutionError> {
        let done = self.transition(state, context, tier, extrinsics)?;
        let used_slots = done.used_slots();
        let elements = done.body_elements();
        let format = |error: zkpov_verifier::body::BodyError| ExecutionError::Format(error.to_string());
        let layout = BodyLayout::new(done.tier.id, &done.tier.lanes, &used_slots).map_err(format)?;
        let statement = Statement {
            chain: context.identity,
            tier: done.tier.id,
            used_slots: layout.padded_used_slots(),
            parent_state_root: context.parent.state_root,
            state_root: done.state_root,
            number: done.number,
            relay_parent_number: context.relay_parent_number,
            author: context.author,
            author_key: context.author_key,
            body_root: layout.root(&elements).map_err(format)?,
            inbox_root: NO_MESSAGES,
            outbox_root: NO_MESSAGES,
            upgrade: None,
            context: context.context,
        };
        let witness = self.witness(state, &done, &statement)?;
        Ok(Execution {
            tier: done.tier.id,
            used_slots: used_slots.clone(),
            body: layout.encode(&elements).map_err(format)?,
            included: done.selection.lanes.iter().flatten().map(|(position, _)| *position).collect(),
            refused: done.selection.refused,
            deferred: done.selection.deferred,
            state_root: done.state_root,
            changes: done.changes,
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
        let lanes = &self.tier(tier).ok_or(ApplyError::UnknownTier(tier))?.lanes;
        let layout = BodyLayout::new(tier, lanes, used_slots).map_err(|e| ApplyError::Body(e.to_string()))?;
        let elements = layout.decode(body).map_err(|e| ApplyError::Body(e.to_string()))?;
        let calls = body_calls(&elements, lanes, used_slots)?;
        let mut ledger = Ledger::open_state(&self.layout, state)?;
        check_author(&ledger, context.author, &context.author_key)??;
        let fees = calls.iter().map(|call| u128::from(call.movement.fee)).sum();
        // Before the calls: the author may spend what the block earns it.
        let slot_error = |lane, slot, error: LedgerError| match error {
            LedgerError::State(error) => ApplyError::State(error),
            LedgerError::Call(reason) => ApplyError::Slot { lane, slot, reason: reason.to_string() },
        };
        ledger.credit(context.author, fees).map_err(|_| AuthorError::Overflow(context.author))?;
        for call in calls {
            let moved = match call.opens {
                None => ledger.transfer(call.movement),
                Some(key) => ledger.open(call.movement, key),
            };
            moved.map_err(|error| slot_error(call.lane, call.slot, error))?;
        }
        let (state_root, changes) = ledger.commit()?;
        Ok(Applied { state_root, changes })
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
        self.circuit(tier, witness, &cs)
    }

    fn call_weights(&self) -> gr1cs::Result<Vec<CallWeight>> {
        CallKind::ALL.into_iter().map(|kind| self.call_weight(kind)).collect()
    }

    fn account(&self, state: &dyn StateReader, who: AccountId) -> Result<Option<AccountView>, StateError> {
        let ledger = Ledger::open_state(&self.layout, state)?;
        let index = match who {
            AccountId::Index(index) => Some(index),
            AccountId::Key(key) => ledger.index_of(&key)?,
        };
        let Some(index) = index else { return Ok(None) };
        let Some(account) = ledger.account(index)? else { return Ok(None) };
        let Account { key, nonce, may_author, balance } = account;
        let transferable = balance.saturating_sub(ledger.parameters().existential_deposit);
        let proof = MerkleProof::of::<Account>(state, &self.layout, index)?;
        Ok(Some(AccountView { index, key, nonce, balance, transferable, may_author, proof }))
    }
}

impl Payments {
    /// Constraints of one more slot of `kind` where as many levels of the account tree are shared as in the largest
    /// tier, averaged over as many slots as put whole Poseidon calls into the body's chain.
    fn call_weight(&self, kind: CallKind) -> gr1cs::Result<CallWeight> {
        let largest = self.tiers.last().ok_or(SynthesisError::ArityMismatch)?;
        let top_levels = self.opening(&capacities(largest)).top_levels;
        let constraints = |slots: u32| {
            let capacity = |other: CallKind| if other == kind { slots } else { 1 };
            let [transfers, opens] = CallKind::ALL.map(capacity);
            let tier = Tier::new(TierId::GENESIS, lanes(transfers, opens));
            let plan = OpeningPlan { top_levels, ..self.opening(&capacities(&tier)) };
            Ok(R1cs::synthesize(|cs| self.circuit_opening(&tier, Some(plan), None, &cs))?.constraints())
        };
        let slots = CHAIN_STEP / greatest_common_divisor(CHAIN_STEP, kind.element_bytes().len() as u32);
        let more: usize = constraints(1 + slots)? - constraints(1)?;
        Ok(CallWeight { call: kind as u8, name: kind.name(), constraints: more.div_ceil(slots as usize) })
    }

    /// How the account tree is opened in a block of these lanes.
    fn opening(&self, capacities: &[usize; CallKind::ALL.len()]) -> OpeningPlan {
        let slots: usize = capacities.iter().sum();
        OpeningPlan::cheapest(self.layout.shape(ACCOUNTS), 1 + ACCOUNTS_PER_CALL * slots)
    }

    /// The circuit of a tier.
    pub(crate) fn circuit(
        &self,
        tier: &Tier,
        witness: Option<&Witness>,
        cs: &ConstraintSystemRef<Fr>,
    ) -> gr1cs::Result<()> {
        self.circuit_opening(tier, None, witness, cs)
    }

    /// The circuit of a tier that opens accounts by `plan`, where the cheapest would be taken otherwise.
    fn circuit_opening(
        &self,
        tier: &Tier,
        plan: Option<OpeningPlan>,
        witness: Option<&Witness>,
        cs: &ConstraintSystemRef<Fr>,
    ) -> gr1cs::Result<()> {
        let version = CircuitVersion { runtime: RUNTIME_VERSION, transaction: TRANSACTION_VERSION };
        let frame = witness.map(|witness| Frame {
            public_input: witness.public_input,
            statement: &witness.statement,
            storages: &witness.storages,
            openings: &witness.openings,
        });
        let mut block = Block::begin(cs, version, tier, &self.layout, frame)?;
        if let Some(plan) = plan {
            block.state.plan(ACCOUNTS, plan);
        }
        let mut rules = circuit::begin(&mut block, witness.map(|witness| witness.fees))?;
        for (kind, capacity) in CallKind::ALL.into_iter().zip(capacities(tier)) {
            circuit::lane(&mut block, &mut rules, kind, capacity, witness)?;
        }
        circuit::end(rules)?;
        block.finish()
    }

    /// What the circuit is given for an executed block.
    fn witness(
        &self,
        state: &dyn StateReader,
        done: &Transitioned,
        statement: &Statement,
    ) -> Result<Witness, ExecutionError> {
        let parameters = done.parameters.fields();
        let fees = Fr::from(done.selection.fees());
        let plan = Plan {
            parameters: &parameters,
            number: done.number.into(),
            author: statement.author,
            fees,
            capacities: capacities(&done.tier),
        };
        let calls = [0, 1]
            .map(|lane| done.selection.lanes[lane].iter().map(|(_, call)| SlotWitness::of(call)).collect());
        let mut recorder = Recorder::new(&self.layout, state);
        let storages = recorder.storage_roots()?;
        let lanes = balances::replay(&mut recorder, &plan, calls)?;
        if hash_storages(&recorder.storage_roots()?) != done.state_root {
            return Err(ExecutionError::Format("the replay does not end at the state root".into()));
        }
        Ok(Witness {
            public_input: statement.digest(),
            statement: statement.elements(),
            storages,
            fees,
            lanes,
            openings: recorder.into_openings()?,
        })
    }
}

/// A call as a body tells it.
struct BodyCall {
    lane: usize,
    slot: usize,
    movement: Movement,
    opens: Option<PublicKey>,
}

/// The calls of a body's elements.
fn body_calls(elements: &[Fr], lanes: &[Lane], used_slots: &[u32]) -> Result<Vec<BodyCall>, ApplyError> {
    let mut rest = elements;
    let mut calls = Vec::new();
    for (lane, (shape, used)) in lanes.iter().zip(used_slots).enumerate() {
        for slot in 0..*used as usize {
            let refuse = |reason: &str| ApplyError::Slot { lane, slot, reason: reason.into() };
            let (own, others) = rest
                .split_at_checked(shape.element_bytes.len())
                .ok_or_else(|| refuse("elements are missing"))?;
            rest = others;
            let (movement, opens) = match own {
                [packed] => (balances::movement_of(packed), None),
                [packed, x, y] => {
                    let point = Point { x: *x, y: *y };
                    let key = PublicKey::new(point).map_err(|error| refuse(error.as_str()))?;
                    (balances::movement_of(packed), Some(key))
                }
                _ => return Err(refuse("no call has so many elements")),
            };
            calls.push(BodyCall { lane, slot, movement, opens });
        }
    }
    Ok(calls)
}

#[cfg(test)]
mod audit;
#[cfg(test)]
mod jacobian;
#[cfg(test)]
mod tests;
