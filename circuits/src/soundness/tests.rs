//! The kit on circuits with a planted hole, and on their correct twins.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField};
use ark_r1cs_std::{
    GR1CSVar,
    fields::fp::{AllocatedFp, FpVar},
};
use ark_relations::gr1cs::{ConstraintSystemRef, Result};

use super::*;
use crate::{
    bit::Bit,
    constraint::{enforce_equal, enforce_product, guarded, product},
    gadgets::range,
    hint,
    linear::{Linear, weighted_sum},
    namespace,
};

const VALUE: u64 = 11;

fn public(cs: &ConstraintSystemRef<Fr>, value: Fr) -> Result<FpVar<Fr>> {
    let variable = cs.new_input_variable(|| Ok(value))?;
    let value = (!cs.is_in_setup_mode()).then_some(value);
    Ok(FpVar::Var(AllocatedFp::new(value, variable, cs.clone())))
}

fn audit(circuit: impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync) -> Report {
    Audit::new("test").run(circuit).expect("an honest circuit")
}

/// Chooses between 5 and 7 by a hinted bit; `enforce_bit` is what the hole lacks.
fn selection(enforce_bit: bool) -> impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync {
    move |cs| {
        let _namespace = namespace::enter(&cs, "selection");
        let bit = hint::field(&cs, "bit", || Ok(Fr::ONE))?;
        if enforce_bit {
            let _bit = Bit::enforce(&bit)?;
        }
        // The hole: bit·(1 - bit)·… is never said, only that the chosen value is consistent with the bit.
        let chosen = hint::field(&cs, "chosen", || Ok(Fr::from(5u64) + bit.value()?.double()))?;
        enforce_equal(
            "chosen",
            Linear::new(&cs).plus_constant(Fr::from(5u64)).plus(Fr::from(2u64), &bit),
            &chosen,
        )?;
        // And that it is at most 7, which a bit of p - 1 or of 0 leaves true.
        range::bits("range", &chosen, 3).map(|_| ())
    }
}

#[test]
fn a_missing_booleanity_survives() {
    let paths = |enforce| -> Vec<(String, bool)> {
        let report = audit(selection(enforce));
        report.survivors.iter().map(|f| (f.path().to_owned(), matches!(f, Finding::Hint { .. }))).collect()
    };
    // 0 is another bit, in the twin as in the hole; p - 1, the negative, is none.
    assert_eq!(audit(selection(true)).survivors.len(), 1);
    let report = audit(selection(false));
    assert!(
        report.survivors.contains(&Finding::Hint { path: "selection/bit".into(), change: Change::Negated })
    );
    assert!(paths(false).len() > paths(true).len());
}

/// Decomposes a public value into `bits` bits.
fn decomposition(unique: bool) -> impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync {
    move |cs| {
        let value = public(&cs, Fr::from(VALUE))?;
        if unique {
            return range::bits("bits", &value, 4).map(|_| ());
        }
        // The hole: "digits" of which nobody says how large they are.
        let low = hint::field(&cs, "low", || Ok(Fr::from(VALUE % 4)))?;
        let high = hint::field(&cs, "high", || {
            Ok((value.value()? - low.value()?) * Fr::from(4u64).inverse().unwrap_or_default())
        })?;
        enforce_equal(
            "sum",
            weighted_sum([(Fr::ONE, &low), (Fr::from(4u64), &high)]).as_ref().map_err(|e| *e)?,
            &value,
        )
    }
}

#[test]
fn a_decomposition_that_is_not_unique_survives() {
    audit(decomposition(true)).assert_clean();
    let survivors = audit(decomposition(false)).survivors;
    assert!(survivors.iter().any(|finding| matches!(finding, Finding::Hint { path, .. } if path == "low")));
}

/// Whether a public value that is zero is zero.
fn zero_test(closed: bool) -> impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync {
    move |cs| {
        let value = public(&cs, Fr::ZERO)?;
        if closed {
            return range::is_zero(&value)?.enforce_true("is_zero");
        }
        let inverse = hint::inverse(&cs, "inverse", &value)?;
        let product = product(&value, &inverse)?;
        // The hole: 0 · inverse = 0 for any inverse.
        enforce_product("zero", &product, &value, Linear::new(&cs))
    }
}

#[test]
fn an_inverse_of_zero_left_free_survives() {
    audit(zero_test(true)).assert_clean();
    let survivors = audit(zero_test(false)).survivors;
    assert!(
        survivors.iter().any(|finding| matches!(finding, Finding::Hint { path, .. } if path == "inverse"))
    );
}

/// Two public inputs, of which the hole uses one.
fn inputs(use_both: bool) -> impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync {
    move |cs| {
        let (a, b) = (public(&cs, Fr::from(2u64))?, public(&cs, Fr::from(6u64))?);
        let product_of_neighbours = product(&a, Linear::of(&a).plus_constant(Fr::ONE))?;
        if use_both { enforce_equal("product", &product_of_neighbours, &b) } else { Ok(()) }
    }
}

#[test]
fn an_unused_public_input_is_found() {
    let report = audit(inputs(false));
    assert!(report.survivors.contains(&Finding::Unused { path: "public_input[1]".into() }), "{report}");
    audit(inputs(true)).assert_clean();
}

#[test]
fn exceptions_need_a_match() {
    let audit = Audit::new("zero")
        .except("inverse", "used nowhere else")
        .except("public_*[0]", "the hole says nothing of it")
        .except("nothing/*", "stale");
    let report = audit.run(zero_test(false)).expect("honest");
    assert!(report.survivors.is_empty() && !report.excepted.is_empty());
    assert_eq!(report.unused_exceptions, ["nothing/*"]);
    assert!(!report.is_clean() && report.to_string().contains("nothing/*"));
}

#[test]
fn dishonest_and_shapeless_circuits_are_errors() {
    let dishonest = |cs: ConstraintSystemRef<Fr>| {
        let one = hint::field(&cs, "one", || Ok(Fr::ONE))?;
        enforce_equal("is_two", &one, &FpVar::Constant(Fr::from(2u64)))
    };
    let Err(AuditError::Dishonest(violations)) = Audit::new("dishonest").run(dishonest) else {
        panic!("an unsatisfied circuit was audited")
    };
    assert_eq!(violations[0].name, "is_two");
    let shapeless = |cs: ConstraintSystemRef<Fr>| {
        let one = hint::field(&cs, "one", || Ok(Fr::ONE))?;
        if one.value().is_ok() { hint::field(&cs, "extra", || Ok(Fr::ONE)).map(|_| ()) } else { Ok(()) }
    };
    assert!(matches!(
        Audit::new("shapeless").run(shapeless),
        Err(AuditError::ShapeDependsOnValues { shape: 2, assigned: 3 })
    ));
}

/// The number 2, where the circuit gives up on any that is larger.
fn two(is_enforced: bool) -> impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync {
    move |cs| {
        let two = hint::field(&cs, "two", || Ok(Fr::from(2u64)))?;
        let is_two = || enforce_equal("two", &two, &FpVar::Constant(Fr::from(2u64)));
        let give_up = two.value().is_ok_and(|value| value.into_bigint() > Fr::from(2u64).into_bigint());
        if is_enforced {
            is_two()?;
        }
        if give_up { Err(ark_relations::gr1cs::SynthesisError::Unsatisfiable) } else { Ok(()) }
    }
}

#[test]
fn an_error_on_a_dishonest_value_is_reported_unless_a_constraint_has_refused_the_value() {
    let survivors = audit(two(false)).survivors;
    assert!(survivors.iter().any(|finding| matches!(finding, Finding::Undetermined { .. })));
    audit(two(true)).assert_clean();
}

#[test]
fn a_circuit_that_depends_on_more_than_its_witness_is_an_error() {
    let runs = std::sync::atomic::AtomicU64::new(0);
    let audited = Audit::new("counts").run(|cs| {
        let run = runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        hint::field(&cs, "run", || Ok(Fr::from(run))).map(drop)
    });
    assert_eq!(audited, Err(AuditError::NotReproducible));
}

#[test]
fn a_hint_that_depends_on_what_another_leaves_behind_is_an_error() {
    let circuit = |cs: ConstraintSystemRef<Fr>| {
        let left = std::cell::Cell::new(0u64);
        hint::fields(&cs, "count", 4, |_| Ok(Fr::from(left.replace(left.get() + 1)))).map(drop)
    };
    assert_eq!(Audit::new("counts").run(circuit), Err(AuditError::NotReproducible));
    assert_eq!(Audit::new("counts").running_always().run(circuit).map(|report| report.hints), Ok(4));
}

/// What an audit finds, but for circuits that give up.
fn found(audit: &Audit, circuit: impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync) -> Vec<Finding> {
    let mut findings = audit.run(circuit).expect("an honest circuit").survivors;
    findings.retain(|finding| !matches!(finding, Finding::Undetermined { .. }));
    findings
}

#[test]
fn what_the_constraints_decide_is_what_runs_decide() {
    let quick = Audit::new("quick");
    let always = quick.clone().running_always();
    for honest in [true, false] {
        assert_eq!(found(&quick, selection(honest)), found(&always, selection(honest)));
        assert_eq!(found(&quick, decomposition(honest)), found(&always, decomposition(honest)));
        assert_eq!(found(&quick, zero_test(honest)), found(&always, zero_test(honest)));
        assert_eq!(found(&quick, two(honest)), found(&always, two(honest)));
    }
    assert_eq!(found(&quick, pair), found(&always, pair));
    let report = quick.run(decomposition(true)).expect("an honest circuit");
    assert_eq!((report.hints, report.determined), (4, 4));
    assert_eq!(always.run(decomposition(true)).expect("an honest circuit").determined, 0);
}

#[test]
fn a_forged_witness_is_refused_by_the_named_constraint_alone() {
    // An overdraft: 3 - 5 has no 8 bits.
    let circuit = |cs: ConstraintSystemRef<Fr>| {
        let _namespace = namespace::enter_indexed(&cs, "transfer", 3);
        let [balance, amount] = [3u64, 5].map(|value| hint::field(&cs, "amount", || Ok(Fr::from(value))));
        let (balance, amount) =
            (range::Uint::<8>::enforce("range", &balance?)?, range::Uint::<8>::enforce("range", &amount?)?);
        balance.checked_sub("transfer/overdraft", &amount).map(|_| ())
    };
    let violations = violated(circuit).expect("synthesises");
    assert_eq!(violations.len(), 1);
    assert_eq!((violations[0].name, violations[0].path.as_str()), ("transfer/overdraft", "transfer[3]"));
    assert_eq!(without(&["transfer/overdraft"], || is_satisfied(circuit)), Ok(true));
    assert_eq!(is_satisfied(circuit), Ok(false), "removal ends with its scope");
}

/// A pair of numbers below 4 and their sum.
fn pair(cs: ConstraintSystemRef<Fr>) -> Result<()> {
    let _namespace = namespace::enter(&cs, "pair");
    let numbers = hint::fields(&cs, "number", 2, |i| Ok(Fr::from(i as u64 + 1)))?;
    let sum = hint::field(&cs, "sum", || Ok(numbers[0].value()? + numbers[1].value()?))?;
    enforce_equal("sum", Linear::of(&numbers[0]).plus(Fr::ONE, &numbers[1]), &sum)?;
    range::bits("range", &sum, 3).map(|_| ())
}

#[test]
fn forged_hints_take_what_follows_with_them() {
    let forged = |path: &str, value: u64| {
        with_hints(path, &[Fr::from(value)], || violated(pair).expect("synthesises"))
    };
    assert!(forged("pair/number[1]", 6).is_empty());
    assert_eq!(forged("pair/number[1]", 7)[0].name, "range");
    assert_eq!(forged("pair/sum", 4)[0].name, "sum");
    let both = with_hints("pair/number[0]", &[Fr::from(3u64)], || forged("pair/number[1]", 5));
    assert_eq!(both[0].name, "range");
    assert_eq!(is_satisfied(pair), Ok(true), "forging ends with its scope");
}

#[test]
#[should_panic(expected = "1 of 2 hints at \"pair/sum\" were met")]
fn a_forged_hint_that_is_not_there_panics() {
    with_hints("pair/sum", &[Fr::ONE, Fr::ONE], || is_satisfied(pair)).expect("synthesises");
}

#[test]
fn guards_leave_out_whole_gadgets() {
    let circuit = |cs: ConstraintSystemRef<Fr>| {
        let value = hint::field(&cs, "value", || Ok(Fr::from(3u64)))?;
        guarded("whole", || range::bits("bits", &value, 1).map(|_| ()))
    };
    assert_eq!(is_satisfied(circuit), Ok(false));
    assert_eq!(without(&["whole"], || is_satisfied(circuit)), Ok(true));
}

#[test]
#[should_panic(expected = "no constraint named \"typo\" was met")]
fn removing_a_constraint_that_is_not_there_panics() {
    without(&["typo"], || is_satisfied(selection(true))).expect("synthesises");
}

#[test]
fn a_panic_ends_the_removal() {
    let circuit = |cs: ConstraintSystemRef<Fr>| {
        let one = hint::field(&cs, "one", || Ok(Fr::ONE))?;
        enforce_equal("is_two", &one, &FpVar::Constant(Fr::from(2u64)))
    };
    let outcome = std::panic::catch_unwind(|| without(&["is_two"], || panic!("within")));
    assert!(outcome.is_err());
    assert_eq!(is_satisfied(circuit), Ok(false));
}
