//! A process of one task, and a client of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use skep_broker::Response;
use skep_gateway::{Backend, SubmitError};
use skep_protocol::{
    Command, DeploymentIntent, DeploymentRecord, JobBatchRecord, JobIntent, JobRecord, Key, NO_KEY,
    PartitionId, Payload, ProcessInstanceCreationIntent, ProcessInstanceCreationRecord,
    RejectionType, ResourceRecord, key,
};

pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

const MODEL: &str = include_str!("../../../../models/test/one_task.bpmn");

fn creation() -> Payload {
    let value = ProcessInstanceCreationRecord {
        bpmn_process_id: "one_task".to_owned(),
        version: -1,
        ..ProcessInstanceCreationRecord::default()
    };
    Payload::ProcessInstanceCreation(ProcessInstanceCreationIntent::Create, value)
}

/// A client of one node.
#[derive(Clone)]
pub(crate) struct Client(pub(crate) Arc<dyn Backend>);

impl Client {
    async fn submit(
        &self,
        partition: PartitionId,
        command: Command,
    ) -> Result<Payload, SubmitError> {
        match self.0.submit(partition, command, TIMEOUT).await? {
            Response::Accepted { payload, .. } => Ok(*payload),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn deploy(&self) -> Result<(), SubmitError> {
        let content = Bytes::from_static(MODEL.as_bytes());
        let resource = ResourceRecord { name: "one.bpmn".to_owned(), content };
        let value = DeploymentRecord { resources: vec![resource], ..DeploymentRecord::default() };
        let payload = Payload::Deployment(DeploymentIntent::Create, value);
        self.submit(1, Command::new(NO_KEY, payload)).await.map(drop)
    }

    pub(crate) async fn create(&self, partition: PartitionId) -> Result<Key, SubmitError> {
        let payload = creation();
        match self.submit(partition, Command::new(NO_KEY, payload)).await? {
            Payload::ProcessInstanceCreation(_, value) => Ok(value.process_instance_key),
            other => panic!("{other:?}"),
        }
    }

    /// Creates an instance, when the partition can be reached and knows the process.
    pub(crate) async fn try_create(&self, partition: PartitionId) -> Result<(), String> {
        let payload = creation();
        match self.0.submit(partition, Command::new(NO_KEY, payload), TIMEOUT).await {
            Ok(Response::Accepted { .. }) => Ok(()),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(format!("{error:?}")),
        }
    }

    pub(crate) async fn activate(&self, partition: PartitionId) -> Result<Vec<Key>, SubmitError> {
        let request = JobBatchRecord {
            job_type: "work".to_owned(),
            worker: "tester".to_owned(),
            timeout_ms: 60_000,
            jobs_max: 100,
            ..JobBatchRecord::default()
        };
        let delivery = self.0.activate_jobs(partition, request, TIMEOUT).await?;
        let keys = delivery.jobs().iter().map(|job| job.key).collect();
        delivery.confirm();
        Ok(keys)
    }

    /// Completes a job; false when there is no such job.
    pub(crate) async fn complete(&self, job: Key) -> Result<bool, SubmitError> {
        let command = Command::new(job, Payload::Job(JobIntent::Complete, JobRecord::default()));
        match self.0.submit(key::partition_of(job), command, TIMEOUT).await? {
            Response::Accepted { .. } => Ok(true),
            Response::Rejected { rejection, .. } if rejection.kind == RejectionType::NotFound => {
                Ok(false)
            }
            other => panic!("{other:?}"),
        }
    }
}
