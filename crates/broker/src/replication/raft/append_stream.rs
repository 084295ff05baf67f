//! Appends to one follower, many at a time.
//!
//! Every append is sent as soon as openraft makes it, until the window is full; replies are handed
//! over in the order of the appends, whatever the order in which they come. The first reply that is
//! no success ends the stream: openraft looks what it means and begins another one.

use std::collections::VecDeque;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt};
use openraft::errors::{NetworkError, RPCError};
use openraft::raft::{AppendEntriesRequest, StreamAppendError, StreamAppendResult};

use crate::limits;
use crate::replication::raft::network::{Target, unusable};
use crate::replication::raft::types::{LogId, TypeConfig};
use crate::replication::raft::wire::{AppendReply, Reply, Request};

type Outcome = Result<StreamAppendResult<TypeConfig>, RPCError<TypeConfig>>;

/// An append that has no reply yet.
struct InFlight {
    previous: Option<LogId>,
    last: Option<LogId>,
    bytes: usize,
    reply: BoxFuture<'static, Result<Reply, RPCError<TypeConfig>>>,
}

struct Pipeline<S> {
    target: Target,
    /// None when openraft has nothing more.
    input: Option<S>,
    in_flight: VecDeque<InFlight>,
    bytes: usize,
    ended: bool,
}

/// The replies to the appends of `input`.
pub(super) fn pipeline<S>(target: Target, input: S) -> impl Stream<Item = Outcome> + Send
where
    S: Stream<Item = AppendEntriesRequest<TypeConfig>> + Send + Unpin + 'static,
{
    let pipeline =
        Pipeline { target, input: Some(input), in_flight: VecDeque::new(), bytes: 0, ended: false };
    futures::stream::unfold(pipeline, |mut pipeline| async move {
        let outcome = pipeline.next().await?;
        pipeline.ended = !matches!(outcome, Ok(Ok(_)));
        Some((outcome, pipeline))
    })
}

enum Step {
    Send(Option<AppendEntriesRequest<TypeConfig>>),
    Replied(Result<Reply, RPCError<TypeConfig>>),
}

impl<S> Pipeline<S>
where
    S: Stream<Item = AppendEntriesRequest<TypeConfig>> + Send + Unpin + 'static,
{
    /// Sends what may be sent until a reply is there.
    async fn next(&mut self) -> Option<Outcome> {
        if self.ended {
            return None;
        }
        loop {
            match self.step().await? {
                Step::Send(None) => self.input = None,
                Step::Send(Some(request)) => {
                    if let Err(error) = self.send(request) {
                        return Some(Err(error));
                    }
                }
                Step::Replied(reply) => {
                    let append = self.in_flight.pop_front()?;
                    self.bytes -= append.bytes;
                    return Some(self.outcome(&append, reply));
                }
            }
        }
    }

    fn has_room(&self) -> bool {
        self.in_flight.is_empty()
            || (self.in_flight.len() < limits::RAFT_WINDOW_REQUESTS
                && self.bytes < limits::RAFT_WINDOW_BYTES)
    }

    /// What happens next; None when everything has happened.
    async fn step(&mut self) -> Option<Step> {
        let has_room = self.has_room();
        let input = self.input.as_mut().filter(|_| has_room);
        match (input, self.in_flight.front_mut()) {
            (None, None) => None,
            (Some(input), None) => Some(Step::Send(input.next().await)),
            (None, Some(first)) => Some(Step::Replied((&mut first.reply).await)),
            (Some(input), Some(first)) => {
                // Replies first: they are what commits entries.
                tokio::select! {
                    biased;
                    reply = &mut first.reply => Some(Step::Replied(reply)),
                    request = input.next() => Some(Step::Send(request)),
                }
            }
        }
    }

    fn send(
        &mut self,
        request: AppendEntriesRequest<TypeConfig>,
    ) -> Result<(), RPCError<TypeConfig>> {
        let previous = request.prev_log_id;
        let last = request.entries.last().map(|entry| entry.log_id).or(previous);
        let bytes = Request::Append(request)
            .encode()
            .map_err(|error| RPCError::Network(NetworkError::new(&error)))?;
        let length = bytes.len();
        let timeout = Duration::from_millis(limits::RAFT_APPEND_TIMEOUT_MS);
        let reply = self.target.send(bytes, timeout).boxed();
        self.bytes += length;
        self.in_flight.push_back(InFlight { previous, last, bytes: length, reply });
        Ok(())
    }

    fn outcome(&self, append: &InFlight, reply: Result<Reply, RPCError<TypeConfig>>) -> Outcome {
        match reply? {
            Reply::Append(AppendReply::Success) => Ok(Ok(append.last)),
            Reply::Append(AppendReply::Conflict) => match append.previous {
                Some(previous) => Ok(Err(StreamAppendError::Conflict(previous))),
                None => Err(unusable(
                    self.target.node_id,
                    &Err("a log cannot conflict with its beginning".to_owned()),
                )),
            },
            Reply::Append(AppendReply::HigherVote(vote)) => {
                Ok(Err(StreamAppendError::HigherVote(vote)))
            }
            other => Err(unusable(self.target.node_id, &Ok(other))),
        }
    }
}
