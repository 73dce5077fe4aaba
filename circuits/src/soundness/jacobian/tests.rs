//! The Jacobian on circuits with a planted hole, and on their correct twins.

use ark_bn254::Fr;
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result};

use super::*;
use crate::{
    constraint::{enforce_equal, product},
    gadgets::range,
    hint,
    linear::{difference, sum},
    namespace,
    soundness::{Audit, without},
};

fn constant(value: u64) -> FpVar<Fr> {
    FpVar::Constant(Fr::from(value))
}

/// Two shares of a pot of 12, whose closures compute neither from the other.
fn shares(cs: ConstraintSystemRef<Fr>) -> Result<()> {
    let _namespace = namespace::enter(&cs, "shares");
    let mine = hint::field(&cs, "mine", || Ok(Fr::from(5u64)))?;
    let yours = hint::field(&cs, "yours", || Ok(Fr::from(7u64)))?;
    enforce_equal("pot", &sum([&mine, &yours])?, &constant(12))?;
    enforce_equal("lead", &difference(&yours, &mine)?, &constant(2))
}

#[test]
fn variables_that_only_move_together_are_found_where_the_audit_is_blind() {
    Jacobian::new("shares").run(shares).expect("honest").assert_clean();
    without(&["lead"], || {
        Audit::new("shares").run(shares).expect("honest").assert_clean();
        let freedom = Jacobian::new("shares").run(shares).expect("honest");
        assert_eq!(freedom.undeclared.len(), 1);
        assert_eq!(freedom.undeclared[0].hints, ["shares/mine", "shares/yours"]);
        assert!(freedom.to_string().contains("shares/mine shares/yours"), "{freedom}");
    });
}

#[test]
fn what_is_fixed_does_not_move_and_must_be_there() {
    let fixed = |pattern: &str| {
        without(&["lead"], || Jacobian::new("shares").fix(pattern).run(shares)).expect("honest")
    };
    let freedom = fixed("*/mine");
    freedom.assert_clean();
    assert_eq!((freedom.fixed, freedom.unknowns), (1, 1));
    assert_eq!(fixed("*/nobodys").unneeded, ["*/nobodys"]);
}

#[test]
fn a_direction_is_declared_if_all_of_it_is() {
    let declared = |patterns: &[&str]| {
        let jacobian = Jacobian::new("shares");
        let jacobian = patterns.iter().fold(jacobian, |jacobian, pattern| jacobian.free(*pattern, "said so"));
        without(&["lead"], || jacobian.run(shares)).expect("honest")
    };
    declared(&["*/mine", "*/yours"]).assert_clean();
    assert_eq!(declared(&["*/mine"]).undeclared.len(), 1);
    let stale = declared(&["shares/*", "*/theirs"]);
    assert!(stale.undeclared.is_empty() && !stale.is_clean());
    assert_eq!((stale.declared, stale.unneeded), (1, vec!["*/theirs".to_owned()]));
}

/// A number of which only its range is said, and one of its bits used.
fn in_range(use_a_bit: bool) -> impl Fn(ConstraintSystemRef<Fr>) -> Result<()> {
    move |cs| {
        let number = hint::field(&cs, "number", || Ok(Fr::from(11u64)))?;
        let bits = range::bits("range", &number, 4)?;
        if use_a_bit { product(bits[0].as_field(), bits[1].as_field()).map(drop) } else { Ok(()) }
    }
}

#[test]
fn a_range_determines_nothing_once_ranges_are_set_aside() {
    for use_a_bit in [false, true] {
        Jacobian::new("range").run(in_range(use_a_bit)).expect("honest").assert_clean();
        let freedom = Jacobian::new("range").without_ranges().run(in_range(use_a_bit)).expect("honest");
        assert_eq!(freedom.ranges, 1);
        // The bits are still bits, those used and those not.
        assert_eq!(freedom.undeclared.len(), 1);
        assert_eq!(freedom.undeclared[0].hints, ["number"]);
    }
}

#[test]
fn bits_with_another_use_keep_their_sum() {
    let index = |cs: ConstraintSystemRef<Fr>| {
        let number = hint::field(&cs, "number", || Ok(Fr::from(2u64)))?;
        let bits = range::bits("index", &number, 2)?;
        product(bits[0].as_field(), bits[1].as_field()).map(drop)
    };
    let freedom = Jacobian::new("index").without_ranges().run(index).expect("honest");
    freedom.assert_clean();
    assert_eq!(freedom.ranges, 0);
}

/// A number between 0 and 3 by its inverse, which is said to be one.
fn inverse(cs: ConstraintSystemRef<Fr>) -> Result<()> {
    let number = hint::field(&cs, "number", || Ok(Fr::from(0u64)))?;
    enforce_equal("zero", &number, &constant(0))?;
    let zero = range::is_zero(&number)?;
    assert!(cs.is_in_setup_mode() || zero.as_field().value()? == Fr::from(1u64));
    Ok(())
}

#[test]
fn an_inverse_of_zero_is_free_without_its_constraint() {
    Jacobian::new("zero").run(inverse).expect("honest").assert_clean();
    let freedom =
        without(&["is_zero/inverse_of_zero"], || Jacobian::new("zero").run(inverse)).expect("honest");
    assert_eq!(freedom.undeclared[0].hints, ["inverse"]);
}

#[test]
fn a_dishonest_witness_has_no_tangent() {
    let dishonest = |cs: ConstraintSystemRef<Fr>| {
        let number = hint::field(&cs, "number", || Ok(Fr::from(1u64)))?;
        enforce_equal("two", &number, &constant(2))
    };
    assert!(matches!(Jacobian::new("dishonest").run(dishonest), Err(AuditError::Dishonest(_))));
}
