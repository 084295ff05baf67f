//! `skep cluster scale`, `rebalance`, `changes`: a cluster changed while it works, here or elsewhere.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::FolderArgs;
use crate::cluster::http;
use crate::cluster::state::{ClusterState, NodeState};
use crate::cluster::{admin, state};
use crate::duration;
use crate::failure::Failure;
use crate::output::{Format, print_line};

/// How long a node may take to answer: it may have to ask the coordinator, which may have to wait
/// for a decision.
const PATIENCE: Duration = Duration::from_secs(15);

/// Pause between two looks at a change: it takes seconds.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// Whom to ask.
#[derive(Debug, Args)]
struct TargetArgs {
    /// Management port of any node (host:port); without it a node of the cluster in --dir is asked
    #[arg(long, env = "SKEP_MANAGEMENT", value_name = "ADDRESS")]
    management: Option<String>,

    #[command(flatten)]
    folder: FolderArgs,
}

impl TargetArgs {
    /// The addresses that may be asked, in this order.
    fn addresses(&self) -> Result<Vec<SocketAddr>, Failure> {
        if let Some(text) = &self.management {
            return http::management(text);
        }
        let folder = admin::full_path(&self.folder.dir)?;
        let cluster: ClusterState = admin::existing(&folder)?;
        let running = |node: &&state::Node| node.state() == NodeState::Running;
        Ok(cluster
            .nodes
            .iter()
            .filter(running)
            .map(|node| node.addresses.management.into())
            .collect())
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        http::ask(&self.addresses()?, (method, path), body, PATIENCE, advice)
    }

    fn cluster(&self) -> Result<Value, Failure> {
        self.ask("GET", "/actuator/cluster", None)
    }
}

fn advice(status: u16) -> &'static str {
    match status {
        409 => "See `skep cluster changes`.",
        503 => "Nothing is lost; try again in a moment.",
        _ => "Nothing was changed.",
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  skep cluster scale --brokers 4 --dry-run\n  skep cluster scale --partitions 6\n  skep cluster scale --brokers 5 --replication-factor 3 --management 10.0.0.1:9600"
)]
pub(crate) struct ScaleArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// How many brokers; a new one has to be started with --join
    #[arg(long, value_name = "N", required_unless_present_any = ["partitions", "replication_factor"])]
    brokers: Option<u32>,

    /// How many partitions; never fewer than now
    #[arg(long, value_name = "N")]
    partitions: Option<u32>,

    /// How many replicas of each partition
    #[arg(long, value_name = "N")]
    replication_factor: Option<u32>,

    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,

    /// Answer when the change is accepted, not when it is done
    #[arg(long)]
    no_wait: bool,

    /// How long to wait for its end; the change goes on all the same
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration::parse)]
    timeout: Duration,
}

impl ScaleArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let planned = self.target.ask("PATCH", &self.path(), Some(&self.body()))?;
        if self.dry_run || self.no_wait {
            return show_plan(format, &planned);
        }
        let id = planned["changeId"].as_u64().unwrap_or(0);
        let steps = planned["plannedChanges"].as_array().map_or(0, Vec::len);
        let ended = wait_for(&self.target, id, self.timeout)?;
        let status = ended["status"].as_str().unwrap_or("").to_lowercase();
        let sentence = format!("Change {id} is {status}: {steps} operations.");
        format.done(&sentence, &ended)
    }

    fn path(&self) -> String {
        format!("/actuator/cluster?dryRun={}", self.dry_run)
    }

    fn body(&self) -> Value {
        let mut body = json!({});
        if let Some(count) = self.brokers {
            body["brokers"] = json!({ "count": count });
        }
        if self.partitions.is_some() || self.replication_factor.is_some() {
            body["partitions"] = json!({
                "count": self.partitions,
                "replicationFactor": self.replication_factor,
            });
        }
        body
    }
}

/// Waits for the end of a change, and says now and then what it waits for.
fn wait_for(target: &TargetArgs, id: u64, patience: Duration) -> Result<Value, Failure> {
    let began = Instant::now();
    let mut last = String::new();
    loop {
        // A node that is restarted meanwhile is no reason to give up.
        let change = target.ask("GET", &format!("/actuator/cluster/changes/{id}"), None);
        if let Ok(change) = &change {
            if change["pending"].is_null() {
                return Ok(change.clone());
            }
            let text = progress(change);
            if text != last {
                eprintln!("{text}");
                last = text;
            }
        }
        if began.elapsed() > patience {
            change?;
            return Err(Failure::guided(
                7,
                format!("change {id} is not done after {} s: {last}", patience.as_secs()),
                "It goes on. See `skep cluster changes`; `skep cluster changes --cancel` ends it.",
            ));
        }
        std::thread::sleep(LOOK_PAUSE);
    }
}

fn progress(change: &Value) -> String {
    let count = |name: &str| change[name].as_array().map_or(0, Vec::len);
    let (completed, pending) = (count("completed"), count("pending"));
    let next = operation(&change["pending"][0]);
    let waiting = change["waitingFor"].as_str().map(|it| format!(" ({it})")).unwrap_or_default();
    format!("{completed} of {} done, next {next}{waiting}", completed + pending)
}

/// An operation on a line.
fn operation(json: &Value) -> String {
    let mut text = json["operation"].as_str().unwrap_or("").to_owned();
    for (name, word) in [
        ("brokerId", "broker"),
        ("partitionId", "partition"),
        ("priority", "priority"),
        ("desiredPartitionCount", "partitions"),
        ("replicationFactor", "replicas"),
    ] {
        if let Some(number) = json[name].as_u64() {
            text.push_str(&format!(" {word} {number}"));
        }
    }
    text
}

fn show_plan(format: Format, planned: &Value) -> Result<(), Failure> {
    if format == Format::Json {
        return format.record(planned);
    }
    let operations = planned["plannedChanges"].as_array().cloned().unwrap_or_default();
    if operations.is_empty() {
        return print_line("Nothing to do: the cluster is like that already.");
    }
    print_line(&format!("Change {}:", planned["changeId"]))?;
    for json in &operations {
        print_line(&format!("  {}", operation(json)))?;
    }
    Ok(())
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  skep cluster rebalance")]
pub(crate) struct RebalanceArgs {
    #[command(flatten)]
    target: TargetArgs,
}

impl RebalanceArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let answer = self.target.ask("POST", "/actuator/rebalance", None)?;
        if format == Format::Json {
            return format.record(&answer);
        }
        for partition in answer["partitions"].as_array().into_iter().flatten() {
            let id = &partition["partitionId"];
            let line = match partition["error"].as_str() {
                Some(error) => format!("Partition {id}: {error}"),
                None if partition["from"] == partition["to"] => {
                    format!("Partition {id}: broker {} leads, as it should", partition["to"])
                }
                None => {
                    format!(
                        "Partition {id}: from broker {} to {}",
                        partition["from"], partition["to"]
                    )
                }
            };
            print_line(&line)?;
        }
        Ok(())
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  skep cluster changes\n  skep cluster changes --cancel")]
pub(crate) struct ChangesArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// Cancel the change that is under way: what was begun is undone or finished, the rest is dropped
    #[arg(long)]
    cancel: bool,
}

impl ChangesArgs {
    pub(crate) fn run(self, format: Format) -> Result<(), Failure> {
        let mut cluster = self.target.cluster()?;
        if self.cancel {
            let Some(id) = cluster["pendingChange"]["id"].as_u64() else {
                return format.done("No change is under way.", &cluster);
            };
            cluster =
                self.target.ask("DELETE", &format!("/actuator/cluster/changes/{id}"), None)?;
        }
        if format == Format::Json {
            return format.record(&cluster);
        }
        if let Some(last) = cluster["lastChange"].as_object() {
            let text = |name: &str| last.get(name).and_then(Value::as_str).unwrap_or("");
            print_line(&format!(
                "Change {}: {} at {}",
                last.get("id").unwrap_or(&Value::Null),
                text("status").to_lowercase(),
                text("completedAt")
            ))?;
        }
        if cluster["pendingChange"].is_null() {
            return print_line("No change is under way.");
        }
        let pending = &cluster["pendingChange"];
        print_line(&format!("Change {}: {}", pending["id"], progress(pending)))?;
        for json in pending["pending"].as_array().into_iter().flatten() {
            print_line(&format!("  {}", operation(json)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_and_progress_are_lines() {
        let join = json!({
            "operation": "PARTITION_JOIN", "brokerId": 3, "partitionId": 2, "priority": 1
        });
        assert_eq!(operation(&join), "PARTITION_JOIN broker 3 partition 2 priority 1");
        let change = json!({
            "completed": [join.clone()], "pending": [join.clone(), join], "waitingFor": "its lag"
        });
        let text = progress(&change);
        assert!(text.starts_with("1 of 3 done, next PARTITION_JOIN broker 3"), "{text}");
        assert!(text.ends_with("(its lag)"), "{text}");
    }
}
