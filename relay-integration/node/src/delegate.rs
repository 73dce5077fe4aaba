//! The standard subsystem, inside this one.
//!
//! ```text
//!   overseer ──► this subsystem ── messages, signals ──► standard subsystem
//!                      ▲                                    │
//!                      └── taken one, spawn a task ─────────┘
//! ```
//!
//! It runs on a context of its own, sends to other subsystems for itself, and answers whoever asked. What it asks of
//! its context (a task to be spawned) goes up to the real one.

use async_trait::async_trait;
use futures::{
    FutureExt, StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    future::BoxFuture,
    select_biased,
};
use polkadot_node_subsystem::{
    FromOrchestra, OverseerSignal, SubsystemContext, SubsystemError, messages::CandidateValidationMessage,
};

/// What a delegated subsystem wants of its host.
pub(crate) enum Request {
    /// It has taken a message.
    Taken,
    /// A task to be spawned.
    Spawn { name: &'static str, task: BoxFuture<'static, ()>, blocking: bool },
}

/// The context that the standard subsystem runs on: that of `Context`, but for what it receives.
#[derive(Debug)]
pub struct Delegated<Context: SubsystemContext> {
    sender: Context::Sender,
    signals: UnboundedReceiver<OverseerSignal>,
    messages: UnboundedReceiver<CandidateValidationMessage>,
    requests: UnboundedSender<Request>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Taken => f.write_str("Taken"),
            Self::Spawn { name, .. } => write!(f, "Spawn({name})"),
        }
    }
}

/// The host's side of the standard subsystem.
pub(crate) struct Delegate {
    signals: UnboundedSender<OverseerSignal>,
    messages: UnboundedSender<CandidateValidationMessage>,
    requests: UnboundedReceiver<Request>,
    /// Messages that it has not taken yet.
    waiting: usize,
}

/// The standard subsystem has ended.
#[derive(Debug)]
pub(crate) struct Ended;

/// A delegate and the context to start it on.
pub(crate) fn delegate<Context: SubsystemContext>(context: &mut Context) -> (Delegate, Delegated<Context>) {
    let (signals, signals_in) = unbounded();
    let (messages, messages_in) = unbounded();
    let (requests_out, requests) = unbounded();
    let delegated = Delegated {
        sender: context.sender().clone(),
        signals: signals_in,
        messages: messages_in,
        requests: requests_out,
    };
    (Delegate { signals, messages, requests, waiting: 0 }, delegated)
}

impl Delegate {
    pub(crate) fn signal(&mut self, signal: OverseerSignal) -> Result<(), Ended> {
        self.signals.unbounded_send(signal).map_err(|_| Ended)
    }

    pub(crate) fn message(&mut self, message: CandidateValidationMessage) -> Result<(), Ended> {
        self.waiting += 1;
        self.messages.unbounded_send(message).map_err(|_| Ended)
    }

    /// Messages that it has not taken yet. The channel has no limit of its own: the host takes no more
    /// from the overseer while there are many.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The next thing that it wants; `None` when it has ended.
    pub(crate) async fn request(&mut self) -> Option<Request> {
        let request = self.requests.next().await;
        if let Some(Request::Taken) = request {
            self.waiting = self.waiting.saturating_sub(1);
        }
        request
    }
}

fn closed() -> SubsystemError {
    SubsystemError::Context("the host of the standard candidate validation has ended".to_owned())
}

#[async_trait]
impl<Context> SubsystemContext for Delegated<Context>
where
    Context: SubsystemContext<
            Message = CandidateValidationMessage,
            Signal = OverseerSignal,
            Error = SubsystemError,
        >,
{
    type Message = CandidateValidationMessage;
    type Signal = OverseerSignal;
    type OutgoingMessages = Context::OutgoingMessages;
    type Sender = Context::Sender;
    type Error = SubsystemError;

    async fn try_recv(&mut self) -> Result<Option<FromOrchestra<CandidateValidationMessage>>, ()> {
        match self.recv().now_or_never() {
            None => Ok(None),
            Some(Ok(received)) => Ok(Some(received)),
            Some(Err(_)) => Err(()),
        }
    }

    /// Signals first, as from an overseer. Nothing is lost when the future is dropped before it is ready.
    async fn recv(&mut self) -> Result<FromOrchestra<CandidateValidationMessage>, SubsystemError> {
        select_biased! {
            signal = self.signals.next() => signal.map(FromOrchestra::Signal),
            message = self.messages.next() => message.map(|msg| {
                // Without a host nobody counts.
                let _ = self.requests.unbounded_send(Request::Taken);
                FromOrchestra::Communication { msg }
            }),
        }
        .ok_or_else(closed)
    }

    async fn recv_signal(&mut self) -> Result<OverseerSignal, SubsystemError> {
        self.signals.next().await.ok_or_else(closed)
    }

    fn spawn(&mut self, name: &'static str, task: BoxFuture<'static, ()>) -> Result<(), SubsystemError> {
        self.ask(Request::Spawn { name, task, blocking: false })
    }

    fn spawn_blocking(
        &mut self,
        name: &'static str,
        task: BoxFuture<'static, ()>,
    ) -> Result<(), SubsystemError> {
        self.ask(Request::Spawn { name, task, blocking: true })
    }

    fn sender(&mut self) -> &mut Context::Sender {
        &mut self.sender
    }
}

impl<Context: SubsystemContext> Delegated<Context> {
    fn ask(&mut self, request: Request) -> Result<(), SubsystemError> {
        self.requests.unbounded_send(request).map_err(|_| closed())
    }
}
