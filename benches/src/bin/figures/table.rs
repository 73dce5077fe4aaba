//! The figures as Markdown, and their place in a file.

use std::{fmt::Write as _, path::Path};

use anyhow::Context;

use super::{Measured, Weights};

/// Which cell of a line has the proof's seconds; before the first is nothing.
const PROOF_COLUMN: usize = 6;

/// The figures of all tiers.
pub(super) fn markdown(measured: &[Measured], weights: &Weights) -> String {
    let mut text = String::from("## Figures\n\n");
    let calls: Vec<_> = weights
        .constraints_per_call
        .iter()
        .map(|(call, constraints)| format!("`{call}` {}", grouped(*constraints)))
        .collect();
    let machine = format!("{}, {} threads", processor(), threads());
    let accounts = measured.first().map_or(0, |tier| tier.demo.accounts);
    let _ = write!(
        text,
        "Constraints per call, with 2^24 account places, signature and both state roots: {}.\n\n\
         A block of each tier of `payments` with its lanes of transfers and new accounts full, {} accounts in the state. Measured on {machine}; checking and \
         executing again on one core.\n\n\
         | tier | transfers + new accounts | constraints | set-up | witness | proof | check the proof | execute again | \
         ratio | proven block | block with witness |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
        calls.join(", "),
        grouped(accounts.into()),
    );
    for Measured { tier, demo } in measured {
        let _ = writeln!(
            text,
            "| 2^{tier} | {} + {} | {} | {:.1} s | {:.2} s | {:.1} s | {:.2} ms | {:.1} ms | {:.0} × | {} B | {} B |",
            demo.calls_named("transfer"),
            demo.calls_named("open"),
            grouped(demo.constraints),
            demo.setup_seconds,
            demo.witness_seconds,
            demo.prove_seconds,
            1e3 * demo.validate_seconds,
            1e3 * demo.reexecute_seconds,
            demo.reexecute_seconds / demo.validate_seconds,
            grouped(demo.pov_bytes),
            grouped(demo.witness_pov_bytes.total),
        );
    }
    let prepare = measured.last().map_or(0.0, |tier| 1e3 * tier.demo.prepare_key_seconds);
    let _ = write!(
        text,
        "\nReading and preparing a validity key takes another {prepare:.1} ms, once per key. Made by \
         `cargo build --release && cargo run --release -p zkpov-benches --bin figures -- --write`.\n\n\
         ![Proving time against circuit size](docs/images/proving.svg)\n"
    );
    text
}

/// Where what stands between `<!-- mark -->` and `<!-- /mark -->` begins and ends in a page.
fn place(text: &str, mark: &str) -> anyhow::Result<(usize, usize)> {
    let [begin, end] = [format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->")];
    let from = text.find(&begin).with_context(|| format!("no {begin}"))? + begin.len();
    let length = text.get(from..).and_then(|rest| rest.find(&end)).with_context(|| format!("no {end}"))?;
    Ok((from, from + length))
}

/// What stands between `<!-- mark -->` and `<!-- /mark -->` in a page.
pub(super) fn between<'t>(text: &'t str, mark: &str) -> anyhow::Result<&'t str> {
    let (from, to) = place(text, mark)?;
    Ok(&text[from..to])
}

/// The page with `markdown` between `<!-- mark -->` and `<!-- /mark -->`.
pub(super) fn replaced(text: &str, mark: &str, markdown: &str) -> anyhow::Result<String> {
    let (from, to) = place(text, mark)?;
    Ok([&text[..from], markdown, &text[to..]].concat())
}

/// Puts `markdown` between `<!-- mark -->` and `<!-- /mark -->` in the file at `path`.
pub(super) fn replace_in(path: &Path, mark: &str, markdown: &str) -> anyhow::Result<()> {
    let name = || path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(name)?;
    Ok(std::fs::write(path, replaced(&text, mark, markdown).with_context(name)?)?)
}

/// Seconds that the proof of a tier takes, as a page has it that [`markdown`] was written into.
pub(super) fn proof_seconds(page: &str, tier: u8) -> anyhow::Result<f64> {
    let begin = format!("| 2^{tier} |");
    let line = between(page, "figures")?.lines().find(|line| line.starts_with(&begin));
    let cell = line.and_then(|line| line.split('|').nth(PROOF_COLUMN)).context("no proof of this tier")?;
    Ok(cell.trim().trim_end_matches(" s").parse()?)
}

/// `number` with a comma between groups of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// The processor's name, as Linux knows it.
pub(super) fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| "an unnamed processor".to_owned(), |(_, name)| name.trim().to_owned())
}
