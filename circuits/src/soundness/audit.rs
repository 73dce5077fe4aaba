//! The audit: replaces each hint and recomputes the rest, then perturbs each variable in place.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, UniformRand};
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use ark_std::rand::{SeedableRng, rngs::StdRng};
use rayon::prelude::*;

use super::{
    instance::Instance,
    pattern::{Declaration, Declarations},
    report::{AuditError, Change, Excepted, Finding, Report},
};
use crate::{
    r1cs::assignment,
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
    exceptions: Vec<Declaration>,
}

impl Audit {
    /// An audit of the circuit that reports will call `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), seed: 0, replaces: true, exceptions: Vec::new() }
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
    /// The circuit is run five times for each of its hints, so give it a small instance.
    ///
    /// # Errors
    ///
    /// [`AuditError`] when there is nothing to audit: the circuit fails, its honest witness is refused, or its shape
    /// depends on values.
    pub fn run(
        &self,
        circuit: impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync,
    ) -> std::result::Result<Report, AuditError> {
        let removed = removed_names();
        let instance = Instance::of(&circuit)?;
        let run = Run { audit: self, instance: &instance, removed: &removed };
        let mut findings = if self.replaces { run.replace_hints(&circuit)? } else { Vec::new() };
        findings.extend(run.perturb_variables());
        Ok(self.report(&instance, findings))
    }

    fn report(&self, instance: &Instance, findings: Vec<Finding>) -> Report {
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
            variables: instance.r1cs.variables() - 1,
            survivors,
            excepted,
            unused_exceptions: exceptions.unneeded().collect(),
        }
    }
}

/// What the two passes share.
struct Run<'a> {
    audit: &'a Audit,
    instance: &'a Instance,
    removed: &'a [String],
}

impl Run<'_> {
    /// (a) Each hint replaced, and everything that follows from it recomputed.
    fn replace_hints(
        &self,
        circuit: &(impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync),
    ) -> std::result::Result<Vec<Finding>, AuditError> {
        let hints: Vec<_> = self.instance.session.hints.iter().enumerate().collect();
        let findings: std::result::Result<Vec<Vec<Finding>>, AuditError> = hints
            .into_par_iter()
            .map(|(index, hint)| {
                let value = self.instance.assignment[self.instance.r1cs.instance_variables + hint.witness];
                let mut findings = Vec::new();
                for change in Change::ALL {
                    let changed = self.changed(change, value, index);
                    if changed == value {
                        continue;
                    }
                    let session = Session {
                        replace: Some((index, Replacement(changed))),
                        removed: self.removed.iter().map(|name| (name.clone(), 0)).collect(),
                        ..Session::default()
                    };
                    let (outcome, _) = with_session(session, || assignment(circuit));
                    let path = || hint.path.clone();
                    match outcome {
                        Err(error) => findings.push(Finding::Undetermined { path: path(), change, error }),
                        Ok(assigned) if assigned.len() != self.instance.assignment.len() => {
                            return Err(AuditError::ShapeDependsOnValues {
                                shape: self.instance.assignment.len(),
                                assigned: assigned.len(),
                            });
                        }
                        Ok(assigned) if self.instance.r1cs.is_satisfied(&assigned) => {
                            findings.push(Finding::Hint { path: path(), change });
                        }
                        Ok(_) => {}
                    }
                }
                Ok(findings)
            })
            .collect();
        Ok(findings?.into_iter().flatten().collect())
    }

    /// (b) Each variable perturbed in place, looking only at the rows that it occurs in.
    fn perturb_variables(&self) -> Vec<Finding> {
        let rows_of = self.rows_of_variables();
        let findings: Vec<Vec<Finding>> = (1..self.instance.assignment.len())
            .into_par_iter()
            .map_init(
                || self.instance.assignment.to_vec(),
                |assignment, variable| {
                    let rows = &rows_of[variable];
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

    /// For each variable, the rows that it occurs in.
    fn rows_of_variables(&self) -> Vec<Vec<u32>> {
        let mut rows_of = vec![Vec::new(); self.instance.r1cs.variables()];
        for row in 0..self.instance.r1cs.constraints() {
            for matrix in [&self.instance.r1cs.a, &self.instance.r1cs.b, &self.instance.r1cs.c] {
                for (column, _) in matrix.row(row) {
                    let rows: &mut Vec<u32> = &mut rows_of[column];
                    if rows.last() != Some(&(row as u32)) {
                        rows.push(row as u32);
                    }
                }
            }
        }
        rows_of
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
