//! A broker for tests: answers from a script and remembers what it was sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use skep_broker::metadata::{ManageRequest, Managed};
use skep_broker::{
    ActivatedJob, BrokerStatus, DistributionStatus, Inspection, PartitionHealth, PartitionRole,
    PartitionStatus, ReplicaControl, ReplicaReport, Response, Topology,
};
use skep_env::SystemClock;
use skep_protocol::{
    Command, DecisionEvaluationIntent, DecisionEvaluationRecord, DecisionMetadata,
    DecisionRequirementsMetadata, DeploymentRecord, EvaluatedDecisionRecord, EvaluatedInputRecord,
    EvaluatedOutputRecord, Header, JobBatchRecord, JobRecord, MatchedRuleRecord, PartitionId,
    Payload, ProcessMetadata, Rejection, RejectionType, key,
};
use tokio::sync::Notify;

use crate::backend::{
    Backend, BoxFuture, ClockControl, Delivery, JobStream, OpenStream, SubmitError,
};
use crate::error::{ErrorKind, GatewayError};
use crate::gateway::{Address, Gateway};

type Script = Box<dyn Fn(PartitionId, &Command) -> Result<Response, SubmitError> + Send + Sync>;

/// The answer of one activation on one partition.
type ScriptedJobs = (PartitionId, Result<Vec<ActivatedJob>, SubmitError>);

/// The broker.
pub(crate) struct FakeBroker {
    partitions: u32,
    /// What [`Backend::distributions`] gives.
    pub(crate) distributions: Mutex<Vec<DistributionStatus>>,
    script: Script,
    /// What was submitted.
    pub(crate) sent: Mutex<Vec<(PartitionId, Command)>>,
    /// Answers of activations by partition; empty when used up.
    pub(crate) jobs: Mutex<VecDeque<ScriptedJobs>>,
    /// Activations that were asked for.
    pub(crate) activations: Mutex<Vec<(PartitionId, JobBatchRecord)>>,
    pub(crate) announcements: Arc<Notify>,
    /// Jobs that were confirmed and handed back.
    pub(crate) fate: Arc<Fate>,
    pub(crate) health: Mutex<PartitionHealth>,
    pub(crate) clock: Option<Arc<FakeClock>>,
    /// Requests about the cluster, and what they are answered with.
    pub(crate) managed: Mutex<Vec<ManageRequest>>,
    pub(crate) manage_answer: Mutex<Managed>,
    /// What the replicas were told.
    pub(crate) controls: Mutex<Vec<ReplicaControl>>,
}

#[derive(Default)]
pub(crate) struct Fate {
    pub(crate) confirmed: AtomicUsize,
    pub(crate) handed_back: AtomicUsize,
}

impl FakeBroker {
    pub(crate) fn new(
        partitions: u32,
        script: impl Fn(PartitionId, &Command) -> Result<Response, SubmitError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            partitions,
            distributions: Mutex::default(),
            script: Box::new(script),
            sent: Mutex::default(),
            jobs: Mutex::default(),
            activations: Mutex::default(),
            announcements: Arc::default(),
            fate: Arc::default(),
            health: Mutex::new(PartitionHealth::Healthy),
            clock: None,
            managed: Mutex::default(),
            manage_answer: Mutex::new(Ok(serde_json::Value::Null)),
            controls: Mutex::default(),
        }
    }

    /// Answers every command with its own payload, under a key of the partition.
    pub(crate) fn echo(partitions: u32) -> Self {
        Self::new(partitions, |partition, command| Ok(accepted(partition, command.payload.clone())))
    }

    /// Refuses every command.
    pub(crate) fn rejecting(kind: RejectionType) -> Self {
        Self::new(1, move |_, _| {
            Ok(Response::Rejected {
                intent: "COMPLETE",
                rejection: Rejection::new(kind, "because"),
            })
        })
    }

    pub(crate) fn gateway(self: &Arc<Self>) -> Gateway {
        let address = Address { host: "127.0.0.1".to_owned(), port: 26_500 };
        Gateway::new(self.clone(), Arc::new(SystemClock), address)
    }

    pub(crate) fn last_sent(&self) -> (PartitionId, Command) {
        self.sent.lock().last().cloned().expect("something was sent")
    }
}

pub(crate) fn accepted(partition: PartitionId, payload: Payload) -> Response {
    Response::Accepted { key: key::compose(partition, 7), position: 1, payload: Box::new(payload) }
}

pub(crate) fn refused(kind: ErrorKind, not_accepted: bool) -> SubmitError {
    SubmitError { error: GatewayError::new(kind, format!("{kind:?}")), not_accepted }
}

pub(crate) fn job(number: u64) -> ActivatedJob {
    ActivatedJob {
        key: key::compose(1, number),
        job: JobRecord {
            job_type: "pay".to_owned(),
            element_id: "pay-task".to_owned(),
            element_instance_key: key::compose(1, 90),
            bpmn_process_id: "order".to_owned(),
            process_definition_version: 2,
            process_definition_key: key::compose(1, 91),
            process_instance_key: key::compose(1, 92),
            headers: vec![Header { key: "a".to_owned(), value: "b\"c".to_owned() }],
            worker: "w".to_owned(),
            retries: 3,
            deadline_ms: 1_700_000_000_000,
            ..JobRecord::default()
        },
        variables: crate::transcode::document_to_msgpack(r#"{"x":1,"y":[true,null]}"#)
            .unwrap()
            .into(),
    }
}

/// Jobs of the fake broker.
pub(crate) struct FakeDelivery {
    pub(crate) jobs: Vec<ActivatedJob>,
    pub(crate) fate: Arc<Fate>,
}

impl Delivery for FakeDelivery {
    fn jobs(&self) -> &[ActivatedJob] {
        &self.jobs
    }

    fn truncated(&self) -> bool {
        false
    }

    fn confirm(mut self: Box<Self>) {
        let jobs = std::mem::take(&mut self.jobs);
        self.fate.confirmed.fetch_add(jobs.len(), Ordering::Relaxed);
    }
}

impl Drop for FakeDelivery {
    fn drop(&mut self) {
        self.fate.handed_back.fetch_add(self.jobs.len(), Ordering::Relaxed);
    }
}

struct FakeStream {
    deliveries: VecDeque<Box<dyn Delivery>>,
}

impl JobStream for FakeStream {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Option<Box<dyn Delivery>>> {
        Poll::Ready(self.deliveries.pop_front())
    }
}

#[derive(Default)]
pub(crate) struct FakeClock {
    pub(crate) now_ms: Mutex<i64>,
}

#[async_trait]
impl ClockControl for FakeClock {
    async fn pin(&self, now_ms: i64) -> Result<(), GatewayError> {
        *self.now_ms.lock() = now_ms;
        Ok(())
    }

    async fn add(&self, offset_ms: i64) -> Result<(), GatewayError> {
        *self.now_ms.lock() += offset_ms;
        Ok(())
    }

    async fn reset(&self) -> Result<(), GatewayError> {
        *self.now_ms.lock() = 0;
        Ok(())
    }
}

#[async_trait]
impl Backend for FakeBroker {
    fn fault_targets(&self) -> skep_env::fault::Targets {
        skep_broker::chaos::targets(Some(0), 0..3, self.partitions)
    }

    fn distributions(&self) -> Vec<DistributionStatus> {
        self.distributions.lock().clone()
    }

    fn partitions(&self) -> u32 {
        self.partitions
    }

    fn topology(&self) -> Topology {
        let partitions = (1..=self.partitions).map(|id| PartitionStatus {
            id,
            role: PartitionRole::Leader,
            health: self.health.lock().clone(),
            last_position: 42,
        });
        let broker = BrokerStatus {
            node_id: 0,
            client_address: String::new(),
            version: "1.2.3".to_owned(),
            partitions: partitions.collect(),
        };
        Topology {
            node_id: Some(0),
            cluster_id: "skep-cluster".to_owned(),
            cluster_size: 1,
            partition_count: self.partitions,
            replication_factor: 1,
            last_completed_change: None,
            brokers: vec![broker],
        }
    }

    async fn submit(
        &self,
        partition: PartitionId,
        command: Command,
        _: Duration,
    ) -> Result<Response, SubmitError> {
        let answer = (self.script)(partition, &command);
        self.sent.lock().push((partition, command));
        answer
    }

    async fn activate_jobs(
        &self,
        partition: PartitionId,
        request: JobBatchRecord,
        _: Duration,
    ) -> Result<Box<dyn Delivery>, SubmitError> {
        self.activations.lock().push((partition, request));
        let mut scripted = self.jobs.lock();
        let jobs = match scripted.iter().position(|(of, _)| *of == partition) {
            Some(at) => scripted.remove(at).expect("it is there").1?,
            None => Vec::new(),
        };
        Ok(Box::new(FakeDelivery { jobs, fate: self.fate.clone() }))
    }

    fn jobs_available(&self, _: &str) -> BoxFuture<'static, ()> {
        Box::pin(self.announcements.clone().notified_owned())
    }

    fn open_job_stream(&self, _: JobBatchRecord) -> Result<Box<dyn JobStream>, SubmitError> {
        let mut deliveries: VecDeque<Box<dyn Delivery>> = VecDeque::new();
        for (_, jobs) in self.jobs.lock().drain(..) {
            deliveries.push_back(Box::new(FakeDelivery { jobs: jobs?, fate: self.fate.clone() }));
        }
        Ok(Box::new(FakeStream { deliveries }))
    }

    fn job_streams(&self) -> Vec<OpenStream> {
        vec![OpenStream {
            job_type: "pay".to_owned(),
            worker: "w".to_owned(),
            timeout_ms: 1000,
            jobs_in_flight: 2,
            elsewhere: false,
        }]
    }

    fn now_ms(&self) -> i64 {
        self.clock.as_ref().map_or(0, |clock| *clock.now_ms.lock())
    }

    async fn manage(&self, request: ManageRequest) -> Managed {
        self.managed.lock().push(request);
        self.manage_answer.lock().clone()
    }

    fn replicas(&self) -> Vec<ReplicaReport> {
        let report = |status: &PartitionStatus| ReplicaReport {
            status: status.clone(),
            processing_paused: false,
            exporting_paused: false,
            requests: 0,
            requests_limit: 1_024,
        };
        self.topology().local().iter().map(report).collect()
    }

    fn control_replicas(&self, control: ReplicaControl) {
        self.controls.lock().push(control);
    }

    async fn inspect(&self, partition: PartitionId) -> Option<Inspection> {
        let rows = vec![(0, Vec::new(), vec![1]), (28, vec![2], vec![3])];
        (partition == 1).then_some(Inspection { entry: None, position: 42, rows })
    }

    fn clock(&self) -> Option<Arc<dyn ClockControl>> {
        self.clock.clone().map(|clock| clock as Arc<dyn ClockControl>)
    }
}

/// A broker that evaluates the decision `fee` of a graph with two decisions.
pub(crate) fn deciding(failure: &str) -> FakeBroker {
    let failed = !failure.is_empty();
    let failure = failure.to_owned();
    FakeBroker::new(2, move |partition, command| {
        let Payload::DecisionEvaluation(_, asked) = &command.payload else { panic!() };
        let table = EvaluatedDecisionRecord {
            decision_id: "fee".to_owned(),
            decision_name: "Fee".to_owned(),
            decision_key: key::compose(1, 21),
            decision_version: 3,
            decision_type: "DECISION_TABLE".to_owned(),
            decision_output: vec![0x05].into(),
            evaluated_inputs: vec![EvaluatedInputRecord {
                input_id: "in1".to_owned(),
                input_name: "risk".to_owned(),
                input_value: b"\xa3low".to_vec().into(),
            }],
            matched_rules: vec![MatchedRuleRecord {
                rule_id: "rule2".to_owned(),
                rule_index: 2,
                evaluated_outputs: vec![EvaluatedOutputRecord {
                    output_id: "out1".to_owned(),
                    output_name: "amount".to_owned(),
                    output_value: vec![0x05].into(),
                }],
            }],
            warnings: Vec::new(),
        };
        let risk = EvaluatedDecisionRecord {
            decision_id: "risk".to_owned(),
            decision_type: "LITERAL_EXPRESSION".to_owned(),
            decision_output: b"\xa3low".to_vec().into(),
            ..EvaluatedDecisionRecord::default()
        };
        let record = DecisionEvaluationRecord {
            decision_id: "fee".to_owned(),
            decision_name: "Fee".to_owned(),
            decision_version: 3,
            decision_key: key::compose(1, 21),
            decision_requirements_id: "fees".to_owned(),
            decision_requirements_key: key::compose(1, 20),
            decision_output: vec![if failed { 0xc0 } else { 0x05 }].into(),
            variables: asked.variables.clone(),
            evaluation_failure_message: failure.clone(),
            failed_decision_id: if failed { "risk".to_owned() } else { String::new() },
            evaluated_decisions: if failed { vec![risk] } else { vec![risk, table] },
            ..DecisionEvaluationRecord::default()
        };
        Ok(accepted(
            partition,
            Payload::DecisionEvaluation(DecisionEvaluationIntent::Evaluated, record),
        ))
    })
}

/// A broker whose deployments define a process, and a graph with one decision.
pub(crate) fn deploying() -> FakeBroker {
    FakeBroker::new(1, |partition, command| {
        let Payload::Deployment(intent, sent) = &command.payload else { panic!() };
        let name = |index: usize| sent.resources[index].name.clone();
        let record = DeploymentRecord {
            processes: vec![ProcessMetadata {
                bpmn_process_id: "order".to_owned(),
                version: 1,
                process_definition_key: key::compose(1, 8),
                resource_name: name(0),
                ..ProcessMetadata::default()
            }],
            decisions: vec![DecisionMetadata {
                decision_id: "fee".to_owned(),
                decision_name: "Fee".to_owned(),
                version: 3,
                decision_key: key::compose(1, 10),
                decision_requirements_id: "fees".to_owned(),
                decision_requirements_key: key::compose(1, 9),
                ..DecisionMetadata::default()
            }],
            decision_requirements: vec![DecisionRequirementsMetadata {
                decision_requirements_id: "fees".to_owned(),
                decision_requirements_name: "Fees".to_owned(),
                version: 2,
                decision_requirements_key: key::compose(1, 9),
                resource_name: name(1),
                ..DecisionRequirementsMetadata::default()
            }],
            ..DeploymentRecord::default()
        };
        Ok(accepted(partition, Payload::Deployment(*intent, record)))
    })
}
