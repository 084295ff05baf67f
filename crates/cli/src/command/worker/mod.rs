//! `skep worker TYPE --handler CMD`: a job worker whose handler is any program.

mod handler;

use std::io::IsTerminal;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::json;
use skep_client::worker::WorkerEvent;
use skep_client::{Delivery, JobOutcome, Worker};
use tokio::sync::mpsc;

use crate::connection::ConnectionArgs;
use crate::duration;
use crate::failure::Failure;
use crate::output::{Format, print_line};
use handler::Handler;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct WorkerArgs {
    /// Job type
    #[arg(value_name = "TYPE")]
    job_type: String,

    /// Shell command to run for each job
    #[arg(long, value_name = "CMD")]
    handler: String,

    /// Most handlers that run at once
    #[arg(long, value_name = "N", default_value_t = 8,
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_jobs: u32,

    /// How long each job is this worker's; a handler that takes longer is killed
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration::parse)]
    timeout: Duration,

    /// How long a failed job stays away from workers
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    backoff: Duration,

    /// How jobs arrive
    #[arg(long, value_enum, default_value_t = Arrival::Both)]
    delivery: Arrival,

    /// Worker name, for people who look at jobs
    #[arg(long, value_name = "NAME", default_value = "skep-worker")]
    name: String,

    /// Fetch only these variables
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    fetch: Vec<String>,

    /// Stop by itself after so many jobs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    exit_after: Option<u64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Arrival {
    /// The worker asks for jobs
    Poll,
    /// The cluster pushes jobs; those from before are not seen
    Push,
    /// Pushed, and asked for now and then
    Both,
}

const AFTER_HELP: &str = "\
The handler is run by sh -c. It gets the job's variables as JSON on stdin and answers by its exit code:
  0      the job is completed; a JSON object on stdout becomes its result variables
  100    a BPMN error is thrown; stdout is {\"errorCode\": \"...\", \"errorMessage\": \"...\", \"variables\": {...}},
         of which only errorCode is required
  other  the job fails with one retry less; the end of stderr becomes its message
Environment: SKEP_JOB_KEY, SKEP_JOB_TYPE, SKEP_JOB_RETRIES, SKEP_JOB_DEADLINE_MS, SKEP_JOB_HEADERS (JSON),
SKEP_PROCESS_ID, SKEP_PROCESS_VERSION, SKEP_PROCESS_DEFINITION_KEY, SKEP_PROCESS_INSTANCE_KEY,
SKEP_ELEMENT_ID, SKEP_ELEMENT_INSTANCE_KEY, SKEP_TENANT_ID.
Interrupt once to finish the running handlers and stop, twice to stop at once.

Examples:
  skep worker charge-card --handler 'jq \"{total: (.items * 9.99)}\"'
  skep worker ship --handler ./ship.sh --max-jobs 2 --timeout 10m --backoff 30s";

/// What the worker's tasks tell the foreground.
struct JobLine {
    text: String,
    json: serde_json::Value,
    is_answer: bool,
}

/// Lines that may wait to be printed; more are dropped rather than slowing the work down.
const LINES_WAITING_MAX: usize = 1_024;

impl WorkerArgs {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let client = connection.connect().await?;
        let (lines_send, mut lines) = mpsc::channel(LINES_WAITING_MAX);
        let worker = Worker::new(client, &self.job_type)
            .with_name(&self.name)
            .with_job_timeout(self.timeout)
            .with_jobs_active_max(self.max_jobs)
            .with_delivery(self.delivery.into())
            .with_fetch_variables(self.fetch.clone())
            .with_observer(move |event| {
                if let Some(line) = line_of(&event) {
                    // A full queue means that nobody reads; the work goes on.
                    let _ = lines_send.try_send(line);
                }
            });
        let handler = Handler::new(&self.handler, self.timeout, self.backoff);
        let running = worker.start(move |job| {
            let handler = handler.clone();
            async move { handler.run(&job).await }
        });
        if std::io::stderr().is_terminal() {
            eprintln!("working on {:?} jobs; interrupt to stop", self.job_type);
        }
        let mut jobs_left = self.exit_after;
        while jobs_left != Some(0) {
            tokio::select! {
                Some(line) = lines.recv() => {
                    if line.is_answer {
                        jobs_left = jobs_left.map(|left| left - 1);
                    }
                    print(&line, format)?;
                }
                _ = tokio::signal::ctrl_c() => break,
            }
        }
        tokio::select! {
            () = running.stop() => {}
            _ = tokio::signal::ctrl_c() => std::process::exit(130),
        }
        while let Ok(line) = lines.try_recv() {
            print(&line, format)?;
        }
        Ok(())
    }
}

fn print(line: &JobLine, format: Format) -> Result<(), Failure> {
    match format {
        Format::Table => print_line(&line.text),
        Format::Json => print_line(&line.json.to_string()),
    }
}

fn line_of(event: &WorkerEvent<'_>) -> Option<JobLine> {
    Some(match event {
        WorkerEvent::Answered(job, outcome) => JobLine {
            text: format!("job {} {}", job.key, sentence(outcome)),
            json: json!({"jobKey": job.key.to_string(), "outcome": name(outcome)}),
            is_answer: true,
        },
        WorkerEvent::AnswerRefused(job, outcome, error) => JobLine {
            text: format!(
                "job {} {}, but the cluster refused: {error}",
                job.key,
                sentence(outcome)
            ),
            json: json!({
                "jobKey": job.key.to_string(), "outcome": name(outcome),
                "refused": {"kind": error.kind().as_str(), "message": error.message()},
            }),
            is_answer: true,
        },
        WorkerEvent::SourceFailed(error) => JobLine {
            text: format!("cannot get jobs, trying again: {error}"),
            json: json!({
                "sourceFailed": {"kind": error.kind().as_str(), "message": error.message()}
            }),
            is_answer: false,
        },
        _ => return None,
    })
}

fn name(outcome: &JobOutcome) -> &'static str {
    match outcome {
        JobOutcome::Complete { .. } => "completed",
        JobOutcome::Fail { .. } => "failed",
        JobOutcome::Error { .. } => "error",
        JobOutcome::Leave => "left",
    }
}

fn sentence(outcome: &JobOutcome) -> String {
    match outcome {
        JobOutcome::Complete { .. } => "completed".into(),
        JobOutcome::Fail { message, .. } => format!("failed: {}", message.trim()),
        JobOutcome::Error { code, .. } => format!("threw error {code}"),
        JobOutcome::Leave => "left alone".into(),
    }
}

impl From<Arrival> for Delivery {
    fn from(arrival: Arrival) -> Self {
        match arrival {
            Arrival::Poll => Self::Poll,
            Arrival::Push => Self::Stream,
            Arrival::Both => Self::StreamAndPoll,
        }
    }
}
