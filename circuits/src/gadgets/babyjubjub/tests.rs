use ark_ff::{BigInteger, PrimeField, UniformRand};
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};
use zkpov_verifier::babyjubjub::Scalar;

use super::*;
use crate::{
    gadgets::range,
    r1cs::{self, R1cs},
};

fn satisfied(circuit: impl Fn(ConstraintSystemRef<Fr>) -> Result<()>) -> bool {
    let r1cs = R1cs::synthesize(&circuit).expect("has a shape");
    r1cs.is_satisfied(&r1cs::assignment(&circuit).expect("computes"))
}

fn point(seed: u64) -> Point {
    Point::BASE8.multiply(&Scalar::rand(&mut StdRng::seed_from_u64(seed)))
}

fn expect(result: &EdwardsPoint, expected: &Point) -> Result<()> {
    enforce_equal("expected", &result.x, &FpVar::Constant(expected.x))?;
    enforce_equal("expected", &result.y, &FpVar::Constant(expected.y))
}

/// A point of order 8: circomlib's generator of the whole curve, without its part of prime order.
fn torsion() -> Point {
    use ark_ff::MontFp;
    let generator = Point {
        x: MontFp!("995203441582195749578291179787384436505546430278305826713579947235728471134"),
        y: MontFp!("5472060717959818805561601436314318772137091100104008585924551046643952123905"),
    };
    let below = generator.multiply(&-Scalar::ONE);
    below.add(&generator)
}

#[test]
fn the_law_is_complete() {
    use ark_ff::LegendreSymbol;
    assert_eq!(A.legendre(), LegendreSymbol::QuadraticResidue);
    assert_eq!(D.legendre(), LegendreSymbol::QuadraticNonResidue);
}

#[test]
fn sums_and_doubles_are_the_native_ones_in_every_case() {
    let (p, q) = (point(1), point(2));
    let t = torsion();
    let cases = [p, q, p.neg(), t, t.double(), t.double().double(), p.add(&t), Point::IDENTITY];
    for a in cases {
        for b in cases {
            assert!(satisfied(|cs| {
                let left = EdwardsPoint::hint(&cs, "a", || Ok(a))?;
                expect(&left.add(&EdwardsPoint::hint(&cs, "b", || Ok(b))?)?, &a.add(&b))
            }));
        }
        assert!(satisfied(|cs| expect(&EdwardsPoint::hint(&cs, "a", || Ok(a))?.double()?, &a.double())));
    }
}

#[test]
fn keys_are_points_of_the_prime_subgroup_and_not_the_identity() {
    let accepts = |point: Point| satisfied(|cs| EdwardsPoint::hint(&cs, "key", || Ok(point))?.enforce_key());
    let (p, t) = (point(3), torsion());
    assert!(accepts(p) && accepts(Point::BASE8));
    let orders = [t, t.double(), t.double().double(), p.add(&t), p.add(&t.double().double())];
    assert!(orders.into_iter().all(|point| point.is_on_curve() && !accepts(point)));
    assert!(!accepts(Point::IDENTITY));
    assert!(!accepts(Point { x: p.x + Fr::ONE, y: p.y }) && !accepts(Point { x: Fr::ZERO, y: Fr::ZERO }));
}

#[test]
fn coordinates_convert_both_ways() {
    let p = point(4);
    assert!(satisfied(|cs| expect(
        &EdwardsPoint::hint(&cs, "p", || Ok(p))?.to_montgomery()?.to_edwards()?,
        &p
    )));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn multiples_of_the_base_are_the_native_ones(seed: u64) {
        let random = Scalar::rand(&mut StdRng::seed_from_u64(seed));
        for scalar in [random, Scalar::ZERO, Scalar::ONE, -Scalar::ONE, Scalar::from(seed)] {
            let integer = Fr::from_bigint(scalar.into_bigint()).expect("below p");
            let holds = satisfied(|cs| {
                let s = hint::field(&cs, "s", || Ok(integer))?;
                let bits = range::bits("bits", &s, multiply::SCALAR_BITS)?;
                expect(&multiply::base_multiple(&bits)?, &Point::BASE8.multiply(&scalar))
            });
            prop_assert!(holds);
        }
    }

    #[test]
    fn multiples_by_a_challenge_are_the_native_ones(seed: u64) {
        let random = Fr::rand(&mut StdRng::seed_from_u64(seed));
        let largest = Fr::from_bigint(Fr::MODULUS_MINUS_ONE_DIV_TWO).expect("below p");
        for challenge in [random, largest, Fr::from(2u64).pow([200]), Fr::from(1u64 << 40) * Fr::from(2u64).pow([90])] {
            let p = point(seed);
            let scalar = Scalar::from_le_bytes_mod_order(&challenge.into_bigint().to_bytes_le());
            let expected = p.multiply(&scalar).double().double().double();
            let holds = satisfied(|cs| {
                let h = hint::field(&cs, "h", || Ok(challenge))?;
                expect(&multiply::eightfold_multiple(&EdwardsPoint::hint(&cs, "p", || Ok(p))?, &h)?, &expected)
            });
            prop_assert!(holds);
        }
    }
}
