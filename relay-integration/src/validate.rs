//! A candidate's validation: parameters in, result out, the verifier between.

use polkadot_parachain_primitives::primitives::{ValidationCode, ValidationParams, ValidationResult};
use zkpov_verifier::{
    key::{KeyError, KeyPolicy, PreparedKey, ValidityKey},
    validate::validate_block,
};

use crate::{
    params::relay_context,
    result::{LimitExceeded, validation_result},
};

/// Why a candidate is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// The para's validation code is no validity key that this node accepts.
    #[error("validity key: {0}")]
    Key(#[from] KeyError),
    /// The block is not a valid one on its parent.
    #[error(transparent)]
    Block(#[from] zkpov_verifier::validate::Invalid),
    /// The block is valid, and the relay chain cannot take what it sends.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
}

/// Whether a para's validation code is a validity key, and this crate is to judge its candidates. Any
/// other code is wasm, for the standard executor.
pub fn is_validity_key(code: &ValidationCode) -> bool {
    ValidityKey::is_validity_key(&code.0)
}

/// Checks a validity key and computes what its pairings need. This is what pre-checking the code means,
/// and what a validator keeps, by code hash, between candidates.
///
/// `policy` says whether a key from a development set-up, whose maker can forge, is accepted.
///
/// # Errors
///
/// Bytes that are not exactly one key, bad points, numbers beyond their limits, or a set-up that the
/// policy refuses.
pub fn prepare(code: &ValidationCode, policy: KeyPolicy) -> Result<PreparedKey, KeyError> {
    PreparedKey::decode(&code.0, policy)
}

/// Judges a candidate as the para's validation code would have: with [`prepare`] first, for callers that
/// keep no prepared keys.
///
/// # Errors
///
/// As [`prepare`] and [`validate_prepared`].
pub fn validate(
    params: &ValidationParams,
    code: &ValidationCode,
    policy: KeyPolicy,
) -> Result<ValidationResult, Invalid> {
    validate_prepared(params, &prepare(code, policy)?)
}

/// Judges a candidate under a prepared key. Never panics, whatever the parameters hold.
///
/// `params.block_data` is the PoV's block data after decompression.
///
/// # Errors
///
/// The first thing that is wrong with the block, or more messages than the relay chain takes.
pub fn validate_prepared(params: &ValidationParams, key: &PreparedKey) -> Result<ValidationResult, Invalid> {
    let transition =
        validate_block(&params.parent_head.0, &relay_context(params), key, &params.block_data.0)?;
    Ok(validation_result(transition)?)
}
