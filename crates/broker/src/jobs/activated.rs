//! Activated jobs that nobody has taken yet.

use std::sync::Arc;

use skep_engine::ActivatedJob;
use skep_protocol::{Command, JobIntent, JobRecord, Payload, key};

use crate::transport::Transport;

/// Activated jobs on their way to a worker. Dropped before [`ActivatedJobs::confirm`], they go back
/// and are offered again at once.
pub struct ActivatedJobs {
    jobs: Vec<ActivatedJob>,
    truncated: bool,
    transport: Arc<dyn Transport>,
    /// Gives its credit back when the jobs have left, either way.
    credit: Option<Credit>,
}

/// Room of a job stream that these jobs take up.
pub(crate) struct Credit(pub(crate) Box<dyn FnOnce() + Send>);

impl ActivatedJobs {
    pub(crate) fn new(
        jobs: Vec<ActivatedJob>,
        truncated: bool,
        transport: Arc<dyn Transport>,
        credit: Option<Credit>,
    ) -> Self {
        Self { jobs, truncated, transport, credit }
    }

    /// The jobs.
    #[must_use]
    pub fn jobs(&self) -> &[ActivatedJob] {
        &self.jobs
    }

    /// More jobs were there than fit the answer.
    #[must_use]
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// The worker's transport has taken the jobs: they are the worker's until their deadline.
    pub fn confirm(mut self) -> Vec<ActivatedJob> {
        std::mem::take(&mut self.jobs)
    }
}

impl Drop for ActivatedJobs {
    fn drop(&mut self) {
        for job in self.jobs.drain(..) {
            // Worker and deadline say which activation is given back: a later one must stay.
            let value = JobRecord {
                worker: job.job.worker,
                deadline_ms: job.job.deadline_ms,
                ..JobRecord::default()
            };
            let command = Command::new(job.key, Payload::Job(JobIntent::Yield, value));
            self.transport.send(key::partition_of(job.key), command);
        }
        if let Some(Credit(give_back)) = self.credit.take() {
            give_back();
        }
    }
}

impl std::fmt::Debug for ActivatedJobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ActivatedJobs").field("jobs", &self.jobs.len()).finish_non_exhaustive()
    }
}
