//! `zkpov secrets`: what the collators of a private chain know.

use std::path::PathBuf;

use serde_json::json;
use zkpov_collator::secrets;

use super::{
    failure::Failure,
    output::{Output, table},
};

/// Make the secrets of a private chain
///
/// A private chain's bodies are encrypted under a key that its collators share, and its state roots are salted. The file holds
/// both. Whoever has it reads every block: give it to the chain's authors, over a channel that you trust, and to nobody else.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The file is readable by you alone. Without it nobody goes on from any block, so keep a copy where a lost disk \
                  does not reach it.\n\nExample:\n  zkpov secrets secrets.json\n  zkpov genesis --chain private-payments \
                  --para-id 2000 --spec spec.json --secrets secrets.json --out chain"
)]
pub(crate) struct Args {
    /// The file to make; it must not exist
    #[arg(value_name = "FILE")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    secrets::create(&args.out)?;
    let value = json!({ "result": "made", "file": args.out });
    let text = table([("secrets", args.out.display().to_string())]);
    let next = format!("next: zkpov genesis --chain private-payments --secrets {} …", args.out.display());
    out.result(&value, &(text + &out.faint(next)))
}
