//! What a collator gives to the collation-generation subsystem of its relay node.
//!
//! ```text
//!   (relay parent, validation data) ─► author ─► proven block ─► validate_block ─► Collation
//! ```

use std::{future::Future, sync::Arc};

use futures::FutureExt;
use polkadot_node_primitives::{Collation, CollationResult, CollatorFn, MaybeCompressedPoV, PoV};
use polkadot_parachain_primitives::primitives::{BlockData, ValidationParams, ValidationResult};
use polkadot_primitives::{Hash, PersistedValidationData};
use zkpov_relay::{Invalid, validate_prepared};
use zkpov_verifier::key::PreparedKey;

use crate::LOG_TARGET;

/// The collation of a proven block, after the block was checked as a validator will check it: what is not valid is
/// not announced, and the collation says what the check found and not what its author believes.
///
/// # Errors
///
/// The block is not valid on the parent head and the relay parent of `validation_data`.
pub fn collation(
    validation_data: &PersistedValidationData,
    key: &PreparedKey,
    block_data: Vec<u8>,
) -> Result<Collation, Invalid> {
    let params = ValidationParams {
        parent_head: validation_data.parent_head.clone(),
        block_data: BlockData(block_data),
        relay_parent_number: validation_data.relay_parent_number,
        relay_parent_storage_root: validation_data.relay_parent_storage_root,
    };
    let ValidationResult {
        head_data,
        new_validation_code,
        upward_messages,
        horizontal_messages,
        processed_downward_messages,
        hrmp_watermark,
    } = validate_prepared(&params, key)?;
    Ok(Collation {
        upward_messages,
        horizontal_messages,
        new_validation_code,
        head_data,
        proof_of_validity: MaybeCompressedPoV::Raw(PoV { block_data: params.block_data }),
        processed_downward_messages,
        hrmp_watermark,
    })
}

/// A collator's function for the collation-generation subsystem.
///
/// `author` makes the proven block for a relay parent, or finds one that it made before for this parent head and
/// relay parent number; `None` if there is nothing to submit. It is asked once for each relay parent and must not
/// block the thread.
pub fn collator_fn<Author, Made>(key: Arc<PreparedKey>, author: Author) -> CollatorFn
where
    Author: Fn(Hash, PersistedValidationData) -> Made + Send + Sync + 'static,
    Made: Future<Output = Option<Vec<u8>>> + Send + 'static,
{
    Box::new(move |relay_parent, validation_data| {
        let validation_data = validation_data.clone();
        let (key, made) = (key.clone(), author(relay_parent, validation_data.clone()));
        async move {
            let block_data = made.await?;
            match collation(&validation_data, &key, block_data) {
                Ok(collation) => Some(CollationResult { collation }),
                Err(reason) => {
                    tracing::error!(target: LOG_TARGET, ?relay_parent, %reason, "not submitted: the block is not valid");
                    None
                }
            }
        }
        .boxed()
    })
}
