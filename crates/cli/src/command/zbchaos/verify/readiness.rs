//! `zbchaos verify readiness`: the steady state. More than that the processes are there: every
//! partition has one healthy leader and all its replicas, and none of them lags behind.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::{replicas, until_right};
use crate::cluster::health::{Health, health};
use crate::cluster::state::NodeState;
use crate::command::zbchaos::context::Context;
use crate::command::zbchaos::target::{Target, ask_one};
use crate::failure::Failure;
use crate::quiet::Quiet;

/// How long it may take, as in the original.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  skep zbchaos verify readiness\n  skep zbchaos verify readiness --settled"
)]
pub(crate) struct ReadinessArgs {
    /// Also: nothing is on its way between partitions, replicas are equal, nothing is stuck that was
    /// not when `capture` looked
    #[arg(long)]
    settled: bool,

    /// How long it may take
    #[arg(long = "timeoutInSec", value_name = "SECONDS", default_value_t = PATIENCE.as_secs())]
    timeout: u64,
}

impl ReadinessArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let patience = Duration::from_secs(self.timeout);
        wait(context, patience).await?;
        if self.settled {
            let _quiet = Quiet::of_environment()?;
            until_right("Awaited that nothing is under way", patience, async || unsettled(context))
                .await?;
        }
        context.say.line("All Zeebe nodes are running.")
    }
}

/// What is still under way.
fn unsettled(context: &Context) -> Result<Option<String>, Failure> {
    if let Some(pending) = super::distribution::pending(context)? {
        return Ok(Some(pending));
    }
    if let Some(stuck) = replicas::stuck(context)? {
        return Ok(Some(stuck));
    }
    replicas::different(context)
}

/// Waits until the cluster is ready.
pub(crate) async fn wait(context: &Context, patience: Duration) -> Result<(), Failure> {
    // A replica has to reach what was there when it was first asked for, not what comes meanwhile.
    let mut wanted = BTreeMap::new();
    until_right("Awaited readiness of the nodes", patience, async || {
        if let Some(wrong) = nodes(context)? {
            return Ok(Some(wrong));
        }
        let topology = context.topology().await?;
        let wrong = topology.wrong();
        if !wrong.is_empty() {
            return Ok(Some(wrong.join("; ")));
        }
        lag(context, &mut wanted)
    })
    .await
}

/// The nodes that are not ready.
fn nodes(context: &Context) -> Result<Option<String>, Failure> {
    let Target::Folder(_) = context.target else { return Ok(None) };
    let cluster = context.target.cluster()?;
    let wrong = cluster.nodes.iter().find_map(|node| match node.state() {
        NodeState::Running => {
            let health = health(node);
            (health != Health::Ready).then(|| format!("{} is {}", node.name, health.text()))
        }
        other => Some(format!("{} is {}", node.name, other.text())),
    });
    Ok(wrong)
}

/// A replica that has not reached its leader's position of the first look.
fn lag(context: &Context, wanted: &mut BTreeMap<u64, u64>) -> Result<Option<String>, Failure> {
    let brokers = context.target.brokers()?;
    let shown: Vec<Value> = brokers
        .into_iter()
        .filter_map(|address| serde_json::from_str(&ask_one(address, "/actuator/partitions")?).ok())
        .collect();
    let replicas = || shown.iter().flat_map(|node| node.as_object().into_iter().flatten());
    for (partition, replica) in replicas().filter(|(_, replica)| replica["role"] == "LEADER") {
        let Ok(partition) = partition.parse() else { continue };
        let position = replica["processedPosition"].as_u64().unwrap_or(0);
        wanted.entry(partition).or_insert(position);
    }
    for (partition, replica) in replicas() {
        let position = replica["processedPosition"].as_u64().unwrap_or(0);
        let wanted = partition.parse().ok().and_then(|id: u64| wanted.get(&id)).copied();
        if wanted.is_some_and(|wanted| position < wanted) {
            return Ok(Some(format!(
                "a replica of partition {partition} is at {position} of {}",
                wanted.unwrap_or(0)
            )));
        }
    }
    Ok(None)
}
