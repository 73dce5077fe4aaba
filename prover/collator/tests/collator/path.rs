//! From extrinsics to a proven block and back into another collator's chain, by the library.

use zkpov_circuits::runtime::AccountId;
use zkpov_collator::{
    Collator,
    author::{AuthorError, AuthorRequest, Authored, How},
    chain::ChainReader,
    db::ReadDatabase,
    import::ImportError,
    key_file,
    witness_pov::{ReexecutionError, WitnessPov},
};
use zkpov_prover::Options;
use zkpov_verifier::{block::ProvenBlock, head::Head};

use crate::stage::{author_balance_after, chain, collator, encoded, keys, person, relay, signed};

fn author(
    collator: &mut Collator,
    extrinsics: &[Vec<u8>],
    relay_parent: u32,
) -> Result<Authored, AuthorError> {
    let keys = keys(collator);
    let author = person(0);
    let request = AuthorRequest {
        extrinsics,
        pending: false,
        upgrade: None,
        relay: &relay(relay_parent),
        author: &author,
        keys: &keys,
        tier: None,
    };
    collator.author(&request, &Options::default())
}

/// A transfer and an opened account.
fn extrinsics(collator: &Collator) -> Vec<Vec<u8>> {
    let new = person(99);
    vec![
        encoded(&signed(collator, 1, 0, "transfer", &person(2), 500)),
        encoded(&signed(collator, 2, 0, "open", &new, 5_000)),
    ]
}

fn state_of(collator: &Collator) -> Vec<(Vec<u8>, Vec<u8>)> {
    let state = collator.database().state().unwrap();
    state.entries().unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_block_authored_by_one_collator_is_imported_by_another_with_the_same_head_and_state() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut a, mut b) = (collator(a.path()), collator(b.path()));
    let first = author(&mut a, &extrinsics(&b), 7).unwrap();
    let How::Made(made) = &first.how else { panic!("made before") };
    assert_eq!((made.included.as_slice(), made.refused.len()), ([0, 1].as_slice(), 0));
    assert_eq!(made.used_slots[..2], [1, 1]);

    let imported = b.import(keys(&b).validity_key(), &relay(7), &first.block.pov).unwrap();
    assert!(!imported.known);
    assert_eq!((&imported.block.head, imported.block.hash), (&first.block.head, first.block.hash));
    assert_eq!(state_of(&a), state_of(&b));

    let account =
        chain().account(&b.database().state().unwrap(), AccountId::Key(person(99).public_key())).unwrap();
    let account = account.expect("the account that the block opened");
    assert_eq!((account.index, account.balance), (4, 5_000));
    assert_eq!(account.proof.state_root(), Some(Head::decode(&imported.block.head).unwrap().state_root));
    let author_account =
        chain().account(&b.database().state().unwrap(), AccountId::Index(0)).unwrap().unwrap();
    assert_eq!(author_account.balance, author_balance_after(2));

    let again = b.import(keys(&b).validity_key(), &relay(7), &first.block.pov).unwrap();
    assert!(again.known, "importing it again is no error and no second block");
    assert_eq!(b.database().tip().unwrap().number, 1);

    let second = author(&mut b, &[encoded(&signed(&a, 1, 1, "transfer", &person(99), 7))], 8).unwrap();
    a.import(keys(&a).validity_key(), &relay(8), &second.block.pov).unwrap();
    assert_eq!((a.database().tip().unwrap().number, state_of(&a)), (2, state_of(&b)));
}

#[test]
fn the_same_request_gives_the_same_bytes_and_no_second_block() {
    let directory = tempfile::tempdir().unwrap();
    let offered = extrinsics(&collator(directory.path()));
    let mut once = Collator::open(directory.path()).unwrap();
    let first = author(&mut once, &offered, 7).unwrap();
    drop(once);
    let mut twice = Collator::open(directory.path()).unwrap();
    let second = author(&mut twice, &offered, 7).unwrap();
    assert!(matches!((first.how, second.how), (How::Made(_), How::Before)));
    assert_eq!(first.block.pov, second.block.pov);
    assert_eq!(twice.database().tip().unwrap().number, 1);
}

#[test]
fn two_collators_with_the_same_request_author_the_same_head() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut a, mut b) = (collator(a.path()), collator(b.path()));
    let offered = extrinsics(&a);
    let (one, other) = (author(&mut a, &offered, 7).unwrap(), author(&mut b, &offered, 7).unwrap());
    assert_eq!(one.block.head, other.block.head);
    assert_ne!(one.block.pov, other.block.pov, "proofs are randomised; heads do not depend on them");
}

#[test]
fn a_block_that_was_rolled_back_is_authored_again_from_its_pending_extrinsics() {
    let directory = tempfile::tempdir().unwrap();
    let mut collator = collator(directory.path());
    let genesis = state_of(&collator);
    let offered = extrinsics(&collator);
    let first = author(&mut collator, &offered, 7).unwrap();
    assert_eq!(collator.rollback(0).unwrap(), offered);
    assert_eq!(state_of(&collator), genesis);

    let keys = keys(&collator);
    let request = AuthorRequest {
        extrinsics: &[],
        pending: true,
        upgrade: None,
        relay: &relay(7),
        author: &person(0),
        keys: &keys,
        tier: None,
    };
    let again = collator.author(&request, &Options::default()).unwrap();
    assert!(matches!(&again.how, How::Made(made) if made.pending == 2 && made.included == [0, 1]));
    assert_eq!(again.block.head, first.block.head);
    assert!(collator.database().pending().unwrap().is_empty());

    // What is pending and asked for again is offered once.
    collator.rollback(0).unwrap();
    let both = collator
        .author(&AuthorRequest { extrinsics: &offered[..1], ..request }, &Options::default())
        .unwrap();
    assert!(matches!(&both.how, How::Made(made) if made.pending == 1 && made.included == [1, 0]));
    assert_eq!(both.block.head, first.block.head);

    collator.finalize(1).unwrap();
    collator.rollback(0).unwrap_err();
}

#[test]
fn what_is_not_valid_is_refused_with_its_position_and_reason_and_the_rest_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let mut collator = collator(directory.path());
    let mut forged = encoded(&signed(&collator, 2, 0, "transfer", &person(1), 100));
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let offered = [
        encoded(&signed(&collator, 1, 5, "transfer", &person(2), 1)),
        forged,
        encoded(&signed(&collator, 1, 0, "transfer", &person(2), 10_000_000)),
        encoded(&signed(&collator, 2, 0, "transfer", &person(1), 1)),
        encoded(&signed(&collator, 3, 0, "transfer", &person(1), 1)),
        // One more than the tier has slots.
        encoded(&signed(&collator, 3, 1, "transfer", &person(1), 1)),
    ];
    let authored = author(&mut collator, &offered, 7).unwrap();
    let How::Made(made) = &authored.how else { panic!("made before") };
    assert_eq!((made.included.as_slice(), made.deferred.as_slice()), ([3, 4].as_slice(), [5].as_slice()));
    let refused: Vec<_> =
        made.refused.iter().map(|(position, reason)| (*position, reason.to_string())).collect();
    assert_eq!(refused.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [0, 1, 2]);
    for ((_, reason), word) in refused.iter().zip(["nonce 5 is ahead", "signature", "can spend"]) {
        assert!(reason.contains(word), "{reason}");
    }
}

#[test]
fn who_may_not_author_authors_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut collator = collator(directory.path());
    let keys = keys(&collator);
    for (who, word) in [(person(1), "permissioned"), (key_file::random(), "no account")] {
        let request = AuthorRequest {
            extrinsics: &[],
            pending: false,
            upgrade: None,
            relay: &relay(7),
            author: &who,
            keys: &keys,
            tier: None,
        };
        let error = collator.author(&request, &Options::default()).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    assert_eq!(collator.database().tip().unwrap().number, 0);
}

#[test]
fn a_relay_parent_before_the_parents_is_refused_before_anything_is_proven() {
    let directory = tempfile::tempdir().unwrap();
    let mut collator = collator(directory.path());
    author(&mut collator, &[], 7).unwrap();
    let error = author(&mut collator, &[], 6).unwrap_err();
    assert!(matches!(error, AuthorError::RelayParent { given: 6, parent: 7 }), "{error}");
    assert_eq!(collator.database().tip().unwrap().number, 1);
}

#[test]
fn a_tampered_block_is_refused_and_nothing_is_written() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut a, mut b) = (collator(a.path()), collator(b.path()));
    let offered = extrinsics(&a);
    let pov = author(&mut a, &offered, 7).unwrap().block.pov;
    let key = keys(&b);
    let before = state_of(&b);
    let mut block = ProvenBlock::decode(&pov).unwrap();
    block.proven.body[7] ^= 1;
    let mut flipped = pov.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    for (tampered, relay_parent) in
        [(block.encode(), 7), (flipped, 7), (pov[..pov.len() - 1].to_vec(), 7), (pov.clone(), 8)]
    {
        let error = b.import(key.validity_key(), &relay(relay_parent), &tampered).unwrap_err();
        assert!(error.is_refusal(), "{error}");
    }
    assert_eq!((b.database().tip().unwrap().number, state_of(&b)), (0, before));
    b.import(key.validity_key(), &relay(7), &pov).expect("the block itself is valid");
}

#[test]
fn the_key_of_another_chain_is_not_even_tried() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut a = collator(a.path());
    let spec = crate::stage::spec();
    let mut other = Collator::create(b.path(), chain(), 2001, spec.as_bytes()).unwrap();
    let offered = extrinsics(&a);
    let pov = author(&mut a, &offered, 7).unwrap().block.pov;
    let error = other.import(keys(&a).validity_key(), &relay(7), &pov).unwrap_err();
    assert!(matches!(error, ImportError::OtherChain { what: "the para id", .. }), "{error}");
}

#[test]
fn readers_see_the_chain_while_a_collator_has_it_open() {
    let directory = tempfile::tempdir().unwrap();
    let mut collator = collator(directory.path());
    author(&mut collator, &[], 7).unwrap();
    let reader = ChainReader::open(directory.path()).unwrap();
    assert_eq!(reader.database.tip().unwrap().number, 1);
    Collator::open(directory.path()).expect_err("a second writer");
}

#[test]
fn executing_again_from_a_witness_ends_in_the_proven_state_and_checks_the_witness() {
    use zkpov_circuits::{
        chains::payments,
        runtime::{BlockContext, Messages},
        state::StateReader,
    };
    use zkpov_verifier::statement;

    let directory = tempfile::tempdir().unwrap();
    let mut collator = collator(directory.path());
    let (parent, state) = (collator.parent().unwrap(), collator.database().state().unwrap());
    let offered = extrinsics(&collator);
    let context = BlockContext {
        identity: collator.info().identity,
        parent,
        relay_parent_number: 7,
        author: 0,
        author_key: person(0).public_key(),
        context: statement::context(&parent.hash, &[]),
        upgrade: None,
        messages: Messages::default(),
        chain_keys: Vec::new(),
    };
    let payments = payments();
    let witness = WitnessPov::build(&payments, &state, &context, offered.clone()).unwrap();
    let head = author(&mut collator, &offered, 7).unwrap().block.head;
    let root = witness.reexecute(&payments, &context).unwrap();
    assert_eq!(root, Head::decode(&head).unwrap().state_root);
    assert!(witness.bytes().nodes > 0 && witness.bytes().records > 0);

    // A state in which account 1 is richer than the parent's head says.
    struct Richer<'a>(&'a dyn StateReader, Vec<u8>);
    impl StateReader for Richer<'_> {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, zkpov_circuits::state::StateError> {
            let mut value = self.0.get(key)?;
            if key == self.1.as_slice()
                && let Some(last) = value.as_mut().and_then(|bytes| bytes.last_mut())
            {
                *last ^= 1;
            }
            Ok(value)
        }
    }
    let richer = Richer(&state, zkpov_circuits::state::keys::record(0, 1));
    let forged = WitnessPov::build(&payments, &richer, &context, offered).unwrap();
    let error = forged.reexecute(&payments, &context).unwrap_err();
    assert!(matches!(error, ReexecutionError::Witness), "{error}");
}
