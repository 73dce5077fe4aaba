//! The device against the CPU, and how fast it is.

use ark_bn254::{Fr, g1, g2};
use ark_ec::short_weierstrass::{Affine, Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Field, Fp, MontBackend, MontConfig, One, PrimeField, UniformRand, Zero};
use rand::rngs::OsRng;
use std::time::{Duration, Instant};

use super::driver::{Arg, GROUP};
use super::msm::{Group, from_sum};
use super::schedule::Rates;
use super::{Gpu, random_scalars};
use crate::curve::Curve;
use crate::device::DeviceError;
use crate::encoding::{Encoding, FIELD_BYTES};
use crate::msm as on_cpu;
use crate::qap;

/// Throughput of a device, and of the CPU beside it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Measured {
    /// Pairs of a multiplication, and rows of a transform, are 2 to this number.
    pub log_size: u32,
    /// Field multiplications in a second.
    pub products_per_second: f64,
    /// Seconds of a multiplication in G1, in G2, and of a quotient.
    pub device: Rates,
    /// The same on the CPU, over all cores.
    pub cpu: Rates,
}

type Element<C> = Fp<MontBackend<C, 4>, 4>;
type FieldOperation<C> = fn(Element<C>, Element<C>) -> Element<C>;
type CurveOperation<C> = fn(Affine<C>, Affine<C>) -> Projective<C>;
/// One of a pair.
type Side<T> = fn(&(T, T)) -> T;

/// What is done whenever a device is opened: a few operations of every kind, some milliseconds.
pub(super) fn quick(gpu: &Gpu) -> Result<(), DeviceError> {
    fields(gpu, 4)?;
    curves(gpu)?;
    multiplications(gpu, &[1, 100])?;
    transforms(gpu, &[0, 6, 11])
}

/// What [`Gpu::check`] does.
pub(super) fn full(gpu: &Gpu) -> Result<(), DeviceError> {
    fields(gpu, 1000)?;
    curves(gpu)?;
    multiplications(gpu, &[1, 2, 3, 63, 64, 65, 1000, 4097])?;
    transforms(gpu, &[0, 1, 2, 5, 9, 10, 11, 12, 14])
}

fn wrong<T>(what: impl Into<String>) -> Result<T, DeviceError> {
    Err(DeviceError::Wrong { what: what.into() })
}

/// Every operation of both fields, on all pairs of boundary values and on random ones.
fn fields(gpu: &Gpu, random: usize) -> Result<(), DeviceError> {
    field::<ark_bn254::FqConfig>(gpu, "fq_operation", random)?;
    field::<ark_bn254::FrConfig>(gpu, "fr_operation", random)
}

fn field<C: MontConfig<4>>(gpu: &Gpu, kernel: &'static str, random: usize) -> Result<(), DeviceError> {
    // The greatest in value and in Montgomery form, both with their neighbours, and limbs of ones.
    let mut edges = vec![
        Element::<C>::zero(),
        Element::one(),
        -Element::<C>::one(),
        Element::from(2u64).inverse().unwrap_or_default(),
    ];
    for subtracted in 1..4u64 {
        let mut limbs = Element::<C>::MODULUS;
        limbs.0[0] -= subtracted;
        edges.push(Element::new_unchecked(limbs));
    }
    for limb in 0..4 {
        let mut limbs = ark_ff::BigInt([u64::MAX; 4]);
        limbs.0[3] = Element::<C>::MODULUS.0[3] - 1;
        edges.push(Element::new_unchecked(limbs));
        limbs.0[limb] = 0;
        edges.push(Element::new_unchecked(limbs));
        let mut limbs = ark_ff::BigInt([0; 4]);
        limbs.0[limb] = 1;
        edges.push(Element::new_unchecked(limbs));
    }
    let mut pairs: Vec<(Element<C>, Element<C>)> =
        edges.iter().flat_map(|a| edges.iter().map(|b| (*a, *b))).collect();
    pairs.extend((0..random).map(|_| (Element::rand(&mut OsRng), Element::rand(&mut OsRng))));
    let operations: [FieldOperation<C>; 5] =
        [|a, b| a + b, |a, b| a - b, |a, b| a * b, |a, _| a.square(), |a, _| -a];
    let side = |pick: Side<Element<C>>| -> Vec<u8> {
        pairs.iter().flat_map(|pair| pick(pair).0.0.into_iter().flat_map(u64::to_le_bytes)).collect()
    };
    let device = &gpu.device;
    let (a, b) = (device.upload(&side(|pair| pair.0), false)?, device.upload(&side(|pair| pair.1), false)?);
    for (number, operation) in (0u32..).zip(operations) {
        let out = device.allocate(pairs.len() * FIELD_BYTES, false)?;
        let numbers = [Arg::Number(pairs.len() as u32), Arg::Number(number)];
        let args = [&numbers[..], &[Arg::Memory(&a), Arg::Memory(&b), Arg::Memory(&out)]].concat();
        device.launch(kernel, pairs.len(), GROUP, &args)?;
        let mut bytes = vec![0; pairs.len() * FIELD_BYTES];
        device.read(&out, 0, &mut bytes)?;
        for ((a, b), found) in pairs.iter().zip(bytes.chunks_exact(FIELD_BYTES)) {
            if Element::<C>::decode(found) != Some(operation(*a, *b)) {
                return wrong(format!("operation {number} of {kernel} on {a} and {b}"));
            }
        }
    }
    Ok(())
}

/// Additions of every kind of pair: different, equal, opposite, infinity on either side or both.
fn curves(gpu: &Gpu) -> Result<(), DeviceError> {
    curve::<g1::Config>(gpu, "g1_operation")?;
    curve::<g2::Config>(gpu, "g2_operation")
}

fn curve<C: Group>(gpu: &Gpu, kernel: &'static str) -> Result<(), DeviceError>
where
    Affine<C>: Encoding,
{
    let random = || Projective::<C>::from(Affine::<C>::generator()) * Fr::rand(&mut OsRng);
    let (p, q) = (random().into_affine(), random().into_affine());
    let zero = Affine::<C>::identity();
    let pairs =
        [(p, q), (q, p), (p, p), (p, -p), (p, zero), (zero, p), (zero, zero), (p, (-p - p).into_affine())];
    let side = |pick: Side<Affine<C>>| {
        let mut bytes = vec![0; pairs.len() * <Affine<C> as Encoding>::BYTES];
        for (pair, bytes) in pairs.iter().zip(bytes.chunks_exact_mut(<Affine<C> as Encoding>::BYTES)) {
            pick(pair).encode(bytes);
        }
        bytes
    };
    let device = &gpu.device;
    let (a, b) = (device.upload(&side(|pair| pair.0), false)?, device.upload(&side(|pair| pair.1), false)?);
    let operations: [CurveOperation<C>; 4] = [|p, q| p + q, |p, q| p + q, |_, q| q.into(), |p, _| p + p];
    let bytes_of_sum = 4 * C::COORDINATE;
    for (number, operation) in (0u32..).zip(operations) {
        let out = device.allocate(pairs.len() * bytes_of_sum, false)?;
        let numbers = [Arg::Number(pairs.len() as u32), Arg::Number(number)];
        let args = [&numbers[..], &[Arg::Memory(&a), Arg::Memory(&b), Arg::Memory(&out)]].concat();
        device.launch(kernel, pairs.len(), GROUP, &args)?;
        let mut bytes = vec![0; pairs.len() * bytes_of_sum];
        device.read(&out, 0, &mut bytes)?;
        for (index, ((p, q), found)) in pairs.iter().zip(bytes.chunks_exact(bytes_of_sum)).enumerate() {
            if from_sum::<C>(found) != Some(operation(*p, *q).into_affine()) {
                return wrong(format!("operation {number} of {kernel} on pair {index}"));
            }
        }
    }
    Ok(())
}

/// Distinct points, some of them infinity, repeated to so many.
fn some_points<C: Group>(count: usize) -> Vec<Affine<C>> {
    const DISTINCT: usize = 61;
    let step = Projective::<C>::from(Affine::<C>::generator()) * Fr::rand(&mut OsRng);
    let sums = core::iter::successors(Some(step), |sum| Some(*sum + step));
    let distinct: Vec<_> = sums.take(DISTINCT.min(count)).collect();
    let mut points = Projective::normalize_batch(&distinct);
    if let Some(point) = points.get_mut(DISTINCT / 2) {
        *point = Affine::identity();
    }
    points.into_iter().cycle().take(count).collect()
}

/// Multiplications in both groups: random scalars, all equal, all zero, all one, −1 and small ones, half of them zero.
fn multiplications(gpu: &Gpu, counts: &[usize]) -> Result<(), DeviceError> {
    for &count in counts {
        let (g1, g2) = (some_points::<g1::Config>(count), some_points::<g2::Config>(count));
        let random = random_scalars(count);
        let equal = random.first().copied().unwrap_or_default();
        let sparse = |index: usize| {
            if index.is_multiple_of(2) { Fr::ZERO } else { random.get(index).copied().unwrap_or_default() }
        };
        let kinds: [(&str, Vec<Fr>); 5] = [
            ("equal", vec![equal; count]),
            ("zero", vec![Fr::ZERO; count]),
            (
                "small",
                (0..count as u64).map(|k| if k % 3 == 0 { -Fr::from(k) } else { Fr::from(k % 2) }).collect(),
            ),
            ("sparse", (0..count).map(sparse).collect()),
            ("random", random.clone()),
        ];
        for (kind, scalars) in &kinds {
            if gpu.msm_g1(&g1, scalars)? != expected::<g1::Config>(&g1, scalars)? {
                return wrong(format!("a multiplication in G1 of {count} {kind} scalars"));
            }
            if gpu.msm_g2(&g2, scalars)? != expected::<g2::Config>(&g2, scalars)? {
                return wrong(format!("a multiplication in G2 of {count} {kind} scalars"));
            }
        }
    }
    Ok(())
}

fn expected<C: Curve<Coordinate: on_cpu::Kept>>(
    points: &[Affine<C>],
    scalars: &[Fr],
) -> Result<Projective<C>, DeviceError> {
    // Points in memory are canonical.
    on_cpu::msm(&points, scalars.into()).or_else(|_| wrong("the CPU's own sum"))
}

fn transforms(gpu: &Gpu, logs: &[u32]) -> Result<(), DeviceError> {
    for &log in logs {
        let (a, b) = (random_scalars(1 << log), random_scalars(1 << log));
        let found = gpu.quotient(&a, &b)?;
        if qap::quotient(a, b) != Some(found) {
            return wrong(format!("a quotient of 2^{log} rows"));
        }
    }
    Ok(())
}

/// Field multiplications of one thread of the measurement.
const PRODUCTS: u32 = 256;
/// Threads for the measurement of field multiplications.
const PRODUCT_THREADS: usize = 1 << 16;

pub(super) fn measure(gpu: &Gpu, log_size: u32) -> Result<Measured, DeviceError> {
    let count = 1usize << log_size;
    let (g1, g2) = (some_points::<g1::Config>(count), some_points::<g2::Config>(count));
    let (a, b) = (random_scalars(count), random_scalars(count));
    let device = Rates {
        g1: best(|| gpu.msm_g1(&g1, &a).map(drop))?,
        g2: best(|| gpu.msm_g2(&g2, &a).map(drop))?,
        quotient: best(|| gpu.quotient(&a, &b).map(drop))?,
    };
    let cpu = Rates {
        g1: best(|| expected::<g1::Config>(&g1, &a).map(drop))?,
        g2: best(|| expected::<g2::Config>(&g2, &a).map(drop))?,
        quotient: best(|| {
            qap::quotient(a.clone(), b.clone());
            Ok(())
        })?,
    };
    let values = super::upload_elements(&gpu.device, &random_scalars(PRODUCT_THREADS))?;
    let args = [
        Arg::Number(PRODUCT_THREADS as u32),
        Arg::Number(PRODUCTS),
        Arg::Memory(&values),
        Arg::Memory(&values),
    ];
    let products = best(|| {
        gpu.device.launch("fq_products", PRODUCT_THREADS, GROUP, &args)?;
        gpu.device.wait("products")
    })?;
    let products_per_second = PRODUCT_THREADS as f64 * f64::from(PRODUCTS) / products.as_secs_f64();
    Ok(Measured { log_size, products_per_second, device, cpu })
}

/// The shorter of two times; the first warms up.
fn best(mut work: impl FnMut() -> Result<(), DeviceError>) -> Result<Duration, DeviceError> {
    let mut best = Duration::MAX;
    for _ in 0..2 {
        let start = Instant::now();
        work()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}
