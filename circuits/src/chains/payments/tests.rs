//! The chain as a whole: circuit and native code agree, import ends where authoring did.

use std::sync::LazyLock;

use ark_relations::gr1cs::{ConstraintSystem, SynthesisMode};
use proptest::prelude::*;

use serde_json::Value;
use zkpov_verifier::field::Fr;

use super::*;
use crate::{
    pallets::balances::{
        reexecute,
        testing::{
            BALANCE, DEPOSIT, FEE, MINIMUM_FEE, TestChain, key, open, small_chain, spec, transfer, with_spec,
        },
    },
    r1cs::{R1cs, assignment},
    runtime::{
        Account, AccountId, AccountView, AuthorError, BlockWitness, Chain, Execution, ExecutionError,
        Extrinsic, Refusal, testing::proven_cases,
    },
    state::{self, MerkleProof, empty_subtree},
};

fn a_block(chain: &TestChain) -> Execution {
    chain.execute(&[transfer(chain, 1, 0, 2, 500), open(chain, 2, 0, 9, DEPOSIT)])
}

#[test]
fn an_executed_block_satisfies_the_circuit_and_follows_from_its_body() {
    let mut chain = small_chain(2, 2, 1, 4);
    let calls = [transfer(&chain, 1, 0, 2, 500), open(&chain, 2, 0, 9, DEPOSIT)];
    let block = chain.prove_and_advance(&calls);
    assert_eq!(block.included, [0, 1]);
    assert_eq!(block.used_slots[..2], [1, 1]);
}

#[test]
fn an_empty_and_a_full_block_satisfy_the_circuit() {
    let chain = small_chain(2, 2, 1, 4);
    assert!(chain.is_satisfied(&chain.execute(&[]).witness));
    let full = chain.execute(&[
        transfer(&chain, 0, 0, 2, 500),
        transfer(&chain, 1, 0, 0, 500),
        open(&chain, 2, 0, 9, DEPOSIT),
        open(&chain, 2, 1, 10, DEPOSIT),
    ]);
    assert_eq!(full.used_slots[..2], [2, 1]);
    assert_eq!(full.deferred, [3]);
    assert!(chain.is_satisfied(&full.witness));
}

/// Levels, slots and first accounts of the chain of the property tests.
const LEVELS: usize = 2;
const TRANSFERS: u32 = 3;
const OPENS: u32 = 2;
const ACCOUNTS: u8 = 5;

fn shared_shape() -> &'static R1cs {
    static SHAPE: LazyLock<R1cs> = LazyLock::new(|| {
        let chain = small_chain(LEVELS, TRANSFERS, OPENS, ACCOUNTS);
        R1cs::synthesize(|cs| chain.chain.synthesize(chain.tier_id(), None, cs)).expect("a shape")
    });
    &SHAPE
}

/// A call that may or may not be valid: kind, sender, nonce ahead of the sender's, receiver, amount.
#[derive(Clone, Debug)]
struct Attempt {
    open: bool,
    sender: u8,
    ahead: u32,
    to: u8,
    amount: u128,
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let amount = prop_oneof![
        0..=3 * DEPOSIT,
        Just(BALANCE),
        Just(u128::MAX),
        Just(BALANCE - DEPOSIT - u128::from(MINIMUM_FEE) - 1)
    ];
    (any::<bool>(), 0..ACCOUNTS, prop_oneof![6 => Just(0u32), 2 => Just(1), 1 => Just(2)], 0u8..9, amount)
        .prop_map(|(open, sender, ahead, to, amount)| Attempt { open, sender, ahead, to, amount })
}

fn signed(chain: &TestChain, attempt: &Attempt, counts: &mut [u32; ACCOUNTS as usize]) -> Extrinsic {
    let count = &mut counts[usize::from(attempt.sender)];
    let nonce = *count + attempt.ahead;
    *count += 1;
    let call = if attempt.open { open } else { transfer };
    call(chain, attempt.sender, nonce, attempt.to, attempt.amount)
}

fn nonces(chain: &TestChain) -> [u32; ACCOUNTS as usize] {
    std::array::from_fn(|i| account(chain, i as u32).expect("a first account").nonce)
}

fn account(chain: &TestChain, index: u32) -> Option<AccountView> {
    chain.chain.account(&chain.state, AccountId::Index(index)).expect("memory")
}

fn sum_of_balances(chain: &TestChain) -> u128 {
    (0..64).filter_map(|index| account(chain, index)).map(|account| account.balance).sum()
}

proptest! {
    #![proptest_config(proven_cases(24))]

    /// Native execution, the circuit, and import from the body are three tellings of one block.
    #[test]
    fn random_blocks_prove_import_and_conserve(blocks in prop::collection::vec(prop::collection::vec(attempt(), 0..9), 1..4)) {
        let mut chain = small_chain(LEVELS, TRANSFERS, OPENS, ACCOUNTS);
        let issued = sum_of_balances(&chain);
        for attempts in blocks {
            let mut counts = nonces(&chain);
            let calls: Vec<_> = attempts.iter().map(|attempt| signed(&chain, attempt, &mut counts)).collect();
            let block = chain.execute(&calls);

            let mut all: Vec<usize> = block.included.iter().chain(&block.deferred).copied().collect();
            all.extend(block.refused.iter().map(|(position, _)| *position));
            all.sort_unstable();
            prop_assert_eq!(all, (0..calls.len()).collect::<Vec<_>>());

            let values = assignment(|cs| chain.chain.synthesize(chain.tier_id(), Some(&block.witness), cs)).expect("values");
            prop_assert!(shared_shape().is_satisfied(&values));
            prop_assert_eq!(values[1], block.statement.digest());

            let applied = chain.chain.apply(&chain.state, &chain.context, chain.tier_id(), &block.used_slots, &block.body);
            let applied = applied.expect("an executed body");
            prop_assert_eq!(applied.state_root, block.state_root);
            prop_assert_eq!(&applied.changes, &block.changes);

            let included: Vec<_> = block.included.iter().map(|position| calls[*position].encode()).collect();
            let again = reexecute(chain.chain.layout(), &chain.state, &chain.context, &included);
            let (state_root, changes) = again.expect("a block of valid calls");
            prop_assert_eq!(state_root, block.state_root);
            prop_assert_eq!(records(&changes), records(&block.changes));

            chain.advance(&block);
            prop_assert_eq!(sum_of_balances(&chain), issued);
        }
    }
}

/// What a block changes beside tree nodes, which one of the two leaves out where they stay as they are.
fn records(changes: &state::ChangeSet) -> Vec<(&Vec<u8>, &Option<Vec<u8>>)> {
    changes.0.iter().filter(|(key, _)| key.first() != Some(&b'n')).collect()
}

#[test]
fn the_matrices_of_an_empty_and_of_a_full_block_are_the_same() {
    let chain = small_chain(1, 2, 1, 4);
    let matrices = |witness: Option<&BlockWitness>| {
        let cs = ConstraintSystem::<Fr>::new_ref();
        cs.set_mode(match witness {
            None => SynthesisMode::Setup,
            Some(_) => SynthesisMode::Prove { construct_matrices: true, generate_lc_assignments: false },
        });
        chain.chain.synthesize(chain.tier_id(), witness, cs.clone()).expect("a circuit");
        cs.finalize();
        cs.to_matrices().expect("matrices")
    };
    let shape = matrices(None);
    assert!(matrices(Some(&chain.execute(&[]).witness)) == shape);
    assert!(matrices(Some(&a_block(&chain).witness)) == shape);
}

#[test]
fn two_collators_with_the_same_inputs_author_the_same_block() {
    let [a, b] = [(); 2].map(|()| a_block(&small_chain(2, 2, 1, 4)));
    assert_eq!(a.statement, b.statement);
    assert_eq!(a.body, b.body);
    assert_eq!(a.changes, b.changes);
}

#[test]
fn an_account_is_found_by_index_and_by_key_with_a_proof() {
    let mut chain = small_chain(2, 2, 1, 4);
    let block = a_block(&chain);
    chain.advance(&block);
    let by_key = |i| chain.chain.account(&chain.state, AccountId::Key(key(i))).expect("memory");
    let opened = by_key(9).expect("opened");
    assert_eq!((opened.index, opened.nonce, opened.balance, opened.transferable), (4, 0, DEPOSIT, 0));
    assert!(!opened.may_author);
    assert_eq!(opened.proof.state_root(), Some(block.state_root));
    let mut other = opened.proof.clone();
    other.leaf_elements[2] += Fr::from(1u64);
    assert_eq!(other.state_root(), None);
    assert!(by_key(77).is_none());
    let author = account(&chain, 0).expect("the author");
    assert_eq!(author.balance, BALANCE + 2 * u128::from(FEE));
}

#[test]
fn an_absent_account_has_a_proof_of_absence() {
    let chain = small_chain(2, 1, 1, 4);
    let proof = MerkleProof::of::<Account>(&chain.state, chain.chain.layout(), 17).expect("memory");
    assert!(proof.leaf_elements.is_empty());
    assert_eq!(proof.state_root(), Some(chain.context.parent.state_root));
}

#[test]
fn an_empty_tree_has_the_root_of_empty_subtrees() {
    assert_eq!(empty_subtree(8), crate::gadgets::merkle::empty_root::<8>(8));
}

// What a block takes, defers and refuses.

fn refusal(block: &Execution, position: usize) -> &Refusal {
    let found = block.refused.iter().find(|(at, _)| *at == position);
    &found.expect("refused").1
}

#[test]
fn calls_out_of_order_are_taken_in_the_order_of_their_nonces() {
    let chain = small_chain(2, 3, 1, 4);
    let [second, first, third] = [1, 0, 2].map(|nonce| transfer(&chain, 1, nonce, 2, 500));
    let block = chain.execute(&[second, first, third]);
    assert_eq!(block.included, [1, 0, 2]);
    assert!(chain.is_satisfied(&block.witness));
}

#[test]
fn a_transfer_after_an_open_of_the_same_sender_is_deferred() {
    let chain = small_chain(2, 3, 1, 4);
    let open = open(&chain, 1, 0, 9, DEPOSIT);
    let after = transfer(&chain, 1, 1, 2, 500);
    let block = chain.execute(&[open, after]);
    assert_eq!((block.included, block.deferred), (vec![0], vec![1]));
}

#[test]
fn refusals_name_their_cause() {
    let mut chain = small_chain(1, 3, 1, 4);
    chain.context.parent.number = 9;
    let pay = |to, amount| transfer(&chain, 1, 0, to, amount);
    let resigned = |change: fn(&mut crate::runtime::Header)| {
        let Extrinsic { mut header, arguments, .. } = pay(2, 500);
        change(&mut header);
        chain.refusal(&chain.signed(header, arguments, 1))
    };
    let mut altered = pay(2, 500);
    altered.arguments[0] += 1;
    assert!(chain.refusal(&altered).contains("signature"));
    assert!(resigned(|header| header.sender = 7).contains("there is no account 7"));
    assert!(resigned(|header| header.nonce = 1).contains("nonce 1 is ahead"));
    assert!(resigned(|header| header.expiry = 9).contains("expired"));
    assert!(resigned(|header| header.fee = MINIMUM_FEE - 1).contains("minimum"));
    assert!(chain.refusal(&pay(2, BALANCE)).contains("can spend"));
    assert!(chain.refusal(&pay(2, BALANCE - DEPOSIT)).contains("less than the existential deposit"));
    assert!(chain.refusal(&pay(2, u128::MAX)).contains("can spend"));
    assert!(chain.refusal(&pay(1, 500)).contains("itself"));
    assert!(chain.refusal(&pay(9, 500)).contains("`open` one"));
    assert!(chain.refusal(&open(&chain, 1, 0, 2, DEPOSIT)).contains("already has account 2"));
    assert!(chain.refusal(&open(&chain, 1, 0, 9, DEPOSIT - 1)).contains("existential deposit"));
    let malformed =
        chain.chain.execute(&chain.state, &chain.context, None, &[vec![1, 2, 3]]).expect("a block");
    assert!(matches!(refusal(&malformed, 0), Refusal::Malformed(_)));
}

#[test]
fn a_full_tree_opens_no_account() {
    let mut chain = small_chain(1, 1, 2, 7);
    let block = chain.execute(&[open(&chain, 1, 0, 20, DEPOSIT), open(&chain, 1, 1, 21, DEPOSIT)]);
    assert_eq!(block.included, [0]);
    assert!(refusal(&block, 1).to_string().contains("no free account place"));
    chain.advance(&block);
    assert!(chain.is_satisfied(&chain.execute(&[]).witness));
}

#[test]
fn the_smallest_tier_that_holds_a_block_is_taken() {
    let chain = small_chain(2, 1, 1, 4);
    let payments = payments_of(2, vec![(20, vec![1, 1]), (21, vec![2, 1])]);
    let tier_of = |calls: u32| {
        let calls: Vec<_> = (0..calls).map(|nonce| transfer(&chain, 1, nonce, 2, 5).encode()).collect();
        let block = payments.execute(&chain.state, &chain.context, None, &calls).expect("a block");
        (block.tier.0, block.deferred.len())
    };
    assert_eq!([0, 1, 2, 3].map(tier_of), [(20, 0), (20, 0), (21, 0), (21, 1)]);
}

#[test]
fn an_author_without_account_key_or_permission_is_refused() {
    let mut chain = small_chain(1, 1, 1, 4);
    let mut refused = |author: u32, author_key| {
        (chain.context.author, chain.context.author_key) = (author, author_key);
        match chain.chain.execute(&chain.state, &chain.context, None, &[]) {
            Err(ExecutionError::Author(error)) => Some(error),
            _ => None,
        }
    };
    assert_eq!(refused(6, key(0)), Some(AuthorError::Unknown(6)));
    assert_eq!(refused(0, key(1)), Some(AuthorError::OtherKey(0)));
    assert_eq!(refused(1, key(1)), Some(AuthorError::NotPermitted(1)));
    assert_eq!(refused(0, key(0)), None);
    let mut open = with_spec(1, 1, 1, &spec(4, false));
    (open.context.author, open.context.author_key) = (3, key(3));
    assert!(open.is_satisfied(&open.execute(&[]).witness));
}

/// The packed body element of a call.
fn element(sender: u32, receiver: u32, amount: u128) -> [u8; 32] {
    let parts = [Fr::from(sender), Fr::from(MINIMUM_FEE), Fr::from(receiver), Fr::from(amount)];
    zkpov_verifier::field::encode(&state::pack(&[24, 64, 24, 128], &parts)[0])
}

/// Used slots of transfers and opens, and none of other lanes.
fn of_all_lanes(chain: &TestChain, used: [u32; 2]) -> Vec<u32> {
    let mut used = used.to_vec();
    used.resize(chain.tier().lanes.len(), 0);
    used
}

#[test]
fn a_body_that_no_execution_leaves_is_not_applied() {
    let chain = small_chain(1, 1, 1, 4);
    let apply = |used: [u32; 2], body: &[u8]| {
        let used = of_all_lanes(&chain, used);
        chain
            .chain
            .apply(&chain.state, &chain.context, chain.tier_id(), &used, body)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    let element = |sender, receiver, amount| element(sender, receiver, amount)[..30].to_vec();
    assert_eq!(apply([1, 0], &element(1, 2, 500)), Ok(()));
    for (body, cause) in [
        (element(1, 1, 500), "itself"),
        (element(7, 1, 500), "no account 7"),
        (element(1, 7, 500), "no account"),
        (element(1, 2, BALANCE), "can spend"),
        (element(1, 2, 500)[1..].to_vec(), "not a body"),
    ] {
        let error = apply([1, 0], &body).expect_err(cause);
        assert!(error.contains(cause), "{error}");
    }
    let open = |key: [Fr; 2], place| {
        let key = key.iter().flat_map(zkpov_verifier::field::encode);
        element(1, place, DEPOSIT).into_iter().chain(key).collect::<Vec<u8>>()
    };
    assert_eq!(apply([0, 1], &open(key(9).coordinates(), 5)), Ok(()));
    assert!(apply([0, 1], &open(key(9).coordinates(), 3)).expect_err("taken").contains("place 3 is taken"));
    assert!(
        apply([0, 1], &open(key(9).coordinates(), 8)).expect_err("beyond").contains("no account place 8")
    );
    assert!(
        apply([0, 1], &open([Fr::from(0u64), Fr::from(1u64)], 5))
            .expect_err("identity")
            .contains("no call has such a body")
    );
    assert!(apply([2, 0], &element(1, 2, 500).repeat(2)).is_err());
}

#[test]
fn an_account_opened_beyond_the_next_place_does_not_block_the_next() {
    let mut chain = small_chain(1, 1, 1, 4);
    let bytes = |e: &Fr| zkpov_verifier::field::encode(e).to_vec();
    let place = |index| {
        let element = element(1, index, DEPOSIT)[..30].to_vec();
        [element, key(20 + index as u8).coordinates().iter().flat_map(bytes).collect()].concat()
    };
    for index in [5, 4] {
        let applied = chain
            .chain
            .apply(
                &chain.state,
                &chain.context,
                chain.tier_id(),
                &of_all_lanes(&chain, [0, 1]),
                &place(index),
            )
            .expect("a place");
        chain.state.extend(applied.changes);
        chain.context.parent.state_root = applied.state_root;
    }
    let block = chain.execute(&[open(&chain, 2, 0, 30, DEPOSIT)]);
    chain.advance(&block);
    assert_eq!(account(&chain, 6).expect("after 4 and 5").key, key(30));
}

// Genesis.

#[test]
fn specs_that_are_no_chain_are_refused() {
    let chain = payments();
    let sound: Value = serde_json::from_str(&spec(2, true)).expect("json");
    assert!(chain.genesis(&sound.to_string()).is_ok());
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut spec = sound.clone();
        change(&mut spec);
        chain.genesis(&spec.to_string()).map(|_| ()).expect_err("refused").to_string()
    };
    type Change<'a> = &'a dyn Fn(&mut Value);
    let cases: [(Change<'_>, &str); 8] = [
        (&|s| s["chain"] = "exchange".into(), "is for chain `exchange`"),
        (&|s| s["accounts"][1]["key"] = s["accounts"][0]["key"].clone(), "the same key"),
        (
            &|s| s["accounts"][1]["balance"] = (DEPOSIT - 1).to_string().into(),
            "below the existential deposit",
        ),
        (&|s| s["accounts"][0]["may_author"] = false.into(), "nobody could author"),
        (&|s| s["accounts"][0]["balance"] = u128::MAX.to_string().into(), "largest issuance"),
        (&|s| s["accounts"][0]["key"]["x"] = "1".into(), "not on Baby Jubjub"),
        (&|s| s["accounts"][0]["key"] = serde_json::json!({"x": "0", "y": "1"}), "identity"),
        (&|s| s["surprise"] = 1.into(), "surprise"),
    ];
    for (change, cause) in cases {
        let error = refused(change);
        assert!(error.contains(cause), "{error}");
    }
}

// Extrinsics as JSON and bytes.

#[test]
fn json_and_bytes_of_an_extrinsic_say_the_same() {
    let chain = small_chain(1, 1, 1, 4);
    for call in [transfer(&chain, 1, 3, 2, u128::MAX), open(&chain, 2, 0, 9, 5)] {
        let bytes = call.encode();
        let json = chain.chain.extrinsic_to_json(&bytes).expect("json");
        assert_eq!(chain.chain.extrinsic_from_json(&json.to_string()), Ok(bytes.clone()));
        assert!(chain.chain.extrinsic_to_json(&bytes[1..]).is_err());
        assert!(chain.chain.extrinsic_to_json(&[bytes, vec![0]].concat()).is_err());
    }
}
