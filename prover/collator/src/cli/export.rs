//! `zkpov export`: a chain's circuit, witnesses, keys and proofs in the files of other people's tools.

use std::path::{Path, PathBuf};

use serde_json::json;
use zkpov_circom::{json as files_json, r1cs, wtns};
use zkpov_collator::{
    ceremony,
    chain::ChainReader,
    export,
    extrinsics::{self, MAX_EXTRINSICS_FILE_BYTES},
    files, key_file,
};
use zkpov_verifier::{
    block::ProvenBlock,
    head::{Head, MAX_HEAD_BYTES},
    key::{MAX_KEY_BYTES, ValidityKey},
};

use super::{
    failure::Failure,
    output::{Output, table},
    values::{self, TierChoice, hex},
};

const CIRCUIT: &str = "circuit.r1cs";
const WITNESS: &str = "witness.wtns";
const VERIFICATION_KEY: &str = "verification_key.json";
const PROOF: &str = "proof.json";
const PUBLIC: &str = "public.json";

/// Write a chain's circuit, witness, key or proof in the files of circom and snarkjs
///
/// So that nobody has to believe this program: snarkjs checks the circuit, the ceremony and the proofs.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "What is written depends on what is given:\n  always                              circuit.r1cs\n  --key                              \
                  verification_key.json\n  --key, --parent, --pov and --relay  proof.json, public.json\n  --extrinsics, \
                  --author and --relay  witness.wtns of the next block\n\nExample:\n  zkpov export --snarkjs --base chain \
                  --tier tiny --out exported\n  snarkjs r1cs info exported/circuit.r1cs"
)]
pub(crate) struct Args {
    /// In the files of circom and snarkjs, the only ones there are so far
    #[arg(long, required = true)]
    snarkjs: bool,

    /// The chain's directory, as `zkpov genesis` made it
    #[arg(long, value_name = "DIR")]
    base: PathBuf,

    /// The tier: a number, `tiny` or `largest`
    #[arg(long, value_name = "T")]
    tier: TierChoice,

    /// The chain's validity key
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,

    /// A proven block
    #[arg(long, value_name = "FILE", requires_all = ["key", "parent", "relay"])]
    pov: Option<PathBuf>,

    /// The head of that block's parent
    #[arg(long, value_name = "FILE")]
    parent: Option<PathBuf>,

    /// The relay file
    #[arg(long, value_name = "FILE")]
    relay: Option<PathBuf>,

    /// Extrinsics of a block that is executed, not authored
    #[arg(long, value_name = "FILE", requires_all = ["author", "relay"])]
    extrinsics: Option<PathBuf>,

    /// The key file of that block's author
    #[arg(long, value_name = "FILE")]
    author: Option<PathBuf>,

    /// The directory to write into
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let reader = ChainReader::open(&args.base)?;
    let tier = args.tier.of(reader.info.chain)?;
    std::fs::create_dir_all(&args.out)
        .map_err(|error| Failure::misuse(format!("cannot make {}: {error}", args.out.display())))?;
    let mut written = Vec::new();
    let mut write = |name: &'static str, bytes: &dyn Fn(&mut dyn std::io::Write) -> std::io::Result<()>| {
        let path = args.out.join(name);
        files::write_atomically_with(&path, |out| bytes(out))?;
        written.push((name, path));
        Ok::<_, Failure>(())
    };
    let (circuit, digest) = ceremony::ceremony_circuit(reader.info.chain, tier)?;
    write(CIRCUIT, &|out| r1cs::write(out, &circuit))?;

    if let Some(path) = &args.key {
        let key = validity_key(path)?;
        let of_tier = key
            .tiers
            .iter()
            .find(|known| known.tier == tier)
            .ok_or_else(|| Failure::misuse(format!("{} has no tier {tier}", path.display())))?;
        let text = files_json::write_verifying_key(&export::verifying_key(of_tier)?);
        write(VERIFICATION_KEY, &|out| out.write_all(text.as_bytes()))?;
        if let (Some(pov), Some(parent), Some(relay)) = (&args.pov, &args.parent, &args.relay) {
            let parent = Head::decode(&files::read_bounded(parent, MAX_HEAD_BYTES as u64)?)?;
            let block = ProvenBlock::decode(&values::pov_file(pov)?)
                .map_err(|error| Failure::refused(format!("{}: {error}", pov.display())))?;
            let (public, proof) = export::block_proof(&key, &parent, &values::relay_file(relay)?, &block)?;
            let (proof, public) =
                (files_json::write_proof(&proof), files_json::write_public_inputs(&[public]));
            write(PROOF, &|out| out.write_all(proof.as_bytes()))?;
            write(PUBLIC, &|out| out.write_all(public.as_bytes()))?;
        }
    }
    if let (Some(extrinsics), Some(author), Some(relay)) = (&args.extrinsics, &args.author, &args.relay) {
        let assignment = {
            let lines = files::read_bounded(extrinsics, MAX_EXTRINSICS_FILE_BYTES)?;
            let offered: Vec<Vec<u8>> = extrinsics::read_lines(reader.info.chain, &lines)
                .into_iter()
                .map(|line| line.extrinsic)
                .collect::<Result<_, _>>()?;
            let author = key_file::read(author)?.public_key();
            export::witness(&reader, &values::relay_file(relay)?, author, tier, &offered)?
        };
        write(WITNESS, &|out| wtns::write(out, &assignment))?;
    }
    let value = json!({
        "result": "exported", "tier": tier.0, "circuit_digest": hex(&digest),
        "files": written.iter().map(|(_, path)| path).collect::<Vec<_>>(),
    });
    let rows = written.iter().map(|(name, path)| (*name, path.display().to_string()));
    out.result(&value, &table(rows))
}

fn validity_key(path: &Path) -> Result<ValidityKey, Failure> {
    ValidityKey::decode(&files::read_bounded(path, MAX_KEY_BYTES as u64)?)
        .map_err(|error| Failure::misuse(format!("{} is no validity key: {error}", path.display())))
}
