//! The subsystem: takes messages, routes them, bounds what runs at once.
//!
//! ```text
//!   message ─► route ─┬─► task: checks, a job, checks, answer ──┐ at most as many as fill all threads twice
//!                     ├─► delegate                              ▼
//!                     └─► pre-check                        queue of jobs ─► batches ─► blocking threads
//! ```

use std::{collections::VecDeque, sync::Arc};

use futures::{
    FutureExt, StreamExt,
    channel::{mpsc, oneshot},
    future::BoxFuture,
    select_biased,
    stream::FuturesUnordered,
};
use polkadot_node_primitives::PoV;
use polkadot_node_subsystem::{
    FromOrchestra, OverseerSignal, SpawnedSubsystem, SubsystemContext, SubsystemError, SubsystemResult,
    SubsystemSender,
    messages::{
        CandidateValidationMessage, PreCheckOutcome, PvfExecKind, RuntimeApiMessage, ValidationFailed,
    },
    overseer::Subsystem,
};
use polkadot_node_subsystem_util::{request_session_index_for_child, request_validation_code_by_hash};
use polkadot_primitives::{
    CandidateReceiptV2 as CandidateReceipt, Hash, PersistedValidationData, SessionIndex, ValidationCode,
    ValidationCodeHash,
};
use zkpov_relay::is_validity_key;

use crate::{
    LOG_TARGET,
    checks::{self, Answer, Refusal},
    config::{Config, Mode},
    delegate::{Delegate, Ended, Request, delegate},
    features::Features,
    keys::KeyCache,
    metrics::{Metrics, Reason},
    shadow, work,
    work::{Job, Outcome},
};

pub use crate::delegate::Delegated;

/// Name of the subsystem, in logs and task metrics.
const NAME: &str = "candidate-validation-subsystem";

/// Messages that the standard subsystem may leave waiting before no more are taken from the overseer: as many as
/// it works on at once.
const DELEGATED_LIMIT: usize = 30;

/// How often a job that got lost (its thread ended without an answer) is given again when the candidate is
/// checked for approval or in a dispute. Never when backing: what is not certain is not backed.
const RETRIES: usize = 1;

/// Candidate validation that accepts validity keys, around the standard subsystem.
#[derive(Debug)]
pub struct CandidateValidation<Standard> {
    config: Config,
    metrics: Metrics,
    standard: Standard,
}

impl<Standard> CandidateValidation<Standard> {
    /// `standard` gets every message that is not about a validity key, as it came, and every signal: polkadot's
    /// `CandidateValidationSubsystem`.
    pub fn new(config: Config, metrics: Metrics, standard: Standard) -> Self {
        Self { config, metrics, standard }
    }
}

impl<Context, Standard> Subsystem<Context, SubsystemError> for CandidateValidation<Standard>
where
    Context: SubsystemContext<
            Message = CandidateValidationMessage,
            Signal = OverseerSignal,
            Error = SubsystemError,
        >,
    Context::Sender: SubsystemSender<RuntimeApiMessage>,
    Standard: Subsystem<Delegated<Context>, SubsystemError>,
{
    fn start(self, mut context: Context) -> SpawnedSubsystem {
        let (delegate, delegated) = delegate(&mut context);
        let standard = self.standard.start(delegated);
        let host = Host::new(context, self.config, self.metrics, delegate);
        SpawnedSubsystem { name: NAME, future: host.run(standard).boxed() }
    }
}

/// A candidate under a validity key.
struct Candidate {
    validation_data: PersistedValidationData,
    validation_code: ValidationCode,
    candidate_receipt: CandidateReceipt<Hash>,
    pov: Arc<PoV>,
    exec_kind: PvfExecKind,
}

/// The running subsystem.
struct Host<Context> {
    context: Context,
    config: Config,
    metrics: Metrics,
    delegate: Delegate,
    features: Features,
    keys: Arc<KeyCache>,
    /// Answers in the making.
    tasks: FuturesUnordered<BoxFuture<'static, ()>>,
    /// Jobs of the tasks.
    jobs: mpsc::UnboundedReceiver<Job>,
    give_job: mpsc::UnboundedSender<Job>,
    /// Jobs that wait for a thread.
    queue: VecDeque<Job>,
    /// Batches that run: each resolves when its thread is free, or lost.
    running: FuturesUnordered<oneshot::Receiver<()>>,
}

impl<Context> Host<Context>
where
    Context: SubsystemContext<
            Message = CandidateValidationMessage,
            Signal = OverseerSignal,
            Error = SubsystemError,
        >,
    Context::Sender: SubsystemSender<RuntimeApiMessage>,
{
    fn new(context: Context, config: Config, metrics: Metrics, delegate: Delegate) -> Self {
        let (give_job, jobs) = mpsc::unbounded();
        Self {
            context,
            delegate,
            features: Features::new(config.activation),
            keys: Arc::new(KeyCache::new(&config, metrics.clone())),
            tasks: FuturesUnordered::new(),
            jobs,
            give_job,
            queue: VecDeque::new(),
            running: FuturesUnordered::new(),
            config,
            metrics,
        }
    }

    async fn run(mut self, standard: SpawnedSubsystem) -> SubsystemResult<()> {
        let name = standard.name;
        let ended = |result: SubsystemResult<()>| {
            if let Err(error) = result {
                tracing::error!(target: LOG_TARGET, %error, "the standard subsystem has failed");
            }
        };
        self.context.spawn(name, standard.future.map(ended).boxed())?;
        loop {
            let full = self.is_full();
            let context = &mut self.context;
            let received = async move {
                if full {
                    context.recv_signal().await.map(FromOrchestra::Signal)
                } else {
                    context.recv().await
                }
            };
            select_biased! {
                request = self.delegate.request().fuse() => match request {
                    Some(request) => self.serve(request)?,
                    None => return Err(standard_ended(Ended)),
                },
                received = received.fuse() => match received? {
                    FromOrchestra::Signal(OverseerSignal::Conclude) => {
                        // It may have ended by itself.
                        let _ = self.delegate.signal(OverseerSignal::Conclude);
                        return Ok(());
                    },
                    FromOrchestra::Signal(signal) => self.signal(signal).await?,
                    FromOrchestra::Communication { msg } => self.route(msg).await?,
                },
                // The host itself holds a sender: the channel does not end.
                job = self.jobs.select_next_some() => self.queue.push_back(job),
                _ = self.running.select_next_some() => (),
                () = self.tasks.select_next_some() => (),
            }
            self.start_batches()?;
        }
    }

    /// Whether no more messages are to be taken from the overseer for now.
    fn is_full(&self) -> bool {
        let limit = 2 * self.config.threads.get() * self.config.batch.get();
        self.tasks.len() >= limit || self.delegate.waiting() >= DELEGATED_LIMIT
    }

    fn serve(&mut self, request: Request) -> SubsystemResult<()> {
        match request {
            Request::Taken => Ok(()),
            Request::Spawn { name, task, blocking: false } => self.context.spawn(name, task),
            Request::Spawn { name, task, blocking: true } => self.context.spawn_blocking(name, task),
        }
    }

    async fn signal(&mut self, signal: OverseerSignal) -> SubsystemResult<()> {
        if let OverseerSignal::ActiveLeaves(update) = &signal
            && let Some(leaf) = &update.activated
        {
            self.features.activate(leaf.hash, self.context.sender()).await;
        }
        self.delegate.signal(signal).map_err(standard_ended)
    }

    fn delegate(&mut self, message: CandidateValidationMessage, reason: Reason) -> SubsystemResult<()> {
        self.metrics.delegated(reason);
        self.delegate.message(message).map_err(standard_ended)
    }

    async fn route(&mut self, message: CandidateValidationMessage) -> SubsystemResult<()> {
        match &message {
            CandidateValidationMessage::ValidateFromExhaustive {
                validation_code,
                candidate_receipt,
                scheduling_session_index,
                ..
            } => {
                if !is_validity_key(validation_code) {
                    return self.wasm(message);
                }
                let session =
                    self.features.session_of(&candidate_receipt.descriptor, *scheduling_session_index);
                self.validity_key(message, session).await
            }
            &CandidateValidationMessage::PreCheck { relay_parent, validation_code_hash, .. } => {
                self.precheck(message, relay_parent, validation_code_hash).await
            }
        }
    }

    /// Why validity keys are not accepted in this session; `None` if they are.
    async fn why_not(&mut self, session: SessionIndex) -> Result<Option<Reason>, crate::features::Unknown> {
        if self.config.mode == Mode::Shadow {
            return Ok(Some(Reason::Shadow));
        }
        if self.config.kill_switch.is_thrown() {
            return Ok(Some(Reason::KillSwitch));
        }
        let active = self.features.active(session, self.context.sender()).await?;
        Ok((!active).then_some(Reason::Inactive))
    }

    /// A candidate under a validity key.
    async fn validity_key(
        &mut self,
        message: CandidateValidationMessage,
        session: SessionIndex,
    ) -> SubsystemResult<()> {
        let unknown = match self.why_not(session).await {
            Ok(Some(reason)) => return self.delegate(message, reason),
            Ok(None) => None,
            Err(unknown) => Some(unknown),
        };
        let CandidateValidationMessage::ValidateFromExhaustive {
            validation_data,
            validation_code,
            candidate_receipt,
            pov,
            exec_kind,
            response_sender,
            ..
        } = message
        else {
            return Ok(());
        };
        if unknown.is_some() {
            let reason = "the runtime does not say whether validity keys are accepted".to_owned();
            // Whoever asked may be gone.
            let _ = response_sender.send(Err(ValidationFailed(reason)));
            return Ok(());
        }
        let candidate = Candidate { validation_data, validation_code, candidate_receipt, pov, exec_kind };
        let judged = judge(
            candidate,
            self.features.v3_ever_seen(),
            self.context.sender().clone(),
            self.give_job.clone(),
        );
        let metrics = self.metrics.clone();
        self.tasks.push(
            async move {
                let answer: Answer = judged.await.map_or_else(Into::into, Ok);
                metrics.validated(&answer);
                let _ = response_sender.send(answer);
            }
            .boxed(),
        );
        Ok(())
    }

    /// A candidate under wasm: the standard subsystem's, and in shadow mode compared with its proof.
    fn wasm(&mut self, message: CandidateValidationMessage) -> SubsystemResult<()> {
        let shadow = self.config.mode == Mode::Shadow && !self.config.kill_switch.is_thrown();
        let CandidateValidationMessage::ValidateFromExhaustive {
            validation_data,
            validation_code,
            candidate_receipt,
            pov,
            scheduling_session_index,
            exec_kind,
            response_sender,
        } = message
        else {
            return Ok(());
        };
        let key = if shadow { shadow::key_of(&validation_code) } else { None };
        let (response_sender, reason) = match key {
            None => (response_sender, Reason::Wasm),
            Some(code) => {
                let (done, proof) = oneshot::channel();
                let job = Job {
                    para_id: candidate_receipt.descriptor.para_id(),
                    code_hash: code.hash(),
                    code,
                    validation_data: validation_data.clone(),
                    pov: pov.clone(),
                    done,
                };
                self.queue.push_back(job);
                let (to_compare, wasm) = oneshot::channel();
                let compare = shadow::compare(wasm, proof, response_sender, self.metrics.clone());
                self.tasks.push(compare.boxed());
                (to_compare, Reason::Shadow)
            }
        };
        let message = CandidateValidationMessage::ValidateFromExhaustive {
            validation_data,
            validation_code,
            candidate_receipt,
            pov,
            scheduling_session_index,
            exec_kind,
            response_sender,
        };
        self.delegate(message, reason)
    }

    /// Pre-checks a validity key: its form, limits, points and set-up. Wasm is the standard subsystem's.
    async fn precheck(
        &mut self,
        message: CandidateValidationMessage,
        relay_parent: Hash,
        code_hash: ValidationCodeHash,
    ) -> SubsystemResult<()> {
        let code =
            request_validation_code_by_hash(relay_parent, code_hash, self.context.sender()).await.await;
        let code = match code {
            Ok(Ok(Some(code))) if is_validity_key(&code) => code,
            // Wasm; or no code at all, which the standard subsystem finds out as well.
            _ => return self.delegate(message, Reason::Wasm),
        };
        let session = request_session_index_for_child(relay_parent, self.context.sender()).await.await;
        let why_not = match session {
            Ok(Ok(session)) => self.why_not(session).await.map_err(|_| ()),
            _ => Err(()),
        };
        let unknown = match why_not {
            Ok(Some(reason)) => return self.delegate(message, reason),
            Ok(None) => false,
            Err(()) => true,
        };
        let CandidateValidationMessage::PreCheck { response_sender, .. } = message else { return Ok(()) };
        let (keys, metrics) = (self.keys.clone(), self.metrics.clone());
        let check = async move {
            let outcome = match keys.prepared(code_hash, &code) {
                _ if unknown => PreCheckOutcome::Failed,
                Ok(_) => PreCheckOutcome::Valid,
                Err(error) => {
                    tracing::info!(target: LOG_TARGET, ?code_hash, %error, "validity key refused");
                    PreCheckOutcome::Invalid
                }
            };
            metrics.prechecked(&outcome);
            let _ = response_sender.send(outcome);
        };
        self.context.spawn_blocking("zkpov-precheck", check.boxed())
    }

    /// Gives waiting jobs to free threads.
    fn start_batches(&mut self) -> SubsystemResult<()> {
        while self.running.len() < self.config.threads.get() && !self.queue.is_empty() {
            let size = self.queue.len().min(self.config.batch.get());
            let batch: Vec<_> = self.queue.drain(..size).collect();
            let (free, freed) = oneshot::channel();
            let (keys, metrics) = (self.keys.clone(), self.metrics.clone());
            let run = async move {
                work::verify(batch, &keys, &metrics);
                let _ = free.send(());
            };
            self.context.spawn_blocking("zkpov-verify", run.boxed())?;
            self.running.push(freed);
        }
        self.metrics.queued(self.queue.len());
        Ok(())
    }
}

fn standard_ended(_: Ended) -> SubsystemError {
    SubsystemError::Context("the standard candidate validation has ended".to_owned())
}

/// Everything that decides on a candidate under a validity key.
async fn judge(
    candidate: Candidate,
    v3_ever_seen: bool,
    mut sender: impl SubsystemSender<RuntimeApiMessage>,
    jobs: mpsc::UnboundedSender<Job>,
) -> Result<polkadot_node_primitives::ValidationResult, Refusal> {
    let code_hash = candidate.validation_code.hash();
    let descriptor = &candidate.candidate_receipt.descriptor;
    checks::before(descriptor, &candidate.validation_data, &candidate.pov, code_hash)?;
    let (claim_queue, retries) = match candidate.exec_kind {
        PvfExecKind::Backing(_) | PvfExecKind::BackingSystemParas(_) => {
            (Some(checks::backing(descriptor, v3_ever_seen, &mut sender).await?), 0)
        }
        PvfExecKind::Approval | PvfExecKind::Dispute => (None, RETRIES),
    };
    let outputs = verified(&candidate, code_hash, retries, &jobs).await?;
    let result = checks::after(candidate.candidate_receipt, candidate.validation_data, outputs, claim_queue);
    tracing::debug!(target: LOG_TARGET, ?code_hash, ?result, "checked a candidate by its proof");
    Ok(result)
}

/// What the verifier says, after `retries` more attempts if it says nothing.
async fn verified(
    candidate: &Candidate,
    code_hash: ValidationCodeHash,
    retries: usize,
    jobs: &mpsc::UnboundedSender<Job>,
) -> Outcome {
    for _ in 0..=retries {
        let (done, outcome) = oneshot::channel();
        let job = Job {
            para_id: candidate.candidate_receipt.descriptor.para_id(),
            code: candidate.validation_code.clone(),
            code_hash,
            validation_data: candidate.validation_data.clone(),
            pov: candidate.pov.clone(),
            done,
        };
        if jobs.unbounded_send(job).is_err() {
            break;
        }
        if let Ok(outcome) = outcome.await {
            return outcome;
        }
    }
    Err(Refusal::Failed("the verifier gave no answer".to_owned()))
}
