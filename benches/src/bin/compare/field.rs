//! Multiplications in Fr: 64 independent products, each the factor of the next, so that throughput is what counts.

use std::hint::black_box;

use anyhow::ensure;
use ark_bn254::Fr;
use ark_ff::UniformRand;
use halo2curves::bn256;
use rand::{SeedableRng, rngs::StdRng};
use zkpov_prover::kernels::{self, PRODUCTS};

use super::measure::{Measurement, System, ZKPOV, timed, work};
use super::msm::halo2_scalar;

/// The values of every run are the same.
const SEED: u64 = 1;
/// How often all are multiplied in a run.
const TIMES: usize = 20_000;

pub(super) fn compare(rounds: usize, json: bool) -> anyhow::Result<()> {
    ensure!(rounds > 0, "--rounds is at least one");
    let rng = &mut StdRng::seed_from_u64(SEED);
    let values: [Fr; PRODUCTS] = core::array::from_fn(|_| Fr::rand(rng));
    let factors: [Fr; PRODUCTS] = core::array::from_fn(|_| Fr::rand(rng));
    let mut expected = values;
    ark_products(&mut expected, &factors);
    let their_values = values.iter().map(halo2_scalar).collect::<anyhow::Result<Vec<bn256::Fr>>>()?;
    let their_factors = factors.iter().map(halo2_scalar).collect::<anyhow::Result<Vec<bn256::Fr>>>()?;
    let their_expected = expected.iter().map(halo2_scalar).collect::<anyhow::Result<Vec<bn256::Fr>>>()?;
    let systems = vec![
        System::new(ZKPOV, || {
            let mut values = black_box(values);
            let ((), time) = timed(|| kernels::multiply(&mut values, &factors, TIMES));
            ensure!(values == expected, "the products are wrong");
            Ok(time)
        }),
        System::new("ark-ff", || {
            let mut values = black_box(values);
            let ((), time) = timed(|| ark_products(&mut values, &factors));
            ensure!(values == expected, "the products are wrong");
            Ok(time)
        }),
        System::new("halo2curves", || {
            let mut values = black_box(their_values.clone());
            let ((), time) = timed(|| {
                for _ in 0..TIMES {
                    for (value, factor) in values.iter_mut().zip(&their_factors) {
                        *value *= factor;
                    }
                }
            });
            ensure!(values == their_expected, "the products are wrong");
            Ok(time)
        }),
    ];
    let words = [
        ("operation", "field".into()),
        ("multiplications", (PRODUCTS * TIMES).into()),
        ("threads", 1.into()),
        ("rounds", rounds.into()),
    ];
    Measurement { work: work(words), systems, steps: Some(PRODUCTS * TIMES), rounds, json }.run()
}

fn ark_products(values: &mut [Fr; PRODUCTS], factors: &[Fr; PRODUCTS]) {
    for _ in 0..TIMES {
        for (value, factor) in values.iter_mut().zip(factors) {
            *value *= factor;
        }
    }
}
