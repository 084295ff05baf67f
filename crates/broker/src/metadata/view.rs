//! The cluster configuration as operators see it, in the shape of the cluster API.

use serde_json::{Value, json};
use skep_env::rfc3339;

use crate::metadata::config::ClusterConfig;
use crate::metadata::operation::{Change, CompletedOperation, FinishedChange, Operation};
use crate::metadata::planner::Plan;

/// The whole cluster.
pub(crate) fn cluster(config: &ClusterConfig, waiting_for: Option<&str>) -> Value {
    let mut view = json!({
        "version": config.version,
        "clusterId": config.cluster_id,
        "replicationFactor": config.replication_factor,
        "brokers": brokers(config),
        "routing": {
            "version": config.version,
            "requestHandling": {
                "strategy": "AllPartitions",
                "partitionCount": config.partition_count,
            },
            "messageCorrelation": {
                "strategy": "HashMod",
                "partitionCount": config.message_partitions,
            },
        },
        "exporting": config.exporting,
    });
    if let Some(change) = &config.last {
        view["lastChange"] = finished(change);
    }
    if let Some(change) = &config.pending {
        view["pendingChange"] = pending(change, config.version, waiting_for);
    }
    view
}

/// The brokers and what each of them holds.
fn brokers(config: &ClusterConfig) -> Value {
    let of = |(&node, entry): (&u32, &crate::metadata::config::BrokerEntry)| {
        let partitions: Vec<Value> = config
            .partitions_of(node)
            .map(|(id, member)| {
                json!({ "id": id, "state": member.state, "priority": member.priority })
            })
            .collect();
        json!({
            "id": node,
            "state": "ACTIVE",
            "address": entry.address,
            "version": config.version,
            "partitions": partitions,
        })
    };
    config.brokers.iter().map(of).collect()
}

fn finished(change: &FinishedChange) -> Value {
    json!({
        "id": change.id,
        "status": change.status,
        "startedAt": rfc3339(change.started_ms),
        "completedAt": rfc3339(change.completed_ms),
    })
}

fn pending(change: &Change, version: u64, waiting_for: Option<&str>) -> Value {
    let completed: Vec<Value> = change.completed.iter().map(completed_operation).collect();
    let mut view = json!({
        "id": change.id,
        "status": change.status,
        "startedAt": rfc3339(change.started_ms),
        "internalVersion": version,
        "completed": completed,
        "pending": operations(&change.pending),
    });
    if let Some(reason) = waiting_for {
        view["waitingFor"] = json!(reason);
    }
    view
}

fn completed_operation(done: &CompletedOperation) -> Value {
    let mut view = json!(done.operation);
    view["completedAt"] = json!(rfc3339(done.completed_ms));
    view
}

fn operations(operations: &[Operation]) -> Value {
    json!(operations)
}

/// What a change will do.
pub(crate) fn planned(config: &ClusterConfig, plan: &Plan, change_id: u64) -> Value {
    json!({
        "changeId": change_id,
        "currentTopology": brokers(config),
        "plannedChanges": operations(&plan.operations),
        "expectedTopology": brokers(&plan.expected),
    })
}

/// How far a change is; none when there never was such a change.
pub(crate) fn change(config: &ClusterConfig, id: u64, waiting_for: Option<&str>) -> Option<Value> {
    if let Some(change) = config.pending.as_ref().filter(|change| change.id == id) {
        return Some(pending(change, config.version, waiting_for));
    }
    let last = config.last.as_ref()?;
    match last.id {
        last_id if last_id == id => Some(finished(last)),
        last_id if last_id > id && id > 0 => Some(json!({ "id": id, "status": "OUTDATED" })),
        _ => None,
    }
}
