//! Circuit size against proving time, and what checking a block costs: measures every tier with the `zkpov`
//! program and writes the figures into the README and the picture beside it. With `--provers`, this prover beside ark-groth16; with
//! `--pinned`, what follows from the pinned circuits without measuring.
//!
//! ```text
//! cargo build --release
//! cargo run --release -p zkpov-benches --bin figures -- --write
//! cargo run --release -p zkpov-benches --bin figures -- --write --provers
//! cargo run --release -p zkpov-benches --bin figures -- --write --pinned
//! ```
//!
//! ```text
//!   main       arguments; runs `zkpov` or `compare` and reads their JSON
//!   chart      a picture of the tiers        provers  table and picture of the provers
//!   table      Markdown of the tiers, and where Markdown goes in a file
//!   pinned     what `circuits/weights.csv` says, in the pages that tell of it
//!   universal  specialised chains beside the one whose slots take any call
//!   plot       curves as SVG
//! ```

mod chart;
mod pinned;
mod plot;
mod provers;
mod table;
mod universal;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

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

    /// Write the figures into README.md and docs/images of the current directory
    #[arg(long)]
    write: bool,

    /// Measure this prover beside ark-groth16 instead
    #[arg(long)]
    provers: bool,

    /// Measure nothing: bring the pages up to date that tell what the pinned circuits cost
    #[arg(long, conflicts_with = "provers")]
    pinned: bool,

    /// Base-2 logarithms of the circuits that the provers are compared on
    #[arg(long, value_delimiter = ',', default_values_t = 12..=20)]
    sizes: Vec<u8>,

    /// Threads of each prover
    #[arg(long, default_value_t = 2)]
    threads: usize,

    /// Proofs of each prover
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// What `zkpov demo --json` prints, as far as it is used here. Times are in seconds.
#[derive(Clone, Debug, Deserialize)]
struct Demo {
    accounts: u32,
    constraints: u64,
    calls: BTreeMap<String, u32>,
    setup_seconds: f64,
    witness_seconds: f64,
    prove_seconds: f64,
    validate_seconds: f64,
    prepare_key_seconds: f64,
    reexecute_seconds: f64,
    pov_bytes: u64,
    witness_pov_bytes: WitnessPov,
}

impl Demo {
    /// How many calls of this name are in the block.
    fn calls_named(&self, name: &str) -> u32 {
        self.calls.get(name).copied().unwrap_or_default()
    }
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
    match (args.provers, args.pinned) {
        (true, _) => measure_provers(&args),
        (_, true) => tell_pinned(args.write),
        _ => measure_tiers(&args),
    }
}

/// A program that was built with this one.
fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.exists(), "{} is not there: run `cargo build --release` first", path.display());
    Ok(path)
}

fn measure_provers(args: &Args) -> anyhow::Result<()> {
    let compared = provers::measure(&sibling("compare")?, &args.sizes, args.threads, args.rounds)?;
    let markdown = provers::markdown(&compared, args.threads, args.rounds);
    print!("{markdown}");
    if args.write {
        table::replace_in("README.md".as_ref(), "provers", &markdown)?;
        std::fs::write("docs/images/provers.svg", provers::chart(&compared))?;
    }
    Ok(())
}

/// Prints the pages that are out of date, and writes them if told to.
fn tell_pinned(write: bool) -> anyhow::Result<()> {
    for (name, text) in pinned::pages(".".as_ref())? {
        if std::fs::read_to_string(name).is_ok_and(|found| found == text) {
            continue;
        }
        println!("{name} is {}", if write { "written" } else { "out of date" });
        if write {
            std::fs::write(name, text)?;
        }
    }
    Ok(())
}

fn measure_tiers(args: &Args) -> anyhow::Result<()> {
    let zkpov = match &args.zkpov {
        Some(path) => path.clone(),
        None => sibling("zkpov")?,
    };
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
        table::replace_in("README.md".as_ref(), "figures", &markdown)?;
        std::fs::write("docs/images/proving.svg", chart::tiers(&measured))?;
    }
    Ok(())
}

/// What the program prints.
fn run(program: &Path, arguments: &[&str]) -> anyhow::Result<String> {
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
