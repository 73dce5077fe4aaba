//! Which variables the constraints determine, to first order, once a block's inputs are fixed.
//!
//! ```text
//!   circuit with witness w ──rows──► J = d(A z ∘ B z - C z)/dz at w, the fixed columns left out
//!                                         │
//!                                      kernel ──► J x = 0: every direction x in which the witness can move
//!                                         │
//!                                      freedom    each variable that moves is declared free, or reported
//! ```
//!
//! The audit moves one hint (and what its closure computes from it) or one variable at a time. Two hints that can
//! only move together, as the x and y of a point on a curve, pass it. Here all variables may move together, by
//! any amounts, as long as every constraint holds to first order.
//!
//! # What is fixed
//!
//! Nothing is determined without inputs, so some variables are declared fixed. It pays to fix *little*: what is not
//! fixed is shown to follow. For a block that is what no other part of it says: the elements of the statement that
//! the verifier brings, the calls, and what the parent state holds at the places that they touch, with the paths.
//! The new state root, the body root, the digest and the author's fees are then outputs, and full rank says that
//! they follow from the inputs. A hash gives one equation for all that goes into it, and that the rest of a
//! preimage follows is collision resistance and no algebra: so a preimage is fixed, but for one
//! element, which shows that the equation is there. Likewise a comparison of two lists by a random challenge is one
//! equation, and that the rest of a list follows is the argument of the challenge.
//!
//! # Range checks
//!
//! The bits of a decomposition cannot move a little: b(b - 1) = 0 has derivative ±1. So a range check makes its
//! number rigid, and hides that nothing else ties it down. [`Jacobian::without_ranges`] sets the sums of range
//! checks aside: the rows that hold a bit which is in no other row but its own. This is stricter:
//! fewer rows have a lower rank, and the bits left out have a row each of their own. Then a number has to be
//! determined by equations, and not by being an integer.
//!
//! # What full rank proves, and what not
//!
//! Let V be the set of witnesses with the values of the fixed variables. If J has full column rank at w, then
//! w is an isolated and simple point of V over the algebraic closure (the tangent space, the kernel, is 0). If V has a
//! curve through w, the kernel is not 0: that is certain at every w and needs no luck. Luck is in
//! what w says about other witnesses. The rank falls only where all maximal minors vanish, a proper closed set in each
//! irreducible family of witnesses that has one witness of full rank; so a random member is a counterexample with
//! probability at most degree/p, and one with small numbers is as good as random as far as its hashes and points are.
//! Bits make families: slots used and unused, digits of indices and signs are different
//! ones, and speak for the others only by the symmetry of the circuit.
//!
//! It does not see *isolated* second witnesses: the other root of b² = b, a wrong but consistent set of bits, a number
//! out of range, a point off the curve. Those are for the audit's changes and for the forged executions. And it calls
//! free what only a double root determines: x² = 0 fixes x, but not to first order.

mod freedom;
mod kernel;
mod rows;

use ark_bn254::Fr;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};

use super::{
    instance::Instance,
    pattern::{Declaration, Declarations},
    report::AuditError,
};
use kernel::kernel;

pub use freedom::{Direction, Excused, Freedom};

/// The Jacobian of one circuit.
///
/// ```
/// use ark_bn254::Fr;
/// use zkpov_circuits::{constraint, hint, soundness::Jacobian};
///
/// let freedom = Jacobian::new("product")
///     .run(|cs| {
///         let a = hint::field(&cs, "a", || Ok(Fr::from(3u64)))?;
///         let b = hint::field(&cs, "b", || Ok(Fr::from(4u64)))?;
///         let product = constraint::product(&a, &b)?;
///         constraint::enforce_equal("twelve", &product, &twelve())
///     })
///     .expect("the honest witness is accepted");
/// // Neither can move alone, but both together.
/// assert_eq!(freedom.undeclared[0].hints, ["a", "b"]);
/// # fn twelve() -> ark_r1cs_std::fields::fp::FpVar<Fr> {
/// #     ark_r1cs_std::fields::fp::FpVar::Constant(Fr::from(12u64))
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Jacobian {
    name: String,
    fixed: Vec<Declaration>,
    free: Vec<Declaration>,
    without_ranges: bool,
}

impl Jacobian {
    /// The Jacobian of the circuit that reports will call `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), fixed: Vec::new(), free: Vec::new(), without_ranges: false }
    }

    /// Fixes the variables whose path matches `pattern`, in which `*` stands for any characters.
    ///
    /// A pattern that matches no variable makes the report unclean.
    #[must_use]
    pub fn fix(mut self, pattern: impl Into<String>) -> Self {
        self.fixed.push(Declaration::new(pattern, "fixed"));
        self
    }

    /// Declares that variables whose path matches `pattern` may move, and why that is harmless.
    ///
    /// A direction is harmless if every variable that moves in it, derived ones among them, is declared. A pattern
    /// that matches nothing that moves makes the report unclean.
    #[must_use]
    pub fn free(mut self, pattern: impl Into<String>, reason: impl Into<String>) -> Self {
        self.free.push(Declaration::new(pattern, reason));
        self
    }

    /// Sets range checks aside, which asks for more; see the module's head.
    #[must_use]
    pub fn without_ranges(mut self) -> Self {
        self.without_ranges = true;
        self
    }

    /// Finds what is free in `circuit` at the honest witness that it carries.
    ///
    /// # Errors
    ///
    /// [`AuditError`] when the circuit fails, its honest witness is refused, or its shape depends on values.
    pub fn run(
        &self,
        circuit: impl Fn(ConstraintSystemRef<Fr>) -> Result<()>,
    ) -> std::result::Result<Freedom, AuditError> {
        let instance = Instance::of(&circuit)?;
        let mut fixed = Declarations::new(&self.fixed);
        let paths: Vec<String> =
            (1..instance.r1cs.variables()).map(|variable| instance.path_of(variable)).collect();
        let mut unknown = vec![false];
        unknown.extend(paths.iter().map(|path| fixed.declared(path).is_none()));

        let set_aside = if self.without_ranges { rows::ranges(&instance.r1cs) } else { Vec::new() };
        let rows = rows::derivatives(&instance.r1cs, &instance.assignment, &unknown, &set_aside);
        let unknowns: Vec<usize> = (1..unknown.len()).filter(|variable| unknown[*variable]).collect();
        // Hints first: what is left free is then told by the prover's choices.
        let (mut order, derived): (Vec<usize>, Vec<usize>) =
            unknowns.iter().partition(|variable| instance.is_hint(**variable));
        order.extend(derived);

        let mut free = Declarations::new(&self.free);
        let mut freedom = Freedom {
            circuit: self.name.clone(),
            constraints: rows.len() - set_aside.len(),
            ranges: set_aside.len(),
            fixed: unknown.len() - 1 - unknowns.len(),
            unknowns: unknowns.len(),
            ..Freedom::default()
        };
        for moved in kernel(&rows, unknown.len(), &order) {
            let (hints, derived) = moved.iter().partition(|variable| instance.is_hint(**variable));
            let path = |variable: &usize| paths[variable - 1].clone();
            let [hints, derived]: [Vec<usize>; 2] = [hints, derived];
            let direction = Direction {
                hints: hints.iter().map(path).collect(),
                derived: derived.iter().map(path).collect(),
            };
            freedom.sort(direction, &mut free);
        }
        freedom.unneeded = fixed.unneeded().chain(free.unneeded()).collect();
        Ok(freedom)
    }
}

#[cfg(test)]
mod tests;
