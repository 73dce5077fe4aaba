//! The circuit that provers are compared on: m ← (m + 7)², 2^k - 8 times.
//!
//! One public input, and nearly every variable in both factors of a constraint: the worst case for the multiplications in B.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, Matrix, Result as SynthesisResult,
    Variable,
};
use zkpov_prover::{R1cs, R1csError};

/// What is added before a squaring.
const STEP: u64 = 7;
/// How many constraints are left to a power of two, for the rows of the public inputs.
const ROOM: usize = 8;

/// The states, the first secret and the last public.
#[derive(Clone, Debug)]
pub struct Chain(Vec<Fr>);

impl Chain {
    /// 2^`log2` - 8 squarings, for `log2` from 4.
    #[must_use]
    pub fn new(log2: u32) -> Self {
        let mut states = vec![Fr::from(3u64)];
        let mut state = states[0];
        for _ in ROOM..1 << log2 {
            state = (state + Fr::from(STEP)).square();
            states.push(state);
        }
        Self(states)
    }

    /// How many constraints.
    #[must_use]
    pub fn constraints(&self) -> usize {
        self.0.len() - 1
    }

    /// How many variables are public, the constant one among them.
    #[must_use]
    pub fn instance(&self) -> usize {
        2
    }

    /// The public input.
    #[must_use]
    pub fn output(&self) -> Fr {
        self.0.last().copied().unwrap_or(Fr::ZERO)
    }

    /// The rows of A (and B, its equal) and of C: coefficient and variable.
    #[must_use]
    pub fn rows(&self) -> [Matrix<Fr>; 2] {
        let n = self.0.len();
        let variable = |i: usize| if i + 1 == n { 1 } else { i + 2 };
        let factor = |i| vec![(Fr::ONE, variable(i)), (Fr::from(STEP), 0)];
        [(0..n - 1).map(factor).collect(), (0..n - 1).map(|i| vec![(Fr::ONE, variable(i + 1))]).collect()]
    }

    /// The constraints as this project's prover takes them.
    ///
    /// # Errors
    /// If they are too many.
    pub fn r1cs(&self) -> Result<R1cs, R1csError> {
        let [factors, products] = self.rows();
        R1cs::from_rows(self.instance(), self.constraints(), [&factors, &factors, &products])
    }

    /// One, the public input, the secret states.
    #[must_use]
    pub fn assignment(&self) -> Vec<Fr> {
        let mut assignment = vec![Fr::ONE, self.output()];
        assignment.extend(&self.0[..self.0.len() - 1]);
        assignment
    }
}

impl ConstraintSynthesizer<Fr> for Chain {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> SynthesisResult<()> {
        let end = cs.new_input_variable(|| Ok(self.output()))?;
        let secret = &self.0[..self.0.len() - 1];
        let mut variables = secret
            .iter()
            .map(|state| cs.new_witness_variable(|| Ok(*state)))
            .collect::<SynthesisResult<Vec<_>>>()?;
        variables.push(end);
        for pair in variables.windows(2) {
            let sum = || LinearCombination::from(pair[0]) + (Fr::from(STEP), Variable::One);
            cs.enforce_r1cs_constraint(sum, sum, || pair[1].into())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_relations::gr1cs::{ConstraintSystem, R1CS_PREDICATE_LABEL};

    #[test]
    fn the_rows_are_those_that_ark_synthesises() {
        let chain = Chain::new(5);
        let cs = ConstraintSystem::new_ref();
        chain.clone().generate_constraints(cs.clone()).unwrap();
        cs.finalize();
        assert!(cs.is_satisfied().unwrap());
        let [factors, products] = chain.rows();
        let matrices = &cs.to_matrices().unwrap()[R1CS_PREDICATE_LABEL];
        let sorted = |matrix: &Matrix<Fr>| -> Matrix<Fr> {
            let mut matrix = matrix.clone();
            matrix.iter_mut().for_each(|row| row.sort_by_key(|(_, variable)| *variable));
            matrix
        };
        for (ours, theirs) in [&factors, &factors, &products].into_iter().zip(matrices) {
            assert_eq!(sorted(ours), sorted(theirs));
        }
        let theirs = cs.borrow().unwrap();
        let assignment =
            [theirs.instance_assignment().unwrap(), theirs.witness_assignment().unwrap()].concat();
        assert_eq!(chain.assignment(), assignment);
    }
}
