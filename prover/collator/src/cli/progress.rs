//! Progress of long work, on standard error: a bar on a terminal, plain lines elsewhere.

use std::{
    collections::HashMap,
    fmt,
    io::{self, IsTerminal, Write},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use zkpov_prover::{Progress, progress::phase};

use super::output::duration;

/// How often a bar without news turns its spinner.
const SPIN: Duration = Duration::from_millis(120);
/// Elsewhere than on a terminal, how long a phase may go on without a line.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Elsewhere than on a terminal, shorter phases are not worth a line.
const LINE_FROM: Duration = Duration::from_secs(1);
const PERCENT: u64 = 100;

/// Shows the phases of a long operation as they are reported.
pub(crate) struct Bars {
    label: String,
    terminal: Option<MultiProgress>,
    running: Mutex<HashMap<&'static str, Running>>,
}

struct Running {
    since: Instant,
    spoke: Instant,
    bar: Option<ProgressBar>,
}

impl Bars {
    /// Progress of the operation named `label`, which stands before each phase.
    pub(crate) fn new(label: impl Into<String>) -> Self {
        let terminal = io::stderr().is_terminal().then(MultiProgress::new);
        Self { label: label.into(), terminal, running: Mutex::default() }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<&'static str, Running>> {
        // A panic elsewhere does not make the bars wrong.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, name: &'static str, total: u64) -> Running {
        let bar = self.terminal.as_ref().map(|all| {
            let template = if total > 1 {
                "  {spinner} {msg} {bar:24} {percent:>3} %  {elapsed}"
            } else {
                "  {spinner} {msg} {elapsed}"
            };
            // The templates are constants; a mistake in one would only cost the bar its looks.
            let style =
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = all.add(ProgressBar::new(total).with_style(style));
            bar.set_message(format!("{}: {}", self.label, describe(name)));
            bar.enable_steady_tick(SPIN);
            bar
        });
        let now = Instant::now();
        Running { since: now, spoke: now, bar }
    }

    fn line(&self, line: &str) {
        // Progress that cannot be shown is no reason to stop the work.
        let _ = writeln!(io::stderr().lock(), "  {}: {line}", self.label);
    }
}

impl Progress for Bars {
    fn report(&self, name: &'static str, done: u64, total: u64) {
        let mut running = self.running();
        if done >= total {
            if let Some(phase) = running.remove(name) {
                match phase.bar {
                    Some(bar) => bar.finish_and_clear(),
                    None if phase.since.elapsed() >= LINE_FROM => {
                        self.line(&format!("{} in {}", describe(name), duration(phase.since.elapsed())));
                    }
                    None => {}
                }
            }
            return;
        }
        let phase = running.entry(name).or_insert_with(|| self.start(name, total));
        match &phase.bar {
            Some(bar) => bar.set_position(done.max(bar.position())),
            None if phase.spoke.elapsed() >= LINE_EVERY => {
                phase.spoke = Instant::now();
                self.line(&format!("{} {} %", describe(name), done.saturating_mul(PERCENT) / total.max(1)));
            }
            None => {}
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        for phase in self.running().values() {
            if let Some(bar) = &phase.bar {
                bar.finish_and_clear();
            }
        }
    }
}

impl fmt::Debug for Bars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bars").field("label", &self.label).finish_non_exhaustive()
    }
}

/// A phase in words; its name where there are none.
fn describe(name: &'static str) -> &'static str {
    match name {
        phase::SETUP_QAP => "evaluating the circuit's polynomials",
        phase::SETUP_POINTS => "computing the points of the key",
        phase::PROVE_WITNESS_CHECK => "checking every constraint",
        phase::PROVE_QAP => "transforms",
        phase::PROVE_MSM_H => "multi-scalar multiplication H",
        phase::PROVE_MSM_L => "multi-scalar multiplication L",
        phase::PROVE_MSM_A => "multi-scalar multiplication A",
        phase::PROVE_MSM_B_G1 => "multi-scalar multiplication B in G1",
        phase::PROVE_MSM_B_G2 => "multi-scalar multiplication B in G2",
        phase::PROVE_VERIFY => "verifying the proof",
        phase::CHECK_CHECKSUMS => "comparing checksums",
        phase::CHECK_MATRICES => "checking the constraint matrices",
        phase::CHECK_POINTS => "checking every point",
        phase::CHECK_RELATIONS => "checking that the points belong together",
        other => other,
    }
}
