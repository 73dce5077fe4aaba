//! The arithmetic on limbs that are as large as they may be, which numbers from memory never are all at once.

use ark_bn254::{Fq, Fr};
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use ark_std::rand::{Rng, RngCore};

use super::super::{Backend, Base, LANES, Modulus, Scalar};
use super::constants::weight;
use super::doubles::Doubles;
use super::{Avx2, LIMB_BITS, LIMBS, LOG2_R, Limbs};

/// A modulus and the field of `ark-ff` that has it.
trait Oracle: Modulus {
    type Field: PrimeField;
}
impl Oracle for Base {
    type Field = Fq;
}
impl Oracle for Scalar {
    type Field = Fr;
}

/// Limbs as integers.
type Digits = [i64; LIMBS];

/// What a limb of a reduced value is at most: 2^50, and what a neighbour may carry to it.
const TIGHT: i64 = (1 << (LIMB_BITS - 1)) + 8;

fn vector(_: Avx2, digits: &[Digits; LANES]) -> Limbs {
    Limbs(core::array::from_fn(|i| Doubles::from_lanes(digits.map(|digits| digits[i] as f64 * weight(i)))))
}

fn digits(vector: Limbs) -> [Digits; LANES] {
    let limbs = vector.0.map(Doubles::lanes);
    core::array::from_fn(|lane| {
        core::array::from_fn(|i| {
            let limb = limbs[i][lane] / weight(i);
            assert!(
                limb.fract() == 0.0 && limb.abs() <= 9_007_199_254_740_992.0,
                "limb {i} is not an integer: {limb}"
            );
            limb as i64
        })
    })
}

fn element<F: PrimeField>(digits: &Digits) -> F {
    let step = F::from(1u64 << LIMB_BITS);
    digits.iter().rev().fold(F::ZERO, |sum, &digit| sum * step + F::from(digit))
}

/// x / p, to about 40 bits.
fn in_moduli<M: Modulus>(digits: &Digits) -> f64 {
    let p = M::P.iter().rev().fold(0.0, |sum, &word| sum * 18_446_744_073_709_551_616.0 + word as f64);
    digits.iter().rev().fold(0.0, |sum, &digit| sum * (1u64 << LIMB_BITS) as f64 + digit as f64) / p
}

/// The largest last limb with which a number is below `moduli` · p whatever its other limbs.
fn last<M: Modulus>(moduli: f64) -> i64 {
    let p = in_moduli::<M>(&[0, 0, 0, 0, 1]);
    (moduli / p) as i64 - 2
}

fn is_reduced<M: Modulus>(digits: &Digits) -> bool {
    digits.iter().all(|digit| digit.abs() <= TIGHT) && in_moduli::<M>(digits).abs() < 0.500_001
}

/// Signed limbs: every sign, with the largest absolute values; then limbs at and around the limits, zero and random.
fn extremes<M: Modulus>(limb: i64, moduli: f64) -> Vec<Digits> {
    let last = last::<M>(moduli);
    let mut all: Vec<Digits> = (0..1 << LIMBS)
        .map(|signs| {
            core::array::from_fn(|i| {
                let digit = if i == LIMBS - 1 { last } else { limb };
                if signs >> i & 1 == 1 { -digit } else { digit }
            })
        })
        .collect();
    let mut rng = ark_std::test_rng();
    all.extend((0..480).map(|_| -> Digits {
        core::array::from_fn(|i| {
            let limit = if i == LIMBS - 1 { last } else { limb };
            match rng.next_u32() % 8 {
                0 => limit,
                1 => -limit,
                2 => limit - 1,
                3 => limit / 2,
                4 => -limit / 2,
                5 => rng.gen_range(-1..=1),
                _ => rng.gen_range(-limit..=limit),
            }
        })
    }));
    all
}

fn keeps_its_bounds<M: Oracle>(backend: Avx2) {
    let step = M::Field::from(2u64).pow([LOG2_R as u64]).inverse().unwrap();
    let operands = extremes::<M>(TIGHT, 2.0);
    for (shift, _) in operands.iter().enumerate().step_by(7) {
        for at in (0..operands.len()).step_by(LANES) {
            let a: [Digits; LANES] = core::array::from_fn(|lane| operands[(at + lane) % operands.len()]);
            let b: [Digits; LANES] =
                core::array::from_fn(|lane| operands[(at + lane + shift) % operands.len()]);
            let (x, y) = (vector(backend, &a), vector(backend, &b));
            let (product, square) = (digits(Avx2::mul::<M>(x, y)), digits(Avx2::square::<M>(x)));
            for lane in 0..LANES {
                let (u, v): (M::Field, M::Field) = (element(&a[lane]), element(&b[lane]));
                assert!(is_reduced::<M>(&product[lane]) && is_reduced::<M>(&square[lane]));
                assert_eq!(
                    element::<M::Field>(&product[lane]),
                    u * v * step,
                    "{:x?} {:x?}",
                    a[lane],
                    b[lane]
                );
                assert_eq!(element::<M::Field>(&square[lane]), u * u * step, "{:x?}", a[lane]);
            }
        }
    }
}

#[test]
fn products_of_the_largest_limbs_are_exact_and_reduced() {
    let Some(backend) = Avx2::detect() else { return println!("this processor has no AVX2") };
    keeps_its_bounds::<Base>(backend);
    keeps_its_bounds::<Scalar>(backend);
}

fn sums_are_settled_reduced_and_packed<M: Oracle>(backend: Avx2) {
    let tight = extremes::<M>(TIGHT, 1.0);
    let sums = extremes::<M>(2 * TIGHT, 2.0);
    let double_sums = extremes::<M>(4 * TIGHT, 4.0);
    for values in [&tight, &sums, &double_sums] {
        for eight in values.chunks_exact(LANES) {
            let eight: [Digits; LANES] = core::array::from_fn(|lane| eight[lane]);
            let x = vector(backend, &eight);
            let (reduced, packed) = (digits(Avx2::reduce::<M>(x)), Avx2::pack::<M>(x));
            for lane in 0..LANES {
                let value: M::Field = element(&eight[lane]);
                assert!(is_reduced::<M>(&reduced[lane]));
                assert_eq!(element::<M::Field>(&reduced[lane]), value);
                assert_eq!(packed[lane].to_vec(), value.into_bigint().as_ref());
            }
        }
    }
    for eight in sums.chunks_exact(LANES) {
        let eight: [Digits; LANES] = core::array::from_fn(|lane| eight[lane]);
        let settled = digits(Avx2::settle(vector(backend, &eight)));
        for (settled, sum) in settled.iter().zip(&eight) {
            assert!(settled[..LIMBS - 1].iter().all(|digit| digit.abs() <= TIGHT));
            assert_eq!(element::<M::Field>(settled), element::<M::Field>(sum));
        }
    }
    for (a, b) in tight.chunks_exact(LANES).zip(tight[LANES..].chunks_exact(LANES)) {
        let [a, b]: [[Digits; LANES]; 2] = [a, b].map(|values| core::array::from_fn(|lane| values[lane]));
        let (x, y) = (vector(backend, &a), vector(backend, &b));
        let results = [Avx2::add::<M>(x, y), Avx2::sub::<M>(x, y), Avx2::sub_two::<M>(x, y, y)].map(digits);
        for lane in 0..LANES {
            let (u, v): (M::Field, M::Field) = (element(&a[lane]), element(&b[lane]));
            let expected = [u + v, u - v, u - v.double()];
            for (result, expected) in results.iter().zip(expected) {
                assert_eq!(element::<M::Field>(&result[lane]), expected);
            }
            assert!(is_reduced::<M>(&results[2][lane]));
        }
    }
}

#[test]
fn sums_with_the_largest_limbs_are_exact_settled_and_packed() {
    let Some(backend) = Avx2::detect() else { return println!("this processor has no AVX2") };
    sums_are_settled_reduced_and_packed::<Base>(backend);
    sums_are_settled_reduced_and_packed::<Scalar>(backend);
}

fn halves<M: Oracle>(backend: Avx2) {
    let mut rng = ark_std::test_rng();
    for _ in 0..2_000 {
        let rows: [[u64; 4]; LANES] = core::array::from_fn(|_| core::array::from_fn(|_| rng.next_u64()));
        let vector = backend.unpack_ark::<M>(rows.each_ref());
        for (row, digits) in rows.iter().zip(digits(vector)) {
            let number = row.iter().rev().fold(M::Field::ZERO, |sum, &word| {
                sum * M::Field::from(u128::from(u64::MAX) + 1) + M::Field::from(word)
            });
            assert!(is_reduced::<M>(&digits));
            assert_eq!(element::<M::Field>(&digits).double(), number);
        }
        assert!(M::P[0] & 1 == 1 && M::Field::MODULUS.num_bits() == 254);
    }
}

#[test]
fn numbers_of_256_bits_are_halved_modulo_p() {
    let Some(backend) = Avx2::detect() else { return println!("this processor has no AVX2") };
    halves::<Base>(backend);
    halves::<Scalar>(backend);
}
