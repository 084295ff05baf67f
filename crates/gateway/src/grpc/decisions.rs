//! Deployed definitions and evaluated decisions as messages of the contract.

use skep_protocol::{
    DecisionMetadata, DecisionRequirementsMetadata, DeploymentRecord, EvaluatedDecisionRecord,
    EvaluatedInputRecord, EvaluatedOutputRecord, MatchedRuleRecord,
};

use super::convert::{key_out, tenant_out, version_out};
use crate::decisions::{Evaluated, value_out};
use crate::error::GatewayError;
use crate::proto;
use crate::proto::deployment::Metadata;

pub(super) fn process_metadata(process: skep_protocol::ProcessMetadata) -> proto::ProcessMetadata {
    proto::ProcessMetadata {
        bpmn_process_id: process.bpmn_process_id,
        version: version_out(process.version),
        process_definition_key: key_out(process.process_definition_key),
        resource_name: process.resource_name,
        tenant_id: tenant_out(String::new()),
    }
}

fn decision_metadata(decision: DecisionMetadata) -> proto::DecisionMetadata {
    proto::DecisionMetadata {
        dmn_decision_id: decision.decision_id,
        dmn_decision_name: decision.decision_name,
        version: version_out(decision.version),
        decision_key: key_out(decision.decision_key),
        dmn_decision_requirements_id: decision.decision_requirements_id,
        decision_requirements_key: key_out(decision.decision_requirements_key),
        tenant_id: tenant_out(String::new()),
    }
}

fn requirements_metadata(
    graph: DecisionRequirementsMetadata,
) -> proto::DecisionRequirementsMetadata {
    proto::DecisionRequirementsMetadata {
        dmn_decision_requirements_id: graph.decision_requirements_id,
        dmn_decision_requirements_name: graph.decision_requirements_name,
        version: version_out(graph.version),
        decision_requirements_key: key_out(graph.decision_requirements_key),
        resource_name: graph.resource_name,
        tenant_id: tenant_out(String::new()),
    }
}

/// What a deployment made or found again: processes, decisions, then graphs (`spec/engine.md` 7.11,
/// item 120).
pub(super) fn deployments(deployed: DeploymentRecord) -> Vec<proto::Deployment> {
    let processes = deployed.processes.into_iter().map(process_metadata).map(Metadata::Process);
    let decisions = deployed.decisions.into_iter().map(decision_metadata).map(Metadata::Decision);
    let graphs = deployed.decision_requirements.into_iter();
    let graphs = graphs.map(requirements_metadata).map(Metadata::DecisionRequirements);
    processes
        .chain(decisions)
        .chain(graphs)
        .map(|metadata| proto::Deployment { metadata: Some(metadata) })
        .collect()
}

#[expect(deprecated, reason = "clients before 8.8 read the old name of the evaluation's key")]
pub(super) fn evaluation(
    evaluated: Evaluated,
) -> Result<proto::EvaluateDecisionResponse, GatewayError> {
    let record = &evaluated.record;
    let decisions = record.evaluated_decisions.iter().enumerate();
    let evaluated_decisions = decisions
        .map(|(index, decision)| evaluated_decision(decision, evaluated.instance_key(index)))
        .collect::<Result<_, _>>()?;
    let decision_output = value_out(&record.decision_output)?;
    let key = key_out(evaluated.key);
    let record = evaluated.record;
    Ok(proto::EvaluateDecisionResponse {
        decision_key: key_out(record.decision_key),
        decision_id: record.decision_id,
        decision_name: record.decision_name,
        decision_version: version_out(record.decision_version),
        decision_requirements_id: record.decision_requirements_id,
        decision_requirements_key: key_out(record.decision_requirements_key),
        decision_output,
        evaluated_decisions,
        failed_decision_id: record.failed_decision_id,
        failure_message: record.evaluation_failure_message,
        tenant_id: tenant_out(record.tenant_id),
        decision_instance_key: key,
        decision_evaluation_key: key,
    })
}

fn evaluated_decision(
    decision: &EvaluatedDecisionRecord,
    decision_evaluation_instance_key: String,
) -> Result<proto::EvaluatedDecision, GatewayError> {
    Ok(proto::EvaluatedDecision {
        decision_key: key_out(decision.decision_key),
        decision_id: decision.decision_id.clone(),
        decision_name: decision.decision_name.clone(),
        decision_version: version_out(decision.decision_version),
        decision_type: decision.decision_type.clone(),
        decision_output: value_out(&decision.decision_output)?,
        matched_rules: decision.matched_rules.iter().map(rule).collect::<Result<_, _>>()?,
        evaluated_inputs: decision.evaluated_inputs.iter().map(input).collect::<Result<_, _>>()?,
        tenant_id: tenant_out(String::new()),
        decision_evaluation_instance_key,
    })
}

fn input(input: &EvaluatedInputRecord) -> Result<proto::EvaluatedDecisionInput, GatewayError> {
    Ok(proto::EvaluatedDecisionInput {
        input_id: input.input_id.clone(),
        input_name: input.input_name.clone(),
        input_value: value_out(&input.input_value)?,
    })
}

fn rule(rule: &MatchedRuleRecord) -> Result<proto::MatchedDecisionRule, GatewayError> {
    Ok(proto::MatchedDecisionRule {
        rule_id: rule.rule_id.clone(),
        rule_index: version_out(rule.rule_index),
        evaluated_outputs: rule.evaluated_outputs.iter().map(output).collect::<Result<_, _>>()?,
    })
}

fn output(output: &EvaluatedOutputRecord) -> Result<proto::EvaluatedDecisionOutput, GatewayError> {
    Ok(proto::EvaluatedDecisionOutput {
        output_id: output.output_id.clone(),
        output_name: output.output_name.clone(),
        output_value: value_out(&output.output_value)?,
    })
}
