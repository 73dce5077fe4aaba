//! Forged challenges: other bits of one challenge, and challenges that lead the chain into exceptional cases.

use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::ConstraintSystemRef;

use super::*;
use crate::{
    constraint::enforce_equal,
    hint,
    soundness::{is_satisfied, violated, with_hints, without},
};

/// Enforces that 8·`challenge`·`point` is 8·`multiple`·`point`.
fn circuit(challenge: Fr, multiple: Scalar) -> impl Fn(ConstraintSystemRef<Fr>) -> Result<()> {
    let point = Point::BASE8.multiply(&Scalar::from(77u64));
    let expected = point.multiply(&multiple).double().double().double();
    move |cs| {
        let challenge = hint::field(&cs, "challenge", || Ok(challenge))?;
        let result = eightfold_multiple(&EdwardsPoint::hint(&cs, "point", || Ok(point))?, &challenge)?;
        enforce_equal("expected", &result.x, &FpVar::Constant(expected.x))?;
        enforce_equal("expected", &result.y, &FpVar::Constant(expected.y))
    }
}

fn modulo_l(integer: BigInt<4>) -> Scalar {
    Scalar::from_le_bytes_mod_order(&integer.to_bytes_le())
}

fn plus(mut a: BigInt<4>, b: BigInt<4>) -> BigInt<4> {
    assert!(!a.add_with_carry(&b), "no overflow");
    a
}

fn minus(mut a: BigInt<4>, b: BigInt<4>) -> BigInt<4> {
    assert!(!a.sub_with_borrow(&b), "no borrow");
    a
}

fn bits_of(integer: BigInt<4>) -> Vec<Fr> {
    (0..CHALLENGE_BITS).map(|i| Fr::from(integer.get_bit(i))).collect()
}

fn names(circuit: impl Fn(ConstraintSystemRef<Fr>) -> Result<()>) -> Vec<&'static str> {
    let mut names: Vec<_> = violated(circuit).expect("synthesises").iter().map(|row| row.name).collect();
    names.dedup();
    names
}

#[test]
fn the_bits_of_another_representative_of_a_challenge_are_refused() {
    let offset = ChallengeRange::get().offset;
    let small = BigInt::<4>::one() << 200;
    let large = minus(Fr::MODULUS, small);
    for (challenge, forged, name) in [
        (small, plus(plus(small, Fr::MODULUS), offset), "challenge/at_most"),
        (large, minus(offset, small), "challenge/at_least"),
    ] {
        let element = Fr::from_bigint(challenge).expect("below p");
        assert_eq!(is_satisfied(circuit(element, modulo_l(challenge))), Ok(true));
        // The same element, and another multiple.
        let lie = circuit(element, modulo_l(forged) - modulo_l(offset));
        assert_ne!(modulo_l(forged) - modulo_l(offset), modulo_l(challenge));
        with_hints("bit", &bits_of(forged), || {
            assert_eq!(names(&lie), [name]);
            assert_eq!(without(&[name], || is_satisfied(&lie)), Ok(true));
        });
    }
}

/// A challenge with which the chain is at k·T before `step`, where k = 2l·`times` + `sign`, and then adds `sign`·T; the
/// bits after that are `rest`. `None` if no challenge leads there.
fn exceptional(step: usize, times: u64, sign: i64, rest: u64) -> Option<BigInt<4>> {
    let unit = BigInt::<4>::one();
    let mut k = BigInt::<4>::zero();
    for _ in 0..2 * times {
        k = plus(k, Scalar::MODULUS);
    }
    k = if sign > 0 { plus(k, unit) } else { minus(k, unit) };
    // k = 2^step + 1 + 2·(the bits so far).
    let mut bits = k;
    if bits.sub_with_borrow(&plus(unit << step as u32, unit)) {
        return None;
    }
    bits >>= 1;
    if bits.num_bits() as usize > step {
        return None;
    }
    let rest_bits = (CHALLENGE_BITS - step - 1) as u32;
    let mut shifted = (bits << 1u32) << rest_bits;
    shifted = plus(shifted, BigInt::from(u64::from(sign > 0)) << rest_bits);
    shifted = plus(shifted, BigInt::from(rest & ((1 << rest_bits) - 1)));
    let mut challenge = shifted;
    (!challenge.sub_with_borrow(&ChallengeRange::get().offset) && challenge < Fr::MODULUS)
        .then_some(challenge)
}

#[test]
fn a_challenge_that_leads_to_equal_points_has_no_witness() {
    let mut met = [0; CHALLENGE_BITS - SAFE_STEPS];
    let cases = (1..=5u64).flat_map(|times| [(times, 1), (times, -1)]);
    for (step, (times, sign)) in
        (SAFE_STEPS..CHALLENGE_BITS).flat_map(|step| cases.clone().map(move |case| (step, case)))
    {
        for rest in [0, 3] {
            let Some(challenge) = exceptional(step, times, sign, rest) else { continue };
            met[step - SAFE_STEPS] += 1;
            let element = Fr::from_bigint(challenge).expect("below p");
            let circuit = circuit(element, modulo_l(challenge));
            // The chain is at the identity first, where no slope satisfies the quotient, with or without the check.
            assert!(names(&circuit).contains(&"quotient"));
            assert!(without(&["challenge/exceptional"], || names(&circuit)).contains(&"quotient"));
        }
    }
    assert!(met.iter().all(|met| *met > 0), "{met:?}");
}
