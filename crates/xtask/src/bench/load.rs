//! `skep bench` as a tool: one run, and the figures of its report.

use super::system::Instance;
use crate::shell;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Instances in flight while the server is filled.
const FILLING_IN_FLIGHT: u32 = 256;

/// The generator, and where it may write.
pub(super) struct Load {
    binary: PathBuf,
    pub(super) folder: PathBuf,
    /// Load before anything is measured.
    warm_up_seconds: u32,
}

/// What one run does.
pub(super) struct Run {
    pub(super) in_flight: u32,
    pub(super) seconds: u32,
    pub(super) rest: bool,
    /// Create exactly so many that stay, instead of running for a time.
    pub(super) create_only: Option<u64>,
}

impl Default for Run {
    fn default() -> Self {
        Self { in_flight: 1, seconds: 20, rest: false, create_only: None }
    }
}

impl Run {
    /// Leaves so many instances waiting.
    pub(super) fn filling(instances: u64) -> Self {
        Self { in_flight: FILLING_IN_FLIGHT, create_only: Some(instances), ..Self::default() }
    }
}

impl Load {
    pub(super) fn new(binary: PathBuf, folder: PathBuf, warm_up_seconds: u32) -> Self {
        Self { binary, folder, warm_up_seconds }
    }

    /// Loads the server as `run` says.
    pub(super) fn run(&self, instance: &Instance, run: &Run) -> Result<Report, String> {
        let mut command = Command::new(&self.binary);
        command.args(["--output", "json", "--address", &instance.grpc_address(), "bench"]);
        command.args(["--in-flight", &run.in_flight.to_string(), "--no-probes"]);
        match run.create_only {
            Some(instances) => {
                command.args(["--workload", "create_only", "--instances", &instances.to_string()])
            }
            None => command
                .args(["--workload", "one_task", "--duration", &format!("{}s", run.seconds)])
                .args(["--warm-up", &format!("{}s", self.warm_up_seconds)]),
        };
        if run.rest {
            command.args(["--api", "rest", "--rest-address", &instance.rest_address()?]);
        }
        if let Some(process_id) = instance.process_id() {
            command.args(["--pid", &process_id.to_string()]);
        }
        if let Some(url) = instance.metrics_url() {
            command.args(["--management", &url]);
        }
        let text = shell::output(command.stdin(Stdio::null()))?;
        let report: Value = serde_json::from_str(&text)
            .map_err(|error| format!("skep bench did not answer JSON: {error}"))?;
        self.keep(&text)?;
        Ok(Report(report))
    }

    /// Whether an instance can be created right now.
    pub(super) fn can_create(&self, grpc_address: &str) -> bool {
        Command::new(&self.binary)
            .args(["--address", grpc_address, "--request-timeout", "1s"])
            .args(["create", "instance", "bench_waiting"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Raw reports stay beside the table, for whoever doubts it.
    fn keep(&self, report: &str) -> Result<(), String> {
        let path = self.folder.join("reports.jsonl");
        let line = format!("{}\n", report.split_whitespace().collect::<Vec<_>>().join(" "));
        append(&path, &line).map_err(|error| format!("cannot write {}: {error}", path.display()))
    }
}

fn append(path: &Path, line: &str) -> std::io::Result<()> {
    use std::io::Write;
    std::fs::File::options().create(true).append(true).open(path)?.write_all(line.as_bytes())
}

/// What a run found.
pub(super) struct Report(Value);

impl Report {
    /// A figure by its path, such as `server.rssPeakMb`.
    pub(super) fn number(&self, path: &str) -> Result<f64, String> {
        let value = path.split('.').try_fold(&self.0, |value, part| value.get(part));
        value.and_then(Value::as_f64).ok_or_else(|| format!("the report has no {path}"))
    }

    fn shown(&self, path: &str, show: impl Fn(f64) -> String) -> String {
        self.number(path).map_or_else(|_| "-".to_owned(), show)
    }

    pub(super) fn throughput(&self) -> String {
        let refused = match self.0.get("refusals").and_then(Value::as_object) {
            Some(refusals) if !refusals.is_empty() => ", with refusals",
            _ => "",
        };
        self.shown("instancesPerS", |rate| format!("{rate:.0} PI/s{refused}"))
    }

    pub(super) fn server_cpu(&self) -> String {
        self.shown("server.cpuUsPerInstance", |us| format!("{us:.0} us"))
    }

    pub(super) fn log_bytes(&self) -> String {
        self.shown("journal.bytesPerInstance", |bytes| format!("{:.1} KB", bytes / 1_000.0))
    }

    pub(super) fn memory_peak(&self) -> String {
        self.shown("server.rssPeakMb", |megabytes| format!("{megabytes:.0} MB"))
    }

    /// A latency of creation, such as `p50Ms`.
    pub(super) fn create(&self, percentile: &str) -> String {
        self.shown(&format!("create.{percentile}"), |ms| format!("{ms:.2} ms"))
    }
}

#[cfg(test)]
mod tests {
    use super::Report;

    #[test]
    fn shows_what_the_report_has_and_a_dash_for_the_rest() {
        let report = serde_json::json!({
            "instancesPerS": 7123.4, "refusals": {}, "create": { "p50Ms": 0.456 }, "server": null
        });
        let report = Report(report);
        assert_eq!(report.throughput(), "7123 PI/s");
        assert_eq!(report.create("p50Ms"), "0.46 ms");
        assert_eq!(report.server_cpu(), "-");
    }
}
