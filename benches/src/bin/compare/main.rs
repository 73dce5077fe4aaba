//! This prover beside others: the same work, interleaved in one run, on as many threads.
//!
//! ```text
//! RUSTFLAGS="-C target-cpu=native" cargo run --release -p zkpov-benches --bin compare -- prove --log2 18 --threads 2 --json
//! ```
//!
//! ```text
//!   main       arguments
//!   prove  setup  msm  fft  field     what each system does, and that they agree
//!   memory                            peak memory, in a process of its own
//!   measure                           rounds in turn, medians, ratios; lines for people or JSON
//! ```
//!
//! ark-ff has multiplications in assembly that it uses if its feature `asm` is on (here it is) and the compiler may assume BMI2 and ADX
//! (`target-cpu=native`). This prover's kernels choose their instructions at run time and are the same either way.

mod fft;
mod field;
mod measure;
mod memory;
mod msm;
mod prove;
mod setup;

use std::path::PathBuf;

use anyhow::ensure;
use clap::{Args, Parser, Subcommand};

/// Measures zkpov's prover beside ark-groth16, arkworks and halo2curves
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    work: Work,
}

#[derive(Debug, Subcommand)]
enum Work {
    /// Groth16 proofs of a chain of squarings, the assignment given
    Prove {
        #[command(flatten)]
        common: Common,
        /// Keep the proving keys in this folder, and use those that are there
        #[arg(long, value_name = "DIR")]
        keys: Option<PathBuf>,
        /// Do not measure memory
        #[arg(long)]
        no_memory: bool,
    },
    /// Set-up of the chain's proving key
    Setup {
        #[command(flatten)]
        common: Common,
    },
    /// Multi-scalar multiplication
    Msm {
        #[command(flatten)]
        common: Common,
        /// The group of the points
        #[arg(long, value_enum, default_value_t = msm::Group::G1)]
        group: msm::Group,
        /// How the scalars are drawn
        #[arg(long, value_enum, default_value_t = msm::Kind::Random)]
        scalars: msm::Kind,
    },
    /// Values on a domain to values on its odd points: an inverse transform and one on a coset
    Fft {
        #[command(flatten)]
        common: Common,
    },
    /// Field multiplications, 64 independent chains of them, on one thread
    Field {
        /// Measured runs of each system
        #[arg(long, default_value_t = 11)]
        rounds: usize,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Proves once and prints the peak memory: what `prove` starts to measure it
    #[command(hide = true)]
    Memory { system: String, log2: u32, threads: usize, key: PathBuf },
}

/// What most measurements are told.
#[derive(Args, Clone, Copy, Debug)]
struct Common {
    /// Base-2 logarithm of the size
    #[arg(long, default_value_t = 16)]
    log2: u32,
    /// Threads of each system
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Measured runs of each system, after one that is not
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Common {
    fn checked(self) -> anyhow::Result<Self> {
        ensure!((6..=27).contains(&self.log2), "--log2 is from 6 to 27");
        ensure!(self.threads > 0 && self.rounds > 0, "--threads and --rounds are at least one");
        Ok(self)
    }
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().work {
        Work::Prove { common, keys, no_memory } => prove::compare(common.checked()?, keys, !no_memory),
        Work::Setup { common } => setup::compare(common.checked()?),
        Work::Msm { common, group, scalars } => msm::compare(common.checked()?, group, scalars),
        Work::Fft { common } => fft::compare(common.checked()?),
        Work::Field { rounds, json } => field::compare(rounds, json),
        Work::Memory { system, log2, threads, key } => prove::memory(&system, log2, threads, &key),
    }
}
