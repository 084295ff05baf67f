//! `zbchaos brokers`, `topology`, `version`.

use clap::Args;

use super::context::Context;
use super::select::{Topology, broker_name};
use super::target::Target;
use crate::cluster::layout::NodeKind;
use crate::failure::Failure;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos brokers")]
pub(super) struct BrokersArgs {}

impl BrokersArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let names: Vec<String> = match &context.target {
            Target::Folder(_) => {
                let cluster = context.target.cluster()?;
                cluster.of_kind(NodeKind::Broker).map(|node| node.name.clone()).collect()
            }
            Target::Addresses(_) => {
                context.topology().await?.brokers.keys().map(|id| broker_name(*id)).collect()
            }
        };
        names.iter().try_for_each(|name| context.say.line(name))
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos topology")]
pub(super) struct TopologyArgs {}

impl TopologyArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let topology = context.topology().await?;
        table(&topology).iter().try_for_each(|line| context.say.line(line))
    }
}

/// Least width of a column.
const COLUMN_MIN: usize = 10;

/// The table: a row for each broker, a column for each partition.
pub(super) fn table(topology: &Topology) -> Vec<String> {
    let mut rows = vec![vec!["Node".to_owned()]];
    rows[0].extend((1..=topology.partitions).map(|id| format!("Partition {id}")));
    for (id, held) in &topology.brokers {
        let mut row = vec![id.to_string()];
        row.extend((1..=topology.partitions).map(|partition| {
            held.get(&partition).map_or_else(String::new, |replica| {
                format!("{} ({})", replica.role.name(), replica.health)
            })
        }));
        rows.push(row);
    }
    let width = |column: usize| {
        let widest = rows.iter().filter_map(|row| row.get(column)).map(String::len).max();
        widest.unwrap_or(0).max(COLUMN_MIN)
    };
    let widths: Vec<usize> = (0..=topology.partitions as usize).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("|").trim_end().to_owned()
        })
        .collect()
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos version")]
pub(super) struct VersionArgs {}

impl VersionArgs {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let commit = option_env!("SKEP_COMMIT").unwrap_or("unknown");
        let commit: String = commit.chars().take(8).collect();
        context.say.line(&format!("zbchaos {} (commit: {commit})", env!("CARGO_PKG_VERSION")))
    }
}
