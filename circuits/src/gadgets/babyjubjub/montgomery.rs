//! The same curve in Montgomery form: v² = u³ + 168698 u² + u.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, MontFp};
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result};

use super::{EdwardsPoint, quotient};
use crate::{
    constraint::{enforce_product, product_plus},
    hint,
    linear::Linear,
};

/// The coefficient of u²: 2(a + d)/(a - d).
pub(super) const COEFFICIENT: Fr = MontFp!("168698");

/// A point with x ≠ 0 in Montgomery coordinates.
#[derive(Clone, Debug)]
#[must_use]
pub struct MontgomeryPoint {
    /// The abscissa.
    pub u: FpVar<Fr>,
    /// The ordinate.
    pub v: FpVar<Fr>,
}

impl MontgomeryPoint {
    pub(super) fn cs(&self) -> ConstraintSystemRef<Fr> {
        self.u.cs().or(self.v.cs())
    }

    /// The point in Edwards coordinates, x = u/v and y = (u - 1)/(u + 1). Two constraints.
    ///
    /// A point of odd order has v ≠ 0, and none has u = -1: there v² would be 168696, which is no square.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn to_edwards(&self) -> Result<EdwardsPoint> {
        let cs = self.cs();
        let x = quotient(&cs, "x", Linear::of(&self.u), Linear::of(&self.v))?;
        let u_plus = |constant| Linear::of(&self.u).plus_constant(constant);
        let y = quotient(&cs, "y", u_plus(-Fr::ONE), u_plus(Fr::ONE))?;
        Ok(EdwardsPoint { x, y })
    }

    /// Twice a point of odd order (whose v is not zero). Four constraints.
    pub(super) fn double(&self) -> Result<Self> {
        let cs = self.cs();
        let square = crate::constraint::product(&self.u, &self.u)?;
        let numerator = Linear::new(&cs)
            .plus(Fr::from(3u64), &square)
            .plus(COEFFICIENT.double(), &self.u)
            .plus_constant(Fr::ONE);
        let slope = quotient(&cs, "slope", numerator, Linear::new(&cs).plus(Fr::ONE.double(), &self.v))?;
        self.reflected(&slope, &self.u)
    }

    /// `self + other`, which the caller shows to be neither equal nor opposite. Three constraints.
    pub(super) fn add(&self, other: &Self) -> Result<Self> {
        let cs = self.cs().or(other.cs());
        let slope = quotient(
            &cs,
            "slope",
            Linear::of(&self.v).plus(-Fr::ONE, &other.v),
            Linear::of(&self.u).plus(-Fr::ONE, &other.u),
        )?;
        self.reflected(&slope, &other.u)
    }

    /// `2·self + other` as (self + other) + self. Five constraints.
    ///
    /// The caller shows that self is neither `other` nor its opposite. Where the result would be the identity there
    /// is no witness: then self + other = -self, and the second slope would have to satisfy 0 = 2v ≠ 0.
    pub(super) fn double_and_add(&self, other: &Self) -> Result<Self> {
        let cs = self.cs().or(other.cs());
        let slope = quotient(
            &cs,
            "slope",
            Linear::of(&self.v).plus(-Fr::ONE, &other.v),
            Linear::of(&self.u).plus(-Fr::ONE, &other.u),
        )?;
        let sum_u = self.third_abscissa(&slope, &other.u)?;
        // The sum's ordinate is not needed: (slope + second)·(u - sum_u) = 2v.
        let second = hint::field(&cs, "second", || {
            let difference = self.u.value()? - sum_u.value()?;
            Ok(self.v.value()?.double() * difference.inverse().unwrap_or(Fr::ZERO) - slope.value()?)
        })?;
        enforce_product(
            "quotient",
            Linear::of(&slope).plus(Fr::ONE, &second),
            Linear::of(&self.u).plus(-Fr::ONE, &sum_u),
            Linear::new(&cs).plus(Fr::ONE.double(), &self.v),
        )?;
        self.reflected(&second, &sum_u)
    }

    /// The abscissa of the line's third point: slope² - A - u - other. One constraint.
    fn third_abscissa(&self, slope: &FpVar<Fr>, other: &FpVar<Fr>) -> Result<FpVar<Fr>> {
        let rest = Linear::new(&self.cs().or(slope.cs()))
            .plus_constant(-COEFFICIENT)
            .plus(-Fr::ONE, &self.u)
            .plus(-Fr::ONE, other);
        product_plus(&Linear::of(slope), &Linear::of(slope), &rest)
    }

    /// The opposite of the third point on the line with this slope through self and a point of abscissa `other`.
    /// Two constraints.
    fn reflected(&self, slope: &FpVar<Fr>, other: &FpVar<Fr>) -> Result<Self> {
        let u = self.third_abscissa(slope, other)?;
        let run = Linear::of(&self.u).plus(-Fr::ONE, &u);
        let v = product_plus(&Linear::of(slope), &run, &Linear::new(&self.cs()).plus(-Fr::ONE, &self.v))?;
        Ok(Self { u, v })
    }

    /// Enforces under `name` that self is neither `other` nor its opposite. One constraint.
    pub(super) fn enforce_distinct_abscissa(&self, name: &'static str, other: &Self) -> Result<()> {
        let difference = Linear::of(&self.u).plus(-Fr::ONE, &other.u).finish()?;
        crate::gadgets::range::enforce_inverse(name, &difference).map(|_| ())
    }
}

/// A constant point with x ≠ 0; `None` for another.
pub(super) fn coordinates(point: &zkpov_verifier::babyjubjub::Point) -> Option<(Fr, Fr)> {
    let u = (Fr::ONE + point.y) * (Fr::ONE - point.y).inverse()?;
    Some((u, u * point.x.inverse()?))
}
