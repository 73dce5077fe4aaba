//! `zkpov sign`: an extrinsic, for people without a wallet.

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use zkpov_circuits::{
    keys::SecretKey,
    runtime::{AccountId, Chain},
};
use zkpov_collator::{
    chain::{self, ChainReader},
    db::ReadDatabase,
    key_file, spec,
};
use zkpov_verifier::statement::ChainIdentity;

use super::{
    failure::Failure,
    output::Output,
    values::{self, KEY_FORMS, key_json},
};

/// For how many blocks an extrinsic is valid where --expiry is not given.
const DEFAULT_LIFETIME_BLOCKS: u32 = 100;

/// Sign an extrinsic and print it as one line of JSON
///
/// With --base, everything that is not given is taken from the chain: the sender's index and nonce, the
/// chain's minimum fee, an expiry 100 blocks ahead. Without it, nothing is needed but a key file: give the chain's
/// identity and every field.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Calls of payments:\n  transfer amount=N receiver=KEY   to an account that exists\n  open amount=N \
                        receiver=KEY       to a new account, opened for that key\n  send destination=PARA amount=N \
                        recipient=KEY   to another chain\nOf a private chain's collators:\n  hold_key commitment=N new=true|false   \
                        the sender has the chain key of this commitment: `zkpov secrets` says more\nA KEY is \"x,y\" in decimal, 0x and 128 \
                        hexadecimal digits, or a key file. Amounts and fees are in the token's smallest unit.\n\nExamples:\n  \
                        zkpov sign --base chain --key alice.json transfer amount=5000 receiver=bob.json >> extrinsics.jsonl\n  \
                        zkpov sign --key alice.json --para-id 2000 --genesis-hash 0x… --sender 0 --nonce 0 --expiry 100 \
                        --fee 1000000 transfer amount=5000 receiver=bob.json"
)]
pub(crate) struct Args {
    /// The sender's key file
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// The chain's directory, as `zkpov genesis` made it
    #[arg(long, value_name = "DIR", conflicts_with_all = ["para_id", "genesis_hash", "chain"])]
    base: Option<PathBuf>,

    /// Without --base: the state machine
    #[arg(long, value_name = "NAME", default_value = "payments")]
    chain: String,

    /// Without --base: the chain's para id
    #[arg(long, value_name = "N", required_unless_present = "base")]
    para_id: Option<u32>,

    /// Without --base: the hash of the genesis head
    #[arg(long, value_name = "HASH", required_unless_present = "base", value_parser = parse_hash)]
    genesis_hash: Option<[u8; 32]>,

    /// Without --base: the version of the signed format [default: this program's]
    #[arg(long, value_name = "N", conflicts_with = "base")]
    transaction_version: Option<u32>,

    /// Index of the sender's account [default with --base: the account of the key]
    #[arg(long, value_name = "INDEX", required_unless_present = "base")]
    sender: Option<u32>,

    /// How many extrinsics the account has sent before [default with --base: what the chain says]
    #[arg(long, value_name = "N", required_unless_present = "base")]
    nonce: Option<u32>,

    /// Number of the last block in which it is valid [default with --base: 100 blocks ahead]
    #[arg(long, value_name = "BLOCK", required_unless_present = "base")]
    expiry: Option<u32>,

    /// What the block's author gets [default with --base: the chain's minimum]
    #[arg(long, value_name = "AMOUNT", required_unless_present = "base")]
    fee: Option<u64>,

    /// The call, for example `transfer`
    call: String,

    /// The call's arguments
    #[arg(value_name = "NAME=VALUE", value_parser = parse_argument)]
    arguments: Vec<(String, String)>,
}

fn parse_hash(text: &str) -> Result<[u8; 32], String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let mut hash = [0; 32];
    hex::decode_to_slice(digits, &mut hash).map_err(|_| "a hash is 64 hexadecimal digits".to_owned())?;
    Ok(hash)
}

fn parse_argument(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("an argument is NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let key = key_file::read(&args.key)?;
    let Frame { chain, identity, fields } = match &args.base {
        Some(base) => from_chain(args, &ChainReader::open(base)?, &key)?,
        None => from_arguments(args)?,
    };
    let mut unsigned = Map::new();
    unsigned.insert("call".into(), json!(args.call));
    unsigned.extend(fields);
    for (name, value) in &args.arguments {
        unsigned.insert(name.clone(), argument(value)?);
    }
    let signed = chain.sign_json(&identity, unsigned, &key).map_err(|error| {
        Failure::misuse(error).next("`zkpov sign --help` lists the calls and their arguments")
    })?;
    out.line(signed)
}

/// The chain that is signed for, and the fields that every call has.
struct Frame {
    chain: &'static dyn Chain,
    identity: ChainIdentity,
    fields: Map<String, Value>,
}

fn from_chain(args: &Args, reader: &ChainReader, key: &SecretKey) -> Result<Frame, Failure> {
    let snapshot = reader.database.snapshot()?;
    let account = reader.info.chain.account(&snapshot.state()?, AccountId::Key(key.public_key()))?;
    let missing = |what: &str| {
        Failure::misuse(format!("the key of {} has no account on this chain", args.key.display()))
            .next(format!("have one opened by a call `open`, or give --{what}"))
    };
    let sender =
        args.sender.or(account.as_ref().map(|account| account.index)).ok_or_else(|| missing("sender"))?;
    let nonce =
        args.nonce.or(account.as_ref().map(|account| account.nonce)).ok_or_else(|| missing("nonce"))?;
    let tip = snapshot.tip()?.number;
    let expiry = args.expiry.unwrap_or(tip.saturating_add(DEFAULT_LIFETIME_BLOCKS));
    let minimum = || spec::minimum_fee(&snapshot.genesis().ok()?.spec);
    let fee = args.fee.or_else(minimum).ok_or_else(|| {
        Failure::misuse("the chain's spec names no minimum fee").next("say how much to pay with --fee")
    })?;
    let fields = frame_fields(sender, nonce, expiry, fee);
    Ok(Frame { chain: reader.info.chain, identity: reader.info.identity, fields })
}

fn from_arguments(args: &Args) -> Result<Frame, Failure> {
    let chain = values::chain(&args.chain)?;
    // The parser demands them where there is no --base.
    let (Some(para_id), Some(genesis_hash), Some(sender), Some(nonce), Some(expiry), Some(fee)) =
        (args.para_id, args.genesis_hash, args.sender, args.nonce, args.expiry, args.fee)
    else {
        return Err(
            Failure::misuse("without --base, every field must be given").next("see `zkpov sign --help`")
        );
    };
    let mut identity = chain::identity(chain, para_id, genesis_hash);
    identity.transaction_version = args.transaction_version.unwrap_or(identity.transaction_version);
    Ok(Frame { chain, identity, fields: frame_fields(sender, nonce, expiry, fee) })
}

fn frame_fields(sender: u32, nonce: u32, expiry: u32, fee: u64) -> Map<String, Value> {
    let fields = [
        ("sender", json!(sender)),
        ("nonce", json!(nonce)),
        ("expiry", json!(expiry)),
        ("fee", json!(fee.to_string())),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Hexadecimal digits of 32 bytes.
const HASH_DIGITS: usize = 64;

/// An argument's value: a number, in decimal; true or false; 32 bytes; or a key, in one of its forms.
fn argument(value: &str) -> Result<Value, Failure> {
    if let Ok(flag) = value.parse::<bool>() {
        return Ok(json!(flag));
    }
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(json!(value));
    }
    let is_hash = value.strip_prefix("0x").is_some_and(|digits| {
        digits.len() == HASH_DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    });
    if is_hash {
        return Ok(json!(value));
    }
    let key = values::public_key(value).map_err(|failure| {
        Failure::misuse(format!("{value:?} is neither a number nor a key: {failure}")).next(KEY_FORMS)
    })?;
    Ok(key_json(&key))
}
