//! Poseidon of 1 to 16 inputs with circomlib's parameters; the native twin is [`zkpov_verifier::poseidon`].
//!
//! Three constraints for each S-box, nothing for the linear layers: 240, 297 and 402 constraints for 2, 4 and 8
//! inputs. What is left to choose is which three variables an S-box adds, and `basis.rs` chooses them so that rows
//! stay short: see there.
//!
//! ```text
//!  x·x = x²     x²·x² = x⁴     x⁴·x = y,     y a combination of new variables (A and B stay short, C carries the layer)
//! ```
//!
//! | inputs | 1 | 2 | 3 | 4 | 5 | 6 | 8 | 16 |
//! |---|---|---|---|---|---|---|---|---|
//! | constraints | 213 | 240 | 261 | 297 | 321 | 354 | 402 | 609 |
//! | non-zeros | 1066 | 1431 | 1776 | 2273 | 2694 | 3243 | 4209 | 9253 |

mod basis;
mod rows;
mod trace;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::{
    GR1CSVar,
    fields::fp::{AllocatedFp, FpVar},
};
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError, Variable};
use zkpov_verifier::poseidon::{MAX_INPUTS, hash_slice};

use crate::{
    constraint::{product, product_plus},
    linear::Linear,
};
use basis::Basis;

/// Poseidon of `inputs`, 1 to 16 of them.
///
/// Inputs that are constants cost nothing in the first round.
///
/// # Errors
///
/// [`SynthesisError::ArityMismatch`] for another number of inputs.
pub fn hash(inputs: &[FpVar<Fr>]) -> Result<FpVar<Fr>> {
    let cs = inputs.iter().fold(ConstraintSystemRef::None, |cs, input| cs.or(input.cs()));
    if cs.is_none() {
        let values = inputs.iter().map(GR1CSVar::value).collect::<Result<Vec<Fr>>>()?;
        return hash_slice(&values).map(FpVar::Constant).map_err(|_| SynthesisError::ArityMismatch);
    }
    hash_variables(&cs, inputs)
}

/// The first 16 elements of the permutation, of width 17, of (0, inputs), whose native twin is [`zkpov_verifier::poseidon::squeeze`].
/// No more constraints than the [`hash`]: its variables and the S-box outputs of the last round are a basis of the result.
///
/// # Errors
///
/// None but those of allocation.
pub fn squeeze(inputs: &[FpVar<Fr>; MAX_INPUTS]) -> Result<Vec<Linear>> {
    let cs = inputs.iter().fold(ConstraintSystemRef::None, |cs, input| cs.or(input.cs()));
    if cs.is_none() {
        let mut values = [Fr::ZERO; MAX_INPUTS];
        for (value, input) in values.iter_mut().zip(inputs) {
            *value = input.value()?;
        }
        let squeezed = zkpov_verifier::poseidon::squeeze(&values);
        return Ok(squeezed.map(|element| Linear::new(&cs).plus_constant(element)).to_vec());
    }
    let hashed = hash_variables(&cs, inputs)?;
    let basis = Basis::of_width(MAX_INPUTS + 1).ok_or(SynthesisError::ArityMismatch)?;
    // The variables before the hash are the S-box outputs but the first, which the hash gives: Σ m_0j y_j.
    let first = cs.num_witness_variables() - 1 - MAX_INPUTS;
    let others: Vec<FpVar<Fr>> = (first..first + MAX_INPUTS)
        .map(|number| {
            let variable = Variable::witness(number);
            FpVar::Var(AllocatedFp::new(cs.assigned_value(variable), variable, cs.clone()))
        })
        .collect();
    let mut output = Linear::of(&hashed);
    for (m, y) in basis.mds[0][1..].iter().zip(&others) {
        output.add(-*m, y);
    }
    let squeezed = basis.mds[..MAX_INPUTS].iter().map(|row| {
        let mut element = Linear::new(&cs);
        element.add_linear(row[0] * basis.corner_inverse, &output);
        for (m, y) in row[1..].iter().zip(&others) {
            element.add(*m, y);
        }
        element
    });
    Ok(squeezed.collect())
}

/// [`hash`] where there is a constraint system.
fn hash_variables(cs: &ConstraintSystemRef<Fr>, inputs: &[FpVar<Fr>]) -> Result<FpVar<Fr>> {
    let basis = Basis::of_width(inputs.len() + 1).ok_or(SynthesisError::ArityMismatch)?;
    let first = cs.num_witness_variables();
    let values: Option<Vec<Fr>> = inputs.iter().map(|input| input.value().ok()).collect();
    let output = match values {
        Some(values) if !cs.is_in_setup_mode() => {
            let constant: Vec<bool> = inputs.iter().map(GR1CSVar::is_constant).collect();
            let trace = trace::trace(basis, &values, &constant);
            for value in &trace {
                let _variable = cs.new_witness_variable(|| Ok(*value))?;
            }
            trace.last().copied()
        }
        _ => {
            let variables = trace::length(basis, inputs.iter().filter(|input| !input.is_constant()).count());
            for _ in 0..variables {
                let _variable = cs.new_witness_variable(|| Err(SynthesisError::AssignmentMissing))?;
            }
            None
        }
    };
    if cs.should_construct_matrices() {
        rows::enforce(cs, basis, inputs, first)?;
    }
    let variable = Variable::witness(cs.num_witness_variables() - 1);
    Ok(FpVar::Var(AllocatedFp::new(output, variable, cs.clone())))
}

/// Poseidon of `inputs`, and of the same inputs with `replacement` where `selected` is 1.
///
/// `selected` must be 0 at all places but one and 1 there, which is for the caller to know. The first round's S-boxes of
/// the inputs that stay serve both: for 8 inputs 13 constraints fewer than two hashes, and no choice before the second.
///
/// # Errors
///
/// [`SynthesisError::ArityMismatch`] for another number of inputs than 1 to 16, or of places.
pub fn hash_replacing(
    inputs: &[FpVar<Fr>],
    selected: &[Linear],
    replacement: &FpVar<Fr>,
) -> Result<(FpVar<Fr>, FpVar<Fr>)> {
    if inputs.len() != selected.len() {
        return Err(SynthesisError::ArityMismatch);
    }
    if inputs.iter().any(GR1CSVar::is_constant) {
        let replaced = inputs.iter().zip(selected).map(|(input, selected)| {
            let change = Linear::of(replacement).plus(-Fr::ONE, input);
            product_plus(&change, selected, &Linear::of(input))
        });
        return Ok((hash(inputs)?, hash(&replaced.collect::<Result<Vec<_>>>()?)?));
    }
    let cs = inputs.iter().fold(ConstraintSystemRef::None, |cs, input| cs.or(input.cs()));
    let basis = Basis::of_width(inputs.len() + 1).ok_or(SynthesisError::ArityMismatch)?;
    // (replacement + the place's constant)^5: what the S-box of the place gives.
    let mut moved = Linear::of(replacement);
    for (selected, constant) in
        selected.iter().zip(basis.constants_before.first().into_iter().flatten().skip(1))
    {
        moved.add_linear(*constant, selected);
    }
    let square = product(moved.clone(), moved.clone())?;
    let fourth = product(&square, &square)?;
    let output = Linear::of(&product(&fourth, moved)?);

    let first = cs.num_witness_variables();
    let values: Option<Vec<Fr>> = inputs.iter().map(|input| input.value().ok()).collect();
    let choices: Option<Vec<Fr>> = selected.iter().map(Linear::value).collect();
    let hashes = match (values, choices, output.value()) {
        (Some(values), Some(choices), Some(output)) if !cs.is_in_setup_mode() => {
            let traces = trace::trace_replacing(basis, &values, &choices, output);
            for value in traces.iter().flatten() {
                let _variable = cs.new_witness_variable(|| Ok(*value))?;
            }
            traces.map(|trace| trace.last().copied())
        }
        _ => {
            for _ in 0..trace::length(basis, inputs.len()) + trace::length_replacing(basis) {
                let _variable = cs.new_witness_variable(|| Err(SynthesisError::AssignmentMissing))?;
            }
            [None, None]
        }
    };
    if cs.should_construct_matrices() {
        rows::enforce_replacing(&cs, basis, inputs, selected, &output, first)?;
    }
    let last = cs.num_witness_variables() - 1;
    let [before, after] = hashes;
    let variable = |value, place| FpVar::Var(AllocatedFp::new(value, Variable::witness(place), cs.clone()));
    Ok((variable(before, last - trace::length_replacing(basis)), variable(after, last)))
}

/// Poseidon of a list of any length but zero, by [`zkpov_verifier::poseidon::chain`]'s rule: the first 16 elements,
/// then the hash so far and the next 15, the last call padded with zeros. The length must be fixed by the context.
///
/// # Errors
///
/// [`SynthesisError::ArityMismatch`] for an empty list.
pub fn chain(elements: &[FpVar<Fr>]) -> Result<FpVar<Fr>> {
    let (head, mut rest) = elements.split_at(elements.len().min(MAX_INPUTS));
    if head.is_empty() {
        return Err(SynthesisError::ArityMismatch);
    }
    let mut call = head.to_vec();
    loop {
        call.resize(MAX_INPUTS, FpVar::Constant(Fr::ZERO));
        let hashed = hash(&call)?;
        if rest.is_empty() {
            return Ok(hashed);
        }
        let (next, after) = rest.split_at(rest.len().min(MAX_INPUTS - 1));
        call.clear();
        call.push(hashed);
        call.extend_from_slice(next);
        rest = after;
    }
}

#[cfg(test)]
mod tests;
