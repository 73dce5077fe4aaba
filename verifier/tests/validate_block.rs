//! What `validate_block` accepts, and everything it must refuse, by name.

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::CurveGroup;
use ark_ff::{BigInteger, Field, MontFp, PrimeField};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use proptest::prelude::*;
use std::sync::LazyLock;
use zkpov_verifier::babyjubjub::{Point as CurvePoint, Scalar};
use zkpov_verifier::block::{MAX_POV, Proven, ProvenBlock};
use zkpov_verifier::body::{BodyError, BodyLayout, full_elements};
use zkpov_verifier::eddsa::{
    self, PublicKey, PublicKeyError, Signature, SignatureDecodeError, SignatureError,
};
use zkpov_verifier::field;
use zkpov_verifier::groth16::{
    Point, PointCause, PointError, PreparedError, Proof, ProofError, ProofRejected,
};
use zkpov_verifier::head::{Head, MqcHeads};
use zkpov_verifier::key::{BodyFormat, KeyError, PreparedKey};
use zkpov_verifier::lane::TierId;
use zkpov_verifier::relay::RelayContext;
use zkpov_verifier::scale::{DecodeCause, DecodeError};
use zkpov_verifier::statement::author_message;
use zkpov_verifier::testing::{Author, TestChain, element, g2};
use zkpov_verifier::validate::{
    Candidate, Invalid, Transition, message_to_sign, validate_batch, validate_block,
};

/// A chain with its prepared key and first block.
struct Setting {
    chain: TestChain,
    key: PreparedKey,
    parent: Head,
    relay: RelayContext,
    block: ProvenBlock,
}

impl Setting {
    fn new() -> Self {
        let chain = TestChain::new(2000);
        let (parent, relay, block) = chain.first_block();
        Self { key: chain.prepared(), chain, parent, relay, block }
    }

    fn validate(&self, block: &ProvenBlock) -> Result<Transition, Invalid> {
        self.validate_bytes(&block.encode())
    }

    fn validate_bytes(&self, bytes: &[u8]) -> Result<Transition, Invalid> {
        validate_block(&self.parent.encode(), &self.relay, &self.key, bytes)
    }

    /// The block changed *and* proven and signed again, as a dishonest prover with the trapdoor would.
    fn reproven(&self, change: impl FnOnce(&mut Proven)) -> ProvenBlock {
        let mut proven = self.block.proven.clone();
        change(&mut proven);
        self.chain.prove(proven, &self.parent, &self.relay)
    }

    /// The block changed, signed again and not proven again.
    fn resigned(&self, change: impl FnOnce(&mut Proven)) -> ProvenBlock {
        let proof = self.block.proven.proof.clone();
        let mut block = self.reproven(change);
        block.proven.proof = proof;
        block
    }
}

fn not_canonical(what: &'static str, offset: usize) -> Invalid {
    Invalid::Block(DecodeError { what, offset, cause: DecodeCause::FieldNotCanonical })
}

// The encoding of the first block: magic 8, version 1, tier 1, used slots 1 + 2·4, state root.
const TIER_AT: usize = 9;
const STATE_ROOT_AT: usize = TIER_AT + 1 + 1 + 2 * 4;
const AUTHOR_AT: usize = STATE_ROOT_AT + 32;
const AUTHOR_KEY_AT: usize = AUTHOR_AT + 4;

#[test]
fn a_proven_block_is_accepted_and_gives_the_whole_transition() {
    let setting = Setting::new();
    let proven = &setting.block.proven;
    let transition = setting.validate(&setting.block).expect("valid");
    let head = Head::decode(&transition.head_data).expect("a head");
    assert_eq!(head.parent_hash, setting.parent.hash());
    assert_eq!(head.number, 1);
    assert_eq!(head.state_root, proven.state_root);
    let tier = setting.chain.key.tier(proven.tier).expect("the tier");
    let layout = BodyLayout::new(setting.chain.key.body_format, tier.tier, &tier.lanes, &proven.used_slots)
        .expect("shape");
    let root = layout.root(&layout.decode(&proven.body).expect("body")).expect("root");
    assert_eq!(head.extrinsics_root, root);
    assert_eq!(head.digest.author, proven.author);
    assert_eq!(head.digest.tier, proven.tier);
    assert_eq!(head.digest.relay_parent_number, 100);
    assert_eq!(head.digest.mqc, MqcHeads::default());
    let expected = Transition {
        head_data: head.encode(),
        new_validation_code: None,
        upward_messages: vec![],
        horizontal_messages: vec![],
        processed_downward_messages: 0,
        hrmp_watermark: 100,
    };
    assert_eq!(transition, expected);
}

#[test]
fn blocks_follow_one_another_in_either_tier() {
    let mut setting = Setting::new();
    for number in 1..=4u32 {
        let lanes = [TestChain::SMALL, TestChain::LARGE][number as usize % 2];
        let block = setting.reproven(|proven| {
            proven.tier = lanes;
            proven.state_root = Fr::from(number);
        });
        let transition = setting.validate(&block).expect("valid");
        setting.parent = Head::decode(&transition.head_data).expect("a head");
        assert_eq!(setting.parent.number, number);
        setting.relay.relay_parent_number += number - 1; // may stand still, never goes back
    }
}

/// Every byte, each of its bits and a few other values: each mutant is refused, for the reason of its place.
#[test]
fn every_single_byte_change_is_refused() {
    let setting = Setting::new();
    let bytes = setting.block.encode();
    for at in 0..bytes.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= mask;
            let error = setting.validate_bytes(&changed).expect_err("refused");
            let signed_or_proven = matches!(error, Invalid::AuthorSignature(_) | Invalid::ProofRejected(_));
            match at {
                0..8 => assert_eq!(
                    error,
                    Invalid::Block(DecodeError { what: "magic bytes", offset: 0, cause: DecodeCause::Magic })
                ),
                8 => assert!(matches!(error, Invalid::Block(DecodeError { what: "format version", .. }))),
                TIER_AT => assert_eq!(error, Invalid::UnknownTier(TierId(10 ^ mask))),
                11..19 => assert!(matches!(error, Invalid::Body(_)), "{at}: {error:?}"),
                STATE_ROOT_AT..AUTHOR_AT => assert!(
                    signed_or_proven || error == not_canonical("state root", STATE_ROOT_AT),
                    "{error:?}"
                ),
                AUTHOR_AT..AUTHOR_KEY_AT => assert!(signed_or_proven, "{error:?}"),
                _ => {}
            }
        }
    }
}

#[test]
fn every_truncation_and_every_appended_byte_is_refused() {
    let setting = Setting::new();
    let bytes = setting.block.encode();
    for length in 0..bytes.len() {
        let error = setting.validate_bytes(&bytes[..length]).expect_err("refused");
        assert!(
            matches!(error, Invalid::Block(DecodeError { cause: DecodeCause::Truncated { .. }, .. })),
            "{length}: {error:?}"
        );
    }
    for extra in [&[0u8][..], &[0xff], &[0; 64], &bytes] {
        let longer = [&bytes, extra].concat();
        let cause = DecodeCause::Trailing { left: extra.len() };
        let expected = DecodeError { what: "proven block", offset: bytes.len(), cause };
        assert_eq!(setting.validate_bytes(&longer), Err(Invalid::Block(expected)));
    }
}

#[test]
fn a_proof_for_another_context_is_refused() {
    type Change = fn(&mut Setting);
    let changes: [(&str, Change); 8] = [
        ("para", |s| s.chain.key.chain.para_id += 1),
        ("runtime version", |s| s.chain.key.chain.runtime_version += 1),
        ("transaction version", |s| s.chain.key.chain.transaction_version += 1),
        ("relay parent", |s| s.relay.relay_parent_number += 1),
        ("parent's state", |s| s.parent.state_root += Fr::ONE),
        ("parent's number", |s| s.parent.number = 7),
        ("parent's hash", |s| s.parent.digest.author = 9),
        ("parent's messages", |s| s.parent.digest.mqc.downward = [1; 32]),
    ];
    for (name, change) in changes {
        let mut setting = Setting::new();
        // A parent that is not genesis, so that only the proof can tell; and the block on it valid.
        setting.parent.number = 5;
        setting.block = setting.chain.prove(setting.chain.proven(), &setting.parent, &setting.relay);
        assert!(setting.validate(&setting.block).is_ok());
        change(&mut setting);
        setting.key = setting.chain.prepared();
        // As it is, the author's signature does not fit; signed again, the proof does not.
        let (left, right) = (setting.validate(&setting.block), SignatureError::Mismatch);
        assert_eq!(left, Err(Invalid::AuthorSignature(right)), "{name}");
        let resigned = setting.resigned(|_| {});
        assert_eq!(setting.validate(&resigned), Err(Invalid::ProofRejected(ProofRejected)), "{name}");
        // And proven again it is valid: the refusal was the proof's.
        assert!(setting.validate(&setting.reproven(|_| {})).is_ok(), "{name}");
    }
}

#[test]
fn a_proof_for_other_content_is_refused() {
    type Change = fn(&mut Proven);
    let changes: [(&str, Change); 7] = [
        ("tier", |p| p.tier = TestChain::LARGE),
        ("used slots, same length", |p| {
            p.used_slots = vec![0, 1];
            p.body.drain(..60);
        }),
        ("state root", |p| p.state_root += Fr::ONE),
        ("author", |p| p.author += 1),
        ("body", |p| p.body[0] ^= 1),
        ("last slot of the body", |p| {
            let last = p.body.len() - 32;
            p.body[last] ^= 1
        }),
        ("fewer slots", |p| {
            p.used_slots = vec![1, 1];
            p.body.drain(30..60);
        }),
    ];
    let setting = Setting::new();
    for (name, change) in changes {
        let resigned = setting.resigned(change);
        assert_eq!(setting.validate(&resigned), Err(Invalid::ProofRejected(ProofRejected)), "{name}");
        assert!(setting.validate(&setting.reproven(change)).is_ok(), "{name}");
    }
}

#[test]
fn a_proof_under_another_tier_or_key_is_refused() {
    let mut setting = Setting::new();
    let statement = setting.chain.statement(&setting.block.proven, &setting.parent, &setting.relay);
    let mut other = setting.block.clone();
    other.proven.proof = setting.chain.simulate(TestChain::LARGE, statement.digest()).encode().to_vec();
    assert_eq!(setting.validate(&other), Err(Invalid::ProofRejected(ProofRejected)));

    setting.chain.key.tiers[0].verifying_key = setting.chain.key.tiers[1].verifying_key;
    setting.key = setting.chain.prepared();
    assert_eq!(setting.validate(&setting.block), Err(Invalid::ProofRejected(ProofRejected)));
    assert!(setting.validate(&other).is_ok());
}

#[test]
fn a_genesis_head_of_another_chain_is_refused() {
    let mut setting = Setting::new();
    setting.parent.state_root += Fr::ONE;
    let expected = Invalid::Genesis { expected: setting.chain.genesis.hash(), found: setting.parent.hash() };
    assert_eq!(setting.validate(&setting.reproven(|_| {})), Err(expected));
    // The key's genesis is in the statement too, so a later parent does not hide it.
    setting.parent.number = 1;
    let block = setting.reproven(|_| {});
    assert!(setting.validate(&block).is_ok());
    setting.chain.key.chain.genesis_hash[31] ^= 1;
    setting.key = setting.chain.prepared();
    assert!(matches!(setting.validate(&block), Err(Invalid::AuthorSignature(_))));
    assert_eq!(
        setting.validate(&ProvenBlock { signature: setting.reproven(|_| {}).signature, ..block }),
        Err(Invalid::ProofRejected(ProofRejected))
    );
}

#[test]
fn relay_time_and_block_numbers_do_not_go_back() {
    let mut setting = Setting::new();
    setting.parent.number = 8;
    setting.parent.digest.relay_parent_number = 101;
    let block = setting.reproven(|_| {});
    assert_eq!(setting.validate(&block), Err(Invalid::RelayParentBefore { parent: 101, found: 100 }));
    setting.relay.relay_parent_number = 101;
    assert!(setting.validate(&setting.reproven(|_| {})).is_ok());
    setting.parent.number = u32::MAX;
    assert_eq!(setting.validate(&setting.block), Err(Invalid::LastNumber));
}

#[test]
fn the_storage_root_matters_only_through_values_read() {
    let mut setting = Setting::new();
    setting.relay.relay_parent_storage_root = [8; 32];
    assert!(setting.validate(&setting.block).is_ok());
}

#[test]
fn parent_heads_that_are_none_are_refused() {
    let setting = Setting::new();
    let (head, block) = (setting.parent.encode(), setting.block.encode());
    let longer = [&head[..], &[0]].concat();
    for bad in [&head[1..], &head[..head.len() - 1], &longer, &[], b"genesis"] {
        let result = validate_block(bad, &setting.relay, &setting.key, &block);
        assert!(matches!(result, Err(Invalid::ParentHead(_))), "{result:?}");
    }
}

#[test]
fn only_the_author_submits_and_reschedules() {
    let setting = Setting::new();
    let parent = setting.parent.as_parent();
    let proven = &setting.block.proven;
    let digest = setting.chain.statement(proven, &setting.parent, &setting.relay).digest();
    let message = author_message(&parent.hash, digest, &setting.block.scheduled.hash());
    let mismatch = Err(Invalid::AuthorSignature(SignatureError::Mismatch));

    // Somebody else's signature.
    let signature = Author::new("mallory").sign(message);
    assert_eq!(setting.validate(&ProvenBlock { signature, ..setting.block.clone() }), mismatch);
    // Somebody else's key with it: then the statement is another.
    let mallory = Author::new("mallory");
    let mut stolen = setting.block.clone();
    stolen.proven.author_key = mallory.key();
    let digest = setting.chain.statement(&stolen.proven, &setting.parent, &setting.relay).digest();
    stolen.signature = mallory.sign(author_message(&parent.hash, digest, &stolen.scheduled.hash()));
    assert_eq!(setting.validate(&stolen), Err(Invalid::ProofRejected(ProofRejected)));
    // The author's signature over another scheduled part, or another parent.
    for (parent_hash, scheduled) in [([1; 32], setting.block.scheduled.hash()), (parent.hash, [1; 32])] {
        let digest = setting.chain.statement(proven, &setting.parent, &setting.relay).digest();
        let signature = setting.chain.author.sign(author_message(&parent_hash, digest, &scheduled));
        assert_eq!(setting.validate(&ProvenBlock { signature, ..setting.block.clone() }), mismatch);
    }
}

/// Under a key of order 8 the signature (BASE8, 1) is everybody's, for every message.
#[test]
fn an_author_key_of_small_order_is_refused() {
    let setting = Setting::new();
    let generator = CurvePoint {
        x: MontFp!("995203441582195749578291179787384436505546430278305826713579947235728471134"),
        y: MontFp!("5472060717959818805561601436314318772137091100104008585924551046643952123905"),
    };
    let torsion = generator.multiply(&-Scalar::ONE).add(&generator);
    let key = PublicKey::new_on_curve(torsion).expect("on the curve");
    let mut block = setting.reproven(|proven| proven.author_key = key);
    block.signature = Signature { r8: CurvePoint::BASE8, s: Scalar::ONE };
    let statement = setting.chain.statement(&block.proven, &setting.parent, &setting.relay).digest();
    let message = author_message(&setting.parent.hash(), statement, &block.scheduled.hash());
    assert_eq!(eddsa::verify(&key, message, &block.signature), Ok(()));
    let expected = Invalid::AuthorKey(PublicKeyError::OutsidePrimeSubgroup);
    assert_eq!(setting.validate(&block), Err(expected));
}

#[test]
fn a_prepared_key_that_is_read_is_the_one_that_was_computed() {
    let setting = Setting::new();
    let (key, prepared) = (setting.chain.key.encode(), setting.key.encode_prepared());
    let read = PreparedKey::decode_prepared(&key, &prepared).expect("computed of this key");
    assert_eq!(read.key(), setting.key.key());
    assert_eq!(read.code_hash(), setting.key.code_hash());
    assert_eq!(read.encode_prepared(), prepared);
    let judge = |block: &ProvenBlock| {
        validate_block(&setting.parent.encode(), &setting.relay, &read, &block.encode())
    };
    assert_eq!(judge(&setting.block), setting.validate(&setting.block));
    let false_proof = setting.resigned(|proven| proven.state_root += Fr::ONE);
    assert_eq!(judge(&false_proof), setting.validate(&false_proof));
    assert!(judge(&false_proof).is_err());
}

#[test]
fn bytes_that_cannot_be_what_was_computed_of_a_key_are_refused() {
    const COORDINATE: usize = 32;
    const POINTS: usize = 14 * COORDINATE;
    let setting = Setting::new();
    let (key, prepared) = (setting.chain.key.encode(), setting.key.encode_prepared());
    let read = |prepared: &[u8]| PreparedKey::decode_prepared(&key, prepared).map(drop);
    for at in (0..prepared.len()).step_by(COORDINATE) {
        let mut changed = prepared.clone();
        changed[at..at + COORDINATE].fill(0xff);
        assert_eq!(read(&changed), Err(KeyError::Prepared(PreparedError::NotCanonical)), "at {at}");
    }
    for length in [0, 1, POINTS, prepared.len() - 1] {
        assert!(matches!(read(&prepared[..length]), Err(KeyError::Prepared(PreparedError::Length(_)))));
    }
    let longer = [prepared.as_slice(), &[0]].concat();
    assert!(matches!(read(&longer), Err(KeyError::Prepared(PreparedError::Length(_)))));
    // The points of the last tier are in front of its pairing and lines, which are as long as those of γ and twelve coordinates.
    let tiers = setting.chain.key.tiers.len();
    let lines = (prepared.len() - tiers * (POINTS + 12 * COORDINATE)) / (1 + tiers);
    let points = prepared.len() - lines - 12 * COORDINATE - POINTS;
    for at in (points..points + POINTS).step_by(COORDINATE) {
        let mut changed = prepared.clone();
        changed[at] ^= 1;
        assert_eq!(read(&changed), Err(KeyError::Prepared(PreparedError::OtherKey)), "at {at}");
    }
    let (gamma, of_tiers) = prepared.split_at(lines);
    let (first, second) = of_tiers.split_at(of_tiers.len() / tiers);
    assert_eq!(read(&[gamma, second, first].concat()), Err(KeyError::Prepared(PreparedError::OtherKey)));
}

/// The block with these signals, signed again and not proven again.
fn rescheduled(setting: &Setting, signals: &[&[u8]]) -> ProvenBlock {
    let mut block = setting.block.clone();
    block.scheduled.ump_signals = signals.iter().map(|signal| signal.to_vec()).collect();
    let parent = setting.parent.encode();
    let message = message_to_sign(&parent, &setting.relay, &setting.key, &block.proven, &block.scheduled)
        .expect("a statement");
    block.signature = setting.chain.author.sign(message);
    block
}

#[test]
fn a_block_is_submitted_with_other_signals_by_a_signature_and_without_a_proof() {
    const SELECT_CORE: &[u8] = &[0, 1, 0];
    const APPROVED_PEER: &[u8] = &[1, 8, 3, 4];
    let setting = Setting::new();
    let plain = setting.validate(&setting.block).expect("valid");
    let block = rescheduled(&setting, &[SELECT_CORE, APPROVED_PEER]);
    assert_eq!(block.proven, setting.block.proven);
    let transition = setting.validate(&block).expect("valid");
    assert_eq!(transition.upward_messages, [&[][..], SELECT_CORE, APPROVED_PEER]);
    assert_eq!(transition.head_data, plain.head_data, "signals are not in the head");
    assert_eq!(rescheduled(&setting, &[]), setting.block);
}

#[test]
fn signals_that_the_author_did_not_sign_or_that_are_none_are_refused() {
    let setting = Setting::new();
    let mut stuck_on = setting.block.clone();
    stuck_on.scheduled.ump_signals = vec![vec![0, 1, 0]];
    assert!(matches!(setting.validate(&stuck_on), Err(Invalid::AuthorSignature(_))));
    let mut other_core = rescheduled(&setting, &[&[0, 1, 0]]);
    other_core.scheduled.ump_signals[0][1] = 2;
    assert!(matches!(setting.validate(&other_core), Err(Invalid::AuthorSignature(_))));
    for signals in [&[&[][..]][..], &[&[9]], &[&[0, 1, 0, 0]], &[&[0, 1, 0], &[0, 2, 0]]] {
        let refused = setting.validate(&rescheduled(&setting, signals));
        assert!(matches!(refused, Err(Invalid::Signals(_))), "{signals:?}: {refused:?}");
    }
}

#[test]
fn a_private_body_is_as_long_as_a_full_one_whatever_it_holds_and_counts_every_slot() {
    let mut setting = Setting::new();
    let key = &mut setting.chain.key;
    key.body_format = BodyFormat::Private;
    key.tiers.iter_mut().for_each(|tier| tier.body_limit = 1 << 20);
    setting.key = setting.chain.prepared();

    let mut proven = setting.block.proven.clone();
    let tier = setting.chain.key.tier(proven.tier).expect("the tier");
    proven.used_slots = tier.lanes.iter().map(|lane| lane.capacity).collect();
    let elements = 2 + full_elements(BodyFormat::Public, &tier.lanes).expect("few");
    // Nonce and ciphertext: any elements will do.
    proven.body = (1..=elements as u64).flat_map(|i| field::encode(&-Fr::from(i))).collect();
    let block = setting.chain.prove(proven, &setting.parent, &setting.relay);
    let transition = setting.validate(&block).expect("valid");
    let elements: Vec<Fr> = (1..=elements as u64).map(|i| -Fr::from(i)).collect();
    let layout =
        BodyLayout::new(BodyFormat::Private, tier.tier, &tier.lanes, &block.proven.used_slots).expect("full");
    let head = Head::decode(&transition.head_data).expect("a head");
    assert_eq!(Ok(head.extrinsics_root), layout.root(&elements));

    let mut fewer = block.clone();
    fewer.proven.used_slots[0] -= 1;
    let (used, capacity) = (fewer.proven.used_slots[0], tier.lanes[0].capacity);
    let expected = BodyError::Uncovered { lane: 0, used, capacity };
    assert_eq!(setting.validate(&fewer), Err(expected.into()));

    let mut shorter = block.clone();
    let full = shorter.proven.body.len();
    shorter.proven.body.truncate(full - 32);
    let expected = BodyError::Length { found: full - 32, expected: full };
    assert_eq!(setting.validate(&shorter), Err(expected.into()));

    let mut other = block;
    other.proven.body[32] ^= 1;
    assert!(matches!(setting.validate(&other), Err(Invalid::AuthorSignature(_))));
}

#[test]
fn shapes_the_tier_does_not_have_are_refused() {
    let setting = Setting::new();
    type Change = fn(&mut Proven);
    let cases: [(Change, Invalid); 6] = [
        (|p| p.tier = TierId(11), Invalid::UnknownTier(TierId(11))),
        (|p| p.tier = TierId(0), Invalid::UnknownTier(TierId(0))),
        (|p| p.used_slots = vec![2], BodyError::LaneCount { found: 1, expected: 2 }.into()),
        (|p| p.used_slots = vec![2, 1, 0], BodyError::LaneCount { found: 3, expected: 2 }.into()),
        (|p| p.used_slots = vec![5, 1], BodyError::Capacity { lane: 0, used: 5, capacity: 4 }.into()),
        (
            |p| p.used_slots = vec![u32::MAX, u32::MAX],
            BodyError::Capacity { lane: 0, used: u32::MAX, capacity: 4 }.into(),
        ),
    ];
    for (change, expected) in cases {
        let mut block = setting.block.clone();
        change(&mut block.proven);
        assert_eq!(setting.validate(&block), Err(expected));
    }
    let full = setting.block.proven.body.len();
    for length in [0, full - 1, full + 1, 4096] {
        let mut block = setting.block.clone();
        block.proven.body.resize(length, 0);
        let expected = BodyError::Length { found: length, expected: full };
        assert_eq!(setting.validate(&block), Err(Invalid::Body(expected)));
    }
    let mut block = setting.block.clone();
    block.proven.body.resize(4097, 0);
    assert_eq!(setting.validate(&block), Err(Invalid::BodyLimit { found: 4097, limit: 4096 }));
}

/// An element's bytes plus the field's modulus, as an integer of 32 bytes.
fn plus_modulus(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0u8; 32];
    let modulus = Fr::MODULUS.to_bytes_le();
    let mut carry = 0;
    for ((out, a), b) in sum.iter_mut().zip(bytes).zip(modulus) {
        carry += u16::from(*a) + u16::from(b);
        *out = carry as u8;
        carry >>= 8;
    }
    assert_eq!(carry, 0);
    sum
}

#[test]
fn field_elements_at_or_above_the_modulus_are_refused_wherever_they_stand() {
    let setting = Setting::new();
    let bytes = setting.block.encode();
    let body_at = AUTHOR_KEY_AT + 64 + 2; // after the body's compact length
    let signature_at = bytes.len() - 96;
    let at = |offset: usize| {
        let mut changed = bytes.clone();
        changed[offset..offset + 32].copy_from_slice(&plus_modulus(&bytes[offset..offset + 32]));
        setting.validate_bytes(&changed)
    };
    let decode = |what, offset, cause| Err(Invalid::Block(DecodeError { what, offset, cause }));
    let key = DecodeCause::PublicKey(PublicKeyError::NonCanonical);
    let r8 = DecodeCause::Signature(SignatureDecodeError::NonCanonical);
    let s = DecodeCause::Signature(SignatureDecodeError::ScalarOutOfRange);
    assert_eq!(at(STATE_ROOT_AT), Err(not_canonical("state root", STATE_ROOT_AT)));
    assert_eq!(at(AUTHOR_KEY_AT), decode("author key", AUTHOR_KEY_AT, key));
    assert_eq!(at(AUTHOR_KEY_AT + 32), decode("author key", AUTHOR_KEY_AT, key));
    assert_eq!(at(signature_at), decode("author signature", signature_at, r8));
    assert_eq!(at(signature_at + 32), decode("author signature", signature_at, r8));
    assert_eq!(at(signature_at + 64), decode("author signature", signature_at, s));
    // The opening's key, two elements of 32 bytes behind three of 30.
    for (index, offset) in [(3, 90), (4, 122)] {
        let expected = BodyError::ElementNotCanonical { index, offset };
        assert_eq!(at(body_at + offset), Err(Invalid::Body(expected)));
    }
}

/// A point of the twist with this x, whatever its order.
fn twist_point(x: u64) -> Option<G2Affine> {
    G2Affine::get_point_from_x_unchecked(Fq2::new(Fq::from(x), Fq::ONE), false)
}

#[test]
fn malformed_proofs_are_refused_by_point_and_cause() {
    let setting = Setting::new();
    let proof = setting.block.proven.proof.clone();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut block = setting.block.clone();
        change(&mut block.proven.proof);
        setting.validate(&block)
    };
    let point = |point, cause| Err(Invalid::Proof(ProofError::Point(PointError { point, cause })));
    for length in [0, 1, 127, 129, 256, 1024] {
        let expected = Err(Invalid::Proof(ProofError::Length(length)));
        assert_eq!(with(&|proof| proof.resize(length, 0)), expected);
    }
    let places = [(Point::A, 0, 31), (Point::B, 32, 95), (Point::C, 96, 127)];
    for (which, start, last) in places {
        let not_canonical = point(which, PointCause::NotCanonical);
        // Infinity, in arkworks' encoding; with a coordinate; with both flags.
        let infinity = |proof: &mut Vec<u8>| {
            proof[start..=last].fill(0);
            proof[last] = 0x40;
        };
        assert_eq!(with(&infinity), point(which, PointCause::Infinity));
        assert_eq!(with(&|proof| proof[last] |= 0x40), not_canonical);
        assert_eq!(
            with(&|proof| {
                infinity(proof);
                proof[last] |= 0x80
            }),
            not_canonical
        );
        // x + q: the same coordinate, a second encoding.
        assert_eq!(with(&|proof| proof[start..start + 32].fill(0xff)), not_canonical);
        // The other y: a point all the same, and another proof.
        assert_eq!(with(&|proof| proof[last] ^= 0x80), Err(Invalid::ProofRejected(ProofRejected)));
        // x without a point.
        let refused = (0..=255).map(|low| with(&|proof| proof[start] = low));
        assert!(refused.into_iter().any(|result| result == point(which, PointCause::NotOnCurve)));
    }
    let outside = (0..).find_map(twist_point).expect("half of all x have one");
    assert!(outside.is_on_curve() && !outside.is_in_correct_subgroup_assuming_on_curve());
    let mut encoded = [0; 64];
    outside.serialize_compressed(encoded.as_mut_slice()).expect("64 bytes");
    let result = with(&|proof| proof[32..96].copy_from_slice(&encoded));
    assert_eq!(result, point(Point::B, PointCause::NotInSubgroup));
    assert_eq!(with(&|_| {}).map(|_| ()), Ok(()));
    assert_eq!(proof.len(), 128);
}

/// Groth16 proofs can be re-randomised by anyone: a block's identity is its head, never its proof.
#[test]
fn a_rerandomised_proof_proves_the_same_block() {
    let setting = Setting::new();
    let proof = &setting.block.proven.proof;
    let point = |bytes: &[u8]| G1Affine::deserialize_compressed(bytes).expect("a point");
    let (a, c) = (point(&proof[..32]), point(&proof[96..]));
    let b = G2Affine::deserialize_compressed(&proof[32..96]).expect("a point");
    let delta = g2(setting.chain.trapdoors[0].delta); // public: it is in the key
    // (A, B, C) -> (A/r, r·B + r·s·δ, C + s·A).
    let (r, s) = (element("r"), element("s"));
    let again = Proof::new(
        (a * r.inverse().expect("nonzero")).into_affine(),
        (b * r + delta * (r * s)).into_affine(),
        (c + a * s).into_affine(),
    );
    let mut block = setting.block.clone();
    block.proven.proof = again.expect("points of the subgroups").encode().to_vec();
    assert_ne!(block, setting.block);
    assert!(setting.validate(&block).is_ok());
    assert_eq!(setting.validate(&block), setting.validate(&setting.block));
}

#[test]
fn ten_mebibytes_of_noise_are_refused_and_one_more_byte_by_its_size() {
    let setting = Setting::new();
    let mut state = 1u64;
    let mut noise: Vec<u8> = (0..=MAX_POV)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 56) as u8
        })
        .collect();
    let too_long = DecodeCause::TooLong { length: MAX_POV + 1, limit: MAX_POV };
    let expected = DecodeError { what: "proven block", offset: 0, cause: too_long };
    assert_eq!(setting.validate_bytes(&noise), Err(Invalid::Block(expected)));
    noise.pop();
    assert!(matches!(
        setting.validate_bytes(&noise),
        Err(Invalid::Block(DecodeError { cause: DecodeCause::Magic, .. }))
    ));
    // Noise behind a good beginning, at every field.
    let bytes = setting.block.encode();
    for kept in 9..bytes.len() {
        noise[..kept].copy_from_slice(&bytes[..kept]);
        noise[kept..kept + 64].fill(state as u8);
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
        assert!(setting.validate_bytes(&noise).is_err());
    }
    noise.fill(0xff);
    noise[..9].copy_from_slice(&bytes[..9]);
    assert!(setting.validate_bytes(&noise).is_err());
    noise[9..].fill(0);
    assert!(setting.validate_bytes(&noise).is_err());
}

/// Made once: a property's cases differ in the bytes alone.
static SETTING: LazyLock<Setting> = LazyLock::new(Setting::new);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn no_edit_of_a_block_is_accepted(
        at in any::<prop::sample::Index>(), cut in 0usize..40, insert in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let setting = &*SETTING;
        let bytes = setting.block.encode();
        let at = at.index(bytes.len());
        let end = (at + cut).min(bytes.len());
        let edited = [&bytes[..at], &insert, &bytes[end..]].concat();
        match setting.validate_bytes(&edited) {
            Ok(_) => prop_assert_eq!(edited, bytes),
            Err(_) => prop_assert_ne!(edited, bytes),
        }
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600), head: Vec<u8>) {
        let setting = &*SETTING;
        prop_assert!(setting.validate_bytes(&bytes).is_err());
        let behind_magic = [&b"ZKPOVPOV\x01"[..], &bytes].concat();
        prop_assert!(setting.validate_bytes(&behind_magic).is_err());
        let block = setting.block.encode();
        prop_assert!(validate_block(&head, &setting.relay, &setting.key, &block).is_err());
    }
}

#[test]
fn a_batch_gives_each_candidate_what_it_is_given_alone() {
    let chains = [TestChain::new(2000), TestChain::new(2001)];
    let keys = chains.each_ref().map(TestChain::prepared);
    let blocks = chains.each_ref().map(|chain| {
        let (parent, relay, block) = chain.first_block();
        (parent.encode(), relay, block)
    });
    let tampered = {
        let mut block = blocks[0].2.clone();
        block.proven.proof =
            chains[0].simulate(TestChain::SMALL, element("another statement")).encode().to_vec();
        block.encode()
    };
    let cases = [
        (0, blocks[0].2.encode()),
        (1, blocks[1].2.encode()),
        (0, b"no block".to_vec()),
        (0, tampered),
        (1, blocks[0].2.encode()),
    ];
    for left_out in 0..=cases.len() {
        let cases: Vec<_> =
            cases.iter().enumerate().filter(|(index, _)| *index != left_out).map(|(_, case)| case).collect();
        let candidates: Vec<_> = cases
            .iter()
            .map(|(chain, block_data)| Candidate {
                parent_head: &blocks[*chain].0,
                relay: blocks[*chain].1,
                key: &keys[*chain],
                block_data,
            })
            .collect();
        let alone: Vec<_> = candidates
            .iter()
            .map(|one| validate_block(one.parent_head, &one.relay, one.key, one.block_data))
            .collect();
        assert_eq!(validate_batch(&candidates, &[0; 32]), alone, "without case {left_out}");
        let valid = alone.iter().filter(|result| result.is_ok()).count();
        assert_eq!(valid, if left_out < 2 { 1 } else { 2 });
    }
}
