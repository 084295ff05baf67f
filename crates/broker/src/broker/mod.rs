//! A node: opens the data folder, runs the partitions, and is the handle that others hold.

mod local;
mod manage;
mod start;
mod time;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use skep_engine::Response;
use skep_env::Clock;
use skep_env::task::Dedicated;
use skep_protocol::{Command, JobBatchIntent, JobBatchRecord, NO_KEY, PartitionId, Payload};
use skep_storage::Journal;
use tokio::sync::oneshot;

use crate::config::{BrokerConfig, Environment, NodeClock};
use crate::error::BrokerError;
use crate::jobs::{
    ActivatedJobs, JobHub, JobStream, JobStreamSpec, JobStreamStatus, JobsAvailable,
};
use crate::metrics::{COMMANDS_REFUSED, figure, seconds};
use crate::partition::{Answer, Control, Inbox, Limiter, Request, Status};
use crate::topology::Topology;
use crate::transport::Transport;

/// A running node. Clones are the same node; it is stopped by [`Broker::shutdown`], or when the
/// last clone is dropped.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

/// What callers need of one partition.
struct Member {
    inbox: Arc<Inbox>,
    limiter: Arc<Limiter>,
    status: Arc<Status>,
}

struct Inner {
    config: BrokerConfig,
    clock: NodeClock,
    members: Vec<Member>,
    hub: Arc<JobHub>,
    transport: Arc<dyn Transport>,
    journal: Mutex<Option<Arc<Journal>>>,
    accepting: AtomicBool,
    threads: Mutex<Vec<Dedicated>>,
}

/// What a command costs in memory besides its value, in bytes.
const COMMAND_OVERHEAD_BYTES: usize = 256;

impl Broker {
    /// Opens the data folder and starts the partitions; returns when all of them take commands.
    ///
    /// # Errors
    /// Internal, with what to do: the folder cannot be used, is damaged, belongs to another
    /// process, or was written by a newer version.
    pub async fn start(config: BrokerConfig, env: Environment) -> Result<Self, BrokerError> {
        let broker = Self(Arc::new(start::start(config, env)?));
        for member in &broker.0.members {
            if let Err(reason) = member.status.leading().await {
                // Nothing is left behind: the folder is free for the next attempt.
                broker.shutdown().await;
                return Err(BrokerError::internal(reason));
            }
        }
        Ok(broker)
    }

    /// How many partitions there are; their numbers begin with 1.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        self.0.config.partitions
    }

    /// The cluster as this node sees it.
    #[must_use]
    pub fn topology(&self) -> Topology {
        Topology {
            node_id: self.0.config.node_id,
            cluster_size: 1,
            replication_factor: 1,
            partitions: self.0.members.iter().map(|member| member.status.read()).collect(),
        }
    }

    /// The last CHECKPOINT that a partition committed, as this node knows: its id, and the position
    /// up to which a backup of that id goes.
    #[must_use]
    pub fn backup_checkpoint(&self, partition: PartitionId) -> Option<(u64, u64)> {
        let member = self.0.members.get((partition as usize).wrapping_sub(1))?;
        member.status.backup_checkpoint()
    }

    /// The clock that the engine runs by.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.0.clock.clock()
    }

    /// Hands a command to a partition and waits for its answer. Jobs that a command activates count
    /// as delivered: use [`Broker::activate_jobs`] to be sure of that.
    ///
    /// # Errors
    /// See [`BrokerError`]; a refusal by the engine is a [`Response::Rejected`].
    pub async fn submit(
        &self,
        partition: PartitionId,
        command: Command,
        timeout: Duration,
    ) -> Result<Response, BrokerError> {
        match self.ask(partition, command, timeout).await? {
            Answer::Response(response) => Ok(response),
            Answer::Jobs(jobs) => {
                let truncated = jobs.truncated();
                Ok(Response::Jobs { jobs: jobs.confirm(), truncated })
            }
        }
    }

    /// Activates jobs of one partition. When the future is dropped, or what it gives is dropped
    /// without being confirmed, the jobs go back.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn activate_jobs(
        &self,
        partition: PartitionId,
        request: JobBatchRecord,
        timeout: Duration,
    ) -> Result<Result<ActivatedJobs, Response>, BrokerError> {
        let command = Command::new(NO_KEY, Payload::JobBatch(JobBatchIntent::Activate, request));
        match self.ask(partition, command, timeout).await? {
            Answer::Jobs(jobs) => Ok(Ok(jobs)),
            Answer::Response(refused) => Ok(Err(refused)),
        }
    }

    async fn ask(
        &self,
        partition: PartitionId,
        command: Command,
        timeout: Duration,
    ) -> Result<Answer, BrokerError> {
        let receiver = self.accept(partition, command)?;
        match tokio::time::timeout(timeout, receiver).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(BrokerError::interrupted("the partition has ended")),
            Err(_) => {
                let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
                Err(BrokerError::Timeout { timeout_ms })
            }
        }
    }

    /// Puts a command into an inbox, or refuses it.
    fn accept(
        &self,
        partition: PartitionId,
        command: Command,
    ) -> Result<oneshot::Receiver<Result<Answer, BrokerError>>, BrokerError> {
        let index = (partition as usize).wrapping_sub(1);
        let Some(member) = self.0.members.get(index) else {
            return Err(BrokerError::unavailable(format!(
                "partition {partition} does not exist; there are {}",
                self.0.members.len()
            )));
        };
        if !self.0.accepting.load(Ordering::Acquire) {
            return Err(refused("unavailable", BrokerError::unavailable("the broker is stopping")));
        }
        if let Some(reason) = member.status.death() {
            return Err(refused("unavailable", BrokerError::internal(reason)));
        }
        if !member.status.is_leader() {
            let reason = format!("this node does not lead partition {partition}");
            return Err(refused("unavailable", BrokerError::unavailable(reason)));
        }
        let bytes = command.payload.encoded_len() + COMMAND_OVERHEAD_BYTES;
        if let Err(reason) = member.limiter.accept(&command.payload, bytes) {
            return Err(refused("exhausted", BrokerError::exhausted(reason)));
        }
        let (reply, receiver) = oneshot::channel();
        let accepted_us = self.clock().monotonic_us();
        let request = Box::new(Request { command, reply, bytes, accepted_us });
        if let Err(request) = member.inbox.request(request) {
            member.limiter.done(request.bytes, None, accepted_us);
            let error = BrokerError::unavailable("the partition has ended");
            return Err(refused("unavailable", error));
        }
        Ok(receiver)
    }

    /// The inbox of this node's replica of a partition.
    pub(crate) fn inbox_of(&self, partition: PartitionId) -> Option<&Inbox> {
        let index = (partition as usize).checked_sub(1)?;
        self.0.members.get(index).map(|member| &*member.inbox)
    }

    /// Sends a command of the node itself; backpressure never refuses it.
    pub fn send(&self, partition: PartitionId, command: Command) {
        self.0.transport.send(partition, command);
    }

    /// Resolves when jobs of this type become available on any partition after this call. It says
    /// "ask again": whoever waits is told.
    #[must_use]
    pub fn jobs_available(&self, job_type: &str) -> JobsAvailable {
        self.0.hub.announcements.wait(job_type)
    }

    /// Opens a stream of the jobs of a type that become available on any partition.
    ///
    /// # Errors
    /// Exhausted when too many are open; unavailable when the broker is stopping.
    pub fn open_job_stream(&self, spec: JobStreamSpec) -> Result<JobStream, BrokerError> {
        self.0.hub.open(spec)
    }

    /// The open job streams.
    #[must_use]
    pub fn job_streams(&self) -> Vec<JobStreamStatus> {
        self.0.hub.status()
    }

    /// Brings the figures of the journal up to date; call it before metrics are read.
    pub fn publish_metrics(&self) {
        let journal = self.0.journal.lock();
        let Some(journal) = journal.as_ref() else { return };
        let stats = journal.flushed_stats();
        metrics::counter!("skep_journal_bytes_total").absolute(stats.bytes);
        metrics::counter!("skep_journal_fsyncs_total").absolute(stats.fsyncs);
        metrics::gauge!("skep_journal_fsync_seconds_total").set(seconds(stats.fsync_us_total));
        metrics::gauge!("skep_journal_fsync_seconds_max").set(seconds(stats.fsync_us_max));
        metrics::gauge!("skep_journal_disk_bytes").set(figure(journal.disk_bytes()));
    }

    /// Stops: nothing is accepted any more, what was accepted is finished, checkpoints are written
    /// and everything is closed. A second call waits for nothing.
    pub async fn shutdown(&self) {
        self.0.stop();
        let threads = std::mem::take(&mut *self.0.threads.lock());
        for thread in threads {
            if !thread.join().await {
                tracing::error!("a thread of the broker panicked");
            }
        }
        drop(self.0.journal.lock().take());
    }
}

fn refused(reason: &'static str, error: BrokerError) -> BrokerError {
    metrics::counter!(COMMANDS_REFUSED, "reason" => reason).increment(1);
    error
}

impl Inner {
    fn stop(&self) {
        self.accepting.store(false, Ordering::Release);
        self.hub.close();
        for member in &self.members {
            member.inbox.control(Control::Stop);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("config", &self.0.config).finish_non_exhaustive()
    }
}
