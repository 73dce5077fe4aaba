//! What it is to be specialised: every call on its own chain beside the same call in a slot that takes any call.
//! Prints the table of `docs/universal.md`; `--write` writes it there, and the picture beside it.
//!
//! `cargo run --release -p zkpov-circuits --example universal -- --write`
//!
//! Constraints are those of `weights.csv`, which a test holds to the circuits; bytes are those of the lanes.

use std::{collections::BTreeMap, env, fmt::Write as _, fs};

use zkpov_circuits::{chains::measured_chains, runtime::Chain};

const WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/weights.csv");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/universal.md");
const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/images/universal.svg");

/// What the table stands between in the page.
const MARKS: [&str; 2] = ["<!-- calls -->\n", "<!-- /calls -->"];

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

/// What a call costs.
#[derive(Clone, Copy)]
struct Cost {
    constraints: u64,
    bytes: u64,
}

/// A line of the table.
struct Line {
    chain: &'static str,
    call: &'static str,
    own: Cost,
}

/// Constraints of each call of each chain.
fn weights() -> BTreeMap<(String, String), u64> {
    let csv = fs::read_to_string(WEIGHTS).expect("weights.csv");
    let mut weights = BTreeMap::new();
    for line in csv.lines().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        for (call, constraints) in columns[8].split(' ').filter_map(|call| call.split_once(':')) {
            let constraints = constraints.parse().expect("a number");
            weights.insert((columns[0].to_owned(), call.to_owned()), constraints);
        }
    }
    weights
}

/// Bytes of a call in the body.
fn bytes(chain: &dyn Chain, call: &str) -> u64 {
    let lanes = chain.tiers().last().into_iter().flat_map(|tier| &tier.lanes);
    let mut lanes = lanes.filter(|lane| chain.call_name(lane.call) == Some(call));
    let lane = lanes.next().unwrap_or_else(|| panic!("{} has no `{call}`", chain.name()));
    lane.element_bytes.iter().map(|bytes| u64::from(*bytes)).sum()
}

fn grouped(number: u64) -> String {
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

fn main() {
    let weights = weights();
    let chains = measured_chains();
    let cost = |name: &str, call: &str| {
        let chain = chains.iter().find(|chain| chain.name() == name).expect("it ships");
        let constraints = weights.get(&(name.to_owned(), call.to_owned())).expect("it is pinned");
        Cost { constraints: *constraints, bytes: bytes(*chain, call) }
    };
    let any = cost(UNIVERSAL, UNIVERSAL);
    let mut lines: Vec<Line> = Vec::new();
    for (chain, calls) in CHAINS {
        lines.extend(calls.iter().map(|call| Line { chain, call, own: cost(chain, call) }));
    }
    let table = table(&lines, any);
    print!("{table}");
    if env::args().nth(1).as_deref() == Some("--write") {
        let page = fs::read_to_string(PAGE).expect("docs/universal.md");
        let (before, rest) = page.split_once(MARKS[0]).expect("a mark");
        let (_, after) = rest.split_once(MARKS[1]).expect("a mark");
        fs::write(PAGE, format!("{before}{}{table}{}{after}", MARKS[0], MARKS[1])).expect("the page");
        fs::write(PICTURE, picture(&lines, any)).expect("the picture");
    }
}

fn table(lines: &[Line], any: Cost) -> String {
    let mut text = String::from(
        "| chain | call | constraints, specialised | universal | | bytes of the body, specialised | universal | |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let times = |any: u64, own: u64| format!("{:.1} ×", any as f64 / own as f64);
    for Line { chain, call, own } in lines {
        let _ = writeln!(
            text,
            "| {chain} | `{call}` | {} | {} | {} | {} | {} | {} |",
            grouped(own.constraints),
            grouped(any.constraints),
            times(any.constraints, own.constraints),
            own.bytes,
            any.bytes,
            times(any.bytes, own.bytes),
        );
    }
    text
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
fn picture(lines: &[Line], any: Cost) -> String {
    let height = TOP + STEP * lines.len() as f64 + 30.0;
    let x = |constraints: u64| LEFT + (RIGHT - LEFT) * constraints as f64 / (1.08 * any.constraints as f64);
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
    for (number, Line { chain, call, own }) in lines.iter().enumerate() {
        let top = TOP + STEP * number as f64;
        let colour = CHAINS.iter().position(|(name, _)| name == chain).map_or("#000000", |at| COLOURS[at]);
        let (end, base) = (x(own.constraints), top + BAR - 2.0);
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{base:.1}\" text-anchor=\"end\" fill=\"#475569\">{call}</text>\
             <rect x=\"{LEFT}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"{base:.1}\" fill=\"#475569\">{}</text>",
            LEFT - 8.0,
            end - LEFT,
            end + 5.0,
            grouped(own.constraints),
        );
    }
    let (place, bottom) = (x(any.constraints), TOP + STEP * lines.len() as f64);
    let _ = writeln!(
        svg,
        "<path d=\"M{place:.1} {}V{bottom:.1}\" stroke=\"#dc2626\" stroke-width=\"2\"/>\
         <text x=\"{place:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#dc2626\" font-weight=\"600\">any call: {}</text>\n</svg>",
        TOP - 8.0,
        bottom + 18.0,
        grouped(any.constraints),
    );
    svg
}
