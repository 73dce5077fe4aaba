//! `.ptau`: powers of a secret tau, of a ceremony that many circuits share (the perpetual powers of tau, for instance).
//!
//! ```text
//!    1  header: modulus q, power p u32, power of the ceremony u32 (larger if the file was truncated)
//!    2  tau^i in G1, i < 2^(p+1) - 1         3  tau^i in G2, i < 2^p        4  alpha tau^i in G1        5  beta tau^i in G1
//!    6  beta in G2                           7  contributions
//!   12  Lagrange polynomials at tau in G1, of the domains of 1, 2, 4 … 2^(p+1) places in turn
//!   13  the same in G2, to 2^p              14  times alpha                 15  times beta
//! ```
//! Sections 12 to 15 are there once the file was prepared for phase 2; where they are not, they are computed. The last domain of
//! section 12 lacks the term of tau^(2^(p+1)-1), which the file does not have; a circuit is set up with powers one above its own, so
//! that it is never read.
//!
//! ```text
//!   mod             the file, Lagrange polynomials, the check of the points
//!   contributions   section 7: who made the powers, and what that proves
//!   midstate        a hash continued from a stored state
//! ```

mod contributions;
mod midstate;

use ark_bn254::{Bn254, Fq, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::short_weierstrass::{Affine, Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInt, One, PrimeField, Zero};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use rand::RngCore;
use rayon::prelude::*;
use zkpov_prover::encoding::{Encoding, FIELD_BYTES, G1_BYTES, G2_BYTES};
use zkpov_prover::engine::msm;
use zkpov_prover::r1cs::MAX_LOG2_DOMAIN;

pub use contributions::{PowersContribution, PowersContributionError, Secret};

use crate::bytes::{self, Cursor, Group, Infinity, Subgroup};
use crate::container::Sections;
use crate::contribution::{Hashed, hash_points};
use crate::error::FormatError;
use contributions::Products;

const MAGIC: &str = "ptau";
const VERSION: u32 = 1;
const HEADER: u32 = 1;
const CONTRIBUTIONS: u32 = 7;
/// The largest file: the field has 2^28-th roots of unity.
const MAX_POWER: u32 = MAX_LOG2_DOMAIN + 1;
/// Points that are read at a time, which bounds the memory of a check.
const CHUNK: usize = 1 << 16;

/// Which powers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
enum Section {
    TauG1 = 2,
    TauG2 = 3,
    AlphaTauG1 = 4,
    BetaTauG1 = 5,
    BetaG2 = 6,
    LagrangeG1 = 12,
    LagrangeG2 = 13,
    AlphaLagrangeG1 = 14,
    BetaLagrangeG1 = 15,
}

impl Section {
    const fn name(self) -> &'static str {
        match self {
            Self::TauG1 => "powers of tau in G1",
            Self::TauG2 => "powers of tau in G2",
            Self::AlphaTauG1 => "alpha times powers of tau",
            Self::BetaTauG1 => "beta times powers of tau",
            Self::BetaG2 => "beta in G2",
            Self::LagrangeG1 => "Lagrange polynomials in G1",
            Self::LagrangeG2 => "Lagrange polynomials in G2",
            Self::AlphaLagrangeG1 => "alpha times Lagrange polynomials",
            Self::BetaLagrangeG1 => "beta times Lagrange polynomials",
        }
    }
}

/// Why powers of tau are not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PtauError {
    /// The file is malformed, or a point in it is no point of its group.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The points are not the powers of one secret.
    #[error("the points do not belong together: {relation} does not hold")]
    Relation {
        /// What should hold.
        relation: &'static str,
    },
    /// The circuit needs more powers.
    #[error(
        "the circuit needs powers of tau of at least 2^{needed}, the file has 2^{found}; take a larger file"
    )]
    TooSmall {
        /// The least power.
        needed: u32,
        /// The file's.
        found: u32,
    },
    /// Nobody contributed.
    #[error("nobody has contributed to these powers: whoever made the file knows tau, and can forge proofs")]
    NoContribution,
    /// A contribution is wrong.
    #[error("contribution #{index} ({name:?}) to the powers of tau: {reason}")]
    Contribution {
        /// Which one, counted from 1, as snarkjs lists them.
        index: usize,
        /// What its maker called himself.
        name: String,
        /// What is wrong.
        reason: PowersContributionError,
    },
}

/// Powers of tau over the bytes of their file. Header and lengths have been checked, points are where they are read.
#[derive(Clone, Debug)]
pub struct Ptau<'a> {
    power: u32,
    /// The power of the ceremony's file, which this one may be the beginning of.
    ceremony_power: u32,
    tau_g1: &'a [u8],
    tau_g2: &'a [u8],
    alpha_tau_g1: &'a [u8],
    beta_tau_g1: &'a [u8],
    beta_g2: G2Affine,
    contributions: &'a [u8],
    lagrange: Option<Lagrange<'a>>,
}

#[derive(Clone, Copy, Debug)]
struct Lagrange<'a> {
    g1: &'a [u8],
    g2: &'a [u8],
    alpha_g1: &'a [u8],
    beta_g1: &'a [u8],
}

impl<'a> Ptau<'a> {
    /// Reads the header of a `.ptau` file and the table of its sections.
    ///
    /// # Errors
    /// The first thing that is wrong: another curve, a section whose length does not follow from the power.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FormatError> {
        let sections = Sections::parse(bytes, MAGIC, VERSION)?;
        let mut header = Cursor::new(sections.get(HEADER, "header")?);
        header.modulus::<Fq>("base field")?;
        let power = header.u32("the header")?;
        let ceremony_power = header.u32("the header")?;
        header.end("the header", (4 + FIELD_BYTES + 8) as u64)?;
        if power == 0 || power > MAX_POWER {
            let rule = "not from 1 to 28";
            return Err(FormatError::Value { what: "the power of tau", found: power.into(), rule });
        }
        if ceremony_power < power || ceremony_power > MAX_POWER {
            let rule = "not from the file's own power to 28";
            return Err(FormatError::Value {
                what: "the ceremony's power",
                found: ceremony_power.into(),
                rule,
            });
        }
        let places = 1u64 << power;
        let items = |section: Section, count: u64, size: usize| {
            sections.items(section as u32, section.name(), count, size)
        };
        let lagrange = match sections.find(Section::LagrangeG1 as u32, Section::LagrangeG1.name())? {
            None => None,
            Some(_) => Some(Lagrange {
                g1: items(Section::LagrangeG1, 4 * places - 1, G1_BYTES)?,
                g2: items(Section::LagrangeG2, 2 * places - 1, G2_BYTES)?,
                alpha_g1: items(Section::AlphaLagrangeG1, 2 * places - 1, G1_BYTES)?,
                beta_g1: items(Section::BetaLagrangeG1, 2 * places - 1, G1_BYTES)?,
            }),
        };
        Ok(Self {
            power,
            ceremony_power,
            tau_g1: items(Section::TauG1, 2 * places - 1, G1_BYTES)?,
            tau_g2: items(Section::TauG2, places, G2_BYTES)?,
            alpha_tau_g1: items(Section::AlphaTauG1, places, G1_BYTES)?,
            beta_tau_g1: items(Section::BetaTauG1, places, G1_BYTES)?,
            beta_g2: Cursor::new(items(Section::BetaG2, 1, G2_BYTES)?).point(Section::BetaG2.name())?,
            contributions: sections.get(CONTRIBUTIONS, "contributions")?,
            lagrange,
        })
    }

    /// The file has tau^i up to i = 2^(power + 1) − 2.
    pub fn power(&self) -> u32 {
        self.power
    }

    /// The power of the ceremony; larger than [`Self::power`] if the file was truncated.
    pub fn ceremony_power(&self) -> u32 {
        self.ceremony_power
    }

    /// Whether the Lagrange polynomials are in the file.
    pub fn is_prepared(&self) -> bool {
        self.lagrange.is_some()
    }

    /// That the file has powers for a circuit whose domain has 2^`log2_domain` places.
    pub(crate) fn check_power(&self, log2_domain: u32) -> Result<(), PtauError> {
        let needed = log2_domain + 1;
        if needed > self.power { Err(PtauError::TooSmall { needed, found: self.power }) } else { Ok(()) }
    }

    /// alpha in G1.
    pub(crate) fn alpha_g1(&self) -> Result<G1Affine, FormatError> {
        Cursor::new(self.alpha_tau_g1).point(Section::AlphaTauG1.name())
    }

    /// beta in G1.
    pub(crate) fn beta_g1(&self) -> Result<G1Affine, FormatError> {
        Cursor::new(self.beta_tau_g1).point(Section::BetaTauG1.name())
    }

    /// beta in G2.
    pub(crate) fn beta_g2(&self) -> G2Affine {
        self.beta_g2
    }

    /// tau^i in G1 for `start <= i < start + count`.
    pub(crate) fn tau_g1(&self, start: usize, count: usize) -> Result<Vec<G1Affine>, FormatError> {
        slice(Section::TauG1, self.tau_g1, start, count, Subgroup::NotChecked)
    }

    /// Lagrange polynomials of a domain at tau, in G1.
    pub(crate) fn lagrange_g1(&self, log2: u32) -> Result<Vec<G1Affine>, FormatError> {
        self.lagrange(log2, self.lagrange.map(|l| l.g1), self.tau_g1, [Section::LagrangeG1, Section::TauG1])
    }

    /// The same in G2.
    pub(crate) fn lagrange_g2(&self, log2: u32) -> Result<Vec<G2Affine>, FormatError> {
        self.lagrange(log2, self.lagrange.map(|l| l.g2), self.tau_g2, [Section::LagrangeG2, Section::TauG2])
    }

    /// alpha times the Lagrange polynomials of a domain at tau.
    pub(crate) fn alpha_lagrange_g1(&self, log2: u32) -> Result<Vec<G1Affine>, FormatError> {
        let sections = [Section::AlphaLagrangeG1, Section::AlphaTauG1];
        self.lagrange(log2, self.lagrange.map(|l| l.alpha_g1), self.alpha_tau_g1, sections)
    }

    /// beta times the Lagrange polynomials of a domain at tau.
    pub(crate) fn beta_lagrange_g1(&self, log2: u32) -> Result<Vec<G1Affine>, FormatError> {
        let sections = [Section::BetaLagrangeG1, Section::BetaTauG1];
        self.lagrange(log2, self.lagrange.map(|l| l.beta_g1), self.beta_tau_g1, sections)
    }

    fn lagrange<C: Group>(
        &self,
        log2: u32,
        prepared: Option<&[u8]>,
        powers: &[u8],
        [prepared_section, powers_section]: [Section; 2],
    ) -> Result<Vec<Affine<C>>, FormatError>
    where
        Affine<C>: Encoding,
    {
        let places = 1usize << log2;
        if let Some(prepared) = prepared {
            return slice(prepared_section, prepared, places - 1, places, Subgroup::Checked);
        }
        let powers: Vec<Affine<C>> = slice(powers_section, powers, 0, places, Subgroup::Checked)?;
        let mut values: Vec<Projective<C>> = powers.iter().map(|point| point.into_group()).collect();
        let domain = Radix2EvaluationDomain::<Fr>::new(places).ok_or(FormatError::Value {
            what: "the domain's size",
            found: places as u64,
            rule: "more than the field has roots of unity for",
        })?;
        // Σ_i ω^(-ij) tau^i / n is L_j(tau).
        domain.ifft_in_place(&mut values);
        Ok(Projective::normalize_batch(&values))
    }

    /// Checks everything: each point on its curve, in its subgroup and not infinity; the first powers are the generators; all are powers of
    /// one tau, times one alpha and one beta, by pairings on combinations with random coefficients of 128 bits; the Lagrange polynomials, if
    /// there, are those of these powers. Then the contributions: each proves that its maker knew the secrets, and multiplied tau, alpha
    /// and beta by them; the last one made these powers, and, unless the file was truncated, its next challenge is their hash.
    ///
    /// Gives the contributions: *the powers are as good as the most honest of their makers*. `progress` is told of steps done and steps
    /// in all.
    ///
    /// # Errors
    /// The first thing that is wrong; of a contribution, with its number.
    pub fn check(&self, progress: &(dyn Fn(u64, u64) + Sync)) -> Result<Vec<PowersContribution>, PtauError> {
        let steps = if self.lagrange.is_some() { 11 } else { 7 };
        let done = core::sync::atomic::AtomicU64::new(0);
        let step = || progress(done.fetch_add(1, core::sync::atomic::Ordering::Relaxed) + 1, steps);
        // Before all that takes long.
        let contributions = contributions::parse(self.contributions)?;
        self.check_points(&step)?;
        self.check_contributions(&contributions)?;
        step();
        // The powers that a truncated file does not have were hashed too.
        if self.power == self.ceremony_power {
            contributions::check_last_challenge(&contributions, |hasher| self.hash_powers(hasher))?;
        }
        step();
        Ok(contributions)
    }

    /// What the contributions prove, but that the last one's challenge is the powers' hash.
    fn check_contributions(&self, contributions: &[PowersContribution]) -> Result<(), PtauError> {
        if contributions.is_empty() {
            return Err(PtauError::NoContribution);
        }
        let products = Products {
            tau_g1: one(Section::TauG1, self.tau_g1, 1)?,
            tau_g2: one(Section::TauG2, self.tau_g2, 1)?,
            alpha_g1: self.alpha_g1()?,
            beta_g1: self.beta_g1()?,
            beta_g2: self.beta_g2,
        };
        contributions::check(contributions, &contributions::first_challenge(self.ceremony_power), &products)
    }

    /// Adds the powers to a hash, in the order of a challenge.
    fn hash_powers(&self, hasher: &mut blake2::Blake2b512) -> Result<(), FormatError> {
        hash_section::<ark_bn254::g1::Config>(hasher, Section::TauG1, self.tau_g1)?;
        hash_section::<ark_bn254::g2::Config>(hasher, Section::TauG2, self.tau_g2)?;
        hash_section::<ark_bn254::g1::Config>(hasher, Section::AlphaTauG1, self.alpha_tau_g1)?;
        hash_section::<ark_bn254::g1::Config>(hasher, Section::BetaTauG1, self.beta_tau_g1)?;
        hash_points(hasher, &[self.beta_g2]);
        Ok(())
    }

    fn check_points(&self, step: &dyn Fn()) -> Result<(), PtauError> {
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        let first: G1Affine = Cursor::new(self.tau_g1).point(Section::TauG1.name())?;
        let first_g2: G2Affine = Cursor::new(self.tau_g2).point(Section::TauG2.name())?;
        if (first, first_g2) != (g1, g2) {
            return Err(PtauError::Relation { relation: "tau^0 = 1" });
        }
        let tau_g1: G1Affine = one(Section::TauG1, self.tau_g1, 1)?;
        let tau_g2: G2Affine = one(Section::TauG2, self.tau_g2, 1)?;
        let same =
            |(p, q): (G1Projective, G2Affine), (r, s): (G1Projective, G2Affine), relation: &'static str| {
                let pairs = ([p.into_affine(), (-r).into_affine()], [q, s]);
                if Bn254::multi_pairing(pairs.0, pairs.1).0.is_one() {
                    Ok(())
                } else {
                    Err(PtauError::Relation { relation })
                }
            };

        let [low, high] = shifted_sums::<ark_bn254::g1::Config>(Section::TauG1, self.tau_g1)?;
        same((low, tau_g2), (high, g2), "tau^(i+1) = tau · tau^i in G1")?;
        step();
        let [low, high] = shifted_sums::<ark_bn254::g2::Config>(Section::TauG2, self.tau_g2)?;
        same(
            (tau_g1.into_group(), low.into_affine()),
            (g1.into_group(), high.into_affine()),
            "tau^(i+1) = tau · tau^i in G2",
        )?;
        step();
        let [low, high] = shifted_sums::<ark_bn254::g1::Config>(Section::AlphaTauG1, self.alpha_tau_g1)?;
        same((low, tau_g2), (high, g2), "alpha tau^(i+1) = tau · alpha tau^i")?;
        step();
        let [low, high] = shifted_sums::<ark_bn254::g1::Config>(Section::BetaTauG1, self.beta_tau_g1)?;
        same((low, tau_g2), (high, g2), "beta tau^(i+1) = tau · beta tau^i")?;
        step();
        same((self.beta_g1()?.into_group(), g2), (g1.into_group(), self.beta_g2), "beta in G1 = beta in G2")?;
        step();
        if let Some(lagrange) = self.lagrange {
            check_lagrange::<ark_bn254::g1::Config>(
                self.power + 1,
                (Section::LagrangeG1, lagrange.g1),
                (Section::TauG1, self.tau_g1),
            )?;
            step();
            check_lagrange::<ark_bn254::g2::Config>(
                self.power,
                (Section::LagrangeG2, lagrange.g2),
                (Section::TauG2, self.tau_g2),
            )?;
            step();
            let powers = (Section::AlphaTauG1, self.alpha_tau_g1);
            check_lagrange::<ark_bn254::g1::Config>(
                self.power,
                (Section::AlphaLagrangeG1, lagrange.alpha_g1),
                powers,
            )?;
            step();
            let powers = (Section::BetaTauG1, self.beta_tau_g1);
            check_lagrange::<ark_bn254::g1::Config>(
                self.power,
                (Section::BetaLagrangeG1, lagrange.beta_g1),
                powers,
            )?;
            step();
        }
        Ok(())
    }
}

/// A random number of 128 bits: a wrong combination passes with probability 2^-128.
pub(crate) fn random_coefficient() -> Fr {
    // Cryptographic, and seeded by the operating system. Two limbs are below the modulus.
    let mut rng = rand::thread_rng();
    Fr::from_bigint(BigInt([rng.next_u64(), rng.next_u64(), 0, 0])).unwrap_or_default()
}

fn one<C: Group>(section: Section, bytes: &[u8], index: usize) -> Result<Affine<C>, FormatError>
where
    Affine<C>: Encoding,
{
    let start = index * Affine::<C>::BYTES;
    Cursor::new(bytes.get(start..).unwrap_or_default()).point(section.name())
}

/// `count` points from `start`, none of them infinity. (A Lagrange polynomial of a secret tau is zero with probability 2^-250.)
fn slice<C: Group>(
    section: Section,
    bytes: &[u8],
    start: usize,
    count: usize,
    subgroup: Subgroup,
) -> Result<Vec<Affine<C>>, FormatError>
where
    Affine<C>: Encoding,
{
    let size = Affine::<C>::BYTES;
    let bytes = bytes.get(start * size..).unwrap_or_default();
    let bytes = Cursor::new(bytes).take((count * size) as u64, section.name())?;
    bytes::points(section.name(), bytes, Infinity::Refused, subgroup)
}

/// Σ ρ_i P_i and Σ ρ_i P_(i+1) over all neighbours, with random ρ_i; every point is checked.
fn shifted_sums<C: Group>(section: Section, bytes: &[u8]) -> Result<[Projective<C>; 2], PtauError>
where
    Affine<C>: Encoding,
{
    let count = bytes.len() / Affine::<C>::BYTES;
    let mut sums = [Projective::<C>::zero(); 2];
    for start in (0..count - 1).step_by(CHUNK) {
        let pairs = CHUNK.min(count - 1 - start);
        let points: Vec<Affine<C>> = slice(section, bytes, start, pairs + 1, Subgroup::Checked)?;
        let random: Vec<Fr> = (0..pairs).into_par_iter().map(|_| random_coefficient()).collect();
        sums[0] += msm(&points, &random);
        sums[1] += msm(points.get(1..).unwrap_or_default(), &random);
    }
    Ok(sums)
}

/// Adds the points of a section to a hash. They have been checked.
fn hash_section<C: Group + Hashed>(
    hasher: &mut blake2::Blake2b512,
    section: Section,
    bytes: &[u8],
) -> Result<(), FormatError>
where
    Affine<C>: Encoding,
{
    let count = bytes.len() / Affine::<C>::BYTES;
    for start in (0..count).step_by(CHUNK) {
        let points = slice::<C>(section, bytes, start, CHUNK.min(count - start), Subgroup::NotChecked)?;
        hash_points(hasher, &points);
    }
    Ok(())
}

/// That a section of Lagrange polynomials, of the domains of 2^0 to 2^`last` places in turn, is made of these powers.
fn check_lagrange<C: Group>(
    last: u32,
    (section, lagrange): (Section, &[u8]),
    (powers_section, powers): (Section, &[u8]),
) -> Result<(), PtauError>
where
    Affine<C>: Encoding,
{
    // Σ_j ρ_j L_j = Σ_i c_i tau^i where c is ρ transformed: L_j = Σ_i ω^(-ij) tau^i / n. The sums over all domains are added up. A
    // coefficient of 128 bits for each point on the left, so that the transform's are of full length only on the right.
    let mut coefficients = vec![Fr::zero(); 1 << last];
    let mut left = Projective::<C>::zero();
    for log2 in 0..=last {
        let places = 1usize << log2;
        let random: Vec<Fr> = (0..places).into_par_iter().map(|_| random_coefficient()).collect();
        for (chunk, random) in random.chunks(CHUNK).enumerate() {
            let start = places - 1 + chunk * CHUNK;
            let points: Vec<Affine<C>> = slice(section, lagrange, start, random.len(), Subgroup::Checked)?;
            left += msm(&points, random);
        }
        let domain = Radix2EvaluationDomain::<Fr>::new(places).ok_or(FormatError::Value {
            what: "the domain's size",
            found: places as u64,
            rule: "more than the field has roots of unity for",
        })?;
        let transformed = domain.ifft(&random);
        coefficients.par_iter_mut().zip(&transformed).for_each(|(sum, value)| *sum += value);
    }
    let mut right = Projective::<C>::zero();
    let count = powers.len() / Affine::<C>::BYTES;
    for start in (0..count).step_by(CHUNK) {
        let points: Vec<Affine<C>> =
            slice(powers_section, powers, start, CHUNK.min(count - start), Subgroup::NotChecked)?;
        right += msm(&points, coefficients.get(start..).unwrap_or_default());
    }
    if left == right { Ok(()) } else { Err(PtauError::Relation { relation: section.name() }) }
}

#[cfg(test)]
mod contribution_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PRODUCT;

    fn silent(_: u64, _: u64) {}

    #[test]
    fn snarkjs_powers_are_accepted_prepared_or_not() {
        for (bytes, prepared) in [(PRODUCT.powers, true), (PRODUCT.unprepared, false)] {
            let ptau = Ptau::parse(bytes).unwrap();
            assert_eq!((ptau.power(), ptau.is_prepared()), (4, prepared));
            let contributions = ptau.check(&silent).unwrap();
            let names: Vec<_> = contributions.iter().map(PowersContribution::display_name).collect();
            assert_eq!(names, ["one"]);
        }
    }

    #[test]
    fn lagrange_polynomials_are_computed_as_snarkjs_prepares_them() {
        let (prepared, not) =
            (Ptau::parse(PRODUCT.powers).unwrap(), Ptau::parse(PRODUCT.unprepared).unwrap());
        for log2 in 0..=4 {
            assert_eq!(prepared.lagrange_g1(log2), not.lagrange_g1(log2));
            assert_eq!(prepared.lagrange_g2(log2), not.lagrange_g2(log2));
            assert_eq!(prepared.alpha_lagrange_g1(log2), not.alpha_lagrange_g1(log2));
            assert_eq!(prepared.beta_lagrange_g1(log2), not.beta_lagrange_g1(log2));
        }
    }

    /// Exchanges two items of a section.
    fn exchanged(
        section: fn(&Ptau<'static>) -> &'static [u8],
        size: usize,
        first: usize,
        second: usize,
    ) -> Vec<u8> {
        let ptau = Ptau::parse(PRODUCT.powers).unwrap();
        let at = section(&ptau).as_ptr() as usize - PRODUCT.powers.as_ptr() as usize;
        let mut bytes = PRODUCT.powers.to_vec();
        for i in 0..size {
            bytes.swap(at + first * size + i, at + second * size + i);
        }
        bytes
    }

    #[test]
    fn points_that_are_not_powers_of_one_secret_are_refused() {
        let refused = |bytes: Vec<u8>| match Ptau::parse(&bytes).unwrap().check(&silent) {
            Err(PtauError::Relation { relation }) => relation,
            other => panic!("{other:?}"),
        };
        let last = (1 << 5) - 2;
        assert!(refused(exchanged(|p| p.tau_g1, G1_BYTES, 5, last)).contains("in G1"));
        assert!(refused(exchanged(|p| p.tau_g1, G1_BYTES, 0, 1)).contains("tau^0"));
        assert!(refused(exchanged(|p| p.tau_g2, G2_BYTES, 2, 15)).contains("in G2"));
        assert!(refused(exchanged(|p| p.alpha_tau_g1, G1_BYTES, 0, 15)).contains("alpha"));
        assert!(refused(exchanged(|p| p.beta_tau_g1, G1_BYTES, 3, 4)).contains("beta"));
        for place in [3, 15, 30, 61] {
            assert!(
                refused(exchanged(|p| p.lagrange.unwrap().g1, G1_BYTES, place, place + 1))
                    .contains("Lagrange")
            );
        }
        assert!(refused(exchanged(|p| p.lagrange.unwrap().g2, G2_BYTES, 29, 30)).contains("Lagrange"));
        assert!(refused(exchanged(|p| p.lagrange.unwrap().alpha_g1, G1_BYTES, 1, 2)).contains("alpha"));
        assert!(refused(exchanged(|p| p.lagrange.unwrap().beta_g1, G1_BYTES, 29, 30)).contains("beta"));
        // beta of another secret in G2: the generator.
        let ptau = Ptau::parse(PRODUCT.powers).unwrap();
        let tau_g2 = ptau.tau_g2.as_ptr() as usize - PRODUCT.powers.as_ptr() as usize;
        let mut beta = vec![0; G2_BYTES];
        ptau.beta_g2.encode(&mut beta);
        let at = PRODUCT.powers.windows(G2_BYTES).position(|window| window == beta).unwrap();
        let mut bytes = PRODUCT.powers.to_vec();
        bytes.copy_within(tau_g2..tau_g2 + G2_BYTES, at);
        assert!(refused(bytes).contains("beta in G1 = beta in G2"));
    }

    #[test]
    fn points_outside_their_groups_are_refused() {
        let ptau = Ptau::parse(PRODUCT.powers).unwrap();
        let at = |section: &[u8]| section.as_ptr() as usize - PRODUCT.powers.as_ptr() as usize;
        let check = |at: usize, new: &[u8]| {
            let mut bytes = PRODUCT.powers.to_vec();
            bytes[at..at + new.len()].copy_from_slice(new);
            Ptau::parse(&bytes).unwrap().check(&silent).unwrap_err()
        };
        let in_g1 = at(ptau.tau_g1) + 7 * G1_BYTES;
        assert!(matches!(check(in_g1, &[1]), PtauError::Format(FormatError::NotOnCurve { .. })));
        assert!(matches!(check(in_g1, &[255; 32]), PtauError::Format(FormatError::NotReduced { .. })));
        assert!(matches!(check(in_g1, &[0; 64]), PtauError::Format(FormatError::Infinity { .. })));
        let mut x = ark_bn254::Fq2::zero();
        let outside = loop {
            x.c0 += Fq::one();
            match G2Affine::get_point_from_x_unchecked(x, true) {
                Some(point) if !point.is_in_correct_subgroup_assuming_on_curve() => break point,
                _ => {}
            }
        };
        let mut bytes = [0; G2_BYTES];
        outside.encode(&mut bytes);
        let in_g2 = at(ptau.tau_g2) + 7 * G2_BYTES;
        assert!(matches!(check(in_g2, &bytes), PtauError::Format(FormatError::NotInSubgroup { .. })));
    }

    #[test]
    fn malformed_files_are_refused() {
        for cut in 0..PRODUCT.unprepared.len() {
            assert!(Ptau::parse(&PRODUCT.unprepared[..cut]).is_err(), "cut at {cut}");
        }
        let change = |at: usize, new: &[u8]| {
            let mut bytes = PRODUCT.powers.to_vec();
            bytes[at..at + new.len()].copy_from_slice(new);
            Ptau::parse(&bytes).unwrap_err()
        };
        // 12 head, 12 section head, 4 length of the modulus, the modulus, the power.
        assert!(matches!(change(28, &[0]), FormatError::Field { .. }));
        assert!(matches!(change(60, &[29]), FormatError::Value { .. }));
        assert!(matches!(change(60, &[0]), FormatError::Value { .. }));
        assert!(matches!(change(60, &[5, 0, 0, 0, 5]), FormatError::Length { .. }));
        assert!(matches!(change(60, &[28, 0, 0, 0, 28]), FormatError::Length { .. }));
        assert!(matches!(change(64, &[3]), FormatError::Value { what: "the ceremony's power", .. }));
        assert!(matches!(change(64, &[29]), FormatError::Value { what: "the ceremony's power", .. }));
    }
}
