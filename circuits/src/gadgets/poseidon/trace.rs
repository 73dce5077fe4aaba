//! The values of the gadget's variables, in the order in which [`super::rows`] names them.
//!
//! A full round adds x² and x⁴ of each S-box, then its new variables; a partial round adds x², x⁴ and w. The last
//! variable is the hash.

use std::collections::VecDeque;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

use super::basis::{Basis, apply};

/// How many variables (and constraints) a hash has when `variable_inputs` of its inputs are not constants.
pub(super) fn length(basis: &Basis, variable_inputs: usize) -> usize {
    let full = 2 * basis.half() - 1;
    3 * (variable_inputs + full * basis.width + basis.partial_rounds())
}

/// The values for these inputs, of which `constant` tells the constants.
pub(super) fn trace(basis: &Basis, inputs: &[Fr], constant: &[bool]) -> Vec<Fr> {
    let mut values = Vec::with_capacity(length(basis, inputs.len()));

    // First round: the capacity and constant inputs have no variables.
    let constants = &basis.constants_before[0];
    let mut outputs = vec![fifth_power(constants[0])];
    for ((input, constant), round_constant) in inputs.iter().zip(constant).zip(&constants[1..]) {
        let x = *input + round_constant;
        outputs.push(if *constant { fifth_power(x) } else { sbox(&mut values, x) });
    }
    let state = next_inputs(basis, &outputs, &basis.constants_before[1]);
    if constant.contains(&true) {
        let variable = outputs[1..].iter().zip(constant).filter(|(_, constant)| !**constant);
        values.extend(variable.map(|(output, _)| *output));
    } else {
        values.extend_from_slice(&state[1..]);
    }
    later_rounds(basis, state, &mut values);
    values
}

/// How many variables a hash has that shares the S-boxes of its first round.
pub(super) fn length_replacing(basis: &Basis) -> usize {
    length(basis, basis.width - 1) - 2 * (basis.width - 1)
}

/// The values for these inputs, then those for the same with the S-box outputs moved to `replaced` by as much as
/// `selected` says.
pub(super) fn trace_replacing(basis: &Basis, inputs: &[Fr], selected: &[Fr], replaced: Fr) -> [Vec<Fr>; 2] {
    let first = trace(basis, inputs, &vec![false; inputs.len()]);
    let constants = &basis.constants_before[0];
    let mut outputs = vec![fifth_power(constants[0])];
    for ((input, constant), selected) in inputs.iter().zip(&constants[1..]).zip(selected) {
        let output = fifth_power(*input + constant);
        outputs.push(output + *selected * (replaced - output));
    }
    let state = next_inputs(basis, &outputs, &basis.constants_before[1]);
    let mut values = Vec::with_capacity(length_replacing(basis));
    values.extend_from_slice(&state[1..]);
    later_rounds(basis, state, &mut values);
    [first, values]
}

/// The values of all rounds after the first.
fn later_rounds(basis: &Basis, mut state: Vec<Fr>, values: &mut Vec<Fr>) {
    let half = basis.half();
    for constants in &basis.constants_before[2..half] {
        let outputs: Vec<Fr> = state.iter().map(|x| sbox(values, *x)).collect();
        state = next_inputs(basis, &outputs, constants);
        values.extend_from_slice(&state);
    }

    // Into the partial rounds: x[0] and the w that stand for the hidden elements.
    let outputs: Vec<Fr> = state.iter().map(|x| sbox(values, *x)).collect();
    let state = apply(&basis.mds, &outputs);
    let mut x = state[0] + basis.constants_partial[0];
    let mut recent: VecDeque<Fr> = apply(&basis.hidden_inverse, &state[1..]).into();
    values.push(x);
    values.extend(&recent);

    let following = basis.constants_partial[1..].iter().chain(&basis.constants_after[0][..1]);
    for constant in following {
        let y = sbox(values, x);
        let w = y - inner_product(&basis.feedback, recent.iter());
        values.push(w);
        x = *constant + inner_product(&basis.observation, std::iter::once(&w).chain(&recent));
        recent.pop_back();
        recent.push_front(w);
    }

    let mut state = vec![x];
    for (row, constant) in basis.hidden.iter().zip(&basis.constants_after[0][1..]) {
        state.push(*constant + inner_product(row, recent.iter()));
    }
    for constants in &basis.constants_after[1..] {
        let outputs: Vec<Fr> = state.iter().map(|x| sbox(values, *x)).collect();
        state = next_inputs(basis, &outputs, constants);
        values.extend_from_slice(&state);
    }

    let outputs: Vec<Fr> = state.iter().map(|x| sbox(values, *x)).collect();
    values.extend_from_slice(&outputs[1..]);
    values.push(inner_product(&basis.mds[0], outputs.iter()));
}

fn next_inputs(basis: &Basis, outputs: &[Fr], constants: &[Fr]) -> Vec<Fr> {
    let mut state = apply(&basis.mds, outputs);
    for (element, constant) in state.iter_mut().zip(constants) {
        *element += constant;
    }
    state
}

fn sbox(values: &mut Vec<Fr>, x: Fr) -> Fr {
    let square = x.square();
    let fourth = square.square();
    values.push(square);
    values.push(fourth);
    fourth * x
}

/// x⁵.
pub(super) fn fifth_power(x: Fr) -> Fr {
    x.square().square() * x
}

fn inner_product<'a>(a: &[Fr], b: impl Iterator<Item = &'a Fr>) -> Fr {
    a.iter().zip(b).fold(Fr::ZERO, |sum, (a, b)| sum + *a * b)
}
