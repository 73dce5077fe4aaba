//! JSON files that say what they are: `{"format": "zkpov-…/1", …}`.
//!
//! What goes wrong is told in words that quote nothing of the file, which may hold a secret.

use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

/// Reads a file's text, which is to say of itself that it is `format`; `says` is where it does.
///
/// # Errors
/// What is wrong with it. A parser's message may quote the file: it is not passed on.
pub(crate) fn read<T: DeserializeOwned>(
    text: &[u8],
    format: &str,
    says: impl FnOnce(&T) -> &str,
) -> Result<T, &'static str> {
    let written: T = serde_json::from_slice(text).map_err(|_| "it has not the fields of one")?;
    if says(&written) == format { Ok(written) } else { Err("its format is unknown") }
}

/// A file's text: one line, in memory that is wiped. Of at most `most` bytes, so that growing leaves no copy behind.
///
/// # Errors
/// In words, if it is no JSON.
pub(crate) fn line(value: &impl Serialize, most: usize) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let mut text = Zeroizing::new(Vec::with_capacity(most));
    serde_json::to_writer(&mut *text, value).map_err(|_| "it cannot be written as JSON")?;
    text.push(b'\n');
    Ok(text)
}
