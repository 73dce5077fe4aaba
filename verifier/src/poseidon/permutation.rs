//! The permutation in its optimised form, and nothing but arithmetic.

use ark_ff::{AdditiveGroup, Field};

use super::parameters::Constants;
use crate::field::Fr;

/// Poseidon of `N = T - 1` inputs: capacity 0 in front of them, the permutation, element 0 of the result.
#[inline]
pub(super) fn hash<const T: usize, const R: usize, const N: usize>(
    constants: &Constants<T, R, N>,
    inputs: &[Fr; N],
) -> Fr {
    Fr::sum_of_products(&constants.mds[0], &up_to_last_layer(constants, inputs))
}

/// As [`hash`], but for all of the result.
pub(super) fn permute<const T: usize, const R: usize, const N: usize>(
    constants: &Constants<T, R, N>,
    inputs: &[Fr; N],
) -> [Fr; T] {
    multiply(&constants.mds, &up_to_last_layer(constants, inputs))
}

/// The permutation without its last matrix.
#[inline]
fn up_to_last_layer<const T: usize, const R: usize, const N: usize>(
    constants: &Constants<T, R, N>,
    inputs: &[Fr; N],
) -> [Fr; T] {
    let mut state = [Fr::ZERO; T];
    for (element, input) in state.iter_mut().skip(1).zip(inputs) {
        *element = *input;
    }
    let [first @ .., entry] = &constants.before;
    for round in first {
        full_sbox(&mut state, round);
        state = multiply(&constants.mds, &state);
    }
    full_sbox(&mut state, entry);
    state = multiply(&constants.mds_entry, &state);

    let rounds = constants.partial.iter().zip(&constants.sparse_rows).zip(&constants.sparse_columns);
    for ((constant, row), column) in rounds {
        let power = fifth_power(state[0] + constant);
        state[0] = power;
        let head = Fr::sum_of_products(row, &state);
        for (element, factor) in state.iter_mut().skip(1).zip(column) {
            *element += *factor * power;
        }
        state[0] = head;
    }

    let [first @ .., last] = &constants.after;
    for round in first {
        full_sbox(&mut state, round);
        state = multiply(&constants.mds, &state);
    }
    full_sbox(&mut state, last);
    state
}

fn full_sbox<const T: usize>(state: &mut [Fr; T], constants: &[Fr; T]) {
    for (element, constant) in state.iter_mut().zip(constants) {
        *element = fifth_power(*element + constant);
    }
}

fn fifth_power(x: Fr) -> Fr {
    x.square().square() * x
}

fn multiply<const T: usize>(matrix: &[[Fr; T]; T], state: &[Fr; T]) -> [Fr; T] {
    matrix.each_ref().map(|row| Fr::sum_of_products(row, state))
}
