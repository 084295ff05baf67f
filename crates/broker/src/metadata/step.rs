//! One step of the change that is under way.
//!
//! A step looks at the configuration and at the cluster and does the next thing, which may have
//! been done before: every operation is a state to be reached, not an action. First the document
//! says that an operation has begun, then it has effects, then the document says that it is done;
//! so whoever takes over in between, or does everything twice, ends in the same place.

use std::collections::BTreeSet;

use skep_protocol::PartitionId;

use crate::limits::LEARNER_LAG_MAX;
use crate::metadata::config::ClusterConfig;
use crate::metadata::host::{GroupStatus, HostError, Reconfiguration, ReplicaHost};
use crate::metadata::operation::Operation;
use crate::metadata::transition::{self, Finding};

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// This configuration is to be decided next.
    Propose(Box<ClusterConfig>),
    /// Not yet; look again.
    Wait(String),
}

/// Does the next thing; nothing is to be done without a change under way.
pub(crate) async fn step(
    config: &ClusterConfig,
    host: &dyn ReplicaHost,
    now_ms: i64,
) -> Option<Step> {
    let change = config.pending.as_ref()?;
    let operation = change.pending.first()?;
    if !change.begun && has_beginning(operation) {
        return Some(Step::Propose(Box::new(transition::begin(config))));
    }
    Some(match reach(config, operation, host).await {
        Ok(Reached::Done(finding)) => {
            Step::Propose(Box::new(transition::complete(config, &finding, now_ms)))
        }
        Ok(Reached::NotYet(reason)) => Step::Wait(reason),
        Err(error) => Step::Wait(error.to_string()),
    })
}

/// The document has to tell of it before it has effects.
fn has_beginning(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::PartitionJoin { .. }
            | Operation::PartitionLeave { .. }
            | Operation::PartitionBootstrap { .. }
            | Operation::StartPartitionScaleUp { .. }
    )
}

enum Reached {
    Done(Finding),
    NotYet(String),
}

fn done() -> Result<Reached, HostError> {
    Ok(Reached::Done(Finding::default()))
}

fn not_yet(reason: impl Into<String>) -> Result<Reached, HostError> {
    Ok(Reached::NotYet(reason.into()))
}

async fn reach(
    config: &ClusterConfig,
    operation: &Operation,
    host: &dyn ReplicaHost,
) -> Result<Reached, HostError> {
    match operation {
        Operation::BrokerAdd { broker_id } => match host.broker_address(*broker_id) {
            Some(address) => Ok(Reached::Done(Finding { address: Some(address) })),
            None => not_yet(format!("broker {broker_id} is not connected; start it")),
        },
        Operation::PartitionJoin { broker_id, partition_id, .. } => {
            join(config, *partition_id, *broker_id, host).await
        }
        Operation::PartitionLeave { broker_id, partition_id } => {
            leave(config, *partition_id, *broker_id, host).await
        }
        Operation::PartitionBootstrap { broker_id, partition_id, .. } => {
            let status = host.status(*partition_id).await?;
            if status.leader == *broker_id {
                return done();
            }
            not_yet(format!("partition {partition_id} does not lead on broker {broker_id} yet"))
        }
        Operation::StartPartitionScaleUp { desired_partition_count } => {
            host.scale_up(*desired_partition_count).await?;
            done()
        }
        Operation::AwaitRedistributionCompletion { desired_partition_count } => {
            if host.is_redistributed(*desired_partition_count).await? {
                return done();
            }
            not_yet("the new partitions do not have all deployments yet")
        }
        Operation::BrokerRemove { .. }
        | Operation::PartitionReconfigurePriority { .. }
        | Operation::PartitionDiscard { .. }
        | Operation::UpdateRoutingState { .. }
        | Operation::UpdateReplicationFactor { .. } => done(),
    }
}

async fn reconfigure(
    config: &ClusterConfig,
    partition: PartitionId,
    change: Reconfiguration,
    host: &dyn ReplicaHost,
) -> Result<(), HostError> {
    host.reconfigure(config.version, partition, &change).await
}

/// Ends a change of the voters that stopped half-way. All that may vote at that time shall vote:
/// whoever shall not leaves by an operation of its own.
async fn go_on(
    config: &ClusterConfig,
    partition: PartitionId,
    voters: BTreeSet<u32>,
    host: &dyn ReplicaHost,
) -> Result<Reached, HostError> {
    reconfigure(config, partition, Reconfiguration::ChangeVoters(voters), host).await?;
    not_yet(format!("a change of the voters of partition {partition} goes on"))
}

async fn join(
    config: &ClusterConfig,
    partition: PartitionId,
    node: u32,
    host: &dyn ReplicaHost,
) -> Result<Reached, HostError> {
    let status = host.status(partition).await?;
    let reconfigure = |change| reconfigure(config, partition, change, host);
    if status.is_changing {
        return go_on(config, partition, status.voters, host).await;
    }
    if status.voters.contains(&node) {
        return done();
    }
    if !status.learners.contains(&node) {
        reconfigure(Reconfiguration::AddLearner(node)).await?;
        return not_yet(format!("broker {node} begins to learn partition {partition}"));
    }
    match status.lag.get(&node) {
        None => not_yet(format!("broker {node} is not heard of in partition {partition}")),
        Some(lag) if *lag > LEARNER_LAG_MAX => {
            not_yet(format!("broker {node} lacks {lag} entries of partition {partition}"))
        }
        Some(_) => {
            let mut voters = status.voters;
            voters.insert(node);
            reconfigure(Reconfiguration::ChangeVoters(voters)).await?;
            not_yet(format!("broker {node} begins to vote in partition {partition}"))
        }
    }
}

async fn leave(
    config: &ClusterConfig,
    partition: PartitionId,
    node: u32,
    host: &dyn ReplicaHost,
) -> Result<Reached, HostError> {
    let status = host.status(partition).await?;
    let reconfigure = |change| reconfigure(config, partition, change, host);
    if !status.voters.contains(&node) {
        if status.is_changing {
            return go_on(config, partition, status.voters, host).await;
        }
        // Even when it does not learn: from here on the leader refuses what was asked before.
        reconfigure(Reconfiguration::RemoveLearner(node)).await?;
        return done();
    }
    let rest: BTreeSet<u32> = status.voters.iter().copied().filter(|it| *it != node).collect();
    if rest.is_empty() {
        return not_yet(format!("broker {node} holds the last replica of partition {partition}"));
    }
    let current = rest.iter().filter(|it| is_current(&status, **it)).count();
    if current <= rest.len() / 2 {
        return not_yet(format!(
            "without broker {node} partition {partition} would have no majority: of {} other \
             replicas {current} are up to date",
            rest.len()
        ));
    }
    if status.leader == node {
        let heir = first_choice(config, partition, &status, Some(node));
        let Some(heir) = heir else { return not_yet("nobody could lead instead") };
        reconfigure(Reconfiguration::TransferLeader(heir)).await?;
        return not_yet(format!("broker {node} hands partition {partition} over to {heir}"));
    }
    reconfigure(Reconfiguration::ChangeVoters(rest)).await?;
    not_yet(format!("broker {node} stops to vote in partition {partition}"))
}

/// Has all that matters.
pub(crate) fn is_current(status: &GroupStatus, node: u32) -> bool {
    node == status.leader || status.lag.get(&node).is_some_and(|lag| *lag <= LEARNER_LAG_MAX)
}

/// The voter that should lead: of those that are up to date the one with the highest priority.
pub(crate) fn first_choice(
    config: &ClusterConfig,
    partition: PartitionId,
    status: &GroupStatus,
    but: Option<u32>,
) -> Option<u32> {
    let fit =
        |node: u32| Some(node) != but && status.voters.contains(&node) && is_current(status, node);
    let members = config.members(partition).iter().map(|member| member.node);
    members.chain(status.voters.iter().copied()).find(|node| fit(*node))
}
