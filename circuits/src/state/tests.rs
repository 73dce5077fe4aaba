//! The tree natively, its recorder and its circuit are three views of one state.

use ark_ff::AdditiveGroup;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use proptest::prelude::*;
use zkpov_verifier::field::Fr;

use super::{record::hash_leaf, *};
use crate::{
    bit::Bit,
    constraint,
    gadgets::range::Uint,
    hint,
    soundness::{is_satisfied, violated},
};

pub(super) const CELLS: u8 = 3;
pub(super) const LEVELS: usize = 2;
pub(super) const LAYOUT: Layout = Layout::new(&[(CELLS, Shape::Tree { levels: LEVELS })]);

crate::record! {
    /// A record of one number.
    pub(super) struct Cell / CellVar ("cell", "a cell") in CELLS; {
        /// The number.
        value: u64,
    }
}

/// The state of these cells.
pub(super) fn with_cells(cells: &[(u32, u64)]) -> (Fr, ChangeSet) {
    let nothing = ChangeSet::default();
    let mut state = State::new(&LAYOUT, &nothing);
    for (index, value) in cells {
        state.write(*index, &Cell { value: *value });
    }
    state.commit().expect("memory")
}

/// The root, hashed leaf by leaf from nothing.
fn naive_root(cells: &std::collections::BTreeMap<u32, u64>) -> Fr {
    let mut nodes: Vec<Fr> = (0..ARITY.pow(LEVELS as u32) as u32)
        .map(|index| cells.get(&index).map_or(Fr::ZERO, |value| hash_leaf(&[Fr::from(*value)])))
        .collect();
    while nodes.len() > 1 {
        nodes = nodes.as_chunks::<ARITY>().0.iter().map(hash_node).collect();
    }
    let mut roots = [Fr::ZERO; STORAGES];
    roots[usize::from(CELLS)] = nodes[0];
    hash_storages(&roots)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn batches_single_writes_and_a_naive_tree_have_one_root(
        batches in prop::collection::vec(prop::collection::vec((0u32..64, any::<u64>()), 0..9), 1..4)
    ) {
        let mut below = ChangeSet::default();
        let mut cells = std::collections::BTreeMap::new();
        for batch in &batches {
            let mut state = State::new(&LAYOUT, &below);
            let mut recorder = Recorder::new(&LAYOUT, &below);
            for (index, value) in batch {
                state.write(*index, &Cell { value: *value });
                recorder.read::<Cell>(*index).expect("memory");
                recorder.write::<Cell>(*index, Cell { value: *value }.elements()).expect("memory");
                cells.insert(*index, *value);
            }
            let recorded = hash_storages(&recorder.storage_roots().expect("memory"));
            let (root, changes) = state.commit().expect("memory");
            below.extend(changes);
            prop_assert_eq!(root, naive_root(&cells));
            prop_assert_eq!(root, recorded);
            prop_assert_eq!(root, state_root(&below).expect("committed"));
        }
        for index in 0..64 {
            let proof = MerkleProof::of::<Cell>(&below, &LAYOUT, index).expect("memory");
            prop_assert_eq!(proof.leaf_elements.is_empty(), !cells.contains_key(&index));
            prop_assert_eq!(proof.state_root(), Some(naive_root(&cells)));
        }
    }
}

/// One access of a block under test.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Reads a cell.
    Read(u32),
    /// Finds a place vacant.
    Vacant(u32),
    /// Writes to the place of the access with this number.
    Write(usize, u64),
    /// Reads where `when` is 0.
    Unused(u32),
}

/// A block of these accesses.
pub(super) struct Block<'a> {
    pub(super) layout: &'a Layout,
    pub(super) below: &'a ChangeSet,
    pub(super) plan: Option<OpeningPlan>,
    pub(super) steps: &'a [Step],
}

impl Block<'_> {
    /// The openings, and the state root after it.
    pub(super) fn record(&self) -> (Openings, Fr) {
        let mut recorder = Recorder::new(self.layout, self.below);
        if let Some(plan) = self.plan {
            recorder.plan(CELLS, plan);
        }
        let mut places = Vec::new();
        for step in self.steps {
            match *step {
                Step::Read(index) => {
                    recorder.read::<Cell>(index).expect("memory");
                    places.push(Some(index));
                }
                Step::Vacant(index) => {
                    recorder.vacant::<Cell>(index).expect("memory");
                    places.push(Some(index));
                }
                Step::Write(access, value) => {
                    recorder
                        .write::<Cell>(places[access].expect("a place"), vec![value.into()])
                        .expect("memory");
                }
                Step::Unused(_) => {
                    recorder.skip::<Cell>(vec![Fr::from(7u64)]);
                    places.push(None);
                }
            }
        }
        let root = hash_storages(&recorder.storage_roots().expect("memory"));
        (recorder.into_openings().expect("places enough"), root)
    }

    /// The circuit, up to what the accesses were compared by.
    pub(super) fn argue(
        &self,
        cs: &ConstraintSystemRef<Fr>,
        openings: &Openings,
    ) -> Result<circuit::Argument> {
        let roots = storage_roots(self.below, self.layout).expect("memory");
        let mut state = circuit::State::hint(cs, self.layout, Some(&roots), Some(openings))?;
        if let Some(plan) = self.plan {
            state.plan(CELLS, plan);
        }
        constraint::enforce_equal("before", &state.root_before()?, &FpVar::Constant(hash_storages(&roots)))?;
        let shape = self.layout.shape(CELLS);
        let mut places = Vec::new();
        for step in self.steps {
            match *step {
                Step::Read(place) | Step::Unused(place) | Step::Vacant(place) => {
                    let index = circuit::Index::hint(cs, "index", shape, || Ok(place))?;
                    constraint::enforce_equal("index", index.as_field(), &FpVar::Constant(place.into()))?;
                    let used = !matches!(step, Step::Unused(_));
                    let when = hint::bit(cs, "when", || Ok(used))?;
                    constraint::enforce_equal("when", when.as_field(), Bit::constant(used).as_field())?;
                    let access = match step {
                        Step::Vacant(_) => state.vacant::<Cell>(&when, &index)?,
                        _ => state.read::<Cell>(&when, &index)?.1,
                    };
                    places.push(Some((when, access)));
                }
                Step::Write(access, value) => {
                    let (when, place) = places[access].take().expect("a place");
                    let written = hint::field(cs, "value", || Ok(value.into()))?;
                    constraint::enforce_equal("value", &written, &FpVar::Constant(value.into()))?;
                    state.write::<Cell>(&when, place, &CellVar { value: Uint::trust(written) })?;
                }
            }
        }
        state.argue()
    }

    pub(super) fn circuit(&self, cs: ConstraintSystemRef<Fr>, openings: &Openings) -> Result<()> {
        self.argue(&cs, openings).map(drop)
    }

    /// Whether the honest witness is accepted with this root after the block.
    fn ends_at(&self, root: Fr) -> bool {
        let (openings, _) = self.record();
        let circuit = |cs: ConstraintSystemRef<Fr>| {
            let after = self.argue(&cs, &openings)?.root;
            constraint::enforce_equal("after", &after, &FpVar::Constant(root))
        };
        is_satisfied(circuit).expect("a circuit")
    }
}

/// Plans that share no, one and both of two levels.
fn plans(places: usize) -> [OpeningPlan; 3] {
    [0, 1, 2].map(|top_levels| OpeningPlan { places, top_levels })
}

#[test]
fn accesses_in_any_order_end_where_native_code_does() {
    let (_, below) = with_cells(&[(3, 33), (4, 44), (60, 66)]);
    use Step::*;
    let blocks: [&[Step]; 6] = [
        // Two read, then both written; neighbours and strangers.
        &[Read(3), Read(4), Write(1, 1), Write(0, 2)],
        &[Read(60), Read(3), Write(0, 1), Write(1, 2)],
        // One place again and again, read alone too.
        &[Read(3), Write(0, 1), Read(3), Read(3), Write(2, 2), Read(4), Read(3), Write(4, 3)],
        &[Vacant(5), Write(0, 9), Read(5), Write(1, 10), Vacant(61)],
        // Nothing written; nothing used.
        &[Read(3), Read(3)],
        &[Unused(3), Unused(60)],
    ];
    for steps in blocks {
        let mut cells = std::collections::BTreeMap::from([(3, 33), (4, 44), (60, 66)]);
        let mut accessed = Vec::new();
        for step in steps {
            match step {
                Write(access, value) => drop(cells.insert(accessed[*access], *value)),
                Read(index) | Vacant(index) | Unused(index) => accessed.push(*index),
            }
        }
        for plan in plans(5).map(Some).into_iter().chain([None]) {
            let block = Block { layout: &LAYOUT, below: &below, plan, steps };
            assert!(block.ends_at(naive_root(&cells)), "{steps:?} by {plan:?}");
            assert_eq!(block.record().1, naive_root(&cells));
        }
    }
}

#[test]
fn a_place_read_again_before_it_is_written_has_no_witness() {
    let (_, below) = with_cells(&[(3, 33)]);
    let steps = [Step::Read(3), Step::Read(3), Step::Write(0, 1), Step::Write(1, 2)];
    let block = Block { layout: &LAYOUT, below: &below, plan: None, steps: &steps };
    let (openings, _) = block.record();
    let names: Vec<_> =
        violated(|cs| block.circuit(cs, &openings)).expect("a circuit").iter().map(|v| v.name).collect();
    assert_eq!(names, ["state/one view of a place", "state/memory"]);
}

#[test]
fn where_when_is_zero_no_record_is_held_to_the_state_and_none_changes() {
    let (root, below) = with_cells(&[(3, 33), (4, 44)]);
    let steps = [Step::Unused(3), Step::Write(0, 1)];
    for plan in plans(2) {
        let block = Block { layout: &LAYOUT, below: &below, plan: Some(plan), steps: &steps[..1] };
        let (openings, _) = block.record();
        // The same witness, and a write.
        let block = Block { steps: &steps, ..block };
        let circuit = |cs: ConstraintSystemRef<Fr>| {
            let after = block.argue(&cs, &openings)?.root;
            constraint::enforce_equal("after", &after, &FpVar::Constant(root))
        };
        assert_eq!(violated(circuit), Ok(vec![]));
    }
}

#[test]
fn the_matrices_do_not_depend_on_what_is_touched() {
    let (_, below) = with_cells(&[(3, 33), (4, 44), (60, 66)]);
    for plan in plans(4) {
        let digest = |steps: &[Step]| {
            let block = Block { layout: &LAYOUT, below: &below, plan: Some(plan), steps };
            let (openings, _) = block.record();
            // Indices are constants of the test's circuit: take them from a hint alone.
            let circuit = |cs: ConstraintSystemRef<Fr>| {
                let roots = storage_roots(&below, &LAYOUT).expect("memory");
                let mut state = circuit::State::hint(&cs, &LAYOUT, Some(&roots), Some(&openings))?;
                state.plan(CELLS, plan);
                for step in steps {
                    let Step::Read(place) = *step else { unreachable!("reads alone") };
                    let index = circuit::Index::hint(&cs, "index", LAYOUT.shape(CELLS), || Ok(place))?;
                    let _read = state.read::<Cell>(&Bit::constant(true), &index)?;
                }
                state.close().map(drop)
            };
            crate::r1cs::R1cs::synthesize(circuit).expect("a shape").digest()
        };
        assert_eq!(digest(&[Step::Read(3), Step::Read(4)]), digest(&[Step::Read(60), Step::Read(60)]));
    }
}

#[test]
fn more_places_than_a_plan_opens_are_an_error() {
    let (_, below) = with_cells(&[(3, 33)]);
    let mut recorder = Recorder::new(&LAYOUT, &below);
    recorder.plan(CELLS, OpeningPlan { places: 1, top_levels: 1 });
    for index in [3, 3, 4] {
        recorder.read::<Cell>(index).expect("memory");
    }
    let error = recorder.into_openings().expect_err("two places");
    assert!(error.to_string().contains("touches 2 places of storage 3, and its circuit opens 1"), "{error}");
}

#[test]
fn damaged_values_are_named() {
    let (_, mut below) = with_cells(&[(3, 33)]);
    below.put(keys::record(CELLS, 3), vec![1]);
    let error = read_record::<Cell>(&below, 3).expect_err("damaged");
    assert!(error.to_string().contains("a cell"), "{error}");
    below.put(keys::ROOT.to_vec(), vec![0xff; 32]);
    assert!(state_root(&below).expect_err("not canonical").to_string().contains("a field element"));
    assert!(state_root(&ChangeSet::default()).expect_err("empty").to_string().contains("genesis"));
}
