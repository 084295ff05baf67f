//! `zbchaos verify instance-creation`, `instance-count`, `steady-state`, `decision`: what was deployed
//! works where it should.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use skep_client::proto::{
    CancelProcessInstanceRequest, CreateProcessInstanceRequest, EvaluateDecisionRequest,
};
use skep_client::{Client, ErrorKind};

use super::until_right;
use crate::command::zbchaos::context::Context;
use crate::command::zbchaos::deploy::DeployCommand;
use crate::command::zbchaos::memory::Remembered;
use crate::command::zbchaos::publish::partition_of;
use crate::failure::Failure;
use crate::variables;

/// How long the result of one instance is awaited: those that find no worker take as long.
const RESULT_MAX: Duration = Duration::from_secs(10);

/// Which version is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// The highest, whichever it is.
    Latest,
    /// The one that the last deployment of this run made.
    LatestDeployed,
    Number(i32),
}

/// Reads `-1`, a number, or `latest-deployed`.
fn version(text: &str) -> Result<Version, String> {
    match text {
        "-1" | "latest" => Ok(Version::Latest),
        "latest-deployed" => Ok(Version::LatestDeployed),
        _ => match text.parse() {
            Ok(number) if number > 0 => Ok(Version::Number(number)),
            _ => Err(format!("'{text}' is no version: write a number, -1 or latest-deployed")),
        },
    }
}

impl Version {
    /// Its number; none for whichever is the highest.
    fn number(
        self,
        context: &Context,
        id: &str,
        deployed: impl FnOnce(Remembered) -> Option<i32>,
    ) -> Result<Option<i32>, Failure> {
        match self {
            Self::Latest => Ok(None),
            Self::Number(number) => Ok(Some(number)),
            Self::LatestDeployed => match deployed(context.memory()?.read()) {
                Some(number) => Ok(Some(number)),
                None => Err(Failure::Usage(format!(
                    "this run has not deployed {id}: name a version, or deploy it first"
                ))),
            },
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  skep zbchaos verify instance-creation --partitionId 3
  skep zbchaos verify instance-creation --bpmnProcessId multiVersion --version latest-deployed --partitionId 2 --awaitResult --expect '{\"out\": \"yolo\"}'")]
pub(crate) struct InstanceArgs {
    /// The partition; 0 is any, which is also the default with --awaitResult
    #[arg(long = "partitionId", value_name = "N")]
    partition: Option<u32>,

    /// Variables to start with
    #[arg(long, value_name = "JSON", default_value = "")]
    variables: String,

    /// Wait until it has completed
    #[arg(long = "awaitResult")]
    await_result: bool,

    /// Variables that it has to end with
    #[arg(long, value_name = "JSON", requires = "await_result")]
    expect: Option<String>,

    /// How long it may take
    #[arg(long = "timeoutInSec", value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,

    /// The process
    #[arg(long = "bpmnProcessId", value_name = "ID", default_value = "benchmark")]
    process: String,

    /// Its version: a number, -1 for the highest, latest-deployed for what this run deployed last
    #[arg(long, value_name = "N", default_value = "-1", allow_negative_numbers = true, value_parser = version)]
    version: Version,
}

/// What is started.
struct Start {
    process: String,
    version: Option<i32>,
    variables: String,
    /// Wait for the end, which has to have these variables.
    result: Option<Value>,
}

/// An instance that was started.
struct Started {
    key: i64,
    /// What is wrong with it; another attempt would not make it better.
    wrong: Option<String>,
}

impl InstanceArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let partition = self.partition.unwrap_or(u32::from(!self.await_result));
        if partition > 0 {
            let topology = context.patient_topology(Duration::from_secs(self.timeout)).await?;
            topology.known(partition)?;
        }
        let result = match (&self.expect, self.await_result) {
            (Some(text), _) => Some(parse(text)?),
            (None, true) => Some(Value::Null),
            (None, false) => None,
        };
        let process = context.run.name(&self.process);
        let version =
            self.version.number(context, &process, |run| run.processes.get(&process).copied())?;
        let start = Start { process, version, variables: given(&self.variables)?, result };
        let what = format!("Expected to create process instance on partition {partition}");
        until_right(&what, Duration::from_secs(self.timeout), async || {
            let client = context.client().await?;
            let started = match start.once(&client).await {
                Ok(started) => started,
                Err(failure) => {
                    let text = failure.text();
                    context.say.verbose(&format!(
                        "Encountered an error during process instance creation. Error: {text}"
                    ))?;
                    return Ok(Some(text));
                }
            };
            if let Some(wrong) = started.wrong {
                return Err(Failure::Usage(wrong));
            }
            let at = partition_of(started.key);
            if start.result.is_none() {
                start.clean(&client, started.key).await;
            }
            if partition == 0 || at == partition {
                context.say.verbose(&format!("Instance {} on partition {at}.", started.key))?;
                return Ok(None);
            }
            Ok(Some(format!("instances come to other partitions, the last to {at}")))
        })
        .await?;
        context.say.line("The steady-state was successfully verified!")
    }
}

fn parse(text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text)
        .map_err(|error| Failure::Usage(format!("{text:?} is no JSON: {error}")))
}

fn given(text: &str) -> Result<String, Failure> {
    if text.is_empty() { Ok(String::new()) } else { variables::read(Some(text)) }
}

impl Start {
    async fn once(&self, client: &Client) -> Result<Started, Failure> {
        let request = CreateProcessInstanceRequest::latest(&self.process)
            .with_version(self.version.unwrap_or(-1))
            .with_variables(&self.variables);
        let Some(expected) = &self.result else {
            let answer = client.create_process_instance(request).await?;
            return Ok(self.started(answer.process_instance_key, answer.version));
        };
        let request = request.awaiting_result(RESULT_MAX, Vec::new());
        let answer = client.create_process_instance_with_result(request).await?;
        let mut started = self.started(answer.process_instance_key, answer.version);
        let found: Value = serde_json::from_str(&answer.variables).unwrap_or_default();
        if started.wrong.is_none() && !contains(&found, expected) {
            started.wrong = Some(format!(
                "the instance {} ended with {found}, expected {expected}",
                started.key
            ));
        }
        Ok(started)
    }

    fn started(&self, key: i64, version: i32) -> Started {
        let wrong = self.version.filter(|wanted| *wanted != version);
        let wrong = wrong.map(|wanted| format!("version {version} was started, not {wanted}"));
        Started { key, wrong }
    }

    /// Takes an instance away that nobody works on. One that has ended needs nothing.
    async fn clean(&self, client: &Client, key: i64) {
        let _ = client.cancel_process_instance(CancelProcessInstanceRequest::new(key)).await;
    }
}

/// Whether everything that is expected is there, with the same value.
fn contains(found: &Value, expected: &Value) -> bool {
    match expected {
        Value::Object(fields) => fields.iter().all(|(name, value)| contains(&found[name], value)),
        Value::Null => true,
        other => found == other,
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  skep zbchaos verify instance-count --instanceCount 50 --bpmnProcessId benchmark"
)]
pub(crate) struct CountArgs {
    /// How many
    #[arg(long = "instanceCount", value_name = "N", default_value_t = 1)]
    count: u32,

    /// Variables to start with
    #[arg(long, value_name = "JSON", default_value = "")]
    variables: String,

    /// How long it may take
    #[arg(long = "timeoutInSec", value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,

    /// The process
    #[arg(long = "bpmnProcessId", value_name = "ID", default_value = "benchmark")]
    process: String,

    /// Its version: a number, -1 for the highest, latest-deployed for what this run deployed last
    #[arg(long, value_name = "N", default_value = "-1", allow_negative_numbers = true, value_parser = version)]
    version: Version,
}

impl CountArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let process = context.run.name(&self.process);
        let version =
            self.version.number(context, &process, |run| run.processes.get(&process).copied())?;
        let is_built_in = process == context.run.name("benchmark");
        let start = Start { process, version, variables: given(&self.variables)?, result: None };
        let mut created = BTreeSet::new();
        let what = format!("Expected to create {} process instances", self.count);
        let ended = until_right(&what, Duration::from_secs(self.timeout), async || {
            let client = context.client().await?;
            while created.len() < self.count as usize {
                let started = start.once(&client).await?;
                created.insert(started.key);
                if let Some(wrong) = started.wrong {
                    return Err(Failure::Usage(wrong));
                }
            }
            Ok(None)
        })
        .await;
        let count = created.len();
        if is_built_in {
            context.memory()?.change(|run| run.started.append(&mut created))?;
        }
        ended?;
        context.say.line(&format!("Created {count} process instances successfully."))
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  skep zbchaos verify steady-state --partitionId 3")]
pub(crate) struct SteadyStateArgs {
    /// The partition
    #[arg(long = "partitionId", value_name = "N", default_value_t = 1)]
    partition: u32,

    /// How long it may take
    #[arg(long = "timeoutInSec", value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
}

impl SteadyStateArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        DeployCommand::one_task().run(context).await?;
        let args = InstanceArgs {
            partition: Some(self.partition),
            variables: String::new(),
            await_result: false,
            expect: None,
            timeout: self.timeout,
            process: "benchmark".to_owned(),
            version: Version::LatestDeployed,
        };
        args.run(context).await
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  skep zbchaos verify decision --decisionId fancyDecision --partitionId 3 --expect '\"yolo\"'"
)]
pub(crate) struct DecisionArgs {
    /// The decision
    #[arg(long = "decisionId", value_name = "ID", default_value = "fancyDecision")]
    decision: String,

    /// The partition; 0 is any
    #[arg(long = "partitionId", value_name = "N", default_value_t = 1)]
    partition: u32,

    /// The version that is the latest there
    #[arg(long, value_name = "N", default_value = "latest-deployed", value_parser = version)]
    version: Version,

    /// What it has to give
    #[arg(long, value_name = "JSON")]
    expect: Option<String>,

    /// How long it may take
    #[arg(long = "timeoutInSec", value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

impl DecisionArgs {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let decision = context.run.name(&self.decision);
        let version =
            self.version.number(context, &decision, |run| run.decisions.get(&decision).copied())?;
        let expected = self.expect.as_deref().map(parse).transpose()?;
        let what = format!("Expected to evaluate {decision} on partition {}", self.partition);
        until_right(&what, Duration::from_secs(self.timeout), async || {
            let client = context.client().await?;
            let request = EvaluateDecisionRequest::latest(&decision);
            let answer = match client.evaluate_decision(request).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Ok(Some(error.message().to_owned()));
                }
                answer => answer?,
            };
            let key = answer.decision_evaluation_key;
            if self.partition != 0 && partition_of(key) != self.partition {
                return Ok(Some("it is evaluated on other partitions".to_owned()));
            }
            if version.is_some_and(|wanted| wanted != answer.decision_version) {
                return Ok(Some(format!("version {} is the latest", answer.decision_version)));
            }
            let output: Value = serde_json::from_str(&answer.decision_output).unwrap_or_default();
            let is_wrong = expected.as_ref().is_some_and(|expected| *expected != output);
            Ok(is_wrong.then(|| format!("it gives {output}")))
        })
        .await?;
        context.say.line(&format!("{decision} is as deployed on partition {}.", self.partition))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_are_numbers_or_what_was_deployed() {
        assert_eq!(version("-1"), Ok(Version::Latest));
        assert_eq!(version("10"), Ok(Version::Number(10)));
        assert_eq!(version("latest-deployed"), Ok(Version::LatestDeployed));
        assert!(version("0").is_err() && version("newest").is_err());
    }

    #[test]
    fn results_may_have_more_than_expected_and_not_less() {
        let found = json!({"out": {"dummy": "yolo"}, "key": "0"});
        assert!(contains(&found, &json!({"out": {"dummy": "yolo"}})));
        assert!(contains(&found, &Value::Null));
        assert!(!contains(&found, &json!({"out": "yolo"})));
        assert!(!contains(&json!({}), &json!({"out": "yolo"})));
    }
}
