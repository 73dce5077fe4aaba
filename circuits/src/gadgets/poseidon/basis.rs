//! Which variables the gadget allocates.
//!
//! Taken literally, the partial rounds make long rows: the state is t combinations of everything since the last
//! full round, and each S-box input appears three times. The partial rounds are a linear system with one input
//! y (the S-box's output) and one observation x (the next S-box's input), and n = t - 1 hidden elements g:
//!
//! ```text
//!   g[r+1] = A g[r] + b y[r]        x[r+1] = m y[r] + v·g[r] + κ[r+1]         (m, v, b, A: the MDS matrix's blocks)
//! ```
//!
//! Instead of y the gadget allocates w with y[r] = w[r] + d₁ w[r-1] + … + d_n w[r-n], where the d are the
//! coefficients of A's characteristic polynomial. This is the feedback that puts all poles of the system at zero
//! (dead-beat control, controllable canonical form): the hidden state, and with it x, depends on the last n of the w
//! and on nothing before,
//!
//! ```text
//!   g[r] = Σ_{k=1..n} e_k w[r-k],   e_k = (A^{k-1} + d₁ A^{k-2} + … + d_{k-1}) b        x[r+1] = Σ_{k=0..n} o_k w[r-k] + κ[r+1]
//! ```
//!
//! so that every row of a partial round has at most t + 1 entries, whatever the round. In full rounds the new
//! variables are the next round's S-box inputs, single variables on the A and B side. Each choice is an invertible
//! change of basis, which is what makes it sound: the constraints fix y, and y fixes the new variables.
//!
//! Source for the canonical form: any text on linear systems, e.g. Kailath, "Linear Systems", 2.2 and 3.2.

use std::sync::OnceLock;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use zkpov_verifier::poseidon::{HALF_FULL_ROUNDS, Parameters, parameters};

/// A matrix by rows.
pub(super) type Matrix = Vec<Vec<Fr>>;

/// The constants of one width.
#[derive(Debug)]
pub(super) struct Basis {
    pub(super) width: usize,
    /// Constants of the full rounds before the partial ones, by rounds.
    pub(super) constants_before: Vec<Vec<Fr>>,
    /// κ: constants of the partial rounds.
    pub(super) constants_partial: Vec<Fr>,
    /// Constants of the full rounds after the partial ones, by rounds.
    pub(super) constants_after: Vec<Vec<Fr>>,
    pub(super) mds: Matrix,
    pub(super) mds_inverse: Matrix,
    /// The inverse of the MDS matrix's first element.
    pub(super) corner_inverse: Fr,
    /// The inverse of the MDS matrix without its row 0 and column 0.
    pub(super) minor_inverse: Matrix,
    /// d₁ … d_n.
    pub(super) feedback: Vec<Fr>,
    /// o₀ … o_n.
    pub(super) observation: Vec<Fr>,
    /// Columns e₁ … e_n: hidden elements from the last n of the w, the latest first.
    pub(super) hidden: Matrix,
    pub(super) hidden_inverse: Matrix,
    /// From (x[0] - κ[0], w[-1], …, w[-n]) to the S-box outputs of the full round before the partial ones.
    pub(super) entry: Matrix,
}

impl Basis {
    /// The constants of the permutation of `width` elements, computed on first use; `None` outside 2..=17.
    pub(super) fn of_width(width: usize) -> Option<&'static Self> {
        static BASES: [OnceLock<Option<Basis>>; 16] = [const { OnceLock::new() }; 16];
        BASES.get(width.checked_sub(2)?)?.get_or_init(|| Self::new(parameters(width)?)).as_ref()
    }

    fn new(parameters: &Parameters) -> Option<Self> {
        let width = parameters.width;
        let n = width - 1;
        let rows = |flat: &[Fr]| flat.chunks(width).map(<[Fr]>::to_vec).collect::<Matrix>();
        let mds = rows(parameters.mds);
        let minor: Matrix = mds[1..].iter().map(|row| row[1..].to_vec()).collect();
        let input: Vec<Fr> = mds[1..].iter().map(|row| row[0]).collect();

        // Faddeev–LeVerrier gives the characteristic polynomial and, on the way, B_k = A^k + d₁ A^{k-1} + … + d_k.
        let mut feedback = Vec::with_capacity(n);
        let mut columns = Vec::with_capacity(n);
        let mut power = identity(n);
        for k in 1..=n {
            columns.push(apply(&power, &input));
            let mut next = multiply(&minor, &power);
            let trace: Fr = (0..n).map(|i| next[i][i]).sum();
            let coefficient = -trace * Fr::from(k as u64).inverse()?;
            feedback.push(coefficient);
            for (i, row) in next.iter_mut().enumerate() {
                row[i] += coefficient;
            }
            power = next;
        }
        let hidden: Matrix = (0..n).map(|i| columns.iter().map(|column| column[i]).collect()).collect();
        let mut observation = vec![mds[0][0]];
        for (d, column) in feedback.iter().zip(&columns) {
            let through_hidden: Fr = mds[0][1..].iter().zip(column).map(|(v, e)| *v * e).sum();
            observation.push(mds[0][0] * d + through_hidden);
        }
        let mds_inverse = inverse(&mds)?;
        let mut block = identity(width);
        for (row, hidden) in block[1..].iter_mut().zip(&hidden) {
            row[1..].copy_from_slice(hidden);
        }
        Some(Self {
            width,
            constants_before: rows(parameters.constants_before),
            constants_partial: parameters.constants_partial.to_vec(),
            constants_after: rows(parameters.constants_after),
            entry: multiply(&mds_inverse, &block),
            corner_inverse: mds[0][0].inverse()?,
            minor_inverse: inverse(&minor)?,
            hidden_inverse: inverse(&hidden)?,
            mds,
            mds_inverse,
            feedback,
            observation,
            hidden,
        })
    }

    /// Full rounds before and after the partial ones.
    pub(super) const fn half(&self) -> usize {
        HALF_FULL_ROUNDS
    }

    /// How many partial rounds there are.
    pub(super) fn partial_rounds(&self) -> usize {
        self.constants_partial.len()
    }
}

fn identity(size: usize) -> Matrix {
    (0..size).map(|i| (0..size).map(|j| if i == j { Fr::ONE } else { Fr::ZERO }).collect()).collect()
}

/// `matrix · vector`.
pub(super) fn apply(matrix: &[Vec<Fr>], vector: &[Fr]) -> Vec<Fr> {
    matrix.iter().map(|row| row.iter().zip(vector).map(|(a, b)| *a * b).sum()).collect()
}

fn multiply(a: &[Vec<Fr>], b: &[Vec<Fr>]) -> Matrix {
    let columns: Matrix = (0..b[0].len()).map(|j| b.iter().map(|row| row[j]).collect()).collect();
    a.iter().map(|row| apply(&columns, row)).collect()
}

/// The inverse by Gauss–Jordan elimination; `None` for a singular matrix.
fn inverse(matrix: &[Vec<Fr>]) -> Option<Matrix> {
    let size = matrix.len();
    let mut left = matrix.to_vec();
    let mut right = identity(size);
    for column in 0..size {
        let pivot = (column..size).find(|row| left[*row][column] != Fr::ZERO)?;
        left.swap(column, pivot);
        right.swap(column, pivot);
        let scale = left[column][column].inverse()?;
        for value in left[column].iter_mut().chain(right[column].iter_mut()) {
            *value *= scale;
        }
        let (pivot_left, pivot_right) = (left[column].clone(), right[column].clone());
        for row in (0..size).filter(|row| *row != column) {
            let factor = left[row][column];
            for (value, pivot) in left[row].iter_mut().zip(&pivot_left) {
                *value -= factor * pivot;
            }
            for (value, pivot) in right[row].iter_mut().zip(&pivot_right) {
                *value -= factor * pivot;
            }
        }
    }
    Some(right)
}
