//! The proven block: the block data of a candidate's PoV.
//!
//! ```text
//!   "ZKPOVPOV" │ 1 │ proven ─────────────── what the statement covers, and its proof
//!                  │ scheduled ──────────── what depends on when and where it is submitted
//!                  └ signature 96 ───────── the author's, over parent, statement and scheduled
//! ```
//!
//! A proof takes longer than a relay block. So a missed slot costs a new signature over a new
//! scheduled part, and not a new proof.

use alloc::vec::Vec;

use ark_bn254::Fr;
use codec::Encode;
use thiserror::Error;

use crate::body::{BodyError, BodyFormat, BodyLayout};
use crate::eddsa::{PublicKey, Signature};
use crate::exchange::{Exchange, ExchangeError, Intake};
use crate::field;
use crate::hashing::{Hash, blake2b_256};
use crate::head::{Head, HeadDigest, MqcHeads, ParentHead};
use crate::lane::{Lane, MAX_LANES, TierId};
use crate::message::{Inbound, MessageFormat, Outbound};
use crate::relay::RelayContext;
use crate::scale::{DecodeError, MAGIC_BYTES, Read, Reader};
use crate::statement::{ChainIdentity, Statement, context};

/// First bytes of a proven block.
pub const BLOCK_MAGIC: &[u8; MAGIC_BYTES] = b"ZKPOVPOV";

/// Version of the proven block's format.
pub const BLOCK_VERSION: u8 = 1;

/// Longest proven block in bytes: the relay chain's limit on a PoV (polkadot's `MAX_POV_SIZE`).
pub const MAX_POV: usize = 10 * 1024 * 1024;

/// Most nodes of a relay storage proof.
pub const MAX_STORAGE_PROOF_NODES: usize = 1 << 14;

/// Longest validation code of an upgrade in bytes (polkadot's `MAX_CODE_SIZE`).
pub const MAX_CODE_BYTES: usize = 5 * 1024 * 1024;

/// Longest proof of any argument system in bytes; a tier's own system fixes the exact length.
pub const MAX_PROOF_BYTES: usize = 64 * 1024;

/// Most UMP signals of a candidate.
pub const MAX_UMP_SIGNALS: usize = 8;

/// Longest UMP signal in bytes.
pub const MAX_UMP_SIGNAL_BYTES: usize = 1024;

/// A block, its proof and its author's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenBlock {
    /// What the proof covers, with the proof.
    pub proven: Proven,
    /// What is chosen when the block is submitted.
    pub scheduled: Scheduled,
    /// The author's signature over [`crate::statement::author_message`].
    pub signature: Signature,
}

/// The part of a block that its proof covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Tier whose circuit proves the block.
    pub tier: TierId,
    /// Used slots of each of the tier's lanes.
    pub used_slots: Vec<u32>,
    /// State root after the block.
    pub state_root: Fr,
    /// Account index of the author.
    pub author: u32,
    /// Public key of the author.
    pub author_key: PublicKey,
    /// The body ([`crate::body`]).
    pub body: Vec<u8>,
    /// Trie nodes that prove values under the relay parent's storage root.
    pub storage_proof: Vec<Vec<u8>>,
    /// Messages the block takes.
    pub inbound: Inbound,
    /// Messages the block sends.
    pub outbound: Outbound,
    /// New validation code, if the block upgrades the chain.
    pub upgrade: Option<Vec<u8>>,
    /// The proof, in the encoding of the tier's proof system.
    pub proof: Vec<u8>,
}

/// The part of a block that depends on when and where it is submitted. The author's signature
/// covers it, the proof does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode)]
pub struct Scheduled {
    /// UMP signals, each as its bytes.
    pub ump_signals: Vec<Vec<u8>>,
}

impl Scheduled {
    /// blake2b-256 of the SCALE bytes.
    pub fn hash(&self) -> Hash {
        blake2b_256(&self.encode())
    }
}

/// Why a block has no statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StatementError {
    /// Used slots or body do not fit the tier.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The parent's number is the last there is.
    #[error("the parent's number is the largest a block can have")]
    LastNumber,
}

impl Proven {
    /// What this block on `parent` takes and sends, authenticated under the relay parent's storage root.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`].
    pub fn exchange(
        &self,
        chain: &ChainIdentity,
        format: MessageFormat,
        parent: &Head,
        relay: &RelayContext,
    ) -> Result<Exchange, ExchangeError> {
        Intake::new(chain.para_id, format, parent, relay, &self.storage_proof, &self.inbound)?.complete(
            chain.para_id,
            format,
            &self.outbound,
            self.upgrade.as_deref(),
        )
    }

    /// The statement this block's proof must prove, on this parent and relay parent, for this
    /// chain, its body format, the lanes of the block's tier and the block's [`exchange`](Self::exchange). Neither proof nor
    /// signature enters it.
    ///
    /// # Errors
    ///
    /// A body that does not fit the tier's lanes, a parent with the largest number.
    pub fn statement(
        &self,
        chain: &ChainIdentity,
        parent: &ParentHead,
        relay: &RelayContext,
        format: BodyFormat,
        lanes: &[Lane],
        exchange: &Exchange,
    ) -> Result<Statement, StatementError> {
        let layout = BodyLayout::new(format, self.tier, lanes, &self.used_slots)?;
        let body = layout.decode(&self.body)?;
        Ok(Statement {
            chain: *chain,
            tier: self.tier,
            used_slots: layout.padded_used_slots(),
            parent_state_root: parent.state_root,
            state_root: self.state_root,
            number: parent.child_number().ok_or(StatementError::LastNumber)?,
            relay_parent_number: relay.relay_parent_number,
            author: self.author,
            author_key: self.author_key,
            body_root: layout.root(&body)?,
            inbox_root: exchange.intake.inbox_root,
            outbox_root: exchange.outbox_root,
            upgrade: exchange.upgrade,
            context: context(&parent.hash, &exchange.intake.values),
        })
    }

    /// The head of this block: what the relay chain will store. `statement` is this block's, and
    /// `mqc` the parent's message queue chains extended by what the block takes
    /// ([`Intake::mqc`]).
    pub fn head(&self, parent: &ParentHead, statement: &Statement, mqc: MqcHeads) -> Head {
        Head {
            parent_hash: parent.hash,
            number: statement.number,
            state_root: self.state_root,
            extrinsics_root: statement.body_root,
            digest: HeadDigest {
                author: self.author,
                tier: self.tier,
                relay_parent_number: statement.relay_parent_number,
                mqc,
            },
        }
    }

    fn encode_to(&self, out: &mut Vec<u8>) {
        self.tier.encode_to(out);
        self.used_slots.encode_to(out);
        out.extend(field::encode(&self.state_root));
        self.author.encode_to(out);
        out.extend(self.author_key.to_bytes());
        self.body.encode_to(out);
        self.storage_proof.encode_to(out);
        self.inbound.encode_to(out);
        self.outbound.encode_to(out);
        self.upgrade.encode_to(out);
        self.proof.encode_to(out);
    }

    fn read(reader: &mut Reader<'_>) -> Read<Self> {
        Ok(Self {
            tier: TierId(reader.u8("tier")?),
            used_slots: reader.list_of("used slots", 1, MAX_LANES, |reader| reader.u32("used slots"))?,
            state_root: reader.field("state root")?,
            author: reader.u32("author")?,
            author_key: reader.public_key("author key")?,
            body: reader.bytes("body", MAX_POV)?,
            storage_proof: reader.list("storage proof", MAX_STORAGE_PROOF_NODES, |reader| {
                reader.bytes("storage proof node", MAX_POV)
            })?,
            inbound: Inbound::read(reader)?,
            outbound: Outbound::read(reader)?,
            upgrade: reader.option("upgrade", |reader| reader.bytes("upgrade", MAX_CODE_BYTES))?,
            proof: reader.bytes("proof", MAX_PROOF_BYTES)?,
        })
    }
}

impl ProvenBlock {
    /// The bytes of the PoV's block data.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.proven.body.len() + 512);
        out.extend(BLOCK_MAGIC);
        out.push(BLOCK_VERSION);
        self.proven.encode_to(&mut out);
        self.scheduled.encode_to(&mut out);
        out.extend(self.signature.to_bytes());
        out
    }

    /// Reads a proven block. This checks its form alone; [`crate::validate::validate_block`]
    /// checks the block.
    ///
    /// # Errors
    ///
    /// More than [`MAX_POV`] bytes, or bytes that are not exactly one block in its only encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("proven block", bytes, MAX_POV)?;
        reader.preamble(BLOCK_MAGIC, BLOCK_VERSION)?;
        let proven = Proven::read(&mut reader)?;
        let ump_signals = reader.list("UMP signals", MAX_UMP_SIGNALS, |reader| {
            reader.bytes("UMP signal", MAX_UMP_SIGNAL_BYTES)
        })?;
        let signature = reader.signature("author signature")?;
        reader.finish("proven block")?;
        Ok(Self { proven, scheduled: Scheduled { ump_signals }, signature })
    }
}
