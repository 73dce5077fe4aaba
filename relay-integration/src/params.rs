//! What a validator gives to a parachain's code, as the verifier takes it.

use polkadot_parachain_primitives::primitives::ValidationParams;
use zkpov_verifier::relay::RelayContext;

/// The relay parent of the candidate.
///
/// Both values come from the candidate's `PersistedValidationData`, which the validator itself reads
/// from the relay chain.
pub fn relay_context(params: &ValidationParams) -> RelayContext {
    RelayContext {
        relay_parent_number: params.relay_parent_number,
        relay_parent_storage_root: params.relay_parent_storage_root.to_fixed_bytes(),
    }
}
