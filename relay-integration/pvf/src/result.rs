//! What a validator expects of a PVF: polkadot's `ValidationResult`, SCALE-encoded.

use alloc::vec::Vec;

use codec::Encode;
use zkpov_verifier::validate::Transition;

/// The fields of `ValidationResult` in their order. polkadot's limits on the numbers of messages are above the
/// verifier's own.
pub fn encode(transition: &Transition) -> Vec<u8> {
    // Named one by one, so that a field added to `Transition` cannot be forgotten here.
    let Transition {
        head_data,
        new_validation_code,
        upward_messages,
        horizontal_messages,
        processed_downward_messages,
        hrmp_watermark,
    } = transition;
    (
        head_data,
        new_validation_code,
        upward_messages,
        horizontal_messages,
        processed_downward_messages,
        hrmp_watermark,
    )
        .encode()
}
