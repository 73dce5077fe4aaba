//! Keys that are to follow a private chain's, as a collator keeps them until their time comes.
//!
//! ```text
//!   BASE/chain-keys/0x….json      one file a key, by its commitment, for its owner's eyes only
//!   {"format": "zkpov-chain-key/1", "chain_key": "…"}
//! ```
//!
//! What the chain's state says of a key that is to follow is its commitment. The first block under the key needs the key itself, to be
//! made and to be imported; from then on the state has it. A key stays here, for a rollback behind that block.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ark_bn254::Fr;
use ark_ff::UniformRand;
use rand::rngs::OsRng;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;
use zkpov_circuits::{
    runtime::{privacy::Secret, vault::commitment},
    state::Value,
};
use zkpov_verifier::field;

use crate::{
    files::{self, FileError},
    paths, written,
};

/// What a key's file says it is.
pub const FORMAT: &str = "zkpov-chain-key/1";

/// The most bytes that such a file may hold.
pub const MAX_CHAIN_KEY_FILE_BYTES: u16 = 1024;

/// Why keys could not be kept or read. No message shows any of a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainKeyError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] FileError),
    /// The directory.
    #[error("{}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// Not the JSON of a key's file.
    #[error("{} is no file of a chain key ({what}); `zkpov secrets rotate` and `zkpov secrets unwrap` make them", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: String,
    chain_key: Json,
}

/// A new key, from the operating system's randomness.
#[must_use]
pub fn random() -> Secret {
    Secret(Fr::rand(&mut OsRng))
}

/// A key's commitment as files and messages have it: 32 bytes, little-endian, in hexadecimal.
#[must_use]
pub fn name(commitment: &Fr) -> String {
    format!("0x{}", hex::encode(field::encode(commitment)))
}

/// A key as its file has it.
///
/// # Errors
/// [`ChainKeyError::Form`].
pub fn encode(key: &Secret) -> Result<Zeroizing<Vec<u8>>, ChainKeyError> {
    let form = |what| ChainKeyError::Form { path: PathBuf::new(), what };
    let file = json!({ "format": FORMAT, "chain_key": key.to_json() });
    written::line(&file, MAX_CHAIN_KEY_FILE_BYTES.into()).map_err(form)
}

/// The key that a file holds.
///
/// # Errors
/// [`ChainKeyError::Form`], which names `path`.
pub fn decode(text: &[u8], path: &Path) -> Result<Secret, ChainKeyError> {
    let form = |what| ChainKeyError::Form { path: path.to_owned(), what };
    let written = written::read(text, FORMAT, |written: &Written| &written.format).map_err(form)?;
    Secret::from_json(&written.chain_key).map_err(|_| form("its key is no field element"))
}

/// Keeps a key for the chain in `base`; its commitment. A key that is kept already stays as it is.
///
/// # Errors
/// [`ChainKeyError::File`] and [`ChainKeyError::Directory`].
pub fn keep(base: &Path, key: &Secret) -> Result<Fr, ChainKeyError> {
    let directory = paths::chain_keys(base);
    fs::create_dir_all(&directory)
        .map_err(|source| ChainKeyError::Directory { path: directory.clone(), source })?;
    let commitment = commitment(key);
    match files::write_secret(&directory.join(name(&commitment)).with_extension("json"), &encode(key)?) {
        Ok(()) | Err(FileError::Exists { .. }) => Ok(commitment),
        Err(error) => Err(error.into()),
    }
}

/// The keys that are kept for the chain in `base`; none where there is no directory of them.
///
/// # Errors
/// [`ChainKeyError`], for any file of the directory that is not a key's.
pub fn kept(base: &Path) -> Result<Vec<Secret>, ChainKeyError> {
    let directory = paths::chain_keys(base);
    let refuse = |source| ChainKeyError::Directory { path: directory.clone(), source };
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(refuse(error)),
    };
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(refuse)?;
    // Files under way have other names.
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let read = |path: &PathBuf| decode(&files::read_secret(path, MAX_CHAIN_KEY_FILE_BYTES)?, path);
    paths.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_kept_are_read_again_and_one_that_is_kept_twice_is_one() {
        let base = tempfile::tempdir().unwrap();
        assert_eq!(kept(base.path()).unwrap(), []);
        let keys = [random(), random()];
        for key in keys.iter().chain(&keys) {
            assert_eq!(keep(base.path(), key).unwrap(), commitment(key));
        }
        let found = kept(base.path()).unwrap();
        assert!(found.len() == 2 && keys.iter().all(|key| found.contains(key)));
    }

    #[test]
    fn a_damaged_file_is_refused_without_showing_the_key() {
        let key = random();
        let text = String::from_utf8(encode(&key).unwrap().to_vec()).unwrap();
        let digits: String = text.split("\"chain_key\":\"").nth(1).unwrap().chars().take(20).collect();
        for damaged in [
            text.replace(FORMAT, "zkpov-chain-key/2"),
            text.replace(&digits, &format!("x{digits}")),
            text[9..].into(),
        ] {
            let error = decode(damaged.as_bytes(), Path::new("k.json")).unwrap_err().to_string();
            assert!(error.contains("k.json") && !error.contains(&digits), "{error}");
        }
    }
}
