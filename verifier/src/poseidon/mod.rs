//! Poseidon over BN254's scalar field with circomlib's parameters, for 1 to 16 inputs.
//!
//! ```text
//!              ┌── 4 full rounds ──┐┌────── 56 to 70 partial rounds ──────┐┌── 4 full rounds ──┐
//!  0       ───►│ +c  x⁵  ┌───────┐ ││ +c  x⁵  ┌────────┐                  ││ +c  x⁵  ┌───────┐ │───► hash
//!  input 1 ───►│ +c  x⁵  │  MDS  │ ││ ────────│ sparse │                  ││ +c  x⁵  │  MDS  │ │
//!  …           │  …   …  │       │ ││ ────────│ matrix │                  ││  …   …  │       │ │
//!  input n ───►│ +c  x⁵  └───────┘ ││ ────────└────────┘                  ││ +c  x⁵  └───────┘ │
//!              └───────────────────┘└─────────────────────────────────────┘└───────────────────┘
//! ```
//!
//! The hash of `n` inputs is element 0 of the permutation, of width `n + 1`, of (0, inputs). Each width has its
//! own constants (from the paper's Grain LFSR; `cargo run -p zkpov-verifier --example poseidon_constants` writes
//! them), so hashes of different numbers of inputs are those of different functions. Parameters: exponent 5,
//! 8 full rounds, and the paper's number of partial rounds for 128 bits of security.
//!
//! [`hash`] is monomorphic in the number of inputs: a program holds the constants of the widths it uses.
//!
//! Source: Grassi, Khovratovich, Rechberger, Roy and Schofnegger, "Poseidon: A New Hash Function for
//! Zero-Knowledge Proof Systems", USENIX Security 2021; circomlib's `poseidon.circom`.

mod parameters;
mod permutation;

use ark_ff::AdditiveGroup;

use crate::field::Fr;

pub use parameters::{HALF_FULL_ROUNDS, Parameters};

/// Most inputs that one call hashes.
pub const MAX_INPUTS: usize = 16;

/// There is no Poseidon of this many inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Poseidon takes 1 to {MAX_INPUTS} inputs and was given {inputs}")]
pub struct WidthError {
    /// How many inputs there were.
    pub inputs: usize,
}

/// Applies the function of `$count` inputs to the slice `$inputs`, which has that length; `None` for any other.
macro_rules! of_width {
    ($count:expr, $inputs:expr) => {
        of_width!($count, $inputs, 1 T2 2 T3 3 T4 4 T5 5 T6 6 T7 7 T8 8 T9 9 T10 10 T11 11 T12 12 T13 13 T14 14 T15
            15 T16 16 T17)
    };
    ($count:expr, $inputs:expr, $($n:literal $constants:ident)*) => {
        match $count {
            $($n => $inputs.first_chunk::<$n>().map(|inputs| permutation::hash(&parameters::$constants, inputs)),)*
            _ => None,
        }
    };
}

/// Poseidon of `N` inputs, `N` from 1 to 16; another `N` does not compile.
pub fn hash<const N: usize>(inputs: &[Fr; N]) -> Fr {
    const { assert!(N >= 1 && N <= MAX_INPUTS, "Poseidon takes 1 to 16 inputs") };
    let Some(hash) = of_width!(N, inputs.as_slice()) else { unreachable!("N is from 1 to 16") };
    hash
}

/// Poseidon of as many inputs as the slice holds: [`hash`] where the number is known only at run time.
///
/// # Errors
///
/// [`WidthError`] for no input and for more than [`MAX_INPUTS`].
pub fn hash_slice(inputs: &[Fr]) -> Result<Fr, WidthError> {
    of_width!(inputs.len(), inputs).ok_or(WidthError { inputs: inputs.len() })
}

/// The first 16 elements of the permutation, of width 17, of (0, inputs): circomlib's `PoseidonEx(16, 16)`. The first of them is the
/// [`hash`]. With a secret among the inputs it is a stream of 16 elements; the one element of the result that stays out is what
/// keeps the permutation from being run backwards.
pub fn squeeze(inputs: &[Fr; MAX_INPUTS]) -> [Fr; MAX_INPUTS] {
    let [result @ .., _] = permutation::permute(&parameters::T17, inputs);
    result
}

/// One hash of a list of any length: `h = hash(e[0..16])`, then `h = hash(h, next 15)` until no element is left.
///
/// The last call is padded with zeros, and a list of none is sixteen of them: lists of different lengths can
/// have one hash. Wherever this is used the context fixes the length.
pub fn chain(elements: &[Fr]) -> Fr {
    let (first, rest) = elements.split_at(elements.len().min(MAX_INPUTS));
    let mut inputs = [Fr::ZERO; MAX_INPUTS];
    for (input, element) in inputs.iter_mut().zip(first) {
        *input = *element;
    }
    let mut digest = hash(&inputs);
    for chunk in rest.chunks(MAX_INPUTS - 1) {
        inputs = [Fr::ZERO; MAX_INPUTS];
        for (input, element) in inputs.iter_mut().zip(core::iter::once(&digest).chain(chunk)) {
            *input = *element;
        }
        digest = hash(&inputs);
    }
    digest
}

/// The constants of the permutation of `width` elements of state; `None` outside 2..=17.
pub fn parameters(width: usize) -> Option<&'static Parameters> {
    parameters::ALL.get(width.checked_sub(2)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::PrimeField;
    use light_poseidon::PoseidonHasher;
    use proptest::prelude::*;

    fn element() -> impl Strategy<Value = Fr> {
        any::<[u8; 32]>().prop_map(|bytes| Fr::from_le_bytes_mod_order(&bytes))
    }

    proptest! {
        #[test]
        fn hashes_are_light_poseidons(inputs in prop::collection::vec(element(), 1..=12)) {
            let oracle = light_poseidon::Poseidon::<Fr>::new_circom(inputs.len()).and_then(|mut p| p.hash(&inputs));
            prop_assert_eq!(hash_slice(&inputs), Ok(oracle.expect("1 to 12 inputs")));
        }
    }

    #[test]
    fn a_chain_hashes_every_element_in_its_place() {
        let elements: [Fr; 40] = core::array::from_fn(|i| Fr::from(i as u64 + 1));
        let padded = |head: Fr, rest: &[Fr]| {
            let mut inputs = [Fr::ZERO; 16];
            inputs[0] = head;
            inputs[1..=rest.len()].copy_from_slice(rest);
            hash(&inputs)
        };
        let first = padded(elements[0], &elements[1..16]);
        let second = padded(first, &elements[16..31]);
        assert_eq!(chain(&[]), hash(&[Fr::ZERO; 16]));
        assert_eq!(chain(&elements[..3]), padded(elements[0], &elements[1..3]));
        assert_eq!(chain(&elements[..16]), first);
        assert_eq!(chain(&elements[..31]), second);
        assert_eq!(chain(&elements), padded(second, &elements[31..]));
    }

    #[test]
    fn what_is_squeezed_begins_with_the_hash_and_holds_no_element_twice() {
        let inputs: [Fr; MAX_INPUTS] = core::array::from_fn(|i| Fr::from(i as u64));
        let mut squeezed = squeeze(&inputs).to_vec();
        assert_eq!(squeezed[0], hash(&inputs));
        squeezed.sort();
        squeezed.dedup();
        assert_eq!(squeezed.len(), MAX_INPUTS);
    }

    #[test]
    fn no_input_and_seventeen_are_refused() {
        assert_eq!(hash_slice(&[]), Err(WidthError { inputs: 0 }));
        assert_eq!(hash_slice(&[Fr::ZERO; 17]), Err(WidthError { inputs: 17 }));
    }

    #[test]
    fn every_width_has_parameters_of_its_shape() {
        for width in 2..=17 {
            let p = parameters(width).expect("a width of circomlib");
            let rounds = p.constants_partial.len();
            assert_eq!(p.width, width);
            assert_eq!(p.constants_before.len(), HALF_FULL_ROUNDS * width);
            assert_eq!(p.constants_after.len(), HALF_FULL_ROUNDS * width);
            assert_eq!([p.mds.len(), p.mds_entry.len()], [width * width; 2]);
            assert_eq!([p.sparse_rows.len(), p.sparse_columns.len()], [rounds * width, rounds * (width - 1)]);
        }
        assert!(parameters(1).is_none() && parameters(18).is_none() && parameters(0).is_none());
    }
}
