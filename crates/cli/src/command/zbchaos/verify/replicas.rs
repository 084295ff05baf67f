//! `zbchaos verify replicas` and `incidents`: what the replicas have, read byte for byte.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;

use super::until_right;
use crate::command::zbchaos::capture;
use crate::command::zbchaos::context::Context;
use crate::command::zbchaos::target::states_of;
use crate::failure::Failure;
use crate::quiet::Quiet;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos verify replicas")]
pub(crate) struct ReplicasArgs {
    /// How long it may take until all have come as far
    #[arg(long = "timeoutInSec", value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

impl ReplicasArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let _quiet = Quiet::of_environment()?;
        let patience = Duration::from_secs(self.timeout);
        until_right("Expected equal replicas", patience, async || different(context)).await?;
        context.say.line("The replicas of every partition are equal.")
    }
}

/// Partition, and position and digest of each replica.
type States = BTreeMap<u32, Vec<(u64, String)>>;

/// What differs between replicas.
pub(super) fn different(context: &Context) -> Result<Option<String>, Failure> {
    let mut states = States::new();
    for address in context.target.brokers()? {
        let Some(replicas) = states_of(address) else {
            return Ok(Some(format!("{address} does not show its state")));
        };
        for (partition, replica) in replicas {
            let position = replica["position"].as_u64().unwrap_or(0);
            let digest = replica["digest"].as_str().unwrap_or_default().to_owned();
            states.entry(partition).or_default().push((position, digest));
        }
    }
    Ok(compare(&states))
}

fn compare(states: &States) -> Option<String> {
    if states.is_empty() {
        return Some("no replica shows its state".to_owned());
    }
    states.iter().find_map(|(partition, replicas)| {
        let first = replicas.first()?;
        let other = replicas.iter().find(|other| *other != first)?;
        Some(format!(
            "partition {partition}: {} at position {}, {} at position {}",
            first.1, first.0, other.1, other.0
        ))
    })
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos verify incidents")]
pub(crate) struct IncidentsArgs {
    /// Most that there may be in all partitions together, those that `capture` saw not counted
    #[arg(long = "atMost", value_name = "N", default_value_t = 0)]
    at_most: u64,
}

impl IncidentsArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let count = new_incidents(context)?;
        if count > self.at_most {
            return Err(Failure::guided(
                8,
                format!("there are {count} new incidents, expected at most {}", self.at_most),
                "Something that was started cannot go on.",
            ));
        }
        context.say.line(&format!("There are {count} new incidents."))
    }
}

fn new_incidents(context: &Context) -> Result<u64, Failure> {
    let before = context.memory()?.read().captured.unwrap_or_default().incidents;
    let now = capture::incidents(context)?;
    Ok(now
        .iter()
        .map(|(id, count)| count.saturating_sub(before.get(id).copied().unwrap_or(0)))
        .sum())
}

/// For the steady state: incidents that there are since `capture`.
pub(super) fn stuck(context: &Context) -> Result<Option<String>, Failure> {
    if context.memory()?.read().captured.is_none() {
        return Ok(None);
    }
    let count = new_incidents(context)?;
    Ok((count > 0).then(|| format!("there are {count} new incidents")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_replica_that_differs_is_named() {
        let replicas = |digests: &[(u64, &str)]| {
            let all = digests.iter().map(|(position, digest)| (*position, (*digest).to_owned()));
            States::from([(1, all.collect())])
        };
        assert_eq!(compare(&replicas(&[(5, "a"), (5, "a"), (5, "a")])), None);
        assert!(compare(&replicas(&[(5, "a"), (5, "b")])).unwrap().contains("b at position 5"));
        assert!(compare(&replicas(&[(5, "a"), (4, "a")])).is_some());
        assert!(compare(&States::new()).is_some());
    }
}
