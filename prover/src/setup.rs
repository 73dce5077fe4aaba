//! Single-party set-up, for development: whoever runs it knows, while it runs, the secrets that forge proofs.
//!
//! ```text
//!   secrets tau, alpha, beta, delta     u_i, v_i, w_i: polynomials of variable i in A, B, C      Z, L: see the module `qap`
//!   A    u_i(tau)                            B  v_i(tau), in G1 and G2       H  L_(2k+1)(tau) / delta
//!   IC   beta u_i + alpha v_i + w_i          for instance variables (gamma = 1)
//!   L   (beta u_i + alpha v_i + w_i) / delta for witness variables
//! ```
//! Groth 2016, section 3.2, over the standard generators.

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::scalar_mul::BatchMulPreprocessing;
use ark_ec::short_weierstrass::{Affine, Projective, SWCurveConfig};
use ark_ec::{CurveGroup, PrimeGroup};
use ark_ff::{Field, UniformRand, Zero};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use core::fmt;
use rand::rngs::OsRng;
use rand::{CryptoRng, RngCore};
use rayon::prelude::*;
use zeroize::{Zeroize, Zeroizing};

use crate::encoding::Encoding;
use crate::key::{Counts, Header, Image, ImageMut, KeyError, Layout, ProvingKey, Section, checksum};
use crate::progress::{Counter, Options, phase, start_phase};
use crate::qap;
use crate::r1cs::{R1cs, Side};
use crate::vector::{VectorsError, vectors};

/// The secrets of a set-up. Whoever knows them can prove anything under the key; erased when dropped.
pub struct ToxicWaste {
    tau: Fr,
    alpha: Fr,
    beta: Fr,
    delta: Fr,
}

impl ToxicWaste {
    /// Secrets that are *not secret*, for tests and comparisons with other programs. `None` if one of them is 0.
    pub fn insecure(tau: Fr, alpha: Fr, beta: Fr, delta: Fr) -> Option<Self> {
        let waste = Self { tau, alpha, beta, delta };
        [tau, alpha, beta, delta].iter().all(|secret| !secret.is_zero()).then_some(waste)
    }

    fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        // A secret that is 0 has probability 2^-254, and `SetupError::Degenerate` stops it.
        Self { tau: Fr::rand(rng), alpha: Fr::rand(rng), beta: Fr::rand(rng), delta: Fr::rand(rng) }
    }
}

impl Drop for ToxicWaste {
    fn drop(&mut self) {
        self.tau.zeroize();
        self.alpha.zeroize();
        self.beta.zeroize();
        self.delta.zeroize();
    }
}

impl fmt::Debug for ToxicWaste {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ToxicWaste(secret)")
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// More rows than the field has roots of unity for.
    #[error("{rows} rows (constraints and instance variables) are more than 2^27; prove a smaller circuit")]
    TooLarge {
        /// Constraints plus instance variables.
        rows: usize,
    },
    /// The secrets hit one of the few values that make no key; with random ones this does not happen.
    #[error("the secrets of the set-up make a degenerate key; run it again")]
    Degenerate,
    /// The key could not be held.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The field arithmetic that the environment names is not to be had.
    #[error(transparent)]
    Vectors(#[from] VectorsError),
}

/// Makes a key with secrets from the operating system, which are erased before it returns. For development: use the outcome of
/// a ceremony where others must trust the key.
///
/// `circuit_digest` is stored in the key for the caller to recognise the circuit by.
///
/// # Errors
/// If the system is too large, or there is no memory for the key.
pub fn setup(r1cs: &R1cs, circuit_digest: [u8; 32], options: &Options<'_>) -> Result<ProvingKey, SetupError> {
    setup_with_toxic_waste(r1cs, circuit_digest, &ToxicWaste::random(&mut OsRng), options)
}

/// [`setup`] with given secrets: the same secrets give the same bytes. For tests; whoever knows the secrets forges proofs.
///
/// # Errors
/// As [`setup`].
pub fn setup_with_toxic_waste(
    r1cs: &R1cs,
    circuit_digest: [u8; 32],
    waste: &ToxicWaste,
    options: &Options<'_>,
) -> Result<ProvingKey, SetupError> {
    vectors()?;
    let scalars = Scalars::new(r1cs, waste, options)?;
    let counts = scalars.counts(r1cs);
    let layout = Layout::new(&counts);
    let length = layout.file_length();
    let memory = |source| KeyError::Memory { length, source };
    let size = usize::try_from(length).map_err(|_| SetupError::Degenerate)?;
    let mut image = ImageMut::zeroed(size).map_err(memory)?;

    let mut sections = Sections { bytes: image.bytes_mut(), layout: &layout };
    write_r1cs(&mut sections, r1cs);
    write_points(&mut sections, waste, scalars, options);

    let running = start_phase!(options, phase::SETUP_CHECKSUMS, Section::ALL.len());
    let mut header = Header { counts, circuit_digest, checksums: [[0; 32]; Section::ALL.len()], layout };
    let counter = running.counter();
    let bytes = image.bytes_mut();
    header.checksums.par_iter_mut().zip(Section::ALL).for_each(|(sum, section)| {
        *sum = checksum(&bytes[header.layout.range(section)]);
        counter.advance(1);
    });
    let encoded = header.encode();
    bytes[..encoded.len()].copy_from_slice(&encoded);
    running.finish();
    let image: Image = image.freeze().map_err(memory)?;
    Ok(ProvingKey::from_image(image)?)
}

/// The discrete logarithms of the key's points. They reveal tau, and are erased.
struct Scalars {
    /// Variables that A holds, and u_i(tau) of each.
    a: (Vec<u32>, Zeroizing<Vec<Fr>>),
    /// Variables that B holds, and v_i(tau) of each.
    b: (Vec<u32>, Zeroizing<Vec<Fr>>),
    ic: Zeroizing<Vec<Fr>>,
    l: Zeroizing<Vec<Fr>>,
    h: Zeroizing<Vec<Fr>>,
}

impl Scalars {
    fn new(r1cs: &R1cs, waste: &ToxicWaste, options: &Options<'_>) -> Result<Self, SetupError> {
        let running = start_phase!(options, phase::SETUP_QAP, 1);
        let rows = r1cs.num_constraints() + r1cs.num_instance();
        let domain: Radix2EvaluationDomain<Fr> = qap::domain(rows).ok_or(SetupError::TooLarge { rows })?;
        let delta_inverse = Zeroizing::new(waste.delta.inverse().ok_or(SetupError::Degenerate)?);
        let on_points = |size: usize| waste.tau.pow([size as u64 * 2]) == Fr::from(1u64);
        if waste.alpha.is_zero() || waste.beta.is_zero() || on_points(domain.size()) {
            return Err(SetupError::Degenerate);
        }
        // The matrices were checked when the system was made.
        let polynomials =
            qap::polynomials_at(&r1cs.view(), &domain, waste.tau).map_err(|_| SetupError::Degenerate)?;
        let a = Zeroizing::new(polynomials.a);
        let b = Zeroizing::new(polynomials.b);
        let mut ic = Zeroizing::new(polynomials.c);
        ic.par_iter_mut().zip(&*a).zip(&*b).for_each(|((w, u), v)| *w += waste.beta * u + waste.alpha * v);
        let mut l = Zeroizing::new(ic.split_off(r1cs.num_instance()));
        l.par_iter_mut().for_each(|l| *l *= *delta_inverse);
        let h = qap::odd_lagrange(&domain, waste.tau, *delta_inverse).ok_or(SetupError::TooLarge { rows })?;
        let scalars = Self { a: without_zeros(&a), b: without_zeros(&b), ic, l, h: Zeroizing::new(h) };
        if scalars.ic.iter().any(Zero::is_zero) {
            return Err(SetupError::Degenerate);
        }
        running.finish();
        Ok(scalars)
    }

    fn counts(&self, r1cs: &R1cs) -> Counts {
        // `R1cs` bounds each of these below 2^32: an offset is a `u32`, and there are at most as many variables.
        Counts {
            constraints: r1cs.num_constraints() as u32,
            instance: r1cs.num_instance() as u32,
            witness: r1cs.num_witness() as u32,
            a_points: self.a.0.len() as u32,
            b_points: self.b.0.len() as u32,
            values: r1cs.values().len() as u32,
            entries: r1cs.matrices().each_ref().map(|matrix| matrix.columns.len() as u32),
        }
    }

    fn num_points(&self) -> usize {
        self.a.0.len() + 2 * self.b.0.len() + self.ic.len() + self.l.len() + self.h.len()
    }
}

/// The values that are not zero, and where they were.
fn without_zeros(values: &[Fr]) -> (Vec<u32>, Zeroizing<Vec<Fr>>) {
    let kept = || values.iter().zip(0u32..).filter(|(value, _)| !value.is_zero());
    (kept().map(|(_, index)| index).collect(), Zeroizing::new(kept().map(|(value, _)| *value).collect()))
}

/// Sections of a key in the making.
struct Sections<'a> {
    bytes: &'a mut [u8],
    layout: &'a Layout,
}

impl Sections<'_> {
    fn get(&mut self, section: Section) -> &mut [u8] {
        &mut self.bytes[self.layout.range(section)]
    }

    fn put<T: Encoding>(&mut self, section: Section, items: &[T]) {
        let out = self.get(section);
        out.par_chunks_exact_mut(T::BYTES).zip(items).for_each(|(out, item)| item.encode(out));
    }

    fn put_words(&mut self, section: Section, words: &[u32]) {
        for (out, word) in self.get(section).chunks_exact_mut(size_of::<u32>()).zip(words) {
            out.copy_from_slice(&word.to_le_bytes());
        }
    }
}

fn write_r1cs(sections: &mut Sections<'_>, r1cs: &R1cs) {
    sections.put(Section::Values, r1cs.values());
    for (matrix, side) in r1cs.matrices().iter().zip([Side::A, Side::B, Side::C]) {
        let [row_offsets, columns, coefficients] = Section::of_matrix(side);
        sections.put_words(row_offsets, &matrix.row_offsets);
        sections.put_words(columns, &matrix.columns);
        sections.put_words(coefficients, &matrix.coefficients);
    }
}

/// Scalars whose points are computed together: enough to share an inversion, few enough to stay in cache.
const CHUNK: usize = 2048;

fn write_points(sections: &mut Sections<'_>, waste: &ToxicWaste, scalars: Scalars, options: &Options<'_>) {
    let (g1, g2) = (G1Projective::generator(), G2Projective::generator());
    let g1_constants = [waste.alpha, waste.beta, waste.delta].map(|secret| (g1 * secret).into_affine());
    let g2_constants = [waste.beta, waste.delta].map(|secret| (g2 * secret).into_affine());
    let (out_g1, out_g2) = sections.get(Section::Constants).split_at_mut(3 * G1Affine::BYTES);
    g1_constants
        .iter()
        .zip(out_g1.chunks_exact_mut(G1Affine::BYTES))
        .for_each(|(point, out)| point.encode(out));
    g2_constants
        .iter()
        .zip(out_g2.chunks_exact_mut(G2Affine::BYTES))
        .for_each(|(point, out)| point.encode(out));

    let num_points = scalars.num_points();
    let running = start_phase!(options, phase::SETUP_POINTS, num_points);
    let counter = running.counter();
    let Scalars { a: (a_indices, a), b: (b_indices, b), ic, l, h } = scalars;
    sections.put_words(Section::AIndices, &a_indices);
    sections.put_words(Section::BIndices, &b_indices);
    {
        let table = BatchMulPreprocessing::new(g2, b.len());
        multiply(&table, &b, sections.get(Section::BG2), counter);
    }
    let table = BatchMulPreprocessing::new(g1, num_points - b.len());
    for (section, scalars) in
        [(Section::BG1, b), (Section::A, a), (Section::Ic, ic), (Section::L, l), (Section::H, h)]
    {
        multiply(&table, &scalars, sections.get(section), counter);
    }
    running.finish();
}

/// Writes scalar · generator for each scalar.
fn multiply<C>(
    table: &BatchMulPreprocessing<Projective<C>>,
    scalars: &[Fr],
    out: &mut [u8],
    counter: Counter<'_>,
) where
    C: SWCurveConfig<ScalarField = Fr>,
    Affine<C>: Encoding,
{
    let bytes = <Affine<C> as Encoding>::BYTES;
    out.par_chunks_mut(CHUNK * bytes).zip(scalars.par_chunks(CHUNK)).for_each(|(out, scalars)| {
        let points = table.batch_mul(scalars);
        points.iter().zip(out.chunks_exact_mut(bytes)).for_each(|(point, out)| point.encode(out));
        counter.advance(points.len() as u64);
    });
}
