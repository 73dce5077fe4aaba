//! `zkpov keygen`: a key pair.

use std::path::PathBuf;

use serde_json::json;
use zkpov_collator::key_file;

use super::{
    failure::Failure,
    output::{Output, table},
    values::{field, hex, key_json},
};

/// Make a key pair, for an account or for an author
///
/// The secret goes into a file that only its owner may read and is never printed. The public key goes into
/// a chain spec, or to whoever sends to it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  zkpov keygen --out alice.json\n  zkpov keygen --out alice.json --json   # prints \
                        {\"public\": {\"x\": …, \"y\": …}, …}"
)]
pub(crate) struct Args {
    /// The key file to make; an existing file is never overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let public = key_file::create(&args.out)?.public_key();
    let [x, y] = public.coordinates();
    let value = json!({
        "result": "made",
        "public": key_json(&public),
        "public_bytes": hex(&public.to_bytes()),
        "file": args.out,
    });
    let text = table([
        ("key file", format!("{} (keep it secret, and keep a copy)", args.out.display())),
        ("public x", field(&x)),
        ("public y", field(&y)),
    ]);
    out.result(&value, &text)
}
