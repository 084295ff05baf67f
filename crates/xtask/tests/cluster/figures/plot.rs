//! A picture of a fail-over: a row a partition, a stroke an answered creation, a line a fault. Where strokes are missing nobody was served.

use std::fmt::Write;

const WIDTH: f64 = 1_000.0;
const LEFT: f64 = 100.0;
const TOP: f64 = 50.0;
const ROW: f64 = 50.0;
const STROKE: f64 = 30.0;

/// One partition: its id, and when it answered, milliseconds from the left edge.
pub(super) type Row = (u64, Vec<u64>);

/// Draws rows over a span of so many milliseconds, with marks at faults.
pub(super) fn svg(title: &str, rows: &[Row], marks: &[(u64, String)], span_ms: u64) -> String {
    let height = TOP + ROW * rows.len() as f64 + 40.0;
    let x = |at_ms: u64| LEFT + (WIDTH - LEFT - 20.0) * at_ms as f64 / span_ms.max(1) as f64;
    let mut text = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/><text x="10" y="20" font-size="15">{title}</text>
"##
    );
    for (index, (partition, answers)) in rows.iter().enumerate() {
        let y = TOP + ROW * index as f64;
        let _ = writeln!(text, r#"<text x="10" y="{}">partition {partition}</text>"#, y + 20.0);
        let mut path = String::new();
        for at in answers {
            let _ = write!(path, "M{:.1} {y:.0}v{STROKE}", x(*at));
        }
        let _ = writeln!(text, r##"<path d="{path}" stroke="#1f77b4" stroke-width="1"/>"##);
    }
    let bottom = TOP + ROW * rows.len() as f64;
    for (at, label) in marks {
        let x = x(*at);
        let _ = writeln!(
            text,
            r##"<path d="M{x:.1} {}V{bottom}" stroke="#d62728" stroke-width="1.5"/><text x="{:.1}" y="{}" fill="#d62728">{label}</text>"##,
            TOP - 8.0,
            x + 3.0,
            TOP - 10.0
        );
    }
    let step = (span_ms / 10).max(1);
    for at in (0..=span_ms).step_by(usize::try_from(step).unwrap_or(1)) {
        let _ = writeln!(
            text,
            r#"<text x="{:.1}" y="{}" text-anchor="middle">{:.1} s</text>"#,
            x(at),
            bottom + 20.0,
            at as f64 / 1_000.0
        );
    }
    text.push_str("</svg>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::svg;

    #[test]
    fn every_partition_has_its_row_and_every_fault_its_mark() {
        let rows = [(1, vec![0, 500, 1_000]), (2, vec![])];
        let text = svg("kills", &rows, &[(250, "broker-0".to_owned())], 1_000);
        assert!(text.contains("partition 1") && text.contains("partition 2"));
        assert!(text.contains("broker-0") && text.ends_with("</svg>\n"));
        assert_eq!(text.matches("v30").count(), 3);
    }
}
