//! Tools that try to cheat a circuit.

use std::collections::BTreeMap;

use crate::seam::{Session, with_session};

/// Runs `body` with the constraints of these names left out of whatever circuit it synthesises on this thread.
///
/// For tests alone: it shows that a forged witness is refused by a named constraint and by nothing else.
///
/// # Panics
///
/// When a name was not met: a constraint that is not there proves nothing.
pub fn without<T>(names: &[&str], body: impl FnOnce() -> T) -> T {
    let removed: BTreeMap<String, usize> = names.iter().map(|name| ((*name).to_owned(), 0)).collect();
    let (result, ended) = with_session(Session { removed, ..Session::default() }, body);
    for (name, met) in ended.removed {
        assert!(met > 0, "no constraint named {name:?} was met");
    }
    result
}
