//! The transforms of a quotient: 2^k values on a domain to those on its odd points. This prover does both transforms in one.

use anyhow::{Context, ensure};
use ark_bn254::Fr;
use ark_ff::{Field, UniformRand};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use halo2curves::{bn256, ff::Field as _, fft::best_fft};
use rand::{SeedableRng, rngs::StdRng};
use rayon::prelude::*;
use zkpov_prover::kernels;

use super::Common;
use super::measure::{Measurement, System, ZKPOV, pool, timed, work};
use super::msm::halo2_scalar;

/// The values of every run are the same.
const SEED: u64 = 1;

pub(super) fn compare(Common { log2, threads, rounds, json }: Common) -> anyhow::Result<()> {
    let rng = &mut StdRng::seed_from_u64(SEED);
    let values: Vec<_> = (0..1 << log2).map(|_| Fr::rand(rng)).collect();
    let domain = Radix2EvaluationDomain::<Fr>::new(1 << log2).context("no domain of this size")?;
    let twice = Radix2EvaluationDomain::<Fr>::new(2 << log2).context("no domain of twice this size")?;
    let odd = domain.get_coset(twice.group_gen()).context("no coset")?;
    let ark_transform = |values: &mut Vec<Fr>| {
        domain.ifft_in_place(values);
        odd.fft_in_place(values);
    };
    let mut expected = values.clone();
    ark_transform(&mut expected);

    let their_values = values.iter().map(halo2_scalar).collect::<anyhow::Result<Vec<_>>>()?;
    let their_expected = expected.iter().map(halo2_scalar).collect::<anyhow::Result<Vec<_>>>()?;
    let root = halo2_scalar(&domain.group_gen())?;
    let inverse_root = halo2_scalar(&domain.group_gen_inv())?;
    let shift = halo2_scalar(&twice.group_gen())?;
    let scale = halo2_scalar(&domain.size_as_field_element().inverse().context("not zero")?)?;

    let [ours, ark, halo2] = [pool(threads)?, pool(threads)?, pool(threads)?];
    let systems = vec![
        System::new(ZKPOV, || {
            let mut values = values.clone();
            let (done, time) = ours.install(|| timed(|| kernels::to_odd_points(&mut values)));
            ensure!(done && values == expected, "the values are wrong");
            Ok(time)
        }),
        System::new("ark-poly", || {
            let mut values = values.clone();
            let ((), time) = ark.install(|| timed(|| ark_transform(&mut values)));
            ensure!(values == expected, "the values are wrong");
            Ok(time)
        }),
        System::new("halo2curves", || {
            let mut values = their_values.clone();
            let ((), time) = halo2.install(|| {
                timed(|| {
                    best_fft(&mut values, inverse_root, log2);
                    scale_by_powers(&mut values, scale, shift);
                    best_fft(&mut values, root, log2);
                })
            });
            ensure!(values == their_expected, "the values are wrong");
            Ok(time)
        }),
    ];
    let words = [
        ("operation", "fft".into()),
        ("transforms", 2.into()),
        ("log2", log2.into()),
        ("threads", threads.into()),
        ("rounds", rounds.into()),
    ];
    Measurement { work: work(words), systems, steps: None, rounds, json }.run()
}

/// Value i times `scale` · `shift`^i.
fn scale_by_powers(values: &mut [bn256::Fr], scale: bn256::Fr, shift: bn256::Fr) {
    let piece = values.len().div_ceil(rayon::current_num_threads());
    values.par_chunks_mut(piece).enumerate().for_each(|(place, values)| {
        let mut power = scale * shift.pow_vartime([(place * piece) as u64]);
        for value in values {
            *value *= power;
            power *= shift;
        }
    });
}
