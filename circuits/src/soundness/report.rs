//! What an audit found.

use std::fmt;

use ark_relations::gr1cs::SynthesisError;

use super::forgery::Violation;

/// How a value was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// To a random value.
    Random,
    /// To 0.
    Zero,
    /// To 1.
    One,
    /// To its successor.
    PlusOne,
    /// To its negative.
    Negated,
}

impl Change {
    /// All changes.
    pub const ALL: [Self; 5] = [Self::Random, Self::Zero, Self::One, Self::PlusOne, Self::Negated];
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Random => "a random value",
            Self::Zero => "0",
            Self::One => "1",
            Self::PlusOne => "its successor",
            Self::Negated => "its negative",
        })
    }
}

/// Something that the constraints do not fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A hint was changed, the rest followed, and every constraint holds.
    Hint {
        /// The hint's path.
        path: String,
        /// The change.
        change: Change,
    },
    /// A variable was changed in place, and every row that it occurs in holds.
    Variable {
        /// The variable's path.
        path: String,
        /// The change.
        change: Change,
    },
    /// A variable occurs in no row.
    Unused {
        /// The variable's path.
        path: String,
    },
    /// With a hint changed the circuit could not be synthesised, so nothing is known about it.
    ///
    /// Code that stops on a dishonest value hides a missing constraint: make it total.
    Undetermined {
        /// The hint's path.
        path: String,
        /// The change.
        change: Change,
        /// What the circuit returned.
        error: SynthesisError,
    },
}

impl Finding {
    /// The path of the hint or variable.
    pub fn path(&self) -> &str {
        match self {
            Self::Hint { path, .. }
            | Self::Variable { path, .. }
            | Self::Unused { path }
            | Self::Undetermined { path, .. } => path,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hint { path, change } => {
                write!(f, "hint {path} changed to {change}, the rest recomputed: accepted")
            }
            Self::Variable { path, change } => write!(f, "variable {path} changed to {change}: accepted"),
            Self::Unused { path } => write!(f, "variable {path} occurs in no constraint"),
            Self::Undetermined { path, change, error } => {
                write!(f, "hint {path} changed to {change}: the circuit stopped ({error})")
            }
        }
    }
}

/// A finding that was declared, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excepted {
    /// The finding.
    pub finding: Finding,
    /// Why it is harmless.
    pub reason: String,
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The circuit's name.
    pub circuit: String,
    /// Constraints.
    pub constraints: usize,
    /// Hints that were replaced.
    pub hints: usize,
    /// Those of them that what stands before them determines, by the constraints alone.
    pub determined: usize,
    /// Variables that were perturbed.
    pub variables: usize,
    /// What survived without being declared.
    pub survivors: Vec<Finding>,
    /// What survived and was declared.
    pub excepted: Vec<Excepted>,
    /// Patterns of declared exceptions that matched nothing.
    pub unused_exceptions: Vec<String>,
}

impl Report {
    /// Whether nothing survived undeclared and every exception was needed.
    pub fn is_clean(&self) -> bool {
        self.survivors.is_empty() && self.unused_exceptions.is_empty()
    }

    /// Panics with the report unless it is clean; for tests.
    ///
    /// # Panics
    ///
    /// When there are survivors or unused exceptions.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.is_clean(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { circuit, constraints, hints, determined, variables, .. } = self;
        writeln!(
            f,
            "{circuit}: {constraints} constraints, {hints} hints replaced ({determined} determined by what stands before \
             them), {variables} variables perturbed"
        )?;
        writeln!(f, "  survivors: {}", self.survivors.len())?;
        for finding in &self.survivors {
            writeln!(f, "    {finding}")?;
        }
        writeln!(f, "  declared exceptions met: {}", self.excepted.len())?;
        for Excepted { finding, reason } in &self.excepted {
            writeln!(f, "    {finding} ({reason})")?;
        }
        for pattern in &self.unused_exceptions {
            writeln!(f, "  exception {pattern:?} matched nothing: remove it")?;
        }
        Ok(())
    }
}

/// A circuit that cannot be audited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// The circuit does not synthesise.
    #[error("the circuit does not synthesise: {0}")]
    Synthesis(#[from] SynthesisError),
    /// The honest witness does not satisfy the circuit.
    #[error("the honest witness is refused: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Dishonest(Vec<Violation>),
    /// The shape of the circuit depends on values, so that one set of keys cannot fit all of its witnesses.
    #[error("the circuit has {shape} variables by its shape and {assigned} by its assignment")]
    ShapeDependsOnValues {
        /// Variables in set-up mode.
        shape: usize,
        /// Variables in the assignment.
        assigned: usize,
    },
    /// The circuit assigned something else than in its first run, though nothing was changed before it.
    #[error("the circuit assigns something else when it is run again: it depends on more than its witness")]
    NotReproducible,
}
