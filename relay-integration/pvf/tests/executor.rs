//! The PVF under the executor of polkadot's validators, with their default parameters.
//!
//! The wasm is the one that `scripts/pvf` builds; the tests run that script.
#![allow(unsafe_code)] // The executor trusts the artifact that it is given.

#[path = "../../tests/proven/mod.rs"]
mod proven;

use std::{
    path::Path,
    process::Command,
    sync::LazyLock,
    time::{Duration, Instant},
};

use codec::{Decode, Encode};
use polkadot_node_core_pvf_common::executor_interface::{execute_artifact, prepare, prevalidate};
use polkadot_parachain_primitives::primitives::{
    BlockData, HeadData, ValidationParams, ValidationParamsExtension, ValidationResult,
};
use polkadot_primitives::{
    ExecutorParams, MAX_CODE_SIZE, executor_params::DEFAULT_BACKING_EXECUTION_TIMEOUT,
};
use zkpov_relay_pvf::{
    Contents, SlotError, check, embed, embedded_key, params::Params, slot::template_of, validate,
    validate_embedded,
};
use zkpov_verifier::{
    block::ProvenBlock,
    key::{KeyPolicy, PreparedKey},
    validate::validate_block,
};

const ALLOW_DEV: KeyPolicy = KeyPolicy { allow_dev_setup: true };

/// How much longer than the native verifier with a prepared key the PVF may take, which has its key prepared too.
const SLOWER_AT_MOST: f64 = 6.0;

/// The wasm as it is built, without a key.
fn template() -> &'static [u8] {
    static TEMPLATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/pvf");
        let out = tempfile::tempdir().expect("a directory");
        let wasm = out.path().join("pvf.wasm");
        let ran = Command::new(&script).arg(&wasm).output().expect("the script runs");
        assert!(ran.status.success(), "scripts/pvf:\n{}", String::from_utf8_lossy(&ran.stderr));
        std::fs::read(wasm).expect("the script writes it")
    });
    &TEMPLATE
}

/// The validation code of the chain of [`proven::block`].
fn code() -> Vec<u8> {
    embed(template(), &proven::block().key, ALLOW_DEV).expect("a key and a slot")
}

/// Compiled code.
struct Artifact(Vec<u8>);

impl Artifact {
    fn prepare(code: &[u8]) -> Self {
        let blob = prevalidate(code).expect("wasm that the executor takes");
        Self(prepare(blob, &ExecutorParams::default()).expect("wasm that compiles"))
    }

    fn of_the_chain() -> &'static Self {
        static ARTIFACT: LazyLock<Artifact> = LazyLock::new(|| Artifact::prepare(&code()));
        &ARTIFACT
    }

    fn execute(&self, params: &[u8]) -> Result<ValidationResult, String> {
        // SAFETY: `prepare` made the artifact, and nothing has changed it.
        let result = unsafe { execute_artifact(&self.0, &ExecutorParams::default(), params) };
        let bytes = result.map_err(|error| error.to_string())?;
        Ok(ValidationResult::decode(&mut bytes.as_slice()).expect("a result in polkadot's encoding"))
    }
}

/// polkadot's own parameters for [`proven::block`].
fn params() -> ValidationParams {
    let block = proven::block();
    ValidationParams {
        parent_head: HeadData(block.parent_head.clone()),
        block_data: BlockData(block.block_data.clone()),
        relay_parent_number: proven::RELAY.relay_parent_number,
        relay_parent_storage_root: proven::RELAY.relay_parent_storage_root.into(),
    }
}

#[test]
fn a_proven_block_is_accepted_and_gives_its_head() {
    let result = Artifact::of_the_chain().execute(&params().encode()).unwrap();
    assert_eq!(result.head_data, HeadData(proven::block().head.clone()));
    assert_eq!(result.hrmp_watermark, proven::RELAY.relay_parent_number);
    let native = validate(&proven::block().key, &params().encode()).unwrap();
    assert_eq!(result.encode(), native);
}

#[test]
fn a_candidate_of_version_3_is_accepted_as_well() {
    let mut bytes = params().encode();
    let (relay_parent, scheduling_parent) = ([1; 32].into(), [2; 32].into());
    bytes.extend(ValidationParamsExtension::V3 { relay_parent, scheduling_parent }.encode());
    assert!(Artifact::of_the_chain().execute(&bytes).is_ok());
    bytes.push(0);
    assert!(Artifact::of_the_chain().execute(&bytes).is_err());
}

#[test]
fn signals_that_the_author_signed_come_out_behind_the_separator() {
    const SELECT_CORE: &[u8] = &[0, 1, 0];
    let mut params = params();
    params.block_data.0 = proven::block().with_signals(&[SELECT_CORE]);
    let result = Artifact::of_the_chain().execute(&params.encode()).unwrap();
    assert_eq!(result.upward_messages.into_inner(), [vec![], SELECT_CORE.to_vec()]);
    assert_eq!(result.head_data, HeadData(proven::block().head.clone()));
}

#[test]
fn what_is_tampered_with_is_refused() {
    let judge = |change: &dyn Fn(&mut ValidationParams)| {
        let mut params = params();
        change(&mut params);
        let wasm = Artifact::of_the_chain().execute(&params.encode());
        assert_eq!(wasm.is_ok(), validate(&proven::block().key, &params.encode()).is_ok());
        wasm
    };
    let with_block = |change: &dyn Fn(&mut ProvenBlock)| {
        judge(&|params| {
            let mut block = ProvenBlock::decode(&params.block_data.0).unwrap();
            change(&mut block);
            params.block_data.0 = block.encode();
        })
    };
    assert!(judge(&|_| ()).is_ok());
    assert!(with_block(&|_| ()).is_ok());

    assert!(judge(&|params| params.block_data.0.push(0)).is_err());
    assert!(judge(&|params| params.block_data.0.clear()).is_err());
    assert!(judge(&|params| params.parent_head.0[0] ^= 1).is_err());
    assert!(judge(&|params| params.relay_parent_number += 1).is_err());
    assert!(with_block(&|block| block.proven.proof[0] ^= 1).is_err());
    assert!(with_block(&|block| block.proven.body[0] ^= 1).is_err());
    assert!(with_block(&|block| block.proven.author += 1).is_err());
    assert!(with_block(&|block| block.scheduled.ump_signals.push(vec![0])).is_err());
    let middle = proven::block().block_data.len() / 2;
    assert!(judge(&|params| params.block_data.0[middle] ^= 1).is_err());
}

#[test]
fn code_without_a_key_and_code_of_another_chain_refuse_the_block() {
    assert!(Artifact::prepare(template()).execute(&params().encode()).is_err());
    let other = zkpov_verifier::testing::TestChain::new(proven::PARA_ID);
    let other = embed(template(), &other.key.encode(), ALLOW_DEV).unwrap();
    assert!(Artifact::prepare(&other).execute(&params().encode()).is_err());
}

#[test]
fn a_key_goes_into_the_wasm_and_comes_out_and_nothing_else_changes() {
    assert_eq!(embedded_key(template()), Ok(None));
    assert_eq!(embedded_key(&code()), Ok(Some(proven::block().key.as_slice())));
    assert_eq!(template_of(&code()), Ok(template().to_vec()));
}

#[test]
fn what_was_computed_of_the_key_is_computed_again_when_code_is_checked() {
    let code = code();
    assert_eq!(
        check(&code).unwrap().code_hash(),
        PreparedKey::decode(&proven::block().key, ALLOW_DEV).unwrap().code_hash()
    );
    // The last coordinate of the last tier's lines, small enough to stay below the modulus.
    let prepared = PreparedKey::decode(&proven::block().key, ALLOW_DEV).unwrap().encode_prepared();
    let line = prepared.windows(64).rposition(|window| window == &prepared[prepared.len() - 64..]).unwrap();
    let at = code.windows(64).position(|window| window == &prepared[line..]).unwrap();
    let mut other = code.clone();
    other[at] ^= 1;
    assert_eq!(embedded_key(&other), Ok(Some(proven::block().key.as_slice())), "the key is the same");
    assert_eq!(check(&other).unwrap_err(), SlotError::Prepared);
    assert!(
        Artifact::prepare(&other).execute(&params().encode()).is_err(),
        "the wrong lines accept nothing honest"
    );
}

#[test]
fn a_prepared_key_of_another_key_cut_or_with_a_changed_point_is_refused_when_it_is_read() {
    let (key, params) = (&proven::block().key, params().encode());
    let prepared = PreparedKey::decode(key, ALLOW_DEV).unwrap().encode_prepared();
    let judge = |prepared: &[u8]| validate_embedded(Contents { key, prepared }, &params);
    assert!(judge(&prepared).is_ok());
    let other = zkpov_verifier::testing::TestChain::new(proven::PARA_ID).prepared().encode_prepared();
    let longer = [prepared.as_slice(), &[0]].concat();
    for wrong in [&prepared[1..], &prepared[..prepared.len() - 1], &longer, &other, &[]] {
        assert!(judge(wrong).is_err());
    }
}

#[test]
fn the_code_is_within_the_relay_chains_limit_and_no_development_key_goes_in_unasked() {
    assert!(code().len() <= MAX_CODE_SIZE as usize);
    assert!(embed(template(), &proven::block().key, KeyPolicy::default()).is_err());
}

#[test]
fn parameters_and_extension_are_polkadots() {
    let ours = Params::read(&params().encode()).unwrap();
    assert_eq!(ours.encode(), params().encode());
    assert_eq!(ours.relay_context(), proven::RELAY);
}

/// Time that this thread has run on a processor, where the operating system tells (Linux): what others do on the machine is
/// not in it. Elsewhere the time that has passed. It is brought up to date some hundred times a second, so only sums over
/// many runs mean anything.
fn clock(since: Instant) -> Duration {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|line| line.split(' ').next()?.parse().ok())
        .map_or_else(|| since.elapsed(), Duration::from_nanos)
}

/// The mean time of each `run`, in alternation with the others.
fn alternating<const KINDS: usize>(rounds: u32, mut run: [&mut dyn FnMut(); KINDS]) -> [Duration; KINDS] {
    let started = Instant::now();
    let mut times = [Duration::ZERO; KINDS];
    for _ in 0..rounds {
        for (run, time) in run.iter_mut().zip(&mut times) {
            let before = clock(started);
            run();
            *time += clock(started) - before;
        }
    }
    times.map(|time| time / rounds)
}

/// `cargo test -p zkpov-relay-pvf -- --nocapture` prints the figures.
#[test]
fn execution_takes_at_most_six_times_the_native_verifier_and_is_far_below_the_backing_limit() {
    const ROUNDS: u32 = 100;
    let started = Instant::now();
    let artifact = Artifact::prepare(&code());
    let compiled_in = started.elapsed();
    let (block, bytes) = (proven::block(), params().encode());
    let key = PreparedKey::decode(&block.key, ALLOW_DEV).unwrap();
    let [native, from_key, wasm] = alternating(
        ROUNDS,
        [
            &mut || {
                validate_block(&block.parent_head, &proven::RELAY, &key, &block.block_data).unwrap();
            },
            &mut || {
                validate(&block.key, &bytes).unwrap();
            },
            &mut || {
                artifact.execute(&bytes).unwrap();
            },
        ],
    );
    let ratio = wasm.as_secs_f64() / native.as_secs_f64();
    println!(
        "wasm {} bytes, artifact {} bytes, compiled in {compiled_in:?}; native {native:?}, with the key read and prepared \
         {from_key:?}, wasm {wasm:?}: {ratio:.2} times native",
        code().len(),
        artifact.0.len(),
    );
    assert!(ratio <= SLOWER_AT_MOST, "wasm takes {ratio} times the native verifier");
    assert!(wasm <= DEFAULT_BACKING_EXECUTION_TIMEOUT / 10, "{wasm:?}");
}
