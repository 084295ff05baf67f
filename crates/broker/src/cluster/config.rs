//! The configuration of a cluster: which brokers there are and which replicas they have.
//!
//! Before anything was ever changed it is computed from the flags, by every broker alike.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use skep_protocol::PartitionId;
use skep_protocol::limits::PARTITIONS_MAX;

use crate::cluster::limits::BROKERS_MAX;

/// Name of a cluster that was not given one.
pub const CLUSTER_ID_DEFAULT: &str = "skep-cluster";

/// A broker and where the others dial it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerAddress {
    /// Number.
    pub id: u32,
    /// `host:port`.
    pub address: String,
}

/// Brokers, partitions, and who has which replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterConfig {
    /// Name of the cluster; nodes of another name are refused.
    pub cluster_id: String,
    /// Grows with every change; the higher one counts. The first is 1.
    pub version: u64,
    /// The brokers, ascending.
    pub brokers: Vec<BrokerAddress>,
    /// Number of partitions.
    pub partition_count: u32,
    /// Partitions that messages are spread over: fixed at the first start, because
    /// subscriptions lie where the hash says.
    pub message_partitions: u32,
    /// Copies of each partition.
    pub replication_factor: u32,
    /// The brokers that have a replica of each partition; the first has the highest priority.
    pub placement: BTreeMap<PartitionId, Vec<u32>>,
}

impl ClusterConfig {
    /// The configuration of a new cluster: partition p lies on the brokers that begin with the
    /// (p-1)th, one after the other.
    ///
    /// # Errors
    /// With what to do, when such a cluster cannot be.
    pub fn first(
        cluster_id: &str,
        brokers: &BTreeMap<u32, String>,
        partition_count: u32,
        replication_factor: u32,
    ) -> Result<Self, String> {
        check_counts(brokers.len(), partition_count, replication_factor)?;
        let ids: Vec<u32> = brokers.keys().copied().collect();
        let place = |partition: PartitionId| {
            let first = partition as usize - 1;
            let replicas = 0..replication_factor as usize;
            replicas.map(|offset| ids[(first + offset) % ids.len()]).collect()
        };
        Ok(Self {
            cluster_id: cluster_id.to_owned(),
            version: 1,
            brokers: brokers
                .iter()
                .map(|(id, address)| BrokerAddress { id: *id, address: address.clone() })
                .collect(),
            partition_count,
            message_partitions: partition_count,
            replication_factor,
            placement: (1..=partition_count)
                .map(|partition| (partition, place(partition)))
                .collect(),
        })
    }

    /// The partitions that a broker has a replica of.
    pub fn partitions_of(&self, node_id: u32) -> impl Iterator<Item = PartitionId> + '_ {
        let has = move |members: &Vec<u32>| members.contains(&node_id);
        self.placement.iter().filter(move |(_, members)| has(members)).map(|(id, _)| *id)
    }

    /// The members of a partition with their priorities; a higher one is preferred as leader.
    #[must_use]
    pub fn members_of(&self, partition: PartitionId) -> BTreeMap<u64, u32> {
        let members = self.placement.get(&partition).map_or(&[][..], Vec::as_slice);
        let count = members.len();
        let priority = |index: usize| u32::try_from(count - index).unwrap_or(1);
        members.iter().enumerate().map(|(index, id)| (u64::from(*id), priority(index))).collect()
    }

    /// Where a broker is dialled.
    #[must_use]
    pub fn address_of(&self, node_id: u32) -> Option<&str> {
        let broker = self.brokers.iter().find(|broker| broker.id == node_id);
        broker.map(|broker| broker.address.as_str())
    }
}

fn check_counts(brokers: usize, partitions: u32, replicas: u32) -> Result<(), String> {
    if brokers == 0 || brokers > BROKERS_MAX {
        return Err(format!("a cluster of {brokers} brokers cannot be; it has 1 to {BROKERS_MAX}"));
    }
    if partitions == 0 || partitions > PARTITIONS_MAX {
        return Err(format!(
            "{partitions} partitions cannot be; choose 1 to {PARTITIONS_MAX} with --partitions"
        ));
    }
    if replicas == 0 || replicas as usize > brokers {
        return Err(format!(
            "a replication factor of {replicas} cannot be in a cluster of {brokers} broker(s): every copy \
             lies on another broker; choose 1 to {brokers} with --replication-factor, or name more \
             brokers with --peers"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brokers(count: u32) -> BTreeMap<u32, String> {
        (0..count).map(|id| (id, format!("host-{id}:26502"))).collect()
    }

    #[test]
    fn partitions_are_placed_round_robin() {
        let config = ClusterConfig::first("c", &brokers(3), 4, 2).unwrap();
        let placed: Vec<_> = config.placement.values().cloned().collect();
        assert_eq!(placed, [vec![0, 1], vec![1, 2], vec![2, 0], vec![0, 1]]);
        assert_eq!(config.partitions_of(0).collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!(config.members_of(3), BTreeMap::from([(0, 1), (2, 2)]));
        assert_eq!(config.address_of(2), Some("host-2:26502"));
        assert_eq!((config.version, config.message_partitions), (1, 4));
    }

    #[test]
    fn a_cluster_that_cannot_be_is_refused() {
        let refused = |count, partitions, replicas| {
            ClusterConfig::first("c", &brokers(count), partitions, replicas).unwrap_err()
        };
        assert!(refused(2, 1, 3).contains("choose 1 to 2 with --replication-factor"));
        assert!(refused(2, 1, 0).contains("replication factor of 0"));
        assert!(refused(2, 0, 1).contains("--partitions"));
        assert!(refused(0, 1, 1).contains("0 brokers"));
    }
}
