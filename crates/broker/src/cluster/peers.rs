//! The way of a replica to the replicas of its partition: frames on the links.

use std::sync::Weak;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use skep_protocol::PartitionId;

use crate::cluster::frame::{Frame, FrameKind, NodeName};
use crate::cluster::link::Reply;
use crate::cluster::node::Cluster;
use crate::replication::{PeerError, Peers};

/// The peers of one replica.
pub(crate) struct LinkPeers {
    pub(crate) cluster: Weak<Cluster>,
    pub(crate) partition: PartitionId,
}

impl Peers for LinkPeers {
    fn request(
        &self,
        node_id: u64,
        request: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'static, Result<Bytes, PeerError>> {
        let away = PeerError::NotConnected(node_id);
        let link = u32::try_from(node_id).ok().and_then(|node| {
            self.cluster.upgrade().and_then(|cluster| cluster.link(NodeName::Broker(node)))
        });
        let Some(link) = link else { return Box::pin(async { Err(away) }) };
        let partition = self.partition;
        let encode = |id| Frame::RaftRequest { request: id, partition, bytes: request }.encode();
        // Queued here, in the order of the calls.
        let Ok(call) = link.request(FrameKind::RaftRequest, encode) else {
            return Box::pin(async { Err(away) });
        };
        Box::pin(async move {
            match tokio::time::timeout(timeout, call.answer()).await {
                Ok(Some(Reply::Bytes(Ok(reply)))) => Ok(reply),
                Ok(Some(Reply::Bytes(Err(_)))) => Err(PeerError::NoReplica(node_id)),
                Ok(Some(Reply::Answer(_)) | None) => Err(PeerError::Lost(node_id)),
                Err(_) => Err(PeerError::TimedOut(node_id)),
            }
        })
    }

    fn known(&self) -> Vec<u64> {
        let config = self.cluster.upgrade().and_then(|cluster| cluster.config());
        let members = config.iter().flat_map(|config| config.members(self.partition));
        members.map(|member| u64::from(member.node)).collect()
    }
}
