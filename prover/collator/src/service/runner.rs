//! Starts and stops a collator: its server, its metrics, and the thread that follows the relay chain and authors.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use jsonrpsee::{rpc_params, server::ServerHandle};
use jsonrpsee_http_client::HttpClient;
use tokio::{net::TcpListener, runtime::Handle, sync::oneshot};
use tracing::{error, info, warn};
use zkpov_prover::Options;

use super::{
    metrics::{self, Metrics},
    node::{Archive, Node, NodeError},
    server::{self, Answers},
};
use crate::{
    db::ReadDatabase,
    relay::{
        interface::{BlockData, Hash, Heads, Relay, RelayError},
        rpc,
    },
};

/// How long the thread waits for relay heads before it looks whether to stop, and whether extrinsics have come.
const WAIT: Duration = Duration::from_millis(500);
/// How long it waits after a failure, at first; twice as long after each further one, up to the last.
const RETRY: Duration = Duration::from_millis(200);
const MAX_RETRY: Duration = Duration::from_secs(10);

/// Where a collator listens.
#[derive(Clone, Copy, Debug)]
pub struct Listen {
    /// JSON-RPC.
    pub rpc: SocketAddr,
    /// Metrics; `None` for none.
    pub metrics: Option<SocketAddr>,
}

/// A collator that runs.
#[derive(Debug)]
pub struct Running {
    /// Where JSON-RPC is.
    pub rpc: SocketAddr,
    /// Where the metrics are.
    pub metrics: Option<SocketAddr>,
    stop: Arc<AtomicBool>,
    server: ServerHandle,
    serving: Option<tokio::task::JoinHandle<()>>,
    worker: JoinHandle<()>,
    ended: oneshot::Receiver<Result<(), NodeError>>,
}

/// Why a collator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address.
    #[error("cannot listen on {address}: {source}; choose another with {option}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// The option that sets it.
        option: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// The metrics.
    #[error(transparent)]
    Metrics(#[from] prometheus::Error),
    /// The thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// Starts a collator.
///
/// # Errors
/// [`StartError`].
pub async fn start(node: Node, relay: Arc<dyn Relay>, listen: Listen) -> Result<Running, StartError> {
    let metrics = Metrics::new()?;
    let pool = node.pool().clone();
    let answers = Answers::new(*node.collator().info(), node.collator().handle(), pool);
    let (rpc, server) = server::start(listen.rpc, answers).await.map_err(|source| StartError::Listen {
        address: listen.rpc,
        option: "--rpc",
        source,
    })?;
    let mut at = None;
    let mut serving = None;
    if let Some(address) = listen.metrics {
        let failed = |source| StartError::Listen { address, option: "--metrics", source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        at = Some(listener.local_addr().map_err(failed)?);
        serving = Some(tokio::spawn(metrics::serve(listener, metrics.clone())));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let (end, ended) = oneshot::channel();
    let worker = thread::Builder::new()
        .name("collator".into())
        .spawn({
            let stop = stop.clone();
            move || {
                // Nobody listens when the program is on its way out.
                let _ = end.send(work(node, relay.as_ref(), &metrics, &stop));
            }
        })
        .map_err(StartError::Thread)?;
    Ok(Running { rpc, metrics: at, stop, server, serving, worker, ended })
}

impl Running {
    /// Waits until the collator fails for good.
    ///
    /// # Errors
    /// Why it failed.
    pub async fn failed(&mut self) -> Result<(), NodeError> {
        // Without an answer the thread has panicked, which its own message tells.
        (&mut self.ended).await.unwrap_or(Ok(()))
    }

    /// Takes no more requests, finishes what is under way, a proof for instance, and closes the database.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        // Stopped already where it fails.
        let _ = self.server.stop();
        if let Some(serving) = self.serving {
            serving.abort();
        }
        if self.worker.join().is_err() {
            error!("the collator's thread panicked");
        }
    }
}

/// Steps until told to stop, or until a step fails for good.
fn work(mut node: Node, relay: &dyn Relay, metrics: &Metrics, stop: &AtomicBool) -> Result<(), NodeError> {
    let mut heads = Heads::default();
    let mut retry = RETRY;
    while !stop.load(Ordering::Relaxed) {
        let step = relay.wait(&heads, WAIT).map_err(NodeError::from).and_then(|now| {
            if now != heads {
                heads = now;
            }
            if let Some(header) = relay.header(&now.best)? {
                metrics.relay_height(header.number);
            }
            node.step(&now, &Options::default())
        });
        match step {
            Ok(done) => {
                done.iter().for_each(|done| metrics.done(done));
                retry = RETRY;
            }
            Err(failure) if failure.is_passing() => {
                metrics.error();
                warn!(reason = %failure, "will try again");
                thread::sleep(retry);
                retry = retry.saturating_mul(2).min(MAX_RETRY);
            }
            Err(failure) => {
                error!(reason = %failure, "the collator stops");
                return Err(failure);
            }
        }
        let snapshot = node.collator().database().snapshot()?;
        metrics.heights(snapshot.tip()?.number, snapshot.finalized()?);
        metrics.pool(&node.pool().status());
    }
    info!("the collator has stopped");
    Ok(())
}

/// Another collator as an archive, by its JSON-RPC.
#[derive(Debug)]
pub struct RemoteArchive {
    client: HttpClient,
    runtime: Handle,
}

impl RemoteArchive {
    /// A client for the collator at `url`. Nothing is asked yet.
    ///
    /// # Errors
    /// [`RelayError::Unreachable`] when the address cannot be one.
    pub fn new(url: &str, runtime: Handle) -> Result<Self, RelayError> {
        Ok(Self { client: rpc::client(url)?, runtime })
    }
}

impl Archive for RemoteArchive {
    fn block(&self, head_hash: &Hash) -> Result<Option<BlockData>, RelayError> {
        let hash = format!("0x{}", hex::encode(head_hash));
        rpc::ask(&self.runtime, &self.client, "zkpov_getBlockData", rpc_params![hash])
    }
}
