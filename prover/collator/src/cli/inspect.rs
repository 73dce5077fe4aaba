//! `zkpov inspect`: any of our files, as text or as JSON.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zkpov_circuits::chains::chains;
use zkpov_collator::{extrinsics, files, key_file, relay_file::RelayFile};
use zkpov_prover::ProvingKey;
use zkpov_verifier::{
    block::{BLOCK_MAGIC, ProvenBlock},
    hashing::blake2b_256,
    head::{Head, MAX_HEAD_BYTES},
    key::{KEY_MAGIC, Setup, ValidityKey},
    message::{Inbound, MessageFormat, Outbound},
    transfer::{Purpose, Transfer},
    xcm,
};

use super::{
    account,
    failure::Failure,
    output::{Output, bytes, grouped, table},
    values::{self, field, hex, key_json},
};

/// The most bytes of a file that is read whole: a chain spec with many accounts.
const MAX_FILE_BYTES: u64 = 256 << 20;
/// The most extrinsics that are listed one by one as text.
const LISTED_EXTRINSICS: usize = 20;

/// Show what is in a file, whichever of ours it is
///
/// Knows proven blocks, heads, validity keys, proving keys, key files (without the secret), chain specs,
/// extrinsics, relay files and account proofs, which it also checks.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 shown, 1 the file is damaged or its proof does not hold, 2 it is none of ours.\n\n\
                        Examples:\n  zkpov inspect block-1.pov\n  zkpov inspect keys/validity.key --json"
)]
pub(crate) struct Args {
    /// The file
    file: PathBuf,
}

/// What a file holds, for a machine and for a person.
struct Shown {
    value: Value,
    text: String,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let shown = show(&args.file, out)?;
    out.result(&shown.value, &shown.text)
}

fn show(path: &Path, out: Output) -> Result<Shown, Failure> {
    let start = values::start_of(path)?;
    if start == ProvingKey::MAGIC {
        return proving_key(path);
    }
    if start.starts_with(DATABASE_MAGIC) {
        return Err(Failure::misuse(format!("{} is a chain's database", path.display()))
            .next("look into it with `zkpov account --base` and its directory"));
    }
    let content = files::read_bounded(path, MAX_FILE_BYTES)?;
    let damaged = |error: &dyn std::fmt::Display| Failure::refused(format!("{}: {error}", path.display()));
    if content.starts_with(BLOCK_MAGIC) {
        return ProvenBlock::decode(&content)
            .map(|block| proven_block(&block, content.len()))
            .map_err(|e| damaged(&e));
    }
    if content.starts_with(KEY_MAGIC) {
        return ValidityKey::decode(&content).map(|key| validity_key(&key, out)).map_err(|e| damaged(&e));
    }
    if let Ok(value) = serde_json::from_slice::<Value>(&content)
        && let Some(shown) = json_file(path, &content, &value)?
    {
        return Ok(shown);
    }
    if let Some(shown) = extrinsics_file(&content) {
        return Ok(shown);
    }
    match Head::decode(&content) {
        Ok(head) => Ok(show_head(&head, &content)),
        Err(error) if content.len() <= MAX_HEAD_BYTES && content.first() != Some(&b'{') => {
            Err(Failure::misuse(format!("{} is none of our files (read as a head: {error})", path.display())))
        }
        Err(_) => Err(Failure::misuse(format!("{} is none of our files", path.display()))
            .next("`zkpov inspect --help` lists those it knows")),
    }
}

/// First bytes of a redb file.
const DATABASE_MAGIC: &[u8] = b"redb";

fn proving_key(path: &Path) -> Result<Shown, Failure> {
    let key =
        ProvingKey::open(path).map_err(|error| Failure::refused(format!("{}: {error}", path.display())))?;
    let value = json!({
        "file": "proving key",
        "circuit_digest": hex(key.circuit_digest()),
        "constraints": key.num_constraints(),
        "instance_variables": key.num_instance(),
        "witness_variables": key.num_witness(),
        "domain": key.domain_size(),
        "bytes": key.file_length(),
        "sections": key.sections().map(|(section, length)| json!({ "name": section.to_string(), "bytes": length }))
            .collect::<Vec<_>>(),
    });
    let text = table([
        ("proving key", bytes(key.file_length())),
        ("circuit digest", hex(key.circuit_digest())),
        ("constraints", grouped(key.num_constraints())),
        ("variables", grouped(key.num_instance() + key.num_witness())),
        ("domain", grouped(key.domain_size())),
        ("not checked", "`zkpov keys check` looks at every point".to_owned()),
    ]);
    Ok(Shown { value, text })
}

fn proven_block(block: &ProvenBlock, length: usize) -> Shown {
    let proven = &block.proven;
    let value = json!({
        "file": "proven block",
        "bytes": length,
        "tier": proven.tier.0,
        "used_slots": proven.used_slots,
        "state_root": field(&proven.state_root),
        "author": { "index": proven.author, "key": key_json(&proven.author_key) },
        "body": hex(&proven.body),
        "storage_proof_nodes": proven.storage_proof.len(),
        "downward_messages": proven.inbound.downward.len(),
        "upward_messages": proven.outbound.upward.len(),
        "horizontal_messages": proven.outbound.horizontal.len(),
        "messages": { "taken": taken(&proven.inbound), "sent": sent(&proven.outbound) },
        "upgrade": proven.upgrade.as_deref().map(|code| hex(&blake2b_256(code))),
        "ump_signals": block.scheduled.ump_signals.len(),
        "proof": hex(&proven.proof),
        "signature": hex(&block.signature.to_bytes()),
    });
    let slots: Vec<_> = proven.used_slots.iter().map(ToString::to_string).collect();
    let mut text = table([
        ("proven block", bytes(length as u64)),
        ("tier", proven.tier.to_string()),
        ("used slots", format!("{} (by lane)", slots.join(", "))),
        ("state root", field(&proven.state_root)),
        ("author", format!("account {}", grouped(proven.author))),
        ("body", bytes(proven.body.len() as u64)),
        ("proof", bytes(proven.proof.len() as u64)),
        ("not checked", "`zkpov verify` does, against the parent's head and the validity key".to_owned()),
    ]);
    for (direction, list) in [("taken", taken(&proven.inbound)), ("sent", sent(&proven.outbound))] {
        for message in list.iter().take(LISTED_MESSAGES) {
            text.push_str(&message_line(direction, message));
        }
        if let Some(more) = list.len().checked_sub(LISTED_MESSAGES).filter(|more| *more > 0) {
            text.push_str(&format!("  and {more} more messages {direction} (--json lists them)\n"));
        }
    }
    Shown { value, text }
}

/// The most messages of either direction that are listed as text.
const LISTED_MESSAGES: usize = 20;

/// Stands for the chain that a block is of, which it does not name.
const OWN: u32 = u32::MAX;

/// The messages that a block takes.
fn taken(inbound: &Inbound) -> Vec<Value> {
    let horizontal = inbound.horizontal.iter().flat_map(|channel| {
        let sender = channel.sender;
        channel.messages.iter().map(move |message| {
            let transfers = xcm::read_message(&message.data, sender, OWN).map(transfers);
            json!({
                "from": sender, "sent_at": message.sent_at, "bytes": message.data.len(),
                "transfers": transfers.unwrap_or(Value::Null),
            })
        })
    });
    let downward = inbound.downward.iter().map(|message| {
        json!({ "from": "relay", "sent_at": message.sent_at, "bytes": message.data.len(), "transfers": null })
    });
    downward.chain(horizontal).collect()
}

/// The messages that a block sends. Who sends them a transfer's topic says, which every one ends with.
fn sent(outbound: &Outbound) -> Vec<Value> {
    let sender = |data: &[u8]| {
        let topic = data.len().checked_sub(TOPIC_SENDER_FROM_END)?;
        Some(u32::from_le_bytes(*data.get(topic..)?.first_chunk()?))
    };
    let message = |(recipient, data): &(u32, Vec<u8>)| {
        let read = sender(data).and_then(|sender| xcm::read_message(data, sender, *recipient).ok());
        let transfers = read.map_or(Value::Null, transfers);
        json!({ "to": recipient, "bytes": data.len(), "transfers": transfers })
    };
    outbound.horizontal.iter().map(message).collect()
}

/// Bytes of a topic from its sender on: para id, sequence, refused sequence.
const TOPIC_SENDER_FROM_END: usize = 4 + 8 + 8;

fn transfers(transfers: Vec<Transfer>) -> Value {
    let transfer = |Transfer { token, amount, sequence, purpose }: Transfer| {
        let token = if token == OWN { json!("own") } else { json!(token) };
        let mut value = json!({ "token": token, "amount": amount.to_string(), "sequence": sequence });
        if let Some(members) = value.as_object_mut() {
            match purpose {
                Purpose::Payment { recipient, refund } => {
                    members.insert("recipient".into(), json!(hex(&recipient)));
                    members.insert("from_account".into(), json!(refund));
                }
                Purpose::Refund { account, refused } => {
                    members.insert("refund_to_account".into(), json!(account));
                    members.insert("refused".into(), json!(refused));
                }
            }
        }
        value
    };
    transfers.into_iter().map(transfer).collect()
}

fn message_line(direction: &str, message: &Value) -> String {
    let other = message.get("from").or(message.get("to")).cloned().unwrap_or_default();
    let mut line = format!(
        "  message {direction}, {}: ",
        other.as_str().map_or(format!("chain {other}"), str::to_owned)
    );
    match message["transfers"].as_array() {
        None => line.push_str(&format!("{} bytes that are no transfers", message["bytes"])),
        Some(transfers) => {
            let amount = |transfer: &Value| {
                let what = if transfer.get("refused").is_some() { "refund of " } else { "" };
                format!("{what}{}", transfer["amount"].as_str().unwrap_or_default())
            };
            line.push_str(&transfers.iter().map(amount).collect::<Vec<_>>().join(", "));
        }
    }
    line.push('\n');
    line
}

fn validity_key(key: &ValidityKey, out: Output) -> Shown {
    let setup = |setup: &Setup| match setup {
        Setup::Dev => "dev".to_owned(),
        Setup::Ceremony(transcript) => format!("ceremony {}", hex(transcript)),
    };
    let chain = &key.chain;
    let value = json!({
        "file": "validity key",
        "code_hash": hex(&key.code_hash()),
        "para_id": chain.para_id,
        "genesis_hash": hex(&chain.genesis_hash),
        "runtime_version": chain.runtime_version,
        "transaction_version": chain.transaction_version,
        "body_format": format!("{:?}", key.body_format).to_lowercase(),
        "messages": format!("{:?}", key.messages).to_lowercase(),
        "tiers": key.tiers.iter().map(|tier| json!({
            "tier": tier.tier.0,
            "lanes": tier.lanes.iter().map(|lane| json!({
                "call": lane.call, "capacity": lane.capacity, "element_bytes": lane.element_bytes,
            })).collect::<Vec<_>>(),
            "body_limit": tier.body_limit,
            "proof_system": "groth16-bn254",
            "circuit_digest": hex(&tier.circuit_digest),
            "setup": setup(&tier.setup),
        })).collect::<Vec<_>>(),
    });
    let mut rows = vec![
        ("validity key", bytes(key.encode().len() as u64)),
        ("code hash", hex(&key.code_hash())),
        ("para id", chain.para_id.to_string()),
        ("genesis hash", hex(&chain.genesis_hash)),
        (
            "versions",
            format!("runtime {}, transactions {}", chain.runtime_version, chain.transaction_version),
        ),
        (
            "messages",
            match key.messages {
                MessageFormat::Dropped => "none".to_owned(),
                MessageFormat::Transfers => "transfers".to_owned(),
            },
        ),
    ];
    for tier in &key.tiers {
        let lanes: Vec<_> = tier
            .lanes
            .iter()
            .filter(|lane| lane.capacity > 0)
            .map(|lane| format!("{} × call {}", grouped(lane.capacity), lane.call))
            .collect();
        let made = match tier.setup {
            Setup::Dev => out.warning("development set-up"),
            Setup::Ceremony(_) => setup(&tier.setup),
        };
        rows.push(("tier", format!("{}: {}; {made}", tier.tier, lanes.join(", "))));
    }
    Shown { value, text: table(rows) }
}

fn show_head(head: &Head, content: &[u8]) -> Shown {
    let digest = &head.digest;
    let hash = hex(&blake2b_256(content));
    let value = json!({
        "file": "head",
        "hash": hash,
        "number": head.number,
        "parent_hash": hex(&head.parent_hash),
        "state_root": field(&head.state_root),
        "extrinsics_root": field(&head.extrinsics_root),
        "author": digest.author,
        "tier": digest.tier.0,
        "relay_parent_number": digest.relay_parent_number,
        "data": hex(content),
    });
    let text = table([
        (
            "head",
            if head.number == 0 {
                "genesis".to_owned()
            } else {
                format!("of block {}", grouped(head.number))
            },
        ),
        ("hash", hash),
        ("parent", hex(&head.parent_hash)),
        ("state root", field(&head.state_root)),
        ("body root", field(&head.extrinsics_root)),
        ("author", format!("account {}", grouped(digest.author))),
        ("tier", digest.tier.to_string()),
        ("relay parent", grouped(digest.relay_parent_number)),
    ]);
    Shown { value, text }
}

/// A file that is one JSON value, if it is one of ours.
fn json_file(path: &Path, content: &[u8], value: &Value) -> Result<Option<Shown>, Failure> {
    let has = |field: &str| value.get(field).is_some();
    let format = value.get("format").and_then(Value::as_str);
    if format == Some(key_file::FORMAT) {
        return secret_key(path).map(Some);
    }
    if format == Some(account::FORMAT) {
        return account_proof(value).map(Some);
    }
    if has("relay_parent_number") {
        let relay = RelayFile::parse(content).map_err(Failure::refused)?;
        let (number, root) =
            (relay.context.relay_parent_number, hex(&relay.context.relay_parent_storage_root));
        let nodes = relay.storage_proof.len();
        let messages = taken(&relay.inbound);
        let text = table([
            ("relay file", String::new()),
            ("relay parent", grouped(number)),
            ("storage root", root.clone()),
            ("storage proof", format!("{nodes} nodes")),
            ("messages", format!("{} to take", messages.len())),
        ]);
        let value = json!({
            "file": "relay file", "relay_parent_number": number, "relay_parent_storage_root": root,
            "storage_proof_nodes": nodes, "messages": messages,
        });
        return Ok(Some(Shown { value, text }));
    }
    if has("chain") && has("accounts") {
        return chain_spec(content, value).map(Some);
    }
    Ok(None)
}

fn secret_key(path: &Path) -> Result<Shown, Failure> {
    let public = key_file::read(path).map_err(Failure::refused)?.public_key();
    let [x, y] = public.coordinates();
    let value =
        json!({ "file": "key file", "public": key_json(&public), "public_bytes": hex(&public.to_bytes()) });
    let text = table([
        ("key file", "(the secret is not shown)".to_owned()),
        ("public x", field(&x)),
        ("public y", field(&y)),
        ("public bytes", hex(&public.to_bytes())),
    ]);
    Ok(Shown { value, text })
}

fn account_proof(value: &Value) -> Result<Shown, Failure> {
    let proof = account::read_proof(value).ok_or_else(|| {
        Failure::refused("the account proof has not the fields of one").next("docs/cli.md has its form")
    })?;
    let account::Read { index, leaf_matches, state_root, leads_to } = proof;
    if !leaf_matches {
        return Err(Failure::refused(
            "the account proof does not hold: its leaf is not that of the account beside it",
        ));
    }
    if leads_to != Some(state_root) {
        return Err(Failure::refused(
            "the account proof does not hold: its path does not lead to its state root",
        ));
    }
    let value = json!({ "file": "account proof", "holds": true, "account": value.get("account"),
                        "state_root": field(&state_root) });
    let text = table([
        ("account proof", format!("of account {}", grouped(index))),
        ("holds for", format!("state root {}", field(&state_root))),
        ("to trust it", "compare that with the state root in a head you trust".to_owned()),
    ]);
    Ok(Shown { value, text })
}

fn chain_spec(content: &[u8], value: &Value) -> Result<Shown, Failure> {
    let name = value.get("chain").and_then(Value::as_str).unwrap_or_default();
    let chain = values::chain(name)?;
    let text = std::str::from_utf8(content).map_err(Failure::refused)?;
    let genesis = chain.genesis(text).map_err(Failure::refused)?;
    let shown = json!({
        "file": "chain spec", "chain": name, "accounts": genesis.accounts,
        "token": { "symbol": genesis.token.symbol, "decimals": genesis.token.decimals },
        "state_root": field(&genesis.state_root),
    });
    let text = table([
        ("chain spec", format!("for {name}")),
        ("token", format!("{}, {} decimals", genesis.token.symbol, genesis.token.decimals)),
        ("accounts", grouped(genesis.accounts)),
        ("state root", field(&genesis.state_root)),
    ]);
    Ok(Shown { value: shown, text })
}

/// A file of extrinsics, of the first chain that can read any of its lines.
fn extrinsics_file(content: &[u8]) -> Option<Shown> {
    chains().into_iter().find_map(|chain| {
        let lines = extrinsics::read_lines(chain, content);
        lines.iter().any(|line| line.extrinsic.is_ok()).then(|| {
            let listed: Vec<Value> = lines
                .iter()
                .map(|line| match &line.extrinsic {
                    Ok(encoded) => json!({
                        "line": line.number, "bytes": encoded.len(),
                        "extrinsic": chain.extrinsic_to_json(encoded).unwrap_or_default(),
                    }),
                    Err(error) => json!({ "line": line.number, "error": error.to_string() }),
                })
                .collect();
            let mut text = format!(
                "{} extrinsics for {}; their signatures are not checked here\n",
                lines.len(),
                chain.name()
            );
            for entry in listed.iter().take(LISTED_EXTRINSICS) {
                text.push_str(&extrinsic_line(entry));
            }
            if let Some(more) = lines.len().checked_sub(LISTED_EXTRINSICS).filter(|more| *more > 0) {
                text.push_str(&format!("  and {more} more (--json lists them)\n"));
            }
            Shown {
                value: json!({ "file": "extrinsics", "chain": chain.name(), "extrinsics": listed }),
                text,
            }
        })
    })
}

fn extrinsic_line(entry: &Value) -> String {
    let line = &entry["line"];
    if let Some(error) = entry.get("error").and_then(Value::as_str) {
        return format!("  line {line}: {error}\n");
    }
    let fields = &entry["extrinsic"];
    let text = |name: &str| {
        fields
            .get(name)
            .map_or("-".to_owned(), |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    format!(
        "  line {line}: {} from account {}, nonce {}, amount {}, fee {}, valid up to block {}\n",
        text("call"),
        text("sender"),
        text("nonce"),
        text("amount"),
        text("fee"),
        text("expiry")
    )
}
