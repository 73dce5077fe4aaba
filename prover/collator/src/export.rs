//! What other people's tools need to check a chain's proofs: its circuit, witnesses, keys and proofs in circom's files.

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_serialize::CanonicalDeserialize;
use zeroize::Zeroizing;
use zkpov_circuits::{
    runtime::{AccountId, BlockContext, ExecutionError},
    state::StateError,
};
use zkpov_prover::{Proof, VerifyingKey};
use zkpov_verifier::{
    block::ProvenBlock, eddsa::PublicKey, exchange::IntakeError, head::Head, key::TierKey, lane::TierId,
};

use crate::{
    chain::{self, ChainReader, OpenError},
    chain_keys::ChainKeyError,
    circuit::{self, CircuitError},
    db::{DbError, ReadDatabase},
    messages,
    relay_file::RelayFile,
};

/// Why something cannot be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The chain's database cannot be read.
    #[error(transparent)]
    Chain(#[from] OpenError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The keys that are to follow a private chain's.
    #[error(transparent)]
    ChainKeys(#[from] ChainKeyError),
    /// The author has no account.
    #[error("the author's key has no account on the chain")]
    NoAccount,
    /// What the relay file has for the chain is not what waits for it.
    #[error("the relay file's messages: {0}")]
    Messages(#[from] IntakeError),
    /// The block cannot be executed.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// The circuit.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// The block's statement or proof.
    #[error("the block: {0}")]
    Block(String),
    /// The key has no such tier.
    #[error("the validity key has no tier {0}")]
    NoTier(TierId),
}

impl From<DbError> for ExportError {
    fn from(error: DbError) -> Self {
        Self::Chain(error.into())
    }
}

/// A tier's variables for the next block of the chain, of these extrinsics: 1, the statement's digest, the witness. Nothing is
/// authored.
///
/// # Errors
/// [`ExportError`].
pub fn witness(
    reader: &ChainReader,
    relay: &RelayFile,
    author: PublicKey,
    tier: TierId,
    extrinsics: &[Vec<u8>],
) -> Result<Zeroizing<Vec<Fr>>, ExportError> {
    let info = &reader.info;
    let snapshot = reader.database.snapshot()?;
    let (state, parent) = (&snapshot.state()?, chain::head(&snapshot.tip()?)?);
    let account = info.chain.account(state, AccountId::Key(author))?.ok_or(ExportError::NoAccount)?;
    let (intake, _) = messages::intake(info.identity.para_id, info.messages, &parent, relay)?;
    let author = (account.index, account.key);
    let context = BlockContext {
        chain_keys: reader.chain_keys()?,
        ..info.block_context(parent.as_parent(), &relay.context, author, &intake)
    };
    let execution = info.chain.execute(state, &context, Some(tier), extrinsics)?;
    Ok(Zeroizing::new(circuit::assignment(info.chain, tier, &execution.witness)?))
}

/// A tier's verifying key in the prover's form.
///
/// # Errors
/// [`ExportError::Block`] never for a key that decoded.
pub fn verifying_key(tier: &TierKey) -> Result<VerifyingKey, ExportError> {
    let degenerate = || ExportError::Block("its verifying key is degenerate".to_owned());
    let encoded = tier.verifying_key.encode();
    let mut rest = &encoded[..];
    let g1 = |rest: &mut &[u8]| G1Affine::deserialize_compressed(rest).map_err(|_| degenerate());
    let alpha = g1(&mut rest)?;
    let g2 = |rest: &mut &[u8]| G2Affine::deserialize_compressed(rest).map_err(|_| degenerate());
    let (beta, delta) = (g2(&mut rest)?, g2(&mut rest)?);
    let ic = vec![g1(&mut rest)?, g1(&mut rest)?];
    VerifyingKey::from_points(alpha, beta, delta, ic).ok_or_else(degenerate)
}

/// A block's public input and proof.
///
/// # Errors
/// If the block has no statement under the key, or its proof does not decode. Whether the proof holds is for its verifier to say.
pub fn block_proof(
    key: &zkpov_verifier::key::ValidityKey,
    parent: &Head,
    relay: &RelayFile,
    block: &ProvenBlock,
) -> Result<(Fr, Proof), ExportError> {
    let proven = &block.proven;
    let tier =
        key.tiers.iter().find(|tier| tier.tier == proven.tier).ok_or(ExportError::NoTier(proven.tier))?;
    let wrong = |error: &dyn core::fmt::Display| ExportError::Block(error.to_string());
    let exchange =
        proven.exchange(&key.chain, key.messages, parent, &relay.context).map_err(|error| wrong(&error))?;
    let statement = proven
        .statement(&key.chain, &parent.as_parent(), &relay.context, key.body_format, &tier.lanes, &exchange)
        .map_err(|error| wrong(&error))?;
    let proof = Proof::from_bytes(&proven.proof).map_err(|error| wrong(&error))?;
    Ok((statement.digest(), proof))
}
