//! The people, chains and keys that the tests play with.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use zkpov_circuits::{chains::chain_by_name, keys::SecretKey, runtime::Chain};
use zkpov_collator::{Collator, files, key_file, keystore::KeyStore, relay_file::RelayFile, setup};
use zkpov_prover::Options;
use zkpov_verifier::{lane::TierId, relay::RelayContext};

pub(crate) const PARA_ID: u32 = 2000;
pub(crate) const EXISTENTIAL_DEPOSIT: u64 = 1_000;
pub(crate) const MINIMUM_FEE: u64 = 10;
const BALANCE: u64 = 1_000_000;
/// What the author has after blocks with so many extrinsics.
pub(crate) fn author_balance_after(extrinsics: u64) -> u128 {
    (BALANCE + extrinsics * MINIMUM_FEE).into()
}

/// Accounts of the genesis: account 0 authors, the others send.
const PEOPLE: u8 = 4;

/// The chain under test.
pub(crate) fn chain() -> &'static dyn Chain {
    chain_by_name("payments").expect("it ships")
}

/// The smallest tier.
pub(crate) fn tiny() -> TierId {
    chain().tiers().first().expect("a chain has tiers").id
}

/// The secret key of the account of that index.
pub(crate) fn person(index: u8) -> SecretKey {
    SecretKey::from_seed([index + 1; 32])
}

pub(crate) fn key_json(key: &SecretKey) -> Value {
    let [x, y] = key.public_key().coordinates();
    json!({ "x": x.to_string(), "y": y.to_string() })
}

pub(crate) fn spec() -> String {
    let accounts: Vec<_> = (0..PEOPLE)
        .map(|index| json!({ "key": key_json(&person(index)), "balance": BALANCE.to_string(), "may_author": index == 0 }))
        .collect();
    json!({
        "chain": "payments",
        "token": { "symbol": "TEST", "decimals": 3 },
        "parameters": {
            "existential_deposit": EXISTENTIAL_DEPOSIT.to_string(),
            "minimum_fee": MINIMUM_FEE.to_string(),
            "permissioned_authors": true,
        },
        "accounts": accounts,
    })
    .to_string()
}

/// A new collator's chain in `directory`, the same for every collator.
pub(crate) fn collator(directory: &Path) -> Collator {
    Collator::create(directory, chain(), PARA_ID, spec().as_bytes()).expect("a new chain")
}

/// The directory of the development keys of the chain, tiny tier; made once for all tests of a process.
pub(crate) fn keys_directory() -> &'static Path {
    static KEYS: LazyLock<TempDir> = LazyLock::new(|| {
        let directory = tempfile::tempdir().expect("a directory");
        let base = tempfile::tempdir().expect("a directory");
        let info = *collator(base.path()).info();
        setup::write_development_keys(directory.path(), &info, tiny(), &Options::default()).expect("keys");
        directory
    });
    KEYS.path()
}

pub(crate) fn keys(collator: &Collator) -> KeyStore {
    KeyStore::open(keys_directory(), &collator.info().identity).expect("keys of this chain")
}

pub(crate) fn relay(number: u32) -> RelayFile {
    RelayFile::blind(RelayContext {
        relay_parent_number: number,
        relay_parent_storage_root: [number as u8; 32],
    })
}

/// A signed call of the chain of `collator` as JSON: by the account of that index, whose key that is.
fn call_json(
    collator: &Collator,
    (key, sender): (&SecretKey, u32),
    nonce: u32,
    call: &str,
    arguments: &Value,
) -> Value {
    let mut fields: Map<String, Value> = arguments.as_object().expect("an object").clone();
    let terms = json!({
        "call": call, "sender": sender, "nonce": nonce, "expiry": 50, "fee": MINIMUM_FEE.to_string(),
    });
    fields.extend(terms.as_object().expect("an object").clone());
    collator.info().chain.sign_json(&collator.info().identity, fields, key).expect("a call")
}

/// The same as an extrinsic.
pub(crate) fn call(
    collator: &Collator,
    by: (&SecretKey, u32),
    nonce: u32,
    call: &str,
    arguments: &Value,
) -> Vec<u8> {
    let line = call_json(collator, by, nonce, call, arguments).to_string();
    collator.info().chain.extrinsic_from_json(&line).expect("an extrinsic")
}

/// A signed call of one of the first [`PEOPLE`], as an extrinsic.
pub(crate) fn signed_call(
    collator: &Collator,
    from: u8,
    nonce: u32,
    name: &str,
    arguments: &Value,
) -> Vec<u8> {
    call(collator, (&person(from), from.into()), nonce, name, arguments)
}

/// A signed extrinsic as a line of JSON.
pub(crate) fn signed(
    collator: &Collator,
    from: u8,
    nonce: u32,
    name: &str,
    to: &SecretKey,
    amount: u64,
) -> String {
    let arguments = json!({ "amount": amount.to_string(), "receiver": key_json(to) });
    call_json(collator, (&person(from), from.into()), nonce, name, &arguments).to_string()
}

pub(crate) fn encoded(line: &str) -> Vec<u8> {
    chain().extrinsic_from_json(line).expect("an extrinsic")
}

/// A directory with everything that the program needs, as files.
pub(crate) struct Files {
    pub(crate) directory: TempDir,
}

impl Files {
    /// A chain in `chain`, an author's key, a relay file, and one transfer.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let files = Self { directory };
        let collator = collator(&files.path("chain"));
        let transfer = signed(&collator, 1, 0, "transfer", &person(2), 500);
        files.write("extrinsics.jsonl", &format!("{transfer}\n"));
        files.write("relay.json", &relay(7).to_json());
        files.write("spec.json", &spec());
        key_file::write(&files.path("author.json"), &person(0)).expect("a new file");
        key_file::write(&files.path("alice.json"), &person(1)).expect("a new file");
        key_file::write(&files.path("bob.json"), &person(2)).expect("a new file");
        files::write_atomically(&files.path("genesis.head"), &{
            use zkpov_collator::db::ReadDatabase;
            collator.database().genesis().expect("a chain").head
        })
        .expect("written");
        files
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    /// The program, to run in this directory with these words.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zkpov"));
        let keys = keys_directory().to_str().expect("a path in UTF-8");
        command.args(words.split_whitespace().map(|word| word.replace("KEYS", keys)));
        command.current_dir(self.directory.path()).env_remove("RUST_LOG");
        command
    }

    /// Runs the program with these words, `KEYS` standing for the directory of keys.
    pub(crate) fn run(&self, words: &str) -> Ran {
        Ran(self.command(words).output().expect("the program runs"))
    }

    /// The words that author the block of these files.
    pub(crate) fn author() -> &'static str {
        "author --base chain --extrinsics extrinsics.jsonl --keys KEYS --author author.json --relay relay.json --out block-1.pov"
    }
}

/// A run of the program that has ended.
pub(crate) struct Ran(Output);

impl Ran {
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().expect("an exit code")
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).expect("text")
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).expect("text")
    }

    /// The result, which must be one JSON object and nothing else, after the exit code `code`.
    pub(crate) fn json(&self, code: i32) -> Value {
        assert_eq!(self.code(), code, "{}\n{}", self.stdout(), self.stderr());
        serde_json::from_str(&self.stdout()).unwrap_or_else(|error| panic!("{error}: {}", self.stdout()))
    }
}
