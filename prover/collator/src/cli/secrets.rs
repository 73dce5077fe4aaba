//! `zkpov secrets`: what the collators of a private chain know.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;
use zkpov_circuits::{
    runtime::{
        Authors,
        privacy::Secret,
        vault::{Rotation, Vault, commitment},
    },
    state::read_record,
};
use zkpov_collator::{
    chain::ChainReader,
    chain_keys,
    db::ReadDatabase,
    key_file, secrets,
    wrapping::{self, Card},
};
use zkpov_verifier::body::BodyFormat;

use super::{
    failure::Failure,
    output::{Output, table},
    values::{field, key_json},
};

/// Make, hand on and change what the collators of a private chain know
///
/// A private chain's bodies are encrypted under a key that its collators share, and its state roots are salted. `zkpov secrets FILE`,
/// in full `zkpov secrets new FILE`, makes both for a new chain. Whoever has the file reads every block: it goes to the chain's collators and to
/// nobody else, wrapped for each.
///
/// When a collator leaves, the others change the key: one makes the next (`rotate`), wraps it for each of the others (`wrap`), each
/// unwraps it (`unwrap`) and signs on the chain that it has it (`zkpov sign … hold_key`). The key is in force from the block after the last of
/// them signed; who left reads nothing from there on.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  zkpov secrets secrets.json\n  zkpov genesis --chain private-payments --para-id 2000 --spec \
                  spec.json --secrets secrets.json --out chain\n\n  zkpov secrets key --author bob.json --out bob.pub\n  zkpov \
                  secrets wrap --secrets secrets.json --to bob.pub --out .\n  zkpov secrets unwrap bob.wrapped --author \
                  bob.json --out secrets.json\n\ndocs/private.md walks through a rotation."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    /// The file to make; it must not exist
    #[arg(value_name = "FILE", required = true)]
    out: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the secrets of a new private chain
    ///
    /// The file is readable by you alone. Without it nobody goes on from the genesis, so keep a copy where a lost disk does not
    /// reach it.
    New {
        /// The file to make; it must not exist
        #[arg(value_name = "FILE")]
        out: PathBuf,
    },
    /// Make the card that others wrap secrets for you with
    ///
    /// The card holds a key that follows from your account's, signed by it. It is no secret.
    Key {
        /// Your account's key file
        #[arg(long, value_name = "KEYFILE")]
        author: PathBuf,
        /// The card to write
        #[arg(long, value_name = "CARD")]
        out: PathBuf,
    },
    /// Make a chain key that is to follow the one in force
    ///
    /// The key is kept in the chain's directory, readable by you alone. It comes into force on the chain when every collator that has a seat then, and
    /// nobody without one, has signed that it has it.
    Rotate {
        /// The chain's directory
        #[arg(long, value_name = "DIR")]
        base: PathBuf,
    },
    /// Wrap a chain's secrets, or its next key, for other collators
    ///
    /// Each gets a file of its own, which only the owner of the card's account opens. Compare the accounts that are printed with the
    /// chain's: a card says whose it is, not whether its owner is a collator.
    Wrap {
        /// The cards of those that it is for
        #[arg(long, value_name = "CARD", required = true, num_args = 1..)]
        to: Vec<PathBuf>,
        /// What to wrap: the secrets of a new chain
        #[arg(long, value_name = "FILE", required_unless_present = "base")]
        secrets: Option<PathBuf>,
        /// What to wrap: the key that is kept in this chain's directory
        #[arg(long, value_name = "DIR", conflicts_with = "secrets")]
        base: Option<PathBuf>,
        /// Which of the keys kept there, by its commitment [default: the only one]
        #[arg(long, value_name = "N", requires = "base")]
        commitment: Option<String>,
        /// The directory to write into: for CARD.pub the file CARD.wrapped
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Open what another collator wrapped for you
    ///
    /// A chain's next key is compared with the one that is pending on the chain: sign for it only if it is that.
    Unwrap {
        /// The wrapped file
        #[arg(value_name = "WRAPPED")]
        file: PathBuf,
        /// Your account's key file
        #[arg(long, value_name = "KEYFILE")]
        author: PathBuf,
        /// Where the secrets of a new chain go; the file must not exist
        #[arg(long, value_name = "FILE", required_unless_present = "base")]
        out: Option<PathBuf>,
        /// Where a next key goes: the directory of the chain that it is for
        #[arg(long, value_name = "DIR", conflicts_with = "out")]
        base: Option<PathBuf>,
    },
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    match (&args.command, &args.out) {
        (Some(Command::New { out: file }), _) | (None, Some(file)) => new(file, out),
        (Some(Command::Key { author, out: file }), _) => card(author, file, out),
        (Some(Command::Rotate { base }), _) => rotate(base, out),
        (Some(Command::Wrap { to, secrets, base, commitment, out: directory }), _) => {
            let secret = match (secrets, base) {
                (Some(file), _) => secrets::encode(&secrets::read(file)?, file)?,
                (None, Some(base)) => chain_keys::encode(&chosen(base, commitment.as_deref())?)?,
                (None, None) => return Err(Failure::misuse("say what to wrap: --secrets or --base")),
            };
            wrap(&secret, to, directory, out)
        }
        (Some(Command::Unwrap { file, author, out: secrets, base }), _) => {
            let opened = wrapping::unwrap(file, &key_file::read(author)?)?;
            match (secrets, base) {
                (Some(secrets), _) => unwrap_secrets(&opened, file, secrets, out),
                (None, Some(base)) => unwrap_key(&opened, file, base, out),
                (None, None) => Err(Failure::misuse("say where it goes: --out or --base")),
            }
        }
        (None, None) => {
            Err(Failure::misuse("name the file to make").next("`zkpov secrets --help` says more"))
        }
    }
}

fn new(file: &Path, out: Output) -> Result<(), Failure> {
    secrets::create(file)?;
    let value = json!({ "result": "made", "file": file });
    let text = table([("secrets", file.display().to_string())]);
    let next = format!("next: zkpov genesis --chain private-payments --secrets {} …", file.display());
    out.result(&value, &(text + &out.faint(next)))
}

fn card(author: &Path, file: &Path, out: Output) -> Result<(), Failure> {
    let card = Card::of(&key_file::read(author)?);
    card.write(file)?;
    let value = json!({ "result": "made", "file": file, "account": key_json(&card.account) });
    let [x, y] = card.account.coordinates();
    let text =
        table([("card", file.display().to_string()), ("account x", field(&x)), ("account y", field(&y))]);
    let next = "next: give it to a collator of the chain, who wraps with `zkpov secrets wrap --to`";
    out.result(&value, &(text + &out.faint(next)))
}

/// What the newest block of a private chain says of its next key, and how many seats there are.
fn rotation(base: &Path) -> Result<(Rotation, Authors), Failure> {
    let reader = ChainReader::open(base)?;
    if reader.info.chain.body_format() == BodyFormat::Public {
        let name = reader.info.chain.name();
        return Err(Failure::misuse(format!(
            "{} holds `{name}`, a public chain: it has no key",
            base.display()
        )));
    }
    let snapshot = reader.database.snapshot()?;
    let state = snapshot.state()?;
    let missing = || Failure::misuse(format!("{}: the state has no chain key", base.display()));
    let vault: Vault = read_record(&state, 0)?.ok_or_else(missing)?;
    let authors: Authors = read_record(&state, 0)?.ok_or_else(missing)?;
    Ok((vault.rotation, authors))
}

fn rotate(base: &Path, out: Output) -> Result<(), Failure> {
    let (_, authors) = rotation(base)?;
    let kept = chain_keys::keep(base, &chain_keys::random())?;
    let seats = authors.roster().iter().filter(|mark| **mark != 0).count();
    let value = json!({ "result": "made", "commitment": field(&kept), "file": chain_keys::name(&kept), "seats": seats });
    let text = table([("commitment", field(&kept)), ("seats that must sign", seats.to_string())]);
    let base = base.display();
    let next = format!(
        "next: zkpov secrets wrap --base {base} --commitment {0} --to … --out .\nthen: zkpov sign --base {base} --key … \
         hold_key commitment={0} new=true",
        field(&kept)
    );
    out.result(&value, &(text + &out.faint(next)))
}

/// The key kept for a chain that is named, or the only one.
fn chosen(base: &Path, named: Option<&str>) -> Result<Secret, Failure> {
    let keys = chain_keys::kept(base)?;
    let (found, all) = (
        |key: &&Secret| named.is_none_or(|named| field(&commitment(key)) == named),
        || keys.iter().map(|key| field(&commitment(key))).collect::<Vec<_>>().join(", "),
    );
    let mut chosen = keys.iter().filter(found);
    match (chosen.next(), chosen.next()) {
        (Some(key), None) => Ok(key.clone()),
        (None, _) if keys.is_empty() => {
            Err(Failure::misuse(format!("no key is kept for the chain in {}", base.display()))
                .next("make one with `zkpov secrets rotate`"))
        }
        _ => {
            Err(Failure::misuse("say with --commitment which key to wrap")
                .next(format!("there are {}", all())))
        }
    }
}

fn wrap(secret: &[u8], to: &[PathBuf], directory: &Path, out: Output) -> Result<(), Failure> {
    // All cards are looked at before anything is written.
    let cards = to.iter().map(|path| Ok((path, Card::read(path)?))).collect::<Result<Vec<_>, Failure>>()?;
    let mut made = Vec::new();
    for (path, card) in cards {
        let name =
            path.file_name().ok_or_else(|| Failure::misuse(format!("{} is no file", path.display())))?;
        let file = directory.join(name).with_extension("wrapped");
        card.wrap(secret, &file)?;
        made.push((file, card.account));
    }
    let list: Vec<_> =
        made.iter().map(|(file, account)| json!({ "file": file, "account": key_json(account) })).collect();
    let lines: Vec<_> = made
        .iter()
        .map(|(file, account)| {
            let [x, _] = account.coordinates();
            format!("{} for account x = {}\n", file.display(), field(&x))
        })
        .collect();
    out.result(&json!({ "result": "wrapped", "files": list }), &lines.concat())
}

fn unwrap_secrets(opened: &[u8], from: &Path, file: &Path, out: Output) -> Result<(), Failure> {
    secrets::write(file, &secrets::decode(opened, from)?)?;
    let text = table([("secrets", file.display().to_string())]);
    out.result(&json!({ "result": "unwrapped", "file": file }), &text)
}

fn unwrap_key(opened: &[u8], from: &Path, base: &Path, out: Output) -> Result<(), Failure> {
    let (rotation, _) = rotation(base)?;
    let key = chain_keys::decode(opened, from)?;
    let found = chain_keys::keep(base, &key)?;
    let pending = rotation.next.0 == found;
    let value = json!({ "result": "unwrapped", "commitment": field(&found), "pending": pending });
    let says = if pending { "yes" } else { "no: nobody has brought it yet, or another one was brought" };
    let text = table([("commitment", field(&found)), ("pending on the chain", says.to_owned())]);
    let next = format!(
        "next, if it is pending: zkpov sign --base {} --key … hold_key commitment={} new=false",
        base.display(),
        field(&found)
    );
    out.result(&value, &(text + &out.faint(next)))
}
