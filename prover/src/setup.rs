//! Single-party set-up, for development: whoever runs it knows, while it runs, the secrets that forge proofs.
//!
//! ```text
//!   secrets tau, alpha, beta, delta     u_i, v_i, w_i: polynomials of variable i in A, B, C      Z, L: see the module `qap`
//!   A    u_i(tau)                            B  v_i(tau), in G1 and G2       H  L_(2k+1)(tau) / delta
//!   IC   beta u_i + alpha v_i + w_i          for instance variables (gamma = 1)
//!   L   (beta u_i + alpha v_i + w_i) / delta for witness variables
//! ```
//! Groth 2016, section 3.2, over the standard generators.

use ark_bn254::{Fr, G1Affine, G1Projective, G2Projective};
use ark_ec::{CurveGroup, PrimeGroup};
use ark_ff::{Field, UniformRand, Zero};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use core::fmt;
use rand::rngs::OsRng;
use rand::{CryptoRng, RngCore};
use rayon::prelude::*;
use zeroize::{Zeroize, Zeroizing};

use crate::encoding::Encoding;
use crate::fixed_base::{Table, Window};
use crate::key::{
    Checksum, Counts, Header, Image, ImageMut, KeyError, Layout, ProvingKey, Section, checksum,
};
use crate::progress::{Options, phase, start_phase};
use crate::qap;
use crate::r1cs::R1cs;
use crate::vector::{Row, VectorsError, vectors};

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

    let checksums = fill(image.bytes_mut(), &layout, r1cs, waste, &scalars, options);
    drop(scalars);
    let header = Header { counts, circuit_digest, checksums, layout };
    let encoded = header.encode();
    image.bytes_mut()[..encoded.len()].copy_from_slice(&encoded);
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

/// Fills the sections of a key, over all cores, and gives their checksums. A section's checksum is taken as soon as it is filled,
/// while others are still computed.
fn fill(
    image: &mut [u8],
    layout: &Layout,
    r1cs: &R1cs,
    waste: &ToxicWaste,
    scalars: &Scalars,
    options: &Options<'_>,
) -> [Checksum; Section::ALL.len()] {
    let num_points = scalars.num_points();
    let running = start_phase!(options, phase::SETUP_POINTS, num_points);
    let window = Window::for_scalars(num_points);
    let (g1, g2) = rayon::join(
        || Table::<[Row; 1]>::new(window, G1Projective::generator()),
        || Table::<[Row; 2]>::new(window, G2Projective::generator()),
    );
    let counter = running.counter();
    let advance = |points| counter.advance(points as u64);
    let mut checksums = [Checksum::default(); Section::ALL.len()];
    let mut sections: Vec<_> = split(image, layout).into_iter().zip(&mut checksums).collect();
    // Those that take longest begin first, so that the others fill the gaps at the end.
    sections.sort_by_key(|((_, out), _)| core::cmp::Reverse(out.len()));
    sections.into_par_iter().with_max_len(1).for_each(|((section, out), sum)| {
        let [a, b, c] = r1cs.matrices();
        match section {
            Section::Constants => put_constants(out, waste),
            Section::Ic => g1.multiply(&scalars.ic, out, advance),
            Section::AIndices => put_words(out, &scalars.a.0),
            Section::A => g1.multiply(&scalars.a.1, out, advance),
            Section::BIndices => put_words(out, &scalars.b.0),
            Section::BG1 => g1.multiply(&scalars.b.1, out, advance),
            Section::BG2 => g2.multiply(&scalars.b.1, out, advance),
            Section::L => g1.multiply(&scalars.l, out, advance),
            Section::H => g1.multiply(&scalars.h, out, advance),
            Section::Values => put(out, r1cs.values()),
            Section::RowOffsetsA => put_words(out, &a.row_offsets),
            Section::ColumnsA => put_words(out, &a.columns),
            Section::CoefficientsA => put_words(out, &a.coefficients),
            Section::RowOffsetsB => put_words(out, &b.row_offsets),
            Section::ColumnsB => put_words(out, &b.columns),
            Section::CoefficientsB => put_words(out, &b.coefficients),
            Section::RowOffsetsC => put_words(out, &c.row_offsets),
            Section::ColumnsC => put_words(out, &c.columns),
            Section::CoefficientsC => put_words(out, &c.coefficients),
        }
        let _span = tracing::info_span!(phase::SETUP_CHECKSUMS).entered();
        *sum = checksum(out);
    });
    running.finish();
    checksums
}

/// The sections of an image. They ascend and do not overlap.
fn split<'a>(mut rest: &'a mut [u8], layout: &Layout) -> Vec<(Section, &'a mut [u8])> {
    let mut start = 0;
    let section = |section| {
        let range = layout.range(section);
        let (here, after) = core::mem::take(&mut rest)[range.start - start..].split_at_mut(range.len());
        (rest, start) = (after, range.end);
        (section, here)
    };
    Section::ALL.into_iter().map(section).collect()
}

fn put<T: Encoding>(out: &mut [u8], items: &[T]) {
    out.chunks_exact_mut(T::BYTES).zip(items).for_each(|(out, item)| item.encode(out));
}

fn put_words(out: &mut [u8], words: &[u32]) {
    out.as_chunks_mut().0.iter_mut().zip(words).for_each(|(out, word)| *out = word.to_le_bytes());
}

/// alpha, beta, delta in G1; beta, delta in G2.
fn put_constants(out: &mut [u8], waste: &ToxicWaste) {
    let (g1, g2) = (G1Projective::generator(), G2Projective::generator());
    let (out_g1, out_g2) = out.split_at_mut(3 * G1Affine::BYTES);
    put(out_g1, &[waste.alpha, waste.beta, waste.delta].map(|secret| (g1 * secret).into_affine()));
    put(out_g2, &[waste.beta, waste.delta].map(|secret| (g2 * secret).into_affine()));
}
