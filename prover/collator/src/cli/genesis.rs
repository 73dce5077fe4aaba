//! `zkpov genesis`: a new chain.

use std::path::PathBuf;

use serde_json::json;
use zkpov_collator::{Collator, db::ReadDatabase, files, paths, secrets, spec};
use zkpov_verifier::body::BodyFormat;

use super::{
    failure::Failure,
    output::{Output, table},
    values::{self, hex},
};

/// Make a new chain: its state database and its genesis head
///
/// The chain spec says who has how much at the start, and the chain's parameters. The same chain, para id
/// and spec always give the same genesis hash, which users' signatures and the validity key are bound to.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Writes into the new directory:\n  chain.redb    the database\n  genesis.head  the genesis head, to \
                        register the parachain with\n\nExample:\n  zkpov genesis --chain payments --para-id 2000 \
                        --spec spec.json --out chain\n\nThe form of a chain spec is in docs/cli.md."
)]
pub(crate) struct Args {
    /// The state machine, for example `payments`; `zkpov bench` lists those there are
    #[arg(long, value_name = "NAME", default_value = "payments")]
    chain: String,

    /// The parachain's id on the relay chain
    #[arg(long, value_name = "N")]
    para_id: u32,

    /// The chain spec, a JSON file
    #[arg(long, value_name = "FILE")]
    spec: PathBuf,

    /// The secrets of a private chain, a file of `zkpov secrets`
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,

    /// The directory to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let chain = values::chain(&args.chain)?;
    let spec = files::read_bounded(&args.spec, spec::MAX_SPEC_BYTES)?;
    let collator = match (&args.secrets, chain.body_format()) {
        (None, BodyFormat::Public) => Collator::create(&args.out, chain, args.para_id, &spec)?,
        (Some(file), BodyFormat::Private) => {
            let spec = secrets::join(&spec, &secrets::read(file)?)?;
            Collator::create(&args.out, chain, args.para_id, &spec)?
        }
        (None, BodyFormat::Private) => {
            return Err(Failure::misuse(format!("`{}` is a private chain and needs --secrets", args.chain))
                .next(
                    "make them with `zkpov secrets FILE`, or get the file from the chain's other collators",
                ));
        }
        (Some(_), BodyFormat::Public) => {
            return Err(Failure::misuse(format!(
                "`{}` is a public chain and takes no --secrets",
                args.chain
            )));
        }
    };
    let genesis = collator.database().genesis()?;
    let head_file = paths::genesis_head(&args.out);
    files::write_atomically(&head_file, &genesis.head)?;

    let state_root = collator.parent()?.state_root;
    let value = json!({
        "result": "made",
        "chain": genesis.chain,
        "para_id": genesis.para_id,
        "genesis_hash": hex(&genesis.hash),
        "state_root": values::field(&state_root),
        "head": hex(&genesis.head),
        "head_file": head_file,
    });
    let text = table([
        ("chain", format!("{}, para id {}", genesis.chain, genesis.para_id)),
        ("genesis hash", hex(&genesis.hash)),
        ("genesis head", head_file.display().to_string()),
    ]);
    let next = format!("next: zkpov setup --base {} --out keys", args.out.display());
    out.result(&value, &(text + &out.faint(next)))
}
