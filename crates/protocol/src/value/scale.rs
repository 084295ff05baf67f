//! The number of partitions.

use crate::{Key, PartitionId};

/// Value of SCALE: the partitions become more.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ScaleRecord {
    /// How many partitions there will be, or are.
    #[prost(uint32, tag = "1")]
    pub desired_partition_count: u32,
    /// STATUS_RESPONSE: the partitions that have everything that was deployed.
    #[prost(uint32, repeated, tag = "2")]
    pub redistributed_partitions: Vec<PartitionId>,
    /// SCALING_UP: how many there were before.
    #[prost(uint32, tag = "3")]
    pub previous_partition_count: u32,
    /// BOOTSTRAP and what follows: the new partition that it is about.
    #[prost(uint32, tag = "4")]
    pub partition_id: PartitionId,
    /// BOOTSTRAPPING: definitions up to this one are on their way to the partition.
    #[prost(uint64, tag = "5")]
    pub definitions_up_to: Key,
    /// BOOTSTRAPPING: the last distribution with which they are.
    #[prost(uint64, tag = "6")]
    pub last_distribution_key: Key,
    /// BOOTSTRAPPING: that were all; later deployments are distributed to it as to any partition.
    #[prost(bool, tag = "7")]
    pub complete: bool,
}
