//! What one partition does on this machine without a gateway: creates instances of a process with
//! one task, and works on them, with so many callers in flight.
//!
//! `cargo run --release -p skep-broker --example partition_load -- FOLDER create|work SECONDS CALLERS...`
#![allow(clippy::unwrap_used, reason = "a tool for developers stops at the first surprise")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use skep_broker::{Broker, BrokerConfig, Environment, JobStreamSpec, Response};
use skep_env::{Clock, SystemClock};
use skep_protocol::{
    Command, DeploymentIntent, DeploymentRecord, JobIntent, JobRecord, NO_KEY, Payload,
    ProcessInstanceCreationIntent, ProcessInstanceCreationRecord, ResourceRecord, key,
};

const MODEL: &str = include_str!("../../../models/test/one_task.bpmn");

const TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| "/tmp/partition_load".to_owned());
    let work = arguments.next().is_none_or(|mode| mode == "work");
    let seconds: u64 = arguments.next().and_then(|it| it.parse().ok()).unwrap_or(5);
    let mut callers: Vec<usize> = arguments.filter_map(|it| it.parse().ok()).collect();
    if callers.is_empty() {
        callers = vec![1, 16, 128];
    }
    let config = BrokerConfig::in_folder(folder);
    let started = SystemClock.monotonic_us();
    let broker = Broker::start(config, Environment::system()).await.unwrap();
    println!("started in {} us", SystemClock.monotonic_us() - started);
    deploy(&broker).await;
    for callers in callers {
        run(&broker, callers, seconds, work).await;
    }
    let before_stop = SystemClock.monotonic_us();
    broker.shutdown().await;
    println!("stopped in {} us", SystemClock.monotonic_us() - before_stop);
}

async fn deploy(broker: &Broker) {
    let resource = ResourceRecord { name: "one.bpmn".to_owned(), content: Bytes::from(MODEL) };
    let value = DeploymentRecord { resources: vec![resource], ..DeploymentRecord::default() };
    let command = Command::new(NO_KEY, Payload::Deployment(DeploymentIntent::Create, value));
    let response = broker.submit(1, command, TIMEOUT).await.unwrap();
    assert!(matches!(response, Response::Accepted { .. }), "{response:?}");
}

fn create() -> Command {
    let value = ProcessInstanceCreationRecord {
        bpmn_process_id: "one_task".to_owned(),
        version: -1,
        variables: variables(),
        ..ProcessInstanceCreationRecord::default()
    };
    let intent = ProcessInstanceCreationIntent::Create;
    Command::new(NO_KEY, Payload::ProcessInstanceCreation(intent, value))
}

/// A map of one string, 500 bytes in all.
fn variables() -> Bytes {
    let mut bytes = vec![0x81, 0xa1, b'v', 0xda, 0x01, 0xee];
    bytes.resize(500, b'x');
    Bytes::from(bytes)
}

async fn run(broker: &Broker, callers: usize, seconds: u64, work: bool) {
    let clock = SystemClock;
    let stop = Arc::new(AtomicBool::new(false));
    let completed = Arc::new(AtomicU64::new(0));
    let before = (cpu_us(), clock.monotonic_us());
    let worker = work.then(|| tokio::spawn(work_on(broker.clone(), completed.clone())));
    let creators: Vec<_> =
        (0..callers).map(|_| tokio::spawn(create_until(broker.clone(), stop.clone()))).collect();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    stop.store(true, Ordering::Relaxed);
    let mut latencies = Vec::new();
    for creator in creators {
        latencies.extend(creator.await.unwrap());
    }
    let elapsed_us = clock.monotonic_us() - before.1;
    let cpu = cpu_us() - before.0;
    if let Some(worker) = worker {
        worker.abort();
    }
    latencies.sort_unstable();
    let count = latencies.len() as u64;
    let at = |share: usize| latencies[(latencies.len() - 1) * share / 1000];
    println!(
        "{} callers{}: {}/s, completed {}/s, p50 {} us, p99 {} us, p99.9 {} us, {} us CPU each",
        callers,
        if work { ", worked on" } else { "" },
        count * 1_000_000 / elapsed_us,
        completed.load(Ordering::Relaxed) * 1_000_000 / elapsed_us,
        at(500),
        at(990),
        at(999),
        cpu / count.max(1),
    );
}

async fn create_until(broker: Broker, stop: Arc<AtomicBool>) -> Vec<u64> {
    let mut latencies = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let started = SystemClock.monotonic_us();
        let response = broker.submit(1, create(), TIMEOUT).await.unwrap();
        assert!(matches!(response, Response::Accepted { .. }), "{response:?}");
        latencies.push(SystemClock.monotonic_us() - started);
    }
    latencies
}

async fn work_on(broker: Broker, completed: Arc<AtomicU64>) {
    let spec = JobStreamSpec {
        job_type: "work".to_owned(),
        worker: "load".to_owned(),
        timeout_ms: 60_000,
        fetch_variables: Vec::new(),
    };
    let mut stream = broker.open_job_stream(spec).unwrap();
    while let Some(jobs) = stream.recv().await {
        for job in jobs.confirm() {
            let (broker, completed) = (broker.clone(), completed.clone());
            tokio::spawn(async move {
                let value = JobRecord { variables: variables(), ..JobRecord::default() };
                let command = Command::new(job.key, Payload::Job(JobIntent::Complete, value));
                broker.submit(key::partition_of(job.key), command, TIMEOUT).await.unwrap();
                completed.fetch_add(1, Ordering::Relaxed);
            });
        }
    }
}

/// User and system time of this process, in microseconds.
fn cpu_us() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|it| it.parse::<u64>().ok()).unwrap_or(0);
    (ticks(11) + ticks(12)) * 10_000
}
