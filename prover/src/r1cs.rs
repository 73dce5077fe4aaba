//! Rank-1 constraint systems in compact sparse form.
//!
//! ```text
//!   (A·z) ∘ (B·z) = C·z         z = (1, public inputs, witness)
//!                                    └── num_instance ─┘└ num_witness ┘
//!   a matrix:  row_offsets   [0, 2, 3, …]          row i holds entries row_offsets[i]..row_offsets[i + 1]
//!              columns       [0, 5, 2, …]          index into z
//!              coefficients  [1, 0, 0, …]          index into the value table, which the three matrices share
//! ```
//!
//! A circuit has few distinct coefficients (1, -1, the constants of a hash), so an entry costs eight bytes and not forty.

use ark_bn254::Fr;
use ark_ff::{BigInt, One, PrimeField, Zero};
use core::fmt;
use rayon::prelude::*;
use std::collections::HashMap;

use crate::vector::Scalar;
use crate::vector::modulus::{Modulus, subtract};

/// Which of the three matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The left factor.
    A,
    /// The right factor.
    B,
    /// The product.
    C,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Why matrices are not a constraint system.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum R1csError {
    /// The constant 1 is a variable of every system.
    #[error("no instance variable: the first one is the constant 1")]
    NoInstance,
    /// The variables do not fit 32-bit indices.
    #[error(
        "{num_instance} instance and {num_witness} witness variables are more than 32-bit indices can name"
    )]
    TooManyVariables {
        /// Instance variables, the constant 1 included.
        num_instance: usize,
        /// Witness variables.
        num_witness: usize,
    },
    /// More rows than the field has roots of unity for.
    #[error("{rows} rows (constraints and instance variables) are more than 2^{MAX_LOG2_DOMAIN}")]
    TooManyRows {
        /// Constraints plus instance variables.
        rows: usize,
    },
    /// The matrices have different numbers of rows.
    #[error("matrix {side} has {found} rows where A has {expected}")]
    RowCount {
        /// The matrix.
        side: Side,
        /// Its rows.
        found: usize,
        /// Rows of A.
        expected: usize,
    },
    /// Row offsets do not start at 0, do not ascend, or do not end at the number of entries.
    #[error("matrix {side}: the offsets of row {row} do not bound entries of the matrix")]
    RowOffsets {
        /// The matrix.
        side: Side,
        /// The first row that is wrong.
        row: usize,
    },
    /// As many columns as coefficients are needed.
    #[error("matrix {side} has {columns} columns and {coefficients} coefficients")]
    EntryCount {
        /// The matrix.
        side: Side,
        /// Length of `columns`.
        columns: usize,
        /// Length of `coefficients`.
        coefficients: usize,
    },
    /// A column names no variable.
    #[error("matrix {side}, row {row}: column {column} names no variable")]
    Column {
        /// The matrix.
        side: Side,
        /// The row.
        row: usize,
        /// The column.
        column: u32,
    },
    /// A coefficient index names no value.
    #[error("matrix {side}, row {row}: coefficient index {coefficient} names no value")]
    Coefficient {
        /// The matrix.
        side: Side,
        /// The row.
        row: usize,
        /// The index.
        coefficient: u32,
    },
}

/// The largest evaluation domain: the field has 2^28-th roots of unity, and the quotient's basis needs a domain twice as large.
pub const MAX_LOG2_DOMAIN: u32 = 27;

/// A matrix in compressed-row form; its coefficients are indices into the value table of the [`R1cs`] it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SparseMatrix {
    /// One more than there are rows: row i holds the entries `row_offsets[i]..row_offsets[i + 1]`.
    pub row_offsets: Vec<u32>,
    /// The variable of each entry.
    pub columns: Vec<u32>,
    /// The index of each entry's coefficient in the value table.
    pub coefficients: Vec<u32>,
}

impl Default for SparseMatrix {
    /// The matrix without rows.
    fn default() -> Self {
        Self { row_offsets: vec![0], columns: Vec::new(), coefficients: Vec::new() }
    }
}

impl SparseMatrix {
    fn view(&self) -> MatrixView<'_> {
        MatrixView {
            row_offsets: &self.row_offsets,
            columns: &self.columns,
            coefficients: &self.coefficients,
        }
    }
}

/// A constraint system whose bounds have been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct R1cs {
    num_instance: usize,
    num_witness: usize,
    values: Vec<Fr>,
    matrices: [SparseMatrix; 3],
}

impl R1cs {
    /// Checks that the parts are a constraint system: every index is in bounds, the matrices have equally many rows.
    ///
    /// `num_instance` counts the constant 1; `values` is the table the coefficients point into; `matrices` are A, B and C.
    ///
    /// # Errors
    /// The first bound that does not hold, by matrix and row.
    pub fn new(
        num_instance: usize,
        num_witness: usize,
        values: Vec<Fr>,
        matrices: [SparseMatrix; 3],
    ) -> Result<Self, R1csError> {
        let r1cs = Self { num_instance, num_witness, values, matrices };
        r1cs.view().validate()?;
        Ok(r1cs)
    }

    /// The compact form of matrices given row by row, as `(coefficient, variable)`; arkworks' `Matrix<Fr>` has this form.
    /// Entries with coefficient 0 are left out.
    ///
    /// # Errors
    /// As [`R1cs::new`].
    pub fn from_rows(
        num_instance: usize,
        num_witness: usize,
        rows: [&[Vec<(Fr, usize)>]; 3],
    ) -> Result<Self, R1csError> {
        let mut table = HashMap::new();
        let mut values = Vec::new();
        let mut matrices: [SparseMatrix; 3] = Default::default();
        for ((matrix, rows), side) in matrices.iter_mut().zip(rows).zip([Side::A, Side::B, Side::C]) {
            for (row, entries) in rows.iter().enumerate() {
                for (coefficient, column) in entries.iter().filter(|(coefficient, _)| !coefficient.is_zero())
                {
                    let index = *table.entry(*coefficient).or_insert_with(|| {
                        values.push(*coefficient);
                        values.len() - 1
                    });
                    let column = u32::try_from(*column).map_err(|_| R1csError::Column {
                        side,
                        row,
                        column: u32::MAX,
                    })?;
                    matrix.columns.push(column);
                    // There are no more values than entries, and those are bounded below.
                    matrix.coefficients.push(index as u32);
                }
                let end =
                    u32::try_from(matrix.columns.len()).map_err(|_| R1csError::RowOffsets { side, row })?;
                matrix.row_offsets.push(end);
            }
        }
        Self::new(num_instance, num_witness, values, matrices)
    }

    /// Public inputs and the constant 1.
    pub fn num_instance(&self) -> usize {
        self.num_instance
    }

    /// Private variables.
    pub fn num_witness(&self) -> usize {
        self.num_witness
    }

    /// All variables: the length of an assignment.
    pub fn num_variables(&self) -> usize {
        self.num_instance + self.num_witness
    }

    /// Rows of each matrix.
    pub fn num_constraints(&self) -> usize {
        self.view().num_constraints()
    }

    /// The table the coefficients point into.
    pub fn values(&self) -> &[Fr] {
        &self.values
    }

    /// A, B and C.
    pub fn matrices(&self) -> &[SparseMatrix; 3] {
        &self.matrices
    }

    pub(crate) fn view(&self) -> R1csView<'_> {
        let [a, b, c] = &self.matrices;
        R1csView {
            num_instance: self.num_instance,
            num_witness: self.num_witness,
            values: &self.values,
            matrices: [a.view(), b.view(), c.view()],
        }
    }
}

/// An index that leaves its table: possible only in a view over a file that has not been checked, or changes under us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an index of the constraint matrices is out of bounds")]
pub(crate) struct IndexOutOfBounds;

/// A matrix that lies elsewhere (in an [`R1cs`] or in a mapped file). Nothing about its numbers is taken for granted: each
/// index is checked where it is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MatrixView<'a> {
    pub(crate) row_offsets: &'a [u32],
    pub(crate) columns: &'a [u32],
    pub(crate) coefficients: &'a [u32],
}

const MINUS_ONE: Fr = ark_ff::MontFp!("-1");

/// A sum of products that is reduced once for all of them: in a circuit's long rows, those of a hash's linear layers, most
/// coefficients are of full size.
#[derive(Default)]
struct Products {
    sum: [u64; 8],
    count: usize,
}

impl Products {
    /// 16 p² < 2^512.
    const MOST: usize = 16;
    /// In shorter rows, reducing each product costs no more.
    const WORTH_IT: usize = 4;

    fn add(&mut self, a: &Fr, b: &Fr) {
        let mut product = [0u64; 8];
        for (i, &b) in b.0.0.iter().enumerate() {
            let mut carry = 0;
            for (t, &a) in product[i..].iter_mut().zip(&a.0.0) {
                let wide = u128::from(*t) + u128::from(a) * u128::from(b) + u128::from(carry);
                (*t, carry) = (wide as u64, (wide >> 64) as u64);
            }
            product[i + 4] = carry;
        }
        let mut carry = 0;
        for (sum, limb) in self.sum.iter_mut().zip(product) {
            let wide = u128::from(*sum) + u128::from(limb) + u128::from(carry);
            (*sum, carry) = (wide as u64, (wide >> 64) as u64);
        }
        self.count += 1;
    }

    /// The sum over 2^256, which is what Montgomery forms are multiplied to.
    fn sum(mut self) -> Fr {
        const P: [u64; 4] = <Fr as PrimeField>::MODULUS.0;
        let t = &mut self.sum;
        // The carry out of limb i + 4, which belongs to the next round.
        let mut carried = 0;
        for i in 0..4 {
            let m = t[i].wrapping_mul(Scalar::MINUS_INVERSE);
            let mut carry = 0;
            for (t, &p) in t[i..].iter_mut().zip(&P) {
                let wide = u128::from(*t) + u128::from(m) * u128::from(p) + u128::from(carry);
                (*t, carry) = (wide as u64, (wide >> 64) as u64);
            }
            let wide = u128::from(t[i + 4]) + u128::from(carry) + u128::from(carried);
            (t[i + 4], carried) = (wide as u64, (wide >> 64) as u64);
        }
        // Below 16 p² / 2^256 + p < 4.1 p < 2^256: nothing is carried out.
        let mut sum = [t[4], t[5], t[6], t[7]];
        while let (difference, false) = subtract(&sum, &P) {
            sum = difference;
        }
        Fr::new_unchecked(BigInt(sum))
    }
}

impl<'a> MatrixView<'a> {
    /// Rows, by the length of the offsets.
    pub(crate) fn num_rows(&self) -> usize {
        self.row_offsets.len().saturating_sub(1)
    }

    /// Columns and coefficient indices of row `row`.
    fn row(&self, row: usize) -> Option<(&'a [u32], &'a [u32])> {
        let bounds = *self.row_offsets.get(row)? as usize..*self.row_offsets.get(row + 1)? as usize;
        Some((self.columns.get(bounds.clone())?, self.coefficients.get(bounds)?))
    }

    /// The inner product of row `row` and `assignment`.
    pub(crate) fn evaluate_row(
        &self,
        row: usize,
        values: &[Fr],
        assignment: &[Fr],
    ) -> Result<Fr, IndexOutOfBounds> {
        let (columns, coefficients) = self.row(row).ok_or(IndexOutOfBounds)?;
        let mut sum = Fr::zero();
        let mut products = Products::default();
        for (&column, &coefficient) in columns.iter().zip(coefficients) {
            let variable = assignment.get(column as usize).ok_or(IndexOutOfBounds)?;
            let coefficient = values.get(coefficient as usize).ok_or(IndexOutOfBounds)?;
            if coefficient.is_one() {
                sum += variable;
            } else if *coefficient == MINUS_ONE {
                sum -= variable;
            } else if columns.len() < Products::WORTH_IT {
                sum += *variable * coefficient;
            } else {
                if products.count == Products::MOST {
                    sum += core::mem::take(&mut products).sum();
                }
                products.add(variable, coefficient);
            }
        }
        Ok(if products.count == 0 { sum } else { sum + products.sum() })
    }

    /// For each of `num_columns` columns j: Σ_i weights[i] · M[i][j]. Over all cores, after a counting sort by column.
    pub(crate) fn weigh_columns(
        &self,
        num_columns: usize,
        values: &[Fr],
        weights: &[Fr],
    ) -> Result<Vec<Fr>, IndexOutOfBounds> {
        let mut ends = vec![0u32; num_columns + 1];
        for &column in self.columns {
            *ends.get_mut(column as usize + 1).ok_or(IndexOutOfBounds)? += 1;
        }
        for j in 1..ends.len() {
            ends[j] += ends[j - 1];
        }
        // Entries by column: (row, coefficient). `next` walks from each column's start to its end.
        let mut next = ends.clone();
        let mut by_column = vec![(0u32, 0u32); self.columns.len()];
        for row in 0..self.num_rows() {
            let (columns, coefficients) = self.row(row).ok_or(IndexOutOfBounds)?;
            for (&column, &coefficient) in columns.iter().zip(coefficients) {
                let place = next.get_mut(column as usize).ok_or(IndexOutOfBounds)?;
                *by_column.get_mut(*place as usize).ok_or(IndexOutOfBounds)? = (row as u32, coefficient);
                *place += 1;
            }
        }
        drop(next);
        ends.par_windows(2)
            .map(|bounds| {
                let entries =
                    by_column.get(bounds[0] as usize..bounds[1] as usize).ok_or(IndexOutOfBounds)?;
                entries.iter().try_fold(Fr::zero(), |sum, &(row, coefficient)| {
                    let weight = weights.get(row as usize).ok_or(IndexOutOfBounds)?;
                    let coefficient = values.get(coefficient as usize).ok_or(IndexOutOfBounds)?;
                    Ok(if coefficient.is_one() { sum + weight } else { sum + *weight * coefficient })
                })
            })
            .collect()
    }

    fn validate(&self, side: Side, num_variables: usize, num_values: usize) -> Result<(), R1csError> {
        if self.columns.len() != self.coefficients.len() {
            let (columns, coefficients) = (self.columns.len(), self.coefficients.len());
            return Err(R1csError::EntryCount { side, columns, coefficients });
        }
        if self.row_offsets.first() != Some(&0) {
            return Err(R1csError::RowOffsets { side, row: 0 });
        }
        if self.row_offsets.last().map(|&end| end as usize) != Some(self.columns.len()) {
            return Err(R1csError::RowOffsets { side, row: self.num_rows() });
        }
        (0..self.num_rows()).into_par_iter().try_for_each(|row| {
            let (columns, coefficients) = self.row(row).ok_or(R1csError::RowOffsets { side, row })?;
            if let Some(&column) = columns.iter().find(|&&column| column as usize >= num_variables) {
                return Err(R1csError::Column { side, row, column });
            }
            match coefficients.iter().find(|&&coefficient| coefficient as usize >= num_values) {
                Some(&coefficient) => Err(R1csError::Coefficient { side, row, coefficient }),
                None => Ok(()),
            }
        })
    }
}

/// A constraint system that lies elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct R1csView<'a> {
    pub(crate) num_instance: usize,
    pub(crate) num_witness: usize,
    pub(crate) values: &'a [Fr],
    pub(crate) matrices: [MatrixView<'a>; 3],
}

impl R1csView<'_> {
    pub(crate) fn num_variables(&self) -> usize {
        self.num_instance.saturating_add(self.num_witness)
    }

    pub(crate) fn num_constraints(&self) -> usize {
        self.matrices[0].num_rows()
    }

    /// Every bound that [`R1cs::new`] promises.
    pub(crate) fn validate(&self) -> Result<(), R1csError> {
        let (num_instance, num_witness) = (self.num_instance, self.num_witness);
        if num_instance == 0 {
            return Err(R1csError::NoInstance);
        }
        if num_instance.checked_add(num_witness).is_none_or(|count| u32::try_from(count).is_err()) {
            return Err(R1csError::TooManyVariables { num_instance, num_witness });
        }
        let rows = self.num_constraints().saturating_add(num_instance);
        if rows > 1 << MAX_LOG2_DOMAIN {
            return Err(R1csError::TooManyRows { rows });
        }
        for (matrix, side) in self.matrices.iter().zip([Side::A, Side::B, Side::C]) {
            let (found, expected) = (matrix.num_rows(), self.num_constraints());
            if found != expected {
                return Err(R1csError::RowCount { side, found, expected });
            }
            matrix.validate(side, self.num_variables(), self.values.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::UniformRand;

    fn matrix(row_offsets: &[u32], columns: &[u32], coefficients: &[u32]) -> SparseMatrix {
        SparseMatrix {
            row_offsets: row_offsets.to_vec(),
            columns: columns.to_vec(),
            coefficients: coefficients.to_vec(),
        }
    }

    /// x·x = y with instance (1, y) and witness (x), every matrix replaceable.
    fn square(change: impl FnOnce(&mut [SparseMatrix; 3])) -> Result<R1cs, R1csError> {
        let mut matrices =
            [matrix(&[0, 1], &[2], &[0]), matrix(&[0, 1], &[2], &[0]), matrix(&[0, 1], &[1], &[0])];
        change(&mut matrices);
        R1cs::new(2, 1, vec![Fr::one()], matrices)
    }

    #[test]
    fn every_bound_is_checked() {
        assert!(square(|_| ()).is_ok());
        let side = Side::B;
        type Change<'a> = &'a dyn Fn(&mut SparseMatrix);
        let cases: [(Change<'_>, R1csError); 7] = [
            (&|m| m.columns[0] = 3, R1csError::Column { side, row: 0, column: 3 }),
            (&|m| m.coefficients[0] = 1, R1csError::Coefficient { side, row: 0, coefficient: 1 }),
            (&|m| m.row_offsets = vec![0, 2], R1csError::RowOffsets { side, row: 1 }),
            (&|m| m.row_offsets = vec![1, 1], R1csError::RowOffsets { side, row: 0 }),
            (&|m| m.row_offsets = vec![], R1csError::RowCount { side, found: 0, expected: 1 }),
            (&|m| m.row_offsets = vec![0, 1, 1], R1csError::RowCount { side, found: 2, expected: 1 }),
            (&|m| m.coefficients.push(0), R1csError::EntryCount { side, columns: 1, coefficients: 2 }),
        ];
        for (change, error) in cases {
            assert_eq!(square(|matrices| change(&mut matrices[1])), Err(error));
        }
        let descending = |m: &mut [SparseMatrix; 3]| {
            for m in m.iter_mut() {
                m.row_offsets = vec![0, 5, 1];
            }
        };
        assert_eq!(square(descending), Err(R1csError::RowOffsets { side: Side::A, row: 0 }));
        assert_eq!(R1cs::new(0, 1, vec![], Default::default()), Err(R1csError::NoInstance));
        assert!(matches!(
            R1cs::new(usize::MAX, 1, vec![], Default::default()),
            Err(R1csError::TooManyVariables { .. })
        ));
        assert!(matches!(
            R1cs::new(1 + (1 << MAX_LOG2_DOMAIN), 1, vec![], Default::default()),
            Err(R1csError::TooManyRows { .. })
        ));
    }

    #[test]
    fn rows_share_one_table_of_values_and_zero_entries_vanish() {
        let (one, two) = (Fr::one(), Fr::from(2u64));
        let a = vec![vec![(one, 2), (Fr::zero(), 0)], vec![]];
        let b = vec![vec![(two, 2)], vec![(one, 0)]];
        let c = vec![vec![(two, 1)], vec![]];
        let r1cs = R1cs::from_rows(2, 1, [&a, &b, &c]).unwrap();
        assert_eq!(r1cs.values(), [one, two]);
        assert_eq!(r1cs.matrices()[0], matrix(&[0, 1, 1], &[2], &[0]));
        assert_eq!(r1cs.matrices()[1], matrix(&[0, 1, 2], &[2, 0], &[1, 0]));
        assert_eq!(r1cs.matrices()[2], matrix(&[0, 1, 1], &[1], &[1]));
    }

    #[test]
    fn a_row_of_any_length_and_any_values_is_the_sum_of_its_products() {
        let mut rng = ark_std::test_rng();
        let mut largest = Fr::MODULUS;
        largest.0[0] -= 1;
        // The largest Montgomery form, -1, 1, and random values.
        let special = [Fr::new_unchecked(largest), -Fr::one(), Fr::one(), Fr::zero()];
        for length in 0..40u32 {
            for case in 0..8 {
                let value = |rng: &mut _| if case < 4 { special[case] } else { Fr::rand(rng) };
                let values: Vec<_> = (0..length).map(|_| value(&mut rng)).collect();
                let assignment: Vec<_> =
                    (0..length).map(|_| if case < 6 { special[0] } else { Fr::rand(&mut rng) }).collect();
                let entries: Vec<_> = (0..length).collect();
                let m = matrix(&[0, length], &entries, &entries);
                let expected: Fr = values.iter().zip(&assignment).map(|(v, a)| *v * a).sum();
                assert_eq!(m.view().evaluate_row(0, &values, &assignment), Ok(expected), "{length} {case}");
            }
        }
    }

    #[test]
    fn weighing_columns_is_the_transposed_product() {
        let (one, three) = (Fr::one(), Fr::from(3u64));
        let m = matrix(&[0, 2, 2, 3], &[1, 0, 1], &[0, 1, 1]);
        let weights = [Fr::from(10u64), Fr::from(100u64), Fr::from(1000u64)];
        let columns = m.view().weigh_columns(3, &[one, three], &weights).unwrap();
        assert_eq!(columns, [Fr::from(30u64), Fr::from(3010u64), Fr::zero()]);
        assert_eq!(m.view().weigh_columns(1, &[one, three], &weights), Err(IndexOutOfBounds));
    }
}
