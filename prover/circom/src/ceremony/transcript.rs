//! The transcript of a ceremony: section 10 of a `.zkey`, and the hashes over it.
//!
//! ```text
//!   section 10:  circuit hash 64, number of contributions u32, then for each
//!     delta after it G1 │ s G1 │ s·x G1 │ p·x G2 │ transcript 64 │ kind and parameters: see the module `contribution`
//!
//!   x is the contributor's secret, s a random point, and p = hash to G2 of
//!   transcript_i = blake2b-512(circuit hash, key_0 … key_(i-1), s_i, s_i·x_i)      key = delta after, s, s·x, p·x, transcript
//! ```
//! (s, s·x) and (p, p·x) of one ratio is a proof that the contributor knew x, bound to everything before it: p cannot be known before the
//! transcript is.

use ark_bn254::G1Affine;
use blake2::{Blake2b512, Digest};
use zkpov_prover::encoding::{G1_BYTES, G2_BYTES};

use crate::bytes::Cursor;
use crate::contribution::{
    HASH_BYTES, Hash, Kind, Knowledge, MAX_LOG2_ITERATIONS, Parameters, hash_points, point_of, same_ratio,
};
use crate::error::FormatError;
use crate::zkey::{Zkey, append_points};

const WHAT: &str = "the ceremony";
/// Bytes of a contribution without parameters.
const LEAST_BYTES: u64 = (3 * G1_BYTES + G2_BYTES + HASH_BYTES + 8) as u64;

/// The public part of a contribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// delta when it had been made.
    pub delta_after: G1Affine,
    /// That the secret is known, over the transcript's point of G2.
    pub(crate) proof: Knowledge,
    /// Hash of everything before it, and of s and s·x.
    pub(crate) transcript: Hash,
    /// Kind and name.
    pub(crate) parameters: Parameters,
}

impl Contribution {
    /// The contribution's hash, which its contributor announces.
    pub fn hash(&self) -> Hash {
        let mut hasher = Blake2b512::new();
        self.add_to(&mut hasher);
        hasher.finalize().into()
    }

    /// How its secret came about.
    pub fn kind(&self) -> &Kind {
        &self.parameters.kind
    }

    /// What the contributor calls himself.
    pub fn display_name(&self) -> String {
        self.parameters.display_name()
    }

    /// Adds the contribution's public key to the hash of all of them.
    pub(crate) fn add_to(&self, hasher: &mut Blake2b512) {
        hash_points(hasher, &[self.delta_after, self.proof.s, self.proof.s_x]);
        hash_points(hasher, &[self.proof.p_x]);
        hasher.update(self.transcript);
    }

    fn parse(cursor: &mut Cursor<'_>) -> Result<Self, FormatError> {
        let delta_after = cursor.point("a contribution's delta")?;
        let proof = Knowledge {
            s: cursor.point("a contribution's s")?,
            s_x: cursor.point("a contribution's s·x")?,
            p_x: cursor.point("a contribution's p·x")?,
        };
        let mut transcript = [0; HASH_BYTES];
        transcript.copy_from_slice(cursor.take(HASH_BYTES as u64, WHAT)?);
        Ok(Self { delta_after, proof, transcript, parameters: Parameters::parse(cursor, WHAT)? })
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        append_points(bytes, &[self.delta_after, self.proof.s, self.proof.s_x]);
        append_points(bytes, &[self.proof.p_x]);
        bytes.extend_from_slice(&self.transcript);
        self.parameters.encode(bytes);
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
        let contributions = contributions?;
        cursor.end(WHAT, (bytes.len() - cursor.rest().len()) as u64)?;
        Ok(Self { circuit_hash, contributions })
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
    /// A beacon that is hashed too often, by itself or with those before it.
    #[error(
        "a beacon of 2^{log2_iterations} iterations; 2^10 to 2^{MAX_LOG2_ITERATIONS} are computed, of all beacons of a transcript \
         together"
    )]
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
    let Contribution { delta_after, proof, .. } = contribution;
    if transcript_hash(before, &proof.s, &proof.s_x) != contribution.transcript {
        return Err(ContributionError::Transcript);
    }
    let p = point_of(&contribution.transcript);
    if !proof.holds(&p) {
        return Err(ContributionError::ProofOfKnowledge);
    }
    if !same_ratio((delta_before, delta_after), (&p, &proof.p_x)) {
        return Err(ContributionError::Delta);
    }
    Ok(())
}

/// The hash that a contribution signs: of everything before it, then s and s·x.
pub(crate) fn transcript_hash(before: &Blake2b512, s: &G1Affine, s_x: &G1Affine) -> Hash {
    let mut hasher = before.clone();
    hash_points(&mut hasher, &[*s, *s_x]);
    hasher.finalize().into()
}
