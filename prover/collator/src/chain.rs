//! Which chain a database holds.

use std::path::Path;

use zkpov_circuits::{
    chains::{chain_by_name, chains},
    runtime::Chain,
};
use zkpov_verifier::{
    head::{Head, ParentHead},
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
}

impl ChainInfo {
    /// The chain that a database holds.
    ///
    /// # Errors
    /// [`OpenError::UnknownChain`].
    pub fn of(genesis: &Genesis) -> Result<Self, OpenError> {
        let chain = chain_by_name(&genesis.chain)
            .ok_or_else(|| OpenError::UnknownChain { name: genesis.chain.clone(), known: known_chains() })?;
        Ok(Self::new(chain, genesis))
    }

    /// The chain of this state machine and genesis.
    #[must_use]
    pub fn new(chain: &'static dyn Chain, genesis: &Genesis) -> Self {
        Self { chain, identity: identity(chain, genesis.para_id, genesis.hash) }
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

/// What the next block takes from the newest.
///
/// # Errors
/// [`OpenError::Database`] and [`OpenError::Head`].
pub fn parent(database: &impl ReadDatabase) -> Result<ParentHead, OpenError> {
    Ok(head(&database.tip()?)?.as_parent())
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
