//! What a Jacobian's kernel says about a circuit.

use std::fmt;

use super::super::pattern::Declarations;

/// Paths that a report spells out of one direction.
const PATHS_SHOWN: usize = 12;

/// A direction in which a witness can move: the variables that change in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Direction {
    /// The paths of hints, in the order of their allocation.
    pub hints: Vec<String>,
    /// The paths of variables that follow from others, and of public inputs.
    pub derived: Vec<String>,
}

impl Direction {
    /// All paths, those of hints first.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.hints.iter().chain(&self.derived).map(String::as_str)
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hints, derived } = self;
        write!(f, "{} hints and {} derived variables move together:", hints.len(), derived.len())?;
        for path in self.paths().take(PATHS_SHOWN) {
            write!(f, " {path}")?;
        }
        if hints.len() + derived.len() > PATHS_SHOWN { f.write_str(" …") } else { Ok(()) }
    }
}

/// A declaration that excuses directions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excused {
    /// The pattern.
    pub pattern: String,
    /// Why what it matches is harmless.
    pub reason: String,
    /// Variables that it matches, counted in each direction.
    pub variables: usize,
}

/// What is free in a circuit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freedom {
    /// The circuit's name.
    pub circuit: String,
    /// Constraints that were looked at.
    pub constraints: usize,
    /// Sums of range checks that were set aside.
    pub ranges: usize,
    /// Variables that were fixed.
    pub fixed: usize,
    /// Variables that were not.
    pub unknowns: usize,
    /// Directions in which a variable moves that is not declared free: a basis of them modulo the others.
    pub undeclared: Vec<Direction>,
    /// Directions in which only declared variables move.
    pub declared: usize,
    /// The declarations that were met.
    pub excused: Vec<Excused>,
    /// Patterns of declarations that matched nothing fixed, or nothing that moves.
    pub unneeded: Vec<String>,
}

impl Freedom {
    /// Whether nothing moves but what was declared, and every declaration was needed.
    pub fn is_clean(&self) -> bool {
        self.undeclared.is_empty() && self.unneeded.is_empty()
    }

    /// Panics with the report unless it is clean; for tests.
    ///
    /// # Panics
    ///
    /// When something undeclared is free, or a declaration was not needed.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.is_clean(), "{self}");
    }

    /// Counts `direction` among the declared or the undeclared.
    pub(super) fn sort(&mut self, direction: Direction, declared: &mut Declarations<'_>) {
        let mut undeclared = false;
        for path in direction.paths() {
            let Some(declaration) = declared.declared(path) else {
                undeclared = true;
                continue;
            };
            match self.excused.iter_mut().find(|excused| excused.pattern == declaration.pattern) {
                Some(excused) => excused.variables += 1,
                None => self.excused.push(Excused {
                    pattern: declaration.pattern.clone(),
                    reason: declaration.reason.clone(),
                    variables: 1,
                }),
            }
        }
        if undeclared {
            self.undeclared.push(direction);
        } else {
            self.declared += 1;
        }
    }
}

impl fmt::Display for Freedom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { circuit, constraints, ranges, fixed, unknowns, .. } = self;
        let rank = unknowns - self.declared - self.undeclared.len();
        writeln!(
            f,
            "{circuit}: {constraints} constraints, {ranges} range checks set aside, {fixed} variables fixed; \
             rank {rank} of {unknowns}"
        )?;
        writeln!(f, "  free and not declared: {}", self.undeclared.len())?;
        for direction in &self.undeclared {
            writeln!(f, "    {direction}")?;
        }
        writeln!(f, "  free as declared: {}", self.declared)?;
        for Excused { pattern, reason, variables } in &self.excused {
            writeln!(f, "    {variables} times {pattern:?} ({reason})")?;
        }
        for pattern in &self.unneeded {
            writeln!(f, "  declaration {pattern:?} matched nothing: remove it")?;
        }
        Ok(())
    }
}
