//! Paths such as `transfer[3]/sender/path/level[2]` that say where in a circuit a variable stands.
//!
//! A namespace is a guard: it lasts until it is dropped. Paths serve the reports of [`crate::soundness`] alone;
//! outside such a run entering one costs a look at a thread-local flag.

use ark_bn254::Fr;
use ark_relations::gr1cs::ConstraintSystemRef;

use crate::seam::{self, Extent};

/// Leaves its namespace when dropped.
#[derive(Debug)]
#[must_use = "the namespace ends when this is dropped"]
pub struct Namespace(Option<ConstraintSystemRef<Fr>>);

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Some(cs) = self.0.take() {
            seam::leave(extent(&cs));
        }
    }
}

/// Enters the namespace `name`.
#[inline]
pub fn enter(cs: &ConstraintSystemRef<Fr>, name: &str) -> Namespace {
    if seam::is_active() { enter_recorded(cs, name.to_owned()) } else { Namespace(None) }
}

/// Enters the namespace `name[index]`.
#[inline]
pub fn enter_indexed(cs: &ConstraintSystemRef<Fr>, name: &str, index: usize) -> Namespace {
    if seam::is_active() { enter_recorded(cs, format!("{name}[{index}]")) } else { Namespace(None) }
}

fn extent(cs: &ConstraintSystemRef<Fr>) -> Extent {
    Extent { witnesses: cs.num_witness_variables(), rows: cs.num_constraints() }
}

#[cold]
fn enter_recorded(cs: &ConstraintSystemRef<Fr>, segment: String) -> Namespace {
    seam::enter(segment, extent(cs));
    Namespace(Some(cs.clone()))
}
