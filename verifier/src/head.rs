//! Head data: a Substrate header, so that tools which read headers read ours.
//!
//! ```text
//!   parent_hash 32 │ number compact │ state_root 32 │ extrinsics_root 32 │ digest
//!                                                                          │
//!        04 (one item) │ 06 (PreRuntime) │ "zkpv" │ compact length │ ◄─────┘
//!            author u32 │ tier u8 │ relay_parent_number u32 │ mqc.downward 32 │ mqc.horizontal [(u32, 32)]
//! ```
//!
//! The verifier *builds* the head of a block from what it checked; it never takes one from the
//! proven block. A block's identity is its head's hash and never the bytes of its proof, which
//! anyone can re-randomise.

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use codec::{Compact, Encode};

use crate::field;
use crate::hashing::{Hash, blake2b_256};
use crate::lane::TierId;
use crate::scale::{DecodeCause, DecodeError, Read, Reader};

/// Most HRMP channels into one parachain (polkadot's `HRMP_MAX_INBOUND_CHANNELS_BOUND`).
pub const MAX_CHANNELS: usize = 128;

/// Engine id of the only digest item.
pub const ENGINE_ID: [u8; 4] = *b"zkpv";

/// Bytes of a [`MqcHeads`] without channels, with its list's length.
const FIXED_DIGEST_BYTES: usize = 4 + 1 + 4 + 32 + 2;

/// Bytes of the digest's compact length, at its longest.
const DIGEST_LENGTH_BYTES: usize = 2;

/// Bytes of a channel in a head.
const CHANNEL_BYTES: usize = 4 + 32;

/// Longest encoded head: every field at its longest.
pub const MAX_HEAD_BYTES: usize = 32
    + 5
    + 32
    + 32
    + 1
    + 1
    + ENGINE_ID.len()
    + DIGEST_LENGTH_BYTES
    + FIXED_DIGEST_BYTES
    + MAX_CHANNELS * CHANNEL_BYTES;

/// SCALE length prefix of the digest: exactly one item.
const ONE_ITEM: u8 = 1 << 2;

/// SCALE index of `DigestItem::PreRuntime`.
const PRE_RUNTIME: u8 = 6;

/// The head of a block: what the relay chain stores of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// blake2b-256 of the parent's head; zeros in a genesis head.
    pub parent_hash: Hash,
    /// Block number; 0 is genesis.
    pub number: u32,
    /// Root of the state after the block.
    pub state_root: Fr,
    /// Root of the block's body; zero in a genesis head.
    pub extrinsics_root: Fr,
    /// What the chain keeps in its head beside the roots.
    pub digest: HeadDigest,
}

/// The content of a head's only digest item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeadDigest {
    /// Account index of the block's author.
    pub author: u32,
    /// Tier whose circuit proved the block.
    pub tier: TierId,
    /// Number of the relay block the block was validated against.
    pub relay_parent_number: u32,
    /// How far the chain has read its messages.
    pub mqc: MqcHeads,
}

/// Heads of the message queue chains (MQC) up to which the chain has processed its messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode)]
pub struct MqcHeads {
    /// Downward messages, from the relay chain.
    pub downward: Hash,
    /// Horizontal messages: sender's para id and head, strictly ascending by sender, at most
    /// [`MAX_CHANNELS`].
    pub horizontal: Vec<(u32, Hash)>,
}

/// What a block takes from its parent's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParentHead {
    /// blake2b-256 of the parent's head.
    pub hash: Hash,
    /// The parent's number.
    pub number: u32,
    /// State root after the parent.
    pub state_root: Fr,
}

impl ParentHead {
    /// The number of a child; `None` when the parent has the largest there is.
    pub fn child_number(&self) -> Option<u32> {
        self.number.checked_add(1)
    }
}

impl Head {
    /// The head of a chain that begins in the state of root `state_root`.
    pub fn genesis(state_root: Fr) -> Self {
        Self {
            parent_hash: Hash::default(),
            number: 0,
            state_root,
            extrinsics_root: Fr::ZERO,
            digest: HeadDigest::default(),
        }
    }

    /// The SCALE bytes of a Substrate header.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(MAX_HEAD_BYTES - MAX_CHANNELS * CHANNEL_BYTES);
        out.extend(self.parent_hash);
        Compact(self.number).encode_to(&mut out);
        out.extend(field::encode(&self.state_root));
        out.extend(field::encode(&self.extrinsics_root));
        out.extend([ONE_ITEM, PRE_RUNTIME]);
        out.extend(ENGINE_ID);
        self.digest.encode().encode_to(&mut out);
        out
    }

    /// blake2b-256 of the encoding: the block's identity.
    pub fn hash(&self) -> Hash {
        blake2b_256(&self.encode())
    }

    /// What a child takes from this head.
    pub fn as_parent(&self) -> ParentHead {
        ParentHead { hash: self.hash(), number: self.number, state_root: self.state_root }
    }

    /// Reads a head.
    ///
    /// # Errors
    ///
    /// Bytes that are not exactly one head in its only encoding: truncated, followed by more, a
    /// number not in its shortest compact form, roots that are not field elements, a digest that
    /// is anything but the one item above, channels that do not ascend.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("head", bytes, MAX_HEAD_BYTES)?;
        let parent_hash = reader.array("head parent hash")?;
        let number = reader.compact_u32("head number")?;
        let state_root = reader.field("head state root")?;
        let extrinsics_root = reader.field("head extrinsics root")?;
        reader.literal("head digest items", &[ONE_ITEM])?;
        reader.literal("head digest item kind", &[PRE_RUNTIME])?;
        reader.literal("head digest engine", &ENGINE_ID)?;
        let length = reader.count("head digest length", 0, MAX_HEAD_BYTES)?;
        let start = reader.offset();
        let digest = HeadDigest::read(&mut reader)?;
        let read = reader.offset().saturating_sub(start);
        if read != length {
            let cause = DecodeCause::Fixed;
            return Err(DecodeError { what: "head digest length", offset: start, cause });
        }
        reader.finish("head")?;
        Ok(Self { parent_hash, number, state_root, extrinsics_root, digest })
    }
}

impl HeadDigest {
    fn encode(&self) -> Vec<u8> {
        (self.author, self.tier, self.relay_parent_number, &self.mqc).encode()
    }

    fn read(reader: &mut Reader<'_>) -> Read<Self> {
        Ok(Self {
            author: reader.u32("head author")?,
            tier: TierId(reader.u8("head tier")?),
            relay_parent_number: reader.u32("head relay parent number")?,
            mqc: MqcHeads::read(reader)?,
        })
    }
}

impl MqcHeads {
    fn read(reader: &mut Reader<'_>) -> Read<Self> {
        let downward = reader.array("head downward MQC")?;
        let channel = |reader: &mut Reader<'_>| {
            Ok((reader.u32("head channel sender")?, reader.array("head channel MQC")?))
        };
        let horizontal =
            reader.ascending("head horizontal MQCs", MAX_CHANNELS, channel, |(sender, _)| *sender)?;
        Ok(Self { downward, horizontal })
    }
}
