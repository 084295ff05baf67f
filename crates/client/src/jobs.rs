//! The two ways jobs arrive: the batches of a poll, and a stream that never ends by itself.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt};
use tonic::{Response, Status, Streaming};

use crate::Error;
use crate::proto::{ActivateJobsResponse, ActivatedJob};

/// The answer to one poll for jobs.
#[derive(Debug)]
pub struct JobPoll {
    batches: Streaming<ActivateJobsResponse>,
    timeout: Duration,
}

impl JobPoll {
    pub(crate) fn new(batches: Streaming<ActivateJobsResponse>, timeout: Duration) -> Self {
        Self { batches, timeout }
    }

    /// The next batch, usually the jobs of one partition; `None` at the end of the answer.
    ///
    /// # Errors
    /// When the poll fails. Jobs of earlier batches stay activated all the same.
    pub async fn next_batch(&mut self) -> Result<Option<Vec<ActivatedJob>>, Error> {
        match tokio::time::timeout(self.timeout, self.batches.message()).await {
            Ok(message) => Ok(message?.map(|answer| answer.jobs)),
            Err(_) => Err(Error::timed_out(self.timeout)),
        }
    }

    /// All jobs of the answer. An error after the first jobs is held back: those jobs are
    /// activated, so the caller must get them.
    ///
    /// # Errors
    /// When the poll fails before any job arrived.
    pub async fn collect(mut self) -> Result<Vec<ActivatedJob>, Error> {
        let mut jobs = Vec::new();
        loop {
            match self.next_batch().await {
                Ok(Some(batch)) => jobs.extend(batch),
                Ok(None) => return Ok(jobs),
                Err(error) if jobs.is_empty() => return Err(error),
                Err(_) => return Ok(jobs),
            }
        }
    }
}

/// Jobs as the server pushes them. Ends when the server ends it or the connection breaks; dropping
/// it tells the server that no more jobs are wanted.
pub struct JobStream(State);

type Opening = BoxFuture<'static, Result<Response<Streaming<ActivatedJob>>, Status>>;

enum State {
    Opening(Opening),
    Open(Box<Streaming<ActivatedJob>>),
    Ended,
}

impl JobStream {
    pub(crate) fn new(
        call: impl Future<Output = Result<Response<Streaming<ActivatedJob>>, Status>> + Send + 'static,
    ) -> Self {
        Self(State::Opening(call.boxed()))
    }
}

impl std::fmt::Debug for JobStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            State::Opening(_) => "JobStream(opening)",
            State::Open(_) => "JobStream(open)",
            State::Ended => "JobStream(ended)",
        })
    }
}

impl Stream for JobStream {
    type Item = Result<ActivatedJob, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let item = match &mut self.0 {
                State::Opening(call) => match std::task::ready!(call.poll_unpin(context)) {
                    Ok(answer) => {
                        self.0 = State::Open(Box::new(answer.into_inner()));
                        continue;
                    }
                    Err(status) => Some(Err(status)),
                },
                State::Open(jobs) => std::task::ready!(jobs.poll_next_unpin(context)),
                State::Ended => None,
            };
            if !matches!(item, Some(Ok(_))) {
                self.0 = State::Ended;
            }
            return Poll::Ready(item.map(|item| item.map_err(Error::from)));
        }
    }
}
