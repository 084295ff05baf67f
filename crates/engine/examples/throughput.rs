//! How many microseconds the engine alone takes for an instance of `one_task`: create, activate in
//! batches, complete, encode the log entry. `cargo run --release -p skep-engine --example throughput`
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement"
)]

use std::sync::Arc;
use std::time::Instant;

use skep_engine::state::NoBacking;
use skep_engine::{Effect, Engine, Outcome, RequestId, Response, Settings};
use skep_protocol::*;

const MODEL: &str = include_str!("../../../models/bench/one_task.bpmn");
const BATCH: usize = 32;

/// 14 variables, about 500 bytes: the shape of the field's usual benchmark payload.
fn payload() -> bytes::Bytes {
    let mut out = vec![0x8e];
    for index in 0..14 {
        let name = format!("var{index}");
        out.push(0xa0 | name.len() as u8);
        out.extend_from_slice(name.as_bytes());
        out.push(0xd9);
        out.push(28);
        out.extend_from_slice(&[b'a' + index as u8; 28]);
    }
    out.into()
}

fn main() {
    let instances: usize =
        std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(200_000);
    let settings = Settings { partition_id: 1, partitions: 1 };
    let mut engine = Engine::new(settings, Arc::new(NoBacking)).unwrap();
    let mut outcome = Outcome::default();
    let resource = ResourceRecord { name: "one_task.bpmn".into(), content: MODEL.into() };
    let deployment = DeploymentRecord { resources: vec![resource], ..Default::default() };
    let command = Command::new(0, Payload::Deployment(DeploymentIntent::Create, deployment));
    engine.process(command, None, 0, &mut outcome);
    let variables = payload();
    let creation = ProcessInstanceCreationRecord {
        bpmn_process_id: "bench_one_task".into(),
        version: -1,
        variables: variables.clone(),
        ..Default::default()
    };
    let activation = JobBatchRecord {
        job_type: "benchmark-task".into(),
        worker: "w".into(),
        timeout_ms: 60_000,
        jobs_max: BATCH as u32,
        ..Default::default()
    };
    let mut log_bytes = 0usize;
    let mut records = 0usize;
    let mut buffer = Vec::new();
    let mut run = |engine: &mut Engine, payload: Payload, key: Key| {
        let mut outcome = Outcome::default();
        engine.process(Command::new(key, payload), Some(RequestId(1)), 1000, &mut outcome);
        buffer.clear();
        codec::encode_entry(&outcome.records, &mut buffer);
        log_bytes += buffer.len();
        records += outcome.records.len();
        outcome.effects
    };
    let start = Instant::now();
    let mut completed = 0;
    while completed < instances {
        for _ in 0..BATCH {
            let payload = Payload::ProcessInstanceCreation(
                ProcessInstanceCreationIntent::Create,
                creation.clone(),
            );
            run(&mut engine, payload, 0);
        }
        let effects =
            run(&mut engine, Payload::JobBatch(JobBatchIntent::Activate, activation.clone()), 0);
        let Effect::Respond { response: Response::Jobs { jobs, .. }, .. } = &effects[0] else {
            unreachable!()
        };
        assert_eq!(jobs.len(), BATCH);
        for job in jobs {
            let record = JobRecord { variables: variables.clone(), ..Default::default() };
            run(&mut engine, Payload::Job(JobIntent::Complete, record), job.key);
        }
        completed += BATCH;
    }
    let elapsed = start.elapsed();
    println!(
        "{completed} instances, {:.1} us and {} bytes of log each, {:.0} records/s",
        elapsed.as_secs_f64() * 1e6 / completed as f64,
        log_bytes / completed,
        records as f64 / elapsed.as_secs_f64()
    );
}
