//! A contribution: delta times a secret x, L and H divided by it, and the proof that x is known.

use ark_bn254::{Fr, G1Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, PrimeField, UniformRand, Zero};
use blake2::{Blake2b512, Digest};
use rand::RngCore;
use rand::rngs::OsRng;
use rayon::prelude::*;
use std::io::{self, Write};
use zeroize::{Zeroize, Zeroizing};

use super::CeremonyError;
use super::transcript::{Contribution, Transcript, transcript_hash};
use crate::contribution::{Hash, IterationsLeft, Kind, Knowledge, Parameters, beacon_words, point_of};
use crate::error::FormatError;
use crate::zkey::{Header, Parts, Section, Zkey, append_points};

/// The most bytes of a contributor's name, as snarkjs has it.
pub const MAX_NAME_BYTES: usize = 64;
/// The most bytes of a beacon's value.
pub const MAX_BEACON_BYTES: usize = 255;
/// Separates this use of the hash from every other.
const ENTROPY_TAG: &[u8] = b"zkpov ceremony contribution";
/// Bytes drawn from the operating system for a secret.
const OS_ENTROPY_BYTES: usize = 64;
/// Points that are multiplied together.
const CHUNK: usize = 1 << 10;

/// A key with one contribution more than the one it was made from.
#[derive(Debug)]
pub struct Contributed<'a> {
    previous: Zkey<'a>,
    pub(super) header: Header,
    l: Vec<u8>,
    h: Vec<u8>,
    transcript: Transcript,
}

impl Contributed<'_> {
    /// The new contribution's hash, for its contributor to announce.
    pub fn hash(&self) -> Hash {
        self.transcript.contributions.last().map_or([0; 64], Contribution::hash)
    }

    /// How many contributions there are now.
    pub fn count(&self) -> usize {
        self.transcript.contributions.len()
    }

    /// Writes the `.zkey` file that the next contributor is given.
    ///
    /// # Errors
    /// What `out` answers.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        Parts {
            header: &self.header,
            ic: self.previous.section(Section::Ic),
            coefficients: self.previous.section(Section::Coefficients),
            a: self.previous.section(Section::A),
            b_g1: self.previous.section(Section::BG1),
            b_g2: self.previous.section(Section::BG2),
            l: &self.l,
            h: &self.h,
            ceremony: &self.transcript.encode(),
        }
        .write(out)
    }
}

/// Contributes a secret of the operating system's randomness and of the contributor's `entropy`; it is erased before this returns.
///
/// Either source alone makes the secret unpredictable. The key should have been verified before, and must be after.
///
/// # Errors
/// If the key has no ceremony or a point of it is none, or the name is too long.
pub fn contribute<'a>(
    key: &Zkey<'a>,
    name: Option<&str>,
    entropy: &[u8],
) -> Result<Contributed<'a>, CeremonyError> {
    let mut system = Zeroizing::new([0; OS_ENTROPY_BYTES]);
    OsRng.fill_bytes(&mut *system);
    let hasher = Blake2b512::new_with_prefix(ENTROPY_TAG).chain_update(*system).chain_update(entropy);
    let mut wide: [u8; 64] = hasher.finalize().into();
    let secret = Zeroizing::new(Fr::from_le_bytes_mod_order(&wide));
    wide.zeroize();
    let s = G1Affine::rand(&mut OsRng);
    apply(key, &secret, s, name, Kind::Contribution)
}

/// Contributes the secret that follows from a public value which nobody could know, or influence, before all others had contributed: a
/// block's hash, a lottery's draw. It is hashed 2^`log2_iterations` times, so that who learns it early has less time to act on it.
///
/// # Errors
/// As [`contribute`]; and if the value is empty or too long, or the iterations are out of range.
pub fn beacon<'a>(
    key: &Zkey<'a>,
    name: Option<&str>,
    value: &[u8],
    log2_iterations: u8,
) -> Result<Contributed<'a>, CeremonyError> {
    if value.is_empty() || value.len() > MAX_BEACON_BYTES {
        return Err(CeremonyError::BeaconLength { found: value.len() });
    }
    let mut left = IterationsLeft::of_transcript();
    let before = Transcript::parse(key.ceremony().ok_or(CeremonyError::NoCeremony)?)?;
    let others = before.contributions.iter().filter_map(|contribution| match contribution.kind() {
        Kind::Beacon { log2_iterations, .. } => Some(*log2_iterations),
        Kind::Contribution => None,
    });
    if !others.chain([log2_iterations]).all(|log2_iterations| left.take(log2_iterations)) {
        return Err(CeremonyError::Iterations { found: log2_iterations });
    }
    let (secret, s) =
        beacon_secret(value, log2_iterations).ok_or(CeremonyError::Iterations { found: log2_iterations })?;
    apply(key, &secret, s, name, Kind::Beacon { value: value.to_vec(), log2_iterations })
}

/// The secret and the point s of a beacon. `None` if the iterations are out of range.
pub(super) fn beacon_secret(value: &[u8], log2_iterations: u8) -> Option<(Fr, G1Affine)> {
    let mut words = beacon_words(value, log2_iterations)?;
    let secret = words.scalar();
    Some((secret, words.g1()))
}

fn apply<'a>(
    key: &Zkey<'a>,
    secret: &Fr,
    s: G1Affine,
    name: Option<&str>,
    kind: Kind,
) -> Result<Contributed<'a>, CeremonyError> {
    let name = name.filter(|name| !name.is_empty());
    if let Some(found) = name.map(str::len).filter(|length| *length > MAX_NAME_BYTES) {
        return Err(CeremonyError::NameLength { found });
    }
    let mut transcript = Transcript::parse(key.ceremony().ok_or(CeremonyError::NoCeremony)?)?;
    let inverse = Zeroizing::new(secret.inverse().ok_or(CeremonyError::ZeroSecret)?);
    let before = transcript.hasher();
    let mut hash = [0; 64];
    let proof = Knowledge::new(secret, s, |s, s_x| {
        hash = transcript_hash(&before, s, s_x);
        point_of(&hash)
    });
    let mut header = key.header().clone();
    header.delta_g1 = (header.delta_g1 * secret).into_affine();
    header.delta_g2 = (header.delta_g2 * secret).into_affine();
    let (l, h) = (multiply(key, Section::L, &inverse)?, multiply(key, Section::H, &inverse)?);
    let name = name.map(|name| name.as_bytes().to_vec());
    let contribution = Contribution {
        delta_after: header.delta_g1,
        proof,
        transcript: hash,
        parameters: Parameters { kind, name },
    };
    transcript.contributions.push(contribution);
    Ok(Contributed { previous: key.clone(), header, l, h, transcript })
}

/// A section's points times a scalar.
fn multiply(key: &Zkey<'_>, section: Section, scalar: &Fr) -> Result<Vec<u8>, FormatError> {
    let points = key.g1(section)?;
    let chunks: Vec<Vec<u8>> = points
        .par_chunks(CHUNK)
        .map(|points| {
            let products: Vec<_> = points
                .iter()
                .map(|point| if point.is_zero() { ark_bn254::G1Projective::zero() } else { *point * scalar })
                .collect();
            let mut bytes = Vec::new();
            append_points(&mut bytes, &ark_bn254::G1Projective::normalize_batch(&products));
            bytes
        })
        .collect();
    Ok(chunks.concat())
}
