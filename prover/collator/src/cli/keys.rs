//! `zkpov keys`: keys looked at as keys.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Subcommand;
use serde_json::{Value, json};
use zkpov_collator::{
    files,
    keystore::{KeyStore, KeyStoreError},
    paths,
};
use zkpov_prover::{KeyError, Options, ProvingKey};
use zkpov_verifier::{
    key::{KEY_MAGIC, KeyPolicy, MAX_KEY_BYTES, PreparedKey, Setup},
    lane::TierId,
    statement::ChainIdentity,
};

use super::{
    failure::Failure,
    output::{Output, bytes, duration, grouped, table},
    progress::Bars,
    values::{self, hex},
};

/// What to do when a proving key is not what it should be.
const REPLACE: &str = "copy the key again from where it was made, or make it again; do not use this one";

/// Check proving keys and validity keys in full
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Check everything about keys that can be told from the keys alone
    ///
    /// Opening a key checks its header and a few points, so that it takes milliseconds. This checks the rest: of a proving key, the
    /// checksum of every section, the constraint matrices, every point (on the curve, in the group of prime order), and by pairings
    /// on random combinations that the points belong together; of a validity key, its points, limits and shape; of a directory of
    /// keys, all that, and that each proving key belongs to the validity key. Run it once after a key was copied or downloaded. Time
    /// grows with the key's size.
    ///
    /// What this cannot tell is who knows the secrets that the keys were made with: only a ceremony's transcript can.
    #[command(
        after_help = "Exit codes: 0 all of it is as it should be, 1 a key is damaged or does not belong here, 2 it could not be \
                      checked.\n\nExamples:\n  zkpov keys check keys                  # a directory that `zkpov setup` made\n  zkpov \
                      keys check keys/tier-18.zkpk --timings"
    )]
    Check(Check),
}

#[derive(Debug, clap::Args)]
struct Check {
    /// Proving keys, validity keys, or directories of keys
    #[arg(value_name = "FILE|DIR", required = true)]
    paths: Vec<PathBuf>,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    match &args.what {
        What::Check(check) => run_check(check, out),
    }
}

/// A key that passed.
struct Checked {
    path: PathBuf,
    value: Value,
    text: String,
}

fn run_check(args: &Check, out: Output) -> Result<(), Failure> {
    let mut checked = Vec::new();
    for path in &args.paths {
        if path.is_dir() {
            check_directory(path, &mut checked)?;
        } else if values::start_of(path)? == ProvingKey::MAGIC {
            let key = open(path)?;
            checked.push(check_proving_key(path, &key)?);
        } else {
            checked.push(check_validity_key(path)?.0);
        }
    }
    let value = json!({
        "result": "valid",
        "keys": checked.iter().map(|key| &key.value).collect::<Vec<_>>(),
    });
    let rows: Vec<_> = checked.iter().map(|key| (key.path.display().to_string(), key.text.clone())).collect();
    let text = format!(
        "{}\n{}",
        out.good("valid"),
        table(rows.iter().map(|(path, text)| (path.as_str(), text.clone())))
    );
    out.result(&value, &text)
}

/// The validity key of a directory, the proving key of each of its tiers, and that they belong together.
fn check_directory(directory: &Path, checked: &mut Vec<Checked>) -> Result<(), Failure> {
    let path = paths::validity_key(directory);
    if !path.is_file() {
        return Err(Failure::misuse(format!("there is no {}", path.display()))
            .next("name a directory that `zkpov setup` made, or the files to check"));
    }
    let (validity_key, identity) = check_validity_key(&path)?;
    checked.push(validity_key);
    let store = KeyStore::open(directory, &identity)?;
    for tier in store.tiers() {
        let key = store.proving_key(tier).map_err(|error| match error {
            KeyStoreError::ProvingKey { path, source } => refusal(&path, source),
            error @ KeyStoreError::Mismatch { .. } => Failure::refused(error),
            error => Failure::from(error),
        })?;
        checked.push(check_proving_key(&paths::proving_key(directory, tier), &key)?);
    }
    Ok(())
}

fn open(path: &Path) -> Result<ProvingKey, Failure> {
    ProvingKey::open(path).map_err(|error| refusal(path, error))
}

/// A verdict on the key, unless it could not be looked at.
fn refusal(path: &Path, error: KeyError) -> Failure {
    match error {
        KeyError::Io { .. } | KeyError::Memory { .. } | KeyError::NotAKey => Failure::from(error),
        KeyError::Version { .. } => Failure::misuse(format!("{}: {error}", path.display()))
            .next("make the key with this version of the program, or check it with that which made it"),
        error => Failure::refused(format!("{}: {error}", path.display())).next(REPLACE),
    }
}

fn check_proving_key(path: &Path, key: &ProvingKey) -> Result<Checked, Failure> {
    let bars = Bars::new(path.display().to_string());
    let took = timed(|| key.check(&Options::default().with_progress(&bars)))
        .map_err(|error| refusal(path, error))?;
    drop(bars);
    let value = json!({
        "file": path,
        "kind": "proving key",
        "circuit_digest": hex(key.circuit_digest()),
        "constraints": key.num_constraints(),
        "bytes": key.file_length(),
        "seconds": took.as_secs_f64(),
    });
    let text = format!(
        "proving key of {} constraints, {}, checked in {}",
        grouped(key.num_constraints()),
        bytes(key.file_length()),
        duration(took)
    );
    Ok(Checked { path: path.to_owned(), value, text })
}

/// Checks a validity key; gives the chain it is of, too.
fn check_validity_key(path: &Path) -> Result<(Checked, ChainIdentity), Failure> {
    let content = files::read_bounded(path, MAX_KEY_BYTES as u64)?;
    if !content.starts_with(KEY_MAGIC) {
        return Err(Failure::misuse(format!("{} is no proving key and no validity key", path.display()))
            .next("`zkpov inspect` says what it is"));
    }
    let start = Instant::now();
    let key = PreparedKey::decode(&content, KeyPolicy { allow_dev_setup: true })
        .map_err(|error| Failure::refused(format!("{}: {error}", path.display())))?;
    let took = start.elapsed();
    let key = key.key();
    let tiers: Vec<TierId> = key.tiers.iter().map(|tier| tier.tier).collect();
    let development = key.tiers.iter().any(|tier| tier.setup == Setup::Dev);
    let value = json!({
        "file": path,
        "kind": "validity key",
        "code_hash": hex(&key.code_hash()),
        "para_id": key.chain.para_id,
        "tiers": tiers.iter().map(|tier| tier.0).collect::<Vec<_>>(),
        "development_setup": development,
        "seconds": took.as_secs_f64(),
    });
    let text = format!(
        "validity key of para {}, tier {}{}",
        key.chain.para_id,
        tiers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        if development { "; from a DEVELOPMENT SET-UP, whose maker can forge proofs" } else { "" }
    );
    Ok((Checked { path: path.to_owned(), value, text }, key.chain))
}

fn timed<E>(work: impl FnOnce() -> Result<(), E>) -> Result<Duration, E> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}
