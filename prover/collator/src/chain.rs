//! Which chain a database holds.

use std::path::Path;

use zkpov_circuits::{
    chains::{chain_by_name, chains},
    runtime::{Chain, SpecError},
};
use zkpov_verifier::{
    head::{Head, ParentHead},
    message::MessageFormat,
    scale::DecodeError,
    statement::ChainIdentity,
};

use crate::db::{BlockRecord, DbError, Genesis, ReadDatabase, Reader};

/// Why a directory's chain could not be opened or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A chain that this program does not know.
    #[error("this program knows no chain {name:?}, only {known}; use the zkpov release that made the chain")]
    UnknownChain {
        /// Its name in the database.
        name: String,
        /// The chains there are.
        known: String,
    },
    /// This program reads the chain's spec no more.
    #[error("the chain spec in the database: {0}")]
    Spec(#[from] SpecError),
    /// The newest head does not decode.
    #[error("the head of block {number} in the database does not decode: {source}")]
    Head {
        /// The block's number.
        number: u32,
        /// Why not.
        source: DecodeError,
    },
}

/// A chain and which one it is.
#[derive(Clone, Copy, Debug)]
pub struct ChainInfo {
    /// The state machine.
    pub chain: &'static dyn Chain,
    /// Para id, genesis and versions.
    pub identity: ChainIdentity,
    /// What it makes of messages, as its spec has it.
    pub messages: MessageFormat,
}

impl ChainInfo {
    /// The chain that a database holds.
    ///
    /// # Errors
    /// [`OpenError::UnknownChain`].
    pub fn of(genesis: &Genesis) -> Result<Self, OpenError> {
        let chain = chain_by_name(&genesis.chain)
            .ok_or_else(|| OpenError::UnknownChain { name: genesis.chain.clone(), known: known_chains() })?;
        Self::new(chain, genesis)
    }

    /// The chain of this state machine and genesis.
    ///
    /// # Errors
    /// [`OpenError::Spec`].
    pub fn new(chain: &'static dyn Chain, genesis: &Genesis) -> Result<Self, OpenError> {
        let spec = String::from_utf8_lossy(&genesis.spec);
        let messages = chain.messages(&spec)?;
        Ok(Self { chain, identity: identity(chain, genesis.para_id, genesis.hash), messages })
    }
}

/// The identity of `chain` under a para id and a genesis.
pub fn identity(chain: &dyn Chain, para_id: u32, genesis_hash: [u8; 32]) -> ChainIdentity {
    ChainIdentity {
        para_id,
        genesis_hash,
        runtime_version: chain.runtime_version(),
        transaction_version: chain.transaction_version(),
    }
}

/// The names of the chains there are, for messages.
#[must_use]
pub fn known_chains() -> String {
    chains().iter().map(|chain| chain.name()).collect::<Vec<_>>().join(", ")
}

/// The head of a block of the database.
///
/// # Errors
/// [`OpenError::Head`].
pub(crate) fn head(block: &BlockRecord) -> Result<Head, OpenError> {
    Head::decode(&block.head).map_err(|source| OpenError::Head { number: block.number, source })
}

/// The head of the newest block.
///
/// # Errors
/// [`OpenError::Database`] and [`OpenError::Head`].
pub fn tip_head(database: &impl ReadDatabase) -> Result<Head, OpenError> {
    head(&database.tip()?)
}

/// What the next block takes from the newest.
///
/// # Errors
/// As [`tip_head`].
pub fn parent(database: &impl ReadDatabase) -> Result<ParentHead, OpenError> {
    Ok(tip_head(database)?.as_parent())
}

/// A chain's database opened for reading, beside a collator that may be writing to it.
#[derive(Debug)]
pub struct ChainReader {
    /// The chain.
    pub info: ChainInfo,
    /// The database.
    pub database: Reader,
}

impl ChainReader {
    /// Opens the chain in `directory`.
    ///
    /// # Errors
    /// [`OpenError`], for example when there is none.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let database = Reader::open(directory)?;
        Ok(Self { info: ChainInfo::of(&database.genesis()?)?, database })
    }
}
