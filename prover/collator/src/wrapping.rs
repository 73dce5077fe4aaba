//! Secrets on their way from one collator to another: sealed boxes, which the one they are for opens with its account's key.
//!
//! ```text
//!   key file ──► box key b = blake2b-256("zkpov/box-key/1", seed), X25519
//!      │           B = b·G, signed by the account ──► card    {"format": "zkpov-box-key/1", "account": …, "key": "0x…", "signature": …}
//!      │                                                │ verified
//!      │         a secrets file, or a chain key's ─seal─┴─► wrapped {"format": "zkpov-wrapped/1", "to": "0x…", "sealed": "0x…"}
//!      └──────────────────────────────────────────────────────► open
//! ```
//!
//! The boxes are libsodium's `crypto_box_seal` as RustCrypto's `crypto_box` has it: an ephemeral X25519 key, XSalsa20-Poly1305. A card is
//! not secret, and nobody can put a key of its own into another's: the account's signature is over it. A box does not say who
//! sealed it. It need not: a chain key is compared with the commitment that its collator signed on the chain, and secrets make a genesis that
//! others have too, or do not.

use std::path::{Path, PathBuf};

use crypto_box::{PublicKey as BoxPublicKey, SecretKey as BoxSecretKey, aead::OsRng};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use zeroize::Zeroizing;
use zkpov_circuits::{keys::SecretKey, state::Value};
use zkpov_verifier::{
    eddsa::{self, PublicKey, Signature},
    field::{Fr, domain, limbs_of_hash},
    hashing::blake2b_256,
    poseidon,
};

use crate::{
    files::{self, FileError},
    written,
};

/// What a card says it is.
pub const CARD_FORMAT: &str = "zkpov-box-key/1";

/// What a wrapped file says it is.
pub const WRAPPED_FORMAT: &str = "zkpov-wrapped/1";

/// The most bytes that a card or a wrapped file may hold.
pub const MAX_WRAPPED_BYTES: u64 = 16 * 1024;

/// First bytes of what a box key is the hash of.
const BOX_KEY_TAG: &[u8] = b"zkpov/box-key/1";

/// What a card's signature begins with.
const CARD_DOMAIN: Fr = domain("zkpov/box-key/1");

/// Why nothing was wrapped or unwrapped. No message shows any of a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WrapError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not the JSON that it should be.
    #[error("{} is no {expected} ({what})", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The card's account did not sign it.
    #[error(
        "{}: the account did not sign this key; whoever made the card is not the account's owner",
        path.display()
    )]
    Signature {
        /// The card.
        path: PathBuf,
    },
    /// The box is for another key.
    #[error("{} is wrapped for another collator, whose key is {to}; this one's is {own}", path.display())]
    OtherRecipient {
        /// The file.
        path: PathBuf,
        /// Whom it is for.
        to: String,
        /// Who wants to open it.
        own: String,
    },
    /// The box does not open.
    #[error("{} does not open: it was damaged, or changed", path.display())]
    Sealed {
        /// The file.
        path: PathBuf,
    },
}

/// What a collator shows to those who wrap for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The account that signed it.
    pub account: PublicKey,
    key: [u8; 32],
    signature: Signature,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCard {
    format: String,
    account: Json,
    key: String,
    signature: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBox {
    format: String,
    to: String,
    sealed: String,
}

/// The key that opens what is wrapped for an account.
fn box_key(account: &SecretKey) -> BoxSecretKey {
    // Wiped when it is dropped, as the key is.
    let mut tagged = Zeroizing::new(Vec::with_capacity(BOX_KEY_TAG.len() + account.seed().len()));
    tagged.extend_from_slice(BOX_KEY_TAG);
    tagged.extend_from_slice(account.seed());
    let seed = Zeroizing::new(blake2b_256(&tagged));
    BoxSecretKey::from_bytes(*seed)
}

fn digits(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn bytes_of(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}

/// What the account signs of its box key.
fn card_message(key: [u8; 32]) -> Fr {
    let [low, high] = limbs_of_hash(key);
    poseidon::hash(&[CARD_DOMAIN, low, high])
}

impl Card {
    /// The card of an account's owner.
    #[must_use]
    pub fn of(account: &SecretKey) -> Self {
        let key = box_key(account).public_key().to_bytes();
        Self { account: account.public_key(), key, signature: account.sign(card_message(key)) }
    }

    /// Writes the card to a file.
    ///
    /// # Errors
    /// [`WrapError`].
    pub fn write(&self, path: &Path) -> Result<(), WrapError> {
        let written = WrittenCard {
            format: CARD_FORMAT.to_owned(),
            account: self.account.to_json(),
            key: digits(&self.key),
            signature: digits(&self.signature.to_bytes()),
        };
        write_line(path, "card", &written)
    }

    /// Reads a card that its account signed.
    ///
    /// # Errors
    /// [`WrapError`].
    pub fn read(path: &Path) -> Result<Self, WrapError> {
        let form = |what| WrapError::Form {
            path: path.to_owned(),
            expected: "card of a collator; `zkpov secrets key` makes one",
            what,
        };
        let text = files::read_bounded(path, MAX_WRAPPED_BYTES)?;
        let written = written::read(&text, CARD_FORMAT, |card: &WrittenCard| &card.format).map_err(form)?;
        let account = PublicKey::from_json(&written.account).map_err(|_| form("its account is no key"))?;
        let key = bytes_of(&written.key).and_then(|bytes| bytes.try_into().ok());
        let key: [u8; 32] = key.ok_or_else(|| form("its key is not 32 bytes"))?;
        let signature = bytes_of(&written.signature).and_then(|bytes| bytes.try_into().ok());
        let signature = signature.and_then(|bytes| Signature::from_bytes(&bytes).ok());
        let signature = signature.ok_or_else(|| form("its signature is none"))?;
        eddsa::verify(&account, card_message(key), &signature)
            .map_err(|_| WrapError::Signature { path: path.to_owned() })?;
        Ok(Self { account, key, signature })
    }

    /// Wraps a secret for the card's owner into a file.
    ///
    /// # Errors
    /// [`WrapError`].
    pub fn wrap(&self, secret: &[u8], path: &Path) -> Result<(), WrapError> {
        let sealed = BoxPublicKey::from_bytes(self.key)
            .seal(&mut OsRng, secret)
            .map_err(|_| WrapError::Sealed { path: path.to_owned() })?;
        let written =
            WrittenBox { format: WRAPPED_FORMAT.to_owned(), to: digits(&self.key), sealed: digits(&sealed) };
        write_line(path, "wrapped secret", &written)
    }
}

fn write_line(path: &Path, expected: &'static str, value: &impl Serialize) -> Result<(), WrapError> {
    let form = |what| WrapError::Form { path: path.to_owned(), expected, what };
    let line = written::line(value, MAX_WRAPPED_BYTES as usize).map_err(form)?;
    Ok(files::write_atomically(path, &line)?)
}

/// Opens what is wrapped in a file for an account.
///
/// # Errors
/// [`WrapError`].
pub fn unwrap(path: &Path, account: &SecretKey) -> Result<Zeroizing<Vec<u8>>, WrapError> {
    let form = |what| WrapError::Form {
        path: path.to_owned(),
        expected: "wrapped secret; `zkpov secrets wrap` makes one",
        what,
    };
    let text = files::read_bounded(path, MAX_WRAPPED_BYTES)?;
    let written = written::read(&text, WRAPPED_FORMAT, |sealed: &WrittenBox| &sealed.format).map_err(form)?;
    let key = box_key(account);
    let own = digits(key.public_key().as_bytes());
    if written.to != own {
        return Err(WrapError::OtherRecipient { path: path.to_owned(), to: written.to, own });
    }
    let sealed = bytes_of(&written.sealed).ok_or_else(|| form("its box is not hexadecimal"))?;
    let opened = key.unseal(&sealed).map_err(|_| WrapError::Sealed { path: path.to_owned() })?;
    Ok(Zeroizing::new(opened))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_file;

    #[test]
    fn what_is_wrapped_is_opened_by_the_one_it_is_for_alone() {
        let directory = tempfile::tempdir().unwrap();
        let [card, wrapped] = ["bob.card", "bob.wrapped"].map(|name| directory.path().join(name));
        let [bob, eve] = [key_file::random(), key_file::random()];
        Card::of(&bob).write(&card).unwrap();
        let read = Card::read(&card).unwrap();
        assert_eq!(read, Card::of(&bob));
        read.wrap(b"the secret", &wrapped).unwrap();
        assert_eq!(*unwrap(&wrapped, &bob).unwrap(), b"the secret");
        assert!(matches!(unwrap(&wrapped, &eve), Err(WrapError::OtherRecipient { .. })));

        let text = std::fs::read_to_string(&wrapped).unwrap();
        let changed = text.replacen("\"sealed\":\"0x", "\"sealed\":\"0x00", 1);
        std::fs::write(&wrapped, changed).unwrap();
        assert!(matches!(unwrap(&wrapped, &bob), Err(WrapError::Sealed { .. })));
    }

    #[test]
    fn a_card_with_anothers_key_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bob.card");
        let [bob, eve] = [key_file::random(), key_file::random()].map(|key| Card::of(&key));
        Card { key: eve.key, ..bob.clone() }.write(&path).unwrap();
        assert!(matches!(Card::read(&path), Err(WrapError::Signature { .. })));
        Card { signature: eve.signature, ..bob }.write(&path).unwrap();
        assert!(matches!(Card::read(&path), Err(WrapError::Signature { .. })));
    }
}
