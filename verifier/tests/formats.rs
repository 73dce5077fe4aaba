//! The bytes of every format, written out by hand; and that each has one encoding.

use ark_bn254::Fr;
use ark_ff::{Field, PrimeField};
use codec::Encode;
use proptest::prelude::*;
use zkpov_verifier::block::{Proven, ProvenBlock, Scheduled};
use zkpov_verifier::body::{BodyError, BodyLayout, MAX_BODY_ELEMENTS};
use zkpov_verifier::field;
use zkpov_verifier::hashing::blake2b_256;
use zkpov_verifier::head::{Head, HeadDigest, MAX_CHANNELS, MAX_HEAD_BYTES, MqcHeads};
use zkpov_verifier::key::{
    BodyFormat, KeyError, KeyPolicy, MAX_KEY_BYTES, PreparedKey, Setup, TierKey, ValidityKey,
};
use zkpov_verifier::lane::{Lane, MAX_LANES, MAX_SLOT_ELEMENTS, TierId};
use zkpov_verifier::message::{ChannelMessages, Inbound, MessageFormat, Outbound, SentMessage};
use zkpov_verifier::poseidon;
use zkpov_verifier::scale::{DecodeCause, DecodeError};
use zkpov_verifier::statement::{STATEMENT_LEN, Statement, author_message, context};
use zkpov_verifier::testing::{Author, TestChain, element};

const FORMATS: &str = include_str!("../../docs/formats.md");

/// The bytes that the fenced block under `### title` of `docs/formats.md` spells, with its comments left out.
fn documented(title: &str) -> Vec<u8> {
    let heading = format!("### {title}\n");
    let (_, rest) = FORMATS.split_once(&heading).unwrap_or_else(|| panic!("no example {title:?}"));
    let (_, rest) = rest.split_once("```text\n").expect("a fenced block");
    let (block, _) = rest.split_once("```").expect("its end");
    let digits: String = block.lines().map(|line| line.split('|').next().unwrap_or("").trim()).collect();
    hex::decode(digits.replace(' ', "")).expect("hexadecimal")
}

/// Compares with the documentation; with `ZKPOV_PRINT` set, prints what should stand there.
fn assert_documented(title: &str, encoded: &[u8]) {
    if std::env::var_os("ZKPOV_PRINT").is_some() {
        println!("### {title}\n{}", hex::encode(encoded));
        return;
    }
    assert_eq!(hex::encode(documented(title)), hex::encode(encoded), "{title}");
}

fn sample_head() -> Head {
    Head {
        parent_hash: [0x11; 32],
        number: 64,
        state_root: Fr::from(2u64),
        extrinsics_root: Fr::from(3u64),
        digest: HeadDigest {
            author: 5,
            tier: TierId(18),
            relay_parent_number: 100,
            mqc: MqcHeads { downward: [0x22; 32], horizontal: vec![(2001, [0x33; 32])] },
        },
    }
}

fn bytes_of(parts: &[&str]) -> Vec<u8> {
    hex::decode(parts.concat().replace(' ', "")).expect("hexadecimal")
}

#[test]
fn a_head_is_a_substrate_header_byte_for_byte() {
    let expected = bytes_of(&[
        &"11".repeat(32),                  // parent hash
        "0101",                            // number 64: compact in two bytes
        &format!("02{}", "00".repeat(31)), // state root
        &format!("03{}", "00".repeat(31)), // extrinsics root
        "04 06 7a6b7076",                  // one digest item, PreRuntime, "zkpv"
        "3901",                            // 78 bytes: compact in two bytes
        "05000000 12 64000000",            // author, tier, relay parent number
        &"22".repeat(32),                  // downward queue
        "04 d1070000",                     // one channel, from para 2001
        &"33".repeat(32),                  // its queue
    ]);
    let head = sample_head();
    assert_eq!(hex::encode(head.encode()), hex::encode(&expected));
    assert_eq!(Head::decode(&expected), Ok(head.clone()));
    assert_eq!(head.hash(), blake2b_256(&expected));
    assert_documented("Example: head", &expected);
    let genesis = Head::genesis(Fr::ONE);
    let (parent, child) = (genesis.as_parent(), genesis.as_parent().child_number());
    assert_eq!((parent.hash, parent.number, child), (genesis.hash(), 0, Some(1)));
    assert_eq!(genesis.encode().len(), 32 + 1 + 32 + 32 + 1 + 1 + 4 + 1 + 42);
}

/// The genesis of the payments fixtures, computed by a program that shares nothing with this crate.
#[test]
fn a_genesis_head_is_what_circomlibjs_and_another_blake2b_give() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/payments/genesis.json");
    let genesis: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path).expect("the fixtures")).expect("JSON");
    let text = |name: &str| genesis[name].as_str().expect("a string").to_owned();
    let bytes = |name: &str| hex::decode(text(name).trim_start_matches("0x")).expect("hexadecimal");
    let head = Head::genesis(text("state_root").parse().expect("a field element"));
    assert_eq!(head.encode(), bytes("head"));
    assert_eq!(head.hash().to_vec(), bytes("hash"));
}

#[test]
fn the_longest_head_is_within_its_limit_and_one_channel_more_is_not() {
    let mut head = sample_head();
    head.number = u32::MAX;
    head.digest.mqc.horizontal = (0..MAX_CHANNELS as u32).map(|sender| (sender, [9; 32])).collect();
    assert_eq!(head.encode().len(), MAX_HEAD_BYTES);
    assert_eq!(Head::decode(&head.encode()), Ok(head.clone()));
    head.number = 0;
    head.digest.mqc.horizontal.push((9999, [9; 32]));
    assert!(Head::decode(&head.encode()).is_err());
}

#[test]
fn heads_that_are_not_exactly_one_head_are_refused() {
    let head = sample_head();
    let bytes = head.encode();
    for length in 0..bytes.len() {
        let error = Head::decode(&bytes[..length]).expect_err("truncated");
        assert!(matches!(error.cause, DecodeCause::Truncated { .. }), "{length}: {error}");
    }
    let cause = |bytes: &[u8]| Head::decode(bytes).expect_err("refused").cause;
    let with = |at: usize, new: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    assert_eq!(cause(&[&bytes[..], &[0]].concat()), DecodeCause::Trailing { left: 1 });
    assert_eq!(cause(&with(34, &[0xff; 32])), DecodeCause::FieldNotCanonical);
    assert_eq!(cause(&with(66, &[0xff; 32])), DecodeCause::FieldNotCanonical);
    assert_eq!(cause(&with(98, &[0x08])), DecodeCause::Fixed); // two digest items
    assert_eq!(cause(&with(99, &[0x04])), DecodeCause::Fixed); // Consensus
    assert_eq!(cause(&with(100, b"aura")), DecodeCause::Fixed);
    assert_eq!(cause(&with(104, &[0x35])), DecodeCause::Fixed); // one byte shorter than it is
    let longer = DecodeCause::Truncated { needed: 79, left: 78 };
    assert_eq!(cause(&with(104, &[0x3d])), longer);
    let followed = [&with(104, &[0x3d])[..], &[0]].concat();
    assert_eq!(cause(&followed), DecodeCause::Fixed);
    let two = |senders: [u32; 2]| {
        let mut head = head.clone();
        head.digest.mqc.horizontal = senders.map(|sender| (sender, [1; 32])).to_vec();
        head.encode()
    };
    assert_eq!(cause(&two([7, 7])), DecodeCause::Order);
    assert_eq!(cause(&two([8, 7])), DecodeCause::Order);
    assert!(Head::decode(&two([7, 8])).is_ok());
    // The number 1 as a compact of two, four and five bytes.
    for number in [&[0x05, 0x00][..], &[0x06, 0, 0, 0], &[0x03, 1, 0, 0, 0]] {
        let bytes = [&bytes[..32], number, &bytes[34..]].concat();
        assert_eq!(cause(&bytes), DecodeCause::CompactNotMinimal);
    }
    let bytes = [&bytes[..32], &[0x07, 1, 2, 3, 4, 5], &bytes[34..]].concat();
    assert_eq!(cause(&bytes), DecodeCause::CompactTooLarge);
}

fn sample_statement() -> Statement {
    let chain = TestChain::new(2000);
    chain.statement(&chain.proven(), &chain.genesis, &TestChain::relay())
}

#[test]
fn every_field_of_a_statement_changes_its_digest() {
    type Change = fn(&mut Statement);
    let changes: [Change; 17] = [
        |s| s.chain.para_id += 1,
        |s| s.chain.genesis_hash[0] ^= 1,
        |s| s.chain.genesis_hash[16] ^= 1,
        |s| s.chain.runtime_version += 1,
        |s| s.chain.transaction_version += 1,
        |s| s.tier.0 += 1,
        |s| s.parent_state_root += Fr::ONE,
        |s| s.state_root += Fr::ONE,
        |s| s.number += 1,
        |s| s.relay_parent_number += 1,
        |s| s.author += 1,
        |s| s.author_key = Author::new("another").key(),
        |s| s.body_root += Fr::ONE,
        |s| s.inbox_root += Fr::ONE,
        |s| s.outbox_root += Fr::ONE,
        |s| s.upgrade = Some([1; 32]),
        |s| s.context[31] ^= 0x80,
    ];
    let statement = sample_statement();
    let mut digests = vec![statement.digest()];
    let mut add = |changed: Statement| digests.push(changed.digest());
    for change in changes {
        let mut changed = statement.clone();
        change(&mut changed);
        add(changed);
    }
    for lane in 0..MAX_LANES {
        let mut changed = statement.clone();
        changed.used_slots[lane] += 1;
        add(changed);
    }
    let total = digests.len();
    digests.sort_by_key(|digest| digest.into_bigint());
    digests.dedup();
    assert_eq!(digests.len(), total);
}

#[test]
fn every_element_of_a_statement_has_its_place_and_changes_the_digest() {
    let statement = sample_statement();
    let elements = statement.elements();
    assert_eq!(elements.len(), STATEMENT_LEN);
    let limb = |bytes: &[u8]| Fr::from_le_bytes_mod_order(bytes);
    let [key_x, key_y] = statement.author_key.coordinates();
    let expected = [
        (0, limb(b"zkpov/statement/1")),
        (1, Fr::from(2000u64)),
        (2, limb(&statement.chain.genesis_hash[..16])),
        (3, limb(&statement.chain.genesis_hash[16..])),
        (4, Fr::ONE),
        (5, Fr::ONE),
        (6, Fr::from(10u64)),
        (7, Fr::from(2u64)),
        (8, Fr::ONE),
        (22, Fr::from(0u64)),
        (23, statement.parent_state_root),
        (24, statement.state_root),
        (25, Fr::ONE),
        (26, Fr::from(100u64)),
        (27, Fr::from(3u64)),
        (28, key_x),
        (29, key_y),
        (30, statement.body_root),
        (31, Fr::from(0u64)),
        (32, Fr::from(0u64)),
        (33, Fr::from(0u64)),
        (34, Fr::from(0u64)),
        (35, limb(&statement.context[..16])),
        (36, limb(&statement.context[16..])),
    ];
    for (index, element) in expected {
        assert_eq!(elements[index], element, "element {index}");
    }
    for index in 0..STATEMENT_LEN {
        let mut changed = elements;
        changed[index] += Fr::ONE;
        assert_ne!(poseidon::chain(&changed), statement.digest(), "element {index}");
    }
    assert_documented("Example: statement digest", &field::encode(&statement.digest()));
    let elements: Vec<u8> = elements.iter().flat_map(field::encode).collect();
    assert_documented("Example: statement hash of elements", &blake2b_256(&elements));
}

#[test]
fn context_and_author_message_change_with_everything_in_them() {
    let value = (vec![1], Some(vec![2]));
    let contexts = [
        context(&[1; 32], &[]),
        context(&[2; 32], &[]),
        context(&[1; 32], core::slice::from_ref(&value)),
        context(&[1; 32], &[value.clone(), value]),
        context(&[1; 32], &[(vec![1, 2], Some(vec![]))]),
        context(&[1; 32], &[(vec![1], None)]),
        context(&[1; 32], &[(vec![1], Some(vec![]))]),
    ];
    assert_eq!(contexts[0], blake2b_256(&[&[1; 32][..], &[0]].concat()));
    for (index, one) in contexts.iter().enumerate() {
        assert!(!contexts[..index].contains(one));
    }
    let digest = element("statement");
    let other_part = Scheduled { ump_signals: vec![vec![]] }.hash();
    let part = Scheduled::default().hash();
    assert_eq!(part, blake2b_256(&[0]));
    let messages = [
        author_message(&[1; 32], digest, &part),
        author_message(&[2; 32], digest, &part),
        author_message(&[1; 32], digest + Fr::ONE, &part),
        author_message(&[1; 32], digest, &other_part),
    ];
    for (index, one) in messages.iter().enumerate() {
        assert!(!messages[..index].contains(one));
    }
}

fn lanes() -> impl Strategy<Value = Vec<Lane>> {
    let widths = prop::collection::vec(prop_oneof![Just(1u8), Just(31), Just(32), 1u8..=32], 0..4);
    let lane = (any::<u8>(), 1u32..5, widths);
    prop::collection::vec(lane, 1..5).prop_map(|lanes| {
        let lane = |(call, capacity, element_bytes)| Lane { call, capacity, element_bytes };
        lanes.into_iter().map(lane).collect()
    })
}

/// Lanes, used slots within them, and elements of the lanes' widths.
fn bodies() -> impl Strategy<Value = (Vec<Lane>, Vec<u32>, Vec<Fr>)> {
    lanes()
        .prop_flat_map(|lanes| {
            let used: Vec<_> = lanes.iter().map(|lane| 0..=lane.capacity).collect();
            (Just(lanes), used)
        })
        .prop_flat_map(|(lanes, used)| {
            let widths: Vec<u8> = lanes
                .iter()
                .zip(&used)
                .flat_map(|(lane, &used)| lane.element_bytes.repeat(used as usize))
                .collect();
            let elements: Vec<_> = widths
                .into_iter()
                .map(|width| {
                    prop::collection::vec(any::<u8>(), usize::from(width))
                        .prop_map(|bytes| Fr::from_le_bytes_mod_order(&bytes))
                })
                .collect();
            (Just(lanes), Just(used), elements)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_body_has_one_encoding_and_one_root((lanes, used, elements) in bodies(), byte: prop::sample::Index) {
        let layout = BodyLayout::new(BodyFormat::Public, TierId(9), &lanes, &used).expect("within capacity");
        let bytes = layout.encode(&elements).expect("of their widths");
        prop_assert_eq!(bytes.len(), layout.byte_length());
        prop_assert_eq!(layout.decode(&bytes), Ok(elements.clone()));
        let root = layout.root(&elements).expect("as many as used");
        let other_tier = BodyLayout::new(BodyFormat::Public, TierId(10), &lanes, &used).expect("within capacity");
        prop_assert_ne!(other_tier.root(&elements), Ok(root));
        for length in [bytes.len() + 1, bytes.len().wrapping_sub(1)] {
            let Some(wrong) = (length < 1 << 20).then(|| vec![0; length]) else { continue };
            let expected = BodyError::Length { found: length, expected: bytes.len() };
            prop_assert_eq!(layout.decode(&wrong), Err(expected));
        }
        if !bytes.is_empty() {
            let mut changed = bytes.clone();
            changed[byte.index(bytes.len())] ^= 1;
            // Another body, or none.
            if let Ok(decoded) = layout.decode(&changed) {
                prop_assert_eq!(layout.encode(&decoded), Ok(changed));
                prop_assert_ne!(layout.root(&decoded), Ok(root));
            }
        }
    }

    /// Unused slots are zero in the root and absent in the bytes: only the used-slot list tells them apart.
    #[test]
    fn bodies_of_different_used_slots_have_different_roots(lanes in lanes(), lane: prop::sample::Index) {
        let mut used: Vec<u32> = lanes.iter().map(|lane| lane.capacity / 2).collect();
        let zeros = |used: &[u32]| {
            let layout = BodyLayout::new(BodyFormat::Public, TierId(9), &lanes, used).expect("within capacity");
            layout.root(&vec![Fr::from(0u64); layout.elements()]).expect("as many as used")
        };
        let before = zeros(&used);
        used[lane.index(lanes.len())] += 1;
        prop_assert_ne!(zeros(&used), before);
    }

    #[test]
    fn a_head_survives_its_encoding(
        parent_hash: [u8; 32], number: u32, root: [u8; 32], author: u32, tier: u8, relay_parent_number: u32,
        downward: [u8; 32], senders in prop::collection::btree_map(any::<u32>(), any::<[u8; 32]>(), 0..6),
    ) {
        let mqc = MqcHeads { downward, horizontal: senders.into_iter().collect() };
        let head = Head {
            parent_hash,
            number,
            state_root: Fr::from_le_bytes_mod_order(&root),
            extrinsics_root: Fr::from_le_bytes_mod_order(&parent_hash),
            digest: HeadDigest { author, tier: TierId(tier), relay_parent_number, mqc },
        };
        prop_assert_eq!(Head::decode(&head.encode()), Ok(head));
    }

    #[test]
    fn what_decodes_as_a_head_encodes_to_the_same_bytes(
        at in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)
    ) {
        let mut bytes = sample_head().encode();
        for (at, value) in at {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(head) = Head::decode(&bytes) {
            prop_assert_eq!(head.encode(), bytes);
        }
    }

    #[test]
    fn a_block_survives_its_encoding(
        used in prop::collection::vec(any::<u32>(), 1..=MAX_LANES), body: Vec<u8>, nodes: Vec<Vec<u8>>,
        upward: Vec<Vec<u8>>, horizontal: Vec<(u32, Vec<u8>)>, upgrade: Option<Vec<u8>>, proof: Vec<u8>,
        sent: Vec<(u32, Vec<u8>)>, rest: Vec<(u32, [u8; 32])>,
        ump_signals in prop::collection::vec(any::<Vec<u8>>(), 0..3),
    ) {
        let chain = TestChain::new(1);
        let messages: Vec<_> = sent.into_iter().map(|(sent_at, data)| SentMessage { sent_at, data }).collect();
        let channel = ChannelMessages { sender: 5, messages: messages.clone(), rest: rest.clone() };
        let proven = Proven {
            used_slots: used,
            body,
            storage_proof: nodes,
            inbound: Inbound { downward: messages, downward_rest: rest, horizontal: vec![channel] },
            outbound: Outbound { upward, horizontal },
            upgrade,
            proof,
            ..chain.proven()
        };
        let scheduled = Scheduled { ump_signals };
        let block = ProvenBlock { proven, scheduled, signature: chain.author.sign(Fr::ONE) };
        prop_assert_eq!(ProvenBlock::decode(&block.encode()), Ok(block));
    }
}

#[test]
fn elements_that_do_not_fit_their_width_are_not_encoded() {
    let lanes = [Lane { call: 0, capacity: 1, element_bytes: vec![2] }];
    let layout = BodyLayout::new(BodyFormat::Public, TierId(9), &lanes, &[1]).expect("within capacity");
    assert_eq!(layout.encode(&[Fr::from(0xffffu64)]), Ok(vec![0xff, 0xff]));
    let expected = BodyError::ElementTooWide { index: 0, width: 2 };
    assert_eq!(layout.encode(&[Fr::from(0x10000u64)]), Err(expected));
    assert_eq!(layout.encode(&[]), Err(BodyError::ElementCount { found: 0, expected: 1 }));
    assert_eq!(layout.root(&[]), Err(BodyError::ElementCount { found: 0, expected: 1 }));
}

fn sample_key() -> ValidityKey {
    let mut key = TestChain::new(2000).key;
    key.tiers.truncate(1);
    key
}

fn sample_block() -> ProvenBlock {
    TestChain::new(2000).first_block().2
}

#[test]
fn key_and_block_are_the_documented_bytes() {
    let (key, block) = (sample_key(), sample_block());
    assert_documented("Example: validity key", &key.encode());
    assert_documented("Example: proven block", &block.encode());
    assert_eq!(ValidityKey::decode(&documented("Example: validity key")), Ok(key));
    assert_eq!(ProvenBlock::decode(&documented("Example: proven block")), Ok(block));
}

#[test]
fn a_validity_key_is_recognised_and_hashed_as_code() {
    let key = sample_key();
    let bytes = key.encode();
    assert!(ValidityKey::is_validity_key(&bytes));
    assert!(!ValidityKey::is_validity_key(b"\0asm\x01\0\0\0"));
    assert!(!ValidityKey::is_validity_key(b"ZKPOVKE"));
    assert_eq!(key.code_hash(), blake2b_256(&bytes));
    let prepared = PreparedKey::decode(&bytes, KeyPolicy { allow_dev_setup: true }).expect("a key");
    assert_eq!(prepared.code_hash(), key.code_hash());
    assert_eq!(prepared.key(), &key);
}

#[test]
fn a_key_says_who_reads_bodies_and_what_is_made_of_messages() {
    for (bits, body_format, messages) in [
        (0, BodyFormat::Public, MessageFormat::Dropped),
        (1, BodyFormat::Private, MessageFormat::Dropped),
        (2, BodyFormat::Public, MessageFormat::Transfers),
        (3, BodyFormat::Private, MessageFormat::Transfers),
    ] {
        let key = ValidityKey { body_format, messages, ..sample_key() };
        assert_eq!(key.encode()[BLOCK_FORMAT_AT], bits);
        assert_eq!(ValidityKey::decode(&key.encode()), Ok(key));
    }
}

#[test]
fn development_set_ups_are_refused_unless_allowed() {
    let mut chain = TestChain::new(2000);
    chain.key.tiers[0].setup = Setup::Ceremony([4; 32]);
    let decode = |key: &ValidityKey| PreparedKey::decode(&key.encode(), KeyPolicy::default()).map(|_| ());
    assert_eq!(decode(&chain.key), Err(KeyError::DevSetup(TestChain::LARGE)));
    chain.key.tiers[1].setup = Setup::Ceremony([5; 32]);
    assert_eq!(decode(&chain.key), Ok(()));
}

// Places in the bytes of `sample_key`.
const BLOCK_FORMAT_AT: usize = 9 + 4 + 32 + 4 + 4;
const TIERS_AT: usize = BLOCK_FORMAT_AT + 1;
const TIER_AT: usize = TIERS_AT + 1;
const LANES_AT: usize = TIER_AT + 1;
const CAPACITY_AT: usize = LANES_AT + 2;
const WIDTHS_AT: usize = CAPACITY_AT + 4;
const BODY_LIMIT_AT: usize = WIDTHS_AT + 2 + 1 + 4 + 4;
const PROOF_SYSTEM_AT: usize = BODY_LIMIT_AT + 4;
const POINTS_AT: usize = PROOF_SYSTEM_AT + 1 + 32;
const SETUP_AT: usize = POINTS_AT + 32 + 2 * 64 + 2 * 32;

#[test]
fn malformed_keys_are_refused_by_cause() {
    let bytes = sample_key().encode();
    assert_eq!(bytes.len(), SETUP_AT + 1);
    let cause = |bytes: &[u8]| match ValidityKey::decode(bytes).expect_err("refused") {
        KeyError::Decode(DecodeError { cause, .. }) => cause,
        other => panic!("{other}"),
    };
    let with = |at: usize, new: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    for length in 0..bytes.len() {
        let cause = cause(&bytes[..length]);
        assert!(matches!(cause, DecodeCause::Truncated { .. }), "{length}: {cause}");
    }
    let range = |value, least, most| DecodeCause::Range { value, least, most };
    assert_eq!(cause(&[&bytes[..], &[0]].concat()), DecodeCause::Trailing { left: 1 });
    assert_eq!(cause(&with(0, b"zkpovkey")), DecodeCause::Magic);
    assert_eq!(cause(&with(8, &[2])), DecodeCause::Version { found: 2, known: 1 });
    assert_eq!(cause(&with(BLOCK_FORMAT_AT, &[4])), DecodeCause::Variant(4));
    assert_eq!(cause(&with(TIERS_AT, &[0])), DecodeCause::TooFew { count: 0, least: 1 });
    assert_eq!(cause(&with(TIERS_AT, &[17 << 2])), DecodeCause::TooMany { count: 17, limit: 16 });
    assert_eq!(cause(&with(TIER_AT, &[0])), range(0, 1, 28));
    assert_eq!(cause(&with(TIER_AT, &[29])), range(29, 1, 28));
    assert_eq!(cause(&with(LANES_AT, &[0])), DecodeCause::TooFew { count: 0, least: 1 });
    assert_eq!(cause(&with(LANES_AT, &[17 << 2])), DecodeCause::TooMany { count: 17, limit: 16 });
    assert_eq!(cause(&with(CAPACITY_AT, &[1, 0, 1, 0])), range(0x10001, 0, 1 << 16));
    assert_eq!(cause(&with(WIDTHS_AT + 1, &[0])), range(0, 1, 32));
    assert_eq!(cause(&with(WIDTHS_AT + 1, &[33])), range(33, 1, 32));
    assert_eq!(cause(&with(PROOF_SYSTEM_AT, &[1])), DecodeCause::Variant(1));
    assert_eq!(cause(&with(SETUP_AT, &[2])), DecodeCause::Variant(2));
    assert!(matches!(cause(&with(SETUP_AT, &[1])), DecodeCause::Truncated { .. }));
    let huge = cause(&vec![0; MAX_KEY_BYTES + 1]);
    assert_eq!(huge, DecodeCause::TooLong { length: MAX_KEY_BYTES + 1, limit: MAX_KEY_BYTES });
}

#[test]
fn keys_out_of_their_limits_are_refused() {
    let check = |change: &dyn Fn(&mut ValidityKey)| {
        let mut key = TestChain::new(2000).key;
        change(&mut key);
        let decoded = ValidityKey::decode(&key.encode());
        let checked = key.check();
        assert_eq!(decoded.is_err(), checked.is_err());
        checked
    };
    let tier = TestChain::SMALL;
    assert_eq!(check(&|_| {}), Ok(()));
    assert_eq!(check(&|key| key.tiers.clear()), Err(KeyError::Tiers));
    assert_eq!(check(&|key| key.tiers.reverse()), Err(KeyError::Tiers));
    assert_eq!(check(&|key| key.tiers[1].tier = tier), Err(KeyError::Tiers));
    // 4·30 + 2·94 bytes make a full body.
    let full = 4 * 30 + 2 * 94;
    assert_eq!(check(&|key| key.tiers[0].body_limit = full), Ok(()));
    let expected = KeyError::BodyLimit { tier, full: full as usize, limit: full - 1 };
    assert_eq!(check(&|key| key.tiers[0].body_limit = full - 1), Err(expected));
    let limit = |what, value| Err(KeyError::Limit { what, tier, value });
    let most = 32 * MAX_BODY_ELEMENTS;
    assert_eq!(check(&|key| key.tiers[0].body_limit = most as u32), Ok(()));
    assert_eq!(check(&|key| key.tiers[0].body_limit = most as u32 + 1), limit("body limit", most + 1));
    let wide = |capacity| {
        move |key: &mut ValidityKey| {
            let tier: &mut TierKey = &mut key.tiers[0];
            tier.body_limit = most as u32;
            tier.lanes = vec![Lane { call: 0, capacity, element_bytes: vec![32; MAX_SLOT_ELEMENTS] }];
        }
    };
    let fits = (MAX_BODY_ELEMENTS / MAX_SLOT_ELEMENTS) as u32;
    assert_eq!(check(&wide(fits)), Ok(()));
    assert_eq!(check(&wide(fits + 1)), Err(KeyError::TooManyElements(tier)));
    assert_eq!(check(&|key| key.tiers[0].lanes.clear()), limit("lane count", 0));
    let lane = Lane { call: 0, capacity: 1, element_bytes: vec![] };
    assert_eq!(check(&|key| key.tiers[0].lanes = vec![lane.clone(); 17]), limit("lane count", 17));
    assert_eq!(check(&|key| key.tiers[0].lanes[0].capacity = 0), Ok(()));
    /// 2^16 slots.
    const MOST: u32 = 1 << 16;
    let beyond = limit("lane capacity", MOST as usize + 1);
    assert_eq!(check(&|key| key.tiers[0].lanes[0].capacity = MOST + 1), beyond);
    assert_eq!(check(&|key| key.tiers[0].lanes[0].element_bytes = vec![33]), limit("body element width", 33));
    let expected = KeyError::Limit { what: "number", tier: TierId(0), value: 0 };
    assert_eq!(check(&|key| key.tiers[0].tier = TierId(0)), Err(expected));
}

#[test]
fn the_largest_key_is_within_the_limit_of_keys() {
    let mut key = TestChain::new(2000).key;
    let mut tier = key.tiers[0].clone();
    tier.setup = Setup::Ceremony([1; 32]);
    tier.body_limit = 32 * MAX_BODY_ELEMENTS as u32;
    let lane = Lane { call: 0, capacity: 1, element_bytes: vec![32; MAX_SLOT_ELEMENTS] };
    tier.lanes = vec![lane; MAX_LANES];
    key.tiers = (1..=16).map(|id| TierKey { tier: TierId(id), ..tier.clone() }).collect();
    assert!(key.encode().len() <= MAX_KEY_BYTES);
    assert_eq!(ValidityKey::decode(&key.encode()), Ok(key));
}

/// The cursor and `parity-scale-codec` agree on every compact integer of up to five bytes' first forms.
#[test]
fn compacts_have_one_form() {
    for value in [0u32, 1, 63, 64, 16383, 16384, (1 << 30) - 1, 1 << 30, u32::MAX] {
        let mut head = sample_head();
        head.number = value;
        let bytes = head.encode();
        assert_eq!(bytes[32..32 + codec::Compact(value).encode().len()], codec::Compact(value).encode());
        assert_eq!(Head::decode(&bytes), Ok(head));
    }
}
