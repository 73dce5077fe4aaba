//! A relay node of two real parts, the overseer and candidate validation, and of a runtime that says what a test wants.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures::{FutureExt, channel::oneshot, executor::block_on, future::BoxFuture};
use polkadot_node_primitives::{BlockData, PoV, ValidationResult};
use polkadot_node_subsystem::{
    FromOrchestra, MetricsTrait, OverseerSignal, SpawnedSubsystem, SubsystemContext, SubsystemError,
    messages::{
        CandidateValidationMessage, PreCheckOutcome, PvfExecKind, RuntimeApiMessage, RuntimeApiRequest,
        ValidationFailed,
    },
    overseer::{
        self, BlockInfo, Handle, HeadSupportsParachains, Subsystem, dummy::dummy_overseer_builder,
        prometheus::Registry,
    },
};
use polkadot_primitives::{
    CandidateCommitments, CandidateDescriptorV2, CandidateReceiptV2, CoreIndex, ExecutorParams, Hash,
    HeadData, Id, NodeFeatures, PersistedValidationData, SessionIndex, ValidationCode, ValidationCodeHash,
    ValidatorId, node_features::FeatureIndex,
};
use sp_core::{sr25519::Public, traits::SpawnNamed};
use zkpov_relay_node::{CandidateValidation, Config, Delegated, Metrics, config::DEFAULT_FEATURE_BIT};

use crate::proven;

pub(crate) const SESSION: SessionIndex = 7;
pub(crate) const CORE: CoreIndex = CoreIndex(0);
/// The relay block at which candidates are made and the runtime is asked.
pub(crate) const RELAY_PARENT: Hash = Hash::repeat_byte(1);
/// An ancestor of it.
pub(crate) const ANCESTOR: Hash = Hash::repeat_byte(2);
/// How many validators the session has.
const VALIDATORS: usize = 4;
const POV_LIMIT: u32 = 1 << 20;
const BOMB_LIMIT: u32 = 16 << 20;
/// Longer than any answer takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// What the runtime says.
#[derive(Clone, Debug)]
pub(crate) struct Runtime {
    pub(crate) session: SessionIndex,
    pub(crate) features: NodeFeatures,
    pub(crate) claims: BTreeMap<CoreIndex, VecDeque<Id>>,
    pub(crate) code: HashMap<ValidationCodeHash, ValidationCode>,
    pub(crate) silent: bool,
}

impl Runtime {
    /// A session in which validity keys are accepted, and the para has a core.
    pub(crate) fn new() -> Self {
        let claims = [(CORE, VecDeque::from([Id::from(proven::PARA_ID)]))].into();
        let mut runtime = Self {
            session: SESSION,
            features: NodeFeatures::EMPTY,
            claims,
            code: HashMap::new(),
            silent: false,
        };
        runtime.set_feature(DEFAULT_FEATURE_BIT, true);
        runtime
    }

    pub(crate) fn set_feature(&mut self, bit: u8, on: bool) {
        let bit = usize::from(bit);
        if self.features.len() <= bit {
            self.features.resize(bit + 1, false);
        }
        self.features.set(bit, on);
    }

    pub(crate) fn with_version_3(mut self) -> Self {
        self.set_feature(FeatureIndex::CandidateReceiptV3 as u8, true);
        self
    }

    fn answer(&self, request: RuntimeApiRequest) {
        use RuntimeApiRequest as Asked;
        if self.silent {
            return;
        }
        // An asker that is gone, as when a test ends, is nobody's fault.
        match request {
            Asked::SessionIndexForChild(tx) => drop(tx.send(Ok(self.session))),
            Asked::NodeFeatures(_, tx) => drop(tx.send(Ok(self.features.clone()))),
            Asked::ClaimQueue(tx) => drop(tx.send(Ok(self.claims.clone()))),
            // What collation generation asks beside: the para's state, and how many validators share the PoV.
            Asked::Validators(tx) => {
                drop(tx.send(Ok(vec![ValidatorId::from(Public::default()); VALIDATORS])))
            }
            Asked::PersistedValidationData(_, _, tx) => {
                drop(tx.send(Ok(Some(Candidate::valid().validation_data))));
            }
            Asked::ValidationCodeHash(_, _, tx) => drop(tx.send(Ok(Some(Candidate::valid().code.hash())))),
            Asked::ValidationCodeByHash(hash, tx) => drop(tx.send(Ok(self.code.get(&hash).cloned()))),
            Asked::AncestorRelayParentInfo(_, _, tx) => drop(tx.send(Ok(None))),
            Asked::SessionExecutorParams(_, tx) => drop(tx.send(Ok(Some(ExecutorParams::default())))),
            Asked::ValidationCodeBombLimit(_, tx) => drop(tx.send(Ok(BOMB_LIMIT))),
            // Whatever else: nobody answers.
            _ => (),
        }
    }
}

pub(crate) struct RuntimeApi(pub(crate) Arc<Mutex<Runtime>>);

impl<Context> Subsystem<Context, SubsystemError> for RuntimeApi
where
    Context: SubsystemContext<Message = RuntimeApiMessage, Signal = OverseerSignal, Error = SubsystemError>,
{
    fn start(self, mut context: Context) -> SpawnedSubsystem {
        let answer = async move {
            loop {
                match context.recv().await? {
                    FromOrchestra::Signal(OverseerSignal::Conclude) => return Ok(()),
                    FromOrchestra::Signal(_) => (),
                    FromOrchestra::Communication { msg: RuntimeApiMessage::Request(_, request) } => {
                        self.0.lock().unwrap().answer(request);
                    }
                }
            }
        };
        SpawnedSubsystem { name: "runtime-api", future: answer.boxed() }
    }
}

/// In the place of the standard subsystem: answers nothing a real one would, so that its answers are known.
pub(crate) struct Recorder;

pub(crate) const RECORDED: &str = "the standard subsystem was asked";

impl<Context> Subsystem<Context, SubsystemError> for Recorder
where
    Context: SubsystemContext<
            Message = CandidateValidationMessage,
            Signal = OverseerSignal,
            Error = SubsystemError,
        >,
{
    fn start(self, mut context: Context) -> SpawnedSubsystem {
        let answer = async move {
            loop {
                let msg = match context.recv().await? {
                    FromOrchestra::Signal(OverseerSignal::Conclude) => return Ok(()),
                    FromOrchestra::Signal(_) => continue,
                    FromOrchestra::Communication { msg } => msg,
                };
                match msg {
                    CandidateValidationMessage::ValidateFromExhaustive { response_sender, .. } => {
                        drop(response_sender.send(Err(ValidationFailed(RECORDED.to_owned()))));
                    }
                    CandidateValidationMessage::PreCheck { response_sender, .. } => {
                        drop(response_sender.send(PreCheckOutcome::Failed));
                    }
                }
            }
        };
        SpawnedSubsystem { name: "recorder", future: answer.boxed() }
    }
}

/// Tasks on tokio, as in a node: the standard subsystem's host needs it.
#[derive(Clone)]
pub(crate) struct Tasks(pub(crate) tokio::runtime::Handle);

impl SpawnNamed for Tasks {
    fn spawn_blocking(&self, _: &'static str, _: Option<&'static str>, task: BoxFuture<'static, ()>) {
        let handle = self.0.clone();
        self.0.spawn_blocking(move || handle.block_on(task));
    }

    fn spawn(&self, _: &'static str, _: Option<&'static str>, task: BoxFuture<'static, ()>) {
        self.0.spawn(task);
    }
}

/// Any head supports parachains.
pub(crate) struct Always;

#[async_trait::async_trait]
impl HeadSupportsParachains for Always {
    async fn head_supports_parachains(&self, _: &Hash) -> bool {
        true
    }
}

/// The running node.
pub(crate) struct Node {
    handle: Handle,
    pub(crate) runtime: Arc<Mutex<Runtime>>,
    registry: Registry,
    tokio: Option<tokio::runtime::Runtime>,
}

/// What a test's node runs with: keys of development set-ups are accepted.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.keys.allow_dev_setup = true;
    config
}

impl Node {
    /// Starts an overseer with this subsystem around `standard`, and activates [`RELAY_PARENT`].
    pub(crate) fn start<Standard>(config: Config, runtime: Runtime, standard: Standard) -> Self
    where
        Standard: Subsystem<
                Delegated<overseer::OverseerSubsystemContext<CandidateValidationMessage>>,
                SubsystemError,
            >
            + 'static
            + Send,
    {
        let registry = Registry::new();
        let metrics = Metrics::try_register(&registry).unwrap();
        let runtime = Arc::new(Mutex::new(runtime));
        let api = RuntimeApi(runtime.clone());
        let tokio = tokio::runtime::Runtime::new().unwrap();
        let executor = Tasks(tokio.handle().clone());
        let (overseer, handle) = dummy_overseer_builder(executor.clone(), Always, None)
            .unwrap()
            .replace_candidate_validation(move |_| CandidateValidation::new(config, metrics, standard))
            .replace_runtime_api(move |_| api)
            .build()
            .unwrap();
        executor.spawn("overseer", None, overseer.run().map(drop).boxed());
        let mut handle = Handle::new(handle);
        block_on(handle.block_imported(leaf(RELAY_PARENT)));
        Self { handle, runtime, registry, tokio: Some(tokio) }
    }

    /// Asks for a candidate to be validated.
    pub(crate) fn validate(
        &self,
        candidate: Candidate,
        exec_kind: PvfExecKind,
    ) -> Result<ValidationResult, ValidationFailed> {
        self.ask(candidate, exec_kind)()
    }

    /// Asks, and gives the way to wait for the answer.
    pub(crate) fn ask(
        &self,
        candidate: Candidate,
        exec_kind: PvfExecKind,
    ) -> impl FnOnce() -> Result<ValidationResult, ValidationFailed> {
        let (response_sender, answer) = oneshot::channel();
        let message = CandidateValidationMessage::ValidateFromExhaustive {
            candidate_receipt: candidate.receipt(),
            validation_data: candidate.validation_data,
            validation_code: candidate.code,
            pov: Arc::new(candidate.pov),
            scheduling_session_index: SESSION,
            exec_kind,
            response_sender,
        };
        self.send(message);
        move || patiently(answer)
    }

    pub(crate) fn precheck(&self, code: &ValidationCode) -> PreCheckOutcome {
        let (response_sender, answer) = oneshot::channel();
        let (relay_parent, validation_code_hash) = (RELAY_PARENT, code.hash());
        self.send(CandidateValidationMessage::PreCheck {
            relay_parent,
            validation_code_hash,
            response_sender,
        });
        patiently(answer)
    }

    fn send(&self, message: CandidateValidationMessage) {
        block_on(self.handle.clone().send_msg(message, "test"));
    }

    /// Of a metric, the sum over its series of this label value; over all series if it is empty.
    pub(crate) fn metric(&self, name: &str, label: &str) -> u64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.get_name() == format!("zkpov_{name}"));
        let series = family.map(|family| family.get_metric()).unwrap_or_default();
        series
            .iter()
            .filter(|series| {
                label.is_empty() || series.get_label().iter().any(|pair| pair.get_value() == label)
            })
            .map(|series| series.get_counter().get_value() as u64)
            .sum()
    }

    /// The metric when it has reached `value`, or when there was no more patience.
    pub(crate) fn eventually(&self, name: &str, label: &str, value: u64) -> u64 {
        let deadline = Instant::now() + PATIENCE;
        while self.metric(name, label) < value && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.metric(name, label)
    }

    /// How many batches were checked.
    pub(crate) fn batches(&self) -> u64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.get_name() == "zkpov_batch_seconds");
        family.map_or(0, |family| family.get_metric()[0].get_histogram().get_sample_count())
    }
}

/// A relay block as it is imported.
pub(crate) fn leaf(hash: Hash) -> BlockInfo {
    let (sender, _) = sc_utils::mpsc::tracing_unbounded("unpin", 10);
    BlockInfo {
        hash,
        parent_hash: ANCESTOR,
        number: proven::RELAY.relay_parent_number,
        unpin_handle: sc_client_api::UnpinHandle::new(hash, sender),
    }
}

fn patiently<T: Send + 'static>(answer: oneshot::Receiver<T>) -> T {
    let (done, waited) = std::sync::mpsc::channel();
    std::thread::spawn(move || drop(done.send(block_on(answer))));
    waited.recv_timeout(PATIENCE).expect("an answer in time").expect("an answer")
}

impl Drop for Node {
    fn drop(&mut self) {
        block_on(self.handle.stop());
        if let Some(tokio) = self.tokio.take() {
            tokio.shutdown_background();
        }
    }
}

/// A candidate, and what its receipt says, part by part.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) validation_data: PersistedValidationData,
    pub(crate) code: ValidationCode,
    pub(crate) pov: PoV,
    pub(crate) said: Said,
}

/// What a receipt says.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) para_id: u32,
    pub(crate) session: SessionIndex,
    /// The scheduling parent, for a descriptor of version 3.
    pub(crate) scheduling_parent: Option<Hash>,
    pub(crate) core: CoreIndex,
    pub(crate) validation_data: Hash,
    pub(crate) pov: Hash,
    pub(crate) head: Hash,
    pub(crate) code: ValidationCodeHash,
    pub(crate) commitments: Hash,
}

impl Candidate {
    /// The proven block as a candidate in which everything is right.
    pub(crate) fn valid() -> Self {
        Self::with_code(ValidationCode(proven::block().key.clone()))
    }

    /// The same under this code.
    pub(crate) fn with_code(code: ValidationCode) -> Self {
        let block = proven::block();
        let validation_data = PersistedValidationData {
            parent_head: HeadData(block.parent_head.clone()),
            relay_parent_number: proven::RELAY.relay_parent_number,
            relay_parent_storage_root: proven::RELAY.relay_parent_storage_root.into(),
            max_pov_size: POV_LIMIT,
        };
        let pov = PoV { block_data: BlockData(block.block_data.clone()) };
        let head = HeadData(block.head.clone());
        let said = Said {
            para_id: proven::PARA_ID,
            session: SESSION,
            scheduling_parent: None,
            core: CORE,
            validation_data: validation_data.hash(),
            pov: pov.hash(),
            head: head.hash(),
            code: code.hash(),
            commitments: commitments(head).hash(),
        };
        Self { validation_data, code, pov, said }
    }

    /// With another PoV, which the receipt announces.
    pub(crate) fn with_pov(mut self, block_data: Vec<u8>) -> Self {
        self.pov = PoV { block_data: BlockData(block_data) };
        self.said.pov = self.pov.hash();
        self
    }

    /// The receipt says something else.
    pub(crate) fn saying(mut self, change: impl FnOnce(&mut Said)) -> Self {
        change(&mut self.said);
        self
    }

    fn receipt(&self) -> CandidateReceiptV2 {
        let Said { para_id, session, scheduling_parent, core, validation_data, pov, head, code, commitments } =
            self.said.clone();
        let (para_id, erasure_root) = (Id::from(para_id), Hash::zero());
        let descriptor = match scheduling_parent {
            None => CandidateDescriptorV2::new(
                para_id,
                RELAY_PARENT,
                core,
                session,
                validation_data,
                pov,
                erasure_root,
                head,
                code,
            ),
            Some(scheduling_parent) => CandidateDescriptorV2::new_v3(
                para_id,
                ANCESTOR,
                core,
                session,
                SESSION,
                validation_data,
                pov,
                erasure_root,
                head,
                code,
                scheduling_parent,
            ),
        };
        CandidateReceiptV2 { descriptor, commitments_hash: commitments }
    }
}

/// What the proven block does: nothing but make its head.
pub(crate) fn commitments(head_data: HeadData) -> CandidateCommitments {
    CandidateCommitments {
        head_data,
        upward_messages: Default::default(),
        horizontal_messages: Default::default(),
        new_validation_code: None,
        processed_downward_messages: 0,
        hrmp_watermark: proven::RELAY.relay_parent_number,
    }
}

/// A worker that the examples of this crate build.
pub(crate) fn worker(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let worker = profile.join("examples").join(name);
    assert!(worker.exists(), "no {}: cargo build -p zkpov-relay-node --examples", worker.display());
    worker
}
