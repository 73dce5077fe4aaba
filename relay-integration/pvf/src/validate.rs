//! The whole of the PVF: parameters in, result out, the verifier between.

use alloc::vec::Vec;

use zkpov_verifier::{
    key::{KeyError, KeyPolicy, PreparedKey},
    validate::validate_block,
};

use crate::{
    params::{Params, ParamsError},
    result,
    slot::Contents,
};

/// Whether a key from a development set-up is accepted: that is for whoever builds the key in to decide, once
/// ([`crate::embed`]), and not for a validator, who executes code as it was registered.
const AS_REGISTERED: KeyPolicy = KeyPolicy { allow_dev_setup: true };

/// Why the PVF refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Invalid {
    /// The parameters are none.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// The slot holds no validity key: nobody has built one in.
    #[error("validity key: {0}")]
    Key(#[from] KeyError),
    /// The block is not a valid one on its parent.
    #[error(transparent)]
    Block(#[from] zkpov_verifier::validate::Invalid),
}

/// Checks a candidate under the validity key `key`, both as bytes.
///
/// # Errors
///
/// Bytes that are no parameters or no key, and the first thing that is wrong with the block.
pub fn validate(key: &[u8], params: &[u8]) -> Result<Vec<u8>, Invalid> {
    judge(params, || PreparedKey::decode(key, AS_REGISTERED))
}

/// Checks a candidate under the validity key that is built in, with what was computed of it when it was: *trusted*, as the
/// program around it.
///
/// # Errors
///
/// As [`validate()`].
pub fn validate_embedded(embedded: Contents<'_>, params: &[u8]) -> Result<Vec<u8>, Invalid> {
    judge(params, || PreparedKey::decode_prepared(embedded.key, embedded.prepared))
}

fn judge(params: &[u8], key: impl FnOnce() -> Result<PreparedKey, KeyError>) -> Result<Vec<u8>, Invalid> {
    let params = Params::read(params)?;
    let transition =
        validate_block(&params.parent_head, &params.relay_context(), &key()?, &params.block_data)?;
    Ok(result::encode(&transition))
}
