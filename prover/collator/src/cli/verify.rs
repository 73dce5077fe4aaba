//! `zkpov verify`: what a relay validator does.

use std::{path::PathBuf, time::Instant};

use serde_json::json;
use tracing::info_span;
use zkpov_collator::files;
use zkpov_verifier::{
    hashing::blake2b_256,
    head::{Head, MAX_HEAD_BYTES},
    validate::validate_block,
};

use super::{
    failure::Failure,
    output::{Output, bytes, duration, grouped, table},
    values::{self, hex},
};

/// Check a proven block as a relay validator does
///
/// Where a validator would have run the parachain's code on the block, it checks one proof. Nothing is
/// needed but the validity key, the parent's head, the relay parent and the proven block; no state.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 the block is valid, 1 it is refused, 2 it could not be checked.\n\nExample:\n  zkpov \
                        verify --key keys/validity.key --parent chain/genesis.head --pov block-1.pov --relay relay.json \
                        --allow-dev-keys"
)]
pub(crate) struct Args {
    /// The chain's validity key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// The head of the parent block: genesis.head, or the .head file beside the parent's proven block
    #[arg(long, value_name = "FILE")]
    parent: PathBuf,

    /// The proven block
    #[arg(long, value_name = "FILE")]
    pov: PathBuf,

    /// The relay file: relay parent number and storage root
    #[arg(long, value_name = "FILE")]
    relay: PathBuf,

    /// Accept a validity key from a development set-up, whose maker can forge proofs
    #[arg(long)]
    allow_dev_keys: bool,

    /// Write the head that the block leads to, the parent head of the next one
    #[arg(long, value_name = "FILE")]
    head_out: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let key = info_span!("verify.key").in_scope(|| values::validity_key(&args.key, args.allow_dev_keys))?;
    let parent = files::read_bounded(&args.parent, MAX_HEAD_BYTES as u64)?;
    let pov = values::pov_file(&args.pov)?;
    let relay = values::relay_file(&args.relay)?;
    let start = Instant::now();
    let transition = info_span!("verify.block")
        .in_scope(|| validate_block(&parent, &relay.context, &key, &pov))
        .map_err(|reason| Failure::refused(format!("the block is not valid: {reason}")))?;
    let took = start.elapsed();
    let head = Head::decode(&transition.head_data)?;
    if let Some(path) = &args.head_out {
        files::write_atomically(path, &transition.head_data)?;
    }
    let hash = blake2b_256(&transition.head_data);
    let value = json!({
        "result": "valid",
        "seconds": took.as_secs_f64(),
        "head": { "hash": hex(&hash), "number": head.number, "parent_hash": hex(&head.parent_hash),
                  "state_root": values::field(&head.state_root), "data": hex(&transition.head_data) },
        "new_validation_code": transition.new_validation_code.as_deref().map(hex),
        "upward_messages": transition.upward_messages.iter().map(|m| hex(m)).collect::<Vec<_>>(),
        "horizontal_messages": transition.horizontal_messages.iter()
            .map(|(recipient, data)| json!({ "recipient": recipient, "data": hex(data) })).collect::<Vec<_>>(),
        "processed_downward_messages": transition.processed_downward_messages,
        "hrmp_watermark": transition.hrmp_watermark,
    });
    let text = format!(
        "{}\n{}",
        out.good("valid"),
        table([
            ("block", grouped(head.number)),
            ("hash", hex(&hash)),
            ("parent", hex(&head.parent_hash)),
            ("state root", values::field(&head.state_root)),
            ("proven block", bytes(pov.len() as u64)),
            (
                "messages",
                format!(
                    "{} up, {} across, {} down taken",
                    transition.upward_messages.len(),
                    transition.horizontal_messages.len(),
                    transition.processed_downward_messages
                )
            ),
            ("HRMP watermark", grouped(transition.hrmp_watermark)),
            ("checked in", duration(took)),
        ])
    );
    out.result(&value, &text)
}
