//! Checking a block, on one core: by its proof, and by executing it again from signed extrinsics and a
//! multiproof with the chain's native code.
//!
//! ```text
//! cargo bench -p zkpov-benches --bench validation              # the largest tier; some minutes to prove it
//! ZKPOV_TIER=17 cargo bench -p zkpov-benches --bench validation
//! ```

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
const LARGEST_TIER: u8 = 20;

/// Runs of each kind: re-executing takes a tenth of a second.
const SAMPLES: usize = 20;

fn validation(criterion: &mut Criterion) {
    let tier = match std::env::var(TIER_VARIABLE) {
        Ok(tier) => tier.parse().expect("the tier is a number"),
        Err(_) => LARGEST_TIER,
    };
    eprintln!("making keys and a full block of tier {tier}");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let sample = ProvenSample::build(directory.path(), TierId(tier)).expect("the block is made");
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
        bencher.iter(|| one_core.install(|| check(&prepared)))
    });
    group.bench_function("proof, key read and prepared too", |bencher| {
        bencher.iter(|| one_core.install(|| check(&prepare())))
    });
    group.bench_function("execute again", |bencher| {
        bencher.iter(|| one_core.install(|| reexecute(sample)));
    });
    group.finish();
}

fn reexecute(sample: &ProvenSample) -> Fr {
    sample.witness.reexecute(&sample.chain, &sample.context, sample.tier).expect("the block is valid")
}

criterion_group!(benches, validation);
criterion_main!(benches);
