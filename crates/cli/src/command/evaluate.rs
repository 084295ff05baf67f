//! `skep evaluate decision ID|KEY`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use skep_client::proto::EvaluateDecisionRequest;

use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::Format;
use crate::variables;

#[derive(Debug, Subcommand)]
pub(crate) enum EvaluateCommand {
    /// Evaluate the latest version of a decision, or one by key
    Decision(DecisionArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  skep evaluate decision discount --variables '{\"total\": 120}'")]
pub(crate) struct DecisionArgs {
    /// Decision id, or decision key (all digits)
    #[arg(value_name = "ID|KEY")]
    decision: String,

    /// Variables: JSON object, @file, or - for stdin
    #[arg(long, value_name = "JSON|@FILE|-")]
    variables: Option<String>,

    /// Tenant of the decision
    #[arg(long, value_name = "ID", default_value = "")]
    tenant: String,
}

impl EvaluateCommand {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let Self::Decision(args) = self;
        let request = match args.decision.parse::<i64>() {
            Ok(key) => EvaluateDecisionRequest::by_key(key),
            Err(_) => EvaluateDecisionRequest::latest(args.decision),
        };
        let request = EvaluateDecisionRequest {
            variables: variables::read(args.variables.as_deref())?,
            tenant_id: args.tenant,
            ..request
        };
        let answer = connection.connect().await?.evaluate_decision(request).await?;
        if !answer.failure_message.is_empty() {
            return Err(Failure::Answer(format!(
                "decision {} could not be evaluated: {}",
                answer.failed_decision_id, answer.failure_message
            )));
        }
        let evaluated: Vec<Value> = answer
            .evaluated_decisions
            .iter()
            .map(|decision| {
                json!({
                    "decisionId": decision.decision_id,
                    "decisionName": decision.decision_name,
                    "output": parsed(&decision.decision_output),
                    "matchedRules":
                        decision.matched_rules.iter().map(|rule| rule.rule_index).collect::<Vec<_>>(),
                })
            })
            .collect();
        let mut json = json!({
            "decisionId": answer.decision_id,
            "decisionVersion": answer.decision_version,
            "decisionKey": answer.decision_key.to_string(),
            "output": parsed(&answer.decision_output),
        });
        if format == Format::Json {
            json["evaluatedDecisions"] = evaluated.into();
        }
        format.record(&json)
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}
