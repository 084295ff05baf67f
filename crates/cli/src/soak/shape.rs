//! What a soak has to know of its cluster.

use crate::cluster::layout::NodeKind;
use crate::cluster::state::ClusterState;

/// The cluster, as far as it decides what can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) brokers: u64,
    pub(super) partitions: u64,
    /// Its nodes were started with fault points.
    pub(super) has_fault_points: bool,
}

impl Shape {
    pub(super) fn of(cluster: &ClusterState) -> Self {
        Self {
            brokers: cluster.of_kind(NodeKind::Broker).count() as u64,
            partitions: u64::from(cluster.partitions),
            has_fault_points: cluster.chaos_token.is_some(),
        }
    }
}
