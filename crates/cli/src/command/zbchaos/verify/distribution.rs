//! `zbchaos verify distribution`, `duplicates`, `log-at-rest`: what becomes of deployments on their
//! way to the other partitions.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::until_right;
use crate::command::zbchaos::capture;
use crate::command::zbchaos::context::Context;
use crate::command::zbchaos::target::ask_one;
use crate::failure::Failure;
use crate::quiet::Quiet;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos verify distribution --timeoutInSec 60")]
pub(crate) struct DistributionArgs {
    /// How long it may take
    #[arg(long = "timeoutInSec", value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,

    /// The contrary: something is on its way and does not arrive, as a fault wants it
    #[arg(long)]
    pending: bool,
}

impl DistributionArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let patience = Duration::from_secs(self.timeout);
        if self.pending {
            until_right("Expected pending distributions", patience, async || {
                Ok(pending(context)?.is_none().then(|| "nothing is pending".to_owned()))
            })
            .await?;
            return context.say.line("Distributions are pending.");
        }
        until_right("Expected no pending distributions", patience, async || pending(context))
            .await?;
        context.say.line("Every partition has everything that was deployed.")
    }
}

/// What is on its way.
pub(super) fn pending(context: &Context) -> Result<Option<String>, Failure> {
    let mut pending = Vec::new();
    // Only leaders know.
    for address in context.target.brokers()? {
        let Some(text) = ask_one(address, "/actuator/distributions") else {
            return Ok(Some(format!("{address} does not show its distributions")));
        };
        let shown: Value = serde_json::from_str(&text).unwrap_or_default();
        for one in shown["distributions"].as_array().into_iter().flatten() {
            pending.push(format!(
                "{} from partition {} to {}",
                one["pending"], one["partitionId"], one["receiver"]
            ));
        }
    }
    pending.dedup();
    Ok((!pending.is_empty()).then(|| format!("pending: {}", pending.join(", "))))
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos verify duplicates --partitionId 3 --atLeast 1")]
pub(crate) struct DuplicatesArgs {
    /// The partition that got them
    #[arg(long = "partitionId", value_name = "N", default_value_t = 3)]
    partition: u32,

    /// Least number
    #[arg(long = "atLeast", value_name = "N", default_value_t = 1)]
    at_least: u64,

    /// How long it may take until they are there
    #[arg(long = "timeoutInSec", value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

impl DuplicatesArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let remembered = context.memory()?.read();
        let before = remembered.captured.ok_or_else(|| {
            Failure::Usage(
                "duplicates are counted from `skep zbchaos capture` on: call that first".to_owned(),
            )
        })?;
        let expected = remembered.deployments.saturating_sub(before.deployments_made);
        let mut duplicates = 0;
        let patience = Duration::from_secs(self.timeout);
        let partition = self.partition;
        until_right("Expected deployments to arrive again", patience, async || {
            let now = capture::deployments(context, capture::PROCESSED)?;
            let processed = since(&before.deployments, &now, partition);
            duplicates = processed.saturating_sub(expected);
            let known = capture::deployments(context, capture::REJECTED)?;
            let rejected = since(&before.rejected, &known, partition);
            let applied = processed.saturating_sub(rejected);
            if applied > expected {
                return Err(Failure::guided(
                    8,
                    format!("partition {partition} has applied {applied} deployments, but {expected} were made"),
                    "A deployment that arrives again has to be rejected as known.",
                ));
            }
            Ok((duplicates < self.at_least).then(|| {
                format!("partition {partition} has processed {processed} of {expected} deployments")
            }))
        })
        .await?;
        context.say.line(&format!(
            "Partition {partition} got {duplicates} deployments again that it had already."
        ))
    }
}

/// Deployments that a partition's leaders have counted since; a broker that was restarted counts
/// from nothing.
fn since(before: &[(u32, u32, u64)], now: &[(u32, u32, u64)], partition: u32) -> u64 {
    let earlier = |broker: u32| {
        let found = before.iter().find(|(node, id, _)| (*node, *id) == (broker, partition));
        found.map_or(0, |(_, _, count)| *count)
    };
    let own = now.iter().filter(|(_, id, _)| *id == partition);
    own.map(|(broker, _, count)| match count.checked_sub(earlier(*broker)) {
        Some(more) => more,
        None => *count,
    })
    .sum()
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos verify log-at-rest --partitionId 3 --seconds 10")]
pub(crate) struct LogArgs {
    /// The partition
    #[arg(long = "partitionId", value_name = "N", default_value_t = 3)]
    partition: u32,

    /// For how long it is looked at
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
}

impl LogArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let _quiet = Quiet::of_environment()?;
        let before = positions(context, self.partition)?;
        tokio::time::sleep(Duration::from_secs(self.seconds)).await;
        let after = positions(context, self.partition)?;
        if before.is_empty() || before != after {
            return Err(Failure::guided(
                8,
                format!(
                    "the log of partition {} went from {before:?} to {after:?} in {} s",
                    self.partition, self.seconds
                ),
                "Nothing should be written while nothing happens.",
            ));
        }
        context.say.line(&format!("The log of partition {} is at rest.", self.partition))
    }
}

/// The last position of each replica of a partition, by its address.
fn positions(context: &Context, partition: u32) -> Result<BTreeMap<String, u64>, Failure> {
    let mut positions = BTreeMap::new();
    for address in context.target.brokers()? {
        let Some(text) = ask_one(address, "/actuator/partitions") else { continue };
        let shown: Value = serde_json::from_str(&text).unwrap_or_default();
        let position = shown[partition.to_string()]["processedPosition"].as_u64();
        positions.extend(position.map(|position| (address.to_string(), position)));
    }
    Ok(positions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deployments_are_counted_over_leaders_and_restarts() {
        let before = [(0, 3, 5), (2, 3, 20), (2, 1, 9)];
        // Broker 2 went on, broker 0 was restarted, broker 1 is new to it.
        let now = [(0, 3, 2), (1, 3, 1), (2, 3, 24), (2, 1, 90)];
        assert_eq!(since(&before, &now, 3), 2 + 1 + 4);
        assert_eq!(since(&before, &now, 2), 0);
    }
}
