//! A council enacts an upgrade, the relay chain sees it, and the chain goes on under the new validity key.
//!
//! The next runtime is the same state machine with the next version number: another circuit, since the version is a constant of the
//! statement, and another validity key. What an upgrade does to a collator depends on no more than that.

use std::{path::Path, sync::Arc};

use serde_json::{Value, json};
use tempfile::TempDir;
use zkpov_circuits::{
    chains::council_of,
    pallets::governance::Governance,
    runtime::{Chain, Tier},
};
use zkpov_collator::{
    Collator,
    author::{AuthorError, AuthorRequest, Authored, How},
    chain::{ChainInfo, identity},
    db::ReadDatabase,
    import::ImportError,
    keystore::KeyStore,
    pool::{Limits, Pool},
    relay::{
        Relay,
        local::{Config, LocalRelay, RelayEvent},
        shared::SharedRelay,
    },
    relay_file::RelayFile,
    service::node::{Conduct, Node},
    setup,
    validity::{ValidationCode, ValidationCodeError},
};
use zkpov_prover::Options;
use zkpov_verifier::{
    exchange::UpgradeError,
    message::MessageFormat,
    relay::keys::{upgrade_go_ahead, upgrade_restriction},
    testing::relay::TestRelay,
    validate::validate_block,
};

use crate::stage::{PARA_ID, person, signed_call as signed, spec};

/// The council with one slot for each call that an upgrade takes.
fn council(runtime_version: u32) -> &'static dyn Chain {
    let governance = Governance { account_levels: 1, proposal_levels: 1 };
    let tiers = vec![(16, vec![0, 0, 1, 1, 0, 0, 1, 1])];
    Box::leak(Box::new(council_of(1, governance, runtime_version, tiers)))
}

fn council_spec() -> String {
    let mut spec: Value = serde_json::from_str(&spec()).unwrap();
    spec["chain"] = "council".into();
    spec["pallets"] = json!({ "governance": {
        "treasury": "0", "deposit": "10", "voting_period": 1, "enactment_delay": 0, "enactment_window": 100,
        "lock_period": 1, "quorum_per_mille": 1,
    } });
    spec.to_string()
}

/// Development keys of a version of the chain, and their directory.
fn keys(chain: &'static dyn Chain, genesis: [u8; 32]) -> (TempDir, KeyStore) {
    let directory = tempfile::tempdir().unwrap();
    let Some(Tier { id, .. }) = chain.tiers().first().cloned() else { panic!("a tier") };
    let identity = identity(chain, PARA_ID, genesis);
    let info = ChainInfo { chain, identity, messages: MessageFormat::Dropped };
    setup::write_development_keys(directory.path(), &info, id, &Options::default()).unwrap();
    let keys = KeyStore::open(directory.path(), &identity).unwrap();
    (directory, keys)
}

fn relay_file(relay: &TestRelay) -> RelayFile {
    RelayFile { storage_proof: relay.storage_proof(PARA_ID), ..RelayFile::blind(relay.context()) }
}

fn author(
    collator: &mut Collator,
    keys: &KeyStore,
    extrinsics: &[Vec<u8>],
    relay: &RelayFile,
    upgrade: Option<&[u8]>,
) -> Result<Authored, AuthorError> {
    let author = person(0);
    let request =
        AuthorRequest { extrinsics, pending: true, upgrade, relay, author: &author, keys, tier: None };
    collator.author(&request, &Options::default())
}

fn included(authored: &Authored) -> (usize, usize) {
    let How::Made(made) = &authored.how else { panic!("made before") };
    (made.included.len(), made.deferred.len())
}

fn open(directory: &Path, chain: &'static dyn Chain) -> Collator {
    Collator::open_as(directory, chain).unwrap()
}

#[test]
fn a_chain_goes_on_under_the_key_that_its_council_enacted_and_the_relay_chain_let_through() {
    let (a_home, b_home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (old, new) = (council(7), council(8));
    let create =
        |home: &TempDir| Collator::create(home.path(), old, PARA_ID, council_spec().as_bytes()).unwrap();
    let (mut a, mut b) = (create(&a_home), create(&b_home));
    let genesis = a.info().identity.genesis_hash;
    let ((_old_home, old_keys), (_new_home, new_keys)) = (keys(old, genesis), keys(new, genesis));
    let code = new_keys.validity_key().key().encode();
    let hash = format!("0x{}", hex::encode(new_keys.validity_key().code_hash()));
    let action = json!({ "upgrade": { "code_hash": hash } });
    let mut relay = TestRelay::new();
    let mut import = |relay: &RelayFile, authored: &Authored| {
        b.import(old_keys.validity_key(), relay, &authored.block.pov).unwrap();
    };

    // Proposed, voted on, and enacted by a block whose author has the code.
    let seen = relay_file(&relay);
    let propose = signed(&a, 1, 0, "propose", &json!({ "action": action }));
    let block = author(&mut a, &old_keys, &[propose], &seen, None).unwrap();
    import(&seen, &block);
    let vote = json!({ "proposal": 0, "number": 1, "aye": true, "conviction": 1, "stake": "500000", "action": action });
    let vote = signed(&a, 2, 0, "vote", &vote);
    let block = author(&mut a, &old_keys, &[vote], &seen, None).unwrap();
    import(&seen, &block);
    let enact = signed(&a, 1, 1, "enact", &json!({ "proposal": 0, "number": 1 }));
    let block = author(&mut a, &old_keys, std::slice::from_ref(&enact), &seen, None).unwrap();
    assert_eq!(included(&block), (0, 1), "an enactment waits for the code");
    import(&seen, &block);
    relay.entries.insert(upgrade_restriction(PARA_ID), vec![0]);
    let restricted =
        author(&mut a, &old_keys, std::slice::from_ref(&enact), &relay_file(&relay), Some(&code));
    assert!(matches!(restricted, Err(AuthorError::Upgrade(UpgradeError::Restricted))), "{restricted:?}");
    relay.entries.remove(&upgrade_restriction(PARA_ID));

    relay.number += 1;
    let seen = relay_file(&relay);
    let parent = a.database().tip().unwrap().head;
    let block = author(&mut a, &old_keys, std::slice::from_ref(&enact), &seen, Some(&code)).unwrap();
    assert_eq!(included(&block), (1, 0));
    let transition =
        validate_block(&parent, &seen.context, old_keys.validity_key(), &block.block.pov).unwrap();
    assert_eq!(transition.new_validation_code.as_deref(), Some(code.as_slice()));
    relay.include(PARA_ID, &transition);
    import(&seen, &block);

    // The old key, until a block sees the relay chain's word; and no block that would not see it.
    relay.number += 1;
    let blind = RelayFile::blind(relay.context());
    let unseen = author(&mut a, &old_keys, &[], &blind, None);
    assert!(
        matches!(unseen, Err(AuthorError::ValidationCode(ValidationCodeError::Unseen { announced: 4 }))),
        "{unseen:?}"
    );
    relay.entries.insert(upgrade_go_ahead(PARA_ID), vec![1]);
    let seen = relay_file(&relay);
    let block = author(&mut a, &old_keys, &[], &seen, None).unwrap();
    import(&seen, &block);

    // The new key, and no other.
    relay.number += 1;
    relay.entries.remove(&upgrade_go_ahead(PARA_ID));
    let seen = relay_file(&relay);
    let late = author(&mut a, &old_keys, &[], &seen, None).unwrap_err();
    assert!(
        matches!(late, AuthorError::ValidationCode(ValidationCodeError::OtherKey { since: 5, .. })),
        "{late}"
    );
    drop((a, b));
    let (mut a, mut b) = (open(a_home.path(), new), open(b_home.path(), new));
    let block = author(&mut a, &new_keys, &[], &seen, None).unwrap();
    assert_eq!(block.block.number, 6);
    let parent = a.database().block(5).unwrap().unwrap().head;
    validate_block(&parent, &seen.context, new_keys.validity_key(), &block.block.pov).unwrap();
    validate_block(&parent, &seen.context, old_keys.validity_key(), &block.block.pov).unwrap_err();
    b.import(new_keys.validity_key(), &seen, &block.block.pov).unwrap();
    drop(b);
    let mut b = open(b_home.path(), old);
    b.rollback(5).unwrap();
    let refused = b.import(old_keys.validity_key(), &seen, &block.block.pov).unwrap_err();
    assert!(matches!(refused, ImportError::ValidationCode(_)) && refused.is_refusal(), "{refused}");

    // What is undone is undone with the key that was in force.
    b.rollback(4).unwrap();
    let (old_hash, new_hash) = (old_keys.validity_key().code_hash(), new_keys.validity_key().code_hash());
    let code = ValidationCode::read(&b.database().state().unwrap()).unwrap();
    assert!(code.check_key(old_hash).is_ok() && code.check_key(new_hash).is_err());
}

/// A chain whose collators have the next keys in a directory goes through an upgrade by itself.
///
/// The next keys are another set-up of the same circuits: the program stays, so that one service lives through it.
#[test]
fn collators_with_the_next_keys_at_hand_go_through_an_upgrade_by_themselves() {
    let (a_home, b_home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let chain = council(7);
    let create =
        |home: &TempDir| Collator::create(home.path(), chain, PARA_ID, council_spec().as_bytes()).unwrap();
    let (a, b) = (create(&a_home), create(&b_home));
    let genesis = a.info().identity.genesis_hash;
    let ((old_home, old_keys), (new_home, new_keys)) = (keys(chain, genesis), keys(chain, genesis));
    let (old_hash, new_hash) = (old_keys.validity_key().code_hash(), new_keys.validity_key().code_hash());
    assert_ne!(old_hash, new_hash, "two set-ups, two keys");
    let action = json!({ "upgrade": { "code_hash": format!("0x{}", hex::encode(new_hash)) } });
    let vote = json!({ "proposal": 0, "number": 1, "aye": true, "conviction": 1, "stake": "500000", "action": action });
    let mut calls = vec![
        signed(&a, 1, 0, "propose", &json!({ "action": action })),
        signed(&a, 2, 0, "vote", &vote),
        signed(&a, 1, 1, "enact", &json!({ "proposal": 0, "number": 1 })),
    ];
    calls.reverse();

    let relay = SharedRelay::new(LocalRelay::new(Config { upgrade_delay: 2, ..Config::default() }));
    let open = |home: &TempDir| KeyStore::open(home.path(), &a.info().identity).unwrap();
    let stores = [(open(&old_home), open(&new_home)), (open(&old_home), open(&new_home))];
    let mut nodes: Vec<Node> = [(a, Some(person(0))), (b, None)]
        .into_iter()
        .zip(stores)
        .map(|((collator, author), (keys, next))| {
            let pool = Pool::open(collator.handle(), *collator.info(), Limits::default()).unwrap();
            let conduct = Conduct { register: author.is_some(), empty_blocks: true, ..Conduct::default() };
            Node::new(collator, keys, author, Arc::new(pool), Arc::new(relay.clone()), conduct)
                .with_next_keys(Some(next))
        })
        .collect();
    nodes[0].step(&relay.heads().unwrap(), &Options::default()).unwrap();
    relay.with(LocalRelay::produce);
    relay.with(|relay| relay.lease(PARA_ID, 1000)).unwrap();

    let (mut upgraded, mut after) = (None, 0);
    for _ in 0..60 {
        relay.with(LocalRelay::produce);
        let heads = relay.heads().unwrap();
        // A call is submitted when the one before is in a block.
        if nodes[0].pool().pending().is_empty()
            && nodes[0].collator().database().pending().unwrap().is_empty()
            && calls.last().is_some_and(|call| nodes[0].pool().submit(call).is_ok())
        {
            calls.pop();
        }
        for node in &mut nodes {
            node.step(&heads, &Options::default()).unwrap();
        }
        for event in relay.with(LocalRelay::take_events) {
            match event {
                RelayEvent::Upgraded { para: PARA_ID } => {
                    upgraded = Some(nodes[0].collator().database().tip().unwrap().number);
                }
                RelayEvent::Included { para: PARA_ID, .. } if upgraded.is_some() => after += 1,
                RelayEvent::Refused { reason, .. } => panic!("{reason}"),
                _ => (),
            }
        }
        if after >= 3 {
            break;
        }
    }
    assert!(upgraded.is_some() && calls.is_empty(), "the upgrade was enacted: {calls:?}");
    assert!(after >= 3, "{after} blocks under the new key");
    for node in &nodes {
        let code = ValidationCode::read(&node.collator().database().state().unwrap()).unwrap();
        assert!(code.check_key(new_hash).is_ok() && code.check_key(old_hash).is_err());
    }
    let [a, b] = [0, 1].map(|node: usize| nodes[node].collator().database().tip().unwrap().number);
    assert!(b + 2 >= a && b > 0, "the second follows: {b} of {a}");

    // What the relay chain has now checks nothing under the old key.
    let tip = nodes[0].collator().database().tip().unwrap();
    let parent = nodes[0].collator().database().block(tip.number - 1).unwrap().unwrap().head;
    let context = RelayFile::parse(&tip.relay).unwrap().context;
    validate_block(&parent, &context, new_keys.validity_key(), &tip.pov).unwrap();
    validate_block(&parent, &context, old_keys.validity_key(), &tip.pov).unwrap_err();
}
