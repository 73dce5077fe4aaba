//! Candidates in polkadot's types, judged by the verifier.

mod trapdoor;

use codec::{Decode, Encode};
use polkadot_parachain_primitives::primitives::{
    BlockData, HeadData, ValidationCode, ValidationParams, ValidationResult,
};
use sp_runtime::{DigestItem, generic, traits::BlakeTwo256};
use zkpov_relay::{Invalid, is_validity_key, params::relay_context, prepare, validate};
use zkpov_verifier::{
    field,
    head::Head,
    key::{KeyError, KeyPolicy},
    relay::RelayContext,
    validate as verifier,
};

const ALLOW_DEV: KeyPolicy = KeyPolicy { allow_dev_setup: true };
const REFUSE_DEV: KeyPolicy = KeyPolicy { allow_dev_setup: false };
const RELAY: RelayContext = RelayContext { relay_parent_number: 100, relay_parent_storage_root: [9; 32] };

fn code() -> ValidationCode {
    ValidationCode(trapdoor::validity_key().encode())
}

fn params(parent: &Head, block_data: Vec<u8>, relay: &RelayContext) -> ValidationParams {
    ValidationParams {
        parent_head: HeadData(parent.encode()),
        block_data: BlockData(block_data),
        relay_parent_number: relay.relay_parent_number,
        relay_parent_storage_root: relay.relay_parent_storage_root.into(),
    }
}

/// A valid candidate on the genesis head, and the head that it makes.
fn candidate() -> (ValidationParams, Head) {
    let (block, head) = trapdoor::block(&trapdoor::genesis(), &RELAY);
    (params(&trapdoor::genesis(), block.encode(), &RELAY), head)
}

#[test]
fn a_valid_candidate_gives_the_new_head_and_the_relay_parent_as_watermark() {
    let (params, head) = candidate();
    let expected = ValidationResult {
        head_data: HeadData(head.encode()),
        new_validation_code: None,
        upward_messages: Default::default(),
        horizontal_messages: Default::default(),
        processed_downward_messages: 0,
        hrmp_watermark: RELAY.relay_parent_number,
    };
    assert_eq!(validate(&params, &code(), ALLOW_DEV), Ok(expected));
}

#[test]
fn a_chain_of_candidates_is_valid_head_after_head() {
    let mut parent = trapdoor::genesis();
    for relay_parent_number in [100, 100, 103] {
        let relay = RelayContext { relay_parent_number, ..RELAY };
        let (block, head) = trapdoor::block(&parent, &relay);
        let result = validate(&params(&parent, block.encode(), &relay), &code(), ALLOW_DEV).unwrap();
        assert_eq!(result.head_data.0, head.encode());
        parent = head;
    }
    assert_eq!(parent.number, 3);
}

#[test]
fn every_parameter_reaches_the_verifier() {
    let (params, _) = candidate();
    let judge = |change: &dyn Fn(&mut ValidationParams)| {
        let mut changed = params.clone();
        change(&mut changed);
        validate(&changed, &code(), ALLOW_DEV)
    };
    assert!(judge(&|_| ()).is_ok());
    assert!(matches!(
        judge(&|p| p.parent_head.0.push(0)),
        Err(Invalid::Block(verifier::Invalid::ParentHead(_)))
    ));
    assert!(matches!(judge(&|p| p.block_data.0.push(0)), Err(Invalid::Block(verifier::Invalid::Block(_)))));
    // Signature and proof are over the relay parent's number.
    assert!(matches!(
        judge(&|p| p.relay_parent_number += 1),
        Err(Invalid::Block(verifier::Invalid::AuthorSignature(_)))
    ));
    // The storage root matters to a block only through what it reads under it.
    let context = relay_context(&params);
    assert_eq!(context, RELAY);
}

#[test]
fn a_block_under_another_paras_key_is_refused() {
    let mut key = trapdoor::validity_key();
    key.chain.para_id += 1;
    let (params, _) = candidate();
    let judged = validate(&params, &ValidationCode(key.encode()), ALLOW_DEV);
    assert!(matches!(judged, Err(Invalid::Block(verifier::Invalid::AuthorSignature(_)))), "{judged:?}");
}

#[test]
fn a_development_key_is_refused_unless_the_policy_allows_it() {
    let (params, _) = candidate();
    assert!(validate(&params, &code(), ALLOW_DEV).is_ok());
    let judged = validate(&params, &code(), REFUSE_DEV);
    assert!(matches!(judged, Err(Invalid::Key(KeyError::DevSetup(_)))), "{judged:?}");
    assert_eq!(KeyPolicy::default(), REFUSE_DEV);
}

#[test]
fn wasm_is_no_validity_key() {
    let wasm = ValidationCode(b"\0asm\x01\0\0\0".to_vec());
    assert!(!is_validity_key(&wasm));
    assert!(is_validity_key(&code()));
    let (params, _) = candidate();
    assert!(matches!(validate(&params, &wasm, ALLOW_DEV), Err(Invalid::Key(KeyError::Decode(_)))));
}

#[test]
fn the_relay_chain_and_the_verifier_hash_head_and_code_alike() {
    let head = candidate().1;
    assert_eq!(HeadData(head.encode()).hash().as_bytes(), head.hash());
    let prepared = prepare(&code(), ALLOW_DEV).unwrap();
    assert_eq!(code().hash().as_ref(), prepared.code_hash());
}

#[test]
fn a_reader_of_substrate_headers_reads_our_head() {
    let head = candidate().1;
    let header = generic::Header::<u32, BlakeTwo256>::decode(&mut head.encode().as_slice()).unwrap();
    assert_eq!(header.parent_hash.as_bytes(), head.parent_hash);
    assert_eq!(header.number, head.number);
    assert_eq!(header.state_root.as_bytes(), field::encode(&head.state_root));
    assert_eq!(header.extrinsics_root.as_bytes(), field::encode(&head.extrinsics_root));
    assert!(
        matches!(header.digest.logs.as_slice(), [DigestItem::PreRuntime(engine, _)] if engine == b"zkpv")
    );
    assert_eq!(header.encode(), head.encode());
}

#[test]
fn the_parameters_are_encoded_as_a_pvf_receives_them() {
    let (params, _) = candidate();
    let by_hand = (
        trapdoor::genesis().encode(),
        params.block_data.0.clone(),
        RELAY.relay_parent_number,
        RELAY.relay_parent_storage_root,
    );
    assert_eq!(params.encode(), by_hand.encode());
}
