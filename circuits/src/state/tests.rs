//! The tree natively, its recorder and its circuit are three views of one state.

use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use codec::{Decode, Encode};
use proptest::prelude::*;
use zkpov_verifier::field::Fr;

use super::{circuit::Fields, record::hash_leaf, *};
use crate::{
    bit::Bit,
    constraint, hint,
    soundness::{is_satisfied, violated},
};

const CELLS: u8 = 3;
const LEVELS: usize = 2;
const LAYOUT: Layout = Layout::new(&[(CELLS, Shape::Tree { levels: LEVELS })]);

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
struct Cell(u64);

impl Record for Cell {
    const STORAGE: u8 = CELLS;
    const NAME: &'static str = "a cell";
    const FIELDS: usize = 1;

    fn fields(&self) -> Vec<Fr> {
        vec![self.0.into()]
    }

    fn leaf_elements(fields: &[Fr]) -> Vec<Fr> {
        fields.to_vec()
    }
}

struct CellVar(FpVar<Fr>);

impl circuit::RecordVar for CellVar {
    type Native = Cell;

    fn hint(cs: &ConstraintSystemRef<Fr>, fields: Fields<'_>) -> Result<Self> {
        hint::field(cs, "cell", || fields.get(0)).map(Self)
    }

    fn leaf_elements(&self) -> Result<Vec<FpVar<Fr>>> {
        Ok(vec![self.0.clone()])
    }
}

/// The state of these cells.
fn with_cells(cells: &[(u32, u64)]) -> (Fr, ChangeSet) {
    let nothing = ChangeSet::default();
    let mut state = State::new(&LAYOUT, &nothing);
    for (index, value) in cells {
        state.write(*index, &Cell(*value));
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
                state.write(*index, &Cell(*value));
                let (_, place) = recorder.read::<Cell>(*index).expect("memory");
                recorder.write::<Cell>(place, Cell(*value).fields()).expect("memory");
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

/// Reads two cells and writes both, the second after the first: its path may be stale by then.
struct Swap<'a> {
    below: &'a ChangeSet,
    places: [u32; 2],
    when: bool,
}

impl Swap<'_> {
    /// The openings, and the state root after it.
    fn record(&self) -> (Openings, Fr) {
        let mut recorder = Recorder::new(&LAYOUT, self.below);
        let read: Vec<_> = self.places.map(|i| recorder.read::<Cell>(i).expect("memory")).into();
        for ((_, place), (value, _)) in read.iter().zip(read.iter().rev()) {
            if self.when {
                recorder.write::<Cell>(*place, value.clone()).expect("memory");
            } else {
                recorder.skip_write::<Cell>().expect("memory");
            }
        }
        let root = hash_storages(&recorder.storage_roots().expect("memory"));
        let mut openings = recorder.into_openings();
        if !self.when {
            // The circuit opens the second place again, used or not.
            let again = Opening { fields: Vec::new(), ..openings.opened[1].clone() };
            openings.opened.push_back(again);
        }
        (openings, root)
    }

    fn circuit(&self, cs: ConstraintSystemRef<Fr>, openings: &Openings, after: Fr) -> Result<()> {
        let roots = storage_roots(self.below, &LAYOUT).expect("memory");
        let mut state = circuit::State::hint(&cs, &LAYOUT, Some(&roots), Some(openings))?;
        constraint::enforce_equal("before", &state.root()?, &FpVar::Constant(hash_storages(&roots)))?;
        let when = hint::bit(&cs, "when", || Ok(self.when))?;
        constraint::enforce_equal("when", when.as_field(), Bit::constant(self.when).as_field())?;
        let index = |i: usize| circuit::Index::hint(&cs, "index", LAYOUT.shape(CELLS), || Ok(self.places[i]));
        let [(first, at_first), (second, at_second)] =
            [state.read::<CellVar>(&when, &index(0)?)?, state.read::<CellVar>(&when, &index(1)?)?];
        state.write(&when, at_first, &second)?;
        state.write(&when, at_second, &first)?;
        constraint::enforce_equal("after", &state.root()?, &FpVar::Constant(after))
    }
}

#[test]
fn a_write_after_another_write_opens_its_place_again() {
    let (_, below) = with_cells(&[(3, 33), (4, 44), (60, 66)]);
    // Neighbours, whose paths share every node, and strangers, which share the root.
    for places in [[3, 4], [3, 60], [60, 3]] {
        let swap = Swap { below: &below, places, when: true };
        let (openings, after) = swap.record();
        assert_eq!(openings.opened.len(), 3);
        assert_eq!(violated(|cs| swap.circuit(cs, &openings, after)), Ok(vec![]));
        let cells = [(3, 33), (4, 44), (60, 66)].map(|(i, v)| {
            let other = |a: u32, b: u32| {
                (i == a).then(|| [(3, 33), (4, 44), (60, 66)].iter().find(|c| c.0 == b).expect("a cell").1)
            };
            (i, other(places[0], places[1]).or(other(places[1], places[0])).unwrap_or(v))
        });
        assert_eq!(after, with_cells(&cells).0);
    }
}

#[test]
fn a_record_read_before_it_was_overwritten_is_refused() {
    let (_, below) = with_cells(&[(3, 33), (4, 44)]);
    // The same place twice: the second write would bring back what the first read replaced.
    let swap = Swap { below: &below, places: [3, 3], when: true };
    let (openings, after) = swap.record();
    // Both hold the same value, so that nothing changes and nothing is refused.
    assert_eq!(is_satisfied(|cs| swap.circuit(cs, &openings, after)), Ok(true));

    let double = |cs: ConstraintSystemRef<Fr>| {
        let mut recorder = Recorder::new(&LAYOUT, &below);
        let places = [(); 2].map(|()| recorder.read::<Cell>(3).expect("memory").1);
        for (place, value) in places.into_iter().zip([70u64, 80]) {
            recorder.write::<Cell>(place, vec![value.into()]).expect("memory");
        }
        let openings = recorder.into_openings();
        let roots = storage_roots(&below, &LAYOUT).expect("memory");
        let mut state = circuit::State::hint(&cs, &LAYOUT, Some(&roots), Some(&openings))?;
        let always = Bit::constant(true);
        let index = circuit::Index::hint(&cs, "index", LAYOUT.shape(CELLS), || Ok(3))?;
        let places = [state.read::<CellVar>(&always, &index)?.1, state.read::<CellVar>(&always, &index)?.1];
        for (place, value) in places.into_iter().zip([70u64, 80]) {
            let value = hint::field(&cs, "value", || Ok(value.into()))?;
            state.write(&always, place, &CellVar(value))?;
        }
        Ok(())
    };
    let names: Vec<_> =
        violated(double).expect("a circuit").into_iter().map(|violation| violation.name).collect();
    assert_eq!(names, ["state/reopening"]);
}

#[test]
fn where_when_is_zero_no_root_moves_and_no_record_is_held_to_the_state() {
    let (root, below) = with_cells(&[(3, 33), (4, 44)]);
    let swap = Swap { below: &below, places: [3, 4], when: false };
    let (mut openings, after) = swap.record();
    assert_eq!(after, root);
    for opening in &mut openings.opened {
        opening.fields.iter_mut().for_each(|field| *field += Fr::ONE);
        opening.path.children[0][7] += Fr::ONE;
    }
    assert_eq!(violated(|cs| swap.circuit(cs, &openings, after)), Ok(vec![]));
    let used = Swap { when: true, ..swap };
    assert_eq!(is_satisfied(|cs| used.circuit(cs, &openings, after)), Ok(false));
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
