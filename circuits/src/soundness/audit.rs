//! The audit: replaces each hint and recomputes the rest, then perturbs each variable in place.
//!
//! Every hint is decided for every change, by the first of these that can:
//!
//! ```text
//!   the constraints alone   no assignment that satisfies them begins like the honest one and differs here: see `determined`
//!   a run that stops        the circuit, with the hint replaced, until a constraint does not hold; the matrices are then
//!                           asked whether they refuse what was assigned so far, and their word counts
//!   a run to the end        the circuit, with the hint replaced, and every row that holds a changed variable
//! ```
//!
//! All three take it that a run which differs in hint i is the honest one up to there, and so runs do not compute hints before it
//! again. For this the circuit has to depend on its witness alone, and hints on nothing that another hint leaves behind but the
//! values of variables. Both are looked at: the honest run is made again, in whole and begun at some of its hints, and the beginning of
//! every other run is compared with it.

use std::sync::Arc;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, UniformRand};
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use ark_std::rand::{SeedableRng, rngs::StdRng};
use rayon::prelude::*;

use super::{
    determined::determined,
    instance::Instance,
    pattern::{Declaration, Declarations},
    report::{AuditError, Change, Excepted, Finding, Report},
};
use crate::{
    r1cs::{Assigned, assigned, assignment},
    seam::{Replacement, Session, removed_names, with_session},
};

/// An audit of one circuit.
///
/// ```
/// use zkpov_circuits::{constraint, hint, soundness::Audit};
/// use ark_bn254::Fr;
///
/// let report = Audit::new("square")
///     .run(|cs| {
///         let root = hint::field(&cs, "root", || Ok(Fr::from(3u64)))?;
///         let square = constraint::product(&root, &root)?;
///         constraint::enforce_equal("square", &square, &cs_constant(9))
///     })
///     .expect("the honest witness is accepted");
/// // -3 is as good a root as 3.
/// assert_eq!(report.survivors[0].path(), "root");
/// # fn cs_constant(value: u64) -> ark_r1cs_std::fields::fp::FpVar<Fr> {
/// #     ark_r1cs_std::fields::fp::FpVar::Constant(Fr::from(value))
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Audit {
    name: String,
    seed: u64,
    replaces: bool,
    runs_always: bool,
    exceptions: Vec<Declaration>,
}

impl Audit {
    /// An audit of the circuit that reports will call `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), seed: 0, replaces: true, runs_always: false, exceptions: Vec::new() }
    }

    /// Seeds the random values; 0 unless set. An audit is deterministic.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Only perturbs variables in place: for circuits that are too large to be run again for each hint.
    #[must_use]
    pub fn perturbing(mut self) -> Self {
        self.replaces = false;
        self
    }

    /// Runs the circuit to its end for every change, also where the constraints alone decide: the same findings but for
    /// [`Finding::Undetermined`], and much slower. For tests of the audit itself.
    #[must_use]
    pub fn running_always(mut self) -> Self {
        self.runs_always = true;
        self
    }

    /// Declares that findings whose path matches `pattern` are harmless, and why. `*` stands for any characters.
    ///
    /// A declaration that matches no finding makes the report unclean.
    #[must_use]
    pub fn except(mut self, pattern: impl Into<String>, reason: impl Into<String>) -> Self {
        self.exceptions.push(Declaration::new(pattern, reason));
        self
    }

    /// Audits `circuit`, which carries an honest witness, over all cores.
    ///
    /// The circuit is run up to five times for each hint that what stands before it does not determine, so give it a
    /// small instance.
    ///
    /// # Errors
    ///
    /// [`AuditError`] when there is nothing to audit: the circuit fails, its honest witness is refused, its shape
    /// depends on values, or it assigns something else when it is run again.
    pub fn run(
        &self,
        circuit: impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync,
    ) -> std::result::Result<Report, AuditError> {
        let removed = removed_names();
        let instance = Instance::of(&circuit)?;
        let first_witness = instance.r1cs.instance_variables;
        let hints = instance.session.hints.iter();
        let hints = hints.map(|hint| instance.assignment[first_witness + hint.witness]).collect();
        let run = Run { audit: self, instance: &instance, removed: &removed, hints };
        let (mut findings, determined) =
            if self.replaces { run.replace_hints(&circuit)? } else { (Vec::new(), 0) };
        findings.extend(run.perturb_variables());
        Ok(self.report(&instance, findings, determined))
    }

    fn report(&self, instance: &Instance, findings: Vec<Finding>, determined: usize) -> Report {
        let mut exceptions = Declarations::new(&self.exceptions);
        let mut survivors = Vec::new();
        let mut excepted = Vec::new();
        for finding in findings {
            match exceptions.declared(finding.path()) {
                Some(exception) => excepted.push(Excepted { finding, reason: exception.reason.clone() }),
                None => survivors.push(finding),
            }
        }
        Report {
            circuit: self.name.clone(),
            constraints: instance.r1cs.constraints(),
            hints: if self.replaces { instance.session.hints.len() } else { 0 },
            determined,
            variables: instance.r1cs.variables() - 1,
            survivors,
            excepted,
            unused_exceptions: exceptions.unneeded().collect(),
        }
    }
}

/// Hints at which the honest run is begun to see whether it stays the same.
const BEGINNINGS: usize = 32;

/// What the two passes share.
struct Run<'a> {
    audit: &'a Audit,
    instance: &'a Instance,
    removed: &'a [String],
    /// Hints' honest values, in their order.
    hints: Arc<[Fr]>,
}

/// What becomes of a changed hint.
#[derive(Clone, Copy)]
enum Verdict {
    Refused,
    Accepted,
    /// The circuit gave up before any constraint objected.
    Undetermined(SynthesisError),
}

impl Run<'_> {
    /// (a) Each hint replaced, and everything that follows from it recomputed. Also the number of hints that what stands
    /// before them determines.
    fn replace_hints(
        &self,
        circuit: &(impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync),
    ) -> std::result::Result<(Vec<Finding>, usize), AuditError> {
        self.reproduce(circuit)?;
        let hints = self.hints.len();
        let determined = if self.audit.runs_always { vec![false; hints] } else { determined(self.instance) };
        let findings: std::result::Result<Vec<Vec<Finding>>, AuditError> = (0..hints)
            .into_par_iter()
            .filter(|hint| !determined[*hint])
            .map(|hint| self.replace_hint(circuit, hint))
            .collect();
        let count = determined.iter().filter(|determined| **determined).count();
        Ok((findings?.into_iter().flatten().collect(), count))
    }

    /// Makes the honest run again, in whole and begun at some of its hints.
    fn reproduce(
        &self,
        circuit: &(impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync),
    ) -> std::result::Result<(), AuditError> {
        let is_honest = |assigned: &[Fr]| assigned == self.instance.assignment;
        if !is_honest(&assignment(circuit)?) {
            return Err(AuditError::NotReproducible);
        }
        let step = self.hints.len().div_ceil(BEGINNINGS).max(1);
        (0..self.hints.len()).into_par_iter().step_by(step).try_for_each(|hint| {
            let Assigned { instance, witness, outcome } =
                self.again(circuit, hint, self.hints[hint], false)?;
            outcome?;
            if is_honest(&[instance, witness].concat()) { Ok(()) } else { Err(AuditError::NotReproducible) }
        })
    }

    /// One hint, by every change.
    fn replace_hint(
        &self,
        circuit: &(impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync),
        index: usize,
    ) -> std::result::Result<Vec<Finding>, AuditError> {
        let hint = &self.instance.session.hints[index];
        let value = self.hints[index];
        let mut decided: Vec<(Fr, Verdict)> = Vec::new();
        let mut findings = Vec::new();
        for change in Change::ALL {
            let changed = self.changed(change, value, index);
            if changed == value {
                continue;
            }
            let known = decided.iter().find(|(other, _)| *other == changed).map(|(_, verdict)| *verdict);
            let verdict = match known {
                Some(verdict) => verdict,
                None => self.decide(circuit, index, changed)?,
            };
            decided.push((changed, verdict));
            let path = hint.path.clone();
            match verdict {
                Verdict::Refused => (),
                Verdict::Accepted => findings.push(Finding::Hint { path, change }),
                Verdict::Undetermined(error) => findings.push(Finding::Undetermined { path, change, error }),
            }
        }
        Ok(findings)
    }

    /// Runs the circuit with another value for a hint.
    fn decide(
        &self,
        circuit: &(impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync),
        hint: usize,
        value: Fr,
    ) -> std::result::Result<Verdict, AuditError> {
        let stops = !self.audit.runs_always;
        let mut ended = self.again(circuit, hint, value, stops)?;
        if stops && ended.outcome.is_err() {
            if self.refuse(&ended) {
                return Ok(Verdict::Refused);
            }
            // It gave up though the matrices do not object: it is looked at to its end.
            ended = self.again(circuit, hint, value, false)?;
        }
        if let Err(error) = ended.outcome {
            return Ok(Verdict::Undetermined(error));
        }
        let assigned = ended.instance.len() + ended.witness.len();
        let shape = self.instance.assignment.len();
        if assigned != shape {
            return Err(AuditError::ShapeDependsOnValues { shape, assigned });
        }
        Ok(if self.refuse(&ended) { Verdict::Refused } else { Verdict::Accepted })
    }

    /// What the circuit assigns with another value for a hint, to its end or until a constraint does not hold.
    fn again(
        &self,
        circuit: &(impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync),
        hint: usize,
        value: Fr,
        stops: bool,
    ) -> std::result::Result<Assigned, AuditError> {
        let session = Session {
            replace: Some((hint, Replacement(value))),
            known: if self.audit.runs_always { Arc::default() } else { Arc::clone(&self.hints) },
            stops,
            removed: self.removed.iter().map(|name| (name.clone(), 0)).collect(),
            ..Session::default()
        };
        let (assigned, _) = with_session(session, || assigned(circuit));
        let assigned = assigned?;
        let met = &self.instance.session.hints[hint];
        let (inputs, witness) = self.instance.assignment.split_at(self.instance.r1cs.instance_variables);
        let is_honest = assigned.instance.get(..met.inputs) == inputs.get(..met.inputs)
            && assigned.witness.get(..met.witness) == witness.get(..met.witness)
            && assigned.witness.get(met.witness) == Some(&value);
        if is_honest { Ok(assigned) } else { Err(AuditError::NotReproducible) }
    }

    /// Whether a row is not satisfied of which all variables are assigned.
    fn refuse(&self, assigned: &Assigned) -> bool {
        let Instance { r1cs, assignment, rows_of, .. } = self.instance;
        let mut values = assignment.clone();
        let (inputs, witness) = values.split_at_mut(r1cs.instance_variables);
        let mut changed = vec![false; assignment.len()];
        let mut is_assigned = changed.clone();
        for (first, place, given) in
            [(0, inputs, &assigned.instance), (r1cs.instance_variables, witness, &assigned.witness)]
        {
            for (variable, (value, given)) in (first..).zip(place.iter_mut().zip(given)) {
                changed[variable] = value != given;
                is_assigned[variable] = true;
                *value = *given;
            }
        }
        let is_refused = |row: usize| {
            let all =
                [&r1cs.a, &r1cs.b, &r1cs.c].iter().all(|m| m.row(row).all(|(column, _)| is_assigned[column]));
            all && !r1cs.row_is_satisfied(row, &values)
        };
        // What stopped the circuit holds what it assigned last.
        let mut seen = vec![false; r1cs.constraints()];
        let changed = (0..changed.len()).rev().filter(|variable| changed[*variable]);
        changed
            .flat_map(|variable| rows_of[variable].iter().rev())
            .any(|row| !std::mem::replace(&mut seen[*row as usize], true) && is_refused(*row as usize))
    }

    /// (b) Each variable perturbed in place, looking only at the rows that it occurs in.
    fn perturb_variables(&self) -> Vec<Finding> {
        let findings: Vec<Vec<Finding>> = (1..self.instance.assignment.len())
            .into_par_iter()
            .map_init(
                || self.instance.assignment.to_vec(),
                |assignment, variable| {
                    let rows = &self.instance.rows_of[variable];
                    if rows.is_empty() {
                        return vec![Finding::Unused { path: self.instance.path_of(variable) }];
                    }
                    let value = self.instance.assignment[variable];
                    let mut findings = Vec::new();
                    for change in Change::ALL {
                        let changed = self.changed(change, value, variable);
                        if changed == value {
                            continue;
                        }
                        assignment[variable] = changed;
                        if rows
                            .iter()
                            .all(|row| self.instance.r1cs.row_is_satisfied(*row as usize, assignment))
                        {
                            findings
                                .push(Finding::Variable { path: self.instance.path_of(variable), change });
                        }
                    }
                    assignment[variable] = value;
                    findings
                },
            )
            .collect();
        findings.into_iter().flatten().collect()
    }

    fn changed(&self, change: Change, value: Fr, index: usize) -> Fr {
        match change {
            Change::Random => Fr::rand(&mut StdRng::seed_from_u64(self.audit.seed ^ (index as u64) << 1)),
            Change::Zero => Fr::ZERO,
            Change::One => Fr::ONE,
            Change::PlusOne => value + Fr::ONE,
            Change::Negated => -value,
        }
    }
}
