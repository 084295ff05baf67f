//! A cluster that was started for chaos, worked by commands of the binary as an operator does.

use super::{PATIENCE, look};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Where the cluster and its files are; gone when dropped, unless the test failed.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the folder of the run can be made");
        Self(path)
    }

    /// Writes a file and answers its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file of the run can be written");
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// A running cluster; it is stopped when dropped.
pub(crate) struct Cluster<'a> {
    binary: PathBuf,
    folder: &'a Folder,
    dir: PathBuf,
    state: Value,
}

impl<'a> Cluster<'a> {
    /// Starts `production-s` with fault points, and with namespaces where the machine allows them.
    pub(crate) fn start(folder: &'a Folder) -> Self {
        let dir = folder.0.join("cluster");
        let mut cluster = Self {
            binary: crate::binary::binary("SKEP_CLUSTER_TEST_BINARY"),
            folder,
            dir,
            state: Value::Null,
        };
        let start = ["cluster", "start", "--plan=production-s", "--chaos"];
        let started = match cluster.attempt(&[&start[..], &["--netns"]].concat()) {
            Err((_, errors))
                if errors.contains("not allowed here") || errors.contains("cannot run") =>
            {
                cluster.run(&start)
            }
            other => other.unwrap_or_else(|(_, errors)| panic!("{errors}")),
        };
        cluster.state = started["cluster"].clone();
        cluster
    }

    pub(crate) fn folder(&self) -> &Folder {
        self.folder
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(["--output", "json"]).args(arguments).env("SKEP_CLUSTER_DIR", &self.dir);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command: its JSON, or its exit code and what it said.
    pub(crate) fn attempt(&self, arguments: &[&str]) -> Result<Value, (i32, String)> {
        let output = self.command(arguments).output().expect("the binary runs");
        if output.status.success() {
            return Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Null));
        }
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        Err((output.status.code().unwrap_or(-1), errors))
    }

    /// Runs a command that succeeds.
    pub(crate) fn run(&self, arguments: &[&str]) -> Value {
        self.attempt(arguments).unwrap_or_else(|(_, errors)| panic!("{arguments:?}: {errors}"))
    }

    /// Kills a command in the middle of what it does.
    pub(crate) fn run_and_kill(&self, arguments: &[&str], after: Duration) {
        let mut command = self.command(arguments);
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        std::thread::sleep(after);
        let _ = child.kill();
        child.wait().expect("it ends");
    }

    /// Looks again and again until something is so.
    pub(crate) fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let seen = look::until(PATIENCE, look::PAUSE, || Ok(is_so().then_some(())));
        assert_eq!(seen, Ok(Some(())), "{what}: not so after {PATIENCE:?}");
    }

    /// Waits until every node is ready and every partition led.
    pub(crate) fn serves(&self) {
        self.until("the cluster serves", || {
            let status = self.run(&["cluster", "status"]);
            let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
            status["partitionsLed"] == self.state["partitions"]
                && nodes.iter().all(|node| node["health"] == "ready")
        });
    }

    pub(crate) fn has_namespaces(&self) -> bool {
        !self.state["network"].is_null()
    }

    fn node(&self, name: &str) -> Value {
        let nodes = self.state["nodes"].as_array().cloned().unwrap_or_default();
        nodes.into_iter().find(|node| node["name"] == name).expect("a node of the plan")
    }

    /// Where a node listens.
    pub(crate) fn address(&self, node: &str, port: &str) -> String {
        self.node(node)[port].as_str().unwrap_or_default().to_owned()
    }

    /// What the process of a node is doing.
    pub(crate) fn state_of(&self, name: &str) -> String {
        let status = self.run(&["cluster", "status"]);
        let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
        let node = nodes.into_iter().find(|node| node["name"] == name).unwrap_or_default();
        node["state"].as_str().unwrap_or_default().to_owned()
    }

    /// The leader of partition 1, and that of another partition which is on another broker.
    pub(crate) fn leaders_of_two(&self) -> (String, String) {
        self.run(&["cluster", "rebalance"]);
        let mut found = None;
        self.until("two brokers lead", || {
            let status = self.run(&["cluster", "status"]);
            let leader = |partition: u64| {
                let nodes = status["nodes"].as_array().cloned().unwrap_or_default();
                nodes.into_iter().find_map(|node| {
                    let leads = node["partitions"]
                        .as_array()?
                        .iter()
                        .any(|it| it["partitionId"] == partition && it["role"] == "leader");
                    leads.then(|| node["name"].as_str().unwrap_or_default().to_owned())
                })
            };
            let first = leader(1);
            let other =
                [3, 2].into_iter().filter_map(leader).find(|other| Some(other) != first.as_ref());
            found = first.zip(other);
            found.is_some()
        });
        found.expect("found above")
    }

    pub(crate) fn token(&self) -> String {
        std::fs::read_to_string(self.dir.join("chaos.token")).expect("the token is in the folder")
    }

    pub(crate) fn log(&self, node: &str) -> String {
        std::fs::read_to_string(self.dir.join(format!("{node}.log"))).unwrap_or_default()
    }

    /// Asks a management port without any token.
    pub(crate) fn get(&self, node: &str, path: &str) -> (u16, String) {
        let address = self.address(node, "management");
        let mut stream = TcpStream::connect(&address).expect("the node listens");
        let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer of HTTP");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_default(), body.to_owned())
    }

    /// How many routes the namespace of a node has: a fault is one more.
    pub(crate) fn routes(&self, node: &str) -> usize {
        let node = self.node(node);
        let namespace = node["namespace"].as_str().unwrap_or_default();
        let shown = Command::new("ip").args(["-n", namespace, "route", "show"]).output();
        String::from_utf8_lossy(&shown.expect("`ip` runs").stdout).lines().count()
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        let keep = std::thread::panicking();
        let wipe: &[&str] = if keep { &[] } else { &["--wipe"] };
        let _ = self.attempt(&[&["cluster", "stop", "--grace=0s"], wipe].concat());
    }
}
