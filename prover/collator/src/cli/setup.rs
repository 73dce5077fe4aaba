//! `zkpov setup`: development keys.

use std::{path::PathBuf, time::Instant};

use serde_json::json;
use tracing::info_span;
use zkpov_collator::{chain::ChainReader, files, paths, setup};
use zkpov_prover::Options;

use super::{
    failure::Failure,
    output::{Output, bytes, duration, table},
    progress::Bars,
    values::{TierChoice, hex},
};

/// What a user must not overlook.
pub(crate) const WARNING: &str = "DEVELOPMENT SET-UP: made by one party, who could have kept the secrets and forge proofs. \
                                  Relay validators refuse such keys unless told otherwise.";

/// Make a chain's proving keys and its validity key, for development
///
/// A single party makes them: who runs this could forge proofs for the chain. Keys for a chain of value come
/// from a ceremony. Each run makes other keys, and a validity key fits only the proving keys beside it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Writes into the directory of keys:\n  validity.key   what the parachain registers as its validation \
                        code\n  tier-N.zkpk    the proving key of tier N\n\nExamples:\n  zkpov setup --base chain --tier 18 \
                        --out keys\n  zkpov setup --base chain --out keys        # every tier of the chain; the largest \
                        takes minutes"
)]
pub(crate) struct Args {
    /// The chain's directory, as `zkpov genesis` made it
    #[arg(long, value_name = "DIR")]
    base: PathBuf,

    /// A tier to make keys for: a number, `tiny` or `largest`; may be given several times [default: all]
    #[arg(long, value_name = "T", num_args = 1..)]
    tier: Vec<TierChoice>,

    /// The directory of keys to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let info = ChainReader::open(&args.base)?.info;
    let mut tiers = match args.tier.as_slice() {
        [] => info.chain.tiers().iter().map(|tier| tier.id).collect(),
        choices => choices.iter().map(|choice| choice.of(info.chain)).collect::<Result<Vec<_>, _>>()?,
    };
    tiers.sort();
    tiers.dedup();
    let validity_file = paths::validity_key(&args.out);
    if validity_file.exists() {
        return Err(Failure::misuse(format!(
            "{} exists; keys are never overwritten",
            validity_file.display()
        ))
        .next("choose another --out, or remove the directory if nobody uses its keys"));
    }
    std::fs::create_dir_all(&args.out)
        .map_err(|error| Failure::misuse(format!("cannot make {}: {error}", args.out.display())))?;
    eprintln!("{}", out.warning(WARNING));

    let mut tier_keys = Vec::new();
    let mut made = Vec::new();
    for tier in tiers {
        let start = Instant::now();
        let bars = Bars::new(format!("tier {tier}"));
        let options = Options::default().with_progress(&bars);
        let (proving_key, tier_key) = setup::development_keys(info.chain, tier, &options)?;
        drop(bars);
        let path = paths::proving_key(&args.out, tier);
        info_span!("setup.write").in_scope(|| proving_key.write(&path))?;
        made.push((tier, path, proving_key.num_constraints(), proving_key.file_length(), start.elapsed()));
        tier_keys.push(tier_key);
    }
    // Last, so that a directory with a validity key has everything that belongs to it.
    let validity_key = setup::validity_key(&info, tier_keys);
    files::write_atomically(&validity_file, &validity_key.encode())?;

    let value = json!({
        "result": "made",
        "setup": "dev",
        "validity_key": validity_file,
        "code_hash": hex(&validity_key.code_hash()),
        "tiers": made.iter().map(|(tier, path, constraints, length, took)| json!({
            "tier": tier.0, "proving_key": path, "constraints": constraints, "bytes": length,
            "seconds": took.as_secs_f64(),
        })).collect::<Vec<_>>(),
    });
    let mut rows = vec![
        ("validity key", validity_file.display().to_string()),
        ("code hash", hex(&validity_key.code_hash())),
    ];
    rows.extend(made.iter().map(|(tier, path, _, length, took)| {
        (
            "proving key",
            format!("{} (tier {tier}, {}, made in {})", path.display(), bytes(*length), duration(*took)),
        )
    }));
    out.result(&value, &table(rows))
}
