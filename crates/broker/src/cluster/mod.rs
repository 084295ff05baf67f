//! Several nodes as one cluster: links between them, what they tell each other, and where a command
//! goes.
//!
//! A node has one link to every other (`link`): frames (`frame`) of all purposes share it. Each
//! node tells its roles to all (`tell`), so that every one of them knows the leaders (`view`) and
//! sends requests there (`route`). Jobs that were activated for another node are kept until a worker
//! has them, and go back when the link breaks (`serve`).

mod dial;
pub(crate) mod frame;
mod handshake;
pub mod limits;
mod link;
mod listen;
mod live;
pub mod metrics;
mod node;
mod peers;
mod route;
mod serve;
mod settings;
mod start;
mod tell;
mod transport;
mod view;

use bytes::Bytes;
use futures::future::BoxFuture;

pub use frame::NodeName;
pub(crate) use frame::ReplicaState;
pub(crate) use link::kind::BETWEEN_PARTITIONS;
pub(crate) use link::name_of;
pub(crate) use node::{Cluster, ClusterParts};
pub(crate) use peers::LinkPeers;
pub(crate) use route::Patience;
pub(crate) use settings::check_address;
pub use settings::{CLUSTER_ID_DEFAULT, ClusterSettings};
pub(crate) use start::{bind, start};
pub(crate) use transport::ClusterTransport;

/// A replica that takes the messages of its partition's other replicas.
pub trait ReplicaReceiver: Send + Sync {
    /// Hands over a message, in the call itself; the future gives the reply, or why there is none.
    fn receive(&self, from: u64, message: Bytes) -> BoxFuture<'static, Result<Bytes, String>>;

    /// A node is not connected any more.
    fn peer_lost(&self, node: u64);

    /// A node is connected again.
    fn peer_found(&self, node: u64);
}
