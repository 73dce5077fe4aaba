//! Runs the benchmarks and writes what they found: `scripts/weights`, whose output [`crate::measured`] is.
//!
//! It does what `frame-omni-bencher` does with a runtime's wasm, natively: each benchmark at evenly spread sizes, several times each,
//! storage that counts, and a line through the times by least squares, without the quarters of the fastest and the slowest at each size.
//! Bytes are what the line is over, and not the benchmark's own component.

use std::{env, fmt::Write, fs};

use polkadot_sdk_frame::deps::{
    frame_benchmarking::{Analysis, BenchmarkParameter, BenchmarkResult, BenchmarkSelector, Benchmarking},
    frame_support::traits::WhitelistedStorageKeys,
};

use crate::{
    benchmarking::{Submission, key},
    cost::Cost,
    counted::Counted,
    mock::{self, AllPalletsWithSystem, Test, Validity},
};

/// How many sizes of each benchmark are measured, and how often each.
const STEPS: u32 = 10;
const REPEATS: u32 = 20;

/// Where the figures go; they are printed if there is none.
const OUT: &str = "ZKPOV_MEASURED";

/// The results of a benchmark at one size, as if its component were `bytes`.
fn run(
    name: &str,
    component: Option<(BenchmarkParameter, u32)>,
    repeats: u32,
    bytes: u32,
) -> Vec<BenchmarkResult> {
    let whitelist = AllPalletsWithSystem::whitelisted_storage_keys();
    let mut counted = Counted::new(mock::genesis());
    let components = Vec::from_iter(component);
    let mut results = sp_externalities::set_and_run_with_externalities(&mut counted, || {
        Validity::run_benchmark(name.as_bytes(), &components, &whitelist, false, repeats)
    })
    .expect("a benchmark that the test suite runs");
    for result in &mut results {
        result.components.iter_mut().for_each(|(_, size)| *size = bytes);
    }
    results
}

/// The cost of a benchmark; `bytes` are those at a size.
fn cost(name: &str, bytes: impl Fn(u32) -> usize) -> Cost {
    let benchmarks = Validity::benchmarks(false);
    let found = benchmarks.iter().find(|benchmark| benchmark.name == name.as_bytes()).expect("a benchmark");
    let (mut results, mut most_bytes) = (Vec::new(), 0);
    match found.components[..] {
        [] => results.extend(run(name, None, STEPS * REPEATS, 0)),
        [(parameter, least, most)] => {
            for step in 0..STEPS {
                let size = least + (most - least) * step / (STEPS - 1);
                let at = bytes(size) as u32;
                most_bytes = most_bytes.max(at);
                results.extend(run(name, Some((parameter, size)), REPEATS, at));
            }
        }
        _ => panic!("one component at most"),
    }
    let line = Analysis::min_squares_iqr(&results, BenchmarkSelector::ExtrinsicTime).expect("a line");
    let most = |count: fn(&BenchmarkResult) -> u32| results.iter().map(count).max().expect("results").into();
    Cost {
        base: line.base as u64,
        per_byte: line.slopes.first().copied().unwrap_or_default() as u64,
        most_bytes,
        reads: most(|result| result.reads),
        writes: most(|result| result.writes),
    }
}

#[test]
#[ignore = "measures, and asserts nothing"]
fn measure() {
    let costs = [
        (
            "REGISTER",
            "`register`, of a key of so many bytes",
            cost("register", |tiers| key::<Test>(tiers).key.encode().len()),
        ),
        (
            "SUBMIT",
            "`submit`, of a block of so many bytes, with the largest body",
            cost("submit", |elements| Submission::body::<Test>(elements).block.len()),
        ),
        (
            "SUBMIT_MESSAGES",
            "`submit`, of a block of so many bytes, with a small body and transfers of other chains",
            cost("submit_messages", |channels| Submission::messages::<Test>(channels).block.len()),
        ),
        (
            "SUBMIT_QUEUE",
            "`submit`, of a block of so many bytes, with a small body and messages that are dropped",
            cost("submit_queue", |messages| Submission::queue::<Test>(messages).block.len()),
        ),
        (
            "SUBMIT_UPGRADE",
            "`submit`, of a block with a small body and a new key of so many bytes",
            cost("submit_upgrade", |tiers| Submission::next::<Test>(tiers).encode().len()),
        ),
        ("DEREGISTER", "`deregister`", cost("deregister", |_| 0)),
    ];
    let mut out = format!(
        "//! Each benchmark at {STEPS} sizes, {REPEATS} times each; times in picoseconds.\n\nuse crate::cost::Cost;\n"
    );
    for (name, what, Cost { base, per_byte, most_bytes, reads, writes }) in costs {
        let (base, per_byte, most_bytes) = (grouped(base), grouped(per_byte), grouped(most_bytes.into()));
        write!(
            out,
            "\n/// {what}.\npub(crate) const {name}: Cost = Cost {{ base: {base}, per_byte: {per_byte}, most_bytes: \
             {most_bytes}, reads: {reads}, writes: {writes} }};\n"
        )
        .expect("written");
    }
    match env::var_os(OUT) {
        Some(path) => fs::write(path, out).expect("written"),
        None => println!("{out}"),
    }
}

/// The digits of a number in threes.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let threes = digits.as_bytes().rchunks(3).rev();
    threes.map(|three| core::str::from_utf8(three).expect("digits")).collect::<Vec<_>>().join("_")
}
