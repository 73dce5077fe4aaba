//! Multi-scalar multiplication: the seam behind which the engine is.

use ark_bn254::Fr;
use ark_ec::VariableBaseMSM;
use ark_ec::short_weierstrass::{Affine, Projective, SWCurveConfig};

/// Σ scalars\[i\] · points\[i\], over as many pairs as the shorter slice has.
pub(crate) fn msm<C: SWCurveConfig<ScalarField = Fr>>(points: &[Affine<C>], scalars: &[Fr]) -> Projective<C> {
    Projective::msm_unchecked(points, scalars)
}
