//! Circuit size against proving time, and what checking a block costs: measures every tier with the `zkpov`
//! program and writes the figures into the README and the picture beside it.
//!
//! ```text
//! cargo build --release
//! cargo run --release -p zkpov-benches --bin figures -- --write
//! ```

mod chart;
mod table;

use std::{path::PathBuf, process::Command};

use anyhow::{Context, ensure};
use clap::Parser;
use serde::Deserialize;

/// Measures `zkpov demo` in each tier and prints the figures as Markdown
#[derive(Debug, Parser)]
struct Args {
    /// The tiers to measure, smallest first
    #[arg(long, value_delimiter = ',', default_values_t = [16, 17, 18, 20])]
    tiers: Vec<u8>,

    /// How many accounts the state holds, a power of two
    #[arg(long, default_value_t = 1 << 18)]
    accounts: u32,

    /// The `zkpov` program [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    zkpov: Option<PathBuf>,

    /// Write the figures into README.md and docs/images/proving.svg of the current directory
    #[arg(long)]
    write: bool,
}

/// What `zkpov demo --json` prints, as far as it is used here. Times are in seconds.
#[derive(Clone, Debug, Deserialize)]
struct Demo {
    accounts: u32,
    constraints: u64,
    transfers: u32,
    opens: u32,
    setup_seconds: f64,
    witness_seconds: f64,
    prove_seconds: f64,
    validate_seconds: f64,
    prepare_key_seconds: f64,
    reexecute_seconds: f64,
    pov_bytes: u64,
    witness_pov_bytes: WitnessPov,
}

/// Bytes of a PoV without a proof.
#[derive(Clone, Debug, Deserialize)]
struct WitnessPov {
    total: u64,
}

/// One line of `zkpov bench circuits --json`, as far as it is used here.
#[derive(Clone, Debug, Deserialize)]
struct Weights {
    constraints_per_call: std::collections::BTreeMap<String, u64>,
}

/// A tier and its figures.
#[derive(Clone, Debug)]
struct Measured {
    tier: u8,
    demo: Demo,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let zkpov = match args.zkpov {
        Some(path) => path,
        None => std::env::current_exe()?.with_file_name("zkpov"),
    };
    ensure!(zkpov.exists(), "{} is not there: run `cargo build --release` first", zkpov.display());
    let mut measured = Vec::new();
    for tier in &args.tiers {
        eprintln!("tier {tier}");
        let demo = run(
            &zkpov,
            &["demo", "--json", "--tier", &tier.to_string(), "--accounts", &args.accounts.to_string()],
        )?;
        measured
            .push(Measured { tier: *tier, demo: serde_json::from_str(&demo).context("the demo's figures")? });
    }
    let smallest = args.tiers.first().context("name at least one tier")?.to_string();
    let weights = run(&zkpov, &["bench", "circuits", "--json", "--chain", "payments", "--tier", &smallest])?;
    let weights: Weights = serde_json::from_str(weights.lines().next().context("no circuit was measured")?)?;
    let markdown = table::markdown(&measured, &weights);
    print!("{markdown}");
    if args.write {
        table::replace_in("README.md".as_ref(), &markdown)?;
        std::fs::write("docs/images/proving.svg", chart::svg(&measured))?;
    }
    Ok(())
}

/// What the program prints.
fn run(program: &PathBuf, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).stderr(std::process::Stdio::inherit()).output()?;
    ensure!(
        output.status.success(),
        "{} {} failed: {}",
        program.display(),
        arguments.join(" "),
        output.status
    );
    Ok(String::from_utf8(output.stdout)?)
}
