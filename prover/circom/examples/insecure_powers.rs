//! Writes powers of a *known* tau as a prepared `.ptau` file: for tests and measurements, in seconds where a ceremony takes hours. Whoever
//! runs it can forge proofs under every key made from the file.
//!
//! `cargo run --release -p zkpov-circom --example insecure_powers -- POWER FILE.ptau`

use std::fs::File;
use std::io::{BufWriter, Write};

use ark_bn254::{Fq, Fr, G1Projective, G2Projective};
use ark_ec::PrimeGroup;
use ark_ec::scalar_mul::BatchMulPreprocessing;
use ark_ec::short_weierstrass::{Affine, Projective, SWCurveConfig};
use ark_ff::{BigInteger, Field, PrimeField, UniformRand};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use rayon::prelude::*;
use zkpov_prover::encoding::Encoding;

const CHUNK: usize = 1 << 12;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(power), Some(path)) = (arguments.next(), arguments.next()) else {
        return Err("usage: insecure_powers POWER FILE.ptau".into());
    };
    let power: u32 = power.parse()?;
    let mut rng = rand::rngs::OsRng;
    let [tau, alpha, beta] = core::array::from_fn(|_| Fr::rand(&mut rng));
    let places = 1usize << power;
    let powers: Vec<Fr> =
        core::iter::successors(Some(Fr::from(1u64)), |last| Some(*last * tau)).take(2 * places - 1).collect();
    let times =
        |values: &[Fr], factor: Fr| values.par_iter().map(|value| *value * factor).collect::<Vec<_>>();
    let half = &powers[..places];
    let lagrange: Vec<Fr> = (0..=power + 1).flat_map(|log2| polynomials(log2, tau, power)).collect();
    let lagrange_half = &lagrange[..2 * places - 1];

    let g1 = BatchMulPreprocessing::new(G1Projective::generator(), 12 * places);
    let g2 = BatchMulPreprocessing::new(G2Projective::generator(), 3 * places);
    let mut header = 32u32.to_le_bytes().to_vec();
    header.extend_from_slice(&Fq::MODULUS.to_bytes_le());
    header.extend_from_slice(&power.to_le_bytes());
    header.extend_from_slice(&power.to_le_bytes());
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(b"ptau")?;
    out.write_all(&1u32.to_le_bytes())?;
    out.write_all(&11u32.to_le_bytes())?;
    for (id, bytes) in [
        (1u32, header),
        (2, points(&g1, &powers)),
        (3, points(&g2, half)),
        (4, points(&g1, &times(half, alpha))),
        (5, points(&g1, &times(half, beta))),
        (6, points(&g2, &[beta])),
        (7, 0u32.to_le_bytes().to_vec()),
        (12, points(&g1, &lagrange)),
        (13, points(&g2, lagrange_half)),
        (14, points(&g1, &times(lagrange_half, alpha))),
        (15, points(&g1, &times(lagrange_half, beta))),
    ] {
        out.write_all(&id.to_le_bytes())?;
        out.write_all(&(bytes.len() as u64).to_le_bytes())?;
        out.write_all(&bytes)?;
    }
    Ok(out.into_inner()?.sync_all()?)
}

/// The Lagrange polynomials of a domain at tau; those of the last domain without the power that the file does not have.
fn polynomials(log2: u32, tau: Fr, power: u32) -> Vec<Fr> {
    let places = 1usize << log2;
    let domain = Radix2EvaluationDomain::<Fr>::new(places).expect("the field has these roots of unity");
    let mut values = domain.evaluate_all_lagrange_coefficients(tau);
    if log2 > power {
        let last = tau.pow([places as u64 - 1]) * domain.size_inv;
        // ω^(-j (n - 1)) = ω^j.
        values.iter_mut().zip(domain.elements()).for_each(|(value, root)| *value -= last * root);
    }
    values
}

fn points<C: SWCurveConfig<ScalarField = Fr>>(
    table: &BatchMulPreprocessing<Projective<C>>,
    scalars: &[Fr],
) -> Vec<u8>
where
    Affine<C>: Encoding,
{
    let mut bytes = vec![0; scalars.len() * Affine::<C>::BYTES];
    bytes.par_chunks_mut(CHUNK * Affine::<C>::BYTES).zip(scalars.par_chunks(CHUNK)).for_each(
        |(out, scalars)| {
            let points = table.batch_mul(scalars);
            points
                .iter()
                .zip(out.chunks_exact_mut(Affine::<C>::BYTES))
                .for_each(|(point, out)| point.encode(out));
        },
    );
    bytes
}
