//! The verifier, in values that cross the boundary between runtime and node.

use alloc::vec::Vec;

use codec::{Decode, Encode};
use zkpov_verifier::{
    head::Head,
    key::{KeyPolicy, PreparedKey, Setup, ValidityKey},
    relay::RelayContext,
    validate::{self, Invalid},
};

/// What a valid block does ([`zkpov_verifier::validate::Transition`]).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Transition {
    /// The new head, encoded.
    pub head_data: Vec<u8>,
    /// Its number.
    pub number: u32,
    /// New validation code, if the block upgrades the chain.
    pub new_validation_code: Option<Vec<u8>>,
    /// Messages to the relay chain.
    pub upward_messages: Vec<Vec<u8>>,
    /// Messages to other parachains: recipient's para id and bytes.
    pub horizontal_messages: Vec<(u32, Vec<u8>)>,
    /// How many downward messages the block took.
    pub processed_downward_messages: u32,
    /// Relay block up to which horizontal messages were processed.
    pub hrmp_watermark: u32,
}

/// What about a block or a key is wrong: the verifier's reasons by kind. The number of a kind never changes, for runtime and node
/// may be of different releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Refusal {
    /// The key.
    #[codec(index = 0)]
    Key,
    /// The genesis head is another chain's.
    #[codec(index = 1)]
    Genesis,
    /// The relay parent lies before that of the head.
    #[codec(index = 2)]
    RelayParentBefore,
    /// The bytes are no proven block on this head, or the block uses what the verifier does not support.
    #[codec(index = 3)]
    Form,
    /// Tier, slots or body.
    #[codec(index = 4)]
    Body,
    /// Messages or upgrade.
    #[codec(index = 5)]
    Messages,
    /// The author's key or signature.
    #[codec(index = 6)]
    Author,
    /// The proof.
    #[codec(index = 7)]
    Proof,
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        match invalid {
            Invalid::Genesis { .. } => Self::Genesis,
            Invalid::RelayParentBefore { .. } => Self::RelayParentBefore,
            Invalid::UnknownTier(_) | Invalid::Body(_) | Invalid::BodyLimit { .. } => Self::Body,
            Invalid::Exchange(_) => Self::Messages,
            Invalid::AuthorKey(_) | Invalid::AuthorSignature(_) => Self::Author,
            Invalid::Proof(_) | Invalid::ProofRejected(_) => Self::Proof,
            // The head is the chain's own; what is left is of the block's bytes.
            _ => Self::Form,
        }
    }
}

/// Whether `policy` takes the set-ups of a key that decoded, which is to say that its points, shape and limits are in order.
///
/// # Errors
///
/// [`Refusal::Key`].
pub fn policy(key: &ValidityKey, policy: KeyPolicy) -> Result<(), Refusal> {
    let dev = key.tiers.iter().any(|tier| tier.setup == Setup::Dev);
    if dev && !policy.allow_dev_setup { Err(Refusal::Key) } else { Ok(()) }
}

/// Checks a proven block on `parent_head` under the key of these bytes.
///
/// # Errors
///
/// [`Refusal`].
pub fn validate_block(
    parent_head: &[u8],
    relay: &RelayContext,
    key: &[u8],
    policy: KeyPolicy,
    block: &[u8],
) -> Result<Transition, Refusal> {
    let key = PreparedKey::decode(key, policy).map_err(|_| Refusal::Key)?;
    let transition = validate::validate_block(parent_head, relay, &key, block)?;
    let number = Head::decode(&transition.head_data).map_err(|_| Refusal::Form)?.number;
    Ok(Transition {
        number,
        head_data: transition.head_data,
        new_validation_code: transition.new_validation_code,
        upward_messages: transition.upward_messages,
        horizontal_messages: transition.horizontal_messages,
        processed_downward_messages: transition.processed_downward_messages,
        hrmp_watermark: transition.hrmp_watermark,
    })
}
