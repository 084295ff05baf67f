//! Shows how a run goes: one changing line on a terminal, a plain line now and then elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use super::measure::Second;

/// Seconds between plain lines.
const PLAIN_INTERVAL_S: f64 = 5.0;

/// The progress of one run, on stderr.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    last_plain_s: f64,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, last_plain_s: 0.0 }
    }

    /// Shows the second that has just ended.
    pub(crate) fn show(&mut self, second: &Second, in_flight: usize) {
        let phase = if second.is_warm_up { "warm-up" } else { "measuring" };
        let mut line = format!(
            "{:>5.0} s {phase}: {:.0} instances/s, {in_flight} in flight",
            second.at_s, second.completed_per_s
        );
        if let (Some(p50), Some(p99)) = (second.instance_p50_ms, second.instance_p99_ms) {
            line.push_str(&format!(", instance p50 {p50:.1} ms p99 {p99:.1} ms"));
        }
        if second.refused_per_s > 0.0 {
            line.push_str(&format!(", {:.0} refused/s", second.refused_per_s));
        }
        match &self.bar {
            Some(bar) => {
                bar.set_message(line);
                bar.tick();
            }
            None if second.at_s - self.last_plain_s >= PLAIN_INTERVAL_S - 0.5 => {
                eprintln!("{line}");
                self.last_plain_s = second.at_s;
            }
            None => {}
        }
    }

    /// Clears the changing line.
    pub(crate) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
