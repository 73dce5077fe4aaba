//! The gadget's constraints, over the variables that [`super::trace`] orders.

use std::collections::VecDeque;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, LinearCombination, Result, Variable};

use super::{basis::Basis, trace::fifth_power};
use crate::linear::Linear;

type Terms = Vec<(Fr, Variable)>;

/// Enforces the permutation over the witness variables from number `first` on.
pub(super) fn enforce(
    cs: &ConstraintSystemRef<Fr>,
    basis: &Basis,
    inputs: &[FpVar<Fr>],
    first: usize,
) -> Result<()> {
    let mut rows = Rows { cs, basis, next: first };
    let state = rows.first_round(inputs)?.next;
    rows.later_rounds(state)
}

/// As [`enforce`] without constant inputs, then the permutation of the same inputs with one replaced: the S-box output
/// of an input that `selected` is 1 at is `replaced` there.
pub(super) fn enforce_replacing(
    cs: &ConstraintSystemRef<Fr>,
    basis: &Basis,
    inputs: &[FpVar<Fr>],
    selected: &[Linear],
    replaced: &Linear,
    first: usize,
) -> Result<()> {
    let mut rows = Rows { cs, basis, next: first };
    let FirstRound { outputs, offsets, next } = rows.first_round(inputs)?;
    rows.later_rounds(next)?;
    let second = rows.second_inputs(&offsets);
    for ((old, new), selected) in outputs.iter().zip(&second.outputs).zip(selected) {
        let minus = |terms: &Terms| terms.iter().map(|(c, v)| (-*c, *v)).collect::<Terms>();
        let change = compact([replaced.to_lc().0, minus(old)].concat());
        let step = compact([new.clone(), minus(old)].concat());
        rows.enforce(&selected.to_lc().0, &change, &step)?;
    }
    rows.later_rounds(second.next)
}

/// What the first round leaves.
struct FirstRound {
    /// Outputs of the S-boxes of variable inputs.
    outputs: Vec<Terms>,
    /// What constants add to the second round's inputs.
    offsets: Vec<Fr>,
    /// Inputs of the second round.
    next: Vec<Terms>,
}

/// Inputs of the second round as new variables, and the first round's outputs that lead to them.
struct SecondInputs {
    outputs: Vec<Terms>,
    next: Vec<Terms>,
}

struct Rows<'a> {
    cs: &'a ConstraintSystemRef<Fr>,
    basis: &'a Basis,
    next: usize,
}

impl Rows<'_> {
    fn take(&mut self) -> Variable {
        self.next += 1;
        Variable::witness(self.next - 1)
    }

    fn take_many(&mut self, count: usize) -> Vec<Variable> {
        (0..count).map(|_| self.take()).collect()
    }

    fn enforce(&self, a: &Terms, b: &Terms, c: &Terms) -> Result<()> {
        let combination = |terms: &Terms| LinearCombination(terms.clone());
        self.cs.enforce_r1cs_constraint(|| combination(a), || combination(b), || combination(c))
    }

    /// x² and x⁴ of each input, for `outputs` to finish.
    fn powers(&mut self, state: &[Terms]) -> Result<Vec<Terms>> {
        let mut fourth_powers = Vec::with_capacity(state.len());
        for x in state {
            let square = vec![(Fr::ONE, self.take())];
            let fourth = vec![(Fr::ONE, self.take())];
            self.enforce(x, x, &square)?;
            self.enforce(&square, &square, &fourth)?;
            fourth_powers.push(fourth);
        }
        Ok(fourth_powers)
    }

    /// x⁴ · x = y for each S-box.
    fn outputs(&self, state: &[Terms], fourth_powers: &[Terms], outputs: &[Terms]) -> Result<()> {
        for ((x, fourth), output) in state.iter().zip(fourth_powers).zip(outputs) {
            self.enforce(fourth, x, output)?;
        }
        Ok(())
    }

    /// All rounds after the first.
    fn later_rounds(&mut self, state: Vec<Terms>) -> Result<()> {
        let basis = self.basis;
        let state = self.full_rounds(state, &basis.constants_before[2..])?;
        let state = self.partial_rounds(&state)?;
        let state = self.full_rounds(state, &basis.constants_after[1..])?;
        self.last_round(&state)
    }

    fn first_round(&mut self, inputs: &[FpVar<Fr>]) -> Result<FirstRound> {
        let basis = self.basis;
        let constants = &basis.constants_before[0];
        // What the S-boxes without variables contribute.
        let mut fixed = vec![fifth_power(constants[0]); 1];
        let mut state = Vec::new();
        for (input, constant) in inputs.iter().zip(&constants[1..]) {
            match input {
                FpVar::Constant(value) => fixed.push(fifth_power(*value + constant)),
                FpVar::Var(allocated) => {
                    fixed.push(Fr::ZERO);
                    state.push(vec![(Fr::ONE, allocated.variable), (*constant, Variable::One)]);
                }
            }
        }
        let fourth_powers = self.powers(&state)?;
        let following = &basis.constants_before[1];
        let offsets: Vec<Fr> = basis
            .mds
            .iter()
            .zip(following)
            .map(|(row, constant)| row.iter().zip(&fixed).fold(*constant, |sum, (m, y)| sum + *m * y))
            .collect();
        if state.len() < inputs.len() {
            let variables = self.take_many(state.len());
            let outputs: Vec<Terms> = variables.iter().map(|variable| vec![(Fr::ONE, *variable)]).collect();
            self.outputs(&state, &fourth_powers, &outputs)?;
            let places: Vec<usize> = (0..inputs.len()).filter(|i| !inputs[*i].is_constant()).collect();
            let next = basis
                .mds
                .iter()
                .zip(&offsets)
                .map(|(row, offset)| {
                    let mut terms: Terms =
                        places.iter().zip(&variables).map(|(place, y)| (row[place + 1], *y)).collect();
                    terms.push((*offset, Variable::One));
                    terms
                })
                .collect();
            return Ok(FirstRound { outputs, offsets, next });
        }
        let SecondInputs { outputs, next } = self.second_inputs(&offsets);
        self.outputs(&state, &fourth_powers, &outputs)?;
        Ok(FirstRound { outputs, offsets, next })
    }

    /// Where all inputs are variables, the second round's inputs 1..=n are new variables and input 0 follows.
    fn second_inputs(&mut self, offsets: &[Fr]) -> SecondInputs {
        let basis = self.basis;
        let variables = self.take_many(basis.width - 1);
        let outputs: Vec<Terms> =
            basis.minor_inverse.iter().map(|row| shifted(row, &variables, &offsets[1..])).collect();
        let mut corner: Terms = vec![(offsets[0], Variable::One)];
        for (m, output) in basis.mds[0][1..].iter().zip(&outputs) {
            corner.extend(output.iter().map(|(coefficient, variable)| (*m * coefficient, *variable)));
        }
        let mut next = vec![compact(corner)];
        next.extend(variables.iter().map(|variable| vec![(Fr::ONE, *variable)]));
        SecondInputs { outputs, next }
    }

    /// Full rounds whose successors have these constants.
    fn full_rounds(&mut self, mut state: Vec<Terms>, following: &[Vec<Fr>]) -> Result<Vec<Terms>> {
        let basis = self.basis;
        for constants in following {
            let fourth_powers = self.powers(&state)?;
            let variables = self.take_many(basis.width);
            let outputs: Vec<Terms> =
                basis.mds_inverse.iter().map(|row| shifted(row, &variables, constants)).collect();
            self.outputs(&state, &fourth_powers, &outputs)?;
            state = variables.iter().map(|variable| vec![(Fr::ONE, *variable)]).collect();
        }
        Ok(state)
    }

    /// The full round before the partial ones, and these.
    fn partial_rounds(&mut self, state: &[Terms]) -> Result<Vec<Terms>> {
        let basis = self.basis;
        let fourth_powers = self.powers(state)?;
        let variables = self.take_many(basis.width);
        let mut shift = vec![Fr::ZERO; basis.width];
        shift[0] = basis.constants_partial[0];
        let outputs: Vec<Terms> = basis.entry.iter().map(|row| shifted(row, &variables, &shift)).collect();
        self.outputs(state, &fourth_powers, &outputs)?;

        let mut x: Terms = vec![(Fr::ONE, variables[0])];
        let mut recent: VecDeque<Variable> = variables[1..].iter().copied().collect();
        let following = basis.constants_partial[1..].iter().chain(&basis.constants_after[0][..1]);
        for constant in following {
            let fourth_powers = self.powers(std::slice::from_ref(&x))?;
            let w = self.take();
            let mut y: Terms = vec![(Fr::ONE, w)];
            y.extend(basis.feedback.iter().copied().zip(recent.iter().copied()));
            self.outputs(std::slice::from_ref(&x), &fourth_powers, &[y])?;
            x = vec![(*constant, Variable::One), (basis.observation[0], w)];
            x.extend(basis.observation[1..].iter().copied().zip(recent.iter().copied()));
            recent.pop_back();
            recent.push_front(w);
        }
        let mut next = vec![x];
        for (row, constant) in basis.hidden.iter().zip(&basis.constants_after[0][1..]) {
            let mut terms: Terms = vec![(*constant, Variable::One)];
            terms.extend(row.iter().copied().zip(recent.iter().copied()));
            next.push(terms);
        }
        Ok(next)
    }

    /// The last round: its S-box outputs but the first, and the hash, are the new variables.
    fn last_round(&mut self, state: &[Terms]) -> Result<()> {
        let basis = self.basis;
        let fourth_powers = self.powers(state)?;
        let others = self.take_many(basis.width - 1);
        let hash = self.take();
        // hash = Σ m_j y_j, solved for y_0.
        let scale = basis.corner_inverse;
        let mut first: Terms = vec![(scale, hash)];
        first.extend(basis.mds[0][1..].iter().zip(&others).map(|(m, y)| (-scale * m, *y)));
        let mut outputs = vec![first];
        outputs.extend(others.iter().map(|variable| vec![(Fr::ONE, *variable)]));
        self.outputs(state, &fourth_powers, &outputs)
    }
}

/// Σ rowⱼ (variableⱼ - shiftⱼ).
fn shifted(row: &[Fr], variables: &[Variable], shift: &[Fr]) -> Terms {
    let mut terms: Terms = row.iter().copied().zip(variables.iter().copied()).collect();
    terms.push((row.iter().zip(shift).fold(Fr::ZERO, |sum, (m, c)| sum - *m * c), Variable::One));
    terms
}

fn compact(terms: Terms) -> Terms {
    let mut combination = LinearCombination(terms);
    combination.compactify();
    combination.0
}
