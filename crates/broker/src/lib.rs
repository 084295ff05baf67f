//! Partition runtime: consensus, stream processor, distribution, backpressure.
//!
//! A node is a [`Broker`]: it opens the data folder and runs the partitions, each on a thread of its
//! own. A command goes into a partition's inbox; the stream processor hands it to the engine, puts
//! the records into the replicated log and, when they are committed, releases the effects: answers,
//! pushed jobs, commands to other partitions.
//!
//! Absent on purpose: HTTP and gRPC types, and any knowledge of BPMN.

pub mod backup;
mod broker;
pub mod chaos;
pub mod cluster;
mod config;
mod error;
mod jobs;
pub mod limits;
pub mod metadata;
pub mod metrics;
mod observer;
mod partition;
pub mod replication;
mod topology;
mod transport;

pub use broker::{Broker, ReplicaControl, ReplicaReport};
pub use cluster::{CLUSTER_ID_DEFAULT, ClusterSettings};
pub use config::{BrokerConfig, DataLocation, Environment, GatewayConfig, NodeClock, OpenState};
pub use error::BrokerError;
pub use jobs::{ActivatedJobs, JobStream, JobStreamSpec, JobStreamStatus, JobsAvailable};
pub use observer::{Inspection, Observed, Observer};
#[cfg(feature = "mutation")]
pub use skep_engine::mutation;
pub use skep_engine::{ActivatedJob, Response};
pub use topology::{
    BrokerStatus, DistributionStatus, PartitionHealth, PartitionRole, PartitionStatus, Topology,
};
