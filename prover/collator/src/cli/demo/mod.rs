//! `zkpov demo`: the whole story in one go.
//!
//! ```text
//!  [scene] ─► genesis ─► set-up ─► a core is bought ─► author ─► validator accepts ─► attacks refused
//!                                  [inclusion]                                       [tampering]
//!          ─► included, reverted, included again, final ─► costs compared
//!             [inclusion]                                  [cost]
//!
//!  with --messages, another story: tokens go from one parachain to another, and home    [messages]
//! ```

mod cost;
mod inclusion;
mod messages;
mod tampering;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use zkpov_circuits::{
    chains::payments,
    runtime::{AccountId, Chain},
};
use zkpov_collator::{
    author::Made,
    db::ReadDatabase,
    files, key_file,
    keystore::KeyStore,
    paths,
    relay::shared::SharedRelay,
    relay_file::RelayFile,
    sample::{PARA_ID, SampleBlock, SampleChain},
    scene::{self, Scene},
};
use zkpov_prover::{Backend, Options};
use zkpov_verifier::{body::BodyFormat, lane::TierId, validate::validate_block};

use super::{
    amount::amount,
    backend::BackendArgs,
    failure::Failure,
    output::{Output, bytes, duration, grouped},
    progress::Bars,
    values::{self, TierChoice, hex},
};
use cost::{Both, Cost};
use tampering::{Attack, Target};

/// See it all: a chain, its keys, a core, a proven block, the relay's check, forgeries, a fork, finality, and what it saves
///
/// Everything is made new on this machine: a chain with its accounts, its development keys, a block
/// of signed transfers that fills its tier, and a relay chain that includes it. All figures are measured in this run.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  zkpov demo\n  zkpov demo --messages     # two parachains and tokens between them\n  zkpov demo --tier largest\n  zkpov demo --dir demo   # keeps the files, to \
                        go on by hand"
)]
pub(crate) struct Args {
    /// Keep the chain, keys and files in this new directory [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// The state machine: a name that is none lists them
    #[arg(long, value_name = "NAME", default_value = "payments")]
    chain: String,

    /// The capacity tier of the block: a number, `tiny` or `largest`
    #[arg(long, value_name = "T", default_value = "18")]
    tier: TierChoice,

    /// How many accounts the chain begins with, rounded up to a power of two
    ///
    /// The more there are, the more a block without a proof must carry and its validator must hash.
    #[arg(long, value_name = "N", default_value_t = scene::DEFAULT_ACCOUNTS, value_parser = clap::value_parser!(u32).range(i64::from(scene::MIN_ACCOUNTS)..=i64::from(scene::MAX_ACCOUNTS)))]
    accounts: u32,

    /// Tell another story: two parachains with a channel between them, and tokens that go there, come back refused, and come home
    #[arg(long, conflicts_with_all = ["dir", "chain", "tier", "accounts", "backend", "device"])]
    messages: bool,

    #[command(flatten)]
    backend: BackendArgs,
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let start = Instant::now();
    if args.messages {
        return messages::run(out, start);
    }
    let chain = values::chain(&args.chain)?;
    let tier = args.tier.of(chain)?;
    let backend = args.backend.open()?;
    let temporary;
    let directory = match &args.dir {
        Some(directory) => {
            make_new(directory)?;
            directory.as_path()
        }
        None => {
            temporary = tempfile::Builder::new().prefix("zkpov-demo-").tempdir()?;
            temporary.path()
        }
    };
    let mut story = Story {
        out,
        chain,
        tier,
        accounts: args.accounts,
        backend,
        directory,
        figures: serde_json::Map::new(),
    };
    story.tell()?;
    story.finish(start.elapsed(), args.dir.as_deref())
}

fn make_new(directory: &Path) -> Result<(), Failure> {
    if directory.exists() {
        return Err(Failure::misuse(format!("{} exists", directory.display()))
            .next("choose another --dir; the demo makes it new"));
    }
    std::fs::create_dir_all(directory)
        .map_err(|error| Failure::misuse(format!("cannot make {}: {error}", directory.display())))
}

struct Story<'a> {
    out: Output,
    chain: &'static dyn Chain,
    tier: TierId,
    accounts: u32,
    backend: Backend,
    directory: &'a Path,
    /// What was measured, for a machine.
    figures: serde_json::Map<String, Value>,
}

impl Story<'_> {
    fn tell(&mut self) -> Result<(), Failure> {
        let out = self.out;
        out.say(format!(
            "{}   {}\n",
            out.heading("zkpov demo"),
            out.faint(format!(
                "chain {}, tier {} (up to 2^{} constraints), {} threads",
                self.chain.name(),
                self.tier,
                self.tier,
                rayon::current_num_threads()
            ))
        ))?;
        let mut sample = self.genesis()?;
        let key_bytes = self.setup(&sample)?;
        let keys = KeyStore::open(&sample.keys(), &sample.collator().info().identity)?
            .proving_on(self.backend.clone());
        let relay = self.buy_a_core(&sample, &key_bytes)?;
        let block = self.author(&mut sample, &keys, &relay)?;
        self.validate(&keys, &block)?;
        self.tamper(&keys, &block, sample.scene())?;
        self.include(sample, keys, &relay)?;
        // Only a chain with native code beside its circuits can be executed again for comparison.
        let Some(witness) = &block.witness else { return Ok(()) };
        self.compare(&Both {
            chain: &payments(),
            parent_head: &block.parent_head,
            relay: &block.relay,
            key_bytes: &key_bytes,
            pov: &block.record.pov,
            context: &block.context,
            witness,
        })
    }

    fn genesis(&mut self) -> Result<SampleChain, Failure> {
        let out = self.out;
        self.chapter(1, "A parachain begins")?;
        let sample =
            SampleChain::create(self.directory, self.chain, self.tier, Scene::random(self.accounts))?;
        key_file::write(&self.directory.join("author.json"), sample.scene().author())?;
        let genesis = sample.collator().info().identity.genesis_hash;
        let accounts = sample.scene().accounts();
        out.say(format!(
            "   para {PARA_ID}, {} accounts of 2^24 places, state in one Poseidon Merkle tree",
            grouped(accounts)
        ))?;
        out.say(format!("   genesis {}", out.faint(hex(&genesis))))?;
        self.figure("accounts", json!(accounts));
        self.figure("genesis_hash", json!(hex(&genesis)));
        Ok(sample)
    }

    /// Makes the keys and returns the validity key's bytes.
    fn setup(&mut self, sample: &SampleChain) -> Result<Vec<u8>, Failure> {
        let out = self.out;
        self.chapter(2, "Its keys are made, by one party and so for development only")?;
        let start = Instant::now();
        let bars = Bars::new("set-up");
        let (proving_key, validity_key) = sample.make_keys(&Options::default().with_progress(&bars))?;
        drop(bars);
        let took = start.elapsed();
        let constraints = proving_key.num_constraints();
        out.say(format!(
            "   circuit of {} constraints; keys made in {}",
            out.strong(grouped(constraints)),
            duration(took)
        ))?;
        out.say(format!(
            "   proving key {} for the collator; validity key {} for the relay chain, as the chain's validation code",
            bytes(proving_key.file_length()),
            bytes(validity_key.len() as u64)
        ))?;
        self.figure("constraints", json!(constraints));
        self.figure("setup_seconds", json!(took.as_secs_f64()));
        self.figure("proving_key_bytes", json!(proving_key.file_length()));
        self.figure("validity_key_bytes", json!(validity_key.len()));
        Ok(validity_key)
    }

    fn author(
        &mut self,
        sample: &mut SampleChain,
        keys: &KeyStore,
        relay: &SharedRelay,
    ) -> Result<SampleBlock, Failure> {
        self.chapter(4, "A collator makes block 1 for its core, and proves it")?;
        let (extrinsics, forged) = self.extrinsics(sample)?;
        let relay = RelayFile::blind(inclusion::relay_parent(relay)?);
        files::write_atomically(&self.directory.join("relay.json"), relay.to_json().as_bytes())?;
        let before = self.author_balance(sample)?;
        let bars = Bars::new("proof");
        let block =
            sample.author_at(relay.context, keys, &extrinsics, &Options::default().with_progress(&bars))?;
        drop(bars);
        let pov = self.directory.join("block-1.pov");
        files::write_atomically(&pov, &block.record.pov)?;
        files::write_atomically(&paths::head_beside(&pov), &block.record.head)?;
        let fees = self.author_balance(sample)?.saturating_sub(before);
        self.say_made(&block.made, &extrinsics, (fees, &forged), sample)?;
        self.say_private(&block)?;
        Ok(block)
    }

    /// The extrinsics offered, as SCALE: as many as the tier holds, and forged ones. Also written as a file.
    fn extrinsics(&self, sample: &SampleChain) -> Result<(Vec<Vec<u8>>, Vec<&'static str>), Failure> {
        let signed = sample.signed()?;
        let (names, forged): (Vec<_>, Vec<_>) = sample.forged(&signed)?.into_iter().unzip();
        let offered: Vec<_> = signed.into_iter().chain(forged).collect();
        let mut lines = String::new();
        for extrinsic in &offered {
            lines.push_str(&self.chain.extrinsic_to_json(extrinsic)?.to_string());
            lines.push('\n');
        }
        files::write_atomically(&self.directory.join("extrinsics.jsonl"), lines.as_bytes())?;
        Ok((offered, names))
    }

    fn author_balance(&self, sample: &SampleChain) -> Result<u128, Failure> {
        let who = AccountId::Key(sample.scene().author().public_key());
        let account = self.chain.account(&sample.collator().database().state()?, who)?;
        Ok(account.map_or(0, |account| account.balance))
    }

    /// Calls of a block and how many of each. A private block counts every slot as used: there the extrinsics tell.
    fn calls(&self, made: &Made, offered: &[Vec<u8>]) -> Vec<(String, u32)> {
        let tier = self.chain.tiers().iter().find(|tier| tier.id == self.tier);
        let lanes = tier.iter().flat_map(|tier| &tier.lanes).zip(&made.used_slots);
        let name = |call: u8| self.chain.call_name(call).unwrap_or_default();
        if self.chain.body_format() == BodyFormat::Public {
            let named = lanes.map(|(lane, used)| (name(lane.call).to_owned(), *used));
            return named.filter(|(_, used)| *used > 0).collect();
        }
        let mut counts = BTreeMap::new();
        for extrinsic in made.included.iter().filter_map(|position| offered.get(*position)) {
            let json = self.chain.extrinsic_to_json(extrinsic).unwrap_or_default();
            *counts.entry(json["call"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    /// What is different on a private chain.
    fn say_private(&mut self, block: &SampleBlock) -> Result<(), Failure> {
        if self.chain.body_format() == BodyFormat::Public {
            return Ok(());
        }
        let out = self.out;
        let length = block.made.body_bytes;
        out.say(format!(
            "   the body is {}: {} whatever is in it, read by holders of the chain's key alone",
            out.strong("encrypted in the circuit"),
            bytes(length as u64)
        ))?;
        out.say(out.faint(
            "   Validators see tier, author and roots. The state is salted, so that a guess at the block cannot be confirmed.",
        ))?;
        self.figure("private_body_bytes", json!(length));
        Ok(())
    }

    fn say_made(
        &mut self,
        made: &Made,
        offered: &[Vec<u8>],
        (fees, forged): (u128, &[&str]),
        sample: &SampleChain,
    ) -> Result<(), Failure> {
        let out = self.out;
        let used = self.calls(made, offered);
        let calls: Vec<String> = used.iter().map(|(name, used)| format!("{used} × {name}")).collect();
        out.say(format!(
            "   {} signed extrinsics offered; in the block: {}; refused:",
            made.included.len() + made.refused.len(),
            out.strong(calls.join(", ")),
        ))?;
        for (name, (_, reason)) in forged.iter().zip(&made.refused) {
            out.say(format!("   {} {name}: {}", out.bad("✗"), out.faint(reason)))?;
        }
        let times = &made.timings;
        out.say(format!(
            "   executed in {}, witness in {}, {} in {}; the author earns {}",
            duration(times.execute),
            duration(times.witness),
            out.strong("proved"),
            out.strong(duration(times.prove)),
            amount(fees, &sample.collator().token()?)
        ))?;
        let used: serde_json::Map<_, _> = used.into_iter().map(|(name, used)| (name, used.into())).collect();
        self.figure("calls", used.into());
        self.figure("execute_seconds", json!(times.execute.as_secs_f64()));
        self.figure("witness_seconds", json!(times.witness.as_secs_f64()));
        self.figure("prove_seconds", json!(times.prove.as_secs_f64()));
        Ok(())
    }

    fn validate(&mut self, keys: &KeyStore, block: &SampleBlock) -> Result<(), Failure> {
        let out = self.out;
        self.chapter(5, "A relay validator checks it, where it would have executed it")?;
        let start = Instant::now();
        let transition =
            validate_block(&block.parent_head, &block.relay, keys.validity_key(), &block.record.pov)
                .map_err(|reason| {
                    Failure::misuse(format!("the block is refused: {reason}; this is a fault of the program"))
                })?;
        let took = start.elapsed();
        if transition.head_data != block.record.head {
            return Err(Failure::misuse(
                "the validator computes another head; this is a fault of the program",
            ));
        }
        out.say(format!(
            "   {} in {}, knowing the parent's head, the validity key and {} of block",
            out.good("✓ accepted"),
            duration(took),
            bytes(block.record.pov.len() as u64)
        ))?;
        out.say(format!("   new head {}", out.faint(hex(&block.record.hash))))?;
        self.figure("head_hash", json!(hex(&block.record.hash)));
        Ok(())
    }

    fn tamper(&mut self, keys: &KeyStore, block: &SampleBlock, scene: &Scene) -> Result<(), Failure> {
        let out = self.out;
        self.chapter(6, "Forgeries are refused, even those that the author signs")?;
        let target = Target {
            parent_head: &block.parent_head,
            relay: &block.relay,
            key: keys.validity_key(),
            pov: &block.record.pov,
            author: scene.author(),
        };
        let attacks = tampering::attacks(&target)?;
        for (index, Attack { what, refusal }) in attacks.iter().enumerate() {
            let Some(reason) = refusal else {
                return Err(Failure::misuse(format!(
                    "accepted although {what}; this is a fault of the program"
                )));
            };
            out.say(format!("   {} {what}", out.bad("✗")))?;
            // A reason that several have stands below the last of them.
            if attacks.get(index + 1).is_none_or(|next| next.refusal.as_ref() != Some(reason)) {
                out.say(format!("     {}", out.faint(reason)))?;
            }
        }
        let list = attacks.iter().map(|attack| json!({ "attack": attack.what, "refused": attack.refusal }));
        self.figure("attacks", Value::Array(list.collect()));
        Ok(())
    }

    fn compare(&mut self, both: &Both<'_>) -> Result<(), Failure> {
        let out = self.out;
        self.chapter(8, "What the relay chain saves on this block")?;
        let cost = cost::measure(both)?;
        let Cost { proof, prepare, reexecution, proof_bytes, witness_bytes } = &cost;
        let row = |name: &str, one: String, other: String, ratio: f64| {
            format!("   {name:<30}{one:>14}{other:>14}   {}", out.strong(times(ratio)))
        };
        out.say(out.faint(format!("   {:<30}{:>14}{:>14}", "", "re-execution", "proof")))?;
        out.say(row(
            "a validator's time, one core",
            duration(*reexecution),
            duration(*proof),
            cost.time_ratio(),
        ))?;
        out.say(row(
            "bytes to keep available",
            bytes(witness_bytes.total() as u64),
            bytes(*proof_bytes as u64),
            cost.bytes_ratio(),
        ))?;
        out.say(out.faint(format!(
            "   Re-execution: native code, signatures and one Merkle multiproof ({} extrinsics, {} records, {} nodes).",
            bytes(witness_bytes.extrinsics as u64),
            bytes(witness_bytes.records as u64),
            bytes(witness_bytes.nodes as u64)
        )))?;
        out.say(out.faint(format!(
            "   Proof: with a prepared validity key; preparing one takes {}, once. A larger block costs the validator hardly more.",
            duration(*prepare)
        )))?;
        self.figure("validate_seconds", json!(proof.as_secs_f64()));
        self.figure("prepare_key_seconds", json!(prepare.as_secs_f64()));
        self.figure("reexecute_seconds", json!(reexecution.as_secs_f64()));
        self.figure("pov_bytes", json!(proof_bytes));
        self.figure(
            "witness_pov_bytes",
            json!({
                "extrinsics": witness_bytes.extrinsics, "records": witness_bytes.records,
                "nodes": witness_bytes.nodes, "total": witness_bytes.total(),
            }),
        );
        Ok(())
    }

    fn finish(mut self, took: Duration, kept: Option<&Path>) -> Result<(), Failure> {
        let out = self.out;
        out.say(format!("\n{}", out.faint(format!("All of it took {}.", duration(took)))))?;
        if let Some(directory) = kept {
            let d = directory.display();
            out.say(format!("The files are in {d}. Check the block yourself, or look at an account:"))?;
            out.say(format!(
                "  zkpov verify --key {d}/keys/validity.key --parent {d}/chain/genesis.head --pov {d}/block-1.pov --relay {d}/relay.json --allow-dev-keys"
            ))?;
            out.say(format!("  zkpov account --base {d}/chain 0"))?;
        }
        self.figure("result", json!("done"));
        self.figure("chain", json!(self.chain.name()));
        self.figure("tier", json!(self.tier.0));
        self.figure("threads", json!(rayon::current_num_threads()));
        self.figure("seconds", json!(took.as_secs_f64()));
        if out.is_json() { out.line(Value::Object(self.figures)) } else { Ok(()) }
    }

    fn chapter(&self, number: u32, title: &str) -> Result<(), Failure> {
        let gap = if number == 1 { "" } else { "\n" };
        self.out.say(format!("{gap}{}", self.out.heading(format!("{number}  {title}"))))
    }

    fn figure(&mut self, name: &str, value: Value) {
        self.figures.insert(name.to_owned(), value);
    }
}

/// How the proof compares, honestly either way.
fn times(ratio: f64) -> String {
    if ratio >= 1.0 { format!("{ratio:.1} times less") } else { format!("{:.1} times more", 1.0 / ratio) }
}
