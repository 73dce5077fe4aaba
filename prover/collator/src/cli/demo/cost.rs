//! What checking a proof costs beside what executing the block again would, on one core.

use std::time::{Duration, Instant};

use zkpov_circuits::runtime::{BlockContext, Composition};
use zkpov_collator::witness_pov::{WitnessBytes, WitnessPov};
use zkpov_verifier::{
    key::{KeyPolicy, PreparedKey},
    relay::RelayContext,
    validate::validate_block,
};

use crate::cli::failure::Failure;

/// Runs of which the median is taken.
const RUNS: usize = 31;
/// Runs before them: after minutes of proving, the first checks find cold caches.
const WARM_UP_RUNS: usize = 10;

/// Two ways to check one block.
#[derive(Debug)]
pub(crate) struct Cost {
    /// `validate_block` with a prepared key.
    pub(crate) proof: Duration,
    /// Reading, checking and preparing the validity key, which a node does once.
    pub(crate) prepare: Duration,
    /// Checking the witness and executing.
    pub(crate) reexecution: Duration,
    /// Bytes of the proven block.
    pub(crate) proof_bytes: usize,
    /// Bytes of the block with its witness.
    pub(crate) witness_bytes: WitnessBytes,
}

impl Cost {
    /// How many times cheaper checking the proof is.
    pub(crate) fn time_ratio(&self) -> f64 {
        self.reexecution.as_secs_f64() / self.proof.as_secs_f64()
    }

    /// How many times smaller the proven block is.
    pub(crate) fn bytes_ratio(&self) -> f64 {
        self.witness_bytes.total() as f64 / self.proof_bytes as f64
    }
}

/// A block in both forms.
pub(crate) struct Both<'a> {
    pub(crate) chain: &'a Composition,
    pub(crate) parent_head: &'a [u8],
    pub(crate) relay: &'a RelayContext,
    pub(crate) key_bytes: &'a [u8],
    pub(crate) pov: &'a [u8],
    pub(crate) context: &'a BlockContext,
    pub(crate) witness: &'a WitnessPov,
}

/// Measures both, on one thread, and checks that they agree.
///
/// # Errors
/// When either refuses the block, or they end in different states.
pub(crate) fn measure(both: &Both<'_>) -> Result<Cost, Failure> {
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    one_core.install(|| {
        let policy = KeyPolicy { allow_dev_setup: true };
        let key = PreparedKey::decode(both.key_bytes, policy)?;
        let prepare = median(|| PreparedKey::decode(both.key_bytes, policy).map(drop))?;
        let proof = median(|| validate_block(both.parent_head, both.relay, &key, both.pov).map(drop))?;
        let reexecution = median(|| both.witness.reexecute(both.chain, both.context).map(drop))?;
        let transition = validate_block(both.parent_head, both.relay, &key, both.pov)?;
        let proven_root = zkpov_verifier::head::Head::decode(&transition.head_data)?.state_root;
        if both.witness.reexecute(both.chain, both.context)? != proven_root {
            return Err(Failure::misuse(
                "re-execution ends in another state than the proof; this is a fault of the program",
            ));
        }
        Ok(Cost {
            proof,
            prepare,
            reexecution,
            proof_bytes: both.pov.len(),
            witness_bytes: both.witness.bytes(),
        })
    })
}

/// The median duration of [`RUNS`] runs.
fn median<E>(mut run: impl FnMut() -> Result<(), E>) -> Result<Duration, E> {
    for _ in 0..WARM_UP_RUNS {
        run()?;
    }
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok(times.get(RUNS / 2).copied().unwrap_or_default())
}
