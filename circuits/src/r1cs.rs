//! A circuit's matrices in one canonical sparse form, with a digest that names them.
//!
//! ```text
//!  circuit ──► R1cs::synthesize ──► A, B, C (rows sorted, coefficients interned) ──► digest, set-up
//!        └───► assignment ────────► z = (1, public inputs, witness)              ──► prover
//!                                   is_satisfied: (A z) ∘ (B z) = C z
//! ```
//!
//! The form depends on the constraints alone and not on a library's layout of them: a row holds its non-zero
//! coefficients by ascending column, each column once. So the digest can be pinned.

use std::{collections::HashMap, hash::BuildHasherDefault};

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use ark_relations::gr1cs::{
    ConstraintSystem, ConstraintSystemRef, OptimizationGoal, R1CS_PREDICATE_LABEL, Result, SynthesisError,
    SynthesisMode, Variable,
};
use blake2::{Blake2b, Digest, digest::consts::U32};
use rayon::prelude::*;

/// Opens the serialisation that [`R1cs::digest`] hashes.
const DIGEST_DOMAIN: &[u8] = b"zkpov/r1cs/1";

/// Rows that one task of [`R1cs::unsatisfied`] checks.
const ROWS_PER_TASK: usize = 1 << 12;

/// One matrix by rows (CSR), its coefficients as indices into [`R1cs::coefficients`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SparseMatrix {
    /// Row `i` is at `offsets[i]..offsets[i + 1]` of the two other lists; one entry more than there are rows.
    pub offsets: Vec<u32>,
    /// Columns, ascending within a row.
    pub columns: Vec<u32>,
    /// The coefficient of each column, an index into [`R1cs::coefficients`].
    pub coefficients: Vec<u32>,
}

impl Default for SparseMatrix {
    fn default() -> Self {
        Self { offsets: vec![0], columns: Vec::new(), coefficients: Vec::new() }
    }
}

impl SparseMatrix {
    /// The (column, coefficient index) pairs of a row; empty for a row that there is not.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let range = match (self.offsets.get(row), self.offsets.get(row + 1)) {
            (Some(start), Some(end)) => *start as usize..*end as usize,
            _ => 0..0,
        };
        let coefficients = &self.coefficients[range.clone()];
        self.columns[range]
            .iter()
            .zip(coefficients)
            .map(|(column, value)| (*column as usize, *value as usize))
    }

    /// How many coefficients are not zero.
    pub fn non_zeros(&self) -> usize {
        self.columns.len()
    }
}

/// A constraint system that keeps no constraint: for what a circuit says of itself on the way.
pub(crate) fn shape_only() -> ConstraintSystemRef<Fr> {
    let cs = ConstraintSystem::<Fr>::new_ref();
    cs.set_optimization_goal(OptimizationGoal::Constraints);
    cs.set_mode(SynthesisMode::Setup);
    cs
}

/// A rank-1 constraint system (A z) ∘ (B z) = C z over BN254's scalar field, z = (1, public inputs, witness).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct R1cs {
    /// The matrix A.
    pub a: SparseMatrix,
    /// The matrix B.
    pub b: SparseMatrix,
    /// The matrix C.
    pub c: SparseMatrix,
    /// The distinct coefficients, in the order of their first use by rows (of each row A, then B, then C).
    pub coefficients: Vec<Fr>,
    /// Public inputs and the constant 1 before them.
    pub instance_variables: usize,
    /// Witness variables.
    pub witness_variables: usize,
}

/// How large a circuit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Constraints.
    pub constraints: usize,
    /// Variables: the constant 1, public inputs and witness.
    pub variables: usize,
    /// Coefficients that are not zero, in all three matrices.
    pub non_zeros: usize,
}

impl R1cs {
    /// The matrices of `circuit`, which is run in set-up mode: none of its hints is computed.
    ///
    /// # Errors
    ///
    /// Those of `circuit`.
    pub fn synthesize(circuit: impl FnOnce(ConstraintSystemRef<Fr>) -> Result<()>) -> Result<Self> {
        let cs = ConstraintSystem::<Fr>::new_ref();
        cs.set_optimization_goal(OptimizationGoal::Constraints);
        cs.set_mode(SynthesisMode::Setup);
        circuit(cs.clone())?;
        cs.inline_all_lcs();
        let cs = cs.borrow().ok_or(SynthesisError::MissingCS)?;
        Self::from_constraint_system(&cs)
    }

    fn from_constraint_system(cs: &ConstraintSystem<Fr>) -> Result<Self> {
        let constraints = cs
            .predicate_constraint_systems
            .get(R1CS_PREDICATE_LABEL)
            .ok_or(SynthesisError::PredicateNotFound)?
            .get_constraints();
        let [a, b, c] = constraints.as_slice() else { return Err(SynthesisError::ArityMismatch) };
        let instance_variables = cs.num_instance_variables();
        let mut interner = Interner::default();
        let mut matrices = [(); 3].map(|()| SparseMatrix::default());
        for ((a, b), c) in a.iter().zip(b).zip(c) {
            for (matrix, row) in matrices.iter_mut().zip([a, b, c]) {
                push_row(matrix, &mut interner, cs, *row, instance_variables);
            }
        }
        let [a, b, c] = matrices;
        Ok(Self {
            a,
            b,
            c,
            coefficients: interner.values,
            instance_variables,
            witness_variables: cs.num_witness_variables(),
        })
    }

    /// How many constraints there are.
    pub fn constraints(&self) -> usize {
        self.a.offsets.len() - 1
    }

    /// How many variables there are: the constant 1, public inputs and witness.
    pub fn variables(&self) -> usize {
        self.instance_variables + self.witness_variables
    }

    /// How large the circuit is.
    pub fn size(&self) -> Size {
        Size {
            constraints: self.constraints(),
            variables: self.variables(),
            non_zeros: [&self.a, &self.b, &self.c].map(SparseMatrix::non_zeros).iter().sum(),
        }
    }

    /// The matrices' name: blake2b-256 over, in this order,
    ///
    /// 1. the ASCII bytes `zkpov/r1cs/1`;
    /// 2. the numbers of constraints, instance variables (with the constant 1), witness variables and distinct
    ///    coefficients, each as u64;
    /// 3. the distinct coefficients in the order of first use, each as 32 bytes;
    /// 4. for A, then B, then C: for each row, the number of its non-zero coefficients as u32, then for each of
    ///    them the column as u32 and the index of the coefficient as u32, by ascending column.
    ///
    /// All integers and field elements are little-endian.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = Blake2b::<U32>::new();
        hasher.update(DIGEST_DOMAIN);
        let counts =
            [self.constraints(), self.instance_variables, self.witness_variables, self.coefficients.len()];
        for count in counts {
            hasher.update((count as u64).to_le_bytes());
        }
        for coefficient in &self.coefficients {
            hasher.update(coefficient.into_bigint().to_bytes_le());
        }
        let mut buffer = Vec::new();
        for matrix in [&self.a, &self.b, &self.c] {
            for range in matrix.offsets.windows(2) {
                let [start, end] = [range[0], range[1]];
                buffer.clear();
                buffer.extend_from_slice(&(end - start).to_le_bytes());
                for entry in start as usize..end as usize {
                    buffer.extend_from_slice(&matrix.columns[entry].to_le_bytes());
                    buffer.extend_from_slice(&matrix.coefficients[entry].to_le_bytes());
                }
                hasher.update(&buffer);
            }
        }
        hasher.finalize().into()
    }

    /// Whether `assignment` = (1, public inputs, witness) satisfies every row. Runs over all cores.
    pub fn is_satisfied(&self, assignment: &[Fr]) -> bool {
        self.fits(assignment)
            && (0..self.constraints())
                .into_par_iter()
                .with_min_len(ROWS_PER_TASK)
                .all(|row| self.row_is_satisfied(row, assignment))
    }

    /// The rows that `assignment` does not satisfy, ascending: all rows if it has the wrong length or does not start
    /// with 1.
    pub fn unsatisfied(&self, assignment: &[Fr]) -> Vec<usize> {
        let fits = self.fits(assignment);
        (0..self.constraints())
            .into_par_iter()
            .with_min_len(ROWS_PER_TASK)
            .filter(|row| !fits || !self.row_is_satisfied(*row, assignment))
            .collect()
    }

    /// Whether `assignment` satisfies the row. It must have the right length.
    pub fn row_is_satisfied(&self, row: usize, assignment: &[Fr]) -> bool {
        let [a, b, c] = [&self.a, &self.b, &self.c].map(|matrix| self.evaluate_row(matrix, row, assignment));
        a * b == c
    }

    pub(crate) fn evaluate_row(&self, matrix: &SparseMatrix, row: usize, assignment: &[Fr]) -> Fr {
        matrix.row(row).map(|(column, value)| self.coefficients[value] * assignment[column]).sum()
    }

    fn fits(&self, assignment: &[Fr]) -> bool {
        assignment.len() == self.variables() && assignment.first() == Some(&Fr::ONE)
    }
}

/// The assignment (1, public inputs, witness) that `circuit` computes. Builds no matrices.
///
/// # Errors
///
/// Those of `circuit`.
pub fn assignment(circuit: impl FnOnce(ConstraintSystemRef<Fr>) -> Result<()>) -> Result<Vec<Fr>> {
    let Assigned { mut instance, mut witness, outcome } = assigned(circuit)?;
    outcome?;
    instance.append(&mut witness);
    Ok(instance)
}

/// What a circuit assigned until it ended or gave up.
#[derive(Debug)]
pub(crate) struct Assigned {
    /// The constant 1 and public inputs.
    pub(crate) instance: Vec<Fr>,
    pub(crate) witness: Vec<Fr>,
    /// What the circuit returned.
    pub(crate) outcome: Result<()>,
}

/// The assignment that `circuit` computes, as far as it comes. Builds no matrices.
///
/// # Errors
///
/// None but for a circuit that keeps its constraint system to itself.
pub(crate) fn assigned(circuit: impl FnOnce(ConstraintSystemRef<Fr>) -> Result<()>) -> Result<Assigned> {
    let cs = ConstraintSystem::<Fr>::new_ref();
    cs.set_optimization_goal(OptimizationGoal::Constraints);
    cs.set_mode(SynthesisMode::Prove { construct_matrices: false, generate_lc_assignments: false });
    let outcome = circuit(cs.clone());
    let mut cs = cs.borrow_mut().ok_or(SynthesisError::MissingCS)?;
    Ok(Assigned {
        instance: std::mem::take(&mut cs.assignments.instance_assignment),
        witness: std::mem::take(&mut cs.assignments.witness_assignment),
        outcome,
    })
}

/// Appends the combination behind `row` to `matrix`: sorted, without zeros, each column once.
fn push_row(
    matrix: &mut SparseMatrix,
    interner: &mut Interner,
    cs: &ConstraintSystem<Fr>,
    row: Variable,
    instance_variables: usize,
) {
    let mut entries: Vec<(u32, Fr)> = cs
        .get_lc(row)
        .iter()
        .filter_map(|(coefficient, variable)| {
            variable.get_variable_index(instance_variables).map(|column| (column as u32, *coefficient))
        })
        .collect();
    entries.sort_unstable_by_key(|(column, _)| *column);
    let mut entries = entries.into_iter().peekable();
    while let Some((column, mut coefficient)) = entries.next() {
        while let Some((_, more)) = entries.next_if(|(next, _)| *next == column) {
            coefficient += more;
        }
        if coefficient != Fr::ZERO {
            matrix.columns.push(column);
            matrix.coefficients.push(interner.index_of(coefficient));
        }
    }
    matrix.offsets.push(matrix.columns.len() as u32);
}

/// The distinct coefficients met so far.
#[derive(Default)]
struct Interner {
    values: Vec<Fr>,
    indices: HashMap<[u64; 4], u32, BuildHasherDefault<LowLimb>>,
}

impl Interner {
    fn index_of(&mut self, value: Fr) -> u32 {
        let next = self.values.len() as u32;
        // The Montgomery form of an element is unique, so it serves as the key.
        let index = *self.indices.entry(value.0.0).or_insert(next);
        if index == next {
            self.values.push(value);
        }
        index
    }
}

/// Hashes by mixing limbs with a multiplication: the keys are the circuit's own coefficients, not an adversary's.
#[derive(Default)]
struct LowLimb(u64);

impl std::hash::Hasher for LowLimb {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        /// The golden ratio's fraction in 64 bits, odd.
        const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(MULTIPLIER);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests;
