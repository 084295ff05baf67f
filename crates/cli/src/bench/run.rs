//! One run from its preparation to its report.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use skep_client::Client;
use skep_client::proto::DeployResourceRequest;
use skep_client::proto::deployment::Metadata;

use super::counters::{Counters, Journal};
use super::grpc::GrpcConnection;
use super::load::{Load, LoadOptions, Pace};
use super::null_server::NullServer;
use super::process::{self, Usage};
use super::progress::Progress;
use super::report::{GeneratorUsage, JournalUse, Report, ServerUsage};
use super::rest::RestPool;
use super::target::{GrpcTarget, Plan, RestTarget, Target};
use super::{Payload, Workload};
use crate::failure::Failure;
use crate::limits::{BENCH_DRAIN_MAX, BENCH_POLLERS};

/// The protocol that makes the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Api {
    Grpc,
    Rest,
}

/// How jobs reach the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Delivery {
    /// StreamActivatedJobs
    Push,
    /// ActivateJobs, waiting
    Poll,
}

/// Everything that defines a run.
#[derive(Debug)]
pub(crate) struct RunOptions {
    pub(crate) workload: Workload,
    pub(crate) payload: Payload,
    pub(crate) api: Api,
    pub(crate) delivery: Delivery,
    pub(crate) pace: Pace,
    pub(crate) work_time: Duration,
    pub(crate) warm_up: Duration,
    /// Ignored when `instances` is given.
    pub(crate) duration: Duration,
    pub(crate) instances: Option<u64>,
    pub(crate) connections: usize,
    pub(crate) address: String,
    pub(crate) rest_address: String,
    pub(crate) management: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) pids: Vec<u32>,
}

/// What was used up to one moment.
struct Snapshot {
    at: Instant,
    server: Usage,
    own: Usage,
    journal: Journal,
}

/// Loads a server in this process that only answers: what is left is the generator's own cost.
/// Must run inside a `LocalSet`.
pub(crate) async fn run_on_null_server(options: RunOptions) -> Result<Report, Failure> {
    let server = NullServer::start()
        .map_err(|error| Failure::Local(format!("cannot start the null server: {error}")))?;
    measure(&RunOptions { address: server.address(), ..options }, 1).await
}

/// Deploys the workload, loads the cluster and measures. Must run inside a `LocalSet`.
pub(crate) async fn run(client: &Client, options: &RunOptions) -> Result<Report, Failure> {
    measure(options, deploy(client, options.workload).await?).await
}

async fn measure(options: &RunOptions, process_definition_key: i64) -> Result<Report, Failure> {
    // A wrong process id shall not be found out at the end.
    process::usage(&options.pids)?;
    let started_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let plan = Plan {
        start: options.workload.start(),
        process_definition_key,
        variables: options.payload.json(),
        run_id: format!("bench-{started_ms}"),
    };
    let counters = match &options.management {
        Some(url) => Some(Counters::new(url, options.token.as_deref())?),
        None => None,
    };
    let load = Load::new(
        target(options, &plan).await?,
        &LoadOptions {
            workload: options.workload,
            pace: options.pace,
            is_pushed: options.delivery == Delivery::Push,
            work_time: options.work_time,
            instances: options.instances,
            first_sequence: i64::try_from(started_ms).unwrap_or(0) * 1_000,
        },
    );
    load.begin();
    let mut progress = Progress::new();
    if options.instances.is_none() {
        pass(&load, options.warm_up, &mut progress, true).await?;
        load.tracker().measured.end_warm_up();
    }
    let before = snapshot(options, counters.as_ref()).await?;
    let length = if options.instances.is_some() { Duration::MAX } else { options.duration };
    pass(&load, length, &mut progress, false).await?;
    let (started, completed) = counts(&load);
    let after = snapshot(options, counters.as_ref()).await?;
    progress.end();
    load.stop();
    drain(&load).await;
    Ok(report(options, &plan, &load, (started, completed), (&before, &after)))
}

fn counts(load: &Load) -> (u64, u64) {
    let tracker = load.tracker();
    (tracker.measured.started, tracker.measured.completed)
}

async fn deploy(client: &Client, workload: Workload) -> Result<i64, Failure> {
    let (file, xml) = workload.model();
    let answer = client.deploy_resource(DeployResourceRequest::new(file, xml)).await?;
    answer
        .deployments
        .iter()
        .find_map(|deployment| match &deployment.metadata {
            Some(Metadata::Process(process)) => Some(process.process_definition_key),
            _ => None,
        })
        .ok_or_else(|| Failure::Answer(format!("the cluster deployed no process from {file}")))
}

async fn target(options: &RunOptions, plan: &Plan) -> Result<Target, Failure> {
    let token = options.token.as_deref();
    match options.api {
        Api::Grpc => {
            let mut connections = Vec::with_capacity(options.connections);
            for _ in 0..options.connections {
                connections.push(GrpcConnection::open(&options.address, token).await?);
            }
            Ok(Target::Grpc(GrpcTarget::new(connections, plan)?))
        }
        Api::Rest => {
            let calls = RestPool::new(&options.rest_address, token, options.connections)?;
            let polls = RestPool::new(&options.rest_address, token, BENCH_POLLERS)?;
            Ok(Target::Rest(RestTarget::new(calls, polls, plan)))
        }
    }
}

/// Lets the load run for a while, a second at a time, or until all instances are done or the user
/// interrupts.
async fn pass(
    load: &Load,
    length: Duration,
    progress: &mut Progress,
    is_warm_up: bool,
) -> Result<(), Failure> {
    let begin = Instant::now();
    loop {
        let left = length.saturating_sub(begin.elapsed());
        if left.is_zero() || load.is_done() {
            return Ok(());
        }
        let is_interrupted = tokio::select! {
            () = tokio::time::sleep(left.min(Duration::from_secs(1))) => false,
            () = load.done() => false,
            _ = tokio::signal::ctrl_c() => true,
        };
        let at_s = load.now_us() as f64 / 1e6;
        let in_flight = load.in_flight();
        progress.show(load.tracker().measured.end_second(at_s, is_warm_up), in_flight);
        if let Some(reason) = load.broken() {
            return Err(Failure::Unreachable(reason));
        }
        if is_interrupted {
            return Ok(());
        }
    }
}

async fn snapshot(options: &RunOptions, counters: Option<&Counters>) -> Result<Snapshot, Failure> {
    let journal = match counters {
        Some(counters) => counters.journal().await,
        None => Journal::default(),
    };
    let server = process::usage(&options.pids)?;
    Ok(Snapshot { at: Instant::now(), server, own: process::own_usage(), journal })
}

/// Waits for the instances in flight, so that the next run does not inherit them.
async fn drain(load: &Load) {
    let begin = Instant::now();
    while !load.is_idle() && begin.elapsed() < BENCH_DRAIN_MAX && load.broken().is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn report(
    options: &RunOptions,
    plan: &Plan,
    load: &Load,
    (started, completed): (u64, u64),
    (before, after): (&Snapshot, &Snapshot),
) -> Report {
    let measured_s = after.at.duration_since(before.at).as_secs_f64();
    let per_instance = |used: f64| (completed > 0).then(|| used / completed as f64);
    let cpu_us = |after: Usage, before: Usage| after.cpu_us.saturating_sub(before.cpu_us) as f64;
    let percent = |cpu_us: f64| cpu_us / measured_s.max(1e-6) / 10_000.0;
    let server_cpu_us = cpu_us(after.server, before.server);
    let own_cpu_us = cpu_us(after.own, before.own);
    let counted = |after: Option<f64>, before: Option<f64>| {
        after.zip(before).and_then(|(after, before)| per_instance(after - before))
    };
    let tracker = load.tracker();
    let measured = &tracker.measured;
    let has_work = options.workload.jobs_per_instance() > 0;
    Report {
        workload: options.workload.name(),
        payload: options.payload.name(),
        payload_bytes: match options.payload {
            Payload::None => 0,
            _ => plan.variables.len(),
        },
        api: match options.api {
            Api::Grpc => "gRPC",
            Api::Rest => "REST",
        },
        delivery: match (has_work, options.delivery) {
            (false, _) => "nobody",
            (true, Delivery::Push) => "push",
            (true, Delivery::Poll) => "poll",
        },
        pace: match options.pace {
            Pace::Closed { in_flight } => format!("closed loop, {in_flight} in flight"),
            Pace::Open { rate } => format!("open loop, {rate}/s"),
        },
        warm_up_s: match options.instances {
            Some(_) => 0.0,
            None => options.warm_up.as_secs_f64(),
        },
        measured_s,
        started,
        completed,
        left_in_flight: load.in_flight(),
        instances_per_s: completed as f64 / measured_s.max(1e-6),
        create: measured.create.summary(),
        delivery_latency: measured.delivery.summary(),
        instance: match options.workload {
            Workload::CreateOnly => None,
            _ => measured.instance.summary(),
        },
        refusals: measured.refusals.clone(),
        first_refusal: measured.first_refusal.clone(),
        server: (!options.pids.is_empty()).then(|| ServerUsage {
            cpu_us_per_instance: per_instance(server_cpu_us),
            cpu_percent: percent(server_cpu_us),
            rss_mb: after.server.rss_kb as f64 / 1024.0,
            rss_peak_mb: after.server.rss_peak_kb as f64 / 1024.0,
        }),
        generator: GeneratorUsage {
            cpu_us_per_instance: per_instance(own_cpu_us),
            cpu_percent: percent(own_cpu_us),
        },
        journal: JournalUse {
            bytes_per_instance: counted(after.journal.bytes, before.journal.bytes),
            fsyncs_per_instance: counted(after.journal.fsyncs, before.journal.fsyncs),
        },
        probes: None,
        seconds: measured.seconds.clone(),
    }
}
