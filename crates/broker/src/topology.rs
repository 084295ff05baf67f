//! The partitions of the cluster as this node sees them.

use skep_protocol::PartitionId;

/// What a node does for a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionRole {
    /// Processes commands.
    Leader,
    /// Applies what the leader decided.
    Follower,
}

/// Whether a partition works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionHealth {
    /// It works.
    Healthy,
    /// It works again by itself as soon as the cause is gone.
    Unhealthy {
        /// The cause, for people.
        reason: String,
    },
    /// It has stopped; only a restart, perhaps of a repaired node, helps.
    Dead {
        /// The cause, for people.
        reason: String,
    },
}

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionStatus {
    /// Number, from 1.
    pub id: PartitionId,
    /// What this node does for it.
    pub role: PartitionRole,
    /// Whether it works.
    pub health: PartitionHealth,
    /// Position of the last committed record.
    pub last_position: u64,
}

/// The cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// This node.
    pub node_id: u32,
    /// How many nodes there are.
    pub cluster_size: u32,
    /// Copies of each partition.
    pub replication_factor: u32,
    /// The partitions, ascending.
    pub partitions: Vec<PartitionStatus>,
}
