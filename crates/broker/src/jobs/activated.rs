//! Activated jobs that nobody has taken yet.

use std::sync::Arc;

use bytes::Bytes;
use skep_engine::ActivatedJob;
use skep_protocol::{Command, JobIntent, JobRecord, Payload, key};

use crate::metrics::JOBS_YIELDED;
use crate::transport::Transport;

/// Activated jobs on their way to a worker. Dropped before [`ActivatedJobs::confirm`], they go back
/// and are offered again at once.
pub struct ActivatedJobs {
    jobs: Vec<ActivatedJob>,
    truncated: bool,
    way_back: WayBack,
    /// Gives its credit back when the jobs have left, either way.
    credit: Option<Credit>,
}

/// How jobs that no worker takes are given back.
enum WayBack {
    /// By commands of this node.
    Yield(Arc<dyn Transport>),
    /// By the node that sent them, which waits to hear what became of them.
    Settle(Arc<dyn Settle>),
    /// They are settled.
    None,
}

/// Tells the node that sent jobs what became of them.
pub(crate) trait Settle: Send + Sync {
    /// A worker has them, or they are for others.
    fn settle(&self, taken: bool);

    /// That node has given them to others already: whoever has them must not pass them on.
    fn is_void(&self) -> bool;
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
        Self { jobs, truncated, way_back: WayBack::Yield(transport), credit }
    }

    /// Jobs that another node has sent.
    pub(crate) fn sent(jobs: Vec<ActivatedJob>, truncated: bool, settle: Arc<dyn Settle>) -> Self {
        Self { jobs, truncated, way_back: WayBack::Settle(settle), credit: None }
    }

    /// The jobs have gone back already, because the node that sent them is not connected any more.
    pub(crate) fn is_void(&self) -> bool {
        matches!(&self.way_back, WayBack::Settle(settle) if settle.is_void())
    }

    /// Forgets what only the worker needs: what is left can still go back.
    pub(crate) fn strip(&mut self) {
        for job in &mut self.jobs {
            job.variables = Bytes::new();
            job.job.variables = Bytes::new();
            job.job.headers = Vec::new();
        }
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
        if let WayBack::Settle(settle) = std::mem::replace(&mut self.way_back, WayBack::None) {
            settle.settle(true);
        }
        std::mem::take(&mut self.jobs)
    }

    fn give_back(&mut self) {
        let transport = match std::mem::replace(&mut self.way_back, WayBack::None) {
            WayBack::Yield(transport) => transport,
            WayBack::Settle(settle) => return settle.settle(false),
            WayBack::None => return,
        };
        for job in self.jobs.drain(..) {
            // Worker and deadline say which activation is given back: a later one must stay.
            let value = JobRecord {
                worker: job.job.worker,
                deadline_ms: job.job.deadline_ms,
                ..JobRecord::default()
            };
            let command = Command::new(job.key, Payload::Job(JobIntent::Yield, value));
            metrics::counter!(JOBS_YIELDED).increment(1);
            transport.send(key::partition_of(job.key), command);
        }
    }
}

impl Drop for ActivatedJobs {
    fn drop(&mut self) {
        self.give_back();
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
