//! What the relay chain's `NodeFeatures` say, session by session.

use polkadot_node_primitives::DISPUTE_WINDOW;
use polkadot_node_subsystem::{SubsystemSender, messages::RuntimeApiMessage};
use polkadot_node_subsystem_util::{request_node_features, request_session_index_for_child};
use polkadot_primitives::{
    CandidateDescriptorV2 as CandidateDescriptor, Hash, NodeFeatures, SessionIndex,
    node_features::FeatureIndex,
};
use schnellru::{ByLength, LruMap};

use crate::config::Activation;

/// What is known of sessions, and the newest leaf, at which the runtime is asked.
pub(crate) struct Features {
    activation: Activation,
    leaf: Option<Hash>,
    session: Option<SessionIndex>,
    by_session: LruMap<SessionIndex, NodeFeatures>,
    /// Whether a leaf's session had descriptors of version 3. It stays so: see polkadot's
    /// `CandidateDescriptorV2::version_for_candidate_validation`.
    v3_ever_seen: bool,
}

/// The runtime did not say.
#[derive(Debug)]
pub(crate) struct Unknown;

impl Features {
    pub(crate) fn new(activation: Activation) -> Self {
        let by_session = LruMap::new(ByLength::new(DISPUTE_WINDOW.get()));
        Self { activation, leaf: None, session: None, by_session, v3_ever_seen: false }
    }

    /// Whether descriptors are read with the rules of version 3.
    pub(crate) fn v3_ever_seen(&self) -> bool {
        self.v3_ever_seen
    }

    /// A new leaf.
    pub(crate) async fn activate(
        &mut self,
        leaf: Hash,
        sender: &mut impl SubsystemSender<RuntimeApiMessage>,
    ) {
        self.leaf = Some(leaf);
        let Ok(Ok(session)) = request_session_index_for_child(leaf, sender).await.await else { return };
        if self.v3_ever_seen || self.session.is_some_and(|known| known >= session) {
            return;
        }
        self.session = Some(session);
        if let Ok(features) = self.of(session, sender).await {
            self.v3_ever_seen = FeatureIndex::CandidateReceiptV3.is_set(features);
        }
    }

    /// The session whose features hold for a candidate: the one it is scheduled in, so that all validators
    /// look at the same bit.
    pub(crate) fn session_of(
        &self,
        descriptor: &CandidateDescriptor<Hash>,
        scheduling_session: SessionIndex,
    ) -> SessionIndex {
        descriptor
            .scheduling_session_for_candidate_validation(self.v3_ever_seen)
            .unwrap_or(scheduling_session)
    }

    /// Whether validity keys are accepted in a session.
    pub(crate) async fn active(
        &mut self,
        session: SessionIndex,
        sender: &mut impl SubsystemSender<RuntimeApiMessage>,
    ) -> Result<bool, Unknown> {
        match self.activation {
            Activation::Always => Ok(true),
            Activation::NodeFeature(bit) => {
                let features = self.of(session, sender).await?;
                Ok(features.get(usize::from(bit)).is_some_and(|bit| *bit))
            }
        }
    }

    async fn of(
        &mut self,
        session: SessionIndex,
        sender: &mut impl SubsystemSender<RuntimeApiMessage>,
    ) -> Result<&NodeFeatures, Unknown> {
        if self.by_session.peek(&session).is_none() {
            let leaf = self.leaf.ok_or(Unknown)?;
            let answer = request_node_features(leaf, session, sender).await.await;
            let features = answer.map_err(|_| Unknown)?.map_err(|_| Unknown)?;
            self.by_session.insert(session, features);
        }
        self.by_session.get(&session).map(|features| &*features).ok_or(Unknown)
    }
}
