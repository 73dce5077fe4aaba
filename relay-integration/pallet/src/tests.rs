//! The pallet with blocks of `payments`, proven by its collator, and with blocks of a chain whose set-up's secret is known where a
//! test wants what `payments` does not do.

use std::sync::LazyLock;

use polkadot_sdk_frame::testing_prelude::*;
use serde_json::json;
use zkpov_circuits::{chains::chain_by_name, keys::SecretKey};
use zkpov_collator::{
    Collator, author::AuthorRequest, db::ReadDatabase, files, keystore::KeyStore, paths,
    relay_file::RelayFile, setup,
};
use zkpov_prover::Options;
use zkpov_verifier::{
    block::{Proven, ProvenBlock},
    hashing::blake2b_256,
    head::Head,
    key::{KeyPolicy, ValidityKey},
    message::Outbound,
    relay::RelayContext,
    testing::{TestChain, relay::TestRelay},
    transfer::{Purpose, Transfer},
    xcm,
};

use crate::{
    Chains, Error, Event, HoldReason, Keys, check, host,
    mock::{
        AllowDevelopmentSetUps, BYTE_DEPOSIT, Balances, CHAIN_DEPOSIT, Known, OTHER, OWNER, POOR,
        RuntimeOrigin, System, Test, Validity, on_chain,
    },
};

const PARA: u32 = 2000;
const POLICY: KeyPolicy = KeyPolicy { allow_dev_setup: true };

/// A chain of `payments` and its first blocks.
struct Payments {
    key: Vec<u8>,
    genesis: Vec<u8>,
    /// Relay parent, block data, head.
    blocks: Vec<(RelayContext, Vec<u8>, Vec<u8>)>,
}

fn relay(number: u32) -> RelayContext {
    RelayContext { relay_parent_number: number, relay_parent_storage_root: [number as u8; 32] }
}

/// Two blocks, the first with a transfer, really proven; made once.
fn payments() -> &'static Payments {
    static MADE: LazyLock<Payments> = LazyLock::new(|| {
        let directory = tempfile::tempdir().expect("a directory");
        let chain = chain_by_name("payments").expect("it ships");
        let tiny = chain.tiers().first().expect("tiers").id;
        let person = |index: u8| SecretKey::from_seed([index + 1; 32]);
        let key_json = |key: &SecretKey| {
            let [x, y] = key.public_key().coordinates();
            json!({ "x": x.to_string(), "y": y.to_string() })
        };
        let accounts: Vec<_> = (0..3)
            .map(|index| json!({ "key": key_json(&person(index)), "balance": "1000000", "may_author": index == 0 }))
            .collect();
        let spec = json!({
            "chain": "payments",
            "token": { "symbol": "TEST", "decimals": 3 },
            "parameters": { "existential_deposit": "1000", "minimum_fee": "10", "permissioned_authors": true },
            "accounts": accounts,
        });
        let mut collator =
            Collator::create(&directory.path().join("chain"), chain, PARA, spec.to_string().as_bytes())
                .expect("a new chain");
        let identity = collator.info().identity;
        let (proving_key, tier_key) =
            setup::development_keys(chain, tiny, &Options::default()).expect("keys");
        let key = setup::validity_key(collator.info(), vec![tier_key]).encode();
        proving_key.write(paths::proving_key(directory.path(), tiny)).expect("written");
        files::write_atomically(&paths::validity_key(directory.path()), &key).expect("written");
        let keys = KeyStore::open(directory.path(), &identity).expect("keys");
        let transfer = json!({
            "call": "transfer", "sender": 1, "nonce": 0, "expiry": 50, "fee": "10", "amount": "500",
            "receiver": key_json(&person(2)),
        });
        let transfer = transfer.as_object().expect("an object").clone();
        let signed = chain.sign_json(&identity, transfer, &person(1)).expect("a call").to_string();
        let first = vec![chain.extrinsic_from_json(&signed).expect("an extrinsic")];
        let genesis = collator.database().tip().expect("a chain").head;
        let mut blocks = Vec::new();
        for (number, extrinsics) in [(7, first), (9, Vec::new())] {
            let relay = RelayFile::blind(relay(number));
            let request = AuthorRequest {
                extrinsics: &extrinsics,
                pending: false,
                upgrade: None,
                relay: &relay,
                author: &person(0),
                keys: &keys,
                tier: Some(tiny),
            };
            let block = collator.author(&request, &Options::default()).expect("a block").block;
            blocks.push((relay.context, block.pov, block.head));
        }
        Payments { key, genesis, blocks }
    });
    &MADE
}

fn signed(who: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

fn know(relay: &RelayContext) {
    Known::note(relay.relay_parent_number, relay.relay_parent_storage_root);
}

fn register(key: &[u8], genesis: &[u8]) -> DispatchResult {
    Validity::register(signed(OWNER), key.to_vec(), genesis.to_vec())
}

fn submit(relay: &RelayContext, block: &[u8]) -> DispatchResultWithPostInfo {
    Validity::submit(signed(OTHER), PARA, relay.relay_parent_number, block.to_vec())
}

fn held(who: u64) -> u64 {
    use polkadot_sdk_frame::traits::fungible::InspectHold;
    Balances::balance_on_hold(&HoldReason::Chain.into(), &who)
}

fn head() -> Vec<u8> {
    Chains::<Test>::get(PARA).expect("registered").head.into_inner()
}

#[test]
fn a_registered_chains_head_advances_by_proven_blocks_that_anybody_brings() {
    let chain = payments();
    on_chain(|| {
        assert_ok!(register(&chain.key, &chain.genesis));
        assert_eq!(held(OWNER), CHAIN_DEPOSIT + BYTE_DEPOSIT * chain.key.len() as u64);
        System::assert_last_event(
            Event::Registered { para: PARA, owner: OWNER, key_hash: blake2b_256(&chain.key) }.into(),
        );
        for (number, (relay, block, expected)) in (1..).zip(&chain.blocks) {
            know(relay);
            assert_ok!(submit(relay, block));
            assert_eq!(&head(), expected);
            System::assert_last_event(
                Event::Advanced { para: PARA, number, head_hash: blake2b_256(expected) }.into(),
            );
        }
    });
}

#[test]
fn a_block_counts_once_on_its_parent_and_at_its_relay_parent() {
    let chain = payments();
    let [(first_relay, first, _), (second_relay, second, _)] = &chain.blocks[..] else {
        panic!("two blocks")
    };
    on_chain(|| {
        assert_noop!(submit(first_relay, first), Error::<Test>::NotRegistered);
        assert_ok!(register(&chain.key, &chain.genesis));
        assert_noop!(submit(first_relay, first), Error::<Test>::UnknownRelayParent);
        know(first_relay);
        know(second_relay);
        assert_noop!(submit(second_relay, second), Error::<Test>::Author); // not its parent
        assert_noop!(submit(second_relay, first), Error::<Test>::Author); // not its relay parent
        assert_ok!(submit(first_relay, first));
        assert_noop!(submit(first_relay, first), Error::<Test>::Author);
        assert_ok!(submit(second_relay, second));
        assert_noop!(submit(first_relay, first), Error::<Test>::RelayParentBefore);
    });
}

#[test]
fn tampered_blocks_are_refused_for_what_is_wrong_with_them() {
    let chain = payments();
    let (relay, block, _) = &chain.blocks[0];
    let decoded = ProvenBlock::decode(block).expect("a block");
    let tamper = |change: &dyn Fn(&mut ProvenBlock)| {
        let mut block = decoded.clone();
        change(&mut block);
        block.encode()
    };
    on_chain(|| {
        assert_ok!(register(&chain.key, &chain.genesis));
        know(relay);
        assert_noop!(submit(relay, &[]), Error::<Test>::Form);
        assert_noop!(submit(relay, &[block.as_slice(), &[0]].concat()), Error::<Test>::Form);
        assert_noop!(submit(relay, &tamper(&|block| block.proven.used_slots[0] += 1)), Error::<Test>::Body);
        assert_noop!(
            submit(relay, &tamper(&|block| block.proven.upgrade = Some(vec![0; 10]))),
            Error::<Test>::Messages
        );
        assert_noop!(submit(relay, &tamper(&|block| block.proven.author += 1)), Error::<Test>::Author);
        assert_noop!(submit(relay, &tamper(&|block| block.proven.proof.fill(0))), Error::<Test>::Proof);
        let other = ProvenBlock::decode(&chain.blocks[1].1).expect("a block").proven.proof;
        assert_noop!(
            submit(relay, &tamper(&|block| block.proven.proof.clone_from(&other))),
            Error::<Test>::Proof
        );
        assert_ok!(submit(relay, block));
    });
}

#[test]
fn a_key_is_checked_when_it_is_registered_and_paid_for() {
    let chain = payments();
    on_chain(|| {
        let mut malformed = chain.key.clone();
        let end = malformed.len() - 100;
        malformed[end..].fill(0xff);
        assert_noop!(register(&malformed, &chain.genesis), Error::<Test>::Key);
        assert_noop!(register(b"\0asm\x01\0\0\0", &chain.genesis), Error::<Test>::Key);
        assert_noop!(register(&chain.key, &chain.blocks[0].2), Error::<Test>::Genesis);
        assert_noop!(register(&chain.key, b"head"), Error::<Test>::Genesis);
        AllowDevelopmentSetUps::set(false);
        assert_noop!(register(&chain.key, &chain.genesis), Error::<Test>::Key);
        AllowDevelopmentSetUps::set(true);
        let poor = Validity::register(signed(POOR), chain.key.clone(), chain.genesis.clone());
        assert!(poor.is_err() && held(POOR) == 0);
        assert_ok!(register(&chain.key, &chain.genesis));
        assert_noop!(register(&chain.key, &chain.genesis), Error::<Test>::AlreadyRegistered);
    });
}

#[test]
fn only_the_owner_deregisters_and_gets_the_deposit_back() {
    let chain = payments();
    on_chain(|| {
        assert_ok!(register(&chain.key, &chain.genesis));
        assert_noop!(Validity::deregister(signed(OTHER), PARA), Error::<Test>::NotOwner);
        assert_ok!(Validity::deregister(signed(OWNER), PARA));
        assert_eq!(held(OWNER), 0);
        assert!(Chains::<Test>::get(PARA).is_none() && Keys::<Test>::get(PARA).is_none());
        assert_noop!(Validity::deregister(signed(OWNER), PARA), Error::<Test>::NotRegistered);
    });
}

#[test]
fn the_storages_invariants_see_a_deposit_that_is_not_held_for_one_of_two_chains() {
    use polkadot_sdk_frame::traits::{fungible::MutateHold, tokens::Precision};
    let [one, other] = [PARA, PARA + 1].map(TestChain::new);
    on_chain(|| {
        for chain in [&one, &other] {
            assert_ok!(register(&chain.key.encode(), &chain.genesis.encode()));
        }
        let both = held(OWNER);
        assert_eq!(both, 2 * (CHAIN_DEPOSIT + BYTE_DEPOSIT * one.key.encode().len() as u64));
        assert_ok!(Validity::do_try_state());
        let reason = HoldReason::Chain.into();
        assert_ok!(Balances::release(&reason, &OWNER, 1, Precision::Exact));
        assert_eq!(Validity::do_try_state(), Err("all deposits of an owner are held"));
        assert_ok!(Balances::hold(&reason, &OWNER, 1));
    });
}

#[test]
fn a_byte_of_a_block_weighs_no_less_than_one_of_the_key_that_it_may_be() {
    use crate::WeightInfo;
    let slope = |weigh: fn(u32) -> Weight| weigh(1_001).ref_time() - weigh(1).ref_time();
    assert!(slope(<() as WeightInfo>::submit_upgrade) >= slope(<() as WeightInfo>::register));
    assert!(<() as WeightInfo>::submit_upgrade(0).all_gte(<() as WeightInfo>::register(0)));
}

#[test]
fn a_block_is_paid_for_as_one_with_a_new_key_and_one_without_gets_the_difference_back() {
    use crate::WeightInfo;
    use polkadot_sdk_frame::{
        deps::frame_support::dispatch::GetDispatchInfo, traits::UnfilteredDispatchable,
    };
    let (chain, relay) = (TestChain::new(PARA).with_transfers(), TestRelay::new());
    let next = ValidityKey { tiers: chain.key.tiers[1..].to_vec(), ..chain.key.clone() };
    for upgrade in [None, Some(next.encode())] {
        let plain = upgrade.is_none();
        let (context, block) =
            simulated(&chain, &chain.genesis, &relay, Proven { upgrade, ..chain.proven() });
        let bytes = block.len() as u32;
        let (submit, whole) = (<() as WeightInfo>::submit(bytes), <() as WeightInfo>::submit_upgrade(bytes));
        assert!(whole.all_gte(submit) && whole != submit);
        on_chain(|| {
            assert_ok!(register(&chain.key.encode(), &chain.genesis.encode()));
            know(&context);
            let call = crate::Call::<Test>::submit {
                para: PARA,
                relay_parent_number: context.relay_parent_number,
                block,
            };
            assert_eq!(call.get_dispatch_info().call_weight, whole);
            let spent = call.dispatch_bypass_filter(signed(OTHER)).expect("a valid block").actual_weight;
            assert_eq!(spent, plain.then_some(submit));
        });
    }
}

/// A block of the chain whose set-up's secret is known, at the relay chain's latest block.
fn simulated(chain: &TestChain, head: &Head, relay: &TestRelay, proven: Proven) -> (RelayContext, Vec<u8>) {
    let context = relay.context();
    let proven = Proven { storage_proof: relay.storage_proof(PARA), ..proven };
    (context, chain.prove(proven, head, &context).encode())
}

#[test]
fn an_upgrade_puts_another_key_of_the_same_chain_in_force_and_settles_the_deposit() {
    let (chain, relay) = (TestChain::new(PARA).with_transfers(), TestRelay::new());
    let upgrade = |key: &ValidityKey| Proven { upgrade: Some(key.encode()), ..chain.proven() };
    on_chain(|| {
        assert_ok!(register(&chain.key.encode(), &chain.genesis.encode()));
        let mut other_chain = chain.key.clone();
        other_chain.chain.para_id += 1;
        let (context, block) = simulated(&chain, &chain.genesis, &relay, upgrade(&other_chain));
        know(&context);
        assert_noop!(submit(&context, &block), Error::<Test>::UpgradeKey);

        let mut next = chain.key.clone();
        next.chain.runtime_version += 1;
        next.tiers.pop();
        let (context, block) = simulated(&chain, &chain.genesis, &relay, upgrade(&next));
        assert_ok!(submit(&context, &block));
        assert_eq!(Keys::<Test>::get(PARA).expect("registered").into_inner(), next.encode());
        assert_eq!(held(OWNER), CHAIN_DEPOSIT + BYTE_DEPOSIT * next.encode().len() as u64);
        // The old key's blocks are none any more, the new one's are.
        let head = Head::decode(&head()).expect("a head");
        let (context, stale) = simulated(&chain, &head, &relay, chain.proven());
        assert_noop!(submit(&context, &stale), Error::<Test>::Author);
        let upgraded = TestChain { key: next.clone(), ..chain.clone() };
        let (context, block) = simulated(&upgraded, &head, &relay, upgraded.proven());
        assert_ok!(submit(&context, &block));
    });
}

#[test]
fn a_block_with_messages_is_refused_where_nobody_carries_them() {
    let (chain, mut relay) = (TestChain::new(PARA).with_transfers(), TestRelay::new());
    relay.open(PARA, PARA + 1, 4, 4096);
    let purpose = Purpose::Payment { recipient: [7; 32], refund: 1 };
    let transfer = Transfer { token: PARA, amount: 5, sequence: 1, purpose };
    let horizontal = vec![(PARA + 1, xcm::message(&[transfer], PARA, PARA + 1))];
    let proven = Proven { outbound: Outbound { upward: vec![], horizontal }, ..chain.proven() };
    on_chain(|| {
        assert_ok!(register(&chain.key.encode(), &chain.genesis.encode()));
        let (context, block) = simulated(&chain, &chain.genesis, &relay, proven);
        know(&context);
        let refused = submit(&context, &block).expect_err("messages");
        assert!(matches!(refused.error, DispatchError::Other(_)));
        assert_eq!(head(), chain.genesis.encode());
    });
}

#[test]
fn the_host_function_and_the_runtimes_own_code_answer_alike() {
    let chain = payments();
    let (relay, block, _) = &chain.blocks[0];
    let mut tampered = block.clone();
    *tampered.last_mut().expect("bytes") ^= 1;
    let root = relay.relay_parent_storage_root;
    for (key, block) in [(&chain.key, block), (&chain.key, &tampered), (&block.clone(), block)] {
        for allow_dev_setup in [true, false] {
            let policy = KeyPolicy { allow_dev_setup };
            let own = check::validate_block(&chain.genesis, relay, key, policy, block);
            let number = relay.relay_parent_number;
            let node =
                host::zkpov::validate_block(&chain.genesis, number, &root, key, allow_dev_setup, block);
            assert_eq!(own, node);
        }
    }
    assert!(check::validate_block(&chain.genesis, relay, &chain.key, POLICY, block).is_ok());
}
