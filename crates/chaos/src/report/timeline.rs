//! The time line of a run as a picture: a bar for each activity.

use super::escaped;
use super::rows::Row;

const WIDTH: f64 = 960.0;
const NAMES_WIDTH: f64 = 320.0;
const ROW_HEIGHT: f64 = 22.0;
const TOP: f64 = 30.0;
const TICKS: u32 = 6;

/// Longest name that is shown, characters: more does not fit beside the bars.
const NAME_LENGTH_MAX: usize = 46;

/// An SVG element.
pub(super) fn picture(rows: &[Row], duration: f64) -> String {
    let last = rows.iter().map(|row| row.start + row.duration).fold(duration, f64::max);
    let scale = (WIDTH - NAMES_WIDTH - 20.0) / last.max(0.001);
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let height = TOP + f64::from(count) * ROW_HEIGHT + 10.0;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Time line\" \
         font-family=\"sans-serif\" font-size=\"12\">\n"
    );
    for tick in 0..=TICKS {
        let at = last * f64::from(tick) / f64::from(TICKS);
        let x = NAMES_WIDTH + at * scale;
        svg.push_str(&format!(
            "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{height}\" stroke=\"#ddd\"/>\
             <text x=\"{x:.1}\" y=\"18\" text-anchor=\"middle\" fill=\"#666\">{at:.1} s</text>\n"
        ));
    }
    let mut y = TOP;
    for row in rows {
        let x = NAMES_WIDTH + row.start * scale;
        let width = (row.duration * scale).max(2.0);
        let name: String = row.name.chars().take(NAME_LENGTH_MAX).collect();
        svg.push_str(&format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" rx=\"2\" \
             fill=\"{}\"><title>{} ({}): {}, {:.3} s</title></rect>\n",
            NAMES_WIDTH - 10.0,
            y + 15.0,
            escaped(&name),
            y + 4.0,
            ROW_HEIGHT - 8.0,
            colour(row),
            escaped(&row.name),
            row.phase,
            escaped(&row.result),
            row.duration,
        ));
        y += ROW_HEIGHT;
    }
    svg.push_str("</svg>");
    svg
}

fn colour(row: &Row) -> &'static str {
    match (row.good, row.phase) {
        (false, _) => "#c62828",
        (true, "method") => "#1565c0",
        (true, "rollbacks") => "#6a1b9a",
        (true, _) => "#2e7d32",
    }
}
