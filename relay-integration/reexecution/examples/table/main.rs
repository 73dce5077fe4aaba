//! What checking a block of 64 transfers costs a validator, by its proof and by executing it again: one table, measured in one run on one core.
//!
//! ```text
//!   payments ─┬─ proven: alone, in batches of 50, as a validation function    (zkpov-verifier, zkpov-relay-pvf)
//!             └─ with its witness: natively, as a validation function         (zkpov-relay-reexecution)
//!   balances ─── with its storage proof: natively                             (pallet-balances, frame-executive)
//! ```
//!
//! ```sh
//! RUSTFLAGS="-C target-cpu=native" taskset -c 0 cargo run --release -p zkpov-relay-reexecution --example table [-- --write]
//! ```
//!
//! The kinds take turns, and each turn is as long as many ticks of the scheduler's clock, whose count of this thread's time is what is measured: what
//! others do on the machine is not in it, as far as the processor's caches and frequency are their own. The median of the turns is shown.

mod balances;
mod executor;
mod payments;

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use clap::Parser;
use codec::Encode;
use zkpov_relay_pvf::embed;
use zkpov_verifier::{
    head::Head,
    key::{KeyPolicy, PreparedKey},
    validate::{Candidate, validate_batch, validate_block},
};

use self::{
    balances::FrameBlock,
    executor::Artifact,
    payments::{ProvenSample, RELAY, Sample},
};

/// Candidates of a batch.
const BATCH: usize = 50;

/// Shortest turn.
const TURN: Duration = Duration::from_millis(250);

const ALLOW_DEV: KeyPolicy = KeyPolicy { allow_dev_setup: true };

/// What is measured.
#[derive(Debug, Parser)]
struct Args {
    /// Transfers of the block.
    #[arg(long, default_value_t = 64)]
    transfers: u32,
    /// Accounts in the state.
    #[arg(long, default_value_t = 1 << 16)]
    accounts: u32,
    /// Turns of each kind.
    #[arg(long, default_value_t = 15)]
    turns: usize,
    /// Puts the table into docs/relay-node.md.
    #[arg(long)]
    write: bool,
}

/// One way to check the block.
struct Kind<'a> {
    name: &'a str,
    /// Candidates that a run checks.
    candidates: u32,
    /// Bytes of the PoV's block data.
    pov: usize,
    run: Box<dyn Fn() -> anyhow::Result<()> + 'a>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let sample = Sample::new(args.transfers, args.accounts)?;
    let one = sample.prove("key 0", "proof 0")?;
    let batch = |keys: usize| -> anyhow::Result<Vec<ProvenSample>> {
        (0..BATCH)
            .map(|index| sample.prove(&format!("key {}", index % keys), &format!("proof {index}")))
            .collect()
    };
    let (same, distinct) = (batch(1)?, batch(BATCH)?);
    let prepare = |samples: &[ProvenSample]| {
        samples
            .iter()
            .map(|sample| PreparedKey::decode(&sample.validity_key, ALLOW_DEV))
            .collect::<Result<Vec<_>, _>>()
    };
    let (same_keys, distinct_keys) = (prepare(&same)?, prepare(&distinct)?);
    let parent_head = sample.parent_head();
    let check_batch = |samples: &[ProvenSample], keys: &[PreparedKey]| {
        let candidates: Vec<_> = samples
            .iter()
            .zip(keys)
            .map(|(sample, key)| Candidate {
                parent_head: &parent_head,
                relay: RELAY,
                key,
                block_data: &sample.pov,
            })
            .collect();
        let results = validate_batch(black_box(&candidates), &[7; 32]);
        ensure!(results.iter().all(Result::is_ok), "a candidate of the batch is not valid");
        Ok(())
    };

    let wasm = Wasm::build(&one)?;
    let witness = sample.witness.encode();
    let params = |block_data: &[u8]| zkpov_relay_reexecution::execute::Params {
        parent_head: parent_head.clone(),
        block_data: block_data.to_vec(),
        relay_parent_number: RELAY.relay_parent_number,
        relay_parent_storage_root: RELAY.relay_parent_storage_root,
    };
    let (proven_params, witness_params) = (params(&one.pov).encode(), params(&witness).encode());
    let [_, expected] = sample.roots();
    for head in [&wasm.proven.execute(&proven_params)?, &wasm.executed.execute(&witness_params)?] {
        let head = Head::decode(&head.head_data.0).context("a head")?;
        ensure!(head.state_root == expected, "the validation functions come to another state");
    }
    let frame = FrameBlock::new(args.transfers, args.accounts)?;
    let (frame_block, frame_proof) = frame.bytes();

    let key = same_keys.first().context("a key")?;
    let (proven, executed) = (one.pov.len(), witness.len());
    let kinds = vec![
        Kind {
            name: "proof checked, natively",
            candidates: 1,
            pov: proven,
            run: Box::new(|| Ok(validate_block(&parent_head, &RELAY, key, &one.pov).map(drop)?)),
        },
        Kind {
            name: "the same in a batch of 50, one key",
            candidates: BATCH as u32,
            pov: proven,
            run: Box::new(|| check_batch(&same, &same_keys)),
        },
        Kind {
            name: "the same in a batch of 50, 50 keys",
            candidates: BATCH as u32,
            pov: proven,
            run: Box::new(|| check_batch(&distinct, &distinct_keys)),
        },
        Kind {
            name: "proof checked, as wasm",
            candidates: 1,
            pov: proven,
            run: Box::new(|| wasm.proven.execute(&proven_params).map(drop)),
        },
        Kind {
            name: "executed again, natively",
            candidates: 1,
            pov: executed,
            run: Box::new(|| Ok(zkpov_relay_reexecution::validate(&witness_params).map(drop)?)),
        },
        Kind {
            name: "executed again, as wasm",
            candidates: 1,
            pov: executed,
            run: Box::new(|| wasm.executed.execute(&witness_params).map(drop)),
        },
        Kind {
            name: "`pallet-balances`, executed natively",
            candidates: 1,
            pov: frame_block + frame_proof,
            run: Box::new(|| frame.execute()),
        },
    ];
    let table = table(&args, &kinds, &measure(&kinds, args.turns)?);
    print!("{table}");
    if args.write { replace(&table) } else { Ok(()) }
}

/// The two validation functions, compiled.
struct Wasm {
    proven: Artifact,
    executed: Artifact,
}

impl Wasm {
    fn build(sample: &ProvenSample) -> anyhow::Result<Self> {
        let directory = std::env::temp_dir();
        let out = |name: &str| directory.join(format!("zkpov-table-{}-{name}.wasm", std::process::id()));
        let (proven, executed) = (out("proven"), out("executed"));
        let template = executor::build(&[], &proven)?;
        let reexecution = executor::build(&["--reexecution"], &executed)?;
        for file in [proven, executed] {
            std::fs::remove_file(file)?;
        }
        let code = embed(&template, &sample.validity_key, ALLOW_DEV)?;
        Ok(Self { proven: Artifact::prepare(&code)?, executed: Artifact::prepare(&reexecution)? })
    }
}

/// Time that this thread has run on a processor, where the operating system tells (Linux); elsewhere the time that has passed.
fn clock(since: Instant) -> Duration {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|line| line.split(' ').next()?.parse().ok())
        .map_or_else(|| since.elapsed(), Duration::from_nanos)
}

/// Median time of a candidate, for each kind.
fn measure(kinds: &[Kind<'_>], turns: usize) -> anyhow::Result<Vec<Duration>> {
    let started = Instant::now();
    let mut times = vec![Vec::with_capacity(turns); kinds.len()];
    for _ in 0..turns {
        for (kind, times) in kinds.iter().zip(&mut times) {
            let before = clock(started);
            let mut runs = 0;
            let taken = loop {
                (kind.run)()?;
                runs += 1;
                let taken = clock(started) - before;
                if taken >= TURN {
                    break taken;
                }
            };
            times.push(taken / (runs * kind.candidates));
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times.get(times.len() / 2).copied().context("no turn was made")
    };
    times.into_iter().map(median).collect()
}

fn table(args: &Args, kinds: &[Kind<'_>], times: &[Duration]) -> String {
    let first = times.first().map_or(1.0, Duration::as_secs_f64);
    let mut text = format!(
        "{} transfers, {} accounts in the state, one core of {}, {}.\n\n\
         | one candidate | time | to a proof checked alone | bytes of block data |\n|---|---|---|---|\n",
        args.transfers,
        args.accounts,
        processor(),
        if cfg!(debug_assertions) { "tests' profile" } else { "release profile" },
    );
    for (kind, time) in kinds.iter().zip(times) {
        let seconds = time.as_secs_f64();
        text += &format!(
            "| {} | {:.2} ms | {:.2} × | {} |\n",
            kind.name,
            1e3 * seconds,
            seconds / first,
            kind.pov
        );
    }
    text
}

/// Puts the table between its marks in the book.
fn replace(table: &str) -> anyhow::Result<()> {
    const MARKS: [&str; 2] = ["<!-- table -->", "<!-- /table -->"];
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/relay-node.md");
    let text = std::fs::read_to_string(&path)?;
    let [begin, end] = MARKS;
    let (before, rest) =
        text.split_once(begin).with_context(|| format!("no {begin} in {}", path.display()))?;
    let (_, after) = rest.split_once(end).with_context(|| format!("no {end} in {}", path.display()))?;
    Ok(std::fs::write(&path, format!("{before}{begin}\n{table}{end}{after}"))?)
}

/// The processor's name, as Linux knows it.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| "an unnamed processor".to_owned(), |(_, name)| name.trim().to_owned())
}
