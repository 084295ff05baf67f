//! What nodes ask each other about the cluster: questions of operators for the coordinator, and
//! questions of the coordinator for the leaders of partitions.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use skep_protocol::PartitionId;

use crate::backup::BackupCall;
use crate::metadata::{ManageRequest, Reconfiguration};

/// A question, as JSON in a Manage frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::broker) enum NodeRequest {
    /// For the coordinator; answered with a `Managed`.
    Manage(ManageRequest),
    /// For a broker with a store of backups; answered with a `Managed`.
    Backups(BackupCall),
    /// For the leader of a partition; answered with a `GroupStatus`.
    Status {
        /// The partition.
        partition: PartitionId,
    },
    /// For the leader of a partition; answered with nothing.
    Reconfigure {
        /// Version of the configuration that asks for it.
        as_of: u64,
        /// The partition.
        partition: PartitionId,
        /// What is to be done.
        change: Reconfiguration,
    },
}

pub(in crate::broker) fn encode(value: &impl Serialize) -> Result<Bytes, String> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| error.to_string())
}

pub(in crate::broker) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let unreadable = |error| format!("what a node said about the cluster cannot be read: {error}");
    serde_json::from_slice(bytes).map_err(unreadable)
}
