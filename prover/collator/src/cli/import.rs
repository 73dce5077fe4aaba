//! `zkpov import`: what another collator does with a proven block.

use std::path::PathBuf;

use serde_json::json;
use zkpov_collator::{Collator, import::ImportError};

use super::{
    failure::Failure,
    output::{Output, grouped, table},
    values::{self, hex},
};

/// Take another collator's proven block into this collator's chain
///
/// Checks the block as a relay validator does, rebuilds the state from its body, checks that it ends at the
/// proven root, and commits it. A block that is refused changes nothing; one that is there already is fine.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  zkpov import --base other --key keys/validity.key --pov block-1.pov --relay relay.json \
                        --allow-dev-keys"
)]
pub(crate) struct Args {
    /// The chain's directory, as `zkpov genesis` made it
    #[arg(long, value_name = "DIR")]
    base: PathBuf,

    /// The chain's validity key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// The proven block
    #[arg(long, value_name = "FILE")]
    pov: PathBuf,

    /// The relay file that the block was made with
    #[arg(long, value_name = "FILE")]
    relay: PathBuf,

    /// Accept a validity key from a development set-up, whose maker can forge proofs
    #[arg(long)]
    allow_dev_keys: bool,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let key = values::validity_key(&args.key, args.allow_dev_keys)?;
    let pov = values::pov_file(&args.pov)?;
    let relay = values::relay_file(&args.relay)?;
    let mut collator = Collator::open(&args.base)?;
    let imported = collator.import(&key, &relay, &pov).map_err(|error| match &error {
        ImportError::Invalid(_) => Failure::refused(format!("the block is not valid: {error}")).next(
            "it must build on this chain's newest block and be checked with the relay file it was made with; `zkpov \
             inspect` shows both, `zkpov rollback` goes back",
        ),
        _ if error.is_refusal() => Failure::refused(&error),
        _ => Failure::from(error),
    })?;
    let state_root = collator.parent()?.state_root;
    let block = imported.block;
    let value = json!({
        "result": if imported.known { "known" } else { "imported" },
        "number": block.number,
        "hash": hex(&block.hash),
        "state_root": values::field(&state_root),
    });
    let text = table([
        (
            if imported.known { "known before" } else { "imported" },
            format!("block {}", grouped(block.number)),
        ),
        ("hash", hex(&block.hash)),
        ("state root", values::field(&state_root)),
    ]);
    out.result(&value, &text)
}
