//! Sums of multiples, with the doublings shared: Straus's method.
//!
//! ```text
//!   kᵢ ──► signed digits: odd or zero, one in five not zero   ┐
//!   Pᵢ ──► [`Odd`]: 1, 3, 5, 7 times Pᵢ                       ┴─► Σ kᵢ·Pᵢ: one doubling a place for all, one addition a digit
//! ```
//!
//! And a multiplication by λ that is nearly free: λ is a cube root of 1 modulo r, and in every group of the pairing λ times an element is an endomorphism
//! that costs a multiplication or some. So a [`Coefficient`] ρ = low + λ·high of 128 bits takes 64 doublings and not 128.

use alloc::vec::Vec;
use core::ops::{AddAssign, Neg, SubAssign};

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, g1};
use ark_ec::pairing::PairingOutput;
use ark_ec::scalar_mul::glv::GLVConfig;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, BigInt, BigInteger, Field, PrimeField};

/// Width of the signed digits: odd ones are below 2^(width − 1) in absolute value, and follow each other at this distance at least.
const WIDTH: usize = 4;

/// The odd multiples up to the largest digit.
const ODD: usize = 1 << (WIDTH - 2);

/// The power of Frobenius that is λ on the pairing's values, where Frobenius is multiplication by p: λ = p⁴ modulo r.
const FROBENIUS_OF_LAMBDA: usize = 4;

/// low + λ·high modulo r.
///
/// Different pairs of halves below 2⁶⁴ are different modulo r: were low + λ·high = 0 for a pair of differences, r would divide the norm low² −
/// low·high + high², for λ² + λ + 1 = 0; and that is positive and below 3·2¹²⁸.
///
/// Sums of coefficients are kept by halves, for they stay short: 2⁶⁴ coefficients fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Coefficient {
    pub(super) low: u128,
    pub(super) high: u128,
}

impl Coefficient {
    /// The element of the field.
    pub(super) fn value(&self) -> Fr {
        Fr::from(self.low) + g1::Config::LAMBDA * Fr::from(self.high)
    }
}

impl AddAssign for Coefficient {
    fn add_assign(&mut self, other: Self) {
        self.low = self.low.wrapping_add(other.low);
        self.high = self.high.wrapping_add(other.high);
    }
}

/// 1, 3, 5, … times an element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Odd<E>([E; ODD]);

impl Odd<G1Affine> {
    /// Those of many points, with one inversion for all.
    pub(super) fn of_points<'a>(points: impl Iterator<Item = &'a G1Affine>) -> Vec<Self> {
        let multiples: Vec<_> = points.flat_map(|point| odd(point.into_group())).collect();
        let affine = G1Projective::normalize_batch(&multiples);
        affine.as_chunks().0.iter().copied().map(Self).collect()
    }
}

impl Odd<PairingOutput<Bn254>> {
    /// Those of a pairing's value.
    pub(super) fn of_value(value: PairingOutput<Bn254>) -> Self {
        Self(odd(value))
    }
}

fn odd<G: AdditiveGroup>(element: G) -> [G; ODD] {
    let twice = element.double();
    let mut next = element;
    core::array::from_fn(|_| {
        let multiple = next;
        next += twice;
        multiple
    })
}

/// What has an endomorphism that multiplies by λ.
pub(super) trait TimesLambda {
    /// λ times it.
    fn times_lambda(&self) -> Self;
}

impl TimesLambda for G1Affine {
    fn times_lambda(&self) -> Self {
        g1::Config::endomorphism_affine(self)
    }
}

impl TimesLambda for PairingOutput<Bn254> {
    fn times_lambda(&self) -> Self {
        Self(self.0.frobenius_map(FROBENIUS_OF_LAMBDA))
    }
}

/// A sum of multiples that is not added up yet: terms k·P.
#[derive(Clone, Debug)]
pub(super) struct Sum<E>(Vec<(Vec<i64>, Odd<E>)>);

impl<E> Default for Sum<E> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<E: Copy + TimesLambda + Neg<Output = E>> Sum<E> {
    /// Adds `k` times the element.
    pub(super) fn add(&mut self, k: &Fr, element: &Odd<E>) {
        self.0.push((digits(&k.into_bigint()), *element));
    }

    /// Adds `k` times the element.
    pub(super) fn add_coefficient(&mut self, k: &Coefficient, element: &Odd<E>) {
        let half = |half: u128| digits(&BigInt([half as u64, (half >> u64::BITS) as u64, 0]));
        self.0.push((half(k.low), *element));
        self.0.push((half(k.high), Odd(element.0.map(|multiple| multiple.times_lambda()))));
    }

    /// The sum.
    pub(super) fn value<G: AdditiveGroup + AddAssign<E> + SubAssign<E>>(&self) -> G {
        let places = self.0.iter().map(|(digits, _)| digits.len()).max().unwrap_or(0);
        let mut sum = G::ZERO;
        for place in (0..places).rev() {
            sum.double_in_place();
            for (digits, Odd(multiples)) in &self.0 {
                let digit = digits.get(place).copied().unwrap_or(0);
                // Digit 2k + 1 is multiple k; zero has none.
                match multiples.get(digit.unsigned_abs() as usize / 2) {
                    Some(multiple) if digit > 0 => sum += *multiple,
                    Some(multiple) if digit < 0 => sum -= *multiple,
                    _ => (),
                }
            }
        }
        sum
    }
}

/// Σ digitᵢ·2ⁱ, digits as [`WIDTH`] says.
fn digits<const LIMBS: usize>(k: &BigInt<LIMBS>) -> Vec<i64> {
    k.find_wnaf(WIDTH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bn254::G2Affine;
    use ark_ec::PrimeGroup;
    use ark_ec::pairing::Pairing;
    use proptest::prelude::*;

    fn scalar(bytes: [u8; 32]) -> Fr {
        Fr::from_le_bytes_mod_order(&bytes)
    }

    fn value() -> PairingOutput<Bn254> {
        Bn254::pairing(G1Affine::generator(), G2Affine::generator())
    }

    #[test]
    fn lambda_is_a_primitive_cube_root_of_one_and_the_endomorphisms_multiply_by_it() {
        let lambda = g1::Config::LAMBDA;
        assert_eq!(lambda.square() + lambda + Fr::ONE, Fr::ZERO);
        let point = G1Affine::generator();
        assert_eq!(point.times_lambda(), (point * lambda).into_affine());
        assert_eq!(value().times_lambda(), value() * lambda);
    }

    proptest! {
        #[test]
        fn a_sum_is_the_sum_of_the_multiples(terms in prop::collection::vec(any::<([u8; 32], u128, u128, u64)>(), 0..6)) {
            // Digits to the top of each type.
            let edges = [([0xff; 32], u128::MAX, u128::MAX, 5), ([0; 32], 0, 1 << 64, 6)];
            let terms: Vec<_> = terms.into_iter().chain(edges).collect();
            let points: Vec<_> = terms.iter().map(|(.., log)| (G1Affine::generator() * (Fr::from(*log) + Fr::ONE)).into_affine()).collect();
            let odd = Odd::of_points(points.iter());
            let (mut sum, mut powers) = (Sum::default(), Sum::default());
            let (mut expected, mut expected_power) = (G1Projective::ZERO, PairingOutput::<Bn254>::ZERO);
            for ((full, low, high, log), (point, odd)) in terms.into_iter().zip(points.iter().zip(&odd)) {
                let (full, coefficient) = (scalar(full), Coefficient { low, high });
                let power = value() * Fr::from(log);
                sum.add(&full, odd);
                sum.add_coefficient(&coefficient, odd);
                powers.add_coefficient(&coefficient, &Odd::of_value(power));
                expected += *point * (full + coefficient.value());
                expected_power += power * coefficient.value();
            }
            prop_assert_eq!(sum.value::<G1Projective>(), expected);
            prop_assert_eq!(powers.value::<PairingOutput<Bn254>>(), expected_power);
        }
    }

    #[test]
    fn an_empty_sum_and_zero_times_a_point_are_zero() {
        assert_eq!(Sum::<G1Affine>::default().value::<G1Projective>(), G1Projective::ZERO);
        let mut sum = Sum::default();
        sum.add(&Fr::ZERO, &Odd::of_points([G1Projective::generator().into_affine()].iter())[0]);
        assert_eq!(sum.value::<G1Projective>(), G1Projective::ZERO);
    }
}
