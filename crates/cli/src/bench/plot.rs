//! A picture of a run: throughput and latency over time, as a small SVG.

use std::fmt::Write;

use skep_chaos::report::escaped;

use super::measure::Second;

const WIDTH: f64 = 900.0;
const PANEL_HEIGHT: f64 = 220.0;
const MARGIN_LEFT: f64 = 70.0;
const MARGIN_RIGHT: f64 = 20.0;
const MARGIN_TOP: f64 = 40.0;
const GAP: f64 = 60.0;

/// Steps of a value axis.
const STEPS: f64 = 5.0;

/// A line of a panel.
struct Line<'a> {
    name: &'a str,
    color: &'a str,
    /// Time in seconds and value.
    points: Vec<(f64, f64)>,
}

/// Draws the seconds of a run below a title.
pub(crate) fn svg(title: &str, seconds: &[Second]) -> String {
    let line = |name, color, value: fn(&Second) -> Option<f64>| Line {
        name,
        color,
        points: seconds.iter().filter_map(|it| Some((it.at_s, value(it)?))).collect(),
    };
    let throughput = [
        line("completed", "#1f77b4", |it| Some(it.completed_per_s)),
        line("refused", "#d62728", |it| (it.refused_per_s > 0.0).then_some(it.refused_per_s)),
    ];
    let latency = [
        line("create p50", "#2ca02c", |it| it.create_p50_ms),
        line("create p99", "#98df8a", |it| it.create_p99_ms),
        line("instance p50", "#9467bd", |it| it.instance_p50_ms),
        line("instance p99", "#c5b0d5", |it| it.instance_p99_ms),
    ];
    let end_s = seconds.last().map_or(1.0, |it| it.at_s).max(1.0);
    let height = MARGIN_TOP + 2.0 * (PANEL_HEIGHT + GAP);
    let mut text = String::new();
    let _ = writeln!(
        text,
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="{MARGIN_LEFT}" y="22" font-size="15">{}</text>"##,
        escaped(title)
    );
    let warm_up_s = seconds.iter().rev().find(|it| it.is_warm_up).map(|it| it.at_s);
    panel(&mut text, MARGIN_TOP, "instances per second", &throughput, end_s, warm_up_s);
    let second = MARGIN_TOP + PANEL_HEIGHT + GAP;
    panel(&mut text, second, "latency, ms", &latency, end_s, warm_up_s);
    text.push_str("</svg>\n");
    text
}

fn panel(
    text: &mut String,
    top: f64,
    unit: &str,
    lines: &[Line<'_>],
    end_s: f64,
    warm_up_s: Option<f64>,
) {
    let highest = lines.iter().flat_map(|line| &line.points).map(|point| point.1);
    let step = round_step(highest.fold(0.0, f64::max) / STEPS);
    let (width, bottom) = (WIDTH - MARGIN_LEFT - MARGIN_RIGHT, top + PANEL_HEIGHT);
    let x = |at_s: f64| MARGIN_LEFT + at_s / end_s * width;
    let y = |value: f64| bottom - value / (step * STEPS) * PANEL_HEIGHT;
    if let Some(until_s) = warm_up_s {
        let _ = writeln!(
            text,
            r##"<rect x="{MARGIN_LEFT}" y="{top}" width="{:.1}" height="{PANEL_HEIGHT}" fill="#f2f2f2"/>"##,
            x(until_s) - MARGIN_LEFT
        );
    }
    for index in 0..=STEPS as u32 {
        let value = step * f64::from(index);
        let _ = writeln!(
            text,
            r##"<path d="M{MARGIN_LEFT} {0:.1}H{1}" stroke="#ddd"/><text x="{2}" y="{3:.1}" text-anchor="end">{value}</text>"##,
            y(value),
            WIDTH - MARGIN_RIGHT,
            MARGIN_LEFT - 6.0,
            y(value) + 4.0,
        );
    }
    let time_step = round_step(end_s / 8.0).max(1.0);
    let mut at_s = 0.0;
    while at_s <= end_s {
        let _ = writeln!(
            text,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{at_s} s</text>"#,
            x(at_s),
            bottom + 16.0
        );
        at_s += time_step;
    }
    let mut legend_x = MARGIN_LEFT + 130.0;
    let _ = writeln!(text, r#"<text x="{MARGIN_LEFT}" y="{:.1}">{unit}</text>"#, top - 5.0);
    for line in lines.iter().filter(|line| !line.points.is_empty()) {
        let path: Vec<String> = line
            .points
            .iter()
            .map(|(at_s, value)| format!("{:.1},{:.1}", x(*at_s), y(*value)))
            .collect();
        let _ = writeln!(
            text,
            r#"<polyline points="{}" fill="none" stroke="{}" stroke-width="1.5"/><text x="{legend_x}" y="{:.1}" fill="{}">{}</text>"#,
            path.join(" "),
            line.color,
            top - 5.0,
            line.color,
            line.name
        );
        legend_x += 100.0;
    }
}

/// The next number above that is 1, 2 or 5 times a power of ten.
fn round_step(at_least: f64) -> f64 {
    if at_least <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(at_least.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= at_least);
    // Through text, so that 0.1 + 0.2 is not printed with all its digits.
    let step = factor.unwrap_or(10.0) * power;
    format!("{step:.6}").parse().unwrap_or(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (at_least, step) in [(0.0, 1.0), (0.7, 1.0), (1.2, 2.0), (340.0, 500.0), (0.013, 0.02)]
        {
            assert_eq!(round_step(at_least), step, "{at_least}");
        }
    }

    #[test]
    fn the_picture_is_well_formed_and_stays_inside_its_frame() {
        let seconds: Vec<Second> = (1..=30)
            .map(|at| Second {
                at_s: f64::from(at),
                started_per_s: 900.0,
                completed_per_s: 900.0 + f64::from(at),
                refused_per_s: 0.0,
                create_p50_ms: Some(0.5),
                create_p99_ms: Some(4.0),
                instance_p50_ms: None,
                instance_p99_ms: None,
                is_warm_up: at < 5,
            })
            .collect();
        let svg = svg("a < b", &seconds);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("a &lt; b"));
        assert_eq!(svg.matches("<polyline").count(), 3);
        assert!(!svg.contains("-0.") && !svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn a_run_without_a_second_still_has_axes() {
        assert!(svg("empty", &[]).contains("instances per second"));
    }
}
