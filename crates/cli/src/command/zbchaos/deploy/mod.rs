//! `zbchaos deploy`: built-in and other models, and workers.

mod multi_version;

use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use skep_client::ErrorKind;
use skep_client::proto::deployment::Metadata;
use skep_client::proto::{DeployResourceRequest, DeployResourceResponse};

use super::context::{Context, LOOK_PAUSE};
use super::{job_worker, models};
use crate::failure::Failure;

/// How long a deployment is tried again: the same one twice is one.
const RETRY_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, Subcommand)]
pub(super) enum DeployCommand {
    /// Deploy a model
    Process(ProcessArgs),
    /// Deploy versions of a process and its decision, one after the other
    MultiVersion(multi_version::MultiVersionArgs),
    /// Start workers for the jobs of the built-in process
    Worker(WorkerArgs),
    /// Deploy the processes that run experiments
    Chaos(ChaosArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep zbchaos deploy process
  skep zbchaos deploy process --processModelPath bpmn/msg-catch.bpmn
  skep zbchaos deploy process --processModelPath ./order.bpmn")]
pub(super) struct ProcessArgs {
    /// File, or a built-in model when `bpmn/` is in it
    #[arg(long = "processModelPath", value_name = "PATH", default_value = "")]
    path: String,
}

impl ProcessArgs {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let path = if self.path.is_empty() { "bpmn/one_task.bpmn" } else { &self.path };
        let request = DeployResourceRequest::new(path, models::read(context, path)?);
        let answer = deploy(context, request).await?;
        let key = answer.deployments.iter().find_map(|deployed| match &deployed.metadata {
            Some(Metadata::Process(process)) => Some(process.process_definition_key),
            _ => None,
        });
        let key = key.unwrap_or(answer.key);
        context.say.line(&format!("Deployed given process model {path}, under key {key}!"))
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos deploy worker --pollingDelay 86400000")]
pub(super) struct WorkerArgs {
    /// Pause between two questions for jobs, milliseconds; workers that ask less than once an hour get
    /// only what is pushed to them
    #[arg(long = "pollingDelay", value_name = "MS", default_value_t = 1)]
    polling_delay: u64,

    /// How many
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    replicas: u32,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos deploy chaos")]
pub(super) struct ChaosArgs {}

impl DeployCommand {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Process(args) => args.run(context).await,
            Self::MultiVersion(args) => args.run(context).await,
            Self::Worker(args) => {
                job_worker::start(context, args.replicas, args.polling_delay).await?;
                let folder = context.target.folder()?.display();
                context.say.line(&format!(
                    "Worker successfully deployed to the current namespace: {folder}"
                ))
            }
            Self::Chaos(_) => {
                let mut request = DeployResourceRequest::default();
                for name in ["actionRunner", "chaosExperiment", "chaosToolkit"] {
                    let name = format!("bpmn/chaos/{name}.bpmn");
                    let text = models::built_in(context, &name)?;
                    request = request.with_resource(name, text);
                }
                deploy(context, request).await?;
                context.say.line("Deployed successfully process models to run chaos experiments")
            }
        }
    }
}

/// Deploys, again when it is not known whether it was done, and remembers the versions of the answer.
async fn deploy(
    context: &Context,
    request: DeployResourceRequest,
) -> Result<DeployResourceResponse, Failure> {
    let began = Instant::now();
    let answer = loop {
        let failure = match context.client().await {
            Ok(client) => match client.deploy_resource(request.clone()).await {
                Ok(answer) => break answer,
                Err(error) if !may_pass(error.kind()) => return Err(error.into()),
                Err(error) => error.into(),
            },
            Err(failure) => failure,
        };
        if began.elapsed() > RETRY_MAX {
            return Err(failure);
        }
        context.say.verbose("The deployment was not answered; again.")?;
        tokio::time::sleep(LOOK_PAUSE).await;
    };
    context.memory()?.change(|run| {
        let mut is_new = false;
        for deployed in &answer.deployments {
            let (known, id, version) = match &deployed.metadata {
                Some(Metadata::Process(it)) => {
                    (&mut run.processes, &it.bpmn_process_id, it.version)
                }
                Some(Metadata::Decision(it)) => {
                    (&mut run.decisions, &it.dmn_decision_id, it.version)
                }
                _ => continue,
            };
            is_new |= known.insert(id.clone(), version) != Some(version);
        }
        run.deployments += u64::from(is_new);
    })?;
    Ok(answer)
}

/// Whether a call that failed like that may succeed later.
pub(super) fn may_pass(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Exhausted)
}

impl DeployCommand {
    /// The deployment of the built-in process.
    pub(super) fn one_task() -> Self {
        Self::Process(ProcessArgs { path: String::new() })
    }
}
