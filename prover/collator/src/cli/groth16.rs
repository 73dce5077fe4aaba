//! `zkpov groth16`: circom's circuits on this prover, in the argument orders of rapidsnark and snarkjs.

use std::{path::Path, path::PathBuf, time::Instant};

use serde_json::json;
use zkpov_circom::{FormatError, ProveError, Zkey, json as files_json, prove, wtns};
use zkpov_collator::files;
use zkpov_prover::mapped::MappedFile;

use super::{
    ceremony,
    failure::Failure,
    output::{Output, duration, grouped, table},
};

/// The most bytes of a JSON file. A verification key takes about 250 bytes a public input.
const MAX_JSON_BYTES: u64 = 1 << 30;

/// Prove and verify circuits compiled by circom, with keys made by snarkjs or by `zkpov ceremony`
///
/// A drop-in for `rapidsnark` and `snarkjs groth16`: the same files, the same order of arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a proof from a zkey and a witness
    ///
    /// The proof is verified before it is written. A zkey does not hold the whole circuit, so a wrong witness
    /// is found by that verification, without the name of a constraint.
    #[command(
        after_help = "Example:\n  zkpov groth16 prove circuit.zkey witness.wtns proof.json public.json"
    )]
    Prove(Prove),
    /// Check a proof against a verification key and public inputs
    ///
    /// Exit code 0 if the proof holds, 1 if it does not.
    #[command(after_help = "Example:\n  zkpov groth16 verify verification_key.json public.json proof.json")]
    Verify(Verify),
    /// Make a proving key from a circuit and powers of tau
    ///
    /// The same as `zkpov ceremony new`: until somebody contributes to it, anyone can forge proofs under the key.
    #[command(after_help = "Example:\n  zkpov groth16 setup circuit.r1cs powers.ptau circuit.zkey")]
    Setup(ceremony::New),
}

#[derive(Debug, clap::Args)]
struct Prove {
    /// The circuit's proving key, of snarkjs or of a ceremony
    #[arg(value_name = "CIRCUIT.zkey")]
    key: PathBuf,

    /// The witness, of circom's witness calculator
    #[arg(value_name = "WITNESS.wtns")]
    witness: PathBuf,

    /// The proof to write
    #[arg(value_name = "PROOF.json")]
    proof: PathBuf,

    /// The public inputs to write
    #[arg(value_name = "PUBLIC.json")]
    public: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Verify {
    /// The verification key
    #[arg(value_name = "VKEY.json")]
    key: PathBuf,

    /// The public inputs
    #[arg(value_name = "PUBLIC.json")]
    public: PathBuf,

    /// The proof
    #[arg(value_name = "PROOF.json")]
    proof: PathBuf,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Prove(args) => run_prove(args, out),
        Command::Verify(args) => run_verify(args, out),
        Command::Setup(args) => ceremony::run_new(args, out),
    }
}

fn run_prove(args: &Prove, out: Output) -> Result<(), Failure> {
    let start = Instant::now();
    let key_file = map(&args.key)?;
    let key = Zkey::parse(key_file.bytes()).map_err(in_file(&args.key))?;
    let assignment = wtns::parse(map(&args.witness)?.bytes()).map_err(in_file(&args.witness))?;
    let proof = prove(&key, &assignment).map_err(|error| match error {
        ProveError::Key(error) => in_file(&args.key)(error),
        error => Failure::refused(error),
    })?;
    let public = assignment.get(1..=key.header().public_inputs as usize).unwrap_or_default();
    files::write_atomically(&args.proof, files_json::write_proof(&proof).as_bytes())?;
    files::write_atomically(&args.public, files_json::write_public_inputs(public).as_bytes())?;
    let took = start.elapsed();
    let value = json!({
        "result": "proven", "proof": args.proof, "public": args.public, "public_inputs": public.len(),
        "domain": key.header().domain_size, "seconds": took.as_secs_f64(),
    });
    let rows = [
        ("proof", args.proof.display().to_string()),
        ("public inputs", format!("{} ({})", args.public.display(), grouped(public.len()))),
        ("domain", grouped(key.header().domain_size)),
        ("proven in", duration(took)),
    ];
    out.result(&value, &table(rows))
}

fn run_verify(args: &Verify, out: Output) -> Result<(), Failure> {
    let text = |path: &Path| files::read_bounded(path, MAX_JSON_BYTES);
    let key = files_json::parse_verifying_key(&text(&args.key)?).map_err(in_file(&args.key))?;
    let public =
        files_json::parse_public_inputs(&text(&args.public)?).map_err(refused_in_file(&args.public))?;
    let proof = files_json::parse_proof(&text(&args.proof)?).map_err(refused_in_file(&args.proof))?;
    zkpov_prover::verify(&key, &public, &proof).map_err(Failure::refused)?;
    out.result(&json!({ "result": "valid" }), &out.good("valid"))
}

/// Maps a file for reading.
pub(crate) fn map(path: &Path) -> Result<MappedFile, Failure> {
    MappedFile::open(path)
        .map_err(|error| Failure::misuse(format!("cannot read {}: {error}", path.display())))
}

/// A fault of a file, with its name.
pub(crate) fn in_file(path: &Path) -> impl Fn(FormatError) -> Failure {
    let name = path.display().to_string();
    move |error| Failure::misuse(format!("{name}: {error}"))
}

/// A fault of a file that is judged, with its name.
pub(crate) fn refused_in_file(path: &Path) -> impl Fn(FormatError) -> Failure {
    let name = path.display().to_string();
    move |error| Failure::refused(format!("{name}: {error}"))
}
