//! Σ scalar · point over 2^k random points.

use anyhow::{Context, ensure};
use ark_bn254::{Fr, G1Affine, G1Projective, G2Projective};
use ark_ec::{AffineRepr, CurveGroup, ScalarMul, VariableBaseMSM, scalar_mul::BatchMulPreprocessing};
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField, UniformRand};
use clap::ValueEnum;
use halo2curves::{CurveAffine, bn256, ff::PrimeField as _, group::Curve, msm::msm_best};
use rand::{Rng, SeedableRng, rngs::StdRng};
use zkpov_prover::kernels;

use super::Common;
use super::measure::{Measurement, System, ZKPOV, pool, timed, work};

/// The points and scalars of every run are the same.
const SEED: u64 = 1;
/// Of so many scalars of a sparse assignment one is neither zero nor one.
const SPARSE: u32 = 10;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Group {
    /// Over the base field
    G1,
    /// Over its quadratic extension
    G2,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Kind {
    /// Uniform
    Random,
    /// All the same
    Equal,
    /// One or minus one
    Sign,
    /// Below 2^64
    U64,
    /// Nine of ten zero or one, the others uniform
    Sparse,
}

impl Kind {
    fn draw(self, count: usize, rng: &mut StdRng) -> Vec<Fr> {
        let equal = Fr::rand(rng);
        let one = |rng: &mut StdRng| match self {
            Self::Random => Fr::rand(rng),
            Self::Equal => equal,
            Self::Sign if rng.r#gen() => -Fr::ONE,
            Self::Sign => Fr::ONE,
            Self::U64 => Fr::from(rng.r#gen::<u64>()),
            Self::Sparse if rng.gen_ratio(1, SPARSE) => Fr::rand(rng),
            Self::Sparse if rng.r#gen() => Fr::ONE,
            Self::Sparse => Fr::ZERO,
        };
        (0..count).map(|_| one(rng)).collect()
    }
}

/// Multiples of the generator by uniform scalars.
fn points<G: CurveGroup<ScalarField = Fr> + ScalarMul>(count: usize, rng: &mut StdRng) -> Vec<G::MulBase> {
    let scalars: Vec<_> = (0..count).map(|_| Fr::rand(rng)).collect();
    BatchMulPreprocessing::new(G::generator(), count).batch_mul(&scalars)
}

pub(super) fn compare(common: Common, group: Group, kind: Kind) -> anyhow::Result<()> {
    let Common { log2, threads, rounds, json } = common;
    let rng = &mut StdRng::seed_from_u64(SEED);
    let name = |value: &dyn ValueEnumName| value.name();
    let words = [
        ("operation", "msm".into()),
        ("group", name(&group).into()),
        ("scalars", name(&kind).into()),
        ("log2", log2.into()),
        ("threads", threads.into()),
        ("rounds", rounds.into()),
    ];
    let scalars = kind.draw(1 << log2, rng);
    let [ours, ark, halo2] = [pool(threads)?, pool(threads)?, pool(threads)?];
    match group {
        Group::G1 => {
            let points = points::<G1Projective>(1 << log2, rng);
            let expected = G1Projective::msm_unchecked(&points, &scalars);
            let their_points = points.iter().map(halo2_point).collect::<anyhow::Result<Vec<_>>>()?;
            let their_scalars = scalars.iter().map(halo2_scalar).collect::<anyhow::Result<Vec<_>>>()?;
            let systems = vec![
                System::new(ZKPOV, || {
                    let (sum, time) = ours.install(|| timed(|| kernels::msm_g1(&points, &scalars)));
                    ensure!(sum == Some(expected), "the sum is wrong");
                    Ok(time)
                }),
                System::new("ark-ec", || {
                    let (sum, time) =
                        ark.install(|| timed(|| G1Projective::msm_unchecked(&points, &scalars)));
                    ensure!(sum == expected, "the sum is wrong");
                    Ok(time)
                }),
                System::new("halo2curves", || {
                    let (sum, time) = halo2.install(|| timed(|| msm_best(&their_scalars, &their_points)));
                    ensure!(sum.to_affine() == halo2_point(&expected.into_affine())?, "the sum is wrong");
                    Ok(time)
                }),
            ];
            Measurement { work: work(words), systems, steps: None, rounds, json }.run()
        }
        Group::G2 => {
            let points = points::<G2Projective>(1 << log2, rng);
            let expected = G2Projective::msm_unchecked(&points, &scalars);
            let systems = vec![
                System::new(ZKPOV, || {
                    let (sum, time) = ours.install(|| timed(|| kernels::msm_g2(&points, &scalars)));
                    ensure!(sum == Some(expected), "the sum is wrong");
                    Ok(time)
                }),
                System::new("ark-ec", || {
                    let (sum, time) =
                        ark.install(|| timed(|| G2Projective::msm_unchecked(&points, &scalars)));
                    ensure!(sum == expected, "the sum is wrong");
                    Ok(time)
                }),
            ];
            Measurement { work: work(words), systems, steps: None, rounds, json }.run()
        }
    }
}

/// The name on the command line.
trait ValueEnumName {
    fn name(&self) -> String;
}

impl<T: ValueEnum> ValueEnumName for T {
    fn name(&self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// The 32 bytes of a field element, least significant first.
fn bytes<F: PrimeField>(element: &F) -> anyhow::Result<[u8; 32]> {
    element.into_bigint().to_bytes_le().try_into().ok().context("a field element has 32 bytes")
}

pub(super) fn halo2_scalar(scalar: &Fr) -> anyhow::Result<bn256::Fr> {
    Option::from(bn256::Fr::from_repr(bytes(scalar)?.into())).context("canonical")
}

fn halo2_point(point: &G1Affine) -> anyhow::Result<bn256::G1Affine> {
    let Some((x, y)) = point.xy() else { return Ok(bn256::G1Affine::default()) };
    let coordinate = |value| -> anyhow::Result<bn256::Fq> {
        Option::from(bn256::Fq::from_repr(bytes(&value)?.into())).context("canonical")
    };
    Option::from(bn256::G1Affine::from_xy(coordinate(x)?, coordinate(y)?)).context("on the curve")
}
