//! Extrinsics files: one signed extrinsic a line, as JSON.
//!
//! ```json
//! {"call":"transfer","sender":0,"nonce":0,"expiry":100,"fee":"1000000","amount":"5000","receiver":{"x":"…","y":"…"},"signature":{"r8":{"x":"…","y":"…"},"s":"…"}}
//! ```
//!
//! What a line holds is the chain's own (`docs/cli.md`). Empty lines and lines that start with `#` are
//! skipped. A line that cannot be read is refused like any other bad extrinsic: listed and left out.

use zkpov_circuits::runtime::{Chain, ExtrinsicError};

/// The most bytes an extrinsics file may hold.
pub const MAX_EXTRINSICS_FILE_BYTES: u64 = 64 << 20;

/// One line of an extrinsics file.
#[derive(Debug)]
pub struct Line {
    /// Counted from 1, as editors do.
    pub number: usize,
    /// The extrinsic's bytes, or why the line is none.
    pub extrinsic: Result<Vec<u8>, LineError>,
}

/// Why a line is no extrinsic.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Not text.
    #[error("the line is not UTF-8 text")]
    NotText,
    /// Not an extrinsic of this chain.
    #[error(transparent)]
    Extrinsic(#[from] ExtrinsicError),
}

/// Reads the lines of an extrinsics file of `chain`. Signatures are not looked at.
pub fn read_lines(chain: &dyn Chain, file: &[u8]) -> Vec<Line> {
    file.split(|byte| *byte == b'\n')
        .enumerate()
        .filter_map(|(index, line)| {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                return None;
            }
            let extrinsic = match std::str::from_utf8(line) {
                Ok(text) => chain.extrinsic_from_json(text).map_err(LineError::from),
                Err(_) => Err(LineError::NotText),
            };
            Some(Line { number: index.saturating_add(1), extrinsic })
        })
        .collect()
}
