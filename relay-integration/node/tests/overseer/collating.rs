//! Polkadot's own collation generation, with the collator function of this crate: what it distributes is what the subsystem
//! accepts.
//!
//! ```text
//!   a new relay block ─► collation generation ─► collator_fn ─► Collation ─► receipt and PoV ─► collator protocol (here: kept)
//!                                                                                 │
//!                                                                                 └─► candidate validation, backing
//! ```

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use codec::Encode;
use futures::{FutureExt, channel::oneshot, executor::block_on};
use polkadot_node_collation_generation::CollationGenerationSubsystem;
use polkadot_node_primitives::{
    CollationGenerationConfig, CollatorFn, InvalidCandidate, MaybeCompressedPoV, ValidationResult,
};
use polkadot_node_subsystem::{
    FromOrchestra, OverseerSignal, SpawnedSubsystem, SubsystemContext, SubsystemError,
    messages::{CollationGenerationMessage, CollatorProtocolMessage, PvfExecKind, Segment, SegmentEntry},
    overseer::{Handle, Subsystem, dummy::dummy_overseer_builder},
};
use polkadot_primitives::{
    ClaimQueueOffset, CollatorPair, CommittedCandidateReceiptError, CoreIndex, CoreSelector, Hash, HeadData,
    Id, PersistedValidationData, UMPSignal,
};
use sp_core::{Pair, traits::SpawnNamed};
use zkpov_relay_node::collation::{collation, collator_fn};
use zkpov_verifier::{
    block::ProvenBlock as Block,
    key::{KeyPolicy, PreparedKey},
};

use crate::{
    BACKING, assert_valid, proven, reason,
    stage::{
        Always, CORE, Candidate, Node, PATIENCE, RELAY_PARENT, Recorder, Runtime, RuntimeApi, Tasks,
        commitments, config, leaf,
    },
    words,
};

/// The second of the para's two cores.
const OTHER_CORE: CoreIndex = CoreIndex(5);

/// In the place of the collator protocol: tells what it is to distribute first.
struct Network(oneshot::Sender<(CoreIndex, SegmentEntry)>);

impl<Context> Subsystem<Context, SubsystemError> for Network
where
    Context:
        SubsystemContext<Message = CollatorProtocolMessage, Signal = OverseerSignal, Error = SubsystemError>,
{
    fn start(self, mut context: Context) -> SpawnedSubsystem {
        let mut tell = Some(self.0);
        let listen = async move {
            loop {
                match context.recv().await? {
                    FromOrchestra::Signal(OverseerSignal::Conclude) => return Ok(()),
                    FromOrchestra::Communication {
                        msg:
                            CollatorProtocolMessage::DistributeSegment {
                                core_index,
                                segment: Segment::V2(entry),
                                ..
                            },
                    } => {
                        if let Some(tell) = tell.take() {
                            // Whoever listened may be gone.
                            let _ = tell.send((core_index, entry));
                        }
                    }
                    _ => (),
                }
            }
        };
        SpawnedSubsystem { name: "network", future: listen.boxed() }
    }
}

fn key() -> Arc<PreparedKey> {
    let policy = KeyPolicy { allow_dev_setup: true };
    Arc::new(PreparedKey::decode(&proven::block().key, policy).unwrap())
}

fn select_core(selector: u8) -> Vec<u8> {
    UMPSignal::SelectCore(CoreSelector(selector), ClaimQueueOffset(0)).encode()
}

/// A runtime in which the para has two cores.
fn two_cores() -> Runtime {
    let mut runtime = Runtime::new();
    runtime.claims.insert(OTHER_CORE, VecDeque::from([Id::from(proven::PARA_ID)]));
    runtime
}

/// A collator function whose author submits `block` on the block's own parent, and nothing on another.
fn collator(block: Vec<u8>) -> CollatorFn {
    collator_fn(key(), move |_, validation_data| {
        let block = (validation_data == Candidate::valid().validation_data).then(|| block.clone());
        async move { block }
    })
}

/// What collation generation distributes at a new relay block when the author submits `block`.
fn distributed(runtime: Runtime, block: Vec<u8>) -> (CoreIndex, SegmentEntry) {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let tasks = Tasks(tokio.handle().clone());
    let (tell, mut told) = oneshot::channel();
    let api = RuntimeApi(Arc::new(Mutex::new(runtime)));
    let (overseer, handle) = dummy_overseer_builder(tasks.clone(), Always, None)
        .unwrap()
        .replace_collation_generation(|_| CollationGenerationSubsystem::new(Default::default()))
        .replace_collator_protocol(move |_| Network(tell))
        .replace_runtime_api(move |_| api)
        .build()
        .unwrap();
    tasks.spawn("overseer", None, overseer.run().map(drop).boxed());
    let mut handle = Handle::new(handle);
    let config = CollationGenerationConfig {
        key: CollatorPair::generate().0,
        collator: Some(collator(block)),
        para_id: Id::from(proven::PARA_ID),
    };
    block_on(handle.send_msg(CollationGenerationMessage::Initialize(config), "test"));
    // A signal may overtake the message before it, and what is not configured yet passes over the relay block.
    let deadline = Instant::now() + PATIENCE;
    let distributed = (1..)
        .find_map(|number| {
            assert!(Instant::now() < deadline, "nothing is distributed");
            block_on(handle.block_imported(leaf(Hash::from_low_u64_be(number))));
            std::thread::sleep(Duration::from_millis(200));
            told.try_recv().expect("the network listens")
        })
        .expect("numbers go on");
    block_on(handle.stop());
    tokio.shutdown_background();
    distributed
}

/// The candidate that backers make of it.
fn candidate((core, entry): &(CoreIndex, SegmentEntry)) -> Candidate {
    let mut candidate = Candidate::valid().with_pov(entry.pov.block_data.0.clone());
    assert_eq!(candidate.said.validation_data, entry.persisted_validation_data_hash);
    assert_eq!(candidate.said.code, entry.validation_code_hash);
    assert_eq!(candidate.said.head, entry.output_head_data_hash);
    candidate.said.commitments = entry.commitments_hash;
    candidate.said.core = *core;
    candidate
}

#[test]
fn a_block_becomes_the_collation_that_backers_accept() {
    let collated = distributed(Runtime::new(), proven::block().block_data.clone());
    assert_eq!(collated.0, CORE);
    let node = Node::start(config(), Runtime::new(), Recorder);
    assert_valid(node.validate(candidate(&collated), BACKING));
}

#[test]
fn signals_choose_the_core_and_backers_hold_them_against_the_claim_queue() {
    let node = Node::start(config(), two_cores(), Recorder);
    for (selector, core) in [(0, CORE), (1, OTHER_CORE), (2, CORE)] {
        let block = proven::block().with_signals(&[&select_core(selector)]);
        let collated = distributed(two_cores(), block);
        assert_eq!(collated.0, core, "selector {selector}");
        let Ok(ValidationResult::Valid(found, _)) = node.validate(candidate(&collated), BACKING) else {
            panic!("selector {selector}")
        };
        assert_eq!(found.upward_messages.to_vec(), [vec![], select_core(selector)]);
        assert_eq!(found.head_data, commitments(HeadData(proven::block().head.clone())).head_data);
        // The same block announced for the core that it did not choose.
        let (descriptor, chosen) = (if core == CORE { OTHER_CORE } else { CORE }, core);
        let elsewhere = candidate(&collated).saying(|said| said.core = descriptor);
        let mismatch = CommittedCandidateReceiptError::CoreIndexMismatch { descriptor, commitments: chosen };
        assert_eq!(
            reason(&node, elsewhere.clone(), BACKING),
            words(InvalidCandidate::InvalidUMPSignals(mismatch))
        );
        assert!(matches!(node.validate(elsewhere, PvfExecKind::Approval), Ok(ValidationResult::Valid(..))));
    }
}

#[test]
fn a_collation_holds_what_the_check_of_its_block_found() {
    let block = proven::block();
    let data = Candidate::valid().validation_data;
    let signal = select_core(1);
    let bytes = block.with_signals(&[&signal]);
    let made = collation(&data, &key(), bytes.clone()).unwrap();
    assert_eq!(made.head_data, HeadData(block.head.clone()));
    assert_eq!(made.upward_messages.into_inner(), [vec![], signal]);
    assert_eq!(made.hrmp_watermark, proven::RELAY.relay_parent_number);
    let MaybeCompressedPoV::Raw(pov) = made.proof_of_validity else {
        panic!("collation generation compresses")
    };
    assert_eq!(pov.block_data.0, bytes);
}

#[test]
fn what_is_not_valid_or_not_there_is_not_submitted() {
    let data = Candidate::valid().validation_data;
    let asked = |block, data: &PersistedValidationData| block_on(collator(block)(RELAY_PARENT, data));
    assert!(asked(proven::block().block_data.clone(), &data).is_some());
    let mut tampered = Block::decode(&proven::block().block_data).unwrap();
    tampered.scheduled.ump_signals.push(select_core(0));
    assert!(asked(tampered.encode(), &data).is_none(), "its author did not sign these signals");
    let later = PersistedValidationData { relay_parent_number: data.relay_parent_number + 1, ..data };
    assert!(asked(proven::block().block_data.clone(), &later).is_none(), "the author has nothing to submit");
}
