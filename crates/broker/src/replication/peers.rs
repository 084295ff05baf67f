//! The way from a replica to the replicas of its partition on other nodes.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

/// Why a request to another node has no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// There is no connection: the request was not sent.
    #[error("node {0} is not connected")]
    NotConnected(u64),
    /// It is there and has no replica that could answer: it never had one, gave it up, or does not
    /// run it yet.
    #[error("node {0} runs no replica of it")]
    NoReplica(u64),
    /// The connection broke: the request may have arrived.
    #[error("the connection to node {0} was lost")]
    Lost(u64),
    /// No reply in time: the request may have arrived.
    #[error("node {0} did not reply in time")]
    TimedOut(u64),
}

/// Brings the messages of a replica to the replicas of its partition on other nodes.
pub trait Peers: Send + Sync + 'static {
    /// Sends a request; requests to one node are handed over in the order of calls, which is when
    /// they are queued, not when the future is first polled. The reply comes when it comes.
    ///
    /// The future fails with a [`PeerError`] when the node is not connected, the connection is lost,
    /// or the reply does not come within `timeout`.
    fn request(
        &self,
        node_id: u64,
        request: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'static, Result<Bytes, PeerError>>;

    /// Nodes that are to have a replica, as far as is known now and by other ways than the replica
    /// itself. It is for finding them: some may have none, and others may have one.
    fn known(&self) -> Vec<u64> {
        Vec::new()
    }
}

/// The peers of a replica that has no others.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPeers;

impl Peers for NoPeers {
    fn request(
        &self,
        node_id: u64,
        _: Bytes,
        _: Duration,
    ) -> BoxFuture<'static, Result<Bytes, PeerError>> {
        Box::pin(async move { Err(PeerError::NotConnected(node_id)) })
    }
}
