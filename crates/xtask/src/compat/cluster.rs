//! The official clients against a cluster: three brokers behind two standalone gateways.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::compat::{self, Against};
use crate::shell::Outcome;
use crate::workspace;

/// Runs the suites named, or all, against one gateway after the other.
pub(crate) fn run(names: &[String], release: bool, netns: bool) -> Outcome {
    let root = workspace::root();
    let target = workspace::metadata(false)?.target_directory;
    let binary = compat::build(&root, &target, release)?;
    let folder = target.join("compat").join(format!("cluster-{}", std::process::id()));
    let cluster = LocalCluster::start(&binary, folder, netns)?;
    for (name, against) in cluster.gateways()? {
        println!("==> clients of {name}, gRPC {}, REST {}", against.grpc, against.rest);
        compat::run(names, release, Some(&against))?;
    }
    Ok(())
}

/// A cluster of processes that ends with this value.
struct LocalCluster {
    binary: PathBuf,
    folder: PathBuf,
}

impl LocalCluster {
    fn start(binary: &Path, folder: PathBuf, netns: bool) -> Result<Self, String> {
        let cluster = Self { binary: binary.to_owned(), folder };
        let mut arguments = vec!["start", "--plan", "production-s"];
        if netns {
            arguments.push("--netns");
        }
        cluster.ask(&arguments)?;
        Ok(cluster)
    }

    /// The gateways of the cluster, by name.
    fn gateways(&self) -> Result<Vec<(String, Against)>, String> {
        let status: Value = serde_json::from_str(&self.ask(&["status", "--output", "json"])?)
            .map_err(|error| format!("the status of the cluster is not JSON: {error}"))?;
        let text = |node: &Value, field: &str| node[field].as_str().unwrap_or_default().to_owned();
        let nodes = status["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let gateways: Vec<_> = nodes
            .iter()
            .filter(|node| node["kind"] == "gateway")
            .map(|node| {
                let against = Against { grpc: text(node, "grpc"), rest: text(node, "rest") };
                (text(node, "name"), against)
            })
            .collect();
        if gateways.is_empty() {
            return Err(format!("the cluster has no gateway: {status}"));
        }
        Ok(gateways)
    }

    /// Runs `skep cluster ...` and gives what it printed.
    fn ask(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(&self.binary)
            .arg("cluster")
            .args(arguments)
            .arg("--dir")
            .arg(&self.folder)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot start {}: {error}", self.binary.display()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(format!("`skep cluster {}` failed: {errors}", arguments.join(" ")))
    }
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        if let Err(message) = self.ask(&["stop", "--wipe"]) {
            eprintln!("the cluster in {} may still run: {message}", self.folder.display());
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
