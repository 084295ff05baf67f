//! How fast a simulated cluster is: simulated time per real time, idle and under a light load.
//!
//! `cargo run --release -p skep-sim --example speed -- [brokers] [gateways] [seconds]`

#![allow(clippy::disallowed_methods, reason = "it measures real time")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use skep_broker::Response;
use skep_gateway::Backend;
use skep_protocol::{
    Command, DeploymentIntent, DeploymentRecord, JobBatchRecord, JobIntent, JobRecord, NO_KEY,
    PartitionId, Payload, ProcessInstanceCreationIntent, ProcessInstanceCreationRecord,
    ResourceRecord,
};
use skep_sim::{ClusterConfig, Crash, NodeId, Options, SimCluster, World, simulate};

const RESTARTS: u32 = 20;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Instances that are created and completed in a second.
const LOAD_PER_S: u32 = 10;

const MODEL: &str = include_str!("../../../models/test/one_task.bpmn");

/// Measures a part of a simulation.
struct Part {
    world: World,
    real: Instant,
    simulated: Duration,
    events: u64,
    steps: u64,
}

impl Part {
    fn begin(cluster: &SimCluster) -> Self {
        let world = cluster.world().clone();
        let (simulated, events) = (world.elapsed(), world.trace().hash().1);
        Self { real: Instant::now(), simulated, events, steps: steps(cluster), world }
    }

    fn end(self, cluster: &SimCluster, name: &str) {
        let real = self.real.elapsed();
        let simulated = self.world.elapsed() - self.simulated;
        let seconds = simulated.as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "figures for people")]
        let rate = |count: u64| count as f64 / seconds;
        println!(
            "{name}: {seconds:.3} s simulated in {real:?}: {:.0} x; {:.0} events/s, {:.0} steps/s",
            seconds / real.as_secs_f64(),
            rate(self.world.trace().hash().1 - self.events),
            rate(steps(cluster) - self.steps),
        );
    }
}

fn steps(cluster: &SimCluster) -> u64 {
    cluster.nodes().iter().map(|id| cluster.steps(*id)).sum()
}

async fn submit(backend: &Arc<dyn Backend>, partition: PartitionId, payload: Payload) -> bool {
    let answer = backend.submit(partition, Command::new(NO_KEY, payload), TIMEOUT).await;
    matches!(answer, Ok(Response::Accepted { .. }))
}

fn creation() -> Payload {
    let value = ProcessInstanceCreationRecord {
        bpmn_process_id: "one_task".to_owned(),
        version: -1,
        ..ProcessInstanceCreationRecord::default()
    };
    Payload::ProcessInstanceCreation(ProcessInstanceCreationIntent::Create, value)
}

async fn deploy(backend: &Arc<dyn Backend>, partitions: u32) {
    let content = Bytes::from_static(MODEL.as_bytes());
    let resource = ResourceRecord { name: "one.bpmn".to_owned(), content };
    let value = DeploymentRecord { resources: vec![resource], ..DeploymentRecord::default() };
    let payload = Payload::Deployment(DeploymentIntent::Create, value);
    while !submit(backend, 1, payload.clone()).await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for partition in 1..=partitions {
        while !submit(backend, partition, creation()).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Creates one instance and completes its job.
async fn one(backend: &Arc<dyn Backend>, partition: PartitionId) -> Option<()> {
    submit(backend, partition, creation()).await.then_some(())?;
    let request = JobBatchRecord {
        job_type: "work".to_owned(),
        worker: "speed".to_owned(),
        timeout_ms: 60_000,
        jobs_max: 1,
        ..JobBatchRecord::default()
    };
    let delivery = backend.activate_jobs(partition, request, TIMEOUT).await.ok()?;
    let job = delivery.jobs().first()?.key;
    delivery.confirm();
    let command = Command::new(job, Payload::Job(JobIntent::Complete, JobRecord::default()));
    backend.submit(partition, command, TIMEOUT).await.ok().map(drop)
}

async fn measure(world: World, config: ClusterConfig, seconds: u32) {
    let cluster = SimCluster::new(&world, config);
    let part = Part::begin(&cluster);
    cluster.start_all().await.expect("it starts");
    part.end(&cluster, "start");
    let node = cluster.gateways().first().copied().unwrap_or(NodeId(0));
    let backend = cluster.backend(node);
    let part = Part::begin(&cluster);
    deploy(&backend, cluster.config().partitions).await;
    part.end(&cluster, "deployment on all partitions");
    let part = Part::begin(&cluster);
    tokio::time::sleep(Duration::from_secs(seconds.into())).await;
    part.end(&cluster, "idle");
    let part = Part::begin(&cluster);
    let mut done = 0;
    for number in 0..seconds * LOAD_PER_S {
        let next = tokio::time::sleep(Duration::from_secs(1) / LOAD_PER_S);
        done += u32::from(one(&backend, number % cluster.config().partitions + 1).await.is_some());
        next.await;
    }
    part.end(&cluster, &format!("load, {done} instances"));
    let part = Part::begin(&cluster);
    for _ in 0..RESTARTS {
        cluster.crash(NodeId(0), Crash::PowerLoss);
        cluster.start(NodeId(0)).await.expect("it starts again");
    }
    part.end(&cluster, &format!("{RESTARTS} restarts of a broker"));
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|it| it.parse::<u32>().expect("a number"));
    let brokers = arguments.next().unwrap_or(3);
    let gateways = arguments.next().unwrap_or(0);
    let seconds = arguments.next().unwrap_or(60);
    let config = ClusterConfig {
        brokers,
        gateways,
        replication_factor: brokers,
        ..ClusterConfig::default()
    };
    let run = simulate(1, Options::default(), async |world| measure(world, config, seconds).await);
    println!("{:?} {:?} hash {:016x}", run.value, run.panics, run.trace_hash);
}
