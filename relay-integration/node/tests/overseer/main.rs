//! The subsystem in a real overseer, asked by real messages, about a block with a real proof.
//!
//! ```text
//!   stage     the node and its candidates
//!   here      what is valid; every reason for which it is not; what goes to the standard subsystem; pre-checks; switches
//!   standard  the standard subsystem in it, with real worker processes
//!   collating the other side: polkadot's collation generation with this crate's collator function
//! ```

mod collating;
#[path = "../../../tests/proven/mod.rs"]
mod proven;
mod stage;
mod standard;

use polkadot_node_primitives::{InvalidCandidate, ValidationResult};
use polkadot_node_subsystem::messages::{PreCheckOutcome, PvfExecKind};
use polkadot_primitives::{CommittedCandidateReceiptError, CoreIndex, Hash, HeadData, ValidationCode};
use zkpov_relay_node::{Activation, KillSwitch, Mode, config::DEFAULT_FEATURE_BIT};
use zkpov_verifier::{block::ProvenBlock, testing::TestChain};

use stage::{Candidate, Node, RECORDED, RELAY_PARENT, Recorder, Runtime, SESSION, commitments, config};

const BACKING: PvfExecKind = PvfExecKind::Backing(RELAY_PARENT);
const KINDS: [PvfExecKind; 4] =
    [BACKING, PvfExecKind::BackingSystemParas(RELAY_PARENT), PvfExecKind::Approval, PvfExecKind::Dispute];

fn node() -> Node {
    Node::start(config(), Runtime::new(), Recorder)
}

fn assert_valid(answer: Result<ValidationResult, impl std::fmt::Debug>) {
    let Ok(ValidationResult::Valid(found, data)) = answer else { panic!("{answer:?}") };
    assert_eq!(found, commitments(HeadData(proven::block().head.clone())));
    assert_eq!(data, Candidate::valid().validation_data);
}

/// Why a candidate is not valid, in words; panics if it is, or if there was no verdict.
fn reason(node: &Node, candidate: Candidate, kind: PvfExecKind) -> String {
    match node.validate(candidate, kind) {
        Ok(ValidationResult::Invalid(reason)) => format!("{reason:?}"),
        other => panic!("{other:?}"),
    }
}

fn words(reason: InvalidCandidate) -> String {
    format!("{reason:?}")
}

#[test]
fn a_proven_block_is_valid_for_backing_approval_and_dispute() {
    let node = node();
    for kind in KINDS {
        assert_valid(node.validate(Candidate::valid(), kind));
    }
    assert_eq!(node.metric("validations_total", "valid"), KINDS.len() as u64);
    assert_eq!(node.metric("delegated_total", ""), 0);
    assert_eq!(node.metric("keys_prepared_total", ""), 1, "the prepared key is kept");
}

#[test]
fn a_compressed_pov_is_valid() {
    let limit = polkadot_node_primitives::POV_BOMB_LIMIT;
    let block = &proven::block().block_data;
    let compressed = sp_maybe_compressed_blob::compress_strongly(block, limit).unwrap();
    assert_ne!(&compressed, block);
    assert_valid(node().validate(Candidate::valid().with_pov(compressed), BACKING));
}

#[test]
fn what_the_receipt_says_wrongly_is_invalid_by_its_name() {
    use InvalidCandidate as Reason;
    let node = node();
    let other = Hash::repeat_byte(0xee);
    let with = |change: &dyn Fn(&mut Candidate)| {
        let mut candidate = Candidate::valid();
        change(&mut candidate);
        candidate
    };
    let size = codec::Encode::encoded_size(&Candidate::valid().pov) as u64;
    let cases: [(Candidate, Reason); 6] = [
        (with(&|c| c.said.validation_data = other), Reason::PersistedValidationDataMismatch),
        (
            with(&|c| {
                c.validation_data.max_pov_size = size as u32 - 1;
                c.said.validation_data = c.validation_data.hash();
            }),
            Reason::ParamsTooLarge(size),
        ),
        (with(&|c| c.said.pov = other), Reason::PoVHashMismatch),
        (with(&|c| c.said.code = other.into()), Reason::CodeHashMismatch),
        (with(&|c| c.said.head = other), Reason::ParaHeadHashMismatch),
        (with(&|c| c.said.commitments = other), Reason::CommitmentsHashMismatch),
    ];
    for (candidate, expected) in cases {
        for kind in KINDS {
            assert_eq!(reason(&node, candidate.clone(), kind), format!("{expected:?}"));
        }
    }
}

#[test]
fn sessions_and_core_are_checked_when_backing_and_not_later() {
    let node = Node::start(config(), Runtime::new().with_version_3(), Recorder);
    let wrong_session = Candidate::valid().saying(|said| said.session = SESSION + 1);
    let wrong_core = Candidate::valid().saying(|said| said.core = CoreIndex(5));
    // The runtime knows no ancestor in this session.
    let wrong_parent = Candidate::valid().saying(|said| said.scheduling_parent = Some(RELAY_PARENT));
    let mismatch = CommittedCandidateReceiptError::CoreIndexMismatch {
        descriptor: CoreIndex(5),
        commitments: stage::CORE,
    };
    for (candidate, expected) in [
        (wrong_session, InvalidCandidate::InvalidSchedulingSession),
        (wrong_parent, InvalidCandidate::InvalidRelayParentSession),
        (wrong_core, InvalidCandidate::InvalidUMPSignals(mismatch)),
    ] {
        assert_eq!(reason(&node, candidate.clone(), BACKING), words(expected));
        assert_valid(node.validate(candidate.clone(), PvfExecKind::Approval));
        assert_valid(node.validate(candidate, PvfExecKind::Dispute));
    }
}

#[test]
fn a_pov_that_does_not_decompress_is_invalid() {
    // The first bytes of compressed data, and none.
    let prefix = [82, 188, 83, 118, 70, 219, 142, 5];
    let candidate = Candidate::valid().with_pov([prefix.as_slice(), b"no zstd"].concat());
    assert_eq!(reason(&node(), candidate, BACKING), words(InvalidCandidate::PoVDecompressionFailure));
}

#[test]
fn a_tampered_block_is_invalid_and_the_reason_is_named() {
    let node = node();
    let tampered = |change: &dyn Fn(&mut ProvenBlock)| {
        let mut block = ProvenBlock::decode(&proven::block().block_data).unwrap();
        change(&mut block);
        reason(&node, Candidate::valid().with_pov(block.encode()), BACKING)
    };
    let refused = |reason: &str, word: &str| {
        assert!(reason.starts_with("ExecutionError") && reason.contains(word), "{reason}");
    };
    refused(&tampered(&|block| block.proven.author += 1), "author");
    refused(&tampered(&|block| block.scheduled.ump_signals.push(vec![0])), "UMP signals");
    refused(&tampered(&|block| block.proven.proof.truncate(1)), "proof");
    // A valid proof of another statement: the parts of another tier's, or of anything.
    let other = TestChain::new(proven::PARA_ID).first_block().2.proven.proof;
    refused(&tampered(&|block| block.proven.proof.clone_from(&other)), "does not prove");
    let garbage = Candidate::valid().with_pov(b"no block".to_vec());
    refused(&reason(&node, garbage, BACKING), "proven block");
}

#[test]
fn a_key_of_one_para_does_not_validate_for_another() {
    let candidate = Candidate::valid().saying(|said| said.para_id += 1);
    let reason = reason(&node(), candidate, PvfExecKind::Approval);
    assert!(reason.contains("validity key of para"), "{reason}");
}

#[test]
fn candidates_that_wait_are_checked_in_batches_and_a_bad_one_spoils_no_other() {
    const GOOD: usize = 30;
    let mut config = config();
    config.threads = std::num::NonZeroUsize::MIN;
    let node = Node::start(config, Runtime::new(), Recorder);
    let other = TestChain::new(proven::PARA_ID).first_block().2.proven.proof;
    let mut block = ProvenBlock::decode(&proven::block().block_data).unwrap();
    block.proven.proof = other;
    let bad = Candidate::valid().with_pov(block.encode());
    let answers: Vec<_> = (0..=GOOD)
        .map(|index| {
            let candidate = if index == GOOD / 2 { bad.clone() } else { Candidate::valid() };
            node.ask(candidate, PvfExecKind::Approval)
        })
        .collect();
    for (index, answer) in answers.into_iter().enumerate() {
        match answer() {
            Ok(ValidationResult::Invalid(_)) if index == GOOD / 2 => (),
            answer => assert_valid(answer),
        }
    }
    assert_eq!(node.metric("validations_total", "valid"), GOOD as u64);
    let batches = node.batches();
    assert!(batches < GOOD as u64, "{batches} batches of {} candidates", GOOD + 1);
}

#[test]
fn wasm_goes_to_the_standard_subsystem_whole() {
    let node = node();
    let candidate = Candidate::with_code(ValidationCode(b"\0asm\x01\0\0\0".to_vec()));
    for kind in KINDS {
        assert_eq!(node.validate(candidate.clone(), kind).unwrap_err().0, RECORDED);
    }
    assert_eq!(node.metric("delegated_total", "wasm"), KINDS.len() as u64);
}

#[test]
fn validity_keys_are_accepted_only_in_sessions_with_the_feature() {
    let mut runtime = Runtime::new();
    runtime.set_feature(DEFAULT_FEATURE_BIT, false);
    let node = Node::start(config(), runtime.clone(), Recorder);
    assert_eq!(node.validate(Candidate::valid(), BACKING).unwrap_err().0, RECORDED);
    assert_eq!(node.metric("delegated_total", "inactive"), 1);

    let mut config = config();
    config.activation = Activation::Always;
    let node = Node::start(config, runtime, Recorder);
    assert_valid(node.validate(Candidate::valid(), BACKING));
}

#[test]
fn without_an_answer_of_the_runtime_there_is_no_vote() {
    let mut runtime = Runtime::new();
    runtime.silent = true;
    let node = Node::start(config(), runtime, Recorder);
    let answer = node.validate(Candidate::valid(), PvfExecKind::Dispute).unwrap_err().0;
    assert!(answer != RECORDED && answer.contains("runtime"), "{answer}");
}

#[test]
fn the_kill_switch_leaves_validity_keys_to_the_standard_subsystem() {
    let switch = KillSwitch::default();
    let mut config = config();
    config.kill_switch = switch.clone();
    let node = Node::start(config, Runtime::new(), Recorder);
    assert_valid(node.validate(Candidate::valid(), BACKING));
    switch.throw(true);
    assert_eq!(node.validate(Candidate::valid(), BACKING).unwrap_err().0, RECORDED);
    switch.throw(false);
    assert_valid(node.validate(Candidate::valid(), BACKING));
}

#[test]
fn a_key_that_the_policy_refuses_gets_no_vote() {
    let mut config = config();
    config.keys.allow_dev_setup = false;
    let node = Node::start(config, Runtime::new(), Recorder);
    let answer = node.validate(Candidate::valid(), PvfExecKind::Approval).unwrap_err().0;
    assert!(answer.contains("validity key"), "{answer}");
}

#[test]
fn a_precheck_accepts_a_good_key_and_refuses_a_bad_one() {
    let node = node();
    let key = &proven::block().key;
    let good = ValidationCode(key.clone());
    let longer = ValidationCode([key.as_slice(), &[0]].concat());
    // The byte before the set-up's is the last of a point, and this its flag of infinity.
    let mut bad_point = key.clone();
    bad_point[key.len() - 2] ^= 1 << 6;
    let bad_point = ValidationCode(bad_point);
    let wasm = ValidationCode(b"\0asm\x01\0\0\0".to_vec());
    for code in [&good, &longer, &bad_point, &wasm] {
        node.runtime.lock().unwrap().code.insert(code.hash(), code.clone());
    }
    assert_eq!(node.precheck(&good), PreCheckOutcome::Valid);
    assert_eq!(node.precheck(&longer), PreCheckOutcome::Invalid);
    assert_eq!(node.precheck(&bad_point), PreCheckOutcome::Invalid);
    // The standard subsystem's, which here always says so.
    assert_eq!(node.precheck(&wasm), PreCheckOutcome::Failed);
    assert_eq!(node.precheck(&ValidationCode(b"unknown".to_vec())), PreCheckOutcome::Failed);
    assert_eq!(node.metric("prechecks_total", "valid"), 1);
    assert_eq!(node.metric("prechecks_total", "invalid"), 2);
}

#[test]
fn a_development_key_does_not_pass_a_precheck_unless_the_policy_allows_it() {
    let mut config = config();
    config.keys.allow_dev_setup = false;
    let node = Node::start(config, Runtime::new(), Recorder);
    let key = ValidationCode(proven::block().key.clone());
    node.runtime.lock().unwrap().code.insert(key.hash(), key.clone());
    assert_eq!(node.precheck(&key), PreCheckOutcome::Invalid);
}

#[test]
fn in_shadow_mode_the_standard_subsystem_answers_for_everybody() {
    let mut config = config();
    config.mode = Mode::Shadow;
    let node = Node::start(config, Runtime::new(), Recorder);
    assert_eq!(node.validate(Candidate::valid(), BACKING).unwrap_err().0, RECORDED);
    assert_eq!(node.metric("delegated_total", "shadow"), 1);
}
