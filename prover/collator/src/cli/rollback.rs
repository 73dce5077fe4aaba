//! `zkpov rollback`: what a revert of the relay chain does to a collator's chain.

use std::path::PathBuf;

use serde_json::json;
use zkpov_collator::{Collator, db::ReadDatabase};

use super::{
    failure::Failure,
    output::{Output, counted},
};

/// Undo the blocks above a number, as when the relay chain reverts
///
/// The state, the head and the account indices are afterwards as they were after that block. The
/// extrinsics of the undone blocks stay in the database; the next `zkpov author` offers them again by itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  zkpov rollback --base chain --to 4")]
pub(crate) struct Args {
    /// The chain's directory, as `zkpov genesis` made it
    #[arg(long, value_name = "DIR")]
    base: PathBuf,

    /// Number of the block that becomes the newest; final blocks are never undone
    #[arg(long, value_name = "N")]
    to: u32,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let mut collator = Collator::open(&args.base)?;
    let before = collator.database().tip()?.number;
    let pending = collator.rollback(args.to)?;
    let tip = collator.database().tip()?;
    let value = json!({
        "result": "rolled back",
        "undone_blocks": before.saturating_sub(tip.number),
        "pending_extrinsics": pending.len(),
        "tip": { "number": tip.number, "hash": super::values::hex(&tip.hash) },
    });
    let text = format!(
        "Undone: {}. The newest is block {} (0x{}).\n{} of the undone kept; the next `zkpov author` offers them again.",
        counted(before.saturating_sub(tip.number).into(), "block"),
        tip.number,
        ::hex::encode(tip.hash),
        counted(pending.len() as u64, "extrinsic"),
    );
    out.result(&value, &text)
}
