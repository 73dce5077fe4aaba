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
//! **Which numbers of a record are in their range.** A record that is read is the prover's word, and its leaf is what the state has
//! there. Numbers that share a packed element are held to their ranges, or else another split of the element would do for
//! the same leaf. A number that has a packed element to itself ([`lone`](super::lone)) is fixed by the leaf: it is the one that was written there last,
//! by genesis or by a call in force, as a [`Uint`](crate::gadgets::range::Uint) of its width. So it is in its range, by induction over
//! the chain's writes, and a read from a tree does not pay for the bits again. What a record holds once a block, in a storage of one,
//! is held anew all the same. Where an access is not in force nothing is said of the record, not the range of such a number either.
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

mod access;
mod argument;
mod index;
mod memory;
pub(crate) mod ports;
mod private;
mod tree;

use std::collections::VecDeque;

use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use zkpov_verifier::field::Fr;

pub(crate) use access::PRIVATE_READ;
pub use access::Place;
use argument::{Challenges, Log, Sum};
pub use index::{At, Index};
use memory::{Event, compare_memory, log_events};
pub use ports::Ports;
use private::PrivateRead;
use tree::{Sizes, Tree};

use super::{
    layout::{Layout, STORAGES, Shape},
    plan::{OpeningPlan, time_bits},
    witness::{Access, Openings, Recorder},
};
use crate::{gadgets::poseidon, hint, namespace};

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
}
