//! `zkpov demo`: the whole story in one go.
//!
//! ```text
//!  [scene]  ─► genesis ─► set-up ─► author ─► validator accepts ─► attacks refused ─► costs compared
//!                                                                  [tampering]        [cost]
//! ```

mod cost;
mod tampering;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use zkpov_circuits::{
    chains::Payments,
    pallets::balances::Extrinsic,
    runtime::{AccountId, BlockContext, Chain},
};
use zkpov_collator::{
    Collator,
    author::{AuthorRequest, How, Made},
    db::{BlockRecord, ReadDatabase},
    files, key_file,
    keystore::KeyStore,
    paths,
    relay_file::RelayFile,
    scene::{self, Scene},
    setup,
    witness_pov::WitnessPov,
};
use zkpov_prover::Options;
use zkpov_verifier::{
    head::ParentHead, lane::TierId, relay::RelayContext, statement, validate::validate_block,
};

use super::{
    amount::amount,
    failure::Failure,
    output::{Output, bytes, counted, duration, grouped},
    progress::Bars,
    values::{self, TierChoice, hex},
};
use cost::{Both, Cost};
use tampering::{Attack, Target};

/// The para id of the demo's chain: the first that a relay chain gives to anyone.
const PARA_ID: u32 = 2000;
/// The relay block that the demo's block is made at, and its state root: any will do, nothing is read of it.
const RELAY: RelayContext = RelayContext { relay_parent_number: 1000, relay_parent_storage_root: [0x5a; 32] };

/// See it all: a chain, its keys, a proven block, the relay's check, refused forgeries, and what it saves
///
/// Everything is made new on this machine: a chain with its accounts, its development keys, and a block
/// of signed transfers that fills its tier. All figures are measured in this run.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  zkpov demo\n  zkpov demo --tier largest\n  zkpov demo --dir demo   # keeps the files, to \
                        go on by hand"
)]
pub(crate) struct Args {
    /// Keep the chain, keys and files in this new directory [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// The state machine: `payments`
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
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let start = Instant::now();
    let chain = values::chain(&args.chain)?;
    if chain.name() != Payments::default().name() {
        return Err(Failure::misuse(format!("the demo of {} is not told yet", chain.name()))
            .next("run it with --chain payments"));
    }
    let tier = args.tier.of(chain)?;
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
    let mut story =
        Story { out, chain, tier, accounts: args.accounts, directory, figures: serde_json::Map::new() };
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
    directory: &'a Path,
    /// What was measured, for a machine.
    figures: serde_json::Map<String, Value>,
}

/// What the block was made of and on, for the comparison.
struct Block {
    record: BlockRecord,
    made: Made,
    extrinsics: Vec<Vec<u8>>,
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
        let scene = Scene::random(self.accounts);
        let mut collator = self.genesis(&scene)?;
        let key_bytes = self.setup(&collator)?;
        let keys = KeyStore::open(&self.directory.join("keys"), &collator.info().identity)?;
        let parent_head = collator.database().tip()?.head;
        // The comparison executes on the parent's state, which the snapshot keeps.
        let parent_state = collator.database().state()?;
        let parent = collator.parent()?;
        let block = self.author(&mut collator, &scene, &keys)?;
        self.validate(&parent_head, &keys, &block)?;
        self.tamper(&parent_head, &keys, &block, &scene)?;
        let payments = Payments::default();
        let context = block_context(&collator, parent, &scene)?;
        let taken =
            block.made.included.iter().filter_map(|position| block.extrinsics.get(*position)).cloned();
        let witness = WitnessPov::build(&payments, &parent_state, &context, self.tier, taken.collect())?;
        self.compare(&Both {
            chain: &payments,
            parent_head: &parent_head,
            relay: &RELAY,
            key_bytes: &key_bytes,
            pov: &block.record.pov,
            context: &context,
            tier: self.tier,
            witness: &witness,
        })
    }

    fn genesis(&mut self, scene: &Scene) -> Result<Collator, Failure> {
        let out = self.out;
        self.chapter(1, "A parachain begins")?;
        let spec = scene.spec(self.chain.name());
        files::write_atomically(&self.directory.join("spec.json"), spec.as_bytes())?;
        let base = self.directory.join("chain");
        let collator = Collator::create(&base, self.chain, PARA_ID, spec.as_bytes())?;
        let genesis = collator.database().genesis()?;
        files::write_atomically(&paths::genesis_head(&base), &genesis.head)?;
        key_file::write(&self.directory.join("author.json"), scene.author())?;
        let accounts = grouped(scene.accounts());
        out.say(format!(
            "   para {PARA_ID}, {accounts} accounts of 2^24 places, state in one Poseidon Merkle tree"
        ))?;
        out.say(format!("   genesis {}", out.faint(hex(&genesis.hash))))?;
        self.figure("accounts", json!(scene.accounts()));
        self.figure("genesis_hash", json!(hex(&genesis.hash)));
        Ok(collator)
    }

    /// Makes the keys and returns the validity key's bytes.
    fn setup(&mut self, collator: &Collator) -> Result<Vec<u8>, Failure> {
        let out = self.out;
        self.chapter(2, "Its keys are made, by one party and so for development only")?;
        let start = Instant::now();
        let bars = Bars::new("set-up");
        let options = Options::default().with_progress(&bars);
        let (proving_key, tier_key) = setup::development_keys(self.chain, self.tier, &options)?;
        drop(bars);
        let keys = self.directory.join("keys");
        std::fs::create_dir_all(&keys)?;
        proving_key.write(paths::proving_key(&keys, self.tier))?;
        let validity_key = setup::validity_key(collator.info().identity, vec![tier_key]).encode();
        files::write_atomically(&paths::validity_key(&keys), &validity_key)?;
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

    fn author(&mut self, collator: &mut Collator, scene: &Scene, keys: &KeyStore) -> Result<Block, Failure> {
        self.chapter(3, "A collator makes block 1 and proves it")?;
        let (extrinsics, forged) = self.extrinsics(collator, scene)?;
        let relay = RelayFile { context: RELAY };
        files::write_atomically(&self.directory.join("relay.json"), relay.to_json().as_bytes())?;
        let request = AuthorRequest {
            extrinsics: &extrinsics,
            pending: false,
            relay: &relay,
            author: scene.author(),
            keys,
            tier: Some(self.tier),
        };
        let before = self.author_balance(collator, scene)?;
        let bars = Bars::new("proof");
        let authored = collator.author(&request, &Options::default().with_progress(&bars))?;
        drop(bars);
        let How::Made(made) = authored.how else {
            return Err(Failure::misuse("a new chain has a block already; this is a fault of the program"));
        };
        let record = authored.block;
        let pov = self.directory.join("block-1.pov");
        files::write_atomically(&pov, &record.pov)?;
        files::write_atomically(&paths::head_beside(&pov), &record.head)?;
        let fees = self.author_balance(collator, scene)?.saturating_sub(before);
        self.say_made(&made, fees, &forged, collator)?;
        Ok(Block { record, made, extrinsics })
    }

    /// The extrinsics offered, as SCALE: as many as the tier holds, and forged ones. Also written as a file.
    fn extrinsics(
        &self,
        collator: &Collator,
        scene: &Scene,
    ) -> Result<(Vec<Vec<u8>>, Vec<&'static str>), Failure> {
        let capacity = |call: u8| {
            let tier = self.chain.tiers().iter().find(|tier| tier.id == self.tier)?;
            Some(tier.lanes.iter().find(|lane| lane.call == call)?.capacity)
        };
        let [transfers, opens] = [0, 1].map(|call| capacity(call).unwrap_or_default());
        let identity = collator.info().identity;
        let signed = scene.extrinsics(&identity, transfers, opens);
        let (names, forged): (Vec<_>, Vec<_>) = scene.forged(&identity).into_iter().unzip();
        let offered: Vec<_> = signed.into_iter().chain(forged).collect();
        let lines: String = offered.iter().map(|extrinsic| format!("{}\n", extrinsic.to_json())).collect();
        files::write_atomically(&self.directory.join("extrinsics.jsonl"), lines.as_bytes())?;
        Ok((offered.iter().map(Extrinsic::encode).collect(), names))
    }

    fn author_balance(&self, collator: &Collator, scene: &Scene) -> Result<u128, Failure> {
        let who = AccountId::Key(scene.author().public_key());
        let account = self.chain.account(&collator.database().state()?, who)?;
        Ok(account.map_or(0, |account| account.balance))
    }

    fn say_made(
        &mut self,
        made: &Made,
        fees: u128,
        forged: &[&str],
        collator: &Collator,
    ) -> Result<(), Failure> {
        let out = self.out;
        let [transfers, opens] = [0, 1].map(|lane| made.used_slots.get(lane).copied().unwrap_or_default());
        out.say(format!(
            "   {} signed extrinsics offered; in the block: {} and {}; refused:",
            made.included.len() + made.refused.len(),
            out.strong(counted(transfers.into(), "transfer")),
            out.strong(counted(opens.into(), "new account")),
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
            amount(fees, &collator.token()?)
        ))?;
        self.figure("transfers", json!(transfers));
        self.figure("opens", json!(opens));
        self.figure("execute_seconds", json!(times.execute.as_secs_f64()));
        self.figure("witness_seconds", json!(times.witness.as_secs_f64()));
        self.figure("prove_seconds", json!(times.prove.as_secs_f64()));
        Ok(())
    }

    fn validate(&mut self, parent_head: &[u8], keys: &KeyStore, block: &Block) -> Result<(), Failure> {
        let out = self.out;
        self.chapter(4, "A relay validator checks it, where it would have executed it")?;
        let start = Instant::now();
        let transition = validate_block(parent_head, &RELAY, keys.validity_key(), &block.record.pov)
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

    fn tamper(
        &mut self,
        parent_head: &[u8],
        keys: &KeyStore,
        block: &Block,
        scene: &Scene,
    ) -> Result<(), Failure> {
        let out = self.out;
        self.chapter(5, "Forgeries are refused, even those that the author signs")?;
        let target = Target {
            parent_head,
            relay: &RELAY,
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
        self.chapter(6, "What the relay chain saves on this block")?;
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

fn block_context(collator: &Collator, parent: ParentHead, scene: &Scene) -> Result<BlockContext, Failure> {
    Ok(BlockContext {
        identity: collator.info().identity,
        parent,
        relay_parent_number: RELAY.relay_parent_number,
        author: scene::AUTHOR,
        author_key: scene.author().public_key(),
        context: statement::context(&parent.hash, &[]),
    })
}
