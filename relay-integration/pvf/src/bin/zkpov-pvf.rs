//! `zkpov-pvf`: puts a validity key into the wasm that `scripts/pvf` builds, and looks at what is in one.
//!
//! Exit codes: 0 done, 1 refused, 2 misuse.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use zkpov_relay_pvf::{check, embed, embedded_key, slot::template_of};
use zkpov_verifier::{hashing::blake2b_256, key::KeyPolicy};

/// The verifier as a parachain validation function: the validity key in, the validation code out.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Puts a validity key into the wasm, in place of the one that is there
    Embed {
        /// The wasm that scripts/pvf built
        wasm: PathBuf,
        /// The validity key
        key: PathBuf,
        /// The validation code to write
        out: PathBuf,
        /// Accept a key from a development set-up, whose maker can forge
        #[arg(long)]
        allow_dev_keys: bool,
    },
    /// Shows which key a wasm has and which build it is, and computes again what was computed of the key
    Inspect {
        /// The validation code
        wasm: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), String> {
    match command {
        Command::Embed { wasm, key, out, allow_dev_keys } => {
            let policy = KeyPolicy { allow_dev_setup: allow_dev_keys };
            let code = embed(&read(&wasm)?, &read(&key)?, policy).map_err(|error| error.to_string())?;
            fs::write(&out, &code).map_err(|error| format!("{}: {error}", out.display()))?;
            println!("{}: {} bytes, code hash 0x{}", out.display(), code.len(), hash(&code));
        }
        Command::Inspect { wasm } => {
            let code = read(&wasm)?;
            let template = template_of(&code).map_err(|error| error.to_string())?;
            println!("code hash 0x{}, without the key 0x{}", hash(&code), hash(&template));
            match embedded_key(&code).map_err(|error| error.to_string())? {
                None => println!("no validity key"),
                Some(bytes) => {
                    let key = check(&code).map_err(|error| error.to_string())?;
                    let (chain, tiers) = (key.key().chain, key.key().tiers.len());
                    println!(
                        "validity key 0x{} of para {}, runtime version {}, {tiers} tiers",
                        hash(bytes),
                        chain.para_id,
                        chain.runtime_version,
                    );
                }
            }
        }
    }
    Ok(())
}

fn read(path: &PathBuf) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn hash(bytes: &[u8]) -> String {
    blake2b_256(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
