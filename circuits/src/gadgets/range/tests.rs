use ark_ff::UniformRand;
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};

use super::*;
use crate::r1cs::{self, R1cs};

fn satisfied(circuit: impl Fn(ConstraintSystemRef<Fr>) -> Result<()>) -> bool {
    let r1cs = R1cs::synthesize(&circuit).expect("has a shape");
    r1cs.is_satisfied(&r1cs::assignment(&circuit).expect("computes"))
}

fn constraints(circuit: impl Fn(ConstraintSystemRef<Fr>) -> Result<()>) -> usize {
    R1cs::synthesize(circuit).expect("has a shape").constraints()
}

fn input(cs: &ConstraintSystemRef<Fr>, value: Fr) -> Result<FpVar<Fr>> {
    hint::field(cs, "input", || Ok(value))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn bits_exist_exactly_below_the_bound(value: u128, count in 1usize..130) {
        let fits = count >= 128 || value >> count == 0;
        prop_assert_eq!(satisfied(|cs| bits("bits", &input(&cs, Fr::from(value))?, count).map(|_| ())), fits);
    }

    #[test]
    fn at_most_agrees_with_integers(value: u64, bound: u64, near in -2i64..3) {
        for bound in [bound, value.wrapping_add_signed(near)] {
            let holds = satisfied(|cs| {
                let bits = bits("bits", &input(&cs, Fr::from(value))?, 64)?;
                enforce_at_most("at_most", &bits, &BigInt::from(bound))
            });
            prop_assert_eq!(holds, value <= bound);
        }
    }

    #[test]
    fn integers_add_subtract_and_compare_as_integers(a: u64, b: u64, near in -2i64..3) {
        for b in [b, a.wrapping_add_signed(near)] {
            let with = |body: fn(&U64, &U64) -> Result<()>| satisfied(move |cs| {
                body(&U64::hint(&cs, "a", || Ok(a.into()))?, &U64::hint(&cs, "b", || Ok(b.into()))?)
            });
            prop_assert_eq!(with(|a, b| a.checked_add("add", b).map(|_| ())), a.checked_add(b).is_some());
            prop_assert_eq!(with(|a, b| a.checked_sub("sub", b).map(|_| ())), a.checked_sub(b).is_some());
            prop_assert_eq!(with(|a, b| a.enforce_at_most("at_most", b)), a <= b);
            prop_assert_eq!(with(|a, b| a.is_less_than(b)?.enforce_true("true")), a < b);
            prop_assert_eq!(with(|a, b| a.is_less_than(b)?.not()?.enforce_true("true")), a >= b);
            prop_assert_eq!(with(|a, b| a.is_equal(b)?.enforce_true("true")), a == b);
            prop_assert_eq!(with(|a, b| enforce_less_than("less", a.as_field(), b.as_field(), 64)), a < b);
        }
    }

    #[test]
    fn canonical_bits_are_those_of_the_representative(seed: u64) {
        let value = Fr::rand(&mut StdRng::seed_from_u64(seed));
        for value in [value, -Fr::ONE, Fr::ZERO] {
            let same = satisfied(|cs| {
                for (i, bit) in canonical_bits(&input(&cs, value)?)?.iter().enumerate() {
                    if let Ok(bit) = bit.value() {
                        assert_eq!(bit, value.into_bigint().get_bit(i));
                    }
                }
                Ok(())
            });
            prop_assert!(same);
        }
    }
}

#[test]
fn zero_is_zero_and_nothing_else() {
    for (value, expected) in [(0u64, true), (1, false), (7, false)] {
        assert!(satisfied(|cs| {
            let bit = is_zero(&input(&cs, Fr::from(value))?)?;
            enforce_equal("expected", bit.as_field(), &FpVar::Constant(Fr::from(expected)))
        }));
        assert_eq!(
            satisfied(|cs| enforce_inverse("inverse", &input(&cs, Fr::from(value))?).map(|_| ())),
            !expected
        );
    }
}

#[test]
fn packing_is_positional_and_bounded() {
    let parts = [FpVar::Constant(Fr::from(5u64)), FpVar::Constant(Fr::from(7u64))];
    let packed = pack([(&parts[0], 24), (&parts[1], 128)]).expect("fits");
    assert_eq!(packed.value(), Ok(Fr::from(5u128 + (7u128 << 24))));
    assert_eq!(pack([(&parts[0], 127), (&parts[1], 127)]).err(), Some(SynthesisError::ArityMismatch));
}

#[test]
fn constants_are_checked_at_once() {
    assert_eq!(U32::constant(1 << 32).err(), Some(SynthesisError::Unsatisfiable));
    let (small, large) = (U32::constant(1).expect("fits"), U32::constant(u32::MAX.into()).expect("fits"));
    assert!(small.checked_sub("sub", &large).is_err() && large.checked_add("add", &small).is_err());
    assert!(large.checked_sub("sub", &small).is_ok());
}

#[test]
fn counts_are_pinned() {
    assert_eq!(constraints(|cs| bits("bits", &input(&cs, Fr::ZERO)?, 64).map(|_| ())), 65);
    assert_eq!(constraints(|cs| canonical_bits(&input(&cs, Fr::ZERO)?).map(|_| ())), 308);
    assert_eq!(constraints(|cs| is_zero(&input(&cs, Fr::ZERO)?).map(|_| ())), 3);
}
