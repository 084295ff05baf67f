//! How operations change the configuration: what is written before an operation has effects, what
//! when it is done, and what remains to be done when a change is cancelled. Pure.

use skep_protocol::PartitionId;

use crate::metadata::config::{BrokerEntry, ClusterConfig, Member, MemberState};
use crate::metadata::operation::{
    Change, ChangeStatus, CompletedOperation, FinishedChange, Operation,
};
use crate::metadata::refusal::Refusal;

/// What an operation found out that the configuration has to remember.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Finding {
    /// The address of the broker that was added.
    pub(super) address: Option<String>,
}

/// Takes up a change. One without operations ends at once.
#[must_use]
pub(super) fn start(
    config: &ClusterConfig,
    operations: Vec<Operation>,
    now_ms: i64,
) -> ClusterConfig {
    let mut next = config.next();
    next.pending = Some(Change {
        id: config.next_change_id(),
        status: ChangeStatus::InProgress,
        started_ms: now_ms,
        completed: Vec::new(),
        pending: operations,
        begun: false,
    });
    finish_if_done(&mut next, now_ms);
    next
}

/// The next operation is about to have effects: the configuration that says so.
#[must_use]
pub(super) fn begin(config: &ClusterConfig) -> ClusterConfig {
    let mut next = config.next();
    let Some(operation) = next.pending.as_ref().and_then(|it| it.pending.first().cloned()) else {
        return next;
    };
    match operation {
        Operation::PartitionJoin { broker_id, partition_id, priority } => {
            place(&mut next, partition_id, broker_id, Some(priority), MemberState::Joining);
        }
        Operation::PartitionBootstrap { broker_id, partition_id, priority } => {
            place(&mut next, partition_id, broker_id, Some(priority), MemberState::Bootstrapping);
        }
        Operation::PartitionLeave { broker_id, partition_id }
            if next.member(partition_id, broker_id).is_some() =>
        {
            place(&mut next, partition_id, broker_id, None, MemberState::Leaving);
        }
        _ => {}
    }
    if let Some(change) = &mut next.pending {
        change.begun = true;
    }
    next
}

/// The next operation is done: the configuration after it.
#[must_use]
pub(super) fn complete(config: &ClusterConfig, finding: &Finding, now_ms: i64) -> ClusterConfig {
    let mut next = config.next();
    let Some(change) = &mut next.pending else { return next };
    if change.pending.is_empty() {
        return next;
    }
    let operation = change.pending.remove(0);
    change.begun = false;
    change
        .completed
        .push(CompletedOperation { operation: operation.clone(), completed_ms: now_ms });
    apply(&mut next, &operation, finding);
    finish_if_done(&mut next, now_ms);
    next
}

fn finish_if_done(config: &mut ClusterConfig, now_ms: i64) {
    let Some(change) = config.pending.take_if(|change| change.pending.is_empty()) else { return };
    let status = match change.status {
        ChangeStatus::Cancelling => ChangeStatus::Cancelled,
        _ => ChangeStatus::Completed,
    };
    config.last = Some(FinishedChange {
        id: change.id,
        status,
        started_ms: change.started_ms,
        completed_ms: now_ms,
    });
}

/// Cancels the change that is under way. What was begun is undone or finished, whichever is sure;
/// what is complete stays, and is a whole configuration.
///
/// # Errors
/// Not found when no such change is under way; conflict when it cannot be taken back any more.
pub(super) fn cancel(
    config: &ClusterConfig,
    id: u64,
    now_ms: i64,
) -> Result<ClusterConfig, Refusal> {
    let Some(change) = config.pending.as_ref().filter(|change| change.id == id) else {
        return Err(Refusal::not_found(format!("change {id} is not under way")));
    };
    if change.status == ChangeStatus::Cancelling {
        return Err(Refusal::conflict(format!("change {id} is being cancelled already")));
    }
    let begun = change.pending.first().filter(|_| change.begun);
    let completed = change.completed.iter().map(|done| &done.operation);
    let mut so_far = completed.chain(begun);
    if so_far.any(|done| matches!(done, Operation::StartPartitionScaleUp { .. }))
        && config.partitions.len() as u64 > u64::from(config.partition_count)
    {
        return Err(Refusal::conflict(format!(
            "change {id} cannot be cancelled any more: partition 1 distributes to the new \
             partitions already; wait for its end"
        )));
    }
    let mut undo = Vec::new();
    match begun {
        Some(Operation::PartitionJoin { broker_id, partition_id, .. })
            if *partition_id <= config.partition_count =>
        {
            let (broker_id, partition_id) = (*broker_id, *partition_id);
            undo.push(Operation::PartitionLeave { broker_id, partition_id });
        }
        Some(leave @ Operation::PartitionLeave { .. }) => undo.push(leave.clone()),
        _ => {}
    }
    // Highest first, so that the numbers stay without gaps.
    let unused = config.partitions.keys().rev().filter(|id| **id > config.partition_count);
    undo.extend(unused.map(|&partition_id| Operation::PartitionDiscard { partition_id }));
    let mut next = config.next();
    if let Some(change) = &mut next.pending {
        change.status = ChangeStatus::Cancelling;
        change.pending = undo;
        change.begun = false;
    }
    finish_if_done(&mut next, now_ms);
    Ok(next)
}

/// The configuration when all these operations are done.
pub(super) fn expected(config: &ClusterConfig, operations: &[Operation]) -> ClusterConfig {
    let mut expected = config.clone();
    for operation in operations {
        apply(&mut expected, operation, &Finding::default());
    }
    expected
}

fn apply(config: &mut ClusterConfig, operation: &Operation, finding: &Finding) {
    match operation {
        Operation::BrokerAdd { broker_id } => {
            let address = finding.address.clone().unwrap_or_default();
            config.brokers.insert(*broker_id, BrokerEntry { address });
        }
        Operation::BrokerRemove { broker_id } => {
            config.brokers.remove(broker_id);
        }
        Operation::PartitionJoin { broker_id, partition_id, priority }
        | Operation::PartitionBootstrap { broker_id, partition_id, priority } => {
            place(config, *partition_id, *broker_id, Some(*priority), MemberState::Active);
        }
        Operation::PartitionLeave { broker_id, partition_id } => {
            config.members_mut(*partition_id).retain(|member| member.node != *broker_id);
        }
        Operation::PartitionReconfigurePriority { broker_id, partition_id, priority } => {
            place(config, *partition_id, *broker_id, Some(*priority), MemberState::Active);
        }
        Operation::PartitionDiscard { partition_id } => {
            config.partitions.remove(partition_id);
        }
        Operation::UpdateRoutingState { desired_partition_count } => {
            config.partition_count = *desired_partition_count;
        }
        Operation::UpdateReplicationFactor { replication_factor } => {
            config.replication_factor = *replication_factor;
        }
        Operation::StartPartitionScaleUp { .. }
        | Operation::AwaitRedistributionCompletion { .. } => {}
    }
}

/// Sets a replica's state, and its priority when one is given; the order is that of priorities.
fn place(
    config: &mut ClusterConfig,
    partition: PartitionId,
    node: u32,
    priority: Option<u32>,
    state: MemberState,
) {
    let members = config.members_mut(partition);
    match members.iter_mut().find(|member| member.node == node) {
        Some(member) => {
            member.state = state;
            member.priority = priority.unwrap_or(member.priority);
        }
        None => members.push(Member { node, priority: priority.unwrap_or(1), state }),
    }
    members.sort_by_key(|member| (std::cmp::Reverse(member.priority), member.node));
}
