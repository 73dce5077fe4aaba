//! Forged accesses: complete dishonest witnesses of the memory and opening arguments, and the constraints that refuse
//! each.
//!
//! Each is refused by the constraints named, by no other, and accepted without them.

use std::{cell::Cell as Slot, collections::BTreeSet};

use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::ConstraintSystemRef;
use zkpov_verifier::field::Fr;

use super::{
    record::hash_leaf,
    tests::{Block, CELLS, LAYOUT, Step, with_cells},
    witness::{Touch, open_places},
    *,
};
use crate::{
    r1cs::assignment,
    seam::{Replacement, Session, with_session},
    soundness::{Audit, is_satisfied, violated, without},
};

/// Levels of a path below a plan that shares one of [`LAYOUT`]'s two.
const PATH_LEVELS: usize = 1;

/// Index bits of [`LAYOUT`].
const INDEX_BITS: u64 = 6;

/// Cell 0 has places 3 and 4, cell 7 has place 60.
fn below() -> ChangeSet {
    with_cells(&[(3, 33), (4, 44), (60, 66)]).1
}

fn sharing_one_level(places: usize) -> OpeningPlan {
    OpeningPlan { places, top_levels: 1 }
}

fn leaf(value: u64) -> Fr {
    hash_leaf(&[value.into()])
}

/// A place that goes from one leaf to another, last accessed at a time.
fn touch(index: u32, [before, after]: [Fr; 2], last: u64) -> (u32, Touch) {
    (index, Touch { before, after, last })
}

impl Block<'_> {
    /// The honest openings with places opened in this order instead.
    fn opened(&self, mut openings: Openings, touches: &[(u32, Touch)]) -> Openings {
        let plan = self.plan.expect("a plan");
        openings.trees[usize::from(CELLS)] =
            open_places(self.below, CELLS, PATH_LEVELS, plan, touches).expect("memory");
        openings
    }

    #[track_caller]
    fn refused_by<const N: usize>(&self, openings: &Openings, names: [&'static str; N]) {
        let circuit = |cs| self.circuit(cs, openings);
        let violations = violated(circuit).expect("a circuit");
        let found: BTreeSet<&str> = violations.iter().map(|violation| violation.name).collect();
        assert_eq!(found, BTreeSet::from(names), "{violations:?}");
        assert!(
            without(&names, || is_satisfied(circuit)).expect("a circuit"),
            "still refused without {names:?}"
        );
    }
}

fn tree(openings: &mut Openings) -> &mut Multiopening {
    &mut openings.trees[usize::from(CELLS)]
}

/// A block on [`below`] that opens this many places.
macro_rules! block {
    ($below:ident, $places:expr, $steps:expr) => {
        Block { layout: &LAYOUT, below: &$below, plan: Some(sharing_one_level($places)), steps: $steps }
    };
}

#[test]
fn honest_openings_are_accepted() {
    let below = below();
    let block = block!(below, 4, &[Step::Read(3), Step::Write(0, 50), Step::Read(60), Step::Read(3)]);
    let (openings, _) = block.record();
    assert_eq!(violated(|cs| block.circuit(cs, &openings)), Ok(vec![]));
}

// The memory.

#[test]
fn a_stale_read_is_refused() {
    let below = below();
    let block = block!(below, 2, &[Step::Read(3), Step::Write(0, 50), Step::Read(3)]);
    let (mut openings, _) = block.record();
    openings.accesses[1] =
        Access { storage: CELLS, there: true, fields: vec![33u64.into()], previous: Fr::ZERO };
    block.refused_by(&openings, ["state/memory"]);
}

/// Memory has nothing against it: the write counts as of the read.
#[test]
fn a_read_of_what_is_still_to_be_written_is_refused() {
    let below = below();
    let block = block!(below, 2, &[Step::Read(3), Step::Read(3), Step::Write(0, 50)]);
    let (mut openings, _) = block.record();
    openings.accesses[1].fields = vec![50u64.into()];
    block.refused_by(&openings, ["state/one view of a place"]);
}

#[test]
fn an_access_without_effect_is_no_view() {
    let below = below();
    let block = block!(below, 3, &[Step::Read(3), Step::Unused(3), Step::Read(4), Step::Write(0, 50)]);
    let (openings, _) = block.record();
    assert_eq!(violated(|cs| block.circuit(cs, &openings)), Ok(vec![]));
}

#[test]
fn an_invented_record_is_refused() {
    let below = below();
    let block = block!(below, 2, &[Step::Read(5)]);
    let (mut openings, _) = block.record();
    openings.accesses[0].fields = vec![1_000_000u64.into()];
    block.refused_by(&openings, ["state/memory"]);
}

#[test]
fn a_place_that_is_not_vacant_is_refused() {
    let below = below();
    let block = block!(below, 1, &[Step::Vacant(3), Step::Write(0, 50)]);
    let (openings, _) = block.record();
    block.refused_by(&openings, ["state/memory"]);
}

#[test]
fn a_lost_update_is_refused() {
    let below = below();
    let block = block!(below, 2, &[Step::Read(3), Step::Write(0, 50)]);
    let (openings, _) = block.record();
    let stays = [leaf(33), leaf(33)];
    for last in [0, 1] {
        let lost = block.opened(openings.clone(), &[touch(3, stays, last), touch(60, [leaf(66); 2], 0)]);
        block.refused_by(&lost, ["state/memory"]);
    }
}

#[test]
fn a_dropped_access_is_refused() {
    let below = below();
    let steps = [
        Step::Read(3),
        Step::Write(0, 50),
        Step::Read(3),
        Step::Write(1, 60),
        Step::Read(3),
        Step::Write(2, 70),
    ];
    let block = block!(below, 1, &steps);
    let (mut openings, _) = block.record();
    // The third goes on from the first as if the second had not been.
    openings.accesses[2] =
        Access { storage: CELLS, there: true, fields: vec![50u64.into()], previous: Fr::ONE };
    block.refused_by(&openings, ["state/memory"]);
}

/// The third access is told as if it were before the second, all else consistent.
#[test]
fn a_value_from_the_future_is_refused() {
    let below = below();
    let steps = [Step::Read(60), Step::Read(3), Step::Write(1, 50), Step::Read(3), Step::Write(2, 70)];
    let block = block!(below, 2, &steps);
    let (openings, _) = block.record();
    let mut exchanged = openings.clone();
    exchanged.accesses[2] =
        Access { storage: CELLS, there: true, fields: vec![33u64.into()], previous: Fr::ZERO };
    exchanged.accesses[1] =
        Access { storage: CELLS, there: true, fields: vec![70u64.into()], previous: Fr::from(3u64) };
    let exchanged =
        block.opened(exchanged, &[touch(3, [leaf(33), leaf(50)], 2), touch(60, [leaf(66), leaf(66)], 1)]);
    block.refused_by(&exchanged, ["state/time order"]);
    // Nor may an access go on from itself.
    let mut own = openings;
    own.accesses[1] =
        Access { storage: CELLS, there: true, fields: vec![50u64.into()], previous: Fr::from(2u64) };
    own.accesses[2] = Access { storage: CELLS, there: true, fields: vec![33u64.into()], previous: Fr::ZERO };
    let own = block.opened(own, &[touch(3, [leaf(33), leaf(70)], 3), touch(60, [leaf(66), leaf(66)], 1)]);
    block.refused_by(&own, ["state/time order"]);
}

#[test]
fn accesses_exchanged_with_times_in_order_are_refused() {
    let below = below();
    let block = block!(below, 1, &[Step::Read(3), Step::Write(0, 50), Step::Read(3), Step::Write(1, 70)]);
    let (mut openings, _) = block.record();
    openings.accesses[0].fields = vec![70u64.into()];
    openings.accesses[1] =
        Access { storage: CELLS, there: true, fields: vec![33u64.into()], previous: Fr::ZERO };
    let exchanged = block.opened(openings, &[touch(3, [leaf(33), leaf(50)], 1)]);
    block.refused_by(&exchanged, ["state/memory"]);
}

#[test]
fn an_unused_slot_that_writes_is_refused() {
    let below = below();
    let block = block!(below, 1, &[Step::Unused(3), Step::Write(0, 50)]);
    let (openings, _) = Block { steps: &[Step::Unused(3)], ..block }.record();
    let block = block!(below, 1, &[Step::Unused(3), Step::Write(0, 50)]);
    let written = block.opened(openings, &[touch(3, [leaf(33), leaf(50)], 1)]);
    block.refused_by(&written, ["state/memory"]);
}

#[test]
fn an_opening_that_no_access_needs_and_that_writes_is_refused() {
    let below = below();
    let block = block!(below, 2, &[Step::Read(3)]);
    let (openings, _) = block.record();
    let written =
        block.opened(openings, &[touch(3, [leaf(33); 2], 1), touch(60, [leaf(66), leaf(1_000_000)], 0)]);
    block.refused_by(&written, ["state/memory"]);
}

/// A time is above the index in a tuple: 1/2^6 of a time more is a place more.
#[test]
fn a_time_that_stands_for_another_place_is_refused() {
    let below = below();
    let block = block!(below, 2, &[Step::Read(3), Step::Write(0, 50), Step::Read(4), Step::Write(1, 60)]);
    let (openings, _) = block.record();
    // Each place is left with what was written to the other.
    let mut crossed =
        block.opened(openings, &[touch(3, [leaf(33), leaf(60)], 2), touch(4, [leaf(44), leaf(50)], 1)]);
    let place = Fr::from(1 << INDEX_BITS).inverse().expect("not zero");
    tree(&mut crossed).places[0].last += place;
    tree(&mut crossed).places[1].last -= place;
    block.refused_by(&crossed, ["state/last time"]);
}

// The openings.

/// Opened twice, a place has two leaves to read: one before it was written.
fn opened_twice(block: &Block<'_>, touches: &[(u32, Touch)]) -> Openings {
    let (mut openings, _) = block.record();
    openings.accesses[0].fields = vec![50u64.into()];
    openings.accesses[1] =
        Access { storage: CELLS, there: true, fields: vec![33u64.into()], previous: Fr::ZERO };
    block.opened(openings, touches)
}

const TWICE: [Step; 4] = [Step::Read(3), Step::Write(0, 60), Step::Read(3), Step::Write(1, 50)];

#[test]
fn a_place_opened_twice_in_a_run_is_refused() {
    let below = below();
    let block = block!(below, 2, &TWICE);
    let twice = opened_twice(&block, &[touch(3, [leaf(33), leaf(50)], 2), touch(3, [leaf(50), leaf(60)], 1)]);
    block.refused_by(&twice, ["state/places ascend"]);
    // With another place between, the order is down.
    let block = block!(below, 3, &TWICE);
    let touches = [
        touch(3, [leaf(33), leaf(50)], 2),
        touch(4, [leaf(44), leaf(44)], 0),
        touch(3, [leaf(50), leaf(60)], 1),
    ];
    block.refused_by(&opened_twice(&block, &touches), ["state/places ascend"]);
}

#[test]
fn a_place_opened_twice_in_two_runs_is_refused() {
    let below = below();
    let block = block!(below, 3, &TWICE);
    let touches = [
        touch(3, [leaf(33), leaf(50)], 2),
        touch(60, [leaf(66), leaf(66)], 0),
        touch(3, [leaf(50), leaf(60)], 1),
    ];
    block.refused_by(&opened_twice(&block, &touches), ["state/cells"]);
    // Or in a run that pretends to be two.
    let block = block!(below, 2, &TWICE);
    let mut split =
        opened_twice(&block, &[touch(3, [leaf(33), leaf(50)], 2), touch(3, [leaf(50), leaf(60)], 1)]);
    tree(&mut split).places[1].first = true;
    block.refused_by(&split, ["state/cells"]);
}

#[test]
fn a_cell_changed_without_a_place_in_it_is_refused() {
    let below = below();
    let block = block!(below, 1, &[Step::Read(3)]);
    let (mut openings, _) = block.record();
    let mut changed = tree(&mut openings).cells[7];
    changed.after += Fr::ONE;
    tree(&mut openings).cells[7] = changed;
    block.refused_by(&openings, ["state/untouched cell"]);
    tree(&mut openings).cells[7].touched = true;
    block.refused_by(&openings, ["state/cells"]);
}

#[test]
fn a_run_that_begins_at_another_root_than_its_cells_is_refused() {
    let below = below();
    let block = block!(below, 1, &[Step::Read(3), Step::Write(0, 50)]);
    let (mut openings, _) = block.record();
    openings.accesses[0].fields = vec![1_000_000u64.into()];
    tree(&mut openings).places[0].before = leaf(1_000_000);
    block.refused_by(&openings, ["state/cells"]);
    // A run that changes nothing too: it would read what is not there.
    let block = block!(below, 1, &[Step::Read(3)]);
    let (mut openings, _) = block.record();
    openings.accesses[0].fields = vec![1_000_000u64.into()];
    let place = &mut tree(&mut openings).places[0];
    (place.before, place.after) = (leaf(1_000_000), leaf(1_000_000));
    block.refused_by(&openings, ["state/cells"]);
}

#[test]
fn a_run_that_ends_at_another_root_than_its_cells_is_refused() {
    let below = below();
    let block = block!(below, 1, &[Step::Read(3), Step::Write(0, 50)]);
    let (mut openings, _) = block.record();
    // The state keeps what it had.
    let cell = &mut tree(&mut openings).cells[0];
    cell.after = cell.before;
    block.refused_by(&openings, ["state/cells"]);
}

#[test]
fn a_run_that_goes_on_from_another_root_is_refused() {
    let below = below();
    let block = block!(below, 2, &[Step::Read(4), Step::Write(0, 50)]);
    let (openings, _) = block.record();
    let mut jumped = block.opened(openings, &[touch(3, [leaf(33); 2], 0), touch(4, [leaf(44), leaf(50)], 1)]);
    jumped.accesses[0].fields = vec![1_000_000u64.into()];
    tree(&mut jumped).places[1].before = leaf(1_000_000);
    block.refused_by(&jumped, ["state/run root"]);
}

/// Place 58 of cell 7 by the path to place 2 of cell 0, in a run that ends in cell 0.
#[test]
fn a_run_of_two_cells_is_refused() {
    let below = with_cells(&[(2, 22), (3, 33), (58, 88)]).1;
    let block = block!(below, 2, &[Step::Read(58), Step::Write(0, 50)]);
    let (openings, _) = block.record();
    let mut crossed =
        block.opened(openings, &[touch(2, [leaf(22), leaf(50)], 1), touch(3, [leaf(33), leaf(33)], 0)]);
    crossed.accesses[0].fields = vec![22u64.into()];
    tree(&mut crossed).places[0].index = 58;
    block.refused_by(&crossed, ["state/run cell"]);
}

#[test]
fn cells_of_another_state_are_refused() {
    let below = below();
    let block = block!(below, 1, &[Step::Read(3)]);
    let (mut openings, _) = block.record();
    openings.accesses[0].fields = vec![1_000_000u64.into()];
    let rich = with_cells(&[(3, 1_000_000), (4, 44), (60, 66)]).1;
    let theirs =
        open_places(&rich, CELLS, PATH_LEVELS, sharing_one_level(1), &[touch(3, [leaf(1_000_000); 2], 1)]);
    *tree(&mut openings) = theirs.expect("memory");
    block.refused_by(&openings, ["state/root before"]);
    // And where no level is shared.
    let plan = OpeningPlan { places: 1, top_levels: 0 };
    let block = Block { plan: Some(plan), ..block };
    let theirs = open_places(&rich, CELLS, 2, plan, &[touch(3, [leaf(1_000_000); 2], 1)]);
    *tree(&mut openings) = theirs.expect("memory");
    block.refused_by(&openings, ["state/root before"]);
}

// The log.

/// What the log is made of, as the circuit names it.
const LOGGED: [&str; 6] = [
    "state/log/roots",
    "state/log/accesses",
    "state/log/leaves",
    "state/log/places",
    "state/log/subtrees",
    "state/log/cells",
];

/// Paths of hints whose value can change with the challenges as they are and a fraction moved: what a prover could
/// choose once it knows the challenges.
fn chosen_after_the_challenges(block: &Block<'_>) -> Vec<String> {
    let (openings, _) = block.record();
    let run = |session| {
        let point = Slot::new(Fr::ZERO);
        let (values, session) = with_session(session, || {
            assignment(|cs| {
                let [_, challenge] = block.argue(&cs, &openings)?.challenges.expect("accesses");
                point.set(challenge.value()?);
                Ok(())
            })
        });
        (point.get(), values.expect("values"), session)
    };
    let (point, honest, session) = run(Session { record: true, ..Session::default() });
    let fractions: Vec<usize> = session
        .hints
        .iter()
        .filter(|hint| hint.path.ends_with("/fraction"))
        .map(|hint| hint.witness + 1)
        .collect();
    assert!(!fractions.is_empty(), "nothing is compared");
    let mut chosen = Vec::new();
    for (number, hint) in
        session.hints.iter().enumerate().filter(|(_, hint)| !hint.path.ends_with("/fraction"))
    {
        let changed = honest[hint.witness + 1] + Fr::from(5u64);
        let (moved, values, _) =
            run(Session { replace: Some((number, Replacement(changed))), ..Session::default() });
        if moved == point && fractions.iter().any(|fraction| values[*fraction] != honest[*fraction]) {
            chosen.push(hint.path.clone());
        }
    }
    chosen
}

#[test]
fn nothing_that_is_compared_is_chosen_after_the_challenges() {
    let below = below();
    let steps = [
        Step::Read(3),
        Step::Write(0, 50),
        Step::Vacant(9),
        Step::Write(1, 5),
        Step::Read(3),
        Step::Write(2, 60),
        Step::Unused(60),
    ];
    let block = block!(below, 4, &steps);
    assert_eq!(chosen_after_the_challenges(&block), Vec::<String>::new());
    for name in LOGGED {
        let chosen = without(&[name], || chosen_after_the_challenges(&block));
        assert!(!chosen.is_empty(), "nothing needs {name} in the log");
    }
}

/// With subtree roots left out of the log, the leaves of a tree whose levels are all shared can be chosen after the
/// challenges: two sums to meet and two leaves to meet them by, one quadratic equation.
#[test]
fn leaves_chosen_after_the_challenges_would_be_accepted_and_are_in_the_log() {
    const SMALL: Layout = Layout::new(&[(CELLS, Shape::Tree { levels: 1 })]);
    const PLACE: u64 = 3;
    /// Index bits of [`SMALL`].
    const PLACES: u64 = 8;
    let nothing = ChangeSet::default();
    let mut state = State::new(&SMALL, &nothing);
    state.write(PLACE as u32, &super::tests::Cell { value: 33 });
    let (_, below) = state.commit().expect("memory");
    let steps = [Step::Read(PLACE as u32), Step::Write(0, 50)];
    let plan = Some(OpeningPlan { places: 1, top_levels: 1 });
    let block = Block { layout: &SMALL, below: &below, plan, steps: &steps };
    let (honest, _) = block.record();
    let forged = (1_000_000u64..1_000_064).find_map(|pretended| {
        let mut openings = honest.clone();
        openings.accesses[0].fields = vec![pretended.into()];
        let challenges = Slot::new([Fr::ZERO; 2]);
        let read_challenges = |cs: ConstraintSystemRef<Fr>| {
            let [part, point]: [FpVar<Fr>; 2] = block.argue(&cs, &openings)?.challenges.expect("accesses");
            challenges.set([part.value()?, point.value()?]);
            Ok(())
        };
        without(&["state/log/subtrees"], || assignment(read_challenges)).expect("values");
        let [part, point] = challenges.get();
        // Of the memory: 1/(d0 - βb) - 1/(d1 - βa) = gap, for the leaves b before and a after.
        let (d0, d1) = (point - Fr::from(PLACE), point - Fr::from(PLACE + PLACES));
        let inverse = |x: Fr| x.inverse().expect("not zero");
        let gap = inverse(d0 - part * leaf(pretended)) - inverse(d1 - part * leaf(50));
        // Of the cells: b + βa is what it is in the state, so that d0 - βb = p - βq for q = d1 - βa.
        let p = d0 - part * (leaf(33) + part * leaf(50) - d1);
        let (a2, a1) = (gap * part, Fr::ONE + part - gap * p);
        let root = (a1.square() + a2.double().double() * p).sqrt()?;
        let q = (root - a1) * inverse(a2.double());
        let place = &mut tree(&mut openings).places[0];
        place.after = (d1 - q) * inverse(part);
        place.before = leaf(33) + part * (leaf(50) - place.after);
        Some(openings)
    });
    let forged = forged.expect("every second number is a square");
    let circuit = |cs| block.circuit(cs, &forged);
    assert_eq!(without(&["state/log/subtrees"], || violated(circuit)), Ok(vec![]));
    let refused: BTreeSet<&str> = violated(circuit).expect("a circuit").iter().map(|v| v.name).collect();
    assert_eq!(refused, BTreeSet::from(["state/memory", "state/cells"]));
}

// Every variable.

#[test]
fn no_variable_of_the_argument_is_free() {
    let below = below();
    let steps = [
        Step::Read(3),
        Step::Write(0, 50),
        Step::Vacant(9),
        Step::Write(1, 5),
        Step::Read(4),
        Step::Read(3),
        Step::Write(3, 60),
    ];
    for top_levels in [0, 1] {
        let plan = Some(OpeningPlan { places: 5, top_levels });
        let block = Block { layout: &LAYOUT, below: &below, plan, steps: &steps };
        let (openings, after) = block.record();
        let circuit = |cs: ConstraintSystemRef<Fr>| {
            let root = block.argue(&cs, &openings)?.root;
            crate::constraint::enforce_equal("after", &root, &FpVar::Constant(after))
        };
        Audit::new("state").run(circuit).expect("an honest witness").assert_clean();
    }
}
