//! Proving keys and their files.
//!
//! ```text
//!   check    every point, every index, pairing relations            (seconds to minutes; on request)
//!   mod      ProvingKey: open, write, sections as values            (open: milliseconds, whatever the size)
//!   format   header, section table, layout                          write   files that appear whole or not at all
//!   map      the bytes: a mapped file, or memory
//! ```
//!
//! A key in memory has the bytes of a key file, so that proving with a key that was just made and with one that was opened is the
//! same code.

mod check;
mod format;
mod map;
mod write;

pub use format::Section;
pub(crate) use format::{Checksum, Counts, Header, Layout, checksum};
pub(crate) use map::{Image, ImageMut};

use ark_bn254::{Fr, G1Affine};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::{Affine, Projective, SWCurveConfig};
use core::fmt;
use rayon::prelude::*;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::curve::Curve;
use crate::encoding::{Encoding, G1_BYTES, G2_BYTES};
use crate::msm::{Kept, KeyPoints, NotReduced, Scalars, msm};
use crate::proof::VerifyingKey;
use crate::r1cs::{MatrixView, R1csError, R1csView, Side};

/// What is wrong with a key, or with its file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
    /// Memory for a key could not be had.
    #[error("no memory for a key of {length} bytes: {source}")]
    Memory {
        /// Bytes of the key.
        length: u64,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The file ends before the key does: a download or copy that was cut off.
    #[error("the file has {found} bytes where the key needs {expected}; copy it again")]
    TooShort {
        /// Bytes of the file.
        found: u64,
        /// Bytes needed.
        expected: u64,
    },
    /// The magic bytes are others.
    #[error("the file is no proving key of this program")]
    NotAKey,
    /// Made by a newer or older program.
    #[error("the key has format version {found}, this program reads {supported}")]
    Version {
        /// Version in the file.
        found: u32,
        /// Version understood here.
        supported: u32,
    },
    /// The header was changed after it was written.
    #[error("the checksum of the header is wrong; copy the file again")]
    HeaderChecksum,
    /// A number in the header is not the one that follows from the others.
    #[error("the header states {found} as {what}, expected {expected}")]
    Header {
        /// Which number.
        what: &'static str,
        /// What is there.
        found: u64,
        /// What must be there.
        expected: u64,
    },
    /// A count is beyond what a key can have.
    #[error("the header states {found} {what}, at most {most} are possible")]
    Count {
        /// Which count.
        what: &'static str,
        /// What is there.
        found: u64,
        /// The bound.
        most: u64,
    },
    /// An entry of the section table is not the one that follows from the counts.
    #[error("section {section}: its {what} is stated as {found}, expected {expected}")]
    Section {
        /// Which section.
        section: Section,
        /// Which field of the entry.
        what: &'static str,
        /// What is there.
        found: u64,
        /// What must be there.
        expected: u64,
    },
    /// Bytes that must be zero are not.
    #[error("reserved bytes of the header, or bytes between sections, are not zero")]
    Reserved,
    /// A section was changed after it was written.
    #[error("section {section}: its checksum is wrong; copy the file again")]
    Checksum {
        /// Which section.
        section: Section,
    },
    /// A field element is not below its modulus.
    #[error("section {section}, item {index}: a field element is not below the modulus")]
    NotReduced {
        /// Which section.
        section: Section,
        /// Which item.
        index: usize,
    },
    /// A point does not satisfy the curve's equation.
    #[error("section {section}, item {index}: the point is not on the curve")]
    NotOnCurve {
        /// Which section.
        section: Section,
        /// Which item.
        index: usize,
    },
    /// A point of the curve that is not in the group of prime order.
    #[error("section {section}, item {index}: the point is not in the subgroup")]
    NotInSubgroup {
        /// Which section.
        section: Section,
        /// Which item.
        index: usize,
    },
    /// Infinity where a key cannot have it.
    #[error("section {section}, item {index}: the point is infinity")]
    Infinity {
        /// Which section.
        section: Section,
        /// Which item.
        index: usize,
    },
    /// An index list does not ascend strictly, or leaves the assignment.
    #[error("section {section}, item {index}: not a strictly ascending index of a variable")]
    Index {
        /// Which section.
        section: Section,
        /// Which item.
        index: usize,
    },
    /// The matrices are no constraint system.
    #[error("the constraint matrices: {0}")]
    Matrices(#[from] R1csError),
    /// The points do not belong together.
    #[error("the points of the key do not fit each other: {relation} does not hold")]
    Relation {
        /// The equation that does not hold.
        relation: &'static str,
    },
}

/// A proving key: a key file, mapped, or the same bytes in memory.
///
/// Bytes are not trusted: what is read from them is checked each time. So a damaged key gives an error, or a proof that fails the
/// verification every proof passes before it is returned; [`ProvingKey::check`] finds damage beforehand.
pub struct ProvingKey {
    image: Image,
    header: Header,
    verifying_key: VerifyingKey,
    beta_g1: G1Affine,
    delta_g1: G1Affine,
}

impl fmt::Debug for ProvingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvingKey").field("counts", &self.header.counts).finish_non_exhaustive()
    }
}

impl ProvingKey {
    /// The first bytes of every key file.
    pub const MAGIC: [u8; 8] = format::MAGIC;

    /// Maps a key file. Reads the header, alpha, beta, delta and the IC points, and so takes milliseconds for any size.
    ///
    /// The header's own consistency, the checksums of what is read and those points' place on the curve and in the subgroup are
    /// checked; the rest is left to [`ProvingKey::check`]. The file must not be written to in place while the key is in use;
    /// replacing it ([`ProvingKey::write`]) does no harm.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref();
        let io = |source| KeyError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        if length == 0 {
            // An empty map is an error of its own.
            return Err(KeyError::TooShort { found: 0, expected: format::HEADER_BYTES as u64 });
        }
        Self::from_image(Image::map(&file).map_err(io)?)
    }

    pub(crate) fn from_image(image: Image) -> Result<Self, KeyError> {
        let header = Header::decode(image.bytes(), image.bytes().len() as u64)?;
        let bytes = |section| image.bytes().get(header.layout.range(section)).unwrap_or_default();
        for section in [Section::Constants, Section::Ic] {
            verify_checksum(&header, section, bytes(section))?;
        }
        let constants = bytes(Section::Constants);
        let (g1, g2) = constants.split_at_checked(3 * G1_BYTES).unwrap_or_default();
        let [alpha_g1, beta_g1, delta_g1] = three(decode_checked(Section::Constants, g1)?)?;
        let [beta_g2, delta_g2] = match decode_checked(Section::Constants, g2)?[..] {
            [beta, delta] => [beta, delta],
            _ => return Err(KeyError::NotAKey),
        };
        let ic = decode_checked(Section::Ic, bytes(Section::Ic))?;
        let verifying_key = VerifyingKey::new(alpha_g1, beta_g2, delta_g2, ic);
        Ok(Self { image, header, verifying_key, beta_g1, delta_g1 })
    }

    /// Writes the key file: a temporary file in the same directory, synced, renamed to `path`, the directory synced. A file
    /// that is there already is replaced.
    ///
    /// # Errors
    /// What the operating system refused. Nothing is left behind then.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), KeyError> {
        let path = path.as_ref();
        write::write_atomically(path, |file| io::Write::write_all(file, self.image.bytes()))
            .map_err(|source| KeyError::Io { path: path.to_owned(), source })
    }

    /// The verifying key.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying_key
    }

    /// The digest of the circuit that was given at set-up. Opaque here.
    pub fn circuit_digest(&self) -> &[u8; 32] {
        &self.header.circuit_digest
    }

    /// Constraints of the circuit.
    pub fn num_constraints(&self) -> usize {
        self.header.counts.constraints as usize
    }

    /// Public inputs and the constant 1.
    pub fn num_instance(&self) -> usize {
        self.header.counts.instance as usize
    }

    /// Private variables.
    pub fn num_witness(&self) -> usize {
        self.header.counts.witness as usize
    }

    /// The evaluation domain: the power of two that the constraints and instance variables fill up to.
    pub fn domain_size(&self) -> usize {
        self.header.counts.domain() as usize
    }

    /// Bytes of the key file.
    pub fn file_length(&self) -> u64 {
        self.header.layout.file_length()
    }

    /// Asks the operating system to read the whole file ahead while other work goes on, such as computing the witness. Opening a key
    /// reads a few pages of it; a proof needs nearly all.
    pub fn read_ahead(&self) {
        self.image.read_ahead();
    }

    /// The sections of the key file, in its order, with their length in bytes.
    pub fn sections(&self) -> impl Iterator<Item = (Section, u64)> {
        Section::ALL.into_iter().map(|section| (section, self.header.layout.range(section).len() as u64))
    }

    /// What tells this key from every other: the digest of its header, which has the checksum of every section.
    #[cfg_attr(not(feature = "gpu"), allow(dead_code, reason = "devices keep points by it"))]
    pub(crate) fn identity(&self) -> Checksum {
        checksum(self.image.bytes().get(..format::HEADER_BYTES).unwrap_or_default())
    }

    pub(crate) fn beta_g1(&self) -> &G1Affine {
        &self.beta_g1
    }

    pub(crate) fn delta_g1(&self) -> &G1Affine {
        &self.delta_g1
    }

    /// The bytes of a section. Empty if the file has lost them since it was opened.
    pub(crate) fn section(&self, section: Section) -> &[u8] {
        self.image.bytes().get(self.header.layout.range(section)).unwrap_or_default()
    }

    /// A section of indices.
    pub(crate) fn indices(&self, section: Section) -> &[u32] {
        // Sections of indices are whole words at multiples of 64.
        map::words(self.section(section)).unwrap_or_default()
    }

    /// Copies a section of points or scalars out of the map, over all cores. Coordinates are below the modulus; that points are
    /// on the curve is for [`ProvingKey::check`] to say.
    pub(crate) fn decode<T: Encoding>(&self, section: Section) -> Result<Vec<T>, KeyError> {
        decode(section, self.section(section))
    }

    /// Says that a section will not be read for a while, so that its pages need not count as memory of this process.
    fn release(&self, section: Section) {
        self.image.release(self.header.layout.range(section));
    }

    /// Says that the constraint matrices will not be read for a while.
    pub(crate) fn release_matrices(&self) {
        let matrices = [Side::A, Side::B, Side::C].into_iter().flat_map(Section::of_matrix);
        matrices.chain([Section::Values]).for_each(|section| self.release(section));
    }

    /// Σ scalar · point over the points of a section, which are read in place and then released.
    pub(crate) fn multiply<C: Curve<Coordinate: Kept>>(
        &self,
        section: Section,
        scalars: Scalars<'_>,
    ) -> Result<Projective<C>, KeyError> {
        let sum = msm(&KeyPoints(self.section(section)), scalars);
        self.release(section);
        sum.map_err(|NotReduced { index }| KeyError::NotReduced { section, index })
    }

    /// The constraint system, with its value table copied out. Bounds are not checked.
    pub(crate) fn r1cs<'a>(&'a self, values: &'a [Fr]) -> R1csView<'a> {
        let matrix = |side| {
            let [row_offsets, columns, coefficients] =
                Section::of_matrix(side).map(|section| self.indices(section));
            MatrixView { row_offsets, columns, coefficients }
        };
        R1csView {
            num_instance: self.num_instance(),
            num_witness: self.num_witness(),
            values,
            matrices: [Side::A, Side::B, Side::C].map(matrix),
        }
    }
}

fn verify_checksum(header: &Header, section: Section, bytes: &[u8]) -> Result<(), KeyError> {
    if checksum(bytes) == *header.checksum_of(section) { Ok(()) } else { Err(KeyError::Checksum { section }) }
}

fn decode<T: Encoding>(section: Section, bytes: &[u8]) -> Result<Vec<T>, KeyError> {
    bytes
        .par_chunks_exact(T::BYTES)
        .enumerate()
        .map(|(index, item)| T::decode(item).ok_or(KeyError::NotReduced { section, index }))
        .collect()
}

/// Points whose place on the curve and in the subgroup is checked, and which are not infinity.
fn decode_checked<C: SWCurveConfig>(section: Section, bytes: &[u8]) -> Result<Vec<Affine<C>>, KeyError>
where
    Affine<C>: Encoding,
{
    let points = decode(section, bytes)?;
    points.par_iter().enumerate().try_for_each(|(index, point)| check_point(section, index, point))?;
    Ok(points)
}

/// That a point is on its curve, in the subgroup, and not infinity.
fn check_point<C: SWCurveConfig>(section: Section, index: usize, point: &Affine<C>) -> Result<(), KeyError> {
    if point.is_zero() {
        Err(KeyError::Infinity { section, index })
    } else if !point.is_on_curve() {
        Err(KeyError::NotOnCurve { section, index })
    } else if !point.is_in_correct_subgroup_assuming_on_curve() {
        Err(KeyError::NotInSubgroup { section, index })
    } else {
        Ok(())
    }
}

fn three<P: Copy>(points: Vec<P>) -> Result<[P; 3], KeyError> {
    points.try_into().map_err(|_| KeyError::NotAKey)
}

const _: () = assert!(format::CONSTANTS_BYTES == 3 * G1_BYTES + 2 * G2_BYTES);
