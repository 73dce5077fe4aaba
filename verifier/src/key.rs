//! The validity key: what a parachain registers as its validation code.
//!
//! ```text
//!   "ZKPOVKEY" │ 1 │ chain identity │ block format │ tiers, ascending
//!                                                    ├ tier, lanes, body limit
//!                                                    ├ proof system, circuit digest
//!                                                    ├ verifying key
//!                                                    └ set-up: Dev, or the ceremony's transcript
//! ```
//!
//! Its blake2b-256 is the relay chain's `ValidationCodeHash`, so registration, pre-checking and
//! upgrades of the relay chain work on it as they are. Pre-checking a key is [`PreparedKey::decode`].

use alloc::vec::Vec;

use codec::Encode;
use thiserror::Error;

use crate::body::{MAX_BODY_ELEMENTS, full_bytes, full_elements};
use crate::groth16::{
    LINES_BYTES, PREPARED_BYTES, PROOF_BYTES, PreparedError, PreparedVerifyingKey, VERIFYING_KEY_BYTES,
    VerifyingKey, VerifyingKeyError, read_gamma, write_gamma,
};
use crate::hashing::{Hash, blake2b_256};
use crate::lane::{
    Lane, MAX_ELEMENT_BYTES, MAX_LANE_CAPACITY, MAX_LANES, MAX_SLOT_ELEMENTS, TierId, in_range,
};
use crate::message::MessageFormat;
use crate::scale::{DecodeCause, DecodeError, MAGIC_BYTES, Read, Reader};
use crate::statement::ChainIdentity;

pub use crate::body::BodyFormat;

/// First bytes of a validity key.
pub const KEY_MAGIC: &[u8; MAGIC_BYTES] = b"ZKPOVKEY";

/// Version of the key's format.
pub const KEY_VERSION: u8 = 1;

/// Most tiers of a chain.
pub const MAX_TIERS: usize = 16;

/// Longest body any tier may allow, in bytes: a full body of the widest elements.
pub const MAX_BODY_BYTES: u32 = MAX_BODY_ELEMENTS as u32 * MAX_ELEMENT_BYTES as u32;

/// Longest validity key in bytes. A key of [`MAX_TIERS`] tiers with [`MAX_LANES`] lanes of
/// [`MAX_SLOT_ELEMENTS`] widths stays below it.
pub const MAX_KEY_BYTES: usize = 64 * 1024;

/// Longest [`PreparedKey::encode_prepared`], in bytes.
pub const MAX_PREPARED_BYTES: usize = LINES_BYTES + MAX_TIERS * PREPARED_BYTES;

/// Bit of a key's block format: bodies are encrypted.
const PRIVATE_BODIES: u8 = 1 << 0;

/// Bit of a key's block format: messages carry transfers.
const TRANSFERS: u8 = 1 << 1;

const PRIVATE_TRANSFERS: u8 = PRIVATE_BODIES | TRANSFERS;

/// Smallest tier: one constraint has a domain of two points.
const MIN_TIER: u8 = 1;

/// The argument system of a tier's proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode)]
pub enum ProofSystem {
    /// Groth16 over BN254 ([`crate::groth16`]).
    #[codec(index = 0)]
    Groth16Bn254,
}

impl ProofSystem {
    /// Length of a proof in bytes.
    pub fn proof_bytes(self) -> usize {
        match self {
            Self::Groth16Bn254 => PROOF_BYTES,
        }
    }
}

/// Where a tier's verifying key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode)]
pub enum Setup {
    /// One party made it for development, and can forge.
    #[codec(index = 0)]
    Dev,
    /// A ceremony, of this transcript hash.
    #[codec(index = 1)]
    Ceremony(Hash),
}

/// One tier of a validity key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierKey {
    /// The tier.
    pub tier: TierId,
    /// Its lanes, 1 to [`MAX_LANES`].
    pub lanes: Vec<Lane>,
    /// Longest body in bytes; no shorter than a full body of the lanes, no longer than
    /// [`MAX_BODY_BYTES`].
    pub body_limit: u32,
    /// The argument system of its proofs.
    pub proof_system: ProofSystem,
    /// Digest of the circuit's matrices.
    pub circuit_digest: Hash,
    /// The verifying key.
    pub verifying_key: VerifyingKey,
    /// Where the verifying key comes from.
    pub setup: Setup,
}

/// A parachain's validity key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidityKey {
    /// The chain and its version.
    pub chain: ChainIdentity,
    /// Who can read the bodies.
    pub body_format: BodyFormat,
    /// What the chain makes of messages.
    pub messages: MessageFormat,
    /// 1 to [`MAX_TIERS`] tiers, strictly ascending.
    pub tiers: Vec<TierKey>,
}

/// Why bytes, or a value, are no validity key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not the encoding of a key.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A number is outside its limits (in a value built by hand).
    #[error("{what} of tier {tier}: {value} is not allowed")]
    Limit {
        /// The number.
        what: &'static str,
        /// The tier it belongs to.
        tier: TierId,
        /// Its value.
        value: usize,
    },
    /// The tiers are none, too many, or not strictly ascending.
    #[error("a key has 1 to {MAX_TIERS} tiers, strictly ascending")]
    Tiers,
    /// The slots of a tier are more than a validator should have to hash.
    #[error("a full body of tier {0} has more than {MAX_BODY_ELEMENTS} elements")]
    TooManyElements(TierId),
    /// A full body does not fit the tier's own limit.
    #[error("a full body of tier {tier} takes {full} bytes, its limit is {limit}")]
    BodyLimit {
        /// The tier.
        tier: TierId,
        /// Bytes of a full body.
        full: usize,
        /// The limit.
        limit: u32,
    },
    /// A tier's verifying key.
    #[error("verifying key of tier {tier}: {cause}")]
    VerifyingKey {
        /// The tier.
        tier: TierId,
        /// What is wrong with it.
        cause: VerifyingKeyError,
    },
    /// The bytes beside a key are not what was computed of it.
    #[error("prepared key: {0}")]
    Prepared(#[from] PreparedError),
    /// A tier's key comes from a development set-up, and the policy refuses those.
    #[error("tier {0} has a development set-up, whose maker can forge: it is refused by default")]
    DevSetup(TierId),
}

impl ValidityKey {
    /// The bytes a parachain registers.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(KEY_MAGIC);
        out.push(KEY_VERSION);
        self.chain.encode_to(&mut out);
        out.push(self.block_format());
        codec::Compact(self.tiers.len() as u32).encode_to(&mut out);
        for tier in &self.tiers {
            tier.tier.encode_to(&mut out);
            tier.lanes.encode_to(&mut out);
            tier.body_limit.encode_to(&mut out);
            tier.proof_system.encode_to(&mut out);
            out.extend(tier.circuit_digest);
            out.extend(tier.verifying_key.encode());
            tier.setup.encode_to(&mut out);
        }
        out
    }

    fn block_format(&self) -> u8 {
        let bodies = if self.body_format == BodyFormat::Private { PRIVATE_BODIES } else { 0 };
        let messages = if self.messages == MessageFormat::Transfers { TRANSFERS } else { 0 };
        bodies | messages
    }

    /// blake2b-256 of the bytes: the relay chain's `ValidationCodeHash`.
    pub fn code_hash(&self) -> Hash {
        blake2b_256(&self.encode())
    }

    /// Whether `bytes` begin as a validity key does. Anything else is for the wasm executor.
    pub fn is_validity_key(bytes: &[u8]) -> bool {
        bytes.starts_with(KEY_MAGIC)
    }

    /// The tier of this id.
    pub fn tier(&self, id: TierId) -> Option<&TierKey> {
        self.tiers.iter().find(|tier| tier.tier == id)
    }

    /// Reads a key and checks its points, shape and limits.
    ///
    /// # Errors
    ///
    /// Bytes that are not exactly one key in its only encoding, and everything [`Self::check`]
    /// refuses.
    pub fn decode(bytes: &[u8]) -> Result<Self, KeyError> {
        Self::decode_with(bytes, |tier, points| {
            VerifyingKey::decode(points).map_err(|cause| KeyError::VerifyingKey { tier, cause })
        })
    }

    /// Reads a key and checks shape and limits; `points_of` reads a tier's points.
    fn decode_with(
        bytes: &[u8],
        mut points_of: impl FnMut(TierId, &[u8; VERIFYING_KEY_BYTES]) -> Result<VerifyingKey, KeyError>,
    ) -> Result<Self, KeyError> {
        let mut reader = Reader::new("validity key", bytes, MAX_KEY_BYTES)?;
        reader.preamble(KEY_MAGIC, KEY_VERSION)?;
        let chain = ChainIdentity {
            para_id: reader.u32("para id")?,
            genesis_hash: reader.array("genesis hash")?,
            runtime_version: reader.u32("runtime version")?,
            transaction_version: reader.u32("transaction version")?,
        };
        let (body_format, messages) = variant(&mut reader, "block format", |bits| match bits {
            0 => Some((BodyFormat::Public, MessageFormat::Dropped)),
            PRIVATE_BODIES => Some((BodyFormat::Private, MessageFormat::Dropped)),
            TRANSFERS => Some((BodyFormat::Public, MessageFormat::Transfers)),
            PRIVATE_TRANSFERS => Some((BodyFormat::Private, MessageFormat::Transfers)),
            _ => None,
        })?;
        let count = reader.count("tiers", 1, MAX_TIERS)?;
        let tiers =
            (0..count).map(|_| TierKey::read(&mut reader, &mut points_of)).collect::<Result<_, _>>()?;
        reader.finish("validity key")?;
        let key = Self { chain, body_format, messages, tiers };
        key.check()?;
        Ok(key)
    }

    /// Checks shape and limits. (Points are checked by [`VerifyingKey`] itself.)
    ///
    /// # Errors
    ///
    /// Tiers out of order, lanes or limits out of range, a full body that is too large.
    pub fn check(&self) -> Result<(), KeyError> {
        let ascending = self.tiers.is_sorted_by(|a, b| a.tier < b.tier);
        if self.tiers.is_empty() || self.tiers.len() > MAX_TIERS || !ascending {
            return Err(KeyError::Tiers);
        }
        self.tiers.iter().try_for_each(|tier| tier.check(self.body_format))
    }
}

impl TierKey {
    fn read(
        reader: &mut Reader<'_>,
        points_of: &mut impl FnMut(TierId, &[u8; VERIFYING_KEY_BYTES]) -> Result<VerifyingKey, KeyError>,
    ) -> Result<Self, KeyError> {
        let offset = reader.offset();
        let tier = TierId(reader.u8("tier")?);
        in_range("tier", offset, tier.0, MIN_TIER, TierId::MAX.0)?;
        let lanes = reader.list_of("lanes", 1, MAX_LANES, Lane::read)?;
        let body_limit = reader.u32("body limit")?;
        let proof_system = variant(reader, "proof system", |index| match index {
            0 => Some(ProofSystem::Groth16Bn254),
            _ => None,
        })?;
        let circuit_digest = reader.array("circuit digest")?;
        let points = reader.array::<VERIFYING_KEY_BYTES>("verifying key")?;
        let verifying_key = points_of(tier, &points)?;
        let offset = reader.offset();
        let setup = match reader.u8("set-up")? {
            0 => Setup::Dev,
            1 => Setup::Ceremony(reader.array("ceremony transcript hash")?),
            other => {
                let cause = DecodeCause::Variant(other);
                return Err(DecodeError { what: "set-up", offset, cause }.into());
            }
        };
        Ok(Self { tier, lanes, body_limit, proof_system, circuit_digest, verifying_key, setup })
    }

    fn check(&self, format: BodyFormat) -> Result<(), KeyError> {
        let tier = self.tier;
        let limit = |what, value: usize, range: core::ops::RangeInclusive<usize>| {
            if range.contains(&value) { Ok(()) } else { Err(KeyError::Limit { what, tier, value }) }
        };
        limit("number", tier.0.into(), MIN_TIER.into()..=TierId::MAX.0.into())?;
        limit("lane count", self.lanes.len(), 1..=MAX_LANES)?;
        for lane in &self.lanes {
            limit("lane capacity", lane.capacity as usize, 0..=MAX_LANE_CAPACITY as usize)?;
            limit("slot element count", lane.element_bytes.len(), 0..=MAX_SLOT_ELEMENTS)?;
            for &width in &lane.element_bytes {
                limit("body element width", width.into(), 1..=MAX_ELEMENT_BYTES.into())?;
            }
        }
        limit("body limit", self.body_limit as usize, 0..=MAX_BODY_BYTES as usize)?;
        if full_elements(format, &self.lanes).is_none_or(|count| count > MAX_BODY_ELEMENTS) {
            return Err(KeyError::TooManyElements(tier));
        }
        let full = full_bytes(format, &self.lanes).ok_or(KeyError::TooManyElements(tier))?;
        if full > self.body_limit as usize {
            return Err(KeyError::BodyLimit { tier, full, limit: self.body_limit });
        }
        Ok(())
    }
}

fn variant<T>(reader: &mut Reader<'_>, what: &'static str, meaning: impl FnOnce(u8) -> Option<T>) -> Read<T> {
    let offset = reader.offset();
    let index = reader.u8(what)?;
    meaning(index).ok_or(DecodeError { what, offset, cause: DecodeCause::Variant(index) })
}

/// Which keys a node accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyPolicy {
    /// Accept [`Setup::Dev`], whose maker can forge. For tests and local chains.
    pub allow_dev_setup: bool,
}

/// A validity key that was checked, with what its pairings need computed. Made once per key and
/// kept.
#[derive(Clone, Debug)]
pub struct PreparedKey {
    key: ValidityKey,
    code_hash: Hash,
    verifying_keys: Vec<PreparedVerifyingKey>,
}

impl PreparedKey {
    /// Reads, checks and prepares the bytes a parachain registered. This is also what
    /// pre-checking a key means.
    ///
    /// # Errors
    ///
    /// As [`ValidityKey::decode`], and a development set-up unless `policy` allows it.
    pub fn decode(bytes: &[u8], policy: KeyPolicy) -> Result<Self, KeyError> {
        Self::new(ValidityKey::decode(bytes)?, policy)
    }

    /// Checks and prepares a key.
    ///
    /// # Errors
    ///
    /// As [`ValidityKey::check`], and a development set-up unless `policy` allows it.
    pub fn new(key: ValidityKey, policy: KeyPolicy) -> Result<Self, KeyError> {
        key.check()?;
        let dev = key.tiers.iter().find(|tier| tier.setup == Setup::Dev);
        if let (Some(tier), false) = (dev, policy.allow_dev_setup) {
            return Err(KeyError::DevSetup(tier.tier));
        }
        let verifying_keys = key.tiers.iter().map(|tier| (&tier.verifying_key).into()).collect();
        Ok(Self { code_hash: key.code_hash(), key, verifying_keys })
    }

    /// What was computed of the key, as bytes for [`Self::decode_prepared`].
    pub fn encode_prepared(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(LINES_BYTES + self.verifying_keys.len() * PREPARED_BYTES);
        write_gamma(&mut out);
        for (tier, prepared) in self.key.tiers.iter().zip(&self.verifying_keys) {
            prepared.write(&tier.verifying_key, &mut out);
        }
        out
    }

    /// The key `bytes` with what [`Self::encode_prepared`] gave for it: no point is decompressed, no pairing computed.
    /// Shape and limits of the key are checked as in [`Self::decode`], and every set-up is accepted.
    ///
    /// `prepared` is **trusted**: with other lines or another pairing, false proofs pass. It is for a verifier into whose
    /// code both were built by someone who computed them, and whose code is known by its hash. To check such bytes is to
    /// compute them again.
    ///
    /// # Errors
    ///
    /// As [`ValidityKey::decode`] but for the points' subgroups, and bytes that cannot be what was computed of this key.
    pub fn decode_prepared(bytes: &[u8], prepared: &[u8]) -> Result<Self, KeyError> {
        let length = PreparedError::Length(prepared.len());
        let (gamma, mut rest) = prepared.split_first_chunk::<LINES_BYTES>().ok_or(length)?;
        let gamma = read_gamma(gamma)?;
        let mut verifying_keys = Vec::new();
        let key = ValidityKey::decode_with(bytes, |_, points| {
            let (tier, others) = rest.split_first_chunk::<PREPARED_BYTES>().ok_or(length)?;
            rest = others;
            let (key, prepared) = PreparedVerifyingKey::read(tier, points, &gamma)?;
            verifying_keys.push(prepared);
            Ok(key)
        })?;
        if !rest.is_empty() {
            return Err(length.into());
        }
        Ok(Self { code_hash: blake2b_256(bytes), key, verifying_keys })
    }

    /// The key.
    pub fn key(&self) -> &ValidityKey {
        &self.key
    }

    /// blake2b-256 of the key's bytes: the relay chain's `ValidationCodeHash`.
    pub fn code_hash(&self) -> Hash {
        self.code_hash
    }

    /// A tier's key, and its verifying key prepared.
    pub fn tier(&self, id: TierId) -> Option<(&TierKey, &PreparedVerifyingKey)> {
        self.key.tiers.iter().zip(&self.verifying_keys).find(|(tier, _)| tier.tier == id)
    }
}
