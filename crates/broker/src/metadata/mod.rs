//! The cluster configuration and who decides about it.
//!
//! [`ClusterConfig`] is the document; [`plan`] makes operations of a wish; the metadata group
//! ([`MetadataGroup`]) replicates the document as partition 0; the [`Coordinator`] on its leader
//! carries the operations out; every node makes its replicas what the document says ([`follow`]).
//!
//! Why it is so: `docs/adr/0009-metadata-group.md`.

mod config;
mod coordinator;
#[cfg(test)]
mod fake;
mod group;
mod host;
mod identity;
mod known;
mod manage;
mod operation;
pub mod placement;
mod planner;
mod refusal;
mod step;
mod store;
mod transition;
mod view;

pub use config::{
    BrokerEntry, CONFIG_FORMAT, ClusterConfig, ExportingState, METADATA_PARTITION, Member,
    MemberState,
};
pub use coordinator::Coordinator;
pub use group::{MetadataGroup, MetadataSettings, ProposeError};
pub use host::{
    GroupStatus, HostError, LocalReplicas, Reconfiguration, ReplicaHost, ReplicaStart, follow,
    replicas_of, start_of,
};
pub use identity::{Identity, IdentityError};
pub use known::KnownConfig;
pub use manage::{ManageRequest, Managed};
pub use operation::{Change, ChangeStatus, CompletedOperation, FinishedChange, Operation};
pub use planner::{Plan, Wanted, WantedBrokers, plan};
pub use refusal::{Refusal, RefusalKind};
pub use store::MetadataStore;
pub(crate) use view::cluster as cluster_view;
