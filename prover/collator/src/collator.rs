//! A collator's chain: everything this crate does, over one database.

use std::path::{Path, PathBuf};

use zkpov_circuits::runtime::{Chain, SpecError};
use zkpov_prover::Options;
use zkpov_verifier::{
    head::{Head, ParentHead},
    key::PreparedKey,
};

use crate::{
    author::{self, AuthorError, AuthorRequest, Authored},
    chain::{self, ChainInfo, OpenError},
    db::{Database, DbError, Genesis, Handle, ReadDatabase},
    import::{self, ImportError, Imported},
    relay_file::RelayFile,
    secrets, spec,
};

/// Why no chain was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The chain spec is not text.
    #[error("the chain spec is not UTF-8 text")]
    NotText,
    /// The chain refuses its spec.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl From<DbError> for CreateError {
    fn from(error: DbError) -> Self {
        Self::Open(error.into())
    }
}

/// A parachain as one collator has it, open for writing. No other process can write to it meanwhile; any
/// number can read.
#[derive(Debug)]
pub struct Collator {
    info: ChainInfo,
    database: Database,
    directory: PathBuf,
}

impl Collator {
    /// Makes a new chain in `directory` from its spec and opens it. A private chain's spec is [joined](secrets::join) with its secrets,
    /// of which the database keeps what the state holds.
    ///
    /// # Errors
    /// [`CreateError`]; there is no database then, unless there was one before.
    pub fn create(
        directory: &Path,
        chain: &'static dyn Chain,
        para_id: u32,
        spec: &[u8],
    ) -> Result<Self, CreateError> {
        let text = std::str::from_utf8(spec).map_err(|_| CreateError::NotText)?;
        let genesis = chain.genesis(text)?;
        let head = Head::genesis(genesis.state_root);
        let record = Genesis {
            chain: chain.name().to_owned(),
            para_id,
            hash: head.hash(),
            head: head.encode(),
            spec: secrets::without(spec),
        };
        let database = Database::create(directory, &record, &genesis.changes)?;
        Ok(Self { info: ChainInfo::new(chain, &record)?, database, directory: directory.to_owned() })
    }

    /// Opens the chain in `directory`.
    ///
    /// # Errors
    /// [`OpenError`], for example when there is none or another process has it open.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let database = Database::open(directory)?;
        Ok(Self { info: ChainInfo::of(&database.genesis()?)?, database, directory: directory.to_owned() })
    }

    /// Opens the chain in `directory` with this state machine: another version of its own, which an upgrade leads to.
    ///
    /// # Errors
    /// [`OpenError`]; of a chain of another name [`OpenError::UnknownChain`].
    pub fn open_as(directory: &Path, chain: &'static dyn Chain) -> Result<Self, OpenError> {
        let database = Database::open(directory)?;
        let genesis = database.genesis()?;
        if genesis.chain != chain.name() {
            return Err(OpenError::UnknownChain { name: genesis.chain, known: chain.name().to_owned() });
        }
        Ok(Self { info: ChainInfo::new(chain, &genesis)?, database, directory: directory.to_owned() })
    }

    /// Which chain it is.
    #[must_use]
    pub fn info(&self) -> &ChainInfo {
        &self.info
    }

    /// The database, for reading.
    #[must_use]
    pub fn database(&self) -> &impl ReadDatabase {
        &self.database
    }

    /// A handle of the database for other threads: it reads beside this collator, and keeps the pool's extrinsics.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.database.handle()
    }

    /// Forgets extrinsics of undone blocks.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn forget_pending(&mut self, extrinsics: &[Vec<u8>]) -> Result<(), DbError> {
        self.database.forget_pending(extrinsics)
    }

    /// What the next block takes from the newest.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn parent(&self) -> Result<ParentHead, OpenError> {
        chain::parent(&self.database)
    }

    /// Makes, proves, checks, signs and commits the next block, or finds the block that was made for the
    /// same request before. The proven block is in the result; writing it to a file is the caller's.
    ///
    /// # Errors
    /// [`AuthorError`]; nothing was written then.
    pub fn author(
        &mut self,
        request: &AuthorRequest<'_>,
        options: &Options<'_>,
    ) -> Result<Authored, AuthorError> {
        let keys = self.info.chain_keys(&self.directory)?;
        author::author(&mut self.database, &self.info, &keys, request, options)
    }

    /// Whether a block for this request, but for what is pending, would hold anything: extrinsics, or messages to take or deliver.
    ///
    /// # Errors
    /// [`AuthorError`], as when the block is made.
    pub fn has_work(&self, request: &AuthorRequest<'_>) -> Result<bool, AuthorError> {
        let keys = self.info.chain_keys(&self.directory)?;
        author::has_work(&self.database, &self.info, &keys, request)
    }

    /// Checks a proven block as a relay validator does, applies and commits it.
    ///
    /// # Errors
    /// [`ImportError`]; nothing was written then.
    pub fn import(
        &mut self,
        key: &PreparedKey,
        relay: &RelayFile,
        pov: &[u8],
    ) -> Result<Imported, ImportError> {
        let keys = self.info.chain_keys(&self.directory)?;
        import::import(&mut self.database, &self.info, &keys, key, relay, pov)
    }

    /// Undoes the blocks above `number` and returns their extrinsics, which stay pending in the database.
    ///
    /// # Errors
    /// [`DbError::Final`], [`DbError::AboveTip`] and those of the storage.
    pub fn rollback(&mut self, number: u32) -> Result<Vec<Vec<u8>>, DbError> {
        self.database.rollback_to(number)
    }

    /// Makes the blocks up to `number` final.
    ///
    /// # Errors
    /// [`DbError::Final`], [`DbError::AboveTip`] and those of the storage.
    pub fn finalize(&mut self, number: u32) -> Result<(), DbError> {
        self.database.finalize(number)
    }

    /// The chain's token, as its spec names it.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn token(&self) -> Result<zkpov_circuits::runtime::Token, DbError> {
        Ok(spec::token(&self.database.genesis()?.spec, self.info.chain.token()))
    }
}
