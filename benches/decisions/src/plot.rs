//! The figures as bars on a logarithmic scale, as SVG.

use std::fmt::Write;

/// One pair of bars.
pub struct Bars {
    pub name: String,
    pub skep_ns: f64,
    pub rival_ns: Option<f64>,
    pub target_ns: Option<f64>,
}

const ROW: f64 = 44.0;
const LEFT: f64 = 250.0;
const WIDTH: f64 = 560.0;
const TOP: f64 = 46.0;

/// Powers of ten on the scale, in nanoseconds.
const DECADES: std::ops::RangeInclusive<i32> = 1..=7;

fn x(nanoseconds: f64) -> f64 {
    let (first, last) = (f64::from(*DECADES.start()), f64::from(*DECADES.end()));
    LEFT + WIDTH * ((nanoseconds.max(1.0).log10() - first) / (last - first)).clamp(0.0, 1.0)
}

pub fn svg(rows: &[Bars], caption: &str) -> String {
    let height = TOP + ROW * rows.len() as f64 + 40.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        LEFT + WIDTH + 90.0
    );
    let mut line = |text: String| writeln!(svg, "{text}").expect("a string takes everything");
    line(format!("<text x=\"10\" y=\"18\">{}</text>", escaped(caption)));
    let legend = [("#1f6f54", "Skep"), ("#b9b3a6", "dsntk 0.3"), ("#c0392b", "target")];
    for (index, (colour, name)) in legend.iter().enumerate() {
        let at = LEFT + 110.0 * index as f64;
        line(format!("<rect x=\"{at}\" y=\"26\" width=\"10\" height=\"10\" fill=\"{colour}\"/>"));
        line(format!("<text x=\"{}\" y=\"35\">{name}</text>", at + 16.0));
    }
    let bottom = TOP + ROW * rows.len() as f64;
    for decade in DECADES {
        let at = x(10f64.powi(decade));
        line(format!(
            "<line x1=\"{at}\" x2=\"{at}\" y1=\"{TOP}\" y2=\"{bottom}\" stroke=\"#e5e0d8\"/>"
        ));
        let label = shown(10f64.powi(decade));
        line(format!(
            "<text x=\"{at}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            bottom + 16.0
        ));
    }
    for (index, row) in rows.iter().enumerate() {
        let top = TOP + ROW * index as f64 + 6.0;
        let name = escaped(&row.name);
        line(format!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>",
            LEFT - 8.0,
            top + 20.0
        ));
        let bars = [(Some(row.skep_ns), "#1f6f54", 0.0), (row.rival_ns, "#b9b3a6", 16.0)];
        for (nanoseconds, colour, offset) in bars {
            let Some(nanoseconds) = nanoseconds else { continue };
            let (end, top) = (x(nanoseconds), top + offset);
            line(format!(
                "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{}\" height=\"14\" fill=\"{colour}\"/>",
                (end - LEFT).max(1.0)
            ));
            line(format!(
                "<text x=\"{}\" y=\"{}\">{}</text>",
                end + 5.0,
                top + 11.0,
                shown(nanoseconds)
            ));
        }
        if let Some(target) = row.target_ns {
            let at = x(target);
            line(format!(
                "<line x1=\"{at}\" x2=\"{at}\" y1=\"{top}\" y2=\"{}\" stroke=\"#c0392b\" stroke-width=\"2\"/>",
                top + 30.0
            ));
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// A time in the unit that fits.
pub fn shown(nanoseconds: f64) -> String {
    match nanoseconds {
        below if below < 1e3 => format!("{below:.0} ns"),
        below if below < 1e6 => format!("{:.1} us", below / 1e3),
        other => format!("{:.1} ms", other / 1e6),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
