//! Measures the circuits of all chains and prints `weights.csv`; `--write` writes it, `--check` compares.
//!
//! `cargo run --release -p zkpov-circuits --example weights -- --write`

use std::{env, fs, process::ExitCode};

use zkpov_circuits::{
    chains::chains,
    runtime::weights::{CSV_HEADER, TierWeight},
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/weights.csv");

fn main() -> ExitCode {
    let mut rows = vec![CSV_HEADER.to_owned()];
    for chain in chains() {
        let calls = chain.call_weights().expect("a circuit's shape needs no witness");
        for tier in chain.tiers() {
            let weight = TierWeight::measure(chain, tier).expect("a circuit's shape needs no witness");
            rows.push(weight.csv_row(chain, &calls));
        }
    }
    let csv = rows.join("\n") + "\n";
    match env::args().nth(1).as_deref() {
        Some("--write") => {
            fs::write(FILE, csv).expect("the file can be written");
            println!("wrote {FILE}");
        }
        Some("--check") if fs::read_to_string(FILE).ok().as_ref() != Some(&csv) => {
            eprintln!("weights.csv is not what the circuits are:\n{csv}");
            eprintln!(
                "A circuit that changed on purpose needs a new runtime version, and then `-- --write`."
            );
            return ExitCode::from(1);
        }
        _ => print!("{csv}"),
    }
    ExitCode::SUCCESS
}
