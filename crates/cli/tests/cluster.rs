//! `skep cluster` on real processes: what it starts is there, what it stops is gone, and a launcher
//! that dies leaves a cluster that the next command can work with.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A cluster in a folder of its own; what is left of it is stopped in the end.
struct Cluster {
    folder: tempfile::TempDir,
}

impl Cluster {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("c")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_skep"))
            .args(["--output", "json", "cluster"])
            .args(arguments)
            .env("SKEP_CLUSTER_DIR", self.path())
            .output()
            .unwrap()
    }

    /// Runs a command that has to work.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs a command that has to be refused, and answers its exit code and what it said.
    fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        let code = output.status.code().unwrap();
        assert_ne!(code, 0, "{arguments:?}");
        (code, String::from_utf8(output.stderr).unwrap())
    }

    fn node(&self) -> Value {
        self.json(&["status"])["nodes"][0].clone()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.run(&["stop", "--wipe", "--grace", "0s"]);
    }
}

fn is_running(pid: &Value) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.contains("(skep") && !stat.contains(") Z")
}

#[test]
fn a_cluster_is_started_stopped_started_again_and_wiped() {
    let cluster = Cluster::new();
    let started = cluster.json(&["start", "--plan", "development"]);
    assert_eq!(started["cluster"]["nodes"][0]["name"], "broker-0");
    let node = cluster.node();
    assert_eq!((&node["state"], &node["health"]), (&"running".into(), &"ready".into()));
    assert_eq!(node["partitions"][0]["role"], "leader");
    let (first, grpc) = (node["pid"].clone(), node["grpc"].clone());
    assert!(is_running(&first));

    let (code, said) = cluster.refused(&["start"]);
    assert!(code == 5 && said.contains("skep cluster stop"), "{said}");

    assert_eq!(cluster.json(&["stop"])["killed"], serde_json::json!([]));
    assert!(!is_running(&first));
    assert_eq!(cluster.node()["state"], "down");
    assert!(cluster.path().join("broker-0").exists(), "the data stays");
    cluster.json(&["stop"]);

    let (_, said) = cluster.refused(&["start", "--plan", "production-l"]);
    assert!(said.contains("has the plan development"), "{said}");
    cluster.json(&["start"]);
    assert_eq!(cluster.node()["grpc"], grpc, "the addresses stay");
    cluster.json(&["stop", "--wipe"]);
    assert!(!cluster.path().exists());
    assert_eq!(cluster.json(&["stop"])["stopped"], false);
    assert_eq!(cluster.refused(&["status"]).0, 4);
}

#[test]
fn a_node_is_paused_resumed_killed_restarted_and_wiped() {
    let cluster = Cluster::new();
    cluster.json(&["start", "--plan", "development"]);
    let first = cluster.node()["pid"].clone();
    assert_eq!(cluster.json(&["pause", "broker-0"])["changed"], true);
    assert_eq!(cluster.json(&["pause", "broker-0"])["changed"], false);
    assert_eq!(cluster.node()["state"], "paused");
    assert_eq!(cluster.json(&["resume", "broker-0"])["changed"], true);
    assert_eq!(cluster.json(&["resume", "broker-0"])["changed"], false);
    assert_eq!(cluster.json(&["kill", "broker-0"])["changed"], true);
    assert_eq!(cluster.json(&["kill", "broker-0"])["changed"], false);
    assert!(!is_running(&first));
    assert_eq!(cluster.refused(&["pause", "broker-0"]).0, 5);
    cluster.json(&["restart", "broker-0"]);
    let second = cluster.node()["pid"].clone();
    assert!(is_running(&second) && second != first);
    let mark = cluster.path().join("broker-0").join("mark");
    std::fs::write(&mark, "x").unwrap();
    cluster.json(&["wipe", "broker-0"]);
    assert!(!mark.exists() && !is_running(&second));
    let (code, said) = cluster.refused(&["kill", "broker-1"]);
    assert!(code == 2 && said.contains("It has broker-0"), "{said}");
    let (code, said) = cluster.refused(&["net", "block", "broker-0", "broker-0"]);
    assert!(code == 2 && said.contains("both ends"), "{said}");
}

#[test]
fn a_launcher_that_died_leaves_a_cluster_that_can_be_stopped() {
    let cluster = Cluster::new();
    cluster.json(&["start", "--plan", "development"]);
    let pid = cluster.node()["pid"].clone();
    // As it stands between the start of the process and the note of its id.
    let file = cluster.path().join("cluster.json");
    let mut state: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    state["phase"] = "starting".into();
    state["nodes"][0]["process"] = Value::Null;
    state["nodes"][0]["starting"] = true.into();
    std::fs::write(&file, state.to_string()).unwrap();

    let (_, said) = cluster.refused(&["start"]);
    assert!(said.contains("did not finish"), "{said}");
    cluster.json(&["stop"]);
    assert!(!is_running(&pid), "it was found by its command line");
}

#[test]
fn namespaces_leave_no_trace() {
    let cluster = Cluster::new();
    let output = cluster.run(&["start", "--plan", "development", "--netns"]);
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        assert!(said.contains("loopback"), "a refusal names the other way: {said}");
        eprintln!("SKIPPED: {said}");
        return;
    }
    let node = cluster.node();
    let namespace = Path::new("/run/netns").join(node["namespace"].as_str().unwrap());
    assert!(namespace.exists());
    assert_eq!(node["health"], "ready", "the host reaches it");
    cluster.json(&["kill", "broker-0"]);
    cluster.json(&["restart", "broker-0"]);
    cluster.json(&["stop", "--wipe"]);
    assert!(!namespace.exists());
    let prefix = namespace.file_name().unwrap().to_str().unwrap().split('-').next().unwrap();
    let left: Vec<_> = std::fs::read_dir("/sys/class/net")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.starts_with(prefix))
        .collect();
    assert_eq!(left, [""; 0]);
}
