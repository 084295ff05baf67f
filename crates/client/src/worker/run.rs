//! The running worker: sources of jobs, the bound on running handlers, and the orderly end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::{Delivery, JobOutcome, Worker, WorkerEvent};
use crate::limits::{WORKER_PAUSE_MAX, WORKER_PAUSE_MIN};
use crate::proto::{ActivateJobsRequest, ActivatedJob, StreamActivatedJobsRequest};
use crate::retry::Backoff;
use crate::{Error, ErrorKind};

/// What the sources of one worker share. A permit of `slots` is held while a handler runs.
struct Running<H> {
    worker: Worker,
    handler: Arc<H>,
    slots: Arc<Semaphore>,
}

/// Takes jobs until told to stop (or the handle is gone), then waits for the running handlers.
pub(super) async fn run<H, F>(worker: Worker, handler: Arc<H>, mut stopped: watch::Receiver<bool>)
where
    H: Fn(ActivatedJob) -> F + Send + Sync + 'static,
    F: Future<Output = JobOutcome> + Send + 'static,
{
    let slots_max = worker.jobs_active_max;
    let delivery = worker.delivery;
    let slots = Arc::new(Semaphore::new(slots_max as usize));
    let running = Running { worker, handler, slots: Arc::clone(&slots) };
    let sources = async {
        match delivery {
            Delivery::Poll => running.poll_forever().await,
            Delivery::Stream => running.stream_forever().await,
            Delivery::StreamAndPoll => {
                tokio::join!(running.stream_forever(), running.poll_forever());
            }
        }
    };
    tokio::select! {
        () = sources => {}
        // Dropping the sources cancels their calls; the gateway takes back what was on its way.
        _ = stopped.wait_for(|stop| *stop) => {}
    }
    // All slots free means that no handler runs any more. The semaphore is never closed.
    let _ = slots.acquire_many(slots_max).await;
}

impl<H, F> Running<H>
where
    H: Fn(ActivatedJob) -> F + Send + Sync + 'static,
    F: Future<Output = JobOutcome> + Send + 'static,
{
    async fn poll_forever(&self) {
        let beside_stream = self.worker.delivery == Delivery::StreamAndPoll;
        let mut backoff = Backoff::new(WORKER_PAUSE_MIN, WORKER_PAUSE_MAX);
        loop {
            match self.poll_once(beside_stream).await {
                Ok(jobs) => {
                    backoff = Backoff::new(WORKER_PAUSE_MIN, WORKER_PAUSE_MAX);
                    if beside_stream && jobs == 0 {
                        tokio::time::sleep(self.worker.poll_interval).await;
                    }
                }
                Err(error) => self.pause_after(&error, &mut backoff).await,
            }
        }
    }

    /// Fills the free slots; answers how many jobs came.
    async fn poll_once(&self, beside_stream: bool) -> Result<usize, Error> {
        let mut slots = self.slot().await;
        let others = self.slots.available_permits();
        if let Ok(more) = Arc::clone(&self.slots).try_acquire_many_owned(others as u32) {
            slots.merge(more);
        }
        let request = ActivateJobsRequest::new(
            &self.worker.job_type,
            &self.worker.name,
            i32::try_from(slots.num_permits()).unwrap_or(i32::MAX),
            self.worker.job_timeout,
        )
        .with_fetch_variables(self.worker.fetch_variables.clone());
        // A waiting poll would keep the slots from the jobs that the stream brings.
        let request = if beside_stream {
            request.without_wait()
        } else {
            request.with_wait(self.worker.poll_wait)
        };
        let mut poll = self.worker.client.activate_jobs(request).await?;
        let mut jobs = 0;
        while let Some(batch) = poll.next_batch().await? {
            for job in batch {
                jobs += 1;
                let slot = match slots.split(1) {
                    Some(slot) => slot,
                    // More jobs than asked for: they still have to be worked on.
                    None => self.slot().await,
                };
                self.work_on(job, slot);
            }
        }
        Ok(jobs)
    }

    async fn stream_forever(&self) {
        let mut backoff = Backoff::new(WORKER_PAUSE_MIN, WORKER_PAUSE_MAX);
        loop {
            let request = StreamActivatedJobsRequest::new(
                &self.worker.job_type,
                &self.worker.name,
                self.worker.job_timeout,
            )
            .with_fetch_variables(self.worker.fetch_variables.clone());
            let mut jobs = self.worker.client.stream_activated_jobs(request);
            let error = loop {
                match jobs.next().await {
                    Some(Ok(job)) => {
                        backoff = Backoff::new(WORKER_PAUSE_MIN, WORKER_PAUSE_MAX);
                        let slot = self.slot().await;
                        self.work_on(job, slot);
                    }
                    Some(Err(error)) => break error,
                    None => {
                        break Error::new(
                            ErrorKind::Unavailable,
                            "the server ended the job stream",
                        );
                    }
                }
            };
            self.pause_after(&error, &mut backoff).await;
        }
    }

    async fn pause_after(&self, error: &Error, backoff: &mut Backoff) {
        (self.worker.observer)(WorkerEvent::SourceFailed(error));
        tokio::time::sleep(backoff.next_pause()).await;
    }

    /// Waits for a free slot.
    async fn slot(&self) -> OwnedSemaphorePermit {
        match Arc::clone(&self.slots).acquire_owned().await {
            Ok(slot) => slot,
            // Nobody closes the semaphore.
            Err(_) => std::future::pending().await,
        }
    }

    /// Runs the handler in a task of its own and sends its decision; then the slot is free.
    fn work_on(&self, job: ActivatedJob, slot: OwnedSemaphorePermit) {
        let handler = Arc::clone(&self.handler);
        let client = self.worker.client.clone();
        let observer = Arc::clone(&self.worker.observer);
        tokio::spawn(async move {
            observer(WorkerEvent::Activated(&job));
            let work = async { handler(job.clone()).await };
            let outcome = AssertUnwindSafe(work)
                .catch_unwind()
                .await
                .unwrap_or_else(|_| JobOutcome::fail("the handler of the worker panicked"));
            match outcome.send(&client, &job).await {
                Ok(()) => observer(WorkerEvent::Answered(&job, &outcome)),
                Err(error) => observer(WorkerEvent::AnswerRefused(&job, &outcome, &error)),
            }
            drop(slot);
        });
    }
}
