//! Requests of other replicas, in the order in which they came.
//!
//! [`super::RaftReplication::receive`] may be called from any thread; one task of the replica hands
//! the requests to openraft one after the other and does not wait for the answers, so that appends
//! that were sent together share a flush.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use openraft::Raft;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use tokio::sync::{mpsc, oneshot};

use crate::replication::raft::admission::Admission;
use crate::replication::raft::snapshot_receive::{SnapshotReceive, Taken};
use crate::replication::raft::state_machine::StateMachine;
use crate::replication::raft::types::TypeConfig;
use crate::replication::raft::wire::{
    AppendReply, ProbeReply, Reply, Request, SnapshotPiece, SnapshotReply, Standing,
};

type Replica = Raft<TypeConfig, StateMachine>;

/// A request that waits for its turn.
pub(crate) struct Incoming {
    pub(crate) from: u64,
    pub(crate) request: Bytes,
    pub(crate) reply: oneshot::Sender<Bytes>,
}

/// Answers requests until nobody can send any more.
pub(crate) struct RaftInbox {
    pub(crate) raft: Replica,
    pub(crate) admission: Arc<Admission>,
    pub(crate) snapshots: SnapshotReceive,
}

type Answering = BoxFuture<'static, (oneshot::Sender<Bytes>, Reply)>;

impl RaftInbox {
    pub(crate) async fn run(mut self, mut incoming: mpsc::Receiver<Incoming>) {
        let mut answering: FuturesUnordered<Answering> = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                Some((reply, answer)) = answering.next(), if !answering.is_empty() => {
                    let _ = reply.send(answer.encode());
                }
                next = incoming.recv() => {
                    let Some(next) = next else { return };
                    self.take(next, &answering);
                }
            }
        }
    }

    fn take(&mut self, incoming: Incoming, answering: &FuturesUnordered<Answering>) {
        let Incoming { from, request, reply } = incoming;
        let mut answer = match Request::decode(request) {
            Ok(request) => self.answer(from, request),
            Err(error) => {
                tracing::warn!(from, %error, "a request of another replica cannot be read");
                refuse(error)
            }
        };
        // The first poll queues the request at openraft: here, in the order of arrival.
        match (&mut answer).now_or_never() {
            Some(answer) => drop(reply.send(answer.encode())),
            None => answering.push(answer.map(|answer| (reply, answer)).boxed()),
        }
    }

    fn answer(&mut self, from: u64, request: Request) -> BoxFuture<'static, Reply> {
        let raft = self.raft.clone();
        match request {
            Request::Probe => self.probe(),
            Request::Standing => standing(raft, self.admission.may_vote()).boxed(),
            _ if !self.admission.is_started() => refuse("it looks for its group"),
            Request::Append(request) => append(raft, self.admission.clone(), request).boxed(),
            Request::Vote(VoteRequest { last_log_id, .. })
            | Request::PreVote(VoteRequest { last_log_id, .. })
                if !self.admission.may_vote_for(last_log_id) =>
            {
                let (vote, last_log_id) = (self.raft.metrics().borrow_watched().vote, None);
                let reply = Reply::Vote(VoteResponse { vote, vote_granted: false, last_log_id });
                std::future::ready(reply).boxed()
            }
            Request::Vote(request) => {
                async move { raft.vote(request).await.map_or_else(stopped, Reply::Vote) }.boxed()
            }
            Request::PreVote(request) => {
                async move { raft.pre_vote(request).await.map_or_else(stopped, Reply::Vote) }
                    .boxed()
            }
            Request::Transfer(_) if !self.admission.may_vote() => {
                refuse("it has not caught up since it lost its data")
            }
            Request::Transfer(request) => async move {
                raft.handle_transfer_leader(request).await.map_or_else(stopped, Reply::Transfer)
            }
            .boxed(),
            Request::Snapshot(piece) => self.snapshot(from, piece),
        }
    }

    fn probe(&self) -> BoxFuture<'static, Reply> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let (vote, last_index) = (metrics.vote, metrics.last_log_index);
        let (started, votes) = (self.admission.is_started(), self.admission.may_vote());
        std::future::ready(Reply::Probe(ProbeReply { vote, last_index, started, votes })).boxed()
    }

    fn snapshot(&mut self, from: u64, piece: SnapshotPiece) -> BoxFuture<'static, Reply> {
        let own = self.raft.metrics().borrow_watched().vote;
        if own > piece.vote {
            let overruled = SnapshotReply::Done(SnapshotResponse::new(own));
            return std::future::ready(Reply::Snapshot(overruled)).boxed();
        }
        match self.snapshots.take(from, &piece) {
            Err(error) => {
                tracing::warn!(from, %error, "a snapshot could not be received");
                refuse(error)
            }
            Ok(Taken::Reply(reply)) => std::future::ready(Reply::Snapshot(reply)).boxed(),
            Ok(Taken::Complete(snapshot)) => {
                let raft = self.raft.clone();
                async move {
                    let installed = raft.install_full_snapshot(piece.vote, snapshot).await;
                    let done = |response| Reply::Snapshot(SnapshotReply::Done(response));
                    installed.map_or_else(stopped, done)
                }
                .boxed()
            }
        }
    }
}

async fn standing(raft: Replica, votes: bool) -> Reply {
    let look = move |state: &openraft::RaftState<TypeConfig>| {
        let memberships = &state.membership_state;
        let mut voters = Vec::new();
        for membership in [memberships.committed(), memberships.effective()] {
            let new = membership.get_joint_config().iter().filter(|set| !voters.contains(*set));
            let new: Vec<_> = new.cloned().collect();
            voters.extend(new);
        }
        let (vote, last_log_id) = (*state.vote_ref(), state.log_ids.last().copied());
        Standing { vote, last_log_id, votes, voters }
    };
    raft.with_raft_state(look).await.map_or_else(stopped, Reply::Standing)
}

async fn append(
    raft: Replica,
    admission: Arc<Admission>,
    request: AppendEntriesRequest<TypeConfig>,
) -> Reply {
    let progress = admission.progress(&request);
    let response = raft.append_entries(request).await;
    let reply = match response {
        Ok(AppendEntriesResponse::Success | AppendEntriesResponse::PartialSuccess(_)) => {
            if let Some(progress) = progress {
                admission.followed(progress).await;
            }
            AppendReply::Success
        }
        Ok(AppendEntriesResponse::Conflict) => AppendReply::Conflict,
        Ok(AppendEntriesResponse::HigherVote(vote)) => AppendReply::HigherVote(vote),
        Err(error) => return stopped(error),
    };
    Reply::Append(reply)
}

fn stopped(error: impl std::fmt::Display) -> Reply {
    Reply::Refused(error.to_string())
}

fn refuse(reason: impl std::fmt::Display) -> BoxFuture<'static, Reply> {
    std::future::ready(stopped(reason)).boxed()
}
