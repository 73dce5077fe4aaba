//! Keys of points that were computed elsewhere: a ceremony's, for instance.

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;
use rayon::prelude::*;

use crate::encoding::Encoding;
use crate::key::{Counts, Header, ImageMut, KeyError, Layout, ProvingKey, Section, checksum};
use crate::r1cs::{R1cs, Side};

/// The points of a key in this prover's convention: gamma = 1, H on the odd points. Lists over the variables are in the assignment's order,
/// with infinity for a variable that a matrix does not hold.
#[derive(Clone, Debug)]
pub struct KeyPoints {
    /// alpha in G1.
    pub alpha_g1: G1Affine,
    /// beta in G1.
    pub beta_g1: G1Affine,
    /// delta in G1.
    pub delta_g1: G1Affine,
    /// beta in G2.
    pub beta_g2: G2Affine,
    /// delta in G2.
    pub delta_g2: G2Affine,
    /// One for the constant 1 and each public input.
    pub ic: Vec<G1Affine>,
    /// One for each variable.
    pub a: Vec<G1Affine>,
    /// One for each variable.
    pub b_g1: Vec<G1Affine>,
    /// One for each variable.
    pub b_g2: Vec<G2Affine>,
    /// One for each witness variable.
    pub l: Vec<G1Affine>,
    /// One for each place of the evaluation domain.
    pub h: Vec<G1Affine>,
}

impl ProvingKey {
    /// The key of a circuit with these points. Their number is checked, and the place of those of the verifying key;
    /// [`ProvingKey::check`] checks the rest.
    ///
    /// `circuit_digest` is stored in the key for the caller to recognise the circuit by.
    ///
    /// # Errors
    /// If the numbers of points are not the circuit's, B has a point in one group alone, a point of the verifying key is not in its group, or
    /// there is no memory for the key.
    pub fn from_points(r1cs: &R1cs, circuit_digest: [u8; 32], points: &KeyPoints) -> Result<Self, KeyError> {
        let a: Vec<(u32, G1Affine)> = finite(&points.a);
        let b_g1 = finite(&points.b_g1);
        let b_g2 = finite(&points.b_g2);
        if let Some(index) = b_g1.iter().zip(&b_g2).position(|(one, two)| one.0 != two.0) {
            return Err(KeyError::Infinity { section: Section::BG1, index });
        }
        // `R1cs` bounds each of these below 2^32.
        let counts = Counts {
            constraints: r1cs.num_constraints() as u32,
            instance: r1cs.num_instance() as u32,
            witness: r1cs.num_witness() as u32,
            a_points: a.len() as u32,
            b_points: b_g2.len() as u32,
            values: r1cs.values().len() as u32,
            entries: r1cs.matrices().each_ref().map(|matrix| matrix.columns.len() as u32),
        };
        for (what, found, expected) in [
            ("points of IC", points.ic.len(), r1cs.num_instance()),
            ("points of A", points.a.len(), r1cs.num_variables()),
            ("points of B in G1", points.b_g1.len(), r1cs.num_variables()),
            ("points of B in G2", points.b_g2.len(), r1cs.num_variables()),
            ("points of B in G1 that are not infinity", b_g1.len(), b_g2.len()),
            ("points of L", points.l.len(), r1cs.num_witness()),
            ("points of H", points.h.len(), counts.domain() as usize),
        ] {
            if found != expected {
                return Err(KeyError::Header { what, found: found as u64, expected: expected as u64 });
            }
        }
        let layout = Layout::new(&counts);
        let length = layout.file_length();
        let memory = |source| KeyError::Memory { length, source };
        let size = usize::try_from(length).map_err(|_| memory(std::io::ErrorKind::OutOfMemory.into()))?;
        let mut image = ImageMut::zeroed(size).map_err(memory)?;
        let mut out = Out { bytes: image.bytes_mut(), layout: &layout };
        out.put_r1cs(r1cs);
        out.put_points(points, [&a, &b_g1], &b_g2);

        let mut header = Header { counts, circuit_digest, checksums: [[0; 32]; Section::ALL.len()], layout };
        let bytes = image.bytes_mut();
        header.checksums.par_iter_mut().zip(Section::ALL).for_each(|(sum, section)| {
            *sum = checksum(bytes.get(header.layout.range(section)).unwrap_or_default());
        });
        bytes.iter_mut().zip(header.encode()).for_each(|(out, byte)| *out = byte);
        Self::from_image(image.freeze().map_err(memory)?)
    }
}

/// The points that are not infinity, with their places.
fn finite<P: AffineRepr>(points: &[P]) -> Vec<(u32, P)> {
    (0u32..).zip(points).filter(|(_, point)| !point.is_zero()).map(|(index, point)| (index, *point)).collect()
}

/// The sections of a key in the making.
struct Out<'a> {
    bytes: &'a mut [u8],
    layout: &'a Layout,
}

impl Out<'_> {
    fn put<T: Encoding>(&mut self, section: Section, items: impl IntoIterator<Item = T>) {
        let out = self.bytes.get_mut(self.layout.range(section)).unwrap_or_default();
        out.chunks_exact_mut(T::BYTES).zip(items).for_each(|(out, item)| item.encode(out));
    }

    fn put_words(&mut self, section: Section, words: impl IntoIterator<Item = u32>) {
        let out = self.bytes.get_mut(self.layout.range(section)).unwrap_or_default();
        for (out, word) in out.chunks_exact_mut(size_of::<u32>()).zip(words) {
            out.copy_from_slice(&word.to_le_bytes());
        }
    }

    fn put_r1cs(&mut self, r1cs: &R1cs) {
        self.put(Section::Values, r1cs.values().iter().copied());
        for (matrix, side) in r1cs.matrices().iter().zip([Side::A, Side::B, Side::C]) {
            let [row_offsets, columns, coefficients] = Section::of_matrix(side);
            self.put_words(row_offsets, matrix.row_offsets.iter().copied());
            self.put_words(columns, matrix.columns.iter().copied());
            self.put_words(coefficients, matrix.coefficients.iter().copied());
        }
    }

    fn put_points(
        &mut self,
        points: &KeyPoints,
        [a, b_g1]: [&[(u32, G1Affine)]; 2],
        b_g2: &[(u32, G2Affine)],
    ) {
        let constants = self.bytes.get_mut(self.layout.range(Section::Constants)).unwrap_or_default();
        let (g1, g2) = constants.split_at_mut(3 * G1Affine::BYTES);
        let in_g1 = [points.alpha_g1, points.beta_g1, points.delta_g1];
        g1.chunks_exact_mut(G1Affine::BYTES).zip(in_g1).for_each(|(out, point)| point.encode(out));
        let in_g2 = [points.beta_g2, points.delta_g2];
        g2.chunks_exact_mut(G2Affine::BYTES).zip(in_g2).for_each(|(out, point)| point.encode(out));
        self.put_words(Section::AIndices, a.iter().map(|item| item.0));
        self.put(Section::A, a.iter().map(|item| item.1));
        self.put_words(Section::BIndices, b_g2.iter().map(|item| item.0));
        self.put(Section::BG1, b_g1.iter().map(|item| item.1));
        self.put(Section::BG2, b_g2.iter().map(|item| item.1));
        self.put(Section::Ic, points.ic.iter().copied());
        self.put(Section::L, points.l.iter().copied());
        self.put(Section::H, points.h.iter().copied());
    }
}
