//! The thread-local state behind [`crate::namespace`], [`crate::hint`] and [`crate::constraint`].
//!
//! It is idle unless [`crate::soundness`] has opened a session on this thread: the three seams then look at one
//! thread-local flag and go on. Nothing outside this crate can open a session, and a session ends with the scope
//! that opened it, so no production path can lose a constraint or have a hint replaced.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    ops::Range,
    sync::Arc,
};

use ark_bn254::Fr;

thread_local! {
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
    static SESSION: RefCell<Session> = RefCell::new(Session::default());
}

/// The value that takes a hint's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Replacement(pub(crate) Fr);

/// Values for the hints of one path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forged {
    pub(crate) values: Vec<Fr>,
    /// How many of them were used.
    pub(crate) met: usize,
}

/// A hint that a session saw.
#[derive(Clone, Debug)]
pub(crate) struct SeenHint {
    /// Namespace path and name.
    pub(crate) path: String,
    /// Index among the witness variables.
    pub(crate) witness: usize,
    /// Public inputs allocated before it, and the constant 1.
    pub(crate) inputs: usize,
}

/// A named constraint, or a guarded group of them, that a session saw.
#[derive(Clone, Debug)]
pub(crate) struct SeenConstraint {
    pub(crate) name: &'static str,
    /// The namespace path it stands in.
    pub(crate) path: String,
    /// The rows it made; empty when it was removed.
    pub(crate) rows: Range<usize>,
}

/// The witness variables allocated and the rows made within one namespace.
#[derive(Clone, Debug)]
pub(crate) struct SeenNamespace {
    pub(crate) path: String,
    pub(crate) witnesses: Range<usize>,
    pub(crate) rows: Range<usize>,
}

/// How many witness variables and rows a circuit has so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) witnesses: usize,
    pub(crate) rows: usize,
}

/// What a session is asked to change, and what it saw.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// Keep `hints`, `constraints` and `namespaces`.
    pub(crate) record: bool,
    /// Replace the value of the hint with this index.
    pub(crate) replace: Option<(usize, Replacement)>,
    /// What hints are known to be, in their order: those up to the one that is replaced are not computed.
    pub(crate) known: Arc<[Fr]>,
    /// Stop at the first constraint that the values do not satisfy.
    pub(crate) stops: bool,
    /// Names of constraints to leave out, and how often each was met.
    pub(crate) removed: BTreeMap<String, usize>,
    /// By their path, values for hints that share it, in their order.
    pub(crate) forged: BTreeMap<String, Forged>,
    pub(crate) hints: Vec<SeenHint>,
    pub(crate) constraints: Vec<SeenConstraint>,
    pub(crate) namespaces: Vec<SeenNamespace>,
    /// The open namespaces, and how far the circuit was when each was entered.
    pub(crate) path: Vec<(String, Extent)>,
    pub(crate) hints_met: usize,
}

/// Runs `body` within `session` and returns the session as it ended, with `body`'s result.
///
/// Constraints that an outer session leaves out stay left out, and hints that it forges are forged. The thread's outer session, if any, is put back
/// afterwards, also when `body` panics.
pub(crate) fn with_session<T>(mut session: Session, body: impl FnOnce() -> T) -> (T, Session) {
    struct Restore(Option<(bool, Session)>);
    impl Drop for Restore {
        fn drop(&mut self) {
            if let Some((active, session)) = self.0.take() {
                ACTIVE.set(active);
                SESSION.replace(session);
            }
        }
    }
    for name in removed_names() {
        session.removed.entry(name).or_default();
    }
    for (path, values) in forged_hints() {
        session.forged.entry(path).or_insert(Forged { values, met: 0 });
    }
    let mut restore = Restore(Some((ACTIVE.replace(true), SESSION.replace(session))));
    let result = body();
    let ended = SESSION.take();
    if let Some((_, outer)) = &mut restore.0 {
        for (name, met) in &mut outer.removed {
            *met += ended.removed.get(name).copied().unwrap_or_default();
        }
        for (path, forged) in &mut outer.forged {
            forged.met = forged.met.max(ended.forged.get(path).map_or(0, |forged| forged.met));
        }
    }
    drop(restore);
    (result, ended)
}

/// The names of constraints that this thread's session leaves out.
pub(crate) fn removed_names() -> Vec<String> {
    SESSION.with_borrow(|session| session.removed.keys().cloned().collect())
}

/// The values of hints that this thread's session forges.
fn forged_hints() -> Vec<(String, Vec<Fr>)> {
    SESSION.with_borrow(|session| {
        let forged = session.forged.iter();
        forged.map(|(path, forged)| (path.clone(), forged.values.clone())).collect()
    })
}

/// Whether a session is open on this thread.
#[inline]
pub(crate) fn is_active() -> bool {
    ACTIVE.get()
}

/// Enters the namespace `segment` of a circuit that is so far.
pub(crate) fn enter(segment: String, so_far: Extent) {
    SESSION.with_borrow_mut(|session| session.path.push((segment, so_far)));
}

/// Leaves the innermost namespace of a circuit that is so far by now.
pub(crate) fn leave(so_far: Extent) {
    SESSION.with_borrow_mut(|session| {
        let path = session.record.then(|| session.current_path());
        if let (Some((_, start)), Some(path)) = (session.path.pop(), path) {
            let (witnesses, rows) = (start.witnesses..so_far.witnesses, start.rows..so_far.rows);
            session.namespaces.push(SeenNamespace { path, witnesses, rows });
        }
    });
}

/// What the next hint is known to be, if it need not be computed.
pub(crate) fn known_hint() -> Option<Fr> {
    SESSION.with_borrow(|session| match session.replace {
        Some((target, _)) if session.hints_met <= target => session.known.get(session.hints_met).copied(),
        _ => None,
    })
}

/// Meets the next hint, allocated as witness variable `witness` after so many public `inputs`: its value, replaced if the
/// session says so.
///
/// A hint whose honest computation failed is zero within a session: a dishonest prover does not stop there.
pub(crate) fn meet_hint(name: &str, witness: usize, inputs: usize, honest: Option<Fr>) -> Option<Fr> {
    SESSION.with_borrow_mut(|session| {
        let index = session.hints_met;
        session.hints_met += 1;
        if session.record {
            let path = session.path_to(name);
            session.hints.push(SeenHint { path, witness, inputs });
        }
        match session.replace {
            Some((target, Replacement(value))) if target == index => Some(value),
            // Where only the shape is asked for there are no values to forge.
            _ => honest.map(|honest| session.next_forged(name).unwrap_or(honest)),
        }
    })
}

/// Whether the constraint `name` is to be left out.
pub(crate) fn is_removed(name: &str) -> bool {
    SESSION.with_borrow_mut(|session| match session.removed.get_mut(name) {
        Some(met) => {
            *met += 1;
            true
        }
        None => false,
    })
}

/// Whether synthesis is to end at the first constraint that the values do not satisfy.
pub(crate) fn stops_when_refused() -> bool {
    SESSION.with_borrow(|session| session.stops)
}

/// Records that the constraint `name` made these rows.
pub(crate) fn record_constraint(name: &'static str, rows: Range<usize>) {
    SESSION.with_borrow_mut(|session| {
        if session.record {
            let path = session.current_path();
            session.constraints.push(SeenConstraint { name, path, rows });
        }
    });
}

impl Session {
    /// The next forged value for the hint `name` of the current namespace.
    fn next_forged(&mut self, name: &str) -> Option<Fr> {
        if self.forged.is_empty() {
            return None;
        }
        let path = self.path_to(name);
        let forged = self.forged.get_mut(&path)?;
        let value = forged.values.get(forged.met).copied()?;
        forged.met += 1;
        Some(value)
    }

    fn current_path(&self) -> String {
        let segments: Vec<&str> = self.path.iter().map(|(segment, _)| segment.as_str()).collect();
        segments.join("/")
    }

    fn path_to(&self, name: &str) -> String {
        let mut path = self.current_path();
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(name);
        path
    }
}
