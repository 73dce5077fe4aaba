//! What the circuits cost that `circuits/weights.csv` pins, and which a test holds to the circuits: nothing is measured here.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context;

use super::{table, universal};

/// Where the weights are, in a checkout.
const WEIGHTS: &str = "circuits/weights.csv";

/// The pages that tell of them, and the picture.
const README: &str = "README.md";
const UNIVERSAL: &str = "docs/universal.md";
const PICTURE: &str = "docs/images/universal.svg";

/// The chains that have a page of their own, and the pages.
const CHAIN_PAGES: [(&str, &str); 6] = [
    ("payments", "docs/chains/payments.md"),
    ("private-payments", "docs/private.md"),
    ("exchange", "docs/chains/exchange.md"),
    ("arcade", "docs/chains/arcade.md"),
    ("identity", "docs/chains/identity.md"),
    ("council", "docs/chains/council.md"),
];

/// A tier's circuit.
#[derive(Clone, Debug)]
pub(super) struct Circuit {
    pub(super) tier: u8,
    /// Slots of each call, in the order of the calls.
    pub(super) lanes: Vec<u64>,
    pub(super) constraints: u64,
    pub(super) variables: u64,
}

impl Circuit {
    /// Slots of all calls together.
    pub(super) fn slots(&self) -> u64 {
        self.lanes.iter().sum()
    }
}

/// A chain's circuits, smallest first, and constraints of one more slot of each call in the largest tier, in the order of the lanes.
#[derive(Clone, Debug, Default)]
pub(super) struct Pinned {
    pub(super) circuits: Vec<Circuit>,
    pub(super) calls: Vec<(String, u64)>,
}

/// The chains by name.
pub(super) type Chains = BTreeMap<String, Pinned>;

/// Reads the weights of a checkout.
fn read(root: &Path) -> anyhow::Result<Chains> {
    let path = root.join(WEIGHTS);
    parse(&std::fs::read_to_string(&path).with_context(|| path.display().to_string())?)
}

fn parse(csv: &str) -> anyhow::Result<Chains> {
    let mut lines = csv.lines();
    let names: Vec<&str> = lines.next().context("no header")?.split(',').collect();
    let mut chains = Chains::new();
    for line in lines {
        let columns: BTreeMap<&str, &str> = names.iter().copied().zip(line.split(',')).collect();
        let column = |name: &str| columns.get(name).copied().with_context(|| format!("no {name} in {line}"));
        // `transfer:13865 open:13463`
        let counts = |name: &str| -> anyhow::Result<Vec<(String, u64)>> {
            let pair = |pair: &str| {
                let (call, count) = pair.split_once(':').with_context(|| pair.to_owned())?;
                Ok((call.to_owned(), count.parse()?))
            };
            column(name)?.split(' ').map(pair).collect()
        };
        let chain = chains.entry(column("chain")?.to_owned()).or_default();
        chain.calls = counts("calls")?;
        chain.circuits.push(Circuit {
            tier: column("tier")?.parse()?,
            lanes: counts("lanes")?.into_iter().map(|(_, slots)| slots).collect(),
            constraints: column("constraints")?.parse()?,
            variables: column("variables")?.parse()?,
        });
    }
    Ok(chains)
}

/// Constraints of one more slot of a call.
pub(super) fn weight(chains: &Chains, chain: &str, call: &str) -> anyhow::Result<u64> {
    let calls = chains.get(chain).map(|chain| chain.calls.as_slice()).unwrap_or_default();
    let weight = calls.iter().find(|(name, _)| name == call).map(|(_, weight)| *weight);
    weight.with_context(|| format!("{WEIGHTS} has no `{call}` of `{chain}`"))
}

/// A chain's calls: constraints, and slots of each tier.
fn calls(pinned: &Pinned) -> String {
    let tiers: Vec<String> = pinned.circuits.iter().map(|circuit| format!(" 2^{} |", circuit.tier)).collect();
    let mut out = format!("| call | constraints of one more slot | slots in{}\n", tiers.join(""));
    out.push_str(&format!("|---|---|{}\n", "---|".repeat(tiers.len())));
    for (number, (call, weight)) in pinned.calls.iter().enumerate() {
        let slots =
            pinned.circuits.iter().map(|circuit| circuit.lanes.get(number).copied().unwrap_or_default());
        let slots: Vec<String> = slots.map(|slots| format!(" {slots} |")).collect();
        out.push_str(&format!("| `{call}` | {} |{}\n", table::grouped(*weight), slots.join("")));
    }
    out
}

/// A table of chains whose last two cells are a call and its constraints, with these as they are now.
fn with_weights(text: &str, chains: &Chains) -> anyhow::Result<String> {
    let quoted = |cell: &str| cell.split('`').nth(1).map(str::to_owned);
    let mut out = String::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split(" | ").collect();
        let named = quoted(line).zip(cells.iter().rev().nth(1).and_then(|cell| quoted(cell)));
        let Some((chain, call)) = named else {
            out.extend([line, "\n"]);
            continue;
        };
        let rest = &cells[..cells.len() - 1];
        let weight = table::grouped(weight(chains, &chain, &call)?);
        out.push_str(&format!("{} | {weight} |\n", rest.join(" | ")));
    }
    Ok(out)
}

/// The pages of a checkout with what they tell of the pinned circuits as it is now: path, and contents.
pub(super) fn pages(root: &Path) -> anyhow::Result<Vec<(&'static str, String)>> {
    let chains = read(root)?;
    let text = |name: &str| std::fs::read_to_string(root.join(name)).with_context(|| name.to_owned());
    let readme = text(README)?;
    let table = with_weights(table::between(&readme, "chains")?, &chains)?;
    let readme = table::replaced(&readme, "chains", &table)?;
    let readme = table::replaced(&readme, "universal", &universal::sentence(&chains)?)?;
    let page = table::replaced(&text(UNIVERSAL)?, "calls", &universal::calls(&chains)?)?;
    let blocks = universal::blocks(&chains, table::proof_seconds(&readme, universal::TIER)?)?;
    let page = table::replaced(&page, "blocks", &blocks)?;
    let picture = universal::picture(&chains)?;
    let mut pages = vec![(README, readme), (UNIVERSAL, page), (PICTURE, picture)];
    for (chain, page) in CHAIN_PAGES {
        let pinned = chains.get(chain).with_context(|| format!("{WEIGHTS} has no chain `{chain}`"))?;
        pages.push((page, table::replaced(&text(page)?, "weights", &calls(pinned))?));
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_say_what_the_pinned_circuits_cost() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for (name, expected) in pages(root).unwrap() {
            let found = std::fs::read_to_string(root.join(name)).unwrap();
            let command = "cargo run --release -p zkpov-benches --bin figures -- --pinned --write";
            assert!(found == expected, "{name} is not of today's circuits: {command}");
        }
    }

    #[test]
    fn a_cell_that_is_not_the_calls_weight_is_replaced_and_nothing_else_is() {
        let csv = "chain,tier,lanes,constraints,variables,calls\nown,16,go:2 stay:1,9,8,go:12345 stay:6\n";
        let chains = parse(csv).unwrap();
        assert_eq!(chains["own"].circuits[0].slots(), 3);
        let text = "| chain | call | constraints |\n|---|---|---|\n| [`own`](x) | `go` | 7 |\n";
        assert_eq!(with_weights(text, &chains).unwrap(), text.replace('7', "12,345"));
        assert!(with_weights(&text.replace("go", "fly"), &chains).is_err());
    }
}
