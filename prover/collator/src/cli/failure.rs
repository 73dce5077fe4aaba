//! How a command ends when it does not do what it was asked.

use std::{fmt, process::ExitCode};

/// Exit code of a command that did what it was asked.
const EXIT_DONE: u8 = 0;
/// Exit code when what was given was looked at and refused: an invalid block, no valid extrinsic.
const EXIT_REFUSED: u8 = 1;
/// Exit code when the command could not do its work: wrong arguments, a missing file, a full disk.
const EXIT_MISUSE: u8 = 2;

/// Which of the two ways to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The input was examined and is not valid.
    Refused,
    /// The command could not examine it.
    Misuse,
}

impl Kind {
    /// What a script reads in the field `result`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Misuse => "error",
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Refused => EXIT_REFUSED,
            Self::Misuse => EXIT_MISUSE,
        }
    }
}

/// A failure, and what the user can do next.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) what: String,
    /// One sentence; empty when `what` says it.
    pub(crate) next: String,
}

impl Failure {
    /// The input is not valid, for this reason.
    pub(crate) fn refused(what: impl fmt::Display) -> Self {
        Self { kind: Kind::Refused, what: what.to_string(), next: String::new() }
    }

    /// The command cannot do its work, for this reason.
    pub(crate) fn misuse(what: impl fmt::Display) -> Self {
        Self { kind: Kind::Misuse, what: what.to_string(), next: String::new() }
    }

    /// The same, with what to do next.
    #[must_use]
    pub(crate) fn next(mut self, next: impl fmt::Display) -> Self {
        self.next = next.to_string();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Anything that goes wrong on the way without being a verdict on the input.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut what = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            // Some errors already show their source.
            if !what.contains(&cause_text) {
                what.push_str(": ");
                what.push_str(&cause_text);
            }
            source = cause.source();
        }
        Self::misuse(what)
    }
}

/// The process's exit code for a command's end.
pub(crate) fn exit_code(end: &Result<(), Failure>) -> ExitCode {
    ExitCode::from(match end {
        Ok(()) => EXIT_DONE,
        Err(failure) => failure.kind.code(),
    })
}
