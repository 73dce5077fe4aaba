use ark_ff::UniformRand;
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};

use super::*;
use crate::{
    hint,
    r1cs::{self, R1cs},
};

fn random(count: usize, seed: u64) -> Vec<Fr> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..count).map(|_| Fr::rand(&mut rng)).collect()
}

/// Hashes `inputs`, those in `constants` as constants, and ties the result to a hint with the native hash.
fn circuit<'a>(
    inputs: &'a [Fr],
    constants: &'a [usize],
) -> impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync + 'a {
    move |cs| {
        let variables = (0..inputs.len())
            .map(|i| {
                if constants.contains(&i) {
                    Ok(FpVar::Constant(inputs[i]))
                } else {
                    hint::field(&cs, "input", || Ok(inputs[i]))
                }
            })
            .collect::<Result<Vec<_>>>()?;
        let hashed = hash(&variables)?;
        if let Ok(value) = hashed.value() {
            assert_eq!(Ok(value), hash_slice(inputs));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn the_gadget_computes_the_native_hash_and_its_rows_hold(seed: u64) {
        for width in 1..=16 {
            let inputs = random(width, seed ^ width as u64);
            let constants: Vec<usize> = (0..width).filter(|i| seed >> i & 3 == 0).collect();
            for constants in [&[][..], &constants] {
                let r1cs = R1cs::synthesize(circuit(&inputs, constants)).expect("synthesizes");
                let assignment = r1cs::assignment(circuit(&inputs, constants)).expect("computes");
                prop_assert_eq!(r1cs.unsatisfied(&assignment), Vec::<usize>::new());
                prop_assert_eq!(r1cs.constraints(), r1cs.witness_variables - (width - constants.len()));
            }
        }
    }

    #[test]
    fn what_is_squeezed_is_what_the_native_permutation_gives_for_the_price_of_the_hash(seed: u64) {
        let inputs: [Fr; 16] = random(16, seed).try_into().expect("sixteen");
        let constant = |i: usize| seed >> i & 3 == 0;
        let native = zkpov_verifier::poseidon::squeeze(&inputs);
        let squeezed = |cs: ConstraintSystemRef<Fr>| {
            let variables: Vec<FpVar<Fr>> = (0..16)
                .map(|i| {
                    if constant(i) { Ok(FpVar::Constant(inputs[i])) } else { hint::field(&cs, "input", || Ok(inputs[i])) }
                })
                .collect::<Result<_>>()?;
            let variables: [FpVar<Fr>; 16] = variables.try_into().expect("sixteen");
            for (element, native) in squeeze(&variables)?.into_iter().zip(native) {
                let claimed = hint::field(&cs, "claimed", || Ok(native))?;
                crate::constraint::enforce_equal("squeezed", element, &claimed)?;
            }
            Ok(())
        };
        let r1cs = R1cs::synthesize(squeezed).expect("synthesizes");
        let assignment = r1cs::assignment(squeezed).expect("computes");
        prop_assert_eq!(r1cs.unsatisfied(&assignment), Vec::<usize>::new());
        let constants: Vec<usize> = (0..16).filter(|i| constant(*i)).collect();
        let hash = R1cs::synthesize(circuit(&inputs, &constants)).expect("synthesizes");
        prop_assert_eq!(r1cs.constraints(), hash.constraints() + 16);
    }

    #[test]
    fn a_chain_is_the_native_chain(seed: u64, length in 1usize..40) {
        let elements = random(length, seed);
        let native = zkpov_verifier::poseidon::chain(&elements);
        let assignment = r1cs::assignment(|cs| {
            let variables = hint::fields(&cs, "element", length, |i| Ok(elements[i]))?;
            let chained = chain(&variables)?;
            assert_eq!(chained.value(), Ok(native));
            Ok(())
        });
        prop_assert!(assignment.is_ok());
    }
}

#[test]
fn constants_hash_without_a_constraint_system() {
    let inputs = random(5, 1);
    let constants: Vec<_> = inputs.iter().map(|input| FpVar::Constant(*input)).collect();
    assert_eq!(hash(&constants).and_then(|hash| hash.value()), Ok(hash_slice(&inputs).expect("five inputs")));
    assert!(hash(&[]).is_err() && hash(&vec![constants[0].clone(); 17]).is_err());
}

#[test]
fn counts_are_pinned() {
    let counts: Vec<(usize, usize, usize)> = [1, 2, 3, 4, 5, 6, 8, 16]
        .into_iter()
        .map(|inputs| {
            let values = random(inputs, 0);
            let size = R1cs::synthesize(circuit(&values, &[])).expect("synthesizes").size();
            (inputs, size.constraints, size.non_zeros)
        })
        .collect();
    assert_eq!(
        counts,
        [
            (1, 213, 1066),
            (2, 240, 1431),
            (3, 261, 1776),
            (4, 297, 2273),
            (5, 321, 2694),
            (6, 354, 3243),
            (8, 402, 4209),
            (16, 609, 9253)
        ]
    );
}
