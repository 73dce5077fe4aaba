//! Whether a point of the curve is in the subgroup of prime order r.
//!
//! All of G1's curve is. Of G2's, the twist E'(𝔽p²), a point P is in the subgroup exactly when
//!
//! ```text
//!   [x+1]P + ψ([x]P) + ψ²([x]P) = ψ³([2x]P)
//! ```
//!
//! where x is the curve's parameter, of 63 bits, and ψ the untwist-Frobenius-twist endomorphism: half the doublings of the test
//! [6x²]P = ψ(P) that arkworks makes, and as exact (El Housni, Guillevic, Piellard, *Co-factor clearing and subgroup
//! membership testing on pairing-friendly curves*, 2022, sections 3 and 5). The tests hold the two equal on points inside and outside.

use ark_bn254::{Config, Fq2, G2Projective, g1, g2};
use ark_ec::bn::BnConfig;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ec::{AdditiveGroup, AffineRepr};
use ark_ff::Field;

/// A curve whose subgroup of prime order can be told from the rest.
pub(super) trait Subgroup: SWCurveConfig {
    /// Whether a point of the curve is in the subgroup.
    fn contains(point: &Affine<Self>) -> bool;
}

impl Subgroup for g1::Config {
    /// The cofactor is 1.
    fn contains(_: &Affine<Self>) -> bool {
        true
    }
}

impl Subgroup for g2::Config {
    fn contains(point: &Affine<Self>) -> bool {
        let multiple = point.mul_bigint(Config::X);
        let first = endomorphism(&multiple);
        let second = endomorphism(&first);
        let third = endomorphism(&second);
        multiple + point + first + second == third.double()
    }
}

/// ψ, on Jacobian coordinates: Frobenius of each, and the twist's factors on x and y.
fn endomorphism(point: &G2Projective) -> G2Projective {
    let frobenius = |mut coordinate: Fq2| {
        coordinate.frobenius_map_in_place(1);
        coordinate
    };
    G2Projective::new_unchecked(
        frobenius(point.x) * Config::TWIST_MUL_BY_Q_X,
        frobenius(point.y) * Config::TWIST_MUL_BY_Q_Y,
        frobenius(point.z),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bn254::{Fq, Fr, G2Affine};
    use ark_ec::CurveGroup;
    use proptest::prelude::*;

    /// The point of the twist whose x coordinate is the first from this one on that is of a point.
    fn on_the_twist(c0: u64, c1: u64) -> G2Affine {
        (c0..)
            .find_map(|c0| G2Affine::get_point_from_x_unchecked(Fq2::new(Fq::from(c0), Fq::from(c1)), false))
            .expect("every second x is of a point")
    }

    fn agrees(point: &G2Affine) -> bool {
        let contained = g2::Config::contains(point);
        assert_eq!(contained, point.is_in_correct_subgroup_assuming_on_curve());
        contained
    }

    proptest! {
        #[test]
        fn points_of_the_subgroup_are_in_it_and_others_of_the_twist_are_not(c0: u32, c1: u64, scalar: u64) {
            let inside = (G2Affine::generator() * Fr::from(scalar)).into_affine();
            prop_assert!(inside.is_zero() || agrees(&inside));
            let outside = on_the_twist(c0.into(), c1);
            prop_assert!(!agrees(&outside));
            // What is left of it when the part in the subgroup is gone: of small or other order.
            let torsion = outside.mul_bigint(<Fr as ark_ff::PrimeField>::MODULUS).into_affine();
            prop_assert!(torsion.is_zero() || !agrees(&torsion));
            prop_assert!(!agrees(&(inside + torsion).into_affine()));
        }
    }
}
