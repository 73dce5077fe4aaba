//! Measures the circuits of all chains and prints `weights.csv`; `--write` writes it, `--check` compares. The name of a chain
//! prints the rows of that one, and the name of a call after it where that call's constraints stand.
//!
//! ```text
//! cargo run --release -p zkpov-circuits --example weights -- --write
//! cargo run --release -p zkpov-circuits --example weights -- payments vote
//! ```

use std::{env, fs, process::ExitCode};

use ark_relations::gr1cs;
use rayon::prelude::*;
use zkpov_circuits::{
    chains::measured_chains,
    runtime::{
        Chain,
        weights::{CSV_HEADER, TierWeight},
    },
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/weights.csv");

fn main() -> ExitCode {
    let argument = env::args().nth(1);
    let named = |chain: &&dyn Chain| argument.as_deref() == Some(chain.name());
    let one: Vec<_> = measured_chains().into_iter().filter(named).collect();
    if let ([chain], Some(call)) = (one.as_slice(), env::args().nth(2)) {
        return breakdown(*chain, &call);
    }
    let measured = if one.is_empty() { measured_chains() } else { one }.into_par_iter().map(|chain| {
        let (calls, tiers) = rayon::join(
            || chain.call_weights(),
            || chain.tiers().par_iter().map(|tier| TierWeight::measure(chain, tier)).collect::<Vec<_>>(),
        );
        let calls = calls.expect("a circuit's shape needs no witness");
        let row = |tier: gr1cs::Result<TierWeight>| {
            tier.expect("a circuit's shape needs no witness").csv_row(chain, &calls)
        };
        tiers.into_iter().map(row).collect::<Vec<_>>()
    });
    let mut rows = vec![CSV_HEADER.to_owned()];
    rows.extend(measured.collect::<Vec<_>>().concat());
    let csv = rows.join("\n") + "\n";
    match argument.as_deref() {
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

/// Prints where the constraints of a call stand.
fn breakdown(chain: &dyn Chain, call: &str) -> ExitCode {
    let Some(kind) = (0..=u8::MAX).find(|kind| chain.call_name(*kind) == Some(call)) else {
        eprintln!("{} has no call `{call}`", chain.name());
        return ExitCode::from(2);
    };
    let breakdown = chain.call_breakdown(kind).expect("a circuit's shape needs no witness");
    for (path, constraints) in &breakdown {
        println!("{constraints:>9.1}  {}", if path.is_empty() { "(beside the slots)" } else { path });
    }
    println!("{:>9.1}  in all", breakdown.iter().map(|(_, constraints)| constraints).sum::<f64>());
    ExitCode::SUCCESS
}
