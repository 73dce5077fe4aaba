//! What a long operation tells its caller: a `tracing` span for each phase, and the same phase to a [`Progress`].
//!
//! A span lasts from the phase's beginning to its end. Phases of a proof run side by side, so their times add up to more than the
//! proof's.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

/// Names of the phases. They are the names of the `tracing` spans (level INFO) as well, and do not change between versions.
pub mod phase {
    /// Set-up: the three polynomials of every variable, evaluated at the secret point. One step.
    pub const SETUP_QAP: &str = "setup.qap";
    /// Set-up: the points of the key. Steps are points.
    pub const SETUP_POINTS: &str = "setup.points";
    /// Set-up: the checksum of a section of the key, taken inside [`SETUP_POINTS`] as soon as the section is there. A span alone.
    pub const SETUP_CHECKSUMS: &str = "setup.checksums";
    /// Proving: evaluation of the matrices on the assignment, and the check that every constraint holds. One step.
    pub const PROVE_WITNESS_CHECK: &str = "prove.witness_check";
    /// Proving: six Fourier transforms. One step.
    pub const PROVE_QAP: &str = "prove.qap";
    /// Proving: the multi-scalar multiplication of the quotient. One step.
    pub const PROVE_MSM_H: &str = "prove.msm.h";
    /// Proving: the multi-scalar multiplication of the witness. One step.
    pub const PROVE_MSM_L: &str = "prove.msm.l";
    /// Proving: the multi-scalar multiplication of A in G1. One step.
    pub const PROVE_MSM_A: &str = "prove.msm.a";
    /// Proving: the multi-scalar multiplication of B in G1. One step.
    pub const PROVE_MSM_B_G1: &str = "prove.msm.b_g1";
    /// Proving: the multi-scalar multiplication of B in G2. One step.
    pub const PROVE_MSM_B_G2: &str = "prove.msm.b_g2";
    /// Proving: verification of the proof that is about to be returned. One step.
    pub const PROVE_VERIFY: &str = "prove.verify";
    /// Full check of a key: checksums. Steps are sections.
    pub const CHECK_CHECKSUMS: &str = "check.checksums";
    /// Full check of a key: the matrices and index lists. One step.
    pub const CHECK_MATRICES: &str = "check.matrices";
    /// Full check of a key: every point on its curve and in its subgroup. Steps are points.
    pub const CHECK_POINTS: &str = "check.points";
    /// Full check of a key: pairing relations on random linear combinations. Steps are relations.
    pub const CHECK_RELATIONS: &str = "check.relations";
}

/// Receives the progress of a long operation, for a progress bar for instance.
///
/// Called from several threads at once, and often: keep it short. A closure of the same arguments is a `Progress`.
pub trait Progress: Sync {
    /// Phase `name` (one of [`phase`]) has done `done` of `total` steps. The first call of a phase has `done` = 0 and the
    /// last `done` = `total`; calls between them may come out of order.
    fn report(&self, name: &'static str, done: u64, total: u64);
}

impl<F: Fn(&'static str, u64, u64) + Sync> Progress for F {
    fn report(&self, name: &'static str, done: u64, total: u64) {
        self(name, done, total);
    }
}

/// How an operation of this crate runs; `Options::default()` is silent.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct Options<'a> {
    /// Told of every step.
    pub progress: Option<&'a dyn Progress>,
}

impl<'a> Options<'a> {
    /// These options, with a receiver of progress.
    #[must_use]
    pub fn with_progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = Some(progress);
        self
    }
}

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("progress", &self.progress.is_some()).finish()
    }
}

/// A phase under way: its span is entered, its steps are counted.
pub(crate) struct Running<'a> {
    name: &'static str,
    total: u64,
    done: AtomicU64,
    progress: Option<&'a dyn Progress>,
    _span: tracing::span::EnteredSpan,
}

impl<'a> Running<'a> {
    pub(crate) fn new(options: &Options<'a>, name: &'static str, total: u64, span: tracing::Span) -> Self {
        if let Some(progress) = options.progress {
            progress.report(name, 0, total);
        }
        Self { name, total, done: AtomicU64::new(0), progress: options.progress, _span: span.entered() }
    }

    /// `steps` more are done.
    pub(crate) fn counter(&self) -> Counter<'_> {
        Counter { name: self.name, total: self.total, done: &self.done, progress: self.progress }
    }

    /// All steps are done.
    pub(crate) fn finish(self) {
        if let Some(progress) = self.progress {
            progress.report(self.name, self.total, self.total);
        }
    }
}

/// The part of a [`Running`] phase that other threads may hold (an entered span stays on its own).
#[derive(Clone, Copy)]
pub(crate) struct Counter<'a> {
    name: &'static str,
    total: u64,
    done: &'a AtomicU64,
    progress: Option<&'a dyn Progress>,
}

impl Counter<'_> {
    /// `steps` more are done. The last step is reported by [`Running::finish`].
    pub(crate) fn advance(&self, steps: u64) {
        let done = self.done.fetch_add(steps, Ordering::Relaxed).saturating_add(steps);
        if let Some(progress) = self.progress
            && done < self.total
        {
            progress.report(self.name, done, self.total);
        }
    }
}

/// Starts a phase whose name is one of [`phase`]: a macro, since a span's name must be a constant of its call site.
macro_rules! start_phase {
    ($options:expr, $name:path, $total:expr) => {
        $crate::progress::Running::new($options, $name, $total as u64, tracing::info_span!($name))
    };
}
pub(crate) use start_phase;

/// [`start_phase!`] inside the span `$around`, for phases that run side by side on a pool's threads: there a thread that waits in one
/// phase may take up another, which is no part of the first.
macro_rules! start_phase_in {
    ($options:expr, $around:expr, $name:path, $total:expr) => {
        $crate::progress::Running::new(
            $options,
            $name,
            $total as u64,
            tracing::info_span!(parent: $around, $name),
        )
    };
}
pub(crate) use start_phase_in;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_phase_reports_its_start_its_steps_and_its_end() {
        let seen = Mutex::new(Vec::new());
        let record = |name: &'static str, done: u64, total: u64| {
            if let Ok(mut seen) = seen.lock() {
                seen.push((name, done, total));
            }
        };
        let options = Options::default().with_progress(&record);
        let running = start_phase!(&options, phase::PROVE_QAP, 3);
        running.counter().advance(2);
        running.counter().advance(1);
        running.finish();
        let name = phase::PROVE_QAP;
        assert_eq!(*seen.lock().unwrap(), [(name, 0, 3), (name, 2, 3), (name, 3, 3)]);
    }
}
