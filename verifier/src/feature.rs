//! What the formats have room for and this verifier does not accept yet.

use core::fmt;

use thiserror::Error;

/// A part of a block that must be empty (or absent) for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Feature {
    /// UMP signals.
    UmpSignals,
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UmpSignals => "UMP signals",
        })
    }
}

/// A block uses a [`Feature`] that this verifier does not accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0} cannot be verified by this version")]
pub struct Unsupported(pub Feature);
