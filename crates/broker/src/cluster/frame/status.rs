//! What a node does for its partitions, as it tells the others.

use bytes::{BufMut, BytesMut};
use skep_protocol::PartitionId;

use super::wire::{FrameError, Reader, put_len, put_text};
use crate::topology::{DistributionStatus, PartitionHealth, PartitionRole, PartitionStatus};

/// The roles of a node at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NodeStatus {
    /// The life of the node that tells it.
    pub(crate) incarnation: u64,
    /// Grows with every status of a life: links may reorder.
    pub(crate) sequence: u64,
    /// Its replicas, by partition.
    pub(crate) replicas: Vec<ReplicaState>,
}

/// One replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplicaState {
    /// The term that it leads; of no meaning for followers.
    pub(crate) term: u64,
    pub(crate) status: PartitionStatus,
    /// What other partitions have not acknowledged; only leaders know.
    pub(crate) distributions: Vec<DistributionStatus>,
}

/// Bytes that a replica takes at least.
const REPLICA_BYTES_MIN: usize = 4 + 1 + 8 + 1 + 4 + 8 + 4;

/// Bytes that a pending distribution takes at least.
const DISTRIBUTION_BYTES_MIN: usize = 4 + 8 + 8 + 8 + 4 + 4 + 4 + 1;

impl NodeStatus {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u64_le(self.incarnation);
        out.put_u64_le(self.sequence);
        put_len(out, self.replicas.len());
        for replica in &self.replicas {
            out.put_u32_le(replica.status.id);
            out.put_u8(match replica.status.role {
                PartitionRole::Leader => 0,
                PartitionRole::Follower => 1,
                PartitionRole::Inactive => 2,
            });
            out.put_u64_le(replica.term);
            let (health, reason) = match &replica.status.health {
                PartitionHealth::Healthy => (0, ""),
                PartitionHealth::Unhealthy { reason } => (1, reason.as_str()),
                PartitionHealth::Dead { reason } => (2, reason.as_str()),
            };
            out.put_u8(health);
            put_text(out, reason);
            out.put_u64_le(replica.status.last_position);
            put_len(out, replica.distributions.len());
            for distribution in &replica.distributions {
                encode_distribution(distribution, out);
            }
        }
    }

    pub(super) fn decode(reader: &mut Reader) -> Result<Self, FrameError> {
        let incarnation = reader.u64()?;
        let sequence = reader.u64()?;
        let count = reader.count(REPLICA_BYTES_MIN)?;
        let mut replicas = Vec::with_capacity(count);
        for _ in 0..count {
            replicas.push(replica(reader)?);
        }
        Ok(Self { incarnation, sequence, replicas })
    }
}

fn replica(reader: &mut Reader) -> Result<ReplicaState, FrameError> {
    let id: PartitionId = reader.u32()?;
    let role = match reader.u8()? {
        0 => PartitionRole::Leader,
        1 => PartitionRole::Follower,
        2 => PartitionRole::Inactive,
        other => return Err(FrameError::Unknown(format!("role {other}"))),
    };
    let term = reader.u64()?;
    let health = reader.u8()?;
    let reason = reader.text()?;
    let health = match health {
        0 => PartitionHealth::Healthy,
        1 => PartitionHealth::Unhealthy { reason },
        2 => PartitionHealth::Dead { reason },
        other => return Err(FrameError::Unknown(format!("health {other}"))),
    };
    let last_position = reader.u64()?;
    let count = reader.count(DISTRIBUTION_BYTES_MIN)?;
    let mut distributions = Vec::with_capacity(count);
    for _ in 0..count {
        distributions.push(distribution(id, reader)?);
    }
    let status = PartitionStatus { id, role, health, last_position };
    Ok(ReplicaState { term, status, distributions })
}

fn encode_distribution(distribution: &DistributionStatus, out: &mut BytesMut) {
    out.put_u32_le(distribution.receiver);
    out.put_u64_le(distribution.count);
    out.put_u64_le(distribution.oldest_key);
    out.put_u64_le(distribution.oldest_since_ms.cast_unsigned());
    out.put_u32_le(distribution.attempts);
    put_text(out, &distribution.value_type);
    put_text(out, &distribution.intent);
    out.put_u8(u8::from(distribution.away));
}

fn distribution(
    partition: PartitionId,
    reader: &mut Reader,
) -> Result<DistributionStatus, FrameError> {
    Ok(DistributionStatus {
        partition,
        receiver: reader.u32()?,
        count: reader.u64()?,
        oldest_key: reader.u64()?,
        oldest_since_ms: reader.u64()?.cast_signed(),
        attempts: reader.u32()?,
        value_type: reader.text()?,
        intent: reader.text()?,
        away: reader.bool()?,
    })
}
