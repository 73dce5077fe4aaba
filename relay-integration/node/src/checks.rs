//! What a candidate has to meet besides its proof: the checks that the standard subsystem makes outside the
//! executor, in its order and with its verdicts.

use codec::Encode;
use polkadot_node_primitives::{InvalidCandidate, PoV, ValidationResult};
use polkadot_node_subsystem::{
    SubsystemSender,
    messages::{RuntimeApiMessage, ValidationFailed},
};
use polkadot_node_subsystem_util::{
    CheckRelayParentSessionResult, check_relay_parent_session, request_session_index_for_child,
    runtime::{ClaimQueueSnapshot, fetch_claim_queue},
};
use polkadot_parachain_primitives::primitives::ValidationResult as Outputs;
use polkadot_primitives::{
    CandidateCommitments, CandidateDescriptorV2 as CandidateDescriptor,
    CandidateReceiptV2 as CandidateReceipt, CommittedCandidateReceiptV2 as CommittedCandidateReceipt, Hash,
    PersistedValidationData, ValidationCodeHash, transpose_claim_queue,
};

/// What the asker gets: a verdict, or none.
pub(crate) type Answer = Result<ValidationResult, ValidationFailed>;

/// Why a candidate got no further.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It is not valid.
    Invalid(InvalidCandidate),
    /// This node cannot tell, and does not vote.
    Failed(String),
}

impl From<InvalidCandidate> for Refusal {
    fn from(reason: InvalidCandidate) -> Self {
        Self::Invalid(reason)
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(reason) => Ok(ValidationResult::Invalid(reason)),
            Refusal::Failed(reason) => Err(ValidationFailed(reason)),
        }
    }
}

/// Descriptor against validation data, PoV and code. The PoV's size is checked before its hash, which takes time.
pub(crate) fn before(
    descriptor: &CandidateDescriptor<Hash>,
    validation_data: &PersistedValidationData,
    pov: &PoV,
    code_hash: ValidationCodeHash,
) -> Result<(), InvalidCandidate> {
    if validation_data.hash() != descriptor.persisted_validation_data_hash() {
        return Err(InvalidCandidate::PersistedValidationDataMismatch);
    }
    let size = pov.encoded_size() as u64;
    if size > u64::from(validation_data.max_pov_size) {
        return Err(InvalidCandidate::ParamsTooLarge(size));
    }
    if pov.hash() != descriptor.pov_hash() {
        return Err(InvalidCandidate::PoVHashMismatch);
    }
    if code_hash != descriptor.validation_code_hash() {
        return Err(InvalidCandidate::CodeHashMismatch);
    }
    Ok(())
}

/// The sessions that the descriptor claims, and the claim queue for [`after`]: when backing alone. For approval and
/// disputes the runtime has checked them, and the state they are read from may be gone.
pub(crate) async fn backing(
    descriptor: &CandidateDescriptor<Hash>,
    v3_ever_seen: bool,
    sender: &mut impl SubsystemSender<RuntimeApiMessage>,
) -> Result<ClaimQueueSnapshot, Refusal> {
    let failed = |what: &str| Refusal::Failed(what.to_owned());
    let parent = descriptor.scheduling_parent_for_candidate_validation(v3_ever_seen);

    let Ok(Ok(session)) = request_session_index_for_child(parent, sender).await.await else {
        return Err(failed("the runtime does not say which session the scheduling parent is in"));
    };
    let claimed = descriptor.scheduling_session_for_candidate_validation(v3_ever_seen);
    if claimed.is_some_and(|claimed| claimed != session) {
        return Err(InvalidCandidate::InvalidSchedulingSession.into());
    }

    if let Some(claimed) = descriptor.session_index_for_candidate_validation(v3_ever_seen) {
        use CheckRelayParentSessionResult::{NotFound, NotSupported, RuntimeError, Valid};
        match check_relay_parent_session(sender, parent, claimed, descriptor.relay_parent()).await {
            // A runtime that cannot be asked has no relay parents of other sessions.
            Valid | NotSupported => (),
            NotFound => return Err(InvalidCandidate::InvalidRelayParentSession.into()),
            RuntimeError(error) => return Err(Refusal::Failed(error)),
        }
    }

    fetch_claim_queue(sender, parent).await.map_err(|error| failed(&format!("no claim queue: {error}")))
}

/// What the block does against what the receipt announces, and, with a claim queue, its UMP signals.
pub(crate) fn after(
    receipt: CandidateReceipt<Hash>,
    validation_data: PersistedValidationData,
    outputs: Outputs,
    claim_queue: Option<ClaimQueueSnapshot>,
) -> ValidationResult {
    match committed(receipt, outputs, claim_queue) {
        Ok(commitments) => ValidationResult::Valid(commitments, validation_data),
        Err(reason) => ValidationResult::Invalid(reason),
    }
}

fn committed(
    receipt: CandidateReceipt<Hash>,
    outputs: Outputs,
    claim_queue: Option<ClaimQueueSnapshot>,
) -> Result<CandidateCommitments, InvalidCandidate> {
    if outputs.head_data.hash() != receipt.descriptor.para_head() {
        return Err(InvalidCandidate::ParaHeadHashMismatch);
    }
    let Outputs {
        head_data,
        new_validation_code,
        upward_messages,
        horizontal_messages,
        processed_downward_messages,
        hrmp_watermark,
    } = outputs;
    let commitments = CandidateCommitments {
        head_data,
        new_validation_code,
        upward_messages,
        horizontal_messages,
        processed_downward_messages,
        hrmp_watermark,
    };
    if commitments.hash() != receipt.commitments_hash {
        return Err(InvalidCandidate::CommitmentsHashMismatch);
    }
    let committed = CommittedCandidateReceipt { descriptor: receipt.descriptor, commitments };
    if let Some(ClaimQueueSnapshot(claims)) = claim_queue {
        committed
            .parse_ump_signals(&transpose_claim_queue(claims))
            .map_err(InvalidCandidate::InvalidUMPSignals)?;
    }
    Ok(committed.commitments)
}
