//! Poseidon's constants from their specification: round constants and MDS matrix from the Grain LFSR
//! (Grassi et al., "Poseidon: A New Hash Function for Zero-Knowledge Proof Systems", appendix E), and
//! the sparse form of the partial rounds (the same paper, appendix B).
//!
//! ```text
//!  Grain LFSR ──► Plain: round constants, MDS ──► Optimised: one constant a partial round, ──► t{w}.bin
//!                                                 sparse matrices
//! ```

#![allow(unreachable_pub)] // Shared, as a file, by the example and a test.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};

/// Rounds in which every element passes the S-box, half of them before the partial rounds and half after.
pub const FULL_ROUNDS: usize = 8;

/// circomlib's number of partial rounds for the widths 2..=17: the paper's minimum for 128 bits of
/// security, where the reference script also rounds for the number of S-boxes.
pub const PARTIAL_ROUNDS: [usize; 16] = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];

/// The widths, in elements of state, for which there are constants.
pub const WIDTHS: core::ops::RangeInclusive<usize> = 2..=17;

type Matrix = Vec<Vec<Fr>>;

/// The 80-bit LFSR in self-shrinking mode that the paper draws all constants from.
struct Grain {
    register: [bool; 80],
    position: usize,
}

impl Grain {
    /// Seeds the register with the description of the instance: field, S-box, bits of the modulus, width,
    /// full and partial rounds, then ones; and discards the first 160 bits.
    fn new(width: usize, partial_rounds: usize) -> Self {
        const PRIME_FIELD: (usize, usize) = (1, 2);
        const POWER_SBOX: (usize, usize) = (0, 4);
        let mut register = [true; 80];
        let description = [
            PRIME_FIELD,
            POWER_SBOX,
            (Fr::MODULUS_BIT_SIZE as usize, 12),
            (width, 12),
            (FULL_ROUNDS, 10),
            (partial_rounds, 10),
        ];
        let bits = description
            .iter()
            .flat_map(|(value, length)| (0..*length).rev().map(move |bit| (value >> bit) & 1 == 1));
        register.iter_mut().zip(bits).for_each(|(place, bit)| *place = bit);
        let mut grain = Self { register, position: 0 };
        for _ in 0..160 {
            grain.step();
        }
        grain
    }

    fn step(&mut self) -> bool {
        let tap = |offset: usize| self.register[(self.position + offset) % 80];
        let bit = tap(62) ^ tap(51) ^ tap(38) ^ tap(23) ^ tap(13) ^ tap(0);
        self.register[self.position] = bit;
        self.position = (self.position + 1) % 80;
        bit
    }

    /// Bits come in pairs: the second counts if the first is set.
    fn bit(&mut self) -> bool {
        loop {
            let counts = self.step();
            let bit = self.step();
            if counts {
                return bit;
            }
        }
    }

    /// An integer of as many bits as the modulus, most significant bit first.
    fn integer(&mut self) -> <Fr as PrimeField>::BigInt {
        let bits: Vec<bool> = (0..Fr::MODULUS_BIT_SIZE).map(|_| self.bit()).collect();
        BigInteger::from_bits_be(&bits)
    }

    /// A field element by rejection (round constants).
    fn element(&mut self) -> Fr {
        loop {
            if let Some(element) = Fr::from_bigint(self.integer()) {
                return element;
            }
        }
    }

    /// A field element by reduction (the MDS matrix).
    fn reduced_element(&mut self) -> Fr {
        Fr::from_le_bytes_mod_order(&self.integer().to_bytes_le())
    }
}

/// One width as the paper defines it.
pub struct Plain {
    /// Elements of state.
    pub width: usize,
    /// Rounds in which only element 0 passes the S-box.
    pub partial_rounds: usize,
    /// For every round, what is added to each element.
    pub round_constants: Vec<Vec<Fr>>,
    /// The Cauchy matrix that closes every round, by rows.
    pub mds: Matrix,
}

impl Plain {
    /// Draws the constants of one width.
    pub fn new(width: usize) -> Self {
        let partial_rounds = PARTIAL_ROUNDS[width - 2];
        let mut grain = Grain::new(width, partial_rounds);
        let round_constants = (0..FULL_ROUNDS + partial_rounds)
            .map(|_| (0..width).map(|_| grain.element()).collect())
            .collect();
        let mds = loop {
            let places: Vec<Fr> = (0..2 * width).map(|_| grain.reduced_element()).collect();
            let distinct = places.iter().enumerate().all(|(i, place)| !places[..i].contains(place));
            let (xs, ys) = places.split_at(width);
            let sums = xs.iter().map(|x| ys.iter().map(|y| (*x + y).inverse()).collect::<Option<Vec<_>>>());
            match sums.collect::<Option<Matrix>>() {
                Some(mds) if distinct => break mds,
                _ => {}
            }
        };
        Self { width, partial_rounds, round_constants, mds }
    }
}

/// One width in the form that is computed: see `zkpov_verifier::poseidon::Parameters`, whose fields these are.
#[allow(missing_docs)]
pub struct Optimised {
    pub constants_before: Vec<Vec<Fr>>,
    pub constants_partial: Vec<Fr>,
    pub constants_after: Vec<Vec<Fr>>,
    pub mds: Matrix,
    pub mds_entry: Matrix,
    pub sparse_rows: Matrix,
    pub sparse_columns: Matrix,
}

impl Optimised {
    /// Rewrites the partial rounds without changing what they compute.
    pub fn new(plain: &Plain) -> Self {
        let half = FULL_ROUNDS / 2;
        let end = half + plain.partial_rounds;

        // In a partial round the constants of the elements 1.. meet no S-box: they are carried through the
        // matrix into the next round.
        let mut constants = plain.round_constants.clone();
        let mut constants_partial = Vec::new();
        for round in half..end {
            let mut carried = constants[round].clone();
            constants_partial.push(carried[0]);
            carried[0] = Fr::ZERO;
            let carried = apply(&plain.mds, &carried);
            constants[round + 1].iter_mut().zip(carried).for_each(|(constant, more)| *constant += more);
        }

        // M = sparse · (1 ⊕ N): the block 1 ⊕ N leaves element 0 alone, so it commutes with the partial S-box
        // and is absorbed by the matrix of the round before. From the last partial round to the first.
        let mut matrix = plain.mds.clone();
        let (mut sparse_rows, mut sparse_columns) = (Vec::new(), Vec::new());
        for _ in 0..plain.partial_rounds {
            let block: Matrix = matrix[1..].iter().map(|row| row[1..].to_vec()).collect();
            let mut row = vec![matrix[0][0]];
            row.extend(apply(&transpose(&invert(&block)), &matrix[0][1..]));
            sparse_rows.push(row);
            sparse_columns.push(matrix[1..].iter().map(|row| row[0]).collect());
            let mut dense = vec![unit(plain.width, 0)];
            dense.extend(block.iter().map(|row| [&[Fr::ZERO], row.as_slice()].concat()));
            matrix = multiply(&dense, &plain.mds);
        }
        sparse_rows.reverse();
        sparse_columns.reverse();

        Self {
            constants_before: constants[..half].to_vec(),
            constants_partial,
            constants_after: constants[end..].to_vec(),
            mds: plain.mds.clone(),
            mds_entry: matrix,
            sparse_rows,
            sparse_columns,
        }
    }

    /// The file of one width: every element as four little-endian 64-bit limbs in Montgomery form, in the
    /// order of the fields, matrices by rows.
    pub fn to_bytes(&self) -> Vec<u8> {
        let matrices = [&self.mds, &self.mds_entry, &self.sparse_rows, &self.sparse_columns];
        self.constants_before
            .iter()
            .flatten()
            .chain(&self.constants_partial)
            .chain(self.constants_after.iter().flatten())
            .chain(matrices.into_iter().flatten().flatten())
            .flat_map(|element| element.0.0)
            .flat_map(u64::to_le_bytes)
            .collect()
    }
}

/// The file that holds a width's constants.
pub fn path(width: usize) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/poseidon/constants/t{width}.bin"))
}

fn unit(width: usize, place: usize) -> Vec<Fr> {
    (0..width).map(|i| Fr::from(i == place)).collect()
}

/// The product of a matrix and a vector.
pub fn apply(matrix: &[Vec<Fr>], vector: &[Fr]) -> Vec<Fr> {
    matrix.iter().map(|row| row.iter().zip(vector).map(|(a, b)| *a * b).sum()).collect()
}

fn transpose(matrix: &[Vec<Fr>]) -> Matrix {
    (0..matrix.len()).map(|column| matrix.iter().map(|row| row[column]).collect()).collect()
}

fn multiply(left: &[Vec<Fr>], right: &[Vec<Fr>]) -> Matrix {
    let columns = transpose(right);
    left.iter().map(|row| apply(&columns, row)).collect()
}

/// Gauss-Jordan; every matrix here is invertible, being a product of Cauchy matrices and their minors.
fn invert(matrix: &[Vec<Fr>]) -> Matrix {
    let size = matrix.len();
    let mut rows: Matrix =
        matrix.iter().enumerate().map(|(i, row)| [row.clone(), unit(size, i)].concat()).collect();
    for column in 0..size {
        let pivot = (column..size).find(|row| rows[*row][column] != Fr::ZERO).expect("invertible matrix");
        rows.swap(column, pivot);
        let scale = rows[column][column].inverse().expect("pivot is not zero");
        rows[column].iter_mut().for_each(|element| *element *= scale);
        let pivot_row = rows[column].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(other, _)| *other != column) {
            let factor = row[column];
            row.iter_mut().zip(&pivot_row).for_each(|(element, above)| *element -= factor * above);
        }
    }
    rows.into_iter().map(|row| row[size..].to_vec()).collect()
}
