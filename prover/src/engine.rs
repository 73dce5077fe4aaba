//! The prover's engine over points and values in memory, for programs that bring keys of other formats.

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::short_weierstrass::{Affine, Projective, SWCurveConfig};
use ark_ec::{AffineRepr, VariableBaseMSM};

use crate::proof::VerifyingKey;
use crate::r1cs::MAX_LOG2_DOMAIN;
use crate::subgroup::{PointError, check_g2};

/// G1 or G2, as the engine takes them.
pub trait Group: SWCurveConfig<ScalarField = Fr> {
    /// Σ scalars\[i\] · points\[i\], over all cores; as many pairs as the shorter slice has. Exact for points of the group; those of G2 must
    /// be in the subgroup.
    fn sum_of_products(points: &[Affine<Self>], scalars: &[Fr]) -> Projective<Self>;
}

impl Group for ark_bn254::g1::Config {
    fn sum_of_products(points: &[Affine<Self>], scalars: &[Fr]) -> Projective<Self> {
        // Elements in memory are below their modulus.
        crate::msm::msm::<Self>(&points, scalars.into())
            .unwrap_or_else(|_| Projective::msm_unchecked(points, scalars))
    }
}

impl Group for ark_bn254::g2::Config {
    fn sum_of_products(points: &[Affine<Self>], scalars: &[Fr]) -> Projective<Self> {
        crate::msm::msm::<Self>(&points, scalars.into())
            .unwrap_or_else(|_| Projective::msm_unchecked(points, scalars))
    }
}

/// [`Group::sum_of_products`].
pub fn msm<C: Group>(points: &[Affine<C>], scalars: &[Fr]) -> Projective<C> {
    C::sum_of_products(points, scalars)
}

/// The quotient's values on the odd points of the doubled domain, a b − c with c = a ∘ b on the domain, from the rows of a and b (of
/// equal length, a power of two). `None` for another length, or above 2^[`MAX_LOG2_DOMAIN`].
pub fn quotient(a: Vec<Fr>, b: Vec<Fr>) -> Option<Vec<Fr>> {
    let fits = a.len() == b.len() && a.len().is_power_of_two() && a.len() <= 1 << MAX_LOG2_DOMAIN;
    fits.then(|| crate::qap::quotient(a, b)).flatten()
}

/// The first point that is not in G2's subgroup, all of them being on the curve: tested together, with an error of at most 2^-130.
pub fn first_outside_subgroup(points: &[G2Affine]) -> Option<usize> {
    match check_g2(points, |_| ()) {
        Ok(()) => None,
        Err(PointError::NotOnCurve { index } | PointError::NotInSubgroup { index }) => Some(index),
    }
}

impl VerifyingKey {
    /// A verifying key of points from elsewhere; gamma is the generator of G2. `ic` has a point for the constant 1, then one for each
    /// public input. `None` if there is no IC point, if alpha, beta or delta is infinity, or if a point is not on its curve or not in
    /// its subgroup. (An IC point may be infinity: of an input that no constraint holds, in keys whose rows do not bind the inputs.)
    pub fn from_points(
        alpha_g1: G1Affine,
        beta_g2: G2Affine,
        delta_g2: G2Affine,
        ic: Vec<G1Affine>,
    ) -> Option<Self> {
        let in_g1 =
            |p: &G1Affine| p.is_zero() || (p.is_on_curve() && p.is_in_correct_subgroup_assuming_on_curve());
        let in_g2 =
            |p: &G2Affine| !p.is_zero() && p.is_on_curve() && p.is_in_correct_subgroup_assuming_on_curve();
        let sound = !ic.is_empty()
            && ic.iter().all(in_g1)
            && !alpha_g1.is_zero()
            && in_g1(&alpha_g1)
            && in_g2(&beta_g2)
            && in_g2(&delta_g2);
        sound.then(|| Self::new(alpha_g1, beta_g2, delta_g2, ic))
    }
}
