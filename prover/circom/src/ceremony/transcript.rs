//! The transcript of a ceremony: section 10 of a `.zkey`, and the hashes over it.
//!
//! ```text
//!   section 10:  circuit hash 64, number of contributions u32, then for each
//!     delta after it G1 │ s G1 │ s·x G1 │ p·x G2 │ transcript 64 │ kind u32: 0 contribution, 1 beacon │ length u32 │ parameters
//!     parameters, ascending:  1 name: length u8, bytes   2 beacon's iterations, log2 u8   3 beacon: length u8, bytes
//!
//!   x is the contributor's secret, s a random point, and p = hash to G2 of
//!   transcript_i = blake2b-512(circuit hash, key_0 … key_(i-1), s_i, s_i·x_i)      key = delta after, s, s·x, p·x, transcript
//! ```
//! (s, s·x) and (p, p·x) of one ratio is a proof that the contributor knew x, bound to everything before it: p cannot be known before the
//! transcript is. Points enter a hash uncompressed: x then y, big-endian, of an element of Fq2 the coefficient of u first.

use ark_bn254::{Bn254, G1Affine, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::One;
use blake2::{Blake2b512, Digest};
use zkpov_prover::encoding::{G1_BYTES, G2_BYTES};

use super::random::Words;
use crate::bytes::{Cursor, big_endian};
use crate::error::FormatError;
use crate::zkey::{Zkey, append_points};

const WHAT: &str = "the ceremony";
/// Bytes of a hash of the transcript.
pub const HASH_BYTES: usize = 64;
/// Bytes of a contribution without parameters.
const LEAST_BYTES: u64 = (3 * G1_BYTES + G2_BYTES + HASH_BYTES + 8) as u64;
const NAME: u8 = 1;
const ITERATIONS: u8 = 2;
const BEACON: u8 = 3;

/// A hash of the transcript.
pub type Hash = [u8; HASH_BYTES];

/// How a contribution's secret came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Drawn by somebody, who erased it.
    Contribution,
    /// Everybody can compute it, from a value that nobody could know before.
    Beacon {
        /// The value, 1 to 255 bytes.
        value: Vec<u8>,
        /// Base-2 logarithm of how many times it is hashed with SHA-256.
        log2_iterations: u8,
    },
}

/// The public part of a contribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// delta when it had been made.
    pub delta_after: G1Affine,
    /// A random point.
    pub(crate) s: G1Affine,
    /// The same times the contribution's secret.
    pub(crate) s_x: G1Affine,
    /// The transcript's point of G2 times the secret.
    pub(crate) p_x: G2Affine,
    /// Hash of everything before it and of `s`, `s_x`.
    pub(crate) transcript: Hash,
    /// Where the secret came from.
    pub kind: Kind,
    /// What the contributor calls himself; UTF-8 by convention.
    pub name: Option<Vec<u8>>,
}

impl Contribution {
    /// The contribution's hash, which its contributor announces.
    pub fn hash(&self) -> Hash {
        let mut hasher = Blake2b512::new();
        self.add_to(&mut hasher);
        hasher.finalize().into()
    }

    /// The name as text.
    pub fn display_name(&self) -> String {
        self.name.as_deref().map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default()
    }

    /// Adds the contribution's public key to the hash of all of them.
    pub(crate) fn add_to(&self, hasher: &mut Blake2b512) {
        hash_g1(hasher, &[self.delta_after, self.s, self.s_x]);
        hash_g2(hasher, &[self.p_x]);
        hasher.update(self.transcript);
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, FormatError> {
        let delta_after = cursor.point("a contribution's delta")?;
        let s = cursor.point("a contribution's s")?;
        let s_x = cursor.point("a contribution's s·x")?;
        let p_x = cursor.point("a contribution's p·x")?;
        let mut transcript = [0; HASH_BYTES];
        transcript.copy_from_slice(cursor.take(HASH_BYTES as u64, WHAT)?);
        let kind = cursor.u32(WHAT)?;
        let length = cursor.u32(WHAT)?;
        let mut parameters = Cursor::new(cursor.take(length.into(), WHAT)?);
        let (mut name, mut iterations, mut beacon) = (None, None, None);
        let mut last = 0;
        while !parameters.rest().is_empty() {
            let parameter = parameters.u8(WHAT)?;
            let refused = |rule| FormatError::Value {
                what: "a contribution's parameter",
                found: parameter.into(),
                rule,
            };
            if parameter <= last {
                return Err(refused("not above the one before it"));
            }
            last = parameter;
            match parameter {
                NAME | BEACON => {
                    let length = parameters.u8(WHAT)?;
                    let value = Some(parameters.take(length.into(), WHAT)?.to_vec());
                    *(if parameter == NAME { &mut name } else { &mut beacon }) = value;
                }
                ITERATIONS => iterations = Some(parameters.u8(WHAT)?),
                _ => return Err(refused("not known")),
            }
        }
        let kind = match (kind, iterations, beacon) {
            (0, None, None) => Kind::Contribution,
            (1, Some(log2_iterations), Some(value)) => Kind::Beacon { value, log2_iterations },
            (found, ..) => {
                let rule = "not 0 (contribution, without a beacon) nor 1 (beacon, with value and iterations)";
                return Err(FormatError::Value { what: "a contribution's kind", found: found.into(), rule });
            }
        };
        Ok(Self { delta_after, s, s_x, p_x, transcript, kind, name })
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        append_points(bytes, &[self.delta_after, self.s, self.s_x]);
        append_points(bytes, &[self.p_x]);
        bytes.extend_from_slice(&self.transcript);
        let mut parameters = Vec::new();
        let mut put = |parameter, value: &[u8]| {
            parameters.extend_from_slice(&[parameter, value.len() as u8]);
            parameters.extend_from_slice(value);
        };
        if let Some(name) = &self.name {
            put(NAME, name);
        }
        let kind = match &self.kind {
            Kind::Contribution => 0u32,
            Kind::Beacon { value, log2_iterations } => {
                parameters.extend_from_slice(&[ITERATIONS, *log2_iterations, BEACON, value.len() as u8]);
                parameters.extend_from_slice(value);
                1
            }
        };
        bytes.extend_from_slice(&kind.to_le_bytes());
        bytes.extend_from_slice(&(parameters.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&parameters);
    }
}

/// What stands in section 10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// Hash of the key before anybody contributed: of circuit and powers of tau.
    pub circuit_hash: Hash,
    /// The contributions in their order.
    pub contributions: Vec<Contribution>,
}

impl Transcript {
    /// Reads section 10 of a `.zkey`.
    ///
    /// # Errors
    /// The first thing that is malformed. What the contributions prove is for [`check_contribution`] to say.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(bytes);
        let mut circuit_hash = [0; HASH_BYTES];
        circuit_hash.copy_from_slice(cursor.take(HASH_BYTES as u64, WHAT)?);
        let count = cursor.u32(WHAT)?;
        let needed = u64::from(count) * LEAST_BYTES;
        let left = cursor.rest().len() as u64;
        if needed > left {
            return Err(FormatError::Truncated { what: WHAT, needed, left });
        }
        let contributions: Result<Vec<_>, _> = (0..count).map(|_| Contribution::parse(&mut cursor)).collect();
        cursor.end(WHAT, (bytes.len() - cursor.rest().len()) as u64)?;
        Ok(Self { circuit_hash, contributions: contributions? })
    }

    /// The bytes of section 10.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.circuit_hash.to_vec();
        bytes.extend_from_slice(&(self.contributions.len() as u32).to_le_bytes());
        self.contributions.iter().for_each(|contribution| contribution.encode(&mut bytes));
        bytes
    }

    /// The hash of the circuit and of all contributions so far.
    pub(crate) fn hasher(&self) -> Blake2b512 {
        let mut hasher = Blake2b512::new_with_prefix(self.circuit_hash);
        self.contributions.iter().for_each(|contribution| contribution.add_to(&mut hasher));
        hasher
    }
}

/// The transcript that stands in a key; what it proves is for [`verify`](super::verify) to say. `None` in keys of the time before
/// ceremonies.
///
/// # Errors
/// If it is malformed.
pub fn transcript(key: &Zkey<'_>) -> Result<Option<Transcript>, FormatError> {
    key.ceremony().map(Transcript::parse).transpose()
}

/// What is wrong with a contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContributionError {
    /// It was made after other contributions, or for another circuit, than stand before it.
    #[error(
        "its transcript is not that of what stands before it: a contribution was dropped, added, moved or changed"
    )]
    Transcript,
    /// The contributor does not show to know the secret.
    #[error("its proof of knowledge does not hold")]
    ProofOfKnowledge,
    /// delta was multiplied by something else.
    #[error("it did not multiply delta by the secret that it proves to know")]
    Delta,
    /// The beacon's value gives another secret.
    #[error("its secret is not the one that the beacon's value gives")]
    Beacon,
    /// Hashing a beacon this often takes longer than the age of its value can excuse.
    #[error("a beacon of 2^{0} iterations; 2^10 to 2^{1} are computed", .log2_iterations, super::MAX_LOG2_ITERATIONS)]
    Iterations {
        /// What it states.
        log2_iterations: u8,
    },
}

/// Checks a contribution that follows on `before` (the hash of all that stands before it) and on the value `delta_before`.
pub(crate) fn check_contribution(
    before: &Blake2b512,
    delta_before: &G1Affine,
    contribution: &Contribution,
) -> Result<(), ContributionError> {
    let Contribution { delta_after, s, s_x, p_x, .. } = contribution;
    if transcript_hash(before, s, s_x) != contribution.transcript {
        return Err(ContributionError::Transcript);
    }
    let p = point_of(&contribution.transcript);
    if !same_ratio((s, s_x), (&p, p_x)) {
        return Err(ContributionError::ProofOfKnowledge);
    }
    if !same_ratio((delta_before, delta_after), (&p, p_x)) {
        return Err(ContributionError::Delta);
    }
    Ok(())
}

/// The hash that a contribution signs: of everything before it, then s and s·x.
pub(crate) fn transcript_hash(before: &Blake2b512, s: &G1Affine, s_x: &G1Affine) -> Hash {
    let mut hasher = before.clone();
    hash_g1(&mut hasher, &[*s, *s_x]);
    hasher.finalize().into()
}

/// The point of G2 that a transcript hash stands for, of which nobody knows the logarithm.
pub(crate) fn point_of(transcript: &Hash) -> G2Affine {
    let mut seed = [0; super::random::SEED_BYTES];
    seed.iter_mut().zip(transcript).for_each(|(out, byte)| *out = *byte);
    Words::new(&seed).g2()
}

/// Whether p.1 is to p.0 as q.1 to q.0; never if one of them is infinity.
pub(crate) fn same_ratio(p: (&G1Affine, &G1Affine), q: (&G2Affine, &G2Affine)) -> bool {
    if p.0.is_zero() || p.1.is_zero() || q.0.is_zero() || q.1.is_zero() {
        return false;
    }
    let minus = (-p.1.into_group()).into_affine();
    Bn254::multi_pairing([*p.0, minus], [*q.1, *q.0]).0.is_one()
}

/// Adds points to a hash. Infinity is zeros.
pub(crate) fn hash_g1(hasher: &mut Blake2b512, points: &[G1Affine]) {
    for point in points {
        for coordinate in [point.x().unwrap_or_default(), point.y().unwrap_or_default()] {
            hasher.update(big_endian(&coordinate));
        }
    }
}

/// Adds points to a hash. Infinity is zeros.
pub(crate) fn hash_g2(hasher: &mut Blake2b512, points: &[G2Affine]) {
    for point in points {
        for coordinate in [point.x().unwrap_or_default(), point.y().unwrap_or_default()] {
            hasher.update(big_endian(&coordinate.c1));
            hasher.update(big_endian(&coordinate.c0));
        }
    }
}
