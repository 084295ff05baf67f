//! A node with a process of one task in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use skep_broker::{
    ActivatedJobs, Broker, BrokerConfig, BrokerError, DataLocation, Environment, OpenState,
    Response,
};
use skep_env::Disk;
use skep_protocol::{
    Command, DeploymentIntent, DeploymentRecord, JobBatchRecord, JobIntent, JobRecord, Key, NO_KEY,
    Payload, ProcessInstanceCreationIntent, ProcessInstanceCreationRecord, ResourceRecord,
};
use skep_storage::{MemoryStore, StateStore};

/// Long enough for a loaded machine; nothing here waits for it to pass.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) const JOB_TYPE: &str = "work";

/// A process of one service task.
const ONE_TASK: &str = include_str!("../../../../models/test/one_task.bpmn");

/// A process that waits for an hour, and then has the same task.
const WAIT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d" targetNamespace="t">
  <bpmn:process id="wait" isExecutable="true">
    <bpmn:startEvent id="s"/>
    <bpmn:sequenceFlow id="c" sourceRef="s" targetRef="timer"/>
    <bpmn:intermediateCatchEvent id="timer">
      <bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>
    </bpmn:intermediateCatchEvent>
    <bpmn:sequenceFlow id="d1" sourceRef="timer" targetRef="task2"/>
    <bpmn:serviceTask id="task2">
      <bpmn:extensionElements><zeebe:taskDefinition type="work"/></bpmn:extensionElements>
    </bpmn:serviceTask>
    <bpmn:sequenceFlow id="e" sourceRef="task2" targetRef="end2"/>
    <bpmn:endEvent id="end2"/>
  </bpmn:process>
</bpmn:definitions>"#;

/// Stores that outlive a crash of the node, as disks do.
#[derive(Clone, Default)]
pub(crate) struct Stores(Arc<Mutex<BTreeMap<u32, Arc<MemoryStore>>>>);

impl Stores {
    pub(crate) fn open(&self) -> OpenState {
        let stores = self.0.clone();
        OpenState(Arc::new(move |partition| {
            let store = stores.lock().entry(partition).or_default().clone();
            store as Arc<dyn StateStore>
        }))
    }
}

pub(crate) fn config(stores: &Stores) -> BrokerConfig {
    BrokerConfig {
        data: DataLocation::Folder(PathBuf::from("/data")),
        journal_segment_bytes: 1024 * 1024,
        state: Some(stores.open()),
        ..BrokerConfig::default()
    }
}

pub(crate) fn on(disk: impl Disk + 'static) -> Environment {
    Environment { disk: Arc::new(disk), ..Environment::system() }
}

pub(crate) async fn in_memory() -> Broker {
    let broker = Broker::start(BrokerConfig::default(), Environment::virtual_time()).await.unwrap();
    deploy(&broker).await;
    broker
}

pub(crate) async fn deploy(broker: &Broker) {
    deploy_text(broker, "one.bpmn", ONE_TASK).await;
    deploy_text(broker, "wait.bpmn", WAIT).await;
    broker.quiesce().await;
}

pub(crate) async fn deploy_text(broker: &Broker, name: &str, text: &str) {
    let content = Bytes::from(text.to_owned());
    let resource = ResourceRecord { name: name.to_owned(), content };
    let value = DeploymentRecord { resources: vec![resource], ..DeploymentRecord::default() };
    let command = Command::new(NO_KEY, Payload::Deployment(DeploymentIntent::Create, value));
    let response = broker.submit(1, command, TIMEOUT).await.unwrap();
    assert!(matches!(response, Response::Accepted { .. }), "{response:?}");
}

pub(crate) fn create_command(process: &str) -> Command {
    let value = ProcessInstanceCreationRecord {
        bpmn_process_id: process.to_owned(),
        version: -1,
        ..ProcessInstanceCreationRecord::default()
    };
    Command::new(
        NO_KEY,
        Payload::ProcessInstanceCreation(ProcessInstanceCreationIntent::Create, value),
    )
}

pub(crate) async fn create(broker: &Broker, process: &str) -> Result<Key, BrokerError> {
    create_on(broker, 1, process).await
}

pub(crate) async fn create_on(
    broker: &Broker,
    partition: u32,
    process: &str,
) -> Result<Key, BrokerError> {
    match broker.submit(partition, create_command(process), TIMEOUT).await? {
        Response::Accepted { payload, .. } => match *payload {
            Payload::ProcessInstanceCreation(_, value) => Ok(value.process_instance_key),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn activate(broker: &Broker, jobs_max: u32) -> ActivatedJobs {
    activate_on(broker, 1, jobs_max).await
}

pub(crate) async fn activate_on(broker: &Broker, partition: u32, jobs_max: u32) -> ActivatedJobs {
    let request = JobBatchRecord {
        job_type: JOB_TYPE.to_owned(),
        worker: "tester".to_owned(),
        timeout_ms: 3_600_000,
        jobs_max,
        ..JobBatchRecord::default()
    };
    broker.activate_jobs(partition, request, TIMEOUT).await.unwrap().unwrap()
}

pub(crate) async fn complete(broker: &Broker, key: Key) -> Result<Response, BrokerError> {
    let command = Command::new(key, Payload::Job(JobIntent::Complete, JobRecord::default()));
    broker.submit(skep_protocol::key::partition_of(key), command, TIMEOUT).await
}
