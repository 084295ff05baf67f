//! What the coordinator asks of the nodes, and what each node does about its own replicas.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use skep_protocol::PartitionId;

use crate::metadata::config::{ClusterConfig, Member, MemberState};

/// A partition as its leader sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupStatus {
    /// The broker that leads.
    pub leader: u32,
    /// Those that vote; while they are being changed, those of before and after.
    pub voters: BTreeSet<u32>,
    /// A change of the voters has begun and not ended. When its leader was lost meanwhile it goes on
    /// only when somebody asks for it again.
    pub is_changing: bool,
    /// Those that only learn.
    pub learners: BTreeSet<u32>,
    /// Entries that the others lack; without those that have not been heard of lately.
    pub lag: BTreeMap<u32, u64>,
}

/// A change of the group of one partition. Doing it twice is doing it once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Reconfiguration {
    /// Send the log to one more broker.
    AddLearner(u32),
    /// Forget a broker that does not vote.
    RemoveLearner(u32),
    /// These vote, and no others.
    ChangeVoters(BTreeSet<u32>),
    /// Hand over the leadership to this voter.
    TransferLeader(u32),
}

/// Something could not be asked, or was not done; it may have been done all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HostError(pub String);

/// The nodes of the cluster as the coordinator needs them. Everything may be asked again: a
/// coordinator that takes over does not know what the one before it has done.
#[async_trait]
pub trait ReplicaHost: Send + Sync {
    /// The address of a broker that is connected, member of the cluster or not.
    fn broker_address(&self, node: u32) -> Option<String>;

    /// Asks the leader of a partition for its state.
    async fn status(&self, partition: PartitionId) -> Result<GroupStatus, HostError>;

    /// Lets the leader of a partition change its group. `as_of` is the version of the
    /// configuration that asks for it: a leader that has seen a newer one refuses, so that what a
    /// coordinator of the past still has under way does nothing.
    async fn reconfigure(
        &self,
        as_of: u64,
        partition: PartitionId,
        change: &Reconfiguration,
    ) -> Result<(), HostError>;

    /// Tells partition 1 that there are so many partitions.
    async fn scale_up(&self, partition_count: u32) -> Result<(), HostError>;

    /// Whether all partitions of that count have all deployments.
    async fn is_redistributed(&self, partition_count: u32) -> Result<bool, HostError>;
}

/// How a replica without data begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaStart {
    /// With all other members, when none of them has data; otherwise like [`ReplicaStart::Join`].
    Found,
    /// As the first and only member of its partition.
    Bootstrap,
    /// Empty, until the leader sends it what there is.
    Join,
}

/// The replicas that run on a node.
#[async_trait]
pub trait LocalReplicas: Send + Sync {
    /// Which they are; not the metadata group.
    fn running(&self) -> BTreeSet<PartitionId>;

    /// Starts one.
    async fn start(&self, partition: PartitionId, start: ReplicaStart) -> Result<(), HostError>;

    /// Ends one and removes its data.
    async fn remove(&self, partition: PartitionId) -> Result<(), HostError>;
}

/// How a node's replica of a partition, or of the metadata group, begins when it has no data.
#[must_use]
pub fn start_of(config: &ClusterConfig, partition: PartitionId, member: &Member) -> ReplicaStart {
    match member.state {
        MemberState::Bootstrapping => ReplicaStart::Bootstrap,
        MemberState::Joining => ReplicaStart::Join,
        // Partitions of the first start may never have begun; later ones have, before their
        // replicas became active.
        MemberState::Active | MemberState::Leaving if partition <= config.message_partitions => {
            ReplicaStart::Found
        }
        MemberState::Active | MemberState::Leaving => ReplicaStart::Join,
    }
}

/// The replicas that a configuration gives to a node, and how each begins.
#[must_use]
pub fn replicas_of(config: &ClusterConfig, node: u32) -> BTreeMap<PartitionId, ReplicaStart> {
    let replicas = config.partitions_of(node);
    replicas.map(|(id, member)| (id, start_of(config, id, member))).collect()
}

/// Makes the replicas of a node those that the configuration gives it. To be called with every
/// newer configuration, and again after a failure.
///
/// # Errors
/// The first thing that could not be done; the rest is done.
pub async fn follow(
    config: &ClusterConfig,
    node: u32,
    replicas: &dyn LocalReplicas,
) -> Result<(), HostError> {
    let wanted = replicas_of(config, node);
    let running = replicas.running();
    let mut result = Ok(());
    for (&partition, &start) in wanted.iter().filter(|(id, _)| !running.contains(id)) {
        tracing::info!(partition, ?start, version = config.version, "starting a replica");
        result = result.and(replicas.start(partition, start).await);
    }
    for &partition in running.iter().filter(|id| !wanted.contains_key(id)) {
        tracing::info!(partition, version = config.version, "removing a replica");
        result = result.and(replicas.remove(partition).await);
    }
    result
}
