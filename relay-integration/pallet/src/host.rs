//! The check as a host function: the runtime asks, the node computes natively.
//!
//! ```text
//!   feature host-function     runtime ──► ext_zkpov_validate_block_version_1 ──► node: check::validate_block
//!   without                   runtime ──► check::validate_block, in its wasm
//! ```
//!
//! Both give the same answer on every input, for both are the same function; the tests call both. A runtime that imports the function
//! runs only on nodes that have it ([`zkpov::HostFunctions`] in their executor), so a chain's nodes come first and its runtime after.

use zkpov_verifier::hashing::Hash;

use crate::check::{Refusal, Transition};

/// Checks a proven block: in the node if the feature `host-function` is on, else here.
///
/// # Errors
///
/// [`Refusal`].
pub fn validate_block(
    parent_head: &[u8],
    relay_parent_number: u32,
    relay_parent_storage_root: &Hash,
    key: &[u8],
    allow_dev_setup: bool,
    block: &[u8],
) -> Result<Transition, Refusal> {
    #[cfg(feature = "host-function")]
    return zkpov::validate_block(
        parent_head,
        relay_parent_number,
        relay_parent_storage_root,
        key,
        allow_dev_setup,
        block,
    );
    #[cfg(not(feature = "host-function"))]
    crate::check::validate_block(
        parent_head,
        &zkpov_verifier::relay::RelayContext {
            relay_parent_number,
            relay_parent_storage_root: *relay_parent_storage_root,
        },
        key,
        zkpov_verifier::key::KeyPolicy { allow_dev_setup },
        block,
    )
}

pub use interface::zkpov;

/// The macro's own code.
// `substrate_runtime` is what wasm-builder compiles a runtime with.
#[allow(missing_docs, missing_debug_implementations, unsafe_code, unexpected_cfgs)]
mod interface {
    // The macro's code for a node names it, and not by its path.
    #[cfg(not(any(feature = "std", substrate_runtime)))]
    use alloc::vec::Vec;

    use sp_runtime_interface::{
        pass_by::{AllocateAndReturnByCodec, PassFatPointerAndRead, PassPointerAndRead},
        runtime_interface,
    };
    #[cfg(not(substrate_runtime))]
    use zkpov_verifier::{key::KeyPolicy, relay::RelayContext};

    use crate::check::{Refusal, Transition};

    #[runtime_interface]
    pub trait Zkpov {
        /// Checks a proven block on a parent head, at a relay parent, under a validity key.
        fn validate_block(
            parent_head: PassFatPointerAndRead<&[u8]>,
            relay_parent_number: u32,
            relay_parent_storage_root: PassPointerAndRead<&[u8; 32], 32>,
            key: PassFatPointerAndRead<&[u8]>,
            allow_dev_setup: bool,
            block: PassFatPointerAndRead<&[u8]>,
        ) -> AllocateAndReturnByCodec<Result<Transition, Refusal>> {
            let context =
                RelayContext { relay_parent_number, relay_parent_storage_root: *relay_parent_storage_root };
            crate::check::validate_block(parent_head, &context, key, KeyPolicy { allow_dev_setup }, block)
        }
    }
}
