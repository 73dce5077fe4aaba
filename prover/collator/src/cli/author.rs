//! `zkpov author`: what a collator does.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zkpov_collator::{
    Collator,
    author::{AuthorError, AuthorRequest, Authored, How, Made},
    extrinsics::{self, Line, MAX_EXTRINSICS_FILE_BYTES},
    files, key_file,
    keystore::KeyStore,
    messages, paths,
    relay::{interface::Relay, rpc::RemoteRelay},
    relay_file::RelayFile,
};
use zkpov_prover::Options;
use zkpov_verifier::block::MAX_CODE_BYTES;

use super::{
    backend::BackendArgs,
    failure::Failure,
    moved,
    output::{Output, bytes, duration, grouped, table},
    progress::Bars,
    values::{self, TierChoice, hex},
};

/// Make the next block: check the extrinsics, execute, prove, verify, sign, commit
///
/// Extrinsics that are not valid are listed with the reason and left out. The proven block appears in its
/// file whole or not at all, after the database has it. Run again with the same inputs, for example after a
/// crash, this gives the same block without proving again.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Writes the proven block to --out, and the head it leads to beside it with the extension .head: the \
                        parent head of the next block.\nExit codes: 0 a block was made, 1 it was refused (the author may \
                        not author), 2 it could not be made.\n\nExample:\n  zkpov author --base chain --extrinsics \
                        extrinsics.jsonl --keys keys --author author.json --relay relay.json --out block-1.pov"
)]
pub(crate) struct Args {
    /// The chain's directory, as `zkpov genesis` made it
    #[arg(long, value_name = "DIR")]
    base: PathBuf,

    /// The extrinsics offered: a file with one a line, as JSON; `zkpov sign` makes them
    #[arg(long, value_name = "FILE")]
    extrinsics: PathBuf,

    /// The directory of keys that `zkpov setup` made
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,

    /// The author's key file; its account gets the fees
    #[arg(long, value_name = "KEYFILE")]
    author: PathBuf,

    /// The relay file: relay parent number and storage root; storage proof and messages, where the chain has peers. Or the URL of a relay
    /// chain, such as http://127.0.0.1:9944, whose best block becomes the relay parent: its relay file is written beside --out
    #[arg(long, value_name = "FILE|URL")]
    relay: PathBuf,

    /// The proven block to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,

    /// The capacity tier to use: a number, `tiny` or `largest` [default: the smallest that holds the extrinsics]
    #[arg(long, value_name = "T")]
    tier: Option<TierChoice>,

    /// The next validation code, for the block that enacts the upgrade to it: `validity.key` of the new keys, or a PVF; enactments of
    /// upgrades to other code wait
    #[arg(long, value_name = "FILE")]
    upgrade: Option<PathBuf>,

    /// Leave out the extrinsics of blocks that were rolled back, which are otherwise offered first
    #[arg(long)]
    no_pending: bool,

    #[command(flatten)]
    backend: BackendArgs,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    require_parent_directory(&args.out)?;
    let author = key_file::read(&args.author)?;
    let mut collator = Collator::open(&args.base)?;
    let info = *collator.info();
    let (relay, relay_file) = relay_view(args, info.identity.para_id)?;
    let lines = extrinsics::read_lines(
        info.chain,
        &files::read_bounded(&args.extrinsics, MAX_EXTRINSICS_FILE_BYTES)?,
    );
    let (offered, numbers): (Vec<_>, Vec<_>) =
        lines.iter().filter_map(|line| Some((line.extrinsic.as_ref().ok()?.clone(), line.number))).unzip();
    let upgrade =
        args.upgrade.as_ref().map(|file| files::read_bounded(file, MAX_CODE_BYTES as u64)).transpose()?;
    let request = AuthorRequest {
        extrinsics: &offered,
        pending: !args.no_pending,
        upgrade: upgrade.as_deref(),
        relay: &relay,
        author: &author,
        keys: &KeyStore::open(&args.keys, &info.identity)?.proving_on(args.backend.open()?),
        tier: args.tier.map(|tier| tier.of(info.chain)).transpose()?,
    };
    let bars = Bars::new("author");
    let authored =
        collator.author(&request, &Options::default().with_progress(&bars)).map_err(|error| match error {
            AuthorError::NoAccount
            | AuthorError::Execution(_)
            | AuthorError::Relay(_)
            | AuthorError::RelayParent { .. }
            | AuthorError::ValidationCode(_)
            | AuthorError::Upgrade(_) => Failure::refused(error),
            error => Failure::from(error),
        })?;
    drop(bars);
    let head_file = paths::head_beside(&args.out);
    files::write_atomically(&args.out, &authored.block.pov)?;
    files::write_atomically(&head_file, &authored.block.head)?;
    let outcomes = Outcomes::of(&lines, &numbers, &authored);
    let mut value = json_result(args, &head_file, &authored, &outcomes);
    if let (Some(file), Some(fields)) = (relay_file, value.as_object_mut()) {
        fields.insert("relay_file".into(), json!(file));
    }
    out.result(&value, &text_result(args, &head_file, &authored, &outcomes, out))
}

/// What the block sees of the relay chain, and the file that it was written to if a relay chain was asked.
fn relay_view(args: &Args, para: u32) -> Result<(RelayFile, Option<PathBuf>), Failure> {
    let url = args.relay.to_str().filter(|text| text.starts_with("http://") || text.starts_with("https://"));
    let Some(url) = url else { return Ok((values::relay_file(&args.relay)?, None)) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let relay = RemoteRelay::new(url, runtime.handle().clone())?;
    let mut view = relay.context(para, &relay.heads()?.best)?;
    view.inbound = messages::within_a_block(para, &view.inbound);
    let file = paths::relay_file_beside(&args.out);
    files::write_atomically(&file, view.to_json().as_bytes())?;
    Ok((view, Some(file)))
}

fn require_parent_directory(file: &Path) -> Result<(), Failure> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if parent.is_dir() {
        return Ok(());
    }
    Err(Failure::misuse(format!(
        "there is no directory {} to write {} into",
        parent.display(),
        file.display()
    ))
    .next("make it, or choose another --out; nothing was done"))
}

/// What became of each extrinsic offered, by its name: a line of the file, or one of the pending ones.
struct Outcomes {
    included: usize,
    refused: Vec<(String, String)>,
    deferred: Vec<String>,
}

impl Outcomes {
    fn of(lines: &[Line], numbers: &[usize], authored: &Authored) -> Self {
        let How::Made(made) = &authored.how else {
            return Self {
                included: authored.block.extrinsics.len(),
                refused: Vec::new(),
                deferred: Vec::new(),
            };
        };
        let name = |position: &usize| match position.checked_sub(made.pending) {
            None => format!("pending extrinsic {}", position + 1),
            Some(given) => {
                numbers.get(given).map_or_else(|| format!("extrinsic {given}"), |line| format!("line {line}"))
            }
        };
        let unreadable = lines.iter().filter_map(|line| {
            let error = line.extrinsic.as_ref().err()?;
            Some((format!("line {}", line.number), error.to_string()))
        });
        let invalid = made.refused.iter().map(|(position, reason)| (name(position), reason.to_string()));
        Self {
            included: made.included.len(),
            refused: unreadable.chain(invalid).collect(),
            deferred: made.deferred.iter().map(name).collect(),
        }
    }
}

fn json_result(args: &Args, head_file: &Path, authored: &Authored, outcomes: &Outcomes) -> Value {
    let block = &authored.block;
    let mut value = json!({
        "result": "authored",
        "again": matches!(authored.how, How::Before),
        "number": block.number,
        "hash": hex(&block.hash),
        "head": hex(&block.head),
        "pov_file": args.out,
        "pov_bytes": block.pov.len(),
        "head_file": head_file,
        "included": outcomes.included,
        "refused": outcomes.refused.iter()
            .map(|(which, reason)| json!({ "extrinsic": which, "reason": reason })).collect::<Vec<_>>(),
        "deferred": outcomes.deferred,
    });
    if let (How::Made(made), Some(fields)) = (&authored.how, value.as_object_mut()) {
        fields.insert("tier".into(), json!(made.tier.0));
        fields.insert("used_slots".into(), json!(made.used_slots));
        fields.insert("backend".into(), super::backend::ran(&made.ran));
        fields.insert("body_bytes".into(), json!(made.body_bytes));
        let [arrived, sent] = moved::json(&made.moved);
        fields.insert("arrived".into(), arrived);
        fields.insert("sent".into(), sent);
        fields.insert(
            "seconds".into(),
            json!({
                "execute": made.timings.execute.as_secs_f64(),
                "witness": made.timings.witness.as_secs_f64(),
                "prove": made.timings.prove.as_secs_f64(),
                "verify": made.timings.verify.as_secs_f64(),
            }),
        );
    }
    value
}

fn text_result(
    args: &Args,
    head_file: &Path,
    authored: &Authored,
    outcomes: &Outcomes,
    out: Output,
) -> String {
    let block = &authored.block;
    let mut rows = vec![
        ("block", grouped(block.number)),
        ("hash", hex(&block.hash)),
        ("proven block", format!("{} ({})", args.out.display(), bytes(block.pov.len() as u64))),
        ("head", head_file.display().to_string()),
    ];
    match &authored.how {
        How::Before => {
            rows.push(("made", "before, for the same inputs; nothing was proven again".to_owned()))
        }
        How::Made(made) => rows.extend(made_rows(made, outcomes)),
    }
    let mut text = table(rows);
    if !outcomes.refused.is_empty() {
        text.push_str(&format!("{}\n", out.warning("refused and left out:")));
        for (which, reason) in &outcomes.refused {
            text.push_str(&format!("  {which}: {reason}\n"));
        }
    }
    if !outcomes.deferred.is_empty() {
        text.push_str(&format!("{}\n", out.warning("for a later block (no room here, or not their turn):")));
        text.push_str(&format!("  {}\n", outcomes.deferred.join(", ")));
    }
    text
}

fn made_rows(made: &Made, outcomes: &Outcomes) -> Vec<(&'static str, String)> {
    let times = &made.timings;
    let mut rows = vec![
        (
            "extrinsics",
            format!(
                "{} in the block, {} refused, {} for later",
                outcomes.included,
                outcomes.refused.len(),
                outcomes.deferred.len()
            ),
        ),
        ("tier", format!("{}, body of {}", made.tier, bytes(made.body_bytes as u64))),
        (
            "time",
            format!(
                "execute {}, witness {}, prove {}, check as a validator {}",
                duration(times.execute),
                duration(times.witness),
                duration(times.prove),
                duration(times.verify)
            ),
        ),
        ("proven on", made.ran.to_string()),
    ];
    let [arrived, sent] = [made.moved.arrived.len(), made.moved.sent.len()];
    if arrived + sent > 0 {
        rows.push(("transfers", format!("{arrived} arrived from other chains, {sent} sent to them")));
    }
    rows
}
