//! Ports: accesses that several calls share, of which at most one is selected.
//!
//! ```text
//!   port k of a storage    record, whether it is there, leaf        hinted, ranged and hashed once
//!        │ copies, equal where the call is selected
//!        ▼
//!   call a    call b    call c      each takes the ports of a storage in order: its first access is through port 0, …
//!        │ selected · place,  when,  when · (written - read)
//!        ▼
//!   one access: the sum of what the calls say, all of which but one say 0; one leaf written
//! ```
//!
//! Of a call that is not selected nothing is asked here: its copies are what satisfies its own constraints. A copy takes a
//! constraint, an access one for its place, a write one for each packed element.
//!
//! Where nothing is selected, and where the selected call has no access left for a port, the access takes no effect.

use std::collections::{BTreeMap, VecDeque};

use ark_ff::Field;
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use zkpov_verifier::field::Fr;

use super::{
    Event, Index, Layout, Place, Source, State,
    access::{ONE_VIEW, Presence},
    memory::earlier,
};
use crate::{
    bit::Bit,
    constraint::{self, enforce_product, product},
    gadgets::{poseidon, range},
    hint,
    linear::{self, Linear},
    namespace,
    state::{
        layout::{BITS_PER_LEVEL, STORAGES, Shape},
        record::Record,
        value::{Atoms, Fields, Value, WHOLE, pack_variables},
        witness::Access,
    },
};

/// So many ports of a storage.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    storage: u8,
    count: usize,
    open: fn(&mut State<'_>) -> Result<()>,
}

impl Ports {
    /// `count` ports to the storage of `R`.
    pub fn of<R: Record>(count: usize) -> Self {
        Self { storage: R::STORAGE, count, open: |state| state.open_port::<R>() }
    }

    /// The storage, and how many ports to it there are.
    pub fn count(&self) -> (u8, usize) {
        (self.storage, self.count)
    }
}

/// An atom as a prover says it: its width, and its value.
pub(crate) type Atom = (usize, Fr);

/// A place that is accessed at most once, by whichever call is selected.
#[derive(Debug)]
struct Port {
    /// The access's number among the storage's; of no meaning in a storage of one record.
    event: usize,
    atoms: Vec<FpVar<Fr>>,
    there: Bit,
    packed: Vec<FpVar<Fr>>,
    leaf: FpVar<Fr>,
    /// Sum of when the calls access it, at most one of which is 1.
    when: Linear,
    index: Linear,
    /// Sum of when they write.
    writes: Linear,
    /// Sums of what is written less what was read; none if no call writes.
    change: Vec<Linear>,
}

/// What a call has accessed.
#[derive(Debug)]
struct Taken {
    storage: u8,
    port: usize,
    when: Bit,
    index: FpVar<Fr>,
}

/// The ports of a slot, and what its calls share beside them.
#[derive(Debug, Default)]
pub(super) struct Shared<'w> {
    accesses: VecDeque<&'w Access>,
    ports: [Vec<Port>; STORAGES],
    /// Ranged atoms that the calls' inputs are copies of, by width.
    inputs: BTreeMap<usize, Vec<FpVar<Fr>>>,
    call: Option<Current>,
}

/// The call that is executed.
#[derive(Debug)]
struct Current {
    selected: Bit,
    /// What it reads where it is not selected.
    idle: VecDeque<Vec<Fr>>,
    taken: Vec<Taken>,
    /// How many ports of each storage it has taken.
    next: [usize; STORAGES],
    /// How many inputs of each width it has taken.
    inputs: BTreeMap<usize, usize>,
}

/// A copy of `shared`, which it is where `selected` is 1; elsewhere what a prover says, who says `idle`.
fn copy(
    cs: &ConstraintSystemRef<Fr>,
    selected: &Bit,
    shared: &FpVar<Fr>,
    idle: Result<Fr>,
) -> Result<FpVar<Fr>> {
    let copy = hint::field(cs, "copy", || match selected.value()? {
        true => shared.value(),
        false => idle,
    })?;
    let other = linear::difference(&copy, shared)?;
    enforce_product("state/copy", selected.as_field(), &other, Linear::new(cs))?;
    Ok(copy)
}

/// A value that is `original` where the call that is executed is selected, and elsewhere what a prover says.
pub(crate) fn copied<V: Value>(
    cs: &ConstraintSystemRef<Fr>,
    layout: &Layout,
    selected: &Bit,
    (original, idle): (&[FpVar<Fr>], &[Fr]),
) -> Result<V::Var> {
    let mut atoms = original.iter();
    V::assume(layout, Fields::new(Some(idle)), &mut |_, value| {
        copy(cs, selected, atoms.next().ok_or(SynthesisError::ArityMismatch)?, value)
    })
}

impl<'w> State<'w> {
    /// Opens these ports, and inputs of these atoms, for the calls that follow until [`close_ports`](Self::close_ports). The atoms say how
    /// many inputs of each width there are, and what those of the selected call are, if that is known.
    pub(crate) fn open_ports(
        &mut self,
        ports: &[Ports],
        sizes: &BTreeMap<usize, usize>,
        selected: &[Atom],
    ) -> Result<()> {
        let cs = self.cs.clone();
        let _namespace = namespace::enter(&cs, "shared");
        let mut shared = Shared::default();
        for (width, count) in sizes {
            let of_width = |(other, value): &Atom| (other == width).then_some(*value);
            let mut values = selected.iter().filter_map(of_width).chain(std::iter::repeat(Fr::from(0u64)));
            let _width = namespace::enter_indexed(&cs, "inputs", *width);
            let inputs = (0..*count).map(|number| {
                let _input = namespace::enter_indexed(&cs, "input", number);
                ranged(&cs, *width, Ok(values.next().unwrap_or_default()))
            });
            shared.inputs.insert(*width, inputs.collect::<Result<_>>()?);
        }
        if let Source::Witness(_, accesses) = &mut self.source {
            let count = ports.iter().map(|ports| ports.count).sum();
            if accesses.len() < count {
                return Err(SynthesisError::AssignmentMissing);
            }
            shared.accesses = accesses.drain(..count).collect();
        }
        self.ports = Some(shared);
        for Ports { count, open, .. } in ports {
            (0..*count).try_for_each(|_| open(self))?;
        }
        Ok(())
    }

    /// Opens the next port to the storage of `R`.
    fn open_port<R: Record>(&mut self) -> Result<()> {
        let cs = self.cs.clone();
        let storage = usize::from(R::STORAGE);
        let shape = self.shape(R::STORAGE);
        let shared = self.ports.as_mut().ok_or(SynthesisError::ArityMismatch)?;
        let number = shared.ports.get(storage).map_or(0, Vec::len);
        let _namespace = namespace::enter_indexed(&cs, R::NAME, number);
        let access = shared.accesses.pop_front();
        let blank = vec![Fr::from(0u64); R::widths().len()];
        let fields = access.map(|access| if access.fields.is_empty() { &blank } else { &access.fields });
        let mut atoms = Vec::new();
        let record = R::assume(&self.layout, Fields::new(fields.map(Vec::as_slice)), &mut |width, value| {
            let atom = ranged(&cs, width, value)?;
            atoms.push(atom.clone());
            Ok(atom)
        })?;
        let there = hint::bit(&cs, "there", || Ok(access.ok_or(SynthesisError::AssignmentMissing)?.there))?;
        let packed = pack_variables(&R::widths(), &R::variables(&record))?;
        let absent = there.not()?;
        for element in &packed {
            // The packing is injective: what packs to 0 is 0.
            enforce_product("state/blank record", absent.as_field(), element, Linear::new(&cs))?;
        }
        // The leaf of an empty place is 0, and no record's.
        let leaf = product(there.as_field(), &poseidon::hash(&packed)?)?;
        let mut event = 0;
        if let Shape::Tree { .. } = shape {
            let events = self.events.get_mut(storage).ok_or(SynthesisError::ArityMismatch)?;
            event = events.len();
            let previous = earlier(&cs, event, access)?;
            // Place and effect are known when the ports are closed.
            let index = FpVar::Constant(Fr::from(0u64));
            let width = shape.levels() * BITS_PER_LEVEL;
            let when = Bit::constant(false);
            events.push(Event { when, index, width, read: leaf.clone(), written: None, previous });
        }
        let zero = || Linear::new(&cs);
        let port = Port {
            event,
            atoms,
            there,
            packed,
            leaf,
            when: zero(),
            index: zero(),
            writes: zero(),
            change: Vec::new(),
        };
        let ports = self.ports.as_mut().and_then(|shared| shared.ports.get_mut(storage));
        ports.ok_or(SynthesisError::ArityMismatch)?.push(port);
        Ok(())
    }

    /// From here on accesses and inputs are those of a call that is in force where `selected` is 1, and reads these records elsewhere.
    pub(crate) fn begin_call(&mut self, selected: &Bit, idle: VecDeque<Vec<Fr>>) -> Result<()> {
        let shared = self.ports.as_mut().ok_or(SynthesisError::ArityMismatch)?;
        shared.call = Some(Current {
            selected: selected.clone(),
            idle,
            taken: Vec::new(),
            next: [0; STORAGES],
            inputs: BTreeMap::new(),
        });
        Ok(())
    }

    /// Whether calls share ports and inputs.
    pub(crate) fn has_ports(&self) -> bool {
        self.ports.is_some()
    }

    /// Inputs of the call that is executed: copies of the shared ones.
    pub(crate) fn shared_inputs<V: Value>(&mut self, fields: Fields<'_>) -> Result<V::Var> {
        let (cs, layout) = (self.cs.clone(), self.layout);
        let _namespace = namespace::enter(&cs, "input");
        let Some(Shared { inputs, call: Some(call), .. }) = &mut self.ports else {
            return Err(SynthesisError::ArityMismatch);
        };
        let mut atom = |width, value| {
            let next = call.inputs.entry(width).or_default();
            let shared = inputs.get(&width).and_then(|inputs| inputs.get(*next));
            *next += 1;
            copy(&cs, &call.selected, shared.ok_or(SynthesisError::ArityMismatch)?, value)
        };
        V::assume(&layout, fields, &mut atom)
    }

    /// The next access of the call that is executed: port and, of its record, a copy.
    fn take_port(&mut self, storage: u8, when: &Bit, index: &Index) -> Result<(usize, Place)> {
        let shape = self.shape(storage);
        let at = usize::from(storage);
        let Some(Shared { ports, call: Some(call), .. }) = &mut self.ports else {
            return Err(SynthesisError::ArityMismatch);
        };
        if index.bits().len() != shape.levels() * BITS_PER_LEVEL {
            return Err(SynthesisError::ArityMismatch);
        }
        let next = call.next.get_mut(at).ok_or(SynthesisError::ArityMismatch)?;
        let number = *next;
        *next += 1;
        let port =
            ports.get_mut(at).and_then(|ports| ports.get_mut(number)).ok_or(SynthesisError::ArityMismatch)?;
        port.when.add(Fr::ONE, when.as_field());
        if shape != Shape::Single {
            port.index.add(Fr::ONE, &product(call.selected.as_field(), index.as_field())?);
        }
        let place = Place { storage, access: call.taken.len(), number: 0, when: when.clone() };
        call.taken.push(Taken { storage, port: number, when: when.clone(), index: index.as_field().clone() });
        Ok((number, place))
    }

    /// As [`State::read`] and its kind, through a port.
    pub(super) fn read_port<R: Record>(
        &mut self,
        when: &Bit,
        index: &Index,
        presence: Option<&Presence>,
    ) -> Result<(Bit, R::Var, Place)> {
        let (cs, layout) = (self.cs.clone(), self.layout);
        let _namespace = namespace::enter(&cs, R::NAME);
        let (number, place) = self.take_port(R::STORAGE, when, index)?;
        let Some(Shared { ports, call: Some(call), .. }) = &mut self.ports else {
            return Err(SynthesisError::ArityMismatch);
        };
        let port = ports.get(usize::from(R::STORAGE)).and_then(|ports| ports.get(number));
        let port = port.ok_or(SynthesisError::ArityMismatch)?;
        let idle = call.idle.pop_front();
        let is_there = Fr::from(idle.is_some());
        let idle = idle.unwrap_or_else(|| vec![Fr::from(0u64); R::widths().len()]);
        let record = copied::<R>(&cs, &layout, &call.selected, (&port.atoms, &idle))?;
        let nothing = || Linear::new(&cs);
        let there = match presence {
            Some(Presence::Certain) => {
                let absent = port.there.not()?;
                enforce_product("state/record is there", when.as_field(), absent.as_field(), nothing())?;
                Bit::constant(true)
            }
            Some(Presence::OrVacant(present) | Presence::OrBlank(present)) => {
                let other = linear::difference(present.as_field(), port.there.as_field())?;
                enforce_product("state/record is there", when.as_field(), &other, nothing())?;
                present.clone()
            }
            None => Bit::trust(copy(&cs, &call.selected, port.there.as_field(), Ok(is_there))?),
        };
        Ok((there, record, place))
    }

    /// As [`State::vacant`], through a port.
    pub(super) fn vacant_port(&mut self, storage: u8, when: &Bit, index: &Index) -> Result<Place> {
        let (number, place) = self.take_port(storage, when, index)?;
        let ports = self.ports.as_ref().and_then(|shared| shared.ports.get(usize::from(storage)));
        let port = ports.and_then(|ports| ports.get(number)).ok_or(SynthesisError::ArityMismatch)?;
        let nothing = Linear::new(&self.cs);
        enforce_product("state/place is vacant", when.as_field(), port.there.as_field(), nothing)?;
        Ok(place)
    }

    /// As [`State::write`], through a port. `when` is 0 where the call is not selected.
    pub(super) fn write_port<R: Record>(&mut self, when: &Bit, place: &Place, record: &R::Var) -> Result<()> {
        let Some(Shared { ports, call: Some(call), .. }) = &mut self.ports else {
            return Err(SynthesisError::ArityMismatch);
        };
        let taken = call.taken.get(place.access..).and_then(<[Taken]>::split_first);
        let (own, since) = taken.ok_or(SynthesisError::ArityMismatch)?;
        let single = self.layout.shape(own.storage) == Shape::Single;
        for other in since.iter().filter(|other| other.storage == own.storage && !single) {
            hold_apart(&own.index, &other.when, &other.index)?;
        }
        let port = ports.get_mut(usize::from(own.storage)).and_then(|ports| ports.get_mut(own.port));
        let port = port.ok_or(SynthesisError::ArityMismatch)?;
        let packed = pack_variables(&R::widths(), &R::variables(record))?;
        if port.change.is_empty() {
            port.change = packed.iter().map(|_| Linear::new(&self.cs)).collect();
        }
        for ((sum, new), old) in port.change.iter_mut().zip(&packed).zip(&port.packed) {
            sum.add(Fr::ONE, &product(when.as_field(), &linear::difference(new, old)?)?);
        }
        port.writes.add(Fr::ONE, when.as_field());
        Ok(())
    }

    /// Makes the accesses that the calls said.
    pub(crate) fn close_ports(&mut self) -> Result<()> {
        let cs = self.cs.clone();
        let _namespace = namespace::enter(&cs, "shared");
        let shared = self.ports.take().ok_or(SynthesisError::ArityMismatch)?;
        for (storage, ports) in shared.ports.into_iter().enumerate() {
            let _storage = namespace::enter_indexed(&cs, "written", storage);
            let single = self.layout.0.get(storage) == Some(&Shape::Single);
            for port in ports {
                // Of calls of which one at most is selected, and elsewhere 0.
                let when = Bit::trust(port.when.finish()?);
                let written = if port.change.is_empty() {
                    None
                } else {
                    let packed = port.packed.iter().zip(port.change).map(|(old, mut change)| {
                        change.add(Fr::ONE, old);
                        change.finish()
                    });
                    let leaf = poseidon::hash(&packed.collect::<Result<Vec<_>>>()?)?;
                    Some((Bit::trust(port.writes.finish()?), leaf))
                };
                if single {
                    let root = self.roots.get_mut(storage).ok_or(SynthesisError::ArityMismatch)?;
                    when.enforce_equal_if("state/single record", &port.leaf, root)?;
                    if let Some((writes, leaf)) = written {
                        *root = when.and(&writes)?.select(&leaf, root)?;
                    }
                    continue;
                }
                let written = written.map(|(writes, leaf)| writes.select(&leaf, &port.leaf)).transpose()?;
                let events = self.events.get_mut(storage);
                let event = events.and_then(|events| events.get_mut(port.event));
                let event = event.ok_or(SynthesisError::ArityMismatch)?;
                event.when = when;
                // That of the selected call, which has the storage's bits, or 0.
                event.index = port.index.finish()?;
                event.written = written;
            }
        }
        Ok(())
    }
}

/// Holds a place that is written apart from another, where that one's access takes effect.
pub(super) fn hold_apart(index: &FpVar<Fr>, when: &Bit, other: &FpVar<Fr>) -> Result<()> {
    let apart = linear::difference(index, other)?;
    // 1 where the other access takes no effect, so that there too it has one inverse.
    let apart = when.select(&apart, &FpVar::Constant(Fr::ONE))?;
    range::enforce_inverse(ONE_VIEW, &apart).map(drop)
}

/// An atom of the prover's choice, in its range.
fn ranged(cs: &ConstraintSystemRef<Fr>, width: usize, value: Result<Fr>) -> Result<FpVar<Fr>> {
    let atom = hint::field(cs, "atom", || value)?;
    match width {
        1 => constraint::enforce_boolean("bit", &atom)?,
        WHOLE => (),
        _ => range::bits("state/shared atom", &atom, width).map(drop)?,
    }
    Ok(atom)
}

/// The atoms of a value with these elements: widths and values.
pub(crate) fn atoms_of<V: Value>(layout: &Layout, fields: &[Fr]) -> Result<Vec<Atom>> {
    let mut atoms = Vec::new();
    let mut atom = |width, value: Result<Fr>| {
        atoms.push((width, value?));
        Ok(FpVar::Constant(value?))
    };
    let atom: &mut Atoms<'_> = &mut atom;
    V::assume(layout, Fields::new(Some(fields)), atom)?;
    Ok(atoms)
}
