//! openraft's network over [`Peers`].

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, Stream};
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{Backoff, RPCOption};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, StreamAppendResult,
    TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{BasicNode, OptionalSend, RaftNetworkFactory, RaftNetworkV2};
use skep_env::{Random, Tasks};

use crate::limits;
use crate::replication::raft::append_stream;
use crate::replication::raft::snapshot_send;
use crate::replication::raft::state_machine::StateSnapshot;
use crate::replication::raft::types::{TypeConfig, Vote};
use crate::replication::raft::wire::{AppendReply, Reply, Request};
use crate::replication::{PeerError, Peers};

type Snapshot = openraft::type_config::alias::SnapshotOf<TypeConfig, StateSnapshot>;

/// Makes the ways to other nodes.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) tasks: Arc<dyn Tasks>,
    pub(crate) random: Arc<dyn Random>,
}

/// The way to one node.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) node_id: u64,
    pub(crate) network: Network,
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Target;

    async fn new_client(&mut self, node_id: u64, _: &BasicNode) -> Target {
        Target { node_id, network: self.clone() }
    }
}

/// Why there is no reply.
pub(crate) fn no_reply(error: &PeerError) -> RPCError<TypeConfig> {
    match error {
        // Nothing can be sent: openraft waits longer and longer before it tries again.
        PeerError::NotConnected(_) | PeerError::NoReplica(_) => {
            RPCError::Unreachable(Unreachable::new(error))
        }
        PeerError::Lost(_) | PeerError::TimedOut(_) => RPCError::Network(NetworkError::new(error)),
    }
}

/// A reply that does not help: wait before the next attempt, or it is asked for without a pause.
pub(crate) fn unusable(node_id: u64, reply: &Result<Reply, String>) -> RPCError<TypeConfig> {
    let text = match reply {
        Ok(Reply::Refused(reason)) => format!("node {node_id} refused: {reason}"),
        Ok(_) => format!("node {node_id} replied to something else"),
        Err(error) => error.clone(),
    };
    RPCError::Unreachable(Unreachable::from_string(text))
}

impl Target {
    /// Queues a request now; the future is its reply.
    pub(crate) fn send(
        &self,
        request: bytes::Bytes,
        timeout: Duration,
    ) -> impl Future<Output = Result<Reply, RPCError<TypeConfig>>> + Send + 'static {
        let reply = self.network.peers.request(self.node_id, request, timeout);
        let node_id = self.node_id;
        async move {
            let bytes = reply.await.map_err(|error| no_reply(&error))?;
            Reply::decode(bytes).map_err(|error| unusable(node_id, &Err(error.to_string())))
        }
    }

    async fn ask(
        &self,
        request: &Request,
        timeout: Duration,
    ) -> Result<Reply, RPCError<TypeConfig>> {
        let bytes =
            request.encode().map_err(|error| RPCError::Network(NetworkError::new(&error)))?;
        self.send(bytes, timeout).await
    }

    async fn ask_for_vote(
        &self,
        request: Request,
        option: &RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        match self.ask(&request, option.hard_ttl()).await? {
            Reply::Vote(response) => Ok(response),
            other => Err(unusable(self.node_id, &Ok(other))),
        }
    }
}

/// What a broken build makes of a reply, which the simulator has to find.
#[cfg(feature = "mutation")]
fn granted_by_mistake(asked: Vote, response: VoteResponse<TypeConfig>) -> VoteResponse<TypeConfig> {
    if skep_engine::mutation::is("refused votes are counted") {
        VoteResponse { vote: asked, vote_granted: true, last_log_id: None }
    } else {
        response
    }
}

impl RaftNetworkV2<TypeConfig> for Target {
    type SnapshotData = StateSnapshot;

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<TypeConfig>,
        _: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RPCError<TypeConfig>> {
        let timeout = Duration::from_millis(limits::RAFT_APPEND_TIMEOUT_MS);
        match self.ask(&Request::Append(request), timeout).await? {
            Reply::Append(AppendReply::Success) => Ok(AppendEntriesResponse::Success),
            Reply::Append(AppendReply::Conflict) => Ok(AppendEntriesResponse::Conflict),
            Reply::Append(AppendReply::HigherVote(vote)) => {
                Ok(AppendEntriesResponse::HigherVote(vote))
            }
            other => Err(unusable(self.node_id, &Ok(other))),
        }
    }

    fn stream_append<'s, S>(
        &'s mut self,
        input: S,
        _: RPCOption,
    ) -> BoxFuture<
        's,
        Result<
            BoxStream<'s, Result<StreamAppendResult<TypeConfig>, RPCError<TypeConfig>>>,
            RPCError<TypeConfig>,
        >,
    >
    where
        S: Stream<Item = AppendEntriesRequest<TypeConfig>> + OptionalSend + Unpin + 'static,
    {
        let replies: BoxStream<'s, _> = Box::pin(append_stream::pipeline(self.clone(), input));
        async move { Ok(replies) }.boxed()
    }

    async fn vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        #[cfg(feature = "mutation")]
        let asked = request.vote;
        let response = self.ask_for_vote(Request::Vote(request), &option).await;
        #[cfg(feature = "mutation")]
        let response = response.map(|response| granted_by_mistake(asked, response));
        response
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        #[cfg(feature = "mutation")]
        let asked = request.vote;
        let response = self.ask_for_vote(Request::PreVote(request), &option).await;
        #[cfg(feature = "mutation")]
        let response = response.map(|response| granted_by_mistake(asked, response));
        response
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let sending = snapshot_send::send(self, vote, snapshot);
        tokio::select! {
            biased;
            closed = cancel => Err(StreamingError::Closed(closed)),
            sent = sending => sent,
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, RPCError<TypeConfig>> {
        match self.ask(&Request::Transfer(request), option.hard_ttl()).await? {
            Reply::Transfer(response) => Ok(response),
            other => Err(unusable(self.node_id, &Ok(other))),
        }
    }

    fn backoff(&self) -> Option<Backoff> {
        let (first, longest) = (limits::RAFT_BACKOFF_MIN_MS, limits::RAFT_BACKOFF_MAX_MS);
        let pauses = std::iter::successors(Some(first), move |pause| {
            Some(pause.saturating_mul(2).min(longest))
        });
        Some(Backoff::new(pauses.map(Duration::from_millis)))
    }
}
