//! The Jacobian's rows, and which of them are range checks.

use ark_bn254::Fr;
use ark_ff::{Field, Zero};

use crate::r1cs::{R1cs, SparseMatrix};

/// The constant 1 in an assignment.
const ONE: usize = 0;

/// A row: columns, ascending, and coefficients that are not zero.
pub(super) type Row = Vec<(usize, Fr)>;

/// The derivative of each constraint at `assignment` by the unknown variables: for row i by variable j,
/// a_ij·(B z)_i + (A z)_i·b_ij - c_ij. Rows that are `set_aside` (ascending) are empty.
pub(super) fn derivatives(r1cs: &R1cs, assignment: &[Fr], unknown: &[bool], set_aside: &[usize]) -> Vec<Row> {
    let derivative = |row: usize| {
        if set_aside.binary_search(&row).is_ok() {
            return Row::new();
        }
        let value = |matrix: &SparseMatrix| -> Fr {
            matrix.row(row).map(|(column, value)| r1cs.coefficients[value] * assignment[column]).sum()
        };
        let factors = [(&r1cs.a, value(&r1cs.b)), (&r1cs.b, value(&r1cs.a)), (&r1cs.c, -Fr::ONE)];
        let mut entries = Row::new();
        for (matrix, factor) in factors {
            let known = matrix.row(row).filter(|(column, _)| unknown[*column]);
            entries.extend(known.map(|(column, value)| (column, factor * r1cs.coefficients[value])));
        }
        entries.sort_unstable_by_key(|(column, _)| *column);
        entries.dedup_by(|(column, more), (kept, coefficient)| {
            let same = column == kept;
            if same {
                *coefficient += *more;
            }
            same
        });
        entries.retain(|(_, coefficient)| !coefficient.is_zero());
        entries
    };
    (0..r1cs.constraints()).map(derivative).collect()
}

/// The rows that say that a number is in a range and nothing else, ascending: those in which there is a bit that is in
/// no other row but the one that makes it a bit.
pub(super) fn ranges(r1cs: &R1cs) -> Vec<usize> {
    let bits: Vec<Option<usize>> = (0..r1cs.constraints()).map(|row| made_a_bit(r1cs, row)).collect();
    let mut uses = vec![Uses::default(); r1cs.variables()];
    for (row, bit) in bits.iter().enumerate() {
        for matrix in [&r1cs.a, &r1cs.b, &r1cs.c] {
            for (column, _) in matrix.row(row) {
                uses[column].add(row, *bit == Some(column));
            }
        }
    }
    let mut rows: Vec<usize> = uses.iter().filter_map(Uses::range).collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// Where a variable occurs.
#[derive(Clone, Copy, Debug, Default)]
struct Uses {
    is_bit: bool,
    /// The last row but the one that makes it a bit.
    other: Option<usize>,
    others: usize,
}

impl Uses {
    fn add(&mut self, row: usize, makes_it_a_bit: bool) {
        if makes_it_a_bit {
            self.is_bit = true;
        } else if self.other != Some(row) {
            self.other = Some(row);
            self.others += 1;
        }
    }

    /// The range check whose bit this is and nothing else.
    fn range(&self) -> Option<usize> {
        if self.is_bit && self.others == 1 { self.other } else { None }
    }
}

/// The variable that this row alone makes one of two values: the only one in it, in both factors.
fn made_a_bit(r1cs: &R1cs, row: usize) -> Option<usize> {
    let only = |matrix: &SparseMatrix| {
        let mut columns = matrix.row(row).map(|(column, _)| column).filter(|column| *column != ONE);
        let first = columns.next();
        if columns.next().is_some() { None } else { Some(first) }
    };
    let variable = only(&r1cs.a)??;
    let product = only(&r1cs.c)?;
    (only(&r1cs.b)? == Some(variable) && product.is_none_or(|column| column == variable)).then_some(variable)
}
