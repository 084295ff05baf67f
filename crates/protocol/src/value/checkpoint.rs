//! The cut of a backup.

/// Value of CHECKPOINT: a position that belongs to a consistent cut through all partitions.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CheckpointRecord {
    /// Number of the cut, the same on all partitions, ascending.
    #[prost(uint64, tag = "1")]
    pub checkpoint_id: u64,
    /// Position of the CREATED event on this partition; a backup holds what is up to it.
    #[prost(uint64, tag = "2")]
    pub checkpoint_position: u64,
}
