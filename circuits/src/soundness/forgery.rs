//! Forged witnesses: which constraint refuses them, and whether it is the only one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use ark_bn254::Fr;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};

use crate::{
    r1cs::{R1cs, assignment},
    seam::{Forged, SeenConstraint, Session, with_session},
};

/// A row that a witness does not satisfy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The row.
    pub row: usize,
    /// The constraint's name; empty for one that defines a derived variable.
    pub name: &'static str,
    /// The namespace path it stands in.
    pub path: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {:?}, row {}", self.name, self.path, self.row)
    }
}

/// Runs `body` with the constraints of these names left out of whatever circuit it synthesises on this thread.
///
/// For tests alone: it shows that a forged witness is refused by a named constraint and by nothing else.
///
/// # Panics
///
/// When a name was not met: leaving out a constraint that is not there proves nothing.
#[track_caller]
pub fn without<T>(names: &[&str], body: impl FnOnce() -> T) -> T {
    let removed: BTreeMap<String, usize> = names.iter().map(|name| ((*name).to_owned(), 0)).collect();
    let (result, ended) = with_session(Session { removed, ..Session::default() }, body);
    for name in names {
        let met = ended.removed.get(*name).copied().unwrap_or_default();
        assert!(met > 0, "no constraint named {name:?} was met");
    }
    result
}

/// Runs `body` with other values for the hints at `path`, in their order, in whatever circuit computes its witness on
/// this thread within [`violated`] or [`is_satisfied`]; what follows from the hints follows from these values.
///
/// # Panics
///
/// When not all values were used: a lie that was not told proves nothing.
#[track_caller]
pub fn with_hints<T>(path: &str, values: &[Fr], body: impl FnOnce() -> T) -> T {
    let forged = Forged { values: values.to_vec(), met: 0 };
    let session = Session { forged: [(path.to_owned(), forged)].into(), ..Session::default() };
    let (result, ended) = with_session(session, body);
    let met = ended.forged.get(path).map_or(0, |forged| forged.met);
    assert!(met == values.len(), "{met} of {} hints at {path:?} were met", values.len());
    result
}

/// The rows that `circuit`'s own witness does not satisfy, with the constraints that made them.
///
/// Hints whose closures fail are zero: a dishonest prover does not stop there.
///
/// # Errors
///
/// Those of the circuit outside its hints.
pub fn violated(circuit: impl Fn(ConstraintSystemRef<Fr>) -> Result<()>) -> Result<Vec<Violation>> {
    let (r1cs, session) = shape(&circuit)?;
    let (assignment, _) = with_session(Session::default(), || assignment(&circuit));
    let rows = r1cs.unsatisfied(&assignment?);
    Ok(rows.into_iter().map(|row| attribute(&session.constraints, row)).collect())
}

/// Whether `circuit`'s own witness satisfies it; see [`violated`].
///
/// # Errors
///
/// As [`violated`].
pub fn is_satisfied(circuit: impl Fn(ConstraintSystemRef<Fr>) -> Result<()>) -> Result<bool> {
    Ok(violated(circuit)?.is_empty())
}

/// The names of `circuit`'s constraints, those of guarded groups among them.
///
/// # Errors
///
/// Those of the circuit.
pub fn constraint_names(
    circuit: impl Fn(ConstraintSystemRef<Fr>) -> Result<()>,
) -> Result<BTreeSet<&'static str>> {
    let (_, session) = shape(circuit)?;
    Ok(session.constraints.iter().map(|seen| seen.name).collect())
}

/// The circuit's matrices and what a recording session saw.
pub(super) fn shape(circuit: impl Fn(ConstraintSystemRef<Fr>) -> Result<()>) -> Result<(R1cs, Session)> {
    let record = Session { record: true, ..Session::default() };
    let (r1cs, session) = with_session(record, || R1cs::synthesize(&circuit));
    Ok((r1cs?, session))
}

pub(super) fn attribute(constraints: &[SeenConstraint], row: usize) -> Violation {
    let place = constraints.partition_point(|seen| seen.rows.end <= row);
    match constraints.get(place).filter(|seen| seen.rows.contains(&row)) {
        Some(seen) => Violation { row, name: seen.name, path: seen.path.clone() },
        None => Violation { row, name: "", path: String::new() },
    }
}
