//! Proving time of every tier, as SVG.

use super::Measured;
use super::plot::{ABOVE, BELOW, Curve, Plot, svg};
use super::table::grouped;

/// The chart.
pub(super) fn tiers(measured: &[Measured]) -> String {
    let sizes: Vec<_> = measured
        .iter()
        .map(|Measured { tier, demo }| {
            let calls: u32 = demo.calls.values().sum();
            (f64::from(*tier), vec![grouped(demo.constraints), format!("{calls} calls")])
        })
        .collect();
    let curve = |name, colour, label, of: fn(&Measured) -> f64| Curve {
        name,
        colour,
        label,
        values: measured.iter().map(of).collect(),
    };
    let plot = Plot {
        title: "Seconds against constraints, blocks of payments",
        unit: "s",
        legend_step: 70.0,
        sizes: &sizes,
        curves: vec![
            curve("set-up", "#64748b", ABOVE, |tier| tier.demo.setup_seconds),
            curve("proof", "#4f46e5", BELOW, |tier| tier.demo.prove_seconds),
            curve("witness", "#0d9488", ABOVE, |tier| tier.demo.witness_seconds),
        ],
    };
    svg("Proving time against circuit size", &[plot])
}
