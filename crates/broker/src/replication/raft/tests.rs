//! Appends to a follower that a test plays.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use openraft::EntryPayload;
use openraft::errors::RPCError;
use openraft::raft::{AppendEntriesRequest, StreamAppendError};
use parking_lot::Mutex;
use skep_env::task::LocalTasks;
use skep_env::{Random, SeededRandom};
use tokio::sync::oneshot;

use crate::limits;
use crate::replication::raft::append_stream::pipeline;
use crate::replication::raft::network::{Network, Target};
use crate::replication::raft::types::{Batch, Entry, TypeConfig, new_log_id, new_vote};
use crate::replication::raft::wire::{AppendReply, Reply, Request};
use crate::replication::{PeerError, Peers};

/// Requests that were sent and not answered.
#[derive(Clone, Default)]
struct Follower(Arc<Mutex<VecDeque<Sent>>>);

struct Sent {
    request: Bytes,
    reply: oneshot::Sender<Result<Bytes, PeerError>>,
}

impl Peers for Follower {
    fn request(
        &self,
        node_id: u64,
        request: Bytes,
        _: Duration,
    ) -> BoxFuture<'static, Result<Bytes, PeerError>> {
        let (reply, answer) = oneshot::channel();
        self.0.lock().push_back(Sent { request, reply });
        async move { answer.await.unwrap_or(Err(PeerError::Lost(node_id))) }.boxed()
    }
}

impl Follower {
    fn target(&self) -> Target {
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
        let (peers, tasks) = (Arc::new(self.clone()), Arc::new(LocalTasks));
        Target { node_id: 2, network: Network { peers, tasks, random } }
    }

    fn sent(&self) -> usize {
        self.0.lock().len()
    }

    /// Answers the request at this place.
    fn reply(&self, at: usize, reply: Result<Reply, PeerError>) {
        let sent = self.0.lock().remove(at).unwrap();
        assert!(Request::decode(sent.request).is_ok());
        let _ = sent.reply.send(reply.map(|reply| reply.encode()));
    }
}

/// One append for each index from 0, of so many bytes.
fn appends(bytes: usize) -> impl futures::Stream<Item = AppendEntriesRequest<TypeConfig>> + Unpin {
    let append = move |index: u64| {
        let batch = Batch::new(1, index + 1, Bytes::from(vec![0; bytes]));
        AppendEntriesRequest {
            vote: new_vote(1, 1, true),
            prev_log_id: index.checked_sub(1).map(|previous| new_log_id(1, previous)),
            entries: vec![Entry {
                log_id: new_log_id(1, index),
                payload: EntryPayload::Normal(batch),
            }],
            leader_commit: None,
        }
    };
    futures::stream::iter((0..1_000_000).map(append))
}

fn success() -> Result<Reply, PeerError> {
    Ok(Reply::Append(AppendReply::Success))
}

#[tokio::test]
async fn appends_are_sent_without_waiting_up_to_the_window() {
    let follower = Follower::default();
    let mut replies = Box::pin(pipeline(follower.target(), appends(10)));
    assert!(replies.next().now_or_never().is_none());
    assert_eq!(follower.sent(), limits::RAFT_WINDOW_REQUESTS);
    // The replies come in any order, and are handed over in that of the appends.
    follower.reply(1, success());
    assert!(replies.next().now_or_never().is_none());
    follower.reply(0, success());
    for index in 0..2 {
        let reply = replies.next().now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(reply, Ok(Some(new_log_id(1, index))));
    }
    assert!(replies.next().now_or_never().is_none());
    assert_eq!(follower.sent(), limits::RAFT_WINDOW_REQUESTS, "two more");

    let follower = Follower::default();
    let megabyte = 1024 * 1024;
    let mut replies = Box::pin(pipeline(follower.target(), appends(megabyte)));
    assert!(replies.next().now_or_never().is_none());
    assert_eq!(follower.sent(), limits::RAFT_WINDOW_BYTES / megabyte);
}

#[tokio::test]
async fn the_first_reply_that_is_no_success_ends_the_stream() {
    let follower = Follower::default();
    let mut replies = Box::pin(pipeline(follower.target(), appends(10)));
    assert!(replies.next().now_or_never().is_none());
    follower.reply(0, success());
    follower.reply(0, Ok(Reply::Append(AppendReply::Conflict)));
    assert!(replies.next().await.unwrap().unwrap().is_ok());
    let conflict = replies.next().await.unwrap().unwrap();
    assert_eq!(conflict, Err(StreamAppendError::Conflict(new_log_id(1, 0))));
    assert!(replies.next().await.is_none());

    for (reply, waits) in [
        (Err(PeerError::NotConnected(2)), true),
        (Err(PeerError::TimedOut(2)), false),
        (Ok(Reply::Refused("not now".to_owned())), true),
    ] {
        let follower = Follower::default();
        let mut replies = Box::pin(pipeline(follower.target(), appends(10)));
        assert!(replies.next().now_or_never().is_none());
        follower.reply(0, reply);
        let error = replies.next().await.unwrap().unwrap_err();
        assert_eq!(matches!(error, RPCError::Unreachable(_)), waits, "{error}");
        assert!(replies.next().await.is_none());
    }
}
