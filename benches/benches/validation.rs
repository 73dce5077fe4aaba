//! Checking a block, on one core: by its proof, and by executing it again from signed extrinsics and a
//! multiproof with the chain's native code.
//!
//! ```text
//! cargo bench -p zkpov-benches --bench validation              # the largest tier; some minutes to prove it
//! ZKPOV_TIER=17 ZKPOV_ACCOUNTS=4096 cargo bench -p zkpov-benches --bench validation
//! ```

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use rayon::ThreadPool;
use zkpov_benches::ProvenSample;
use zkpov_verifier::{
    field::Fr,
    key::{KeyPolicy, PreparedKey},
    lane::TierId,
    validate::validate_block,
};

/// The tier to measure; the largest by default.
const TIER_VARIABLE: &str = "ZKPOV_TIER";
const LARGEST_TIER: u32 = 20;

/// How many accounts the state holds. The more there are, the more tree nodes a block without a proof must
/// carry and its validator hash; the proof is checked in the same time.
const ACCOUNTS_VARIABLE: &str = "ZKPOV_ACCOUNTS";
const MANY_ACCOUNTS: u32 = 1 << 18;

/// Runs of each kind: re-executing takes a tenth of a second.
const SAMPLES: usize = 20;

fn validation(criterion: &mut Criterion) {
    let number = |variable, default| match std::env::var(variable) {
        Ok(number) => number.parse().unwrap_or_else(|error| panic!("{variable}: {error}")),
        Err(_) => default,
    };
    let tier = number(TIER_VARIABLE, LARGEST_TIER) as u8;
    let accounts = number(ACCOUNTS_VARIABLE, MANY_ACCOUNTS);
    eprintln!("making a chain of {accounts} accounts, keys and a full block of tier {tier}");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let sample = ProvenSample::build(directory.path(), TierId(tier), accounts).expect("the block is made");
    let bytes = sample.witness.bytes();
    eprintln!(
        "PoV bytes, tier {tier}: proven {}; with its witness {} (extrinsics {}, records {}, nodes {})",
        sample.pov.len(),
        bytes.total(),
        bytes.extrinsics,
        bytes.records,
        bytes.nodes
    );
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    measure(criterion, &one_core, &sample);
}

fn measure(criterion: &mut Criterion, one_core: &ThreadPool, sample: &ProvenSample) {
    let policy = KeyPolicy { allow_dev_setup: true };
    let prepare = || PreparedKey::decode(&sample.validity_key, policy).expect("the key is valid");
    let check = |key: &PreparedKey| {
        validate_block(&sample.parent_head, &sample.relay, key, &sample.pov).expect("the block is valid")
    };
    let prepared = prepare();
    let mut group = criterion.benchmark_group(format!("check a block of tier {}, one core", sample.tier));
    group.sample_size(SAMPLES);
    group.bench_function("proof, prepared key", |bencher| {
        bencher.iter_custom(|runs| timed(one_core, runs, || check(&prepared)))
    });
    group.bench_function("proof, key read and prepared too", |bencher| {
        bencher.iter_custom(|runs| timed(one_core, runs, || check(&prepare())))
    });
    group.bench_function("execute again", |bencher| {
        bencher.iter_custom(|runs| timed(one_core, runs, || reexecute(sample)))
    });
    group.finish();
}

/// How long `runs` runs take on the pool's one thread. They are timed there: handing each run over would be
/// counted too, and takes a large part of the time of a check.
fn timed<R: Send>(one_core: &ThreadPool, runs: u64, run: impl Fn() -> R + Sync) -> Duration {
    one_core.install(|| {
        let start = Instant::now();
        for _ in 0..runs {
            black_box(run());
        }
        start.elapsed()
    })
}

fn reexecute(sample: &ProvenSample) -> Fr {
    sample.witness.reexecute(&sample.chain, &sample.context).expect("the block is valid")
}

criterion_group!(benches, validation);
criterion_main!(benches);
