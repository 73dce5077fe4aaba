//! `zkpov account`: a look at an account.

use std::{path::PathBuf, str::FromStr};

use ark_bn254::Fr;
use serde::Deserialize;
use serde_json::{Value, json};
use zkpov_circuits::{
    runtime::{ACCOUNTS, Account, AccountView},
    state::{MerkleProof, Record, Value as _},
};
use zkpov_collator::{chain::ChainReader, db::ReadDatabase, spec};
use zkpov_verifier::{babyjubjub::Point, eddsa::PublicKey, head::Head};

use super::{
    amount::amount,
    failure::Failure,
    output::{Output, grouped, table},
    values::{self, field, hex, key_json},
};

/// What an account proof says it is.
pub(crate) const FORMAT: &str = "zkpov-account/1";

/// Show an account, with a Merkle proof that it is in the state
///
/// With --json the output is an account proof: `zkpov inspect` checks it, and so does any program that has
/// circomlib's Poseidon (fixtures/js/check-account-proof.mjs does with circomlibjs). docs/cli.md has its form.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  zkpov account --base chain 0\n  zkpov account --base chain alice.json\n  zkpov account \
                        --base chain 0 --json > account.json && zkpov inspect account.json"
)]
pub(crate) struct Args {
    /// The chain's directory, as `zkpov genesis` made it
    #[arg(long, value_name = "DIR")]
    base: PathBuf,

    /// The account: its index; or its key as "x,y", as 0x…, or as a key file
    #[arg(value_name = "KEY|INDEX")]
    who: String,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let who = values::account(&args.who)?;
    let reader = ChainReader::open(&args.base)?;
    let snapshot = reader.database.snapshot()?;
    let account = reader.info.chain.account(&snapshot.state()?, who)?.ok_or_else(|| {
        Failure::refused(format!("there is no account {} on this chain", args.who))
            .next("an account is opened by a call `open` to its key, or by the chain spec")
    })?;
    let tip = snapshot.tip()?;
    let state_root = Head::decode(&tip.head)?.state_root;
    let token = spec::token(&snapshot.genesis()?.spec, reader.info.chain.token());
    let value = json!({
        "format": FORMAT,
        "block": { "number": tip.number, "hash": hex(&tip.hash) },
        "state_root": field(&state_root),
        "account": account_json(&account),
        "proof": proof_json(&account.proof),
    });
    let [x, y] = account.key.coordinates();
    let holds = account.proof.state_root() == Some(state_root);
    let text = table([
        ("account", grouped(account.index)),
        ("public x", field(&x)),
        ("public y", field(&y)),
        ("balance", amount(account.balance, &token)),
        ("transferable", amount(account.transferable, &token)),
        ("next nonce", grouped(account.nonce)),
        ("may author", if account.may_author { "yes" } else { "no" }.to_owned()),
        ("after block", format!("{} ({})", grouped(tip.number), hex(&tip.hash))),
        ("state root", field(&state_root)),
        (
            "Merkle proof",
            if holds { "leads to this state root (--json prints it)" } else { "DOES NOT HOLD" }.to_owned(),
        ),
    ]);
    if !holds {
        return Err(Failure::misuse("the account's Merkle proof does not lead to the head's state root")
            .next("the database is damaged; restore it, or make a new one and import the chain's blocks"));
    }
    out.result(&value, &text)
}

fn account_json(account: &AccountView) -> Value {
    json!({
        "index": account.index,
        "key": key_json(&account.key),
        "nonce": account.nonce,
        "balance": account.balance.to_string(),
        "transferable": account.transferable.to_string(),
        "may_author": account.may_author,
    })
}

fn proof_json(proof: &MerkleProof) -> Value {
    let list = |elements: &[Fr]| elements.iter().map(field).collect::<Vec<_>>();
    json!({
        "storage": proof.storage,
        "index": proof.index,
        "leaf_elements": list(&proof.leaf_elements),
        "siblings": proof.siblings.iter().map(|level| list(level)).collect::<Vec<_>>(),
        "storage_roots": list(&proof.storage_roots),
    })
}

/// An account proof that was read.
pub(crate) struct Read {
    /// The account's index.
    pub(crate) index: u32,
    /// Whether the leaf is that of the account beside it.
    pub(crate) leaf_matches: bool,
    /// The state root the file names.
    pub(crate) state_root: Fr,
    /// The state root the path leads to, if it leads to one.
    pub(crate) leads_to: Option<Fr>,
}

/// Reads an account proof; `None` if it has not the form of one.
pub(crate) fn read_proof(value: &Value) -> Option<Read> {
    let written: Written = serde_json::from_value(value.clone()).ok()?;
    let element = |text: &String| Fr::from_str(text).ok();
    let elements = |texts: &[String]| texts.iter().map(element).collect::<Option<Vec<_>>>();
    let siblings = written.proof.siblings.iter().map(|level| elements(level)?.try_into().ok());
    let proof = MerkleProof {
        storage: written.proof.storage,
        index: written.proof.index,
        leaf_elements: elements(&written.proof.leaf_elements)?,
        siblings: siblings.collect::<Option<_>>()?,
        storage_roots: elements(&written.proof.storage_roots)?.try_into().ok()?,
    };
    let WrittenAccount { index, key, nonce, balance, may_author } = written.account;
    let key = PublicKey::new(Point { x: element(&key.x)?, y: element(&key.y)? }).ok()?;
    let account = Account { key, nonce, may_author, balance: balance.parse().ok()? };
    let of_account = proof.storage == ACCOUNTS && proof.index == index;
    Some(Read {
        index,
        leaf_matches: of_account && proof.leaf_elements == Account::leaf_elements(&account.elements()),
        state_root: element(&written.state_root)?,
        leads_to: proof.state_root(),
    })
}

/// An account proof as it is written.
#[derive(Deserialize)]
struct Written {
    state_root: String,
    account: WrittenAccount,
    proof: WrittenProof,
}

#[derive(Deserialize)]
struct WrittenAccount {
    index: u32,
    key: WrittenKey,
    nonce: u32,
    balance: String,
    may_author: bool,
}

#[derive(Deserialize)]
struct WrittenKey {
    x: String,
    y: String,
}

#[derive(Deserialize)]
struct WrittenProof {
    storage: u8,
    index: u32,
    leaf_elements: Vec<String>,
    siblings: Vec<Vec<String>>,
    storage_roots: Vec<String>,
}
