//! Throughput and processor time, by `skep bench`.

use super::{Measured, fresh};
use crate::cluster::Cluster;
use crate::settings::{Mode, Settings};
use serde_json::{Value, json};
use std::process::Command;

/// `skep bench` through one gateway, with the processor time of every node.
fn bench(settings: &Settings, cluster: &Cluster, more: &[&str]) -> Result<Value, String> {
    let status = cluster.status()?;
    let pids: Vec<String> = ["broker", "gateway"]
        .iter()
        .flat_map(|kind| status.pids(kind))
        .map(|pid| pid.to_string())
        .collect();
    let seconds = if settings.mode == Mode::Full { "20s" } else { "5s" };
    let output = Command::new(&settings.binary)
        .args(["--output", "json", "--address", &cluster.gateways()[0], "bench", "--no-probes"])
        .args(["--workload", "one_task", "--in-flight", "128"])
        .args(["--warm-up", "5s", "--duration", seconds, "--pid", &pids.join(",")])
        .args(more)
        .output()
        .map_err(|error| format!("cannot start {}: {error}", settings.binary.display()))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let report: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    if number(&report["instancesPerS"]) == 0.0 {
        return Err("no instance was completed".to_owned());
    }
    Ok(report)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

/// As people run it: loopback.
pub(super) fn plain(settings: &Settings) -> Measured {
    let cluster = fresh(settings, "throughput", false)?;
    let plot = settings.folder.join("throughput.svg");
    let report = bench(settings, &cluster, &["--plot", &plot.display().to_string()])?;
    cluster.delete()?;
    let cells = vec![
        format!("{:.0} PI/s", number(&report["instancesPerS"])),
        format!("{:.0} us", number(&report["server"]["cpuUsPerInstance"])),
    ];
    Ok((cells, report))
}

/// With and without 100 ms more each way between two brokers that both lead.
pub(super) fn slow_link(settings: &Settings) -> Measured {
    let cluster = fresh(settings, "slow-link", true)?;
    if !cluster.has_namespaces() {
        return Err("no network namespaces here".to_owned());
    }
    let (one, other) = crate::scenario::apart(&cluster, 1, 2)?;
    let before = bench(settings, &cluster, &[])?;
    // A wire that is not slow, for what the wire itself takes from two cores.
    cluster.run(&["net", "delay", &one, &other, "0", "--both"])?;
    let wired = bench(settings, &cluster, &[])?;
    cluster.run(&["net", "delay", &one, &other, "100", "--both"])?;
    let slow = bench(settings, &cluster, &[])?;
    cluster.run(&["net", "clear"])?;
    cluster.delete()?;
    let rate = |report: &Value| number(&report["instancesPerS"]);
    let share = |of: &Value| 100.0 * rate(&slow) / rate(of).max(1.0);
    let cells = vec![format!(
        "{:.0} % ({:.0} of {:.0} PI/s; {:.0} % of the same wire without delay)",
        share(&before),
        rate(&slow),
        rate(&before),
        share(&wired)
    )];
    Ok((cells, json!({"without": before, "wireWithoutDelay": wired, "with": slow})))
}
