//! Poseidon's constants, one static per width, decoded from `constants/` when the crate is compiled.

use ark_ff::{AdditiveGroup, BigInt};

use crate::field::{ENCODED_LEN, Fr};

/// Full rounds before the partial rounds, and as many after.
pub const HALF_FULL_ROUNDS: usize = 4;

/// The constants of one width, in the form in which the permutation is computed.
///
/// A full round adds a constant to every element, raises every element to the fifth power and multiplies the
/// state by a matrix: [`mds`](Self::mds), or [`mds_entry`](Self::mds_entry) in the last full round before the
/// partial ones. A partial round adds a constant to element 0, raises it to the fifth power and multiplies the
/// state by a sparse matrix: with `r` its row and `c` its column,
///
/// ```text
///  new[0] = r[0]·state[0] + r[1]·state[1] + … + r[t-1]·state[t-1]
///  new[i] = state[i] + c[i-1]·state[0]                                 for i = 1 .. t-1
/// ```
///
/// Grassi et al., "Poseidon", appendix B, show that this computes the permutation of the definition.
/// Matrices are slices by rows.
#[derive(Clone, Copy, Debug)]
pub struct Parameters {
    /// Elements of state, `t`: one more than there are inputs.
    pub width: usize,
    /// Constants of the full rounds before the partial ones: [`HALF_FULL_ROUNDS`] rows of `t`.
    pub constants_before: &'static [Fr],
    /// Constants of the partial rounds, for element 0: one a round.
    pub constants_partial: &'static [Fr],
    /// Constants of the full rounds after the partial ones: [`HALF_FULL_ROUNDS`] rows of `t`.
    pub constants_after: &'static [Fr],
    /// The MDS matrix: `t` rows of `t`.
    pub mds: &'static [Fr],
    /// The matrix of the last full round before the partial ones: `t` rows of `t`.
    pub mds_entry: &'static [Fr],
    /// Row 0 of each partial round's matrix: one row of `t` a round.
    pub sparse_rows: &'static [Fr],
    /// Column 0 of each partial round's matrix below the corner: one row of `t - 1` a round.
    pub sparse_columns: &'static [Fr],
}

/// The constants of one width as arrays: `T` elements of state, `R` partial rounds, `C = T - 1`.
pub(super) struct Constants<const T: usize, const R: usize, const C: usize> {
    pub(super) before: [[Fr; T]; HALF_FULL_ROUNDS],
    pub(super) partial: [Fr; R],
    pub(super) after: [[Fr; T]; HALF_FULL_ROUNDS],
    pub(super) mds: [[Fr; T]; T],
    pub(super) mds_entry: [[Fr; T]; T],
    pub(super) sparse_rows: [[Fr; T]; R],
    pub(super) sparse_columns: [[Fr; C]; R],
}

impl<const T: usize, const R: usize, const C: usize> Constants<T, R, C> {
    /// Reads a constants file, whose length must be exact; runs in the compiler only.
    const fn decode(bytes: &[u8]) -> Self {
        let reader = Reader { bytes };
        let (before, reader) = reader.rows();
        let ([partial], reader) = reader.rows();
        let (after, reader) = reader.rows();
        let (mds, reader) = reader.rows();
        let (mds_entry, reader) = reader.rows();
        let (sparse_rows, reader) = reader.rows();
        let (sparse_columns, reader) = reader.rows();
        assert!(reader.bytes.is_empty() && C + 1 == T);
        Self { before, partial, after, mds, mds_entry, sparse_rows, sparse_columns }
    }

    const fn view(&'static self) -> Parameters {
        Parameters {
            width: T,
            constants_before: self.before.as_flattened(),
            constants_partial: &self.partial,
            constants_after: self.after.as_flattened(),
            mds: self.mds.as_flattened(),
            mds_entry: self.mds_entry.as_flattened(),
            sparse_rows: self.sparse_rows.as_flattened(),
            sparse_columns: self.sparse_columns.as_flattened(),
        }
    }
}

/// What is left of a constants file.
#[derive(Clone, Copy)]
struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// `ROWS` rows of `COLUMNS` elements, each four little-endian limbs in Montgomery form.
    const fn rows<const ROWS: usize, const COLUMNS: usize>(self) -> ([[Fr; COLUMNS]; ROWS], Reader<'a>) {
        let mut rows = [[Fr::ZERO; COLUMNS]; ROWS];
        let mut reader = self;
        let mut row = 0;
        while row < ROWS {
            let mut column = 0;
            while column < COLUMNS {
                (rows[row][column], reader) = reader.element();
                column += 1;
            }
            row += 1;
        }
        (rows, reader)
    }

    const fn element(self) -> (Fr, Reader<'a>) {
        let (element, bytes) = self.bytes.split_at(ENCODED_LEN);
        let limbs = BigInt([limb(element, 0), limb(element, 1), limb(element, 2), limb(element, 3)]);
        (Fr::new_unchecked(limbs), Reader { bytes })
    }
}

const fn limb(element: &[u8], index: usize) -> u64 {
    match element.split_at(8 * index).1.first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => panic!("an element has four limbs"),
    }
}

/// Declares the static of each width, and the table of them all.
macro_rules! widths {
    ($($name:ident: $width:literal, $partial_rounds:literal, $file:literal;)*) => {
        $(
            #[allow(long_running_const_eval)]
            pub(super) static $name: Constants<$width, $partial_rounds, { $width - 1 }> =
                Constants::decode(include_bytes!(concat!("constants/", $file)));
        )*

        /// The constants of the widths 2..=17, the smallest first.
        pub(super) static ALL: [Parameters; 16] = [$($name.view()),*];
    };
}

widths! {
    T2: 2, 56, "t2.bin";
    T3: 3, 57, "t3.bin";
    T4: 4, 56, "t4.bin";
    T5: 5, 60, "t5.bin";
    T6: 6, 60, "t6.bin";
    T7: 7, 63, "t7.bin";
    T8: 8, 64, "t8.bin";
    T9: 9, 63, "t9.bin";
    T10: 10, 60, "t10.bin";
    T11: 11, 66, "t11.bin";
    T12: 12, 60, "t12.bin";
    T13: 13, 65, "t13.bin";
    T14: 14, 70, "t14.bin";
    T15: 15, 60, "t15.bin";
    T16: 16, 64, "t16.bin";
    T17: 17, 68, "t17.bin";
}
