//! A worker's stream of pushed jobs.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::mpsc;

use crate::jobs::ActivatedJobs;
use crate::jobs::hub::JobHub;

/// What a stream wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobStreamSpec {
    /// Type of the jobs.
    pub job_type: String,
    /// Name of the worker.
    pub worker: String,
    /// How long a worker may hold a job, in milliseconds.
    pub timeout_ms: i64,
    /// Names of the variables to hand out; empty means all.
    pub fetch_variables: Vec<String>,
}

/// A connected stream as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobStreamStatus {
    /// What it wants.
    pub spec: JobStreamSpec,
    /// Jobs pushed to it that its transport has not taken yet.
    pub jobs_in_flight: u32,
    /// Its client is connected to another node.
    pub elsewhere: bool,
}

/// Jobs of one type from all partitions as they become available. Jobs that waited before the
/// stream was opened are not pushed: polls find those.
///
/// At most [`crate::limits::STREAM_JOBS_MAX`] jobs are under way at a time: a delivery that is
/// confirmed or dropped makes room. Dropping the stream gives back what it still holds.
pub struct JobStream {
    receiver: mpsc::Receiver<ActivatedJobs>,
    hub: Arc<JobHub>,
    id: u64,
}

impl JobStream {
    pub(crate) fn new(receiver: mpsc::Receiver<ActivatedJobs>, hub: Arc<JobHub>, id: u64) -> Self {
        Self { receiver, hub, id }
    }

    /// The next jobs; `None` when the broker has stopped.
    pub async fn recv(&mut self) -> Option<ActivatedJobs> {
        std::future::poll_fn(|context| self.poll_recv(context)).await
    }

    /// [`JobStream::recv`] for hand-written futures.
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<ActivatedJobs>> {
        loop {
            match self.receiver.poll_recv(context) {
                // The node that sent them is away and has given them to others.
                Poll::Ready(Some(jobs)) if jobs.is_void() => drop(jobs),
                other => return other,
            }
        }
    }
}

impl Drop for JobStream {
    fn drop(&mut self) {
        // First out of the hub, so that what is given back is not pushed here again.
        self.hub.remove(self.id);
    }
}

impl std::fmt::Debug for JobStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobStream").field("id", &self.id).finish_non_exhaustive()
    }
}
