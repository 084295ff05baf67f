//! The network of a replica that has no other: nobody is ever called.
//!
//! A cluster replaces this factory by one that streams appends over connections between nodes.

use std::future::Future;

use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::RPCOption;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::{BasicNode, OptionalSend, RaftNetworkFactory, RaftNetworkV2};

use crate::replication::raft::state_machine::StateSnapshot;
use crate::replication::raft::types::{TypeConfig, Vote};

/// Connects to nobody.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NoNetwork;

/// A node that cannot be reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoNode(u64);

impl NoNode {
    fn unreachable(self) -> Unreachable<TypeConfig> {
        Unreachable::from_string(format!("this node knows no way to node {}", self.0))
    }
}

impl RaftNetworkFactory<TypeConfig> for NoNetwork {
    type Network = NoNode;

    async fn new_client(&mut self, target: u64, _: &BasicNode) -> NoNode {
        NoNode(target)
    }
}

impl RaftNetworkV2<TypeConfig> for NoNode {
    type SnapshotData = StateSnapshot;

    async fn append_entries(
        &mut self,
        _: AppendEntriesRequest<TypeConfig>,
        _: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RPCError<TypeConfig>> {
        Err(RPCError::Unreachable(self.unreachable()))
    }

    async fn vote(
        &mut self,
        _: VoteRequest<TypeConfig>,
        _: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        Err(RPCError::Unreachable(self.unreachable()))
    }

    async fn full_snapshot(
        &mut self,
        _: Vote,
        _: openraft::type_config::alias::SnapshotOf<TypeConfig, StateSnapshot>,
        _: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        Err(StreamingError::Unreachable(self.unreachable()))
    }
}
