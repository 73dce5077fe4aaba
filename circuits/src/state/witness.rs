//! The state as the circuit meets it: access by access, and each touched place opened once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ark_relations::gr1cs::SynthesisError;
use codec::{DecodeAll, Encode};
use zkpov_verifier::field::{self, Fr};

use super::{
    keys,
    layout::{ARITY, BITS_PER_LEVEL, Layout, STORAGES, Shape, hash_storages},
    native::{self, node, path_of, read_record, update_nodes},
    plan::OpeningPlan,
    record::{Record, hash_leaf},
    store::{ChangeSet, Overlay, StateError, StateReader},
};
use crate::gadgets::merkle::NativePath;

/// What a circuit is told about one access to a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The storage.
    pub storage: u8,
    /// Whether there is a record at the place; told where the circuit asks.
    pub there: bool,
    /// The record's fields; empty where the place is to be vacant.
    pub fields: Vec<Fr>,
    /// The time of the access to the same place before, 0 if there was none. Accesses to a tree count from 1, those
    /// of unused slots too.
    pub previous: Fr,
}

/// What a circuit is told about one touched place of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TouchedPlace {
    /// The place.
    pub index: u32,
    /// Its leaf before the block.
    pub before: Fr,
    /// Its leaf after the block.
    pub after: Fr,
    /// The time of its last access, 0 if there was none.
    pub last: Fr,
    /// Whether it is the first place of its cell.
    pub first: bool,
    /// The way to its cell, places before it in the list already changed.
    pub path: NativePath<ARITY>,
}

/// What a circuit is told about the root of a subtree below the levels that all places share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The root before the block.
    pub before: Fr,
    /// The root after the block.
    pub after: Fr,
    /// Whether a place below it is opened.
    pub touched: bool,
}

/// What a circuit is told about all touched places of a tree together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Multiopening {
    /// The places, ascending.
    pub places: Vec<TouchedPlace>,
    /// The cells, in order; none where no level is shared.
    pub cells: Vec<Cell>,
}

/// What a circuit is told about one private read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateOpening {
    /// The record's fields.
    pub fields: Vec<Fr>,
    /// The way from its place to the root of its storage, as the block leaves the tree.
    pub path: NativePath<ARITY>,
}

/// What a circuit is told about the state in a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Openings {
    /// The private reads, in the order in which the circuit asks.
    pub private: Vec<PrivateOpening>,
    /// The accesses, in the order in which the circuit asks.
    pub accesses: VecDeque<Access>,
    /// The opening of each storage; empty for one that is no tree.
    pub trees: [Multiopening; STORAGES],
}

/// A place as the block leaves it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touch {
    pub(super) before: Fr,
    pub(super) after: Fr,
    pub(super) last: u64,
}

/// Executes accesses in the circuit's order, natively, and opens what they touched.
///
/// It computes in the field as the circuit does and checks nothing: what it is told to write, it
/// writes. Honest callers check before; dishonest witnesses are made by callers that do not.
///
/// As in the circuit, a place that will be written must be written before it is read again; the state above holds it.
#[derive(Debug)]
pub struct Recorder<'a> {
    layout: &'a Layout,
    below: Overlay<'a>,
    plans: [Option<OpeningPlan>; STORAGES],
    shared: [usize; STORAGES],
    accesses: VecDeque<Access>,
    /// Private reads: storage, place (none of a slot that is not used) and fields.
    private: Vec<(u8, Option<u32>, Vec<Fr>)>,
    /// Accesses so far, by storage.
    times: [u64; STORAGES],
    touched: BTreeMap<(u8, u32), Touch>,
    written: BTreeMap<(u8, u32), Written>,
    /// Derived values, by name.
    auxiliary: BTreeMap<Vec<u8>, Vec<u8>>,
    /// How to take back the changes to the four maps, the latest last.
    journal: Vec<Undo>,
    /// Why the state could not be read, if it could not.
    failure: Option<StateError>,
    /// What a dishonest prover reads at a place before it is written.
    #[cfg(test)]
    foreseen: BTreeMap<(u8, u32), (Vec<Fr>, bool)>,
}

/// What was written at a place.
#[derive(Clone, Debug)]
struct Written {
    elements: Vec<Fr>,
    /// The record in SCALE; `None` if no record has these elements, which only a dishonest prover writes.
    record: Option<Vec<u8>>,
}

/// An entry of one of a recorder's maps as it was before a change.
#[derive(Debug)]
enum Undo {
    Touched((u8, u32), Option<Touch>),
    Written((u8, u32), Option<Written>),
    Auxiliary(Vec<u8>, Option<Vec<u8>>),
}

/// A moment to go back to.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint {
    accesses: usize,
    private: usize,
    times: [u64; STORAGES],
    journal: usize,
}

impl<'a> Recorder<'a> {
    /// Accesses over `below`.
    pub fn new(layout: &'a Layout, below: &'a dyn StateReader) -> Self {
        Self {
            layout,
            below: Overlay::new(below),
            plans: [None; STORAGES],
            shared: [0; STORAGES],
            accesses: VecDeque::new(),
            private: Vec::new(),
            times: [0; STORAGES],
            touched: BTreeMap::new(),
            written: BTreeMap::new(),
            auxiliary: BTreeMap::new(),
            journal: Vec::new(),
            failure: None,
            #[cfg(test)]
            foreseen: BTreeMap::new(),
        }
    }

    /// How the state is laid out.
    pub fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// Opens the tree of `storage` by this plan, as the circuit does.
    pub fn plan(&mut self, storage: u8, plan: OpeningPlan) {
        if let Some(slot) = self.plans.get_mut(usize::from(storage)) {
            *slot = Some(plan);
        }
    }

    /// Opens as many places fewer of the tree of `storage`, as the circuit does.
    pub fn share(&mut self, storage: u8, accesses: usize) {
        if let Some(shared) = self.shared.get_mut(usize::from(storage)) {
            *shared = accesses;
        }
    }

    /// Now, to [go back](Self::roll_back) to.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            accesses: self.accesses.len(),
            private: self.private.len(),
            times: self.times,
            journal: self.journal.len(),
        }
    }

    /// Takes back everything since `checkpoint`.
    pub fn roll_back(&mut self, checkpoint: Checkpoint) {
        self.accesses.truncate(checkpoint.accesses);
        self.private.truncate(checkpoint.private);
        self.times = checkpoint.times;
        while self.journal.len() > checkpoint.journal {
            match self.journal.pop() {
                Some(Undo::Touched(key, before)) => restore(&mut self.touched, key, before),
                Some(Undo::Written(key, before)) => restore(&mut self.written, key, before),
                Some(Undo::Auxiliary(name, before)) => restore(&mut self.auxiliary, name, before),
                None => break,
            }
        }
    }

    /// Keeps why the state could not be read; the error with which a circuit gives up.
    pub(crate) fn fail(&mut self, error: StateError) -> SynthesisError {
        self.failure = Some(error);
        SynthesisError::AssignmentMissing
    }

    /// Why the state could not be read, if it could not.
    pub fn take_failure(&mut self) -> Option<StateError> {
        self.failure.take()
    }

    /// The record at `index` as it is now, without an access.
    pub fn peek<R: Record>(&self, index: u32) -> Result<Option<R>, StateError> {
        match self.written.get(&(R::STORAGE, index)) {
            Some(written) => Ok(R::from_elements(&written.elements)),
            None => read_record(&self.below, index),
        }
    }

    /// A derived value as it is now.
    pub fn auxiliary(&self, name: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        match self.auxiliary.get(name) {
            Some(value) => Ok(Some(value.clone())),
            None => self.below.get(&keys::auxiliary(name)),
        }
    }

    /// Sets a derived value.
    pub fn set_auxiliary(&mut self, name: Vec<u8>, value: Vec<u8>) {
        let before = self.auxiliary.insert(name.clone(), value);
        self.journal.push(Undo::Auxiliary(name, before));
    }

    /// The elements of the record at `index`; `None` where there is none.
    pub fn read<R: Record>(&mut self, index: u32) -> Result<Option<Vec<Fr>>, StateError> {
        let elements = self.elements::<R>(index)?;
        self.access(R::STORAGE, index, elements.clone().unwrap_or_default())?;
        Ok(elements)
    }

    /// The elements of the record at `index`, read privately: no access, but a path in the tree that the block leaves.
    /// `None` where there is no record.
    pub fn read_privately<R: Record>(&mut self, index: u32) -> Result<Option<Vec<Fr>>, StateError> {
        let elements = match self.written.get(&(R::STORAGE, index)) {
            Some(written) => Some(written.elements.clone()),
            None => read_record::<R>(&self.below, index)?.map(|record| record.elements()),
        };
        let told = elements.clone().unwrap_or_else(|| vec![Fr::from(0u64); R::widths().len()]);
        self.private.push((R::STORAGE, Some(index), told));
        Ok(elements)
    }

    /// The private read of an unused slot, with these elements: nothing holds it to the state.
    pub fn skip_privately<R: Record>(&mut self, elements: Vec<Fr>) {
        self.skip_privately_in(R::STORAGE, elements);
    }

    /// The same of this storage.
    pub fn skip_privately_in(&mut self, storage: u8, elements: Vec<Fr>) {
        self.private.push((storage, None, elements));
    }

    /// Whether there is a record at `index`, without an access.
    pub fn is_there<R: Record>(&self, index: u32) -> Result<bool, StateError> {
        // A dishonest prover pretends that there is none with no elements.
        Ok(self.elements::<R>(index)?.is_some_and(|elements| !elements.is_empty()))
    }

    /// The elements of the record at `index` as it is now.
    fn elements<R: Record>(&self, index: u32) -> Result<Option<Vec<Fr>>, StateError> {
        #[cfg(test)]
        if let Some((elements, _)) = self.foreseen.get(&(R::STORAGE, index)) {
            // Only who accesses the place a second time sees what is still to be written there.
            if self.touched.contains_key(&(R::STORAGE, index)) {
                return Ok(Some(elements.clone()));
            }
        }
        Ok(match self.written.get(&(R::STORAGE, index)) {
            Some(written) => Some(written.elements.clone()),
            None => read_record::<R>(&self.below, index)?.map(|record| record.elements()),
        })
    }

    /// Accesses a place that should be empty; whether it is.
    pub fn vacant<R: Record>(&mut self, index: u32) -> Result<bool, StateError> {
        self.access(R::STORAGE, index, Vec::new())?;
        Ok(self.touch((R::STORAGE, index))?.after == Fr::from(0u64))
    }

    /// Puts a record with these elements at a place that was accessed.
    pub fn write<R: Record>(&mut self, index: u32, elements: Vec<Fr>) -> Result<(), StateError> {
        let key = (R::STORAGE, index);
        #[cfg(test)]
        if let Some((_, written)) = self.foreseen.get_mut(&key) {
            *written = true;
        }
        let leaf = hash_leaf(&R::leaf_elements(&elements));
        let was_empty = {
            let touch = self.touch(key)?;
            std::mem::replace(&mut touch.after, leaf) == Fr::from(0u64)
        };
        let derived = |record: Option<&R>| record.map(|record| record.derived(index)).unwrap_or_default();
        let (earlier, record) = (self.peek::<R>(index)?, R::from_elements(&elements));
        let known = derived(earlier.as_ref());
        for (name, value) in derived(record.as_ref()) {
            if !known.iter().any(|(other, before)| *other == name && *before == value) {
                self.set_auxiliary(name, value);
            }
        }
        let record = record.map(|record| record.encode());
        let before = self.written.insert(key, Written { elements, record });
        self.journal.push(Undo::Written(key, before));
        if was_empty { self.skip_taken::<R>() } else { Ok(()) }
    }

    /// The lowest place of the storage of `R` that was never taken; `None` if all were.
    pub fn next_place<R: Record>(&self) -> Result<Option<u32>, StateError> {
        let places = self.layout.shape(R::STORAGE).places();
        Ok(Some(self.lowest_free(R::STORAGE)?).filter(|place| u64::from(*place) < places))
    }

    fn lowest_free(&self, storage: u8) -> Result<u32, StateError> {
        let name = keys::next_place(storage);
        let Some(bytes) = self.auxiliary(&name)? else { return Ok(0) };
        u32::decode_all(&mut bytes.as_slice())
            .map_err(|_| StateError::corrupt(&keys::auxiliary(&name), "the number of a place"))
    }

    /// Moves the next place past what is taken: a block may take any.
    fn skip_taken<R: Record>(&mut self) -> Result<(), StateError> {
        let before = self.lowest_free(R::STORAGE)?;
        let mut next = before;
        while self.written.contains_key(&(R::STORAGE, next))
            || self.below.get(&keys::record(R::STORAGE, next))?.is_some()
        {
            next += 1;
        }
        if next != before {
            self.set_auxiliary(keys::next_place(R::STORAGE), next.encode());
        }
        Ok(())
    }

    /// The access of an unused slot, with these elements: nothing holds it to the state, and it writes nothing.
    pub fn skip<R: Record>(&mut self, elements: Vec<Fr>) {
        self.skip_in(R::STORAGE, elements);
    }

    fn skip_in(&mut self, storage: u8, elements: Vec<Fr>) {
        self.tick(storage);
        let there = !elements.is_empty();
        self.accesses.push_back(Access { storage, there, fields: elements, previous: Fr::from(0u64) });
    }

    /// Says that the accesses after the first `start` are those of a slot with so many ports to each storage: adds idle ones for those
    /// that the call did not take, and puts them in the order of the ports.
    pub fn fill_ports(&mut self, start: usize, ports: &[(u8, usize)]) {
        for (storage, count) in ports {
            let taken = self.accesses.iter().skip(start).filter(|access| access.storage == *storage).count();
            (taken..*count).for_each(|_| self.skip_in(*storage, Vec::new()));
        }
        let place = |access: &Access| ports.iter().position(|(storage, _)| *storage == access.storage);
        if let Some(of_slot) = self.accesses.make_contiguous().get_mut(start..) {
            of_slot.sort_by_key(place);
        }
    }

    /// How many accesses there are so far.
    pub fn accesses(&self) -> usize {
        self.accesses.len()
    }

    /// Whether the block has read this place privately.
    pub fn was_read_privately(&self, storage: u8, index: u32) -> bool {
        self.private.iter().any(|(other, place, _)| (*other, *place) == (storage, Some(index)))
    }

    /// Takes the record at `index` for one with these elements, whatever the state has there: what a dishonest
    /// prover does.
    #[cfg(test)]
    pub(crate) fn pretend<R: Record>(&mut self, index: u32, elements: Vec<Fr>) {
        self.written.insert((R::STORAGE, index), Written { elements, record: None });
    }

    /// Has every access to a place but the block's first read these elements: what a dishonest prover foresees that the first
    /// access will write.
    #[cfg(test)]
    pub(crate) fn foresee<R: Record>(&mut self, index: u32, elements: Vec<Fr>) {
        self.foreseen.insert((R::STORAGE, index), (elements, false));
    }

    /// Whether a dishonest prover who foresaw what comes to a place has written there already.
    #[cfg(test)]
    pub(super) fn has_foreseen(&self, storage: u8, index: u32) -> bool {
        self.foreseen.get(&(storage, index)).is_some_and(|(_, written)| *written)
    }

    /// All changes so far, hashed: the state root and what changes in the state.
    pub fn changes(&self) -> Result<(Fr, ChangeSet), StateError> {
        let mut after = Overlay::new(&self.below);
        for ((storage, index), written) in &self.written {
            let key = keys::record(*storage, *index);
            let record = written.record.clone().ok_or_else(|| StateError::corrupt(&key, "a record"))?;
            after.put(key, record);
        }
        for (name, value) in &self.auxiliary {
            after.put(keys::auxiliary(name), value.clone());
        }
        for storage in self.storages() {
            let leaves: Vec<_> = self
                .touched_in(storage)
                .filter(|(_, touch)| touch.before != touch.after)
                .map(|(index, touch)| (index, touch.after))
                .collect();
            update_nodes(&mut after, storage, self.layout.shape(storage).levels(), leaves)?;
        }
        let root = hash_storages(&native::storage_roots(&after, self.layout)?);
        after.put(keys::ROOT.to_vec(), field::encode(&root).to_vec());
        Ok((root, after.into_changes()))
    }

    /// The roots of all storages as they are now.
    pub fn storage_roots(&self) -> Result<[Fr; STORAGES], StateError> {
        native::storage_roots(&self.nodes_after(self.storages())?, self.layout)
    }

    /// The tree nodes of these storages as they are now.
    fn nodes_after(&self, storages: BTreeSet<u8>) -> Result<Overlay<'_>, StateError> {
        let mut after = Overlay::new(&self.below);
        for storage in storages {
            let leaves = self.touched_in(storage).map(|(index, touch)| (index, touch.after)).collect();
            update_nodes(&mut after, storage, self.layout.shape(storage).levels(), leaves)?;
        }
        Ok(after)
    }

    /// The private reads with their paths.
    fn open_privately(&self) -> Result<Vec<PrivateOpening>, StateError> {
        let after = self.nodes_after(self.private.iter().map(|(storage, ..)| *storage).collect())?;
        let open = |(storage, index, fields): &(u8, Option<u32>, Vec<Fr>)| {
            let index = index.unwrap_or_default();
            let path = path_of(&after, *storage, self.layout.shape(*storage).levels(), index)?;
            Ok(PrivateOpening { fields: fields.clone(), path })
        };
        self.private.iter().map(open).collect()
    }

    /// What the circuit is told.
    ///
    /// # Errors
    ///
    /// [`StateError::TooManyPlaces`] if a tree's plan opens fewer places than were touched.
    pub fn into_openings(mut self) -> Result<Openings, StateError> {
        let mut trees: [Multiopening; STORAGES] = Default::default();
        for (((tree, storage), accesses), shared) in
            trees.iter_mut().zip(0u8..).zip(self.times).zip(self.shared)
        {
            let shape = self.layout.shape(storage);
            if accesses > 0 && matches!(shape, Shape::Tree { .. }) {
                let plan = self.plans.get(usize::from(storage)).copied().flatten();
                let accesses = usize::try_from(accesses).unwrap_or(usize::MAX).saturating_sub(shared);
                *tree = self.open(storage, plan.unwrap_or_else(|| OpeningPlan::cheapest(shape, accesses)))?;
            }
        }
        let private = self.open_privately()?;
        Ok(Openings { accesses: std::mem::take(&mut self.accesses), private, trees })
    }

    /// Opens what a tree's accesses touched, and untouched places for what is left of the plan.
    fn open(&self, storage: u8, plan: OpeningPlan) -> Result<Multiopening, StateError> {
        let mut indices: BTreeSet<u32> = self.touched_in(storage).map(|(index, _)| index).collect();
        if indices.len() > plan.places {
            return Err(StateError::TooManyPlaces { storage, touched: indices.len(), places: plan.places });
        }
        let mut others = 0u32..;
        while indices.len() < plan.places {
            indices.extend(others.next());
        }
        let touches = indices.into_iter().map(|index| match self.touched.get(&(storage, index)) {
            Some(touch) => Ok((index, *touch)),
            None => Ok((index, untouched(&self.below, (storage, index))?)),
        });
        let touches = touches.collect::<Result<Vec<_>, StateError>>()?;
        open_places(&self.below, storage, plan.path_levels(self.layout.shape(storage)), plan, &touches)
    }

    fn access(&mut self, storage: u8, index: u32, elements: Vec<Fr>) -> Result<(), StateError> {
        let now = self.tick(storage);
        let touch = self.touch((storage, index))?;
        let previous = std::mem::replace(&mut touch.last, now);
        let there = !elements.is_empty();
        self.accesses.push_back(Access { storage, there, fields: elements, previous: previous.into() });
        Ok(())
    }

    /// The time of the next access to a storage.
    fn tick(&mut self, storage: u8) -> u64 {
        match self.times.get_mut(usize::from(storage)) {
            Some(time) => {
                *time += 1;
                *time
            }
            None => 0,
        }
    }

    /// A place that is touched, to change.
    fn touch(&mut self, key: (u8, u32)) -> Result<&mut Touch, StateError> {
        let before = self.touched.get(&key).copied();
        let touch = match before {
            Some(touch) => touch,
            None => untouched(&self.below, key)?,
        };
        self.journal.push(Undo::Touched(key, before));
        Ok(self.touched.entry(key).or_insert(touch))
    }

    /// The storages with a touched place.
    fn storages(&self) -> BTreeSet<u8> {
        self.touched.keys().map(|(storage, _)| *storage).collect()
    }

    fn touched_in(&self, storage: u8) -> impl Iterator<Item = (u32, &Touch)> {
        self.touched.range((storage, 0)..=(storage, u32::MAX)).map(|((_, index), touch)| (*index, touch))
    }
}

/// Puts an entry of a map back to what it was.
fn restore<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, before: Option<V>) {
    match before {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

/// A place as the state has it.
fn untouched(state: &dyn StateReader, (storage, index): (u8, u32)) -> Result<Touch, StateError> {
    let leaf = node(state, storage, 0, index)?;
    Ok(Touch { before: leaf, after: leaf, last: 0 })
}

/// Opens these places of a tree one after the other, each to its cell `levels` levels up.
pub(super) fn open_places(
    below: &dyn StateReader,
    storage: u8,
    levels: usize,
    plan: OpeningPlan,
    touches: &[(u32, Touch)],
) -> Result<Multiopening, StateError> {
    let cell_of = |index: u32| index.checked_shr((levels * BITS_PER_LEVEL) as u32).unwrap_or(0);
    let mut after = Overlay::new(below);
    let mut places: Vec<TouchedPlace> = Vec::with_capacity(touches.len());
    for (index, touch) in touches {
        let first = places.last().is_none_or(|previous| cell_of(previous.index) != cell_of(*index));
        let path = path_of(&after, storage, levels, *index)?;
        let Touch { before, after: leaf, last } = *touch;
        places.push(TouchedPlace { index: *index, before, after: leaf, last: last.into(), first, path });
        update_nodes(&mut after, storage, levels, vec![(*index, leaf)])?;
    }
    let mut cells = Vec::new();
    if plan.top_levels > 0 {
        let touched: BTreeSet<u32> = touches.iter().map(|(index, _)| cell_of(*index)).collect();
        // At most the places of a tree, whose indices are `u32`.
        for cell in 0..plan.cells() as u32 {
            let [before, after] = [below, &after].map(|state| node(state, storage, levels, cell));
            cells.push(Cell { before: before?, after: after?, touched: touched.contains(&cell) });
        }
    }
    Ok(Multiopening { places, cells })
}
