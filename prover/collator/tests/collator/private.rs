//! A private chain's collators: what is wrapped for each, a key that is changed under real proofs, and a service of two.

use std::{path::Path, sync::Arc};

use serde_json::{Value, json};
use tempfile::TempDir;
use zkpov_circuits::{
    chains::{chain_by_name, private_payments_of},
    runtime::{
        Chain, ExecutionError,
        vault::{Rotation, Vault, commitment},
    },
    state::read_record,
};
use zkpov_collator::{
    Collator,
    author::{AuthorError, AuthorRequest, Authored, How},
    chain_keys,
    db::ReadDatabase,
    import::ImportError,
    keystore::KeyStore,
    paths,
    pool::{Limits, Pool},
    relay::{
        Relay,
        local::{Config, LocalRelay},
        shared::SharedRelay,
    },
    secrets,
    service::node::{Conduct, Done, Node},
    setup,
    wrapping::{self, Card},
};
use zkpov_prover::Options;
use zkpov_verifier::lane::TierId;

use crate::stage::{Files, PARA_ID, key_json, person, relay, signed_call as signed, spec};

fn chain() -> &'static dyn Chain {
    chain_by_name("private-payments").expect("it ships")
}

fn tiny() -> TierId {
    chain().tiers().first().expect("a tier").id
}

/// Collators 0 and 1 take turns of one relay block.
fn private_spec() -> Value {
    let mut spec: Value = serde_json::from_str(&spec()).expect("a spec");
    spec["chain"] = "private-payments".into();
    spec["rotation"] = json!({ "turn": 1, "seats": [0, 1] });
    spec["accounts"][1]["may_author"] = true.into();
    spec
}

/// The chain with slots for all that it takes to take a seat: few accounts, and one tier.
fn governed() -> &'static dyn Chain {
    // Slots to transfer, open, receive, send, propose, vote, unlock, donate, close, enact and hold a key.
    let tiers = vec![(17, vec![1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1])];
    Box::leak(Box::new(private_payments_of(1, tiers)))
}

/// Collators 0, 1 and 2 take turns of one relay block, and a vote of one block takes a seat.
fn governed_spec() -> Value {
    let mut spec = private_spec();
    spec["rotation"]["seats"] = json!([0, 1, 2]);
    spec["accounts"][2]["may_author"] = true.into();
    spec["pallets"] = json!({ "governance": {
        "treasury": "0", "deposit": "10", "voting_period": 1, "enactment_delay": 0, "enactment_window": 100,
        "lock_period": 1, "quorum_per_mille": 1,
    } });
    spec
}

/// Chains of one genesis, each with a database of its own, and the keys to prove with.
struct Homes {
    directory: TempDir,
    keys: KeyStore,
}

impl Homes {
    fn new(names: &[&str]) -> (Self, Vec<Collator>) {
        Self::of(chain(), tiny(), &private_spec(), names)
    }

    fn of(chain: &'static dyn Chain, tier: TierId, spec: &Value, names: &[&str]) -> (Self, Vec<Collator>) {
        let directory = tempfile::tempdir().expect("a directory");
        let secrets = secrets::create(&directory.path().join("secrets.json")).expect("new secrets");
        let spec = secrets::join(spec.to_string().as_bytes(), &secrets).expect("a spec");
        let create = |name: &&str| {
            Collator::create(&directory.path().join(name), chain, PARA_ID, &spec).expect("a new chain")
        };
        let collators: Vec<Collator> = names.iter().map(create).collect();
        let info = *collators.first().expect("a collator").info();
        let keys = directory.path().join("keys");
        setup::write_development_keys(&keys, &info, tier, &Options::default()).expect("keys");
        let keys = KeyStore::open(&keys, &info.identity).expect("keys");
        (Self { directory, keys }, collators)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// The next block of a collator in its turn: even relay parents are person 0's, odd ones person 1's.
    fn author(&self, collator: &mut Collator, at: u32, calls: &[Vec<u8>]) -> Result<Authored, AuthorError> {
        let authored = self.author_as(collator, (at % 2) as u8, at, calls)?;
        if let How::Made(made) = &authored.how {
            assert!(made.refused.is_empty(), "{:?}", made.refused);
        }
        Ok(authored)
    }

    /// The next block, by that person.
    fn author_as(
        &self,
        collator: &mut Collator,
        who: u8,
        at: u32,
        calls: &[Vec<u8>],
    ) -> Result<Authored, AuthorError> {
        let author = person(who);
        let request = AuthorRequest {
            extrinsics: calls,
            pending: false,
            upgrade: None,
            relay: &relay(at),
            author: &author,
            keys: &self.keys,
            tier: None,
        };
        collator.author(&request, &Options::default())
    }

    fn import(&self, collator: &mut Collator, at: u32, block: &Authored) -> Result<(), ImportError> {
        collator.import(self.keys.validity_key(), &relay(at), &block.block.pov).map(drop)
    }
}

fn vault(collator: &Collator) -> Vault {
    read_record(&collator.database().state().expect("a state"), 0).expect("readable").expect("a vault")
}

fn root(collator: &Collator) -> String {
    collator.parent().expect("a head").state_root.to_string()
}

#[test]
fn collators_change_the_key_that_each_got_wrapped_and_who_has_only_the_old_one_stops_there() {
    let (homes, mut collators) = Homes::new(&["a", "b", "left"]);
    let [a, b, left] = &mut collators[..] else { panic!("three") };
    let before = vault(a).secrets.chain_key.clone();

    // Person 0 makes the next key and wraps it for person 1.
    let key = chain_keys::random();
    chain_keys::keep(&homes.path("a"), &key).unwrap();
    let (card, wrapped) = (homes.path("b.pub"), homes.path("b.wrapped"));
    Card::of(&person(1)).write(&card).unwrap();
    Card::read(&card).unwrap().wrap(&chain_keys::encode(&key).unwrap(), &wrapped).unwrap();
    let hold = |new: bool| json!({ "commitment": commitment(&key).to_string(), "new": new });

    let brings = signed(a, 0, 0, "hold_key", &hold(true));
    let block = homes.author(a, 2, &[brings]).unwrap();
    homes.import(b, 2, &block).unwrap();
    homes.import(left, 2, &block).unwrap();
    assert!(vault(b).rotation.next.0 == commitment(&key) && vault(b).secrets.chain_key == before);

    // Person 1 opens it, finds that it is the pending one, and signs.
    let opened = chain_keys::decode(&wrapping::unwrap(&wrapped, &person(1)).unwrap(), &wrapped).unwrap();
    assert_eq!(chain_keys::keep(&homes.path("b"), &opened).unwrap(), vault(b).rotation.next.0);
    let signs = signed(b, 1, 0, "hold_key", &hold(false));
    let block = homes.author(b, 3, &[signs]).unwrap();
    homes.import(a, 3, &block).unwrap();
    homes.import(left, 3, &block).unwrap();
    assert!(vault(a).secrets.chain_key == before, "in force from the next block on");

    // The first block under the new key.
    let pays = signed(a, 2, 0, "transfer", &json!({ "amount": "500", "receiver": key_json(&person(3)) }));
    let block = homes.author(a, 4, &[pays]).unwrap();
    homes.import(b, 4, &block).unwrap();
    assert!(vault(b).secrets.chain_key == key && vault(b).rotation == Rotation::NONE);
    assert_eq!(root(a), root(b));
    let stopped = (root(left), homes.import(left, 4, &block).unwrap_err());
    assert!(matches!(&stopped.1, ImportError::ChainKey(_)), "{}", stopped.1);
    assert!(stopped.1.to_string().contains(&chain_keys::name(&commitment(&key))));
    assert_eq!(root(left), stopped.0, "nothing was written");
    let refused = homes.author(left, 4, &[]).unwrap_err();
    assert!(matches!(refused, AuthorError::Execution(_)), "{refused}");

    // The state has the key now: the files of it are for rollbacks.
    std::fs::remove_dir_all(paths::chain_keys(&homes.path("b"))).unwrap();
    let block = homes.author(b, 5, &[]).unwrap();
    homes.import(a, 5, &block).unwrap();
    assert_eq!(root(a), root(b));
}

/// A collator leaves: what it can do and read from when on.
#[test]
fn a_collator_whose_seat_was_taken_reads_no_body_once_all_that_remain_have_signed_for_the_next_key() {
    let tier = governed().tiers().first().expect("a tier").id;
    let (homes, mut collators) = Homes::of(governed(), tier, &governed_spec(), &["a", "b", "leaver"]);
    let [a, b, leaver] = &mut collators[..] else { panic!("three") };
    let first = vault(a).secrets.chain_key.clone();

    // Governance takes the third seat; the leaver itself could have made any of these blocks.
    let holder = json!({ "account": 2, "key": key_json(&person(2)) });
    let action = json!({ "author": { "who": holder, "may_author": false, "seat": 2 } });
    let vote = json!({ "proposal": 0, "number": 1, "aye": true, "conviction": 1, "stake": "500000", "action": action });
    let calls = [
        (3, signed(a, 1, 0, "propose", &json!({ "action": action }))),
        (6, signed(a, 3, 0, "vote", &vote)),
        (9, signed(a, 1, 1, "enact", &json!({ "proposal": 0, "number": 1 }))),
    ];
    for (at, call) in calls {
        let block = homes.author_as(a, 0, at, &[call]).unwrap();
        assert!(matches!(&block.how, How::Made(made) if made.included == [0]), "{:?}", block.how);
        homes.import(b, at, &block).unwrap();
        homes.import(leaver, at, &block).unwrap();
    }
    for at in 10..13 {
        let seatless = homes.author_as(leaver, 2, at, &[]).map(drop);
        assert!(matches!(seatless, Err(AuthorError::Execution(ExecutionError::Author(_)))), "{seatless:?}");
    }

    // Person 0 brings the next key, which goes to person 1 alone.
    let key = chain_keys::random();
    chain_keys::keep(&homes.path("a"), &key).unwrap();
    let wrapped = homes.path("b.wrapped");
    Card::of(&person(1)).wrap(&chain_keys::encode(&key).unwrap(), &wrapped).unwrap();
    assert!(wrapping::unwrap(&wrapped, &person(2)).is_err(), "wrapped for another");
    let hold = |new: bool| json!({ "commitment": commitment(&key).to_string(), "new": new });
    let brings = signed(a, 0, 0, "hold_key", &hold(true));
    let block = homes.author(a, 14, &[brings]).unwrap();
    homes.import(b, 14, &block).unwrap();
    homes.import(leaver, 14, &block).unwrap();

    // One of two has signed, and the leaver's signature is none: blocks are under the old key, and the leaver reads them.
    let intrudes = signed(leaver, 2, 0, "hold_key", &hold(false));
    let pays = signed(b, 3, 1, "transfer", &json!({ "amount": "500", "receiver": key_json(&person(1)) }));
    let block = homes.author_as(b, 1, 15, &[intrudes, pays]).unwrap();
    let How::Made(made) = &block.how else { panic!("made before") };
    assert_eq!((made.included.as_slice(), made.refused.len()), ([1].as_slice(), 1), "{made:?}");
    homes.import(a, 15, &block).unwrap();
    homes.import(leaver, 15, &block).unwrap();
    assert_eq!(root(a), root(leaver));
    assert!(vault(a).secrets.chain_key == first);

    // The last one signs. The block that says so is still under the old key.
    let opened = chain_keys::decode(&wrapping::unwrap(&wrapped, &person(1)).unwrap(), &wrapped).unwrap();
    chain_keys::keep(&homes.path("b"), &opened).unwrap();
    let signs = signed(b, 1, 2, "hold_key", &hold(false));
    let block = homes.author(b, 17, &[signs]).unwrap();
    homes.import(a, 17, &block).unwrap();
    homes.import(leaver, 17, &block).unwrap();
    assert!(vault(a).secrets.chain_key == first);

    // From here on the leaver reads nothing, whatever key it tries.
    let before = root(leaver);
    for (at, who) in [(18, 0), (19, 1)] {
        let (author, other) = if who == 0 { (&mut *a, &mut *b) } else { (&mut *b, &mut *a) };
        let block = homes.author(author, at, &[]).unwrap();
        homes.import(other, at, &block).unwrap();
        chain_keys::keep(&homes.path("leaver"), &chain_keys::random()).unwrap();
        let closed = homes.import(leaver, at, &block);
        match who {
            0 => assert!(matches!(closed, Err(ImportError::ChainKey(_))), "{closed:?}"),
            // Without the block before it the next is on another parent.
            _ => assert!(closed.is_err()),
        }
    }
    assert!(vault(a).secrets.chain_key == key && root(a) == root(b));
    assert_eq!(root(leaver), before);
}

fn node(homes: &Homes, collator: Collator, person_number: u8, relay: &SharedRelay) -> Node {
    let pool = Pool::open(collator.handle(), *collator.info(), Limits::default()).expect("a pool");
    let keys = KeyStore::open(&homes.path("keys"), &collator.info().identity).expect("keys");
    let conduct = Conduct { register: person_number == 0, empty_blocks: true, ..Conduct::default() };
    let author = (person_number == 0).then(|| person(0));
    Node::new(collator, keys, author, Arc::new(pool), Arc::new(relay.clone()), conduct)
}

#[test]
fn a_second_collator_follows_a_private_chain_through_the_relay_chain() {
    let (homes, mut collators) = Homes::new(&["a", "b"]);
    let (b, a) = (collators.pop().expect("two"), collators.pop().expect("two"));
    let relay = SharedRelay::new(LocalRelay::new(Config::default()));
    let (mut a, mut b) = (node(&homes, a, 0, &relay), node(&homes, b, 1, &relay));
    let step = |node: &mut Node| node.step(&relay.heads().expect("heads"), &Options::default());
    step(&mut a).unwrap();
    relay.with(LocalRelay::produce);
    relay.with(|relay| relay.lease(PARA_ID, 100)).unwrap();
    let mut imported = 0;
    for _ in 0..12 {
        relay.with(LocalRelay::produce);
        // Its turns are those of even relay parents alone.
        if let Err(error) = step(&mut a) {
            assert!(error.to_string().contains("turn"), "{error}");
        }
        let done = step(&mut b).unwrap();
        imported += done.iter().filter(|done| matches!(done, Done::Imported { .. })).count();
    }
    assert!(imported >= 2, "{imported} blocks");
    let number = b.collator().database().tip().unwrap().number;
    let [mine, its] = [&a, &b].map(|node| node.collator().database().head(number).unwrap());
    assert_eq!(mine, its);
}

/// `zkpov secrets`, by its words.
#[test]
fn the_program_wraps_and_unwraps_and_says_what_is_wrong() {
    let files = Files::new();
    files.run("secrets secrets.json --json").json(0);
    assert!(files.run("secrets new secrets.json").stderr().contains("exists"), "never overwritten");
    assert_eq!(files.run("secrets key --author bob.json --out bob.pub").code(), 0);
    let wrapped = files.run("secrets wrap --secrets secrets.json --to bob.pub --out . --json").json(0);
    assert_eq!(wrapped["files"][0]["account"], key_json(&person(2)));
    let refused = files.run("secrets unwrap bob.wrapped --author alice.json --out alice-secrets.json");
    assert!(refused.code() == 2 && refused.stderr().contains("wrapped for another collator"));
    files.run("secrets unwrap bob.wrapped --author bob.json --out bob-secrets.json --json").json(0);
    let read = |name: &str| std::fs::read(files.path(name)).unwrap();
    assert_eq!(read("secrets.json"), read("bob-secrets.json"));
    for private in ["secrets.json", "bob-secrets.json"] {
        assert!(owner_only(&files.path(private)), "{private}");
    }

    files.write("private.json", &private_spec().to_string());
    let genesis =
        "genesis --chain private-payments --para-id 2000 --spec private.json --secrets secrets.json --out";
    for home in ["one", "two"] {
        files.run(&format!("{genesis} {home} --json")).json(0);
    }
    let made = files.run("secrets rotate --base one --json").json(0);
    assert_eq!(made["seats"], 2);
    let kept = paths::chain_keys(&files.path("one")).join(format!("{}.json", made["file"].as_str().unwrap()));
    assert!(owner_only(&kept));
    files.run("secrets wrap --base one --to bob.pub --out . --json").json(0);
    let unwrapped = files.run("secrets unwrap bob.wrapped --author bob.json --base two --json").json(0);
    assert_eq!((&unwrapped["commitment"], &unwrapped["pending"]), (&made["commitment"], &json!(false)));
    files.run("secrets rotate --base one --json").json(0);
    let two = files.run("secrets wrap --base one --to bob.pub --out .");
    assert!(two.code() == 2 && two.stderr().contains("--commitment"));
    assert!(files.run("secrets rotate --base chain").stderr().contains("public chain"));
    let hold = format!(
        "sign --base one --key author.json hold_key commitment={} new=true",
        made["commitment"].as_str().unwrap()
    );
    assert!(files.run(&hold).stdout().contains("hold_key"));
}

fn owner_only(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).unwrap().permissions().mode() & 0o077 == 0
    }
    #[cfg(not(unix))]
    path.exists()
}
