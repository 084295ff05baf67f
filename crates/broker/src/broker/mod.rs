//! A node: opens the data folder, runs the replicas, and is the handle that others hold.

mod backups;
mod control;
mod data;
mod local;
mod manage;
mod members;
mod operate;
mod replica;
mod slots;
mod start;
mod time;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skep_engine::Response;
use skep_env::Clock;
use skep_env::fault::Targets;
use skep_env::task::Dedicated;
use skep_protocol::{Command, JobBatchIntent, JobBatchRecord, NO_KEY, PartitionId, Payload};

use crate::broker::backups::RunningBackups;
use crate::broker::control::ControlPlane;
use crate::broker::replica::Replicas;
use crate::chaos;
use crate::cluster::{CLUSTER_ID_DEFAULT, Cluster, Patience};
use crate::config::{BrokerConfig, Environment, GatewayConfig, NodeClock};
use crate::error::BrokerError;
use crate::jobs::{
    ActivatedJobs, JobHub, JobStream, JobStreamSpec, JobStreamStatus, JobsAvailable,
};
use crate::metrics::{figure, seconds};
use crate::partition::{Answer, Inbox};
use crate::topology::{BrokerStatus, DistributionStatus, Topology};
use crate::transport::Transport;

pub(crate) use data::{CLUSTER_FOLDER, write_partitions};
pub(crate) use members::Members;
pub use operate::{ReplicaControl, ReplicaReport};

/// A running node. Clones are the same node; it is stopped by [`Broker::shutdown`], or when the
/// last clone is dropped.
#[derive(Clone)]
pub struct Broker(Arc<Inner>);

/// What a node was started as.
struct Shape {
    /// None for a gateway.
    node_id: Option<u32>,
    /// Number of partitions of a node that is alone.
    partitions: u32,
    client_address: String,
}

struct Inner {
    shape: Shape,
    clock: NodeClock,
    members: Arc<Members>,
    hub: Arc<JobHub>,
    transport: Arc<dyn Transport>,
    /// The others, when this node is not alone.
    cluster: Option<Arc<Cluster>>,
    replicas: Mutex<Option<Replicas>>,
    /// What writes checkpoints, and the replicas.
    bodies: Mutex<Vec<(Option<PartitionId>, Dedicated)>>,
    control: ControlPlane,
    /// None without a store, and when the node stops.
    backups: Mutex<Option<RunningBackups>>,
}

impl Broker {
    /// Opens the data folder and starts the replicas. A node that is alone returns when all partitions
    /// take commands; a broker of a cluster as soon as it does its part.
    ///
    /// # Errors
    /// Internal, with what to do: the folder cannot be used, is damaged, belongs to another
    /// process, node or cluster, or was written by a newer version; or the cluster refuses this node.
    pub async fn start(config: BrokerConfig, env: Environment) -> Result<Self, BrokerError> {
        let store = backups::store_of(&config, &env.disk);
        let broker = Self(Arc::new(start::start(config, env.clone()).await?));
        control::start(&broker.0);
        broker.start_backups(store, &env)?;
        if broker.0.cluster.is_some() {
            return Ok(broker);
        }
        for member in broker.0.members.all() {
            if let Err(reason) = member.status.leading().await {
                // Nothing is left behind: the folder is free for the next attempt.
                broker.shutdown().await;
                return Err(BrokerError::internal(reason));
            }
        }
        Ok(broker)
    }

    /// Starts a node without data that brings requests to the brokers of a cluster.
    ///
    /// # Errors
    /// Internal, with what to do, when the settings make no sense.
    pub async fn start_gateway(
        config: GatewayConfig,
        env: Environment,
    ) -> Result<Self, BrokerError> {
        let gateway = Self(Arc::new(start::start_gateway(config, env).await?));
        control::start(&gateway.0);
        Ok(gateway)
    }

    /// How many partitions there are; their numbers begin with 1. 0 while a gateway has not reached
    /// any broker.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        let Some(cluster) = &self.0.cluster else { return self.0.shape.partitions };
        cluster.config().map_or(0, |config| config.partition_count)
    }

    /// How many partitions messages and what else has a home are spread over; like
    /// [`Broker::partitions`], but it never changes.
    #[must_use]
    pub fn message_partitions(&self) -> u32 {
        let Some(cluster) = &self.0.cluster else { return self.0.shape.partitions };
        cluster.config().map_or(0, |config| config.message_partitions)
    }

    /// The cluster as this node sees it.
    #[must_use]
    pub fn topology(&self) -> Topology {
        let Some(cluster) = &self.0.cluster else { return self.topology_alone() };
        let config = cluster.config();
        let of_config = config.as_deref();
        Topology {
            node_id: self.0.shape.node_id,
            cluster_id: cluster.parts.cluster_id.clone(),
            cluster_size: of_config
                .map_or(0, |it| u32::try_from(it.brokers.len()).unwrap_or(u32::MAX)),
            partition_count: of_config.map_or(0, |it| it.partition_count),
            replication_factor: of_config.map_or(0, |it| it.replication_factor),
            last_completed_change: of_config.and_then(|it| Some(it.last.as_ref()?.id)),
            brokers: cluster.view.brokers(),
        }
    }

    fn topology_alone(&self) -> Topology {
        let members = self.0.members.all();
        let broker = BrokerStatus {
            node_id: self.0.shape.node_id.unwrap_or(0),
            client_address: self.0.shape.client_address.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            partitions: members.iter().map(|member| member.status.read()).collect(),
        };
        Topology {
            node_id: self.0.shape.node_id,
            cluster_id: CLUSTER_ID_DEFAULT.to_owned(),
            cluster_size: 1,
            partition_count: self.0.shape.partitions,
            replication_factor: 1,
            last_completed_change: None,
            brokers: vec![broker],
        }
    }

    /// What faults of messages may name: the other nodes of the cluster, reachable or not.
    #[must_use]
    pub fn fault_targets(&self) -> Targets {
        let config = self.0.cluster.as_ref().and_then(|cluster| cluster.config());
        let brokers = config.iter().flat_map(|config| config.brokers.keys().copied());
        chaos::targets(self.0.shape.node_id, brokers, self.partitions())
    }

    /// What partitions have not acknowledged of what others distribute to them, as this node knows.
    #[must_use]
    pub fn distributions(&self) -> Vec<DistributionStatus> {
        match &self.0.cluster {
            Some(cluster) => cluster.view.distributions(),
            None => {
                let members = self.0.members.all();
                members.iter().flat_map(|member| member.status.distributions()).collect()
            }
        }
    }

    /// Resolves with the reason when this node cannot go on and an operator has to act: the cluster
    /// refuses it.
    pub async fn failure(&self) -> String {
        match &self.0.cluster {
            Some(cluster) => cluster.failure().await,
            None => std::future::pending().await,
        }
    }

    /// The last CHECKPOINT that a partition committed, as this node knows: its id, and the position
    /// up to which a backup of that id goes.
    #[must_use]
    pub fn backup_checkpoint(&self, partition: PartitionId) -> Option<(u64, u64)> {
        let member = self.0.members.get(partition)?;
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
        response(self.ask(partition, command, timeout, Patience::Wait).await?)
    }

    /// [`Broker::submit`] without patience: when nobody is known to lead the partition it is refused
    /// at once. For commands that another partition can take as well.
    ///
    /// # Errors
    /// See [`BrokerError`].
    pub async fn offer(
        &self,
        partition: PartitionId,
        command: Command,
        timeout: Duration,
    ) -> Result<Response, BrokerError> {
        response(self.ask(partition, command, timeout, Patience::None).await?)
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
        // Other partitions may have jobs: nothing is gained by waiting for this one's leader.
        match self.ask(partition, command, timeout, Patience::None).await? {
            Answer::Jobs(jobs) => Ok(Ok(jobs)),
            Answer::Response(refused) => Ok(Err(refused)),
            Answer::Returned(_) => Err(not_leading()),
        }
    }

    async fn ask(
        &self,
        partition: PartitionId,
        command: Command,
        timeout: Duration,
        patience: Patience,
    ) -> Result<Answer, BrokerError> {
        if let Some(cluster) = &self.0.cluster {
            return cluster.ask(partition, command, timeout, patience).await;
        }
        if partition == 0 || partition > self.0.shape.partitions {
            return Err(BrokerError::unavailable(format!(
                "partition {partition} does not exist; there are {}",
                self.0.shape.partitions
            )));
        }
        let receiver = self.0.members.accept(partition, &mut Some(command))?;
        match tokio::time::timeout(timeout, receiver).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(BrokerError::interrupted("the partition has ended")),
            Err(_) => {
                let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
                Err(BrokerError::Timeout { timeout_ms })
            }
        }
    }

    /// The inbox of this node's replica of a partition.
    pub(crate) fn inbox_of(&self, partition: PartitionId) -> Option<Arc<Inbox>> {
        self.0.members.get(partition).map(|member| member.inbox.clone())
    }

    /// Sends a command of the node itself; backpressure never refuses it.
    pub fn send(&self, partition: PartitionId, command: Command) {
        self.0.transport.send(partition, command);
    }

    /// Resolves when jobs of this type become available on any partition after this call. It says
    /// "ask again": whoever waits is told.
    #[must_use]
    pub fn jobs_available(&self, job_type: &str) -> JobsAvailable {
        let available = self.0.hub.announcements.wait(job_type);
        if let Some(cluster) = &self.0.cluster {
            cluster.ask_for_jobs(job_type);
        }
        available
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
        let replicas = self.0.replicas.lock();
        let Some(journal) = replicas.as_ref().map(|replicas| &replicas.parts.data.journal) else {
            return;
        };
        let stats = journal.flushed_stats();
        metrics::counter!("skep_journal_bytes_total").absolute(stats.bytes);
        metrics::counter!("skep_journal_fsyncs_total").absolute(stats.fsyncs);
        metrics::gauge!("skep_journal_fsync_seconds_total").set(seconds(stats.fsync_us_total));
        metrics::gauge!("skep_journal_fsync_seconds_max").set(seconds(stats.fsync_us_max));
        metrics::gauge!("skep_journal_disk_bytes").set(figure(journal.disk_bytes()));
    }

    /// Stops: other brokers lead what this one led, nothing is accepted any more, what was accepted is
    /// finished, checkpoints are written and everything is closed. A second call waits for nothing.
    pub async fn shutdown(&self) {
        self.0.hand_over().await;
        self.0.hub.close();
        self.0.members.stop();
        drop(self.0.backups.lock().take());
        self.0.control.stop().await;
        let replicas = self.0.replicas.lock().take();
        // Closed at the very end, when nobody writes any more.
        let journal = replicas.as_ref().map(|replicas| replicas.parts.data.journal.clone());
        // With the last sender of checkpoints ends who writes them.
        drop(replicas);
        let bodies = std::mem::take(&mut *self.0.bodies.lock());
        for (_, body) in bodies {
            if !body.join().await {
                tracing::error!("a thread of the broker panicked");
            }
        }
        if let Some(cluster) = &self.0.cluster {
            cluster.stop();
            cluster.ended().await;
        }
        drop(journal);
    }
}

fn response(answer: Answer) -> Result<Response, BrokerError> {
    match answer {
        Answer::Response(response) => Ok(response),
        Answer::Jobs(jobs) => {
            let truncated = jobs.truncated();
            Ok(Response::Jobs { jobs: jobs.confirm(), truncated })
        }
        Answer::Returned(_) => Err(not_leading()),
    }
}

fn not_leading() -> BrokerError {
    BrokerError::unavailable("this node does not lead the partition any more")
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.hub.close();
        self.members.stop();
        drop(self.backups.lock().take());
        if let Some(cluster) = &self.cluster {
            cluster.stop();
        }
    }
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("node_id", &self.0.shape.node_id).finish_non_exhaustive()
    }
}
