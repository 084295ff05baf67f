//! Commands from partition to partition.

use skep_protocol::{Command, PartitionId};

/// Brings commands to partitions, at most once each and in order per sender and receiver: the
/// engine of the sender repeats what is not acknowledged.
pub(crate) trait Transport: Send + Sync {
    /// Hands a command to a partition. Backpressure never refuses it, but a full inbox drops it.
    fn send(&self, partition: PartitionId, command: Command);
}
