//! Points of Baby Jubjub in circomlib's coordinates; the native twin is [`zkpov_verifier::babyjubjub`].
//!
//! ```text
//!   Edwards      168700 x² + y² = 1 + 168696 x² y²      complete: no exceptional case, 6 constraints a sum
//!      │ ▲
//!      ▼ │  u = (1 + y)/(1 - y),  v = u/x
//!   Montgomery   v² = u³ + 168698 u² + u                3 constraints a sum, 5 for 2P + Q, but exceptional cases
//! ```
//!
//! # Exceptional cases
//!
//! 168700 is a square and 168696 is not, so the Edwards law is complete: its denominators 1 ± d·x₁x₂y₁y₂ are never
//! zero for points on the curve (Bernstein et al., "Twisted Edwards Curves", theorem 3.3 with section 6). Off the
//! curve nothing is promised: callers say why their points are on it.
//!
//! The Montgomery law is not complete. Where P = Q the slope of a sum is free, and a prover who may choose it goes
//! wherever he likes; where P = -Q there is no slope, and no witness. So `MontgomeryPoint::add` and
//! `MontgomeryPoint::double_and_add` are private to this module, and [`multiply`] argues for each use that P ≠ ±Q.
//! Montgomery coordinates leave out the points with x = 0, among them the identity.

mod montgomery;
pub mod multiply;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use zkpov_verifier::babyjubjub::{A, D, Point};

use crate::{
    bit::Bit,
    constraint::{enforce_equal, enforce_product, product},
    gadgets::range::enforce_inverse,
    hint,
    linear::Linear,
    namespace,
};

pub use montgomery::MontgomeryPoint;

/// A pair of coordinates; on the curve where its maker says so.
#[derive(Clone, Debug)]
#[must_use]
pub struct EdwardsPoint {
    /// The abscissa.
    pub x: FpVar<Fr>,
    /// The ordinate.
    pub y: FpVar<Fr>,
}

impl EdwardsPoint {
    /// A pair of coordinates of the prover's choice, not constrained in any way.
    ///
    /// # Errors
    ///
    /// Those of `point`.
    pub fn hint(cs: &ConstraintSystemRef<Fr>, name: &str, point: impl Fn() -> Result<Point>) -> Result<Self> {
        let _namespace = namespace::enter(cs, name);
        Ok(Self { x: hint::field(cs, "x", || Ok(point()?.x))?, y: hint::field(cs, "y", || Ok(point()?.y))? })
    }

    /// A constant.
    pub fn constant(point: &Point) -> Self {
        Self { x: FpVar::Constant(point.x), y: FpVar::Constant(point.y) }
    }

    /// The point's value.
    ///
    /// # Errors
    ///
    /// [`ark_relations::gr1cs::SynthesisError::AssignmentMissing`] when only the circuit's shape is asked for.
    pub fn value(&self) -> Result<Point> {
        Ok(Point { x: self.x.value()?, y: self.y.value()? })
    }

    pub(crate) fn cs(&self) -> ConstraintSystemRef<Fr> {
        self.x.cs().or(self.y.cs())
    }

    /// The opposite point. No constraint.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn negate(&self) -> Result<Self> {
        let x = Linear::new(&self.x.cs()).plus(-Fr::ONE, &self.x).finish()?;
        Ok(Self { x, y: self.y.clone() })
    }

    /// `if_one` where `bit` is 1, else `if_zero`. Two constraints.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn select(bit: &Bit, if_one: &Self, if_zero: &Self) -> Result<Self> {
        Ok(Self { x: bit.select(&if_one.x, &if_zero.x)?, y: bit.select(&if_one.y, &if_zero.y)? })
    }

    /// Enforces under `name` that the coordinates satisfy the curve's equation. Three constraints.
    ///
    /// # Errors
    ///
    /// [`ark_relations::gr1cs::SynthesisError::Unsatisfiable`] for a constant off the curve.
    pub fn enforce_on_curve(&self, name: &'static str) -> Result<()> {
        let x2 = product(&self.x, &self.x)?;
        let y2 = product(&self.y, &self.y)?;
        let right = Linear::new(&self.cs()).plus(A, &x2).plus(Fr::ONE, &y2).plus_constant(-Fr::ONE);
        enforce_product(name, Linear::new(&self.cs()).plus(D, &x2), &y2, right)
    }

    /// The sum of two points on the curve, by the complete law. Six constraints.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn add(&self, other: &Self) -> Result<Self> {
        let cs = self.cs().or(other.cs());
        let beta = product(&self.x, &other.y)?;
        let gamma = product(&self.y, &other.x)?;
        let delta =
            product(Linear::of(&self.y).plus(-A, &self.x), Linear::of(&other.x).plus(Fr::ONE, &other.y))?;
        let tau = product(&beta, &gamma)?;
        let one_plus = |coefficient| Linear::new(&cs).plus_constant(Fr::ONE).plus(coefficient, &tau);
        let x = quotient(&cs, "x", Linear::of(&beta).plus(Fr::ONE, &gamma), one_plus(D))?;
        let y = quotient(&cs, "y", Linear::of(&delta).plus(A, &beta).plus(-Fr::ONE, &gamma), one_plus(-D))?;
        Ok(Self { x, y })
    }

    /// Twice a point on the curve. Five constraints.
    ///
    /// The denominators are 1 ± d·x²y², by the curve's equation, which the complete law says are not zero.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn double(&self) -> Result<Self> {
        let cs = self.cs();
        let product_xy = product(&self.x, &self.y)?;
        let x2 = product(&self.x, &self.x)?;
        let y2 = product(&self.y, &self.y)?;
        let sum = Linear::of(&y2).plus(A, &x2);
        let mut rest = Linear::new(&cs).plus_constant(Fr::ONE.double());
        rest.add_linear(-Fr::ONE, &sum);
        let x = quotient(&cs, "x", Linear::new(&cs).plus(Fr::ONE.double(), &product_xy), sum)?;
        let y = quotient(&cs, "y", Linear::of(&y2).plus(-A, &x2), rest)?;
        Ok(Self { x, y })
    }

    /// Enforces that this is a point of the prime subgroup and not the identity, as the key of a new account must
    /// be: the only keys for which a signature proves knowledge of a secret. 21 constraints.
    ///
    /// A point is in the prime subgroup exactly if it is 8 times a point Q of the curve (8 is the cofactor), so the
    /// prover gives Q. Attacks: a point off the curve lets the verification equation hold in no group at all; the
    /// identity, and points of low order, verify messages that nobody signed.
    ///
    /// # Errors
    ///
    /// [`ark_relations::gr1cs::SynthesisError::Unsatisfiable`] for a constant that is not such a point.
    pub fn enforce_key(&self) -> Result<()> {
        let cs = self.cs();
        let _namespace = namespace::enter(&cs, "key");
        let eighth = Self::hint(&cs, "eighth", || Ok(multiply::eighth(&self.value()?)))?;
        eighth.enforce_on_curve("key/on_curve")?;
        let mut multiple = eighth;
        for doubling in 0..3 {
            let _namespace = namespace::enter_indexed(&cs, "double", doubling);
            multiple = multiple.double()?;
        }
        enforce_equal("key/prime_subgroup", &self.x, &multiple.x)?;
        enforce_equal("key/prime_subgroup", &self.y, &multiple.y)?;
        // x = 0 leaves (0, 1) and (0, -1), and the latter has order 2.
        enforce_inverse("key/identity", &self.x).map(|_| ())
    }

    /// The point in Montgomery coordinates. Two constraints.
    ///
    /// The point must be on the curve with x ≠ 0 (any point of the prime subgroup but the identity).
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn to_montgomery(&self) -> Result<MontgomeryPoint> {
        let cs = self.cs();
        let one = || Linear::new(&cs).plus_constant(Fr::ONE);
        let u = quotient(&cs, "u", one().plus(Fr::ONE, &self.y), one().plus(-Fr::ONE, &self.y))?;
        let v = quotient(&cs, "v", Linear::of(&u), Linear::of(&self.x))?;
        Ok(MontgomeryPoint { u, v })
    }
}

/// `numerator / denominator`, which the caller shows not to be zero. One constraint.
pub(super) fn quotient(
    cs: &ConstraintSystemRef<Fr>,
    name: &str,
    numerator: Linear,
    denominator: Linear,
) -> Result<FpVar<Fr>> {
    use ark_relations::gr1cs::SynthesisError;
    let quotient = hint::field(cs, name, || {
        let numerator = numerator.value().ok_or(SynthesisError::AssignmentMissing)?;
        let denominator = denominator.value().ok_or(SynthesisError::AssignmentMissing)?;
        Ok(numerator * denominator.inverse().unwrap_or(Fr::ZERO))
    })?;
    enforce_product("quotient", denominator, &quotient, numerator)?;
    Ok(quotient)
}

#[cfg(test)]
mod tests;
