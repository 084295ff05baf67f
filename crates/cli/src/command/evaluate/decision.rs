//! `skep evaluate decision ID|KEY`.

use clap::Args;
use serde_json::{Value, json};
use skep_client::proto::{EvaluateDecisionRequest, EvaluateDecisionResponse, EvaluatedDecision};

use super::trace::{Trace, add_rules, json_or_null, named};
use crate::connection::ConnectionArgs;
use crate::failure::Failure;
use crate::output::Format;
use crate::variables;

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

impl DecisionArgs {
    pub(crate) async fn run(
        self,
        connection: &ConnectionArgs,
        format: Format,
    ) -> Result<(), Failure> {
        let request = match self.decision.parse::<i64>() {
            Ok(key) => EvaluateDecisionRequest::by_key(key),
            Err(_) => EvaluateDecisionRequest::latest(self.decision),
        };
        let request = EvaluateDecisionRequest {
            variables: variables::read(self.variables.as_deref())?,
            tenant_id: self.tenant,
            ..request
        };
        let answer = connection.connect().await?.evaluate_decision(request).await?;
        trace_of(&answer).print(format)
    }
}

fn trace_of(answer: &EvaluateDecisionResponse) -> Trace {
    let failure = (!answer.failed_decision_id.is_empty())
        .then(|| (answer.failed_decision_id.clone(), answer.failure_message.clone()));
    Trace {
        head: json!({
            "decisionId": answer.decision_id,
            "decisionVersion": answer.decision_version,
            "decisionKey": answer.decision_key.to_string(),
        }),
        output: json_or_null(&answer.decision_output),
        failure,
        decisions: answer.evaluated_decisions.iter().map(evaluated).collect(),
        warnings: Vec::new(),
    }
}

fn evaluated(decision: &EvaluatedDecision) -> Value {
    let inputs = decision.evaluated_inputs.iter();
    let inputs = inputs.map(|input| (&*input.input_name, json_or_null(&input.input_value)));
    let mut evaluated = json!({
        "decisionId": decision.decision_id,
        "decisionName": decision.decision_name,
        "decisionVersion": decision.decision_version,
        "decisionType": decision.decision_type,
        "output": json_or_null(&decision.decision_output),
        "inputs": named(inputs),
    });
    let rules = decision.matched_rules.iter().map(|rule| {
        let outputs = rule.evaluated_outputs.iter();
        let outputs =
            outputs.map(|output| (&*output.output_name, json_or_null(&output.output_value)));
        (i64::from(rule.rule_index), named(outputs))
    });
    add_rules(&mut evaluated, rules);
    evaluated
}
