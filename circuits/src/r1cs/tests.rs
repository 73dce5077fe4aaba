use ark_r1cs_std::fields::fp::FpVar;

use super::*;
use crate::{
    constraint::{enforce_equal, product},
    hint,
    linear::{Linear, sum},
};

/// x·(x + 2) = y with x = 3, y = 15 + `off`, by way of terms that cancel and repeat.
fn circuit(off: u64) -> impl Fn(ConstraintSystemRef<Fr>) -> Result<()> {
    move |cs| {
        let x = hint::field(&cs, "x", || Ok(Fr::from(3u64)))?;
        let y = hint::field(&cs, "y", || Ok(Fr::from(15 + off)))?;
        let thrice = sum([&x, &x, &x])?;
        let once =
            Linear::of(&thrice).plus(-Fr::from(2u64), &x).plus(Fr::ONE, &y).plus(-Fr::ONE, &y).finish()?;
        let product = product(&once, Linear::of(&x).plus_constant(Fr::from(2u64)))?;
        enforce_equal("y", &product, &y)
    }
}

#[test]
fn rows_are_canonical() {
    let r1cs = R1cs::synthesize(circuit(0)).expect("synthesises");
    assert_eq!((r1cs.constraints(), r1cs.instance_variables, r1cs.witness_variables), (2, 1, 3));
    let row = |matrix: &SparseMatrix, row| -> Vec<(usize, Fr)> {
        matrix.row(row).map(|(column, index)| (column, r1cs.coefficients[index])).collect()
    };
    let one = Fr::ONE;
    assert_eq!(row(&r1cs.a, 0), [(1, one)], "3x - 2x + y - y is x");
    assert_eq!(row(&r1cs.b, 0), [(0, Fr::from(2u64)), (1, one)]);
    assert_eq!(row(&r1cs.c, 0), [(3, one)]);
    assert_eq!(row(&r1cs.a, 1), [(2, -one), (3, one)]);
    assert_eq!(row(&r1cs.b, 1), [(0, one)]);
    assert_eq!(row(&r1cs.c, 1), []);
    assert_eq!(row(&r1cs.c, 2), [], "no such row");
    assert_eq!(r1cs.coefficients, [one, Fr::from(2u64), -one]);
    assert_eq!(r1cs.size(), Size { constraints: 2, variables: 4, non_zeros: 7 });
}

#[test]
fn the_digest_is_pinned_and_tells_circuits_apart() {
    let r1cs = R1cs::synthesize(circuit(0)).expect("synthesises");
    // Computed by hand from the serialisation that `digest` documents.
    assert_eq!(
        hex::encode(r1cs.digest()),
        "a0a7b9a8bd523c30604b22e0ca752bdda9386f57cd4709a2cc0660ef555459b3"
    );
    assert_eq!(
        r1cs.digest(),
        R1cs::synthesize(circuit(1)).expect("synthesises").digest(),
        "values are not shape"
    );
    let mut changes: Vec<R1cs> = (0..5).map(|_| r1cs.clone()).collect();
    changes[0].coefficients[1] += Fr::ONE;
    changes[1].witness_variables += 1;
    changes[2].instance_variables += 1;
    changes[3].a.columns[0] = 0;
    changes[4].a = r1cs.b.clone();
    for changed in changes {
        assert_ne!(changed.digest(), r1cs.digest());
    }
}

#[test]
fn unsatisfied_rows_are_found() {
    let r1cs = R1cs::synthesize(circuit(0)).expect("synthesises");
    let good = assignment(circuit(0)).expect("computes");
    assert!(r1cs.is_satisfied(&good) && r1cs.unsatisfied(&good).is_empty());
    let bad = assignment(circuit(1)).expect("computes");
    assert!(!r1cs.is_satisfied(&bad));
    assert_eq!(r1cs.unsatisfied(&bad), [1]);
    for wrong in [&good[1..], &[&good[..], &[Fr::ONE]].concat(), &[&[Fr::ZERO], &good[1..]].concat()] {
        assert!(!r1cs.is_satisfied(wrong));
        assert_eq!(r1cs.unsatisfied(wrong), [0, 1]);
    }
}

#[test]
fn constants_execute_without_a_constraint_system() {
    assert_eq!(circuit(0)(ConstraintSystemRef::None), Ok(()));
    assert_eq!(circuit(1)(ConstraintSystemRef::None), Err(SynthesisError::Unsatisfiable));
    let constant = FpVar::Constant(Fr::ONE);
    assert!(enforce_equal("one", &constant, &FpVar::Constant(Fr::ZERO)).is_err());
}
