//! What the contributions to both phases of a set-up share: how a secret came about, proofs that it is known, and the hashes over points.
//!
//! ```text
//!   parameters of a contribution:  kind u32: 0 contribution, 1 beacon │ length u32 │ then, ascending
//!     1 name: length u8, bytes     2 beacon's iterations, log2 u8     3 beacon: length u8, bytes
//! ```
//! A proof of knowledge of x is (s, s·x, p·x) with p a point that a hash of what stands before the contribution, of s and of s·x chooses:
//! p is not known before they are. Points enter a hash uncompressed: x then y, big-endian, of an element of Fq2 the coefficient of u
//! first.

use ark_bn254::{Bn254, Fr, G1Affine, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::One;
use blake2::{Blake2b512, Digest};
use rayon::prelude::*;
use sha2::Sha256;
use zkpov_prover::encoding::FIELD_BYTES;

use crate::bytes::{Cursor, big_endian};
use crate::error::FormatError;
use crate::random::{SEED_BYTES, Words};

/// The fewest iterations of a beacon, as a base-2 logarithm (snarkjs's bound).
pub const MIN_LOG2_ITERATIONS: u8 = 10;
/// The most iterations that all beacons of a transcript have together, as a base-2 logarithm: one to three minutes of SHA-256.
///
/// The delay is there so that whoever learns a beacon's value early, or could choose among several, knows what it leads to only when it is
/// too late. A relay chain's block is public and final within a minute, so that minutes are enough; and every verifier pays them again,
/// on the word of a file that nobody vouches for. snarkjs allows 2^63 each, which nobody could check.
pub const MAX_LOG2_ITERATIONS: u8 = 30;
/// Bytes of a hash of a transcript.
pub const HASH_BYTES: usize = 64;

const NAME: u8 = 1;
const ITERATIONS: u8 = 2;
const BEACON: u8 = 3;

/// A hash of a transcript.
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

/// What a contribution says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) kind: Kind,
    /// UTF-8 by convention.
    pub(crate) name: Option<Vec<u8>>,
}

impl Parameters {
    pub(crate) fn parse(cursor: &mut Cursor<'_>, what: &'static str) -> Result<Self, FormatError> {
        let kind = cursor.u32(what)?;
        let length = cursor.u32(what)?;
        let mut parameters = Cursor::new(cursor.take(length.into(), what)?);
        let (mut name, mut iterations, mut beacon) = (None, None, None);
        let mut last = 0;
        while !parameters.rest().is_empty() {
            let parameter = parameters.u8(what)?;
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
                    let length = parameters.u8(what)?;
                    let value = Some(parameters.take(length.into(), what)?.to_vec());
                    *(if parameter == NAME { &mut name } else { &mut beacon }) = value;
                }
                ITERATIONS => iterations = Some(parameters.u8(what)?),
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
        Ok(Self { kind, name })
    }

    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        let mut parameters = Vec::new();
        if let Some(name) = &self.name {
            parameters.extend_from_slice(&[NAME, name.len() as u8]);
            parameters.extend_from_slice(name);
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

    /// The name as text.
    pub(crate) fn display_name(&self) -> String {
        self.name.as_deref().map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default()
    }
}

/// How often the beacons of a transcript are still hashed.
#[derive(Debug)]
pub(crate) struct IterationsLeft(u64);

impl IterationsLeft {
    /// Of a transcript whose beacons have not been looked at.
    pub(crate) fn of_transcript() -> Self {
        Self(1 << MAX_LOG2_ITERATIONS)
    }

    /// Whether a beacon of 2^`log2_iterations` is within bounds, together with those before it.
    pub(crate) fn take(&mut self, log2_iterations: u8) -> bool {
        let left = (MIN_LOG2_ITERATIONS..=MAX_LOG2_ITERATIONS)
            .contains(&log2_iterations)
            .then(|| self.0.checked_sub(1 << log2_iterations))
            .flatten();
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// The pseudo-random words that follow from a beacon; what they are used for depends on the phase. `None` if the iterations are out of
/// range.
pub(crate) fn beacon_words(value: &[u8], log2_iterations: u8) -> Option<Words> {
    if !(MIN_LOG2_ITERATIONS..=MAX_LOG2_ITERATIONS).contains(&log2_iterations) {
        return None;
    }
    let mut hash: [u8; SEED_BYTES] = Sha256::digest(value).into();
    for _ in 1..1u64 << log2_iterations {
        hash = Sha256::digest(hash).into();
    }
    Some(Words::new(&hash))
}

/// A proof that somebody knew x, over a point p of G2 that was not known before s and s·x were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Knowledge {
    /// A random point.
    pub(crate) s: G1Affine,
    /// The same times the secret.
    pub(crate) s_x: G1Affine,
    /// p times the secret.
    pub(crate) p_x: G2Affine,
}

impl Knowledge {
    /// The proof for `secret`, over the point that `point` makes of s and s·x.
    pub(crate) fn new(
        secret: &Fr,
        s: G1Affine,
        point: impl FnOnce(&G1Affine, &G1Affine) -> G2Affine,
    ) -> Self {
        let s_x = (s * secret).into_affine();
        Self { s, s_x, p_x: (point(&s, &s_x) * secret).into_affine() }
    }

    /// Whether it holds over `p`.
    pub(crate) fn holds(&self, p: &G2Affine) -> bool {
        same_ratio((&self.s, &self.s_x), (p, &self.p_x))
    }
}

/// The point of G2 that a hash stands for, of which nobody knows the logarithm.
pub(crate) fn point_of(hash: &Hash) -> G2Affine {
    let mut seed = [0; SEED_BYTES];
    seed.iter_mut().zip(hash).for_each(|(out, byte)| *out = *byte);
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

/// A group whose points enter a hash.
pub(crate) trait Hashed: SWCurveConfig {
    /// Appends the bytes of a point; infinity is zeros.
    fn append(point: &Affine<Self>, bytes: &mut Vec<u8>);
}

impl Hashed for ark_bn254::g1::Config {
    fn append(point: &G1Affine, bytes: &mut Vec<u8>) {
        for coordinate in [point.x().unwrap_or_default(), point.y().unwrap_or_default()] {
            bytes.extend_from_slice(&big_endian(&coordinate));
        }
    }
}

impl Hashed for ark_bn254::g2::Config {
    fn append(point: &G2Affine, bytes: &mut Vec<u8>) {
        for coordinate in [point.x().unwrap_or_default(), point.y().unwrap_or_default()] {
            bytes.extend_from_slice(&big_endian(&coordinate.c1));
            bytes.extend_from_slice(&big_endian(&coordinate.c0));
        }
    }
}

/// Points whose bytes are made together.
const HASHED_AT_A_TIME: usize = 1 << 12;

/// Points as hashes take them, one after the other.
pub(crate) fn hashed_bytes<C: Hashed>(points: &[Affine<C>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(points.len() * 4 * FIELD_BYTES);
    points.iter().for_each(|point| C::append(point, &mut bytes));
    bytes
}

/// Adds points to a hash, their bytes made over all cores.
pub(crate) fn hash_points<C: Hashed>(hasher: &mut Blake2b512, points: &[Affine<C>]) {
    if points.len() <= HASHED_AT_A_TIME {
        return hasher.update(hashed_bytes(points));
    }
    let chunks: Vec<Vec<u8>> = points.par_chunks(HASHED_AT_A_TIME).map(hashed_bytes).collect();
    chunks.iter().for_each(|bytes| hasher.update(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beacons_of_a_transcript_are_bounded_together() {
        let mut left = IterationsLeft::of_transcript();
        assert!(
            !left.take(MIN_LOG2_ITERATIONS - 1) && !left.take(MAX_LOG2_ITERATIONS + 1) && !left.take(255)
        );
        assert!(left.take(MAX_LOG2_ITERATIONS - 1));
        assert!(!left.take(MAX_LOG2_ITERATIONS));
        assert!(left.take(MAX_LOG2_ITERATIONS - 1));
        assert!(!left.take(MIN_LOG2_ITERATIONS));
        assert!(beacon_words(b"x", MAX_LOG2_ITERATIONS + 1).is_none());
    }
}
