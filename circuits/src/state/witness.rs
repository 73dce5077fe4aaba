//! The state as the circuit meets it: access by access, and each touched place opened once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use zkpov_verifier::field::Fr;

use super::{
    layout::{ARITY, BITS_PER_LEVEL, Layout, STORAGES, Shape},
    native::{self, node, path_of, read_record, update_nodes},
    plan::OpeningPlan,
    record::{Record, hash_leaf},
    store::{Overlay, StateError, StateReader},
};
use crate::gadgets::merkle::NativePath;

/// What a circuit is told about one access to a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
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

/// What a circuit is told about the state in a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Openings {
    /// The accesses, in the order in which the circuit asks.
    pub accesses: VecDeque<Access>,
    /// The opening of each storage; empty for one that is no tree.
    pub trees: [Multiopening; STORAGES],
}

/// A place of a storage that was accessed, to write to.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    index: u32,
}

/// A place as the block leaves it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touch {
    pub(super) before: Fr,
    pub(super) after: Fr,
    pub(super) last: u64,
}

/// Replays accesses in the circuit's order and opens what they touched.
///
/// It computes in the field as the circuit does and checks nothing: what it is told to write, it
/// writes. Honest callers check before; dishonest witnesses are made by callers that do not.
///
/// As in the circuit, a place that will be written must be written before it is read again.
#[derive(Debug)]
pub struct Recorder<'a> {
    layout: &'a Layout,
    below: Overlay<'a>,
    plans: [Option<OpeningPlan>; STORAGES],
    accesses: VecDeque<Access>,
    /// Accesses so far, by storage.
    times: [u64; STORAGES],
    touched: BTreeMap<(u8, u32), Touch>,
    /// Fields of what was written, by storage and index.
    written: BTreeMap<(u8, u32), Vec<Fr>>,
}

impl<'a> Recorder<'a> {
    /// Accesses over `below`.
    pub fn new(layout: &'a Layout, below: &'a dyn StateReader) -> Self {
        Self {
            layout,
            below: Overlay::new(below),
            plans: [None; STORAGES],
            accesses: VecDeque::new(),
            times: [0; STORAGES],
            touched: BTreeMap::new(),
            written: BTreeMap::new(),
        }
    }

    /// Opens the tree of `storage` by this plan, as the circuit does.
    pub fn plan(&mut self, storage: u8, plan: OpeningPlan) {
        if let Some(slot) = self.plans.get_mut(usize::from(storage)) {
            *slot = Some(plan);
        }
    }

    /// The fields of the record at `index`, all 0 where there is none.
    pub fn read<R: Record>(&mut self, index: u32) -> Result<(Vec<Fr>, Place), StateError> {
        let fields = match self.written.get(&(R::STORAGE, index)) {
            Some(fields) => fields.clone(),
            None => read_record::<R>(&self.below, index)?
                .map_or_else(|| vec![Fr::from(0u64); R::FIELDS], |record| record.fields()),
        };
        let place = self.access(R::STORAGE, index, fields.clone())?;
        Ok((fields, place))
    }

    /// Accesses a place that should be empty.
    pub fn vacant<R: Record>(&mut self, index: u32) -> Result<Place, StateError> {
        self.access(R::STORAGE, index, Vec::new())
    }

    /// Puts a record with these fields at `place`.
    pub fn write<R: Record>(&mut self, place: Place, fields: Vec<Fr>) -> Result<(), StateError> {
        let key = (R::STORAGE, place.index);
        let leaf = hash_leaf(&R::leaf_elements(&fields));
        self.touch(key)?.after = leaf;
        self.written.insert(key, fields);
        Ok(())
    }

    /// The access of an unused slot, with these fields: nothing holds it to the state, and it writes nothing.
    pub fn skip<R: Record>(&mut self, fields: Vec<Fr>) {
        self.tick(R::STORAGE);
        self.accesses.push_back(Access { fields, previous: Fr::from(0u64) });
    }

    /// Takes the record at `index` for one with these fields, whatever the state has there: what a dishonest
    /// prover does.
    #[cfg(test)]
    pub(crate) fn pretend<R: Record>(&mut self, index: u32, fields: Vec<Fr>) {
        self.written.insert((R::STORAGE, index), fields);
    }

    /// A place to write to without an access.
    #[cfg(test)]
    pub(crate) fn place(index: u32) -> Place {
        Place { index }
    }

    /// The roots of all storages as they are now.
    pub fn storage_roots(&self) -> Result<[Fr; STORAGES], StateError> {
        let mut after = Overlay::new(&self.below);
        for storage in self.storages() {
            let leaves = self.touched_in(storage).map(|(index, touch)| (index, touch.after)).collect();
            update_nodes(&mut after, storage, self.layout.shape(storage).levels(), leaves)?;
        }
        native::storage_roots(&after, self.layout)
    }

    /// What the circuit is told.
    ///
    /// # Errors
    ///
    /// [`StateError::TooManyPlaces`] if a tree's plan opens fewer places than were touched.
    pub fn into_openings(mut self) -> Result<Openings, StateError> {
        let mut trees: [Multiopening; STORAGES] = Default::default();
        for ((tree, storage), accesses) in trees.iter_mut().zip(0u8..).zip(self.times) {
            let shape = self.layout.shape(storage);
            if accesses > 0 && matches!(shape, Shape::Tree { .. }) {
                let plan = self.plans.get(usize::from(storage)).copied().flatten();
                let accesses = usize::try_from(accesses).unwrap_or(usize::MAX);
                *tree = self.open(storage, plan.unwrap_or_else(|| OpeningPlan::cheapest(shape, accesses)))?;
            }
        }
        Ok(Openings { accesses: std::mem::take(&mut self.accesses), trees })
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

    fn access(&mut self, storage: u8, index: u32, fields: Vec<Fr>) -> Result<Place, StateError> {
        let now = self.tick(storage);
        let touch = self.touch((storage, index))?;
        let previous = std::mem::replace(&mut touch.last, now);
        self.accesses.push_back(Access { fields, previous: previous.into() });
        Ok(Place { index })
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

    fn touch(&mut self, key: (u8, u32)) -> Result<&mut Touch, StateError> {
        let touch = match self.touched.get(&key) {
            Some(touch) => *touch,
            None => untouched(&self.below, key)?,
        };
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
