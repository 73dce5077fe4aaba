//! Prometheus metrics.

use std::time::Duration;

use polkadot_node_primitives::ValidationResult;
use polkadot_node_subsystem::{
    MetricsTrait,
    messages::PreCheckOutcome,
    overseer::prometheus::{
        Counter, CounterVec, Gauge, Histogram, HistogramOpts, Opts, PrometheusError, Registry, U64, register,
    },
};

use crate::checks::Answer;

#[derive(Clone)]
struct Registered {
    validations: CounterVec<U64>,
    delegated: CounterVec<U64>,
    prechecks: CounterVec<U64>,
    shadow: CounterVec<U64>,
    keys_prepared: Counter<U64>,
    queued: Gauge<U64>,
    batch_candidates: Histogram,
    batch_seconds: Histogram,
}

/// The subsystem's metrics; counts nothing unless it is registered.
#[derive(Clone, Default)]
pub struct Metrics(Option<Registered>);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").field("registered", &self.0.is_some()).finish()
    }
}

/// Why a message went to the standard subsystem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The code is no validity key.
    Wasm,
    /// Validity keys are not accepted in the candidate's session.
    Inactive,
    /// The kill switch is thrown.
    KillSwitch,
    /// The wasm decides and the proof is compared.
    Shadow,
}

impl Reason {
    fn label(self) -> &'static str {
        match self {
            Self::Wasm => "wasm",
            Self::Inactive => "inactive",
            Self::KillSwitch => "kill_switch",
            Self::Shadow => "shadow",
        }
    }
}

impl Metrics {
    pub(crate) fn validated(&self, answer: &Answer) {
        let label = match answer {
            Ok(ValidationResult::Valid(..)) => "valid",
            Ok(ValidationResult::Invalid(_)) => "invalid",
            Err(_) => "failed",
        };
        self.count(|metrics| &metrics.validations, label);
    }

    pub(crate) fn delegated(&self, reason: Reason) {
        self.count(|metrics| &metrics.delegated, reason.label());
    }

    pub(crate) fn prechecked(&self, outcome: &PreCheckOutcome) {
        let label = match outcome {
            PreCheckOutcome::Valid => "valid",
            PreCheckOutcome::Invalid => "invalid",
            PreCheckOutcome::Failed => "failed",
        };
        self.count(|metrics| &metrics.prechecks, label);
    }

    pub(crate) fn compared(&self, agree: bool) {
        self.count(|metrics| &metrics.shadow, if agree { "agree" } else { "disagree" });
    }

    pub(crate) fn key_prepared(&self) {
        if let Some(metrics) = &self.0 {
            metrics.keys_prepared.inc();
        }
    }

    pub(crate) fn queued(&self, candidates: usize) {
        if let Some(metrics) = &self.0 {
            metrics.queued.set(candidates as u64);
        }
    }

    pub(crate) fn batch(&self, candidates: usize, took: Duration) {
        if let Some(metrics) = &self.0 {
            metrics.batch_candidates.observe(candidates as f64);
            metrics.batch_seconds.observe(took.as_secs_f64());
        }
    }

    fn count(&self, which: impl FnOnce(&Registered) -> &CounterVec<U64>, label: &str) {
        if let Some(metrics) = &self.0 {
            which(metrics).with_label_values(&[label]).inc();
        }
    }
}

/// Bounds of the buckets of batch sizes.
const SIZES: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// Bounds of the buckets of a batch's seconds.
const SECONDS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];

impl MetricsTrait for Metrics {
    fn try_register(registry: &Registry) -> Result<Self, PrometheusError> {
        let counters = |name: &str, help: &str, label: &str| {
            register(CounterVec::new(Opts::new(format!("zkpov_{name}"), help), &[label])?, registry)
        };
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            let options = HistogramOpts::new(format!("zkpov_{name}"), help).buckets(buckets.to_vec());
            register(Histogram::with_opts(options)?, registry)
        };
        Ok(Self(Some(Registered {
            validations: counters(
                "validations_total",
                "Candidates under validity keys that were answered",
                "validity",
            )?,
            delegated: counters("delegated_total", "Candidates given to the standard subsystem", "reason")?,
            prechecks: counters("prechecks_total", "Validity keys that were pre-checked", "outcome")?,
            shadow: counters(
                "shadow_comparisons_total",
                "Verdicts of wasm and proof that were compared",
                "verdicts",
            )?,
            keys_prepared: register(
                Counter::new("zkpov_keys_prepared_total", "Validity keys that were prepared")?,
                registry,
            )?,
            queued: register(
                Gauge::new("zkpov_queued_candidates", "Candidates that wait for a thread")?,
                registry,
            )?,
            batch_candidates: histogram("batch_candidates", "Candidates of a batch", &SIZES)?,
            batch_seconds: histogram("batch_seconds", "Seconds that a batch took", &SECONDS)?,
        })))
    }
}
