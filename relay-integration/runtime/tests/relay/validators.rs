//! The validators of the relay chain: they judge a candidate as a node with zkpov's validation does, and sign what they found.
//!
//! ```text
//!   candidate ─► against relay state (descriptor, hashes) ─► zkpov_relay::validate ─► same commitments? ─► signature
//! ```

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use bitvec::{bitvec, order::Lsb0, vec::BitVec};
use codec::Encode;
use polkadot_parachain_primitives::primitives::{BlockData, ValidationCode, ValidationParams};
use polkadot_primitives::{
    AvailabilityBitfield, BackedCandidate, CandidateCommitments, CandidateDescriptorV2,
    CommittedCandidateReceiptV2, CompactStatement, CoreIndex, CoreState, GroupIndex, Hash, Id,
    OccupiedCoreAssumption, PersistedValidationData, PvfCheckStatement, SessionIndex, SigningContext,
    UncheckedSigned, UncheckedSignedAvailabilityBitfields, ValidationCodeHash, ValidatorId, ValidatorIndex,
    ValidatorSignature, ValidityAttestation,
};
use polkadot_runtime_parachains::runtime_api_impl::v13 as api;
use sp_core::Pair;
use sp_runtime::traits::{BlakeTwo256, Hash as _};
use zkpov_relay::{Invalid, is_validity_key};
use zkpov_verifier::key::{KeyError, KeyPolicy, PreparedKey};

use crate::{
    chain::{RelayChain, validators},
    runtime::Runtime,
};

/// Tests' keys come from development set-ups.
pub(crate) const POLICY: KeyPolicy = KeyPolicy { allow_dev_setup: true };

/// What a collator submits.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) receipt: CommittedCandidateReceiptV2,
    pub(crate) block_data: Vec<u8>,
}

/// Why no validator backs a candidate.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Its para has no core at the relay parent.
    NoCore,
    /// The relay chain knows no such para, or no such code.
    Unknown,
    /// A field of the descriptor is not what the relay chain has.
    #[expect(dead_code, reason = "for whoever reads a failed test")]
    Descriptor(&'static str),
    /// The block is not valid.
    Invalid(Box<Invalid>),
    /// The commitments are not those of the block.
    Commitments,
}

/// Hash of the PoV that holds these block data.
pub(crate) fn pov_hash(block_data: &[u8]) -> Hash {
    // A PoV has one field.
    BlakeTwo256::hash_of(&BlockData(block_data.to_vec()))
}

/// What the relay chain says, at a relay parent, of a para.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) core: CoreIndex,
    pub(crate) session: SessionIndex,
    pub(crate) data: PersistedValidationData,
    pub(crate) code_hash: ValidationCodeHash,
}

/// The core, the parent head and the code of `para` for a candidate at this relay parent, if it has a core: what waits to be
/// available counts as included.
pub(crate) fn assignment(relay: &RelayChain, parent: Hash, para: Id) -> Result<Assignment, Refusal> {
    let claims = relay.at(parent, api::claim_queue::<Runtime>);
    let core = claims.into_iter().find(|(_, queue)| queue.front() == Some(&para)).ok_or(Refusal::NoCore)?.0;
    on_core(relay, parent, para, core)
}

/// The same on this core, whether it is the para's or not.
pub(crate) fn on_core(
    relay: &RelayChain,
    parent: Hash,
    para: Id,
    core: CoreIndex,
) -> Result<Assignment, Refusal> {
    relay.at(parent, || {
        let data = api::persisted_validation_data::<Runtime>(para, OccupiedCoreAssumption::Included)
            .ok_or(Refusal::Unknown)?;
        let code_hash = api::validation_code_hash::<Runtime>(para, OccupiedCoreAssumption::Included)
            .ok_or(Refusal::Unknown)?;
        Ok(Assignment { core, session: api::session_index_for_child::<Runtime>(), data, code_hash })
    })
}

/// Makes a candidate of a block at a relay parent. The collator says what the block does; validators find out.
pub(crate) fn candidate(
    para: Id,
    relay_parent: Hash,
    assignment: &Assignment,
    commitments: CandidateCommitments,
    block_data: Vec<u8>,
) -> Candidate {
    let descriptor = CandidateDescriptorV2::new(
        para,
        relay_parent,
        assignment.core,
        assignment.session,
        assignment.data.hash(),
        pov_hash(&block_data),
        Hash::zero(),
        commitments.head_data.hash(),
        assignment.code_hash,
    );
    Candidate { receipt: CommittedCandidateReceiptV2 { descriptor, commitments }, block_data }
}

/// A validity key, prepared: once for all candidates under it, as validators do.
fn prepared(code: &[u8]) -> Result<Arc<PreparedKey>, KeyError> {
    static KEPT: LazyLock<Mutex<HashMap<ValidationCodeHash, Arc<PreparedKey>>>> =
        LazyLock::new(Mutex::default);
    let code = ValidationCode(code.to_vec());
    assert!(is_validity_key(&code), "a para with zkpov's validation");
    let (hash, mut kept) = (code.hash(), KEPT.lock().expect("no test panics here"));
    if let Some(key) = kept.get(&hash) {
        return Ok(key.clone());
    }
    let key = Arc::new(zkpov_relay::prepare(&code, POLICY)?);
    kept.insert(hash, key.clone());
    Ok(key)
}

/// What a block does, in the relay chain's words. Collator and backers ask the same of the same bytes: it is found out once.
pub(crate) fn commitments(
    assignment: &Assignment,
    code: &[u8],
    block_data: &[u8],
) -> Result<CandidateCommitments, Refusal> {
    thread_local! {
        static LAST: RefCell<Option<(Hash, CandidateCommitments)>> = const { RefCell::new(None) };
    }
    let question = BlakeTwo256::hash_of(&(&assignment.data, code, block_data));
    let known = LAST.with_borrow(|last| {
        let last = last.as_ref().filter(|(asked, _)| *asked == question);
        last.map(|(_, commitments)| commitments.clone())
    });
    if let Some(commitments) = known {
        return Ok(commitments);
    }
    let found = judged(assignment, code, block_data)?;
    LAST.set(Some((question, found.clone())));
    Ok(found)
}

fn judged(assignment: &Assignment, code: &[u8], block_data: &[u8]) -> Result<CandidateCommitments, Refusal> {
    let params = ValidationParams {
        parent_head: assignment.data.parent_head.clone(),
        block_data: BlockData(block_data.to_vec()),
        relay_parent_number: assignment.data.relay_parent_number,
        relay_parent_storage_root: assignment.data.relay_parent_storage_root,
    };
    let refused = |invalid| Refusal::Invalid(Box::new(invalid));
    let key = prepared(code).map_err(|error| refused(error.into()))?;
    let result = zkpov_relay::validate_prepared(&params, &key).map_err(refused)?;
    Ok(CandidateCommitments {
        upward_messages: result.upward_messages,
        horizontal_messages: result.horizontal_messages,
        new_validation_code: result.new_validation_code,
        head_data: result.head_data,
        processed_downward_messages: result.processed_downward_messages,
        hrmp_watermark: result.hrmp_watermark,
    })
}

/// What a backer checks before it signs. Whether the relay chain takes what the block sends is for the runtime to see, when the block
/// enters it: what waits to be available in front of it may make room.
fn judge(relay: &RelayChain, candidate: &Candidate) -> Result<Assignment, Refusal> {
    let descriptor = &candidate.receipt.descriptor;
    let (parent, para) = (descriptor.relay_parent(), descriptor.para_id());
    let assignment = assignment(relay, parent, para)?;
    let hash = descriptor.persisted_validation_data_hash();
    for (what, same) in [
        ("persisted validation data", hash == assignment.data.hash()),
        ("PoV hash", descriptor.pov_hash() == pov_hash(&candidate.block_data)),
        ("code hash", descriptor.validation_code_hash() == assignment.code_hash),
        ("core", descriptor.core_index() == Some(assignment.core)),
        ("session", descriptor.session_index() == Some(assignment.session)),
        ("para head", descriptor.para_head() == candidate.receipt.commitments.head_data.hash()),
    ] {
        if !same {
            return Err(Refusal::Descriptor(what));
        }
    }
    let code = relay.at(parent, || api::validation_code_by_hash::<Runtime>(assignment.code_hash));
    let found = commitments(&assignment, &code.ok_or(Refusal::Unknown)?.0, &candidate.block_data)?;
    if found != candidate.receipt.commitments {
        return Err(Refusal::Commitments);
    }
    Ok(assignment)
}

/// Has the group of the candidate's core judge it, and sign.
pub(crate) fn back(relay: &RelayChain, candidate: &Candidate) -> Result<BackedCandidate, Refusal> {
    let assignment = judge(relay, candidate)?;
    Ok(attest(relay, candidate, &assignment))
}

/// The signatures of the group of the assignment's core, whatever the candidate is.
pub(crate) fn attest(relay: &RelayChain, candidate: &Candidate, assignment: &Assignment) -> BackedCandidate {
    let parent = candidate.receipt.descriptor.relay_parent();
    let (publics, (groups, rotation)) =
        relay.at(parent, || (api::validators::<Runtime>(), api::validator_groups::<Runtime>()));
    let GroupIndex(group) = rotation.group_for_core(assignment.core, groups.len());
    let group = &groups[group as usize];
    let context = SigningContext { parent_hash: parent, session_index: assignment.session };
    let payload = CompactStatement::Valid(candidate.receipt.hash()).signing_payload(&context);
    let votes =
        group.iter().map(|index| ValidityAttestation::Explicit(sign(&publics[index.0 as usize], &payload)));
    let indices = bitvec![u8, Lsb0; 1; group.len()];
    BackedCandidate::new(candidate.receipt.clone(), votes.collect(), indices, assignment.core)
}

/// The bitfields of the validators in a block on `parent`: each has the chunks of what was backed.
pub(crate) fn bitfields(relay: &RelayChain, parent: Hash) -> UncheckedSignedAvailabilityBitfields {
    let (publics, session, cores) = relay.at(parent, || {
        let cores = api::availability_cores::<Runtime>();
        (api::validators::<Runtime>(), api::session_index_for_child::<Runtime>(), cores)
    });
    let occupied = cores.iter().map(|core| matches!(core, CoreState::Occupied(_)));
    let bits: BitVec<u8, Lsb0> = occupied.collect();
    let bitfield = AvailabilityBitfield::from(bits);
    let context = SigningContext { parent_hash: parent, session_index: session };
    let signed = publics.iter().enumerate().map(|(index, public)| {
        let signature = sign(public, &(&bitfield, &context).encode());
        UncheckedSigned::new(bitfield.clone(), ValidatorIndex(index as u32), signature)
    });
    signed.collect()
}

/// The votes of all validators on every validation code that waits for them: for a code that is an acceptable validity key, and
/// against any other.
pub(crate) fn precheck_votes(
    relay: &RelayChain,
    parent: Hash,
) -> Vec<(PvfCheckStatement, ValidatorSignature)> {
    let (publics, session, waiting) = relay.at(parent, || {
        let waiting: Vec<_> = api::pvfs_require_precheck::<Runtime>()
            .into_iter()
            .map(|hash| (hash, api::validation_code_by_hash::<Runtime>(hash).expect("stored for the vote")))
            .collect();
        (api::validators::<Runtime>(), api::session_index_for_child::<Runtime>(), waiting)
    });
    let votes = waiting.iter().flat_map(|(hash, code)| {
        let accept = zkpov_relay::prepare(code, POLICY).is_ok();
        publics.iter().enumerate().map(move |(index, public)| {
            let statement = PvfCheckStatement {
                accept,
                subject: *hash,
                session_index: session,
                validator_index: ValidatorIndex(index as u32),
            };
            let signature = sign(public, &statement.signing_payload());
            (statement, signature)
        })
    });
    votes.collect()
}

fn sign(public: &ValidatorId, payload: &[u8]) -> ValidatorSignature {
    let bytes: &[u8] = public.as_ref();
    let mut pairs = validators().iter();
    let pair = pairs.find(|pair| {
        let own = pair.public();
        let own: &[u8] = own.as_ref();
        bytes == own
    });
    let pair = pair.expect("a validator");
    pair.sign(payload).into()
}
