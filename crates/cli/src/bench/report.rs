//! What a run found, as JSON and as a table.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::measure::{Second, Summary};
use super::probe::Probes;

/// A share of one core above which the generator, not the cluster, may set the limit.
const GENERATOR_CPU_PERCENT_MAX: f64 = 90.0;

/// Everything that a run found. The JSON form only ever gains fields.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) workload: &'static str,
    pub(crate) payload: &'static str,
    pub(crate) payload_bytes: usize,
    pub(crate) api: &'static str,
    pub(crate) delivery: &'static str,
    pub(crate) pace: String,
    pub(crate) warm_up_s: f64,
    pub(crate) measured_s: f64,
    pub(crate) started: u64,
    pub(crate) completed: u64,
    pub(crate) left_in_flight: usize,
    pub(crate) instances_per_s: f64,
    pub(crate) create: Option<Summary>,
    pub(crate) delivery_latency: Option<Summary>,
    pub(crate) instance: Option<Summary>,
    pub(crate) refusals: BTreeMap<String, u64>,
    pub(crate) first_refusal: Option<String>,
    pub(crate) server: Option<ServerUsage>,
    pub(crate) generator: GeneratorUsage,
    pub(crate) journal: JournalUse,
    pub(crate) probes: Option<Probes>,
    pub(crate) seconds: Vec<Second>,
}

/// What the server processes used.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerUsage {
    pub(crate) cpu_us_per_instance: Option<f64>,
    pub(crate) cpu_percent: f64,
    pub(crate) rss_mb: f64,
    pub(crate) rss_peak_mb: f64,
}

/// What the generator itself used.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GeneratorUsage {
    pub(crate) cpu_us_per_instance: Option<f64>,
    pub(crate) cpu_percent: f64,
}

/// What the log of the server took for each instance.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JournalUse {
    pub(crate) bytes_per_instance: Option<f64>,
    pub(crate) fsyncs_per_instance: Option<f64>,
}

impl Report {
    /// The report for people.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, value: String| {
            let _ = writeln!(text, "{name:<28} {value}");
        };
        let payload = format!("{} ({} B)", self.payload, self.payload_bytes);
        row("workload", format!("{}, {payload}", self.workload));
        row("load", format!("{}, {}, jobs by {}", self.pace, self.api, self.delivery));
        row("measured", format!("{:.1} s after {:.1} s", self.measured_s, self.warm_up_s));
        row("instances completed", self.completed.to_string());
        row("throughput", format!("{:.1} instances/s", self.instances_per_s));
        row("create", latency(self.create.as_ref()));
        row("job available to worker", latency(self.delivery_latency.as_ref()));
        row("instance", latency(self.instance.as_ref()));
        match &self.server {
            Some(server) => {
                row("server CPU per instance", per_instance(server.cpu_us_per_instance, "us"));
                row("server CPU", format!("{:.0} % of a core", server.cpu_percent));
                let (rss, peak) = (server.rss_mb, server.rss_peak_mb);
                row("server memory", format!("{rss:.0} MB, peak {peak:.0} MB"));
            }
            None => row("server CPU and memory", "- (give --pid)".into()),
        }
        row("log per instance", per_instance(self.journal.bytes_per_instance, "B"));
        row("fsyncs per instance", per_instance(self.journal.fsyncs_per_instance, ""));
        row("generator CPU per instance", per_instance(self.generator.cpu_us_per_instance, "us"));
        row("generator CPU", format!("{:.0} % of a core", self.generator.cpu_percent));
        if !self.refusals.is_empty() {
            let kinds: Vec<_> =
                self.refusals.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
            row("refused", kinds.join(", "));
        }
        if let Some(reason) = &self.first_refusal {
            row("first refusal", reason.trim().replace('\n', " "));
        }
        for note in self.notes() {
            row("note", note);
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// What a reader has to know before believing the figures.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.generator.cpu_percent > GENERATOR_CPU_PERCENT_MAX {
            let note = "the generator used a whole core: the cluster may be able to do more";
            notes.push(note.to_owned());
        }
        if self.left_in_flight > 0 {
            notes.push(format!("{} instances had not finished at the end", self.left_in_flight));
        }
        notes
    }
}

/// The probes for people.
pub(crate) fn probe_table(probes: &Probes) -> String {
    format!(
        "machine: fdatasync 4 KB {:.0}/s (p50 {:.2} ms, p99 {:.2} ms), memory copy {:.1} GB/s, \
         loopback TCP {:.0} round trips/s, gRPC {:.0} calls/s",
        probes.fdatasync_per_s,
        probes.fdatasync_p50_ms,
        probes.fdatasync_p99_ms,
        probes.memory_copy_gb_per_s,
        probes.tcp_round_trips_per_s,
        probes.grpc_calls_per_s
    )
}

fn latency(summary: Option<&Summary>) -> String {
    summary.map_or_else(
        || "-".into(),
        |it| format!("p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms", it.p50_ms, it.p99_ms, it.max_ms),
    )
}

fn per_instance(value: Option<f64>, unit: &str) -> String {
    match value {
        None => "-".into(),
        Some(value) if value < 10.0 => format!("{value:.3} {unit}").trim_end().to_owned(),
        Some(value) => format!("{value:.0} {unit}").trim_end().to_owned(),
    }
}
