//! The cluster as this node sees it.

use skep_protocol::PartitionId;

/// What a node does for a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionRole {
    /// Processes commands.
    Leader,
    /// Applies what the leader decided.
    Follower,
    /// Nothing: its replica has stopped.
    Inactive,
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

/// One replica of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionStatus {
    /// Number, from 1.
    pub id: PartitionId,
    /// What its node does for it.
    pub role: PartitionRole,
    /// Whether it works.
    pub health: PartitionHealth,
    /// Position of the last committed record.
    pub last_position: u64,
}

/// What one partition has to hand to another and the other has not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionStatus {
    /// The partition that distributes.
    pub partition: PartitionId,
    /// The partition that has not acknowledged.
    pub receiver: PartitionId,
    /// How many, counted up to ten thousand.
    pub count: u64,
    /// The oldest of them.
    pub oldest_key: u64,
    /// Since when that one is pending, epoch milliseconds.
    pub oldest_since_ms: i64,
    /// How often that one was sent in vain, since the leader leads.
    pub attempts: u32,
    /// Value type of its command.
    pub value_type: String,
    /// Intent of its command.
    pub intent: String,
    /// Nobody waits for the receiver: it did not answer in time, or cannot be reached.
    pub away: bool,
}

/// A broker that can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerStatus {
    /// Number.
    pub node_id: u32,
    /// Where clients reach it, `host:port`; empty when it takes none.
    pub client_address: String,
    /// Version of Skep that it runs.
    pub version: String,
    /// Its replicas, ascending.
    pub partitions: Vec<PartitionStatus>,
}

/// The cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// This node; none when it is a standalone gateway.
    pub node_id: Option<u32>,
    /// Name of the cluster.
    pub cluster_id: String,
    /// How many brokers it has, reachable or not.
    pub cluster_size: u32,
    /// Number of partitions.
    pub partition_count: u32,
    /// Copies of each partition.
    pub replication_factor: u32,
    /// The last change of the cluster's configuration that is done, when there was one.
    pub last_completed_change: Option<u64>,
    /// The brokers that can be reached, ascending.
    pub brokers: Vec<BrokerStatus>,
}

impl Topology {
    /// A cluster of which nothing is known yet.
    #[must_use]
    pub fn unknown(node_id: Option<u32>) -> Self {
        Self {
            node_id,
            cluster_id: String::new(),
            cluster_size: 0,
            partition_count: 0,
            replication_factor: 0,
            last_completed_change: None,
            brokers: Vec::new(),
        }
    }

    /// Whether every partition has a leader that works, as far as this node knows.
    #[must_use]
    pub fn is_led(&self) -> bool {
        let works = |partition| {
            self.leader(partition).is_some_and(|it| it.health == PartitionHealth::Healthy)
        };
        self.partition_count > 0 && (1..=self.partition_count).all(works)
    }

    /// The replicas of this node.
    #[must_use]
    pub fn local(&self) -> &[PartitionStatus] {
        let mine = self.brokers.iter().find(|broker| Some(broker.node_id) == self.node_id);
        mine.map_or(&[], |broker| broker.partitions.as_slice())
    }

    /// The replica that leads a partition, when it is known.
    #[must_use]
    pub fn leader(&self, partition: PartitionId) -> Option<&PartitionStatus> {
        let replicas = self.brokers.iter().flat_map(|broker| &broker.partitions);
        let mut of_partition = replicas.filter(|replica| replica.id == partition);
        of_partition.find(|replica| replica.role == PartitionRole::Leader)
    }
}
