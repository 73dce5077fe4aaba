//! Secrets files: what the collators of a private chain know, as JSON, for their eyes only.
//!
//! ```json
//! {"format": "zkpov-secrets/1", "secrets": {"chain_key": "…", "salt": "…"}}
//! ```
//!
//! Whoever has the file reads every block of the chain, and with the chain spec makes the same genesis. The spec itself tells nothing
//! of them and can be shown to anybody.

use std::path::{Path, PathBuf};

use ark_bn254::Fr;
use ark_ff::UniformRand;
use rand::rngs::OsRng;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;
use zkpov_circuits::{
    runtime::privacy::{Secret, Secrets},
    state::Value,
};

use crate::{
    files::{self, FileError},
    written,
};

/// What a secrets file says it is.
pub const FORMAT: &str = "zkpov-secrets/1";

/// The most bytes a secrets file may hold.
pub const MAX_SECRETS_FILE_BYTES: u16 = 4096;

/// The member of a chain spec that a chain is given its secrets in. A file with a spec does not have it.
const MEMBER: &str = "secrets";

/// Why a secrets file could not be read or written. No message shows any of the secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// The file itself.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not the JSON of a secrets file.
    #[error("{} is no secrets file ({what}); `zkpov secrets` makes one", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A chain spec has secrets in it.
    #[error(
        "the chain spec has `secrets` in it: they belong in a file of their own, since a spec is for everybody"
    )]
    InSpec,
    /// The chain spec is not a JSON object.
    #[error("the chain spec is no JSON object")]
    Spec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: String,
    secrets: Json,
}

/// New secrets, from the operating system's randomness.
#[must_use]
pub fn random() -> Secrets {
    let secret = || Secret(Fr::rand(&mut OsRng));
    Secrets { chain_key: secret(), salt: secret() }
}

/// Makes new secrets and writes them to a new file that only its owner may read.
///
/// # Errors
/// [`SecretsError::File`], for example when the file exists: a secret is never overwritten.
pub fn create(path: &Path) -> Result<Secrets, SecretsError> {
    let secrets = random();
    write(path, &secrets)?;
    Ok(secrets)
}

/// Writes secrets to a new file that only its owner may read.
///
/// # Errors
/// [`SecretsError::File`], for example when the file exists.
pub fn write(path: &Path, secrets: &Secrets) -> Result<(), SecretsError> {
    Ok(files::write_secret(path, &encode(secrets, path)?)?)
}

/// Secrets as their file has them.
///
/// # Errors
/// [`SecretsError::Form`], which names `path`.
pub fn encode(secrets: &Secrets, path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretsError> {
    let form = |what| SecretsError::Form { path: path.to_owned(), what };
    let file = json!({ "format": FORMAT, "secrets": secrets.to_json() });
    written::line(&file, MAX_SECRETS_FILE_BYTES.into()).map_err(form)
}

/// Reads secrets.
///
/// # Errors
/// [`SecretsError`].
pub fn read(path: &Path) -> Result<Secrets, SecretsError> {
    decode(&files::read_secret(path, MAX_SECRETS_FILE_BYTES)?, path)
}

/// The secrets that a file holds.
///
/// # Errors
/// [`SecretsError::Form`], which names `path`.
pub fn decode(text: &[u8], path: &Path) -> Result<Secrets, SecretsError> {
    let form = |what| SecretsError::Form { path: path.to_owned(), what };
    let written = written::read(text, FORMAT, |written: &Written| &written.format).map_err(form)?;
    Secrets::from_json(&written.secrets).map_err(|_| form("its secrets are no field elements"))
}

/// A chain spec as a private chain takes it: with the secrets in it.
///
/// # Errors
/// [`SecretsError::InSpec`] and [`SecretsError::Spec`].
pub fn join(spec: &[u8], secrets: &Secrets) -> Result<Zeroizing<Vec<u8>>, SecretsError> {
    let mut joined: Json = serde_json::from_slice(spec).map_err(|_| SecretsError::Spec)?;
    let members = joined.as_object_mut().ok_or(SecretsError::Spec)?;
    if members.insert(MEMBER.to_owned(), secrets.to_json()).is_some() {
        return Err(SecretsError::InSpec);
    }
    Ok(Zeroizing::new(joined.to_string().into_bytes()))
}

/// A chain spec without secrets: what is kept and shown of it. The same bytes where there are none.
#[must_use]
pub fn without(spec: &[u8]) -> Vec<u8> {
    let Ok(Json::Object(mut members)) = serde_json::from_slice(spec) else { return spec.to_vec() };
    if members.remove(MEMBER).is_none() {
        return spec.to_vec();
    }
    Json::Object(members).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_that_were_written_are_read_again_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secrets.json");
        let secrets = create(&path).unwrap();
        assert_eq!(read(&path).unwrap(), secrets);
        assert!(matches!(create(&path), Err(SecretsError::File(FileError::Exists { .. }))));
        assert_eq!(read(&path).unwrap(), secrets);
    }

    #[test]
    fn a_damaged_file_is_refused_without_showing_the_secrets() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secrets.json");
        create(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let digits: String = text.split("\"chain_key\":\"").nth(1).unwrap().chars().take(20).collect();
        for damaged in [
            text.replace("zkpov-secrets/1", "zkpov-secrets/2"),
            text.replace("salt", "pepper"),
            text.replace(&digits, &format!("x{digits}")),
            text[..text.len() / 2].to_owned(),
        ] {
            assert_ne!(damaged, text);
            std::fs::write(&path, &damaged).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(!error.contains(&digits), "{error}");
        }
    }

    #[test]
    fn a_spec_is_joined_with_secrets_once_and_parted_from_them_again() {
        let spec = br#"{"chain":"private-payments","accounts":[]}"#;
        let joined = join(spec, &random()).unwrap();
        assert!(matches!(join(&joined, &random()), Err(SecretsError::InSpec)));
        let parted: Json = serde_json::from_slice(&without(&joined)).unwrap();
        assert_eq!(parted, serde_json::from_slice::<Json>(spec).unwrap());
        assert_eq!(without(spec), spec);
    }
}
