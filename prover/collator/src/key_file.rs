//! Key files: a secret key as JSON, for its owner's eyes only.
//!
//! ```json
//! {"format": "zkpov-key/1", "public": {"x": "…", "y": "…"}, "secret": "0x…64 hexadecimal digits…"}
//! ```
//!
//! The 32 bytes are what circomlibjs and zk-kit take as a private key. The public key stands beside them for
//! people and programs that need no more; reading a key file checks that the two belong together.

use std::path::{Path, PathBuf};

use rand::{RngCore, rngs::OsRng};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};
use zkpov_circuits::keys::{SEED_LEN, SecretKey};
use zkpov_verifier::eddsa::PublicKey;

use crate::{
    files::{self, FileError},
    written,
};

/// What a key file says it is.
pub const FORMAT: &str = "zkpov-key/1";

/// The most bytes a key file may hold.
pub const MAX_KEY_FILE_BYTES: u16 = 4096;

/// Why a key file could not be read or written. No message shows any of the secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not the JSON of a key file.
    #[error("{} is no key file ({what}); `zkpov keygen` makes one", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The public key in the file is another secret's.
    #[error("{}: the public key is not that of the secret; the file was changed", path.display())]
    OtherPublicKey {
        /// The file.
        path: PathBuf,
    },
}

/// The file as it is written. The secret's text is wiped when this is dropped.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct Written {
    format: String,
    public: Coordinates,
    secret: String,
}

#[derive(Serialize, Deserialize, Zeroize)]
#[serde(deny_unknown_fields)]
struct Coordinates {
    x: String,
    y: String,
}

impl Coordinates {
    fn of(key: &PublicKey) -> Self {
        let [x, y] = key.coordinates();
        Self { x: x.to_string(), y: y.to_string() }
    }
}

/// A new secret key from the operating system's randomness.
#[must_use]
pub fn random() -> SecretKey {
    let mut seed = Zeroizing::new([0; SEED_LEN]);
    OsRng.fill_bytes(&mut *seed);
    SecretKey::from_seed(*seed)
}

/// Makes a new secret key from the operating system's randomness and writes it to a new file that only its
/// owner may read.
///
/// # Errors
/// [`KeyFileError::File`], for example when the file exists: a secret is never overwritten.
pub fn create(path: &Path) -> Result<SecretKey, KeyFileError> {
    let key = random();
    write(path, &key)?;
    Ok(key)
}

/// Writes a secret key to a new file that only its owner may read.
///
/// # Errors
/// [`KeyFileError::File`], for example when the file exists.
pub fn write(path: &Path, key: &SecretKey) -> Result<(), KeyFileError> {
    let digits = Zeroizing::new(hex::encode(key.seed()));
    let written = Written {
        format: FORMAT.to_owned(),
        public: Coordinates::of(&key.public_key()),
        secret: format!("0x{}", *digits),
    };
    let form = |what| KeyFileError::Form { path: path.to_owned(), what };
    let json = written::line(&written, MAX_KEY_FILE_BYTES.into()).map_err(form)?;
    Ok(files::write_secret(path, &json)?)
}

/// Reads a secret key.
///
/// # Errors
/// [`KeyFileError`].
pub fn read(path: &Path) -> Result<SecretKey, KeyFileError> {
    let form = |what| KeyFileError::Form { path: path.to_owned(), what };
    let json = files::read_secret(path, MAX_KEY_FILE_BYTES)?;
    let written = written::read(&json, FORMAT, |written: &Written| &written.format).map_err(form)?;
    let mut bytes = Zeroizing::new([0; SEED_LEN]);
    let digits = written.secret.strip_prefix("0x").ok_or(form("the secret does not start with 0x"))?;
    hex::decode_to_slice(digits, &mut *bytes).map_err(|_| form("the secret is not 64 hexadecimal digits"))?;
    let key = SecretKey::from_seed(*bytes);
    let public = Coordinates::of(&key.public_key());
    if (&public.x, &public.y) != (&written.public.x, &written.public.y) {
        return Err(KeyFileError::OtherPublicKey { path: path.to_owned() });
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_written_is_read_again_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("alice.json");
        let key = create(&path).unwrap();
        assert_eq!(read(&path).unwrap().public_key(), key.public_key());
        assert!(matches!(create(&path), Err(KeyFileError::File(FileError::Exists { .. }))));
        assert_eq!(read(&path).unwrap().public_key(), key.public_key());
    }

    #[test]
    fn a_damaged_key_file_is_refused_without_showing_the_secret() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("alice.json");
        create(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let secret = text.split("0x").nth(1).unwrap()[..64].to_owned();
        let other = if secret.starts_with('0') { "1" } else { "0" };
        let damages = [
            text.replace("zkpov-key/1", "zkpov-key/2"),
            text.replace("0x", ""),
            text.replace(&secret, &secret[1..]),
            text.replace(&secret, &format!("{other}{}", &secret[1..])),
            text.replace("\"secret\":\"0x", "\"secret\":0"),
            text[..text.len() / 2].to_owned(),
        ];
        for damaged in damages {
            assert_ne!(damaged, text);
            std::fs::write(&path, &damaged).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(!error.contains(&secret[2..30]), "{error}");
        }
    }
}
