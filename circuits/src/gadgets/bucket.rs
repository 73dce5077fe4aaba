//! A set of field elements, kept in buckets: each element has one place, by its lowest bits, where a few are kept.
//!
//! ```text
//!   element ──canonical bits──► place ──► bucket  e₀ e₁ … e₇      0 where there is none, those that are there first
//!                                           │
//!                 element differs from each │ the last is 0
//!                                           ▼
//!                                 bucket  element e₀ … e₆
//! ```
//!
//! That an element is not in the set yet is a matter of its bucket alone, so it takes one record, read and written. A sorted
//! linked list takes two (the next lower element and a new place), and comparisons of 254 bits.
//!
//! A bucket that is full takes no more: an element that belongs there cannot enter. With n elements spread evenly over m
//! buckets of 8 that happens to a share of about (n/m)^8/8! of them where n < m: 6·10⁻⁸ for n = m/2. Elements are hashes of
//! secrets, so nobody can aim at another's bucket.
//!
//! | attack | stopped by |
//! |---|---|
//! | an element entered twice | `bucket/element is new` |
//! | an element pushed out, to be entered again | `bucket/room` |
//! | another place for the same element, by the bits of its value + p | `canonical_bits/below_modulus` |
//! | the element 0, which would leave no trace | `bucket/element is new`: the last entry is 0 |

use ark_bn254::Fr;
use ark_ff::PrimeField;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{Result, SynthesisError};

use super::range::{canonical_bits, enforce_inverse};
use crate::{
    bit::Bit,
    constraint::{enforce_zero, product},
    linear::{Linear, difference},
};

/// The bucket of `element` among 2^`count`, at most 2^32.
pub fn place(element: &Fr, count: usize) -> u32 {
    let low = element.into_bigint().0[0];
    // The lowest bits, at most 32.
    (low & ((1u64 << count.min(32)) - 1)) as u32
}

/// The bits of the bucket of `element` among 2^`count`, the least first. 308 constraints.
///
/// # Errors
///
/// [`SynthesisError::ArityMismatch`] for more bits than an element has.
pub fn place_bits(element: &FpVar<Fr>, count: usize) -> Result<Vec<Bit>> {
    let mut bits = canonical_bits(element)?;
    if count > bits.len() {
        return Err(SynthesisError::ArityMismatch);
    }
    bits.truncate(count);
    Ok(bits)
}

/// A bucket's entries with `element` among them, which must not be there before. A constraint for each entry, and one.
///
/// The invariant of a bucket: its entries other than 0 differ and come first. So if the last is 0 there is room, and if
/// the element differs from all entries it is new, and not 0.
///
/// # Errors
///
/// [`SynthesisError::Unsatisfiable`] for constants of which that does not hold.
pub fn insert(element: &FpVar<Fr>, entries: &[FpVar<Fr>]) -> Result<Vec<FpVar<Fr>>> {
    let Some((last, kept)) = entries.split_last() else { return Err(SynthesisError::ArityMismatch) };
    enforce_zero("bucket/room", Linear::of(last))?;
    let mut differences = difference(element, last)?;
    for entry in kept {
        differences = product(&differences, &difference(element, entry)?)?;
    }
    enforce_inverse("bucket/element is new", &differences).map(drop)?;
    Ok([std::slice::from_ref(element), kept].concat())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use ark_ff::UniformRand;
    use ark_relations::gr1cs::ConstraintSystemRef;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;
    use crate::{
        hint,
        soundness::{Audit, violated, with_hints, without},
    };

    const ENTRIES: usize = 8;

    fn circuit(cs: &ConstraintSystemRef<Fr>, element: u64, entries: &[u64]) -> Result<()> {
        let element = hint::field(cs, "element", || Ok(Fr::from(element)))?;
        let entries = hint::fields(cs, "entry", ENTRIES, |i| {
            Ok(Fr::from(entries.get(i).copied().unwrap_or_default()))
        })?;
        insert(&element, &entries).map(drop)
    }

    fn refused_by(element: u64, entries: &[u64]) -> Vec<&'static str> {
        let violations = violated(|cs| circuit(&cs, element, entries)).expect("a circuit");
        violations.into_iter().map(|violation| violation.name).collect()
    }

    #[test]
    fn an_element_enters_once() {
        assert!(refused_by(7, &[]).is_empty());
        assert!(refused_by(7, &[1, 2, 3]).is_empty());
        for place in 0..3 {
            let mut entries = [1, 2, 3];
            entries[place] = 7;
            assert_eq!(refused_by(7, &entries), ["bucket/element is new"]);
            let accepted = || violated(|cs| circuit(&cs, 7, &entries)).expect("a circuit").is_empty();
            assert!(without(&["bucket/element is new"], accepted));
        }
    }

    #[test]
    fn zero_does_not_enter() {
        assert_eq!(refused_by(0, &[]), ["bucket/element is new"]);
    }

    #[test]
    fn nothing_is_pushed_out_of_a_full_bucket() {
        let full = [1, 2, 3, 4, 5, 6, 8, 9];
        assert_eq!(refused_by(7, &full), ["bucket/room"]);
        let accepted = || violated(|cs| circuit(&cs, 7, &full)).expect("a circuit").is_empty();
        assert!(without(&["bucket/room"], accepted));
        assert!(refused_by(7, &full[..ENTRIES - 1]).is_empty());
    }

    #[test]
    fn a_sequence_of_insertions_is_a_set() {
        let mut random = StdRng::seed_from_u64(0);
        let mut entries: Vec<FpVar<Fr>> = vec![FpVar::Constant(Fr::from(0u64)); ENTRIES];
        let mut model = HashSet::new();
        for _ in 0..1_000 {
            let element: u64 = random.gen_range(0..12);
            let fits = element != 0 && !model.contains(&element) && model.len() < ENTRIES;
            let inserted = insert(&FpVar::Constant(Fr::from(element)), &entries);
            assert_eq!(inserted.is_ok(), fits, "{element} into {model:?}");
            if let Ok(inserted) = inserted {
                entries = inserted;
                model.insert(element);
            }
            if random.gen_range(0..10) == 0 && model.len() == ENTRIES {
                (entries, model) = (vec![FpVar::Constant(Fr::from(0u64)); ENTRIES], HashSet::new());
            }
        }
    }

    #[test]
    fn the_place_is_that_of_the_canonical_bits_and_of_no_others() {
        let mut random = StdRng::seed_from_u64(1);
        let circuit = |element: Fr| {
            move |cs: ConstraintSystemRef<Fr>| {
                let bits = place_bits(&hint::field(&cs, "element", || Ok(element))?, 24)?;
                let expected = place(&element, 24);
                for (i, bit) in bits.iter().enumerate() {
                    if let Ok(bit) = bit.value() {
                        assert_eq!(bit, expected >> i & 1 == 1);
                    }
                }
                Ok(())
            }
        };
        for _ in 0..4 {
            assert!(violated(circuit(Fr::rand(&mut random))).expect("a circuit").is_empty());
        }
        // Small enough for its value + p to have 254 bits too.
        let element = Fr::from(5u64);
        let mut other = Fr::MODULUS;
        ark_ff::BigInteger::add_with_carry(&mut other, &element.into_bigint());
        let bits: Vec<Fr> = (0..254).map(|i| Fr::from(ark_ff::BigInteger::get_bit(&other, i))).collect();
        let forged = |cs: ConstraintSystemRef<Fr>| {
            place_bits(&hint::field(&cs, "element", || Ok(element))?, 24).map(drop)
        };
        let violations = with_hints("bit", &bits, || violated(forged)).expect("a circuit");
        let names: HashSet<&str> = violations.iter().map(|violation| violation.name).collect();
        assert_eq!(names, HashSet::from(["canonical_bits/below_modulus"]));
    }

    #[test]
    fn no_single_change_goes_unnoticed() {
        Audit::new("bucket")
            .except("e*", "inputs that nothing else holds here")
            .run(|cs| circuit(&cs, 7, &[1, 2, 3]))
            .expect("an honest witness")
            .assert_clean();
    }
}
