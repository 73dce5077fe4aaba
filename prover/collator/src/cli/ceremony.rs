//! `zkpov ceremony`: a set-up to which many contribute, on snarkjs's files.

use std::{
    io::{self, IsTerminal, Read, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

use serde_json::{Value, json};
use zeroize::Zeroizing;
use zkpov_circom::{
    PowersContribution, Ptau, PtauError, Zkey,
    ceremony::{
        self, CeremonyError, Contribution, InitialKey, Kind, MAX_LOG2_ITERATIONS, MIN_LOG2_ITERATIONS,
        Verified,
    },
    r1cs,
};
use zkpov_collator::{
    ceremony::{self as collator_ceremony, CeremonyKeyError},
    chain::ChainReader,
    files, paths, setup,
};
use zkpov_prover::{Options, Progress, ProvingKey};
use zkpov_verifier::lane::TierId;

use super::{
    failure::Failure,
    groth16::{in_file, map},
    output::{Output, bytes, counted, grouped, table},
    progress::Bars,
    values::{TierChoice, hex},
};

/// Name of the phase in which powers of tau are checked.
const CHECK_POWERS: &str = "checking the powers of tau";
/// The most bytes that a contributor's entropy is read of.
const MAX_ENTROPY_BYTES: u64 = 1 << 20;

/// Make a circuit's keys by a ceremony in which one honest participant is enough
///
/// Files are those of snarkjs: each step may be made, and the outcome verified, by either program.
/// `docs/ceremony.md` says how to run one.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A ceremony:\n  zkpov ceremony ptau check powers.ptau\n  zkpov ceremony new circuit.r1cs powers.ptau \
                  0.zkey\n  zkpov ceremony contribute 0.zkey 1.zkey --name alice      # each participant in turn\n  zkpov \
                  ceremony beacon 1.zkey final.zkey 0x… 20 --name 'relay block 12345678'\n  zkpov ceremony verify \
                  circuit.r1cs powers.ptau final.zkey\n  zkpov ceremony finish --base chain --ptau powers.ptau --zkey \
                  17=final.zkey --out keys"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Powers of tau, phase 1 of every circuit's set-up
    #[command(subcommand)]
    Ptau(PtauCommand),
    /// Start: the key that the first participant contributes to
    New(New),
    /// Contribute a secret, which is erased
    Contribute(Contribute),
    /// Close with a value that nobody could know before
    Beacon(Beacon),
    /// Check that a key is the outcome of its ceremony
    ///
    /// Exit code 1, with the number of the bad contribution, if it is not.
    Verify(Verify),
    /// Make a chain's keys from the outcomes
    Finish(Finish),
}

#[derive(Debug, clap::Subcommand)]
enum PtauCommand {
    /// Check that a file holds the powers of one secret, and what those who contributed to it prove
    ///
    /// Exit code 1, with the number of the bad contribution, if it does not.
    Check(PtauCheck),
}

#[derive(Debug, clap::Args)]
struct PtauCheck {
    /// The powers of tau
    #[arg(value_name = "FILE.ptau")]
    powers: PathBuf,
}

/// What the start of a ceremony is made from.
#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// The circuit, of circom or of `zkpov export`
    #[arg(value_name = "CIRCUIT.r1cs")]
    circuit: PathBuf,

    /// Powers of tau, at least one power above the circuit's domain
    #[arg(value_name = "POWERS.ptau")]
    powers: PathBuf,

    /// The key to write
    #[arg(value_name = "OUT.zkey")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Contribute {
    /// The key as the previous participant left it
    #[arg(value_name = "IN.zkey")]
    key: PathBuf,

    /// The key to write
    #[arg(value_name = "OUT.zkey")]
    out: PathBuf,

    /// Your name in the transcript, at most 64 bytes
    #[arg(long)]
    name: Option<String>,

    /// A file whose content is mixed with the operating system's randomness; `-` for standard input [default: asked for on a
    /// terminal, nothing elsewhere]
    #[arg(long, value_name = "FILE")]
    entropy: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Beacon {
    /// The key as the last participant left it
    #[arg(value_name = "IN.zkey")]
    key: PathBuf,

    /// The key to write
    #[arg(value_name = "OUT.zkey")]
    out: PathBuf,

    /// The value, in hexadecimal
    #[arg(value_name = "HEX")]
    value: String,

    /// It is hashed 2^N times, N from 10 to 30
    #[arg(value_name = "N", value_parser = clap::value_parser!(u8).range(i64::from(MIN_LOG2_ITERATIONS)..=i64::from(MAX_LOG2_ITERATIONS)))]
    log2_iterations: u8,

    /// The beacon's name in the transcript: where its value is from
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Verify {
    /// The circuit
    #[arg(value_name = "CIRCUIT.r1cs")]
    circuit: PathBuf,

    /// The powers of tau that the ceremony began with
    #[arg(value_name = "POWERS.ptau")]
    powers: PathBuf,

    /// The outcome
    #[arg(value_name = "FINAL.zkey")]
    key: PathBuf,

    /// The key that the ceremony started from: checked in a fraction of the time that computing it takes
    #[arg(long, value_name = "0.zkey")]
    initial: Option<PathBuf>,

    /// Do not check the powers of tau again
    #[arg(long)]
    ptau_checked: bool,
}

#[derive(Debug, clap::Args)]
struct Finish {
    /// The chain's directory, as `zkpov genesis` made it
    #[arg(long, value_name = "DIR")]
    base: PathBuf,

    /// The powers of tau that the ceremonies began with
    #[arg(long, value_name = "POWERS.ptau")]
    ptau: PathBuf,

    /// A tier and the outcome of its ceremony; once for each tier of the key
    #[arg(long, value_name = "T=FINAL.zkey", required = true)]
    zkey: Vec<TierFile>,

    /// Do not check the powers of tau again
    #[arg(long)]
    ptau_checked: bool,

    /// The directory of keys to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// A tier and its file.
#[derive(Clone, Debug)]
struct TierFile {
    tier: TierChoice,
    path: PathBuf,
}

impl FromStr for TierFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (tier, path) = text.split_once('=').ok_or("a tier and its file are written as 17=final.zkey")?;
        Ok(Self { tier: tier.parse()?, path: path.into() })
    }
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    match &args.command {
        Command::Ptau(PtauCommand::Check(args)) => run_ptau_check(args, out),
        Command::New(args) => run_new(args, out),
        Command::Contribute(args) => run_contribute(args, out),
        Command::Beacon(args) => run_beacon(args, out),
        Command::Verify(args) => run_verify(args, out),
        Command::Finish(args) => run_finish(args, out),
    }
}

fn run_ptau_check(args: &PtauCheck, out: Output) -> Result<(), Failure> {
    let file = map(&args.powers)?;
    let powers = Ptau::parse(file.bytes()).map_err(in_file(&args.powers))?;
    let contributions = check_powers(&powers, &args.powers)?;
    let listed = contributions.iter().map(|contribution| {
        contribution_json(&contribution.display_name(), &contribution.response_hash(), contribution.kind())
    });
    let value = json!({
        "result": "valid", "power": powers.power(), "ceremony_power": powers.ceremony_power(),
        "prepared": powers.is_prepared(), "contributions": listed.collect::<Vec<_>>(),
    });
    let truncated = powers.ceremony_power() != powers.power();
    let rows = [
        ("power", format!("2^{}: circuits with a domain of up to 2^{}", powers.power(), powers.power() - 1)),
        (
            "Lagrange form",
            if powers.is_prepared() { "in the file" } else { "computed when needed" }.to_owned(),
        ),
        (
            "of a file",
            if truncated {
                format!("of 2^{}: the last challenge is not recomputed", powers.ceremony_power())
            } else {
                "that is whole: the last challenge is the hash of these powers".to_owned()
            },
        ),
        ("contributions", counted(contributions.len() as u64, "contribution")),
    ];
    let list: String = (1..)
        .zip(&contributions)
        .map(|(number, contribution)| {
            let hash = contribution.response_hash();
            contribution_text(number, &contribution.display_name(), &hash, contribution.kind())
        })
        .collect();
    out.result(&value, &format!("{}\n{}{list}", out.good("valid"), table(rows)))
}

fn check_powers(powers: &Ptau<'_>, path: &Path) -> Result<Vec<PowersContribution>, Failure> {
    let bars = Bars::new("powers of tau");
    let checked = powers.check(&|done, total| bars.report(CHECK_POWERS, done, total));
    drop(bars);
    checked.map_err(|error| Failure::refused(format!("{}: {error}", path.display())))
}

/// Makes the key that a ceremony starts from.
pub(crate) fn run_new(args: &New, out: Output) -> Result<(), Failure> {
    let (circuit_file, powers_file) = (map(&args.circuit)?, map(&args.powers)?);
    let circuit = r1cs::Circuit::parse(circuit_file.bytes()).map_err(in_file(&args.circuit))?;
    let powers = Ptau::parse(powers_file.bytes()).map_err(in_file(&args.powers))?;
    let key = initial(&circuit, &powers, &args.powers)?;
    files::write_atomically_with(&args.out, |out| key.write(out))?;
    eprintln!(
        "{}",
        out.warning(
            "NOBODY HAS CONTRIBUTED TO THIS KEY: anyone can forge proofs under it until somebody does."
        )
    );
    let value = json!({
        "result": "made", "zkey": args.out, "circuit_hash": hex(key.circuit_hash()),
        "constraints": circuit.r1cs.num_constraints(), "domain": key.header().domain_size,
    });
    let rows = [
        ("key", args.out.display().to_string()),
        ("circuit hash", hex(key.circuit_hash())),
        ("constraints", grouped(circuit.r1cs.num_constraints())),
    ];
    out.result(&value, &table(rows))
}

fn initial(circuit: &r1cs::Circuit, powers: &Ptau<'_>, path: &Path) -> Result<InitialKey, Failure> {
    let bars = Bars::new("ceremony");
    const COMPUTE: &str = "computing the initial key";
    bars.report(COMPUTE, 0, 1);
    let key = InitialKey::new(circuit, powers);
    bars.report(COMPUTE, 1, 1);
    drop(bars);
    key.map_err(|error| match error {
        PtauError::TooSmall { .. } => Failure::misuse(format!("{}: {error}", path.display())),
        error => Failure::refused(format!("{}: {error}", path.display())),
    })
}

fn run_contribute(args: &Contribute, out: Output) -> Result<(), Failure> {
    let file = map(&args.key)?;
    let key = Zkey::parse(file.bytes()).map_err(in_file(&args.key))?;
    let entropy = entropy(args.entropy.as_deref())?;
    let made = ceremony::contribute(&key, args.name.as_deref(), &entropy).map_err(in_key(&args.key))?;
    drop(entropy);
    files::write_atomically_with(&args.out, |out| made.write(out))?;
    contributed(&args.out, made.count(), &made.hash(), out)
}

fn run_beacon(args: &Beacon, out: Output) -> Result<(), Failure> {
    let digits = args.value.strip_prefix("0x").unwrap_or(&args.value);
    let value = ::hex::decode(digits)
        .map_err(|_| Failure::misuse("the beacon's value is not hexadecimal, two digits a byte"))?;
    let file = map(&args.key)?;
    let key = Zkey::parse(file.bytes()).map_err(in_file(&args.key))?;
    let made = ceremony::beacon(&key, args.name.as_deref(), &value, args.log2_iterations)
        .map_err(in_key(&args.key))?;
    files::write_atomically_with(&args.out, |out| made.write(out))?;
    contributed(&args.out, made.count(), &made.hash(), out)
}

fn contributed(path: &Path, number: usize, hash: &[u8], out: Output) -> Result<(), Failure> {
    let value = json!({ "result": "contributed", "zkey": path, "number": number, "hash": hex(hash) });
    let rows = [
        ("key", path.display().to_string()),
        ("contribution", format!("#{number}")),
        ("hash", hex(hash)),
        ("next", "announce the hash; it is in the transcript that everybody can verify".to_owned()),
    ];
    out.result(&value, &table(rows))
}

/// What the contributor adds to the operating system's randomness.
fn entropy(path: Option<&Path>) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut entropy = Zeroizing::new(Vec::new());
    let unreadable = |error: io::Error| Failure::misuse(format!("cannot read the entropy: {error}"));
    match path {
        Some(path) if path == Path::new("-") => {
            io::stdin().lock().take(MAX_ENTROPY_BYTES).read_to_end(&mut entropy).map_err(unreadable)?;
        }
        Some(path) => {
            let file = std::fs::File::open(path).map_err(unreadable)?;
            file.take(MAX_ENTROPY_BYTES).read_to_end(&mut entropy).map_err(unreadable)?;
        }
        None if io::stdin().is_terminal() => {
            eprint!("Type something that nobody can guess, then Enter: ");
            // A prompt that cannot be shown is no reason to stop.
            let _ = io::stderr().flush();
            let mut line = Zeroizing::new(String::new());
            io::stdin().read_line(&mut line).map_err(unreadable)?;
            entropy.extend_from_slice(line.as_bytes());
        }
        None => eprintln!("no entropy given: the operating system's alone is used"),
    }
    Ok(entropy)
}

fn run_verify(args: &Verify, out: Output) -> Result<(), Failure> {
    let (circuit_file, powers_file, key_file) = (map(&args.circuit)?, map(&args.powers)?, map(&args.key)?);
    let circuit = r1cs::Circuit::parse(circuit_file.bytes()).map_err(in_file(&args.circuit))?;
    let powers = Ptau::parse(powers_file.bytes()).map_err(in_file(&args.powers))?;
    let key = Zkey::parse(key_file.bytes())
        .map_err(|error| Failure::refused(format!("{}: {error}", args.key.display())))?;
    if !args.ptau_checked {
        check_powers(&powers, &args.powers)?;
    }
    let initial = match &args.initial {
        None => initial(&circuit, &powers, &args.powers)?,
        Some(path) => {
            let file = map(path)?;
            let start = Zkey::parse(file.bytes()).map_err(in_file(path))?;
            InitialKey::from_file(&circuit, &powers, &start)
                .map_err(|error| Failure::refused(format!("{}: {error}", path.display())))?
        }
    };
    let verified = ceremony::verify(&initial, &key)
        .map_err(|error| Failure::refused(format!("{}: {error}", args.key.display())))?;
    if verified.transcript.contributions.is_empty() {
        return Err(Failure::refused("nobody has contributed to this key: anyone can forge proofs under it"));
    }
    out.result(&verified_json(&verified), &format!("{}\n{}", out.good("valid"), verified_text(&verified)))
}

fn run_finish(args: &Finish, out: Output) -> Result<(), Failure> {
    let info = ChainReader::open(&args.base)?.info;
    let validity_file = paths::validity_key(&args.out);
    if validity_file.exists() {
        return Err(Failure::misuse(format!(
            "{} exists; keys are never overwritten",
            validity_file.display()
        )));
    }
    let powers_file = map(&args.ptau)?;
    let powers = Ptau::parse(powers_file.bytes()).map_err(in_file(&args.ptau))?;
    if !args.ptau_checked {
        check_powers(&powers, &args.ptau)?;
    }
    std::fs::create_dir_all(&args.out)
        .map_err(|error| Failure::misuse(format!("cannot make {}: {error}", args.out.display())))?;
    let mut tier_keys = Vec::new();
    let mut shown = Vec::new();
    let mut text = String::new();
    for TierFile { tier, path } in &args.zkey {
        let tier = tier.of(info.chain)?;
        if tier_keys.iter().any(|key: &zkpov_verifier::key::TierKey| key.tier == tier) {
            return Err(Failure::misuse(format!("tier {tier} is given twice")));
        }
        let key_file = map(path)?;
        let key = Zkey::parse(key_file.bytes()).map_err(in_file(path))?;
        let made = collator_ceremony::keys(info.chain, tier, &powers, &key).map_err(|error| match error {
            CeremonyKeyError::Circuit(_) => Failure::from(error),
            error => Failure::refused(format!("{}: {error}", path.display())),
        })?;
        check_key(&made.proving_key, tier, path)?;
        let proving_file = paths::proving_key(&args.out, tier);
        made.proving_key.write(&proving_file)?;
        shown.push(
            json!({ "tier": tier.0, "proving_key": proving_file, "ceremony": verified_json(&made.verified) }),
        );
        text.push_str(&format!(
            "{}\n{}",
            out.heading(format!("tier {tier}")),
            table([(
                "proving key",
                format!("{} ({})", proving_file.display(), bytes(made.proving_key.file_length()))
            )])
        ));
        text.push_str(&verified_text(&made.verified));
        tier_keys.push(made.tier_key);
    }
    // Last, so that a directory with a validity key has everything that belongs to it.
    let validity_key = setup::validity_key(&info, tier_keys);
    files::write_atomically(&validity_file, &validity_key.encode())?;
    let value = json!({
        "result": "made", "setup": "ceremony", "validity_key": validity_file,
        "code_hash": hex(&validity_key.code_hash()), "tiers": shown,
    });
    text.push_str(&table([
        ("validity key", validity_file.display().to_string()),
        ("code hash", hex(&validity_key.code_hash())),
    ]));
    out.result(&value, &text)
}

/// The full check of a key before it is written: its parts belong together, by pairings, and to the circuit.
fn check_key(key: &ProvingKey, tier: TierId, path: &Path) -> Result<(), Failure> {
    let bars = Bars::new(format!("tier {tier}"));
    let checked = key.check(&Options::default().with_progress(&bars));
    drop(bars);
    checked.map_err(|error| Failure::refused(format!("{}: {error}", path.display())))
}

fn contribution_json(name: &str, hash: &[u8], kind: &Kind) -> Value {
    let beacon = match kind {
        Kind::Contribution => Value::Null,
        Kind::Beacon { value, log2_iterations } => {
            json!({ "value": hex(value), "log2_iterations": log2_iterations })
        }
    };
    json!({ "name": name, "hash": hex(hash), "beacon": beacon })
}

fn contribution_text(number: usize, name: &str, hash: &[u8], kind: &Kind) -> String {
    let kind = match kind {
        Kind::Contribution => String::new(),
        Kind::Beacon { value, log2_iterations } => {
            format!(" (beacon {}, 2^{log2_iterations} times)", hex(value))
        }
    };
    // A name is a stranger's bytes: no control characters reach the terminal.
    format!("  #{number} {name:?}{kind}\n     {}\n", hex(hash))
}

fn verified_json(verified: &Verified) -> Value {
    let contributions = verified.transcript.contributions.iter().map(|contribution| {
        contribution_json(&contribution.display_name(), &contribution.hash(), contribution.kind())
    });
    json!({
        "result": "valid",
        "circuit_hash": hex(&verified.transcript.circuit_hash),
        "transcript_hash": hex(&verified.hash),
        "contributions": contributions.collect::<Vec<_>>(),
    })
}

fn verified_text(verified: &Verified) -> String {
    let contributions = &verified.transcript.contributions;
    let list: String = (1..)
        .zip(contributions)
        .map(|(number, contribution): (usize, &Contribution)| {
            contribution_text(number, &contribution.display_name(), &contribution.hash(), contribution.kind())
        })
        .collect();
    let rows = table([
        ("circuit hash", hex(&verified.transcript.circuit_hash)),
        ("transcript hash", hex(&verified.hash)),
        ("contributions", counted(contributions.len() as u64, "contribution")),
    ]);
    format!("{rows}{list}")
}

/// A fault of a key that is contributed to, with the file's name.
fn in_key(path: &Path) -> impl Fn(CeremonyError) -> Failure {
    let name = path.display().to_string();
    move |error| Failure::misuse(format!("{name}: {error}"))
}
