//! Whether a key is the outcome of its ceremony.

use ark_bn254::{G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::Zero;
use blake2::digest::consts::U32;
use blake2::{Blake2b, Digest};
use rayon::prelude::*;
use zkpov_prover::engine::msm;

use super::CeremonyError;
use super::contribute::beacon_secret;
use super::initial::InitialKey;
use super::transcript::{Contribution, ContributionError, Transcript, check_contribution};
use crate::bytes::{Infinity, Subgroup, points};
use crate::contribution::{IterationsLeft, Kind, same_ratio};
use crate::error::FormatError;
use crate::ptau::random_coefficient;
use crate::zkey::{Header, Section, Zkey};

/// What a verified ceremony was.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verified {
    /// The circuit's hash and the contributions. *With none of them, anyone can forge proofs.*
    pub transcript: Transcript,
    /// blake2b-256 of section 10 of the key: names this ceremony, its circuit and its outcome.
    pub hash: [u8; 32],
}

/// Checks that `key` is the outcome of a ceremony over the circuit and the powers of tau that `initial` was made from:
///
/// - the transcript begins with this circuit's hash; each contribution follows on those before it, proves that its maker knew the secret, and
///   multiplied delta by it; a beacon's secret is the one its value gives;
/// - delta is the last contribution's, the same in G1 and G2;
/// - everything that a contribution leaves alone is the initial key's, to the byte;
/// - L and H are the initial key's divided by delta, by pairings on combinations with random coefficients of 128 bits.
///
/// # Errors
/// What does not hold; of a contribution, with its index.
pub fn verify(initial: &InitialKey, key: &Zkey<'_>) -> Result<Verified, CeremonyError> {
    let section = key.ceremony().ok_or(CeremonyError::NoCeremony)?;
    let transcript = Transcript::parse(section)?;
    if transcript.circuit_hash != initial.circuit_hash {
        return Err(CeremonyError::OtherCircuit);
    }
    let delta = check_contributions(&transcript)?;
    let header = key.header();
    if header.delta_g1 != delta {
        return Err(CeremonyError::Delta);
    }
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    if !same_ratio((&g1, &delta), (&g2, &header.delta_g2)) {
        return Err(CeremonyError::Delta);
    }
    let expected = Header { delta_g1: header.delta_g1, delta_g2: header.delta_g2, ..initial.header.clone() };
    if *header != expected {
        return Err(CeremonyError::Changed { section: Section::Header.name() });
    }
    for (section, expected) in [
        (Section::Ic, &initial.ic),
        (Section::Coefficients, &initial.coefficients),
        (Section::A, &initial.a),
        (Section::BG1, &initial.b_g1),
        (Section::BG2, &initial.b_g2),
    ] {
        if key.section(section) != expected.as_slice() {
            return Err(CeremonyError::Changed { section: section.name() });
        }
    }
    for (section, before) in [(Section::L, &initial.l), (Section::H, &initial.h)] {
        check_divided(section, before, key.section(section), &header.delta_g2)?;
    }
    Ok(Verified { transcript, hash: Blake2b::<U32>::digest(section).into() })
}

/// Checks the contributions in their order, and gives the last one's delta.
pub(super) fn check_contributions(transcript: &Transcript) -> Result<G1Affine, CeremonyError> {
    let mut hasher = Transcript { circuit_hash: transcript.circuit_hash, contributions: Vec::new() }.hasher();
    let mut delta = G1Affine::generator();
    let mut left = IterationsLeft::of_transcript();
    for (contribution, index) in transcript.contributions.iter().zip(1..) {
        check_contribution(&hasher, &delta, contribution)
            .and_then(|()| check_beacon(contribution, &mut left))
            .map_err(|reason| CeremonyError::Contribution {
                index,
                name: contribution.display_name(),
                reason,
            })?;
        contribution.add_to(&mut hasher);
        delta = contribution.delta_after;
    }
    Ok(delta)
}

fn check_beacon(contribution: &Contribution, left: &mut IterationsLeft) -> Result<(), ContributionError> {
    let Kind::Beacon { value, log2_iterations } = contribution.kind() else { return Ok(()) };
    let log2_iterations = *log2_iterations;
    if !left.take(log2_iterations) {
        return Err(ContributionError::Iterations { log2_iterations });
    }
    let (secret, s) = beacon_secret(value, log2_iterations).ok_or(ContributionError::Beacon)?;
    if contribution.proof.s == s && contribution.proof.s_x == (s * secret).into_affine() {
        Ok(())
    } else {
        Err(ContributionError::Beacon)
    }
}

/// That the points of `after` are those of `before` divided by delta.
fn check_divided(
    section: Section,
    before: &[u8],
    after: &[u8],
    delta: &G2Affine,
) -> Result<(), CeremonyError> {
    let read = |bytes| {
        points::<ark_bn254::g1::Config>(section.name(), bytes, Infinity::Allowed, Subgroup::NotChecked)
    };
    let (before, after): (Vec<G1Affine>, Vec<G1Affine>) = (read(before)?, read(after)?);
    if before.len() != after.len() {
        let (found, expected) = (after.len() as u64, before.len() as u64);
        return Err(FormatError::Length { what: section.name(), found, expected }.into());
    }
    let random: Vec<_> = (0..before.len()).into_par_iter().map(|_| random_coefficient()).collect();
    let (before, after): (G1Projective, G1Projective) = (msm(&before, &random), msm(&after, &random));
    // A section of infinities alone, of variables that no constraint holds.
    let none = before.is_zero() && after.is_zero();
    let holds =
        none || same_ratio((&after.into_affine(), &before.into_affine()), (&G2Affine::generator(), delta));
    if holds { Ok(()) } else { Err(CeremonyError::Changed { section: section.name() }) }
}
