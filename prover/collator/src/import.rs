//! Import: what another collator does with a proven block.
//!
//! ```text
//!  proven block ──► validate_block ──► apply the body ──► same state root? ──► commit
//!                   (as a validator)   (native, no signatures: the proof stands for them)
//! ```

use tracing::info;
use zkpov_circuits::{
    runtime::{ApplyError, BlockContext, KeysError, privacy::Secret},
    state::StateError,
};
use zkpov_verifier::{
    block::ProvenBlock,
    exchange::IntakeError,
    hashing::blake2b_256,
    head::Head,
    key::PreparedKey,
    scale::DecodeError,
    validate::{Invalid, validate_block},
};

use crate::{
    chain::{self, ChainInfo, OpenError},
    chain_keys::ChainKeyError,
    db::{BlockRecord, Database, DbError, ReadDatabase},
    keystore::difference,
    messages,
    relay_file::RelayFile,
    validity::{self, ValidationCode, ValidationCodeError},
};

/// A block that the database now has.
#[derive(Debug)]
pub struct Imported {
    /// The block.
    pub block: BlockRecord,
    /// Whether it was there before.
    pub known: bool,
}

/// Why a block was not imported. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The validity key is another chain's.
    #[error("the validity key is for {what} of another chain or version ({found} instead of {expected})")]
    OtherChain {
        /// What differs.
        what: &'static str,
        /// The key's.
        found: String,
        /// The chain's.
        expected: String,
    },
    /// A validator would refuse it.
    #[error("{0}")]
    Invalid(Invalid),
    /// Its form.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Its body does not apply to this database's state.
    #[error(
        "the block is proven, but its body does not apply here ({0}); the database is not in the parent's state"
    )]
    Apply(#[from] ApplyError),
    /// What it takes, which its validation has looked at.
    #[error(transparent)]
    Messages(#[from] IntakeError),
    /// The body leads to another root.
    #[error(
        "the block is proven, but its body leads to another state root here; the database is not in the parent's state"
    )]
    OtherRoot,
    /// The key is not the one in force, or that cannot be known.
    #[error(transparent)]
    ValidationCode(#[from] ValidationCodeError),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The keys that are to follow a private chain's.
    #[error(transparent)]
    ChainKeys(#[from] ChainKeyError),
    /// The key of a private chain's block is not at hand.
    #[error("the block is proven, but {0}; unwrap it with `zkpov secrets unwrap`, then import again")]
    ChainKey(KeysError),
    /// The database or what is in it.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl ImportError {
    /// Whether the block itself is at fault.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Invalid(_) | Self::Decode(_) | Self::ValidationCode(_))
    }
}

impl From<DbError> for ImportError {
    fn from(error: DbError) -> Self {
        Self::Open(error.into())
    }
}

/// Checks a block as a validator does, applies its body and commits it.
///
/// # Errors
/// [`ImportError`]; nothing was written then.
pub(crate) fn import(
    database: &mut Database,
    info: &ChainInfo,
    chain_keys: &[Secret],
    key: &PreparedKey,
    relay: &RelayFile,
    pov: &[u8],
) -> Result<Imported, ImportError> {
    if let Some((what, found, expected)) = difference(&key.key().chain, &info.identity) {
        return Err(ImportError::OtherChain { what, found, expected });
    }
    let tip = database.tip()?;
    if tip.pov == pov {
        return Ok(Imported { block: tip, known: true });
    }
    let (code, key_hash) = (ValidationCode::read(&database.state()?)?, key.code_hash());
    code.check_key(key_hash)?;
    let transition = validate_block(&tip.head, &relay.context, key, pov).map_err(ImportError::Invalid)?;
    let proven = ProvenBlock::decode(pov)?.proven;
    let parent_head = chain::head(&tip)?;
    let parent = parent_head.as_parent();
    let (para, format) = (info.identity.para_id, key.key().messages);
    let intake = messages::taken(para, format, &parent_head, &relay.context, &proven)?;
    code.check_seen(&intake.values)?;
    let author = (proven.author, proven.author_key);
    let context = BlockContext {
        chain_keys: chain_keys.to_vec(),
        ..info.block_context(parent, &relay.context, author, &intake)
    };
    let applied =
        info.chain.apply(&database.state()?, &context, proven.tier, &proven.used_slots, &proven.body);
    let mut applied = applied.map_err(|error| match error {
        ApplyError::Keys(error) => ImportError::ChainKey(error),
        error => ImportError::Apply(error),
    })?;
    if applied.state_root != proven.state_root {
        return Err(ImportError::OtherRoot);
    }
    let block = BlockRecord {
        number: Head::decode(&transition.head_data)?.number,
        hash: blake2b_256(&transition.head_data),
        parent_hash: parent.hash,
        head: transition.head_data,
        pov: pov.to_vec(),
        relay: relay.to_json().into_bytes(),
        extrinsics: Vec::new(),
        input_digest: None,
    };
    let signal = validity::signal(info.identity.para_id, &intake.values);
    code.after(block.number, key_hash, proven.upgrade.as_deref(), signal).put(&mut applied.changes);
    database.commit(&block, &applied.changes)?;
    info!(number = block.number, "block imported");
    Ok(Imported { block, known: false })
}
