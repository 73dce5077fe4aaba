//! The layout of a key file, version 1. All integers are little-endian; reserved bytes are zero.
//!
//! ```text
//!   offset  bytes  header
//!        0      8  magic "ZKPOV-PK"
//!        8      4  format version, 1
//!       12      4  length of the header, 1408
//!       16      4  proof system: 1 = Groth16 over BN254, snarkjs's conventions (gamma = 1, H on the odd points)
//!       20      4  number of sections, 19
//!       24     36  counts, 4 bytes each: constraints, instance variables, witness variables, points of A, points of B,
//!                  values, entries of the matrices A, B, C
//!       60      4  reserved
//!       64     32  digest of the circuit, the caller's
//!       96      8  length of the file
//!      104     24  reserved
//!      128  19·64  section table: kind 4, bytes an item 4, offset 8, length 8, reserved 8, blake2b-256 of the section 32
//!     1344     32  blake2b-256 of the 1344 bytes before it
//!     1376     32  reserved
//!     1408         the sections in the order of their kinds, each at the next multiple of 64, zeros between them
//! ```
//!
//! Counts determine every length, and lengths every offset: there is one valid layout for given counts, and a table that states
//! another is refused. A and B leave out points at infinity (a variable that the matrix does not hold); their index sections,
//! strictly ascending, say which variable each point belongs to.

use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use core::fmt;
use core::ops::Range;

use super::KeyError;
use crate::encoding::{FIELD_BYTES, G1_BYTES, G2_BYTES};
use crate::r1cs::Side;

pub(crate) const MAGIC: [u8; 8] = *b"ZKPOV-PK";
pub(crate) const VERSION: u32 = 1;
/// Groth16 over BN254 with gamma = 1, standard generators and H on the odd points.
pub(crate) const PROOF_SYSTEM: u32 = 1;
/// Sections begin at multiples of a cache line.
pub(crate) const ALIGNMENT: u64 = 64;
pub(crate) const HEADER_BYTES: usize = 1408;

const VERSION_AT: usize = 8;
const HEADER_BYTES_AT: usize = 12;
const PROOF_SYSTEM_AT: usize = 16;
const NUM_SECTIONS_AT: usize = 20;
const COUNTS_AT: usize = 24;
const RESERVED_1: Range<usize> = 60..64;
const DIGEST: Range<usize> = 64..96;
const FILE_LENGTH: Range<usize> = 96..104;
const RESERVED_2: Range<usize> = 104..128;
const TABLE_AT: usize = 128;
const ENTRY_BYTES: usize = 64;
const HEADER_CHECKSUM: Range<usize> = 1344..1376;
const RESERVED_3: Range<usize> = 1376..1408;
const INDEX_BYTES: u64 = 4;

const NUM_SECTIONS: usize = 19;
const NUM_COUNTS: usize = 9;
const _: () = assert!(TABLE_AT + NUM_SECTIONS * ENTRY_BYTES == HEADER_CHECKSUM.start);
const _: () = assert!(COUNTS_AT + NUM_COUNTS * 4 == RESERVED_1.start);
const _: () = assert!(RESERVED_3.end == HEADER_BYTES);
const _: () = assert!((HEADER_BYTES as u64).is_multiple_of(ALIGNMENT));

/// alpha, beta and delta in G1, then beta and delta in G2.
pub(crate) const CONSTANTS_BYTES: usize = 3 * G1_BYTES + 2 * G2_BYTES;

/// A section of a key file, in the order of the file; the number is its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Section {
    /// alpha, beta, delta in G1; beta, delta in G2.
    Constants = 1,
    /// One G1 point for each instance variable.
    Ic = 2,
    /// The variables of A's points.
    AIndices = 3,
    /// A in G1.
    A = 4,
    /// The variables of B's points.
    BIndices = 5,
    /// B in G1.
    BG1 = 6,
    /// B in G2.
    BG2 = 7,
    /// One G1 point for each witness variable; infinity for one that no constraint holds.
    L = 8,
    /// One G1 point for each place of the domain.
    H = 9,
    /// The coefficients of the matrices.
    Values = 10,
    /// Row offsets of matrix A.
    RowOffsetsA = 11,
    /// Columns of matrix A.
    ColumnsA = 12,
    /// Coefficient indices of matrix A.
    CoefficientsA = 13,
    /// Row offsets of matrix B.
    RowOffsetsB = 14,
    /// Columns of matrix B.
    ColumnsB = 15,
    /// Coefficient indices of matrix B.
    CoefficientsB = 16,
    /// Row offsets of matrix C.
    RowOffsetsC = 17,
    /// Columns of matrix C.
    ColumnsC = 18,
    /// Coefficient indices of matrix C.
    CoefficientsC = 19,
}

impl Section {
    /// All, in the order of the file.
    pub const ALL: [Self; NUM_SECTIONS] = [
        Self::Constants,
        Self::Ic,
        Self::AIndices,
        Self::A,
        Self::BIndices,
        Self::BG1,
        Self::BG2,
        Self::L,
        Self::H,
        Self::Values,
        Self::RowOffsetsA,
        Self::ColumnsA,
        Self::CoefficientsA,
        Self::RowOffsetsB,
        Self::ColumnsB,
        Self::CoefficientsB,
        Self::RowOffsetsC,
        Self::ColumnsC,
        Self::CoefficientsC,
    ];

    /// Row offsets, columns and coefficient indices of a matrix.
    pub(crate) fn of_matrix(side: Side) -> [Self; 3] {
        match side {
            Side::A => [Self::RowOffsetsA, Self::ColumnsA, Self::CoefficientsA],
            Side::B => [Self::RowOffsetsB, Self::ColumnsB, Self::CoefficientsB],
            Side::C => [Self::RowOffsetsC, Self::ColumnsC, Self::CoefficientsC],
        }
    }

    const fn item_bytes(self) -> u64 {
        match self {
            Self::Constants => CONSTANTS_BYTES as u64,
            Self::Ic | Self::A | Self::BG1 | Self::L | Self::H => G1_BYTES as u64,
            Self::BG2 => G2_BYTES as u64,
            Self::Values => FIELD_BYTES as u64,
            _ => INDEX_BYTES,
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Everything a key's size depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) constraints: u32,
    pub(crate) instance: u32,
    pub(crate) witness: u32,
    pub(crate) a_points: u32,
    pub(crate) b_points: u32,
    pub(crate) values: u32,
    pub(crate) entries: [u32; 3],
}

impl Counts {
    fn to_array(self) -> [u32; NUM_COUNTS] {
        let [a, b, c] = self.entries;
        [self.constraints, self.instance, self.witness, self.a_points, self.b_points, self.values, a, b, c]
    }

    fn from_array(counts: [u32; NUM_COUNTS]) -> Self {
        let [constraints, instance, witness, a_points, b_points, values, a, b, c] = counts;
        Self { constraints, instance, witness, a_points, b_points, values, entries: [a, b, c] }
    }

    pub(crate) fn variables(&self) -> u64 {
        u64::from(self.instance) + u64::from(self.witness)
    }

    /// Rows of the domain before it is filled up to a power of two.
    pub(crate) fn rows(&self) -> u64 {
        u64::from(self.constraints) + u64::from(self.instance)
    }

    /// The size of the evaluation domain.
    pub(crate) fn domain(&self) -> u64 {
        self.rows().next_power_of_two()
    }

    fn items(&self, section: Section) -> u64 {
        let count = match section {
            Section::Constants => 1,
            Section::Ic => self.instance,
            Section::AIndices | Section::A => self.a_points,
            Section::BIndices | Section::BG1 | Section::BG2 => self.b_points,
            Section::L => self.witness,
            Section::H => return self.domain(),
            Section::Values => self.values,
            Section::RowOffsetsA | Section::RowOffsetsB | Section::RowOffsetsC => {
                return u64::from(self.constraints) + 1;
            }
            Section::ColumnsA | Section::CoefficientsA => self.entries[0],
            Section::ColumnsB | Section::CoefficientsB => self.entries[1],
            Section::ColumnsC | Section::CoefficientsC => self.entries[2],
        };
        u64::from(count)
    }
}

/// Where each section lies. A function of the counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    sections: [(u64, u64); NUM_SECTIONS],
    file_length: u64,
}

impl Layout {
    /// No overflow: each of at most 2^32 items has at most 448 bytes.
    pub(crate) fn new(counts: &Counts) -> Self {
        let mut sections = [(0, 0); NUM_SECTIONS];
        let mut end = HEADER_BYTES as u64;
        for (place, section) in sections.iter_mut().zip(Section::ALL) {
            let offset = end.next_multiple_of(ALIGNMENT);
            let length = counts.items(section) * section.item_bytes();
            *place = (offset, length);
            end = offset + length;
        }
        Self { sections, file_length: end }
    }

    pub(crate) fn file_length(&self) -> u64 {
        self.file_length
    }

    /// The bytes of a section, as offsets into the file.
    pub(crate) fn range(&self, section: Section) -> Range<usize> {
        // A file longer than the address space is not mapped, so the offsets of one that is fit.
        let (offset, length) = self.sections[section as usize - 1];
        offset as usize..(offset + length) as usize
    }
}

pub(crate) type Checksum = [u8; 32];

pub(crate) fn checksum(bytes: &[u8]) -> Checksum {
    Blake2b::<U32>::digest(bytes).into()
}

/// A header in which everything that can be checked without the sections has been.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) counts: Counts,
    pub(crate) circuit_digest: [u8; 32],
    pub(crate) checksums: [Checksum; NUM_SECTIONS],
    pub(crate) layout: Layout,
}

impl Header {
    pub(crate) fn checksum_of(&self, section: Section) -> &Checksum {
        &self.checksums[section as usize - 1]
    }

    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0u8; HEADER_BYTES];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(0, &MAGIC);
        put(VERSION_AT, &VERSION.to_le_bytes());
        put(HEADER_BYTES_AT, &(HEADER_BYTES as u32).to_le_bytes());
        put(PROOF_SYSTEM_AT, &PROOF_SYSTEM.to_le_bytes());
        put(NUM_SECTIONS_AT, &(NUM_SECTIONS as u32).to_le_bytes());
        for (i, count) in self.counts.to_array().iter().enumerate() {
            put(COUNTS_AT + 4 * i, &count.to_le_bytes());
        }
        put(DIGEST.start, &self.circuit_digest);
        put(FILE_LENGTH.start, &self.layout.file_length.to_le_bytes());
        for (i, section) in Section::ALL.into_iter().enumerate() {
            let at = TABLE_AT + i * ENTRY_BYTES;
            let (offset, length) = self.layout.sections[i];
            put(at, &(section as u32).to_le_bytes());
            put(at + 4, &(section.item_bytes() as u32).to_le_bytes());
            put(at + 8, &offset.to_le_bytes());
            put(at + 16, &length.to_le_bytes());
            put(at + 32, &self.checksums[i]);
        }
        let sum = checksum(&bytes[..HEADER_CHECKSUM.start]);
        bytes[HEADER_CHECKSUM].copy_from_slice(&sum);
        bytes
    }

    /// Reads the header of a file of unknown origin that has `file_length` bytes, of which `bytes` are the first.
    pub(crate) fn decode(bytes: &[u8], file_length: u64) -> Result<Self, KeyError> {
        let Some(bytes) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(KeyError::TooShort { found: file_length, expected: HEADER_BYTES as u64 });
        };
        if bytes[..MAGIC.len()] != MAGIC {
            return Err(KeyError::NotAKey);
        }
        let word = |at: usize| u32::from_le_bytes(array(bytes, at));
        let long = |at: usize| u64::from_le_bytes(array(bytes, at));
        let expect = |what: &'static str, found: u64, expected: u64| {
            if found == expected { Ok(()) } else { Err(KeyError::Header { what, found, expected }) }
        };
        if word(VERSION_AT) != VERSION {
            return Err(KeyError::Version { found: word(VERSION_AT), supported: VERSION });
        }
        expect("length of the header", word(HEADER_BYTES_AT).into(), HEADER_BYTES as u64)?;
        if checksum(&bytes[..HEADER_CHECKSUM.start]) != bytes[HEADER_CHECKSUM] {
            return Err(KeyError::HeaderChecksum);
        }
        expect("proof system", word(PROOF_SYSTEM_AT).into(), PROOF_SYSTEM.into())?;
        expect("number of sections", word(NUM_SECTIONS_AT).into(), NUM_SECTIONS as u64)?;
        if [RESERVED_1, RESERVED_2, RESERVED_3]
            .into_iter()
            .any(|range| bytes[range].iter().any(|&byte| byte != 0))
        {
            return Err(KeyError::Reserved);
        }

        let counts = Counts::from_array(core::array::from_fn(|i| word(COUNTS_AT + 4 * i)));
        let bound = |what: &'static str, found: u64, most: u64| {
            if found <= most { Ok(()) } else { Err(KeyError::Count { what, found, most }) }
        };
        if counts.instance == 0 {
            return Err(KeyError::Header { what: "instance variables", found: 0, expected: 1 });
        }
        bound("rows", counts.rows(), 1 << crate::r1cs::MAX_LOG2_DOMAIN)?;
        bound("variables", counts.variables(), u32::MAX.into())?;
        bound("points of A", counts.a_points.into(), counts.variables())?;
        bound("points of B", counts.b_points.into(), counts.variables())?;

        let layout = Layout::new(&counts);
        let mut checksums = [[0u8; 32]; NUM_SECTIONS];
        for (i, section) in Section::ALL.into_iter().enumerate() {
            let at = TABLE_AT + i * ENTRY_BYTES;
            let (offset, length) = layout.sections[i];
            let expect = |what: &'static str, found: u64, expected: u64| {
                if found == expected {
                    Ok(())
                } else {
                    Err(KeyError::Section { section, what, found, expected })
                }
            };
            expect("kind", word(at).into(), (section as u32).into())?;
            expect("item size", word(at + 4).into(), section.item_bytes())?;
            expect("length", long(at + 16), length)?;
            expect("offset", long(at + 8), offset)?;
            expect("reserved field", long(at + 24), 0)?;
            checksums[i] = array(bytes, at + 32);
        }
        expect("stated length of the file", long(FILE_LENGTH.start), layout.file_length)?;
        if file_length < layout.file_length {
            return Err(KeyError::TooShort { found: file_length, expected: layout.file_length });
        }
        expect("length of the file", file_length, layout.file_length)?;
        Ok(Self { counts, circuit_digest: array(bytes, DIGEST.start), checksums, layout })
    }
}

/// `N` bytes of a header; `at` is one of the constants above.
fn array<const N: usize>(bytes: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    core::array::from_fn(|i| bytes[at + i])
}
