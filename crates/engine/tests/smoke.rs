//! One instance of the smallest process with a job, from deployment to completion.

use std::sync::Arc;

use skep_engine::state::NoBacking;
use skep_engine::{Effect, Engine, Outcome, RequestId, Response, Settings};
use skep_protocol::*;

const ONE_TASK: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="t">
  <bpmn:process id="one" isExecutable="true">
    <bpmn:startEvent id="start"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="task"/>
    <bpmn:serviceTask id="task"><bpmn:extensionElements><zeebe:taskDefinition type="work"/></bpmn:extensionElements><bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing></bpmn:serviceTask>
    <bpmn:sequenceFlow id="f2" sourceRef="task" targetRef="end"/>
    <bpmn:endEvent id="end"><bpmn:incoming>f2</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>"#;

fn run(engine: &mut Engine, log: &mut Vec<Record>, payload: Payload, key: Key) -> Outcome {
    let mut outcome = Outcome::default();
    engine.process(Command::new(key, payload), Some(RequestId(1)), 1000, &mut outcome);
    for record in &outcome.records {
        let payload = &record.payload;
        println!(
            "{} {} {} {:?}",
            record.position,
            payload.value_type().name(),
            payload.intent_name(),
            record.rejection
        );
    }
    log.extend(outcome.records.clone());
    outcome
}

#[test]
fn one_task_runs_to_its_end_and_replays() {
    let settings = Settings { partition_id: 1, partitions: 1 };
    let mut engine = Engine::new(settings, Arc::new(NoBacking)).unwrap();
    let mut log = Vec::new();
    let resource = ResourceRecord { name: "one.bpmn".into(), content: ONE_TASK.into() };
    let deployment = DeploymentRecord { resources: vec![resource], ..Default::default() };
    run(&mut engine, &mut log, Payload::Deployment(DeploymentIntent::Create, deployment), 0);
    let creation = ProcessInstanceCreationRecord {
        bpmn_process_id: "one".into(),
        version: -1,
        ..Default::default()
    };
    let payload = Payload::ProcessInstanceCreation(ProcessInstanceCreationIntent::Create, creation);
    run(&mut engine, &mut log, payload, 0);
    let batch = JobBatchRecord {
        job_type: "work".into(),
        worker: "w".into(),
        timeout_ms: 1000,
        jobs_max: 5,
        ..Default::default()
    };
    let outcome = run(&mut engine, &mut log, Payload::JobBatch(JobBatchIntent::Activate, batch), 0);
    let job = outcome.effects.iter().find_map(|effect| match effect {
        Effect::Respond { response: Response::Jobs { jobs, .. }, .. } => jobs.first().cloned(),
        _ => None,
    });
    let payload = Payload::Job(JobIntent::Complete, JobRecord::default());
    let outcome = run(&mut engine, &mut log, payload, job.unwrap().key);
    assert_eq!(outcome.records.last().unwrap().payload.intent_name(), "ELEMENT_COMPLETED");

    let mut replayed = Engine::new(settings, Arc::new(NoBacking)).unwrap();
    replayed.replay(&log).unwrap();
    assert_eq!(engine.dump(), replayed.dump());
    // Only the definition and what it is found by are left.
    assert!(engine.dump().iter().all(|(table, ..)| [0, 10, 11, 12].contains(table)));
}
