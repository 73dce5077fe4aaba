//! Curves over circuit sizes, both logarithmic, as parts of an SVG.

use std::fmt::Write as _;

/// Width of a picture.
const WIDTH: f64 = 720.0;
/// Height of each of its plots, with title and labels.
const HEIGHT: f64 = 380.0;
/// Left, right, top and bottom of the curves in a plot.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 690.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 320.0;
/// Where the title stands, and below the curves the lines of labels.
const TITLE: f64 = 26.0;
const LABELS: f64 = 20.0;
const LABEL_STEP: f64 = 17.0;
/// Where the curves' names begin.
const LEGEND: f64 = 500.0;
/// Room beside the first and the last size, as base-2 logarithms.
const MARGIN: f64 = 0.25;

/// Where a point's value stands beside it.
pub(super) const ABOVE: f64 = -9.0;
pub(super) const BELOW: f64 = 20.0;

/// A curve.
pub(super) struct Curve {
    /// Its name.
    pub(super) name: &'static str,
    /// Its colour.
    pub(super) colour: &'static str,
    /// [`ABOVE`] or [`BELOW`].
    pub(super) label: f64,
    /// Its value for each size.
    pub(super) values: Vec<f64>,
}

/// A plot.
pub(super) struct Plot<'a> {
    /// What is shown.
    pub(super) title: &'a str,
    /// The unit of the values.
    pub(super) unit: &'a str,
    /// How far the names of the curves are apart.
    pub(super) legend_step: f64,
    /// Base-2 logarithms of the sizes, and the lines of text below each.
    pub(super) sizes: &'a [(f64, Vec<String>)],
    /// The curves.
    pub(super) curves: Vec<Curve>,
}

/// The plots, one below the other. `label` is what a reader of the page hears.
pub(super) fn svg(label: &str, plots: &[Plot<'_>]) -> String {
    let height = HEIGHT * plots.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"13\" role=\"img\" aria-label=\"{label}\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    for (number, plot) in plots.iter().enumerate() {
        let _ = writeln!(svg, "<g transform=\"translate(0 {})\">", HEIGHT * number as f64);
        plot.draw(&mut svg);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

impl Plot<'_> {
    fn draw(&self, svg: &mut String) {
        let values = || self.curves.iter().flat_map(|curve| curve.values.iter().copied());
        let decades = (
            values().fold(f64::MAX, f64::min).log10().floor(),
            values().fold(f64::MIN, f64::max).log10().ceil(),
        );
        let sizes = || self.sizes.iter().map(|(size, _)| *size);
        let ends = (sizes().fold(f64::MAX, f64::min) - MARGIN, sizes().fold(f64::MIN, f64::max) + MARGIN);
        let x = |size: f64| LEFT + (RIGHT - LEFT) * (size - ends.0) / (ends.1 - ends.0);
        let y = |value: f64| BOTTOM - (BOTTOM - TOP) * (value.log10() - decades.0) / (decades.1 - decades.0);

        let title = self.title;
        let _ = writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"{TITLE}\" font-weight=\"600\" fill=\"#0f172a\">{title}</text>"
        );
        let mut decade = decades.0;
        while decade <= decades.1 {
            let (height, value) = (y(10f64.powf(decade)), 10f64.powf(decade));
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {height:.1}H{RIGHT}\" stroke=\"#e2e8f0\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#475569\">{value} {}</text>",
                LEFT - 8.0,
                height + 4.0,
                self.unit
            );
            decade += 1.0;
        }
        for (size, lines) in self.sizes {
            let place = x(*size);
            let _ = write!(svg, "<path d=\"M{place:.1} {TOP}V{BOTTOM}\" stroke=\"#e2e8f0\"/>");
            for (line, text) in lines.iter().enumerate() {
                let height = BOTTOM + LABELS + LABEL_STEP * line as f64;
                let _ = write!(
                    svg,
                    "<text x=\"{place:.1}\" y=\"{height:.1}\" text-anchor=\"middle\" fill=\"#475569\">{text}</text>"
                );
            }
            svg.push('\n');
        }
        for (number, Curve { name, colour, label, values }) in self.curves.iter().enumerate() {
            let points: Vec<_> =
                sizes().zip(values).map(|(size, value)| (x(size), y(*value), *value)).collect();
            let line: Vec<_> = points.iter().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                line.join(" ")
            );
            for (x, y, value) in &points {
                let _ = writeln!(
                    svg,
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>\
                     <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{colour}\">{}</text>",
                    y + label,
                    short(*value)
                );
            }
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{TITLE}\" fill=\"{colour}\" font-weight=\"600\">{name}</text>",
                LEGEND + self.legend_step * number as f64
            );
        }
    }
}

/// Two decimals of what is below a hundred, none of the rest.
fn short(value: f64) -> String {
    if value < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}
