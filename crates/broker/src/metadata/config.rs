//! The cluster configuration: one document that says which brokers there are, which partitions,
//! where their replicas are, and what is being changed about it.
//!
//! Every broker computes the same first version from its flags. Later versions are decided by the
//! coordinator, replicated by the metadata group, and handed on to everybody else.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use skep_protocol::PartitionId;
use skep_protocol::limits::PARTITIONS_MAX;

use crate::limits::{CLUSTER_BROKERS_MAX, METADATA_VOTERS_MAX};
use crate::metadata::operation::{Change, FinishedChange};
use crate::metadata::placement;
use crate::metadata::refusal::Refusal;

/// The layout of the document that this release reads and writes.
pub const CONFIG_FORMAT: u32 = 1;

/// The partition number under which the metadata group replicates.
pub const METADATA_PARTITION: PartitionId = 0;

/// How far a replica is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MemberState {
    /// The first replica of a new partition, which starts with itself as the only member.
    Bootstrapping,
    /// It starts empty, and catches up with the others.
    Joining,
    /// It votes.
    Active,
    /// It is on its way out.
    Leaving,
}

/// A replica of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The broker that holds it.
    pub node: u32,
    /// The higher, the rather it leads.
    pub priority: u32,
    /// How far it is.
    pub state: MemberState,
}

/// A broker of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerEntry {
    /// Where others reach it (`host:port`).
    pub address: String,
}

/// What exporters do, cluster wide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExportingState {
    /// They export.
    #[default]
    Exporting,
    /// They export, but positions are not acknowledged: the log keeps what they export.
    SoftPaused,
    /// They stand still.
    Paused,
}

impl ExportingState {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exporting => "EXPORTING",
            Self::SoftPaused => "SOFT_PAUSED",
            Self::Paused => "PAUSED",
        }
    }
}

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterConfig {
    /// [`CONFIG_FORMAT`].
    pub format: u32,
    /// Name of the cluster; data folders and links of other clusters are refused.
    pub cluster_id: String,
    /// Counts the decisions; the first version, from flags, is 1.
    pub version: u64,
    /// The brokers.
    pub brokers: BTreeMap<u32, BrokerEntry>,
    /// Partitions that requests go to. While the cluster grows there may be more in `partitions`.
    pub partition_count: u32,
    /// Modulus of the hash of correlation keys; fixed with the first start, so that what was
    /// opened under a key is found again.
    pub message_partitions: u32,
    /// Replicas of each partition that changes keep.
    pub replication_factor: u32,
    /// The replicas of each partition, highest priority first.
    pub partitions: BTreeMap<PartitionId, Vec<Member>>,
    /// The replicas of the metadata group.
    pub metadata: Vec<Member>,
    /// What exporters do.
    #[serde(default)]
    pub exporting: ExportingState,
    /// The change that is under way.
    pub pending: Option<Change>,
    /// The change that ended last.
    pub last: Option<FinishedChange>,
}

/// Members with descending priorities, all of them active.
pub(crate) fn active_members(nodes: &[u32]) -> Vec<Member> {
    let priorities = (1..=u32::try_from(nodes.len()).unwrap_or(u32::MAX)).rev();
    let member = |(&node, priority)| Member { node, priority, state: MemberState::Active };
    nodes.iter().zip(priorities).map(member).collect()
}

impl ClusterConfig {
    /// The first version, as flags say it: the same on every broker.
    ///
    /// # Errors
    /// When no such cluster can be.
    pub fn initial(
        cluster_id: &str,
        brokers: &BTreeMap<u32, String>,
        partition_count: u32,
        replication_factor: u32,
    ) -> Result<Self, Refusal> {
        let nodes: Vec<u32> = brokers.keys().copied().collect();
        check_counts(nodes.len(), partition_count, replication_factor)?;
        let placed = placement::round_robin(&nodes, partition_count, replication_factor);
        let entry =
            |(&node, address): (&u32, &String)| (node, BrokerEntry { address: address.clone() });
        let metadata_nodes: Vec<u32> = nodes.iter().copied().take(METADATA_VOTERS_MAX).collect();
        let config = Self {
            format: CONFIG_FORMAT,
            cluster_id: cluster_id.to_owned(),
            version: 1,
            brokers: brokers.iter().map(entry).collect(),
            partition_count,
            message_partitions: partition_count,
            replication_factor,
            partitions: placed.iter().map(|(id, nodes)| (*id, active_members(nodes))).collect(),
            metadata: active_members(&metadata_nodes),
            exporting: ExportingState::Exporting,
            pending: None,
            last: None,
        };
        config.validate()?;
        Ok(config)
    }

    /// The document as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Writing to memory a document whose keys are numbers and names cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a document, strictly: what this release does not know it does not guess.
    ///
    /// # Errors
    /// When it is none, of another format, or contradicts itself.
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let damaged = |error: serde_json::Error| {
            Refusal::invalid(format!("this is no cluster configuration: {error}"))
        };
        let head: Head = serde_json::from_slice(bytes).map_err(damaged)?;
        if head.format != CONFIG_FORMAT {
            return Err(Refusal::invalid(format!(
                "the cluster configuration has format {}, this release reads format \
                 {CONFIG_FORMAT}; start the release that wrote it, or a newer one",
                head.format
            )));
        }
        let config: Self = serde_json::from_slice(bytes).map_err(damaged)?;
        config.validate()?;
        Ok(config)
    }

    /// The replicas of a partition, or of the metadata group.
    #[must_use]
    pub fn members(&self, partition: PartitionId) -> &[Member] {
        match partition {
            METADATA_PARTITION => &self.metadata,
            _ => self.partitions.get(&partition).map_or(&[], Vec::as_slice),
        }
    }

    pub(crate) fn members_mut(&mut self, partition: PartitionId) -> &mut Vec<Member> {
        match partition {
            METADATA_PARTITION => &mut self.metadata,
            _ => self.partitions.entry(partition).or_default(),
        }
    }

    /// A broker's replica of a partition.
    #[must_use]
    pub fn member(&self, partition: PartitionId, node: u32) -> Option<&Member> {
        self.members(partition).iter().find(|member| member.node == node)
    }

    /// The partitions that a broker holds a replica of, ascending; not the metadata group.
    pub fn partitions_of(&self, node: u32) -> impl Iterator<Item = (PartitionId, &Member)> {
        self.partitions.iter().filter_map(move |(id, members)| {
            members.iter().find(|member| member.node == node).map(|member| (*id, member))
        })
    }

    /// Where every partition is: its brokers, highest priority first.
    #[must_use]
    pub fn placement(&self) -> BTreeMap<PartitionId, Vec<u32>> {
        let nodes = |members: &Vec<Member>| members.iter().map(|member| member.node).collect();
        self.partitions.iter().map(|(id, members)| (*id, nodes(members))).collect()
    }

    /// The number of the next change.
    #[must_use]
    pub fn next_change_id(&self) -> u64 {
        let pending = self.pending.as_ref().map_or(0, |change| change.id);
        let last = self.last.as_ref().map_or(0, |change| change.id);
        pending.max(last) + 1
    }

    /// The same document as the next version.
    #[must_use]
    pub(crate) fn next(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }

    /// Whether the document contradicts itself.
    ///
    /// # Errors
    /// With what is wrong.
    pub fn validate(&self) -> Result<(), Refusal> {
        let wrong = |what: String| {
            Err(Refusal::invalid(format!("the cluster configuration contradicts itself: {what}")))
        };
        if self.cluster_id.is_empty() {
            return Err(Refusal::invalid("a cluster needs a name (--cluster-id)"));
        }
        check_counts(self.brokers.len(), self.partition_count, self.replication_factor)?;
        if self.message_partitions == 0 || self.message_partitions > self.partition_count {
            return wrong(format!("{} partitions for messages", self.message_partitions));
        }
        let numbers = 1..=u32::try_from(self.partitions.len()).unwrap_or(u32::MAX);
        if !self.partitions.keys().copied().eq(numbers)
            || (self.partitions.len() as u64) < u64::from(self.partition_count)
        {
            return wrong(format!("{} partitions are not all there", self.partition_count));
        }
        let groups = self.partitions.iter().map(|(id, members)| (*id, members));
        for (id, members) in groups.chain([(METADATA_PARTITION, &self.metadata)]) {
            let nodes: BTreeSet<u32> = members.iter().map(|member| member.node).collect();
            if nodes.is_empty() || nodes.len() != members.len() {
                return wrong(format!("partition {id} needs distinct brokers, it has {members:?}"));
            }
            if let Some(node) = nodes.iter().find(|node| !self.brokers.contains_key(node)) {
                return wrong(format!("partition {id} is on broker {node}, which is not there"));
            }
        }
        Ok(())
    }
}

/// Whether a cluster of these sizes can be.
pub(crate) fn check_counts(
    brokers: usize,
    partition_count: u32,
    replication_factor: u32,
) -> Result<(), Refusal> {
    if brokers == 0 || brokers > CLUSTER_BROKERS_MAX {
        return Err(Refusal::invalid(format!(
            "{brokers} brokers cannot be; choose 1 to {CLUSTER_BROKERS_MAX}"
        )));
    }
    if partition_count == 0 || partition_count > PARTITIONS_MAX {
        return Err(Refusal::invalid(format!(
            "{partition_count} partitions cannot be; choose 1 to {PARTITIONS_MAX}"
        )));
    }
    if replication_factor == 0 || replication_factor as usize > brokers {
        return Err(Refusal::invalid(format!(
            "a replication factor of {replication_factor} cannot be with {brokers} brokers: each \
             replica needs a broker of its own; choose 1 to {brokers}, or add brokers"
        )));
    }
    Ok(())
}
