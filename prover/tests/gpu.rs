//! Devices compute what the CPU computes, or say that they cannot.
//!
//! Any device will do, and OpenCL on this machine's processors (PoCL) is the usual one. Without any the tests say so and pass, unless
//! `ZKPOV_GPU_TESTS` is `required`; if it is `full` (which requires one as well), sizes go up to 2^16.

#![cfg(feature = "gpu")]

mod common;

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{One, UniformRand, Zero};
use core::time::Duration;
use std::env;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zkpov_prover::device::DeviceError;
use zkpov_prover::gpu::{Gpu, Rates, Settings, list};
use zkpov_prover::{
    Backend, Options, ProveError, ProvingKey, engine, prove_on, prove_on_with_randomness,
    prove_with_randomness, setup,
};

fn is_full() -> bool {
    env::var("ZKPOV_GPU_TESTS").is_ok_and(|value| value == "full")
}

/// Tests take turns: PoCL's compiler crashes when several contexts of one process use it at once.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A device of this machine.
fn open(settings: Settings) -> Option<Gpu> {
    let devices = list();
    let Some(info) = devices.first() else {
        assert!(env::var_os("ZKPOV_GPU_TESTS").is_none(), "no device");
        eprintln!("SKIPPED: no CUDA or OpenCL device on this machine");
        return None;
    };
    Some(Gpu::open(Some(&info.selector()), settings).unwrap())
}

fn points<G: CurveGroup>(count: usize) -> Vec<G::Affine> {
    let mut rng = ark_std::test_rng();
    let step = G::rand(&mut rng);
    let sums: Vec<G> =
        core::iter::successors(Some(step), |sum| Some(*sum + step)).take(count.min(997)).collect();
    let mut distinct = G::normalize_batch(&sums);
    // Infinity, a point twice in a row, a point and its negative.
    let length = distinct.len();
    if length > 8 {
        distinct[3] = G::Affine::zero();
        distinct[5] = distinct[4];
        distinct[7] = (-distinct[6].into_group()).into_affine();
    }
    distinct.into_iter().cycle().take(count).collect()
}

fn check_msm(gpu: &Gpu, count: usize, what: &str, scalars: &[Fr]) {
    let (g1, g2): (Vec<G1Affine>, Vec<G2Affine>) =
        (points::<G1Projective>(count), points::<G2Projective>(count));
    let expected = G1Projective::msm_unchecked(&g1, scalars);
    assert!(gpu.msm_g1(&g1, scalars).unwrap() == expected, "G1, {count} {what}");
    let expected = G2Projective::msm_unchecked(&g2, scalars);
    assert!(gpu.msm_g2(&g2, scalars).unwrap() == expected, "G2, {count} {what}");
}

#[test]
fn the_self_test_passes() {
    let _turn = turn();
    let Some(gpu) = open(Settings::default()) else { return };
    gpu.check().unwrap();
}

#[test]
fn multiplications_are_those_of_arkworks_whatever_the_scalars_and_the_number_of_pairs() {
    let _turn = turn();
    let Some(gpu) = open(Settings::default()) else { return };
    let mut rng = ark_std::test_rng();
    let counts: &[usize] =
        if is_full() { &[1, 2, 7, 64, 1000, 4096, 30_011, 1 << 16] } else { &[1, 2, 7, 64, 1000, 4096] };
    for &count in counts {
        let random: Vec<Fr> = (0..count).map(|_| Fr::rand(&mut rng)).collect();
        check_msm(&gpu, count, "random scalars", &random);
        check_msm(&gpu, count, "equal scalars", &vec![random[0]; count]);
        check_msm(&gpu, count, "zeros", &vec![Fr::zero(); count]);
        check_msm(&gpu, count, "largest scalars", &vec![-Fr::one(); count]);
        let bits: Vec<Fr> = (0..count as u64).map(|k| Fr::from(k % 2)).collect();
        check_msm(&gpu, count, "bits", &bits);
    }
    assert!(gpu.msm_g1(&[], &[]).unwrap().is_zero());
}

#[test]
fn chunks_change_no_sum() {
    let _turn = turn();
    let mut rng = ark_std::test_rng();
    let scalars: Vec<Fr> = (0..500).map(|_| Fr::rand(&mut rng)).collect();
    for chunk in [1, 77, 250, 499, 500, 501] {
        let mut settings = Settings::default();
        settings.chunk = Some(chunk);
        let Some(gpu) = open(settings) else { return };
        check_msm(&gpu, scalars.len(), "random scalars in chunks", &scalars);
    }
}

#[test]
fn quotients_are_those_of_the_cpu_at_every_length() {
    let _turn = turn();
    let Some(gpu) = open(Settings::default()) else { return };
    let mut rng = ark_std::test_rng();
    for log in 0..=if is_full() { 16 } else { 12 } {
        let mut random = || (0..1usize << log).map(|_| Fr::rand(&mut rng)).collect::<Vec<_>>();
        let (a, b) = (random(), random());
        assert!(gpu.quotient(&a, &b).unwrap() == engine::quotient(a, b).unwrap(), "2^{log}");
    }
    assert!(gpu.quotient(&[Fr::one(); 3], &[Fr::one(); 3]).is_err());
    assert!(gpu.quotient(&[Fr::one(); 2], &[Fr::one(); 4]).is_err());
}

/// A circuit's key and assignment, and its proof by the CPU with randomness (3, 5).
fn proven_on_cpu(constraints: usize) -> (ProvingKey, Vec<Fr>, zkpov_prover::Proof) {
    let circuit = common::chain(constraints);
    let key = setup(&circuit.r1cs(), [0; 32], &Options::default()).unwrap();
    let (r, s) = (Fr::from(3u64), Fr::from(5u64));
    let proof = prove_with_randomness(&key, &circuit.assignment, (&r, &s), &Options::default()).unwrap();
    (key, circuit.assignment, proof)
}

fn rates(milliseconds: u64) -> Rates {
    let time = Duration::from_millis(milliseconds);
    Rates::new(time, 3 * time, time)
}

#[test]
fn proofs_have_the_bytes_of_the_cpus_for_the_same_randomness() {
    let _turn = turn();
    let sizes: &[usize] = if is_full() { &[1, 20, 1000, 5000, 60_000] } else { &[1, 20, 1000] };
    for &constraints in sizes {
        let (key, assignment, expected) = proven_on_cpu(constraints);
        let whole = Settings::default();
        let (mut chunked, mut paranoid) = (whole, whole);
        chunked.chunk = Some(constraints.div_ceil(3));
        paranoid.paranoid = true;
        for settings in [whole, chunked, paranoid] {
            let Some(gpu) = open(settings) else { return };
            let info = gpu.info().clone();
            let backend = Backend::gpu(gpu);
            // The second proof finds the key's points on the device.
            for _ in 0..2 {
                let (r, s) = (Fr::from(3u64), Fr::from(5u64));
                let proved =
                    prove_on_with_randomness(&backend, &key, &assignment, (&r, &s), &Options::default())
                        .unwrap();
                assert_eq!(proved.proof, expected);
                assert_eq!((proved.ran.name(), proved.ran.device.as_ref()), ("gpu", Some(&info)));
            }
        }
    }
}

#[test]
fn two_proofs_at_once_on_one_device_are_both_right() {
    let _turn = turn();
    let (key, assignment, expected) = proven_on_cpu(100);
    let Some(gpu) = open(Settings::default()) else { return };
    let backend = Backend::gpu(gpu);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let (r, s) = (Fr::from(3u64), Fr::from(5u64));
                let proved =
                    prove_on_with_randomness(&backend, &key, &assignment, (&r, &s), &Options::default())
                        .unwrap();
                assert_eq!(proved.proof, expected);
            });
        }
    });
}

#[test]
fn keys_take_turns_on_a_device() {
    let _turn = turn();
    let Some(gpu) = open(Settings::default()) else { return };
    let backend = Backend::gpu(gpu);
    let (one, other) = (proven_on_cpu(10), proven_on_cpu(40));
    for (key, assignment, expected) in [&one, &other, &one] {
        let (r, s) = (Fr::from(3u64), Fr::from(5u64));
        let proved =
            prove_on_with_randomness(&backend, key, assignment, (&r, &s), &Options::default()).unwrap();
        assert_eq!(proved.proof, *expected);
    }
}

#[test]
fn device_and_cpu_share_a_proof_as_their_rates_say() {
    let _turn = turn();
    let (key, assignment, expected) = proven_on_cpu(1000);
    let cases =
        [(rates(1), rates(1000), "gpu"), (rates(2), rates(1), "gpu+cpu"), (rates(1000), rates(1), "cpu")];
    for (device, cpu, name) in cases {
        let mut settings = Settings::default();
        settings.rates = Some((device, cpu));
        let Some(gpu) = open(settings) else { return };
        let backend = Backend::auto(Ok(gpu));
        let (r, s) = (Fr::from(3u64), Fr::from(5u64));
        let proved =
            prove_on_with_randomness(&backend, &key, &assignment, (&r, &s), &Options::default()).unwrap();
        assert_eq!((proved.proof, proved.ran.name()), (expected, name));
        assert_eq!(proved.ran.reason.is_some(), name == "cpu");
    }
}

#[test]
fn a_device_without_room_is_an_error_and_under_auto_a_proof_by_the_cpu_that_says_so() {
    let _turn = turn();
    let (key, assignment, _) = proven_on_cpu(5000);
    let mut settings = Settings::default();
    // Room for the self-test, not for the transforms of 8192 rows.
    settings.memory = Some(1 << 20);
    settings.rates = Some((rates(1), rates(1000)));
    let Some(gpu) = open(settings) else { return };
    let refused = prove_on(&Backend::gpu(gpu), &key, &assignment, &Options::default()).unwrap_err();
    assert!(matches!(refused, ProveError::Device(DeviceError::OutOfMemory { .. })), "{refused}");
    let Some(gpu) = open(settings) else { return };
    let proved = prove_on(&Backend::auto(Ok(gpu)), &key, &assignment, &Options::default()).unwrap();
    assert_eq!((proved.ran.name(), proved.ran.device.is_none()), ("cpu", true));
    assert!(proved.ran.reason.as_ref().unwrap().contains("no room"), "{}", proved.ran);
}

#[test]
fn little_memory_makes_chunks_and_the_same_proof() {
    let _turn = turn();
    let (key, assignment, expected) = proven_on_cpu(1000);
    let mut settings = Settings::default();
    settings.memory = Some(2 << 20);
    let Some(gpu) = open(settings) else { return };
    let (r, s) = (Fr::from(3u64), Fr::from(5u64));
    let proved =
        prove_on_with_randomness(&Backend::gpu(gpu), &key, &assignment, (&r, &s), &Options::default())
            .unwrap();
    assert_eq!(proved.proof, expected);
}

#[test]
fn without_a_device_auto_proves_on_the_cpu_and_says_so() {
    let _turn = turn();
    let (key, assignment, _) = proven_on_cpu(20);
    let proved =
        prove_on(&Backend::auto(Err(DeviceError::None)), &key, &assignment, &Options::default()).unwrap();
    assert_eq!(proved.ran.name(), "cpu");
    assert!(proved.ran.to_string().contains("no GPU"), "{}", proved.ran);
    let unknown = Gpu::open(Some("cuda:99"), Settings::default()).unwrap_err();
    assert!(matches!(unknown, DeviceError::Unknown { .. }), "{unknown}");
}

#[test]
fn a_kernel_that_does_not_end_in_time_is_an_error_and_the_device_is_not_used_again() {
    let _turn = turn();
    let mut settings = Settings::default();
    settings.timeout = Duration::from_secs(20);
    let Some(gpu) = open(settings) else { return };
    gpu.spin(1).unwrap();
    drop(gpu);
    settings.timeout = Duration::from_secs(2);
    let Some(gpu) = open(settings) else { return };
    let mut rounds = 64;
    let error = loop {
        // As long as it takes, whatever the device's speed.
        match gpu.spin(rounds) {
            Ok(()) => rounds *= 4,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, DeviceError::TimedOut { .. }), "{error}");
    let again = gpu.msm_g1(&[G1Affine::generator()], &[Fr::one()]).unwrap_err();
    assert!(matches!(again, DeviceError::Lost(_)), "{again}");
}
