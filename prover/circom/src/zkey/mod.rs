//! `.zkey`: a Groth16 proving key of snarkjs, with the transcript of its ceremony.
//!
//! ```text
//!    1  proof system u32, 1 = Groth16
//!    2  header: modulus q, modulus r, variables u32, public inputs u32 (the constant 1 not counted), domain size u32,
//!       alpha G1, beta G1, beta G2, gamma G2, delta G1, delta G2
//!    3  IC   a G1 point for the constant 1 and each public input
//!    4  coefficients: count u32, then  matrix u32 (0 A, 1 B), row u32, variable u32, value 32 bytes in double Montgomery form (v·R²)
//!    5  A in G1,  6  B in G1,  7  B in G2: a point for *every* variable, infinity (zeros) where the matrix does not hold it
//!    8  L in G1   a point for every witness variable
//!    9  H in G1   a point for each place of the domain: the odd points of the doubled domain
//!   10  the ceremony: see the module `ceremony`
//! ```
//! Points are Montgomery limbs, as in this prover's own key files, and the conventions are the same (gamma = 1, H on the odd points,
//! one row of A for each public input after the constraints; here these rows stand among the coefficients). Matrix C is not in the
//! file: of a satisfying witness C·z is (A·z) ∘ (B·z), and whether it is satisfying only the finished proof's verification tells.

mod coefficients;

use ark_bn254::{Fq, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use std::io::{self, Write};
use zkpov_prover::VerifyingKey;
use zkpov_prover::encoding::{Encoding, FIELD_BYTES, G1_BYTES, G2_BYTES};
use zkpov_prover::r1cs::MAX_LOG2_DOMAIN;

pub(crate) use coefficients::{ENTRY_BYTES, Side, encode_entry};

use crate::bytes::{self, Cursor, Infinity, Subgroup, modulus_bytes};
use crate::container::{Sections, write_head, write_section, write_section_head};
use crate::error::FormatError;

const MAGIC: &str = "zkey";
/// What is written. Readers of the format take 2 as well.
const VERSION: u32 = 1;
const MAX_VERSION: u32 = 2;
const GROTH16: u32 = 1;
const NUM_SECTIONS: u32 = 10;

/// A section of points or coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Section {
    System = 1,
    Header = 2,
    Ic = 3,
    Coefficients = 4,
    A = 5,
    BG1 = 6,
    BG2 = 7,
    L = 8,
    H = 9,
    Ceremony = 10,
}

impl Section {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::System => "proof system",
            Self::Header => "header",
            Self::Ic => "IC",
            Self::Coefficients => "coefficients",
            Self::A => "A",
            Self::BG1 => "B in G1",
            Self::BG2 => "B in G2",
            Self::L => "L",
            Self::H => "H",
            Self::Ceremony => "ceremony",
        }
    }
}

/// Counts and constant points of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Variables of the circuit, the constant 1 among them.
    pub variables: u32,
    /// Public inputs, the constant 1 not counted.
    pub public_inputs: u32,
    /// Size of the evaluation domain, a power of two.
    pub domain_size: u32,
    /// alpha.
    pub alpha_g1: G1Affine,
    /// beta in G1.
    pub beta_g1: G1Affine,
    /// beta in G2.
    pub beta_g2: G2Affine,
    /// delta in G1: the generator until somebody contributes.
    pub delta_g1: G1Affine,
    /// delta in G2.
    pub delta_g2: G2Affine,
}

impl Header {
    /// The constant 1 and the public inputs.
    pub(crate) fn instance(&self) -> u64 {
        u64::from(self.public_inputs) + 1
    }

    fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        const WHAT: &str = "the header";
        let mut cursor = Cursor::new(bytes);
        cursor.modulus::<Fq>("key's base field")?;
        cursor.modulus::<Fr>("key's scalar field")?;
        let (variables, public_inputs, domain_size) =
            (cursor.u32(WHAT)?, cursor.u32(WHAT)?, cursor.u32(WHAT)?);
        if public_inputs >= variables {
            let rule = "not below the number of variables, of which one is the constant 1";
            return Err(FormatError::Value {
                what: "the number of public inputs",
                found: public_inputs.into(),
                rule,
            });
        }
        if !domain_size.is_power_of_two() || domain_size > 1 << MAX_LOG2_DOMAIN {
            let rule = "not a power of two up to 2^27";
            return Err(FormatError::Value { what: "the domain's size", found: domain_size.into(), rule });
        }
        let alpha_g1 = cursor.point("alpha in G1")?;
        let beta_g1 = cursor.point("beta in G1")?;
        let beta_g2 = cursor.point("beta in G2")?;
        let gamma_g2: G2Affine = cursor.point("gamma in G2")?;
        let delta_g1 = cursor.point("delta in G1")?;
        let delta_g2 = cursor.point("delta in G2")?;
        cursor.end(WHAT, (2 * (4 + FIELD_BYTES) + 12 + 3 * G1_BYTES + 3 * G2_BYTES) as u64)?;
        if gamma_g2 != G2Affine::generator() {
            return Err(FormatError::Gamma);
        }
        Ok(Self { variables, public_inputs, domain_size, alpha_g1, beta_g1, beta_g2, delta_g1, delta_g2 })
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = modulus_bytes::<Fq>();
        bytes.extend_from_slice(&modulus_bytes::<Fr>());
        for count in [self.variables, self.public_inputs, self.domain_size] {
            bytes.extend_from_slice(&count.to_le_bytes());
        }
        append_points(&mut bytes, &[self.alpha_g1, self.beta_g1]);
        append_points(&mut bytes, &[self.beta_g2, G2Affine::generator()]);
        append_points(&mut bytes, &[self.delta_g1]);
        append_points(&mut bytes, &[self.delta_g2]);
        bytes
    }
}

/// Appends points in their encoding.
pub(crate) fn append_points<P: Encoding>(bytes: &mut Vec<u8>, points: &[P]) {
    let start = bytes.len();
    bytes.resize(start + points.len() * P::BYTES, 0);
    let out = bytes.get_mut(start..).unwrap_or_default();
    out.chunks_exact_mut(P::BYTES).zip(points).for_each(|(out, point)| point.encode(out));
}

/// A key over the bytes of its file. Header and lengths have been checked; points and coefficients are where they are read.
#[derive(Clone, Debug)]
pub struct Zkey<'a> {
    header: Header,
    ic: &'a [u8],
    coefficients: &'a [u8],
    a: &'a [u8],
    b_g1: &'a [u8],
    b_g2: &'a [u8],
    l: &'a [u8],
    h: &'a [u8],
    ceremony: Option<&'a [u8]>,
}

impl<'a> Zkey<'a> {
    /// Reads the header of a `.zkey` file and the table of its sections.
    ///
    /// # Errors
    /// The first thing that is wrong: another proof system or field, a section whose length does not follow from the counts, constant
    /// points that are not in their groups.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FormatError> {
        let sections = Sections::parse(bytes, MAGIC, MAX_VERSION)?;
        let system = Cursor::new(sections.get(Section::System as u32, Section::System.name())?)
            .u32("the proof system")?;
        if system != GROTH16 {
            return Err(FormatError::ProofSystem { found: system });
        }
        let header = Header::parse(sections.get(Section::Header as u32, Section::Header.name())?)?;
        let items = |section: Section, count: u64, size: usize| {
            sections.items(section as u32, section.name(), count, size)
        };
        let variables = u64::from(header.variables);
        let coefficients = sections.get(Section::Coefficients as u32, Section::Coefficients.name())?;
        Ok(Self {
            ic: items(Section::Ic, header.instance(), G1_BYTES)?,
            coefficients: coefficients::entries(coefficients)?,
            a: items(Section::A, variables, G1_BYTES)?,
            b_g1: items(Section::BG1, variables, G1_BYTES)?,
            b_g2: items(Section::BG2, variables, G2_BYTES)?,
            l: items(Section::L, variables - header.instance(), G1_BYTES)?,
            h: items(Section::H, header.domain_size.into(), G1_BYTES)?,
            ceremony: sections.find(Section::Ceremony as u32, Section::Ceremony.name())?,
            header,
        })
    }

    /// Counts and constant points.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The bytes of a section that has any but the header's.
    pub(crate) fn section(&self, section: Section) -> &'a [u8] {
        match section {
            Section::Ic => self.ic,
            Section::Coefficients => self.coefficients,
            Section::A => self.a,
            Section::BG1 => self.b_g1,
            Section::BG2 => self.b_g2,
            Section::L => self.l,
            Section::H => self.h,
            Section::Ceremony => self.ceremony.unwrap_or_default(),
            Section::System | Section::Header => &[],
        }
    }

    /// The bytes of the ceremony's section. `None` in keys of the time before ceremonies.
    pub(crate) fn ceremony(&self) -> Option<&'a [u8]> {
        self.ceremony
    }

    /// A section of G1 points, each on the curve.
    pub(crate) fn g1(&self, section: Section) -> Result<Vec<G1Affine>, FormatError> {
        bytes::points(section.name(), self.section(section), Infinity::Allowed, Subgroup::NotChecked)
    }

    /// B in G2, each point on the curve; in the subgroup if asked for.
    pub(crate) fn b_g2(&self, subgroup: Subgroup) -> Result<Vec<G2Affine>, FormatError> {
        bytes::points(Section::BG2.name(), self.b_g2, Infinity::Allowed, subgroup)
    }

    /// The verifying key.
    ///
    /// # Errors
    /// If an IC point is not on the curve.
    pub fn verifying_key(&self) -> Result<VerifyingKey, FormatError> {
        let Header { alpha_g1, beta_g2, delta_g2, .. } = self.header;
        VerifyingKey::from_points(alpha_g1, beta_g2, delta_g2, self.g1(Section::Ic)?)
            // Alpha, beta and delta were checked with the header, IC just now.
            .ok_or(FormatError::Infinity { what: Section::Ic.name(), index: 0 })
    }

    /// The rows of A and B of an assignment in plain form: [`coefficients::rows`].
    pub(crate) fn rows(&self, assignment: &[Fr]) -> Result<(Vec<Fr>, Vec<Fr>), FormatError> {
        coefficients::rows(self.coefficients, self.header.domain_size as usize, assignment)
    }
}

/// Everything a `.zkey` file holds, its sections as bytes.
pub(crate) struct Parts<'a> {
    pub(crate) header: &'a Header,
    pub(crate) ic: &'a [u8],
    /// Without the count.
    pub(crate) coefficients: &'a [u8],
    pub(crate) a: &'a [u8],
    pub(crate) b_g1: &'a [u8],
    pub(crate) b_g2: &'a [u8],
    pub(crate) l: &'a [u8],
    pub(crate) h: &'a [u8],
    pub(crate) ceremony: &'a [u8],
}

impl Parts<'_> {
    /// Writes the file.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        write_head(out, MAGIC, VERSION, NUM_SECTIONS)?;
        write_section(out, Section::System as u32, &GROTH16.to_le_bytes())?;
        write_section(out, Section::Header as u32, &self.header.encode())?;
        write_section(out, Section::Ic as u32, self.ic)?;
        write_section_head(out, Section::Coefficients as u32, 4 + self.coefficients.len() as u64)?;
        out.write_all(&((self.coefficients.len() / ENTRY_BYTES) as u32).to_le_bytes())?;
        out.write_all(self.coefficients)?;
        let sections = [
            (Section::A, self.a),
            (Section::BG1, self.b_g1),
            (Section::BG2, self.b_g2),
            (Section::L, self.l),
            (Section::H, self.h),
            (Section::Ceremony, self.ceremony),
        ];
        sections.into_iter().try_for_each(|(section, bytes)| write_section(out, section as u32, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::{ProveError, prove};
    use crate::testing::PRODUCT;
    use ark_bn254::Fq2;
    use ark_ff::{One, Zero};

    /// Where the constant points stand in section 2: after two moduli and three counts.
    const ALPHA_G1: usize = 2 * (4 + FIELD_BYTES) + 12;
    const BETA_G2: usize = ALPHA_G1 + 2 * G1_BYTES;
    const GAMMA_G2: usize = BETA_G2 + G2_BYTES;
    const DELTA_G1: usize = GAMMA_G2 + G2_BYTES;

    fn place(section: &[u8]) -> usize {
        section.as_ptr() as usize - PRODUCT.last.as_ptr() as usize
    }

    fn changed(at: usize, new: &[u8]) -> Vec<u8> {
        let mut bytes = PRODUCT.last.to_vec();
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    }

    /// A point of the twist that is not in G2.
    fn outside_g2() -> [u8; G2_BYTES] {
        let mut x = Fq2::zero();
        loop {
            x.c0 += Fq::one();
            if let Some(point) = G2Affine::get_point_from_x_unchecked(x, true)
                && !point.is_in_correct_subgroup_assuming_on_curve()
            {
                let mut bytes = [0; G2_BYTES];
                point.encode(&mut bytes);
                return bytes;
            }
        }
    }

    #[test]
    fn constant_points_outside_their_groups_are_refused() {
        let sections = Sections::parse(PRODUCT.last, MAGIC, MAX_VERSION).unwrap();
        let header = place(sections.get(2, "header").unwrap());
        let refused = |at: usize, new: &[u8]| Zkey::parse(&changed(header + at, new)).unwrap_err();
        for at in [ALPHA_G1, ALPHA_G1 + G1_BYTES, BETA_G2, GAMMA_G2, DELTA_G1, DELTA_G1 + G1_BYTES] {
            let mut first = [PRODUCT.last[header + at]];
            first[0] ^= 1;
            assert!(matches!(refused(at, &first), FormatError::NotOnCurve { .. }), "{at}");
            assert!(matches!(refused(at, &[255; 32]), FormatError::NotReduced { .. }), "{at}");
            assert!(matches!(
                refused(at, &[0; G1_BYTES]),
                FormatError::Infinity { .. } | FormatError::NotOnCurve { .. }
            ));
        }
        for at in [BETA_G2, GAMMA_G2, DELTA_G1 + G1_BYTES] {
            assert!(matches!(refused(at, &outside_g2()), FormatError::NotInSubgroup { .. }), "{at}");
        }
        let mut beta = [0; G2_BYTES];
        Zkey::parse(PRODUCT.last).unwrap().header().beta_g2.encode(&mut beta);
        assert_eq!(refused(GAMMA_G2, &beta), FormatError::Gamma);
    }

    #[test]
    fn a_point_of_a_section_that_is_off_its_curve_is_named() {
        let key = Zkey::parse(PRODUCT.last).unwrap();
        let assignment = crate::wtns::parse(PRODUCT.witness).unwrap();
        for section in [Section::Ic, Section::A, Section::BG1, Section::BG2, Section::L, Section::H] {
            let bytes = key.section(section);
            let size = if section == Section::BG2 { G2_BYTES } else { G1_BYTES };
            let index = bytes.chunks(size).position(|point| point.iter().any(|byte| *byte != 0)).unwrap();
            let damaged = changed(place(bytes) + index * size, &[bytes[index * size] ^ 1]);
            let error = prove(&Zkey::parse(&damaged).unwrap(), &assignment).unwrap_err();
            match error {
                ProveError::Key(FormatError::NotOnCurve { what, index: found }) => {
                    assert_eq!((what, found), (section.name(), index));
                }
                other => panic!("{}: {other}", section.name()),
            }
        }
    }

    #[test]
    fn counts_that_the_sections_do_not_bear_out_are_refused() {
        let sections = Sections::parse(PRODUCT.last, MAGIC, MAX_VERSION).unwrap();
        let counts = place(sections.get(2, "header").unwrap()) + 2 * (4 + FIELD_BYTES);
        let refused =
            |at: usize, count: u32| Zkey::parse(&changed(counts + at, &count.to_le_bytes())).unwrap_err();
        assert!(matches!(refused(0, u32::MAX), FormatError::Length { .. }));
        assert!(matches!(refused(4, 6), FormatError::Value { what: "the number of public inputs", .. }));
        assert!(matches!(refused(4, 1), FormatError::Length { what: "IC", .. }));
        assert!(matches!(refused(8, 1 << 27), FormatError::Length { what: "H", .. }));
        assert!(matches!(refused(8, 1 << 28), FormatError::Value { what: "the domain's size", .. }));
        assert!(matches!(refused(8, 7), FormatError::Value { what: "the domain's size", .. }));
        let system = place(sections.get(1, "system").unwrap());
        assert_eq!(Zkey::parse(&changed(system, &[2])).unwrap_err(), FormatError::ProofSystem { found: 2 });
    }
}
