//! What Prometheus reads of a collator.
//!
//! Names are Substrate's where Substrate has the same thing. The endpoint answers `GET /metrics` and nothing else.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tracing::debug;

use super::node::{Done, Undone};
use crate::pool::PoolStatus;

/// Most bytes of a request that are read.
const MAX_REQUEST_BYTES: usize = 8 << 10;
/// How long a client may take.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);
/// Most clients at a time.
const MAX_CLIENTS: usize = 16;

/// The metrics of one collator.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    height: IntGaugeVec,
    pool: IntGaugeVec,
    pool_bytes: IntGauge,
    relay_height: IntGauge,
    blocks_authored: IntCounter,
    blocks_imported: IntCounter,
    transfers: IntCounterVec,
    blocks_undone: IntCounterVec,
    orders: IntCounter,
    refused: IntCounter,
    errors: IntCounter,
    prove_seconds: Histogram,
    extrinsics: IntCounter,
}

impl Metrics {
    /// All of them, at zero.
    ///
    /// # Errors
    /// When two have one name, which is a fault of the program.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let gauges = |name: &str, help: &str, label: &str| {
            let gauges = IntGaugeVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(gauges.clone()))?;
            Ok::<_, prometheus::Error>(gauges)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let undone = Opts::new("zkpov_blocks_undone_total", "Blocks that were undone, by reason");
        let blocks_undone = IntCounterVec::new(undone, &["reason"])?;
        registry.register(Box::new(blocks_undone.clone()))?;
        let transfers = Opts::new(
            "zkpov_transfers_total",
            "Transfers from and to other chains in the blocks that this collator made, by direction",
        );
        let transfers = IntCounterVec::new(transfers, &["direction"])?;
        registry.register(Box::new(transfers.clone()))?;
        let seconds = HistogramOpts::new("zkpov_prove_seconds", "Time from an executed block to its proof")
            .buckets(vec![0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]);
        let prove_seconds = Histogram::with_opts(seconds)?;
        registry.register(Box::new(prove_seconds.clone()))?;
        Ok(Self {
            height: gauges(
                "substrate_block_height",
                "Number of the newest and of the final block",
                "status",
            )?,
            pool: gauges(
                "substrate_ready_transactions_number",
                "Extrinsics in the pool, by status",
                "status",
            )?,
            pool_bytes: gauge("zkpov_pool_bytes", "Bytes of the extrinsics in the pool")?,
            relay_height: gauge("zkpov_relay_block_height", "Number of the relay chain's best block")?,
            blocks_authored: counter("zkpov_blocks_authored_total", "Blocks that this collator made")?,
            blocks_imported: counter("zkpov_blocks_imported_total", "Blocks of other collators")?,
            orders: counter("zkpov_core_orders_total", "Cores ordered on demand")?,
            refused: counter(
                "zkpov_relay_refusals_total",
                "Candidates and orders that the relay chain refused",
            )?,
            errors: counter("zkpov_errors_total", "Steps that failed")?,
            extrinsics: counter(
                "zkpov_extrinsics_total",
                "Extrinsics in the blocks that this collator made",
            )?,
            transfers,
            blocks_undone,
            prove_seconds,
            registry,
        })
    }

    /// What a step did.
    pub fn done(&self, done: &Done) {
        match done {
            Done::RolledBack { from, to, why } => {
                let reason = match why {
                    Undone::Reverted => "reverted",
                    Undone::Late => "late",
                    Undone::Refused => "refused",
                };
                self.blocks_undone.with_label_values(&[reason]).inc_by(from.saturating_sub(*to).into());
            }
            Done::Imported { .. } => self.blocks_imported.inc(),
            Done::Ordered { .. } => self.orders.inc(),
            Done::Authored { extrinsics, moved, timings, .. } => {
                self.blocks_authored.inc();
                self.extrinsics.inc_by(*extrinsics as u64);
                for (direction, count) in [("arrived", moved.arrived.len()), ("sent", moved.sent.len())] {
                    self.transfers.with_label_values(&[direction]).inc_by(count as u64);
                }
                self.prove_seconds.observe(timings.prove.as_secs_f64());
            }
            Done::Refused { .. } => self.refused.inc(),
            Done::Registered | Done::Finalized { .. } => {}
        }
    }

    /// A step failed.
    pub fn error(&self) {
        self.errors.inc();
    }

    /// Where the chain is.
    pub fn heights(&self, best: u32, finalized: u32) {
        self.height.with_label_values(&["best"]).set(best.into());
        self.height.with_label_values(&["finalized"]).set(finalized.into());
    }

    /// Where the relay chain is.
    pub fn relay_height(&self, number: u32) {
        self.relay_height.set(number.into());
    }

    /// How full the pool is.
    pub fn pool(&self, status: &PoolStatus) {
        let gauge = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        for (name, number) in
            [("ready", status.ready), ("future", status.future), ("in_block", status.in_blocks)]
        {
            self.pool.with_label_values(&[name]).set(gauge(number));
        }
        self.pool_bytes.set(gauge(status.bytes));
    }

    /// All of it as Prometheus reads it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            Ok(()) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) => format!("# {error}\n"),
        }
    }
}

/// Answers requests for metrics until it is dropped.
pub(crate) async fn serve(listener: TcpListener, metrics: Metrics) {
    let clients = Arc::new(Semaphore::new(MAX_CLIENTS));
    loop {
        let Ok((stream, from)) = listener.accept().await else { continue };
        let Ok(permit) = clients.clone().try_acquire_owned() else { continue };
        let metrics = metrics.clone();
        tokio::spawn(async move {
            if let Err(error) = timeout(CLIENT_TIMEOUT, answer(stream, from, &metrics)).await {
                debug!(%from, %error, "a client of the metrics took too long");
            }
            drop(permit);
        });
    }
}

async fn answer(mut stream: TcpStream, from: SocketAddr, metrics: &Metrics) {
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece).await {
            Ok(read) if read > 0 && request.len().saturating_add(read) <= MAX_REQUEST_BYTES => {
                request.extend(piece.iter().take(read));
            }
            _ => return debug!(%from, "no request for metrics"),
        }
    }
    let (status, kind, body) = match request.starts_with(b"GET /metrics ") {
        true => ("200 OK", "text/plain; version=0.0.4", metrics.to_text()),
        false => ("404 Not Found", "text/plain", "the metrics are at /metrics\n".to_owned()),
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    if let Err(error) = stream.write_all(answer.as_bytes()).await {
        debug!(%from, %error, "a client of the metrics went away");
    }
}
