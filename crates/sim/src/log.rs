//! What production code logs, for a person who looks into one run.

use std::fmt;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// Simulated time and the node whose code runs.
struct Where;

impl FormatTime for Where {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let Some((at, node)) = skep_sim::whereabouts() else { return Ok(()) };
        let ms = at.as_secs_f64() * 1_000.0;
        match node {
            Some(node) => write!(writer, "{ms:>11.3} node {node:>3}"),
            None => write!(writer, "{ms:>11.3} outside "),
        }
    }
}

/// Prints it from now on.
pub(crate) fn print(filter: &str) {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_timer(Where)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
}
