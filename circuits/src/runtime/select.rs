//! Which extrinsics a block takes.
//!
//! ```text
//!  extrinsics ──decode──► signatures ──lane by lane──► taken, in the order of execution
//!                         (all cores)  │
//!                                      ├─► deferred: no slot left, or a nonce whose turn is later
//!                                      └─► refused: never valid on this state, with the reason
//! ```
//!
//! Each is tried by executing its slot natively, and taken back if a constraint refuses.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ark_relations::gr1cs::SynthesisError;
use rayon::prelude::*;
use zkpov_verifier::{
    eddsa::{self, PublicKey},
    field::{Fr, limbs_of_hash},
};

use super::{
    ExecutionError, ExtrinsicError, Refusal,
    account::Account,
    block::{Block, SlotWitness},
    call::{IdleContext, Unfit, View},
    extrinsic::{Extrinsic, Header, message},
    lane::{Kind, senders},
    messages::Mail,
};
use crate::{
    bit::Bit,
    constraint,
    integer::scalar_to_field,
    state::{StateError, circuit::PRIVATE_READ},
};

/// What became of a list of extrinsics.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// Per lane, in the order of execution: position in the list (none of an inherent), and the slot.
    pub(crate) lanes: Vec<Vec<(Option<usize>, SlotWitness)>>,
    /// Positions that can never be valid on this state.
    pub(crate) refused: Vec<(usize, Refusal)>,
    /// Positions that a later block can take.
    pub(crate) deferred: Vec<usize>,
}

/// What extrinsics are checked against beside the state.
#[derive(Clone, Copy)]
pub(crate) struct Bounds<'a> {
    pub(crate) context: IdleContext,
    /// The chain's signing domain.
    pub(crate) chain_tag: Fr,
    /// The call kinds, by number.
    pub(crate) kinds: &'a [Box<dyn Kind>],
    /// Slots of each lane.
    pub(crate) capacities: &'a [usize],
    /// The hash of the only validation code that calls can name.
    pub(crate) upgrade: Option<[u8; 32]>,
    /// How many transfers may be sent to each chain.
    pub(crate) room: &'a BTreeMap<u32, u32>,
}

/// Decodes an extrinsic of one of these kinds.
pub(crate) fn decode(kinds: &[Box<dyn Kind>], bytes: &[u8]) -> Result<Extrinsic, ExtrinsicError> {
    Extrinsic::decode(bytes, |call, input| match kinds.get(usize::from(call)) {
        Some(kind) if kind.is_signed() => kind.arguments_length(input),
        _ => Err(ExtrinsicError::Scale(format!("no call of kind {call}"))),
    })
}

/// Executes what fits on `block`, in the order of the lanes, and within a lane in the order given.
///
/// The author's fees are not credited here: what is valid without them is valid with them.
pub(crate) fn select(
    block: &mut Block<'_>,
    bounds: Bounds<'_>,
    extrinsics: &[Vec<u8>],
) -> Result<Selection, ExecutionError> {
    let lanes = bounds.kinds.iter().map(|_| Vec::new()).collect();
    let selection = Selection { lanes, ..Selection::default() };
    let mut selector = Selector { block, bounds, selection, waiting: BTreeMap::new() };
    let candidates = selector.signed(extrinsics)?;
    for (lane, kind) in bounds.kinds.iter().enumerate() {
        if kind.has_inherents() {
            selector.fill_with_inherents(lane)?;
        }
        if kind.is_signed() {
            let of_lane =
                candidates.iter().filter(|(_, extrinsic)| usize::from(extrinsic.header.call) == lane);
            selector.fill(lane, of_lane)?;
        }
    }
    selector.settle_waiting()?;
    let mut selection = selector.selection;
    selection.refused.sort_by_key(|(position, _)| *position);
    selection.deferred.sort_unstable();
    Ok(selection)
}

struct Selector<'s, 'w, 'a> {
    block: &'s mut Block<'w>,
    bounds: Bounds<'a>,
    selection: Selection,
    /// Positions not taken although nothing speaks against them yet, by sender and nonce.
    waiting: BTreeMap<(u32, u32), Vec<usize>>,
}

impl Selector<'_, '_, '_> {
    fn refuse(&mut self, position: usize, reason: Refusal) {
        self.selection.refused.push((position, reason));
    }

    fn account(&self, index: u32) -> Result<Option<Account>, StateError> {
        match self.block.state.recorder() {
            Some(recorder) => recorder.peek(index),
            None => Ok(None),
        }
    }

    /// The extrinsics that decode, have a sender and carry its signature.
    fn signed(&mut self, extrinsics: &[Vec<u8>]) -> Result<Vec<(usize, Extrinsic)>, StateError> {
        let mut decoded = Vec::with_capacity(extrinsics.len());
        for (position, bytes) in extrinsics.iter().enumerate() {
            match decode(self.bounds.kinds, bytes) {
                Err(error) => self.refuse(position, error.into()),
                Ok(extrinsic) => match self.account(extrinsic.header.sender)? {
                    None => self.refuse(position, Refusal::UnknownSender { sender: extrinsic.header.sender }),
                    Some(account) => decoded.push((position, extrinsic, account.key)),
                },
            }
        }
        let Bounds { chain_tag, kinds, .. } = self.bounds;
        let check = |(_, extrinsic, key): &(usize, Extrinsic, PublicKey)| {
            let kind = kinds.get(usize::from(extrinsic.header.call)).ok_or(Refusal::Signature)?;
            let arguments = kind.message_elements(&extrinsic.arguments)?;
            let message = message(chain_tag, extrinsic.header.element(), &arguments);
            eddsa::verify(key, message, &extrinsic.signature).map_err(|_| Refusal::Signature)
        };
        let verdicts: Vec<Result<(), Refusal>> = decoded.par_iter().map(check).collect();
        let mut accepted = Vec::with_capacity(decoded.len());
        for ((position, extrinsic, _), verdict) in decoded.into_iter().zip(verdicts) {
            match verdict {
                Ok(()) => accepted.push((position, extrinsic)),
                Err(reason) => self.refuse(position, reason),
            }
        }
        Ok(accepted)
    }

    /// Fills one lane. An extrinsic whose nonce is ahead waits, and is taken as soon as its turn comes.
    fn fill<'e>(
        &mut self,
        lane: usize,
        candidates: impl Iterator<Item = &'e (usize, Extrinsic)>,
    ) -> Result<(), ExecutionError> {
        let mut ahead: BTreeMap<(u32, u32), VecDeque<&'e (usize, Extrinsic)>> = BTreeMap::new();
        for candidate in candidates {
            let mut turn = Some(candidate);
            while let Some(entry) = turn.take() {
                let (position, extrinsic) = entry;
                let Some(expected) = self.due_nonce(*position, extrinsic)? else { continue };
                let place = (extrinsic.header.sender, extrinsic.header.nonce);
                if extrinsic.header.nonce > expected {
                    ahead.entry(place).or_default().push_back(entry);
                } else if self.lane_is_full(lane) || self.has_too_many_senders(lane, place.0) {
                    self.waiting.entry(place).or_default().push(*position);
                } else if self.take(lane, *position, extrinsic)? {
                    let next = (extrinsic.header.sender, expected.saturating_add(1));
                    turn = ahead.get_mut(&next).and_then(VecDeque::pop_front);
                }
            }
        }
        for (place, entries) in ahead {
            self.waiting.entry(place).or_default().extend(entries.iter().map(|(position, _)| *position));
        }
        Ok(())
    }

    /// Fills a lane of inherents with all there is to do.
    fn fill_with_inherents(&mut self, lane: usize) -> Result<(), ExecutionError> {
        while !self.lane_is_full(lane) {
            let Some(inputs) = self.inputs(lane, 0, &[]).map_err(unreadable)? else { break };
            let slot = SlotWitness::inherent(inputs, self.bounds.context.number);
            if let Err(refusal) = self.execute(lane, &slot)? {
                return Err(ExecutionError::Format(format!("an inherent refuses itself: {refusal}")));
            }
            self.push(lane, None, slot);
        }
        Ok(())
    }

    fn lane_is_full(&self, lane: usize) -> bool {
        let used = self.selection.lanes.get(lane).map_or(0, Vec::len);
        used >= self.bounds.capacities.get(lane).copied().unwrap_or_default()
    }

    /// Whether a lane that shares senders has as many as it can without `sender`.
    fn has_too_many_senders(&self, lane: usize, sender: u32) -> bool {
        let (Some(kind), Some(slots)) = (self.bounds.kinds.get(lane), self.selection.lanes.get(lane)) else {
            return true;
        };
        if kind.slots_per_sender() <= 1 {
            return false;
        }
        let mut known: BTreeSet<u32> = slots.iter().map(|(_, slot)| slot.sender).collect();
        known.insert(sender);
        let capacity = self.bounds.capacities.get(lane).copied().unwrap_or_default();
        known.len() > senders(kind.as_ref(), u32::try_from(capacity).unwrap_or(u32::MAX)) as usize
    }

    fn push(&mut self, lane: usize, position: Option<usize>, slot: SlotWitness) {
        if let Some(lane) = self.selection.lanes.get_mut(lane) {
            lane.push((position, slot));
        }
    }

    /// The sender's nonce, unless the extrinsic is refused whatever its turn.
    fn due_nonce(&mut self, position: usize, extrinsic: &Extrinsic) -> Result<Option<u32>, StateError> {
        let Header { sender, nonce: found, expiry, fee, .. } = extrinsic.header;
        let number = self.bounds.context.number;
        let minimum = self.bounds.context.parameters.minimum_fee;
        let Some(account) = self.account(sender)? else {
            self.refuse(position, Refusal::UnknownSender { sender });
            return Ok(None);
        };
        let expected = account.nonce;
        if expiry < number {
            self.refuse(position, Refusal::Expired { expiry, number });
        } else if fee < minimum {
            self.refuse(position, Refusal::FeeTooLow { fee, minimum });
        } else if expected == u32::MAX {
            self.refuse(position, Refusal::NoncesExhausted { sender });
        } else if found < expected {
            self.refuse(position, Refusal::NonceUsed { sender, expected, found });
        } else {
            return Ok(Some(expected));
        }
        Ok(None)
    }

    /// Executes a call whose turn it is; whether it was possible.
    fn take(&mut self, lane: usize, position: usize, extrinsic: &Extrinsic) -> Result<bool, ExecutionError> {
        let inputs = match self.inputs(lane, extrinsic.header.sender, &extrinsic.arguments) {
            Ok(inputs) => inputs.unwrap_or_default(),
            Err(Unfit::State(error)) => return Err(error.into()),
            Err(Unfit::Later(_)) => {
                let Header { sender, nonce, .. } = extrinsic.header;
                self.waiting.entry((sender, nonce)).or_default().push(position);
                return Ok(false);
            }
            Err(refused @ Unfit::Refused(_)) => {
                self.refuse(position, Refusal::call(refused));
                return Ok(false);
            }
        };
        let slot = SlotWitness::call(extrinsic, inputs);
        match self.execute(lane, &slot)? {
            Ok(()) => {
                self.push(lane, Some(position), slot);
                Ok(true)
            }
            Err(Refusal::Upgrade | Refusal::Rule { rule: PRIVATE_READ }) => {
                let place = (extrinsic.header.sender, extrinsic.header.nonce);
                self.waiting.entry(place).or_default().push(position);
                Ok(false)
            }
            Err(refusal) => {
                self.refuse(position, refusal);
                Ok(false)
            }
        }
    }

    fn inputs(&self, lane: usize, sender: u32, arguments: &[u8]) -> Result<Option<Vec<Fr>>, Unfit> {
        match (self.bounds.kinds.get(lane), self.block.state.recorder()) {
            (Some(kind), Some(recorder)) => {
                let room = self.room();
                kind.inputs(&View::new(recorder, &self.bounds.context).with_room(&room), sender, arguments)
            }
            _ => Ok(None),
        }
    }

    /// How many more transfers may be sent to each chain.
    fn room(&self) -> BTreeMap<u32, u32> {
        let mut room = self.bounds.room.clone();
        for record in self.block.rules().mail.iter().flat_map(Mail::sent) {
            if let Some(left) = room.get_mut(&record.destination) {
                *left = left.saturating_sub(1);
            }
        }
        room
    }

    /// Executes a slot, and takes it back if it is refused.
    fn execute(&mut self, lane: usize, slot: &SlotWitness) -> Result<Result<(), Refusal>, ExecutionError> {
        let kind = self.bounds.kinds.get(lane).ok_or(ExecutionError::LastNumber)?;
        execute_slot(self.block, kind.as_ref(), lane as u8, slot, self.bounds.upgrade)
    }

    /// Splits what waits at the end into what a later block can take, and what has a gap before it.
    fn settle_waiting(&mut self) -> Result<(), StateError> {
        let waiting = std::mem::take(&mut self.waiting);
        let places: BTreeSet<(u32, u32)> = waiting.keys().copied().collect();
        for ((sender, found), positions) in waiting {
            let expected = self.account(sender)?.map_or(0, |account| account.nonce);
            let gapless = (expected..found).all(|nonce| places.contains(&(sender, nonce)));
            for position in positions {
                if found < expected {
                    self.refuse(position, Refusal::NonceUsed { sender, expected, found });
                } else if gapless {
                    self.selection.deferred.push(position);
                } else {
                    self.refuse(position, Refusal::NonceAhead { sender, expected, found });
                }
            }
        }
        Ok(())
    }
}

/// Executes a used slot natively, and takes it back if a rule refuses it.
fn execute_slot(
    block: &mut Block<'_>,
    kind: &dyn Kind,
    number: u8,
    slot: &SlotWitness,
    upgrade: Option<[u8; 32]>,
) -> Result<Result<(), Refusal>, ExecutionError> {
    let checkpoint = block.state.recorder().map(crate::state::Recorder::checkpoint);
    let rules = block.rules().clone();
    let refusal = match block.slot(kind, number, &Bit::constant(true), Some(slot)) {
        // What the circuit, or the relay chain, asks at the end, when it is too late to leave the slot out.
        Ok(_) if !block.issuance_fits() => Refusal::Rule { rule: "runtime/issuance" },
        Ok(_) if block.upgrade().is_some_and(|named| upgrade.map(limbs_of_hash) != Some(named)) => {
            Refusal::Upgrade
        }
        Ok(_) => return Ok(Ok(())),
        Err(error) => native_refusal(block, error)?,
    };
    if let (Some(recorder), Some(checkpoint)) = (block.state.recorder_mut(), checkpoint) {
        recorder.roll_back(checkpoint);
    }
    block.set_rules(rules);
    Ok(Err(refusal))
}

/// What native execution was stopped by.
pub(crate) fn native_refusal(
    block: &mut Block<'_>,
    error: SynthesisError,
) -> Result<Refusal, ExecutionError> {
    if let Some(failure) = block.state.recorder_mut().and_then(crate::state::Recorder::take_failure) {
        return Err(failure.into());
    }
    match error {
        SynthesisError::Unsatisfiable => {
            Ok(Refusal::Rule { rule: constraint::refused_by().unwrap_or("a rule of the chain") })
        }
        other => Err(ExecutionError::Format(format!("a slot cannot be executed natively: {other}"))),
    }
}

/// An inherent that cannot be looked up.
fn unreadable(error: Unfit) -> ExecutionError {
    match error {
        Unfit::State(error) => error.into(),
        Unfit::Refused(reason) | Unfit::Later(reason) => ExecutionError::Format(reason),
    }
}

impl SlotWitness {
    /// A used slot that executes `extrinsic` with these inputs.
    pub(crate) fn call(extrinsic: &Extrinsic, inputs: Vec<Fr>) -> Self {
        let signature = &extrinsic.signature;
        Self {
            used: true,
            executed: true,
            sender: extrinsic.header.sender,
            expiry: extrinsic.header.expiry.into(),
            fee: extrinsic.header.fee.into(),
            inputs,
            records: Vec::new(),
            r8: [signature.r8.x, signature.r8.y],
            s: scalar_to_field(&signature.s),
        }
    }

    /// A used slot of an inherent in block `number`.
    pub(crate) fn inherent(inputs: Vec<Fr>, number: u32) -> Self {
        Self { expiry: number.into(), inputs, ..Self::blank() }
    }

    /// A used slot that a body tells of.
    pub(crate) fn told(paid: Option<(u32, u64)>, inputs: Vec<Fr>, number: u32) -> Self {
        let (sender, fee) = paid.unwrap_or_default();
        Self { sender, expiry: number.into(), fee: fee.into(), inputs, ..Self::blank() }
    }

    /// An unused slot. Its values satisfy what is asked of every slot, used or not.
    pub(crate) fn idle(kind: &dyn Kind, context: &IdleContext) -> Self {
        use crate::state::Value;
        let idle = kind.idle(context);
        let mut records = idle.records;
        if kind.is_signed() {
            records.insert(0, IdleContext::account().elements());
        }
        Self {
            used: false,
            executed: false,
            expiry: context.number.into(),
            fee: context.parameters.minimum_fee.into(),
            inputs: idle.inputs,
            records,
            ..Self::blank()
        }
    }

    /// A used slot of nothing, whose signature is a point and a scalar.
    fn blank() -> Self {
        use zkpov_verifier::babyjubjub::Point;
        let zero = Fr::from(0u64);
        Self {
            used: true,
            executed: true,
            sender: 0,
            expiry: zero,
            fee: zero,
            inputs: Vec::new(),
            records: Vec::new(),
            r8: [Point::BASE8.x, Point::BASE8.y],
            s: Fr::from(1u64),
        }
    }
}
