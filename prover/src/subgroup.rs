//! Whether many points are what they should be: on their curve and, in G2, in the subgroup of prime order.
//!
//! # G1
//! The curve over Fq has prime order: a point on it is in the group.
//!
//! # G2
//! The twist E'(Fq²) is an abelian group of order r·h with h = 2q - r = 10069 · 5864401 · …, the cofactor; r is prime and does not
//! divide h. It is therefore the direct sum of the subgroup of order r and a group H of order h. A point is in the subgroup if and
//! only if its component in H is 0. One point is tested with an endomorphism (section 4.3 of <https://eprint.iacr.org/2022/352>),
//! which costs as much as a multiplication by 127 bits. Many points are tested together:
//!
//! *Take points P_1 … P_n of the twist, not all in the subgroup, and coefficients c_1 … c_n, each independent of the others and
//! uniform among B consecutive integers, with B at most the smallest prime factor of h. Then Σ c_i P_i is in the subgroup with
//! probability at most 1/B.*
//!
//! Proof. Let R_i be the component of P_i in H and R_j one that is not 0. Its order d divides h and is not 1, so d is at least the
//! smallest prime factor of h, and so at least B. Draw c_j last: the sum is in the subgroup if and only if c_j R_j = -Σ_{i ≠ j} c_i R_i,
//! whose right side is fixed by then. The solutions are none or one class modulo d, of which B ≤ d consecutive integers hold at most
//! one. ∎ (Nothing is used of the structure of H, nor of how the bad points depend on each other.)
//!
//! [`COMBINATIONS`] independent combinations with B = 2^13 < 10069 let points outside the subgroup pass with probability at most
//! 2^-130. The coefficients are drawn from the operating system after the points are fixed. Each combination costs one addition a
//! point, into one of 2^12 buckets by its signed coefficient: a small part of what the single tests cost.

use ark_bn254::{G1Affine, G2Affine, G2Projective, g2};
use ark_ec::CurveGroup;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::Zero;
use rand::RngCore;
use rand::rngs::OsRng;
use rayon::prelude::*;

use crate::curve::{FromBackend, Pair, Pairs, PointOf, Scratch, ToBackend, add_all};
use crate::vector::{Backend, Kernel, dispatch};

/// Base-2 logarithm of B, the number of values of a coefficient.
const LOG2_COEFFICIENTS: u32 = 13;
/// Coefficients lie in -2^12 … 2^12 - 1.
const OFFSET: i32 = 1 << (LOG2_COEFFICIENTS - 1);
/// Buckets of a combination: one for each absolute value of a coefficient.
const BUCKETS: usize = OFFSET as usize + 1;
/// Independent combinations, all of which must be in the subgroup.
const COMBINATIONS: usize = 10;
/// Base-2 logarithm of the probability that points outside the subgroup pass, at most.
const LOG2_ERROR: i32 = -((LOG2_COEFFICIENTS as usize * COMBINATIONS) as i32);
const _: () = assert!(LOG2_ERROR <= -128);

/// Points that are combined together: so many that adding up the buckets (two additions a bucket) is a small part of the work.
const CHUNK: usize = 1 << 17;
/// Fewer points are tested one by one.
const FEW: usize = 1 << 10;

/// A point that is not what it should be. Infinity is on every curve and in every subgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PointError {
    /// The curve's equation does not hold.
    #[error("point {index} is not on the curve")]
    NotOnCurve {
        /// Which point.
        index: usize,
    },
    /// On the curve, but not in the subgroup of prime order.
    #[error("point {index} is not in the subgroup")]
    NotInSubgroup {
        /// Which point.
        index: usize,
    },
}

/// Checks that every point is on the curve, and so in G1. `advance` is told how many points are done, from any thread.
///
/// # Errors
/// The first point that is not.
pub(crate) fn check_g1(points: &[G1Affine], advance: impl Fn(usize) + Sync) -> Result<(), PointError> {
    on_curve(points)?;
    advance(points.len());
    Ok(())
}

/// Checks that every point is on the twist and in its subgroup of prime order, with an error of at most 2^-130. `advance` is told
/// how many points are done, from any thread.
///
/// # Errors
/// The first point that is not on the curve; else the first that is not in the subgroup.
pub(crate) fn check_g2(points: &[G2Affine], advance: impl Fn(usize) + Sync) -> Result<(), PointError> {
    on_curve(points)?;
    let outside = points.par_chunks(CHUNK).enumerate().find_map_first(|(chunk, points)| {
        let outside = outside_subgroup(points);
        advance(points.len());
        outside.map(|index| chunk * CHUNK + index)
    });
    match outside {
        Some(index) => Err(PointError::NotInSubgroup { index }),
        None => Ok(()),
    }
}

fn on_curve<C: SWCurveConfig>(points: &[Affine<C>]) -> Result<(), PointError> {
    match points.par_iter().position_first(|point| !point.is_on_curve()) {
        Some(index) => Err(PointError::NotOnCurve { index }),
        None => Ok(()),
    }
}

/// The first of these points of the twist that is not in the subgroup.
fn outside_subgroup(points: &[G2Affine]) -> Option<usize> {
    // Combinations say that there is one, single tests which it is.
    if points.len() > FEW && combinations_are_inside(points) {
        return None;
    }
    points.par_iter().position_first(|point| !is_in_subgroup(point))
}

fn is_in_subgroup(point: &G2Affine) -> bool {
    point.is_in_correct_subgroup_assuming_on_curve()
}

fn combinations_are_inside(points: &[G2Affine]) -> bool {
    let rows = to_backend(points);
    (0..COMBINATIONS).into_par_iter().all(|_| {
        let combination = combination(&rows, &random_coefficients(rows.len()));
        is_in_subgroup(&combination.into_affine())
    })
}

/// Points in the backend's form.
fn to_backend(points: &[G2Affine]) -> Vec<Point> {
    let mut rows: Vec<_> = points.iter().map(Point::from_affine).collect();
    dispatch(ToBackend(&mut rows));
    rows
}

/// Uniform coefficients in -2^12 … 2^12 - 1.
fn random_coefficients(count: usize) -> Vec<i16> {
    let mut bytes = vec![0u8; 2 * count];
    OsRng.fill_bytes(&mut bytes);
    let coefficient = |pair: &[u8]| {
        let bits = pair.iter().rev().fold(0, |bits, &byte| bits << 8 | i32::from(byte));
        ((bits & (2 * OFFSET - 1)) - OFFSET) as i16
    };
    bytes.chunks_exact(2).map(coefficient).collect()
}

/// Σ coefficients[i] · points[i], of points in the backend's form. Nothing is taken for granted of them but that they are on the twist:
/// no endomorphism.
fn combination(points: &[Point], coefficients: &[i16]) -> G2Projective {
    let sums = dispatch(BucketSums(Sorted::new(points, coefficients)));
    // sums[k] is wanted k times: as often as the sum of those from k on is added up.
    let (mut running, mut sum) = (G2Projective::zero(), G2Projective::zero());
    for bucket in sums.iter().skip(1).rev() {
        running += bucket.to_affine::<g2::Config>();
        sum += running;
    }
    sum
}

type Point = PointOf<g2::Config>;

/// Points by the absolute value of their coefficient, negated where it is negative; in the backend's form.
struct Sorted {
    points: Vec<Point>,
    /// Bucket k holds `points[starts[k]..starts[k + 1]]`.
    starts: Vec<usize>,
}

impl Sorted {
    fn new(points: &[Point], coefficients: &[i16]) -> Self {
        let bucket = |coefficient: &i16| usize::from(coefficient.unsigned_abs());
        let mut starts = vec![0; BUCKETS + 1];
        for coefficient in coefficients {
            starts[bucket(coefficient) + 1] += 1;
        }
        for k in 1..starts.len() {
            starts[k] += starts[k - 1];
        }
        let mut next = starts.clone();
        let mut sorted = vec![Point::default(); points.len()];
        for (point, coefficient) in points.iter().zip(coefficients) {
            let place = &mut next[bucket(coefficient)];
            sorted[*place] = if *coefficient < 0 { point.negated() } else { *point };
            *place += 1;
        }
        Self { points: sorted, starts }
    }
}

/// The sum of each bucket, in arkworks's form: neighbours in a bucket are added until one is left.
struct BucketSums(Sorted);

impl Kernel for BucketSums {
    type Output = Vec<Point>;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> Vec<Point> {
        let Sorted { points: mut source, mut starts } = self.0;
        let mut out = vec![Point::default(); source.len()];
        let mut entries = Vec::with_capacity(source.len() / 2);
        let mut scratch = Scratch::default();
        loop {
            entries.clear();
            let mut end = 0;
            for k in 0..BUCKETS {
                let bucket = starts[k]..starts[k + 1];
                starts[k] = end;
                for first in bucket.clone().step_by(2) {
                    if first + 1 < bucket.end {
                        entries.push(Pair {
                            first: first as u32,
                            second: first as u32 + 1,
                            place: end as u32,
                        });
                    } else {
                        out[end] = source[first];
                    }
                    end += 1;
                }
            }
            starts[BUCKETS] = end;
            if entries.is_empty() {
                break;
            }
            add_all(
                backend,
                &mut Pairs { source: &source, out: &mut out, entries: &entries, far: false },
                &mut scratch,
            );
            core::mem::swap(&mut source, &mut out);
        }
        let sum = |bucket: &[usize]| if bucket[0] < bucket[1] { source[bucket[0]] } else { Point::default() };
        let mut sums: Vec<_> = starts.windows(2).map(sum).collect();
        FromBackend(&mut sums).run(backend);
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bn254::{Fq, Fq2, Fr};
    use ark_ec::{AffineRepr, CurveConfig, PrimeGroup};
    use ark_ff::{BigInteger, BigInteger256, PrimeField, UniformRand};
    use ark_std::test_rng;

    const SMALLEST_FACTOR: u64 = 10069;

    fn cofactor() -> BigInteger256 {
        let mut cofactor = Fq::MODULUS;
        assert!(!cofactor.mul2());
        assert!(!cofactor.sub_with_borrow(&Fr::MODULUS));
        cofactor
    }

    fn remainder(value: &BigInteger256, divisor: u64) -> u64 {
        let step = |rest: u128, limb: &u64| ((rest << 64) + u128::from(*limb)) % u128::from(divisor);
        value.0.iter().rev().fold(0, step) as u64
    }

    fn quotient(value: &BigInteger256, divisor: u64) -> Vec<u64> {
        let mut rest = 0u128;
        let mut limbs = value.0;
        for limb in limbs.iter_mut().rev() {
            let part = (rest << 64) + u128::from(*limb);
            *limb = (part / u128::from(divisor)) as u64;
            rest = part % u128::from(divisor);
        }
        limbs.to_vec()
    }

    /// A random point of the twist; it is in the subgroup with probability 1/h.
    fn on_twist(rng: &mut impl rand::Rng) -> G2Affine {
        loop {
            if let Some(point) = G2Affine::get_point_from_x_unchecked(Fq2::rand(rng), rng.r#gen()) {
                return point;
            }
        }
    }

    /// A point whose order is the smallest that a point outside the subgroup can have beside r: it is the hardest to find.
    fn of_smallest_order(rng: &mut impl rand::Rng) -> G2Affine {
        loop {
            let point =
                on_twist(rng).mul_bigint(Fr::MODULUS).mul_bigint(quotient(&cofactor(), SMALLEST_FACTOR));
            if !point.is_zero() {
                assert!(point.mul_bigint([SMALLEST_FACTOR]).is_zero());
                return point.into_affine();
            }
        }
    }

    fn inside(count: usize, rng: &mut impl rand::Rng) -> Vec<G2Affine> {
        let mut point = G2Projective::rand(rng);
        let points: Vec<_> = (0..count)
            .map(|_| {
                point += G2Projective::generator();
                point
            })
            .collect();
        G2Projective::normalize_batch(&points)
    }

    #[test]
    fn no_prime_below_the_number_of_coefficients_divides_the_cofactor() {
        let cofactor = cofactor();
        assert_eq!(cofactor.0, <g2::Config as CurveConfig>::COFACTOR);
        assert_eq!(
            (2..=SMALLEST_FACTOR).find(|divisor| remainder(&cofactor, *divisor) == 0),
            Some(SMALLEST_FACTOR)
        );
        assert!(2 * OFFSET as u64 <= SMALLEST_FACTOR);
    }

    #[test]
    fn the_twist_has_order_r_times_the_cofactor() {
        // r·h lies in Hasse's interval, and no other multiple of it does: that it kills points which neither factor kills
        // speaks for the order being r·h.
        let mut rng = test_rng();
        for _ in 0..10 {
            let point = on_twist(&mut rng);
            let in_subgroup = point.mul_bigint(cofactor());
            assert!(!in_subgroup.is_zero() && in_subgroup.mul_bigint(Fr::MODULUS).is_zero());
        }
    }

    #[test]
    fn coefficients_fill_their_range() {
        let coefficients = random_coefficients(1 << 18);
        let (least, most) = (coefficients.iter().min(), coefficients.iter().max());
        assert_eq!((least, most), (Some(&-4096), Some(&4095)));
        let mean = coefficients.iter().map(|c| f64::from(*c)).sum::<f64>() / coefficients.len() as f64;
        assert!(mean.abs() < 50.0, "{mean}"); // the standard deviation of the mean is 5
    }

    #[test]
    fn a_combination_is_the_sum_of_the_products() {
        let mut rng = test_rng();
        let mut points = inside(20, &mut rng);
        points[3] = G2Affine::zero();
        points[4] = points[5];
        let mut coefficients = random_coefficients(20);
        (coefficients[4], coefficients[5], coefficients[6]) = (-4096, -4096, 0);
        let expected: G2Projective = points.iter().zip(&coefficients).map(|(p, c)| *p * Fr::from(*c)).sum();
        assert_eq!(combination(&to_backend(&points), &coefficients), expected);
    }

    #[test]
    fn one_point_outside_among_many_is_found() {
        let mut rng = test_rng();
        let points = inside(FEW + 500, &mut rng);
        check_g2(&points, |_| ()).unwrap();
        for (index, outside) in [
            (0, of_smallest_order(&mut rng)),
            (777, on_twist(&mut rng)),
            (FEW + 499, of_smallest_order(&mut rng)),
        ] {
            let mut points = points.clone();
            points[index] = (points[index] + outside).into_affine();
            assert_eq!(check_g2(&points, |_| ()), Err(PointError::NotInSubgroup { index }));
            // Few points are tested one by one.
            assert_eq!(check_g2(&points[index..=index], |_| ()), Err(PointError::NotInSubgroup { index: 0 }));
        }
    }

    #[test]
    fn errors_that_cancel_in_the_plain_sum_are_found() {
        let mut rng = test_rng();
        let mut points = inside(FEW + 500, &mut rng);
        let outside = of_smallest_order(&mut rng);
        points[10] = (points[10] + outside).into_affine();
        points[20] = (points[20] - outside).into_affine();
        assert!(is_in_subgroup(&points.iter().sum::<G2Projective>().into_affine()));
        assert_eq!(check_g2(&points, |_| ()), Err(PointError::NotInSubgroup { index: 10 }));
    }

    #[test]
    fn points_off_the_curve_are_found_before_their_subgroup_is_asked() {
        let mut rng = test_rng();
        let mut g2 = inside(FEW + 500, &mut rng);
        g2[600].y.c1 += Fq::from(1u64);
        assert_eq!(check_g2(&g2, |_| ()), Err(PointError::NotOnCurve { index: 600 }));
        let mut g1 = vec![G1Affine::generator(); 5];
        g1[4].x += Fq::from(1u64);
        assert_eq!(check_g1(&g1, |_| ()), Err(PointError::NotOnCurve { index: 4 }));
        g1[4] = G1Affine::zero();
        assert_eq!(check_g1(&g1, |_| ()), Ok(()));
    }
}
