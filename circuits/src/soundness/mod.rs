//! Tools that try to cheat a circuit, for the tests of gadgets, pallets and chains here and elsewhere.
//!
//! ```text
//!   circuit ──► Audit ──► Report      each hint replaced and the rest recomputed, each variable perturbed in place:
//!                                     whatever still satisfies the constraints is a survivor
//!   forged  ──► violated              which named constraints refuse a forged witness
//!   witness ──► without(names, …)     the same with these constraints left out
//! ```
//!
//! A circuit here is any closure `Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync` that allocates through
//! [`crate::hint`] and constrains through [`crate::constraint`].
//!
//! What an audit can and cannot show. A hint that survives is a value that a prover may choose and nothing
//! contradicts: a hole, or a freedom that is harmless for a reason that has to be written down. No survivor means
//! that no *single* change goes unnoticed; changes of several hints at once are for the forged executions of each
//! pallet's tests.

mod audit;
mod forgery;
mod report;

pub use audit::Audit;
pub use forgery::{Violation, is_satisfied, violated, without};
pub use report::{AuditError, Change, Excepted, Finding, Report};

#[cfg(test)]
mod tests;
