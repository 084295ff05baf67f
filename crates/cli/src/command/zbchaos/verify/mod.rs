//! `zbchaos verify`: what has to be true of a cluster that is well.

mod acknowledged;
mod distribution;
mod instances;
mod jobs;
pub(super) mod readiness;
mod replicas;
mod unchanged;

use std::time::{Duration, Instant};

use clap::Subcommand;

use super::context::{Context, LOOK_PAUSE};
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum VerifyCommand {
    /// Every node is ready, every partition is led and has all its replicas, up to date
    Readiness(readiness::ReadinessArgs),
    /// A process can be deployed and started on a partition
    SteadyState(instances::SteadyStateArgs),
    /// An instance can be started on a partition, and ends as expected
    InstanceCreation(instances::InstanceArgs),
    /// So many instances can be started
    InstanceCount(instances::CountArgs),
    /// So many jobs can be completed
    JobCompletion(jobs::JobsArgs),
    /// Every instance that `instance-count` was told of is there, and completes
    Acknowledged(acknowledged::AcknowledgedArgs),
    /// A decision gives what it should, in the version that it should, on a partition
    Decision(instances::DecisionArgs),
    /// Every partition has everything that was deployed
    Distribution(distribution::DistributionArgs),
    /// A partition got deployments again that it had already
    Duplicates(distribution::DuplicatesArgs),
    /// The log of a partition does not grow by itself
    LogAtRest(distribution::LogArgs),
    /// The replicas of each partition are equal, byte for byte
    Replicas(replicas::ReplicasArgs),
    /// Nothing is stuck
    Incidents(replicas::IncidentsArgs),
    /// Every partition is led by the broker that led it when `capture` looked
    Unchanged(unchanged::UnchangedArgs),
}

impl VerifyCommand {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Readiness(args) => args.run(context).await,
            Self::SteadyState(args) => args.run(context).await,
            Self::InstanceCreation(args) => args.run(context).await,
            Self::InstanceCount(args) => args.run(context).await,
            Self::JobCompletion(args) => args.run(context).await,
            Self::Acknowledged(args) => args.run(context).await,
            Self::Decision(args) => args.run(context).await,
            Self::Distribution(args) => args.run(context).await,
            Self::Duplicates(args) => args.run(context).await,
            Self::LogAtRest(args) => args.run(context).await,
            Self::Replicas(args) => args.run(context).await,
            Self::Incidents(args) => args.run(context).await,
            Self::Unchanged(args) => args.run(context).await,
        }
    }
}

/// Looks until there is nothing wrong; an error says what was wrong last, and after how long.
async fn until_right(
    what: &str,
    patience: Duration,
    mut wrong: impl AsyncFnMut() -> Result<Option<String>, Failure>,
) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        let last = match wrong().await {
            Ok(None) => return Ok(()),
            Ok(Some(wrong)) => wrong,
            // What cannot be asked now may answer in a moment; what is asked wrongly never will.
            Err(failure) if failure.exit_code() == 2 => return Err(failure),
            Err(failure) => failure.text(),
        };
        if began.elapsed() > patience {
            return Err(Failure::guided(
                8,
                format!("{what}, but timed out after {patience:?}: {last}"),
                "See `skep zbchaos topology`, `skep chaos faults list` and the logs of the nodes.",
            ));
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}
