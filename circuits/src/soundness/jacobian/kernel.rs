//! The kernel of a sparse matrix over the field.
//!
//! A circuit is written in the order of its computation, and most of its variables are determined by one row once
//! those before are. So the elimination follows the computation and not the matrix: it keeps each variable as a linear
//! form in few *parameters*.
//!
//! ```text
//!   a row with one unresolved variable   resolves it: a form in the parameters (0 where all before it are)
//!   a row with none                      is an equation between parameters: one of them goes
//!   neither                              the next variable of the given order becomes a parameter
//! ```
//!
//! Each row is used once, as a pivot for a variable or for a parameter: this is Gaussian elimination, its pivots chosen
//! among the rows with the fewest unresolved variables, and exact. A form is as long as there are parameters at the
//! time that its variable depends on: few, as long as rows that use up parameters come soon after them.

use std::collections::HashMap;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, Zero};

use super::rows::Row;

/// Parameters and coefficients that are not zero, by ascending parameter; a parameter has its variable's number.
type Form = Vec<(usize, Fr)>;

/// For each element of a basis of the kernel, the variables (ascending) that it moves.
///
/// Of `variables` columns only those of `order` occur in `rows`; the first of them that are independent are made the
/// basis' coordinates.
pub(super) fn kernel(rows: &[Row], variables: usize, order: &[usize]) -> Vec<Vec<usize>> {
    let mut elimination = Elimination::new(rows, variables);
    elimination.use_rows();
    for variable in order {
        if elimination.forms[*variable].is_none() {
            elimination.resolve(*variable, vec![(*variable, Fr::ONE)]);
            elimination.use_rows();
        }
    }
    let mut basis: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut parameters = Vec::new();
    for (variable, form) in elimination.forms.iter().enumerate() {
        for (parameter, _) in form.iter().flatten() {
            if *parameter == variable {
                parameters.push(variable);
            }
            basis.entry(*parameter).or_default().push(variable);
        }
    }
    parameters.iter().filter_map(|parameter| basis.remove(parameter)).collect()
}

struct Elimination<'a> {
    rows: &'a [Row],
    rows_of: Vec<Vec<u32>>,
    /// Unresolved variables of each row.
    unresolved: Vec<usize>,
    used: Vec<bool>,
    /// Rows with at most one unresolved variable, not all of them unused.
    ready: Vec<usize>,
    forms: Vec<Option<Form>>,
    /// Variables whose forms have, or had, the parameter.
    users: HashMap<usize, Vec<usize>>,
}

impl<'a> Elimination<'a> {
    fn new(rows: &'a [Row], variables: usize) -> Self {
        let mut rows_of = vec![Vec::new(); variables];
        for (number, row) in rows.iter().enumerate() {
            for (variable, _) in row {
                rows_of[*variable].push(number as u32);
            }
        }
        let unresolved: Vec<usize> = rows.iter().map(Vec::len).collect();
        let ready = (0..rows.len()).rev().filter(|row| unresolved[*row] == 1).collect();
        Self {
            rows,
            rows_of,
            unresolved,
            used: vec![false; rows.len()],
            ready,
            forms: vec![None; variables],
            users: HashMap::new(),
        }
    }

    /// Uses rows as long as there are any with at most one unresolved variable.
    fn use_rows(&mut self) {
        while let Some(number) = self.ready.pop() {
            if std::mem::replace(&mut self.used[number], true) {
                continue;
            }
            let row = &self.rows[number];
            let mut pivot = None;
            let mut rest = Form::new();
            for (variable, coefficient) in row {
                match &self.forms[*variable] {
                    Some(form) => add(&mut rest, *coefficient, form),
                    None => pivot = Some((*variable, *coefficient)),
                }
            }
            match pivot {
                Some((variable, coefficient)) => self.resolve(variable, solved(rest, coefficient)),
                None => self.equate_with_zero(rest),
            }
        }
    }

    fn resolve(&mut self, variable: usize, form: Form) {
        for (parameter, _) in &form {
            self.users.entry(*parameter).or_default().push(variable);
        }
        self.forms[variable] = Some(form);
        for row in &self.rows_of[variable] {
            let row = *row as usize;
            self.unresolved[row] -= 1;
            // A row with no unresolved variable is an equation, and takes precedence: parameters go early.
            if self.unresolved[row] <= 1 && !self.used[row] {
                self.ready.push(row);
            }
        }
    }

    /// Solves `form` = 0 for its last parameter, which every form then does without.
    fn equate_with_zero(&mut self, mut form: Form) {
        let Some((parameter, coefficient)) = form.pop() else { return };
        let replacement = solved(form, coefficient);
        for variable in self.users.remove(&parameter).unwrap_or_default() {
            let Some(form) = &mut self.forms[variable] else { continue };
            let Ok(place) = form.binary_search_by_key(&parameter, |(parameter, _)| *parameter) else {
                continue;
            };
            let (_, coefficient) = form.remove(place);
            add(form, coefficient, &replacement);
            for (parameter, _) in &replacement {
                self.users.entry(*parameter).or_default().push(variable);
            }
        }
    }
}

/// The x with `coefficient`·x + `rest` = 0.
fn solved(mut rest: Form, coefficient: Fr) -> Form {
    // No coefficient of a row or a form is zero.
    let factor = -coefficient.inverse().unwrap_or(Fr::ZERO);
    for (_, coefficient) in &mut rest {
        *coefficient *= factor;
    }
    rest
}

/// Adds `factor`·`other` to `form`.
fn add(form: &mut Form, factor: Fr, other: &Form) {
    if other.is_empty() {
        return;
    }
    let mut sum = Form::with_capacity(form.len() + other.len());
    let (mut mine, mut others) = (form.iter().peekable(), other.iter().peekable());
    loop {
        let next = match (mine.peek(), others.peek()) {
            (Some((a, x)), Some((b, y))) if a == b => {
                let next = (*a, *x + factor * y);
                mine.next();
                others.next();
                next
            }
            (Some((a, x)), Some((b, _))) if a < b => {
                mine.next();
                (*a, *x)
            }
            (Some((a, x)), None) => {
                mine.next();
                (*a, *x)
            }
            (_, Some((b, y))) => {
                others.next();
                (*b, factor * y)
            }
            (None, None) => break,
        };
        if !next.1.is_zero() {
            sum.push(next);
        }
    }
    *form = sum;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: &[&[i64]]) -> Vec<Row> {
        let entries = |row: &&[i64]| row.iter().map(|value| Fr::from(*value)).enumerate().collect::<Row>();
        let sparse = |row: &&[i64]| entries(row).into_iter().filter(|(_, value)| !value.is_zero()).collect();
        rows.iter().map(sparse).collect()
    }

    fn moved(rows: &[&[i64]]) -> Vec<Vec<usize>> {
        let order: Vec<usize> = (0..rows[0].len()).collect();
        kernel(&matrix(rows), rows[0].len(), &order)
    }

    #[test]
    fn a_matrix_of_full_rank_has_no_kernel() {
        assert!(moved(&[&[1, 2, 0], &[3, 1, 1], &[0, 5, 7], &[1, 1, 1]]).is_empty());
    }

    #[test]
    fn variables_move_exactly_if_the_kernel_says_so() {
        // x₁ + x₂ = 0; x₃ is 0; nothing is said of x₀.
        assert_eq!(moved(&[&[0, 1, 1, 0], &[0, 2, 2, 5], &[0, 0, 0, 1]]), [vec![0], vec![1, 2]]);
    }

    #[test]
    fn dependent_rows_add_nothing() {
        assert_eq!(moved(&[&[1, 2, 3], &[2, 4, 6], &[0, 1, 1], &[1, 3, 4]]), [vec![0, 1, 2]]);
    }

    #[test]
    fn a_parameter_that_goes_leaves_every_form() {
        // x₁ = x₀, x₂ = x₀ + x₁ and x₂ + x₁ = 0, so that nothing is left.
        assert!(moved(&[&[1, -1, 0], &[1, 1, -1], &[0, 1, 1]]).is_empty());
    }

    /// The rank, by elimination of a dense matrix.
    fn dense_rank(rows: &[Row], columns: usize) -> usize {
        let mut dense: Vec<Vec<Fr>> = rows
            .iter()
            .map(|row| {
                let mut dense = vec![Fr::ZERO; columns];
                row.iter().for_each(|(column, value)| dense[*column] = *value);
                dense
            })
            .collect();
        let mut rank = 0;
        for column in 0..columns {
            let Some(pivot) = (rank..dense.len()).find(|row| !dense[*row][column].is_zero()) else {
                continue;
            };
            dense.swap(rank, pivot);
            let (done, rest) = dense.split_at_mut(rank + 1);
            let pivot = &done[rank];
            for row in rest {
                let factor = row[column] / pivot[column];
                row.iter_mut().zip(pivot).for_each(|(entry, value)| *entry -= factor * value);
            }
            rank += 1;
        }
        rank
    }

    proptest::proptest! {
        #[test]
        fn rank_and_kernel_are_those_of_dense_elimination(
            entries in proptest::collection::vec(proptest::collection::vec(-2i64..=2, 7), 1..10),
            zeros in proptest::collection::vec(proptest::collection::vec(0u8..3, 7), 10),
        ) {
            let sparse: Vec<Vec<i64>> = entries
                .iter()
                .zip(&zeros)
                .map(|(row, zeros)| row.iter().zip(zeros).map(|(v, z)| if *z == 0 { *v } else { 0 }).collect())
                .collect();
            let rows: Vec<&[i64]> = sparse.iter().map(Vec::as_slice).collect();
            let rank = dense_rank(&matrix(&rows), 7);
            let kernel = moved(&rows);
            proptest::prop_assert_eq!(kernel.len(), 7 - rank);
            // A variable is determined exactly if fixing it by one more row leaves the rank.
            for variable in 0..7 {
                let mut more = matrix(&rows);
                more.push(vec![(variable, Fr::ONE)]);
                let moves = kernel.iter().any(|direction| direction.contains(&variable));
                proptest::prop_assert_eq!(moves, dense_rank(&more, 7) > rank);
            }
        }
    }
}
