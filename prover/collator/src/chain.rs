//! Which chain a database holds.

use std::path::{Path, PathBuf};

use zkpov_circuits::{
    chains::{chain_by_name, chains},
    runtime::{BlockContext, Chain, SpecError, privacy::Secret},
};
use zkpov_verifier::{
    body::BodyFormat,
    eddsa::PublicKey,
    exchange::Intake,
    head::{Head, ParentHead},
    message::MessageFormat,
    relay::RelayContext,
    scale::DecodeError,
    statement::{self, ChainIdentity},
};

use crate::{
    chain_keys::{self, ChainKeyError},
    db::{BlockRecord, DbError, Genesis, ReadDatabase, Reader},
    messages,
};

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
    /// [`OpenError::UnknownChain`], and those of [`new`](Self::new).
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

    /// What the execution of a block on `parent` is given, which enacts no upgrade and needs no key but the one in the state:
    /// whoever knows of either adds it.
    ///
    /// - `author`: place of the author's account, and the key in it.
    /// - `intake`: what the block takes from the relay chain, read on this parent.
    #[must_use]
    pub fn block_context(
        &self,
        parent: ParentHead,
        relay: &RelayContext,
        (author, author_key): (u32, PublicKey),
        intake: &Intake,
    ) -> BlockContext {
        BlockContext {
            identity: self.identity,
            parent,
            relay_parent_number: relay.relay_parent_number,
            author,
            author_key,
            context: statement::context(&parent.hash, &intake.values),
            upgrade: None,
            messages: messages::messages(intake),
            chain_keys: Vec::new(),
        }
    }

    /// The keys that are to follow a private chain's, as they are kept in its `directory`: see [`chain_keys`]. Read anew for each
    /// block, so that one that is unwrapped while a service runs counts.
    ///
    /// # Errors
    /// [`ChainKeyError`].
    pub(crate) fn chain_keys(&self, directory: &Path) -> Result<Vec<Secret>, ChainKeyError> {
        match self.chain.body_format() {
            BodyFormat::Public => Ok(Vec::new()),
            BodyFormat::Private => chain_keys::kept(directory),
        }
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
    directory: PathBuf,
}

impl ChainReader {
    /// Opens the chain in `directory`.
    ///
    /// # Errors
    /// [`OpenError`], for example when there is none.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let database = Reader::open(directory)?;
        Ok(Self { info: ChainInfo::of(&database.genesis()?)?, database, directory: directory.to_owned() })
    }

    /// The keys that are to follow a private chain's, as they are kept beside the database.
    ///
    /// # Errors
    /// [`ChainKeyError`].
    pub fn chain_keys(&self) -> Result<Vec<Secret>, ChainKeyError> {
        self.info.chain_keys(&self.directory)
    }
}
