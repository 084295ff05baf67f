//! No command makes an entry that the log cannot hold: what is too large is refused or becomes an
//! incident, and the engine goes on.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail as it may")]

use std::sync::Arc;

use bytes::Bytes;
use skep_engine::state::NoBacking;
use skep_engine::{Effect, Engine, Outcome, RequestId, Response, Settings, limits};
use skep_protocol::*;

const BIG_BYTES: usize = 3 * 1024 * 1024;

fn model(mappings: &str) -> String {
    format!(
        r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t">
  <bpmn:process id="p" isExecutable="true">
    <bpmn:startEvent id="start"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="task"/>
    <bpmn:serviceTask id="task"><bpmn:extensionElements><zeebe:taskDefinition type="work"/><zeebe:ioMapping>{mappings}</zeebe:ioMapping></bpmn:extensionElements><bpmn:incoming>f1</bpmn:incoming></bpmn:serviceTask>
  </bpmn:process>
</bpmn:definitions>"#
    )
}

fn copies(kind: &str) -> String {
    (0..6).map(|copy| format!(r#"<zeebe:{kind} source="=big" target="copy{copy}"/>"#)).collect()
}

/// `{"big": "xxx..."}`
fn big() -> Bytes {
    let mut document = vec![0x81, 0xa3, b'b', b'i', b'g', 0xdb];
    document.extend_from_slice(&u32::try_from(BIG_BYTES).unwrap().to_be_bytes());
    document.extend(std::iter::repeat_n(b'x', BIG_BYTES));
    document.into()
}

struct Run {
    engine: Engine,
    log: Vec<Record>,
    effects: Vec<Effect>,
}

impl Run {
    fn new(mappings: &str) -> Self {
        let settings = Settings { partition_id: 1, partitions: 1 };
        let engine = Engine::new(settings, Arc::new(NoBacking)).unwrap();
        let mut run = Self { engine, log: Vec::new(), effects: Vec::new() };
        let resource = ResourceRecord { name: "p.bpmn".into(), content: model(mappings).into() };
        let deployment = DeploymentRecord { resources: vec![resource], ..Default::default() };
        run.process(0, Payload::Deployment(DeploymentIntent::Create, deployment), true);
        run
    }

    fn process(&mut self, key: Key, payload: Payload, by_client: bool) {
        let mut outcome = Outcome::default();
        let request = by_client.then_some(RequestId(1));
        self.engine.process(Command::new(key, payload), request, 1000, &mut outcome);
        let mut bytes = Vec::new();
        codec::encode_entry(&outcome.records, &mut bytes);
        assert!(bytes.len() < limits::OUTCOME_BYTES_MAX + 64 * 1024, "{} bytes", bytes.len());
        self.log.extend(outcome.records);
        self.effects = outcome.effects;
    }

    fn create(&mut self) {
        self.create_with(big());
    }

    fn create_with(&mut self, variables: Bytes) {
        let creation = ProcessInstanceCreationRecord {
            bpmn_process_id: "p".into(),
            version: -1,
            variables,
            ..Default::default()
        };
        let intent = ProcessInstanceCreationIntent::Create;
        self.process(0, Payload::ProcessInstanceCreation(intent, creation), true);
    }

    fn run_due(&mut self) {
        for round in 0.. {
            let due = self.engine.due(1000, &mut Vec::new());
            if due.is_empty() {
                return;
            }
            assert!(round < 20, "the same work comes due for ever: {due:?}");
            for command in due {
                self.process(command.key, command.payload, false);
            }
        }
    }

    fn replays(&self) {
        let settings = Settings { partition_id: 1, partitions: 1 };
        let mut replayed = Engine::new(settings, Arc::new(NoBacking)).unwrap();
        replayed.replay(&self.log).unwrap();
        assert!(replayed.dump() == self.engine.dump());
    }

    fn has(&self, wanted: impl Fn(&Record) -> bool) -> bool {
        self.log.iter().any(wanted)
    }
}

#[test]
fn a_step_that_would_be_too_large_is_an_incident() {
    let mut run = Run::new(&copies("input"));
    run.create();
    run.run_due();
    assert!(run.has(
        |record| matches!(&record.payload, Payload::Incident(IncidentIntent::Created, incident)
        if incident.error_type == ErrorType::MessageSizeExceeded as i32)
    ));
    run.replays();
    // The next instance is none the worse for it.
    run.create();
    assert!(matches!(&run.effects[0], Effect::Respond { response: Response::Accepted { .. }, .. }));
}

#[test]
fn a_completion_that_would_be_too_large_is_refused() {
    let mut run = Run::new(&copies("output"));
    run.create();
    run.run_due();
    let created = run
        .log
        .iter()
        .find(|record| matches!(&record.payload, Payload::Job(JobIntent::Created, _)));
    let job_key = created.unwrap().key;
    run.process(job_key, Payload::Job(JobIntent::Complete, JobRecord::default()), true);
    assert!(run.effects.iter().any(is_refused), "{:?}", run.effects);
    run.replays();
    // The job is still there, and an answer that fits a smaller model would do.
    run.process(
        job_key,
        Payload::Job(JobIntent::Fail, JobRecord { retries: 1, ..Default::default() }),
        true,
    );
    assert!(matches!(&run.effects[0], Effect::Respond { response: Response::Accepted { .. }, .. }));
}

fn is_refused(effect: &Effect) -> bool {
    matches!(effect, Effect::Respond { response: Response::Rejected { rejection, .. }, .. }
        if rejection.kind == RejectionType::ExceededBatchRecordSize)
}

#[test]
fn more_variables_than_an_entry_counts_records_are_refused() {
    // An entry counts its records in 16 bits; small variables stay far below its bytes.
    let count = 70_000u32;
    let mut document = vec![0xdf];
    document.extend_from_slice(&count.to_be_bytes());
    for variable in 0..count {
        document.push(0xa5);
        document.extend_from_slice(format!("{variable:05}").as_bytes());
        document.push(0x01);
    }
    let mut run = Run::new("");
    run.create_with(document.into());
    assert!(run.effects.iter().any(is_refused), "{:?}", run.effects);
    run.replays();
}
