//! The state in a circuit: records behind reads and writes, each held to the storage's current root.
//!
//! ```text
//!   roots before ──Poseidon16──► parent state root
//!        │
//!        ├─ read   place ─► record    its leaf, through the path, gives the current root
//!        ├─ vacant place              0, through the path, gives the current root
//!        ├─ write  place, record      the new leaf, through the same path, is the new root
//!        ▼
//!   roots after ───Poseidon16──► state root
//! ```
//!
//! A write whose place was opened under the root that is still current uses that opening: one path. Had
//! another write come between, the path's siblings may be stale, and the place is opened again with the
//! record that was read: two paths. Either is right, so that a pallet may read and write in any order.
//!
//! Where `when` is 0 nothing is held to a root and no root changes, whatever the hints are.

use std::collections::VecDeque;

use ark_ff::Field;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use zkpov_verifier::field::Fr;

use super::{
    layout::{ARITY, BITS_PER_LEVEL, Layout, STORAGES, Shape},
    record::Record,
    witness::{Opening, Openings},
};
use crate::{
    bit::Bit,
    constraint,
    gadgets::{
        merkle::{NativePath, Path},
        poseidon, range,
    },
    hint,
    linear::Linear,
    namespace,
};

/// The fields of a record as a prover gives them; `None` when only the circuit's shape is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'w>(Option<&'w [Fr]>);

impl<'w> Fields<'w> {
    /// Field `number`.
    pub fn get(&self, number: usize) -> Result<Fr> {
        self.0.and_then(|fields| fields.get(number)).copied().ok_or(SynthesisError::AssignmentMissing)
    }
}

/// A record in a circuit.
pub trait RecordVar: Sized {
    /// The record outside.
    type Native: Record;

    /// A record of the prover's choice, every field enforced to be in its range: the packing into a leaf
    /// is injective only there.
    fn hint(cs: &ConstraintSystemRef<Fr>, fields: Fields<'_>) -> Result<Self>;

    /// What the leaf hashes, as [`Record::leaf_elements`] has it.
    fn leaf_elements(&self) -> Result<Vec<FpVar<Fr>>>;
}

/// A place in a storage, by the bits of its index.
#[derive(Clone, Debug)]
pub struct Index {
    bits: Vec<Bit>,
    value: FpVar<Fr>,
}

impl Index {
    /// A place of the prover's choice in a storage of this shape. One constraint a bit.
    pub fn hint(
        cs: &ConstraintSystemRef<Fr>,
        name: &str,
        shape: Shape,
        value: impl Fn() -> Result<u32>,
    ) -> Result<Self> {
        let _namespace = namespace::enter(cs, name);
        let bit = |i| hint::bit(cs, "bit", || Ok(value()?.checked_shr(i).unwrap_or(0) & 1 == 1));
        let bits =
            (0..shape.levels() * BITS_PER_LEVEL).map(|i| bit(i as u32)).collect::<Result<Vec<Bit>>>()?;
        let value = range::from_bits(&bits)?;
        Ok(Self { bits, value })
    }

    /// The place that `value` names, enforcing under `name` that a storage of this shape has it.
    pub fn enforce(name: &'static str, shape: Shape, value: &FpVar<Fr>) -> Result<Self> {
        let bits = range::bits(name, value, shape.levels() * BITS_PER_LEVEL)?;
        Ok(Self { bits, value: value.clone() })
    }

    /// The only place of a storage with one record.
    pub fn only() -> Self {
        Self { bits: Vec::new(), value: FpVar::Constant(Fr::from(0u64)) }
    }

    /// The index as a field element.
    pub fn as_field(&self) -> &FpVar<Fr> {
        &self.value
    }
}

/// A place that was opened, to write to.
#[derive(Clone, Debug)]
pub struct Place {
    storage: u8,
    index: Index,
    leaf: FpVar<Fr>,
    path: Path<ARITY>,
    version: u64,
}

/// The state while a block executes.
#[derive(Debug)]
pub struct State<'w> {
    cs: ConstraintSystemRef<Fr>,
    layout: Layout,
    roots: [FpVar<Fr>; STORAGES],
    /// Writes so far, by storage.
    versions: [u64; STORAGES],
    /// Openings not yet used; `None` when only the circuit's shape is asked for.
    openings: Option<VecDeque<&'w Opening>>,
    /// Roots after the writes to come; `None` when only the circuit's shape is asked for.
    written: Option<VecDeque<Fr>>,
}

impl<'w> State<'w> {
    /// A state with storage roots of the prover's choice, to be held to a parent state root by
    /// [`root`](Self::root). Absent storages are 0.
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
            roots: variables,
            versions: [0; STORAGES],
            openings: openings.map(|openings| openings.opened.iter().collect()),
            written: openings.map(|openings| openings.written.clone()),
        })
    }

    /// The constraint system.
    pub fn cs(&self) -> &ConstraintSystemRef<Fr> {
        &self.cs
    }

    /// The shape of a storage.
    pub fn shape(&self, storage: u8) -> Shape {
        self.layout.shape(storage)
    }

    /// The state root as of now.
    pub fn root(&self) -> Result<FpVar<Fr>> {
        poseidon::hash(&self.roots)
    }

    /// The record at `index`, as the state has it where `when` is 1.
    pub fn read<R: RecordVar>(&mut self, when: &Bit, index: &Index) -> Result<(R, Place)> {
        let storage = R::Native::STORAGE;
        let _namespace = namespace::enter(&self.cs, R::Native::NAME);
        let opening = self.next_opening()?;
        let record = R::hint(&self.cs, Fields(opening.map(|opening| opening.fields.as_slice())))?;
        let leaf = poseidon::hash(&record.leaf_elements()?)?;
        let place = self.open("state/opening", when, storage, index, leaf, opening)?;
        Ok((record, place))
    }

    /// A place that the state has empty where `when` is 1.
    pub fn vacant<R: RecordVar>(&mut self, when: &Bit, index: &Index) -> Result<Place> {
        let _namespace = namespace::enter(&self.cs, "vacant");
        let opening = self.next_opening()?;
        let empty = FpVar::Constant(Fr::from(0u64));
        self.open("state/vacant", when, R::Native::STORAGE, index, empty, opening)
    }

    /// Puts `record` at `place` where `when` is 1.
    ///
    /// A leaf is 0 in an empty place and nowhere else: a record that hashed to 0 would be a preimage.
    pub fn write<R: RecordVar>(&mut self, when: &Bit, place: Place, record: &R) -> Result<()> {
        let _namespace = namespace::enter(&self.cs, "write");
        let storage = place.storage;
        if storage != R::Native::STORAGE {
            return Err(SynthesisError::ArityMismatch);
        }
        let place = if place.version == self.version(storage)? {
            place
        } else {
            let opening = self.next_opening()?;
            self.open("state/reopening", when, storage, &place.index, place.leaf, opening)?
        };
        let leaf = poseidon::hash(&record.leaf_elements()?)?;
        let written = place.path.root(&leaf)?;
        let claimed = self.next_written()?;
        let after = hint::field(&self.cs, "root_after", || claimed.ok_or(SynthesisError::AssignmentMissing))?;
        let (Some(root), Some(version)) =
            (self.roots.get_mut(usize::from(storage)), self.versions.get_mut(usize::from(storage)))
        else {
            return Err(SynthesisError::ArityMismatch);
        };
        // The root moves to the written one where `when` is 1, and stays where it is 0.
        let [step, taken] = [&written, &after].map(|to| Linear::of(to).plus(-Fr::ONE, root));
        constraint::enforce_product("state/write", when.as_field(), step, taken)?;
        *root = after;
        *version += 1;
        Ok(())
    }

    fn open(
        &self,
        name: &'static str,
        when: &Bit,
        storage: u8,
        index: &Index,
        leaf: FpVar<Fr>,
        opening: Option<&Opening>,
    ) -> Result<Place> {
        let native =
            |path: Option<&NativePath<ARITY>>| path.cloned().ok_or(SynthesisError::AssignmentMissing);
        let path = Path::hint_siblings(&self.cs, index.bits.clone(), || {
            native(opening.map(|opening| &opening.path))
        })?;
        let root = path.root(&leaf)?;
        let current = self.roots.get(usize::from(storage)).ok_or(SynthesisError::ArityMismatch)?;
        when.enforce_equal_if(name, &root, current)?;
        Ok(Place { storage, index: index.clone(), leaf, path, version: self.version(storage)? })
    }

    fn version(&self, storage: u8) -> Result<u64> {
        self.versions.get(usize::from(storage)).copied().ok_or(SynthesisError::ArityMismatch)
    }

    /// The next opening; `None` when only the circuit's shape is asked for.
    fn next_opening(&mut self) -> Result<Option<&'w Opening>> {
        match &mut self.openings {
            None => Ok(None),
            Some(openings) => openings.pop_front().map(Some).ok_or(SynthesisError::AssignmentMissing),
        }
    }

    /// The root that the next write is said to lead to; `None` when only the circuit's shape is asked for.
    fn next_written(&mut self) -> Result<Option<Fr>> {
        match &mut self.written {
            None => Ok(None),
            Some(roots) => roots.pop_front().map(Some).ok_or(SynthesisError::AssignmentMissing),
        }
    }
}
