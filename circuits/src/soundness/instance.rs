//! A circuit with an honest witness: what both the audit and the Jacobian start from.

use ark_bn254::Fr;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};

use super::{
    forgery::{attribute, shape},
    report::AuditError,
};
use crate::{
    r1cs::{R1cs, assignment},
    seam::Session,
};

/// A circuit's matrices, a witness that satisfies them, and where its variables stand.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) r1cs: R1cs,
    /// (1, public inputs, witness).
    pub(super) assignment: Vec<Fr>,
    pub(super) session: Session,
    /// For each variable, the rows that it occurs in, ascending.
    pub(super) rows_of: Vec<Vec<u32>>,
}

impl Instance {
    /// The instance that `circuit` carries.
    ///
    /// # Errors
    ///
    /// [`AuditError`] when the circuit fails, its witness is refused, or its shape depends on values.
    pub(super) fn of(
        circuit: &impl Fn(ConstraintSystemRef<Fr>) -> Result<()>,
    ) -> std::result::Result<Self, AuditError> {
        let (r1cs, session) = shape(circuit)?;
        let assignment = assignment(circuit)?;
        if assignment.len() != r1cs.variables() {
            return Err(AuditError::ShapeDependsOnValues {
                shape: r1cs.variables(),
                assigned: assignment.len(),
            });
        }
        let refused = r1cs.unsatisfied(&assignment);
        if !refused.is_empty() {
            let violations = refused.into_iter().map(|row| attribute(&session.constraints, row)).collect();
            return Err(AuditError::Dishonest(violations));
        }
        let rows_of = rows_of(&r1cs);
        Ok(Self { r1cs, assignment, session, rows_of })
    }

    /// Whether `variable`'s value is a hint.
    pub(super) fn is_hint(&self, variable: usize) -> bool {
        self.hint_path(variable).is_some()
    }

    /// A hint's own path, or the innermost namespace and the place of a derived variable within it.
    pub(super) fn path_of(&self, variable: usize) -> String {
        let Some(witness) = variable.checked_sub(self.r1cs.instance_variables) else {
            return format!("public_input[{}]", variable - 1);
        };
        if let Some(path) = self.hint_path(variable) {
            return path.to_owned();
        }
        let namespaces = self.session.namespaces.iter();
        let innermost = namespaces
            .filter(|namespace| namespace.witnesses.contains(&witness))
            .min_by_key(|namespace| namespace.witnesses.len());
        match innermost {
            Some(namespace) => format!("{}/derived[{}]", namespace.path, witness - namespace.witnesses.start),
            None => format!("derived[{witness}]"),
        }
    }

    fn hint_path(&self, variable: usize) -> Option<&str> {
        let witness = variable.checked_sub(self.r1cs.instance_variables)?;
        let hints = &self.session.hints;
        let hint = hints.get(hints.partition_point(|hint| hint.witness < witness))?;
        (hint.witness == witness).then_some(hint.path.as_str())
    }
}

fn rows_of(r1cs: &R1cs) -> Vec<Vec<u32>> {
    let mut rows_of = vec![Vec::new(); r1cs.variables()];
    for row in 0..r1cs.constraints() {
        for matrix in [&r1cs.a, &r1cs.b, &r1cs.c] {
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
