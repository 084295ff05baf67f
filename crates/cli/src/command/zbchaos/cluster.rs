//! `zbchaos cluster`: what the cluster consists of, shown and changed while it works.

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::Context;
use super::target::Target;
use super::verify::readiness;
use crate::cluster::health::{self, Health};
use crate::cluster::layout::NodeKind;
use crate::cluster::state::ClusterState;
use crate::failure::Failure;

/// How long those that are left may take to elect: when they can, seconds are many.
const ELECTION_MAX: Duration = Duration::from_secs(10);

/// How long a change is waited for, as in the original.
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);

/// How long a change to fewer brokers is waited for before nodes go.
const SHRINK_MAX: Duration = Duration::from_secs(25 * 60);

/// How long a new node may take until it answers.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// Pause between two looks at a change.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// How long a node that has given everything away may take to end.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, Subcommand)]
pub(super) enum ClusterCommand {
    /// Print the cluster as JSON
    Status(StatusArgs),
    /// Wait for a change
    Wait(WaitArgs),
    /// Change how many brokers, partitions and replicas there are; starts and ends nodes as needed
    Scale(ScaleArgs),
    /// Remove all brokers of other regions, which are gone
    #[command(name = "forceFailover")]
    ForceFailover(FailoverArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos cluster status")]
pub(super) struct StatusArgs {}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos cluster wait --changeId 3")]
pub(super) struct WaitArgs {
    /// The change; 0 is the one under way, or the last
    #[arg(long = "changeId", value_name = "ID", default_value_t = 0)]
    change: u64,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  skep zbchaos cluster scale --brokers 5\n  skep zbchaos cluster scale --partitionCount 4 --brokers 5"
)]
pub(super) struct ScaleArgs {
    /// How many brokers; 0 leaves them as they are
    #[arg(long, value_name = "N", default_value_t = 0)]
    brokers: u32,

    /// How many replicas of each partition
    #[arg(long = "replicationFactor", value_name = "N", default_value_t = -1, allow_negative_numbers = true)]
    replication_factor: i64,

    /// How many partitions
    #[arg(long = "partitionCount", value_name = "N", default_value_t = -1, allow_negative_numbers = true)]
    partitions: i64,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  skep zbchaos cluster forceFailover --brokers 4 --regions 2 --regionId 0"
)]
pub(super) struct FailoverArgs {
    /// Brokers that there were
    #[arg(long, value_name = "N")]
    brokers: u32,

    /// Regions that there were
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    regions: u32,

    /// The region that is left
    #[arg(long = "regionId", value_name = "N")]
    region: u32,
}

impl ClusterCommand {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Status(_) => {
                let status = context.target.ask("GET", "/actuator/cluster", None)?;
                context.say.line(&format!("{status:#}"))
            }
            Self::Wait(args) => wait(context, args.change, WAIT_MAX).await,
            Self::Scale(args) => args.run(context).await,
            Self::ForceFailover(args) => args.run(context).await,
        }
    }
}

/// How far a change is.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    Done(String),
    Failed(String),
    Pending(String),
    Unknown,
}

/// Where a change stands in an answer of `GET /actuator/cluster`; id 0 is whichever is there.
fn progress(status: &Value, id: u64) -> Progress {
    let (last, pending) = (&status["lastChange"], &status["pendingChange"]);
    let (last_id, pending_id) = (last["id"].as_u64(), pending["id"].as_u64());
    let Some(id) =
        [Some(id).filter(|id| *id > 0), pending_id, last_id].into_iter().flatten().next()
    else {
        return Progress::Done("There is no change.".to_owned());
    };
    if pending_id == Some(id) {
        let count = |name: &str| pending[name].as_array().map_or(0, Vec::len);
        let (done, open) = (count("completed"), count("pending"));
        return Progress::Pending(format!(
            "Change {id} is {} with {done}/{} operations complete",
            pending["status"].as_str().unwrap_or("PENDING"),
            done + open
        ));
    }
    match last_id {
        Some(last_id) if last_id == id => match last["status"].as_str() {
            Some("COMPLETED") => Progress::Done(format!("Change {id} completed successfully")),
            other => Progress::Failed(format!("Change {id} is {}", other.unwrap_or("unknown"))),
        },
        Some(last_id) if last_id > id => Progress::Done(format!("Change {id} is OUTDATED")),
        _ => Progress::Unknown,
    }
}

async fn wait(context: &Context, id: u64, patience: Duration) -> Result<(), Failure> {
    let began = Instant::now();
    let mut said = String::new();
    loop {
        let status = context.target.ask("GET", "/actuator/cluster", None);
        match status.as_ref().map(|status| progress(status, id)) {
            Ok(Progress::Done(text)) => return context.say.line(&text),
            Ok(Progress::Failed(text)) => {
                return Err(Failure::guided(5, text, "See `skep cluster changes`."));
            }
            Ok(Progress::Pending(text)) if text != said => {
                context.say.line(&text)?;
                said = text;
            }
            _ => {}
        }
        if began.elapsed() > patience {
            status?;
            return Err(Failure::guided(
                7,
                format!("change {id} is not done after {patience:?}: {said}"),
                "It goes on. See `skep cluster changes`.",
            ));
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

impl ScaleArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let given = |number: i64| u32::try_from(number).ok();
        let (partitions, factor) = (given(self.partitions), given(self.replication_factor));
        if self.brokers == 0 && partitions.is_none() && factor.is_none() {
            return Err(Failure::Usage(
                "name at least one of --brokers, --replicationFactor, --partitionCount".to_owned(),
            ));
        }
        let status = context.target.ask("GET", "/actuator/cluster", None)?;
        if !status["pendingChange"].is_null() {
            return Err(Failure::guided(
                5,
                "cluster is already scaling".to_owned(),
                "Wait with `skep zbchaos cluster wait`.",
            ));
        }
        let now = status["brokers"].as_array().map_or(0, Vec::len);
        let wanted = self.brokers as usize;
        if wanted > now {
            add_brokers(context, wanted).await?;
        }
        let mut body = json!({});
        if wanted > 0 {
            body["brokers"] = json!({"count": wanted});
        }
        if partitions.is_some() || factor.is_some() {
            body["partitions"] = json!({"count": partitions, "replicationFactor": factor});
        }
        let answer = context.target.ask("PATCH", "/actuator/cluster", Some(&body))?;
        let id = answer["changeId"].as_u64().unwrap_or(0);
        let steps = answer["plannedChanges"].as_array().map_or(0, Vec::len);
        context.say.line(&format!("Change {id} was requested: {steps} operations"))?;
        if wanted > 0 && wanted < now {
            wait(context, id, SHRINK_MAX).await?;
            remove_brokers(context, wanted)?;
        }
        Ok(())
    }
}

/// Starts nodes until there are so many brokers, and waits until they answer.
async fn add_brokers(context: &Context, wanted: usize) -> Result<(), Failure> {
    let Target::Folder(_) = context.target else { return Ok(()) };
    let mut admin = context.target.admin()?;
    let mut names = Vec::new();
    while admin.state.of_kind(NodeKind::Broker).count() < wanted {
        names.push(admin.add_node(NodeKind::Broker)?);
    }
    let (_, cluster) = admin.release();
    let began = Instant::now();
    for name in names {
        while health::health(cluster.node(&name)?) == Health::Silent {
            if began.elapsed() > ANSWER_MAX {
                return Err(Failure::Unreachable(format!("{name} does not answer")));
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        context.say.verbose(&format!("Started {name}"))?;
    }
    Ok(())
}

/// Ends the nodes that are not part of the cluster any more.
fn remove_brokers(context: &Context, wanted: usize) -> Result<(), Failure> {
    let Target::Folder(_) = context.target else { return Ok(()) };
    let mut admin = context.target.admin()?;
    for name in surplus(&admin.state, wanted) {
        admin.remove_node(&name, GRACE)?;
        context.say.verbose(&format!("Ended {name}"))?;
    }
    Ok(())
}

/// The brokers that came last and are too many.
fn surplus(cluster: &ClusterState, wanted: usize) -> Vec<String> {
    let brokers = cluster.of_kind(NodeKind::Broker).skip(wanted);
    brokers.filter(|node| node.joins).map(|node| node.name.clone()).collect()
}

/// Asks for a change without the brokers that it removes. Those that are left may still be electing.
async fn force(context: &Context, body: &Value) -> Result<Value, Failure> {
    let began = Instant::now();
    loop {
        let failure = match context.target.ask("PATCH", "/actuator/cluster?force=true", Some(body))
        {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        let has_no_leader = failure.is_about("HTTP 501") || failure.is_about("HTTP 503");
        if !has_no_leader || began.elapsed() > ELECTION_MAX {
            return Err(failure);
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

impl FailoverArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let status = context.target.ask("GET", "/actuator/cluster", None)?;
        let body = self.change(&status)?;
        let answer = force(context, &body).await?;
        let id = answer["changeId"].as_u64().unwrap_or(0);
        wait(context, id, readiness::PATIENCE).await
    }

    /// The change that leaves only the brokers of the region, and no more replicas than there are
    /// brokers for.
    fn change(&self, status: &Value) -> Result<Value, Failure> {
        if self.region >= self.regions {
            return Err(Failure::Usage(format!(
                "there is no region {} of {}: they are counted from 0",
                self.region, self.regions
            )));
        }
        let brokers = status["brokers"].as_array().into_iter().flatten();
        let known: Vec<u64> = brokers.filter_map(|broker| broker["id"].as_u64()).collect();
        if known.len() != self.brokers as usize {
            return Err(Failure::guided(
                5,
                format!("the cluster has {} brokers, not {}", known.len(), self.brokers),
                "Nothing was changed.",
            ));
        }
        let (regions, region) = (u64::from(self.regions), u64::from(self.region));
        let (left, lost): (Vec<u64>, Vec<u64>) =
            known.into_iter().partition(|id| id % regions == region);
        let mut body = json!({"brokers": {"remove": lost}});
        if status["replicationFactor"].as_u64().is_some_and(|factor| factor > left.len() as u64) {
            body["partitions"] = json!({"replicationFactor": left.len()});
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_pending_complete_outdated_or_unknown() {
        let status = json!({
            "lastChange": {"id": 3, "status": "COMPLETED"},
            "pendingChange": {"id": 4, "status": "IN_PROGRESS", "completed": [1], "pending": [1, 2]},
        });
        let text = "Change 4 is IN_PROGRESS with 1/3 operations complete".to_owned();
        assert_eq!(progress(&status, 4), Progress::Pending(text.clone()));
        assert_eq!(progress(&status, 0), Progress::Pending(text));
        assert_eq!(progress(&status, 3), Progress::Done("Change 3 completed successfully".into()));
        assert_eq!(progress(&status, 2), Progress::Done("Change 2 is OUTDATED".into()));
        assert_eq!(progress(&status, 9), Progress::Unknown);
        assert!(matches!(progress(&json!({}), 0), Progress::Done(_)));
        let failed = json!({"lastChange": {"id": 3, "status": "FAILED"}});
        assert!(matches!(progress(&failed, 3), Progress::Failed(_)));
    }

    #[test]
    fn a_failover_leaves_one_region_and_no_more_replicas_than_brokers() {
        let status = |brokers: u64| {
            let brokers: Vec<Value> = (0..brokers).map(|id| json!({ "id": id })).collect();
            json!({"brokers": brokers, "replicationFactor": 3})
        };
        let args = |brokers, regions, region| FailoverArgs { brokers, regions, region };
        assert_eq!(
            args(3, 2, 0).change(&status(3)).unwrap(),
            json!({"brokers": {"remove": [1]}, "partitions": {"replicationFactor": 2}})
        );
        assert_eq!(
            args(6, 2, 1).change(&status(6)).unwrap(),
            json!({"brokers": {"remove": [0, 2, 4]}})
        );
        assert_eq!(args(3, 2, 2).change(&status(3)).unwrap_err().exit_code(), 2);
        assert_eq!(args(4, 2, 0).change(&status(3)).unwrap_err().exit_code(), 5);
    }
}
