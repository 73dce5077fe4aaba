//! Where the time went: the phases of a command, from its `tracing` spans.

use std::{
    collections::HashMap,
    fmt::{self, Write},
    fs,
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use super::output::{bytes, duration};

/// The processor's clock ticks so coarsely that a shorter phase has no meaningful number of cores.
const CORES_FROM: Duration = Duration::from_millis(100);
/// What Linux counts a process's time in: USER_HZ, 100 in a second on every architecture.
const TICK: Duration = Duration::from_millis(10);
/// Spaces before a phase for each phase around it.
const INDENT: usize = 2;

/// Collects the phases of this process.
#[derive(Debug)]
pub(crate) struct Timings {
    start: Instant,
    main: ThreadId,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What computed the last proof.
    backend: Option<String>,
    /// In the order in which they first began.
    phases: Vec<Phase>,
    /// Phases by the phase around them and their name.
    by_name: HashMap<(Option<usize>, &'static str), usize>,
    /// The phases that the main thread is in, outermost first.
    main: Vec<usize>,
}

#[derive(Debug)]
struct Phase {
    name: &'static str,
    parent: Option<usize>,
    calls: u64,
    wall: Duration,
    processor: Duration,
}

/// A span's place among the phases, and when it was entered last.
struct Place {
    phase: usize,
    entered: Option<(Instant, Duration)>,
}

impl Timings {
    /// Begins to collect, for the rest of the process.
    pub(crate) fn start() -> &'static Self {
        Box::leak(Box::new(Self {
            start: Instant::now(),
            main: thread::current().id(),
            state: Mutex::default(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere does not make the times wrong.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn on_main_thread(&self) -> bool {
        thread::current().id() == self.main
    }

    /// The phases, for a machine.
    pub(crate) fn to_json(&self) -> Value {
        let state = self.state();
        let name = |index: usize| state.phases.get(index).map(|phase| phase.name);
        json!({
            "seconds": self.start.elapsed().as_secs_f64(),
            "threads": rayon::current_num_threads(),
            "vectors": zkpov_prover::vectors().ok(),
            "backend": state.backend,
            "peak_memory_bytes": peak_memory(),
            "phases": state.phases.iter().map(|phase| json!({
                "name": phase.name,
                "inside": phase.parent.and_then(name),
                "calls": phase.calls,
                "seconds": phase.wall.as_secs_f64(),
                "processor_seconds": phase.processor.as_secs_f64(),
            })).collect::<Vec<_>>(),
        })
    }

    /// The phases as a table, for a person.
    pub(crate) fn to_text(&self) -> String {
        let total = self.start.elapsed();
        let state = self.state();
        let mut rows = Vec::new();
        state.rows(None, 0, &mut rows);
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default().max("phase".len());
        let mut text = format!("{:width$}  calls        wall   share  cores\n", "phase");
        for (name, phase) in rows {
            let share = 100.0 * phase.wall.as_secs_f64() / total.as_secs_f64();
            let cores = if phase.wall < CORES_FROM || phase.processor.is_zero() {
                String::new()
            } else {
                format!("{:.1}", phase.processor.as_secs_f64() / phase.wall.as_secs_f64())
            };
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "{name:width$}  {:>5}  {:>10}  {share:>4.0} %  {cores:>5}",
                phase.calls,
                duration(phase.wall)
            );
        }
        let threads = rayon::current_num_threads();
        let _ = write!(text, "all of it {} with {threads} threads", duration(total));
        if let Ok(vectors) = zkpov_prover::vectors() {
            let _ = write!(text, ", {vectors} vectors");
        }
        if let Some(backend) = &state.backend {
            let _ = write!(text, ", proven on {backend}");
        }
        if let Some(peak) = peak_memory() {
            let _ = write!(text, ", peak memory {}", bytes(peak));
        }
        text.push('\n');
        text
    }
}

impl State {
    fn phase(&mut self, parent: Option<usize>, name: &'static str) -> usize {
        let phases = &mut self.phases;
        *self.by_name.entry((parent, name)).or_insert_with(|| {
            phases.push(Phase { name, parent, calls: 0, wall: Duration::ZERO, processor: Duration::ZERO });
            phases.len() - 1
        })
    }

    /// The phases inside `parent`, each followed by those inside it.
    fn rows<'a>(&'a self, parent: Option<usize>, depth: usize, rows: &mut Vec<(String, &'a Phase)>) {
        for (index, phase) in self.phases.iter().enumerate().filter(|(_, phase)| phase.parent == parent) {
            rows.push((format!("{}{}", " ".repeat(INDENT * depth), phase.name), phase));
            self.rows(Some(index), depth + 1, rows);
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for &'static Timings {
    fn on_new_span(&self, _: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let around = span.parent().and_then(|parent| parent.extensions().get::<Place>().map(|p| p.phase));
        let mut state = self.state();
        // What begins on a worker's thread, where nothing is around it, is a part of what the main thread does.
        let around = around.or_else(|| state.main.last().copied());
        let phase = state.phase(around, span.name());
        drop(state);
        span.extensions_mut().insert(Place { phase, entered: None });
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut found = FindBackend(None);
        event.record(&mut found);
        if found.0.is_some() {
            self.state().backend = found.0;
        }
    }

    fn on_enter(&self, id: &span::Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(place) = span.extensions_mut().get_mut::<Place>() {
            place.entered = Some((Instant::now(), processor_time()));
            if self.on_main_thread() {
                self.state().main.push(place.phase);
            }
        }
    }

    fn on_exit(&self, id: &span::Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        let Some(place) = extensions.get_mut::<Place>() else { return };
        let Some((since, processor)) = place.entered.take() else { return };
        let mut state = self.state();
        if self.on_main_thread() {
            state.main.pop();
        }
        if let Some(phase) = state.phases.get_mut(place.phase) {
            phase.calls += 1;
            phase.wall += since.elapsed();
            phase.processor += processor_time().saturating_sub(processor);
        }
    }
}

/// Finds the field `backend` of an event: the prover says so what computed a proof.
struct FindBackend(Option<String>);

impl Visit for FindBackend {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "backend" {
            self.0 = Some(format!("{value:?}"));
        }
    }
}

/// Processor time of all threads of this process so far; zero where the system does not say.
fn processor_time() -> Duration {
    // proc(5): after the name in parentheses come the state and ten more fields, then utime and stime.
    const FIELDS_BEFORE: usize = 11;
    let Ok(stat) = fs::read_to_string("/proc/self/stat") else { return Duration::ZERO };
    let Some((_, fields)) = stat.rsplit_once(") ") else { return Duration::ZERO };
    let ticks: u32 =
        fields.split(' ').skip(FIELDS_BEFORE).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
    TICK * ticks
}

/// The most memory that was resident at once, in bytes, mapped files included.
fn peak_memory() -> Option<u64> {
    const KIBI: u64 = 1024;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").trim().parse().ok()?;
    kibibytes.checked_mul(KIBI)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::info_span;
    use tracing_subscriber::prelude::*;

    #[test]
    fn phases_are_counted_where_they_happen_and_those_of_workers_where_the_main_thread_is() {
        let timings = Timings::start();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(timings), || {
            let dispatch = tracing::dispatcher::get_default(Clone::clone);
            for _ in 0..3 {
                let _outer = info_span!("outer").entered();
                info_span!("inner").in_scope(|| thread::sleep(Duration::from_millis(2)));
                thread::scope(|scope| {
                    scope.spawn(|| {
                        tracing::dispatcher::with_default(&dispatch, || info_span!("inner").in_scope(|| ()));
                    });
                });
            }
            info_span!("inner").in_scope(|| ());
        });
        let value = timings.to_json();
        let phases: Vec<_> = value["phases"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| (p["name"].as_str(), p["inside"].as_str(), p["calls"].as_u64()))
            .collect();
        let (outer, inner) = (Some("outer"), Some("inner"));
        assert_eq!(phases, [(outer, None, Some(3)), (inner, outer, Some(6)), (inner, None, Some(1))]);
        let seconds = |index: usize| value["phases"][index]["seconds"].as_f64().unwrap();
        assert!(seconds(0) >= seconds(1) && seconds(1) >= 0.006, "{value}");
        let text = timings.to_text();
        assert!(text.contains("\n  inner ") && text.contains(zkpov_prover::vectors().unwrap()), "{text}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_says_how_much_processor_and_memory_were_used() {
        let before = processor_time();
        let start = Instant::now();
        while start.elapsed() < 5 * TICK {
            std::hint::spin_loop();
        }
        assert!(processor_time() > before);
        assert!(peak_memory().unwrap() > 1 << 20);
    }
}
