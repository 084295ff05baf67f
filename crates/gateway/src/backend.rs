//! What the gateway needs of a broker, as a trait: handlers are tested without one.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use skep_broker::metadata::{ManageRequest, Managed, Refusal, RefusalKind};
use skep_broker::{
    ActivatedJob, DistributionStatus, Inspection, ReplicaControl, ReplicaReport, Response, Topology,
};
use skep_env::fault::Targets;
use skep_protocol::{Command, JobBatchRecord, PartitionId};

use crate::error::GatewayError;

/// Why a command got no answer of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmitError {
    /// What the client is told.
    pub error: GatewayError,
    /// The command was certainly not taken: it may go to another partition.
    pub not_accepted: bool,
}

/// Jobs on their way to a worker. When it is dropped before [`Delivery::confirm`], the jobs are
/// handed back and offered again at once.
pub trait Delivery: Send {
    /// The jobs.
    fn jobs(&self) -> &[ActivatedJob];

    /// More jobs were there than fit.
    fn truncated(&self) -> bool;

    /// The transport has taken the jobs.
    fn confirm(self: Box<Self>);
}

/// Pushed jobs, until the stream is dropped.
pub trait JobStream: Send {
    /// The next jobs; `None` when the broker stops.
    fn poll_next(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Box<dyn Delivery>>>;
}

/// An open job stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenStream {
    /// Job type.
    pub job_type: String,
    /// Worker name.
    pub worker: String,
    /// Length of an activation, in milliseconds.
    pub timeout_ms: i64,
    /// Jobs that were pushed and not taken by the transport yet.
    pub jobs_in_flight: u32,
    /// Its client is connected to another node.
    pub elsewhere: bool,
}

/// A future without a name.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A broker, or something that plays one.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// How many partitions there are; 0 while no broker has been reached.
    fn partitions(&self) -> u32;

    /// How many partitions what has a home is spread over; unlike [`Backend::partitions`] it never
    /// changes.
    fn message_partitions(&self) -> u32 {
        self.partitions()
    }

    /// The partitions and their state.
    fn topology(&self) -> Topology;

    /// Hands a command to a partition and waits for its answer.
    async fn submit(
        &self,
        partition: PartitionId,
        command: Command,
        timeout: Duration,
    ) -> Result<Response, SubmitError>;

    /// [`Backend::submit`] for a command that another partition can take as well: refused at once when
    /// nobody is known to lead this one.
    async fn offer(
        &self,
        partition: PartitionId,
        command: Command,
        timeout: Duration,
    ) -> Result<Response, SubmitError> {
        self.submit(partition, command, timeout).await
    }

    /// Activates jobs of one partition.
    async fn activate_jobs(
        &self,
        partition: PartitionId,
        request: JobBatchRecord,
        timeout: Duration,
    ) -> Result<Box<dyn Delivery>, SubmitError>;

    /// Resolves when jobs of this type are announced after this call.
    fn jobs_available(&self, job_type: &str) -> BoxFuture<'static, ()>;

    /// Opens a stream of pushed jobs over all partitions.
    fn open_job_stream(&self, request: JobBatchRecord) -> Result<Box<dyn JobStream>, SubmitError>;

    /// Open job streams.
    fn job_streams(&self) -> Vec<OpenStream>;

    /// What partitions have not acknowledged of what others distribute to them.
    fn distributions(&self) -> Vec<DistributionStatus> {
        Vec::new()
    }

    /// What faults of messages may name.
    fn fault_targets(&self) -> Targets {
        Targets::default()
    }

    /// The engine's time, epoch milliseconds.
    fn now_ms(&self) -> i64;

    /// Answers an operator's request about the cluster.
    async fn manage(&self, request: ManageRequest) -> Managed {
        let _ = request;
        let reason = "this gateway has no cluster behind it".to_owned();
        Err(Refusal { kind: RefusalKind::Unsupported, reason })
    }

    /// The replicas of this node; a standalone gateway has none.
    fn replicas(&self) -> Vec<ReplicaReport> {
        Vec::new()
    }

    /// Tells the replicas of this node what to do.
    fn control_replicas(&self, control: ReplicaControl) {
        let _ = control;
    }

    /// The whole state of this node's replica of a partition; none when it has none.
    async fn inspect(&self, partition: PartitionId) -> Option<Inspection> {
        let _ = partition;
        None
    }

    /// The clock, when it may be moved.
    fn clock(&self) -> Option<Arc<dyn ClockControl>>;
}

/// A clock that tests may move. Each change returns when the engine has done what became due.
#[async_trait]
pub trait ClockControl: Send + Sync {
    /// Stops the clock at this time.
    async fn pin(&self, now_ms: i64) -> Result<(), GatewayError>;

    /// Moves the clock.
    async fn add(&self, offset_ms: i64) -> Result<(), GatewayError>;

    /// Back to the wall clock.
    async fn reset(&self) -> Result<(), GatewayError>;
}
