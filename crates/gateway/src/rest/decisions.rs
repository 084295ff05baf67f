//! The evaluation of decisions.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::value::RawValue;
use skep_protocol::{
    EvaluatedDecisionRecord, EvaluatedInputRecord, EvaluatedOutputRecord, Key, MatchedRuleRecord,
    NO_KEY,
};

use super::body::{Body, KeyText, document};
use super::json::Json;
use super::problem::Problem;
use super::resources::tenant;
use crate::check;
use crate::decisions::{Evaluated, value_out};
use crate::error::GatewayError;
use crate::gateway::Gateway;
use crate::metrics::{Method, Protocol};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Evaluation {
    decision_definition_id: Option<String>,
    decision_definition_key: Option<KeyText>,
    variables: Option<Box<RawValue>>,
    tenant_id: Option<String>,
}

pub(super) async fn evaluate(
    State(gateway): State<Gateway>,
    Body(request): Body<Evaluation>,
) -> Result<Response, Problem> {
    let answer = async {
        check::tenant(request.tenant_id.as_deref().unwrap_or_default())?;
        let variables = document("variables", request.variables.as_deref())?;
        let key = request.decision_definition_key.map_or(NO_KEY, |KeyText(key)| {
            // A key that cannot be one names nothing; it must not stand for "none given".
            Key::try_from(key).ok().filter(|key| *key != NO_KEY).unwrap_or(Key::MAX)
        });
        let id = request.decision_definition_id.unwrap_or_default();
        evaluation_answer(&gateway.evaluate_decision(key, id, variables).await?)
    };
    Ok(gateway.measured(Protocol::Rest, Method::EvaluateDecision, answer).await?)
}

fn evaluation_answer(evaluated: &Evaluated) -> Result<Response, GatewayError> {
    let record = &evaluated.record;
    let mut json = Json::object();
    json.string("decisionDefinitionId", &record.decision_id);
    json.key("decisionDefinitionKey", record.decision_key);
    json.string("decisionDefinitionName", &record.decision_name);
    json.integer("decisionDefinitionVersion", i64::from(record.decision_version));
    json.key("decisionEvaluationKey", evaluated.key);
    json.key("decisionInstanceKey", evaluated.key);
    json.string("decisionRequirementsId", &record.decision_requirements_id);
    json.key("decisionRequirementsKey", record.decision_requirements_key);
    let decisions = record.evaluated_decisions.iter().enumerate();
    let decisions = decisions
        .map(|(index, decision)| evaluated_decision(decision, &evaluated.instance_key(index)))
        .collect::<Result<Vec<_>, _>>()?;
    json.list("evaluatedDecisions", decisions);
    json.string_or_null("failedDecisionDefinitionId", &record.failed_decision_id);
    json.string_or_null("failureMessage", &record.evaluation_failure_message);
    json.string("output", &value_out(&record.decision_output)?);
    json.string("tenantId", tenant(&record.tenant_id));
    Ok(json.answer())
}

fn evaluated_decision(
    decision: &EvaluatedDecisionRecord,
    instance_key: &str,
) -> Result<String, GatewayError> {
    let mut json = Json::object();
    json.string("decisionDefinitionId", &decision.decision_id);
    json.string("decisionDefinitionName", &decision.decision_name);
    json.integer("decisionDefinitionVersion", i64::from(decision.decision_version));
    json.string("decisionDefinitionType", &decision.decision_type);
    json.string("output", &value_out(&decision.decision_output)?);
    json.string("tenantId", tenant(""));
    let rules = decision.matched_rules.iter().map(rule).collect::<Result<Vec<_>, _>>()?;
    json.list("matchedRules", rules);
    let inputs = decision.evaluated_inputs.iter().map(input).collect::<Result<Vec<_>, _>>()?;
    json.list("evaluatedInputs", inputs);
    json.key("decisionDefinitionKey", decision.decision_key);
    json.string("decisionEvaluationInstanceKey", instance_key);
    Ok(json.end())
}

fn input(input: &EvaluatedInputRecord) -> Result<String, GatewayError> {
    let mut json = Json::object();
    json.string("inputId", &input.input_id);
    json.string("inputName", &input.input_name);
    json.string("inputValue", &value_out(&input.input_value)?);
    Ok(json.end())
}

fn rule(rule: &MatchedRuleRecord) -> Result<String, GatewayError> {
    let mut json = Json::object();
    json.string("ruleId", &rule.rule_id);
    json.integer("ruleIndex", i64::from(rule.rule_index));
    let outputs = rule.evaluated_outputs.iter().map(|one| output(rule, one));
    json.list("evaluatedOutputs", outputs.collect::<Result<Vec<_>, _>>()?);
    Ok(json.end())
}

fn output(
    rule: &MatchedRuleRecord,
    output: &EvaluatedOutputRecord,
) -> Result<String, GatewayError> {
    let mut json = Json::object();
    json.string("outputId", &output.output_id);
    json.string("outputName", &output.output_name);
    json.string("outputValue", &value_out(&output.output_value)?);
    json.string("ruleId", &rule.rule_id);
    json.integer("ruleIndex", i64::from(rule.rule_index));
    Ok(json.end())
}
