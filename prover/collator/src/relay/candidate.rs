//! What a validator of the backing group does with a candidate.

use std::sync::Arc;

use zkpov_verifier::{
    block::MAX_POV,
    hashing::blake2b_256,
    head::Head,
    key::PreparedKey,
    relay::RelayContext,
    validate::{Transition, validate_block},
};

use super::interface::{BlockData, Candidate, Hash};

/// Why validators do not back a candidate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotBacked {
    /// Nobody registered the parachain.
    #[error("para {0} is not registered")]
    NotRegistered(u32),
    /// The proven block is longer than a PoV may be.
    #[error("a PoV of {found} bytes, {MAX_POV} are allowed")]
    TooLong {
        /// Its length.
        found: usize,
    },
    /// The relay parent is unknown, too old, or not on the best chain.
    #[error("its relay parent is not one of the last {allowed} blocks of the best chain")]
    RelayParent {
        /// How old it may be.
        allowed: u32,
    },
    /// It builds on another head than the one the relay chain has.
    #[error("it builds on another head than the relay chain's")]
    OtherParent,
    /// `validate_block` refuses it.
    #[error("{0}")]
    Invalid(String),
    /// More candidates wait than may.
    #[error("{0} candidates wait already")]
    Full(usize),
}

/// A candidate that a validator found valid.
#[derive(Clone, Debug)]
pub(crate) struct Valid {
    pub(crate) para: u32,
    pub(crate) relay_parent: Hash,
    pub(crate) relay_parent_number: u32,
    pub(crate) parent_head_hash: Hash,
    /// Hash of the validity key that it is valid under.
    pub(crate) key_hash: Hash,
    /// Hash of the head it leads to.
    pub(crate) head_hash: Hash,
    /// Number of the head it leads to.
    pub(crate) number: u32,
    pub(crate) transition: Transition,
    pub(crate) data: BlockData,
}

/// Checks a candidate whose relay parent is `context`.
///
/// # Errors
/// [`NotBacked::TooLong`], [`NotBacked::Invalid`].
pub(crate) fn validate(
    candidate: &Candidate,
    context: &RelayContext,
    key: &PreparedKey,
) -> Result<Arc<Valid>, NotBacked> {
    if candidate.pov.len() > MAX_POV {
        return Err(NotBacked::TooLong { found: candidate.pov.len() });
    }
    let invalid = |reason: &dyn std::fmt::Display| NotBacked::Invalid(reason.to_string());
    let transition = validate_block(&candidate.parent_head, context, key, &candidate.pov)
        .map_err(|reason| invalid(&reason))?;
    let number = Head::decode(&transition.head_data).map_err(|reason| invalid(&reason))?.number;
    Ok(Arc::new(Valid {
        para: candidate.para,
        relay_parent: candidate.relay_parent,
        relay_parent_number: context.relay_parent_number,
        parent_head_hash: blake2b_256(&candidate.parent_head),
        key_hash: key.code_hash(),
        head_hash: blake2b_256(&transition.head_data),
        number,
        data: BlockData {
            head: transition.head_data.clone(),
            pov: candidate.pov.clone(),
            relay_parent_number: context.relay_parent_number,
            relay_parent_storage_root: context.relay_parent_storage_root,
        },
        transition,
    }))
}
