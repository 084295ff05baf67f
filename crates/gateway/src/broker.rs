//! The real broker behind [`Backend`].

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use skep_broker::metadata::{ManageRequest, Managed};
use skep_broker::{
    ActivatedJob, ActivatedJobs, Broker, BrokerError, DistributionStatus, Inspection,
    JobStreamSpec, ReplicaControl, ReplicaReport, Response, Topology,
};
use skep_protocol::{Command, JobBatchRecord, PartitionId};

use crate::backend::{
    Backend, BoxFuture, ClockControl, Delivery, JobStream, OpenStream, SubmitError,
};
use crate::error::{ErrorKind, GatewayError};

impl From<BrokerError> for GatewayError {
    fn from(error: BrokerError) -> Self {
        let kind = match &error {
            BrokerError::Exhausted { .. } => ErrorKind::ResourceExhausted,
            BrokerError::Unavailable { .. } => ErrorKind::Unavailable,
            BrokerError::Timeout { .. } => ErrorKind::DeadlineExceeded,
            BrokerError::Internal { .. } => ErrorKind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<BrokerError> for SubmitError {
    fn from(error: BrokerError) -> Self {
        Self { not_accepted: error.not_accepted(), error: error.into() }
    }
}

impl Delivery for ActivatedJobs {
    fn jobs(&self) -> &[ActivatedJob] {
        Self::jobs(self)
    }

    fn truncated(&self) -> bool {
        Self::truncated(self)
    }

    fn confirm(self: Box<Self>) {
        Self::confirm(*self);
    }
}

impl JobStream for skep_broker::JobStream {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Box<dyn Delivery>>> {
        self.poll_recv(context).map(|jobs| jobs.map(|jobs| Box::new(jobs) as Box<dyn Delivery>))
    }
}

#[async_trait]
impl Backend for Broker {
    fn partitions(&self) -> u32 {
        Self::partitions(self)
    }

    fn message_partitions(&self) -> u32 {
        Self::message_partitions(self)
    }

    fn topology(&self) -> Topology {
        Self::topology(self)
    }

    async fn submit(
        &self,
        partition: PartitionId,
        command: Command,
        timeout: Duration,
    ) -> Result<Response, SubmitError> {
        Ok(Self::submit(self, partition, command, timeout).await?)
    }

    async fn offer(
        &self,
        partition: PartitionId,
        command: Command,
        timeout: Duration,
    ) -> Result<Response, SubmitError> {
        Ok(Self::offer(self, partition, command, timeout).await?)
    }

    async fn activate_jobs(
        &self,
        partition: PartitionId,
        request: JobBatchRecord,
        timeout: Duration,
    ) -> Result<Box<dyn Delivery>, SubmitError> {
        match Self::activate_jobs(self, partition, request, timeout).await? {
            Ok(jobs) => Ok(Box::new(jobs)),
            Err(Response::Rejected { intent, rejection }) => Err(SubmitError {
                error: GatewayError::rejected(intent, &rejection),
                not_accepted: false,
            }),
            Err(_) => Err(SubmitError {
                error: GatewayError::unexpected_answer("JOB_BATCH ACTIVATE"),
                not_accepted: false,
            }),
        }
    }

    fn jobs_available(&self, job_type: &str) -> BoxFuture<'static, ()> {
        Box::pin(Self::jobs_available(self, job_type))
    }

    fn open_job_stream(&self, request: JobBatchRecord) -> Result<Box<dyn JobStream>, SubmitError> {
        let spec = JobStreamSpec {
            job_type: request.job_type,
            worker: request.worker,
            timeout_ms: request.timeout_ms,
            fetch_variables: request.fetch_variables,
        };
        Ok(Box::new(Self::open_job_stream(self, spec)?))
    }

    fn job_streams(&self) -> Vec<OpenStream> {
        let streams = Self::job_streams(self).into_iter().map(|stream| OpenStream {
            job_type: stream.spec.job_type,
            worker: stream.spec.worker,
            timeout_ms: stream.spec.timeout_ms,
            jobs_in_flight: stream.jobs_in_flight,
            elsewhere: stream.elsewhere,
        });
        streams.collect()
    }

    fn fault_targets(&self) -> skep_env::fault::Targets {
        Self::fault_targets(self)
    }

    fn distributions(&self) -> Vec<DistributionStatus> {
        Self::distributions(self)
    }

    fn now_ms(&self) -> i64 {
        self.clock().now_ms()
    }

    async fn manage(&self, request: ManageRequest) -> Managed {
        Self::manage(self, request).await
    }

    fn replicas(&self) -> Vec<ReplicaReport> {
        Self::replicas(self)
    }

    fn control_replicas(&self, control: ReplicaControl) {
        Self::control_replicas(self, control);
    }

    async fn inspect(&self, partition: PartitionId) -> Option<Inspection> {
        Self::inspect(self, partition).await
    }

    fn clock(&self) -> Option<Arc<dyn ClockControl>> {
        self.is_time_virtual().then(|| Arc::new(self.clone()) as Arc<dyn ClockControl>)
    }
}

#[async_trait]
impl ClockControl for Broker {
    async fn pin(&self, now_ms: i64) -> Result<(), GatewayError> {
        Ok(self.pin_clock(now_ms).await?)
    }

    async fn add(&self, offset_ms: i64) -> Result<(), GatewayError> {
        self.advance_clock(offset_ms).await?;
        Ok(())
    }

    async fn reset(&self) -> Result<(), GatewayError> {
        Ok(self.reset_clock().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_broker_keep_their_meaning() {
        for (error, kind, not_accepted) in [
            (
                BrokerError::Exhausted { reason: "full".to_owned() },
                ErrorKind::ResourceExhausted,
                true,
            ),
            (
                BrokerError::Unavailable { reason: "starting".to_owned(), not_accepted: true },
                ErrorKind::Unavailable,
                true,
            ),
            (
                BrokerError::Unavailable { reason: "stopping".to_owned(), not_accepted: false },
                ErrorKind::Unavailable,
                false,
            ),
            (BrokerError::Timeout { timeout_ms: 5 }, ErrorKind::DeadlineExceeded, false),
            (BrokerError::Internal { reason: "dead".to_owned() }, ErrorKind::Internal, false),
        ] {
            let submitted = SubmitError::from(error);
            assert_eq!((submitted.error.kind, submitted.not_accepted), (kind, not_accepted));
        }
    }
}
