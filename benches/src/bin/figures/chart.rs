//! Proving time against circuit size, both logarithmic, as SVG.

use std::fmt::Write as _;

use super::{Measured, table::grouped};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 380.0;
/// Left, right, top and bottom of the plot.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 690.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 320.0;

/// A curve: its name, colour, how far below a point its value stands, and what it shows of a tier, in seconds.
type Curve = (&'static str, &'static str, f64, fn(&Measured) -> f64);

const ABOVE: f64 = -9.0;
const BELOW: f64 = 20.0;

const CURVES: [Curve; 3] = [
    ("set-up", "#64748b", ABOVE, |tier| tier.demo.setup_seconds),
    ("proof", "#4f46e5", BELOW, |tier| tier.demo.prove_seconds),
    ("witness", "#0d9488", ABOVE, |tier| tier.demo.witness_seconds),
];

/// Where the curves' names stand, and how far apart.
const LEGEND: f64 = 500.0;
const LEGEND_STEP: f64 = 70.0;

/// The chart.
pub(super) fn svg(measured: &[Measured]) -> String {
    let seconds = || measured.iter().flat_map(|tier| CURVES.map(|(_, _, _, of)| of(tier)));
    let decades = (
        seconds().fold(f64::MAX, f64::min).log10().floor(),
        seconds().fold(f64::MIN, f64::max).log10().ceil(),
    );
    let sizes = (
        measured.iter().map(|tier| f64::from(tier.tier)).fold(f64::MAX, f64::min) - 0.25,
        measured.iter().map(|tier| f64::from(tier.tier)).fold(f64::MIN, f64::max) + 0.25,
    );
    let x = |log2: f64| LEFT + (RIGHT - LEFT) * (log2 - sizes.0) / (sizes.1 - sizes.0);
    let y = |seconds: f64| BOTTOM - (BOTTOM - TOP) * (seconds.log10() - decades.0) / (decades.1 - decades.0);

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"13\" role=\"img\" aria-label=\"Proving time against circuit size\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"26\" font-weight=\"600\" fill=\"#0f172a\">Seconds against constraints, full blocks of payments</text>\n"
    );
    let mut decade = decades.0;
    while decade <= decades.1 {
        let (height, label) = (y(10f64.powf(decade)), 10f64.powf(decade));
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {height:.1}H{RIGHT}\" stroke=\"#e2e8f0\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#475569\">{label} s</text>",
            LEFT - 8.0,
            height + 4.0
        );
        decade += 1.0;
    }
    for tier in measured {
        let place = x(f64::from(tier.tier));
        let _ = writeln!(
            svg,
            "<path d=\"M{place:.1} {TOP}V{BOTTOM}\" stroke=\"#e2e8f0\"/>\
             <text x=\"{place:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#475569\">{}</text>\
             <text x=\"{place:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#475569\">{} calls</text>",
            BOTTOM + 20.0,
            grouped(tier.demo.constraints),
            BOTTOM + 37.0,
            tier.demo.transfers + tier.demo.opens,
        );
    }
    for (number, (name, colour, label, of)) in CURVES.into_iter().enumerate() {
        let points: Vec<_> =
            measured.iter().map(|tier| (x(f64::from(tier.tier)), y(of(tier)), of(tier))).collect();
        let line: Vec<_> = points.iter().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            line.join(" ")
        );
        for (x, y, seconds) in &points {
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{colour}\">{seconds:.2}</text>",
                x,
                y + label
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"26\" fill=\"{colour}\" font-weight=\"600\">{name}</text>",
            LEGEND + LEGEND_STEP * number as f64
        );
    }
    svg.push_str("</svg>\n");
    svg
}
