//! Multiplications against arkworks.

use super::*;
use crate::vector::Choice;
use ark_bn254::{g1, g2};
use ark_ec::{AffineRepr, VariableBaseMSM};
use ark_ff::{Field, One, UniformRand, Zero};
use ark_std::rand::rngs::StdRng;
use ark_std::rand::{Rng, RngCore, SeedableRng};
use proptest::prelude::*;

/// Pairs up to which every backend is tried, and not only the one in use.
const ON_EVERY_BACKEND: usize = 1100;

fn check<C: Curve<Coordinate: Kept>>(bases: &[Affine<C>], scalars: &[Fr]) {
    let expected = Projective::<C>::msm_unchecked(bases, scalars);
    assert_eq!(msm(&bases, scalars.into()), Ok(expected));
    if bases.len() <= ON_EVERY_BACKEND {
        for backend in Choice::available() {
            let workspace = &mut Workspace::default();
            let sum = backend.run(Msm { bases: &bases, scalars: scalars.into(), workspace });
            assert_eq!(sum, Ok(expected), "{}", backend.name());
        }
    }
}

/// Different points, cheaply.
pub(super) fn points<C: Curve>(count: usize, rng: &mut impl RngCore) -> Vec<Affine<C>> {
    let seeds: Vec<Projective<C>> = (0..64).map(|_| Projective::rand(rng)).collect();
    let mut sum = Projective::<C>::rand(rng);
    let points: Vec<_> = (0..count)
        .map(|i| {
            sum += seeds[i % seeds.len()];
            sum
        })
        .collect();
    ark_ec::CurveGroup::normalize_batch(&points)
}

fn random(count: usize, rng: &mut impl RngCore) -> Vec<Fr> {
    (0..count).map(|_| Fr::rand(rng)).collect()
}

#[test]
fn sums_of_any_size_are_those_of_ark_ec() {
    let mut rng = ark_std::test_rng();
    for count in [0, 1, 2, 3, 5, 31, 100, 777, 1024, 2047, 2049, 5000, 1 << 14] {
        check::<g1::Config>(&points(count, &mut rng), &random(count, &mut rng));
    }
    for count in [0, 1, 2, 3, 30, 1000, 2500] {
        check::<g2::Config>(&points(count, &mut rng), &random(count, &mut rng));
    }
}

#[test]
fn sums_over_several_chunks_are_those_of_ark_ec() {
    let mut rng = ark_std::test_rng();
    for count in [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + BLOCK + 7] {
        check::<g1::Config>(&points(count, &mut rng), &random(count, &mut rng));
    }
    check::<g2::Config>(&points(CHUNK + 5, &mut rng), &random(CHUNK + 5, &mut rng));
}

#[test]
fn the_shorter_list_decides() {
    let mut rng = ark_std::test_rng();
    let (bases, scalars) = (points::<g1::Config>(20, &mut rng), random(20, &mut rng));
    check(&bases[..13], &scalars);
    check(&bases, &scalars[..13]);
}

/// Scalars of one kind, by number.
pub(super) fn scalars_of_kind(kind: usize, count: usize, rng: &mut impl RngCore) -> Vec<Fr> {
    let one = Fr::one();
    let equal = Fr::rand(rng);
    let edge = |bits: u64, rng: &mut dyn RngCore| {
        let power = Fr::from(2u64).pow([rng.gen_range(0..=256 / bits) * bits + bits - 1]);
        [power, -power, power + Fr::one(), power - Fr::one()][rng.gen_range(0..4)]
    };
    (0..count)
        .map(|i| match kind {
            0 => Fr::zero(),
            1 => one,
            2 => -one,
            3 => equal,
            4 => [Fr::zero(), one, -one][i % 3],
            5 => Fr::from(rng.next_u64()),
            6 => Fr::from(rng.gen_range(0..20u64)),
            7 => {
                if rng.gen_ratio(1, 10) {
                    Fr::rand(rng)
                } else {
                    Fr::from(rng.gen_range(0..2u64))
                }
            }
            8 => edge(13, rng),
            9 => edge(rng.gen_range(2..=16), rng),
            10 => -Fr::from(rng.next_u64()),
            _ => Fr::rand(rng),
        })
        .collect()
}
const KINDS: usize = 12;

/// Points of one kind, by number.
fn points_of_kind<C: Curve>(kind: usize, count: usize, rng: &mut impl RngCore) -> Vec<Affine<C>> {
    let some: Vec<Affine<C>> = points(3, rng);
    let mut all: Vec<Affine<C>> = points(count, rng);
    for (i, point) in all.iter_mut().enumerate() {
        match kind {
            0 => *point = some[0],
            1 => *point = if i % 2 == 0 { some[0] } else { -some[0] },
            2 => *point = Affine::zero(),
            3 if rng.gen_ratio(1, 3) => *point = Affine::zero(),
            4 => {
                let one = some[rng.gen_range(0..3)];
                *point = if rng.r#gen() { one } else { -one };
            }
            _ => {}
        }
    }
    all
}
const POINT_KINDS: usize = 6;

#[test]
fn skewed_scalars_and_special_points_are_summed_exactly() {
    let mut rng = ark_std::test_rng();
    for scalars in 0..KINDS {
        for points in 0..POINT_KINDS {
            for count in [7, 1000] {
                check::<g1::Config>(
                    &points_of_kind(points, count, &mut rng),
                    &scalars_of_kind(scalars, count, &mut rng),
                );
            }
            check::<g2::Config>(
                &points_of_kind(points, 300, &mut rng),
                &scalars_of_kind(scalars, 300, &mut rng),
            );
        }
    }
}

#[test]
fn a_bucket_of_many_tasks_is_summed_exactly() {
    let mut rng = ark_std::test_rng();
    let count = 40_001;
    for scalars in [1, 3, 4, 7] {
        for points in [0, 1, 4, 5] {
            check::<g1::Config>(
                &points_of_kind(points, count, &mut rng),
                &scalars_of_kind(scalars, count, &mut rng),
            );
        }
    }
}

#[test]
fn keys_are_read_in_place_and_indices_gather_scalars() {
    let mut rng = ark_std::test_rng();
    let bases = points::<g2::Config>(50, &mut rng);
    let mut bytes = vec![0; 50 * PointOf::<g2::Config>::BYTES];
    for (point, bytes) in bases.iter().zip(bytes.chunks_exact_mut(PointOf::<g2::Config>::BYTES)) {
        Point::from_affine(point).write(bytes);
    }
    let values = random(80, &mut rng);
    // One index leads nowhere.
    let indices: Vec<u32> = (0..50).map(|i| if i == 7 { 80 } else { 79 - i }).collect();
    let mut gathered: Vec<Fr> =
        indices.iter().map(|&i| values.get(i as usize).copied().unwrap_or_default()).collect();
    let expected = Projective::<g2::Config>::msm_unchecked(&bases, &gathered);
    assert_eq!(msm(&KeyPoints(&bytes), Scalars::gathered(&values, &indices)), Ok(expected));

    // A coordinate that is not below the modulus is found where its scalar is not zero.
    bytes[31 * PointOf::<g2::Config>::BYTES..][96..128].fill(0xff);
    assert_eq!(
        msm::<g2::Config>(&KeyPoints(&bytes), Scalars::gathered(&values, &indices)),
        Err(NotReduced { index: 31 })
    );
    gathered[31] = Fr::zero();
    assert!(msm::<g2::Config>(&KeyPoints(&bytes), gathered[..].into()).is_ok());
}

#[test]
fn working_memory_that_is_kept_holds_nothing() {
    let mut rng = ark_std::test_rng();
    check::<g1::Config>(&points(3000, &mut rng), &random(3000, &mut rng));
    let kept = <[Row; 1] as Kept>::kept();
    for workspace in kept.take_all() {
        assert!(workspace.sums.iter().all(Point::is_infinity));
        assert!(workspace.chunks.iter().all(Chunk::is_wiped));
        kept.put(workspace);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn mixtures_of_scalars_and_points_are_summed_exactly(seed: u64, count in 0usize..3000, kinds: [usize; 6]) {
        let mut rng = StdRng::seed_from_u64(seed);
        let parts: Vec<usize> = (0..3).map(|_| rng.gen_range(0..=count)).collect();
        let (mut bases, mut scalars) = (Vec::new(), Vec::new());
        for (part, kinds) in parts.into_iter().zip(kinds.chunks(2)) {
            bases.extend(points_of_kind::<g1::Config>(kinds[0] % POINT_KINDS, part, &mut rng));
            scalars.extend(scalars_of_kind(kinds[1] % KINDS, part, &mut rng));
        }
        check(&bases, &scalars);
    }
}
