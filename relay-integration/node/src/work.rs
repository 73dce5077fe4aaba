//! The work of verifying, on a thread that may block.
//!
//! ```text
//!   jobs ─► decompress the PoV ─► prepare the key (or find it) ─► one batch ─► an outcome for each job
//! ```

use std::{borrow::Cow, sync::Arc, time::Instant};

use futures::channel::oneshot;
use polkadot_node_primitives::{InvalidCandidate, POV_BOMB_LIMIT, PoV};
use polkadot_parachain_primitives::primitives::ValidationResult as Outputs;
use polkadot_primitives::{Id, PersistedValidationData, ValidationCode, ValidationCodeHash};
use rand::{RngCore, rngs::OsRng};
use zkpov_relay::validation_result;
use zkpov_verifier::{
    hashing::Hash,
    key::PreparedKey,
    relay::RelayContext,
    validate::{Candidate, Transition, validate_batch},
};

use crate::{checks::Refusal, keys::KeyCache, metrics::Metrics};

/// What verifying a candidate gives.
pub(crate) type Outcome = Result<Outputs, Refusal>;

/// A candidate to be verified.
pub(crate) struct Job {
    /// The descriptor's.
    pub(crate) para_id: Id,
    pub(crate) code: ValidationCode,
    pub(crate) code_hash: ValidationCodeHash,
    pub(crate) validation_data: PersistedValidationData,
    pub(crate) pov: Arc<PoV>,
    pub(crate) done: oneshot::Sender<Outcome>,
}

/// A job of which nothing but the verifier's part is left.
struct Ready<'a> {
    job: &'a Job,
    key: Arc<PreparedKey>,
    block_data: Cow<'a, [u8]>,
}

/// Verifies the jobs together and answers each.
pub(crate) fn verify(jobs: Vec<Job>, keys: &KeyCache, metrics: &Metrics) {
    let started = Instant::now();
    let outcomes = outcomes(&jobs, keys);
    metrics.batch(jobs.len(), started.elapsed());
    for (job, outcome) in jobs.into_iter().zip(outcomes) {
        // Nobody waits any more: as good as answered.
        let _ = job.done.send(outcome);
    }
}

fn outcomes(jobs: &[Job], keys: &KeyCache) -> Vec<Outcome> {
    let ready: Vec<_> = jobs.iter().map(|job| job.ready(keys)).collect();
    let candidates: Vec<_> = ready.iter().flatten().map(Ready::candidate).collect();
    let mut verified = validate_batch(&candidates, &entropy()).into_iter();
    ready.into_iter().map(|ready| ready.and_then(|_| verified.next().map_or_else(lost, outcome))).collect()
}

/// The batch has a result for each of its candidates; without one there is no vote.
fn lost() -> Outcome {
    Err(Refusal::Failed("the batch gave no result".to_owned()))
}

fn outcome(result: Result<Transition, zkpov_verifier::validate::Invalid>) -> Outcome {
    let refused = |reason: String| Refusal::Invalid(InvalidCandidate::ExecutionError(reason));
    let transition = result.map_err(|reason| refused(reason.to_string()))?;
    validation_result(transition).map_err(|reason| refused(reason.to_string()))
}

/// Zeros where the operating system gives none: the coefficients are hashes of the proofs as well.
fn entropy() -> Hash {
    let mut entropy = Hash::default();
    let _ = OsRng.try_fill_bytes(&mut entropy);
    entropy
}

impl Job {
    fn ready(&self, keys: &KeyCache) -> Result<Ready<'_>, Refusal> {
        // As the standard subsystem with code that cannot be prepared: pre-checking should have refused it, and
        // whoever registered it is not the collator who would be punished.
        let key = keys
            .prepared(self.code_hash, &self.code)
            .map_err(|error| Refusal::Failed(format!("validity key: {error}")))?;
        let registered = key.key().chain.para_id;
        if registered != u32::from(self.para_id) {
            let reason = format!("a validity key of para {registered}, a candidate of {}", self.para_id);
            return Err(InvalidCandidate::ExecutionError(reason).into());
        }
        let block_data = sp_maybe_compressed_blob::decompress(&self.pov.block_data.0, POV_BOMB_LIMIT)
            .map_err(|_| InvalidCandidate::PoVDecompressionFailure)?;
        Ok(Ready { job: self, key, block_data })
    }
}

impl Ready<'_> {
    fn candidate(&self) -> Candidate<'_> {
        let data = &self.job.validation_data;
        Candidate {
            parent_head: &data.parent_head.0,
            relay: RelayContext {
                relay_parent_number: data.relay_parent_number,
                relay_parent_storage_root: data.relay_parent_storage_root.to_fixed_bytes(),
            },
            key: &self.key,
            block_data: &self.block_data,
        }
    }
}
