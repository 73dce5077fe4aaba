//! `zkpov finalize`: what finality of the relay chain does to a collator's chain.

use std::path::PathBuf;

use serde_json::json;
use zkpov_collator::{Collator, db::ReadDatabase};

use super::{failure::Failure, output::Output};

/// Mark blocks as final, as when the relay chain finalises them
///
/// Final blocks can no longer be undone, and what it would take to undo them is dropped from the database.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  zkpov finalize --base chain --number 4")]
pub(crate) struct Args {
    /// The chain's directory, as `zkpov genesis` made it
    #[arg(long, value_name = "DIR")]
    base: PathBuf,

    /// Number of the highest block that is now final
    #[arg(long, value_name = "N")]
    number: u32,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let mut collator = Collator::open(&args.base)?;
    collator.finalize(args.number)?;
    let finalized = collator.database().finalized()?;
    let tip = collator.database().tip()?.number;
    out.result(
        &json!({ "result": "finalized", "finalized": finalized, "tip": tip }),
        &format!(
            "Blocks up to {finalized} are final; {} above can still be undone.",
            tip.saturating_sub(finalized)
        ),
    )
}
