//! Workers for the job of the built-in process: processes that `deploy worker` starts, and `restart
//! worker` and `terminate worker` replace. They end with their cluster.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use skep_client::{Delivery, JobOutcome, Worker};
use skep_env::process::{ProcessState, Signal};

use super::context::{Context, LOOK_PAUSE};
use crate::cluster::launch;
use crate::cluster::state::Process;
use crate::failure::Failure;

/// How long a job takes, as in the original.
const WORK: Duration = Duration::from_millis(50);

/// Jobs that a worker has at once.
const CAPACITY: u32 = 10;

/// How long a job is a worker's: when the worker ends, others get the job after this.
const JOB_TIMEOUT: Duration = Duration::from_secs(5);

/// A worker that asks less often than this does not ask at all: what it gets was pushed.
const POLL_MAX: Duration = Duration::from_secs(3_600);

/// How long a worker may take until it works, and until it has ended.
const EFFECT_MAX: Duration = Duration::from_secs(30);

/// The type of the built-in process' jobs.
pub(super) const JOB_TYPE: &str = "benchmark-task";

/// What the workers print, in the folder of the cluster.
const LOG: &str = "workers.log";

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos work --pollingDelay 1")]
pub(super) struct WorkArgs {
    /// Type of the jobs
    #[arg(long = "jobType", value_name = "TYPE", default_value = JOB_TYPE)]
    job_type: String,

    /// Pause between two questions for jobs, milliseconds
    #[arg(long = "pollingDelay", value_name = "MS", default_value_t = 1)]
    polling_delay: u64,
}

impl WorkArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.patient_client(EFFECT_MAX).await?;
        let pause = Duration::from_millis(self.polling_delay);
        let delivery = if pause > POLL_MAX { Delivery::Stream } else { Delivery::StreamAndPoll };
        let worker = Worker::new(client, &self.job_type)
            .with_name("zbchaos-worker")
            .with_job_timeout(JOB_TIMEOUT)
            .with_jobs_active_max(CAPACITY)
            .with_poll_interval(pause.max(LOOK_PAUSE))
            .with_delivery(delivery)
            .start(|_| async {
                tokio::time::sleep(WORK).await;
                JobOutcome::complete()
            });
        eprintln!("works on {}", self.job_type);
        let mut terminated =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                .map_err(|error| Failure::Local(format!("cannot hear signals: {error}")))?;
        tokio::select! {
            _ = terminated.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        worker.stop().await;
        Ok(())
    }
}

/// Starts so many workers and remembers them; answers when each works.
pub(super) async fn start(
    context: &Context,
    replicas: u32,
    polling_delay_ms: u64,
) -> Result<(), Failure> {
    let mut memory = context.memory()?;
    end(&memory.read().workers, Duration::ZERO).await?;
    let mut workers = Vec::new();
    for _ in 0..replicas {
        workers.push(launch_one(context, polling_delay_ms)?);
    }
    memory.change(|run| run.workers.clone_from(&workers))?;
    wait_for_streams(context, replicas).await
}

fn launch_one(context: &Context, polling_delay_ms: u64) -> Result<Process, Failure> {
    let folder = context.target.folder()?;
    let arguments = [
        "zbchaos".to_owned(),
        "work".to_owned(),
        format!("--dir={}", folder.display()),
        format!("--jobType={}", context.run.name(JOB_TYPE)),
        format!("--pollingDelay={polling_delay_ms}"),
    ];
    let command = launch::in_namespace(None, &own_binary()?, &arguments);
    launch::detached(command, &folder.join(LOG))
}

pub(super) fn own_binary() -> Result<PathBuf, Failure> {
    std::env::current_exe()
        .map_err(|error| Failure::Local(format!("this program cannot find itself: {error}")))
}

/// Waits until gateways know so many streams for the jobs.
async fn wait_for_streams(context: &Context, wanted: u32) -> Result<(), Failure> {
    let job_type = context.run.name(JOB_TYPE);
    let began = Instant::now();
    loop {
        let streams = context.target.ask_each("/actuator/jobstreams")?;
        let open = streams
            .iter()
            .flat_map(|answer| answer["client"].as_array().into_iter().flatten())
            .filter(|stream| stream["jobType"] == job_type.as_str())
            .count();
        if open >= wanted as usize {
            return Ok(());
        }
        if began.elapsed() > EFFECT_MAX {
            return Err(Failure::guided(
                7,
                format!("only {open} of {wanted} workers have a job stream"),
                "See workers.log in the folder of the cluster.",
            ));
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

/// Ends the first worker, or all, and starts as many; answers their names.
pub(super) async fn replace(
    context: &Context,
    grace: Duration,
    all: bool,
) -> Result<Vec<String>, Failure> {
    let mut memory = context.memory()?;
    let mut workers = memory.read().workers;
    if workers.is_empty() {
        return Err(Failure::guided(
            4,
            "no worker was started in this run".to_owned(),
            "Start some with `skep zbchaos deploy worker`.",
        ));
    }
    let count = if all { workers.len() } else { 1 };
    let delay = polling_delay(&workers[0]).unwrap_or(1);
    end(&workers[..count], grace).await?;
    for worker in workers.iter_mut().take(count) {
        *worker = launch_one(context, delay)?;
    }
    let replicas = u32::try_from(workers.len()).unwrap_or(u32::MAX);
    memory.change(|run| run.workers = workers)?;
    wait_for_streams(context, replicas).await?;
    Ok((0..count).map(|number| format!("worker-{number}")).collect())
}

/// The pause that a running worker was started with.
fn polling_delay(worker: &Process) -> Option<u64> {
    let line = std::fs::read(format!("/proc/{}/cmdline", worker.pid)).ok()?;
    let text = String::from_utf8_lossy(&line).into_owned();
    text.split('\0').find_map(|word| word.strip_prefix("--pollingDelay=")?.parse().ok())
}

/// Ends processes: asks, and after `grace` does not ask any more.
async fn end(workers: &[Process], grace: Duration) -> Result<(), Failure> {
    let signal = |worker: &Process, signal| {
        worker.identity().signal(signal).map(drop).map_err(|error| {
            Failure::Local(format!("worker {} cannot be sent a signal: {error}", worker.pid))
        })
    };
    let is_there = |worker: &&Process| worker.identity().state() != ProcessState::Ended;
    let began = Instant::now();
    for worker in workers {
        signal(worker, if grace.is_zero() { Signal::Kill } else { Signal::Terminate })?;
    }
    while workers.iter().any(|worker| is_there(&worker)) {
        if began.elapsed() > grace {
            workers.iter().filter(is_there).try_for_each(|worker| signal(worker, Signal::Kill))?;
        }
        if began.elapsed() > grace + EFFECT_MAX {
            return Err(Failure::Local("a worker does not end, even when killed".to_owned()));
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
    Ok(())
}
