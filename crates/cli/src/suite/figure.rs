//! A picture of a suite: for each experiment, how long a partition was not to be had.

use std::fmt::Write;

use skep_chaos::report::escaped;

const WIDTH: f64 = 900.0;
const LABELS: f64 = 330.0;
const MARGIN_RIGHT: f64 = 80.0;
const MARGIN_TOP: f64 = 60.0;
const ROW: f64 = 20.0;
const BAR: f64 = 12.0;

/// The axis is logarithmic, from one millisecond: waits differ by the thousand.
const LOWEST_MS: f64 = 1.0;

/// The axis ends here at least.
const HIGHEST_MS: f64 = 1_000.0;

/// One bar.
pub(super) struct Bar<'a> {
    pub(super) name: &'a str,
    pub(super) wait_ms: f64,
    pub(super) passed: bool,
}

/// Draws the bars below a title.
pub(super) fn svg(title: &str, bars: &[Bar<'_>]) -> String {
    let longest = bars.iter().map(|bar| bar.wait_ms).fold(HIGHEST_MS, f64::max);
    let decades = (longest / LOWEST_MS).log10().ceil();
    let plot = WIDTH - LABELS - MARGIN_RIGHT;
    let length = |ms: f64| (ms.max(LOWEST_MS) / LOWEST_MS).log10() / decades * plot;
    let bottom = MARGIN_TOP + ROW * bars.len() as f64;
    let height = bottom + ROW;
    let mut text = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="10" y="22" font-size="15">{}</text>
"##,
        escaped(title)
    );
    for decade in 0..=decades as i32 {
        let ms = LOWEST_MS * 10_f64.powi(decade);
        let x = LABELS + length(ms);
        let _ = writeln!(
            text,
            r##"<line x1="{x:.1}" y1="{MARGIN_TOP}" x2="{x:.1}" y2="{bottom}" stroke="#ddd"/>
<text x="{x:.1}" y="{:.1}" text-anchor="middle" fill="#555">{ms} ms</text>"##,
            MARGIN_TOP - 8.0
        );
    }
    for (row, bar) in bars.iter().enumerate() {
        let top = MARGIN_TOP + ROW * row as f64 + (ROW - BAR) / 2.0;
        let (width, base) = (length(bar.wait_ms), top + BAR - 2.0);
        let color = if bar.passed { "#1f77b4" } else { "#d62728" };
        let _ = writeln!(
            text,
            r##"<text x="{:.1}" y="{base:.1}" text-anchor="end">{}</text>
<rect x="{LABELS}" y="{top:.1}" width="{width:.1}" height="{BAR}" fill="{color}"/>
<text x="{:.1}" y="{base:.1}" fill="#555">{:.0} ms</text>"##,
            LABELS - 8.0,
            escaped(bar.name),
            LABELS + width + 6.0,
            bar.wait_ms
        );
    }
    text.push_str("</svg>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_the_logarithm_of_its_wait() {
        let bar = |name, wait_ms, passed| Bar { name, wait_ms, passed };
        let text = svg("a & b", &[bar("short", 10.0, true), bar("long<", 1_000.0, false)]);
        let plot = WIDTH - LABELS - MARGIN_RIGHT;
        for what in [
            "a &amp; b",
            "long&lt;",
            &format!("width=\"{:.1}\" height=\"{BAR}\" fill=\"#1f77b4\"", plot / 3.0),
            &format!("width=\"{plot:.1}\" height=\"{BAR}\" fill=\"#d62728\""),
            ">1000 ms<",
        ] {
            assert!(text.contains(what), "{what}: {text}");
        }
        assert!(svg("nothing", &[]).ends_with("</svg>\n"));
    }
}
