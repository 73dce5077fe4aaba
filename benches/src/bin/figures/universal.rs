//! What it is to be specialised: every call on its own chain beside the same call in a slot that takes any call.

use std::fmt::Write as _;

use anyhow::Context;
use zkpov_circuits::{
    chains::{chain_by_name, measured_chains},
    runtime::Chain,
};

use super::pinned::{Chains, Circuit, Pinned, weight};
use super::table::grouped;

/// The tier whose blocks are compared.
pub(super) const TIER: u8 = 20;

/// The chain whose slots take any call.
const UNIVERSAL: &str = "universal";

/// A chain that is compared with it, and the calls that are its own; those of all chains are compared on the first.
const CHAINS: [(&str, &[&str]); 5] = [
    ("payments", &["transfer", "open", "receive", "send"]),
    (
        "exchange",
        &[
            "create_asset",
            "mint_asset",
            "transfer_asset",
            "create_pool",
            "add_liquidity",
            "remove_liquidity",
            "swap",
        ],
    ),
    ("arcade", &["open_game", "join_game", "play", "resign", "claim"]),
    ("identity", &["appoint_registrar", "attest", "revoke", "prove_attribute"]),
    ("council", &["propose", "vote", "unlock", "donate", "close", "enact"]),
];

/// A line of the table: constraints of one more slot.
struct Line {
    chain: &'static str,
    call: &'static str,
    constraints: u64,
}

fn lines(chains: &Chains) -> anyhow::Result<Vec<Line>> {
    let calls = CHAINS.iter().flat_map(|(chain, calls)| calls.iter().map(|call| (*chain, *call)));
    calls.map(|(chain, call)| Ok(Line { chain, call, constraints: weight(chains, chain, call)? })).collect()
}

fn any_call(chains: &Chains) -> anyhow::Result<u64> {
    weight(chains, UNIVERSAL, UNIVERSAL)
}

/// Bytes of a call in the body.
fn bytes(chain: &str, call: &str) -> anyhow::Result<u64> {
    let chain: &dyn Chain = chain_by_name(chain).with_context(|| format!("no chain `{chain}`"))?;
    let mut lanes = chain.tiers().last().into_iter().flat_map(|tier| &tier.lanes);
    let lane = lanes.find(|lane| chain.call_name(lane.call) == Some(call));
    let lane = lane.with_context(|| format!("{} has no `{call}`", chain.name()))?;
    Ok(lane.element_bytes.iter().map(|bytes| u64::from(*bytes)).sum())
}

/// How much more a slot for any call costs, from the dearest call to the cheapest.
pub(super) fn sentence(chains: &Chains) -> anyhow::Result<String> {
    let (any, lines) = (any_call(chains)?, lines(chains)?);
    let times = lines.iter().map(|line| any as f64 / line.constraints as f64);
    let (least, most) =
        times.fold((f64::MAX, 0.0f64), |(least, most), times| (least.min(times), most.max(times)));
    Ok(format!(
        "One circuit for [any call of any of them](docs/universal.md) takes {} constraints a call, {least:.1} to {most:.1} times as many.\n",
        grouped(any)
    ))
}

/// Each call in a slot of its own kind and in one for any.
pub(super) fn calls(chains: &Chains) -> anyhow::Result<String> {
    let (any, any_bytes) = (any_call(chains)?, bytes(UNIVERSAL, UNIVERSAL)?);
    let mut text = String::from(
        "| chain | call | constraints, specialised | universal | | bytes of the body, specialised | universal | |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let times = |any: u64, own: u64| format!("{:.1} ×", any as f64 / own as f64);
    for Line { chain, call, constraints } in lines(chains)? {
        let bytes = bytes(chain, call)?;
        let _ = writeln!(
            text,
            "| {chain} | `{call}` | {} | {} | {} | {bytes} | {any_bytes} | {} |",
            grouped(constraints),
            grouped(any),
            times(any, constraints),
            times(any_bytes, bytes),
        );
    }
    Ok(text)
}

/// Full blocks of [`TIER`], whose proofs take so many seconds.
pub(super) fn blocks(chains: &Chains, proof_seconds: f64) -> anyhow::Result<String> {
    let circuit = |name: &str| -> anyhow::Result<Circuit> {
        let of_tier = |pinned: &Pinned| pinned.circuits.iter().find(|circuit| circuit.tier == TIER).cloned();
        chains.get(name).and_then(of_tier).with_context(|| format!("{name} has no tier 2^{TIER}"))
    };
    let compared = measured_chains().into_iter().map(Chain::name);
    let compared =
        compared.filter(|name| *name == UNIVERSAL || CHAINS.iter().any(|(chain, _)| chain == name));
    let mut rows = compared.map(|name| Ok((name, circuit(name)?))).collect::<anyhow::Result<Vec<_>>>()?;
    rows.sort_by_key(|(_, circuit)| std::cmp::Reverse(circuit.slots()));
    let mut text = format!(
        "Full blocks of the tier 2^{TIER}. All fill one domain, and proving time is that of the domain: so the time of a slot is the block's, \
         divided. The last column takes {proof_seconds:.1} s for the proof of a full block, as the [README](../README.md#figures) has it measured; it \
         was not measured again for each chain.\n\n\
         | chain | slots | constraints | variables | variables a slot | proof, s a slot |\n|---|---|---|---|---|---|\n"
    );
    for (name, circuit) in rows {
        let Circuit { constraints, variables, .. } = circuit;
        let slots = circuit.slots();
        let cells = [
            name.to_owned(),
            slots.to_string(),
            grouped(constraints),
            grouped(variables),
            grouped(variables / slots),
            format!("{:.2}", proof_seconds / slots as f64),
        ];
        let mark = if name == UNIVERSAL { "**" } else { "" };
        let _ = writeln!(text, "| {} |", cells.map(|cell| format!("{mark}{cell}{mark}")).join(" | "));
    }
    Ok(text)
}

/// Width of the picture, where bars begin and end, and how far lines are apart.
const WIDTH: f64 = 720.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 690.0;
const TOP: f64 = 60.0;
const STEP: f64 = 20.0;
const BAR: f64 = 13.0;

/// A colour for each chain.
const COLOURS: [&str; 5] = ["#4f46e5", "#0d9488", "#b45309", "#be185d", "#64748b"];

/// Constraints of every call as bars, and of a universal slot as a line across them.
pub(super) fn picture(chains: &Chains) -> anyhow::Result<String> {
    let (any, lines) = (any_call(chains)?, lines(chains)?);
    let height = TOP + STEP * lines.len() as f64 + 30.0;
    let x = |constraints: u64| LEFT + (RIGHT - LEFT) * constraints as f64 / (1.08 * any as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"12\" role=\"img\" aria-label=\"Constraints of a call, specialised and universal\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"20\" y=\"26\" font-weight=\"600\" font-size=\"13\" fill=\"#0f172a\">Constraints of a call in a slot of its own kind, \
         and in a slot for any call</text>\n"
    );
    for (number, (chain, _)) in CHAINS.iter().enumerate() {
        let place = LEFT + 90.0 * number as f64;
        let colour = COLOURS[number];
        let _ = writeln!(
            svg,
            "<text x=\"{place:.1}\" y=\"46\" fill=\"{colour}\" font-weight=\"600\">{chain}</text>"
        );
    }
    for (number, Line { chain, call, constraints }) in lines.iter().enumerate() {
        let top = TOP + STEP * number as f64;
        let colour = CHAINS.iter().position(|(name, _)| name == chain).map_or("#000000", |at| COLOURS[at]);
        let (end, base) = (x(*constraints), top + BAR - 2.0);
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{base:.1}\" text-anchor=\"end\" fill=\"#475569\">{call}</text>\
             <rect x=\"{LEFT}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{base:.1}\" fill=\"#475569\">{}</text>",
            LEFT - 8.0,
            end - LEFT,
            end + 5.0,
            grouped(*constraints),
        );
    }
    let (place, bottom) = (x(any), TOP + STEP * lines.len() as f64);
    let _ = writeln!(
        svg,
        "<path d=\"M{place:.1} {}V{bottom:.1}\" stroke=\"#dc2626\" stroke-width=\"2\"/>\
         <text x=\"{place:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#dc2626\" font-weight=\"600\">any call: {}</text>\n</svg>",
        TOP - 8.0,
        bottom + 18.0,
        grouped(any),
    );
    Ok(svg)
}
