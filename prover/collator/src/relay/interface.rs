//! What a collator needs of a relay chain: [`Relay`].
//!
//! Each method is one that a relay node offers, under the name beside it:
//!
//! | method | a relay node |
//! |---|---|
//! | `heads`, `wait` | `chain_subscribeNewHeads`, `chain_subscribeFinalizedHeads` |
//! | `header`, `block_hash` | `chain_getHeader`, `chain_getBlockHash` |
//! | `para_head`, `context` | runtime API `persisted_validation_data`; `state_getReadProof` |
//! | `core` | runtime APIs `availability_cores`, `claim_queue` |
//! | `submit` | the collator protocol: a collation to a validator of the backing group |
//! | `available` | availability recovery |
//! | `order_core` | extrinsic `onDemand.placeOrderKeepAlive` |
//! | `register` | extrinsic `registrar.register` |

use std::time::Duration;

use serde::{Deserialize, Serialize};
use zkpov_verifier::relay::RelayContext;

use super::header::RelayHeader;
use crate::relay_file::RelayFile;

/// A hash.
pub type Hash = [u8; 32];

/// A relay chain as a collator of one parachain sees it. Calls may block, and fail with [`RelayError::Unreachable`] when they may
/// be tried again.
pub trait Relay: Send + Sync + std::fmt::Debug {
    /// The best and the final head.
    ///
    /// # Errors
    /// [`RelayError::Unreachable`], as everywhere here.
    fn heads(&self) -> Result<Heads, RelayError>;

    /// The heads as soon as they are others than `known`, or as they are after `timeout`.
    ///
    /// # Errors
    /// As [`heads`](Self::heads).
    fn wait(&self, known: &Heads, timeout: Duration) -> Result<Heads, RelayError>;

    /// The header of a block; `None` when the relay does not know it, or no longer.
    ///
    /// # Errors
    /// As [`heads`](Self::heads).
    fn header(&self, hash: &Hash) -> Result<Option<RelayHeader>, RelayError>;

    /// Hash of the block of that height on the best chain.
    ///
    /// # Errors
    /// As [`heads`](Self::heads).
    fn block_hash(&self, number: u32) -> Result<Option<Hash>, RelayError>;

    /// Head data of a parachain after relay block `at`; `None` where it is not registered.
    ///
    /// # Errors
    /// [`RelayError::UnknownBlock`].
    fn para_head(&self, para: u32, at: &Hash) -> Result<Option<Vec<u8>>, RelayError>;

    /// What a candidate of a parachain can count on in the block after `at`.
    ///
    /// # Errors
    /// [`RelayError::UnknownBlock`].
    fn core(&self, para: u32, at: &Hash) -> Result<Core, RelayError>;

    /// What a block of a parachain sees of relay block `at` as its relay parent: number and root, and the messages that wait for the
    /// parachain with their storage proof.
    ///
    /// # Errors
    /// [`RelayError::UnknownBlock`].
    fn context(&self, para: u32, at: &Hash) -> Result<RelayFile, RelayError>;

    /// Offers a candidate to the validators. Offering it again changes nothing.
    ///
    /// # Errors
    /// [`RelayError::Refused`] when it is not valid or comes too late.
    fn submit(&self, candidate: &Candidate) -> Result<(), RelayError>;

    /// An included block, by the hash of its head; `None` before it is included and after the availability window.
    ///
    /// # Errors
    /// As [`heads`](Self::heads).
    fn available(&self, head_hash: &Hash) -> Result<Option<BlockData>, RelayError>;

    /// Orders a core on demand, for at most `max_price` of the relay chain's token; the price paid.
    ///
    /// # Errors
    /// [`RelayError::Refused`] when it costs more, or the purse is empty.
    fn order_core(&self, para: u32, max_price: u64) -> Result<u64, RelayError>;

    /// Registers a parachain with its validity key and head; nothing happens if it is registered with this key.
    ///
    /// # Errors
    /// [`RelayError::Refused`].
    fn register(&self, registration: &Registration) -> Result<(), RelayError>;
}

/// Why the relay chain did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// It could not be asked. Try again.
    #[error("the relay chain cannot be reached: {0}")]
    Unreachable(String),
    /// It does not know the relay block, or no longer.
    #[error("the relay chain does not know block 0x{}", hex::encode(.0))]
    UnknownBlock(Hash),
    /// It refuses.
    #[error("refused by the relay chain: {0}")]
    Refused(String),
}

/// The two heads a collator follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heads {
    /// Hash of the best block.
    #[serde(with = "hex_array")]
    pub best: Hash,
    /// Hash of the highest final block.
    #[serde(with = "hex_array")]
    pub finalized: Hash,
}

/// What a candidate can count on in the next relay block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Core {
    /// No core is paid for: a candidate is not included.
    None,
    /// A core is assigned and free.
    Scheduled,
    /// The core holds a candidate that is backed and not yet included.
    Occupied,
}

/// A block offered for inclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Whose it is.
    pub para: u32,
    /// Hash of its relay parent.
    #[serde(with = "hex_array")]
    pub relay_parent: Hash,
    /// Head data of the block it builds on.
    #[serde(with = "hex_bytes")]
    pub parent_head: Vec<u8>,
    /// The proven block.
    #[serde(with = "hex_bytes")]
    pub pov: Vec<u8>,
}

/// A block with all that it takes to check it, given the block before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockData {
    /// Head data it leads to.
    #[serde(with = "hex_bytes")]
    pub head: Vec<u8>,
    /// The proven block.
    #[serde(with = "hex_bytes")]
    pub pov: Vec<u8>,
    /// Number of its relay parent.
    pub relay_parent_number: u32,
    /// Storage root of its relay parent.
    #[serde(with = "hex_array")]
    pub relay_parent_storage_root: Hash,
}

impl BlockData {
    /// The relay parent as a validator is told of it.
    #[must_use]
    pub fn context(&self) -> RelayContext {
        RelayContext {
            relay_parent_number: self.relay_parent_number,
            relay_parent_storage_root: self.relay_parent_storage_root,
        }
    }
}

/// A parachain to register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// The validity key, which names the para id; it becomes the parachain's validation code.
    #[serde(with = "hex_bytes")]
    pub validity_key: Vec<u8>,
    /// The head that the parachain begins with.
    #[serde(with = "hex_bytes")]
    pub head: Vec<u8>,
}

/// Hashes as `0x…`.
pub(crate) mod hex_array {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("0x{}", hex::encode(bytes)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        super::from_hex(&text)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| D::Error::custom("a hash is 0x and 64 hexadecimal digits"))
    }
}

/// Bytes as `0x…`.
pub(crate) mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("0x{}", hex::encode(bytes)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::from_hex(&text).ok_or_else(|| D::Error::custom("bytes are 0x and hexadecimal digits"))
    }
}

/// The bytes that `0x…` stands for.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}
