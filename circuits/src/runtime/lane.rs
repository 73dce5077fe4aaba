//! Calls and inherents of any pallet behind one interface, as a chain composes them.

use core::fmt::Debug;

use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::{gr1cs, gr1cs::ConstraintSystemRef};
use codec::{Decode, DecodeAll, Encode};
use serde_json::{Map, Value as Json};
use zkpov_verifier::{field::Fr, lane::Lane};

use super::{
    ExtrinsicError,
    account::{AccountIndex, INDEX_BITS},
    call::{Call, IdleContext, Inherent, Unfit, View},
    slot::Slot,
};
use crate::{
    bit::Bit,
    state::{
        Fields, Label, Layout, OpeningPlan, StateError, Value,
        circuit::ports::{Atom, atoms_of},
        pack, packed_widths, unpack,
    },
};

/// What a slot did: elements of what was signed, packed; elements of the body, each with its width.
pub(crate) struct Done {
    pub(crate) signed: Vec<FpVar<Fr>>,
    pub(crate) body: Vec<FpVar<Fr>>,
}

/// What an unused slot holds.
#[derive(Debug)]
pub(crate) struct IdleSlot {
    pub(crate) inputs: Vec<Fr>,
    pub(crate) records: Vec<Vec<Fr>>,
}

/// Which call of several a slot executes, and whether somebody signs it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    /// A bit for each call, one of which is 1 in a used slot; none where a slot has but one call.
    pub(crate) selectors: Vec<Bit>,
    /// Whether the slot's sender signs and pays, where used slots are not all alike in that.
    pub(crate) signs: Option<Bit>,
}

/// A call kind of a chain.
pub(crate) trait Kind: Debug + Send + Sync {
    fn name(&self) -> &'static str;

    /// Whether users know a call of this name in the lane.
    fn has_call(&self, name: &str) -> bool {
        self.is_signed() && self.name() == name
    }

    /// The name of the call that has these arguments.
    fn call_of(&self, arguments: &[u8]) -> &'static str {
        let _ = arguments;
        self.name()
    }

    /// The lane's arguments for a call of this name with these.
    #[cfg(test)]
    fn arguments_of(&self, call: &str, arguments: Vec<u8>) -> Vec<u8> {
        let _ = call;
        arguments
    }

    /// Whether an author puts calls into the lane that nobody signs.
    fn has_inherents(&self) -> bool {
        !self.is_signed()
    }

    /// Which call a slot executes.
    fn choose(&self, cs: &ConstraintSystemRef<Fr>, used: &Bit, inputs: Fields<'_>) -> gr1cs::Result<Choice> {
        let _ = (cs, used, inputs);
        Ok(Choice::default())
    }

    /// The atoms of these inputs.
    fn atoms(&self, layout: &Layout, inputs: &[Fr]) -> gr1cs::Result<Vec<Atom>>;

    /// How many of the records of an unused slot, the last ones, are read privately, and from which storage.
    fn private_reads(&self) -> Option<(u8, usize)>;

    /// How storages are opened in a block with so many slots, where the cheapest plan for any accesses would be wasteful.
    fn plans(&self, layout: &Layout, capacity: u32) -> Vec<(u8, OpeningPlan)> {
        let _ = (layout, capacity);
        Vec::new()
    }

    /// Whether slots have a sender, who signs.
    fn is_signed(&self) -> bool;

    /// How many slots of a full lane share a sender.
    fn slots_per_sender(&self) -> u32;

    /// Packed elements of what a user signs.
    fn signed_elements(&self) -> usize;

    /// Widths of what the body says of a slot, sender and fee apart.
    fn body_widths(&self) -> Vec<usize>;

    /// Bytes that the arguments take at the beginning of `input`.
    fn arguments_length(&self, input: &[u8]) -> Result<usize, ExtrinsicError>;

    /// The arguments of the call of this name.
    fn arguments_from_json(&self, call: &str, members: Map<String, Json>) -> Result<Vec<u8>, ExtrinsicError>;

    fn arguments_to_json(&self, arguments: &[u8]) -> Result<Map<String, Json>, ExtrinsicError>;

    /// The packed elements of what a user signs.
    fn message_elements(&self, arguments: &[u8]) -> Result<Vec<Fr>, ExtrinsicError>;

    /// The inputs of a call; `None` from an inherent that has nothing to do.
    fn inputs(&self, view: &View<'_>, sender: u32, arguments: &[u8]) -> Result<Option<Vec<Fr>>, Unfit>;

    fn restore(&self, view: &View<'_>, sender: u32, body: &[Fr]) -> Result<Vec<Fr>, Unfit>;

    fn idle(&self, context: &IdleContext) -> IdleSlot;

    fn execute(&self, slot: &mut Slot<'_, '_>, choice: &Choice, inputs: Fields<'_>) -> gr1cs::Result<Done>;
}

/// How many senders the calls of a lane of `capacity` slots can have.
pub(crate) fn senders(kind: &dyn Kind, capacity: u32) -> u32 {
    capacity.div_ceil(kind.slots_per_sender().max(1))
}

/// The lane of `capacity` slots of a call kind.
pub(crate) fn lane(kind: &dyn Kind, number: u8, capacity: u32) -> Lane {
    let bytes = |bits: usize| bits.div_ceil(u8::BITS as usize) as u8;
    let element_bytes = packed_widths(&slot_widths(kind)).into_iter().map(bytes).collect();
    Lane { call: number, capacity, element_bytes }
}

/// Widths of a fee in the body.
pub(crate) const FEE_BITS: usize = u64::BITS as usize;

/// Widths of all that the body says of a slot: sender and fee first, where there is a sender.
pub(crate) fn slot_widths(kind: &dyn Kind) -> Vec<usize> {
    let common: &[usize] = if kind.is_signed() { &[INDEX_BITS, FEE_BITS] } else { &[] };
    [common, &kind.body_widths()].concat()
}

/// A slot as the body tells it.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Sender and fee; `None` of an inherent.
    pub(crate) paid: Option<(u32, u64)>,
    /// What the call says.
    pub(crate) rest: Vec<Fr>,
}

/// What packed body elements say of a slot; `None` if no slot gives them.
pub(crate) fn told(kind: &dyn Kind, packed: &[Fr]) -> Option<Told> {
    let mut elements = unpack(&slot_widths(kind), packed)?;
    if !kind.is_signed() {
        return Some(Told { paid: None, rest: elements });
    }
    let rest = elements.split_off(2.min(elements.len()));
    match elements.as_slice() {
        [sender, fee] => {
            let sender = u32::from_elements(&[*sender])?;
            Some(Told { paid: Some((sender, u64::from_elements(&[*fee])?)), rest })
        }
        _ => None,
    }
}

/// A call as a call kind of a chain.
#[derive(Debug)]
pub(crate) struct Signed<C>(pub(crate) C);

/// An inherent as a call kind of a chain.
#[derive(Debug)]
pub(crate) struct Unsigned<I>(pub(crate) I);

const INPUT: Label = Label { variable: "input", range: "input" };

fn hint<V: Value>(slot: &mut Slot<'_, '_>, fields: Fields<'_>) -> gr1cs::Result<V::Var> {
    if slot.state.has_ports() {
        return slot.state.shared_inputs::<V>(fields);
    }
    V::hint(&slot.cs(), slot.state.layout(), INPUT, fields)
}

fn decode<A: Decode>(bytes: &[u8]) -> Result<A, ExtrinsicError> {
    A::decode_all(&mut &*bytes).map_err(|error| ExtrinsicError::Scale(error.to_string()))
}

/// The value that a body tells.
fn body_value<B: Value>(elements: &[Fr]) -> Result<B, Unfit> {
    B::from_elements(elements).ok_or_else(|| Unfit::because("no call has such a body"))
}

impl<C: Call> Kind for Signed<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn is_signed(&self) -> bool {
        true
    }

    fn atoms(&self, layout: &Layout, inputs: &[Fr]) -> gr1cs::Result<Vec<Atom>> {
        atoms_of::<C::Inputs>(layout, inputs)
    }

    fn private_reads(&self) -> Option<(u8, usize)> {
        C::PRIVATE_READS
    }

    fn slots_per_sender(&self) -> u32 {
        C::SLOTS_PER_SENDER
    }

    fn signed_elements(&self) -> usize {
        packed_widths(&C::Arguments::widths()).len()
    }

    fn body_widths(&self) -> Vec<usize> {
        C::Body::widths()
    }

    fn arguments_length(&self, input: &[u8]) -> Result<usize, ExtrinsicError> {
        let rest = &mut &*input;
        C::Arguments::decode(rest).map_err(|error| ExtrinsicError::Scale(error.to_string()))?;
        Ok(input.len() - rest.len())
    }

    fn arguments_from_json(&self, _: &str, members: Map<String, Json>) -> Result<Vec<u8>, ExtrinsicError> {
        C::Arguments::from_json(&Json::Object(members))
            .map(|arguments| arguments.encode())
            .map_err(ExtrinsicError::Json)
    }

    fn arguments_to_json(&self, arguments: &[u8]) -> Result<Map<String, Json>, ExtrinsicError> {
        match decode::<C::Arguments>(arguments)?.to_json() {
            Json::Object(members) => Ok(members),
            other => Err(ExtrinsicError::Json(format!("{other} is not an object"))),
        }
    }

    fn message_elements(&self, arguments: &[u8]) -> Result<Vec<Fr>, ExtrinsicError> {
        Ok(pack(&C::Arguments::widths(), &decode::<C::Arguments>(arguments)?.elements()))
    }

    fn inputs(&self, view: &View<'_>, sender: u32, arguments: &[u8]) -> Result<Option<Vec<Fr>>, Unfit> {
        let arguments = decode(arguments).map_err(|error| Unfit::because(error.to_string()))?;
        Ok(Some(self.0.inputs(view, AccountIndex::from(sender), &arguments)?.elements()))
    }

    fn restore(&self, view: &View<'_>, sender: u32, body: &[Fr]) -> Result<Vec<Fr>, Unfit> {
        Ok(self.0.restore(view, AccountIndex::from(sender), &body_value(body)?)?.elements())
    }

    fn idle(&self, context: &IdleContext) -> IdleSlot {
        let idle = self.0.idle(context);
        IdleSlot { inputs: idle.inputs.elements(), records: idle.records }
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, _: &Choice, inputs: Fields<'_>) -> gr1cs::Result<Done> {
        let inputs = hint::<C::Inputs>(slot, inputs)?;
        let executed = self.0.execute(slot, inputs)?;
        let signed = crate::state::pack_variables(
            &C::Arguments::widths(),
            &C::Arguments::variables(&executed.signed),
        )?;
        Ok(Done { signed, body: C::Body::variables(&executed.body) })
    }
}

impl<I: Inherent> Kind for Unsigned<I> {
    fn name(&self) -> &'static str {
        I::NAME
    }

    fn is_signed(&self) -> bool {
        false
    }

    fn atoms(&self, layout: &Layout, inputs: &[Fr]) -> gr1cs::Result<Vec<Atom>> {
        atoms_of::<I::Inputs>(layout, inputs)
    }

    fn private_reads(&self) -> Option<(u8, usize)> {
        None
    }

    fn slots_per_sender(&self) -> u32 {
        1
    }

    fn signed_elements(&self) -> usize {
        0
    }

    fn body_widths(&self) -> Vec<usize> {
        I::Body::widths()
    }

    fn arguments_length(&self, _: &[u8]) -> Result<usize, ExtrinsicError> {
        Err(not_an_extrinsic::<I>())
    }

    fn arguments_from_json(&self, _: &str, _: Map<String, Json>) -> Result<Vec<u8>, ExtrinsicError> {
        Err(not_an_extrinsic::<I>())
    }

    fn arguments_to_json(&self, _: &[u8]) -> Result<Map<String, Json>, ExtrinsicError> {
        Err(not_an_extrinsic::<I>())
    }

    fn message_elements(&self, _: &[u8]) -> Result<Vec<Fr>, ExtrinsicError> {
        Err(not_an_extrinsic::<I>())
    }

    fn inputs(&self, view: &View<'_>, _: u32, _: &[u8]) -> Result<Option<Vec<Fr>>, Unfit> {
        let next: Result<_, StateError> = self.0.next(view);
        Ok(next?.map(|inputs| inputs.elements()))
    }

    fn restore(&self, view: &View<'_>, _: u32, body: &[Fr]) -> Result<Vec<Fr>, Unfit> {
        Ok(self.0.restore(view, &body_value(body)?)?.elements())
    }

    fn idle(&self, context: &IdleContext) -> IdleSlot {
        let idle = self.0.idle(context);
        IdleSlot { inputs: idle.inputs.elements(), records: idle.records }
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, _: &Choice, inputs: Fields<'_>) -> gr1cs::Result<Done> {
        let inputs = hint::<I::Inputs>(slot, inputs)?;
        let body = self.0.execute(slot, inputs)?;
        Ok(Done { signed: Vec::new(), body: I::Body::variables(&body) })
    }
}

fn not_an_extrinsic<I: Inherent>() -> ExtrinsicError {
    ExtrinsicError::Json(format!("nobody signs `{}`: it is the author's", I::NAME))
}
