//! Start, memory at rest, and what the machine itself can do.

use super::{Measured, fresh, quantile};
use crate::settings::Settings;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

/// Starts before the middle one is believed.
const STARTS: usize = 5;

/// How long an idle cluster is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(5);

/// What the disk, the memory and the loopback of this machine do right now: the probes of `skep bench`, beside a server that only answers.
pub(super) fn probes(settings: &Settings) -> Result<Value, String> {
    let output = Command::new(&settings.binary)
        .args(["--output", "json", "bench", "--null-server", "--duration", "1s", "--warm-up", "0s"])
        .arg("--probe-dir")
        .arg(&settings.folder)
        .output()
        .map_err(|error| format!("cannot start {}: {error}", settings.binary.display()))?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| String::from_utf8_lossy(&output.stderr).trim().to_owned())?;
    Ok(report["probes"].clone())
}

/// How long a cluster takes from the first process to all leaders as every gateway sees them, and what its brokers take when idle.
pub(super) fn start_and_idle(settings: &Settings) -> Measured {
    let mut times = Vec::new();
    let mut memory = Vec::new();
    for round in 0..STARTS {
        let cluster = fresh(settings, &format!("start-{round}"), false)?;
        times.push(cluster.start_ms);
        if round + 1 == STARTS {
            std::thread::sleep(IDLE);
            memory = cluster.status()?.pids("broker").into_iter().filter_map(rss_kb).collect();
        }
        cluster.delete()?;
    }
    times.sort_unstable();
    let largest_mb = memory.iter().max().copied().unwrap_or_default() as f64 / 1_024.0;
    let cells = vec![
        format!("{} ms ({} ms)", quantile(&times, 0.5), quantile(&times, 1.0)),
        format!("{largest_mb:.0} MB"),
    ];
    Ok((cells, json!({"startMs": times, "brokerRssKb": memory})))
}

/// Memory of a process, KiB.
fn rss_kb(pid: u64) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
