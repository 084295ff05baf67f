//! The cluster under test, worked by `skep cluster`: what an operator has, and nothing else.

use crate::look;
use crate::settings::Settings;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A running cluster; it is stopped when dropped, and its folder stays when the test panics.
pub(crate) struct Cluster {
    binary: PathBuf,
    folder: PathBuf,
    /// What `start` answered: the nodes with their addresses.
    state: Value,
    /// How long the start took, as `start` says.
    pub(crate) start_ms: u64,
}

/// When a process was killed.
#[derive(Clone, Copy)]
pub(crate) struct Kill {
    /// Just before.
    pub(crate) at: Instant,
    /// It was gone.
    pub(crate) dead: Instant,
}

fn is_alive(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie runs no more.
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// How a cluster is at one moment.
pub(crate) struct Status(Value);

impl Cluster {
    /// Starts `production-s` in a folder.
    pub(crate) fn start(settings: &Settings, folder: &Path, netns: bool) -> Result<Self, String> {
        let mut cluster = Self {
            binary: settings.binary.clone(),
            folder: folder.to_path_buf(),
            state: Value::Null,
            start_ms: 0,
        };
        let start = ["start", "--plan", "production-s"];
        let started = match netns {
            true => match cluster.run(&[&start[..], &["--netns"]].concat()) {
                Err(message) if message.contains("not allowed here") => {
                    println!("SKIPPED: faults of the network: {message}");
                    cluster.run(&start)?
                }
                outcome => outcome?,
            },
            false => cluster.run(&start)?,
        };
        cluster.state = started["cluster"].clone();
        cluster.start_ms = started["tookMs"].as_u64().unwrap_or_default();
        Ok(cluster)
    }

    /// Runs a command of `skep cluster` and answers its JSON.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Value, String> {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            // The settings of this test are none of the server's.
            if name.to_string_lossy().starts_with("SKEP_CLUSTER_TEST_") {
                command.env_remove(name);
            }
        }
        let output = command
            .args(["--output", "json", "cluster"])
            .args(arguments)
            .env("SKEP_CLUSTER_DIR", &self.folder)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot start {}: {error}", self.binary.display()))?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`skep cluster {}`: {}", arguments.join(" "), errors.trim()));
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("`skep cluster {}`: {error}", arguments.join(" ")))
    }

    /// How it is now.
    pub(crate) fn status(&self) -> Result<Status, String> {
        self.run(&["status"]).map(Status)
    }

    /// Waits until every node is ready and every partition led.
    pub(crate) fn wait_until_it_serves(&self, patience: Duration) -> Result<Duration, String> {
        let began = Instant::now();
        let mut last = Value::Null;
        let served = look::until(patience, look::PAUSE, || {
            let status = self.status()?;
            let serves = status.serves(self.partitions());
            last = status.0;
            Ok(serves.then(|| began.elapsed()))
        })?;
        served.ok_or_else(|| format!("does not serve after {patience:?}: {last}"))
    }

    /// Waits until every partition has a leader, whatever the nodes are.
    pub(crate) fn wait_until_led(&self, patience: Duration) -> Result<Duration, String> {
        let began = Instant::now();
        let led = look::until(patience, look::PAUSE, || {
            let led = self.status()?.leaders().len();
            Ok((led >= self.partitions() as usize).then(|| began.elapsed()))
        })?;
        led.ok_or_else(|| format!("not every partition has a leader after {patience:?}"))
    }

    /// Kills a node the shortest way, and answers when it was about to and when it had no process any more: whatever is asked after that is
    /// not answered by it.
    pub(crate) fn kill_process(pid: u64) -> Result<Kill, String> {
        let at = Instant::now();
        let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        if !killed.as_ref().is_ok_and(std::process::ExitStatus::success) {
            return Err(format!("cannot kill {pid}: {killed:?}"));
        }
        while is_alive(pid) {
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(Kill { at, dead: Instant::now() })
    }

    pub(crate) fn partitions(&self) -> u64 {
        self.state["partitions"].as_u64().unwrap_or_default()
    }

    pub(crate) fn has_namespaces(&self) -> bool {
        !self.state["network"].is_null()
    }

    /// Where clients go: the gateways' gRPC addresses.
    pub(crate) fn gateways(&self) -> Vec<String> {
        self.nodes("gateway", "grpc")
    }

    /// A field of every node of a kind.
    pub(crate) fn nodes(&self, kind: &str, field: &str) -> Vec<String> {
        let nodes = self.state["nodes"].as_array().into_iter().flatten();
        nodes
            .filter(|node| node["kind"] == kind)
            .filter_map(|node| node[field].as_str().map(ToOwned::to_owned))
            .collect()
    }

    /// Names of the brokers.
    pub(crate) fn brokers(&self) -> Vec<String> {
        self.nodes("broker", "name")
    }

    /// Deletes the folder too: there is nothing to look for in it.
    pub(crate) fn delete(self) -> Result<(), String> {
        self.run(&["stop", "--wipe", "--grace", "0s"]).map(|_| ())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let keep = std::thread::panicking() || std::env::var_os("SKEP_CLUSTER_TEST_KEEP").is_some();
        let wipe: &[&str] = if keep { &[] } else { &["--wipe"] };
        // One that was deleted already is no failure.
        let _ = self.run(&[&["stop", "--grace", "0s"], wipe].concat());
    }
}

impl Status {
    fn nodes(&self) -> impl Iterator<Item = &Value> {
        self.0["nodes"].as_array().into_iter().flatten()
    }

    fn serves(&self, partitions: u64) -> bool {
        self.0["partitionsLed"] == partitions && self.nodes().all(|node| node["health"] == "ready")
    }

    /// The node that leads each partition.
    pub(crate) fn leaders(&self) -> BTreeMap<u64, String> {
        let mut leaders = BTreeMap::new();
        for node in self.nodes().filter(|node| node["state"] == "running") {
            for partition in node["partitions"].as_array().into_iter().flatten() {
                if partition["role"] == "leader" && partition["health"] == "healthy" {
                    let id = partition["partitionId"].as_u64().unwrap_or_default();
                    leaders.insert(id, node["name"].as_str().unwrap_or_default().to_owned());
                }
            }
        }
        leaders
    }

    /// The process of a node.
    pub(crate) fn pid(&self, name: &str) -> Result<u64, String> {
        let node = self.nodes().find(|node| node["name"] == name);
        node.and_then(|node| node["pid"].as_u64()).ok_or_else(|| format!("{name} has no process"))
    }

    /// The processes of all nodes of a kind.
    pub(crate) fn pids(&self, kind: &str) -> Vec<u64> {
        self.nodes()
            .filter(|node| node["kind"] == kind)
            .filter_map(|node| node["pid"].as_u64())
            .collect()
    }
}
