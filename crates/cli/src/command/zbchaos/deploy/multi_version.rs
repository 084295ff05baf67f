//! `zbchaos deploy multi-version`: many versions of a process, and of the decision that it calls.
//!
//! Two forms of each model, which differ only where it does not matter, are deployed in turns: what is
//! not like the version before it is a new version.

use clap::{Args, ValueEnum};
use skep_client::proto::DeployResourceRequest;

use super::deploy;
use crate::command::zbchaos::context::Context;
use crate::command::zbchaos::models;
use crate::failure::Failure;

/// What is deployed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Models {
    /// A process and its decision in each deployment, both with a new version
    Together,
    /// The decision, which never changes, and the process, each in a deployment of its own
    Separate,
    /// A process with a job instead of a decision
    Task,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep zbchaos deploy multi-version --versionCount 10
  skep zbchaos deploy multi-version --models task")]
pub(crate) struct MultiVersionArgs {
    /// Versions of the process; odd numbers are rounded up
    #[arg(
        long = "versionCount",
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    versions: u32,

    /// What is deployed together
    #[arg(long, value_enum, default_value_t = Models::Together)]
    models: Models,
}

const DECISIONS: [&str; 2] =
    ["bpmn/multi-version/fancyDecision.dmn", "bpmn/multi-version/fancyDecision_v2.dmn"];

const PROCESSES: [&str; 2] =
    ["bpmn/multi-version/multiVersionModel.bpmn", "bpmn/multi-version/multiVersionModel_v2.bpmn"];

const TASKS: [&str; 2] =
    ["bpmn/multi-version/multiVersionTask.bpmn", "bpmn/multi-version/multiVersionTask_v2.bpmn"];

/// The process of all of them.
const PROCESS: &str = "multiVersion";

impl MultiVersionArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let process = context.run.name(PROCESS);
        let before = context.memory()?.read().processes.get(&process).copied();
        let rounds = self.versions.div_ceil(2);
        for round in 0..rounds {
            for form in 0..2 {
                for names in self.models.deployments(form) {
                    let mut request = DeployResourceRequest::default();
                    for name in names {
                        request = request.with_resource(name, models::built_in(context, name)?);
                    }
                    deploy(context, request).await?;
                }
            }
            context.say.verbose(&format!(
                "Deployed [{}/{}] versions.",
                (round + 1) * 2,
                rounds * 2
            ))?;
        }
        let made = context.memory()?.read().processes.get(&process).copied().unwrap_or_default();
        let wanted = i32::try_from(rounds * 2).unwrap_or(i32::MAX);
        if made < before.unwrap_or_default().saturating_add(wanted) {
            return Err(Failure::Answer(format!(
                "the last version is {made}, after {} and {wanted} deployments",
                before.unwrap_or_default()
            )));
        }
        context
            .say
            .line("Deployed different process models of different types and versions to zeebe!")
    }
}

impl Models {
    /// The resources of each deployment of a form, in order.
    fn deployments(self, form: usize) -> Vec<Vec<&'static str>> {
        match self {
            Self::Together => vec![vec![PROCESSES[form], DECISIONS[form]]],
            Self::Separate if form == 0 => vec![vec![DECISIONS[0]], vec![PROCESSES[0]]],
            Self::Separate => vec![vec![PROCESSES[form]]],
            Self::Task => vec![vec![TASKS[form]]],
        }
    }
}
