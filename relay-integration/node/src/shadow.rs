//! Shadow mode: wasm that has a validity key built in decides, and the proof is checked beside it.

use futures::channel::oneshot;
use polkadot_node_primitives::{InvalidCandidate, ValidationResult};
use polkadot_primitives::{HeadData, ValidationCode};
use zkpov_relay_pvf::embedded_key;
use zkpov_verifier::block::MAX_CODE_BYTES;

use crate::{
    LOG_TARGET,
    checks::{Answer, Refusal},
    metrics::Metrics,
    work::Outcome,
};

/// Longest code after decompression that is looked at: four times the longest that may be registered.
const CODE_LIMIT: usize = 4 * MAX_CODE_BYTES;

/// The validity key that is built into wasm, if it is such wasm.
pub(crate) fn key_of(code: &ValidationCode) -> Option<ValidationCode> {
    let wasm = sp_maybe_compressed_blob::decompress(&code.0, CODE_LIMIT).ok()?;
    embedded_key(&wasm).ok().flatten().map(|key| ValidationCode(key.to_vec()))
}

/// What the two can agree on: the head that the block makes, or that it is none.
type Verdict = Option<HeadData>;

/// Waits for both verdicts, passes the wasm's on, and compares.
pub(crate) async fn compare(
    wasm: oneshot::Receiver<Answer>,
    proof: oneshot::Receiver<Outcome>,
    answer: oneshot::Sender<Answer>,
    metrics: Metrics,
) {
    // Whoever asked sees what it would see without this subsystem: its channel closes if nobody answers.
    let Ok(decided) = wasm.await else { return };
    let of_wasm = of_answer(&decided);
    let _ = answer.send(decided);
    let (Some(of_wasm), Ok(outcome)) = (of_wasm, proof.await) else { return };
    let Some(of_proof) = of_outcome(&outcome) else { return };
    let agree = of_wasm == of_proof;
    metrics.compared(agree);
    if !agree {
        tracing::error!(target: LOG_TARGET, ?of_wasm, ?outcome, "wasm and proof disagree");
    }
}

/// Nothing where the executor had no say: the candidate failed a check around it, or nobody could tell.
fn of_answer(answer: &Answer) -> Option<Verdict> {
    match answer {
        Ok(ValidationResult::Valid(commitments, _)) => Some(Some(commitments.head_data.clone())),
        Ok(ValidationResult::Invalid(InvalidCandidate::ExecutionError(_))) => Some(None),
        _ => None,
    }
}

fn of_outcome(outcome: &Outcome) -> Option<Verdict> {
    match outcome {
        Ok(outputs) => Some(Some(outputs.head_data.clone())),
        Err(Refusal::Invalid(_)) => Some(None),
        Err(Refusal::Failed(_)) => None,
    }
}
