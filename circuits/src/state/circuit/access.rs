//! Accesses: what calls read and write, one after the other.
//!
//! ```text
//!   read, read_or_vacant, read_or_blank ──► a record, and its Place ──► write
//!   vacant ─────────────────────────────────────────────── Place ──► write
//!   read_privately ───────────────────────► a record
//! ```
//!
//! Natively an access asks the recorder. In a circuit its record is the prover's word and becomes an [`Event`] of the tree that it is of,
//! which [`State::close`] holds to the state; the one record of a storage of one is held at once.

use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{Result, SynthesisError};
use zkpov_verifier::field::Fr;

use super::{
    Source, State,
    index::Index,
    memory::{Event, earlier},
    ports::hold_apart,
    private::PrivateRead,
};
use crate::{
    bit::Bit,
    constraint,
    gadgets::poseidon,
    hint,
    linear::Linear,
    namespace,
    state::{
        layout::{BITS_PER_LEVEL, Shape},
        record::Record,
        store::StateError,
        value::{Fields, Label, lone, pack_variables},
        witness::Access,
    },
};

/// A place that was accessed, to write to.
#[derive(Clone, Debug)]
#[must_use = "a place that is read and not written stays as it is"]
pub struct Place {
    pub(super) storage: u8,
    /// Which of the storage's accesses, or of all where the state is native; of no meaning in a storage of one record.
    pub(super) access: usize,
    /// The place's number where the state is native; of no meaning otherwise.
    pub(super) number: u32,
    pub(super) when: Bit,
}

/// The rule that nothing sees a place between its read and its write.
pub(super) const ONE_VIEW: &str = "state/one view of a place";

/// The rule that what a block reads privately is what it leaves: natively, that it is not written afterwards.
pub(crate) const PRIVATE_READ: &str = "state/private read";

/// Whether an access finds a record.
pub(super) enum Presence {
    /// It does.
    Certain,
    /// Where the bit is 1; where it is 0 the place is empty and the record the prover's choice.
    OrVacant(Bit),
    /// Where the bit is 1; where it is 0 the place is empty and all of the record 0.
    OrBlank(Bit),
}

impl<'w> State<'w> {
    /// The record at `index`, as the state has it where `when` is 1.
    pub fn read<R: Record>(&mut self, when: &Bit, index: &Index) -> Result<(R::Var, Place)> {
        self.read_if::<R>(when, index, &Presence::Certain)
    }

    /// The record at `index` where `present` is 1, or a place that the state has empty where it is 0, where `when` is 1: one
    /// access for a place that may have been taken before.
    ///
    /// Where `present` is 0 the record is the prover's choice, a [`lone`] number of it even beyond its range, so what is made of it must be 0 there.
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
        let lone = self.lone::<R>();
        let record = R::hint(&cs, &layout, label, Fields::in_state(fields.map(Vec::as_slice), &lone))?;
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

    /// Which elements of a record its leaf holds to their ranges: those that are [`lone`], in a tree.
    fn lone<R: Record>(&self) -> Vec<bool> {
        match self.shape(R::STORAGE) {
            Shape::Tree { .. } => lone(&R::widths()),
            Shape::Absent | Shape::Single => Vec::new(),
        }
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
        let lone = self.lone::<R>();
        let fields = Fields::in_state(opening.map(|opening| opening.fields.as_slice()), &lone);
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
            hold_apart(&event.index, &other.when.and(held)?, &other.index)?;
        }
        event.written = Some(when.select(&leaf, &event.read)?);
        Ok(())
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
                if index.width() != shape.levels() * BITS_PER_LEVEL {
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
