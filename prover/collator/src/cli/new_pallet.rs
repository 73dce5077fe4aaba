//! `zkpov new-pallet`: a crate to begin a pallet and its chain with.

use std::path::{Path, PathBuf};

use serde_json::json;
use zkpov_collator::files;

use super::{failure::Failure, output::Output};

const MANIFEST: &str = include_str!("new_pallet/Cargo.toml.template");
const LIBRARY: &str = include_str!("new_pallet/lib.rs.template");

/// Begin a pallet of your own: a crate with a call, a record, a chain and a test
///
/// docs/tutorial.md goes on from there.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  zkpov new-pallet votes --circuits ../zkpov/circuits && cd votes && cargo test"
)]
pub(crate) struct Args {
    /// Its name: lower-case letters, digits and `_`, a letter first
    #[arg(value_name = "NAME")]
    name: String,

    /// Where the crate goes: a new directory [default: NAME]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// The folder of the crate `zkpov-circuits`, absolute or as seen from the new one
    #[arg(long, value_name = "PATH", default_value = "../zkpov/circuits")]
    circuits: String,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let Args { name, dir, circuits } = args;
    if !is_name(name) {
        return Err(Failure::misuse(format!("{name:?} is no name for a pallet"))
            .next("use lower-case letters, digits and `_`, a letter first"));
    }
    let directory = dir.clone().unwrap_or_else(|| PathBuf::from(name));
    if directory.exists() {
        return Err(Failure::misuse(format!("{} exists", directory.display())).next("choose another --dir"));
    }
    if circuits.contains(['"', '\\']) {
        return Err(Failure::misuse("the path of the circuits cannot stand in a Cargo.toml")
            .next("use a path without quotes and backslashes"));
    }
    let fill = |template: &str| {
        template
            .replace("{crate}", &name.replace('_', "-"))
            .replace("{circuits}", circuits)
            .replace("{name}", name)
    };
    let source = directory.join("src");
    std::fs::create_dir_all(&source)
        .map_err(|error| Failure::misuse(format!("cannot make {}: {error}", source.display())))?;
    write(&directory.join("Cargo.toml"), &fill(MANIFEST))?;
    write(&source.join("lib.rs"), &fill(LIBRARY))?;
    out.result(
        &json!({ "directory": directory, "pallet": name }),
        &format!("pallet {name} in {}: cd there and `cargo test`", directory.display()),
    )
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    Ok(files::write_atomically(path, text.as_bytes())?)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
