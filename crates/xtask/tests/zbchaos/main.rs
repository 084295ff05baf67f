//! The verbs of `skep zbchaos` against a cluster of real processes: they do what they say, and what would do nothing is an error.
#![allow(
    clippy::disallowed_methods,
    reason = "starts processes and reads its settings from the environment"
)]

#[path = "../support/binary.rs"]
mod binary;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The cluster; it is stopped when dropped, and its folder stays when the test panics.
struct Cluster {
    binary: PathBuf,
    folder: PathBuf,
}

/// What a command printed, and how it ended.
struct Outcome {
    code: Option<i32>,
    out: String,
    errors: String,
}

impl Cluster {
    fn start() -> Self {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("zbchaos-{}", std::process::id()));
        let cluster = Self { binary: binary::binary("SKEP_CLUSTER_TEST_BINARY"), folder };
        cluster.good(&["cluster", "start", "--plan", "production-s"]);
        cluster
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        let output = Command::new(&self.binary)
            .args(arguments)
            .env("SKEP_CLUSTER_DIR", &self.folder)
            .env("SKEP_CHAOS_RUN", "verbs")
            .stdin(Stdio::null())
            .output()
            .expect("the binary can be started");
        Outcome {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            errors: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        }
    }

    /// Runs what has to succeed, and answers what it printed.
    fn good(&self, arguments: &[&str]) -> String {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, Some(0), "{arguments:?}: {}\n{}", outcome.out, outcome.errors);
        outcome.out
    }

    fn verb(&self, line: &str) -> String {
        self.good(&words(line))
    }

    /// Runs what has to fail, and answers why it did.
    fn refused(&self, line: &str) -> String {
        let outcome = self.run(&words(line));
        assert!(outcome.code.is_some_and(|code| code != 0), "{line} succeeded: {}", outcome.out);
        outcome.errors
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let wipe: &[&str] = if std::thread::panicking() { &[] } else { &["--wipe"] };
        self.run(&[&["cluster", "stop", "--grace", "0s"], wipe].concat());
    }
}

fn words(line: &str) -> Vec<&str> {
    ["zbchaos"].into_iter().chain(line.split(' ')).collect()
}

#[test]
fn verbs_do_what_they_say_and_refuse_what_would_do_nothing() {
    let cluster = Cluster::start();
    assert_eq!(cluster.verb("brokers"), "broker-0\nbroker-1\nbroker-2");
    assert_eq!(cluster.verb("verify readiness --settled"), "All Zeebe nodes are running.");
    let topology = cluster.verb("topology");
    assert!(topology.starts_with("Node      |Partition 1"), "{topology}");
    assert_eq!(topology.matches("LEADER (HEALTHY)").count(), 3, "{topology}");
    deployments(&cluster);
    refusals(&cluster);
    nodes(&cluster);
}

/// Versions come from the deployment, results and decisions are compared, nothing is left behind.
fn deployments(cluster: &Cluster) {
    cluster.verb("capture");
    let said = cluster.verb("deploy multi-version --versionCount 4");
    assert_eq!(said, "Deployed different process models of different types and versions to zeebe!");
    for partition in ["1", "2", "3"] {
        let start = [
            "zbchaos",
            "verify",
            "instance-creation",
            "--bpmnProcessId",
            "multiVersion",
            "--version",
            "latest-deployed",
            "--awaitResult",
            "--expect",
            r#"{"out": "yolo"}"#,
            "--partitionId",
            partition,
        ];
        assert_eq!(cluster.good(&start), "The steady-state was successfully verified!");
        cluster.verb(&format!("verify decision --partitionId {partition} --expect \"yolo\""));
    }
    cluster.verb("verify distribution");
    cluster.verb("verify incidents");
    cluster.verb("verify replicas");
    cluster.verb("verify unchanged");
    cluster.verb("publish --partitionId 3");
    let other = cluster.refused(
        "verify instance-creation --bpmnProcessId multiVersion --version 99 --timeoutInSec 1",
    );
    assert!(other.contains("timed out"), "{other}");
}

fn refusals(cluster: &Cluster) {
    for (line, why) in [
        ("disconnect brokers --broker1NodeId 1 --broker2NodeId 1", "the same"),
        ("disconnect brokers --broker1PartitionId 9", "smaller then the partitions count 3"),
        ("disconnect brokers --broker1NodeId 0 --broker2NodeId 1", "--netns"),
        ("verify instance-creation --partitionId 4", "smaller then the partitions count 3"),
        ("terminate broker --nodeId 7", "broker-7"),
        ("restart worker", "deploy worker"),
        ("publish --partitionId 4", "partition 4"),
        ("cluster scale", "at least one of"),
        ("script remove-everything.sh", "no script"),
    ] {
        let errors = cluster.refused(line);
        assert!(errors.contains(why), "{line}: {errors}");
    }
}

fn nodes(cluster: &Cluster) {
    assert!(
        cluster
            .verb("terminate broker --role FOLLOWER --partitionId 1")
            .starts_with("Terminated broker-")
    );
    cluster.verb("verify readiness");
    assert_eq!(cluster.verb("dataloss delete --nodeId 2"), "Deleted the data of broker-2");
    cluster.verb("verify readiness --settled");
    cluster.verb("script verify-steady-state.sh 3");
    cluster.verb("deploy worker --replicas 1 --pollingDelay 86400000");
    cluster.verb("verify instance-creation --awaitResult --version latest-deployed");
}
