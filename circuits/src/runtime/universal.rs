//! A call kind that is any call of any pallet: what one circuit for all chains would have in each of its slots.
//!
//! ```text
//!   slot   selectors  0 0 1 0 …    one for each call, their sum is `used`
//!          sender, fee, signature  one for all calls: the message and what is taken and given are sums over the selectors
//!          ports                   accesses to the state, shared: `state/circuit/ports.rs`
//!          inputs                  shared by width
//!          call a, call b, …       each in full, in force where its selector is 1, on copies of what is shared
//!          body                    number of the call, then its elements, as long as the longest call's
//! ```
//!
//! A call that is not selected runs on what an unused slot of its own lane would hold, so that its constraints
//! hold; whatever it says is multiplied by its selector, which is 0.
//!
//! | attack | stopped by |
//! |---|---|
//! | two calls selected, or none in a used slot | `universal/one call` |
//! | another call than the one that was signed | `eddsa/equation`: its number is in the message |
//! | a selected call on other inputs, records, sender than the slot's | `state/copy` |
//! | a record where the call wants a vacant place, or none where it wants one | `state/place is vacant`, `state/record is there` |
//! | an inherent that somebody is said to pay for | `runtime/nobody pays` |

use std::collections::{BTreeMap, VecDeque};

use ark_ff::Field;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{self, ConstraintSystemRef, SynthesisError};
use serde_json::{Map, Value as Json};
use zkpov_verifier::field::Fr;

use super::{
    ExtrinsicError,
    account::{Account, AccountIndex, INDEX_BITS, Parameters},
    call::{IdleContext, Unfit, View},
    lane::{Choice, Done, FEE_BITS, IdleSlot, Kind},
    slot::{Sender, Slot},
};
use crate::{
    bit::Bit,
    constraint::{enforce_equal, product},
    hint,
    integer::{power_of_two, to_u128},
    linear::{self, Linear},
    namespace,
    state::{
        Fields, Layout, OpeningPlan, Value,
        circuit::{
            Ports,
            ports::{Atom, copied},
        },
        pack_variables, packed_widths, unpack,
    },
};

/// Bits of a call's number in the body.
const NUMBER_BITS: usize = u8::BITS as usize;

/// Bits of the body's first element below what the call says: sender, fee, the call's number.
const HEAD_BITS: usize = INDEX_BITS + FEE_BITS + NUMBER_BITS;

/// Any of these calls.
#[derive(Debug)]
pub(crate) struct Universal {
    kinds: Vec<Box<dyn Kind>>,
    ports: Vec<Ports>,
    /// What an unused slot of each kind holds, for some parameters: as much as for any.
    samples: Vec<IdleSlot>,
    /// Packed elements of the longest message.
    signed: usize,
    /// Widths of what the body says of a call, over all calls.
    payload: Vec<usize>,
}

/// What one call of a slot is given.
struct Part<'f> {
    inputs: Fields<'f>,
    records: VecDeque<Vec<Fr>>,
}

/// Widths of the body of a call with that of what precedes it.
fn with_head(kind: &dyn Kind) -> Vec<usize> {
    [&[HEAD_BITS], kind.body_widths().as_slice()].concat()
}

impl Universal {
    /// Any of these calls, through these ports.
    pub(crate) fn new(kinds: Vec<Box<dyn Kind>>, ports: Vec<Ports>) -> Self {
        let parameters = Parameters {
            existential_deposit: 0,
            minimum_fee: 0,
            permissioned_authors: false,
            total_issuance: 0,
        };
        let context = IdleContext { parameters, number: 0, relay_parent_number: 0 };
        let samples = kinds.iter().map(|kind| kind.idle(&context)).collect();
        let signed = kinds.iter().map(|kind| kind.signed_elements()).max().unwrap_or_default();
        let mut payload: Vec<usize> = Vec::new();
        for kind in &kinds {
            let mut widths = packed_widths(&with_head(kind.as_ref()));
            if let Some(first) = widths.first_mut() {
                *first -= HEAD_BITS;
            }
            payload.resize(payload.len().max(widths.len()), 0);
            payload.iter_mut().zip(widths).for_each(|(most, width)| *most = width.max(*most));
        }
        Self { kinds, ports, samples, signed, payload }
    }

    /// The call of this number.
    fn numbered(&self, number: u8) -> Option<&dyn Kind> {
        self.kinds.get(usize::from(number)).map(Box::as_ref)
    }

    /// The call that these arguments begin with, and its own.
    fn split<'a>(&self, arguments: &'a [u8]) -> Result<(u8, &dyn Kind, &'a [u8]), ExtrinsicError> {
        let (number, own) =
            arguments.split_first().ok_or_else(|| ExtrinsicError::Scale("no call is named".into()))?;
        let kind = self.numbered(*number).filter(|kind| kind.is_signed());
        let kind = kind.ok_or_else(|| ExtrinsicError::Scale(format!("there is no call {number}")))?;
        Ok((*number, kind, own))
    }

    /// The call that users know by this name.
    fn named(&self, name: &str) -> Option<(u8, &dyn Kind)> {
        let mut kinds = self.kinds.iter().zip(0u8..);
        kinds.find(|(kind, _)| kind.has_call(name)).map(|(kind, number)| (number, kind.as_ref()))
    }

    /// What a slot is given: the number of its call, the inputs of every call, and what those that are not executed read.
    fn compose(&self, context: &IdleContext, chosen: Option<(u8, Vec<Fr>)>) -> Vec<Fr> {
        let number = chosen.as_ref().map_or(self.kinds.len(), |(number, _)| usize::from(*number));
        let mut idle: Vec<IdleSlot> = self.kinds.iter().map(|kind| kind.idle(context)).collect();
        if let (Some((_, inputs)), Some(slot)) = (chosen, idle.get_mut(number)) {
            slot.inputs = inputs;
        }
        let inputs = idle.iter().flat_map(|slot| &slot.inputs);
        let records = idle.iter().flat_map(|slot| slot.records.iter().flatten());
        // As many as a `u8` counts.
        std::iter::once(&Fr::from(number as u64)).chain(inputs).chain(records).copied().collect()
    }

    /// The other way.
    fn parts<'f>(&self, mut given: Fields<'f>) -> (Fields<'f>, Vec<Part<'f>>) {
        let number = given.take(1);
        let inputs: Vec<_> = self.samples.iter().map(|sample| given.take(sample.inputs.len())).collect();
        let parts = inputs.into_iter().zip(&self.samples).map(|(inputs, sample)| {
            let records = sample.records.iter().filter_map(|record| given.take(record.len()).elements);
            Part { inputs, records: records.map(<[Fr]>::to_vec).collect() }
        });
        (number, parts.collect())
    }

    /// What a call says in the body, as all do.
    fn told(kind: &dyn Kind, body: Vec<FpVar<Fr>>) -> gr1cs::Result<Vec<FpVar<Fr>>> {
        let head = FpVar::Constant(Fr::from(0u64));
        let elements: Vec<_> = std::iter::once(head).chain(body).collect();
        let mut packed = pack_variables(&with_head(kind), &elements)?;
        if let Some(first) = packed.first_mut() {
            let shift = power_of_two(HEAD_BITS as u32).inverse().unwrap_or_default();
            *first = linear::weighted_sum([(shift, &*first)])?;
        }
        Ok(packed)
    }

    /// What [`told`](Self::told) was made of; `None` if this call says no such thing.
    fn untold(&self, kind: &dyn Kind, payload: &[Fr]) -> Option<Vec<Fr>> {
        let widths = with_head(kind);
        let (own, blank) = payload.split_at_checked(packed_widths(&widths).len())?;
        if blank.iter().any(|element| *element != Fr::from(0u64)) {
            return None;
        }
        let mut packed = own.to_vec();
        *packed.first_mut()? *= power_of_two(HEAD_BITS as u32);
        let elements = unpack(&widths, &packed)?;
        elements.split_first().map(|(_, body)| body.to_vec())
    }

    /// How many inputs of each width a call has at most.
    fn sizes(&self, layout: &Layout) -> gr1cs::Result<BTreeMap<usize, usize>> {
        let mut most = BTreeMap::new();
        for (kind, sample) in self.kinds.iter().zip(&self.samples) {
            let mut own: BTreeMap<usize, usize> = BTreeMap::new();
            for (width, _) in kind.atoms(layout, &sample.inputs)? {
                *own.entry(width).or_default() += 1;
            }
            for (width, count) in own {
                let most = most.entry(width).or_default();
                *most = count.max(*most);
            }
        }
        Ok(most)
    }

    /// Natively the chosen call alone is executed; what the ports of a circuit have beside its accesses is recorded as idle.
    fn execute_natively(
        &self,
        slot: &mut Slot<'_, '_>,
        choice: &Choice,
        given: Fields<'_>,
    ) -> gr1cs::Result<Sums> {
        let start = slot.state.recorder().map_or(0, |recorder| recorder.accesses());
        let (_, parts) = self.parts(given);
        let mut sums = Sums::new(self);
        let sender = slot.sender.take();
        // The sender was the last to read what an unused slot does.
        slot.state.expect_idle([]);
        let mut chosen = choice.selectors.iter().map(|bit| bit.value());
        let chosen = chosen.position(|bit| bit == Ok(true));
        for (number, (kind, part)) in self.kinds.iter().zip(parts).enumerate() {
            if chosen == Some(number) {
                slot.sender = sender.as_ref().filter(|_| kind.is_signed()).map(Sender::again);
                let done = kind.execute(slot, &Choice::default(), part.inputs)?;
                sums.add(kind.as_ref(), number, &Bit::constant(true), slot.sender.take(), done)?;
            } else if let Some((storage, count)) = kind.private_reads() {
                let records = part.records.iter().rev().take(count).rev();
                if let Some(recorder) = slot.state.recorder_mut() {
                    records.for_each(|record| recorder.skip_privately_in(storage, record.clone()));
                }
            }
        }
        slot.sender = sender;
        let ports: Vec<_> = self.ports.iter().map(Ports::count).collect();
        if let Some(recorder) = slot.state.recorder_mut() {
            recorder.fill_ports(start, &ports);
        }
        Ok(sums)
    }

    /// In a circuit every call is executed, on copies.
    fn execute_all(
        &self,
        slot: &mut Slot<'_, '_>,
        choice: &Choice,
        given: Fields<'_>,
    ) -> gr1cs::Result<Sums> {
        let (cs, layout) = (slot.cs(), *slot.state.layout());
        let (number, parts) = self.parts(given);
        let sender = slot.sender.take().ok_or(SynthesisError::ArityMismatch)?;
        let used = slot.used.clone();
        let chosen = number.get(0).ok().and_then(|number| to_u128(&number)?.try_into().ok());
        let chosen = chosen.and_then(|number: usize| {
            let inputs = parts.get(number)?.inputs.elements?;
            self.kinds.get(number).map(|kind| kind.atoms(&layout, inputs))
        });
        let atoms: Vec<Atom> = chosen.transpose()?.unwrap_or_default();
        slot.state.open_ports(&self.ports, &self.sizes(&layout)?, &atoms)?;

        let place: Vec<FpVar<Fr>> = sender.index.bits().iter().map(|bit| bit.as_field().clone()).collect();
        let account = Account::variables(&sender.account);
        let (nobody, nowhere) = (IdleContext::account().elements(), AccountIndex::from(0).elements());
        let mut sums = Sums::new(self);
        for (number, ((kind, part), selected)) in
            self.kinds.iter().zip(parts).zip(&choice.selectors).enumerate()
        {
            let _call = namespace::enter(&cs, kind.name());
            slot.state.begin_call(selected, part.records)?;
            slot.used = selected.clone();
            if kind.is_signed() {
                let _sender = namespace::enter(&cs, "sender");
                let index = copied::<AccountIndex>(&cs, &layout, selected, (&place, &nowhere))?;
                let account = copied::<Account>(&cs, &layout, selected, (&account, &nobody))?;
                slot.sender = Some(Sender::new(index, account));
            }
            let done = kind.execute(slot, &Choice::default(), part.inputs)?;
            sums.add(kind.as_ref(), number, selected, slot.sender.take(), done)?;
        }
        slot.state.close_ports()?;
        (slot.used, slot.sender) = (used, Some(sender));
        Ok(sums)
    }
}

/// Sums over the calls of a slot of what each says, times its selector.
struct Sums {
    number: Linear,
    signed: Vec<Linear>,
    body: Vec<Linear>,
    taken: Linear,
    given: Option<Linear>,
}

impl Sums {
    fn new(of: &Universal) -> Self {
        let zero = || Linear::new(&ConstraintSystemRef::None);
        let zeros = |count| (0..count).map(|_| zero()).collect();
        Self {
            number: zero(),
            signed: zeros(of.signed),
            body: zeros(of.payload.len()),
            taken: zero(),
            given: None,
        }
    }

    fn add(
        &mut self,
        kind: &dyn Kind,
        number: usize,
        selected: &Bit,
        sender: Option<Sender>,
        done: Done,
    ) -> gr1cs::Result<()> {
        let selected = selected.as_field();
        self.number.add(Fr::from(number as u64), selected);
        let told = Universal::told(kind, done.body)?;
        for (sums, elements) in [(&mut self.signed, done.signed), (&mut self.body, told)] {
            for (sum, element) in sums.iter_mut().zip(&elements) {
                sum.add(Fr::ONE, &product(selected, element)?);
            }
        }
        if let Some((taken, given)) = sender.map(Sender::moved) {
            self.taken.add(Fr::ONE, &product(selected, taken)?);
            if let Some(given) = given {
                let zero = || Linear::new(&ConstraintSystemRef::None);
                self.given.get_or_insert_with(zero).add(Fr::ONE, &product(selected, given)?);
            }
        }
        Ok(())
    }
}

fn finish(sums: Vec<Linear>, number: &FpVar<Fr>) -> gr1cs::Result<Vec<FpVar<Fr>>> {
    std::iter::once(Ok(number.clone())).chain(sums.into_iter().map(Linear::finish)).collect()
}

impl Kind for Universal {
    fn name(&self) -> &'static str {
        "universal"
    }

    fn has_call(&self, name: &str) -> bool {
        self.named(name).is_some()
    }

    fn call_of(&self, arguments: &[u8]) -> &'static str {
        self.split(arguments).map_or(self.name(), |(_, kind, own)| kind.call_of(own))
    }

    #[cfg(test)]
    fn arguments_of(&self, call: &str, arguments: Vec<u8>) -> Vec<u8> {
        let number = self.named(call).map(|(number, _)| number);
        number.into_iter().chain(arguments).collect()
    }

    fn is_signed(&self) -> bool {
        true
    }

    fn has_inherents(&self) -> bool {
        self.kinds.iter().any(|kind| !kind.is_signed())
    }

    fn slots_per_sender(&self) -> u32 {
        1
    }

    fn signed_elements(&self) -> usize {
        1 + self.signed
    }

    fn body_widths(&self) -> Vec<usize> {
        [&[NUMBER_BITS], self.payload.as_slice()].concat()
    }

    fn arguments_length(&self, input: &[u8]) -> Result<usize, ExtrinsicError> {
        let (_, kind, own) = self.split(input)?;
        Ok(1 + kind.arguments_length(own)?)
    }

    fn arguments_from_json(&self, call: &str, members: Map<String, Json>) -> Result<Vec<u8>, ExtrinsicError> {
        let (number, kind) =
            self.named(call).ok_or_else(|| ExtrinsicError::Json(format!("no call `{call}`")))?;
        Ok([&[number], kind.arguments_from_json(call, members)?.as_slice()].concat())
    }

    fn arguments_to_json(&self, arguments: &[u8]) -> Result<Map<String, Json>, ExtrinsicError> {
        let (_, kind, own) = self.split(arguments)?;
        kind.arguments_to_json(own)
    }

    fn message_elements(&self, arguments: &[u8]) -> Result<Vec<Fr>, ExtrinsicError> {
        let (number, kind, own) = self.split(arguments)?;
        let mut elements = [&[Fr::from(number)], kind.message_elements(own)?.as_slice()].concat();
        elements.resize(self.signed_elements(), Fr::from(0u64));
        Ok(elements)
    }

    fn inputs(&self, view: &View<'_>, sender: u32, arguments: &[u8]) -> Result<Option<Vec<Fr>>, Unfit> {
        let context = view.idle_context();
        if arguments.is_empty() {
            for (kind, number) in self.kinds.iter().zip(0u8..).filter(|(kind, _)| !kind.is_signed()) {
                if let Some(inputs) = kind.inputs(view, sender, arguments)? {
                    return Ok(Some(self.compose(&context, Some((number, inputs)))));
                }
            }
            return Ok(None);
        }
        let split = self.split(arguments).map_err(|error| Unfit::because(error.to_string()))?;
        let (number, kind, own) = split;
        let inputs = kind.inputs(view, sender, own)?;
        Ok(inputs.map(|inputs| self.compose(&context, Some((number, inputs)))))
    }

    fn restore(&self, view: &View<'_>, sender: u32, body: &[Fr]) -> Result<Vec<Fr>, Unfit> {
        let none = || Unfit::because("no call has such a body");
        let (number, payload) = body.split_first().ok_or_else(none)?;
        let number = to_u128(number).and_then(|number| u8::try_from(number).ok()).ok_or_else(none)?;
        let kind = self.numbered(number).ok_or_else(none)?;
        let own = self.untold(kind, payload).ok_or_else(none)?;
        let inputs = kind.restore(view, sender, &own)?;
        Ok(self.compose(&view.idle_context(), Some((number, inputs))))
    }

    fn idle(&self, context: &IdleContext) -> IdleSlot {
        IdleSlot { inputs: self.compose(context, None), records: Vec::new() }
    }

    fn atoms(&self, _: &Layout, _: &[Fr]) -> gr1cs::Result<Vec<Atom>> {
        Err(SynthesisError::ArityMismatch)
    }

    fn private_reads(&self) -> Option<(u8, usize)> {
        self.kinds.iter().find_map(|kind| kind.private_reads())
    }

    fn plans(&self, layout: &Layout, capacity: u32) -> Vec<(u8, OpeningPlan)> {
        let Some((storage, reads)) = self.private_reads() else { return Vec::new() };
        let ports = self.ports.iter().map(Ports::count).find(|(other, _)| *other == storage);
        let (slots, ports) = (capacity as usize, ports.map_or(0, |(_, count)| count));
        let shape = layout.shape(storage);
        vec![(storage, OpeningPlan::cheapest_with_paths(shape, ports * slots, reads * slots))]
    }

    fn choose(&self, cs: &ConstraintSystemRef<Fr>, used: &Bit, given: Fields<'_>) -> gr1cs::Result<Choice> {
        let _namespace = namespace::enter(cs, "choice");
        let selector = |kind: usize| {
            hint::bit(cs, "selector", || Ok(used.value()? && given.get(0)? == Fr::from(kind as u64)))
        };
        let selectors = (0..self.kinds.len()).map(selector).collect::<gr1cs::Result<Vec<Bit>>>()?;
        // Bits, and few: the sum is one of integers.
        let sum = linear::sum(selectors.iter().map(Bit::as_field))?;
        enforce_equal("universal/one call", &sum, used.as_field())?;
        let signed = selectors.iter().zip(&self.kinds).filter(|(_, kind)| kind.is_signed());
        // Of bits of which one at most is 1.
        let signs = Bit::trust(linear::sum(signed.map(|(bit, _)| bit.as_field()))?);
        Ok(Choice { selectors, signs: Some(signs) })
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, choice: &Choice, inputs: Fields<'_>) -> gr1cs::Result<Done> {
        let Sums { number, signed, body, taken, given } = if slot.state.recorder().is_some() {
            self.execute_natively(slot, choice, inputs)?
        } else {
            self.execute_all(slot, choice, inputs)?
        };
        if let Some(sender) = &mut slot.sender {
            sender.move_by(taken, given);
        }
        let number = number.finish()?;
        Ok(Done { signed: finish(signed, &number)?, body: finish(body, &number)? })
    }
}
