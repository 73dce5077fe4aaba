//! This prover beside ark-groth16, for circuits of 2^k - 8 constraints: time and peak memory, by the program `compare`.

use std::{fmt::Write as _, path::Path};

use anyhow::Context;
use serde::Deserialize;

use super::plot::{ABOVE, BELOW, Curve, Plot, svg};
use super::table::{grouped, processor};

/// One line of `compare prove --json`, as far as it is used here: a system's, or the one with the ratio.
#[derive(Clone, Debug, Deserialize)]
struct Line {
    constraints: u64,
    system: Option<String>,
    vectors: Option<String>,
    median_s: Option<f64>,
    peak_rss_mb: Option<f64>,
}

/// What a system needs.
#[derive(Clone, Debug)]
struct Need {
    seconds: f64,
    megabytes: f64,
}

/// A size and both systems.
#[derive(Clone, Debug)]
pub(super) struct Compared {
    log2: u8,
    constraints: u64,
    vectors: String,
    zkpov: Need,
    ark: Need,
}

/// Runs `compare` for each size, `rounds` times on `threads` threads.
pub(super) fn measure(
    compare: &Path,
    sizes: &[u8],
    threads: usize,
    rounds: usize,
) -> anyhow::Result<Vec<Compared>> {
    let mut compared = Vec::new();
    for log2 in sizes {
        eprintln!("2^{log2}");
        let [size, threads, rounds] = [log2.to_string(), threads.to_string(), rounds.to_string()];
        let arguments = ["prove", "--json", "--log2", &size, "--threads", &threads, "--rounds", &rounds];
        let output = super::run(compare, &arguments)?;
        let lines: Vec<Line> = output
            .lines()
            .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
            .collect::<anyhow::Result<_>>()?;
        compared.push(Compared::new(*log2, &lines).with_context(|| output)?);
    }
    Ok(compared)
}

impl Compared {
    /// `None` if a line or a figure is missing.
    fn new(log2: u8, lines: &[Line]) -> Option<Self> {
        let line = |name: &str| lines.iter().find(|line| line.system.as_deref() == Some(name));
        let need = |line: &Line| Some(Need { seconds: line.median_s?, megabytes: line.peak_rss_mb? });
        let (zkpov, ark) = (line("zkpov")?, line("ark-groth16")?);
        let vectors = zkpov.vectors.clone()?;
        Some(Self { log2, constraints: zkpov.constraints, vectors, zkpov: need(zkpov)?, ark: need(ark)? })
    }
}

/// The table and the picture's place.
pub(super) fn markdown(compared: &[Compared], threads: usize, rounds: usize) -> String {
    let vectors = compared.first().map_or("", |size| &size.vectors);
    let mut text = format!(
        "A proof of a chain of squarings, assignment given; medians of {rounds}, both systems in turn on {threads} threads of \
         {}, vectors `{vectors}`. Memory is the most that the process held during the proof, pages of the mapped key included.\n\n\
         | constraints | zkpov | ark-groth16 | ratio | memory zkpov | memory ark-groth16 |\n|---|---|---|---|---|---|\n",
        processor()
    );
    for Compared { constraints, zkpov, ark, .. } in compared {
        let _ = writeln!(
            text,
            "| {} | {:.3} s | {:.3} s | {:.1} × | {:.0} MiB | {:.0} MiB |",
            grouped(*constraints),
            zkpov.seconds,
            ark.seconds,
            ark.seconds / zkpov.seconds,
            zkpov.megabytes,
            ark.megabytes
        );
    }
    text.push_str(
        "\nMade by `RUSTFLAGS=\"-C target-cpu=native\" cargo build --release -p zkpov-benches && target/release/figures --provers \
         --write`.\n\n![Proving time and peak memory against circuit size](docs/images/provers.svg)\n",
    );
    text
}

/// Time above memory.
pub(super) fn chart(compared: &[Compared]) -> String {
    let sizes: Vec<_> =
        compared.iter().map(|size| (f64::from(size.log2), vec![format!("2^{}", size.log2)])).collect();
    let curves = |of: fn(&Need) -> f64| {
        vec![
            Curve {
                name: "ark-groth16",
                colour: "#64748b",
                label: ABOVE,
                values: compared.iter().map(|size| of(&size.ark)).collect(),
            },
            Curve {
                name: "zkpov",
                colour: "#4f46e5",
                label: BELOW,
                values: compared.iter().map(|size| of(&size.zkpov)).collect(),
            },
        ]
    };
    let plot = |title, unit, of| Plot { title, unit, legend_step: 100.0, sizes: &sizes, curves: curves(of) };
    svg(
        "Proving time and peak memory against circuit size",
        &[
            plot("Seconds a proof against constraints", "s", |need| need.seconds),
            plot("Peak memory of a proof against constraints", "MiB", |need| need.megabytes),
        ],
    )
}
