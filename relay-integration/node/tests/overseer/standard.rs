//! Polkadot's own subsystem inside, with its host and its worker processes: what is delegated is pre-checked, prepared and
//! executed as on any node; and the verifier as wasm is such a delegated code.

use std::{path::Path, process::Command, sync::Arc, sync::LazyLock};

use polkadot_node_core_candidate_validation::{CandidateValidationSubsystem, Config as StandardConfig};
use polkadot_node_primitives::{InvalidCandidate, ValidationResult};
use polkadot_node_subsystem::messages::{PreCheckOutcome, PvfExecKind};
use polkadot_primitives::ValidationCode;
use sp_keystore::testing::MemoryKeystore;
use tempfile::TempDir;
use zkpov_relay_node::Mode;
use zkpov_relay_pvf::embed;
use zkpov_verifier::{block::ProvenBlock, key::KeyPolicy};

use crate::{
    BACKING, assert_valid, proven,
    stage::{Candidate, Node, Runtime, config, worker},
};

/// The standard subsystem and the directory of its artifacts.
fn standard() -> (CandidateValidationSubsystem, TempDir) {
    let artifacts = tempfile::tempdir().unwrap();
    let config = StandardConfig {
        artifacts_cache_path: artifacts.path().to_owned(),
        node_version: None,
        secure_validator_mode: false,
        prep_worker_path: worker("prepare-worker"),
        exec_worker_path: worker("execute-worker"),
        pvf_execute_workers_max_num: 1,
        pvf_prepare_workers_soft_max_num: 1,
        pvf_prepare_workers_hard_max_num: 1,
    };
    let keystore = Arc::new(MemoryKeystore::new());
    let metrics = (Default::default(), Default::default());
    let standard = CandidateValidationSubsystem::with_config(Some(config), keystore, metrics.0, metrics.1);
    (standard, artifacts)
}

/// The verifier as wasm, with the chain's key.
fn pvf() -> ValidationCode {
    static PVF: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/pvf");
        let out = tempfile::tempdir().unwrap();
        let wasm = out.path().join("pvf.wasm");
        let ran = Command::new(&script).arg(&wasm).output().expect("the script runs");
        assert!(ran.status.success(), "scripts/pvf:\n{}", String::from_utf8_lossy(&ran.stderr));
        let template = std::fs::read(wasm).unwrap();
        embed(&template, &proven::block().key, KeyPolicy { allow_dev_setup: true }).unwrap()
    });
    ValidationCode(PVF.clone())
}

fn tampered(code: ValidationCode) -> Candidate {
    let mut block = ProvenBlock::decode(&proven::block().block_data).unwrap();
    block.proven.author += 1;
    Candidate::with_code(code).with_pov(block.encode())
}

#[test]
fn a_parachain_with_wasm_is_prechecked_prepared_and_executed_in_worker_processes() {
    let (standard, _artifacts) = standard();
    let node = Node::start(config(), Runtime::new(), standard);
    let code = pvf();
    node.runtime.lock().unwrap().code.insert(code.hash(), code.clone());
    assert_eq!(node.precheck(&code), PreCheckOutcome::Valid);
    assert_valid(node.validate(Candidate::with_code(code.clone()), BACKING));
    assert_valid(node.validate(Candidate::with_code(code.clone()), PvfExecKind::Approval));
    let refused = node.validate(tampered(code), BACKING);
    assert!(
        matches!(refused, Ok(ValidationResult::Invalid(InvalidCandidate::ExecutionError(_)))),
        "{refused:?}"
    );
    // The same node, the same moment: a validity key.
    assert_valid(node.validate(Candidate::valid(), BACKING));
    assert_eq!(node.metric("delegated_total", "wasm"), 4);
    assert_eq!(node.metric("validations_total", "valid"), 1);
}

#[test]
fn in_shadow_mode_wasm_and_proof_are_compared() {
    let (standard, _artifacts) = standard();
    let mut config = config();
    config.mode = Mode::Shadow;
    let node = Node::start(config, Runtime::new(), standard);
    assert_valid(node.validate(Candidate::with_code(pvf()), BACKING));
    let refused = node.validate(tampered(pvf()), BACKING);
    assert!(matches!(refused, Ok(ValidationResult::Invalid(_))), "{refused:?}");
    assert_eq!(node.eventually("shadow_comparisons_total", "agree", 2), 2);
    assert_eq!(node.metric("shadow_comparisons_total", "disagree"), 0);
}
