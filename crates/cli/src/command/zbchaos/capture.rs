//! `zbchaos capture`: how the cluster is now, so that later commands can say what has changed.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use clap::Args;

use super::context::Context;
use super::memory::Captured;
use super::target::{Target, ask_one, states_of};
use crate::cluster::layout::NodeKind;
use crate::cluster::state::NodeState;
use crate::failure::Failure;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  skep zbchaos capture\n  skep zbchaos capture && skep zbchaos verify unchanged"
)]
pub(super) struct CaptureArgs {}

impl CaptureArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let captured = capture(context).await?;
        let leaders: Vec<String> = captured
            .leaders
            .iter()
            .map(|(partition, broker)| format!("{partition} by broker {broker}"))
            .collect();
        context.memory()?.change(|run| {
            run.captured = Some(Captured { deployments_made: run.deployments, ..captured });
        })?;
        context.say.line(&format!("Captured: partitions are led {}.", leaders.join(", ")))
    }
}

/// How the cluster is now.
pub(super) async fn capture(context: &Context) -> Result<Captured, Failure> {
    Ok(Captured {
        leaders: context.topology().await?.leaders(),
        deployments: deployments(context, PROCESSED)?,
        rejected: deployments(context, REJECTED)?,
        deployments_made: 0,
        incidents: incidents(context)?,
    })
}

/// Commands that a partition has processed.
pub(super) const PROCESSED: &str = "skep_commands_total";

/// Those of them that it has rejected.
pub(super) const REJECTED: &str = "skep_rejections_total";

/// Broker, partition, and how many distributed deployments it has processed, or rejected, as its
/// leader since it started.
pub(super) fn deployments(
    context: &Context,
    metric: &str,
) -> Result<Vec<(u32, u32, u64)>, Failure> {
    let mut counted = Vec::new();
    for (broker, address) in counters(context)? {
        let Some(text) = ask_one(address, "/metrics") else { continue };
        let of_broker = deployments_of(&text, metric).into_iter();
        counted.extend(of_broker.map(|(id, count)| (broker, id, count)));
    }
    Ok(counted)
}

/// Who can be asked for its counters, by number; of addresses the place in the list is the number.
fn counters(context: &Context) -> Result<Vec<(u32, SocketAddr)>, Failure> {
    if let Target::Addresses(_) = context.target {
        return Ok((0..).zip(context.target.brokers()?).collect());
    }
    let cluster = context.target.cluster()?;
    let brokers = cluster.of_kind(NodeKind::Broker);
    let running = brokers.filter(|node| node.state() == NodeState::Running);
    Ok(running.map(|node| (u32::from(node.id), node.addresses.management.into())).collect())
}

/// What the metrics of a node say about deployments: partition and number.
fn deployments_of(metrics: &str, metric: &str) -> Vec<(u32, u64)> {
    let counted = metrics.lines().filter(|line| {
        line.strip_prefix(metric).is_some_and(|rest| rest.starts_with('{'))
            && line.contains("value_type=\"DEPLOYMENT\"")
            && line.contains("intent=\"DISTRIBUTE\"")
    });
    counted
        .filter_map(|line| {
            let partition = line.split("partition=\"").nth(1)?.split('"').next()?.parse().ok()?;
            let number: f64 = line.rsplit(' ').next()?.parse().ok()?;
            // Counters are whole.
            Some((partition, number as u64))
        })
        .collect()
}

/// Incidents of each partition, as its replicas have them.
pub(super) fn incidents(context: &Context) -> Result<BTreeMap<u32, u64>, Failure> {
    let mut incidents = BTreeMap::new();
    for address in context.target.brokers()? {
        for (partition, replica) in states_of(address).into_iter().flatten() {
            let count = replica["tables"]["incidents"].as_u64().unwrap_or(0);
            let most = incidents.entry(partition).or_insert(0);
            *most = count.max(*most);
        }
    }
    Ok(incidents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_say_how_many_deployments_a_partition_has_processed() {
        let text = "\
# TYPE skep_commands_total counter
skep_commands_total{partition=\"3\",value_type=\"DEPLOYMENT\",intent=\"DISTRIBUTE\"} 12
skep_commands_total{partition=\"3\",value_type=\"JOB\",intent=\"COMPLETE\"} 7
skep_rejections_total{partition=\"3\",value_type=\"DEPLOYMENT\",intent=\"DISTRIBUTE\"} 2
skep_commands_total{partition=\"1\",value_type=\"DEPLOYMENT\",intent=\"DISTRIBUTE\"} 10
";
        assert_eq!(deployments_of(text, PROCESSED), [(3, 12), (1, 10)]);
        assert_eq!(deployments_of(text, REJECTED), [(3, 2)]);
    }
}
