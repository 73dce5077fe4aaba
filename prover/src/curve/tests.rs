//! Additions against arkworks, special cases among ordinary ones.

use super::*;
use crate::vector::{Choice, dispatch};
use ark_ec::CurveGroup;
use ark_ff::{PrimeField, UniformRand};
use ark_std::rand::{Rng, RngCore};

fn to_backend<C: Curve>(points: &[Affine<C>]) -> Vec<PointOf<C>> {
    let mut points: Vec<_> = points.iter().map(Point::from_affine).collect();
    dispatch(ToBackend(&mut points));
    points
}

fn from_backend<C: Curve>(mut points: Vec<PointOf<C>>) -> Vec<Affine<C>> {
    dispatch(FromBackend(&mut points));
    points.into_iter().map(Point::to_affine).collect()
}

/// A handful of points with their negatives and infinity, so that every special case is frequent.
fn few<C: Curve>(rng: &mut impl RngCore) -> Vec<Affine<C>> {
    let mut points: Vec<Affine<C>> = (0..4).map(|_| Affine::rand(rng)).collect();
    points.extend(points.clone().iter().map(|point| -*point));
    points.push(Affine::zero());
    points
}

fn sums_are_those_of_ark_ec<C: Curve>(points: &[Affine<C>], count: usize, rng: &mut impl RngCore) {
    let entries: Vec<Pair> = (0..count)
        .map(|k| Pair {
            first: rng.gen_range(0..points.len() as u32) | if rng.r#gen() { NEGATIVE } else { 0 },
            second: rng.gen_range(0..points.len() as u32) | if rng.r#gen() { NEGATIVE } else { 0 },
            place: (count - 1 - k) as u32,
        })
        .collect();
    let mut expected = vec![Affine::<C>::zero(); count];
    for Pair { first, second, place } in &entries {
        let term = |term: &u32| {
            let point = points[(term & !NEGATIVE) as usize];
            if term & NEGATIVE == 0 { point } else { -point }
        };
        expected[*place as usize] = (term(first) + term(second)).into_affine();
    }
    for backend in Choice::available() {
        let mut rows: Vec<_> = points.iter().map(Point::from_affine).collect();
        backend.run(ToBackend(&mut rows));
        let mut out = vec![Point::default(); count];
        backend.run(Add::new(&mut Pairs {
            source: &rows,
            out: &mut out,
            entries: &entries,
            far: count.is_multiple_of(2),
        }));
        backend.run(FromBackend(&mut out));
        let sums: Vec<_> = out.into_iter().map(Point::to_affine).collect();
        assert_eq!(sums, expected, "{}", backend.name());
    }
}

#[test]
fn additions_are_exact_among_many_special_pairs() {
    let mut rng = ark_std::test_rng();
    for count in [0, 1, 2, 7, 8, 9, 100, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 3] {
        let points = few::<g1::Config>(&mut rng);
        sums_are_those_of_ark_ec(&points, count, &mut rng);
        let points = few::<g2::Config>(&mut rng);
        sums_are_those_of_ark_ec(&points, count, &mut rng);
    }
}

#[test]
fn additions_of_random_points_are_those_of_ark_ec() {
    let mut rng = ark_std::test_rng();
    let points: Vec<Affine<g1::Config>> = (0..500).map(|_| Affine::rand(&mut rng)).collect();
    sums_are_those_of_ark_ec(&points, 3000, &mut rng);
    let points: Vec<Affine<g2::Config>> = (0..100).map(|_| Affine::rand(&mut rng)).collect();
    sums_are_those_of_ark_ec(&points, 2000, &mut rng);
}

#[test]
fn points_that_are_not_on_the_curve_add_up_to_something() {
    let mut rng = ark_std::test_rng();
    let x = ark_bn254::Fq::rand(&mut rng);
    let points: Vec<Affine<g1::Config>> =
        (0..9u64).map(|y| Affine::new_unchecked(x, ark_bn254::Fq::from(y))).collect();
    let rows = to_backend(&points);
    let entries: Vec<Pair> = (0..81).map(|k| Pair { first: k / 9, second: k % 9, place: k }).collect();
    let mut out = vec![Point::default(); 81];
    dispatch(Add::new(&mut Pairs { source: &rows, out: &mut out, entries: &entries, far: false }));
    // Only the pairs of equal points, other than the one with y = 0, are given a tangent.
    assert_eq!(out.iter().filter(|point| !point.is_infinity()).count(), 8);
}

#[test]
fn points_survive_bytes_and_both_forms() {
    let mut rng = ark_std::test_rng();
    let mut points: Vec<_> = (0..21).map(|_| Affine::<g2::Config>::rand(&mut rng)).collect();
    points[3] = Affine::zero();
    assert_eq!(from_backend::<g2::Config>(to_backend(&points)), points);
    for point in &points {
        let mut bytes = [0; Point::<[Row; 2]>::BYTES];
        Point::from_affine(point).write(&mut bytes);
        let mut encoded = [0; Point::<[Row; 2]>::BYTES];
        crate::encoding::Encoding::encode(point, &mut encoded);
        assert_eq!(bytes, encoded);
        assert_eq!(Point::read(&bytes).to_affine::<g2::Config>(), *point);
    }
}

#[test]
fn coordinates_from_the_modulus_on_are_told() {
    let modulus = <ark_bn254::Fq as PrimeField>::MODULUS.0;
    let mut point = Point::<[Row; 1]>::default();
    assert!(point.is_canonical());
    point.y = [modulus];
    assert!(!point.is_canonical());
    point.y[0][0] -= 1;
    assert!(point.is_canonical());
    point.x[0][3] = u64::MAX;
    assert!(!point.is_canonical());
}

#[test]
fn the_endomorphism_is_multiplication_by_lambda() {
    assert_eq!(LAMBDA * LAMBDA + LAMBDA, -Fr::from(1u64));
    let point = Affine::<g1::Config>::rand(&mut ark_std::test_rng());
    assert_eq!(point * LAMBDA, Affine::<g1::Config>::new_unchecked(point.x * g1::Config::BETA, point.y));
    let point = Affine::<g2::Config>::rand(&mut ark_std::test_rng());
    let image = Affine::<g2::Config>::new_unchecked(
        ark_bn254::Fq2::new(point.x.c0 * g2::Config::BETA, point.x.c1 * g2::Config::BETA),
        point.y,
    );
    assert_eq!(point * LAMBDA, image);
}
