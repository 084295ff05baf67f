//! Deployments, process definitions, deletion and distribution.

use bytes::Bytes;

use crate::{DecisionMetadata, DecisionRequirementsMetadata, Key, PartitionId};

/// One file of a deployment.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResourceRecord {
    /// File name as the client sent it.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Content.
    #[prost(bytes = "bytes", tag = "2")]
    pub content: Bytes,
}

/// A process definition that a deployment made or found again.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ProcessMetadata {
    /// Process id.
    #[prost(string, tag = "1")]
    pub bpmn_process_id: String,
    /// Version, from 1.
    #[prost(uint32, tag = "2")]
    pub version: u32,
    /// Process definition.
    #[prost(uint64, tag = "3")]
    pub process_definition_key: Key,
    /// File that it came from.
    #[prost(string, tag = "4")]
    pub resource_name: String,
    /// Checksum of the file.
    #[prost(bytes = "bytes", tag = "5")]
    pub checksum: Bytes,
    /// It was there already.
    #[prost(bool, tag = "6")]
    pub duplicate: bool,
    /// Version tag of the model, empty when none.
    #[prost(string, tag = "7")]
    pub version_tag: String,
}

/// Value of DEPLOYMENT.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DeploymentRecord {
    /// Files.
    #[prost(message, repeated, tag = "1")]
    pub resources: Vec<ResourceRecord>,
    /// Processes, in the order of the files.
    #[prost(message, repeated, tag = "2")]
    pub processes: Vec<ProcessMetadata>,
    /// The deployment itself.
    #[prost(uint64, tag = "3")]
    pub deployment_key: Key,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "4")]
    pub tenant_id: String,
    /// Decisions, in the order of the files.
    #[prost(message, repeated, tag = "5")]
    pub decisions: Vec<DecisionMetadata>,
    /// Decision requirements graphs, in the order of the files.
    #[prost(message, repeated, tag = "6")]
    pub decision_requirements: Vec<DecisionRequirementsMetadata>,
    /// CREATE: answer when all partitions have it, however long that takes.
    #[prost(bool, tag = "7")]
    pub awaits_all_partitions: bool,
}

/// Value of PROCESS.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ProcessRecord {
    /// Process id.
    #[prost(string, tag = "1")]
    pub bpmn_process_id: String,
    /// Version, from 1.
    #[prost(uint32, tag = "2")]
    pub version: u32,
    /// Process definition.
    #[prost(uint64, tag = "3")]
    pub process_definition_key: Key,
    /// File that it came from.
    #[prost(string, tag = "4")]
    pub resource_name: String,
    /// The file's content; empty on deletion.
    #[prost(bytes = "bytes", tag = "5")]
    pub resource: Bytes,
    /// Checksum of the file.
    #[prost(bytes = "bytes", tag = "6")]
    pub checksum: Bytes,
    /// Deployment that made it.
    #[prost(uint64, tag = "7")]
    pub deployment_key: Key,
    /// Version tag, empty when none.
    #[prost(string, tag = "8")]
    pub version_tag: String,
    /// Tenant; empty means the default one.
    #[prost(string, tag = "9")]
    pub tenant_id: String,
}

/// Value of RESOURCE_DELETION.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ResourceDeletionRecord {
    /// The definition to delete.
    #[prost(uint64, tag = "1")]
    pub resource_key: Key,
}

/// Value of COMMAND_DISTRIBUTION: a command on its way to the other partitions. The key of the
/// record is the distribution's; the receiver knows a second delivery by it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CommandDistributionRecord {
    /// Receiving partition; 0 on STARTED and FINISHED.
    #[prost(uint32, tag = "1")]
    pub partition_id: PartitionId,
    /// Value type number of the command.
    #[prost(uint32, tag = "2")]
    pub value_type: u32,
    /// Intent number of the command.
    #[prost(uint32, tag = "3")]
    pub intent: u32,
    /// Encoded value of the command (STARTED only).
    #[prost(bytes = "bytes", tag = "4")]
    pub command: Bytes,
    /// Key of the command.
    #[prost(uint64, tag = "5")]
    pub command_key: Key,
    /// DISTRIBUTING: the distribution to the same receiver before this one, 0 when there was none.
    #[prost(uint64, tag = "6")]
    pub predecessor: Key,
}
