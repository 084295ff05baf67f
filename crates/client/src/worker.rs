//! A job worker: takes jobs of one type and answers each with what its handler decides.
//!
//! ```no_run
//! # async fn example(client: skep_client::Client) {
//! use skep_client::{JobOutcome, Worker};
//!
//! let worker = Worker::new(client, "charge-card")
//!     .with_jobs_active_max(16)
//!     .start(|job| async move {
//!         if job.variables.contains("amount") {
//!             JobOutcome::complete_with(r#"{"charged": true}"#)
//!         } else {
//!             JobOutcome::error("NO_AMOUNT")
//!         }
//!     });
//! // ... later: no new jobs, the running ones are finished.
//! worker.stop().await;
//! # }
//! ```

mod outcome;
mod run;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use outcome::JobOutcome;

use crate::proto::ActivatedJob;
use crate::{Client, Error};

/// How jobs reach the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The worker asks for jobs and the gateway holds the question until there are some.
    Poll,
    /// The gateway pushes jobs as they become activatable; jobs from before are not delivered.
    Stream,
    /// Pushed, and polled for now and then to get what was there before. The default.
    StreamAndPoll,
}

/// What a worker did, for logs and counters.
#[derive(Debug)]
#[non_exhaustive]
pub enum WorkerEvent<'a> {
    /// The handler is about to run.
    Activated(&'a ActivatedJob),
    /// The server accepted what the handler decided.
    Answered(&'a ActivatedJob, &'a JobOutcome),
    /// The server did not accept it; the job is offered again when its deadline has passed,
    /// unless it is gone.
    AnswerRefused(&'a ActivatedJob, &'a JobOutcome, &'a Error),
    /// No jobs can be taken just now; the worker tries again by itself.
    SourceFailed(&'a Error),
}

pub(crate) type Observer = Arc<dyn Fn(WorkerEvent<'_>) + Send + Sync>;

/// The settings of a job worker; [`Worker::start`] brings it to life.
#[derive(Clone)]
pub struct Worker {
    pub(crate) client: Client,
    pub(crate) job_type: String,
    pub(crate) name: String,
    pub(crate) job_timeout: Duration,
    pub(crate) jobs_active_max: u32,
    pub(crate) delivery: Delivery,
    pub(crate) poll_interval: Duration,
    pub(crate) poll_wait: Duration,
    pub(crate) fetch_variables: Vec<String>,
    pub(crate) observer: Observer,
}

impl Worker {
    /// A worker for jobs of this type.
    pub fn new(client: Client, job_type: impl Into<String>) -> Self {
        Self {
            client,
            job_type: job_type.into(),
            name: "skep-client".into(),
            job_timeout: Duration::from_secs(300),
            jobs_active_max: 32,
            delivery: Delivery::StreamAndPoll,
            poll_interval: Duration::from_secs(10),
            poll_wait: Duration::from_secs(10),
            fetch_variables: Vec::new(),
            observer: Arc::new(|_| {}),
        }
    }

    /// Names the worker, for people who look at jobs. Default `skep-client`.
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// How long the worker owns each job before another may get it. Default 5 min.
    pub fn with_job_timeout(self, job_timeout: Duration) -> Self {
        Self { job_timeout, ..self }
    }

    /// How many handlers run at once. At least 1, default 32. With a stream, one more job may wait
    /// here, and flow control holds back the rest.
    pub fn with_jobs_active_max(self, jobs_active_max: u32) -> Self {
        Self { jobs_active_max: jobs_active_max.max(1), ..self }
    }

    /// How jobs arrive. Default [`Delivery::StreamAndPoll`].
    pub fn with_delivery(self, delivery: Delivery) -> Self {
        Self { delivery, ..self }
    }

    /// Pause between polls beside a stream. Default 10 s.
    pub fn with_poll_interval(self, poll_interval: Duration) -> Self {
        Self { poll_interval, ..self }
    }

    /// How long the gateway holds a poll when there is no stream. Default 10 s.
    pub fn with_poll_wait(self, poll_wait: Duration) -> Self {
        Self { poll_wait, ..self }
    }

    /// Fetches only these variables. Default all.
    pub fn with_fetch_variables(self, fetch_variables: Vec<String>) -> Self {
        Self { fetch_variables, ..self }
    }

    /// Is told what the worker does. It is called from the worker's tasks and must not block.
    pub fn with_observer(self, observer: impl Fn(WorkerEvent<'_>) + Send + Sync + 'static) -> Self {
        Self { observer: Arc::new(observer), ..self }
    }

    /// Starts taking jobs; each runs `handler` in a task of its own. A handler that panics fails
    /// its job. Must be called inside a tokio runtime.
    pub fn start<H, F>(self, handler: H) -> WorkerHandle
    where
        H: Fn(ActivatedJob) -> F + Send + Sync + 'static,
        F: Future<Output = JobOutcome> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run::run(self, Arc::new(handler), stopped));
        WorkerHandle { stop, task }
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("job_type", &self.job_type)
            .field("name", &self.name)
            .field("job_timeout", &self.job_timeout)
            .field("jobs_active_max", &self.jobs_active_max)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}

/// A running worker. Dropping it stops taking jobs; running handlers go on in the background.
#[derive(Debug)]
#[must_use = "dropping the handle stops the worker"]
pub struct WorkerHandle {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl WorkerHandle {
    /// Takes no more jobs and waits until the running handlers have finished and their answers
    /// were sent.
    pub async fn stop(self) {
        // It only fails when the worker has ended already.
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}
