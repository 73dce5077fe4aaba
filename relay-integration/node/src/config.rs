//! What an operator chooses.

use std::{
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use polkadot_primitives::node_features::FeatureIndex;
use zkpov_verifier::key::KeyPolicy;

/// The bit of the relay chain's `NodeFeatures` that tells all its validators to accept validity keys, unless another is
/// configured. Bits are assigned from below; this one is far above what polkadot has assigned.
pub const DEFAULT_FEATURE_BIT: u8 = 64;

const _: () = assert!(DEFAULT_FEATURE_BIT > FeatureIndex::FirstUnassigned as u8);

/// Most candidates checked with one equation, unless another number is configured. A batch of 50 is within some
/// percent of the limit of what batches save, and takes tens of milliseconds.
const DEFAULT_BATCH: NonZeroUsize = NonZeroUsize::new(50).unwrap();

/// Prepared keys kept, unless another number is configured: more than parachains on any relay chain, some 50 kB each.
const DEFAULT_PREPARED_KEYS: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// When a node accepts validity keys at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// In the sessions in which this bit of the relay chain's `NodeFeatures` is set, and in no other: all validators
    /// begin in the same session, and none disputes what another accepts.
    NodeFeature(u8),
    /// Always. For relay chains all of whose validators are such nodes from the first block.
    Always,
}

/// What decides whether a candidate is valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A validity key's proofs.
    #[default]
    Proofs,
    /// The parachains' wasm alone, as on a standard node. For wasm that has a validity key built in, the proof is checked beside it
    /// and the two verdicts are compared, in metrics and log. Validity keys as validation code are not accepted.
    Shadow,
}

/// Turns the acceptance of validity keys off while the node runs. Their candidates then get no vote from this node,
/// as from a standard one.
#[derive(Clone, Debug, Default)]
pub struct KillSwitch {
    off: Arc<AtomicBool>,
    file: Option<PathBuf>,
}

impl KillSwitch {
    /// A switch that is thrown while a file of this path exists, too: `touch` it, and the node stops accepting
    /// proofs with the next candidate.
    pub fn with_file(file: PathBuf) -> Self {
        Self { file: Some(file), ..Self::default() }
    }

    /// Stops (`true`) or resumes the acceptance of validity keys.
    pub fn throw(&self, off: bool) {
        self.off.store(off, Ordering::Relaxed);
    }

    /// Whether validity keys are not accepted now.
    pub fn is_thrown(&self) -> bool {
        self.off.load(Ordering::Relaxed) || self.file.as_ref().is_some_and(|file| file.exists())
    }
}

/// What an operator chooses.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which validity keys are accepted; by default none from a development set-up, whose maker can forge.
    pub keys: KeyPolicy,
    /// When validity keys are accepted at all; by default with [`DEFAULT_FEATURE_BIT`].
    pub activation: Activation,
    /// What decides.
    pub mode: Mode,
    /// Turns it all off.
    pub kill_switch: KillSwitch,
    /// Batches checked at the same time, a thread each; by default half of the processor's threads, for the other half
    /// runs PVFs.
    pub threads: NonZeroUsize,
    /// Most candidates in a batch.
    pub batch: NonZeroUsize,
    /// Prepared keys kept.
    pub prepared_keys: NonZeroUsize,
}

impl Default for Config {
    fn default() -> Self {
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            keys: KeyPolicy::default(),
            activation: Activation::NodeFeature(DEFAULT_FEATURE_BIT),
            mode: Mode::default(),
            kill_switch: KillSwitch::default(),
            threads: NonZeroUsize::new(threads / 2).unwrap_or(NonZeroUsize::MIN),
            batch: DEFAULT_BATCH,
            prepared_keys: DEFAULT_PREPARED_KEYS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standard_configuration_accepts_nothing_by_itself() {
        let config = Config::default();
        assert!(!config.keys.allow_dev_setup);
        assert_eq!(config.activation, Activation::NodeFeature(DEFAULT_FEATURE_BIT));
    }

    #[test]
    fn the_kill_switch_is_thrown_by_hand_and_by_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("off");
        let switch = KillSwitch::with_file(file.clone());
        assert!(!switch.is_thrown());
        std::fs::write(&file, b"").unwrap();
        assert!(switch.is_thrown());
        std::fs::remove_file(&file).unwrap();
        assert!(!switch.is_thrown());
        let other_hand = switch.clone();
        other_hand.throw(true);
        assert!(switch.is_thrown());
        other_hand.throw(false);
        assert!(!switch.is_thrown());
    }
}
