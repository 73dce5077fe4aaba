//! Systems in turn, and what came of it.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Serialize;
use serde_json::{Map, Value};

/// The name of this project's prover in the results.
pub(super) const ZKPOV: &str = "zkpov";

/// A competitor: its name, and a run of the work, which times itself.
pub(super) struct System<'a> {
    name: &'static str,
    run: Box<dyn FnMut() -> anyhow::Result<Duration> + 'a>,
    /// What else is to be said of it.
    notes: Map<String, Value>,
}

impl<'a> System<'a> {
    pub(super) fn new(name: &'static str, run: impl FnMut() -> anyhow::Result<Duration> + 'a) -> Self {
        let mut notes = Map::new();
        if name == ZKPOV {
            let vectors = zkpov_prover::vectors().unwrap_or("portable");
            notes.insert("vectors".to_owned(), vectors.into());
        }
        Self { name, run: Box::new(run), notes }
    }

    /// The system, with something else to be said of it.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.notes.insert(name.to_owned(), value.into());
        self
    }
}

/// What a system took.
#[derive(Debug, Serialize)]
struct Result {
    system: &'static str,
    median_s: f64,
    min_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    median_ns_each: Option<f64>,
    #[serde(flatten)]
    notes: Map<String, Value>,
}

/// A measurement: what all systems do, in the words of the results.
pub(super) struct Measurement<'a> {
    /// What is measured, and how large.
    pub(super) work: Map<String, Value>,
    /// Who does it.
    pub(super) systems: Vec<System<'a>>,
    /// How many equal steps the work has, if that is of interest.
    pub(super) steps: Option<usize>,
    /// How often.
    pub(super) rounds: usize,
    /// JSON lines, not a table.
    pub(super) json: bool,
}

/// A pool of its own for a system.
pub(super) fn pool(threads: usize) -> anyhow::Result<ThreadPool> {
    Ok(ThreadPoolBuilder::new().num_threads(threads).build()?)
}

/// How long `run` takes, and what it gives.
pub(super) fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = run();
    (result, start.elapsed())
}

/// The words of a measurement.
pub(super) fn work<const N: usize>(words: [(&str, Value); N]) -> Map<String, Value> {
    words.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl Measurement<'_> {
    /// Runs every system once to warm up and then in turn, another first in each round, and prints the results.
    pub(super) fn run(mut self) -> anyhow::Result<()> {
        let count = self.systems.len();
        let mut times = vec![Vec::with_capacity(self.rounds); count];
        for round in 0..=self.rounds {
            for turn in 0..count {
                let which = (turn + round) % count;
                let system = &mut self.systems[which];
                let time = (system.run)().with_context(|| system.name)?;
                if round > 0 {
                    times[which].push(time.as_secs_f64());
                }
            }
        }
        let results: Vec<_> = self
            .systems
            .into_iter()
            .zip(times)
            .map(|(system, mut times)| {
                times.sort_by(f64::total_cmp);
                let median_s = (times[times.len() / 2] + times[(times.len() - 1) / 2]) / 2.0;
                let median_ns_each = self.steps.map(|steps| median_s * 1e9 / steps as f64);
                Result { system: system.name, median_s, min_s: times[0], median_ns_each, notes: system.notes }
            })
            .collect();
        let ratios = ratios(&results)?;
        if self.json {
            for result in &results {
                println!("{}", merged(&self.work, serde_json::to_value(result)?)?);
            }
            println!("{}", merged(&self.work, ratios)?);
        } else {
            println!("{}", Value::from(self.work));
            for Result { system, median_s, min_s, median_ns_each, notes } in &results {
                let each = median_ns_each.map_or_else(String::new, |each| format!("{each:.2} ns each  "));
                let notes =
                    if notes.is_empty() { String::new() } else { Value::from(notes.clone()).to_string() };
                println!("  {system:<12} median {median_s:>10.6} s  least {min_s:>10.6} s  {each}{notes}");
            }
            println!("  {ratios}");
        }
        Ok(())
    }
}

/// The medians of the others over this project's: "ratio_ark_over_zkpov" for ark-groth16, ark-ec, ...
fn ratios(results: &[Result]) -> anyhow::Result<Value> {
    let ours =
        results.iter().find(|result| result.system == ZKPOV).context("zkpov is not among the systems")?;
    let others = results.iter().filter(|result| result.system != ZKPOV);
    Ok(others
        .map(|result| {
            let family = result.system.split('-').next().unwrap_or(result.system);
            (format!("ratio_{family}_over_{ZKPOV}"), Value::from(result.median_s / ours.median_s))
        })
        .collect::<Map<_, _>>()
        .into())
}

fn merged(work: &Map<String, Value>, result: Value) -> anyhow::Result<Value> {
    let mut all = work.clone();
    let Value::Object(result) = result else { anyhow::bail!("a result is not an object") };
    ensure!(result.keys().all(|key| !all.contains_key(key)), "a result repeats a word of the work");
    all.extend(result);
    Ok(all.into())
}
