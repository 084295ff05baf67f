//! The operations that a change of the cluster is made of, and the change itself.

use serde::{Deserialize, Serialize};
use skep_protocol::PartitionId;

/// One step of a change. Their names are those of the cluster API; `partition_id` 0 is the metadata
/// group itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "operation",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Operation {
    /// A broker that is there becomes part of the cluster.
    BrokerAdd {
        /// The broker.
        broker_id: u32,
    },
    /// A broker without replicas leaves the cluster.
    BrokerRemove {
        /// The broker.
        broker_id: u32,
    },
    /// A broker gets a replica: it learns first, and votes when it has caught up.
    PartitionJoin {
        /// The broker.
        broker_id: u32,
        /// The partition.
        partition_id: PartitionId,
        /// Its priority.
        priority: u32,
    },
    /// A broker gives up its replica, after its leadership.
    PartitionLeave {
        /// The broker.
        broker_id: u32,
        /// The partition.
        partition_id: PartitionId,
    },
    /// A replica gets another priority.
    PartitionReconfigurePriority {
        /// The broker.
        broker_id: u32,
        /// The partition.
        partition_id: PartitionId,
        /// Its new priority.
        priority: u32,
    },
    /// A new partition begins, with one replica.
    PartitionBootstrap {
        /// The broker.
        broker_id: u32,
        /// The partition.
        partition_id: PartitionId,
        /// Its priority.
        priority: u32,
    },
    /// Partitions that were never used end: a cancelled change takes them back.
    PartitionDiscard {
        /// The partition.
        partition_id: PartitionId,
    },
    /// Partition 1 is told that there are more partitions, which makes it distribute to them.
    StartPartitionScaleUp {
        /// How many there are then.
        desired_partition_count: u32,
    },
    /// Waits until the new partitions have all deployments.
    AwaitRedistributionCompletion {
        /// How many there are then.
        desired_partition_count: u32,
    },
    /// New instances and polls go to the new partitions too.
    UpdateRoutingState {
        /// How many there are then.
        desired_partition_count: u32,
    },
    /// The number of replicas that later changes keep.
    UpdateReplicationFactor {
        /// Replicas of each partition.
        replication_factor: u32,
    },
}

impl Operation {
    /// The broker that it is about, if it is about one.
    #[must_use]
    pub fn broker_id(&self) -> Option<u32> {
        match self {
            Self::BrokerAdd { broker_id }
            | Self::BrokerRemove { broker_id }
            | Self::PartitionJoin { broker_id, .. }
            | Self::PartitionLeave { broker_id, .. }
            | Self::PartitionReconfigurePriority { broker_id, .. }
            | Self::PartitionBootstrap { broker_id, .. } => Some(*broker_id),
            _ => None,
        }
    }
}

/// How far a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeStatus {
    /// Its operations are being done.
    InProgress,
    /// What was begun is being brought to an end, the rest is dropped.
    Cancelling,
    /// The cluster is as it was wanted.
    Completed,
    /// It was cancelled.
    Cancelled,
}

/// An operation that is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompletedOperation {
    /// What was done.
    pub operation: Operation,
    /// When, epoch milliseconds.
    pub completed_ms: i64,
}

/// The change that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Its number; each is higher than the one before.
    pub id: u64,
    /// In progress or cancelling.
    pub status: ChangeStatus,
    /// When it began, epoch milliseconds.
    pub started_ms: i64,
    /// What is done.
    pub completed: Vec<CompletedOperation>,
    /// What is to be done, in this order.
    pub pending: Vec<Operation>,
    /// The first pending operation may have had effects.
    pub begun: bool,
}

/// The change that ended last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinishedChange {
    /// Its number.
    pub id: u64,
    /// Completed or cancelled.
    pub status: ChangeStatus,
    /// When it began, epoch milliseconds.
    pub started_ms: i64,
    /// When it ended, epoch milliseconds.
    pub completed_ms: i64,
}
