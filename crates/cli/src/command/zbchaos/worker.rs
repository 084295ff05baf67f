//! `zbchaos worker`: runs the steps of experiments for chaos processes of an orchestrating cluster.
//!
//! Two job types: `zbchaos` runs a verb as a process of its own, `readExperiments` gives the built-in
//! experiments of a cluster plan. A job is this worker's for as long as its step may take, so that no
//! other worker does it at the same time.

use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use skep_client::proto::ActivatedJob;
use skep_client::{Client, JobOutcome, Worker};

use super::context::Context;
use super::job_worker::own_binary;
use crate::experiments;
use crate::failure::Failure;

/// How long a step may take when it does not say.
const STEP_SECONDS: u64 = 900;

/// Longest step: a job is a worker's for no longer than this.
const STEP_MAX: Duration = Duration::from_secs(3_600);

/// How long a failed step waits before it is tried again.
const BACKOFF: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
#[command(after_help = "\
The orchestrating cluster is CHAOS_AUTOMATION_CLUSTER_ADDRESS, or --address; the cluster that is troubled is --dir.

Example:
  skep zbchaos worker --dir ./skep-cluster --orchestrator 127.0.0.1:26500")]
pub(super) struct WorkerArgs {
    /// gRPC port of the cluster whose processes run the experiments
    #[arg(long, env = "CHAOS_AUTOMATION_CLUSTER_ADDRESS", value_name = "HOST:PORT")]
    orchestrator: Option<String>,
}

impl WorkerArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let address = self.orchestrator.unwrap_or_else(|| context.connection.address());
        let client = Client::connect(&address, context.connection.options()).await?;
        let folder = context.target.folder()?.display().to_string();
        let worker = |job_type: &str| {
            Worker::new(client.clone(), job_type)
                .with_name("zbchaos")
                .with_jobs_active_max(1)
                .with_job_timeout(STEP_MAX)
        };
        let steps = worker("zbchaos").start(move |job| step(job, folder.clone()));
        let readers = worker("readExperiments").start(|job| async move { read(&job) });
        context.say.line(&format!("Working on zbchaos and readExperiments jobs of {address}"))?;
        let _ = tokio::signal::ctrl_c().await;
        steps.stop().await;
        readers.stop().await;
        Ok(())
    }
}

/// The experiments of a plan.
fn read(job: &ActivatedJob) -> JobOutcome {
    let variables: Value = serde_json::from_str(&job.variables).unwrap_or_default();
    let plan = variables["clusterPlan"].as_str().unwrap_or_default();
    let found = experiments::documents_of(plan);
    if found.is_empty() {
        return JobOutcome::Fail {
            retries: Some(0),
            backoff: Duration::ZERO,
            message: format!("No experiments found for cluster plan '{plan}'"),
            variables: String::new(),
        };
    }
    JobOutcome::complete_with(json!({ "experiments": found }).to_string())
}

/// Runs the step of a job.
async fn step(job: ActivatedJob, folder: String) -> JobOutcome {
    let failed = |retries: i32, message: String| JobOutcome::Fail {
        retries: Some(retries),
        backoff: BACKOFF,
        message,
        variables: String::new(),
    };
    let variables: Value = match serde_json::from_str(&job.variables) {
        Ok(variables) => variables,
        Err(error) => return failed(0, format!("the variables cannot be read: {error}")),
    };
    let provider = &variables["provider"];
    let arguments: Vec<String> = match &provider["arguments"] {
        Value::Array(words) => words.iter().map(word).collect(),
        Value::Null => Vec::new(),
        other => return failed(0, format!("the arguments {other} are no list")),
    };
    let patience = Duration::from_secs(provider["timeout"].as_u64().unwrap_or(STEP_SECONDS));
    match run(&arguments, &folder, patience.min(STEP_MAX)).await {
        Ok(()) => JobOutcome::complete(),
        Err(message) => failed(job.retries, message),
    }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

async fn run(arguments: &[String], folder: &str, patience: Duration) -> Result<(), String> {
    let binary = own_binary().map_err(|failure| failure.text())?;
    let child = tokio::process::Command::new(binary)
        .arg("zbchaos")
        .args(["--dir", folder, "--verbose", "--jsonLogging"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::inherit())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot start the step: {error}"))?;
    match tokio::time::timeout(patience, child.wait_with_output()).await {
        Err(_) => Err(format!("not done after {patience:?}")),
        Ok(Err(error)) => Err(format!("the step has vanished: {error}")),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}
