//! The prover's layers, smallest first: field, transforms, multi-scalar multiplication, proof. `compare` sets the same beside others.

use std::hint::black_box;

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{PrimeGroup, scalar_mul::BatchMulPreprocessing};
use ark_ff::UniformRand;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::{SeedableRng, rngs::StdRng};
use zkpov_benches::Chain;
use zkpov_prover::{Options, kernels, prove, setup};

/// How often the 64 elements of a field bench are multiplied, and the points of one of additions added.
const TIMES: usize = 100;
/// Points that are added in pairs.
const ADDED: usize = 1 << 11;
/// Base-2 logarithms of the sizes of the other layers.
const TRANSFORMS: [u32; 2] = [12, 16];
const POINTS: [u32; 2] = [10, 14];
const CONSTRAINTS: [u32; 2] = [10, 14];
/// Measured runs of what takes long.
const SAMPLES: usize = 10;

fn random(log2: u32) -> Vec<Fr> {
    let rng = &mut StdRng::seed_from_u64(u64::from(log2));
    (0..1 << log2).map(|_| Fr::rand(rng)).collect()
}

fn field(c: &mut Criterion) {
    let mut group = c.benchmark_group("field");
    let mut values: [Fr; kernels::PRODUCTS] = core::array::from_fn(|i| Fr::from(i as u64 + 2));
    let factors = values;
    group.throughput(Throughput::Elements((kernels::PRODUCTS * TIMES) as u64));
    group.bench_function("multiply", |b| {
        b.iter(|| kernels::multiply(black_box(&mut values), &factors, TIMES))
    });
}

/// Additions of points in the cache.
fn additions(c: &mut Criterion) {
    let mut rng = StdRng::seed_from_u64(1);
    let g1: Vec<_> = (0..ADDED).map(|_| G1Affine::rand(&mut rng)).collect();
    let g2: Vec<_> = (0..ADDED).map(|_| G2Affine::rand(&mut rng)).collect();
    let mut group = c.benchmark_group("additions");
    group.throughput(Throughput::Elements((ADDED / 2 * TIMES) as u64));
    group.bench_function("g1", |b| b.iter(|| kernels::add_neighbours_g1(black_box(&g1), TIMES)));
    group.bench_function("g2", |b| b.iter(|| kernels::add_neighbours_g2(black_box(&g2), TIMES)));
}

fn transforms(c: &mut Criterion) {
    let mut group = c.benchmark_group("to_odd_points");
    group.sample_size(SAMPLES);
    for log2 in TRANSFORMS {
        let values = random(log2);
        group.bench_function(BenchmarkId::from_parameter(log2), |b| {
            b.iter_batched_ref(
                || values.clone(),
                |values| kernels::to_odd_points(values),
                BatchSize::LargeInput,
            );
        });
    }
}

fn multiplications(c: &mut Criterion) {
    let mut group = c.benchmark_group("msm");
    group.sample_size(SAMPLES);
    for log2 in POINTS {
        let scalars = random(log2);
        let g1 = BatchMulPreprocessing::new(G1Projective::generator(), scalars.len()).batch_mul(&scalars);
        let g2 = BatchMulPreprocessing::new(G2Projective::generator(), scalars.len()).batch_mul(&scalars);
        group.bench_function(BenchmarkId::new("g1", log2), |b| b.iter(|| kernels::msm_g1(&g1, &scalars)));
        group.bench_function(BenchmarkId::new("g2", log2), |b| b.iter(|| kernels::msm_g2(&g2, &scalars)));
    }
}

fn proofs(c: &mut Criterion) {
    let mut group = c.benchmark_group("prove");
    group.sample_size(SAMPLES);
    for log2 in CONSTRAINTS {
        let chain = Chain::new(log2);
        let r1cs = chain.r1cs().expect("the chain is a circuit");
        let key = setup(&r1cs, [0; 32], &Options::default()).expect("a key");
        let assignment = chain.assignment();
        group.bench_function(BenchmarkId::from_parameter(log2), |b| {
            b.iter(|| prove(&key, &assignment, &Options::default()).expect("a proof"));
        });
    }
}

criterion_group!(benches, field, additions, transforms, multiplications, proofs);
criterion_main!(benches);
