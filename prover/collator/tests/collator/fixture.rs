//! The proven block in `fixtures/payments/proven`: signed by circomlibjs and zk-kit, proven once, checked ever since.
//!
//! A change of a format or of the circuit shows here as a block that is no longer accepted. Where the change is
//! meant, `fixtures/prove` makes the block anew.

use std::path::PathBuf;

use serde_json::Value;
use zkpov_collator::{Collator, db::ReadDatabase, relay_file::RelayFile};
use zkpov_verifier::{
    head::Head,
    key::{KeyError, KeyPolicy, PreparedKey},
    validate::{Invalid, validate_block},
};

use crate::stage::chain;

const ALLOW_DEV: KeyPolicy = KeyPolicy { allow_dev_setup: true };

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/payments").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(name: &str) -> Value {
    serde_json::from_slice(&fixture(name)).unwrap()
}

fn relay() -> RelayFile {
    RelayFile::parse(&fixture("relay.json")).unwrap()
}

#[test]
fn the_proven_block_of_wallets_is_accepted_and_leads_to_the_state_that_circomlibjs_computes() {
    let key = PreparedKey::decode(&fixture("proven/validity.key"), ALLOW_DEV).unwrap();
    let parent = fixture("proven/genesis.head");
    let transition = validate_block(&parent, &relay().context, &key, &fixture("proven/block.pov")).unwrap();
    assert_eq!(transition.head_data, fixture("proven/block.head"));
    let head = Head::decode(&transition.head_data).unwrap();
    assert_eq!(head.state_root.to_string(), json("after.json")["state_root"].as_str().unwrap());
}

#[test]
fn another_collator_imports_the_proven_block_into_the_genesis_of_its_spec() {
    let directory = tempfile::tempdir().unwrap();
    let para_id = json("genesis.json")["para_id"].as_u64().unwrap() as u32;
    let mut collator = Collator::create(directory.path(), chain(), para_id, &fixture("spec.json")).unwrap();
    assert_eq!(collator.database().tip().unwrap().head, fixture("proven/genesis.head"));
    let key = PreparedKey::decode(&fixture("proven/validity.key"), ALLOW_DEV).unwrap();
    let imported = collator.import(&key, &relay(), &fixture("proven/block.pov")).unwrap();
    assert_eq!(imported.block.head, fixture("proven/block.head"));
}

#[test]
fn the_validity_key_of_the_fixture_is_of_the_pinned_circuit_and_for_development_only() {
    let bytes = fixture("proven/validity.key");
    assert!(matches!(
        PreparedKey::decode(&bytes, KeyPolicy { allow_dev_setup: false }),
        Err(KeyError::DevSetup { .. })
    ));
    let key = PreparedKey::decode(&bytes, ALLOW_DEV).unwrap();
    let [tier] = key.key().tiers.as_slice() else { panic!("one tier") };
    let weights = include_str!("../../../../circuits/weights.csv");
    let circuit = format!("payments,{},{},", key.key().chain.runtime_version, tier.tier);
    let pinned = weights.lines().find(|line| line.starts_with(&circuit)).expect("run fixtures/prove");
    assert!(pinned.ends_with(&hex::encode(tier.circuit_digest)), "run fixtures/prove: {pinned}");
}

#[test]
fn the_proven_block_is_refused_at_another_relay_parent() {
    let key = PreparedKey::decode(&fixture("proven/validity.key"), ALLOW_DEV).unwrap();
    let mut relay = relay().context;
    relay.relay_parent_number += 1;
    let refused = validate_block(&fixture("proven/genesis.head"), &relay, &key, &fixture("proven/block.pov"));
    // The number is in the statement, which the author signed.
    assert!(matches!(refused, Err(Invalid::AuthorSignature(_))), "{refused:?}");
}
