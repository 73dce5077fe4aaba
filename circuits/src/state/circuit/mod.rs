//! The state in a circuit: records behind reads and writes, all of them held to the state at the end of the block.
//!
//! ```text
//!   read    place ─► record ┐                                    index    the bits of a place
//!   vacant  place           ├─► accesses, by tree and time       tree     places touched, cells, roots
//!   write   place, record   ┘          │                         argument log, challenges, sums of fractions
//!                                      ▼
//!   close   opened places ═══ accesses, compared as multisets ─► roots after ─Poseidon16─► state root
//!               │  with the leaf before and after the block
//!               ▼
//!           roots before ─Poseidon16─► parent state root
//! ```
//!
//! Each place of a tree is opened once, however often it is accessed, and neighbours share the upper levels
//! (`tree`). That a read gives what was last written there is an argument of its own (Blum, Evans, Gemmell,
//! Kannan, Naor, "Checking the correctness of memories", 1991): access number t of a tree takes (place, leaf, time of
//! the access before) out of a set and puts (place, leaf, t) in; the set begins as (place, leaf before, 0) and ends
//! as (place, leaf after, time of the last access), for the places opened. If everything taken out and left at the end
//! is what was there and put in, as multisets, and each access takes something put in before it, then at any time the
//! set has one tuple for each opened place, the latest: there was one to begin with (the places are distinct), and an
//! access replaces the one of its place. The multisets are compared by challenge (`argument`).
//!
//! A read and the write through its place are one access, at the time of the read, while natively the write happens
//! where it is called. So *a place that will be written must be written before it is accessed again*: an access between the
//! two would see natively what was there before, and in the circuit what is written after, so that a block could be
//! proven and not be imported. [`State::write`] holds the place apart from those of all accesses since
//! (`state/one view of a place`), natively and in the circuit, for every storage and every pallet; the sender's account, which is
//! written at the end of its slot, most of all. In every other respect a pallet may read and
//! write in any order. Storages of one record need none of this: their leaf is a variable, read and written where
//! the code says.
//!
//! Where `when` is 0 an access takes and puts nothing, whatever the hints are.
//!
//! Attacks and what stops them (`state::forged` carries each out):
//!
//! | attack | stopped by |
//! |---|---|
//! | reading what the state has not, or no longer; losing a write; dropping an access; two accesses exchanged | `state/memory` |
//! | an unused slot that writes; a place changed that no access wrote | `state/memory` |
//! | reading what is written later | `state/time order` |
//! | reading, between a place's read and its write, what will be written there | `state/one view of a place` |
//! | a record taken for an empty place, or something read in one | `state/memory`, `state/blank record` |
//! | a place opened twice, with a second leaf to read | `state/places ascend` in a run, `state/cells` in two |
//! | a cell changed without a place in it touched | `state/untouched cell` |
//! | a run that is not of one cell, or does not go on where it was | `state/run cell`, `state/run root` |
//! | a run that begins or ends at another root than its cell's | `state/cells`, `state/root before` |
//! | a time that stands for another place's index, beyond its bits | `state/last time`; an index has 3 bits a level |
//! | reading privately what the block does not leave in the state | `state/private read` |
//! | choosing what is compared once the challenges are known | it is in the log: `state/log/…` |
//!
//! The log has everything that the tuples are made of, or something that fixes it: places, times and `when` of
//! accesses with the leaves read and written; index, last time, begin of run and the two subtree roots of each place
//! opened, which fix its leaves up to collisions of Poseidon; which cells are touched, and the two roots of the tree,
//! which fix its cells. One of them left out would be chosen after the challenges, and a sum of fractions is an
//! equation that a chosen leaf solves.

mod argument;
mod index;
pub(crate) mod ports;
mod private;
mod tree;

use std::collections::VecDeque;

use ark_ff::Field;
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use zkpov_verifier::field::Fr;

use argument::{Challenges, Log, Sum};
pub use index::{At, Index};
pub use ports::Ports;
use private::PrivateRead;
use tree::{Sizes, Tree};

use super::{
    layout::{Layout, STORAGES, Shape},
    plan::{OpeningPlan, time_bits},
    record::Record,
    store::StateError,
    value::{Fields, Label, pack_variables},
    witness::{Access, Openings, Recorder},
};
use crate::{
    bit::Bit,
    constraint,
    gadgets::{poseidon, range},
    hint,
    integer::power_of_two,
    linear::Linear,
    namespace,
};

/// A place that was accessed, to write to.
#[derive(Clone, Debug)]
#[must_use = "a place that is read and not written stays as it is"]
pub struct Place {
    storage: u8,
    /// Which of the storage's accesses, or of all where the state is native; of no meaning in a storage of one record.
    access: usize,
    /// The place's number where the state is native; of no meaning otherwise.
    number: u32,
    when: Bit,
}

/// The rule that nothing sees a place between its read and its write.
const ONE_VIEW: &str = "state/one view of a place";

/// The rule that what a block reads privately is what it leaves: natively, that it is not written afterwards.
pub(crate) const PRIVATE_READ: &str = "state/private read";

/// Whether an access finds a record.
enum Presence {
    /// It does.
    Certain,
    /// Where the bit is 1; where it is 0 the place is empty and the record the prover's choice.
    OrVacant(Bit),
    /// Where the bit is 1; where it is 0 the place is empty and all of the record 0.
    OrBlank(Bit),
}

/// Where the values of accesses come from.
#[derive(Debug)]
enum Source<'w> {
    /// Nowhere: only the circuit's shape is asked for.
    Shape,
    /// From a witness: the accesses to come.
    Witness(&'w Openings, VecDeque<&'w Access>),
    /// From a state that native code executes on.
    Native(Box<Recorder<'w>>),
}

/// An access to a tree. Its time is its number among the tree's, from 1.
#[derive(Debug)]
struct Event {
    when: Bit,
    index: FpVar<Fr>,
    /// Bits of the index.
    width: usize,
    read: FpVar<Fr>,
    /// `None` if nothing was written.
    written: Option<FpVar<Fr>>,
    /// The time of the access to the same place before, 0 if it is the first.
    previous: FpVar<Fr>,
}

impl Event {
    fn left(&self) -> &FpVar<Fr> {
        self.written.as_ref().unwrap_or(&self.read)
    }
}

/// The state while a block executes.
#[derive(Debug)]
pub struct State<'w> {
    cs: ConstraintSystemRef<Fr>,
    layout: Layout,
    before: [FpVar<Fr>; STORAGES],
    /// As of now for storages of one record, after the block for trees once they are closed.
    roots: [FpVar<Fr>; STORAGES],
    events: [Vec<Event>; STORAGES],
    plans: [Option<OpeningPlan>; STORAGES],
    /// Of each tree, accesses that are known to be of places that others touch.
    shared: [usize; STORAGES],
    source: Source<'w>,
    /// What the next accesses that take no effect read, in a native state; zeros after the last.
    idle: VecDeque<Vec<Fr>>,
    /// The accesses to trees so far, in a native state: storage, place and whether they took effect.
    accessed: Vec<(u8, u32, bool)>,
    private: Vec<PrivateRead<'w>>,
    /// What the calls of a slot share, one of which is selected.
    ports: Option<ports::Shared<'w>>,
    /// Whether a native state is rebuilt from a body.
    importing: bool,
}

/// What the multisets of a block were compared by.
#[derive(Debug)]
pub(super) struct Argument {
    /// The state root after the block.
    pub(super) root: FpVar<Fr>,
    /// β and γ; `None` if no tree was accessed.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests forge by them"))]
    pub(super) challenges: Option<[FpVar<Fr>; 2]>,
}

impl<'w> State<'w> {
    /// A state with storage roots of the prover's choice, to be held to a parent state root by
    /// [`root_before`](Self::root_before). Absent storages are 0.
    pub fn hint(
        cs: &ConstraintSystemRef<Fr>,
        layout: &Layout,
        roots: Option<&[Fr; STORAGES]>,
        openings: Option<&'w Openings>,
    ) -> Result<Self> {
        let mut variables = std::array::from_fn(|_| FpVar::Constant(Fr::from(0u64)));
        for (storage, (variable, shape)) in variables.iter_mut().zip(layout.0).enumerate() {
            if shape != Shape::Absent {
                *variable = hint::field(cs, "storage_root", || {
                    roots
                        .and_then(|roots| roots.get(storage))
                        .copied()
                        .ok_or(SynthesisError::AssignmentMissing)
                })?;
            }
        }
        Ok(Self {
            cs: cs.clone(),
            layout: *layout,
            roots: variables.clone(),
            before: variables,
            events: [const { Vec::new() }; STORAGES],
            plans: [None; STORAGES],
            shared: [0; STORAGES],
            source: match openings {
                None => Source::Shape,
                Some(openings) => Source::Witness(openings, openings.accesses.iter().collect()),
            },
            idle: VecDeque::new(),
            accessed: Vec::new(),
            private: Vec::new(),
            ports: None,
            importing: false,
        })
    }

    /// A state that native code executes on: everything is a constant, reads are those of `recorder`, and what a
    /// circuit will be told is recorded there.
    pub fn native(recorder: Recorder<'w>) -> Self {
        let constants = std::array::from_fn(|_| FpVar::Constant(Fr::from(0u64)));
        Self {
            cs: ConstraintSystemRef::None,
            layout: *recorder.layout(),
            roots: constants.clone(),
            before: constants,
            events: [const { Vec::new() }; STORAGES],
            plans: [None; STORAGES],
            shared: [0; STORAGES],
            source: Source::Native(Box::new(recorder)),
            idle: VecDeque::new(),
            accessed: Vec::new(),
            private: Vec::new(),
            ports: None,
            importing: false,
        }
    }

    /// The recorder below a native state.
    pub fn recorder(&self) -> Option<&Recorder<'w>> {
        match &self.source {
            Source::Native(recorder) => Some(recorder),
            _ => None,
        }
    }

    /// The recorder below a native state, to change.
    pub fn recorder_mut(&mut self) -> Option<&mut Recorder<'w>> {
        match &mut self.source {
            Source::Native(recorder) => Some(recorder),
            _ => None,
        }
    }

    /// The recorder below a native state.
    pub fn into_recorder(self) -> Option<Recorder<'w>> {
        match self.source {
            Source::Native(recorder) => Some(*recorder),
            _ => None,
        }
    }

    /// What the next accesses of a native state read that take no effect, in their order.
    pub fn expect_idle(&mut self, records: impl IntoIterator<Item = Vec<Fr>>) {
        self.idle = records.into_iter().collect();
    }

    /// Says that a native state is rebuilt from a body, which does not tell what is private.
    pub fn set_importing(&mut self) {
        self.importing = true;
    }

    /// Whether a native state is rebuilt from a body.
    pub fn is_importing(&self) -> bool {
        self.importing
    }

    /// Opens the tree of `storage` by this plan, where the cheapest for any accesses would be taken otherwise: fewer
    /// places, say, where many slots are known to share one. The witness must be made by the same plan.
    pub fn plan(&mut self, storage: u8, plan: OpeningPlan) {
        if let Some(slot) = self.plans.get_mut(usize::from(storage)) {
            *slot = Some(plan);
        }
    }

    /// Says that `accesses` of a block's accesses to the tree of `storage` are of places that others touch, so that as many
    /// places fewer are opened. The witness must be made with the same number.
    pub fn share(&mut self, storage: u8, accesses: usize) {
        if let Some(shared) = self.shared.get_mut(usize::from(storage)) {
            *shared = accesses;
        }
    }

    /// The constraint system.
    pub fn cs(&self) -> &ConstraintSystemRef<Fr> {
        &self.cs
    }

    /// The shape of a storage.
    pub fn shape(&self, storage: u8) -> Shape {
        self.layout.shape(storage)
    }

    /// How the state is laid out.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The state root before the block.
    pub fn root_before(&self) -> Result<FpVar<Fr>> {
        poseidon::hash(&self.before)
    }

    /// The record at `index`, as the state has it where `when` is 1.
    pub fn read<R: Record>(&mut self, when: &Bit, index: &Index) -> Result<(R::Var, Place)> {
        self.read_if::<R>(when, index, &Presence::Certain)
    }

    /// The record at `index` where `present` is 1, or a place that the state has empty where it is 0, where `when` is 1: one
    /// access for a place that may have been taken before.
    ///
    /// Where `present` is 0 the record is the prover's choice, so what is made of it must be 0 there.
    pub fn read_or_vacant<R: Record>(
        &mut self,
        when: &Bit,
        present: &Bit,
        index: &Index,
    ) -> Result<(R::Var, Place)> {
        self.read_if::<R>(when, index, &Presence::OrVacant(present.clone()))
    }

    /// What is at `index` where `when` is 1: whether there is a record, and the record, all of whose elements are 0 where
    /// there is none. Which of the two it is is the prover's to say and the state's to hold: no record's leaf is
    /// that of an empty place.
    ///
    /// One access, where a read and a [`vacant`](Self::vacant) would be two; of a bit, a product, and a constraint for
    /// each packed element more than a [`read`](Self::read).
    pub fn read_or_blank<R: Record>(&mut self, when: &Bit, index: &Index) -> Result<(Bit, R::Var, Place)> {
        if self.ports.is_some() {
            return self.read_port::<R>(when, index, None);
        }
        let there = match &self.source {
            Source::Native(recorder) => Bit::constant(if when.value()? {
                match recorder.is_there::<R>(index.number()?) {
                    Ok(there) => there,
                    Err(error) => return self.fail(error),
                }
            } else {
                self.idle.front().is_some()
            }),
            Source::Witness(_, accesses) => {
                let access = accesses.front().ok_or(SynthesisError::AssignmentMissing)?;
                hint::bit(&self.cs, "there", || Ok(access.there))?
            }
            Source::Shape => hint::bit(&self.cs, "there", || Err(SynthesisError::AssignmentMissing))?,
        };
        let (record, place) = self.read_if::<R>(when, index, &Presence::OrBlank(there.clone()))?;
        Ok((there, record, place))
    }

    /// An access that finds a record, or none, as `presence` says.
    fn read_if<R: Record>(
        &mut self,
        when: &Bit,
        index: &Index,
        presence: &Presence,
    ) -> Result<(R::Var, Place)> {
        if self.ports.is_some() {
            return self
                .read_port::<R>(when, index, Some(presence))
                .map(|(_, record, place)| (record, place));
        }
        let cs = self.cs.clone();
        let _namespace = namespace::enter(&cs, R::NAME);
        let layout = self.layout;
        let label = Label { variable: R::NAME, range: R::NAME };
        let blank = vec![Fr::from(0u64); R::widths().len()];
        if self.recorder().is_some() {
            let elements = self.find::<R>(when, index, presence)?.unwrap_or(blank);
            let record = R::hint(&cs, &layout, label, Fields::new(Some(&elements)))?;
            return Ok((record, self.native_place(R::STORAGE, when, index)?));
        }
        let access = self.next_access()?;
        // Of an empty place the witness has no fields.
        let fields = access.map(|access| if access.fields.is_empty() { &blank } else { &access.fields });
        let record = R::hint(&cs, &layout, label, Fields::new(fields.map(Vec::as_slice)))?;
        let packed = pack_variables(&R::widths(), &R::variables(&record))?;
        if let Presence::OrBlank(there) = presence {
            let absent = there.not()?;
            for element in &packed {
                // The packing is injective: what packs to 0 is 0.
                let zero = Linear::new(&cs);
                constraint::enforce_product("state/blank record", absent.as_field(), element, zero)?;
            }
        }
        let mut leaf = poseidon::hash(&packed)?;
        if let Presence::OrVacant(present) | Presence::OrBlank(present) = presence {
            // The leaf of an empty place is 0, and no record's.
            leaf = constraint::product(present.as_field(), &leaf)?;
        }
        let place = self.access(when, R::STORAGE, index, leaf, access)?;
        Ok((record, place))
    }

    /// The elements of the record at `index` in a native state, or of what an access reads that takes no effect.
    fn find<R: Record>(&mut self, when: &Bit, index: &Index, presence: &Presence) -> Result<Option<Vec<Fr>>> {
        let there = match presence {
            Presence::Certain => true,
            Presence::OrVacant(there) | Presence::OrBlank(there) => there.value()?,
        };
        let Source::Native(recorder) = &mut self.source else { return Ok(None) };
        if !when.value()? {
            let idle = self.idle.pop_front();
            let vacant = !there && matches!(presence, Presence::OrBlank(_));
            let elements = idle.filter(|_| !vacant);
            let told = if vacant { Vec::new() } else { vec![Fr::from(0u64); R::widths().len()] };
            recorder.skip::<R>(elements.clone().unwrap_or(told));
            return Ok(elements);
        }
        let number = index.number()?;
        if !there && matches!(presence, Presence::OrBlank(_)) {
            let vacant = recorder.vacant::<R>(number).map_err(|error| recorder.fail(error))?;
            return if vacant {
                Ok(None)
            } else {
                constraint::refuse("state/place is vacant").map(|()| None)
            };
        }
        let found = recorder.read::<R>(number).map_err(|error| recorder.fail(error))?;
        match (there, &found) {
            (true, None) => constraint::refuse("state/record is there")?,
            (false, Some(_)) => constraint::refuse("state/place is vacant")?,
            _ => (),
        }
        Ok(found)
    }

    /// Notes an access of a native state.
    fn native_place(&mut self, storage: u8, when: &Bit, index: &Index) -> Result<Place> {
        let number = index.number()?;
        let place = Place { storage, access: self.accessed.len(), number, when: when.clone() };
        self.accessed.push((storage, number, when.value()?));
        Ok(place)
    }

    /// Gives up: the state could not be read.
    fn fail<T>(&mut self, error: StateError) -> Result<T> {
        match &mut self.source {
            Source::Native(recorder) => Err(recorder.fail(error)),
            _ => Err(SynthesisError::AssignmentMissing),
        }
    }

    /// The record at `index`, as the block leaves the state where `when` is 1: see `state/circuit/private.rs`.
    ///
    /// An importer does not know the place. So nothing that the block changes may depend on what is read.
    pub fn read_privately<R: Record>(&mut self, when: &Bit, index: &Index) -> Result<R::Var> {
        let cs = self.cs.clone();
        let _namespace = namespace::enter(&cs, R::NAME);
        let layout = self.layout;
        let label = Label { variable: R::NAME, range: R::NAME };
        if let Source::Native(recorder) = &mut self.source {
            let elements = if when.value()? {
                match recorder.read_privately::<R>(index.number()?) {
                    Ok(Some(elements)) => elements,
                    Ok(None) => {
                        constraint::refuse("state/record is there")?;
                        vec![Fr::from(0u64); R::widths().len()]
                    }
                    Err(error) => return Err(recorder.fail(error)),
                }
            } else {
                let elements =
                    self.idle.pop_front().unwrap_or_else(|| vec![Fr::from(0u64); R::widths().len()]);
                recorder.skip_privately::<R>(elements.clone());
                elements
            };
            return R::hint(&cs, &layout, label, Fields::new(Some(&elements)));
        }
        let opening = match &self.source {
            Source::Witness(openings, _) => openings.private.get(self.private.len()),
            _ => None,
        };
        let fields = Fields::new(opening.map(|opening| opening.fields.as_slice()));
        let record = R::hint(&cs, &layout, label, fields)?;
        let (leaf, index) = (leaf::<R>(&record)?, index.clone());
        self.private.push(PrivateRead { storage: R::STORAGE, when: when.clone(), index, leaf, opening });
        Ok(record)
    }

    /// A place that the state has empty where `when` is 1.
    pub fn vacant<R: Record>(&mut self, when: &Bit, index: &Index) -> Result<Place> {
        let cs = self.cs.clone();
        let _namespace = namespace::enter(&cs, "vacant");
        if let Source::Native(recorder) = &mut self.source {
            if when.value()? {
                match recorder.vacant::<R>(index.number()?) {
                    Ok(true) => (),
                    Ok(false) => constraint::refuse("state/place is vacant")?,
                    Err(error) => return Err(recorder.fail(error)),
                }
            } else {
                recorder.skip::<R>(Vec::new());
            }
            return self.native_place(R::STORAGE, when, index);
        }
        if self.ports.is_some() {
            return self.vacant_port(R::STORAGE, when, index);
        }
        let access = self.next_access()?;
        let empty = FpVar::Constant(Fr::from(0u64));
        self.access(when, R::STORAGE, index, empty, access)
    }

    /// Puts `record` at `place` where `when` is 1 and was where the place was accessed. The place is held apart from those of all
    /// accesses to its storage since, as far as they take effect: nobody sees it between its read and its write. Two
    /// constraints for each.
    ///
    /// A leaf is 0 in an empty place and nowhere else: a record that hashed to 0 would be a preimage.
    pub fn write<R: Record>(&mut self, when: &Bit, place: Place, record: &R::Var) -> Result<()> {
        self.write_held::<R>(when, place, record, &Bit::constant(true))
    }

    /// As [`write`](Self::write), where the place is held apart only if `held` is 1: where it is not, the place was not read.
    pub(crate) fn write_held<R: Record>(
        &mut self,
        when: &Bit,
        place: Place,
        record: &R::Var,
        held: &Bit,
    ) -> Result<()> {
        let cs = self.cs.clone();
        let _namespace = namespace::enter(&cs, "write");
        if place.storage != R::STORAGE {
            return Err(SynthesisError::ArityMismatch);
        }
        if self.ports.is_some() {
            return self.write_port::<R>(when, &place, record);
        }
        let single = self.shape(place.storage) == Shape::Single;
        if let Source::Native(recorder) = &mut self.source {
            let since = self.accessed.get(place.access + 1..).unwrap_or_default();
            if !single && held.value()? && since.contains(&(place.storage, place.number, true)) {
                constraint::refuse(ONE_VIEW)?;
                #[cfg(test)]
                if recorder.has_foreseen(place.storage, place.number) {
                    // A forger's later access has read what is written here, and what it wrote stands.
                    return Ok(());
                }
            }
            if when.value()? && place.when.value()? {
                if recorder.was_read_privately(place.storage, place.number) {
                    constraint::refuse(PRIVATE_READ)?;
                }
                let elements =
                    R::variables(record).iter().map(GR1CSVar::value).collect::<Result<Vec<Fr>>>()?;
                if let Err(error) = recorder.write::<R>(place.number, elements) {
                    return Err(recorder.fail(error));
                }
            }
            return Ok(());
        }
        let leaf = leaf::<R>(record)?;
        let storage = usize::from(place.storage);
        if single {
            let root = self.roots.get_mut(storage).ok_or(SynthesisError::ArityMismatch)?;
            *root = place.when.and(when)?.select(&leaf, root)?;
            return Ok(());
        }
        let events = self.events.get_mut(storage).ok_or(SynthesisError::ArityMismatch)?;
        let (event, since) = match events.get_mut(place.access..).and_then(<[Event]>::split_first_mut) {
            Some(split) => split,
            None => return Err(SynthesisError::ArityMismatch),
        };
        for other in since {
            ports::hold_apart(&event.index, &other.when.and(held)?, &other.index)?;
        }
        event.written = Some(when.select(&leaf, &event.read)?);
        Ok(())
    }

    /// How often each storage was accessed so far.
    pub fn accesses(&self) -> [usize; STORAGES] {
        std::array::from_fn(|storage| self.events.get(storage).map_or(0, Vec::len))
    }

    /// Holds all accesses to the state before the block; the state root after it.
    pub fn close(self) -> Result<FpVar<Fr>> {
        Ok(self.argue()?.root)
    }

    /// As [`close`](Self::close), with the challenges.
    pub(super) fn argue(mut self) -> Result<Argument> {
        let cs = self.cs.clone();
        let _namespace = namespace::enter(&cs, "state");
        let mut log = Log::new();
        let mut trees: Vec<(usize, Tree)> = Vec::new();
        for (storage, events) in self.events.iter().enumerate().filter(|(_, events)| !events.is_empty()) {
            let _tree = namespace::enter_indexed(&cs, "tree", storage);
            let (Some(before), Some(shape)) = (self.before.get(storage), self.layout.0.get(storage)) else {
                return Err(SynthesisError::ArityMismatch);
            };
            let plan = self.plans.get(storage).copied().flatten();
            let shared = self.shared.get(storage).copied().unwrap_or_default();
            let plan =
                plan.unwrap_or_else(|| OpeningPlan::cheapest(*shape, events.len().saturating_sub(shared)));
            let sizes = Sizes { shape: *shape, plan, time_bits: time_bits(events.len()) };
            let witness = match &self.source {
                Source::Witness(openings, _) => openings.trees.get(storage),
                _ => None,
            };
            let tree = Tree::open(&cs, sizes, before, witness)?;
            log_events(&mut log, events)?;
            tree.log(&mut log)?;
            trees.push((storage, tree));
        }
        let challenges = if trees.is_empty() { None } else { Some(log.challenges()?) };
        let mut cells = self.roots.clone().map(|root| vec![root]);
        for (storage, tree) in trees {
            let _tree = namespace::enter_indexed(&cs, "compare", storage);
            if let Some(cells) = cells.get_mut(storage) {
                *cells = tree.cells_after();
            }
            if let (Some(challenges), Some(events)) = (&challenges, self.events.get(storage)) {
                compare_memory(Sum::new(&cs, challenges), events, &tree)?;
                tree.compare(Sum::new(&cs, challenges))?;
            }
            if let Some(root) = self.roots.get_mut(storage) {
                *root = tree.after;
            }
        }
        for (number, read) in self.private.iter().enumerate() {
            let _private = namespace::enter_indexed(&cs, "private", number);
            let cells = cells.get(usize::from(read.storage)).ok_or(SynthesisError::ArityMismatch)?;
            read.hold(&cs, cells)?;
        }
        let challenges = challenges.map(|Challenges { powers: [part, _], point }| [part, point]);
        Ok(Argument { root: poseidon::hash(&self.roots)?, challenges })
    }

    fn access(
        &mut self,
        when: &Bit,
        storage: u8,
        index: &Index,
        leaf: FpVar<Fr>,
        access: Option<&Access>,
    ) -> Result<Place> {
        let shape = self.shape(storage);
        let place = |access| Place { storage, access, number: 0, when: when.clone() };
        let number = usize::from(storage);
        match shape {
            Shape::Absent => Err(SynthesisError::ArityMismatch),
            Shape::Single => {
                let root = self.roots.get(number).ok_or(SynthesisError::ArityMismatch)?;
                when.enforce_equal_if("state/single record", &leaf, root)?;
                Ok(place(0))
            }
            Shape::Tree { .. } => {
                let events = self.events.get_mut(number).ok_or(SynthesisError::ArityMismatch)?;
                if index.width() != shape.levels() * super::layout::BITS_PER_LEVEL {
                    return Err(SynthesisError::ArityMismatch);
                }
                let previous = earlier(&self.cs, events.len(), access)?;
                let (index, width) = (index.as_field().clone(), index.width());
                events.push(Event { when: when.clone(), index, width, read: leaf, written: None, previous });
                Ok(place(events.len() - 1))
            }
        }
    }

    /// The next access; `None` when only the circuit's shape is asked for.
    fn next_access(&mut self) -> Result<Option<&'w Access>> {
        match &mut self.source {
            Source::Witness(_, accesses) => {
                accesses.pop_front().map(Some).ok_or(SynthesisError::AssignmentMissing)
            }
            _ => Ok(None),
        }
    }
}

/// The leaf of a record.
fn leaf<R: Record>(record: &R::Var) -> Result<FpVar<Fr>> {
    poseidon::hash(&pack_variables(&R::widths(), &R::variables(record))?)
}

/// A time of the prover's choice, at most `latest`: that of an access earlier than number `latest` + 1.
fn earlier(cs: &ConstraintSystemRef<Fr>, latest: usize, access: Option<&Access>) -> Result<FpVar<Fr>> {
    if latest == 0 {
        return Ok(FpVar::Constant(Fr::from(0u64)));
    }
    let previous =
        hint::field(cs, "previous", || Ok(access.ok_or(SynthesisError::AssignmentMissing)?.previous))?;
    range::bits("state/time order", &distance(&previous, latest).finish()?, time_bits(latest))?;
    Ok(previous)
}

/// `latest - previous`, which has [`time_bits`] of `latest`.
fn distance(previous: &FpVar<Fr>, latest: usize) -> Linear {
    Linear::new(&previous.cs()).plus_constant(Fr::from(latest as u64)).plus(-Fr::ONE, previous)
}

/// Writes everything about the accesses into the log.
fn log_events(log: &mut Log, events: &[Event]) -> Result<()> {
    for (latest, event) in events.iter().enumerate() {
        log.absorb_small("state/log/accesses", &event.index, event.width)?;
        log.absorb_small("state/log/accesses", distance(&event.previous, latest), time_bits(latest))?;
        log.absorb_small("state/log/accesses", event.when.as_field(), 1)?;
        log.absorb("state/log/leaves", &event.read)?;
        if let Some(written) = &event.written {
            log.absorb("state/log/leaves", written)?;
        }
    }
    Ok(())
}

/// Enforces that what accesses take, and what is left at the end, is what there was and what they put.
fn compare_memory(mut sum: Sum<'_>, events: &[Event], tree: &Tree) -> Result<()> {
    // Index and time in one element: both are known to be in their bits.
    let at = |index: &FpVar<Fr>, width: usize, time: &Linear| {
        let mut head = Linear::of(index);
        head.add_linear(power_of_two(width as u32), time);
        head
    };
    let constant = |time: usize| Linear::of(&FpVar::Constant(Fr::from(time as u64)));
    let always = FpVar::Constant(Fr::ONE);
    for (latest, event) in events.iter().enumerate() {
        let when = event.when.as_field();
        sum.add(
            -Fr::ONE,
            when,
            &at(&event.index, event.width, &Linear::of(&event.previous)),
            &[&event.read],
        )?;
        sum.add(Fr::ONE, when, &at(&event.index, event.width, &constant(latest + 1)), &[event.left()])?;
    }
    for place in &tree.places {
        let (index, width) = (place.index.as_field(), place.index.width());
        sum.add(Fr::ONE, &always, &at(index, width, &constant(0)), &[&place.before])?;
        sum.add(-Fr::ONE, &always, &at(index, width, &Linear::of(&place.last)), &[&place.after])?;
    }
    constraint::enforce_zero("state/memory", sum.total)
}
