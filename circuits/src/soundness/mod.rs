//! Tools that try to cheat a circuit, for the tests of gadgets, pallets and chains here and elsewhere.
//!
//! ```text
//!   circuit ──► Audit ──► Report      each hint replaced and the rest recomputed, each variable perturbed in place:
//!                                     whatever still satisfies the constraints is a survivor
//!   circuit ──► Jacobian ──► Freedom  all variables moved together, to first order, with the inputs fixed:
//!                                     whatever the constraints do not determine is free
//!   forged  ──► violated              which named constraints refuse a forged witness
//!   witness ──► with_hints(path, …)   the same with other values for these hints
//!   witness ──► without(names, …)     the same with these constraints left out
//! ```
//!
//! A circuit here is any closure `Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync` that allocates through
//! [`crate::hint`] and constrains through [`crate::constraint`].
//!
//! What each part can and cannot show. A hint that survives an audit is a value that a prover may choose and nothing
//! contradicts: a hole, or a freedom that is harmless for a reason that has to be written down. No survivor means
//! that no *single* change goes unnoticed. A Jacobian of full rank means that no set of *small* changes does, over the
//! field: that the witness is isolated. Far and several changes at once are for the forged executions of each
//! pallet's tests.
//!
//! Floors, lowest first: `forgery`, `report`, `pattern`, `instance`, `determined`; `audit` and `jacobian` beside each other.

mod audit;
mod determined;
mod forgery;
mod instance;
mod jacobian;
mod pattern;
mod report;

pub use audit::Audit;
pub use forgery::{Violation, constraint_names, is_satisfied, violated, with_hints, without};
pub use jacobian::{Direction, Excused, Freedom, Jacobian};
pub use report::{AuditError, Change, Excepted, Finding, Report};

#[cfg(test)]
mod tests;
